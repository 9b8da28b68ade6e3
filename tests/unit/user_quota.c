/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of a user: what counts, that every way in keeps them, and that what goes gives its room back. */
#include "bucket_fixture.h"
#include "inbox_fixture.h"
#include "sync_fixture.h"
#include "test.h"
#include "ticket_fixture.h"
#include "world.h"

#include "core/quota.h"
#include "core/transfer/transfer.h"

#include <pthread.h>

#define LARGE (2 * WORLD_INLINE_MAX + 1)
#define KEY S("k")

static struct user user_now(struct world *w, const struct principal *who)
{
    struct user u;
    EXPECT_OK(user_get(&w->core, who->user_id, w->a, &u));
    return u;
}

static void expect_use(struct world *w, const struct principal *who, int64_t bytes, int64_t files)
{
    struct user u = user_now(w, who);
    EXPECT_EQ(u.used_bytes, bytes);
    EXPECT_EQ(u.used_files, files);
    EXPECT_EQ(world_fsck(w, true), 0);
}

static void set_limits(struct world *w, const struct principal *who, int64_t bytes, int64_t files)
{
    EXPECT_OK(user_set_limits(&w->core, &w->operator_, who->login, bytes, files, w->a));
}

TEST(an_upload_above_the_limits_of_the_user_is_refused_and_leaves_nothing)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana")), bob = world_user(w, S("bob"));
    struct intake_request request = world_request(&ana, S("x")), others = world_request(&bob, S("x"));
    struct file f, g;
    set_limits(w, &ana, LARGE, 2);
    EXPECT_ERR(world_put(w, &request, world_bytes(w, LARGE + 1), &f), ERR_QUOTA);
    expect_use(w, &ana, 0, 0);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_OK(world_put(w, &request, world_bytes(w, LARGE), &f)); /* to the last byte; records do not count */
    EXPECT_ERR(world_put(w, &request, S("1"), &g), ERR_QUOTA);
    EXPECT_OK(world_put(w, &request, S(""), &g));
    EXPECT_ERR(world_put(w, &request, S(""), &g), ERR_QUOTA); /* a third file */
    EXPECT_OK(world_put(w, &others, world_bytes(w, LARGE), &g));
    expect_use(w, &ana, LARGE, 2);
    expect_use(w, &bob, LARGE, 1);
    EXPECT_OK(file_delete(&w->core, &ana, f.uuid, w->a));
    expect_use(w, &ana, 0, 1); /* at once, though the bytes are on the disk for the grace: they count in the account */
    EXPECT_EQ(world_account(w).garbage_bytes, LARGE);
    EXPECT_OK(world_put(w, &request, S("1"), &g));
}

TEST(a_declared_length_above_the_limit_of_the_user_is_refused_before_the_first_byte)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct intake_request request = world_request(&ana, S("x"));
    struct intake *in;
    set_limits(w, &ana, LARGE, 0);
    request.exact_bytes = LARGE + 1;
    EXPECT_ERR(intake_open(&w->core, &request, w->a, &in), ERR_QUOTA);
    EXPECT_ERR(intake_check_room(&w->core, &ana, LARGE + 1, w->a), ERR_QUOTA);
    EXPECT_OK(intake_check_room(&w->core, &ana, LARGE, w->a));
    set_limits(w, &ana, 0, 1);
    world_store(w, &ana, S("a"), S(""), 0);
    EXPECT_ERR(intake_check_room(&w->core, &ana, 0, w->a), ERR_QUOTA);
}

TEST(the_limit_of_the_account_and_that_of_the_user_both_hold)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct intake_request request = world_request(&ana, S("x"));
    struct file f;
    set_limits(w, &ana, 1000000, 0);
    world_set_room(w, 1000, 0);
    EXPECT_ERR(world_put(w, &request, world_bytes(w, 1001), &f), ERR_QUOTA);
    world_set_room(w, 1000000, 0);
    set_limits(w, &ana, 1000, 0);
    EXPECT_ERR(world_put(w, &request, world_bytes(w, 1001), &f), ERR_QUOTA);
    w->core.options.account_max_bytes = 1000000; /* the way that checks the configured limits first */
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 0, w->a));
    EXPECT_ERR(world_put(w, &request, world_bytes(w, 1001), &f), ERR_QUOTA);
    EXPECT_OK(world_put(w, &request, world_bytes(w, 1000), &f));
    expect_use(w, &ana, 1000, 1);
}

TEST(limits_are_changed_for_those_who_exist_and_are_not_negative)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct user_request request = { .login = S("new"), .max_bytes = 7, .max_files = 8 };
    struct user made;
    world_store(w, &ana, S("a"), world_bytes(w, 500), 0);
    set_limits(w, &ana, 100, 1); /* less than is there: it stays */
    expect_use(w, &ana, 500, 1);
    EXPECT_ERR(user_set_limits(&w->core, &w->operator_, S("ana"), -1, 0, w->a), ERR_INVALID);
    EXPECT_ERR(user_set_limits(&w->core, &w->operator_, S("ana"), 0, -1, w->a), ERR_INVALID);
    EXPECT_ERR(user_set_limits(&w->core, &w->operator_, S("nobody"), 1, 1, w->a), ERR_NOT_FOUND);
    EXPECT_ERR(user_set_limits(&w->core, &w->operator_, S("operator"), 1, 1, w->a), ERR_FORBIDDEN);
    EXPECT_EQ(user_now(w, &ana).max_bytes, 100);
    EXPECT_EQ(world_event_count(w, S("user.limit")), 1);
    EXPECT_OK(user_create(&w->core, &w->operator_, &request, w->a, &made));
    EXPECT_OK(user_by_login(&w->core, S("new"), w->a, &made));
    EXPECT(made.max_bytes == 7 && made.max_files == 8 && made.used_bytes == 0);
    request.login = S("other");
    request.max_files = -1;
    EXPECT_ERR(user_create(&w->core, &w->operator_, &request, w->a, &made), ERR_INVALID);
}

/* ---- buckets ---- */

static err_t put_entry(const struct bucket_fixture *s, slice key, slice bytes)
{
    struct entry_request request = bucket_fixture_request(key);
    struct stored_entry stored;
    return bucket_fixture_put(s, &request, bytes, s->w->a, &stored);
}

TEST(entries_count_for_whoever_put_them_and_a_replacement_takes_the_difference)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_request request = bucket_fixture_request(KEY);
    struct entry_put open;
    set_limits(w, &s.who, LARGE, 1);
    EXPECT_ERR(put_entry(&s, KEY, world_bytes(w, LARGE + 1)), ERR_QUOTA);
    request.exact_bytes = LARGE + 1;
    EXPECT_ERR(entry_put_open(&w->core, &s.who, &s.bucket, &request, w->a, &open), ERR_QUOTA);
    EXPECT_OK(put_entry(&s, KEY, world_bytes(w, LARGE)));
    EXPECT_OK(put_entry(&s, KEY, world_bytes(w, LARGE)));
    EXPECT_ERR(put_entry(&s, S("another"), S("")), ERR_QUOTA);
    expect_use(w, &s.who, LARGE, 1);
    EXPECT_OK(put_entry(&s, KEY, S("small")));
    expect_use(w, &s.who, 5, 1);
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    expect_use(w, &s.who, 0, 0);
}

TEST(an_entry_that_another_user_replaces_moves_from_one_to_the_other)
{
    WORLD(w);
    struct bucket_fixture ana = bucket_fixture_new(w), bob = ana;
    bob.who = world_user(w, S("bob"));
    EXPECT_OK(put_entry(&ana, KEY, world_bytes(w, LARGE)));
    set_limits(w, &bob.who, LARGE - 1, 0);
    struct entry_request declared = bucket_fixture_request(KEY);
    struct entry_put open;
    declared.exact_bytes = LARGE;
    EXPECT_ERR(entry_put_open(&w->core, &bob.who, &bob.bucket, &declared, w->a, &open), ERR_QUOTA);
    EXPECT_ERR(put_entry(&bob, KEY, world_bytes(w, LARGE)), ERR_QUOTA); /* all of it would be bob's */
    expect_use(w, &ana.who, LARGE, 1);
    set_limits(w, &bob.who, LARGE, 1);
    world_set_room(w, 0, 1); /* the account has room for a replacement only */
    EXPECT_OK(put_entry(&bob, KEY, world_bytes(w, LARGE)));
    expect_use(w, &ana.who, 0, 0);
    expect_use(w, &bob.who, LARGE, 1);
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 0, w->a));
    set_limits(w, &ana.who, 3, 1);
    EXPECT_OK(put_entry(&ana, KEY, S("abc")));
    expect_use(w, &bob.who, 0, 0);
    expect_use(w, &ana.who, 3, 1);
}

TEST(parts_count_for_the_user_who_began_the_upload_until_it_ends)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part part, second;
    struct entry entry;
    slice name = bucket_fixture_upload(&s, KEY), gone = bucket_fixture_upload(&s, S("gone"));
    set_limits(w, &s.who, LARGE, 1);
    struct part_bytes bytes = { 1, world_bytes(w, LARGE) }, more = { 2, S("x") };
    EXPECT_OK(bucket_fixture_put_part(&s, KEY, name, &bytes, w->a, &part));
    EXPECT_ERR(bucket_fixture_put_part(&s, KEY, name, &more, w->a, &second), ERR_QUOTA);
    EXPECT_ERR(bucket_fixture_put_part(&s, S("gone"), gone, &more, w->a, &second), ERR_QUOTA);
    EXPECT_OK(bucket_fixture_put_part(&s, KEY, name, &bytes, w->a, &part)); /* replaces the first */
    expect_use(w, &s.who, LARGE, 0);
    struct complete_request request = bucket_fixture_complete_request(&s, KEY, name, &part, 1);
    EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &entry));
    expect_use(w, &s.who, LARGE, 1);
    set_limits(w, &s.who, LARGE + 1, 1);
    EXPECT_OK(bucket_fixture_put_part(&s, S("gone"), gone, &more, w->a, &second));
    expect_use(w, &s.who, LARGE + 1, 1);
    EXPECT_OK(bucket_fixture_abort(&s, S("gone"), gone, w->a));
    expect_use(w, &s.who, LARGE, 1);
}

/* ---- other ways in ---- */

TEST(the_bytes_of_a_resumable_upload_count_as_they_come)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct transfer_request request = {
        .origin = S("s"), .file_name = S("a"), .length = LARGE + 1, .lifetime_ms = hours(1)
    };
    struct transfer t;
    struct transfer_writer *writer;
    set_limits(w, &ana, LARGE, 1);
    EXPECT_ERR(transfer_create(&w->core, &ana, &request, w->a, &t), ERR_QUOTA);
    request.length = -1; /* it is not known */
    EXPECT_OK(transfer_create(&w->core, &ana, &request, w->a, &t));
    struct transfer_opening opening = {
        .name = t.name, .has_length = true, .length = LARGE + 1, .lifetime_ms = hours(1)
    };
    EXPECT_ERR(transfer_open(&w->core, &ana, &opening, w->a, &writer), ERR_QUOTA); /* the length comes later */
    opening.has_length = false;
    EXPECT_OK(transfer_open(&w->core, &ana, &opening, w->a, &writer));
    err_t e = transfer_write(writer, world_bytes(w, LARGE), w->a);
    EXPECT_OK(e);
    EXPECT_OK(transfer_flush(writer, w->a));
    e = transfer_write(writer, S("1"), w->a);
    if (!e)
        e = transfer_flush(writer, w->a);
    EXPECT_ERR(e, ERR_QUOTA);
    transfer_drop(writer);
    expect_use(w, &ana, LARGE, 0);
    EXPECT_OK(transfer_remove(&w->core, &ana, t.name, w->a));
    expect_use(w, &ana, 0, 0);
}

TEST(a_ticket_needs_room_of_its_user_when_it_is_issued_and_when_it_is_used)
{
    WORLD(w);
    struct ticket_fixture p = ticket_fixture_new(w);
    struct principal ana = world_user(w, S("ana"));
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, 0, S("a"), 101);
    set_limits(w, &ana, 100, 1);
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_QUOTA);
    request.declared_bytes = 100;
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    expect_use(w, &ana, 0, 0); /* what has no bytes yet does not count */
}

TEST(bytes_that_are_put_with_a_ticket_count_for_whom_it_was_issued)
{
    WORLD(w);
    struct guarded_fixture g = guarded_fixture_new(w);
    guarded_fixture_issue(&g, KEY, LARGE);
    set_limits(w, &g.bob, LARGE - 1, 0);
    EXPECT_ERR(put_entry(&g.s, KEY, world_bytes(w, LARGE)), ERR_QUOTA);
    set_limits(w, &g.bob, LARGE, 0);
    EXPECT_OK(put_entry(&g.s, KEY, world_bytes(w, LARGE)));
    EXPECT_EQ(user_now(w, &g.bob).used_bytes, LARGE);
}

TEST(a_sync_file_by_its_link_takes_the_difference_of_its_owner)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = sync_fixture_issue(&f, S("a.txt"));
    set_limits(w, &f.ana, LARGE, 1);
    EXPECT_ERR(sync_fixture_put(&f, &file, world_bytes(w, LARGE + 1), w->a), ERR_QUOTA);
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, LARGE), w->a));
    EXPECT_OK(sync_fixture_put(&f, &file, world_bytes(w, LARGE), w->a));
    expect_use(w, &f.ana, LARGE, 1);
    EXPECT_OK(sync_fixture_put(&f, &file, S("smaller"), w->a));
    expect_use(w, &f.ana, 7, 1);
}

TEST(an_inbox_shows_and_keeps_the_limit_of_the_user)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_space space;
    set_limits(w, &x.f.ana, 3000, 0);
    EXPECT_OK(inbox_space(x.inbox, w->a, &space));
    EXPECT(space.free_bytes == 3000 && space.total_bytes == 3000);
    EXPECT_ERR(inbox_put(&x, "a.txt", world_bytes(w, 3001)), ERR_QUOTA);
    EXPECT_OK(inbox_put(&x, "b.txt", world_bytes(w, 2000)));
    EXPECT_OK(inbox_space(x.inbox, w->a, &space));
    EXPECT(space.free_bytes == 3000 - (uint64_t)user_now(w, &x.f.ana).used_bytes && space.total_bytes == 3000);
    world_set_room(w, 100, 0); /* now the account is what leaves less */
    EXPECT_OK(inbox_space(x.inbox, w->a, &space));
    EXPECT_EQ(space.free_bytes, 100);
}

/* ---- threads ---- */

enum { UPLOADERS = 8, EACH = 20, ROOM = 50 };

struct uploader {
    struct world *w;
    const struct principal *who;
    const struct bucket_fixture *bucket;
    int number, stored, refused, wrong;
};

/* Files and entries in turn, small ones and large ones. */
static void *upload_on(void *arg)
{
    struct uploader *u = arg;
    char large[LARGE] = { 0 };
    for (int i = 0; i < EACH; i++) {
        SCRATCH(a);
        slice bytes = i % 4 == 0 ? (slice){ large, sizeof large } : S("abc");
        struct intake_request request = world_request(u->who, S("x"));
        struct entry_request entry = bucket_fixture_request(arena_printf(&a, "%d-%d", u->number, i));
        struct stored_entry stored;
        struct intake *in = NULL;
        struct file f;
        err_t e;
        if (i % 2) {
            e = bucket_fixture_put(u->bucket, &entry, bytes, &a, &stored);
        } else {
            e = intake_open(&u->w->core, &request, &a, &in);
            if (!e)
                e = intake_write(in, bytes, &a);
            if (!e)
                e = intake_finish_and_wait(in, &a, &f);
            else
                intake_discard(in);
        }
        u->stored += !e;
        u->refused += err_is(e, ERR_QUOTA);
        u->wrong += e && e->code != ERR_QUOTA;
    }
    return NULL;
}

static void upload_in_parallel(int64_t max_bytes, int64_t max_files, int64_t *ret_stored)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct bucket_fixture s = bucket_fixture_new(w);
    struct uploader uploaders[UPLOADERS];
    pthread_t threads[UPLOADERS];
    *ret_stored = 0;
    set_limits(w, &s.who, max_bytes, max_files);
    for (int i = 0; i < UPLOADERS; i++) {
        uploaders[i] = (struct uploader){ .w = w, .who = &s.who, .bucket = &s, .number = i };
        pthread_create(&threads[i], NULL, upload_on, &uploaders[i]);
    }
    for (int i = 0; i < UPLOADERS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(uploaders[i].wrong, 0);
        EXPECT_EQ(uploaders[i].stored + uploaders[i].refused, EACH);
        *ret_stored += uploaders[i].stored;
    }
    struct user u = user_now(w, &s.who);
    EXPECT_EQ(u.used_files, *ret_stored);
    EXPECT(!max_bytes || u.used_bytes <= max_bytes);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(uploads_in_parallel_never_pass_the_limits_of_the_user_together)
{
    int64_t stored;
    upload_in_parallel(0, ROOM, &stored);
    EXPECT_EQ(stored, ROOM); /* each refusal was right: not one file fewer, and not one more */
    upload_in_parallel(3 * LARGE + 100, 0, &stored);
    EXPECT(stored > 3 && stored < UPLOADERS * EACH);
}

RUN_TESTS(cmocka_unit_test(an_upload_above_the_limits_of_the_user_is_refused_and_leaves_nothing),
          cmocka_unit_test(a_declared_length_above_the_limit_of_the_user_is_refused_before_the_first_byte),
          cmocka_unit_test(the_limit_of_the_account_and_that_of_the_user_both_hold),
          cmocka_unit_test(limits_are_changed_for_those_who_exist_and_are_not_negative),
          cmocka_unit_test(entries_count_for_whoever_put_them_and_a_replacement_takes_the_difference),
          cmocka_unit_test(an_entry_that_another_user_replaces_moves_from_one_to_the_other),
          cmocka_unit_test(parts_count_for_the_user_who_began_the_upload_until_it_ends),
          cmocka_unit_test(the_bytes_of_a_resumable_upload_count_as_they_come),
          cmocka_unit_test(a_ticket_needs_room_of_its_user_when_it_is_issued_and_when_it_is_used),
          cmocka_unit_test(bytes_that_are_put_with_a_ticket_count_for_whom_it_was_issued),
          cmocka_unit_test(a_sync_file_by_its_link_takes_the_difference_of_its_owner),
          cmocka_unit_test(an_inbox_shows_and_keeps_the_limit_of_the_user),
          cmocka_unit_test(uploads_in_parallel_never_pass_the_limits_of_the_user_together))
