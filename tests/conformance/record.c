/* SPDX-License-Identifier: Apache-2.0 */
/* Every record store must keep the contract of src/core/store/record_store.h. The second half is about files: kills, damage, copies,
 * flushes that fail, full disks. For these, this program has its own fdatasync, fsync, pwrite64 and usleep, which stand before those of the C
 * library for SQLite, too. record_power.c is about power failures. */
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/buf.h"
#include "base/dir.h"
#include "record/record_priv.h"
#include "sql/fault/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The ends of the paths whose flushes fail, and for which there is no space; NULL: none. */
static const char *failing_flush, *full_file;
static int waits; /* of SQLite */

static bool is_file(int fd, const char *end)
{
    char link_path[64], path[256] = "";
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    return end && readlink(link_path, path, sizeof path - 1) > 0 && slice_ends(slice_of(path), slice_of(end));
}

static int flush(int fd, long call)
{
    if (is_file(fd, failing_flush)) {
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

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    if (is_file(fd, full_file)) {
        errno = ENOSPC;
        return -1;
    }
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, n, at);
}

int usleep(useconds_t us)
{
    waits++;
    return (int)syscall(SYS_nanosleep, &(struct timespec){ us / 1000000, (long)(us % 1000000) * 1000 }, NULL);
}

/* ---- the world */

struct record_world {
    bool in_memory;
    struct arena arena, *a;
    struct random_seeded random;
    char *dir;
    int reports;
    struct fault_plan plan; /* for calls of the databases, of files alone */
    struct record_hooks hooks;
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
    EXPECT_OK(record_open_with(&o, &w->hooks, w->a, &w->store));
    w->ops = w->store->ops;
}

static struct sql_db *wrap_database(void *arg, struct sql_db *db)
{
    return sql_fault_wrap(db, &((struct record_world *)arg)->plan);
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
    tmpdir_use_memory();
    w->dir = tmpdir_make();
    w->hooks = (struct record_hooks){ RECORD_LOG_BYTES, in_memory ? NULL : wrap_database, w };
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
    failing_flush = full_file = NULL;
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
    EXPECT_OK(writer->ops->commit(writer, slice_of(position), RECORD_COMMIT_DURABLE, w->a));
}

static void commit_ordered(struct record_world *w, struct record_writer *writer, const char *position)
{
    EXPECT_OK(writer->ops->commit(writer, slice_of(position), RECORD_COMMIT_ORDERED, w->a));
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

static slice flushed_position(struct record_world *w, int64_t id)
{
    slice position;
    EXPECT_OK(w->ops->flush(w->store, id, w->a, &position));
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
    EXPECT_ERR(w->ops->flush(w->store, 1, w->a, &position), ERR_NOT_FOUND);
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

/* {"a0":N,"a1":N…}, `step` names apart, and then `more`. */
static slice members_of(struct record_world *w, int count, int step, int number, const char *more)
{
    struct buf text = { 0 };
    for (int i = 0; i < count; i++)
        buf_printf(&text, "%s\"a%d\":%d", i ? "," : "{", i * step % count, number);
    buf_printf(&text, "%s}", more);
    return buf_give(&text, w->a);
}

/* Names in another order than in the row before, and more of them than fit into a row without memory of its own. */
TEST(members_are_found_in_any_order_and_number)
{
    static const int counts[] = { 1, 7, 31, 37, 101 };
    struct record_world *w = *state;
    enum record_outcome outcome;
    EXPECT_OK(define(w, 1, "id", NULL));
    for (size_t i = 0; i < LENGTH_OF(counts); i++) {
        int n = counts[i];
        struct record_writer *writer = begin(w, 1);
        erase(w, writer, "k");
        erase(w, writer, "l");
        put(w, writer, "k", members_of(w, n, 1, 1, "").p);
        put(w, writer, "k", members_of(w, n, 5, 2, "").p);
        EXPECT_ERR(writer->ops->put(writer, S("k"), members_of(w, n, 3, 3, ",\"a0\":4"), w->a, &outcome), ERR_INVALID);
        put(w, writer, "k", members_of(w, n, 2, 5, ",\"b\":null").p);
        put(w, writer, "k", "{\"a0\":6,\"c\":7}");
        put(w, writer, "l", members_of(w, n, 2, 8, ",\"b\":null").p);
        put(w, writer, "m", "{ \"a\" : 1 ,\"b\":2}");
        commit(w, writer, "p");
        slice rest = members_of(w, n, 1, 5, ",\"c\":7");
        EXPECT_SLICE(page_of(w, 1, RECORD_BY_KEY, S(""), 1).items[0].object,
                     arena_printf(w->a, "{\"a0\":6" SLICE_FMT, SLICE_ARG(slice_from(rest, S("{\"a0\":5").n))));
        EXPECT_SLICE(page_of(w, 1, RECORD_BY_KEY, S("k"), 1).items[0].object, members_of(w, n, 2, 8, ""));
        EXPECT_SLICE(page_of(w, 1, RECORD_BY_KEY, S("l"), 1).items[0].object, S("{\"a\":1,\"b\":2}"));
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
    EXPECT_ERR(writer->ops->commit(writer, (slice){ object_of(w, "a", 2000).p, RECORD_POSITION_MAX + 1 },
                                   RECORD_COMMIT_DURABLE, w->a),
               ERR_INVALID);
    EXPECT_SLICE(all_of(w, 1), S("a={\"n\":1}"));
    EXPECT_EQ(count_of(w, 1), 1);
    writer = begin(w, 1);
    commit(w, writer, "no rows");
    EXPECT_SLICE(position_of(w, 1), S("no rows"));
}

TEST(ordered_batches_are_visible_and_flush_returns_their_position)
{
    struct record_world *w = *state;
    slice position;
    EXPECT_OK(define(w, 1, "id", NULL));
    EXPECT_SLICE(flushed_position(w, 1), S(""));
    struct record_writer *writer = begin(w, 1);
    EXPECT_ERR(w->ops->flush(w->store, 1, w->a, &position), ERR_CONFLICT);
    put(w, writer, "a", "{}");
    commit_ordered(w, writer, "p1");
    EXPECT_SLICE(position_of(w, 1), S("p1"));
    writer = begin(w, 1);
    put(w, writer, "b", "{}");
    commit_ordered(w, writer, "p2");
    EXPECT_SLICE(all_of(w, 1), S("a={};b={}"));
    EXPECT_SLICE(flushed_position(w, 1), S("p2"));
    put_alone(w, 1, "c", "{}");
    EXPECT_SLICE(flushed_position(w, 1), S("alone"));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

/* Otherwise an import would go on behind batches that were undone while it ran. */
TEST(a_batch_is_refused_at_another_position_than_it_follows)
{
    struct record_world *w = *state;
    struct record_writer *writer;
    slice after = S("");
    struct record_batch batch = { S("f"), 1, &after };
    EXPECT_OK(define(w, 1, "id", NULL));
    EXPECT_OK(w->ops->open(w->store, 1, &batch, w->a, &writer));
    put(w, writer, "a", "{}");
    commit_ordered(w, writer, "p1");
    EXPECT_ERR(w->ops->open(w->store, 1, &batch, w->a, &writer), ERR_CONFLICT);
    after = S("p2");
    EXPECT_ERR(w->ops->open(w->store, 1, &batch, w->a, &writer), ERR_CONFLICT);
    after = S("p1");
    EXPECT_OK(w->ops->open(w->store, 1, &batch, w->a, &writer));
    commit_ordered(w, writer, "p2");
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
    return ended->ops->commit(ended, S("p"), RECORD_COMMIT_DURABLE, a);
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
        enum record_commit how = i % 5 ? RECORD_COMMIT_ORDERED : RECORD_COMMIT_DURABLE;
        if (writer->ops->commit(writer, arena_printf(&a, "%lld", (long long)i), how, &a) ||
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
    EXPECT_OK(w->ops->verify_copy(w->store, copy, w->a));
    EXPECT(access(arena_printf(w->a, "%s-wal", copy).p, F_OK) != 0 &&
           access(arena_printf(w->a, "%s-shm", copy).p, F_OK) != 0);
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
    EXPECT_ERR(w->ops->verify_copy(w->store, path, w->a), ERR_CORRUPT);
    EXPECT_ERR(w->ops->verify_copy(w->store, arena_printf(w->a, "%s/none", w->dir).p, w->a), ERR_NOT_FOUND);
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
    EXPECT_ERR(w->ops->verify_copy(w->store, copy, w->a), ERR_CORRUPT);
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
    EXPECT_ERR(w->ops->verify_copy(w->store, "/nowhere", w->a), ERR_UNSUPPORTED);
}

/* ---- flushes */

static err_t put_and_commit(struct record_world *w, const char *key, enum record_commit how)
{
    struct record_writer *writer = begin(w, 1);
    put(w, writer, key, "{}");
    return writer->ops->commit(writer, slice_of(key), how, w->a);
}

static bool is_there(struct record_world *w, const char *suffix)
{
    return access(file_path(w, 1, suffix).p, F_OK) == 0;
}

TEST(a_failed_flush_fails_the_batch_and_moves_the_set_to_new_blocks)
{
    struct record_world *w = *state;
    struct stat log, moved;
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "a", "{}");
    EXPECT_EQ(stat(file_path(w, 1, "-wal").p, &log), 0);
    failing_flush = ".db-wal";
    EXPECT_ERR(put_and_commit(w, "b", RECORD_COMMIT_DURABLE), ERR_UNAVAILABLE);
    failing_flush = NULL;
    EXPECT_EQ(w->reports, 1);
    EXPECT(is_there(w, "-wal-distrusted"));
    slice position = position_of(w, 1);
    EXPECT(!is_there(w, "-wal-distrusted"));
    EXPECT_EQ(stat(file_path(w, 1, "-wal").p, &moved), 0);
    EXPECT(moved.st_ino != log.st_ino);
    EXPECT_SLICE(all_of(w, 1), slice_eq(position, S("b")) ? S("a={};b={}") : S("a={}"));
    put_alone(w, 1, "c", "{}");
    reopen(w);
    EXPECT(slice_ends(all_of(w, 1), S("c={}")));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

TEST(a_failed_flush_after_ordered_batches_is_reported_to_the_one_who_flushes)
{
    struct record_world *w = *state;
    slice position;
    EXPECT_OK(define(w, 1, "id", NULL));
    EXPECT_OK(put_and_commit(w, "a", RECORD_COMMIT_ORDERED));
    failing_flush = ".db-wal";
    EXPECT_OK(put_and_commit(w, "b", RECORD_COMMIT_ORDERED)); /* flushes nothing */
    EXPECT_OK(put_and_commit(w, "c", RECORD_COMMIT_ORDERED));
    EXPECT_ERR(w->ops->flush(w->store, 1, w->a, &position), ERR_UNAVAILABLE);
    EXPECT(is_there(w, "-wal-distrusted"));
    EXPECT_ERR(w->ops->flush(w->store, 1, w->a, &position), ERR_UNAVAILABLE); /* the log cannot be moved */
    failing_flush = NULL;
    EXPECT_SLICE(all_of(w, 1), S("a={};b={};c={}")); /* the kernel still had them */
    EXPECT_SLICE(flushed_position(w, 1), S("c"));
    EXPECT(!is_there(w, "-wal-distrusted"));
    EXPECT_OK(put_and_commit(w, "d", RECORD_COMMIT_ORDERED));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

/* The log is copied into the file after a commit, or as the set is closed. Only an ordered batch is uncertain afterwards. */
static void fail_flush_of_file(struct record_world *w, const char *failing, enum record_commit how, bool fails)
{
    ino_t before;
    struct stat st;
    w->hooks.log_bytes = 0;
    EXPECT_OK(w->ops->remove(w->store, 1, w->a));
    reopen(w);
    EXPECT_OK(define(w, 1, "id", NULL));
    EXPECT_OK(put_and_commit(w, "a", RECORD_COMMIT_ORDERED));
    EXPECT_EQ(stat(file_path(w, 1, "").p, &st), 0);
    before = st.st_ino;
    failing_flush = failing;
    err_t e = put_and_commit(w, "b", how);
    failing_flush = NULL;
    EXPECT(fails ? err_is(e, ERR_UNAVAILABLE) : !e);
    EXPECT_EQ(w->reports, 1);
    w->reports = 0;
    EXPECT(is_there(w, slice_eq(slice_of(failing), S(".db")) ? "-distrusted" : "-wal-distrusted"));
    bool is_kept = slice_eq(position_of(w, 1), S("b"));
    EXPECT(is_kept || fails);
    EXPECT_OK(put_and_commit(w, "c", how));
    EXPECT(!is_there(w, "-distrusted") && !is_there(w, "-wal-distrusted"));
    EXPECT_EQ(stat(file_path(w, 1, "").p, &st), 0);
    EXPECT((st.st_ino != before) == slice_eq(slice_of(failing), S(".db")));
    EXPECT_SLICE(all_of(w, 1), is_kept ? S("a={};b={};c={}") : S("a={};c={}"));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

TEST(a_failed_flush_while_the_log_is_copied_moves_the_set_to_new_blocks)
{
    fail_flush_of_file(*state, ".db", RECORD_COMMIT_DURABLE, false);
    fail_flush_of_file(*state, ".db", RECORD_COMMIT_ORDERED, true);
    fail_flush_of_file(*state, ".db-wal", RECORD_COMMIT_ORDERED, true);
}

TEST(a_failed_flush_while_a_set_is_closed_is_made_good_when_it_is_opened)
{
    struct record_world *w = *state;
    static const char *const files[] = { ".db", ".db-wal" };
    EXPECT_OK(define(w, 1, "id", NULL));
    for (size_t i = 0; i < LENGTH_OF(files); i++) {
        EXPECT_OK(put_and_commit(w, "a", RECORD_COMMIT_ORDERED));
        EXPECT_OK(put_and_commit(w, i ? "c" : "b", RECORD_COMMIT_ORDERED));
        failing_flush = files[i];
        close_store(w);
        failing_flush = NULL;
        EXPECT_EQ(w->reports, (int)i + 1);
        EXPECT(is_there(w, i ? "-wal-distrusted" : "-distrusted"));
        open_store(w);
        EXPECT_SLICE(flushed_position(w, 1), i ? S("c") : S("b"));
        EXPECT(!is_there(w, "-distrusted") && !is_there(w, "-wal-distrusted"));
        EXPECT_OK(w->ops->verify(w->store, 1, w->a));
    }
    EXPECT_SLICE(all_of(w, 1), S("a={};b={};c={}"));
}

static void copy_set(struct record_world *w, const char *from, const char *to)
{
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(system(arena_printf(w->a, "cp %s%s%s %s%s%s", file_path(w, 1, "").p, i ? "-wal" : "", from,
                                      file_path(w, 1, "").p, i ? "-wal" : "", to)
                             .p),
                  0);
}

/* A batch that was visible is undone, as by a power failure, and somebody has read its ids. */
TEST(an_id_of_a_batch_that_was_undone_is_not_given_again)
{
    struct record_world *w = *state;
    slice given[2];
    EXPECT_OK(define(w, 1, "id", NULL));
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(put_and_commit(w, i ? "b" : "a", RECORD_COMMIT_ORDERED));
        copy_set(w, "", "-kept");
        EXPECT_OK(put_and_commit(w, "x", RECORD_COMMIT_ORDERED));
        given[i] = page_of(w, 1, RECORD_BY_KEY, S("w"), 1).items[0].id;
        close_store(w);
        copy_set(w, "-kept", "");
        open_store(w);
        EXPECT_SLICE(all_of(w, 1), i ? S("a={};b={}") : S("a={}"));
    }
    EXPECT_OK(put_and_commit(w, "y", RECORD_COMMIT_ORDERED));
    slice id = page_of(w, 1, RECORD_BY_KEY, S("w"), 1).items[0].id;
    EXPECT(!slice_eq(id, given[0]) && !slice_eq(id, given[1]) && !slice_eq(given[0], given[1]));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

/* ---- a full disk */

/* Puts rows until the disk is full: first some that fit into memory, then more. */
static err_t fill_batch(struct record_world *w, struct record_writer *writer)
{
    slice object = object_of(w, "a", (size_t)1 << 20);
    enum record_outcome outcome;
    for (int i = 0; i < 40; i++)
        TRY(writer->ops->put(writer, arena_printf(w->a, "%02d", i), object, w->a, &outcome));
    return NULL;
}

TEST(a_full_disk_in_the_middle_of_a_batch_leaves_the_set_as_it_was)
{
    struct record_world *w = *state;
    enum record_outcome outcome;
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "z", "{}");
    struct record_writer *writer = begin(w, 1);
    full_file = ".db-wal";
    EXPECT_ERR(fill_batch(w, writer), ERR_NO_SPACE);
    EXPECT(writer->inserted > 5);
    EXPECT_ERR(writer->ops->put(writer, S("k"), S("{}"), w->a, &outcome), ERR_UNAVAILABLE);
    full_file = NULL; /* too late for this one */
    EXPECT_ERR(writer->ops->commit(writer, S("p"), RECORD_COMMIT_DURABLE, w->a), ERR_UNAVAILABLE);
    EXPECT_SLICE(all_of(w, 1), S("z={}"));
    EXPECT_SLICE(position_of(w, 1), S("alone"));
    writer = begin(w, 1);
    EXPECT_OK(fill_batch(w, writer));
    commit(w, writer, "p");
    EXPECT_EQ(count_of(w, 1), 41);
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

TEST(a_full_disk_at_a_commit_leaves_the_set_as_it_was)
{
    struct record_world *w = *state;
    EXPECT_OK(define(w, 1, "id", NULL));
    put_alone(w, 1, "a", "{}");
    for (enum record_commit how = RECORD_COMMIT_ORDERED; how <= RECORD_COMMIT_DURABLE; how++) {
        slice before = all_of(w, 1), position = position_of(w, 1);
        full_file = ".db-wal";
        EXPECT_ERR(put_and_commit(w, how ? "c" : "b", how), ERR_NO_SPACE);
        EXPECT_SLICE(all_of(w, 1), before);
        EXPECT_SLICE(position_of(w, 1), position);
        full_file = NULL;
        EXPECT_OK(put_and_commit(w, how ? "c" : "b", how));
    }
    EXPECT_SLICE(all_of(w, 1), S("a={};b={};c={}"));
    EXPECT_EQ(w->reports, 0);
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

TEST(while_the_disk_is_too_full_to_copy_the_log_batches_go_on_in_it)
{
    struct record_world *w = *state;
    w->hooks.log_bytes = 0;
    reopen(w);
    EXPECT_OK(define(w, 1, "id", NULL));
    full_file = ".db";
    EXPECT_OK(put_and_commit(w, "a", RECORD_COMMIT_DURABLE));
    EXPECT_OK(put_and_commit(w, "b", RECORD_COMMIT_ORDERED));
    EXPECT_SLICE(flushed_position(w, 1), S("b"));
    reopen(w); /* closing cannot copy it either */
    EXPECT_SLICE(all_of(w, 1), S("a={};b={}"));
    EXPECT_OK(put_and_commit(w, "c", RECORD_COMMIT_ORDERED));
    full_file = NULL;
    EXPECT_OK(put_and_commit(w, "d", RECORD_COMMIT_ORDERED));
    EXPECT_EQ(w->reports, 0);
    reopen(w);
    EXPECT(!is_there(w, "-wal"));
    EXPECT_SLICE(all_of(w, 1), S("a={};b={};c={};d={}"));
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

/* ---- the log */

static int64_t bytes_of_log(struct record_world *w)
{
    struct stat st;
    EXPECT_EQ(stat(file_path(w, 1, "-wal").p, &st), 0);
    return st.st_size;
}

/* As a backup does: a snapshot, taken by a reader that the store does not know. */
struct long_reader {
    struct sql_db *db;
    struct sql_conn *conn;
};

static void begin_reading(struct record_world *w, struct long_reader *r)
{
    int64_t n;
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = file_path(w, 1, "").p, .read_only = true }, w->a, &r->db));
    EXPECT_OK(sql_connect(r->db, SQL_READ, w->a, &r->conn));
    EXPECT_OK(sql_begin(r->conn, w->a));
    EXPECT_OK(sql_get_int(r->conn, STATEMENT("SELECT record_count FROM about"), SQL_NO_VALUES, w->a, &n));
}

static void end_reading(struct long_reader *r)
{
    sql_rollback(r->conn);
    sql_disconnect(r->conn);
    sql_close_db(r->db);
}

static void commit_batches(struct record_world *w, int n)
{
    for (int i = 0; i < n; i++)
        EXPECT_OK(put_and_commit(w, i % 2 ? "a" : "b", RECORD_COMMIT_ORDERED));
}

TEST(the_log_starts_again_when_it_is_long_and_a_long_reader_does_not_delay_each_batch)
{
    struct record_world *w = *state;
    struct long_reader reader;
    w->hooks.log_bytes = 100000;
    reopen(w);
    EXPECT_OK(define(w, 1, "id", NULL));
    commit_batches(w, 100);
    EXPECT(bytes_of_log(w) < 120000);
    begin_reading(w, &reader);
    waits = 0;
    commit_batches(w, 100);
    EXPECT(bytes_of_log(w) > 300000);
    EXPECT(waits > 0 && waits < 100);
    end_reading(&reader);
    int64_t before = bytes_of_log(w);
    commit_batches(w, 100);
    EXPECT(bytes_of_log(w) < before + 120000);
    EXPECT_OK(w->ops->verify(w->store, 1, w->a));
}

/* ---- calls of the database that fail */

static err_t one_batch(struct record_world *w, const slice *after)
{
    SCOPED(record_writer_discardp) struct record_writer *writer = NULL;
    struct record_batch batch = { S("f"), 1, after };
    enum record_outcome outcome;
    slice position;
    TRY(w->ops->open(w->store, 1, &batch, w->a, &writer));
    TRY(writer->ops->put(writer, S("a"), S("{\"n\":2}"), w->a, &outcome));
    TRY(writer->ops->put(writer, S("b"), S("{\"n\":2}"), w->a, &outcome));
    TRY(writer->ops->erase(writer, S("c"), w->a, &outcome));
    struct record_writer *ended = writer;
    writer = NULL;
    TRY(ended->ops->commit(ended, S("after"), RECORD_COMMIT_ORDERED, w->a));
    return w->ops->flush(w->store, 1, w->a, &position);
}

/* Fails each call in turn. The batch is there as a whole, or not at all; then it is tried again. */
static int fail_each_call(struct record_world *w, struct fault_plan plan)
{
    EXPECT_OK(define(w, 1, "id", NULL));
    for (int64_t nth = 1;; nth++) {
        struct record_writer *writer = begin(w, 1);
        put(w, writer, "a", "{\"n\":1}");
        put(w, writer, "c", "{\"n\":1}");
        erase(w, writer, "b");
        commit_ordered(w, writer, "alone");
        if (nth % 2)
            reopen(w);
        w->plan = plan;
        w->plan.fail_at = nth;
        slice before = S("alone");
        err_t e = one_batch(w, &before);
        w->plan = (struct fault_plan){ 0 };
        EXPECT(!e || err_is(e, plan.code));
        bool is_done = slice_eq(position_of(w, 1), S("after"));
        EXPECT(is_done || e);
        EXPECT_SLICE(all_of(w, 1), is_done ? S("a={\"n\":2};b={\"n\":2}") : S("a={\"n\":1};c={\"n\":1}"));
        if (!is_done)
            EXPECT_OK(one_batch(w, &before));
        EXPECT_SLICE(all_of(w, 1), S("a={\"n\":2};b={\"n\":2}"));
        EXPECT_OK(w->ops->verify(w->store, 1, w->a));
        if (!e)
            return (int)nth;
    }
}

TEST(a_call_of_the_database_that_fails_leaves_a_whole_batch_or_none)
{
    struct record_world *w = *state;
    EXPECT(fail_each_call(w, (struct fault_plan){ .code = ERR_NO_SPACE, .fail_count = 1 }) > 15);
    EXPECT(fail_each_call(w, (struct fault_plan){ .code = ERR_NO_SPACE, .fail_count = 1, .rolls_back = true }) > 15);
    EXPECT(fail_each_call(w, (struct fault_plan){ .code = ERR_UNAVAILABLE, .fail_count = 1, .answer_lost = true }) >
           15);
}

TEST(the_name_of_the_folder_is_flushed_also_when_a_killed_process_made_it)
{
    struct record_world *w = *state;
    struct record_options o = { .dir = arena_printf(w->a, "%s/more", w->dir).p, .random = &w->random.random };
    close_store(w);
    for (int i = 0; i < 2; i++) {
        failing_flush = w->dir;
        EXPECT_ERR(record_open(&o, w->a, &w->store), ERR_UNAVAILABLE);
        failing_flush = NULL;
        EXPECT_EQ(access(o.dir, F_OK), 0);
    }
}

#define CASE(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define CASES(setup)                                                                                                   \
    CASE(the_key_of_a_set_is_fixed_by_its_first_definition, setup),                                                    \
        CASE(nothing_is_found_in_a_set_that_is_not_there, setup), CASE(sets_are_listed_and_removed, setup),            \
        CASE(rows_insert_update_and_delete_by_key, setup), CASE(nulls_clear_members_and_others_stay, setup),           \
        CASE(members_are_found_in_any_order_and_number, setup),                                                        \
        CASE(what_is_no_object_is_invalid_and_the_batch_goes_on, setup),                                               \
        CASE(what_is_too_large_leaves_the_record_as_it_was, setup), CASE(a_record_has_a_limit_of_members, setup),      \
        CASE(records_know_when_and_by_which_file_they_were_changed, setup), CASE(an_id_is_never_given_twice, setup),   \
        CASE(pages_follow_one_another_by_key_and_by_id, setup), CASE(a_batch_that_is_discarded_leaves_nothing, setup), \
        CASE(ordered_batches_are_visible_and_flush_returns_their_position, setup),                                     \
        CASE(a_batch_is_refused_at_another_position_than_it_follows, setup)

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
          CASE(a_failed_flush_fails_the_batch_and_moves_the_set_to_new_blocks, setup_files),
          CASE(a_failed_flush_after_ordered_batches_is_reported_to_the_one_who_flushes, setup_files),
          CASE(a_failed_flush_while_the_log_is_copied_moves_the_set_to_new_blocks, setup_files),
          CASE(a_failed_flush_while_a_set_is_closed_is_made_good_when_it_is_opened, setup_files),
          CASE(an_id_of_a_batch_that_was_undone_is_not_given_again, setup_files),
          CASE(the_name_of_the_folder_is_flushed_also_when_a_killed_process_made_it, setup_files),
          CASE(a_full_disk_in_the_middle_of_a_batch_leaves_the_set_as_it_was, setup_files),
          CASE(a_full_disk_at_a_commit_leaves_the_set_as_it_was, setup_files),
          CASE(while_the_disk_is_too_full_to_copy_the_log_batches_go_on_in_it, setup_files),
          CASE(the_log_starts_again_when_it_is_long_and_a_long_reader_does_not_delay_each_batch, setup_files),
          CASE(a_call_of_the_database_that_fails_leaves_a_whole_batch_or_none, setup_files))
