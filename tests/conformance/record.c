/* SPDX-License-Identifier: Apache-2.0 */
/* Every record store must keep the contract of src/core/store/record_store.h. The second half is about files: kills, damage, copies,
 * flushes that fail. For these, this program has its own fdatasync and fsync, which stand before those of the C library for SQLite,
 * too. */
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/buf.h"
#include "base/dir.h"
#include "record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *failing_flush; /* the end of the path whose flushes fail; NULL: none */

static int flush(int fd, long call)
{
    char link_path[64], path[256] = "";
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    if (failing_flush && readlink(link_path, path, sizeof path - 1) > 0 &&
        slice_ends(slice_of(path), slice_of(failing_flush))) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

int fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}

int fsync(int fd)
{
    return flush(fd, SYS_fsync);
}

/* ---- the world */

struct record_world {
    bool in_memory;
    struct arena arena, *a;
    struct random_seeded random;
    char *dir;
    int reports;
    struct record_store *store;
    const struct record_ops *ops;
};

static void note_report(void *arg, err_t e)
{
    (void)e;
    ((struct record_world *)arg)->reports++;
}

static void open_store(struct record_world *w)
{
    struct record_options o = { .dir = w->in_memory ? NULL : arena_printf(w->a, "%s/records", w->dir).p,
                                .random = &w->random.random,
                                .report = note_report,
                                .report_arg = w };
    EXPECT_OK(record_open(&o, w->a, &w->store));
    w->ops = w->store->ops;
}

static void close_store(struct record_world *w)
{
    if (w->store)
        w->ops->close_store(w->store);
    w->store = NULL;
}

static void reopen(struct record_world *w)
{
    close_store(w);
    open_store(w);
}

static int setup_in(void **state, bool in_memory)
{
    struct record_world *w = must_malloc(sizeof *w);
    w->in_memory = in_memory;
    w->a = &w->arena;
    arena_set_limit(w->a, SIZE_MAX / 2, NULL);
    random_seeded_init(&w->random, rounds_seed());
    w->dir = tmpdir_make();
    open_store(w);
    *state = w;
    return 0;
}

static int setup_memory(void **state)
{
    return setup_in(state, true);
}

static int setup_files(void **state)
{
    return setup_in(state, false);
}

static int teardown(void **state)
{
    struct record_world *w = *state;
    failing_flush = NULL;
    close_store(w);
    tmpdir_remove(w->dir);
    arena_release(w->a);
    free(w);
    return 0;
}

static err_t define(struct record_world *w, int64_t id, const char *first, const char *second)
{
    slice names[2] = { slice_of(first), slice_of(second) };
    return w->ops->define(w->store, id, &(struct record_fields){ names, second ? 2 : 1 }, w->a);
}

static struct record_writer *begin_at(struct record_world *w, int64_t id, int64_t now_ms, const char *file)
{
    struct record_batch batch = { slice_of(file), now_ms };
    struct record_writer *writer = NULL;
    EXPECT_OK(w->ops->open(w->store, id, &batch, w->a, &writer));
    return writer;
}

static struct record_writer *begin(struct record_world *w, int64_t id)
{
    return begin_at(w, id, 1000, "f1");
}

static enum record_outcome put(struct record_world *w, struct record_writer *writer, const char *key,
                               const char *object)
{
    enum record_outcome outcome;
    EXPECT_OK(writer->ops->put(writer, slice_of(key), slice_of(object), w->a, &outcome));
    return outcome;
}

static enum record_outcome erase(struct record_world *w, struct record_writer *writer, const char *key)
{
    enum record_outcome outcome;
    EXPECT_OK(writer->ops->erase(writer, slice_of(key), w->a, &outcome));
    return outcome;
}

static void commit(struct record_world *w, struct record_writer *writer, const char *position)
{
    EXPECT_OK(writer->ops->commit(writer, slice_of(position), w->a));
}

/* One row, as a batch. */
static void put_alone(struct record_world *w, int64_t id, const char *key, const char *object)
{
    struct record_writer *writer = begin(w, id);
    put(w, writer, key, object);
    commit(w, writer, "alone");
}

static slice position_of(struct record_world *w, int64_t id)
{
    slice position;
    EXPECT_OK(w->ops->position(w->store, id, w->a, &position));
    return position;
}

static struct record_page page_of(struct record_world *w, int64_t id, enum record_order order, slice after,
                                  size_t limit)
{
    struct record_page page;
    EXPECT_OK(w->ops->scan(w->store, id, &(struct record_scan){ order, after, limit }, w->a, &page));
    return page;
}

/* key=object;… of a page; a + at its end: there are more. */
static slice text_of(struct record_world *w, const struct record_page *page)
{
    struct buf text = { 0 };
    for (size_t i = 0; i < page->count; i++) {
        buf_add(&text, i ? S(";") : S(""));
        buf_add(&text, page->items[i].key);
        buf_add(&text, S("="));
        buf_add(&text, page->items[i].object);
    }
    buf_add(&text, page->has_more ? S("+") : S(""));
    return buf_give(&text, w->a);
}

static slice all_of(struct record_world *w, int64_t id)
{
    struct record_page page = page_of(w, id, RECORD_BY_KEY, S(""), RECORD_PAGE_MAX);
    return text_of(w, &page);
}

static uint64_t count_of(struct record_world *w, int64_t id)
{
    uint64_t bytes, records;
    EXPECT_OK(w->ops->size(w->store, id, w->a, &bytes, &records));
    EXPECT(bytes > 0);
    return records;
}

/* ---- sets */

TEST(the_key_of_a_set_is_fixed_by_its_first_definition)
{
    struct record_world *w = *state;
    struct record_fields fields;
    EXPECT_ERR(w->ops->fields(w->store, 1, w->a, &fields), ERR_NOT_FOUND);
    EXPECT_OK(define(w, 1, "a", "b"));
    EXPECT_OK(define(w, 1, "a", "b"));
    EXPECT_ERR(define(w, 1, "b", "a"), ERR_INVALID);
    EXPECT_ERR(define(w, 1, "a", NULL), ERR_INVALID);
    EXPECT_ERR(w->ops->define(w->store, 1, &(struct record_fields){ NULL, 0 }, w->a), ERR_INVALID);
    slice nine[9] = { S("a") };
    EXPECT_ERR(w->ops->define(w->store, 2, &(struct record_fields){ nine, 9 }, w->a), ERR_INVALID);
    EXPECT_OK(define(w, 2, "b", NULL));
    EXPECT_OK(w->ops->fields(w->store, 1, w->a, &fields));
    EXPECT_EQ(fields.count, 2);
    EXPECT_SLICE(fields.items[0], S("a"));
    EXPECT_SLICE(fields.items[1], S("b"));
}

TEST(nothing_is_found_in_a_set_that_is_not_there)
{
    struct record_world *w = *state;
    struct record_writer *writer;
    struct record_batch batch = { S("f"), 1 };
    struct record record;
    struct record_page page;
    slice position;
    uint64_t n;
    EXPECT_ERR(w->ops->open(w->store, 1, &batch, w->a, &writer), ERR_NOT_FOUND);
    EXPECT_ERR(w->ops->position(w->store, 1, w->a, &position), ERR_NOT_FOUND);
    EXPECT_ERR(w->ops->get(w->store, 1, S("000000000000000000000000"), w->a, &record), ERR_NOT_FOUND);
    EXPECT_ERR(w->ops->scan(w->store, 1, &(struct record_scan){ RECORD_BY_KEY, S(""), 1 }, w->a, &page), ERR_NOT_FOUND);
    EXPECT_ERR(w->ops->size(w->store, 1, w->a, &n, &n), ERR_NOT_FOUND);
    EXPECT_ERR(w->ops->verify(w->store, 1, w->a), ERR_NOT_FOUND);
    EXPECT_OK(w->ops->remove(w->store, 1, w->a));
}

static err_t add_id(void *arg, int64_t id)
{
    *(int64_t *)arg += id;
    return NULL;
}

TEST(sets_are_listed_and_removed)
{
    struct record_world *w = *state;
    int64_t sum = 0;
    EXPECT_OK(define(w, 1, "a", NULL));
    EXPECT_OK(define(w, 20, "a", NULL));
    EXPECT_OK(define(w, 300, "a", NULL));
    put_alone(w, 20, "k", "{\"a\":1}");
    EXPECT_OK(w->ops->each(w->store, w->a, add_id, &sum));
    EXPECT_EQ(sum, 321);
    struct record_writer *writer = begin(w, 20);
    EXPECT_ERR(w->ops->remove(w->store, 20, w->a), ERR_CONFLICT);
    writer->ops->discard(writer);
    EXPECT_OK(w->ops->remove(w->store, 20, w->a));
    sum = 0;
    EXPECT_OK(w->ops->each(w->store, w->a, add_id, &sum));
    EXPECT_EQ(sum, 301);
    EXPECT_OK(define(w, 20, "other", NULL));
    EXPECT_EQ(count_of(w, 20), 0);
    EXPECT_SLICE(position_of(w, 20), S(""));
}

/* ---- rows */

TEST(rows_insert_update_and_delete_by_key)
{
    struct record_world *w = *state;
    EXPECT_OK(define(w, 1, "id", NULL));
    struct record_writer *writer = begin(w, 1);
    EXPECT_EQ(put(w, writer, "b", "{\"id\":\"b\",\"n\":1}"), RECORD_INSERTED);
    EXPECT_EQ(put(w, writer, "a", "{\"id\":\"a\",\"n\":null}"), RECORD_INSERTED);
    EXPECT_EQ(put(w, writer, "b", "{\"id\":\"b\",\"n\":2}"), RECORD_UPDATED);
    EXPECT_EQ(put(w, writer, "c", "{}"), RECORD_INSERTED);
    EXPECT_EQ(erase(w, writer, "c"), RECORD_DELETED);
    EXPECT_EQ(erase(w, writer, "c"), RECORD_ABSENT);
    EXPECT_EQ(writer->inserted, 3);
    EXPECT_EQ(writer->updated, 1);
    EXPECT_EQ(writer->deleted, 1);
    EXPECT(writer->written_bytes > 40);
    commit(w, writer, "after 6");
    EXPECT_SLICE(all_of(w, 1), S("a={\"id\":\"a\"};b={\"id\":\"b\",\"n\":2}"));
    EXPECT_SLICE(position_of(w, 1), S("after 6"));
    EXPECT_EQ(count_of(w, 1), 2);
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

TEST(nulls_clear_members_and_others_stay)
{
    static const char *const cases[][3] = {
        /* stored, put, then stored */
        { "{\"a\":1,\"b\":2}", "{\"b\":3}", "{\"a\":1,\"b\":3}" },
        { "{\"a\":1,\"b\":2}", "{\"a\":null,\"c\":null}", "{\"b\":2}" },
        { "{\"a\":1}", "{\"c\":[],\"b\":{}}", "{\"a\":1,\"c\":[],\"b\":{}}" },
        { "{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"x\":null}}", "{\"a\":{\"x\":null}}" },
        { "{\"a\":[1,null]}", "{}", "{\"a\":[1,null]}" },
        { "{\"a\":1}", "{\"a\":null}", "{}" },
        { "{}", "{\"n\":123456789012345678901234567890.10e+400}", "{\"n\":123456789012345678901234567890.10e+400}" },
        { "{\"s\":\"a\"}", "{\"s\":\"}\\\",\\\\{\"}", "{\"s\":\"}\\\",\\\\{\"}" },
        { "{\"a\":1,\"A\":2}", "{\"A\":3}", "{\"a\":1,\"A\":3}" },
    };
    struct record_world *w = *state;
    EXPECT_OK(define(w, 1, "id", NULL));
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        put_alone(w, 1, "k", cases[i][0]);
        put_alone(w, 1, "k", cases[i][1]);
        EXPECT_SLICE(all_of(w, 1), arena_printf(w->a, "k=%s", cases[i][2]));
        struct record_writer *writer = begin(w, 1);
        erase(w, writer, "k");
        commit(w, writer, "");
    }
}

TEST(what_is_no_object_is_invalid_and_the_batch_goes_on)
{
    static const char *const bad[] = {
        "", "[]", "1", "{", "{\"a\":1}x", "{\"a\"}", "{\"a\":nul}", "{\"a\":1,}", "{\"\\u0061\":1}", "{\"a\":1,\"a\":2}"
    };
    struct record_world *w = *state;
    enum record_outcome outcome;
    EXPECT_OK(define(w, 1, "id", NULL));
    struct record_writer *writer = begin(w, 1);
    put(w, writer, "k", "{\"a\":1}");
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_ERR(writer->ops->put(writer, S("k"), slice_of(bad[i]), w->a, &outcome), ERR_INVALID);
    EXPECT_ERR(writer->ops->put(writer, S(""), S("{}"), w->a, &outcome), ERR_INVALID);
    EXPECT_ERR(writer->ops->erase(writer, S(""), w->a, &outcome), ERR_INVALID);
    commit(w, writer, "p");
    EXPECT_SLICE(all_of(w, 1), S("k={\"a\":1}"));
}

static slice object_of(struct record_world *w, const char *name, size_t bytes)
{
    char *text = arena_alloc(w->a, bytes + 1);
    int head = snprintf(text, bytes, "{\"%s\":\"", name);
    memset(text + head, 'x', bytes - (size_t)head - 2);
    memcpy(text + bytes - 2, "\"}", 2);
    return (slice){ text, bytes };
}

TEST(what_is_too_large_leaves_the_record_as_it_was)
{
    struct record_world *w = *state;
    struct record_writer *writer;
    enum record_outcome outcome;
    char *key = arena_alloc(w->a, RECORD_KEY_MAX + 1);
    memset(key, 'k', RECORD_KEY_MAX + 1);
    slice longest = { key, RECORD_KEY_MAX }, longer = { key, RECORD_KEY_MAX + 1 };
    slice full = object_of(w, "a", RECORD_OBJECT_MAX), more = object_of(w, "a", RECORD_OBJECT_MAX + 1);
    EXPECT_OK(define(w, 1, "id", NULL));
    writer = begin(w, 1);
    EXPECT_OK(writer->ops->put(writer, longest, full, w->a, &outcome));
    EXPECT_EQ(outcome, RECORD_INSERTED);
    EXPECT(writer->written_bytes >= RECORD_OBJECT_MAX);
    EXPECT_OK(writer->ops->put(writer, longest, S("{\"b\":1}"), w->a, &outcome));
    EXPECT_EQ(outcome, RECORD_TOO_LARGE);
    EXPECT_OK(writer->ops->put(writer, S("m"), more, w->a, &outcome));
    EXPECT_EQ(outcome, RECORD_TOO_LARGE);
    EXPECT_OK(writer->ops->put(writer, longer, S("{}"), w->a, &outcome));
    EXPECT_EQ(outcome, RECORD_TOO_LARGE);
    EXPECT_EQ(put(w, writer, "z", "{\"b\":1}"), RECORD_INSERTED);
    commit(w, writer, "p");
    struct record_page page = page_of(w, 1, RECORD_BY_KEY, S(""), 10);
    EXPECT_EQ(page.count, 1); /* the first is more than a page */
    EXPECT(page.has_more);
    EXPECT(slice_eq(page.items[0].key, longest) && slice_eq(page.items[0].object, full));
    page = page_of(w, 1, RECORD_BY_KEY, longest, 10);
    EXPECT_SLICE(text_of(w, &page), S("z={\"b\":1}"));
}

/* Rows of many files add members to one record, and it cannot grow without end. */
TEST(a_record_has_a_limit_of_members)
{
    struct record_world *w = *state;
    SCOPED(buf_releasep) struct buf first = { 0 };
    for (int i = 0; i < RECORD_MEMBERS_MAX; i++)
        buf_printf(&first, "%s\"a%d\":1", i ? "," : "{", i);
    buf_add(&first, S("}"));
    EXPECT_OK(define(w, 1, "id", NULL));
    struct record_writer *writer = begin(w, 1);
    enum record_outcome outcome;
    EXPECT_OK(writer->ops->put(writer, S("k"), buf_slice(&first), w->a, &outcome));
    EXPECT_EQ(outcome, RECORD_INSERTED);
    EXPECT_EQ(put(w, writer, "k", "{\"b\":1}"), RECORD_TOO_LARGE);
    EXPECT_EQ(put(w, writer, "k", "{\"b\":1,\"a5\":null}"), RECORD_UPDATED);
    first.n--;
    buf_add(&first, S(",\"b\":1}"));
    EXPECT_OK(writer->ops->put(writer, S("l"), buf_slice(&first), w->a, &outcome));
    EXPECT_EQ(outcome, RECORD_TOO_LARGE);
    commit(w, writer, "p");
    EXPECT_EQ(count_of(w, 1), 1);
}

TEST(records_know_when_and_by_which_file_they_were_changed)
{
    struct record_world *w = *state;
    EXPECT_OK(define(w, 1, "id", NULL));
    struct record_writer *writer = begin_at(w, 1, 1000, "f1");
    put(w, writer, "a", "{\"n\":1}");
    put(w, writer, "b", "{\"n\":1}");
    commit(w, writer, "p");
    struct record a = page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0], again;
    EXPECT_EQ(a.created_at_ms, 1000);
    EXPECT_EQ(a.modified_at_ms, 1000);
    EXPECT_SLICE(a.file, S("f1"));
    writer = begin_at(w, 1, 2000, "f2");
    put(w, writer, "a", "{\"n\":2}");
    erase(w, writer, "b");
    put(w, writer, "b", "{\"n\":3}");
    commit(w, writer, "p");
    EXPECT_OK(w->ops->get(w->store, 1, a.id, w->a, &again));
    EXPECT_SLICE(again.id, a.id);
    EXPECT_SLICE(again.object, S("{\"n\":2}"));
    EXPECT_EQ(again.created_at_ms, 1000);
    EXPECT_EQ(again.modified_at_ms, 2000);
    EXPECT_SLICE(again.file, S("f2"));
    struct record_batch too_long = { { object_of(w, "a", RECORD_FILE_MAX + 1).p, RECORD_FILE_MAX + 1 }, 1 };
    EXPECT_ERR(w->ops->open(w->store, 1, &too_long, w->a, &writer), ERR_INVALID);
}

/* ---- ids and pages */

TEST(an_id_is_never_given_twice)
{
    struct record_world *w = *state;
    struct record record;
    EXPECT_OK(define(w, 1, "id", NULL));
    EXPECT_OK(define(w, 2, "id", NULL));
    put_alone(w, 1, "a", "{}");
    put_alone(w, 2, "a", "{}");
    slice first = page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0].id;
    EXPECT_EQ(first.n, RECORD_ID_LENGTH);
    EXPECT_ERR(w->ops->get(w->store, 2, first, w->a, &record), ERR_NOT_FOUND);
    struct record_writer *writer = begin(w, 1);
    erase(w, writer, "a");
    commit(w, writer, "p");
    EXPECT_ERR(w->ops->get(w->store, 1, first, w->a, &record), ERR_NOT_FOUND);
    put_alone(w, 1, "a", "{}");
    EXPECT(!slice_eq(page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0].id, first));
    EXPECT_ERR(w->ops->get(w->store, 1, first, w->a, &record), ERR_NOT_FOUND);
    EXPECT_ERR(w->ops->get(w->store, 1, S("xyz"), w->a, &record), ERR_NOT_FOUND);
    EXPECT_ERR(w->ops->get(w->store, 1, S("ffffffffffffffffffffffff"), w->a, &record), ERR_NOT_FOUND);
}

TEST(pages_follow_one_another_by_key_and_by_id)
{
    struct record_world *w = *state;
    struct record_page page;
    EXPECT_OK(define(w, 1, "id", NULL));
    struct record_writer *writer = begin(w, 1);
    put(w, writer, "c", "{}");
    put(w, writer, "a", "{}");
    put(w, writer, "ab", "{}");
    enum record_outcome outcome;
    EXPECT_OK(writer->ops->put(writer, S("a\0b"), S("{}"), w->a, &outcome));
    commit(w, writer, "p");
    page = page_of(w, 1, RECORD_BY_KEY, S(""), 3);
    EXPECT_SLICE(text_of(w, &page), S("a={};a\0b={};ab={}+"));
    page = page_of(w, 1, RECORD_BY_KEY, page.items[2].key, 1);
    EXPECT_SLICE(text_of(w, &page), S("c={}"));
    page = page_of(w, 1, RECORD_BY_ID, S(""), 2);
    EXPECT_SLICE(text_of(w, &page), S("c={};a={}+"));
    page = page_of(w, 1, RECORD_BY_ID, page.items[1].id, 2);
    EXPECT_SLICE(text_of(w, &page), S("ab={};a\0b={}"));
    static const struct record_scan bad[] = { { RECORD_BY_KEY, { "", 0 }, 0 },
                                              { RECORD_BY_KEY, { "", 0 }, RECORD_PAGE_MAX + 1 },
                                              { RECORD_BY_ID, { "a", 1 }, 1 } };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_ERR(w->ops->scan(w->store, 1, &bad[i], w->a, &page), ERR_INVALID);
}

/* ---- batches */

TEST(a_batch_that_is_discarded_leaves_nothing)
{
    struct record_world *w = *state;
    struct record_writer *writer, *other;
    struct record_batch batch = { S("f"), 1 };
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "a", "{\"n\":1}");
    writer = begin(w, 1);
    put(w, writer, "a", "{\"n\":2}");
    put(w, writer, "b", "{}");
    EXPECT_ERR(w->ops->open(w->store, 1, &batch, w->a, &other), ERR_CONFLICT);
    writer->ops->discard(writer);
    EXPECT_SLICE(all_of(w, 1), S("a={\"n\":1}"));
    EXPECT_SLICE(position_of(w, 1), S("alone"));
    writer = begin(w, 1);
    erase(w, writer, "a");
    EXPECT_ERR(writer->ops->commit(writer, (slice){ object_of(w, "a", 2000).p, RECORD_POSITION_MAX + 1 }, w->a),
               ERR_INVALID);
    EXPECT_SLICE(all_of(w, 1), S("a={\"n\":1}"));
    EXPECT_EQ(count_of(w, 1), 1);
    writer = begin(w, 1);
    commit(w, writer, "no rows");
    EXPECT_SLICE(position_of(w, 1), S("no rows"));
}

TEST(readers_see_no_part_of_a_batch)
{
    struct record_world *w = *state;
    EXPECT_OK(define(w, 1, "id", NULL));
    struct record_writer *writer = begin(w, 1);
    put(w, writer, "a", "{}");
    EXPECT_SLICE(all_of(w, 1), S(""));
    EXPECT_EQ(count_of(w, 1), 0);
    EXPECT_SLICE(position_of(w, 1), S(""));
    commit(w, writer, "p");
    EXPECT_SLICE(all_of(w, 1), S("a={}"));
}

/* ---- files */

static slice file_path(struct record_world *w, int64_t id, const char *suffix)
{
    return arena_printf(w->a, "%s/records/%lld.db%s", w->dir, (long long)id, suffix);
}

static int count_files(struct record_world *w)
{
    SCOPED(dir_closep) DIR *dir = opendir(arena_printf(w->a, "%s/records", w->dir).p);
    int n = 0;
    EXPECT(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    return n;
}

static int count_descriptors(void)
{
    SCOPED(dir_closep) DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(dir))
        n++;
    return n;
}

TEST(records_exist_after_reopening_for_their_owner_alone)
{
    struct record_world *w = *state;
    struct stat st;
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "a", "{\"n\":1}");
    slice id = page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0].id;
    reopen(w);
    EXPECT_SLICE(all_of(w, 1), S("a={\"n\":1}"));
    EXPECT_SLICE(page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0].id, id);
    EXPECT_ERR(define(w, 1, "other", NULL), ERR_INVALID);
    EXPECT_EQ(stat(arena_printf(w->a, "%s/records", w->dir).p, &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0700);
    EXPECT_EQ(stat(file_path(w, 1, "").p, &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
}

TEST(many_sets_hold_few_descriptors)
{
    struct record_world *w = *state;
    int before = count_descriptors();
    for (int64_t id = 1; id <= 30; id++) {
        EXPECT_OK(define(w, id, "id", NULL));
        put_alone(w, id, "a", "{}");
        EXPECT_SLICE(all_of(w, id), S("a={}"));
    }
    EXPECT(count_descriptors() - before <= 4 * 8);
    for (int64_t id = 1; id <= 30; id++)
        EXPECT_SLICE(all_of(w, id), S("a={}"));
}

/* ---- threads */

#define THREADS 4
#define THREAD_SETS 6

static err_t put_once(struct record_world *w, int64_t id, uint64_t round, struct arena *a)
{
    SCOPED(record_writer_discardp) struct record_writer *writer = NULL;
    struct record_batch batch = { S("f"), 1 };
    enum record_outcome outcome;
    TRY(w->ops->open(w->store, id, &batch, a, &writer));
    TRY(writer->ops->put(writer, arena_printf(a, "%llu", (unsigned long long)round % 50), S("{\"n\":1}"), a, &outcome));
    struct record_writer *ended = writer;
    writer = NULL;
    return ended->ops->commit(ended, S("p"), a);
}

/* Nothing but what the contract has may happen: others write, or have removed the set. */
static bool may_be(err_t e)
{
    return !e || err_is(e, ERR_CONFLICT) || err_is(e, ERR_NOT_FOUND);
}

static void *use_sets(void *arg)
{
    struct record_world *w = arg;
    slice field = S("id");
    uint64_t wrong = 0;
    for (uint64_t round = 0; round < 150; round++) {
        SCRATCH(a);
        struct record_page page;
        uint32_t drawn;
        random_fill(random_system(), &drawn, sizeof drawn);
        int64_t id = drawn % THREAD_SETS + 1;
        wrong += !may_be(w->ops->define(w->store, id, &(struct record_fields){ &field, 1 }, &a));
        wrong += !may_be(put_once(w, id, round, &a));
        wrong += !may_be(w->ops->scan(w->store, id, &(struct record_scan){ RECORD_BY_KEY, S(""), 10 }, &a, &page));
        if (drawn >> 16 & 1)
            wrong += !may_be(w->ops->verify(w->store, id, &a));
        else if (!(drawn >> 17 & 7))
            wrong += !may_be(w->ops->remove(w->store, id, &a));
    }
    return (void *)(uintptr_t)wrong;
}

TEST(threads_use_more_sets_than_stay_open)
{
    struct record_world *w = *state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, use_sets, w), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        EXPECT_EQ(pthread_join(threads[i], &wrong), 0);
        EXPECT(wrong == NULL);
    }
}

/* ---- kills */

#define KILLED_KEYS 200
#define KILLED_ROWS 50

/* The rows of batch i: each puts the number of the batch, or deletes. */
static int key_of_row(int64_t i, int row)
{
    return (int)((i * 37 + row * 11) % KILLED_KEYS);
}

static bool row_deletes(int64_t i, int row)
{
    return (i + row) % 7 == 0;
}

static void write_until_killed(struct record_world *w, int64_t i, int to)
{
    open_store(w);
    for (;; i++) {
        SCRATCH(a);
        struct record_writer *writer;
        struct record_batch batch = { S("f"), i };
        enum record_outcome outcome;
        if (w->ops->open(w->store, 1, &batch, &a, &writer))
            _exit(1);
        for (int row = 0; row < KILLED_ROWS; row++) {
            slice key = arena_printf(&a, "%03d", key_of_row(i, row));
            slice object = arena_printf(&a, "{\"batch\":%lld}", (long long)i);
            if (row_deletes(i, row) ? writer->ops->erase(writer, key, &a, &outcome)
                                    : writer->ops->put(writer, key, object, &a, &outcome))
                _exit(2);
        }
        if (writer->ops->commit(writer, arena_printf(&a, "%lld", (long long)i), &a) ||
            write(to, &i, sizeof i) != sizeof i)
            _exit(3);
    }
}

/* What the records are after the batches 1 to `last`, as all_of shows them. */
static slice expected_after(struct record_world *w, int64_t last, uint64_t *ret_count)
{
    int64_t batch_of[KILLED_KEYS] = { 0 };
    slice text = S("");
    for (int64_t i = 1; i <= last; i++)
        for (int row = 0; row < KILLED_ROWS; row++)
            batch_of[key_of_row(i, row)] = row_deletes(i, row) ? 0 : i;
    *ret_count = 0;
    for (int key = 0; key < KILLED_KEYS; key++)
        if (batch_of[key])
            text = arena_printf(w->a, SLICE_FMT "%s%03d={\"batch\":%lld}", SLICE_ARG(text), (*ret_count)++ ? ";" : "",
                                key, (long long)batch_of[key]);
    return text;
}

/* Returns the last batch that was acknowledged. */
static int64_t write_and_kill(struct record_world *w, int64_t last, int acks, long wait_us)
{
    int pipe_fds[2], status;
    EXPECT_EQ(pipe(pipe_fds), 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        close(pipe_fds[0]);
        write_until_killed(w, last + 1, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    int64_t number;
    while (acks-- > 0 && read(pipe_fds[0], &number, sizeof number) == sizeof number)
        last = number;
    usleep((useconds_t)wait_us);
    kill(child, SIGKILL);
    while (read(pipe_fds[0], &number, sizeof number) == sizeof number)
        last = number;
    waitpid(child, &status, 0);
    close(pipe_fds[0]);
    EXPECT(WIFSIGNALED(status));
    return last;
}

TEST(after_a_kill_at_any_time_position_and_records_agree)
{
    struct record_world *w = *state;
    const int kills = rounds(ROUNDS_record_kills);
    int64_t last = 0, unanswered = 0, position;
    EXPECT_OK(define(w, 1, "id", NULL));
    for (int round = 0; round < kills; round++) {
        uint16_t numbers[2];
        uint64_t count;
        random_fill(&w->random.random, numbers, sizeof numbers);
        close_store(w);
        int64_t acknowledged = write_and_kill(w, last, numbers[0] % 8, numbers[1] % 5000);
        open_store(w);
        slice text = position_of(w, 1);
        EXPECT(slice_to_i64(text.n ? text : S("0"), &position));
        EXPECT(position == acknowledged || position == acknowledged + 1);
        EXPECT_SLICE(all_of(w, 1), expected_after(w, position, &count));
        EXPECT_EQ(count_of(w, 1), count);
        EXPECT_OK(w->ops->verify(w->store, 1, w->a));
        unanswered += position != acknowledged;
        last = position;
    }
    print_message("%lld batches over %d kills, %lld of them between their commit and their answer\n", (long long)last,
                  kills, (long long)unanswered);
    EXPECT(last > kills / 2);
}

/* ---- damage */

TEST(what_a_killed_process_left_is_removed_and_no_old_log_is_applied)
{
    struct record_world *w = *state;
    static const char *const left[] = { "7.new", "7.new-wal", "7.new-shm" };
    for (size_t i = 0; i < LENGTH_OF(left); i++)
        close(open(arena_printf(w->a, "%s/records/%s", w->dir, left[i]).p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    reopen(w);
    EXPECT_EQ(count_files(w), 0);
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "a", "{}");
    EXPECT_EQ(link(file_path(w, 1, "-wal").p, file_path(w, 1, "-kept").p), 0);
    EXPECT_EQ(link(file_path(w, 1, "").p, file_path(w, 1, "-kept2").p), 0);
    EXPECT_OK(w->ops->remove(w->store, 1, w->a));
    EXPECT_EQ(rename(file_path(w, 1, "-kept").p, file_path(w, 1, "-wal").p), 0);
    EXPECT_EQ(rename(file_path(w, 1, "-kept2").p, file_path(w, 1, "-copied").p), 0);
    EXPECT_OK(define(w, 1, "other", NULL));
    EXPECT_SLICE(all_of(w, 1), S(""));
    EXPECT_OK(w->ops->remove(w->store, 1, w->a));
    EXPECT_EQ(count_files(w), 0);
}

static void overwrite(const char *path, off_t at, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    EXPECT(fd >= 0 && pwrite(fd, bytes, n, at) == (ssize_t)n);
    close(fd);
}

TEST(a_damaged_set_is_named_and_leaves_others_alone)
{
    struct record_world *w = *state;
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    for (int64_t id = 1; id <= 4; id++) {
        EXPECT_OK(define(w, id, "id", NULL));
        put_alone(w, id, "a", "{}");
    }
    close_store(w);
    overwrite(file_path(w, 1, "").p, 0, noise, 100);
    overwrite(file_path(w, 2, "").p, 4096, noise, sizeof noise);
    EXPECT_EQ(truncate(file_path(w, 3, "").p, 0), 0);
    open_store(w);
    for (int64_t id = 1; id <= 3; id++) {
        err_t e = w->ops->verify(w->store, id, w->a);
        EXPECT(err_is(e, ERR_CORRUPT));
        EXPECT(slice_find(err_text(w->a, e), arena_printf(w->a, "/%lld.db", (long long)id)) != SLICE_NONE);
        EXPECT_OK(w->ops->remove(w->store, id, w->a));
    }
    EXPECT_SLICE(all_of(w, 4), S("a={}"));
}

/* ---- copies */

TEST(a_backup_has_what_was_committed_and_becomes_a_set)
{
    struct record_world *w = *state;
    const char *copy = arena_printf(w->a, "%s/copy", w->dir).p;
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "a", "{\"n\":1}");
    slice id = page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0].id;
    struct record_writer *writer = begin(w, 1);
    put(w, writer, "b", "{}");
    EXPECT_OK(w->ops->backup(w->store, 1, copy, w->a));
    EXPECT_ERR(w->ops->backup(w->store, 1, copy, w->a), ERR_CONFLICT);
    commit(w, writer, "later");
    slice given = page_of(w, 1, RECORD_BY_KEY, S("a"), 1).items[0].id;
    EXPECT_ERR(w->ops->restore(w->store, 1, copy, w->a), ERR_CONFLICT);
    EXPECT_OK(w->ops->remove(w->store, 1, w->a));
    EXPECT_OK(w->ops->restore(w->store, 1, copy, w->a));
    EXPECT_SLICE(all_of(w, 1), S("a={\"n\":1}"));
    EXPECT_SLICE(position_of(w, 1), S("alone"));
    EXPECT_SLICE(page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0].id, id);
    put_alone(w, 1, "c", "{}");
    EXPECT(!slice_eq(page_of(w, 1, RECORD_BY_KEY, S("a"), 1).items[0].id, given));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
    EXPECT_ERR(w->ops->backup(w->store, 9, arena_printf(w->a, "%s/none", w->dir).p, w->a), ERR_NOT_FOUND);
}

TEST(what_is_no_backup_is_not_restored)
{
    struct record_world *w = *state;
    const char *path = arena_printf(w->a, "%s/garbage", w->dir).p, *copy = arena_printf(w->a, "%s/copy", w->dir).p;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_ERR(w->ops->restore(w->store, 1, path, w->a), ERR_CORRUPT); /* empty */
    EXPECT(write(fd, "garbage", 7) == 7);
    close(fd);
    EXPECT_ERR(w->ops->restore(w->store, 1, path, w->a), ERR_CORRUPT);
    EXPECT_ERR(w->ops->restore(w->store, 1, arena_printf(w->a, "%s/none", w->dir).p, w->a), ERR_NOT_FOUND);
    EXPECT_OK(define(w, 2, "id", NULL));
    put_alone(w, 2, "a", "{\"unlike\":1}");
    EXPECT_OK(w->ops->backup(w->store, 2, copy, w->a));
    SCOPED(fd_closep) int altered = open(copy, O_RDWR | O_CLOEXEC);
    struct stat st;
    EXPECT_EQ(fstat(altered, &st), 0);
    char *bytes = arena_alloc(w->a, (size_t)st.st_size);
    EXPECT_EQ(read(altered, bytes, (size_t)st.st_size), st.st_size);
    size_t at = slice_find((slice){ bytes, (size_t)st.st_size }, S("{\"unlike\":1}"));
    EXPECT(at != SLICE_NONE);
    overwrite(copy, (off_t)at, "[", 1); /* its pages are whole, but no object stands there */
    EXPECT_ERR(w->ops->restore(w->store, 1, copy, w->a), ERR_CORRUPT);
    EXPECT_ERR(w->ops->verify(w->store, 1, w->a), ERR_NOT_FOUND);
    close_store(w);
    EXPECT_EQ(count_files(w), 1);
}

TEST(records_in_memory_have_no_backup)
{
    struct record_world *w = *state;
    EXPECT_OK(define(w, 1, "id", NULL));
    EXPECT_ERR(w->ops->backup(w->store, 1, "/nowhere", w->a), ERR_UNSUPPORTED);
    EXPECT_ERR(w->ops->restore(w->store, 2, "/nowhere", w->a), ERR_UNSUPPORTED);
}

/* ---- flushes */

TEST(a_failed_flush_fails_the_batch_and_moves_the_set_to_new_blocks)
{
    struct record_world *w = *state;
    struct stat log;
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "a", "{}");
    struct record_writer *writer = begin(w, 1);
    put(w, writer, "b", "{}");
    failing_flush = ".db-wal";
    EXPECT_ERR(writer->ops->commit(writer, S("p"), w->a), ERR_UNAVAILABLE);
    failing_flush = NULL;
    EXPECT_EQ(w->reports, 1);
    EXPECT_EQ(access(file_path(w, 1, "-wal-distrusted").p, F_OK), 0);
    slice position = position_of(w, 1);
    EXPECT(access(file_path(w, 1, "-wal-distrusted").p, F_OK) != 0);
    EXPECT(stat(file_path(w, 1, "-wal").p, &log) != 0 || log.st_size == 0); /* it gave its blocks back */
    EXPECT_SLICE(all_of(w, 1), slice_eq(position, S("p")) ? S("a={};b={}") : S("a={}"));
    put_alone(w, 1, "c", "{}");
    reopen(w);
    EXPECT(slice_ends(all_of(w, 1), S("c={}")));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

#define CASE(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define CASES(setup)                                                                                                   \
    CASE(the_key_of_a_set_is_fixed_by_its_first_definition, setup),                                                    \
        CASE(nothing_is_found_in_a_set_that_is_not_there, setup), CASE(sets_are_listed_and_removed, setup),            \
        CASE(rows_insert_update_and_delete_by_key, setup), CASE(nulls_clear_members_and_others_stay, setup),           \
        CASE(what_is_no_object_is_invalid_and_the_batch_goes_on, setup),                                               \
        CASE(what_is_too_large_leaves_the_record_as_it_was, setup), CASE(a_record_has_a_limit_of_members, setup),      \
        CASE(records_know_when_and_by_which_file_they_were_changed, setup), CASE(an_id_is_never_given_twice, setup),   \
        CASE(pages_follow_one_another_by_key_and_by_id, setup), CASE(a_batch_that_is_discarded_leaves_nothing, setup)

RUN_TESTS(CASES(setup_memory), CASE(records_in_memory_have_no_backup, setup_memory), CASES(setup_files),
          CASE(readers_see_no_part_of_a_batch, setup_files),
          CASE(records_exist_after_reopening_for_their_owner_alone, setup_files),
          CASE(many_sets_hold_few_descriptors, setup_files), CASE(threads_use_more_sets_than_stay_open, setup_memory),
          CASE(threads_use_more_sets_than_stay_open, setup_files),
          CASE(after_a_kill_at_any_time_position_and_records_agree, setup_files),
          CASE(what_a_killed_process_left_is_removed_and_no_old_log_is_applied, setup_files),
          CASE(a_damaged_set_is_named_and_leaves_others_alone, setup_files),
          CASE(a_backup_has_what_was_committed_and_becomes_a_set, setup_files),
          CASE(what_is_no_backup_is_not_restored, setup_files),
          CASE(a_failed_flush_fails_the_batch_and_moves_the_set_to_new_blocks, setup_files))
