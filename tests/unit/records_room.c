/* SPDX-License-Identifier: Apache-2.0 */
/* Records count in the room of their account, exactly, and need free space like files. */
#include "bucket_fixture.h"
#include "test.h"
#include "ticket_fixture.h"

#include "core/access/access.h"
#include "core/file/purge.h"
#include "core/object/garbage.h"
#include "core/reasons.h"
#include "core/records/account.h"
#include "core/records/record_size.h"
#include "core/store/object_store.h"
#include "core/task/task.h"

#include <string.h>

static err_t make_task(struct world *w, const struct principal *who, size_t text_bytes, int64_t *ret_id)
{
    char *text = arena_alloc(w->a, text_bytes);
    memset(text, 't', text_bytes);
    struct task_request request = { .text = { text, text_bytes }, .is_silent = true };
    return task_create(&w->core, who, &request, w->a, ret_id);
}

/* A header that has that many bytes in all. */
static slice long_header(struct world *w, size_t bytes)
{
    char *line = arena_alloc(w->a, bytes);
    memset(line, 'v', bytes);
    memcpy(line, "x: ", 3);
    line[bytes - 1] = '\n';
    return (slice){ line, bytes };
}

static void expect_exact(struct world *w)
{
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(tasks_were_stored_beyond_the_accounts_quota)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    int64_t id, comment, stored = 0;
    world_set_room(w, 1000, 0);
    while (!make_task(w, &ana, 100, &id))
        stored++;
    EXPECT_EQ(stored, 2); /* of 356 bytes each */
    EXPECT_ERR(make_task(w, &ana, 100, &id), ERR_QUOTA);
    EXPECT_EQ(world_account(w).used_bytes, 0); /* what people see as the size of their files */
    expect_exact(w);

    struct task_comment says = { .task_id = 1, .text = S("a comment") };
    EXPECT_OK(task_comment_add(&w->core, &ana, &says, w->a, &comment));
    EXPECT_ERR(task_comment_add(&w->core, &ana, &says, w->a, &comment), ERR_QUOTA);
    struct task_comment_edit edit = { .task_id = 1, .comment_id = 1, .text = S("a comment that is longer") };
    world_set_room(w, 14, 0);
    EXPECT_ERR(task_comment_edit(&w->core, &ana, &edit, w->a), ERR_QUOTA);
    world_set_room(w, 15, 0);
    EXPECT_OK(task_comment_edit(&w->core, &ana, &edit, w->a));
    expect_exact(w);
    EXPECT_OK(task_remove(&w->core, &ana, 1, minutes(1), w->a)); /* a full account can remove */
    EXPECT_OK(task_remove(&w->core, &ana, 2, minutes(1), w->a));
    EXPECT_EQ(world_account(w).record_bytes, 0);
    expect_exact(w);
}

TEST(members_and_links_of_tasks_count_and_are_given_back)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana")), bia = world_user(w, S("bia"));
    struct attachment link = { .kind = ATTACH_LINK, .url = S("https://example.org/"), .name = S("example") };
    struct task_member members[] = { { bia.user_id, TASK_SUBSCRIBER }, { ana.user_id, TASK_PARTICIPANT } };
    struct task_request request = { .text = S("text"),
                                    .subject = S("subject"),
                                    .details = S("{\"a\":1}"),
                                    .members = members,
                                    .member_count = 2,
                                    .attachments = &link,
                                    .attachment_count = 1 };
    int64_t id, comment;
    EXPECT_OK(task_create(&w->core, &ana, &request, w->a, &id));
    EXPECT_EQ(world_account(w).record_bytes, 5 * RECORD_BYTES + (4 + 7 + 7) + 4 + (20 + 7)); /* and the first comment */
    struct task_comment change = { .task_id = id,
                                   .text = S("x"),
                                   .sets_subject = true,
                                   .subject = S("a longer subject"),
                                   .task_details = S("{\"b\":2}"),
                                   .removed = &bia.user_id,
                                   .removed_count = 1,
                                   .attachments = &link,
                                   .attachment_count = 1 };
    EXPECT_OK(task_comment_add(&w->core, &ana, &change, w->a, &comment));
    expect_exact(w);
    struct task_comment_removal removal = { .comment_id = comment, .window_ms = hours(1) };
    EXPECT_OK(task_comment_remove(&w->core, &ana, &removal, w->a));
    expect_exact(w);
    EXPECT_OK(task_remove(&w->core, &ana, id, minutes(1), w->a));
    EXPECT_EQ(world_account(w).record_bytes, 0);
}

TEST(open_uploads_kept_sixteen_kilobytes_each_for_nothing)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct upload_request request = { .key = S("k"),
                                      .headers = long_header(w, ENTRY_HEADERS_MAX),
                                      .lifetime_ms = hours(1) };
    slice name;
    int64_t open = 0, before = world_account(w).record_bytes;
    world_set_room(w, 3 * (ENTRY_HEADERS_MAX + 1000), 0);
    while (!upload_create(&w->core, &s.who, &s.bucket, &request, w->a, &name))
        open++;
    EXPECT_EQ(open, 3);
    EXPECT_EQ(world_account(w).open_uploads, 3);
    expect_exact(w);
    EXPECT_OK(bucket_fixture_abort(&s, S("k"), name, w->a));
    EXPECT_OK(upload_create(&w->core, &s.who, &s.bucket, &request, w->a, &name));
    world_wait(w, hours(2));
    EXPECT_OK(upload_purge_due(&w->core, NULL, w->a));
    EXPECT_EQ(world_account(w).record_bytes, before);
    EXPECT_EQ(world_account(w).open_uploads, 0);
    expect_exact(w);
}

TEST(an_account_opened_any_number_of_uploads)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct upload_request request = { .key = S("k"), .lifetime_ms = hours(1) };
    struct completed_part part;
    struct entry entry;
    slice name;
    w->core.options.account_max_uploads = 2;
    slice first = bucket_fixture_upload(&s, S("k"));
    bucket_fixture_upload(&s, S("k"));
    err_t e = upload_create(&w->core, &s.who, &s.bucket, &request, w->a, &name);
    EXPECT(e && e->reason == REASON_UPLOAD_TOO_MANY);
    EXPECT_OK(bucket_fixture_put_part(&s, S("k"), first, &(struct part_bytes){ 1, S("x") }, w->a, &part));
    struct complete_request complete = bucket_fixture_complete_request(&s, S("k"), first, &part, 1);
    EXPECT_OK(bucket_fixture_complete(&s, &complete, w->a, &entry)); /* which makes room for another */
    EXPECT_OK(upload_create(&w->core, &s.who, &s.bucket, &request, w->a, &name));
    expect_exact(w);
}

TEST(an_account_made_any_number_of_buckets)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    w->core.options.account_max_buckets = 2;
    EXPECT_OK(bucket_create(&w->core, &s.who, S("second"), w->a));
    err_t e = bucket_create(&w->core, &s.who, S("third"), w->a);
    EXPECT(e && e->reason == REASON_BUCKET_TOO_MANY);
    e = bucket_create(&w->core, &s.who, S("second"), w->a);
    EXPECT(e && e->reason == REASON_BUCKET_OWNED); /* it is there, so the limit does not matter */
    EXPECT_OK(bucket_remove(&w->core, &s.who, S("second"), w->a));
    EXPECT_OK(bucket_create(&w->core, &s.who, S("third"), w->a));
    expect_exact(w);
}

TEST(an_account_held_any_number_of_tickets_without_bytes)
{
    WORLD(w);
    struct ticket_fixture p = ticket_fixture_new(w);
    struct principal ana = world_user(w, S("ana"));
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, 0, S("a"), 1);
    w->core.options.account_max_pending = 1;
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    err_t e = ticket_fixture_try(&p, &ana, &request, &issued);
    EXPECT(e && e->reason == REASON_TICKET_TOO_MANY_PENDING);
    world_wait(w, hours(24)); /* it expires */
    EXPECT_OK(file_purge_due(&w->core, NULL, w->a));
    EXPECT_EQ(world_account(w).pending_files, 0);
    EXPECT_EQ(world_account(w).record_bytes, 0);
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    expect_exact(w);
}

TEST(rules_tags_and_headers_did_not_count_as_bytes)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry entry;
    bucket_fixture_store(&s, S("k"), S("x"));
    world_set_room(w, 1000, 0);
    EXPECT_ERR(bucket_set_cors(&w->core, &s.who, s.bucket.name, world_bytes(w, 1001), w->a), ERR_QUOTA);
    EXPECT_OK(bucket_set_cors(&w->core, &s.who, s.bucket.name, world_bytes(w, 1000), w->a));
    EXPECT_ERR(entry_set_tags(&w->core, &s.who, &s.bucket, S("k"), S("a=b"), w->a), ERR_QUOTA);
    EXPECT_OK(bucket_set_cors(&w->core, &s.who, s.bucket.name, S(""), w->a)); /* deleting works in a full account */
    EXPECT_OK(entry_set_tags(&w->core, &s.who, &s.bucket, S("k"), S("a=b"), w->a));
    expect_exact(w);
    struct entry_copy copy = { .from = &s.bucket,
                               .from_key = S("k"),
                               .to = &s.bucket,
                               .to_key = S("k"),
                               .headers = long_header(w, 998),
                               .keeps_tags = true };
    EXPECT_ERR(entry_copy(&w->core, &s.who, &copy, w->a, &entry), ERR_QUOTA);
    copy.headers = long_header(w, 997);
    EXPECT_OK(entry_copy(&w->core, &s.who, &copy, w->a, &entry));
    EXPECT_ERR(entry_set_tags(&w->core, &s.who, &s.bucket, S("k"), S("aa=b"), w->a), ERR_QUOTA);
    EXPECT_OK(entry_set_tags(&w->core, &s.who, &s.bucket, S("k"), S(""), w->a));
    expect_exact(w);
}

TEST(records_were_added_until_the_disk_was_full)
{
    SCOPED(world_freep)
    struct world *w = world_new_with(&(struct world_options){ .blob_capacity = 100000, .reserve_bytes = 100000 });
    struct bucket_fixture s = { .w = w, .who = world_user(w, S("ana")) };
    int64_t id;
    EXPECT_ERR(make_task(w, &s.who, 100, &id), ERR_NO_SPACE);
    EXPECT_ERR(bucket_create(&w->core, &s.who, S("sample"), w->a), ERR_NO_SPACE);
    w->core.options.reserve_bytes = 90000;
    EXPECT_OK(make_task(w, &s.who, 100, &id));
    w->core.options.reserve_bytes = 100000;
    struct task_comment says = { .task_id = id, .text = S("a comment") };
    int64_t comment;
    EXPECT_ERR(task_comment_add(&w->core, &s.who, &says, w->a, &comment), ERR_NO_SPACE);
    EXPECT_OK(task_remove(&w->core, &s.who, id, minutes(1), w->a));
}

/* ---- bytes that were given up and are still on the disk ---- */

enum { GIVEN_UP = 20000 /* more than a row holds */, GIVEN_UP_LIMIT = 5 * GIVEN_UP };

static slice given_up_bytes(struct world *w)
{
    return (slice){ arena_alloc(w->a, GIVEN_UP), GIVEN_UP };
}

/* Not more than the limit once more, and the object that is still there. */
static void expect_within_twice_the_limit(struct world *w)
{
    struct account account = world_account(w);
    EXPECT(account.garbage_bytes > 0);
    EXPECT(account.used_bytes + account.garbage_bytes <= 2 * GIVEN_UP_LIMIT);
    EXPECT(world_blob_count(w) * GIVEN_UP <= 2 * GIVEN_UP_LIMIT);
    expect_exact(w);
}

static void collect(struct world *w)
{
    world_wait(w, WORLD_GRACE_MS);
    EXPECT_OK(garbage_collect(&w->core, NULL, w->a));
    EXPECT_EQ(world_account(w).garbage_bytes, 0);
    expect_exact(w);
}

TEST(replacing_an_object_filled_the_disk_beyond_the_accounts_quota)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice bytes = given_up_bytes(w);
    struct entry_request put = bucket_fixture_request(S("k"));
    struct stored_entry stored;
    world_set_room(w, GIVEN_UP_LIMIT, 0);
    int puts = 0;
    while (!bucket_fixture_put(&s, &put, bytes, w->a, &stored))
        puts++;
    EXPECT(puts >= 8 && puts <= 10);
    expect_within_twice_the_limit(w);
    EXPECT_ERR(bucket_fixture_put(&s, &put, bytes, w->a, &stored), ERR_QUOTA);
    put.exact_bytes = GIVEN_UP; /* a length that is known is refused before the first byte */
    struct entry_put early;
    EXPECT_ERR(entry_put_open(&w->core, &s.who, &s.bucket, &put, w->a, &early), ERR_QUOTA);
    bucket_fixture_expect(&s, S("k"), bytes);
    bucket_fixture_store(&s, S("small"), S("rows go on"));
    EXPECT_OK(bucket_fixture_remove(&s, S("k"), w->a)); /* a full account can remove */
    collect(w);
    EXPECT_OK(bucket_fixture_put(&s, &put, bytes, w->a, &stored));
}

TEST(removing_and_sending_in_turn_filled_the_disk_beyond_the_accounts_quota)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice bytes = given_up_bytes(w);
    struct entry_request put = bucket_fixture_request(S("k"));
    struct stored_entry stored;
    w->core.options.account_max_bytes = GIVEN_UP_LIMIT; /* the limit of accounts without one of their own */
    int puts = 0;
    while (!bucket_fixture_put(&s, &put, bytes, w->a, &stored)) {
        puts++;
        EXPECT_OK(bucket_fixture_remove(&s, S("k"), w->a));
    }
    EXPECT(puts >= 8 && puts <= 10);
    expect_within_twice_the_limit(w);
    collect(w);
    EXPECT_EQ(world_blob_count(w), 0);
    w->core.options.account_max_bytes = 0;
    for (int i = 0; i < 30; i++) /* without a limit there is none for this either */
        bucket_fixture_store(&s, S("k"), bytes);
}

TEST(replacing_a_part_filled_the_disk_beyond_the_accounts_quota)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice bytes = given_up_bytes(w), name = bucket_fixture_upload(&s, S("k"));
    struct part_bytes part = { 1, bytes };
    struct completed_part completed;
    world_set_room(w, GIVEN_UP_LIMIT, 0);
    int puts = 0;
    while (!bucket_fixture_put_part(&s, S("k"), name, &part, w->a, &completed))
        puts++;
    EXPECT(puts >= 8 && puts <= 10);
    expect_within_twice_the_limit(w);
    EXPECT_OK(bucket_fixture_abort(&s, S("k"), name, w->a));
    collect(w);
    EXPECT_EQ(world_blob_count(w), 0);
}

TEST(a_large_composite_counts_as_garbage_until_its_last_part_is_removed)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice bytes = given_up_bytes(w), name = bucket_fixture_upload(&s, S("k"));
    enum { PARTS = COMPOSITE_PARTS_AT_ONCE + 1 };
    struct completed_part completed[PARTS];
    for (int i = 0; i < PARTS; i++)
        EXPECT_OK(bucket_fixture_put_part(&s, S("k"), name, &(struct part_bytes){ i + 1, bytes }, w->a, &completed[i]));
    struct complete_request request = bucket_fixture_complete_request(&s, S("k"), name, completed, PARTS);
    struct entry entry;
    EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &entry));
    EXPECT_EQ(world_account(w).garbage_bytes, 0);
    expect_exact(w);
    EXPECT_OK(bucket_fixture_remove(&s, S("k"), w->a));
    EXPECT_EQ(world_account(w).garbage_bytes, (int64_t)PARTS * GIVEN_UP);
    expect_exact(w);
    EXPECT_OK(garbage_remove_composites(&w->core, NULL, w->a)); /* now the parts are on the list */
    EXPECT_EQ(world_account(w).garbage_bytes, (int64_t)PARTS * GIVEN_UP);
    expect_exact(w);
    collect(w);
    EXPECT_EQ(world_blob_count(w), 0);
}

RUN_TESTS(cmocka_unit_test(tasks_were_stored_beyond_the_accounts_quota),
          cmocka_unit_test(members_and_links_of_tasks_count_and_are_given_back),
          cmocka_unit_test(open_uploads_kept_sixteen_kilobytes_each_for_nothing),
          cmocka_unit_test(an_account_opened_any_number_of_uploads),
          cmocka_unit_test(an_account_made_any_number_of_buckets),
          cmocka_unit_test(an_account_held_any_number_of_tickets_without_bytes),
          cmocka_unit_test(rules_tags_and_headers_did_not_count_as_bytes),
          cmocka_unit_test(records_were_added_until_the_disk_was_full),
          cmocka_unit_test(replacing_an_object_filled_the_disk_beyond_the_accounts_quota),
          cmocka_unit_test(removing_and_sending_in_turn_filled_the_disk_beyond_the_accounts_quota),
          cmocka_unit_test(replacing_a_part_filled_the_disk_beyond_the_accounts_quota),
          cmocka_unit_test(a_large_composite_counts_as_garbage_until_its_last_part_is_removed))
