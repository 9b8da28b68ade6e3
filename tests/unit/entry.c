/* SPDX-License-Identifier: Apache-2.0 */
#include "bucket_fixture.h"
#include "rounds.h"
#include "test.h"

#include "base/text.h"
#include "core/object/digest.h"
#include "core/records/record_size.h"
#include "sql/sql.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL = 100, LARGE = 40000 };

static err_t put(const struct bucket_fixture *s, const struct entry_request *request, slice bytes)
{
    struct stored_entry unused;
    return bucket_fixture_put(s, request, bytes, s->w->a, &unused);
}

static struct entry get(const struct bucket_fixture *s, slice key)
{
    struct entry entry = { 0 };
    EXPECT_OK(entry_get(&s->w->core, &s->bucket, key, s->w->a, &entry));
    return entry;
}

static void note_code(void *arg, err_t e, const struct entry_stored *stored)
{
    EXPECT(!e == !!stored);
    *(enum err_code *)arg = e ? e->code : ERR_CODE_COUNT;
}

/* ---- putting and reading ---- */

TEST(reading_an_entry_gives_the_bytes_that_were_put)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    size_t sizes[] = { 0, 1, WORLD_INLINE_MAX, WORLD_INLINE_MAX + 1, LARGE };
    uint64_t all = 0;
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        slice bytes = world_bytes(w, sizes[i]), key = arena_printf(w->a, "key %zu", i);
        struct entry_request request = bucket_fixture_request(key);
        struct stored_entry stored;
        unsigned char md5[MD5_SIZE];
        request.headers = S("Content-Type: text/plain\n");
        request.tags = S("a=b");
        request.digest = DIGEST_SHA256;
        EXPECT_OK(bucket_fixture_put(&s, &request, bytes, w->a, &stored));
        hash_md5(bytes, md5);
        EXPECT_SLICE(stored.etag, hex_encode(w->a, (slice){ (char *)md5, MD5_SIZE }));
        bucket_fixture_expect(&s, key, bytes);
        struct entry entry = get(&s, key);
        struct digest want;
        digest_of(DIGEST_SHA256, bytes, &want);
        EXPECT(digest_eq(&entry.digest, &want) && digest_eq(&stored.digest, &want));
        EXPECT_SLICE(entry.headers, request.headers);
        EXPECT_SLICE(entry.tags, request.tags);
        EXPECT_SLICE(entry_etag(&entry, w->a), stored.etag);
        EXPECT_EQ(entry.owner_id, s.who.user_id);
        EXPECT_EQ(entry.modified_at_ms, WORLD_START_MS);
        all += sizes[i];
    }
    EXPECT_EQ(world_account(w).used_files, LENGTH_OF(sizes));
    EXPECT_EQ(world_account(w).used_bytes, all);
    EXPECT_EQ(world_event_count(w, S("entry.put")), LENGTH_OF(sizes));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_key_has_1_to_1024_bytes_of_utf8)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    char longest[ENTRY_KEY_MAX + 1];
    memset(longest, 'k', sizeof longest);
    slice good[] = { S("k"),
                     S("/"),
                     S("a//b/../c"),
                     S(" \n\t%\"<>&?#"),
                     S("\xc3\xa9\xf0\x9f\x98\x80\x7f"),
                     { longest, ENTRY_KEY_MAX } };
    slice bad[] = { S(""), S("\xff"), S("a\xc3"), { "a\0b", 3 }, { longest, ENTRY_KEY_MAX + 1 } };
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        bucket_fixture_store(&s, good[i], S("x"));
        EXPECT_SLICE(get(&s, good[i]).key, good[i]);
    }
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct entry_request request = bucket_fixture_request(bad[i]);
        EXPECT_ERR(put(&s, &request, S("x")), ERR_INVALID);
    }
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_put_is_refused_when_length_digest_or_texts_break_its_request)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_request request = bucket_fixture_request(S("k"));
    request.max_bytes = 10;
    EXPECT_ERR(put(&s, &request, world_bytes(w, 11)), ERR_TOO_LARGE);
    request.min_bytes = 5;
    EXPECT_ERR(put(&s, &request, S("four")), ERR_EMPTY);
    request.exact_bytes = 4;
    EXPECT_ERR(put(&s, &request, S("four")), ERR_EMPTY);
    request.exact_bytes = 11;
    EXPECT_ERR(put(&s, &request, world_bytes(w, 11)), ERR_TOO_LARGE);
    request.exact_bytes = 6;
    EXPECT_ERR(put(&s, &request, S("five!")), ERR_TRUNCATED);
    EXPECT_ERR(put(&s, &request, S("four")), ERR_TRUNCATED);
    request = bucket_fixture_request(S("k"));
    request.md5 = S("0123456789abcdef");
    EXPECT_ERR(put(&s, &request, S("hello")), ERR_DIGEST);
    EXPECT_ERR(put(&s, &request, world_bytes(w, LARGE)), ERR_DIGEST);
    request = bucket_fixture_request(S("k"));
    request.headers = world_bytes(w, ENTRY_HEADERS_MAX + 1);
    EXPECT_ERR(put(&s, &request, S("hello")), ERR_TOO_LARGE);
    EXPECT(!bucket_fixture_has(&s, S("k")));
    expect_empty_store(w);
}

/* Also files_primary_s3#620. */
TEST(filebrowser_3400_a_discarded_put_leaves_nothing_and_keeps_the_old_entry)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_request request = bucket_fixture_request(S("k"));
    bucket_fixture_store(&s, S("k"), S("old"));
    for (size_t size = 0; size <= LARGE; size += LARGE / 2) {
        struct entry_put put_;
        EXPECT_OK(entry_put_open(&w->core, &s.who, &s.bucket, &request, w->a, &put_));
        EXPECT_OK(intake_write(put_.intake, world_bytes(w, size), w->a));
        bucket_fixture_expect(&s, S("k"), S("old"));
        entry_put_discard(&put_);
        bucket_fixture_expect(&s, S("k"), S("old"));
    }
    EXPECT_EQ(count_objects(w), 1);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(replacing_an_entry_counts_the_difference_and_releases_the_old_object)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    size_t sizes[] = { SMALL, LARGE, 3, LARGE + 1, LARGE, 0 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        slice bytes = world_bytes(w, sizes[i]);
        bucket_fixture_store(&s, S("k"), bytes);
        bucket_fixture_expect(&s, S("k"), bytes);
        EXPECT_EQ(world_account(w).used_files, 1);
        EXPECT_EQ(world_account(w).used_bytes, sizes[i]);
        EXPECT_EQ(count_objects(w), 1);
        EXPECT_EQ(world_fsck(w, true), 0);
    }
    EXPECT_OK(bucket_fixture_remove(&s, S("k"), w->a));
    expect_empty_store(w);
}

TEST(an_open_entry_stays_readable_when_it_is_replaced_or_removed)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    for (int large = 0; large < 2; large++) {
        slice bytes = world_bytes(w, large ? LARGE : SMALL);
        struct entry entry;
        struct content content;
        bucket_fixture_store(&s, S("k"), bytes);
        EXPECT_OK(entry_open(&w->core, &s.bucket, S("k"), w->a, &entry, &content));
        bucket_fixture_store(&s, S("k"), S("new"));
        char *to = arena_alloc(w->a, LARGE);
        size_t got = 0;
        if (content.bytes.p)
            EXPECT_SLICE(content.bytes, bytes);
        else
            EXPECT_OK(content.reader->ops->read_at(content.reader, 0, to, LARGE, w->a, &got));
        EXPECT(!got || slice_eq((slice){ to, got }, bytes));
        content_close(&content);
        bucket_fixture_expect(&s, S("k"), S("new"));
    }
}

TEST(a_full_account_accepts_an_entry_that_replaces_a_larger_one)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_request request = bucket_fixture_request(S("k"));
    world_set_room(w, LARGE + RECORD_BYTES + 1, 1); /* the key has one byte */
    EXPECT_ERR(put(&s, &request, world_bytes(w, LARGE + 1)), ERR_QUOTA);
    request.exact_bytes = LARGE + 1;
    struct entry_put put_;
    EXPECT_ERR(entry_put_open(&w->core, &s.who, &s.bucket, &request, w->a, &put_),
               ERR_QUOTA); /* before the first byte */
    request.exact_bytes = LARGE;
    EXPECT_OK(put(&s, &request, world_bytes(w, LARGE)));
    EXPECT_OK(put(&s, &request, world_bytes(w, LARGE))); /* replaces the first */
    request = bucket_fixture_request(S("another"));
    EXPECT_ERR(put(&s, &request, S("")), ERR_QUOTA); /* the limit of files is reached */
    world_set_room(w, RECORD_BYTES + 7, 0);
    EXPECT_OK(put(&s, &request, S("")));
    EXPECT_ERR(put(&s, &request, S("1")), ERR_QUOTA);
    bucket_fixture_store(&s, S("k"), S("small"));
    EXPECT_OK(put(&s, &request, S("1")));
    EXPECT_EQ(world_account(w).used_bytes, 6);
    EXPECT_EQ(world_fsck(w, true), 0);
    w->core.options.account_max_files = 2; /* the configured limit, for an account without one of its own */
    request = bucket_fixture_request(S("third"));
    EXPECT_ERR(put(&s, &request, S("")), ERR_QUOTA);
    request = bucket_fixture_request(S("k"));
    EXPECT_OK(put(&s, &request, S("")));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_condition_is_checked_at_the_instant_of_the_change)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_request none = bucket_fixture_request(S("k")), match = none, other = none;
    struct stored_entry stored;
    none.condition.if_none_match = S("*");
    match.condition.if_match = S("*");
    other.condition.if_match = S("00000000000000000000000000000000");
    EXPECT_ERR(put(&s, &match, S("x")), ERR_CONFLICT);
    EXPECT_OK(bucket_fixture_put(&s, &none, S("one"), w->a, &stored));
    EXPECT_ERR(put(&s, &none, S("two")), ERR_CONFLICT);
    EXPECT_ERR(put(&s, &other, S("two")), ERR_CONFLICT);
    match.condition.if_match = stored.etag;
    none.condition.if_none_match = stored.etag;
    EXPECT_ERR(put(&s, &none, S("two")), ERR_CONFLICT);
    EXPECT_OK(put(&s, &match, S("two")));
    EXPECT_ERR(put(&s, &match, S("three")), ERR_CONFLICT);
    EXPECT_OK(put(&s, &none, S("three"))); /* the entry is another one by now */
    /* The condition holds when the put begins, and no longer when it ends. */
    struct entry_request first = bucket_fixture_request(S("new"));
    struct entry_put slow;
    first.condition.if_none_match = S("*");
    EXPECT_OK(entry_put_open(&w->core, &s.who, &s.bucket, &first, w->a, &slow));
    bucket_fixture_store(&s, S("new"), S("faster"));
    EXPECT_OK(intake_write(slow.intake, S("slower"), w->a));
    enum err_code code;
    entry_put_finish(&slow, note_code, &code);
    EXPECT_EQ(code, ERR_CONFLICT);
    bucket_fixture_expect(&s, S("new"), S("faster"));
    EXPECT_EQ(count_objects(w), 2);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_put_into_a_bucket_that_is_removed_meanwhile_leaves_nothing)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
        struct entry_request request = bucket_fixture_request(S("k"));
        struct entry_put put_;
        enum err_code code;
        EXPECT_OK(bucket_find(&w->core, &s.who, S("sample"), BUCKET_WRITE, w->a, &s.bucket));
        EXPECT_OK(entry_put_open(&w->core, &s.who, &s.bucket, &request, w->a, &put_));
        EXPECT_OK(intake_write(put_.intake, world_bytes(w, size), w->a));
        EXPECT_OK(bucket_remove(&w->core, &s.who, S("sample"), w->a));
        EXPECT_OK(bucket_create(&w->core, &s.who, S("sample"), w->a)); /* another bucket of the same name */
        entry_put_finish(&put_, note_code, &code);
        EXPECT_EQ(code, ERR_NOT_FOUND);
    }
    expect_empty_store(w);
}

TEST(an_entry_without_its_bytes_is_corrupt_and_not_absent) /* seaweedfs#9149, #11151 */
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry entry;
    struct content content;
    bucket_fixture_store(&s, S("k"), world_bytes(w, LARGE));
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, world_only_blob(w), w->a));
    EXPECT_ERR(entry_open(&w->core, &s.bucket, S("k"), w->a, &entry, &content), ERR_CORRUPT);
    EXPECT_ERR(entry_open(&w->core, &s.bucket, S("none"), w->a, &entry, &content), ERR_NOT_FOUND);
}

TEST(seaweedfs_11151_an_unavailable_store_does_not_make_entries_absent)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice bytes = world_bytes(w, LARGE);
    bucket_fixture_store(&s, S("k"), bytes);
    for (int64_t nth = 1;; nth++) {
        slice back;
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = bucket_fixture_read(&s, S("k"), w->a, &back);
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        if (!reached)
            break;
        EXPECT_ERR(e, ERR_UNAVAILABLE);
    }
    bucket_fixture_expect(&s, S("k"), bytes);
}

TEST(opening_a_small_entry_takes_one_look_up)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    bucket_fixture_store(&s, S("k"), S("hello"));
    int64_t calls = w->faults.calls;
    bucket_fixture_expect(&s, S("k"), S("hello"));
    int64_t small = w->faults.calls - calls;
    struct entry entry;
    calls = w->faults.calls;
    EXPECT_OK(entry_get(&w->core, &s.bucket, S("k"), w->a, &entry));
    EXPECT_EQ(small, w->faults.calls - calls);
}

/* ---- removing, tags, copying ---- */

TEST(a_removed_entry_is_gone_and_removing_it_again_succeeds)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_removal removal = { S("k"), { .if_match = S("00000000000000000000000000000000") } };
    bool existed;
    bucket_fixture_store(&s, S("k"), world_bytes(w, LARGE));
    EXPECT_ERR(entry_remove(&w->core, &s.who, &s.bucket, &removal, w->a, &existed), ERR_CONFLICT);
    removal.condition.if_match = entry_etag(&(struct entry){ 0 }, w->a);
    EXPECT_ERR(entry_remove(&w->core, &s.who, &s.bucket, &removal, w->a, &existed), ERR_CONFLICT);
    struct entry entry = get(&s, S("k"));
    removal.condition.if_match = entry_etag(&entry, w->a);
    EXPECT_OK(entry_remove(&w->core, &s.who, &s.bucket, &removal, w->a, &existed));
    EXPECT(existed);
    removal = (struct entry_removal){ S("k") };
    EXPECT_OK(entry_remove(&w->core, &s.who, &s.bucket, &removal, w->a, &existed));
    EXPECT(!existed);
    EXPECT_EQ(world_event_count(w, S("entry.remove")), 1);
    expect_empty_store(w);
}

TEST(entry_remove_many_removes_a_thousand_keys_in_few_writes)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    enum { COUNT = 1000 };
    struct entry_removal *items = arena_array(w->a, struct entry_removal, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        items[i].key = i == 7 ? S("") : i == 8 ? items[0].key : arena_printf(w->a, "k%zu", i);
        if (i % 2 == 0 && i != 8)
            bucket_fixture_store(&s, items[i].key, S("x"));
    }
    items[4].condition.if_match = S("another");
    uint64_t before = meta_generation(w->core.meta);
    EXPECT_OK(entry_remove_many(&w->core, &s.who, &s.bucket, items, COUNT, w->a));
    EXPECT_EQ(meta_generation(w->core.meta) - before, 7); /* each of at most 150 keys */
    for (size_t i = 0; i < COUNT; i++) {
        EXPECT_EQ(items[i].refused, i == 4);
        EXPECT(!items[i].key.n || bucket_fixture_has(&s, items[i].key) == (i == 4));
    }
    EXPECT_EQ(world_event_count(w, S("entry.remove")), COUNT / 2 - 2);
    EXPECT_OK(entry_remove_many(&w->core, &s.who, &s.bucket, &(struct entry_removal){ .key = S("k4") }, 1, w->a));
    expect_empty_store(w);
}

TEST(setting_tags_changes_nothing_else)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    bucket_fixture_store(&s, S("k"), S("hello"));
    world_wait(w, minutes(1));
    EXPECT_OK(entry_set_tags(&w->core, &s.who, &s.bucket, S("k"), S("a=b"), w->a));
    EXPECT_SLICE(get(&s, S("k")).tags, S("a=b"));
    EXPECT_EQ(get(&s, S("k")).modified_at_ms, WORLD_START_MS);
    EXPECT_ERR(entry_set_tags(&w->core, &s.who, &s.bucket, S("none"), S("a=b"), w->a), ERR_NOT_FOUND);
    slice large = world_bytes(w, ENTRY_HEADERS_MAX + 1);
    EXPECT_ERR(entry_set_tags(&w->core, &s.who, &s.bucket, S("k"), large, w->a), ERR_TOO_LARGE);
    bucket_fixture_expect(&s, S("k"), S("hello"));
}

static err_t copy_with(const struct bucket_fixture *s, struct entry_copy copy, slice from, slice to, struct entry *ret)
{
    copy.from = copy.to = &s->bucket;
    copy.from_key = from;
    copy.to_key = to;
    return entry_copy(&s->w->core, &s->who, &copy, s->w->a, ret);
}

TEST(a_copy_names_the_same_object)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_request request = bucket_fixture_request(S("one"));
    struct entry entry;
    slice bytes = world_bytes(w, LARGE);
    request.headers = S("h");
    request.tags = S("t");
    request.digest = DIGEST_CRC32;
    EXPECT_OK(put(&s, &request, bytes));
    world_wait(w, minutes(1));
    EXPECT_OK(
        copy_with(&s, (struct entry_copy){ .keeps_headers = true, .keeps_tags = true }, S("one"), S("two"), &entry));
    EXPECT_SLICE(entry.headers, S("h"));
    EXPECT_SLICE(entry.tags, S("t"));
    EXPECT_SLICE(entry.key, S("two"));
    EXPECT_EQ(entry.digest.kind, DIGEST_CRC32);
    EXPECT_EQ(entry.modified_at_ms, WORLD_START_MS + minutes(1));
    EXPECT_EQ(world_blob_count(w), 1);
    EXPECT_EQ(count_objects(w), 1);
    EXPECT_EQ(world_account(w).used_bytes, 2 * LARGE); /* each entry counts */
    EXPECT_OK(copy_with(&s, (struct entry_copy){ .headers = S("new") }, S("two"), S("two"), &entry)); /* onto itself */
    EXPECT_SLICE(get(&s, S("two")).headers, S("new"));
    EXPECT_SLICE(get(&s, S("two")).tags, S(""));
    EXPECT_OK(bucket_fixture_remove(&s, S("one"), w->a));
    world_wait(w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(w);
    bucket_fixture_expect(&s, S("two"), bytes); /* the bytes stay as long as an entry names them */
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(bucket_fixture_remove(&s, S("two"), w->a));
    expect_empty_store(w);
}

/* The bytes of the source were read for another digest, and meanwhile the source was replaced. */
TEST(a_copy_does_not_take_the_digest_of_another_object)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    bucket_fixture_store(&s, S("one"), S("old"));
    struct entry old = get(&s, S("one")), entry;
    struct entry_copy copy = { .digest_of = old.object_id };
    digest_of(DIGEST_SHA1, S("old"), &copy.digest);
    EXPECT_OK(copy_with(&s, copy, S("one"), S("two"), &entry));
    EXPECT(digest_eq(&entry.digest, &copy.digest));
    bucket_fixture_store(&s, S("one"), S("new"));
    EXPECT_ERR(copy_with(&s, copy, S("one"), S("three"), &entry), ERR_UNAVAILABLE);
}

TEST(a_copy_checks_the_conditions_of_source_and_target)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry entry;
    bucket_fixture_store(&s, S("one"), S("1"));
    bucket_fixture_store(&s, S("two"), S("22"));
    struct entry source = get(&s, S("one"));
    slice etag = entry_etag(&source, w->a), other = S("0");
    int64_t then = WORLD_START_MS / 1000 * 1000;
    struct {
        struct entry_copy copy;
        bool holds;
    } cases[] = {
        { { .source_condition = { .if_match = etag } }, true },
        { { .source_condition = { .if_match = other } }, false },
        { { .source_condition = { .if_none_match = other } }, true },
        { { .source_condition = { .if_none_match = etag } }, false },
        { { .modified_since_ms = then }, false },
        { { .modified_since_ms = then - 1000 }, true },
        { { .unmodified_since_ms = then }, true },
        { { .unmodified_since_ms = then - 1000 }, false },
        { { .source_condition = { .if_match = etag }, .unmodified_since_ms = then - 1000 }, true },
        { { .source_condition = { .if_none_match = etag }, .modified_since_ms = then - 1000 }, false },
        { { .condition = { .if_none_match = S("*") } }, false },
        { { .condition = { .if_match = etag } }, false },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        err_t e = copy_with(&s, cases[i].copy, S("one"), S("two"), &entry);
        if (cases[i].holds)
            EXPECT_OK(e);
        else
            EXPECT_ERR(e, ERR_CONFLICT);
        bucket_fixture_store(&s, S("two"), S("22"));
    }
    EXPECT_ERR(copy_with(&s, (struct entry_copy){ 0 }, S("none"), S("two"), &entry), ERR_NOT_FOUND);
    EXPECT_ERR(copy_with(&s, (struct entry_copy){ 0 }, S("one"), S(""), &entry), ERR_INVALID);
    world_set_room(w, 0, 0);
    EXPECT_ERR(copy_with(&s, (struct entry_copy){ 0 }, S("one"), S("three"), &entry), ERR_QUOTA);
    EXPECT_OK(copy_with(&s, (struct entry_copy){ 0 }, S("one"), S("two"),
                        &entry)); /* smaller than the entry that it replaces */
    bucket_fixture_expect(&s, S("two"), S("1"));
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- threads ---- */

struct writer {
    const struct bucket_fixture *s;
    slice bytes;
    const char *if_none_match;
    int rounds;
    int64_t stored, refused, wrong;
};

static void *write_on(void *arg)
{
    struct writer *t = arg;
    for (int i = 0; i < t->rounds; i++) {
        SCRATCH(a);
        struct entry_request request = bucket_fixture_request(S("k"));
        struct stored_entry stored;
        request.condition.if_none_match = slice_of(t->if_none_match);
        err_t e = bucket_fixture_put(t->s, &request, t->bytes, &a, &stored);
        t->stored += !e;
        t->refused += err_is(e, ERR_CONFLICT);
        t->wrong += e && e->code != ERR_CONFLICT;
    }
    return NULL;
}

static void race(const struct bucket_fixture *s, struct writer *writers, int count)
{
    pthread_t threads[32];
    for (int i = 0; i < count; i++) {
        writers[i].s = s;
        pthread_create(&threads[i], NULL, write_on, &writers[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(writers[i].wrong, 0);
    }
}

TEST(thirty_two_writers_of_one_key_leave_one_complete_object) /* versitygw#873 */
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct bucket_fixture s = bucket_fixture_new(w);
    struct writer writers[32];
    const int each = rounds(ROUNDS_entry_writers);
    for (int i = 0; i < 32; i++) {
        size_t n = i % 2 ? 50 + (size_t)i : 20000 + (size_t)i;
        char *bytes = arena_alloc(w->a, n);
        memset(bytes, 'a' + i, n);
        writers[i] = (struct writer){ .bytes = { bytes, n }, .rounds = each };
    }
    race(&s, writers, 32);
    slice back;
    EXPECT_OK(bucket_fixture_read(&s, S("k"), w->a, &back));
    bool whole = false;
    for (int i = 0; i < 32; i++) {
        whole = whole || slice_eq(back, writers[i].bytes);
        EXPECT_EQ(writers[i].stored, each);
    }
    EXPECT(whole);
    EXPECT_EQ(count_objects(w), 1);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(world_account(w).used_bytes, back.n);
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(bucket_fixture_remove(&s, S("k"), w->a));
    expect_empty_store(w);
}

TEST(tus_php_257_one_of_many_conditional_creations_of_a_key_wins)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct bucket_fixture s = bucket_fixture_new(w);
    struct writer writers[16];
    int64_t stored = 0, refused = 0;
    const int each = rounds(ROUNDS_entry_writers);
    for (int i = 0; i < 16; i++)
        writers[i] = (struct writer){ .bytes = i % 2 ? S("odd") : S("even"), .if_none_match = "*", .rounds = each };
    race(&s, writers, 16);
    for (int i = 0; i < 16; i++) {
        stored += writers[i].stored;
        refused += writers[i].refused;
    }
    EXPECT_EQ(stored, 1);
    EXPECT_EQ(refused, 16 * each - 1);
    EXPECT_EQ(world_event_count(w, S("entry.put")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(the_lowest_number_as_the_size_of_an_entry_was_counted_back)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    bucket_fixture_store(&s, S("k"), S("hello"));
    int64_t used = world_account(w).used_bytes;
    struct sql_conn *conn; /* as somebody who makes a database by hand */
    EXPECT_OK(sql_connect(w->db, SQL_WRITE, w->a, &conn));
    EXPECT_OK(sql_script(conn,
                         "PRAGMA ignore_check_constraints=ON; UPDATE entries SET size_bytes = -9223372036854775808;"
                         "PRAGMA ignore_check_constraints=OFF",
                         w->a));
    sql_disconnect(conn);
    EXPECT_OK(bucket_fixture_remove(&s, S("k"), w->a));
    EXPECT_EQ(world_account(w).used_bytes, used);
}

RUN_TESTS(cmocka_unit_test(the_lowest_number_as_the_size_of_an_entry_was_counted_back),
          cmocka_unit_test(reading_an_entry_gives_the_bytes_that_were_put),
          cmocka_unit_test(a_key_has_1_to_1024_bytes_of_utf8),
          cmocka_unit_test(a_put_is_refused_when_length_digest_or_texts_break_its_request),
          cmocka_unit_test(filebrowser_3400_a_discarded_put_leaves_nothing_and_keeps_the_old_entry),
          cmocka_unit_test(replacing_an_entry_counts_the_difference_and_releases_the_old_object),
          cmocka_unit_test(an_open_entry_stays_readable_when_it_is_replaced_or_removed),
          cmocka_unit_test(a_full_account_accepts_an_entry_that_replaces_a_larger_one),
          cmocka_unit_test(a_condition_is_checked_at_the_instant_of_the_change),
          cmocka_unit_test(a_put_into_a_bucket_that_is_removed_meanwhile_leaves_nothing),
          cmocka_unit_test(an_entry_without_its_bytes_is_corrupt_and_not_absent),
          cmocka_unit_test(seaweedfs_11151_an_unavailable_store_does_not_make_entries_absent),
          cmocka_unit_test(opening_a_small_entry_takes_one_look_up),
          cmocka_unit_test(a_removed_entry_is_gone_and_removing_it_again_succeeds),
          cmocka_unit_test(entry_remove_many_removes_a_thousand_keys_in_few_writes),
          cmocka_unit_test(setting_tags_changes_nothing_else), cmocka_unit_test(a_copy_names_the_same_object),
          cmocka_unit_test(a_copy_does_not_take_the_digest_of_another_object),
          cmocka_unit_test(a_copy_checks_the_conditions_of_source_and_target),
          cmocka_unit_test(thirty_two_writers_of_one_key_leave_one_complete_object),
          cmocka_unit_test(tus_php_257_one_of_many_conditional_creations_of_a_key_wins))
