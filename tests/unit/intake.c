/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "world.h"

#include "core/free_space.h"
#include "core/object/digest.h"
#include "core/records/record_size.h"
#include "core/store/object_store.h"

#include <string.h>

#define SMALL S("hello")
enum { LARGE = 50000 };

/* Nothing of an upload is left: no rows, no blobs, nothing used. */
static void expect_nothing(struct world *w)
{
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(world_account(w).used_files, 0);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(world_event_count(w, S("file.store")), 0);
    EXPECT(!w->core.flights);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(small_objects_become_rows_and_large_ones_blobs)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    size_t sizes[] = { 0, 1, WORLD_INLINE_MAX, WORLD_INLINE_MAX + 1, LARGE };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        slice bytes = world_bytes(w, sizes[i]), back;
        struct file f = world_store(w, &alice, S("x"), bytes, 0);
        unsigned char md5[MD5_SIZE];
        hash_md5(bytes, md5);
        EXPECT(memcmp(md5, f.md5, MD5_SIZE) == 0);
        EXPECT_EQ(f.size_bytes, sizes[i]);
        EXPECT_EQ(f.state, FILE_READY);
        EXPECT_EQ(f.purge_at_ms, 0);
        EXPECT_OK(world_read(w, &alice, &f, &back));
        EXPECT_SLICE(back, bytes);
    }
    EXPECT_EQ(world_blob_count(w), 2);
    EXPECT_EQ(world_account(w).used_files, 5);
    EXPECT_EQ(world_account(w).used_bytes, 1 + 2 * WORLD_INLINE_MAX + 1 + LARGE);
    EXPECT_EQ(world_event_count(w, S("file.store")), 5);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(an_upload_of_known_length_above_the_inline_limit_is_never_held_in_memory)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct intake *in;
    request.exact_bytes = LARGE;
    EXPECT_OK(intake_open(&w->core, &request, w->a, &in));
    EXPECT(intake_blocks(in));
    intake_discard(in);
    request.exact_bytes = WORLD_INLINE_MAX;
    EXPECT_OK(intake_open(&w->core, &request, w->a, &in));
    EXPECT(!intake_blocks(in));
    intake_discard(in);
    expect_nothing(w);
}

TEST(a_request_that_is_over_its_limit_stores_nothing)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct intake *in;
    SCRATCH(a);
    arena_mark_over(&a); /* a part of the request was left out */
    EXPECT_ERR(intake_open(&w->core, &request, &a, &in), ERR_TOO_LARGE);
    expect_nothing(w);
}

TEST(a_discarded_upload_leaves_nothing)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    for (size_t size = 0; size <= LARGE; size += LARGE / 2) {
        struct intake *in;
        EXPECT_OK(intake_open(&w->core, &request, w->a, &in));
        EXPECT_OK(intake_write(in, world_bytes(w, size), w->a));
        EXPECT_EQ(intake_received(in), size);
        intake_discard(in);
        expect_nothing(w);
    }
    intake_discard(NULL);
}

TEST(tusd_497_an_upload_with_another_length_than_announced_makes_no_file)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    size_t sizes[] = { 5, LARGE };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct intake_request request = world_request(&alice, S("x"));
        struct file f;
        request.exact_bytes = (int64_t)sizes[i];
        EXPECT_ERR(world_put(w, &request, world_bytes(w, sizes[i] - 1), &f), ERR_TRUNCATED);
        EXPECT_ERR(world_put(w, &request, world_bytes(w, sizes[i] + 1), &f), ERR_TOO_LARGE);
    }
    expect_nothing(w);
}

TEST(an_upload_makes_a_file_only_with_the_declared_md5)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    size_t sizes[] = { 5, LARGE };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        slice bytes = world_bytes(w, sizes[i]);
        unsigned char md5[MD5_SIZE];
        struct file f;
        hash_md5(bytes, md5);
        struct intake_request request = world_request(&alice, S("x"));
        request.md5 = (slice){ (char *)md5, MD5_SIZE };
        md5[3] ^= 1;
        EXPECT_ERR(world_put(w, &request, bytes, &f), ERR_DIGEST);
        EXPECT_EQ(world_file_count(w), (int64_t)i);
        md5[3] ^= 1;
        EXPECT_OK(world_put(w, &request, bytes, &f));
    }
    EXPECT_EQ(world_blob_count(w), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(the_size_limit_refuses_a_declared_length_and_the_first_byte_above_it)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct intake *in;
    struct file f;
    request.max_bytes = 100;
    request.exact_bytes = 101;
    EXPECT_ERR(intake_open(&w->core, &request, w->a, &in), ERR_TOO_LARGE);
    request.exact_bytes = -1;
    EXPECT_ERR(world_put(w, &request, world_bytes(w, 101), &f), ERR_TOO_LARGE);
    request.max_bytes = LARGE;
    EXPECT_ERR(world_put(w, &request, world_bytes(w, LARGE + 1), &f), ERR_TOO_LARGE);
    expect_nothing(w);
    request.max_bytes = 100;
    EXPECT_OK(world_put(w, &request, world_bytes(w, 100), &f));
}

enum { FILE_RECORD = RECORD_BYTES + 4 + 1 + 10 /* with the texts of world_request for the name "x" */ };

TEST(an_upload_above_the_quota_of_bytes_or_files_leaves_nothing)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct file f;
    world_set_room(w, LARGE + FILE_RECORD, 0);
    EXPECT_ERR(world_put(w, &request, world_bytes(w, LARGE + 1), &f), ERR_QUOTA);
    expect_nothing(w);
    EXPECT_OK(world_put(w, &request, world_bytes(w, LARGE), &f));
    EXPECT_ERR(world_put(w, &request, S("1"), &f), ERR_QUOTA);
    world_set_room(w, FILE_RECORD, 0);
    EXPECT_ERR(world_put(w, &request, S("1"), &f), ERR_QUOTA);
    EXPECT_OK(world_put(w, &request, S(""), &f));
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 2, w->a));
    EXPECT_ERR(world_put(w, &request, S(""), &f), ERR_QUOTA);
    EXPECT_OK(file_delete(&w->core, &alice, f.uuid, w->a));
    EXPECT_OK(world_put(w, &request, S("1"), &f));
    EXPECT_ERR(account_set_limits(&w->core, &w->operator_, S("default"), -1, 0, w->a), ERR_INVALID);
    EXPECT_ERR(account_set_limits(&w->core, &w->operator_, S("nowhere"), 1, 0, w->a), ERR_NOT_FOUND);
}

TEST(the_configured_quota_applies_to_accounts_without_a_quota_of_their_own)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct file f;
    w->core.options.account_max_bytes = LARGE + FILE_RECORD;
    w->core.options.account_max_files = 2;
    EXPECT_ERR(world_put(w, &request, world_bytes(w, LARGE + 1), &f), ERR_QUOTA);
    expect_nothing(w);
    EXPECT_OK(world_put(w, &request, world_bytes(w, LARGE), &f));
    EXPECT_ERR(world_put(w, &request, S("1"), &f), ERR_QUOTA);
    w->core.options.account_max_bytes += FILE_RECORD;
    EXPECT_ERR(world_put(w, &request, S("1"), &f), ERR_QUOTA);
    EXPECT_OK(world_put(w, &request, S(""), &f));
    EXPECT_ERR(world_put(w, &request, S(""), &f), ERR_QUOTA);
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 2 * LARGE, 3, w->a));
    EXPECT_OK(world_put(w, &request, S("1"), &f));
    EXPECT_ERR(world_put(w, &request, S(""), &f), ERR_QUOTA);
}

TEST(a_declared_length_above_the_quota_is_refused_before_the_first_byte)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct intake *in;
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), LARGE, 0, w->a));
    request.exact_bytes = LARGE + 1;
    EXPECT_ERR(intake_open(&w->core, &request, w->a, &in), ERR_QUOTA);
    expect_nothing(w);
}

TEST(uploads_are_refused_below_the_reserve_and_accepted_when_space_returns)
{
    SCOPED(world_freep)
    struct world *w = world_new_with(&(struct world_options){ .blob_capacity = 200000, .reserve_bytes = 100000 });
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct file f, small;
    struct intake *in;
    request.exact_bytes = 100001;
    EXPECT_ERR(intake_open(&w->core, &request, w->a, &in), ERR_NO_SPACE);
    request.exact_bytes = -1;
    EXPECT_ERR(world_put(w, &request, world_bytes(w, 150000), &f),
               ERR_NO_SPACE); /* while the bytes come, within the second after the last answer about free space */
    world_wait(w, seconds(1));
    EXPECT_OK(world_put(w, &request, world_bytes(w, 90000), &f));
    world_wait(w, seconds(1));
    request.exact_bytes = 20000;
    EXPECT_ERR(intake_open(&w->core, &request, w->a, &in), ERR_NO_SPACE);
    request.exact_bytes = -1;
    EXPECT_OK(world_put(w, &request, SMALL, &small));
    EXPECT_OK(file_delete(&w->core, &alice, f.uuid, w->a));
    world_wait(w, WORLD_GRACE_MS);
    world_run_jobs(w);
    world_wait(w, seconds(1));
    EXPECT_OK(world_put(w, &request, world_bytes(w, 90000), &f));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(free_space_is_looked_up_at_most_once_a_second)
{
    WORLD(w);
    int64_t before = w->faults.calls;
    for (int i = 0; i < 10; i++)
        EXPECT_OK(free_space_check(&w->core, 1, w->a));
    EXPECT_EQ(w->faults.calls - before, 1);
    world_wait(w, seconds(1));
    EXPECT_OK(free_space_check(&w->core, 1, w->a));
    EXPECT_EQ(w->faults.calls - before, 2);
}

TEST(what_was_held_was_forgotten_when_free_space_was_looked_up_again)
{
    SCOPED(world_freep)
    struct world *w = world_new_with(&(struct world_options){ .blob_capacity = 200000, .reserve_bytes = 100000 });
    struct space_hold hold = { 0 };
    EXPECT_OK(free_space_hold(&w->core, &hold, 60000, w->a));
    EXPECT_ERR(free_space_hold(&w->core, &hold, 50000, w->a), ERR_NO_SPACE);
    world_wait(w, seconds(1));
    EXPECT_ERR(free_space_check(&w->core, 50000, w->a), ERR_NO_SPACE);
    EXPECT_OK(free_space_check(&w->core, 40000, w->a));
    free_space_let(&w->core, &hold);
    EXPECT_ERR(free_space_check(&w->core, 50000, w->a), ERR_NO_SPACE); /* perhaps it has just been written */
    world_wait(w, seconds(1));
    EXPECT_OK(free_space_check(&w->core, 100000, w->a));
}

TEST(a_full_disk_refuses_an_upload_with_no_space_and_leaves_nothing)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .blob_capacity = 40000 });
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct file f;
    EXPECT_ERR(world_put(w, &request, world_bytes(w, LARGE), &f), ERR_NO_SPACE);
    expect_nothing(w);
    world_wait(w, seconds(1));
    EXPECT_OK(world_put(w, &request, world_bytes(w, 30000), &f));
}

TEST(the_purge_time_counts_from_the_end_of_the_upload)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("x"), SMALL, minutes(10));
    EXPECT_EQ(f.state, FILE_STORED);
    EXPECT_EQ(f.purge_at_ms, WORLD_START_MS + minutes(10));
    EXPECT_SLICE(f.name, S("x"));
    EXPECT_SLICE(f.owner_login, S("alice"));
}

static void never(void *arg, err_t e, const struct file *file)
{
    (void)file;
    *(enum err_code *)arg = e ? e->code : ERR_CODE_COUNT;
}

TEST(an_upload_to_a_closing_store_is_unavailable_and_leaves_nothing)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct intake *in;
    EXPECT_OK(intake_open(&w->core, &request, w->a, &in));
    EXPECT_OK(intake_write(in, SMALL, w->a));
    /* A store that is closing refuses a write like one whose queue is full: both must end as UNAVAILABLE. */
    w->faults.fail_at = w->faults.calls + 1;
    w->faults.fail_count = 1000;
    enum err_code code = ERR_CODE_COUNT;
    intake_finish(in, never, &code);
    w->faults.fail_at = 0;
    EXPECT_EQ(code, ERR_UNAVAILABLE);
    expect_nothing(w);
}

/* Fail the 1st, 2nd, 3rd … store call of an upload, until an upload passes without a failure. */
static void fail_each_call(size_t size, enum err_code with, int failures_in_a_row)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    slice bytes = world_bytes(w, size), back;
    w->faults.code = with;
    for (int nth = 1;; nth++) {
        assert_true(nth < 1000);
        struct file f;
        int64_t files = world_file_count(w);
        world_wait(w, seconds(1)); /* so the store is asked for its free space again */
        w->faults.fail_count = failures_in_a_row;
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = world_put(w, &request, bytes, &f);
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        if (!e && !reached) {
            EXPECT(nth > 3);
            break; /* no call failed */
        }
        EXPECT(e ? e->code == with : true);
        /* An acknowledged file exists. A file that was not acknowledged is not visible; only after a failure behind the
         * commit it may exist, and then it is complete. */
        int64_t now = world_file_count(w);
        EXPECT(e ? now <= files + 1 : now == files + 1);
        EXPECT(!w->core.flights);
        EXPECT_EQ(world_fsck(w, false), 0);
        world_wait(w, WORLD_GRACE_MS + hours(6));
        world_run_jobs(w);
        EXPECT_EQ(world_fsck(w, true), 0);
        EXPECT_OK(world_put(w, &request, bytes, &f));
        EXPECT_OK(world_read(w, &alice, &f, &back));
        EXPECT_SLICE(back, bytes);
    }
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_EQ(world_blob_count(w), size > WORLD_INLINE_MAX ? world_file_count(w) : 0);
}

TEST(a_small_upload_is_complete_or_absent_whichever_store_call_fails)
{
    fail_each_call(5, ERR_UNAVAILABLE, 1);
    fail_each_call(5, ERR_NO_SPACE, 1);
    fail_each_call(5, ERR_UNAVAILABLE, 1000000);
}

TEST(a_large_upload_is_complete_or_absent_whichever_store_call_fails)
{
    fail_each_call(20000, ERR_UNAVAILABLE, 1);
    fail_each_call(20000, ERR_NO_SPACE, 1);
    fail_each_call(20000, ERR_UNAVAILABLE, 1000000);
}

TEST(uploads_of_all_sizes_work_with_a_committer_thread)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct principal alice = world_user(w, S("alice"));
    for (int i = 0; i < 20; i++) {
        slice bytes = world_bytes(w, i % 2 ? 5 : 20000), back;
        struct file f = world_store(w, &alice, S("x"), bytes, 0);
        EXPECT_OK(world_read(w, &alice, &f, &back));
        EXPECT_SLICE(back, bytes);
    }
    EXPECT_EQ(world_fsck(w, true), 0);
}

static void remember(void *arg, err_t e, const struct file *file)
{
    EXPECT(!file);
    *(enum err_code *)arg = e ? e->code : ERR_CODE_COUNT;
}

struct placed {
    bool refuse;
    struct intake_result result;
    struct digest digests[DIGEST_KINDS];
};

/* Writes the record of the object, and nothing that refers to it. */
static err_t place(struct meta_tx *tx, void *arg, const struct intake_result *result, struct arena *a)
{
    struct placed *p = arg;
    int64_t id;
    TRY(meta_object_add(tx, &result->object, a, &id));
    p->result = *result;
    for (size_t i = 0; i < result->digest_count; i++)
        p->digests[i] = result->digests[i];
    if (p->refuse)
        return err_make(a, ERR_FORBIDDEN, "no place for it");
    return meta_object_release(tx, id, result->at_ms, a);
}

static const enum digest_kind all_kinds[] = { DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME, DIGEST_SHA1,
                                              DIGEST_SHA256 };

/* An upload with a place function and every digest; `late` is declared just before its end. */
static enum err_code put_placed(struct world *w, const struct principal *who, struct placed *p, slice bytes,
                                const struct digest *late)
{
    struct intake_request request = world_request(who, S("x"));
    struct intake *in;
    enum err_code code;
    for (size_t i = 0; i < LENGTH_OF(all_kinds); i++)
        request.digests |= 1u << all_kinds[i];
    request.place = place;
    request.place_arg = p;
    EXPECT_OK(intake_open(&w->core, &request, w->a, &in));
    for (slice left = bytes; left.n; left = slice_from(left, 1000))
        EXPECT_OK(intake_write(in, slice_part(left, 0, 1000), w->a));
    if (late)
        intake_expect(in, late);
    intake_finish(in, remember, &code);
    return code;
}

TEST(requested_digests_are_computed_over_the_bytes)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    size_t sizes[] = { 0, 5, LARGE };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct placed p = { 0 };
        slice bytes = world_bytes(w, sizes[i]);
        EXPECT_EQ(put_placed(w, &alice, &p, bytes, NULL), ERR_CODE_COUNT);
        EXPECT_EQ(p.result.digest_count, LENGTH_OF(all_kinds));
        for (size_t k = 0; k < LENGTH_OF(all_kinds); k++) {
            struct digest want;
            digest_of(all_kinds[k], bytes, &want);
            EXPECT(digest_eq(&p.digests[k], &want));
        }
        EXPECT_EQ(p.result.object.size_bytes, bytes.n);
        EXPECT_EQ(p.result.at_ms, WORLD_START_MS);
    }
    world_wait(w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(w);
    expect_nothing(w); /* the place function charges the account, and this one does not */
}

TEST(a_digest_declared_after_the_bytes_is_checked)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    size_t sizes[] = { 5, LARGE };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        for (size_t k = 0; k < LENGTH_OF(all_kinds); k++) {
            struct placed p = { 0 };
            struct digest wanted;
            slice bytes = world_bytes(w, sizes[i]);
            digest_of(all_kinds[k], bytes, &wanted);
            EXPECT_EQ(put_placed(w, &alice, &p, bytes, &wanted), ERR_CODE_COUNT);
            wanted.bytes[0] ^= 1;
            EXPECT_EQ(put_placed(w, &alice, &p, bytes, &wanted), ERR_DIGEST);
        }
    world_wait(w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(w);
    expect_nothing(w);
}

TEST(an_md5_declared_after_the_bytes_is_checked_beside_an_earlier_one)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    unsigned char md5[MD5_SIZE], other[MD5_SIZE] = { 1 };
    hash_md5(SMALL, md5);
    for (int round = 0; round < 3; round++) {
        struct intake_request request = world_request(&alice, S("x"));
        struct placed p = { 0 };
        struct intake *in;
        enum err_code code;
        request.place = place;
        request.place_arg = &p;
        EXPECT_OK(intake_open(&w->core, &request, w->a, &in));
        EXPECT_OK(intake_write(in, SMALL, w->a));
        if (round > 0)
            intake_expect_md5(in, other);
        if (round < 2)
            intake_expect_md5(in, round == 0 ? md5 : other);
        if (round == 2)
            intake_expect_md5(in, md5);
        intake_finish(in, remember, &code);
        EXPECT_EQ(code, round == 0 ? ERR_CODE_COUNT : ERR_DIGEST);
    }
    expect_nothing(w);
}

TEST(an_object_that_cannot_be_placed_leaves_nothing)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct placed p = { .refuse = true };
    EXPECT_EQ(put_placed(w, &alice, &p, SMALL, NULL), ERR_FORBIDDEN);
    EXPECT_EQ(put_placed(w, &alice, &p, world_bytes(w, LARGE), NULL), ERR_FORBIDDEN);
    expect_nothing(w);
}

RUN_TESTS(cmocka_unit_test(small_objects_become_rows_and_large_ones_blobs),
          cmocka_unit_test(an_upload_of_known_length_above_the_inline_limit_is_never_held_in_memory),
          cmocka_unit_test(a_request_that_is_over_its_limit_stores_nothing),
          cmocka_unit_test(a_discarded_upload_leaves_nothing),
          cmocka_unit_test(tusd_497_an_upload_with_another_length_than_announced_makes_no_file),
          cmocka_unit_test(an_upload_makes_a_file_only_with_the_declared_md5),
          cmocka_unit_test(the_size_limit_refuses_a_declared_length_and_the_first_byte_above_it),
          cmocka_unit_test(an_upload_above_the_quota_of_bytes_or_files_leaves_nothing),
          cmocka_unit_test(the_configured_quota_applies_to_accounts_without_a_quota_of_their_own),
          cmocka_unit_test(a_declared_length_above_the_quota_is_refused_before_the_first_byte),
          cmocka_unit_test(uploads_are_refused_below_the_reserve_and_accepted_when_space_returns),
          cmocka_unit_test(free_space_is_looked_up_at_most_once_a_second),
          cmocka_unit_test(what_was_held_was_forgotten_when_free_space_was_looked_up_again),
          cmocka_unit_test(a_full_disk_refuses_an_upload_with_no_space_and_leaves_nothing),
          cmocka_unit_test(the_purge_time_counts_from_the_end_of_the_upload),
          cmocka_unit_test(an_upload_to_a_closing_store_is_unavailable_and_leaves_nothing),
          cmocka_unit_test(a_small_upload_is_complete_or_absent_whichever_store_call_fails),
          cmocka_unit_test(a_large_upload_is_complete_or_absent_whichever_store_call_fails),
          cmocka_unit_test(uploads_of_all_sizes_work_with_a_committer_thread),
          cmocka_unit_test(requested_digests_are_computed_over_the_bytes),
          cmocka_unit_test(a_digest_declared_after_the_bytes_is_checked),
          cmocka_unit_test(an_md5_declared_after_the_bytes_is_checked_beside_an_earlier_one),
          cmocka_unit_test(an_object_that_cannot_be_placed_leaves_nothing))
