/* SPDX-License-Identifier: Apache-2.0 */
/* A workspace is removed with what is in it, and nothing else is (core/sync/workspace.h). */
#include "import_fixture.h"
#include "rounds.h"
#include "test.h"

#define ROWS S(IMPORT_HEAD "10|F-1|a|1|\n10|F-2|b|2|\n10|F-3||many|\n99|3\n")

/* With a file of each state that an API can bring about. */
static void fill_workspace(const struct sync_fixture *f)
{
    EXPECT_EQ(import_text(f, ROWS).state, SYNC_IMPORTED_WITH_ERRORS);
    EXPECT_EQ(import_text(f, S("no lines")).state, SYNC_FAILED);
    sync_fixture_issue(f, S("announced"));
    import_upload(f, "uploaded", S("hello"));
}

static struct account account_now(const struct sync_fixture *f)
{
    struct account account;
    EXPECT_OK(account_get(&f->w->core, f->ana.account_id, f->w->a, &account));
    return account;
}

static bool workspace_is_there(const struct sync_fixture *f, slice name)
{
    struct workspace found;
    return !workspace_find(&f->w->core, f->ana.account_id, name, f->w->a, &found);
}

static err_t key_check(const struct sync_fixture *f)
{
    struct principal who;
    return access_check(&f->w->core, S("test"), CREDENTIAL_KEY, f->key, f->w->a, &who);
}

TEST(a_workspace_is_removed_with_what_is_in_it_and_nothing_else_is)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct workspace other;
    struct section section;
    const struct section_request request = { S("X"), S("B"), false };
    EXPECT_OK(workspace_add(&w->core, &w->operator_, S("X"), w->a, &other));
    EXPECT_OK(section_add(&w->core, &w->operator_, &request, w->a, &section));
    fill_workspace(&f);
    EXPECT_OK(key_check(&f));
    EXPECT_OK(workspace_remove(&w->core, &w->operator_, S("W"), w->a));
    EXPECT(!workspace_is_there(&f, S("W")) && workspace_is_there(&f, S("X")));
    EXPECT_ERR(key_check(&f), ERR_REVOKED);
    EXPECT_REFUSED(workspace_remove(&w->core, &w->operator_, S("W"), w->a), REASON_SYNC_NO_WORKSPACE);
    struct account now = account_now(&f);
    EXPECT_EQ(now.used_files, 0);
    EXPECT_EQ(now.used_bytes, 0);
    EXPECT_EQ(now.pending_files, 0);
    EXPECT_EQ(world_event_count(w, S("workspace.remove")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);                                       /* also what records count for */
    EXPECT_OK(workspace_add(&w->core, &w->operator_, S("W"), w->a, &other)); /* the name is free */
}

TEST(a_workspace_into_which_a_file_is_imported_stays)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a", ROWS);
    import_start(&f, &file, "act");
    EXPECT_ERR(workspace_remove(&w->core, &w->operator_, S("W"), w->a), ERR_CONFLICT);
    EXPECT_OK(key_check(&f));
    EXPECT(workspace_is_there(&f, S("W")));
    world_run_jobs(w);
    EXPECT_OK(workspace_remove(&w->core, &w->operator_, S("W"), w->a));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_removal_of_a_workspace_that_fails_at_any_call_goes_on)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        WORLD(w);
        struct sync_fixture f = sync_fixture_new(w);
        fill_workspace(&f);
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = workspace_remove(&w->core, &w->operator_, S("W"), w->a);
        w->faults.fail_at = 0;
        err_t again = e ? workspace_remove(&w->core, &w->operator_, S("W"), w->a) : NULL;
        EXPECT(!again || err_reason(again) == REASON_SYNC_NO_WORKSPACE); /* the last write had been done */
        EXPECT(!workspace_is_there(&f, S("W")));
        EXPECT_EQ(account_now(&f).used_files, 0);
        EXPECT_EQ(world_fsck(w, false), 0);
        if (!e) {
            EXPECT(nth > 10);
            break;
        }
    }
}

RUN_TESTS(cmocka_unit_test(a_workspace_is_removed_with_what_is_in_it_and_nothing_else_is),
          cmocka_unit_test(a_workspace_into_which_a_file_is_imported_stays),
          cmocka_unit_test(a_removal_of_a_workspace_that_fails_at_any_call_goes_on))
