/* SPDX-License-Identifier: Apache-2.0 */
/* Workspaces, entities, keys that work in a workspace, and sync files from their issue to their end. */
#include "core/bucket/entry_guard.h"
#include "core/core_priv.h"
#include "core/file/file.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/sync/entity.h"
#include "import_fixture.h"
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"

#include <string.h>

enum { SMALL = 100, LARGE = 40000 };

/* ---- workspaces, sections, entities ---- */

TEST(workspaces_and_sections_have_any_printable_name_or_get_one)
{
    WORLD(w);
    struct core *core = &w->core;
    struct workspace made, found;
    struct section section;
    static const char *const bad[] = { "a/b", ".", "..", "a\nb", "\xff", "a\x7f" };
    int64_t before = world_account(w).record_bytes;
    EXPECT_OK(workspace_add(core, &w->operator_, S("Família 1 \\ ü"), w->a, &made));
    EXPECT_OK(workspace_find(core, made.account_id, S("Família 1 \\ ü"), w->a, &found));
    EXPECT_EQ(found.id, made.id);
    EXPECT_REFUSED(workspace_add(core, &w->operator_, made.name, w->a, &found), REASON_SYNC_WORKSPACE_TAKEN);
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_REFUSED(workspace_add(core, &w->operator_, slice_of(bad[i]), w->a, &found), REASON_SYNC_BAD_NAME);
    char text[130];
    memset(text, 'x', sizeof text);
    EXPECT_OK(workspace_add(core, &w->operator_, (slice){ text, 128 }, w->a, &found));
    EXPECT_REFUSED(workspace_add(core, &w->operator_, (slice){ text, 129 }, w->a, &found), REASON_SYNC_BAD_NAME);
    EXPECT_OK(workspace_add(core, &w->operator_, S(""), w->a, &found));
    EXPECT_EQ(found.name.n, 24);
    struct section_request request = { made.name, S("B"), true };
    EXPECT_OK(section_add(core, &w->operator_, &request, w->a, &section));
    EXPECT_REFUSED(section_add(core, &w->operator_, &request, w->a, &section), REASON_SYNC_SECTION_TAKEN);
    request.workspace = S("none");
    EXPECT_REFUSED(section_add(core, &w->operator_, &request, w->a, &section), REASON_SYNC_NO_WORKSPACE);
    struct section_list list;
    EXPECT_OK(section_list(core, made.id, &(struct id_page){ 0, 10 }, w->a, &list));
    EXPECT(list.count == 1 && list.items[0].refuses_deletes);
    struct workspace_list all;
    EXPECT_OK(workspace_list(core, made.account_id, &(struct id_page){ made.id, 1 }, w->a, &all));
    EXPECT(all.count == 1 && all.items[0].id > made.id);
    EXPECT_EQ(world_account(w).record_bytes - before, 4 * 256 + (int64_t)made.name.n + 128 + 24 + 1);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(entities_are_built_in_or_registered_and_names_and_data_sources_are_unique)
{
    WORLD(w);
    struct core *core = &w->core;
    struct entity e;
    int64_t account = w->operator_.account_id;
    EXPECT_EQ(entities_built_in_count, 14);
    EXPECT_OK(entity_find(core, account, S("family_income"), w->a, &e));
    EXPECT_SLICE(e.type, S("wks_family_extensions"));
    EXPECT_SLICE(e.data_source, S("cc-family-income"));
    EXPECT_OK(entity_of_data_source(core, account, S("cc-service-care"), w->a, &e));
    EXPECT_SLICE(e.name, S("care"));
    struct entity_request bus = { S("bus"), S("wks_bus"), S("cc-bus") };
    EXPECT_OK(entity_add(core, &w->operator_, &bus, w->a, &e));
    EXPECT_OK(entity_find(core, account, S("bus"), w->a, &e));
    EXPECT_OK(entity_of_data_source(core, account, S("cc-bus"), w->a, &e));
    EXPECT_SLICE(e.type, S("wks_bus"));
    EXPECT_REFUSED(entity_find(core, account + 1, S("bus"), w->a, &e), REASON_SYNC_NO_ENTITY);
    EXPECT_REFUSED(entity_of_data_source(core, account, S("cc-car"), w->a, &e), REASON_SYNC_NO_ENTITY);
    const struct entity_request taken[] = { bus,
                                            { S("bus"), S("t"), S("d") },
                                            { S("car"), S("t"), S("cc-bus") },
                                            { S("family"), S("t"), S("d") },
                                            { S("car"), S("t"), S("cc-family") } };
    for (size_t i = 0; i < LENGTH_OF(taken); i++)
        EXPECT_REFUSED(entity_add(core, &w->operator_, &taken[i], w->a, &e), REASON_SYNC_ENTITY_TAKEN);
    struct entity_request slash = { S("a/b"), S("t"), S("d") };
    EXPECT_REFUSED(entity_add(core, &w->operator_, &slash, w->a, &e), REASON_SYNC_BAD_NAME);
    struct entity_list list;
    EXPECT_OK(entity_list(core, account, &(struct id_page){ 0, 10 }, w->a, &list));
    EXPECT_EQ(list.count, 1);
    EXPECT_EQ(world_fsck(w, false), 0);
}

/* ---- keys ---- */

TEST(a_key_works_in_its_workspace_until_it_expires)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct minted_key minted;
    struct principal who;
    slice secret;
    struct key_request request = { .login = S("ana"),
                                   .purpose = S("test"),
                                   .role = KEY_READER,
                                   .workspace = S("W"),
                                   .section = S("other"),
                                   .expires_at_ms = core_now_ms(&w->core) + minutes(1) };
    who = sync_fixture_key(&f, &request, &secret);
    EXPECT(who.workspace_id && who.workspace_id == f.ana.workspace_id && who.section_id != f.ana.section_id);
    EXPECT_OK(access_check(&w->core, S("test"), CREDENTIAL_KEY, secret, w->a, &who)); /* from the cache */
    EXPECT(who.workspace_id == f.ana.workspace_id && who.section_id);
    world_wait(w, minutes(1) - 1);
    EXPECT_OK(access_check(&w->core, S("test"), CREDENTIAL_KEY, secret, w->a, &who));
    world_wait(w, 1);
    EXPECT_ERR(access_check(&w->core, S("test"), CREDENTIAL_KEY, secret, w->a, &who), ERR_EXPIRED);
    EXPECT_ERR(key_mint(&w->core, &w->operator_, &request, w->a, &minted), ERR_INVALID);
    request.expires_at_ms = 0;
    request.section = S("none");
    EXPECT_REFUSED(key_mint(&w->core, &w->operator_, &request, w->a, &minted), REASON_SYNC_NO_SECTION);
    request.workspace = S("none");
    EXPECT_REFUSED(key_mint(&w->core, &w->operator_, &request, w->a, &minted), REASON_SYNC_NO_WORKSPACE);
    struct key_info_list keys;
    EXPECT_OK(key_list(&w->core, S("ana"), ALL_IDS, w->a, &keys));
    EXPECT_EQ(keys.count, 2);
    EXPECT_SLICE(keys.items[1].workspace, S("W"));
    EXPECT_SLICE(keys.items[1].section, S("other"));
}

/* ---- issuing ---- */

TEST(a_sync_file_has_a_handle_and_a_key_of_its_own)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_request request = sync_fixture_request(&f, S("a b.txt"));
    struct sync_file file, second, found;
    EXPECT_OK(sync_fixture_try(&f, &f.ana, &request, &file));
    EXPECT_OK(sync_fixture_try(&f, &f.ana, &request, &second));
    EXPECT(!slice_eq(file.handle, second.handle) && !slice_eq(file.key, second.key));
    EXPECT_EQ(file.action.n, 24);
    EXPECT(!slice_eq(file.action, file.handle));
    EXPECT_SLICE(file.key, arena_printf(w->a, "W/import/2026/11/daily/" SLICE_FMT "_a b.txt", SLICE_ARG(file.handle)));
    EXPECT_OK(sync_file_find(&w->core, &f.ana, file.handle, w->a, &found));
    EXPECT(found.id == file.id && found.state == SYNC_CREATED && found.revision == 1 && found.file_id == 0);
    EXPECT_SLICE(found.section, S("B"));
    EXPECT_EQ(found.link_expires_at_ms, found.created_at_ms + SYNC_LIFETIME_MS);
    EXPECT_EQ(world_account(w).pending_files, 2);
    EXPECT_REFUSED(sync_file_find(&w->core, &f.ana, S("000000000000000000000000"), w->a, &found), REASON_SYNC_NO_FILE);
    EXPECT_EQ(world_event_count(w, S("sync.issue")), 2);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(a_request_may_name_the_workspace_of_its_key_and_any_section_of_it)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_request request = sync_fixture_request(&f, S("a"));
    struct sync_file file;
    struct workspace other;
    struct section section;
    EXPECT_OK(workspace_add(&w->core, &w->operator_, S("V"), w->a, &other));
    EXPECT_OK(section_add(&w->core, &w->operator_, &(struct section_request){ S("V"), S("X"), false }, w->a, &section));
    request.workspace = S("W");
    request.section = S("other");
    EXPECT_OK(sync_fixture_try(&f, &f.ana, &request, &file));
    EXPECT_SLICE(file.section, S("other"));
    request.section = S("X");
    EXPECT_REFUSED(sync_fixture_try(&f, &f.ana, &request, &file), REASON_SYNC_NO_ACCESS);
    request.workspace = S("V");
    EXPECT_REFUSED(sync_fixture_try(&f, &f.ana, &request, &file), REASON_SYNC_NO_ACCESS);
    request.section = S("");
    EXPECT_REFUSED(sync_fixture_try(&f, &f.ana, &request, &file), REASON_SYNC_NO_ACCESS);
    struct principal none = f.ana;
    none.workspace_id = 0;
    request = sync_fixture_request(&f, S("a"));
    EXPECT_REFUSED(sync_fixture_try(&f, &none, &request, &file), REASON_SYNC_NO_ACCESS);
    /* a file of one workspace is unknown to the keys of another, and to other accounts */
    file = sync_fixture_issue(&f, S("a"));
    struct sync_file found;
    struct principal stranger = f.ana;
    stranger.workspace_id = other.id;
    EXPECT_REFUSED(sync_file_find(&w->core, &stranger, file.handle, w->a, &found), REASON_SYNC_NO_FILE);
    stranger = f.ana;
    stranger.account_id++;
    EXPECT_REFUSED(sync_file_find(&w->core, &stranger, file.handle, w->a, &found), REASON_SYNC_NO_FILE);
}

TEST(what_does_not_fit_into_a_key_or_into_the_account_is_refused)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_request request = sync_fixture_request(&f, S("a"));
    struct sync_file file;
    char *folder = arena_alloc(w->a, 1100);
    memset(folder, 'd', 1100);
    request.folder = (slice){ folder, 1100 };
    EXPECT_REFUSED(sync_fixture_try(&f, &f.ana, &request, &file), REASON_SYNC_LONG_KEY);
    request.folder = S("d");
    w->core.options.account_max_pending = 1;
    EXPECT_OK(sync_fixture_try(&f, &f.ana, &request, &file));
    EXPECT_REFUSED(sync_fixture_try(&f, &f.ana, &request, &file), REASON_TICKET_TOO_MANY_PENDING);
    w->core.options.account_max_pending = 0;
    world_set_room(w, 100, 0);
    EXPECT_ERR(sync_fixture_try(&f, &f.ana, &request, &file), ERR_QUOTA);
    EXPECT_EQ(world_account(w).pending_files, 1);
}

/* ---- bytes ---- */

static struct file file_of(struct world *w, int64_t id)
{
    struct file file = { 0 };
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_file_get(tx, id, w->a, &file));
    meta_read_end(tx);
    return file;
}

TEST(bytes_become_a_file_that_the_sync_file_holds)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    size_t sizes[] = { 0, SMALL, LARGE };
    uint64_t all = 0;
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct sync_file file = sync_fixture_issue(&f, S("a.txt"));
        slice bytes = world_bytes(w, sizes[i]), back;
        EXPECT(!bucket_fixture_has(&f.g.s, file.key));
        world_wait(w, SYNC_LIFETIME_MS - 1);
        EXPECT_OK(sync_fixture_put(&f, &file, bytes, w->a));
        EXPECT_OK(bucket_fixture_read(&f.g.s, file.key, w->a, &back));
        EXPECT(slice_eq(back, bytes));
        struct sync_file now = sync_fixture_get(&f, &file);
        struct file stored = file_of(w, now.file_id);
        EXPECT(now.state == SYNC_UPLOADED && now.size_bytes == sizes[i] && now.revision == 2);
        EXPECT_SLICE(now.content_type, S("application/octet-stream"));
        EXPECT(stored.state == FILE_READY && stored.size_bytes == sizes[i] && stored.owner_id == f.ana.user_id);
        EXPECT(memcmp(stored.md5, now.md5, MD5_SIZE) == 0);
        EXPECT_SLICE(stored.origin, S("test"));
        EXPECT_SLICE(stored.name, S("a.txt"));
        EXPECT_EQ(now.due_at_ms, core_now_ms(&w->core) + SYNC_IDLE_MS);
        EXPECT_ERR(file_delete(&w->core, &f.ana, stored.uuid, w->a), ERR_CONFLICT); /* it is held */
        all += sizes[i];
    }
    EXPECT_EQ(world_account(w).used_bytes, (int64_t)all);
    EXPECT_EQ(world_account(w).used_files, 3);
    EXPECT_EQ(world_account(w).pending_files, 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(other_bytes_replace_those_before_until_an_import_is_asked_for)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a.txt"));
    slice back;
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, LARGE), w->a));
    EXPECT_OK(sync_fixture_put(&f, &file, S("second"), w->a));
    EXPECT_OK(bucket_fixture_read(&f.g.s, file.key, w->a, &back));
    EXPECT_SLICE(back, S("second"));
    EXPECT_EQ(count_objects(w), 1);
    EXPECT_EQ(world_file_count(w), 1);
    EXPECT_EQ(world_account(w).used_bytes, 6);
    EXPECT_EQ(world_fsck(w, true), 0);
    for (enum sync_state to = SYNC_QUEUED; to <= SYNC_FAILED; to++) {
        sync_fixture_move(&f, &file, to == SYNC_QUEUED ? SYNC_UPLOADED : to - 1, to);
        EXPECT_ERR(sync_fixture_put(&f, &file, S("third"), w->a), ERR_FORBIDDEN);
    }
    EXPECT_OK(bucket_fixture_read(&f.g.s, file.key, w->a, &back));
    EXPECT_SLICE(back, S("second"));
    world_wait(w, 100 * SYNC_IDLE_MS);
    world_run_jobs(w);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_FAILED); /* what an import was asked for stays */
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(an_upload_in_flight_is_refused_when_an_import_came_before_its_end)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a.txt"));
    struct entry_request request = bucket_fixture_request(file.key);
    struct entry_put put;
    EXPECT_OK(sync_fixture_put(&f, &file, S("first"), w->a));
    EXPECT_OK(entry_put_open(&w->core, &f.g.s.who, &f.g.s.bucket, &request, w->a, &put));
    EXPECT_OK(intake_write(put.intake, S("late"), w->a));
    import_start(&f, &file, "");
    struct file unused;
    EXPECT_ERR(intake_finish_and_wait(put.intake, w->a, &unused), ERR_FORBIDDEN);
    EXPECT_EQ(sync_fixture_get(&f, &file).size_bytes, 5);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(bytes_are_refused_under_other_keys_and_above_the_limit)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_request request = sync_fixture_request(&f, S("a.txt"));
    struct sync_file file;
    request.max_bytes = SMALL;
    EXPECT_OK(sync_fixture_try(&f, &f.ana, &request, &file));
    struct sync_file renamed = file, elsewhere = file;
    renamed.key = arena_printf(w->a, SLICE_FMT "x", SLICE_ARG(file.key));
    elsewhere.key = arena_printf(w->a, "V" SLICE_FMT, SLICE_ARG(slice_from(file.key, 1)));
    EXPECT_ERR(sync_fixture_put(&f, &renamed, S("x"), w->a), ERR_FORBIDDEN);
    EXPECT_ERR(sync_fixture_put(&f, &elsewhere, S("x"), w->a), ERR_FORBIDDEN);
    EXPECT_ERR(sync_fixture_put(&f, &file, world_bytes(w, SMALL + 1), w->a), ERR_TOO_LARGE);
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, SMALL), w->a));
    struct sync_fixture g = f; /* another guarded bucket */
    EXPECT_OK(bucket_ensure(&w->core, S("elsewhere"), w->a, &g.g.s.bucket));
    EXPECT_ERR(sync_fixture_put(&g, &file, S("x"), w->a), ERR_FORBIDDEN);
    EXPECT(!bucket_fixture_has(&g.g.s, file.key));
}

static int asked; /* how often a guard behind that of sync files was asked */

static err_t find_nothing(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key,
                          struct arena *a, struct entry *ret)
{
    (void)core, (void)tx, (void)bucket, (void)key, (void)ret;
    asked++;
    return err_make(a, ERR_NOT_FOUND, "nothing");
}

TEST(nobody_else_is_asked_for_the_key_of_a_sync_file)
{
    static const struct entry_guard other = { .find = find_nothing };
    static const struct entry_guard *const guards[] = { &sync_entry_guard, &other, NULL };
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a.txt"));
    struct entry entry;
    w->core.entry_guards = guards;
    asked = 0;
    EXPECT_ERR(entry_get(&w->core, &f.g.s.bucket, file.key, w->a, &entry), ERR_NOT_FOUND);
    EXPECT_EQ(asked, 0);
    EXPECT_ERR(entry_get(&w->core, &f.g.s.bucket, S("another"), w->a, &entry), ERR_NOT_FOUND);
    EXPECT_EQ(asked, 1);
}

TEST(a_full_account_takes_no_bytes_but_a_replacement_that_is_not_larger)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a.txt"));
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, LARGE), w->a));
    world_set_room(w, 0, 1);
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, LARGE), w->a));
    EXPECT_ERR(sync_fixture_put(&f, &file, world_bytes(w, LARGE + 1), w->a), ERR_QUOTA);
    EXPECT_OK(sync_fixture_put(&f, &file, S("smaller"), w->a));
    struct entry_request request = bucket_fixture_request(file.key);
    struct entry_put put;
    request.exact_bytes = LARGE + 1; /* refused before the first byte */
    EXPECT_ERR(entry_put_open(&w->core, &f.g.s.who, &f.g.s.bucket, &request, w->a, &put), ERR_QUOTA);
    world_set_room(w, 0, 1);
    EXPECT_ERR(sync_fixture_put(&f, &file, S("larger by some bytes"), w->a), ERR_QUOTA);
    EXPECT_EQ(world_account(w).used_bytes, 7);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- the end ---- */

TEST(a_file_without_bytes_is_expired_when_its_link_is_and_gone_later)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a.txt")), now;
    int64_t records = world_account(w).record_bytes;
    world_wait(w, SYNC_LIFETIME_MS - 1);
    now = sync_fixture_get(&f, &file);
    EXPECT_EQ(sync_file_state(&now, core_now_ms(&w->core)), SYNC_CREATED);
    world_wait(w, 1);
    EXPECT_EQ(sync_file_state(&now, core_now_ms(&w->core)), SYNC_EXPIRED);
    EXPECT_ERR(sync_fixture_put(&f, &file, S("late"), w->a), ERR_FORBIDDEN);
    world_wait(w, SYNC_PENDING_MS - SYNC_LIFETIME_MS - 1);
    world_run_jobs(w);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_CREATED);
    world_wait(w, minutes(2));
    world_run_jobs(w);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_EXPIRED);
    EXPECT_EQ(world_account(w).pending_files, 0);
    EXPECT_EQ(world_account(w).record_bytes, records);
    EXPECT_EQ(world_event_count(w, S("sync.expire")), 1);
    world_wait(w, SYNC_ENDED_KEPT_MS + minutes(1));
    world_run_jobs(w);
    EXPECT_REFUSED(sync_file_find(&w->core, &f.ana, file.handle, w->a, &now), REASON_SYNC_NO_FILE);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(an_upload_that_began_in_time_may_end_later)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct entry_put puts[2];
    struct sync_file files[2];
    struct file unused;
    for (int i = 0; i < 2; i++) {
        files[i] = sync_fixture_issue(&f, S("a.txt"));
        struct entry_request *request = arena_new(w->a, struct entry_request);
        *request = bucket_fixture_request(files[i].key);
        EXPECT_OK(entry_put_open(&w->core, &f.g.s.who, &f.g.s.bucket, request, w->a, &puts[i]));
        EXPECT_OK(intake_write(puts[i].intake, S("hello"), w->a));
    }
    world_wait(w, SYNC_PENDING_MS - 1);
    world_run_jobs(w);
    EXPECT_OK(intake_finish_and_wait(puts[0].intake, w->a, &unused));
    EXPECT_EQ(sync_fixture_get(&f, &files[0]).state, SYNC_UPLOADED);
    world_wait(w, 1); /* not after, but at the time */
    EXPECT_ERR(intake_finish_and_wait(puts[1].intake, w->a, &unused), ERR_FORBIDDEN);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(bytes_that_are_never_imported_are_purged_with_their_file)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a.txt")), now;
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, LARGE), w->a));
    world_wait(w, minutes(1));
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, LARGE), w->a)); /* the time begins anew */
    world_wait(w, SYNC_IDLE_MS - 1);
    world_run_jobs(w);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_UPLOADED);
    world_wait(w, minutes(2));
    world_run_jobs(w);
    now = sync_fixture_get(&f, &file);
    EXPECT(now.state == SYNC_PURGED && now.file_id == 0 && now.size_bytes == LARGE);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT(!bucket_fixture_has(&f.g.s, file.key));
    EXPECT_EQ(world_event_count(w, S("sync.purge")), 1);
    world_wait(w, SYNC_ENDED_KEPT_MS + minutes(1));
    world_run_jobs(w);
    EXPECT_REFUSED(sync_file_find(&w->core, &f.ana, file.handle, w->a, &now), REASON_SYNC_NO_FILE);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(world_fsck(w, false), 0);
}

/* ---- store failures ---- */

/* Fails the nth call of the store while a file is issued, filled, filled again and ended. Whatever fails, nothing is half done, and
 * the same step succeeds afterwards. Returns false when the store was called less often. */
static bool fail_nth(int64_t nth, bool answer_lost)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_request request = sync_fixture_request(&f, S("a.txt"));
    struct sync_file file = { 0 };
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    for (int step = 0; step < 3; step++) {
        slice bytes = world_bytes(w, step == 1 ? LARGE : SMALL);
        err_t e = step == 0 ? sync_fixture_try(&f, &f.ana, &request, &file) : sync_fixture_put(&f, &file, bytes, w->a);
        EXPECT(!e || err_is(e, ERR_UNAVAILABLE));
        if (!e)
            continue;
        w->faults.fail_at = 0;
        EXPECT_EQ(world_fsck(w, false), 0);
        e = step == 0 ? sync_fixture_try(&f, &f.ana, &request, &file) : sync_fixture_put(&f, &file, bytes, w->a);
        EXPECT_OK(e);
    }
    world_wait(w, SYNC_IDLE_MS + minutes(1));
    err_t purged = sync_file_purge_due(&w->core, NULL, w->a);
    EXPECT(!purged || err_is(purged, ERR_UNAVAILABLE));
    bool reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT_EQ(world_fsck(w, false), 0);
    EXPECT_OK(sync_file_purge_due(&w->core, NULL, w->a));
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_PURGED);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_fsck(w, false), 0);
    return reached;
}

TEST(a_failing_store_leaves_nothing_half_done)
{
    for (int lost = 0; lost < 2; lost++)
        for (int64_t nth = fault_first(); fail_nth(nth, lost); nth += fault_step())
            assert_true(nth < 1000);
}

/* ---- races ---- */

struct race {
    const struct sync_fixture *f;
    const struct sync_file *file;
    slice bytes;
    pthread_barrier_t *start;
    enum err_code code; /* ERR_CODE_COUNT: it succeeded */
};

static void *race_put(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    err_t e = sync_fixture_put(r->f, r->file, r->bytes, &a);
    r->code = e ? e->code : ERR_CODE_COUNT;
    return NULL;
}

static void *race_purge(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    EXPECT_OK(sync_file_purge_due(&r->f->w->core, NULL, &a));
    return NULL;
}

static void *race_import(void *arg)
{
    struct race *r = arg;
    struct sync_import_request request = { r->file->id, SYNC_LINES, S(""), S("") };
    struct sync_file now;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    EXPECT_OK(sync_import_start(&r->f->w->core, &r->f->ana, &request, &a, &now));
    return NULL;
}

static void run_race(struct race *r, void *(*against)(void *), struct race *opponent)
{
    pthread_barrier_t start;
    pthread_t one, other;
    pthread_barrier_init(&start, NULL, 2);
    r->start = opponent->start = &start;
    pthread_create(&one, NULL, race_put, r);
    pthread_create(&other, NULL, against, opponent);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&start);
}

TEST(of_two_uploads_the_later_one_is_kept_whole)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct sync_fixture f = sync_fixture_new(w);
    slice bytes[2] = { world_bytes(w, LARGE), world_bytes(w, SMALL) };
    for (int i = 0; i < rounds(ROUNDS_sync_races); i++) {
        struct sync_file file = sync_fixture_issue(&f, S("a"));
        struct race one = { .f = &f, .file = &file, .bytes = bytes[0] };
        struct race other = { .f = &f, .file = &file, .bytes = bytes[1] };
        slice back;
        run_race(&one, race_put, &other);
        EXPECT(one.code == ERR_CODE_COUNT && other.code == ERR_CODE_COUNT);
        EXPECT_OK(bucket_fixture_read(&f.g.s, file.key, w->a, &back));
        EXPECT(slice_eq(back, bytes[0]) || slice_eq(back, bytes[1]));
        EXPECT_EQ(world_file_count(w), i + 1);
    }
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(of_an_upload_and_a_purge_exactly_one_wins)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct sync_fixture f = sync_fixture_new(w);
    for (int i = 0; i < rounds(ROUNDS_sync_races); i++) {
        struct sync_request request = sync_fixture_request(&f, S("a"));
        struct sync_file file;
        request.lifetime_ms = request.pending_ms = minutes(1);
        EXPECT_OK(sync_fixture_try(&f, &f.ana, &request, &file));
        world_wait(w, minutes(1) - 1 + i % 2); /* at its last instant, or at its end */
        struct race r = { .f = &f, .file = &file, .bytes = S("hello") };
        run_race(&r, race_purge, &(struct race){ .f = &f });
        struct sync_file now = sync_fixture_get(&f, &file);
        EXPECT_EQ(now.state, r.code == ERR_CODE_COUNT ? SYNC_UPLOADED : SYNC_EXPIRED);
        EXPECT_EQ(r.code, i % 2 ? ERR_FORBIDDEN : ERR_CODE_COUNT);
    }
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(after_an_import_was_asked_for_the_bytes_are_those_that_it_found)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct sync_fixture f = sync_fixture_new(w);
    for (int i = 0; i < rounds(ROUNDS_sync_races); i++) {
        struct sync_file file = sync_fixture_issue(&f, S("a"));
        slice back;
        EXPECT_OK(sync_fixture_put(&f, &file, S("first"), w->a));
        struct race r = { .f = &f, .file = &file, .bytes = S("second") };
        run_race(&r, race_import, &(struct race){ .f = &f, .file = &file });
        EXPECT(r.code == ERR_CODE_COUNT || r.code == ERR_FORBIDDEN);
        EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_QUEUED);
        EXPECT_OK(bucket_fixture_read(&f.g.s, file.key, w->a, &back));
        EXPECT_SLICE(back, r.code == ERR_CODE_COUNT ? S("second") : S("first"));
    }
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- fsck ---- */

TEST(fsck_finds_sync_files_whose_files_are_gone_or_others)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a"));
    sync_fixture_issue(&f, S("b"));
    EXPECT_OK(sync_fixture_put(&f, &file, S("hello"), w->a));
    EXPECT_EQ(world_fsck(w, true), 0);
    corrupt_records(w, "UPDATE sync_files SET size_bytes = 6 WHERE name = 'a'");
    EXPECT_EQ(world_fsck(w, true), 1);
    corrupt_records(w, "UPDATE sync_files SET size_bytes = 5, state = 7 WHERE name = 'a'");
    EXPECT_EQ(world_fsck(w, true), 1);
    corrupt_records(w, "UPDATE sync_files SET state = 1 WHERE name = 'a'");
    EXPECT_EQ(world_fsck(w, true), 0);
    corrupt_records(w, "UPDATE sync_files SET file_id = 99 WHERE name = 'a'");
    EXPECT(world_fsck(w, true) > 1); /* and what holds its file does not refer to it */
}

RUN_TESTS(cmocka_unit_test(workspaces_and_sections_have_any_printable_name_or_get_one),
          cmocka_unit_test(entities_are_built_in_or_registered_and_names_and_data_sources_are_unique),
          cmocka_unit_test(a_key_works_in_its_workspace_until_it_expires),
          cmocka_unit_test(a_sync_file_has_a_handle_and_a_key_of_its_own),
          cmocka_unit_test(a_request_may_name_the_workspace_of_its_key_and_any_section_of_it),
          cmocka_unit_test(what_does_not_fit_into_a_key_or_into_the_account_is_refused),
          cmocka_unit_test(bytes_become_a_file_that_the_sync_file_holds),
          cmocka_unit_test(other_bytes_replace_those_before_until_an_import_is_asked_for),
          cmocka_unit_test(an_upload_in_flight_is_refused_when_an_import_came_before_its_end),
          cmocka_unit_test(bytes_are_refused_under_other_keys_and_above_the_limit),
          cmocka_unit_test(nobody_else_is_asked_for_the_key_of_a_sync_file),
          cmocka_unit_test(a_full_account_takes_no_bytes_but_a_replacement_that_is_not_larger),
          cmocka_unit_test(a_file_without_bytes_is_expired_when_its_link_is_and_gone_later),
          cmocka_unit_test(an_upload_that_began_in_time_may_end_later),
          cmocka_unit_test(bytes_that_are_never_imported_are_purged_with_their_file),
          cmocka_unit_test(a_failing_store_leaves_nothing_half_done),
          cmocka_unit_test(of_two_uploads_the_later_one_is_kept_whole),
          cmocka_unit_test(of_an_upload_and_a_purge_exactly_one_wins),
          cmocka_unit_test(after_an_import_was_asked_for_the_bytes_are_those_that_it_found),
          cmocka_unit_test(fsck_finds_sync_files_whose_files_are_gone_or_others))
