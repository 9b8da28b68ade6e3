/* SPDX-License-Identifier: Apache-2.0 */
/* Listings are compared with the keys sorted in memory. */
#include "bucket_fixture.h"
#include "core/store/account_store.h"
#include "core/store/entry_store.h"
#include "sql/sql.h"
#include "test.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* ---- many entries of one object, written with calls of the store alone: their bytes do not matter ---- */

struct filling {
    struct entry entry; /* of the first key */
    const slice *keys;
    size_t count;
};

static err_t apply_fill(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct filling *f = arg;
    for (size_t i = 0; i < f->count; i++) {
        SCRATCH(scratch);
        struct entry entry = f->entry;
        entry.key = f->keys[i];
        struct replaced_entry replaced;
        err_t e = meta_entry_put(tx, &entry, &scratch, &replaced);
        if (e)
            return err_copy(a, e);
    }
    int64_t wrong;
    return meta_usage_check(tx, true, a, &wrong); /* counts all of it */
}

static void fill(const struct bucket_fixture *s, const slice *keys, size_t count)
{
    struct entry entry;
    bucket_fixture_store(s, keys[0], S("x"));
    EXPECT_OK(entry_get(&s->w->core, &s->bucket, keys[0], s->w->a, &entry));
    struct filling f = { entry, keys + 1, count - 1 };
    world_write(s->w, apply_fill, &f);
}

/* ---- what a listing must show ---- */

struct shown {
    slice text;
    bool is_common;
};
struct page {
    struct arena *a;
    struct shown *list;
    size_t count, limit;
    struct entry_list_end end;
};

static err_t show_item(void *arg, const struct entry *entry, slice common, bool *ret_full)
{
    (void)ret_full;
    struct page *p = arg;
    EXPECT(!entry == (common.n > 0));
    EXPECT(p->count < p->limit);
    p->list[p->count++] = (struct shown){ arena_copy(p->a, entry ? entry->key : common), !entry };
    return NULL;
}

static struct page list_page(const struct bucket_fixture *s, const struct entry_list_request *request, struct arena *a)
{
    struct page p = { .a = a, .limit = request->limit, .list = arena_array(a, struct shown, request->limit + 1) };
    struct entry_list_request visiting = *request;
    visiting.visit = show_item;
    visiting.arg = &p;
    EXPECT_OK(entry_list(&s->w->core, &s->bucket, &visiting, a, &p.end));
    EXPECT_SLICE(p.end.last, p.count ? p.list[p.count - 1].text : S(""));
    return p;
}

/* The items that entry.h promises, worked out from the sorted keys. */
static size_t expect_from(const slice *keys, size_t count, const struct entry_list_request *request, struct shown *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        slice key = keys[i], rest = slice_from(key, request->prefix.n);
        if (!slice_starts(key, request->prefix))
            continue;
        size_t at = request->delimiter.n ? slice_find(rest, request->delimiter) : SLICE_NONE;
        bool is_common = at != SLICE_NONE;
        slice text = is_common ? slice_part(key, 0, request->prefix.n + at + request->delimiter.n) : key;
        if (request->after.n && slice_cmp(text, request->after) <= 0)
            continue;
        if (n && ret[n - 1].is_common && is_common && slice_eq(ret[n - 1].text, text))
            continue;
        ret[n++] = (struct shown){ text, is_common };
    }
    return n;
}

static void expect_pages(const struct bucket_fixture *s, const slice *keys, size_t count,
                         struct entry_list_request request)
{
    SCRATCH(a);
    struct shown *want = arena_array(&a, struct shown, count + 1);
    size_t wanted = expect_from(keys, count, &request, want), seen = 0;
    for (bool more = true; more;) {
        struct page p = list_page(s, &request, &a);
        for (size_t i = 0; i < p.count; i++, seen++) {
            EXPECT(seen < wanted);
            EXPECT_SLICE(p.list[i].text, want[seen].text);
            EXPECT_EQ(p.list[i].is_common, want[seen].is_common);
        }
        EXPECT_EQ(p.end.more, seen < wanted);
        more = p.end.more;
        request.after = p.end.last;
    }
    EXPECT_EQ(seen, wanted);
}

static int compare(const void *a, const void *b)
{
    return slice_cmp(*(const slice *)a, *(const slice *)b);
}

static const slice odd[] = {
    { "/", 1 },
    { "//", 2 },
    { "a", 1 },
    { "a/", 2 },
    { "a/b", 3 },
    { "a/b/c", 5 },
    { "a//b", 4 },
    { "a0", 2 },
    { "a\x7f", 2 },
    { "a\x7f/x", 4 },
    { "a\xc2\x80", 3 },
    { "ab", 2 },
    { "\x01", 1 },
    { "\x7f", 1 },
    { "\x7f/", 2 },
    { "\xc3\xa9/x", 4 },
    { "\xc3\xa9/y", 4 },
    { "\xdf\xbf/1", 4 },
    { "\xe0\xa0\x80", 3 },
    { "\xed\x9f\xbf/1", 5 },
    { "\xee\x80\x80", 3 },
    { "\xef\xbf\xbf/1", 5 },
    { "\xf0\x90\x80\x80", 4 },
    { "\xf4\x8f\xbf\xbf", 4 },
    { "\xf4\x8f\xbf\xbf/1", 6 },
    { "\xf4\x8f\xbf\xbf/2", 6 },
    { "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", 8 },
    { " ", 1 },
    { "%2F", 3 },
    { "a\nb", 3 },
    { "A", 1 },
    { "photos/2026/a.jpg", 17 },
    { "photos/2026/b.jpg", 17 },
    { "photos/2027/a.jpg", 17 },
    { "photos/x", 8 },
    { "photos0", 7 },
};
static const slice prefixes[] = { { "", 0 },       { "a", 1 },        { "a/", 2 },          { "photos/", 7 },
                                  { "photos", 6 }, { "\x7f", 1 },     { "\xc3\xa9", 2 },    { "\xf4\x8f\xbf\xbf", 4 },
                                  { "zzz", 3 },    { "\xdf\xbf", 2 }, { "\xed\x9f\xbf", 3 } };
static const slice delimiters[] = { { "", 0 }, { "/", 1 }, { "//", 2 }, { "20", 2 }, { "\xf4\x8f\xbf\xbf", 4 } };

TEST(a_listing_equals_the_sorted_keys_for_every_prefix_delimiter_and_page_size)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    enum { COUNT = LENGTH_OF(odd) };
    slice keys[COUNT];
    memcpy(keys, odd, sizeof odd);
    fill(&s, odd, COUNT);
    qsort(keys, COUNT, sizeof *keys, compare);
    for (size_t p = 0; p < LENGTH_OF(prefixes); p++)
        for (size_t d = 0; d < LENGTH_OF(delimiters); d++) {
            struct entry_list_request request = { .prefix = prefixes[p], .delimiter = delimiters[d] };
            for (request.limit = 1; request.limit < 8; request.limit += 3)
                expect_pages(&s, keys, COUNT, request);
            request.limit = 1000;
            for (size_t after = 0; after < COUNT; after++) { /* also after the middle of a common prefix */
                request.after = keys[after];
                expect_pages(&s, keys, COUNT, request);
            }
        }
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_listing_of_a_prefix_that_is_not_utf8_is_empty)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    char long_[ENTRY_KEY_MAX + 100];
    memset(long_, 'a', sizeof long_);
    fill(&s, odd, LENGTH_OF(odd));
    struct entry_list_request request = { .prefix = S("\xff"), .limit = 10 };
    EXPECT_EQ(list_page(&s, &request, w->a).count, 0);
    request.prefix = (slice){ long_, sizeof long_ };
    EXPECT_EQ(list_page(&s, &request, w->a).count, 0);
    request.prefix = S("");
    request.after = S("\xff");
    EXPECT_EQ(list_page(&s, &request, w->a).count, 0);
    request.after = (slice){ long_, sizeof long_ };
    EXPECT_EQ(list_page(&s, &request, w->a).count, 10);
    request.after = S("");
    request.delimiter = S("\xc3"); /* half a character: no key has it */
    EXPECT_EQ(list_page(&s, &request, w->a).count, 10);
    request.delimiter = S("\xa9");
    EXPECT_EQ(list_page(&s, &request, w->a).count, 10);
    request.delimiter = S("/");
    request.after = S("\xff\xff/\xff"); /* not UTF-8; the listing must still end */
    EXPECT_EQ(list_page(&s, &request, w->a).count, 0);
    request.limit = 0;
    request.after = S("");
    struct page p = list_page(&s, &request, w->a);
    EXPECT_EQ(p.count, 0);
    EXPECT(!p.end.more);
}

static err_t fail_visit(void *arg, const struct entry *entry, slice common, bool *ret_full)
{
    (void)ret_full;
    (void)entry, (void)common;
    return err_make(arg, ERR_TRUNCATED, "the client went away");
}

TEST(a_key_of_1025_bytes_overflowed_a_listing)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    char longest[ENTRY_KEY_MAX + 1];
    memset(longest, 'a', sizeof longest);
    const slice keys[] = { S("b"),
                           { longest, ENTRY_KEY_MAX + 1 },
                           { longest, ENTRY_KEY_MAX },
                           S("\x80\x80\x80\x80\x80\x80\x80/x"),
                           S("c/\xff"),
                           S("d") };
    const slice shown[] = { { longest, ENTRY_KEY_MAX }, S("b"), S("d") };
    fill(&s, keys, LENGTH_OF(keys));
    struct entry_list_request request = { .delimiter = S("/") };
    for (request.limit = 1; request.limit < 5; request.limit++)
        expect_pages(&s, shown, LENGTH_OF(shown), request);
}

/* Puts the key again as bytes, as only somebody who makes a database by hand can. */
static void make_key_bytes(struct world *w, const char *table)
{
    struct sql_conn *conn;
    EXPECT_OK(sql_connect(w->db, SQL_WRITE, w->a, &conn));
    const char *script = arena_printf(w->a, "UPDATE %s SET key = CAST(key AS BLOB)", table).p;
    EXPECT_OK(sql_script(conn, script, w->a));
    sql_disconnect(conn);
}

TEST(a_list_never_ended_at_keys_that_are_bytes)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    const slice keys[] = { S("a/b"), S("a/c"), S("d") };
    fill(&s, keys, LENGTH_OF(keys));
    make_key_bytes(w, "entries");
    struct entry_list_request request = { .delimiter = S("/"), .limit = 1 };
    expect_pages(&s, keys, LENGTH_OF(keys), request);
    bucket_fixture_upload(&s, S("k"));
    make_key_bytes(w, "uploads");
    world_wait(w, hours(2)); /* it has expired, and is passed over */
    struct upload_list uploads;
    EXPECT_OK(upload_list(&w->core, &s.bucket, &(struct upload_list_request){ .limit = 1 }, w->a, &uploads));
    EXPECT_EQ(uploads.count, 0);
}

TEST(an_error_of_the_visitor_ends_the_listing)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct entry_list_request request = { .limit = 10, .delimiter = S("/"), .visit = fail_visit, .arg = w->a };
    struct entry_list_end end;
    fill(&s, odd, LENGTH_OF(odd));
    EXPECT_ERR(entry_list(&w->core, &s.bucket, &request, w->a, &end), ERR_TRUNCATED);
}

/* ---- many ---- */

enum { FOLDERS = 1000, IN_FOLDER = 100, MANY = FOLDERS * IN_FOLDER };

static slice *many_keys(struct arena *a)
{
    slice *keys = arena_array(a, slice, MANY);
    for (size_t i = 0; i < MANY; i++)
        keys[i] = arena_printf(a, "folder-%03zu/file-%02zu", i / IN_FOLDER, i % IN_FOLDER);
    return keys;
}

struct counted {
    size_t entries, commons;
};

static err_t count_item(void *arg, const struct entry *entry, slice common, bool *ret_full)
{
    (void)ret_full;
    struct counted *c = arg;
    (void)common;
    *(entry ? &c->entries : &c->commons) += 1;
    return NULL;
}

static struct counted list_all(const struct bucket_fixture *s, struct entry_list_request request, size_t *ret_pages)
{
    struct counted c = { 0 };
    SCRATCH(a);
    request.visit = count_item;
    request.arg = &c;
    struct entry_list_end end = { .more = true };
    for (*ret_pages = 0; end.more; ++*ret_pages) {
        EXPECT_OK(entry_list(&s->w->core, &s->bucket, &request, &a, &end));
        request.after = end.last;
    }
    return c;
}

TEST(a_hundred_thousand_keys_are_listed_in_pages_and_in_folders)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice *keys = many_keys(w->a);
    size_t pages;
    fill(&s, keys, MANY);
    struct counted c = list_all(&s, (struct entry_list_request){ .limit = 1000 }, &pages);
    EXPECT_EQ(c.entries, MANY);
    EXPECT_EQ(pages, MANY / 1000);
    c = list_all(&s, (struct entry_list_request){ .limit = MANY }, &pages);
    EXPECT_EQ(c.entries, MANY);
    EXPECT_EQ(pages, 1);
    c = list_all(&s, (struct entry_list_request){ .limit = 7, .delimiter = S("/") }, &pages);
    EXPECT_EQ(c.commons, FOLDERS);
    EXPECT_EQ(c.entries, 0);
    c = list_all(&s, (struct entry_list_request){ .limit = 7, .delimiter = S("/"), .prefix = S("folder-500/") },
                 &pages);
    EXPECT_EQ(c.entries, IN_FOLDER);
}

TEST(a_common_prefix_takes_one_look_up_however_many_keys_have_it)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    size_t pages;
    fill(&s, many_keys(w->a), MANY);
    int64_t calls = w->faults.calls;
    struct counted c = list_all(&s, (struct entry_list_request){ .limit = 2 * FOLDERS, .delimiter = S("/") }, &pages);
    EXPECT_EQ(c.commons, FOLDERS);
    EXPECT(w->faults.calls - calls < 4 * FOLDERS); /* of the 100 keys of each folder only the first is read */
}

TEST(a_listing_uses_constant_memory)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    SCRATCH(a);
    struct counted c = { 0 };
    struct entry_list_end end;
    fill(&s, many_keys(w->a), MANY);
    struct entry_list_request request = { .limit = 10, .delimiter = S(""), .visit = count_item, .arg = &c };
    EXPECT_OK(entry_list(&w->core, &s.bucket, &request, &a, &end));
    size_t before = mallinfo2().uordblks;
    request.limit = MANY;
    EXPECT_OK(entry_list(&w->core, &s.bucket, &request, &a, &end));
    request.delimiter = S("/");
    EXPECT_OK(entry_list(&w->core, &s.bucket, &request, &a, &end));
    size_t after = mallinfo2().uordblks;
    EXPECT(after < before + 256 * 1024);
}

RUN_TESTS(cmocka_unit_test(a_listing_equals_the_sorted_keys_for_every_prefix_delimiter_and_page_size),
          cmocka_unit_test(a_listing_of_a_prefix_that_is_not_utf8_is_empty),
          cmocka_unit_test(a_key_of_1025_bytes_overflowed_a_listing),
          cmocka_unit_test(a_list_never_ended_at_keys_that_are_bytes),
          cmocka_unit_test(an_error_of_the_visitor_ends_the_listing),
          cmocka_unit_test(a_hundred_thousand_keys_are_listed_in_pages_and_in_folders),
          cmocka_unit_test(a_common_prefix_takes_one_look_up_however_many_keys_have_it),
          cmocka_unit_test(a_listing_uses_constant_memory))
