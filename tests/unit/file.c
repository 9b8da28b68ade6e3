/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "core/file/hold.h"
#include "core/records/comment.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/store/account_store.h"
#include "core/store/comment_store.h"
#include "core/store/file_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"

#include <pthread.h>
#include <string.h>

TEST(users_see_their_own_files_and_administrators_those_of_the_account)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), bob = world_user(w, S("bob")), boss = world_admin(w, S("boss"));
    struct account account;
    struct principal elsewhere;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme"), w->a, &account));
    EXPECT_OK(access_operator(&w->core, S("acme"), w->a, &elsewhere));
    struct file f = world_store(w, &alice, S("a"), S("hello"), 0), got;
    slice bytes;
    EXPECT_OK(file_get(&w->core, &alice, f.uuid, w->a, &got));
    EXPECT_SLICE(got.content_type, S("text/plain"));
    EXPECT_OK(world_read(w, &alice, &f, &bytes));
    EXPECT_OK(world_read(w, &boss, &f, &bytes));
    EXPECT_OK(world_read(w, &w->operator_, &f, &bytes));
    for (int i = 0; i < 2; i++) { /* cached by now */
        EXPECT_ERR(world_read(w, &bob, &f, &bytes), ERR_NOT_FOUND);
        EXPECT_ERR(world_read(w, &elsewhere, &f, &bytes), ERR_NOT_FOUND);
    }
    EXPECT_ERR(file_get(&w->core, &bob, f.uuid, w->a, &got), ERR_NOT_FOUND);
    EXPECT_ERR(file_delete(&w->core, &bob, f.uuid, w->a), ERR_NOT_FOUND);
    EXPECT_ERR(file_delete(&w->core, &elsewhere, f.uuid, w->a), ERR_NOT_FOUND);
    EXPECT_EQ(world_file_count(w), 1);
}

TEST(file_list_pages_from_the_newest_to_the_oldest)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), bob = world_user(w, S("bob")), boss = world_admin(w, S("boss"));
    for (int i = 0; i < 7; i++)
        world_store(w, i % 3 ? &alice : &bob, i % 2 ? S("Odd.pdf") : S("even.txt"), S("x"), i == 4 ? minutes(1) : 0);
    struct file_list_request request = { .state = -1, .limit = 2 };
    struct file_page page;
    size_t seen = 0;
    int64_t last = INT64_MAX;
    do {
        EXPECT_OK(file_list(&w->core, &boss, &request, w->a, &page));
        EXPECT(page.count > 0);
        for (size_t i = 0; i < page.count; i++) {
            EXPECT(page.items[i].id < last);
            last = page.items[i].id;
        }
        seen += page.count;
        request.before_id = page.next_before_id;
    } while (request.before_id);
    EXPECT_EQ(seen, 7);
    request = (struct file_list_request){ .state = -1, .limit = 100 };
    EXPECT_OK(file_list(&w->core, &alice, &request, w->a, &page));
    EXPECT_EQ(page.count, 4);
    EXPECT_EQ(page.next_before_id, 0);
    request.name_contains = S("odd");
    EXPECT_OK(file_list(&w->core, &boss, &request, w->a, &page));
    EXPECT_EQ(page.count, 3);
    request = (struct file_list_request){ .state = FILE_STORED, .limit = 100 };
    EXPECT_OK(file_list(&w->core, &boss, &request, w->a, &page));
    EXPECT_EQ(page.count, 1);
    world_wait(w, minutes(1)); /* its purge time has come; the purge has not run */
    EXPECT_OK(file_list(&w->core, &boss, &request, w->a, &page));
    EXPECT_EQ(page.count, 0);
    request = (struct file_list_request){ .state = -1, .limit = 3 };
    EXPECT_OK(file_list(&w->core, &boss, &request, w->a, &page));
    EXPECT_EQ(page.count, 3);
    request.before_id = page.next_before_id;
    EXPECT_OK(file_list(&w->core, &boss, &request, w->a, &page));
    EXPECT_EQ(page.count, 3);
    EXPECT_EQ(page.next_before_id, 0);
}

TEST(at_exactly_its_purge_time_a_file_is_gone_cached_or_not)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("a"), S("hello"), minutes(10)), got;
    slice bytes;
    EXPECT_OK(world_read(w, &alice, &f, &bytes));
    world_wait(w, minutes(10) - 1);
    EXPECT_OK(world_read(w, &alice, &f, &bytes));
    world_wait(w, 1);
    EXPECT_ERR(world_read(w, &alice, &f, &bytes), ERR_NOT_FOUND);
    EXPECT_ERR(file_get(&w->core, &alice, f.uuid, w->a, &got), ERR_NOT_FOUND);
    EXPECT_ERR(file_delete(&w->core, &alice, f.uuid, w->a), ERR_NOT_FOUND);
    world_wait(w, -hours(1)); /* setting the clock back does not bring the file back */
    EXPECT_ERR(world_read(w, &alice, &f, &bytes), ERR_NOT_FOUND);
}

TEST(deleting_a_file_frees_its_room_at_once_and_its_bytes_after_the_grace)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    size_t sizes[] = { 5, 20000 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct file f = world_store(w, &alice, S("a"), world_bytes(w, sizes[i]), 0);
        struct content open;
        slice bytes;
        EXPECT_OK(file_open(&w->core, &alice, f.uuid, w->a, &f, &open));
        EXPECT_OK(file_delete(&w->core, &alice, f.uuid, w->a));
        EXPECT_ERR(world_read(w, &alice, &f, &bytes), ERR_NOT_FOUND);
        EXPECT_ERR(file_delete(&w->core, &alice, f.uuid, w->a), ERR_NOT_FOUND);
        EXPECT_EQ(world_account(w).used_bytes, 0);
        EXPECT_EQ(world_account(w).used_files, 0);
        EXPECT_EQ(open.size_bytes, sizes[i]); /* it is still open */
        content_close(&open);
    }
    EXPECT_EQ(world_event_count(w, S("file.delete")), 2);
    EXPECT_EQ(world_blob_count(w), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
    world_wait(w, WORLD_GRACE_MS);
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 0);
}

TEST(a_file_without_its_bytes_is_corrupt_and_not_absent)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("a"), world_bytes(w, 20000), 0);
    slice bytes;
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, world_only_blob(w), w->a));
    EXPECT_ERR(world_read(w, &alice, &f, &bytes), ERR_CORRUPT);
}

TEST(an_unavailable_store_does_not_make_files_absent)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("a"), world_bytes(w, 20000), 0);
    for (int64_t nth = 1;; nth++) {
        slice bytes;
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = world_read(w, &alice, &f, &bytes);
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        if (!reached)
            break;
        EXPECT(!e || e->code == ERR_UNAVAILABLE);
    }
}

/* ---- the cache ---- */

TEST(a_small_file_is_read_once_and_shared_by_its_readers)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("a"), S("hello"), 0);
    struct content one, two;
    EXPECT_OK(file_open(&w->core, &alice, f.uuid, w->a, &f, &one));
    int64_t calls = w->faults.calls;
    EXPECT_OK(file_open(&w->core, &alice, f.uuid, w->a, &f, &two));
    EXPECT_EQ(w->faults.calls, calls);
    EXPECT(one.bytes.p == two.bytes.p);
    world_store(w, &alice, S("b"), S("another"), 0); /* a write that only adds records begins no new generation */
    struct content three;
    calls = w->faults.calls;
    EXPECT_OK(file_open(&w->core, &alice, f.uuid, w->a, &f, &three));
    EXPECT_EQ(w->faults.calls, calls);
    content_close(&three);
    content_close(&one);
    EXPECT_SLICE(two.bytes, S("hello"));
    content_close(&two);
    content_close(&two); /* the first close set all members to zero */
}

TEST(the_file_cache_is_bounded_and_an_evicted_file_stays_readable)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("a"), S("hello"), 0);
    struct content held;
    EXPECT_OK(file_open(&w->core, &alice, f.uuid, w->a, &f, &held));
    for (int i = 0; i < 200; i++) {
        slice noise = world_bytes(w, 10000), back;
        struct file other = world_store(w, &alice, S("b"), noise, 0);
        EXPECT_OK(world_read(w, &alice, &other, &back));
        EXPECT_SLICE(back, noise);
    }
    int64_t calls = w->faults.calls;
    EXPECT_SLICE(held.bytes, S("hello"));
    content_close(&held);
    EXPECT_OK(file_open(&w->core, &alice, f.uuid, w->a, &f, &held));
    EXPECT(w->faults.calls > calls); /* it was evicted */
    content_close(&held);
}

struct reading {
    struct world *w;
    const struct principal *who;
    const struct file *files;
    int64_t wrong;
};

static void *read_on(void *arg)
{
    struct reading *r = arg;
    for (int i = rounds(ROUNDS_file_readers); i > 0; i--) {
        SCRATCH(a);
        struct file opened;
        struct content content;
        err_t e = file_open(&r->w->core, r->who, r->files[i % 8].uuid, &a, &opened, &content);
        if (e) {
            r->wrong += e->code != ERR_NOT_FOUND;
            continue;
        }
        unsigned char md5[MD5_SIZE];
        hash_md5(content.bytes, md5);
        r->wrong += memcmp(md5, content.md5, MD5_SIZE) != 0;
        content_close(&content);
    }
    return NULL;
}

TEST(threads_read_files_while_they_are_deleted)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct principal alice = world_user(w, S("alice"));
    struct file files[8];
    struct reading r[3];
    pthread_t threads[3];
    for (int i = 0; i < 8; i++)
        files[i] = world_store(w, &alice, S("a"), world_bytes(w, 1000), 0);
    for (int i = 0; i < 3; i++) {
        r[i] = (struct reading){ .w = w, .who = &alice, .files = files };
        pthread_create(&threads[i], NULL, read_on, &r[i]);
    }
    for (int i = 0; i < 4; i++)
        EXPECT_OK(file_delete(&w->core, &alice, files[i].uuid, w->a));
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(r[i].wrong, 0);
    }
}

/* ---- holding ---- */

/* Makes a task hold a file as an API does: hold_add and the reference in one write. */
struct attach {
    const struct principal *who;
    int64_t file_id, now_ms, task_id, comment_id;
};

static err_t apply_attach(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct attach *at = arg;
    struct task task = { .account_id = at->who->account_id,
                         .author_id = at->who->user_id,
                         .text = S("t"),
                         .details = S("{}"),
                         .created_at_ms = at->now_ms,
                         .modified_at_ms = at->now_ms };
    TRY(meta_task_add(tx, &task, a, &at->task_id));
    struct comment comment = {
        .task_id = at->task_id, .author_id = at->who->user_id, .details = S("{}"), .created_at_ms = at->now_ms
    };
    TRY(meta_comment_add(tx, &comment, a, &at->comment_id));
    TRY(hold_add(tx, at->file_id, task_holder_of(at->task_id, at->comment_id), at->now_ms, a));
    struct reference reference = { .account_id = at->who->account_id,
                                   .task_id = at->task_id,
                                   .comment_id = at->comment_id,
                                   .file_id = at->file_id,
                                   .name = S("a"),
                                   .created_at_ms = at->now_ms };
    TRY(meta_reference_add(tx, &reference, a));
    int64_t wrong;
    return meta_usage_check(tx, true, a, &wrong);
}

static err_t apply_detach(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct attach *at = arg;
    int64_t wrong;
    TRY(meta_task_remove(tx, at->task_id, a));
    TRY(meta_usage_check(tx, true, a, &wrong));
    return hold_remove(tx, at->file_id, task_holder_of(at->task_id, at->comment_id), at->now_ms + minutes(10), a);
}

static err_t attach(struct world *w, const struct principal *who, const struct file *f, struct attach *at)
{
    *at = (struct attach){ .who = who, .file_id = f->id, .now_ms = core_now_ms(&w->core) };
    return meta_write(w->core.meta, apply_attach, at, w->a);
}

static void detach(struct world *w, struct attach *at)
{
    at->now_ms = core_now_ms(&w->core);
    world_write(w, apply_detach, at);
}

TEST(a_file_is_kept_until_its_last_reference_is_removed)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("a"), S("hello"), minutes(10)), got;
    struct attach first, second;
    EXPECT_OK(attach(w, &alice, &f, &first));
    EXPECT_OK(attach(w, &alice, &f, &second));
    EXPECT_OK(file_get(&w->core, &alice, f.uuid, w->a, &got));
    EXPECT(got.state == FILE_READY && got.purge_at_ms == 0);
    EXPECT_ERR(file_delete(&w->core, &alice, f.uuid, w->a), ERR_CONFLICT);
    world_wait(w, hours(100));
    world_run_jobs(w);
    detach(w, &first);
    EXPECT_OK(file_get(&w->core, &alice, f.uuid, w->a, &got));
    EXPECT(got.state == FILE_READY && got.purge_at_ms == 0);
    detach(w, &second);
    EXPECT_OK(file_get(&w->core, &alice, f.uuid, w->a, &got));
    EXPECT(got.state == FILE_STORED && got.purge_at_ms == core_now_ms(&w->core) + minutes(10));
    EXPECT_OK(attach(w, &alice, &f, &first)); /* again, before the purge */
    detach(w, &first);
    world_wait(w, minutes(10));
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_event_count(w, S("file.purge")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_file_stored_to_be_kept_stays_when_its_references_are_removed)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("a"), S("hello"), 0), got;
    struct attach at;
    EXPECT_OK(attach(w, &alice, &f, &at));
    detach(w, &at);
    world_wait(w, hours(1000));
    world_run_jobs(w);
    EXPECT_OK(file_get(&w->core, &alice, f.uuid, w->a, &got));
    EXPECT_EQ(got.state, FILE_READY);
    EXPECT_OK(file_delete(&w->core, &alice, f.uuid, w->a));
}

static err_t apply_lost_hold(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct attach *at = arg;
    return meta_file_move(tx, at->file_id, FILE_READY, FILE_STORED, at->now_ms + 1, a);
}

/* Such a file exists only in a damaged store: it has a purge time although a task holds it. */
TEST(purge_keeps_a_file_that_a_task_holds_and_goes_on_with_the_others)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file held = world_store(w, &alice, S("a"), S("hello"), minutes(10)), got;
    struct attach at;
    EXPECT_OK(attach(w, &alice, &held, &at));
    world_write(w, apply_lost_hold, &at);
    EXPECT_EQ(world_fsck(w, false), 1); /* held, but would be purged */
    world_store(w, &alice, S("due"), S("x"), minutes(10));
    world_wait(w, minutes(10));
    world_run_jobs(w);
    EXPECT_OK(file_get(&w->core, &alice, held.uuid, w->a, &got));
    EXPECT(got.state == FILE_READY && got.purge_at_ms == 0);
    EXPECT_EQ(world_file_count(w), 1);
    EXPECT_EQ(world_event_count(w, S("file.purge")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(one_of_attach_and_purge_at_once_wins_completely)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct attach at;
    struct file early = world_store(w, &alice, S("a"), S("hello"), minutes(10));
    struct file late = world_store(w, &alice, S("b"), S("hello"), minutes(10));
    world_wait(w, minutes(10) - 1);
    EXPECT_OK(attach(w, &alice, &early, &at));
    world_wait(w, 1);
    EXPECT_ERR(attach(w, &alice, &late, &at), ERR_NOT_FOUND); /* its purge time has come; the purge has not run */
    world_run_jobs(w);
    EXPECT_ERR(attach(w, &alice, &late, &at), ERR_NOT_FOUND);
    EXPECT_EQ(world_file_count(w), 1);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

RUN_TESTS(cmocka_unit_test(users_see_their_own_files_and_administrators_those_of_the_account),
          cmocka_unit_test(file_list_pages_from_the_newest_to_the_oldest),
          cmocka_unit_test(at_exactly_its_purge_time_a_file_is_gone_cached_or_not),
          cmocka_unit_test(deleting_a_file_frees_its_room_at_once_and_its_bytes_after_the_grace),
          cmocka_unit_test(a_file_without_its_bytes_is_corrupt_and_not_absent),
          cmocka_unit_test(an_unavailable_store_does_not_make_files_absent),
          cmocka_unit_test(a_small_file_is_read_once_and_shared_by_its_readers),
          cmocka_unit_test(the_file_cache_is_bounded_and_an_evicted_file_stays_readable),
          cmocka_unit_test(threads_read_files_while_they_are_deleted),
          cmocka_unit_test(a_file_is_kept_until_its_last_reference_is_removed),
          cmocka_unit_test(a_file_stored_to_be_kept_stays_when_its_references_are_removed),
          cmocka_unit_test(purge_keeps_a_file_that_a_task_holds_and_goes_on_with_the_others),
          cmocka_unit_test(one_of_attach_and_purge_at_once_wins_completely))
