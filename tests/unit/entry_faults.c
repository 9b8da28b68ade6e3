/* SPDX-License-Identifier: Apache-2.0 */
/* Each action on entries and uploads runs with its 1st, 2nd, 3rd … store call failing, until a run makes fewer calls. Each
 * call fails in two ways: it is not carried out, or it is and only its result is lost. Then the following must be true.
 * What was acknowledged has happened. What was not acknowledged has happened completely or not at all. The same action
 * succeeds when it is repeated. fsck finds nothing but orphans, which the sweep removes. When all entries and uploads
 * are removed, nothing is left. */
#include "bucket_fixture.h"
#include "rounds.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL = 100, LARGE = 20000, PARTS = 3 };
#define KEY S("k")
#define COPY S("copy")

struct stand {
    struct world *w;
    struct bucket_fixture s;
    struct guarded_fixture tickets;
    slice bytes, old; /* of KEY: the new bytes, and those of the entry before; old.p NULL: there was none */
    slice upload, part_bytes[PARTS];
    struct completed_part parts[PARTS];
    struct entry entry;
};

struct action {
    void (*prepare)(struct stand *);
    err_t (*act)(struct stand *);
    void (*check)(struct stand *, bool acknowledged);
    size_t size;
};

static void nothing(struct stand *t)
{
    (void)t;
}

/* KEY has the old bytes or the new ones; the new ones if the change was acknowledged. */
static void check_key(struct stand *t, bool acknowledged)
{
    SCRATCH(a);
    slice back = S("");
    bool there = bucket_fixture_has(&t->s, KEY);
    if (there)
        EXPECT_OK(bucket_fixture_read(&t->s, KEY, &a, &back));
    bool is_new = there && slice_eq(back, t->bytes);
    bool is_old = t->old.p ? there && slice_eq(back, t->old) : !there;
    EXPECT(is_new || (is_old && !acknowledged));
    EXPECT_EQ(world_account(t->w).used_files, there);
}

/* ---- entries ---- */

static err_t put(struct stand *t)
{
    struct entry_request request = bucket_fixture_request(KEY);
    struct stored_entry stored;
    request.digest = DIGEST_CRC32;
    return bucket_fixture_put(&t->s, &request, t->bytes, t->w->a, &stored);
}

static void prepare_old(struct stand *t)
{
    t->old = world_bytes(t->w, LARGE + 7);
    bucket_fixture_store(&t->s, KEY, t->old);
}

static err_t put_if_it_is_there(struct stand *t)
{
    struct entry_request request = bucket_fixture_request(KEY);
    struct stored_entry stored;
    request.condition.if_match = S("*");
    return bucket_fixture_put(&t->s, &request, t->bytes, t->w->a, &stored);
}

static err_t remove_key(struct stand *t)
{
    return bucket_fixture_remove(&t->s, KEY, t->w->a);
}

static err_t remove_keys(struct stand *t)
{
    struct entry_removal items[] = { { .key = KEY }, { .key = S("none") }, { .key = KEY } };
    return entry_remove_many(&t->w->core, &t->s.who, &t->s.bucket, items, LENGTH_OF(items), t->w->a);
}

static void check_removed(struct stand *t, bool acknowledged)
{
    bool there = bucket_fixture_has(&t->s, KEY);
    EXPECT(!there || !acknowledged);
    if (there)
        bucket_fixture_expect(&t->s, KEY, t->old);
    EXPECT_EQ(count_objects(t->w), there);
    EXPECT_EQ(world_account(t->w).used_files, there);
}

static err_t tag(struct stand *t)
{
    return entry_set_tags(&t->w->core, &t->s.who, &t->s.bucket, KEY, S("a=b"), t->w->a);
}

static void check_tags(struct stand *t, bool acknowledged)
{
    struct entry entry;
    EXPECT_OK(entry_get(&t->w->core, &t->s.bucket, KEY, t->w->a, &entry));
    EXPECT(slice_eq(entry.tags, S("a=b")) || (!acknowledged && !entry.tags.n));
    bucket_fixture_expect(&t->s, KEY, t->old);
}

static err_t copy(struct stand *t)
{
    struct entry_copy request = { .from = &t->s.bucket, .to = &t->s.bucket, .from_key = KEY, .to_key = COPY };
    return entry_copy(&t->w->core, &t->s.who, &request, t->w->a, &t->entry);
}

static void prepare_both(struct stand *t)
{
    prepare_old(t);
    bucket_fixture_store(&t->s, COPY, world_bytes(t->w, LARGE));
}

static void check_copy(struct stand *t, bool acknowledged)
{
    SCRATCH(a);
    slice back = S("");
    bucket_fixture_expect(&t->s, KEY, t->old);
    if (bucket_fixture_has(&t->s, COPY))
        EXPECT_OK(bucket_fixture_read(&t->s, COPY, &a, &back));
    EXPECT(!acknowledged || slice_eq(back, t->old));
    EXPECT(back.n == 0 || back.n == LARGE || slice_eq(back, t->old));
}

/* ---- uploads ---- */

static void prepare_upload(struct stand *t)
{
    struct upload_request request = { .key = KEY, .digest = DIGEST_CRC32C, .lifetime_ms = hours(1) };
    EXPECT_OK(upload_create(&t->w->core, &t->s.who, &t->s.bucket, &request, t->w->a, &t->upload));
}

static err_t create(struct stand *t)
{
    struct upload_request request = { .key = KEY, .lifetime_ms = hours(1) };
    return upload_create(&t->w->core, &t->s.who, &t->s.bucket, &request, t->w->a, &t->upload);
}

static void check_created(struct stand *t, bool acknowledged)
{
    struct upload_ref ref = bucket_fixture_ref(&t->s, KEY, t->upload);
    struct upload upload;
    if (acknowledged)
        EXPECT_OK(upload_get(&t->w->core, &ref, t->w->a, &upload));
}

static err_t send_part(struct stand *t)
{
    return bucket_fixture_put_part(&t->s, KEY, t->upload, &(struct part_bytes){ 1, t->bytes }, t->w->a, &t->parts[0]);
}

static void prepare_part(struct stand *t)
{
    struct completed_part unused;
    prepare_upload(t);
    t->old = world_bytes(t->w, LARGE + 7);
    EXPECT_OK(bucket_fixture_put_part(&t->s, KEY, t->upload, &(struct part_bytes){ 1, t->old }, t->w->a, &unused));
}

static void check_part(struct stand *t, bool acknowledged)
{
    struct upload_ref ref = bucket_fixture_ref(&t->s, KEY, t->upload);
    struct upload_part_list parts;
    struct upload upload;
    EXPECT_OK(upload_get(&t->w->core, &ref, t->w->a, &upload));
    EXPECT_OK(upload_parts(&t->w->core, &upload, 0, 10, t->w->a, &parts));
    EXPECT(parts.count == 1 || (!acknowledged && !t->old.p));
    EXPECT_EQ(count_objects(t->w), parts.count);
    uint64_t size_bytes = parts.count ? parts.items[0].size_bytes : 0;
    EXPECT_EQ(world_account(t->w).used_bytes, size_bytes);
    if (parts.count)
        EXPECT(size_bytes == t->bytes.n || (!acknowledged && size_bytes == t->old.n));
    EXPECT(!bucket_fixture_has(&t->s, KEY));
}

/* Three parts, and one that the request will not name, for the key of an existing entry. */
static void prepare_parts(struct stand *t)
{
    struct completed_part unused;
    prepare_old(t);
    prepare_upload(t);
    const size_t sizes[PARTS] = { LARGE, SMALL, 0 };
    for (int i = 0; i < PARTS; i++) {
        t->part_bytes[i] = world_bytes(t->w, sizes[i]);
        EXPECT_OK(bucket_fixture_put_part(&t->s, KEY, t->upload, &(struct part_bytes){ i + 1, t->part_bytes[i] },
                                          t->w->a, &t->parts[i]));
    }
    EXPECT_OK(bucket_fixture_put_part(&t->s, KEY, t->upload,
                                      &(struct part_bytes){ PARTS + 1, world_bytes(t->w, LARGE) }, t->w->a, &unused));
    t->bytes = arena_join(t->w->a, t->part_bytes, PARTS);
}

static err_t complete(struct stand *t)
{
    struct complete_request request = bucket_fixture_complete_request(&t->s, KEY, t->upload, t->parts, PARTS);
    err_t e = bucket_fixture_complete(&t->s, &request, t->w->a, &t->entry);
    EXPECT_EQ(err_reason(e), REASON_NONE);
    return e;
}

/* Either the upload exists, with all its parts and the old entry, or the new entry exists and no upload. */
static void check_completed(struct stand *t, bool acknowledged)
{
    SCRATCH(a);
    struct upload upload;
    slice back;
    struct upload_ref ref = bucket_fixture_ref(&t->s, KEY, t->upload);
    err_t e = upload_get(&t->w->core, &ref, &a, &upload);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    EXPECT_OK(bucket_fixture_read(&t->s, KEY, &a, &back));
    EXPECT(slice_eq(back, e ? t->bytes : t->old));
    EXPECT(e || !acknowledged);
    EXPECT_EQ(count_objects(t->w), e ? PARTS + 1 : PARTS + 1 + 1);
    EXPECT_EQ(world_account(t->w).used_files, 1);
}

static err_t abort_upload(struct stand *t)
{
    err_t e = bucket_fixture_abort(&t->s, KEY, t->upload, t->w->a);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e; /* called again, because the outcome was lost */
}

static void check_aborted(struct stand *t, bool acknowledged)
{
    SCRATCH(a);
    struct upload upload;
    struct upload_ref ref = bucket_fixture_ref(&t->s, KEY, t->upload);
    err_t e = upload_get(&t->w->core, &ref, &a, &upload);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    EXPECT(e || !acknowledged);
    EXPECT_EQ(count_objects(t->w), e ? 1 : PARTS + 2);
    bucket_fixture_expect(&t->s, KEY, t->old);
}

static void check_purged(struct stand *t, bool acknowledged)
{
    int64_t objects = count_objects(t->w);
    EXPECT(objects == 1 || (!acknowledged && objects == PARTS + 2));
    bucket_fixture_expect(&t->s, KEY, t->old);
}

static void prepare_past(struct stand *t)
{
    prepare_parts(t);
    world_wait(t->w, hours(1));
}

static err_t purge(struct stand *t)
{
    size_t gone;
    return upload_purge_batch(&t->w->core, t->w->a, &gone);
}

/* ---- tickets, buckets ---- */

static void prepare_ticket(struct stand *t)
{
    guarded_fixture_issue(&t->tickets, KEY, t->bytes.n);
}

static err_t put_by_ticket(struct stand *t)
{
    struct entry_request request = bucket_fixture_request(KEY);
    struct stored_entry stored;
    return bucket_fixture_put(&t->tickets.s, &request, t->bytes, t->w->a, &stored);
}

static void check_ticket(struct stand *t, bool acknowledged)
{
    bool there = bucket_fixture_has(&t->tickets.s, KEY);
    EXPECT(there || !acknowledged);
    if (there)
        bucket_fixture_expect(&t->tickets.s, KEY, t->bytes);
    EXPECT_EQ(count_objects(t->w), there);
    EXPECT_EQ(world_account(t->w).used_files, there);
}

static err_t make_bucket(struct stand *t)
{
    err_t e = bucket_create(&t->w->core, &t->s.who, S("another"), t->w->a);
    return err_reason(e) == REASON_BUCKET_OWNED ? NULL : e; /* called again, because the outcome was lost */
}

static void check_bucket(struct stand *t, bool acknowledged)
{
    struct bucket bucket;
    err_t e = bucket_find(&t->w->core, &t->s.who, S("another"), BUCKET_WRITE, t->w->a, &bucket);
    EXPECT(!e || (!acknowledged && e->code == ERR_NOT_FOUND));
}

/* ---- running an action with failing calls ---- */

/* Removes every entry and every upload. */
static void remove_all(struct stand *t)
{
    struct upload_list uploads;
    EXPECT_OK(bucket_fixture_remove(&t->s, KEY, t->w->a));
    EXPECT_OK(bucket_fixture_remove(&t->s, COPY, t->w->a));
    EXPECT_OK(upload_list(&t->w->core, &t->s.bucket, &(struct upload_list_request){ .limit = 10 }, t->w->a, &uploads));
    for (size_t i = 0; i < uploads.count; i++)
        EXPECT_OK(bucket_fixture_abort(&t->s, uploads.items[i].key, uploads.items[i].name, t->w->a));
    world_wait(t->w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(t->w); /* the purge time of pending files has come */
    expect_empty_store(t->w);
}

/* Runs the action in a new world, with the nth store call failing. True: the action made fewer calls. */
static bool fail_nth(const struct action *action, int64_t nth, bool answer_lost)
{
    WORLD(w);
    struct stand t = { .w = w, .s = bucket_fixture_new(w), .tickets = guarded_fixture_new(w) };
    t.bytes = world_bytes(w, action->size);
    action->prepare(&t);
    world_wait(w, seconds(1)); /* so the store is asked for its free space again */
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    err_t e = action->act(&t);
    bool reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT(reached || !e);
    EXPECT(!e || e->code == ERR_UNAVAILABLE);
    EXPECT_EQ(world_fsck(w, false), 0);
    action->check(&t, !e);
    if (e) {
        EXPECT_OK(action->act(&t)); /* repeated */
        action->check(&t, true);
        EXPECT_EQ(world_fsck(w, false), 0);
    }
    remove_all(&t);
    return !reached;
}

static void fail_each(const struct action *action)
{
    for (int lost = 0; lost < 2; lost++)
        for (int64_t nth = fault_first(); !fail_nth(action, nth, lost); nth += fault_step())
            assert_true(nth < 1000);
}

TEST(supabase_125_a_put_is_complete_or_absent_after_a_fault)
{
    fail_each(&(struct action){ nothing, put, check_key, SMALL });
    fail_each(&(struct action){ nothing, put, check_key, LARGE });
}
/* Acknowledged or not: each stored entry has its event, and there is no event without one. */
static void check_event(struct stand *t, bool acknowledged)
{
    int64_t events = world_event_count(t->w, S("entry.put"));
    check_key(t, acknowledged);
    EXPECT_EQ(events > 0, bucket_fixture_has(&t->s, KEY));
}
TEST(minio_18404_the_event_exists_exactly_when_the_entry_does)
{
    fail_each(&(struct action){ nothing, put, check_event, SMALL });
    fail_each(&(struct action){ nothing, put, check_event, LARGE });
}
TEST(minio_17416_a_replaced_entry_is_the_old_or_the_new_one_after_a_fault)
{
    fail_each(&(struct action){ prepare_old, put, check_key, SMALL });
    fail_each(&(struct action){ prepare_old, put, check_key, LARGE });
    fail_each(&(struct action){ prepare_old, put_if_it_is_there, check_key, LARGE });
}
TEST(a_removal_removes_entry_and_object_or_neither)
{
    fail_each(&(struct action){ prepare_old, remove_key, check_removed, 0 });
    fail_each(&(struct action){ prepare_old, remove_keys, check_removed, 0 });
}
TEST(tags_are_the_old_or_the_new_ones_after_a_fault)
{
    fail_each(&(struct action){ prepare_old, tag, check_tags, 0 });
}
TEST(a_copy_is_complete_or_absent_after_a_fault)
{
    fail_each(&(struct action){ prepare_old, copy, check_copy, 0 });
    fail_each(&(struct action){ prepare_both, copy, check_copy, 0 });
}
TEST(an_acknowledged_upload_exists_after_a_fault)
{
    fail_each(&(struct action){ nothing, create, check_created, 0 });
}
TEST(a_part_is_the_old_or_the_new_one_after_a_fault)
{
    fail_each(&(struct action){ prepare_upload, send_part, check_part, SMALL });
    fail_each(&(struct action){ prepare_upload, send_part, check_part, LARGE });
    fail_each(&(struct action){ prepare_part, send_part, check_part, SMALL });
    fail_each(&(struct action){ prepare_part, send_part, check_part, LARGE });
}
TEST(supabase_822_completing_has_happened_or_not_after_a_fault_and_can_be_repeated)
{
    fail_each(&(struct action){ prepare_parts, complete, check_completed, 0 });
}
TEST(aborting_removes_all_parts_or_none)
{
    fail_each(&(struct action){ prepare_parts, abort_upload, check_aborted, 0 });
    fail_each(&(struct action){ prepare_past, purge, check_purged, 0 });
}
TEST(a_put_under_a_ticket_is_complete_or_absent_after_a_fault)
{
    fail_each(&(struct action){ prepare_ticket, put_by_ticket, check_ticket, SMALL });
    fail_each(&(struct action){ prepare_ticket, put_by_ticket, check_ticket, LARGE });
}
TEST(an_acknowledged_bucket_exists_after_a_fault)
{
    fail_each(&(struct action){ nothing, make_bucket, check_bucket, 0 });
}

RUN_TESTS(cmocka_unit_test(supabase_125_a_put_is_complete_or_absent_after_a_fault),
          cmocka_unit_test(minio_18404_the_event_exists_exactly_when_the_entry_does),
          cmocka_unit_test(minio_17416_a_replaced_entry_is_the_old_or_the_new_one_after_a_fault),
          cmocka_unit_test(a_removal_removes_entry_and_object_or_neither),
          cmocka_unit_test(tags_are_the_old_or_the_new_ones_after_a_fault),
          cmocka_unit_test(a_copy_is_complete_or_absent_after_a_fault),
          cmocka_unit_test(an_acknowledged_upload_exists_after_a_fault),
          cmocka_unit_test(a_part_is_the_old_or_the_new_one_after_a_fault),
          cmocka_unit_test(supabase_822_completing_has_happened_or_not_after_a_fault_and_can_be_repeated),
          cmocka_unit_test(aborting_removes_all_parts_or_none),
          cmocka_unit_test(a_put_under_a_ticket_is_complete_or_absent_after_a_fault),
          cmocka_unit_test(an_acknowledged_bucket_exists_after_a_fault))
