/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads that are made of others, and digests of whole uploads. */
#include "damage.h"
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "core/file/file.h"
#include "core/job.h"
#include "core/object/damage.h"
#include "core/reasons.h"
#include "core/transfer/transfer.h"

#include <string.h>

#define LIFETIME hours(24)

struct fixture {
    struct world *w;
    struct principal ana;
};

static struct fixture fixture_new(struct world *w)
{
    return (struct fixture){ w, world_user(w, S("ana")) };
}

static err_t append(const struct fixture *f, slice name, slice bytes, struct transfer *ret)
{
    struct transfer t;
    struct transfer_writer *writer;
    TRY(transfer_find(&f->w->core, &f->ana, name, f->w->a, &t));
    struct transfer_opening opening = { .name = name, .offset = t.offset, .lifetime_ms = LIFETIME };
    TRY(transfer_open(&f->w->core, &f->ana, &opening, f->w->a, &writer));
    err_t e = transfer_write(writer, bytes, f->w->a);
    if (e) {
        transfer_drop(writer);
        return e;
    }
    return transfer_close(writer, f->w->a, ret);
}

static slice part_of(const struct fixture *f, slice bytes)
{
    struct transfer_request request = { .origin = S("sample"),
                                        .file_name = S("a.bin"),
                                        .length = (int64_t)bytes.n,
                                        .lifetime_ms = LIFETIME,
                                        .is_part = true };
    struct transfer t = { 0 };
    EXPECT_OK(transfer_create(&f->w->core, &f->ana, &request, f->w->a, &t));
    if (bytes.n)
        EXPECT_OK(append(f, t.name, bytes, &t));
    else
        EXPECT_OK(transfer_complete(&f->w->core, &f->ana, t.name, f->w->a, &t));
    EXPECT(t.finished_at_ms > 0);
    return t.name;
}

static err_t compose(const struct fixture *f, const slice *parts, size_t count, struct transfer *ret)
{
    struct transfer_request request = { .origin = S("sample"),
                                        .file_name = S("whole.bin"),
                                        .length = -1,
                                        .lifetime_ms = 2 * LIFETIME,
                                        .parts = parts,
                                        .part_count = count,
                                        .composition = S("final;a b") };
    return transfer_create(&f->w->core, &f->ana, &request, f->w->a, ret);
}

static void expect_file(const struct fixture *f, slice name, slice bytes)
{
    struct transfer t;
    struct file file;
    slice read;
    EXPECT_OK(transfer_find(&f->w->core, &f->ana, name, f->w->a, &t));
    EXPECT(t.finished_at_ms > 0);
    EXPECT_OK(file_get(&f->w->core, &f->ana, t.file_uuid, f->w->a, &file));
    EXPECT_OK(world_read(f->w, &f->ana, &file, &read));
    EXPECT_SLICE(read, bytes);
}

/* ---- parts ---- */

TEST(parts_become_one_file_in_their_order)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    slice large = world_bytes(w, (3 << 20) + 5);
    slice parts[] = { part_of(&f, S("abc")), part_of(&f, large), part_of(&f, S("")), S(""), S("") };
    parts[3] = parts[4] = parts[0];
    struct transfer t;
    EXPECT_OK(compose(&f, parts, LENGTH_OF(parts), &t));
    EXPECT_EQ(t.length, (int64_t)large.n + 9);
    EXPECT_REFUSED(append(&f, t.name, S("x"), &t), REASON_TRANSFER_COMPOSED);
    world_run_jobs(w);
    slice whole[] = { S("abc"), large, S("abcabc") };
    expect_file(&f, t.name, arena_join(w->a, whole, LENGTH_OF(whole)));
    EXPECT_EQ(world_fsck(w, false), 0);
    EXPECT_OK(compose(&f, parts, 1, &t)); /* they can be used again */
    world_run_jobs(w);
    expect_file(&f, t.name, S("abc"));
    slice nothing[] = { parts[2], parts[2] };
    EXPECT_OK(compose(&f, nothing, 2, &t));
    world_run_jobs(w);
    expect_file(&f, t.name, S(""));
    slice last = t.name;
    world_wait(w, TRANSFER_KEPT_MS - 1);
    EXPECT_OK(transfer_find(&w->core, &f.ana, last, w->a, &t)); /* who missed the last reply can ask */
    world_wait(w, TRANSFER_KEPT_MS + 2 * LIFETIME + hours(2));
    world_run_jobs(w);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, parts[0], w->a, &t), REASON_TRANSFER_NOT_THERE);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(only_finished_parts_of_the_user_are_put_together)
{
    WORLD(w);
    struct fixture f = fixture_new(w), bob = { w, world_user(w, S("bob")) };
    struct transfer_request request = {
        .origin = S("sample"), .file_name = S("a"), .length = 3, .lifetime_ms = LIFETIME
    };
    struct transfer file, open, t;
    EXPECT_OK(transfer_create(&w->core, &f.ana, &request, w->a, &file));
    request.is_part = true;
    EXPECT_OK(transfer_create(&w->core, &f.ana, &request, w->a, &open));
    EXPECT_OK(append(&f, open.name, S("ab"), &t));
    slice part = part_of(&f, S("abc")), foreign = part_of(&bob, S("abc"));
    EXPECT_REFUSED(compose(&f, (slice[]){ part, open.name }, 2, &t), REASON_TRANSFER_NO_PART);
    EXPECT_REFUSED(compose(&f, (slice[]){ file.name, part }, 2, &t), REASON_TRANSFER_NO_PART);
    EXPECT_REFUSED(compose(&f, (slice[]){ part, foreign }, 2, &t), REASON_TRANSFER_NOT_THERE);
    EXPECT_REFUSED(compose(&f, (slice[]){ part, S("nobody") }, 2, &t), REASON_TRANSFER_NOT_THERE);
    slice *many = arena_array(w->a, slice, TRANSFER_PARTS_MAX + 1);
    for (size_t i = 0; i <= TRANSFER_PARTS_MAX; i++)
        many[i] = part;
    EXPECT_ERR(compose(&f, many, TRANSFER_PARTS_MAX + 1, &t), ERR_TOO_LARGE);
    struct transfer_request large = { .origin = S("sample"),
                                      .file_name = S("a"),
                                      .lifetime_ms = LIFETIME,
                                      .parts = many,
                                      .part_count = 4,
                                      .max_bytes = 11 };
    EXPECT_ERR(transfer_create(&w->core, &f.ana, &large, w->a, &t), ERR_TOO_LARGE);
    EXPECT_OK(compose(&f, many, TRANSFER_PARTS_MAX, &t));
    EXPECT_EQ(t.length, 3 * TRANSFER_PARTS_MAX);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(parts_stay_until_the_whole_is_finished)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    slice parts[] = { part_of(&f, S("abc")), part_of(&f, S("def")) };
    struct transfer t, ignored;
    EXPECT_OK(compose(&f, parts, 2, &t));
    EXPECT_REFUSED(transfer_remove(&w->core, &f.ana, parts[0], w->a), REASON_TRANSFER_IN_USE);
    world_wait(w, LIFETIME + 1); /* the parts have expired, the whole has not */
    EXPECT_OK(transfer_purge_due(&w->core, NULL, w->a));
    world_run_jobs(w);
    expect_file(&f, t.name, S("abcdef"));
    world_wait(w, minutes(2));
    world_run_jobs(w);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, parts[0], w->a, &ignored), REASON_TRANSFER_NOT_THERE);
    slice part = part_of(&f, S("ghi"));
    EXPECT_OK(compose(&f, &part, 1, &t));
    EXPECT_OK(transfer_remove(&w->core, &f.ana, t.name, w->a));
    EXPECT_OK(transfer_remove(&w->core, &f.ana, part, w->a)); /* nobody wants it any more */
    world_run_jobs(w);
    EXPECT_EQ(world_account(w).open_uploads, 0);
    EXPECT_EQ(world_fsck(w, false), 0);
}

static void compose_with_fault(int64_t nth, bool *ret_reached)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    slice large = world_bytes(w, (2 << 20) + 5);
    slice parts[] = { part_of(&f, S("abc")), part_of(&f, large) };
    slice whole[] = { S("abc"), large };
    struct transfer t;
    EXPECT_OK(compose(&f, parts, 2, &t));
    w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
    err_t made_good_later = jobs_run_due(w->jobs, w->a);
    (void)made_good_later;
    *ret_reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    for (int i = 0; i < 4; i++) {
        world_wait(w, minutes(10));
        world_run_jobs(w);
    }
    expect_file(&f, t.name, arena_join(w->a, whole, LENGTH_OF(whole)));
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(parts_are_put_together_once_whatever_call_of_a_store_fails)
{
    bool reached = true;
    for (int64_t nth = fault_first(); reached; nth += fault_step()) {
        compose_with_fault(nth, &reached);
        assert_true(nth < 2000);
    }
}

TEST(a_part_was_forgotten_a_day_after_its_last_byte)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer_request request = {
        .origin = S("sample"), .file_name = S("a"), .length = 3, .lifetime_ms = 7 * LIFETIME, .is_part = true
    };
    struct transfer t;
    EXPECT_OK(transfer_create(&w->core, &f.ana, &request, w->a, &t));
    slice name = t.name;
    struct transfer_opening opening = { .name = name, .lifetime_ms = 7 * LIFETIME };
    struct transfer_writer *writer;
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, S("abc"), w->a));
    EXPECT_OK(transfer_close(writer, w->a, &t));
    world_wait(w, 7 * LIFETIME - 1);
    world_run_jobs(w);
    EXPECT_OK(transfer_find(&w->core, &f.ana, name, w->a, &t));
}

/* Before, a whole that was put together of damaged parts got the digest of the damage, and passed for good ever after. */
TEST(d7_damaged_bytes_of_a_part_become_no_file)
{
    for (size_t at = 0; at < 200000; at += 66000) {
        WORLD(w);
        struct fixture f = fixture_new(w);
        slice bytes = world_bytes(w, 200000), wrong = arena_copy(w->a, bytes);
        slice parts[] = { part_of(&f, S("abc")), part_of(&f, bytes) };
        struct transfer part, t;
        EXPECT_OK(transfer_find(&w->core, &f.ana, parts[1], w->a, &part));
        ((char *)(uintptr_t)wrong.p)[at] ^= 1;
        damage_growing(w, part.blob_key, wrong);
        EXPECT_OK(compose(&f, parts, 2, &t));
        uint64_t before = damage_count(&w->core);
        EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_CORRUPT);
        EXPECT(damage_count(&w->core) > before);
        EXPECT_OK(transfer_find(&w->core, &f.ana, t.name, w->a, &t));
        EXPECT(!t.finished_at_ms);
        EXPECT_EQ(world_file_count(w), 0);
        damage_growing(w, part.blob_key, slice_part(bytes, 0, 199999)); /* it ends early */
        world_wait(w, minutes(10));
        EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_CORRUPT);
        damage_growing(w, part.blob_key, bytes); /* an operator put it back */
        world_wait(w, minutes(10));
        world_run_jobs(w);
        const slice whole[] = { S("abc"), bytes };
        expect_file(&f, t.name, arena_join(w->a, whole, LENGTH_OF(whole)));
    }
}

TEST(fsck_finds_a_part_whose_bytes_are_missing)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t;
    slice part = part_of(&f, S("abc"));
    EXPECT_OK(transfer_find(&w->core, &f.ana, part, w->a, &t));
    EXPECT_OK(w->core.blob->ops->drop(w->core.blob, t.blob_key, w->a));
    EXPECT_EQ(world_fsck(w, false), 1);
}

/* ---- digests ---- */

static struct transfer create_digested(const struct fixture *f, enum hash_kind kind, slice expected)
{
    struct transfer_request request = { .origin = S("sample"),
                                        .file_name = S("a"),
                                        .length = 6,
                                        .lifetime_ms = LIFETIME,
                                        .has_digest = true,
                                        .digest_kind = kind,
                                        .expected_digest = expected };
    struct transfer t = { 0 };
    EXPECT_OK(transfer_create(&f->w->core, &f->ana, &request, f->w->a, &t));
    return t;
}

TEST(the_digest_of_the_whole_is_kept_over_requests_and_checked)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    unsigned char right[SHA256_SIZE], now[SHA256_SIZE];
    hash_sha256(S("abcdef"), right);
    slice expected = { (const char *)right, SHA256_SIZE };
    struct transfer t = create_digested(&f, HASH_SHA256, expected);
    EXPECT_OK(append(&f, t.name, S("abc"), &t));
    EXPECT_OK(append(&f, t.name, S("def"), &t));
    hash_state_final(&t.digest, now);
    EXPECT(memcmp(now, right, sizeof now) == 0);
    expect_file(&f, t.name, S("abcdef"));

    t = create_digested(&f, HASH_SHA256, expected);
    EXPECT_OK(append(&f, t.name, S("abc"), &t));
    EXPECT_ERR(append(&f, t.name, S("deg"), &t), ERR_DIGEST);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, t.name, w->a, &t), REASON_TRANSFER_NOT_THERE);

    t = create_digested(&f, HASH_SHA512, S(""));
    EXPECT_OK(append(&f, t.name, S("abcdef"), &t)); /* it is only computed */
    EXPECT(t.has_digest && t.digest.kind == HASH_SHA512);
    EXPECT_EQ(world_account(w).used_files, 2);
    EXPECT_EQ(world_account(w).open_uploads, 0);
    EXPECT_EQ(world_fsck(w, false), 0);
}

RUN_TESTS(cmocka_unit_test(parts_become_one_file_in_their_order),
          cmocka_unit_test(only_finished_parts_of_the_user_are_put_together),
          cmocka_unit_test(parts_stay_until_the_whole_is_finished),
          cmocka_unit_test(a_part_was_forgotten_a_day_after_its_last_byte),
          cmocka_unit_test(d7_damaged_bytes_of_a_part_become_no_file),
          cmocka_unit_test(fsck_finds_a_part_whose_bytes_are_missing),
          cmocka_unit_test(parts_are_put_together_once_whatever_call_of_a_store_fails),
          cmocka_unit_test(the_digest_of_the_whole_is_kept_over_requests_and_checked))
