/* SPDX-License-Identifier: Apache-2.0 */
#include "bucket_fixture.h"
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/text.h"
#include "core/object/digest.h"
#include "core/object/garbage.h"
#include "core/records/record_size.h"
#include "core/store/object_store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL = 100, LARGE = 20000, PARTS = 5 };
#define KEY S("k")

static err_t part_of(const struct bucket_fixture *s, slice name, int64_t number, slice bytes,
                     struct completed_part *ret)
{
    return bucket_fixture_put_part(s, KEY, name, &(struct part_bytes){ number, bytes }, s->w->a, ret);
}

static slice join(struct world *w, const slice *parts, size_t count)
{
    return arena_join(w->a, parts, count);
}

/* Parts that become rows and blobs, and an empty one. */
static void make_parts(struct world *w, slice parts[PARTS])
{
    const size_t sizes[PARTS] = { LARGE, SMALL, WORLD_INLINE_MAX, 0, LARGE + 1 };
    for (size_t i = 0; i < PARTS; i++)
        parts[i] = world_bytes(w, sizes[i]);
}

static slice upload_of(const struct bucket_fixture *s, enum digest_kind kind, enum digest_form form)
{
    struct upload_request request = {
        .key = KEY, .headers = S("h"), .tags = S("t"), .digest = kind, .digest_form = form, .lifetime_ms = hours(1)
    };
    slice name;
    EXPECT_OK(upload_create(&s->w->core, &s->who, &s->bucket, &request, s->w->a, &name));
    return name;
}

static err_t complete(const struct bucket_fixture *s, slice name, const struct completed_part *parts, size_t count,
                      struct entry *ret)
{
    struct complete_request request = bucket_fixture_complete_request(s, KEY, name, parts, count);
    return bucket_fixture_complete(s, &request, s->w->a, ret);
}

static void expect_refused(const struct bucket_fixture *s, const struct complete_request *request,
                           enum core_reason want, enum err_code code)
{
    struct entry entry;
    EXPECT_ERR(bucket_fixture_complete(s, request, s->w->a, &entry), code);
    EXPECT_REFUSED(bucket_fixture_complete(s, request, s->w->a, &entry), want);
}

/* ---- putting and completing ---- */

TEST(parts_put_in_any_order_become_one_object)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice parts[PARTS], name = upload_of(&s, DIGEST_NONE, DIGEST_WHOLE);
    struct completed_part named[PARTS];
    const int request[PARTS] = { 3, 0, 4, 2, 1 };
    unsigned char md5s[PARTS * MD5_SIZE], md5[MD5_SIZE];
    make_parts(w, parts);
    for (int i = 0; i < PARTS; i++)
        EXPECT_OK(part_of(&s, name, request[i] * 7 + 1, parts[request[i]], &named[request[i]]));
    EXPECT(!bucket_fixture_has(&s, KEY)); /* nothing is visible before it is completed */
    slice whole = join(w, parts, PARTS);
    EXPECT_EQ(world_account(w).used_bytes, whole.n);
    EXPECT_EQ(world_account(w).used_files, 0);
    EXPECT_EQ(world_fsck(w, true), 0);
    int64_t blobs = world_blob_count(w);
    struct entry entry;
    EXPECT_OK(complete(&s, name, named, PARTS, &entry));
    EXPECT_EQ(world_blob_count(w), blobs); /* no byte moved */
    for (size_t i = 0; i < PARTS; i++)
        hash_md5(parts[i], md5s + i * MD5_SIZE);
    hash_md5((slice){ (char *)md5s, sizeof md5s }, md5);
    EXPECT_SLICE(entry_etag(&entry, w->a),
                 arena_printf(w->a, SLICE_FMT "-5", SLICE_ARG(hex_encode(w->a, (slice){ (char *)md5, MD5_SIZE }))));
    EXPECT_EQ(entry.size_bytes, whole.n);
    EXPECT_SLICE(entry.headers, S("h"));
    EXPECT_SLICE(entry.tags, S("t"));
    bucket_fixture_expect(&s, KEY, whole);
    EXPECT_EQ(world_account(w).used_bytes, whole.n);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(world_event_count(w, S("upload.complete")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    expect_empty_store(w);
}

TEST(every_range_of_a_composite_is_read_correctly)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice parts[PARTS], name = bucket_fixture_upload(&s, KEY);
    struct completed_part named[PARTS];
    struct entry entry;
    struct content content;
    make_parts(w, parts);
    for (int i = 0; i < PARTS; i++)
        EXPECT_OK(part_of(&s, name, i + 1, parts[i], &named[i]));
    EXPECT_OK(complete(&s, name, named, PARTS, &entry));
    slice whole = join(w, parts, PARTS);
    EXPECT_OK(entry_open(&w->core, &s.bucket, KEY, w->a, &entry, &content));
    EXPECT_EQ(content.reader->size_bytes, whole.n);
    EXPECT_EQ(content.reader->fd, -1);
    char *to = arena_alloc(w->a, whole.n + 100);
    uint64_t seed = rounds_seed();
    for (int i = rounds(ROUNDS_composite_pieces); i > 0; i--) {
        size_t got, at = (size_t)((seed = seed * 6364136223846793005u + 1) >> 33) % (whole.n + 1);
        size_t n = (size_t)((seed = seed * 6364136223846793005u + 1) >> 33) % (whole.n + 100);
        EXPECT_OK(content.reader->ops->read_at(content.reader, at, to, n, w->a, &got));
        EXPECT(slice_eq((slice){ to, got }, slice_part(whole, at, n)));
    }
    content_close(&content);
    uint64_t at = 0;
    struct object_part part;
    for (int i = 0; i < PARTS; i++) {
        EXPECT_OK(entry_part(&w->core, &entry, i + 1, w->a, &part));
        EXPECT_EQ(part.offset, at);
        EXPECT_EQ(part.object.size_bytes, parts[i].n);
        at += part.object.size_bytes;
    }
    EXPECT_ERR(entry_part(&w->core, &entry, 0, w->a, &part), ERR_NOT_FOUND);
    EXPECT_ERR(entry_part(&w->core, &entry, PARTS + 1, w->a, &part), ERR_NOT_FOUND);
    bucket_fixture_store(&s, S("whole"), S("hello"));
    EXPECT_OK(entry_get(&w->core, &s.bucket, S("whole"), w->a, &entry));
    EXPECT_OK(entry_part(&w->core, &entry, 1, w->a, &part));
    EXPECT_EQ(part.offset, 0);
    EXPECT_EQ(part.object.size_bytes, 5);
    EXPECT_ERR(entry_part(&w->core, &entry, 2, w->a, &part), ERR_NOT_FOUND);
}

TEST(an_open_composite_stays_readable_when_it_is_replaced)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice parts[PARTS], name = bucket_fixture_upload(&s, KEY);
    struct completed_part named[PARTS];
    struct entry entry;
    struct content content;
    size_t got;
    make_parts(w, parts);
    for (int i = 0; i < PARTS; i++)
        EXPECT_OK(part_of(&s, name, i + 1, parts[i], &named[i]));
    EXPECT_OK(complete(&s, name, named, PARTS, &entry));
    EXPECT_OK(entry_open(&w->core, &s.bucket, KEY, w->a, &entry, &content));
    bucket_fixture_store(&s, KEY, S("new"));
    world_run_jobs(w);
    slice whole = join(w, parts, PARTS);
    char *to = arena_alloc(w->a, whole.n);
    EXPECT_OK(content.reader->ops->read_at(content.reader, 0, to, whole.n, w->a, &got));
    EXPECT(slice_eq((slice){ to, got }, whole));
    world_wait(w, WORLD_GRACE_MS + hours(6)); /* now the bytes are gone: reading fails, and never gives other bytes */
    world_run_jobs(w);
    EXPECT_ERR(content.reader->ops->read_at(content.reader, 0, to, whole.n, w->a, &got), ERR_CORRUPT);
    content_close(&content);
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    expect_empty_store(w);
}

TEST(a_part_sent_again_replaces_the_first) /* seaweedfs#5460, ceph#55042 */
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, KEY), one = world_bytes(w, LARGE), other = world_bytes(w, LARGE + 5);
    struct completed_part first, again, small;
    struct entry entry;
    EXPECT_OK(part_of(&s, name, 1, one, &first));
    EXPECT_OK(part_of(&s, name, 1, S("tiny"), &small));
    EXPECT_EQ(world_account(w).used_bytes, 4);
    EXPECT_OK(part_of(&s, name, 1, other, &again));
    EXPECT_EQ(world_account(w).used_bytes, LARGE + 5);
    EXPECT_EQ(count_objects(w), 1);
    EXPECT_ERR(complete(&s, name, &first, 1, &entry), ERR_INVALID); /* it was replaced */
    EXPECT_OK(complete(&s, name, &again, 1, &entry));
    bucket_fixture_expect(&s, KEY, other);
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    expect_empty_store(w);
}

TEST(completing_releases_parts_that_the_request_does_not_name)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice parts[PARTS], name = bucket_fixture_upload(&s, KEY);
    struct completed_part named[PARTS];
    struct entry entry;
    make_parts(w, parts);
    for (int i = 0; i < PARTS; i++)
        EXPECT_OK(part_of(&s, name, i + 1, parts[i], &named[i]));
    named[1] = named[2];
    EXPECT_OK(complete(&s, name, named + 1, 1, &entry));
    bucket_fixture_expect(&s, KEY, parts[2]);
    EXPECT_EQ(world_account(w).used_bytes, parts[2].n);
    EXPECT_EQ(count_objects(w), 2); /* the composite and its part */
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    expect_empty_store(w);
}

TEST(completing_replaces_the_entry_and_counts_the_difference)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part part;
    struct entry entry;
    bucket_fixture_store(&s, KEY, world_bytes(w, LARGE));
    slice name = bucket_fixture_upload(&s, KEY), bytes = world_bytes(w, LARGE);
    world_set_room(w, LARGE + RECORD_BYTES, 1);
    EXPECT_OK(part_of(&s, name, 1, bytes, &part)); /* now the account is full to the last byte and the last file */
    EXPECT_ERR(part_of(&s, name, 2, S("x"), &(struct completed_part){ 0 }), ERR_QUOTA);
    EXPECT_OK(part_of(&s, name, 1, bytes, &part)); /* replaces the first */
    EXPECT_OK(complete(&s, name, &part, 1, &entry));
    EXPECT_EQ(world_account(w).used_bytes, LARGE);
    EXPECT_EQ(world_account(w).used_files, 1);
    bucket_fixture_expect(&s, KEY, bytes);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_refused_completion_names_its_reason_and_keeps_the_upload)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, KEY);
    struct completed_part named[3], wrong[3], swapped[3];
    const slice bytes[] = { S("first"), S("second"), S("3") };
    for (int i = 0; i < 3; i++)
        EXPECT_OK(part_of(&s, name, i + 1, bytes[i], &named[i]));
    struct complete_request request = bucket_fixture_complete_request(&s, KEY, name, named, 0);
    expect_refused(&s, &request, REASON_UPLOAD_NO_PARTS, ERR_EMPTY);
    request = bucket_fixture_complete_request(&s, KEY, name, named, 3);
    memcpy(wrong, named, sizeof named);
    wrong[1].etag = named[0].etag;
    request.parts = wrong;
    expect_refused(&s, &request, REASON_UPLOAD_BAD_PART, ERR_INVALID);
    memcpy(wrong, named, sizeof named);
    wrong[2].number = 4;
    expect_refused(&s, &request, REASON_UPLOAD_BAD_PART, ERR_INVALID);
    memcpy(wrong, named, sizeof named);
    digest_of(DIGEST_CRC32, bytes[0], &wrong[0].digest);
    expect_refused(&s, &request, REASON_UPLOAD_BAD_PART, ERR_INVALID); /* it has no digest */
    memcpy(swapped, named, sizeof named);
    swapped[0] = named[1];
    swapped[1] = named[0];
    request.parts = swapped;
    expect_refused(&s, &request, REASON_UPLOAD_BAD_ORDER, ERR_INVALID);
    swapped[1] = named[1]; /* the same part twice */
    expect_refused(&s, &request, REASON_UPLOAD_BAD_ORDER, ERR_INVALID);
    swapped[0].number = 0;
    expect_refused(&s, &request, REASON_UPLOAD_BAD_ORDER, ERR_INVALID);
    request.parts = named;
    request.part_min_bytes = 6;
    expect_refused(&s, &request, REASON_UPLOAD_PART_TOO_SMALL, ERR_INVALID);
    request.part_min_bytes = 5;
    request.max_bytes = 11;
    expect_refused(&s, &request, REASON_UPLOAD_TOO_LARGE, ERR_TOO_LARGE);
    request.max_bytes = 12;
    request.exact_bytes = 13;
    expect_refused(&s, &request, REASON_UPLOAD_BAD_SIZE, ERR_DIGEST);
    request.exact_bytes = 12;
    digest_of(DIGEST_CRC32, S("firstsecond3"), &request.digest);
    expect_refused(&s, &request, REASON_UPLOAD_BAD_DIGEST,
                   ERR_DIGEST); /* the parts have no digests to work it out from */
    request.digest.kind = DIGEST_NONE;
    request.condition.if_match = S("*");
    expect_refused(&s, &request, REASON_ENTRY_CONDITION, ERR_CONFLICT);
    request.condition = (struct entry_condition){ .if_none_match = S("*") };
    request.upload.key = S("other");
    expect_refused(&s, &request, REASON_UPLOAD_NOT_THERE, ERR_NOT_FOUND);
    request.upload.key = KEY;
    request.upload.name = S("nonsense");
    expect_refused(&s, &request, REASON_UPLOAD_NOT_THERE, ERR_NOT_FOUND);
    request.upload.name = S("");
    expect_refused(&s, &request, REASON_UPLOAD_NOT_THERE, ERR_NOT_FOUND);
    request.upload.name = name;
    struct entry entry;
    EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &entry));
    bucket_fixture_expect(&s, KEY, S("firstsecond3"));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(completing_again_gives_the_same_entry) /* supabase/storage#822 */
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, KEY);
    struct completed_part part;
    struct entry first, again;
    EXPECT_OK(part_of(&s, name, 1, S("hello"), &part));
    EXPECT_OK(complete(&s, name, &part, 1, &first));
    world_wait(w, hours(2));
    EXPECT_OK(complete(&s, name, &part, 1, &again));
    EXPECT_EQ(again.object_id, first.object_id);
    EXPECT_EQ(again.modified_at_ms, first.modified_at_ms);
    EXPECT_SLICE(entry_etag(&again, w->a), entry_etag(&first, w->a));
    EXPECT_SLICE(again.key, KEY);
    struct complete_request request = bucket_fixture_complete_request(&s, KEY, name, &part, 1);
    request.condition.if_none_match = S("*"); /* it held when the upload was completed */
    EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &again));
    EXPECT_EQ(world_event_count(w, S("upload.complete")), 1);
    bucket_fixture_store(&s, KEY, S("hello")); /* another entry with the same key */
    expect_refused(&s, &request, REASON_UPLOAD_NOT_THERE, ERR_NOT_FOUND);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(seaweedfs_10663_aborting_another_upload_keeps_the_parts_of_a_completed_object)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, KEY), left_over = bucket_fixture_upload(&s, KEY),
          bytes = world_bytes(w, LARGE);
    struct completed_part part, other;
    struct entry entry;
    EXPECT_OK(part_of(&s, name, 1, bytes, &part));
    EXPECT_OK(part_of(&s, left_over, 1, bytes, &other));
    EXPECT_OK(complete(&s, name, &part, 1, &entry));
    EXPECT_ERR(bucket_fixture_abort(&s, KEY, name, w->a), ERR_NOT_FOUND); /* completing consumed it */
    EXPECT_OK(bucket_fixture_abort(&s, KEY, left_over, w->a));
    EXPECT_ERR(bucket_fixture_abort(&s, KEY, left_over, w->a), ERR_NOT_FOUND);
    world_wait(w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(w);
    bucket_fixture_expect(&s, KEY, bytes);
    EXPECT_EQ(world_blob_count(w), 1);
    EXPECT_EQ(world_account(w).used_bytes, LARGE);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_copy_of_a_composite_keeps_its_parts_when_the_source_is_removed)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice parts[PARTS], name = bucket_fixture_upload(&s, KEY);
    struct completed_part named[PARTS];
    struct entry entry;
    make_parts(w, parts);
    for (int i = 0; i < PARTS; i++)
        EXPECT_OK(part_of(&s, name, i + 1, parts[i], &named[i]));
    EXPECT_OK(complete(&s, name, named, PARTS, &entry));
    struct entry_copy copy = { .from = &s.bucket, .to = &s.bucket, .from_key = KEY, .to_key = S("copy") };
    EXPECT_OK(entry_copy(&w->core, &s.who, &copy, w->a, &entry));
    EXPECT_EQ(entry.part_count, PARTS);
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    world_wait(w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(w);
    bucket_fixture_expect(&s, S("copy"), join(w, parts, PARTS));
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(bucket_fixture_remove(&s, S("copy"), w->a));
    expect_empty_store(w);
}

TEST(composites_beyond_the_capacity_of_the_part_map_cache_are_read)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    enum { OBJECTS = 12, EACH = 70 };
    slice all[OBJECTS];
    struct content held;
    struct entry entry;
    for (int i = 0; i < OBJECTS; i++) {
        struct completed_part parts[EACH];
        slice key = arena_printf(w->a, "%d", i), name = bucket_fixture_upload(&s, key);
        all[i] = world_bytes(w, EACH * 5000); /* more than part_map.c preloads */
        for (int k = 0; k < EACH; k++)
            EXPECT_OK(bucket_fixture_put_part(&s, key, name,
                                              &(struct part_bytes){ k + 1, slice_part(all[i], (size_t)k * 5000, 5000) },
                                              w->a, &parts[k]));
        struct complete_request request = bucket_fixture_complete_request(&s, key, name, parts, EACH);
        EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &entry));
        if (i == 0)
            EXPECT_OK(entry_open(&w->core, &s.bucket, key, w->a, &entry, &held));
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < OBJECTS; i++)
            bucket_fixture_expect(&s, arena_printf(w->a, "%d", i), all[i]);
    char *to = arena_alloc(w->a, all[0].n);
    size_t got;
    EXPECT_OK(held.reader->ops->read_at(held.reader, 0, to, all[0].n, w->a,
                                        &got)); /* it stays readable after it left the cache */
    EXPECT(slice_eq((slice){ to, got }, all[0]));
    content_close(&held);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* The rows of a composite go with it, so an open one has read the last of them: so much that no reader uses more memory. */
TEST(an_open_composite_has_read_its_small_parts_up_to_256_KiB_from_its_end)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    enum { SIZE = 5000, READ_BEFORE = 256 * 1024 / SIZE, COUNT = READ_BEFORE + 2 };
    slice name = bucket_fixture_upload(&s, KEY), all = world_bytes(w, COUNT * SIZE);
    struct completed_part parts[COUNT];
    struct entry entry;
    struct content content;
    for (int i = 0; i < COUNT; i++)
        EXPECT_OK(part_of(&s, name, i + 1, slice_part(all, (size_t)i * SIZE, SIZE), &parts[i]));
    EXPECT_OK(complete(&s, name, parts, COUNT, &entry));
    EXPECT_OK(entry_open(&w->core, &s.bucket, KEY, w->a, &entry, &content));
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    world_run_jobs(w);
    char *to = arena_alloc(w->a, all.n);
    size_t got, begin = (COUNT - READ_BEFORE) * SIZE;
    EXPECT_OK(content.reader->ops->read_at(content.reader, begin, to, all.n, w->a, &got));
    EXPECT(slice_eq((slice){ to, got }, slice_from(all, begin)));
    EXPECT_ERR(content.reader->ops->read_at(content.reader, begin - 1, to, 1, w->a, &got), ERR_CORRUPT);
    content_close(&content);
    expect_empty_store(w);
}

/* ---- digests ---- */

TEST(the_digest_of_a_composite_is_worked_out_from_those_of_its_parts)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    const struct {
        enum digest_kind kind;
        enum digest_form form;
    } cases[] = { { DIGEST_CRC32, DIGEST_WHOLE },     { DIGEST_CRC32C, DIGEST_WHOLE },
                  { DIGEST_CRC64NVME, DIGEST_WHOLE }, { DIGEST_CRC32, DIGEST_OF_PARTS },
                  { DIGEST_CRC32C, DIGEST_OF_PARTS }, { DIGEST_SHA1, DIGEST_OF_PARTS },
                  { DIGEST_SHA256, DIGEST_OF_PARTS } };
    slice parts[PARTS];
    make_parts(w, parts);
    slice whole = join(w, parts, PARTS);
    for (size_t c = 0; c < LENGTH_OF(cases); c++) {
        slice name = upload_of(&s, cases[c].kind, cases[c].form);
        struct completed_part named[PARTS];
        char all[PARTS * DIGEST_SIZE_MAX];
        size_t n = 0, size = digest_size(cases[c].kind);
        struct digest want;
        for (int i = 0; i < PARTS; i++) {
            EXPECT_OK(part_of(&s, name, i + 1, parts[i], &named[i]));
            digest_of(cases[c].kind, parts[i], &want);
            EXPECT(digest_eq(&named[i].digest, &want));
            memcpy(all + n, want.bytes, size);
            n += size;
        }
        bool of_parts = cases[c].form == DIGEST_OF_PARTS;
        digest_of(cases[c].kind, of_parts ? (slice){ all, n } : whole, &want);
        want.form = cases[c].form;
        struct complete_request request = bucket_fixture_complete_request(&s, KEY, name, named, PARTS);
        request.digest = want;
        request.digest.bytes[0] ^= 1;
        expect_refused(&s, &request, REASON_UPLOAD_BAD_DIGEST, ERR_DIGEST);
        request.digest = want;
        struct entry entry;
        EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &entry));
        EXPECT(digest_eq(&entry.digest, &want));
        EXPECT_OK(entry_get(&w->core, &s.bucket, KEY, w->a, &entry));
        EXPECT(digest_eq(&entry.digest, &want));
    }
    struct upload_request impossible = {
        .key = KEY, .digest = DIGEST_SHA256, .digest_form = DIGEST_WHOLE, .lifetime_ms = 1
    };
    slice name;
    EXPECT_ERR(upload_create(&w->core, &s.who, &s.bucket, &impossible, w->a, &name), ERR_INVALID);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- limits, lists, expiry ---- */

TEST(a_part_with_a_wrong_number_upload_length_or_digest_is_refused)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, KEY);
    struct upload_ref ref = bucket_fixture_ref(&s, KEY, name);
    struct completed_part part;
    struct part_put put;
    const int64_t numbers[] = { 0, -1, UPLOAD_PARTS_MAX + 1 };
    for (size_t i = 0; i < LENGTH_OF(numbers); i++)
        EXPECT_ERR(part_of(&s, name, numbers[i], S("x"), &part), ERR_INVALID);
    EXPECT_ERR(part_of(&s, S("nonsense"), 1, S("x"), &part), ERR_NOT_FOUND);
    EXPECT_ERR(bucket_fixture_put_part(&s, S("other"), name, &(struct part_bytes){ 1, S("x") }, w->a, &part),
               ERR_NOT_FOUND);
    struct part_request request = { .number = 1, .max_bytes = 10, .exact_bytes = 11 };
    EXPECT_ERR(part_put_open(&w->core, &s.who, &ref, &request, w->a, &put), ERR_TOO_LARGE);
    world_set_room(w, LARGE + RECORD_BYTES, 0);
    request = (struct part_request){ .number = 1, .exact_bytes = LARGE + 1 };
    EXPECT_ERR(part_put_open(&w->core, &s.who, &ref, &request, w->a, &put), ERR_QUOTA);
    request.exact_bytes = LARGE; /* a discarded part leaves nothing */
    EXPECT_OK(part_put_open(&w->core, &s.who, &ref, &request, w->a, &put));
    EXPECT_OK(intake_write(put.intake, world_bytes(w, LARGE / 2), w->a));
    part_put_discard(&put);
    struct upload_part_list parts;
    struct upload upload;
    EXPECT_OK(upload_get(&w->core, &ref, w->a, &upload));
    EXPECT_OK(upload_parts(&w->core, &upload, 0, 10, w->a, &parts));
    EXPECT_EQ(parts.count, 0);
    EXPECT_OK(part_of(&s, name, UPLOAD_PARTS_MAX, S("last"), &part));
    EXPECT_OK(bucket_fixture_abort(&s, KEY, name, w->a));
    expect_empty_store(w);
}

/* The page of uploads that the request asks for. */
static struct upload_list list_uploads(const struct bucket_fixture *s, struct upload_list_request request)
{
    struct upload_list list;
    EXPECT_OK(upload_list(&s->w->core, &s->bucket, &request, s->w->a, &list));
    return list;
}

TEST(parts_and_uploads_are_listed_in_pages)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice names[6];
    const slice keys[6] = { S("a/1"), S("a/1"), S("a/1"), S("a/2"), S("b"), S("c") };
    struct completed_part part;
    for (int i = 0; i < 6; i++)
        names[i] = bucket_fixture_upload(&s, keys[i]);
    struct upload_list_request next = { .limit = 1 };
    for (int i = 0; i < 6; i++) {
        struct upload_list page = list_uploads(&s, next);
        EXPECT_EQ(page.count, 1);
        EXPECT_SLICE(page.items[0].name, names[i]);
        next.after_key = page.items[0].key;
        next.after_name = page.items[0].name;
    }
    EXPECT_EQ(list_uploads(&s, next).count, 0);
    struct upload_list_request in_a = { .prefix = S("a/"), .limit = 10 };
    EXPECT_EQ(list_uploads(&s, in_a).count, 4);
    in_a.after_key = S("a/1");
    EXPECT_EQ(list_uploads(&s, in_a).count, 1); /* no upload of that key */
    in_a.after_name = S("gone");
    EXPECT_EQ(list_uploads(&s, in_a).count, 1);
    struct upload_ref ref = bucket_fixture_ref(&s, S("b"), names[4]), other = ref;
    struct upload upload;
    struct upload_part_list parts;
    for (int i = 1; i <= 5; i++)
        EXPECT_OK(bucket_fixture_put_part(&s, S("b"), names[4], &(struct part_bytes){ i * 2, S("x") }, w->a, &part));
    EXPECT_OK(upload_get(&w->core, &ref, w->a, &upload));
    EXPECT_OK(upload_parts(&w->core, &upload, 4, 2, w->a, &parts));
    EXPECT_EQ(parts.count, 2);
    EXPECT_EQ(parts.items[0].number, 6);
    EXPECT_EQ(parts.items[1].number, 8);
    other.key = S("a/1");
    EXPECT_ERR(upload_get(&w->core, &other, w->a, &upload), ERR_NOT_FOUND);
}

TEST(at_exactly_its_expiry_an_upload_is_gone_and_then_purged_with_its_parts)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, KEY);
    struct upload_ref ref = bucket_fixture_ref(&s, KEY, name);
    struct completed_part part, late;
    EXPECT_OK(part_of(&s, name, 1, world_bytes(w, LARGE), &part));
    struct part_request request = { .number = 2, .exact_bytes = -1 };
    struct part_put slow;
    EXPECT_OK(part_put_open(&w->core, &s.who, &ref, &request, w->a, &slow));
    world_wait(w, hours(1) - 1);
    world_run_jobs(w);
    EXPECT_EQ(list_uploads(&s, (struct upload_list_request){ .limit = 10 }).count, 1);
    world_wait(w, 1);
    EXPECT_EQ(list_uploads(&s, (struct upload_list_request){ .limit = 10 }).count, 0);
    EXPECT_ERR(part_of(&s, name, 2, S("x"), &late), ERR_NOT_FOUND);
    struct complete_request complete_request = bucket_fixture_complete_request(&s, KEY, name, &part, 1);
    expect_refused(&s, &complete_request, REASON_UPLOAD_NOT_THERE, ERR_NOT_FOUND);
    EXPECT_ERR(bucket_fixture_abort(&s, KEY, name, w->a), ERR_NOT_FOUND);
    part_put_discard(&slow);
    world_wait(w, minutes(1));
    world_run_jobs(w);
    EXPECT_EQ(world_event_count(w, S("upload.purge")), 1);
    expect_empty_store(w);
}

TEST(the_purge_ends_all_expired_uploads_in_writes_of_bounded_size)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part part;
    size_t gone;
    for (int i = 0; i < 120; i++) {
        slice name = bucket_fixture_upload(&s, KEY);
        for (int k = 1; k <= (i == 0 ? 250 : 1); k++)
            EXPECT_OK(part_of(&s, name, k, S("x"), &part));
    }
    world_wait(w, hours(1));
    EXPECT_OK(upload_purge_batch(&w->core, w->a, &gone));
    EXPECT_EQ(gone, 1); /* it has as many parts as one write may remove */
    world_run_jobs(w);
    EXPECT_EQ(world_event_count(w, S("upload.purge")), 120);
    expect_empty_store(w);
}

TEST(nextcloud_31259_ten_thousand_parts_become_one_object)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, KEY), bytes = world_bytes(w, UPLOAD_PARTS_MAX * 3);
    struct completed_part *parts = arena_array(w->a, struct completed_part, UPLOAD_PARTS_MAX);
    struct entry entry;
    for (int i = 0; i < UPLOAD_PARTS_MAX; i++)
        EXPECT_OK(part_of(&s, name, i + 1, slice_part(bytes, (size_t)i * 3, 3), &parts[i]));
    EXPECT_OK(complete(&s, name, parts, UPLOAD_PARTS_MAX, &entry));
    EXPECT_EQ(entry.part_count, UPLOAD_PARTS_MAX);
    struct content first, again;
    EXPECT_OK(entry_open_quickly(&w->core, &s.bucket, KEY, w->a, &entry, &first));
    EXPECT(first.is_unopened && !first.reader); /* reading 10,000 rows would hold a loop for 10 ms */
    EXPECT_OK(entry_open(&w->core, &s.bucket, KEY, w->a, &entry, &first));
    int64_t calls = w->faults.calls;
    EXPECT_OK(entry_open_quickly(&w->core, &s.bucket, KEY, w->a, &entry, &again));
    EXPECT(!again.is_unopened);
    EXPECT(w->faults.calls - calls < 10); /* the part map is in the cache */
    content_close(&again);
    bucket_fixture_expect(&s, KEY, bytes);
    content_close(&first);
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_OK(garbage_remove_composites(&w->core, NULL, w->a));
    expect_empty_store(w);
}

/* Puts an entry of that many parts. */
static void store_parts(const struct bucket_fixture *s, slice key, int count)
{
    struct world *w = s->w;
    slice name = bucket_fixture_upload(s, key);
    struct completed_part *parts = arena_array(w->a, struct completed_part, count);
    struct entry entry;
    for (int i = 0; i < count; i++)
        EXPECT_OK(bucket_fixture_put_part(s, key, name, &(struct part_bytes){ i + 1, S("x") }, w->a, &parts[i]));
    struct complete_request request = bucket_fixture_complete_request(s, key, name, parts, (size_t)count);
    EXPECT_OK(bucket_fixture_complete(s, &request, w->a, &entry));
}

/* Removing 1,000 keys of 1,000 parts each in one write made every other write wait for half a minute. The parts of larger
 * composites are removed later. */
TEST(removing_many_keys_with_many_parts_takes_several_writes)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_removal items[] = { { S("a") }, { S("b") }, { S("c") }, { S("d") }, { S("e") } };
    for (size_t i = 0; i < LENGTH_OF(items); i++)
        store_parts(&s, items[i].key, COMPOSITE_PARTS_AT_ONCE);
    uint64_t before = meta_generation(w->core.meta);
    EXPECT_OK(entry_remove_many(&w->core, &s.who, &s.bucket, items, LENGTH_OF(items), w->a));
    EXPECT_EQ(meta_generation(w->core.meta) - before, 3); /* three writes */
    EXPECT_EQ(world_event_count(w, S("entry.remove")), 5);
    expect_empty_store(w);
}

/* ---- threads ---- */

struct racer {
    const struct bucket_fixture *s;
    slice name;
    const struct completed_part *parts;
    size_t count;
    enum { COMPLETE, ABORT, AGAIN } what;
    slice bytes; /* with AGAIN: of part 1, sent again */
    int64_t won, lost, wrong;
    struct entry entry;
    struct arena arena;
};

static void *run(void *arg)
{
    struct racer *r = arg;
    struct complete_request request = bucket_fixture_complete_request(r->s, KEY, r->name, r->parts, r->count);
    struct completed_part unused;
    err_t e = r->what == COMPLETE ? bucket_fixture_complete(r->s, &request, &r->arena, &r->entry)
              : r->what == ABORT  ? bucket_fixture_abort(r->s, KEY, r->name, &r->arena)
                                  : bucket_fixture_put_part(r->s, KEY, r->name, &(struct part_bytes){ 1, r->bytes },
                                                            &r->arena, &unused);
    r->won = !e;
    r->lost = err_is(e, ERR_NOT_FOUND) || (r->what == COMPLETE && err_is(e, ERR_INVALID)) ||
              (r->what == COMPLETE && r->count > 2 && err_is(e, ERR_UNAVAILABLE)); /* in pieces */
    r->wrong = e && !r->lost;
    return NULL;
}

static void race(struct racer *racers, int count)
{
    pthread_t threads[8];
    for (int i = 0; i < count; i++) {
        arena_init(&racers[i].arena);
        pthread_create(&threads[i], NULL, run, &racers[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(racers[i].wrong, 0);
        arena_release(&racers[i].arena);
    }
}

static struct world *threaded(void)
{
    return world_new_with(&(struct world_options){ .threaded = true });
}

/* A new upload of two parts. No entry has its key yet. */
static slice prepare(const struct bucket_fixture *s, const slice bytes[2], struct completed_part parts[2])
{
    slice name = bucket_fixture_upload(s, KEY);
    for (int i = 0; i < 2; i++)
        EXPECT_OK(part_of(s, name, i + 1, bytes[i], &parts[i]));
    return name;
}

TEST(two_completions_at_once_give_the_same_object)
{
    SCOPED(world_freep) struct world *w = threaded();
    struct bucket_fixture s = bucket_fixture_new(w);
    const int wanted = rounds(ROUNDS_upload_races);
    const slice bytes[2] = { world_bytes(w, LARGE), world_bytes(w, SMALL) };
    for (int round = 0; round < wanted; round++) {
        struct completed_part parts[2];
        slice name = prepare(&s, bytes, parts);
        struct racer racers[4];
        for (int i = 0; i < 4; i++)
            racers[i] = (struct racer){ .s = &s, .name = name, .parts = parts, .count = 2, .what = COMPLETE };
        race(racers, 4);
        for (int i = 0; i < 4; i++) {
            EXPECT(racers[i].won);
            EXPECT_EQ(racers[i].entry.object_id, racers[0].entry.object_id);
        }
        bucket_fixture_expect(&s, KEY, join(w, bytes, 2));
        EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    }
    EXPECT_EQ(world_event_count(w, S("upload.complete")), wanted);
    expect_empty_store(w);
}

TEST(versitygw_873_the_last_of_two_uploads_of_one_key_to_complete_stays_complete)
{
    SCOPED(world_freep) struct world *w = threaded();
    struct bucket_fixture s = bucket_fixture_new(w);
    const int wanted = rounds(ROUNDS_upload_races);
    const slice bytes[2][2] = { { world_bytes(w, LARGE), world_bytes(w, SMALL) },
                                { world_bytes(w, LARGE + 1), world_bytes(w, SMALL + 1) } };
    for (int round = 0; round < wanted; round++) {
        struct completed_part parts[2][2];
        struct racer racers[2];
        for (int i = 0; i < 2; i++)
            racers[i] = (struct racer){
                .s = &s, .name = prepare(&s, bytes[i], parts[i]), .parts = parts[i], .count = 2, .what = COMPLETE
            };
        race(racers, 2);
        EXPECT(racers[0].won && racers[1].won);
        struct entry entry;
        EXPECT_OK(entry_get(&w->core, &s.bucket, KEY, w->a, &entry));
        int last = slice_eq(entry.upload, racers[1].name);
        bucket_fixture_expect(&s, KEY, join(w, bytes[last], 2));
        EXPECT_EQ(count_objects(w), 3); /* the composite and its parts */
        EXPECT_EQ(world_account(w).used_files, 1);
    }
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    expect_empty_store(w);
}

TEST(ceph_60771_of_a_completion_and_an_abort_at_once_one_wins)
{
    SCOPED(world_freep) struct world *w = threaded();
    struct bucket_fixture s = bucket_fixture_new(w);
    const int wanted = rounds(ROUNDS_upload_races);
    const slice bytes[2] = { world_bytes(w, LARGE), world_bytes(w, SMALL) };
    for (int round = 0; round < wanted; round++) {
        struct completed_part parts[2];
        slice name = prepare(&s, bytes, parts);
        struct racer racers[2];
        for (int i = 0; i < 2; i++)
            racers[i] = (struct racer){
                .s = &s, .name = name, .parts = parts, .count = 2, .what = (i + round) % 2 ? COMPLETE : ABORT
            };
        race(racers, 2);
        EXPECT_EQ(racers[0].won + racers[1].won, 1);
        bool completed = racers[(round + 1) % 2].won;
        EXPECT_EQ(bucket_fixture_has(&s, KEY), completed);
        if (completed) { /* it is listed, and reads as a complete object */
            bucket_fixture_expect(&s, KEY, join(w, bytes, 2));
            EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
        }
        EXPECT_EQ(count_objects(w), 0);
    }
    expect_empty_store(w);
}

TEST(seaweedfs_5460_a_part_sent_again_during_completion_changes_nothing_or_fails)
{
    SCOPED(world_freep) struct world *w = threaded();
    struct bucket_fixture s = bucket_fixture_new(w);
    const int wanted = rounds(ROUNDS_upload_races);
    const slice bytes[2] = { world_bytes(w, LARGE), world_bytes(w, SMALL) };
    slice other = world_bytes(w, LARGE);
    for (int round = 0; round < wanted; round++) {
        struct completed_part parts[2];
        slice name = prepare(&s, bytes, parts);
        struct racer racers[2];
        for (int i = 0; i < 2; i++)
            racers[i] = (struct racer){ .s = &s,
                                        .name = name,
                                        .parts = parts,
                                        .count = 2,
                                        .what = (i + round) % 2 ? COMPLETE : AGAIN,
                                        .bytes = other };
        race(racers, 2);
        bool completed = racers[(round + 1) % 2].won, again = racers[round % 2].won;
        EXPECT_EQ(completed + again, 1); /* the named part is there, or it was replaced */
        if (completed) {
            bucket_fixture_expect(&s, KEY, join(w, bytes, 2));
            EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
        } else {
            EXPECT(!bucket_fixture_has(&s, KEY));
            EXPECT_OK(bucket_fixture_abort(&s, KEY, name, w->a));
        }
        EXPECT_EQ(count_objects(w), 0);
    }
    expect_empty_store(w);
}

/* ---- uploads of many parts, which are completed and ended in several writes ---- */

enum { MANY = 1200 /* more than one piece */ };

static slice prepare_many(const struct bucket_fixture *s, struct completed_part *parts)
{
    slice name = bucket_fixture_upload(s, KEY);
    for (int i = 0; i < MANY; i++)
        EXPECT_OK(part_of(s, name, i + 1, S("x"), &parts[i]));
    return name;
}

static slice many_bytes(struct world *w)
{
    char *bytes = arena_alloc(w->a, MANY);
    memset(bytes, 'x', MANY);
    return (slice){ bytes, MANY };
}

/* Removes the entry or the upload, whichever there is, and whatever was left behind. */
static void remove_everything(const struct bucket_fixture *s, slice name)
{
    struct world *w = s->w;
    EXPECT_EQ(world_fsck(w, true), 0);
    if (bucket_fixture_has(s, KEY))
        EXPECT_OK(bucket_fixture_remove(s, KEY, w->a));
    err_t gone = bucket_fixture_abort(s, KEY, name, w->a);
    EXPECT(!gone || gone->code == ERR_NOT_FOUND);
    world_wait(w, hours(2)); /* what was not completed is given up */
    world_run_jobs(w);
    expect_empty_store(w);
}

static void race_many(int other)
{
    SCOPED(world_freep) struct world *w = threaded();
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part *parts = arena_array(w->a, struct completed_part, MANY);
    for (int round = 0; round < 1 + rounds(ROUNDS_upload_races) / 30; round++) {
        slice name = prepare_many(&s, parts);
        struct racer racers[2];
        for (int i = 0; i < 2; i++)
            racers[i] = (struct racer){ .s = &s,
                                        .name = name,
                                        .parts = parts,
                                        .count = MANY,
                                        .what = (i + round) % 2 ? COMPLETE : other,
                                        .bytes = S("y") };
        race(racers, 2);
        bool completed = racers[(round + 1) % 2].won, other_won = racers[round % 2].won;
        if (other == COMPLETE)
            EXPECT(completed || other_won); /* who is overtaken by the other tries again */
        else
            EXPECT_EQ(completed + other_won, 1);
        EXPECT_EQ(bucket_fixture_has(&s, KEY), completed || (other == COMPLETE && other_won));
        if (bucket_fixture_has(&s, KEY))
            bucket_fixture_expect(&s, KEY, many_bytes(w));
        remove_everything(&s, name);
    }
}

TEST(of_a_completion_in_pieces_and_an_abort_one_wins)
{
    race_many(ABORT);
}

TEST(a_part_sent_again_during_a_completion_in_pieces_changes_nothing_or_stops_it)
{
    race_many(AGAIN);
}

TEST(two_completions_in_pieces_at_once_make_one_entry)
{
    race_many(COMPLETE);
}

TEST(a_completion_in_pieces_that_fails_at_any_call_leaves_the_upload_as_it_was)
{
    int64_t step =
        2 * fault_step() - 1; /* each round completes hundreds of parts twice; the calls are more and more alike */
    bool failed = true;
    for (int64_t nth = 1; failed; nth += step * (1 + nth / 40)) {
        WORLD(w);
        struct bucket_fixture s = bucket_fixture_new(w);
        struct completed_part *parts = arena_array(w->a, struct completed_part, MANY);
        struct entry entry;
        slice name = prepare_many(&s, parts);
        w->faults.code = ERR_UNAVAILABLE;
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = complete(&s, name, parts, MANY, &entry);
        failed = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        EXPECT_EQ(world_account(w).used_bytes, MANY);
        EXPECT_EQ(world_fsck(w, true), 0);
        EXPECT_EQ(bucket_fixture_has(&s, KEY), !e);
        EXPECT_OK(complete(&s, name, parts, MANY, &entry));
        bucket_fixture_expect(&s, KEY, many_bytes(w));
        remove_everything(&s, name);
    }
}

/* What is refused at the end was built for nothing: the next run of the garbage job removes it. */
TEST(a_completion_in_pieces_that_is_refused_leaves_nothing_behind)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part *parts = arena_array(w->a, struct completed_part, MANY);
    slice name = prepare_many(&s, parts);
    struct complete_request request = bucket_fixture_complete_request(&s, KEY, name, parts, MANY);
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 1, w->a));
    bucket_fixture_store(&s, S("other"), S(""));
    expect_refused(&s, &request, REASON_NONE, ERR_QUOTA);
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(garbage_remove_composites(&w->core, NULL, w->a));
    EXPECT_EQ(count_objects(w), MANY + 1);
    request.condition.if_match = S("*");
    expect_refused(&s, &request, REASON_ENTRY_CONDITION, ERR_CONFLICT);
    EXPECT_EQ(count_objects(w), MANY + 1); /* nothing was built */
    EXPECT_OK(bucket_fixture_remove(&s, S("other"), w->a));
    remove_everything(&s, name);
}

/* ---- kill -9 ---- */

/* The child: completes, removes, and removes what is left, until it is killed. */
static void work_until_killed(const char *path, const struct bucket_fixture *of, slice name,
                              const struct completed_part *parts, int pipe_end)
{
    struct bucket_fixture s = *of;
    struct entry entry;
    s.w = world_new_with(&(struct world_options){ .threaded = true, .database = path });
    if (write(pipe_end, "b", 1) != 1)
        _exit(1);
    if (complete(&s, name, parts, MANY, &entry) || bucket_fixture_remove(&s, KEY, s.w->a))
        _exit(1);
    err_t e = garbage_remove_composites(&s.w->core, NULL, s.w->a);
    _exit(e != NULL);
}

TEST(a_completion_in_pieces_survives_kill_9_at_any_time)
{
    tmpdir_use_memory();
    char *dir = tmpdir_make(), path[96];
    uint64_t seed = rounds_seed();
    int completed = 0, left = 0;
    for (int round = 0; round < 1 + rounds(ROUNDS_upload_races) / 30; round++) {
        snprintf(path, sizeof path, "%s/db%d", dir, round);
        SCRATCH(a);
        struct completed_part *parts = arena_array(&a, struct completed_part, MANY);
        struct world *w = world_new_with(&(struct world_options){ .database = path });
        struct bucket_fixture s = bucket_fixture_new(w);
        slice name = arena_copy(&a, prepare_many(&s, parts));
        for (int i = 0; i < MANY; i++)
            parts[i].etag = arena_copy(&a, parts[i].etag);
        s.who.login = S("ana");
        s.bucket.name = S("sample");
        s.bucket.cors = S("");
        s.who.request_id = S("");
        world_free(w);
        int ends[2];
        char c;
        EXPECT_EQ(pipe(ends), 0);
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0)
            work_until_killed(path, &s, name, parts, ends[1]);
        close(ends[1]);
        EXPECT_EQ(read(ends[0], &c, 1), 1);
        usleep((useconds_t)(((seed = seed * 6364136223846793005u + 1) >> 33) % 60000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(ends[0]);
        s.w = w = world_new_with(&(struct world_options){ .database = path });
        struct entry entry;
        EXPECT_EQ(world_fsck(w, true), 0);
        completed += bucket_fixture_has(&s, KEY);
        err_t e = complete(&s, name, parts, MANY, &entry); /* the client tries again */
        left += !e;
        if (e)
            EXPECT_REFUSED(e, REASON_UPLOAD_NOT_THERE); /* it was completed and removed */
        else
            bucket_fixture_expect(&s, KEY, many_bytes(w));
        remove_everything(&s, name);
        world_free(w);
    }
    tmpdir_remove(dir);
    print_message("%d found completed, %d could be completed\n", completed, left);
}

enum { EACH = 70, EACH_BYTES = 1000 };

/* Puts a composite of EACH parts, all of whose bytes are `c`. */
static void put_composite_of(const struct bucket_fixture *s, char c)
{
    SCRATCH(a);
    struct completed_part parts[EACH];
    char bytes[EACH_BYTES];
    struct entry entry;
    slice name = bucket_fixture_upload(s, KEY);
    memset(bytes, c, sizeof bytes);
    for (int i = 0; i < EACH; i++)
        EXPECT_OK(bucket_fixture_put_part(s, KEY, name, &(struct part_bytes){ i + 1, (slice){ bytes, sizeof bytes } },
                                          &a, &parts[i]));
    struct complete_request request = bucket_fixture_complete_request(s, KEY, name, parts, EACH);
    EXPECT_OK(bucket_fixture_complete(s, &request, &a, &entry));
}

struct reading {
    const struct bucket_fixture *s;
    int64_t wrong;
};

static void *read_on(void *arg)
{
    struct reading *r = arg;
    for (int i = rounds(ROUNDS_composite_readers); i > 0; i--) {
        SCRATCH(a);
        slice back = S("");
        err_t e = bucket_fixture_read(r->s, KEY, &a, &back);
        bool whole = !e && back.n == EACH * EACH_BYTES;
        for (size_t k = 1; whole && k < back.n; k++)
            whole = back.p[k] == back.p[0];
        r->wrong += !whole;
    }
    return NULL;
}

TEST(threads_read_a_composite_while_it_is_replaced)
{
    SCOPED(world_freep) struct world *w = threaded();
    struct bucket_fixture s = bucket_fixture_new(w);
    struct reading readings[3];
    pthread_t threads[3];
    put_composite_of(&s, 'a');
    for (int i = 0; i < 3; i++) {
        readings[i] = (struct reading){ .s = &s };
        pthread_create(&threads[i], NULL, read_on, &readings[i]);
    }
    for (char c = 'b'; c < 'j'; c++)
        put_composite_of(&s, c);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(readings[i].wrong, 0);
    }
    EXPECT_OK(bucket_fixture_remove(&s, KEY, w->a));
    expect_empty_store(w);
}

RUN_TESTS(cmocka_unit_test(parts_put_in_any_order_become_one_object),
          cmocka_unit_test(every_range_of_a_composite_is_read_correctly),
          cmocka_unit_test(an_open_composite_stays_readable_when_it_is_replaced),
          cmocka_unit_test(a_part_sent_again_replaces_the_first),
          cmocka_unit_test(completing_releases_parts_that_the_request_does_not_name),
          cmocka_unit_test(completing_replaces_the_entry_and_counts_the_difference),
          cmocka_unit_test(a_refused_completion_names_its_reason_and_keeps_the_upload),
          cmocka_unit_test(completing_again_gives_the_same_entry),
          cmocka_unit_test(seaweedfs_10663_aborting_another_upload_keeps_the_parts_of_a_completed_object),
          cmocka_unit_test(a_copy_of_a_composite_keeps_its_parts_when_the_source_is_removed),
          cmocka_unit_test(composites_beyond_the_capacity_of_the_part_map_cache_are_read),
          cmocka_unit_test(an_open_composite_has_read_its_small_parts_up_to_256_KiB_from_its_end),
          cmocka_unit_test(the_digest_of_a_composite_is_worked_out_from_those_of_its_parts),
          cmocka_unit_test(a_part_with_a_wrong_number_upload_length_or_digest_is_refused),
          cmocka_unit_test(parts_and_uploads_are_listed_in_pages),
          cmocka_unit_test(at_exactly_its_expiry_an_upload_is_gone_and_then_purged_with_its_parts),
          cmocka_unit_test(the_purge_ends_all_expired_uploads_in_writes_of_bounded_size),
          cmocka_unit_test(nextcloud_31259_ten_thousand_parts_become_one_object),
          cmocka_unit_test(removing_many_keys_with_many_parts_takes_several_writes),
          cmocka_unit_test(two_completions_at_once_give_the_same_object),
          cmocka_unit_test(versitygw_873_the_last_of_two_uploads_of_one_key_to_complete_stays_complete),
          cmocka_unit_test(ceph_60771_of_a_completion_and_an_abort_at_once_one_wins),
          cmocka_unit_test(seaweedfs_5460_a_part_sent_again_during_completion_changes_nothing_or_fails),
          cmocka_unit_test(of_a_completion_in_pieces_and_an_abort_one_wins),
          cmocka_unit_test(a_part_sent_again_during_a_completion_in_pieces_changes_nothing_or_stops_it),
          cmocka_unit_test(two_completions_in_pieces_at_once_make_one_entry),
          cmocka_unit_test(a_completion_in_pieces_that_fails_at_any_call_leaves_the_upload_as_it_was),
          cmocka_unit_test(a_completion_in_pieces_that_is_refused_leaves_nothing_behind),
          cmocka_unit_test(a_completion_in_pieces_survives_kill_9_at_any_time),
          cmocka_unit_test(threads_read_a_composite_while_it_is_replaced))
