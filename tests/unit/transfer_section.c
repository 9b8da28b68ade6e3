/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers that are files in the inbox of a section. */
#include "sync_fixture.h"
#include "test.h"

#include "core/file/hold.h"
#include "core/object/garbage.h"
#include "core/store/transfer_store.h"
#include "core/transfer/transfer.h"

#include <string.h>

#define LIFETIME hours(24)

static err_t try_create(const struct sync_fixture *f, slice file_name, struct transfer *ret)
{
    struct transfer_request request = { .origin = S("test"),
                                        .file_name = file_name,
                                        .content_type = S("text/plain"),
                                        .metadata = S(""),
                                        .length = -1,
                                        .lifetime_ms = LIFETIME,
                                        .section_id = f->ana.section_id };
    return transfer_create(&f->w->core, &f->ana, &request, f->w->a, ret);
}

static struct transfer create(const struct sync_fixture *f, slice file_name)
{
    struct transfer t = { 0 };
    EXPECT_OK(try_create(f, file_name, &t));
    return t;
}

static err_t open_at(const struct sync_fixture *f, const struct transfer *t, int64_t offset,
                     struct transfer_writer **ret)
{
    struct transfer_opening opening = {
        .name = t->name, .offset = offset, .end = TRANSFER_WAITS_HERE, .reopens = true, .lifetime_ms = LIFETIME
    };
    return transfer_open(&f->w->core, &f->ana, &opening, f->w->a, ret);
}

static struct transfer append(const struct sync_fixture *f, const struct transfer *t, int64_t offset, slice bytes)
{
    struct transfer_writer *writer;
    struct transfer now = { 0 };
    EXPECT_OK(open_at(f, t, offset, &writer));
    EXPECT_OK(transfer_write(writer, bytes, f->w->a));
    EXPECT_OK(transfer_close(writer, f->w->a, &now));
    return now;
}

static struct transfer find(const struct sync_fixture *f, slice file_name)
{
    struct transfer t = { 0 };
    EXPECT_OK(transfer_find_file(&f->w->core, &f->ana, file_name, f->w->a, &t));
    return t;
}

static bool is_there(const struct sync_fixture *f, slice file_name)
{
    struct transfer t;
    return !transfer_find_file(&f->w->core, &f->ana, file_name, f->w->a, &t);
}

static uint64_t growing_bytes;

static err_t add_growing_bytes(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    (void)arg, (void)key, (void)modified_ms;
    growing_bytes += size_bytes;
    return NULL;
}

static uint64_t bytes_in_growing(struct world *w)
{
    growing_bytes = 0;
    EXPECT_OK(w->core.blob->ops->each_growing(w->core.blob, w->a, add_growing_bytes, NULL));
    return growing_bytes;
}

/* ---- taking ---- */

struct placing {
    struct holder holder;
    int calls;
    err_t fails;
    struct file file;
};

static err_t place(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    struct placing *p = arg;
    p->calls++;
    p->file = *file;
    p->file.name = S("b.txt");
    p->file.owner_login = S("ana");
    return p->fails ? p->fails : hold_add(tx, file->id, p->holder, file->stored_at_ms, a);
}

static err_t take(const struct sync_fixture *f, const struct transfer *t, struct placing *p)
{
    struct transfer_taking taking = { t->name, S("b.txt"), place, p };
    p->holder = (struct holder){ HOLDER_SYNC_FILE, 77 };
    return transfer_take(&f->w->core, &f->ana, &taking, f->w->a);
}

TEST(one_that_waits_becomes_a_file_whose_place_is_written_with_it)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer t = create(&f, S("a.part"));
    struct placing p = { 0 };
    EXPECT_REFUSED(take(&f, &t, &p), REASON_TRANSFER_LENGTH); /* nobody said that it is complete */
    struct transfer now = append(&f, &t, 0, S("0123456789"));
    EXPECT(now.finished_at_ms == 0 && now.length == 10);
    EXPECT_EQ(world_account(w).open_uploads, 1);
    EXPECT_OK(take(&f, &t, &p));
    EXPECT_EQ(p.calls, 1);
    slice bytes;
    EXPECT_OK(world_read(w, &f.ana, &p.file, &bytes));
    EXPECT_SLICE(bytes, S("0123456789"));
    EXPECT(!is_there(&f, S("a.part")));
    EXPECT_EQ(world_account(w).open_uploads, 0);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_REFUSED(take(&f, &t, &p), REASON_TRANSFER_NOT_THERE);
    EXPECT_EQ(bytes_in_growing(w), 0);
}

TEST(a_place_that_refuses_leaves_all_as_it_was)
{
    WORLD(w);
    static const struct err refused = { .code = ERR_QUOTA, .msg = "no", .where = ERR_HERE };
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer t = create(&f, S("a.part"));
    struct placing p = { .fails = &refused };
    append(&f, &t, 0, S("abc"));
    int64_t records = world_account(w).record_bytes;
    EXPECT_ERR(take(&f, &t, &p), ERR_QUOTA);
    EXPECT(world_account(w).open_uploads == 1 && world_account(w).record_bytes == records);
    EXPECT_EQ(world_fsck(w, false), 0);
    struct transfer_writer *writer;
    EXPECT_REFUSED(open_at(&f, &t, 3, &writer), REASON_TRANSFER_FINISHED); /* its bytes are those of a blob already */
    p.fails = NULL;
    EXPECT_OK(take(&f, &t, &p));
    EXPECT(!is_there(&f, S("a.part")));
}

TEST(one_that_waits_goes_on_where_it_was_and_is_complete_only_when_it_is_closed_again)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer t = create(&f, S("a.part"));
    struct placing p = { 0 };
    struct transfer_writer *writer;
    append(&f, &t, 0, S("abc"));
    EXPECT_OK(open_at(&f, &t, 3, &writer));
    EXPECT_REFUSED(take(&f, &t, &p), REASON_TRANSFER_BUSY);
    transfer_cut(writer); /* it brought nothing, so it is as complete as before */
    EXPECT_EQ(find(&f, S("a.part")).length, 3);
    EXPECT_OK(open_at(&f, &t, 3, &writer));
    EXPECT_OK(transfer_write(writer, S("de"), w->a));
    EXPECT_OK(transfer_flush(writer, w->a));
    EXPECT(find(&f, S("a.part")).length == -1 && find(&f, S("a.part")).offset == 5);
    EXPECT_OK(transfer_flush(writer, w->a)); /* there is nothing to do */
    EXPECT_OK(transfer_write(writer, S("f"), w->a));
    transfer_cut(writer);
    EXPECT(find(&f, S("a.part")).length == -1 && find(&f, S("a.part")).offset == 6);
    EXPECT_REFUSED(take(&f, &t, &p), REASON_TRANSFER_LENGTH);
    EXPECT_EQ(append(&f, &t, 6, S("g")).length, 7);
    EXPECT_OK(take(&f, &t, &p));
    slice bytes;
    EXPECT_OK(world_read(w, &f.ana, &p.file, &bytes));
    EXPECT_SLICE(bytes, S("abcdefg"));
}

TEST(a_claim_that_nobody_released_does_not_keep_one_from_being_taken)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer t = create(&f, S("a.part"));
    struct placing p = { 0 };
    struct transfer_writer *idle;
    append(&f, &t, 0, S("abc"));
    EXPECT_OK(open_at(&f, &t, 3, &idle));
    EXPECT_OK(transfer_write(idle, S("lost"), w->a));
    world_wait(w, minutes(2));
    EXPECT_OK(take(&f, &t, &p));
    EXPECT_EQ(p.file.size_bytes, 3);
    EXPECT_REFUSED(transfer_flush(idle, w->a), REASON_TRANSFER_BUSY);
    transfer_cut(idle);
}

/* ---- names ---- */

static err_t rename_to(const struct sync_fixture *f, slice from, slice to, slice replaced)
{
    struct transfer t = find(f, from), other = { .name = S("") };
    if (replaced.n)
        other = find(f, replaced);
    struct transfer_renaming renaming = { t.name, to, other.name };
    return transfer_rename(&f->w->core, &f->ana, &renaming, f->w->a);
}

TEST(a_name_in_a_section_is_there_once)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer t = create(&f, S("a")), other;
    append(&f, &t, 0, S("abc"));
    EXPECT_REFUSED(try_create(&f, S("a"), &other), REASON_INBOX_EXISTS);
    create(&f, S("A"));
    append(&f, &(struct transfer){ .name = find(&f, S("A")).name }, 0, S("12345"));
    EXPECT_REFUSED(rename_to(&f, S("a"), S("A"), S("")), REASON_INBOX_EXISTS);
    EXPECT_OK(rename_to(&f, S("a"), S("a longer name"), S("")));
    EXPECT(!is_there(&f, S("a")));
    EXPECT_EQ(find(&f, S("a longer name")).offset, 3);
    EXPECT_EQ(world_fsck(w, false), 0); /* the room of the name counts */
    EXPECT_OK(rename_to(&f, S("a longer name"), S("A"), S("A")));
    EXPECT_EQ(find(&f, S("A")).offset, 3);
    EXPECT(!is_there(&f, S("a longer name")));
    EXPECT_EQ(world_account(w).open_uploads, 1);
    EXPECT_EQ(bytes_in_growing(w), 3);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(what_somebody_writes_to_keeps_its_name)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer one = create(&f, S("one")), other = create(&f, S("other"));
    struct transfer_writer *writer;
    EXPECT_OK(open_at(&f, &one, 0, &writer));
    EXPECT_OK(transfer_write(writer, S("abc"), w->a));
    EXPECT_REFUSED(rename_to(&f, S("one"), S("new"), S("")), REASON_TRANSFER_BUSY);
    EXPECT_REFUSED(rename_to(&f, S("other"), S("one"), S("one")), REASON_TRANSFER_BUSY);
    EXPECT_REFUSED(transfer_remove_idle(&w->core, &f.ana, one.name, w->a), REASON_TRANSFER_BUSY);
    world_wait(w, TRANSFER_SILENCE_MS);
    EXPECT_OK(rename_to(&f, S("other"), S("one"), S("one")));
    EXPECT_EQ(find(&f, S("one")).id, other.id);
    EXPECT_REFUSED(transfer_write(writer, S("def"), w->a), REASON_TRANSFER_BUSY);
    transfer_cut(writer);
    EXPECT_OK(open_at(&f, &other, 0, &writer));
    world_wait(w, minutes(2)); /* the claim has ended */
    EXPECT_OK(rename_to(&f, S("one"), S("two"), S("")));
    EXPECT_REFUSED(transfer_write(writer, S("def"), w->a), REASON_TRANSFER_BUSY);
    transfer_cut(writer);
    EXPECT_OK(transfer_remove_idle(&w->core, &f.ana, other.name, w->a));
    EXPECT_EQ(bytes_in_growing(w), 0);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(a_name_is_free_from_the_instant_at_which_its_upload_expires)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer old = create(&f, S("a")), t;
    append(&f, &old, 0, S("abc"));
    create(&f, S("b"));
    world_wait(w, LIFETIME - 1);
    EXPECT_REFUSED(try_create(&f, S("a"), &t), REASON_INBOX_EXISTS);
    append(&f, &(struct transfer){ .name = find(&f, S("b")).name }, 0, S("x"));
    world_wait(w, 1);
    EXPECT(!is_there(&f, S("a")));
    EXPECT_OK(rename_to(&f, S("b"), S("a"), S("")));
    EXPECT(is_there(&f, S("a")));
    EXPECT_EQ(world_fsck(w, false), 0);
    world_run_jobs(w);
    EXPECT_EQ(world_account(w).open_uploads, 1);
    world_wait(w, LIFETIME);
    EXPECT_OK(try_create(&f, S("a"), &t));
    EXPECT_EQ(find(&f, S("a")).id, t.id);
    world_run_jobs(w);
    EXPECT_EQ(world_account(w).open_uploads, 1);
    EXPECT_EQ(bytes_in_growing(w), 0);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(what_is_removed_while_a_backup_runs_gives_its_name_back_at_once)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer old = create(&f, S("a")), t;
    append(&f, &old, 0, S("abc"));
    garbage_hold(&w->core);
    EXPECT_OK(transfer_remove_idle(&w->core, &f.ana, old.name, w->a));
    EXPECT_EQ(bytes_in_growing(w), 3);
    EXPECT_OK(try_create(&f, S("a"), &t));
    append(&f, &t, 0, S("12345"));
    create(&f, S("b"));
    EXPECT_OK(rename_to(&f, S("b"), S("a"), S("a")));
    EXPECT_EQ(bytes_in_growing(w), 8);
    garbage_release(&w->core);
    world_run_jobs(w);
    world_wait(w, minutes(1));
    world_run_jobs(w);
    EXPECT_EQ(bytes_in_growing(w), 0);
    EXPECT(is_there(&f, S("a")));
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(a_section_has_a_limited_number_of_them)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer t;
    for (int i = 0; i < TRANSFER_SECTION_MAX; i++)
        create(&f, arena_printf(w->a, "%d", i));
    EXPECT_REFUSED(try_create(&f, S("one more"), &t), REASON_INBOX_TOO_MANY);
    EXPECT_OK(transfer_remove_idle(&w->core, &f.ana, find(&f, S("7")).name, w->a));
    create(&f, S("one more"));
    w->core.options.account_max_uploads = TRANSFER_SECTION_MAX;
    struct sync_fixture other = f;
    other.ana.section_id = 2;
    EXPECT_REFUSED(try_create(&other, S("one more"), &t), REASON_UPLOAD_TOO_MANY);
}

TEST(it_is_visible_to_the_keys_of_its_section_alone)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct transfer t = create(&f, S("a")), found;
    struct principal colleague = world_user(w, S("carla")), herself = f.ana, other = f.ana;
    colleague.section_id = f.ana.section_id;
    other.section_id = 2;
    herself.section_id = 0;
    EXPECT_OK(transfer_find(&w->core, &colleague, t.name, w->a, &found));
    EXPECT_OK(transfer_find_file(&w->core, &colleague, S("a"), w->a, &found));
    EXPECT_REFUSED(transfer_find(&w->core, &other, t.name, w->a, &found), REASON_TRANSFER_NOT_THERE);
    EXPECT_REFUSED(transfer_find_file(&w->core, &other, S("a"), w->a, &found), REASON_TRANSFER_NOT_THERE);
    EXPECT_REFUSED(transfer_find(&w->core, &herself, t.name, w->a, &found), REASON_TRANSFER_NOT_THERE);
    struct transfer_list list;
    EXPECT_OK(transfer_list(&w->core, &herself, &(struct id_page){ 0, 10 }, w->a, &list));
    EXPECT_EQ(list.count, 0);
    colleague.account_id++;
    EXPECT_REFUSED(transfer_find(&w->core, &colleague, t.name, w->a, &found), REASON_TRANSFER_NOT_THERE);
}

RUN_TESTS(cmocka_unit_test(one_that_waits_becomes_a_file_whose_place_is_written_with_it),
          cmocka_unit_test(a_place_that_refuses_leaves_all_as_it_was),
          cmocka_unit_test(one_that_waits_goes_on_where_it_was_and_is_complete_only_when_it_is_closed_again),
          cmocka_unit_test(a_claim_that_nobody_released_does_not_keep_one_from_being_taken),
          cmocka_unit_test(a_name_in_a_section_is_there_once), cmocka_unit_test(what_somebody_writes_to_keeps_its_name),
          cmocka_unit_test(a_name_is_free_from_the_instant_at_which_its_upload_expires),
          cmocka_unit_test(what_is_removed_while_a_backup_runs_gives_its_name_back_at_once),
          cmocka_unit_test(a_section_has_a_limited_number_of_them),
          cmocka_unit_test(it_is_visible_to_the_keys_of_its_section_alone))
