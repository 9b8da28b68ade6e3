/* SPDX-License-Identifier: Apache-2.0 */
/* Every blob store must keep the contract of src/core/store/blob_store.h. The last tests are about what only happens to a
 * disk: a kill at any time, a full volume, foreign files in the directory. */
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/random.h"
#include "base/text.h"
#include "blob/disk/disk.h"
#include "blob/disk/disk_priv.h"
#include "blob/fault/fault.h"
#include "blob/mem/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MIB ((size_t)1024 * 1024)

enum store_kind { DISK, DISK_NAMES, MEM, FAULT, KINDS };
static const char *const kind_names[KINDS] = { "disk", "disk with temporary names", "mem", "fault over mem" };

/* An empty store of one kind, and what belongs to it. */
struct world {
    enum store_kind kind;
    char *dir; /* of the disk kinds; the store is dir/blobs */
    struct clock_manual clock;
    struct fault_plan plan;
    struct blob_store *store;
    struct arena arena, *a;
};

static slice blobs_dir(struct world *w)
{
    return arena_printf(w->a, "%s/blobs", w->dir);
}

static void world_open(struct world *w, uint64_t capacity_bytes)
{
    struct disk_options options = { .temporary_names = w->kind == DISK_NAMES };
    if (w->dir)
        EXPECT_OK(blob_disk_open_with(blobs_dir(w).p, &options, w->a, &w->store));
    else
        w->store = blob_mem_open(&w->clock.clock, capacity_bytes);
    if (w->kind == FAULT)
        w->store = blob_fault_wrap(w->store, &w->plan);
}

static void world_close(struct world *w)
{
    if (w->store)
        w->store->ops->close_store(w->store);
    w->store = NULL;
}

static void world_reopen(struct world *w, uint64_t capacity_bytes)
{
    world_close(w);
    world_open(w, capacity_bytes);
}

static int setup(void **state)
{
    struct world *w = must_malloc(sizeof *w);
    w->kind = *(const enum store_kind *)*state;
    w->a = &w->arena;
    clock_manual_init(&w->clock, 1000000);
    if (w->kind == DISK || w->kind == DISK_NAMES)
        w->dir = tmpdir_make();
    world_open(w, 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    world_close(w);
    if (w->dir)
        tmpdir_remove(w->dir);
    arena_release(w->a);
    free(w);
    return 0;
}

/* ---- helpers ---- */

static struct blob_writer *begin(struct blob_store *store, slice key, uint64_t size_hint, struct arena *a)
{
    struct blob_writer *writer = NULL;
    EXPECT_OK(store->ops->create(store, key, size_hint, a, &writer));
    return writer;
}

static err_t try_put(struct blob_store *store, slice key, slice bytes, struct arena *a)
{
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    TRY(store->ops->create(store, key, bytes.n, a, &writer));
    TRY(writer->ops->write(writer, bytes, a));
    return blob_writer_commit(&writer, a);
}

/* All bytes of the key, by read_at in steps of odd sizes. */
static err_t try_get(struct blob_store *store, slice key, struct arena *a, slice *ret_bytes)
{
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    TRY(store->ops->open(store, key, a, &reader));
    char *bytes = arena_alloc(a, reader->size_bytes + 1);
    size_t at = 0, n = 1;
    for (; n; at += n)
        TRY(reader->ops->read_at(reader, at, bytes + at,
                                 reader->size_bytes - at < 70001 ? reader->size_bytes - at : 70001, a, &n));
    *ret_bytes = (slice){ bytes, at };
    return NULL;
}

static slice get(struct blob_store *store, slice key, struct arena *a)
{
    slice bytes = S("");
    EXPECT_OK(try_get(store, key, a, &bytes));
    return bytes;
}

static bool is_visible(struct blob_store *store, slice key, struct arena *a)
{
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    err_t e = store->ops->open(store, key, a, &reader);
    if (e)
        EXPECT_ERR(e, ERR_NOT_FOUND);
    return !e;
}

/* n bytes that follow from the seed, so that a test can tell a complete blob from a damaged one. */
static slice noise(struct arena *a, uint64_t seed, size_t n)
{
    struct random_seeded r;
    random_seeded_init(&r, seed);
    char *bytes = arena_alloc(a, n);
    random_fill(&r.random, bytes, n);
    return (slice){ bytes, n };
}

struct tally {
    int count;
    uint64_t size_bytes;
    int64_t oldest_ms;
    slice last;
    struct arena *a;
};

static err_t tally_one(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    struct tally *t = arg;
    t->count++;
    t->size_bytes += size_bytes;
    t->oldest_ms = t->oldest_ms && t->oldest_ms < modified_ms ? t->oldest_ms : modified_ms;
    t->last = arena_copy(t->a, key);
    return NULL;
}

static struct tally tally(struct blob_store *store, struct arena *a)
{
    struct tally t = { .a = a };
    EXPECT_OK(store->ops->each(store, a, tally_one, &t));
    return t;
}

static int files_seen; /* nftw passes no argument to its callback */
static int see_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)ftw;
    files_seen += type != FTW_D;
    return 0;
}

/* How many files are in the directory of a disk store; for a store without a directory, how many blobs it lists. */
static int traces(struct world *w)
{
    if (!w->dir)
        return tally(w->store, w->a).count;
    files_seen = 0;
    nftw(w->dir, see_file, 16, FTW_PHYS);
    return files_seen;
}

/* ---- the contract ---- */

TEST(a_blob_is_invisible_before_its_commit)
{
    struct world *w = *state;
    struct blob_writer *writer = begin(w->store, S("ab-new"), 5, w->a);
    EXPECT_OK(writer->ops->write(writer, S("hel"), w->a));
    EXPECT_OK(writer->ops->write(writer, S(""), w->a));
    EXPECT(!is_visible(w->store, S("ab-new"), w->a));
    EXPECT_EQ(tally(w->store, w->a).count, 0);
    EXPECT_OK(writer->ops->write(writer, S("lo"), w->a));
    EXPECT_OK(blob_writer_commit(&writer, w->a));
    EXPECT_SLICE(get(w->store, S("ab-new"), w->a), S("hello"));
    EXPECT_EQ(traces(w), 1);
}

TEST(a_discarded_writer_leaves_no_trace)
{
    struct world *w = *state;
    struct blob_writer *writer = begin(w->store, S("ab-gone"), 0, w->a);
    EXPECT_OK(writer->ops->write(writer, S("hello"), w->a));
    writer->ops->discard(writer);
    writer = begin(w->store, S("ab-gone"), 5, w->a);
    writer->ops->discard(writer);
    EXPECT(!is_visible(w->store, S("ab-gone"), w->a));
    EXPECT_EQ(traces(w), 0);
    w->store->ops->discard(NULL);
    w->store->ops->close(NULL);
}

TEST(a_commit_that_conflicts_keeps_the_old_bytes)
{
    struct world *w = *state;
    EXPECT_OK(try_put(w->store, S("ab-once"), S("first"), w->a));
    EXPECT_ERR(try_put(w->store, S("ab-once"), S("second, longer"), w->a), ERR_CONFLICT);
    EXPECT_SLICE(get(w->store, S("ab-once"), w->a), S("first"));
    EXPECT_EQ(traces(w), 1);
}

TEST(the_first_of_two_writers_of_one_key_to_commit_wins)
{
    struct world *w = *state;
    struct blob_writer *one = begin(w->store, S("ab-race"), 0, w->a), *two = begin(w->store, S("ab-race"), 0, w->a);
    EXPECT_OK(two->ops->write(two, S("two"), w->a));
    EXPECT_OK(one->ops->write(one, S("one"), w->a));
    EXPECT_OK(blob_writer_commit(&two, w->a));
    EXPECT_ERR(blob_writer_commit(&one, w->a), ERR_CONFLICT);
    EXPECT_SLICE(get(w->store, S("ab-race"), w->a), S("two"));
    EXPECT_EQ(traces(w), 1);
}

TEST(a_blob_may_be_empty)
{
    struct world *w = *state;
    struct blob_writer *writer = begin(w->store, S("00"), 0, w->a);
    EXPECT_OK(blob_writer_commit(&writer, w->a));
    EXPECT_EQ(get(w->store, S("00"), w->a).n, 0);
    EXPECT_EQ(tally(w->store, w->a).count, 1);
}

TEST(five_mebibytes_are_read_as_they_were_written)
{
    struct world *w = *state;
    slice bytes = noise(w->a, 5, 5 * MIB + 1);
    struct blob_writer *writer = begin(w->store, S("ff-big"), bytes.n, w->a);
    for (size_t at = 0; at < bytes.n; at += 100003)
        EXPECT_OK(writer->ops->write(writer, slice_part(bytes, at, 100003), w->a));
    EXPECT_OK(blob_writer_commit(&writer, w->a));
    EXPECT_SLICE(get(w->store, S("ff-big"), w->a), bytes);
}

TEST(a_wrong_size_hint_changes_nothing)
{
    struct world *w = *state;
    static const uint64_t hints[] = { 1, 64 * 1024, 4 * MIB };
    for (size_t i = 0; i < LENGTH_OF(hints); i++) {
        slice key = arena_printf(w->a, "a%zu", i), bytes = noise(w->a, i, 100000);
        struct blob_writer *writer = begin(w->store, key, hints[i], w->a);
        EXPECT_OK(writer->ops->write(writer, bytes, w->a));
        EXPECT_OK(blob_writer_commit(&writer, w->a));
        EXPECT_SLICE(get(w->store, key, w->a), bytes);
    }
    EXPECT_EQ(tally(w->store, w->a).size_bytes, 300000);
}

TEST(read_at_stops_at_the_end)
{
    struct world *w = *state;
    EXPECT_OK(try_put(w->store, S("ab-read"), S("0123456789"), w->a));
    struct blob_reader *r;
    EXPECT_OK(w->store->ops->open(w->store, S("ab-read"), w->a, &r));
    EXPECT_EQ(r->size_bytes, 10);
    char to[32];
    size_t n;
    static const struct {
        uint64_t offset;
        size_t size, want;
    } cases[] = { { 0, 10, 10 }, { 0, 32, 10 }, { 9, 1, 1 }, { 9, 32, 1 },          { 10, 32, 0 },
                  { 11, 1, 0 },  { 5, 0, 0 },   { 3, 4, 4 }, { UINT64_MAX, 32, 0 }, { (uint64_t)INT64_MAX + 1, 1, 0 } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        EXPECT_OK(r->ops->read_at(r, cases[i].offset, to, cases[i].size, w->a, &n));
        EXPECT_EQ(n, cases[i].want);
        EXPECT_SLICE(((slice){ to, n }), slice_part(S("0123456789"), (size_t)cases[i].offset, n));
    }
    r->ops->close(r);
}

TEST(a_descriptor_reads_the_same_bytes)
{
    struct world *w = *state;
    EXPECT_OK(try_put(w->store, S("ab-fd"), S("hello"), w->a));
    struct blob_reader *r;
    EXPECT_OK(w->store->ops->open(w->store, S("ab-fd"), w->a, &r));
    EXPECT_EQ(r->fd >= 0, w->dir != NULL);
    char to[8];
    if (r->fd >= 0)
        EXPECT_EQ(pread(r->fd, to, sizeof to, 0), 5);
    r->ops->close(r);
}

TEST(an_open_reader_reads_on_after_the_removal)
{
    struct world *w = *state;
    slice bytes = noise(w->a, 9, 300000);
    EXPECT_OK(try_put(w->store, S("ab-held"), bytes, w->a));
    struct blob_reader *r;
    EXPECT_OK(w->store->ops->open(w->store, S("ab-held"), w->a, &r));
    EXPECT_OK(w->store->ops->remove(w->store, S("ab-held"), w->a));
    EXPECT(!is_visible(w->store, S("ab-held"), w->a));
    EXPECT_EQ(traces(w), 0);
    char *to = arena_alloc(w->a, bytes.n);
    size_t n;
    EXPECT_OK(r->ops->read_at(r, 0, to, bytes.n, w->a, &n));
    EXPECT_SLICE(((slice){ to, n }), bytes);
    r->ops->close(r);
}

TEST(removing_an_absent_blob_succeeds)
{
    struct world *w = *state;
    EXPECT_OK(try_put(w->store, S("ab-x"), S("x"), w->a));
    EXPECT_OK(w->store->ops->remove(w->store, S("ab-x"), w->a));
    EXPECT_OK(w->store->ops->remove(w->store, S("ab-x"), w->a));
    EXPECT_OK(w->store->ops->remove(w->store, S("cd-never"), w->a));
    EXPECT_OK(try_put(w->store, S("ab-x"), S("y"), w->a));
    EXPECT_SLICE(get(w->store, S("ab-x"), w->a), S("y"));
}

/* A record that somebody else made may name anything. */
TEST(an_invalid_key_names_no_blob)
{
    struct world *w = *state;
    static const char *const keys[] = { "", "a", "../../x", "ab/x", "/etc/passwd", "AB-x", "ab x", "xy-x" };
    struct blob_reader *r;
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        EXPECT_ERR(w->store->ops->open(w->store, slice_of(keys[i]), w->a, &r), ERR_CORRUPT);
        EXPECT_OK(w->store->ops->remove(w->store, slice_of(keys[i]), w->a));
    }
    char too_long[BLOB_KEY_MAX + 1];
    memset(too_long, 'a', sizeof too_long);
    EXPECT_ERR(w->store->ops->open(w->store, (slice){ too_long, sizeof too_long }, w->a, &r), ERR_CORRUPT);
}

TEST(keys_that_differ_in_the_last_character_name_different_blobs)
{
    struct world *w = *state;
    char longest[BLOB_KEY_MAX];
    memset(longest, 'a', sizeof longest);
    slice keys[] = {
        S("ab"), S("ab."), S("ab-"), S("ab.."), S("ba"), { longest, BLOB_KEY_MAX }, { longest, BLOB_KEY_MAX - 1 }
    };
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        EXPECT_OK(try_put(w->store, keys[i], keys[i], w->a));
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        EXPECT_SLICE(get(w->store, keys[i], w->a), keys[i]);
    EXPECT_EQ(tally(w->store, w->a).count, LENGTH_OF(keys));
    static const char *const bad[] = { "",        "a",  "g0",  "0g",  "../x",   "ab/c",
                                       "ab/../x", "AB", "abC", "ab_", "ab\x80", ".." };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT(!blob_key_is_valid(slice_of(bad[i])));
    EXPECT(!blob_key_is_valid((slice){ "ab\0c", 4 }));
}

static err_t stop_at_two(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    (void)key;
    (void)size_bytes;
    (void)modified_ms;
    static const struct err enough = { .code = ERR_RATE, .msg = "enough" };
    return ++*(int *)arg == 2 ? &enough : NULL;
}

static err_t remove_it(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    (void)size_bytes;
    (void)modified_ms;
    struct world *w = arg;
    return w->store->ops->remove(w->store, key, w->a);
}

TEST(each_visits_every_blob_and_stops_at_an_error_of_the_visitor)
{
    struct world *w = *state;
    int64_t before_ms = w->dir ? clock_now_ms(clock_system()) - 1000 : clock_now_ms(&w->clock.clock);
    for (unsigned i = 0; i < 300; i++)
        EXPECT_OK(try_put(w->store, arena_printf(w->a, "%02x-%u", i & 0xff, i), noise(w->a, i, i), w->a));
    struct blob_writer *unfinished = begin(w->store, S("ab-unfinished"), 1, w->a);
    struct tally t = tally(w->store, w->a);
    EXPECT_EQ(t.count, 300);
    EXPECT_EQ(t.size_bytes, 300 * 299 / 2);
    EXPECT(t.oldest_ms >= before_ms);
    EXPECT(t.oldest_ms <= (w->dir ? clock_now_ms(clock_system()) : before_ms));
    int seen = 0;
    EXPECT_ERR(w->store->ops->each(w->store, w->a, stop_at_two, &seen), ERR_RATE);
    EXPECT_EQ(seen, 2);
    EXPECT_OK(w->store->ops->each(w->store, w->a, remove_it, w));
    EXPECT_EQ(tally(w->store, w->a).count, 0);
    unfinished->ops->discard(unfinished);
}

static int64_t ctime_ms(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000 + st->st_ctim.tv_nsec / 1000000;
}

/* A time later than what was written before, by the clock that the store shows, when it has come. The clock of a file system
 * ticks every few milliseconds, and nothing but a change of a file shows it. */
static int64_t later_ms(struct world *w)
{
    if (!w->dir) {
        clock_manual_advance(&w->clock, 50);
        return clock_now_ms(&w->clock.clock);
    }
    slice path = arena_printf(w->a, "%s/probe", w->dir);
    int fd = open(path.p, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    struct stat first, now;
    EXPECT_EQ(fstat(fd, &first), 0);
    int64_t deadline_ms = clock_now_ms(clock_system()) + 10000;
    do {
        sched_yield();
        EXPECT(clock_now_ms(clock_system()) < deadline_ms);
        EXPECT_EQ(fchmod(fd, 0600), 0);
        EXPECT_EQ(fstat(fd, &now), 0);
    } while (ctime_ms(&now) <= ctime_ms(&first));
    close(fd);
    return ctime_ms(&now);
}

TEST(the_age_of_a_blob_counts_from_its_commit)
{
    struct world *w = *state;
    struct blob_writer *writer = begin(w->store, S("ab-slow"), 0, w->a);
    EXPECT_OK(writer->ops->write(writer, S("x"), w->a));
    int64_t now_ms = later_ms(w);
    EXPECT_OK(blob_writer_commit(&writer, w->a));
    EXPECT(tally(w->store, w->a).oldest_ms >= now_ms);
}

TEST(committed_blobs_exist_after_reopening)
{
    struct world *w = *state;
    EXPECT_OK(try_put(w->store, S("ab-kept"), S("kept"), w->a));
    world_reopen(w, 0);
    EXPECT_SLICE(get(w->store, S("ab-kept"), w->a), S("kept"));
    int64_t flush_us = -1;
    EXPECT_OK(blob_disk_flush_time(blobs_dir(w).p, w->a, &flush_us));
    EXPECT(flush_us > 0);
    EXPECT_EQ(traces(w), 1);
}

/* ---- threads ---- */

struct worker {
    struct world *world;
    int number, rounds, won, conflicts, failures;
};

static void *commit_many(void *arg)
{
    struct worker *me = arg;
    struct blob_store *store = me->world->store;
    for (int i = 0; i < me->rounds; i++) {
        SCRATCH(a);
        slice bytes = noise(&a, (uint64_t)(me->number * 100000 + i), 20000), back = S("");
        slice own = arena_printf(&a, "%02x-%d-%d", (unsigned)i % 4, me->number, i); /* few shards: syncs are shared */
        slice shared = arena_printf(&a, "0%d-shared-%d", i % 4, i);
        me->failures += try_put(store, own, bytes, &a) != NULL;
        me->failures += try_get(store, own, &a, &back) || !slice_eq(back, bytes);
        err_t e = try_put(store, shared, noise(&a, (uint64_t)i, 1000), &a);
        me->won += !e;
        me->conflicts += err_is(e, ERR_CONFLICT);
        me->failures += try_get(store, shared, &a, &back) || !slice_eq(back, noise(&a, (uint64_t)i, 1000));
        if (i % 2)
            me->failures += store->ops->remove(store, own, &a) != NULL;
        uint64_t free_bytes;
        me->failures += store->ops->free_bytes(store, &a, &free_bytes) != NULL;
    }
    return NULL;
}

TEST(eight_threads_commit_at_once_and_each_key_has_one_winner)
{
    struct world *w = *state;
    struct worker workers[8];
    const int each = rounds(ROUNDS_blob_writers); /* an even number */
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        workers[i] = (struct worker){ .world = w, .number = i, .rounds = each };
        EXPECT_EQ(pthread_create(&threads[i], NULL, commit_many, &workers[i]), 0);
    }
    int won = 0, conflicts = 0;
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(workers[i].failures, 0);
        won += workers[i].won;
        conflicts += workers[i].conflicts;
    }
    EXPECT_EQ(won, each);
    EXPECT_EQ(conflicts, 7 * each);
    EXPECT_EQ(tally(w->store, w->a).count, each + 8 * (each / 2));
    EXPECT_EQ(traces(w), each + 8 * (each / 2));
}

/* ---- out of space ---- */

static bool mount_small_volume(struct world *w)
{
    /* In a mount namespace of our own, so that nothing stays mounted whatever happens to the test. */
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return false;
    return mount("tmpfs", w->dir, "tmpfs", 0, "size=4m,mode=0700") == 0;
}

TEST(a_full_store_reports_no_space_and_works_again_when_there_is_room)
{
    struct world *w = *state;
    if (w->dir) {
        world_close(w);
        bool mounted = mount_small_volume(w);
        world_open(w, 0);
        if (!mounted)
            skip();
    } else {
        world_reopen(w, 4 * MIB);
    }
    EXPECT_OK(try_put(w->store, S("aa-half"), noise(w->a, 1, 2 * MIB), w->a));
    /* The second half of the blob does not fit into the store. The blob is created once with no size_hint, once with
     * its size. */
    for (uint64_t hint = 0; hint <= 3 * MIB; hint += 3 * MIB) {
        SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
        err_t e = w->store->ops->create(w->store, S("bb-too-big"), hint, w->a, &writer);
        for (int i = 0; i < 24 && !e; i++)
            e = writer->ops->write(writer, noise(w->a, 2, MIB / 8), w->a);
        EXPECT_ERR(e, ERR_NO_SPACE);
        if (writer)
            EXPECT_ERR(blob_writer_commit(&writer, w->a), ERR_UNAVAILABLE); /* a truncated blob is not committed */
    }
    EXPECT(!is_visible(w->store, S("bb-too-big"), w->a));
    EXPECT_EQ(traces(w), 1);
    uint64_t free_bytes;
    EXPECT_OK(w->store->ops->free_bytes(w->store, w->a, &free_bytes));
    EXPECT(free_bytes > MIB && free_bytes <= 2 * MIB);

    EXPECT_SLICE(get(w->store, S("aa-half"), w->a), noise(w->a, 1, 2 * MIB));
    EXPECT_OK(w->store->ops->remove(w->store, S("aa-half"), w->a));
    EXPECT_OK(try_put(w->store, S("bb-too-big"), noise(w->a, 2, 3 * MIB), w->a));
    EXPECT_SLICE(get(w->store, S("bb-too-big"), w->a), noise(w->a, 2, 3 * MIB));
    if (w->dir) {
        world_close(w);
        umount2(w->dir, MNT_DETACH);
        world_open(w, 0);
    }
}

TEST(a_memory_store_without_capacity_never_fills)
{
    struct world *w = *state;
    uint64_t free_bytes;
    EXPECT_OK(w->store->ops->free_bytes(w->store, w->a, &free_bytes));
    if (w->dir)
        EXPECT(free_bytes > 0 && free_bytes < UINT64_MAX);
    else
        EXPECT(free_bytes == UINT64_MAX);
}

/* ---- failing calls ---- */

static err_t life_of_a_blob(struct world *w, slice key, slice bytes, bool *ret_committed)
{
    struct blob_store *store = w->store;
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    TRY(store->ops->create(store, key, bytes.n, w->a, &writer));
    TRY(writer->ops->write(writer, slice_part(bytes, 0, bytes.n / 2), w->a));
    TRY(writer->ops->write(writer, slice_from(bytes, bytes.n / 2), w->a));
    TRY(blob_writer_commit(&writer, w->a));
    *ret_committed = true;
    slice back;
    TRY(try_get(store, key, w->a, &back));
    EXPECT_SLICE(back, bytes);
    struct tally t = { .a = w->a };
    TRY(store->ops->each(store, w->a, tally_one, &t));
    EXPECT_EQ(t.count, 1);
    return store->ops->remove(store, key, w->a);
}

TEST(a_blob_is_complete_or_absent_whichever_call_fails)
{
    struct world *w = *state;
    slice bytes = noise(w->a, 3, 200000);
    for (int64_t nth = 1;; nth++) {
        w->plan = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
        bool committed = false;
        err_t e = life_of_a_blob(w, S("ab-life"), bytes, &committed);
        bool clean = w->plan.calls < nth;
        w->plan.fail_at = 0;
        EXPECT_EQ(e == NULL, clean);
        if (e)
            EXPECT_ERR(e, ERR_UNAVAILABLE);
        EXPECT_EQ(is_visible(w->store, S("ab-life"), w->a), committed && !clean);
        if (is_visible(w->store, S("ab-life"), w->a))
            EXPECT_SLICE(get(w->store, S("ab-life"), w->a), bytes);
        EXPECT_OK(w->store->ops->remove(w->store, S("ab-life"), w->a));
        EXPECT_EQ(traces(w), 0);
        if (clean) {
            EXPECT(nth > 8); /* create, 2 write, commit, open, read_at…, each, remove */
            break;
        }
    }
}

TEST(a_failed_write_cannot_be_committed)
{
    struct world *w = *state;
    struct blob_writer *writer = begin(w->store, S("ab-cut"), 0, w->a);
    EXPECT_OK(writer->ops->write(writer, S("one"), w->a));
    w->plan = (struct fault_plan){ .fail_at = 1, .fail_count = 1, .code = ERR_NO_SPACE };
    EXPECT_ERR(writer->ops->write(writer, S("two"), w->a), ERR_NO_SPACE);
    EXPECT_ERR(writer->ops->write(writer, S("three"), w->a), ERR_UNAVAILABLE);
    EXPECT_ERR(blob_writer_commit(&writer, w->a), ERR_UNAVAILABLE);
    EXPECT_EQ(traces(w), 0);
}

/* ---- growing blobs ---- */

static struct blob_writer *grow(struct world *w, slice key, uint64_t offset)
{
    struct blob_writer *writer = NULL;
    EXPECT_OK(w->store->ops->grow(w->store, key, offset, w->a, &writer));
    return writer;
}

static err_t try_append(struct world *w, slice key, uint64_t offset, slice bytes)
{
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    TRY(w->store->ops->grow(w->store, key, offset, w->a, &writer));
    TRY(writer->ops->write(writer, slice_part(bytes, 0, bytes.n / 2), w->a));
    TRY(writer->ops->write(writer, slice_from(bytes, bytes.n / 2), w->a));
    return writer->ops->flush(writer, w->a);
}

static err_t try_get_growing(struct world *w, slice key, slice *ret_bytes)
{
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    TRY(w->store->ops->open_growing(w->store, key, w->a, &reader));
    char *bytes = arena_alloc(w->a, reader->size_bytes + 1);
    size_t n;
    TRY(reader->ops->read_at(reader, 0, bytes, reader->size_bytes, w->a, &n));
    *ret_bytes = (slice){ bytes, n };
    return NULL;
}

static slice get_growing(struct world *w, slice key)
{
    slice bytes = S("");
    EXPECT_OK(try_get_growing(w, key, &bytes));
    return bytes;
}

static struct tally tally_growing(struct world *w)
{
    struct tally t = { .a = w->a };
    EXPECT_OK(w->store->ops->each_growing(w->store, w->a, tally_one, &t));
    return t;
}

static err_t settle(struct world *w, slice key, uint64_t size_bytes)
{
    return w->store->ops->settle(w->store, key, size_bytes, w->a);
}

TEST(a_growing_blob_is_no_blob_until_it_is_settled)
{
    struct world *w = *state;
    EXPECT_OK(try_append(w, S("ab-grow"), 0, S("hello ")));
    EXPECT(!is_visible(w->store, S("ab-grow"), w->a));
    EXPECT_EQ(tally(w->store, w->a).count, 0);
    EXPECT_OK(w->store->ops->remove(w->store, S("ab-grow"), w->a));
    EXPECT_OK(try_append(w, S("ab-grow"), 6, S("world")));
    EXPECT_SLICE(get_growing(w, S("ab-grow")), S("hello world"));
    EXPECT_OK(settle(w, S("ab-grow"), 11));
    EXPECT_SLICE(get(w->store, S("ab-grow"), w->a), S("hello world"));
    EXPECT_EQ(tally(w->store, w->a).count, 1);
    EXPECT_EQ(tally_growing(w).count, 0);
    EXPECT_EQ(traces(w), 1);
}

TEST(bytes_beyond_the_acknowledged_offset_are_cut_off)
{
    struct world *w = *state;
    EXPECT_OK(try_append(w, S("ab-cut"), 0, noise(w->a, 1, 10000)));
    struct blob_writer *writer = grow(w, S("ab-cut"), 10000);
    EXPECT_OK(writer->ops->write(writer, noise(w->a, 2, 300000), w->a));
    writer->ops->discard(writer); /* not flushed */
    EXPECT_SLICE(slice_part(get_growing(w, S("ab-cut")), 0, 10000), noise(w->a, 1, 10000));
    static const uint64_t offsets[] = { 10000, 9999, 4096, 1, 0 };
    for (size_t i = 0; i < LENGTH_OF(offsets); i++) { /* flushed bytes, too: their acknowledgement may have been lost */
        writer = grow(w, S("ab-cut"), offsets[i]);
        writer->ops->discard(writer);
        EXPECT_SLICE(get_growing(w, S("ab-cut")), slice_part(noise(w->a, 1, 10000), 0, offsets[i]));
        EXPECT_EQ(tally_growing(w).size_bytes, offsets[i]);
    }
    EXPECT_OK(try_append(w, S("ab-cut"), 0, S("again")));
    EXPECT_SLICE(get_growing(w, S("ab-cut")), S("again"));
}

TEST(an_offset_that_the_growing_blob_does_not_reach_is_refused)
{
    struct world *w = *state;
    struct blob_writer *writer;
    EXPECT_ERR(w->store->ops->grow(w->store, S("ab-none"), 1, w->a, &writer), ERR_NOT_FOUND);
    EXPECT_EQ(traces(w) + tally_growing(w).count, 0);
    EXPECT_OK(try_append(w, S("ab-short"), 0, S("12345")));
    EXPECT_ERR(w->store->ops->grow(w->store, S("ab-short"), 6, w->a, &writer), ERR_CORRUPT);
    EXPECT_ERR(w->store->ops->grow(w->store, S("ab-short"), UINT64_MAX, w->a, &writer), ERR_CORRUPT);
    EXPECT_SLICE(get_growing(w, S("ab-short")), S("12345"));
    EXPECT_ERR(w->store->ops->grow(w->store, S("../../x"), 0, w->a, &writer), ERR_CORRUPT);
    EXPECT_ERR(settle(w, S("../../x"), 0), ERR_CORRUPT);
    EXPECT_OK(w->store->ops->drop(w->store, S("../../x"), w->a));
    struct blob_reader *reader;
    EXPECT_ERR(w->store->ops->open_growing(w->store, S("../../x"), w->a, &reader), ERR_CORRUPT);
    EXPECT_ERR(w->store->ops->open_growing(w->store, S("ab-none"), w->a, &reader), ERR_NOT_FOUND);
}

TEST(settling_twice_succeeds_and_another_size_does_not)
{
    struct world *w = *state;
    EXPECT_ERR(settle(w, S("ab-set"), 0), ERR_NOT_FOUND);
    EXPECT_OK(try_append(w, S("ab-set"), 0, S("0123456789")));
    EXPECT_ERR(settle(w, S("ab-set"), 11), ERR_CORRUPT);
    EXPECT(!is_visible(w->store, S("ab-set"), w->a));
    EXPECT_OK(settle(w, S("ab-set"), 8)); /* longer than acknowledged */
    EXPECT_SLICE(get(w->store, S("ab-set"), w->a), S("01234567"));
    EXPECT_OK(settle(w, S("ab-set"), 8));
    EXPECT_ERR(settle(w, S("ab-set"), 7), ERR_CORRUPT);
    EXPECT_ERR(settle(w, S("ab-set"), 10), ERR_CORRUPT);
    EXPECT_SLICE(get(w->store, S("ab-set"), w->a), S("01234567"));

    EXPECT_OK(try_append(w, S("ab-set"), 0, S("other678"))); /* a blob never changes */
    EXPECT_ERR(settle(w, S("ab-set"), 8), ERR_CONFLICT);
    EXPECT_SLICE(get(w->store, S("ab-set"), w->a), S("01234567"));
    EXPECT_SLICE(get_growing(w, S("ab-set")), S("other678"));
    EXPECT_OK(w->store->ops->drop(w->store, S("ab-set"), w->a));
    EXPECT_SLICE(get(w->store, S("ab-set"), w->a), S("01234567"));
    EXPECT_ERR(try_put(w->store, S("ab-set"), S("mine"), w->a), ERR_CONFLICT);
}

TEST(an_empty_growing_blob_becomes_an_empty_blob)
{
    struct world *w = *state;
    EXPECT_OK(try_append(w, S("ab-empty"), 0, S("")));
    EXPECT_OK(settle(w, S("ab-empty"), 0));
    EXPECT_EQ(get(w->store, S("ab-empty"), w->a).n, 0);
}

TEST(a_dropped_growing_blob_leaves_no_trace)
{
    struct world *w = *state;
    EXPECT_OK(w->store->ops->drop(w->store, S("ab-drop"), w->a));
    EXPECT_OK(try_append(w, S("ab-drop"), 0, S("hello")));
    struct blob_reader *reader;
    EXPECT_OK(w->store->ops->open_growing(w->store, S("ab-drop"), w->a, &reader));
    EXPECT_OK(w->store->ops->drop(w->store, S("ab-drop"), w->a));
    EXPECT_OK(w->store->ops->drop(w->store, S("ab-drop"), w->a));
    EXPECT_EQ(tally_growing(w).count, 0);
    EXPECT_EQ(traces(w), 0);
    char to[8];
    size_t n;
    EXPECT_OK(reader->ops->read_at(reader, 0, to, sizeof to, w->a, &n));
    EXPECT_SLICE(((slice){ to, n }), S("hello"));
    reader->ops->close(reader);
    struct blob_writer *writer;
    EXPECT_ERR(w->store->ops->grow(w->store, S("ab-drop"), 5, w->a, &writer), ERR_NOT_FOUND);
}

/* A connection that hangs may come back when its upload has gone on over another one. */
TEST(a_writer_that_was_left_behind_changes_nothing)
{
    struct world *w = *state;
    EXPECT_OK(try_append(w, S("ab-two"), 0, S("base,")));
    EXPECT_OK(try_append(w, S("ac-two"), 0, S("apart")));
    struct blob_writer *old = grow(w, S("ab-two"), 5), *other = grow(w, S("ac-two"), 5);
    EXPECT_OK(old->ops->write(old, S("stale stale"), w->a));
    struct blob_writer *new = grow(w, S("ab-two"), 5);
    EXPECT_OK(new->ops->write(new, S("fresh"), w->a));
    EXPECT_OK(new->ops->flush(new, w->a));
    EXPECT_ERR(old->ops->write(old, S("stale"), w->a), ERR_UNAVAILABLE);
    EXPECT_ERR(old->ops->flush(old, w->a), ERR_UNAVAILABLE);
    old->ops->discard(old);
    EXPECT_OK(new->ops->write(new, S("!"), w->a));
    EXPECT_OK(new->ops->flush(new, w->a));
    EXPECT_SLICE(get_growing(w, S("ab-two")), S("base,fresh!"));

    EXPECT_OK(settle(w, S("ab-two"), 11));
    EXPECT_ERR(new->ops->write(new, S("late"), w->a), ERR_UNAVAILABLE); /* a blob never changes */
    EXPECT_ERR(new->ops->flush(new, w->a), ERR_UNAVAILABLE);
    new->ops->discard(new);
    EXPECT_SLICE(get(w->store, S("ab-two"), w->a), S("base,fresh!"));

    EXPECT_OK(other->ops->write(other, S(" still"), w->a)); /* the writer of another key is not ended */
    EXPECT_OK(other->ops->flush(other, w->a));
    EXPECT_OK(w->store->ops->drop(w->store, S("ac-two"), w->a));
    EXPECT_ERR(other->ops->write(other, S("x"), w->a), ERR_UNAVAILABLE);
    other->ops->discard(other);
    EXPECT_EQ(tally_growing(w).count, 0);
}

static err_t drop_it(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    (void)size_bytes;
    (void)modified_ms;
    struct world *w = arg;
    return w->store->ops->drop(w->store, key, w->a);
}

TEST(each_growing_visits_every_growing_blob_and_no_blob)
{
    struct world *w = *state;
    int64_t before_ms = w->dir ? clock_now_ms(clock_system()) - 1000 : clock_now_ms(&w->clock.clock);
    EXPECT_OK(try_put(w->store, S("ab-blob"), S("blob"), w->a));
    for (unsigned i = 0; i < 50; i++)
        EXPECT_OK(try_append(w, arena_printf(w->a, "%02x-%u", i & 0xff, i), 0, noise(w->a, i, i)));
    struct tally t = tally_growing(w);
    EXPECT_EQ(t.count, 50);
    EXPECT_EQ(t.size_bytes, 50 * 49 / 2);
    EXPECT(t.oldest_ms >= before_ms);
    EXPECT_EQ(tally(w->store, w->a).count, 1);
    int seen = 0;
    EXPECT_ERR(w->store->ops->each_growing(w->store, w->a, stop_at_two, &seen), ERR_RATE);
    EXPECT_EQ(seen, 2);
    EXPECT_OK(w->store->ops->each_growing(w->store, w->a, drop_it, w));
    EXPECT_EQ(tally_growing(w).count, 0);
    EXPECT_EQ(traces(w), 1);
}

TEST(the_age_of_a_growing_blob_counts_from_its_last_write)
{
    struct world *w = *state;
    EXPECT_OK(try_append(w, S("ab-age"), 0, S("x")));
    int64_t now_ms = later_ms(w);
    EXPECT(tally_growing(w).oldest_ms < now_ms);
    EXPECT_OK(try_append(w, S("ab-age"), 1, S("y")));
    EXPECT(tally_growing(w).oldest_ms >= now_ms);
    EXPECT_OK(settle(w, S("ab-age"), 2));
    EXPECT(tally(w->store, w->a).oldest_ms >= now_ms);
}

TEST(an_upload_goes_on_after_the_store_was_opened_again)
{
    struct world *w = *state;
    slice bytes = noise(w->a, 7, 1000000);
    EXPECT_OK(try_append(w, S("ab-on"), 0, slice_part(bytes, 0, 400000)));
    struct blob_writer *writer = grow(w, S("ab-on"), 400000);
    EXPECT_OK(writer->ops->write(writer, noise(w->a, 8, 5000), w->a)); /* the process ends before the flush */
    writer->ops->discard(writer);
    world_reopen(w, 0);
    EXPECT_EQ(tally_growing(w).count, 1);
    EXPECT_EQ(tally(w->store, w->a).count, 0);
    EXPECT_OK(try_append(w, S("ab-on"), 400000, slice_from(bytes, 400000)));
    world_reopen(w, 0);
    EXPECT_SLICE(get_growing(w, S("ab-on")), bytes);
    EXPECT_OK(settle(w, S("ab-on"), bytes.n));
    world_reopen(w, 0);
    EXPECT_OK(settle(w, S("ab-on"), bytes.n));
    EXPECT_SLICE(get(w->store, S("ab-on"), w->a), bytes);
    EXPECT_EQ(traces(w), 1);
}

/* The process ended between the two names. */
TEST(settling_goes_on_when_both_names_are_there)
{
    struct world *w = *state;
    slice from = arena_printf(w->a, "%s/growing/ab-both", blobs_dir(w).p);
    slice to = arena_printf(w->a, "%s/ab/ab-both", blobs_dir(w).p);
    struct blob_writer *writer;
    for (int dropped = 0; dropped < 2; dropped++) {
        EXPECT_OK(try_append(w, S("ab-both"), 0, S("hello")));
        EXPECT_EQ(link(from.p, to.p), 0);
        EXPECT_ERR(w->store->ops->grow(w->store, S("ab-both"), 3, w->a, &writer), ERR_CONFLICT);
        EXPECT_ERR(settle(w, S("ab-both"), 3), ERR_CORRUPT); /* neither cuts a blob */
        if (dropped)
            EXPECT_OK(w->store->ops->drop(w->store, S("ab-both"), w->a));
        EXPECT_OK(settle(w, S("ab-both"), 5));
        EXPECT_SLICE(get(w->store, S("ab-both"), w->a), S("hello"));
        EXPECT_EQ(traces(w), 1);
        EXPECT_OK(w->store->ops->remove(w->store, S("ab-both"), w->a));
    }
}

TEST(foreign_files_among_growing_blobs_are_not_followed)
{
    struct world *w = *state;
    slice dir = arena_printf(w->a, "%s/growing", blobs_dir(w).p);
    EXPECT_EQ(symlink("/nowhere", arena_printf(w->a, "%s/ab-link", dir.p).p), 0);
    EXPECT_EQ(mkdir(arena_printf(w->a, "%s/ab-dir", dir.p).p, 0700), 0);
    EXPECT_EQ(mkdir(arena_printf(w->a, "%s/.hidden", dir.p).p, 0700), 0);
    struct blob_writer *writer;
    struct blob_reader *reader;
    EXPECT_ERR(w->store->ops->grow(w->store, S("ab-link"), 0, w->a, &writer), ERR_CORRUPT);
    EXPECT(w->store->ops->grow(w->store, S("ab-dir"), 0, w->a, &writer) != NULL);
    EXPECT_ERR(w->store->ops->open_growing(w->store, S("ab-link"), w->a, &reader), ERR_CORRUPT);
    EXPECT_ERR(w->store->ops->open_growing(w->store, S("ab-dir"), w->a, &reader), ERR_CORRUPT);
    EXPECT_EQ(tally_growing(w).count, 0);
    EXPECT(access("/nowhere", F_OK) != 0);
    EXPECT_EQ(rmdir(arena_printf(w->a, "%s/ab-dir", dir.p).p), 0);
    EXPECT_EQ(rmdir(arena_printf(w->a, "%s/.hidden", dir.p).p), 0);
    EXPECT_EQ(unlink(arena_printf(w->a, "%s/ab-link", dir.p).p), 0);
    EXPECT_EQ(rmdir(dir.p), 0); /* the volume went away */
    EXPECT_ERR(w->store->ops->grow(w->store, S("ab-x"), 0, w->a, &writer), ERR_UNAVAILABLE);
    EXPECT_ERR(w->store->ops->grow(w->store, S("ab-x"), 5, w->a, &writer), ERR_UNAVAILABLE);
    EXPECT_ERR(w->store->ops->drop(w->store, S("ab-x"), w->a), ERR_UNAVAILABLE);
}

/* What the record of an upload would hold. */
struct upload {
    slice bytes;
    uint64_t acknowledged;
};

/* Send the rest of the upload in pieces, and settle it. */
static err_t go_on(struct world *w, slice key, struct upload *u)
{
    while (u->acknowledged < u->bytes.n) {
        slice piece = slice_part(u->bytes, u->acknowledged, 30000);
        TRY(try_append(w, key, u->acknowledged, piece));
        u->acknowledged += piece.n;
    }
    slice back = S("");
    TRY(try_get_growing(w, key, &back));
    EXPECT_SLICE(back, u->bytes);
    struct tally t = { .a = w->a };
    TRY(w->store->ops->each_growing(w->store, w->a, tally_one, &t));
    TRY(settle(w, key, u->bytes.n));
    TRY(w->store->ops->drop(w->store, key, w->a));
    return NULL;
}

TEST(an_upload_goes_on_whichever_call_fails)
{
    struct world *w = *state;
    for (int lost = 0; lost < 2; lost++)
        for (int64_t nth = 1;; nth++) {
            slice key = arena_printf(w->a, "ab-%d-%d", lost, (int)nth);
            struct upload u = { .bytes = noise(w->a, (uint64_t)nth, 100000) };
            w->plan =
                (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = lost };
            err_t e = go_on(w, key, &u);
            bool clean = w->plan.calls < nth;
            w->plan.fail_at = 0;
            EXPECT_EQ(e == NULL, clean);
            if (!is_visible(w->store, key, w->a)) {
                EXPECT(u.acknowledged == 0 || slice_eq(slice_part(get_growing(w, key), 0, u.acknowledged),
                                                       slice_part(u.bytes, 0, u.acknowledged)));
                EXPECT_OK(go_on(w, key, &u));
            }
            EXPECT_OK(settle(w, key, u.bytes.n));
            EXPECT_SLICE(get(w->store, key, w->a), u.bytes);
            EXPECT_EQ(tally_growing(w).count, 0);
            EXPECT_OK(w->store->ops->remove(w->store, key, w->a));
            if (clean) {
                EXPECT_EQ(nth, 4 * 4 + 1 + 1 + 3 + 1); /* grow, 2 write, flush; open_growing, read_at; the rest; none */
                break;
            }
        }
}

TEST(nothing_counts_as_flushed_after_a_failed_write_or_flush)
{
    struct world *w = *state;
    for (int64_t nth = 1; nth <= 2; nth++) {
        slice key = arena_printf(w->a, "ab-failed-%d", (int)nth);
        EXPECT_OK(try_append(w, key, 0, S("kept")));
        struct blob_writer *writer = grow(w, key, 4);
        w->plan = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_NO_SPACE };
        err_t write = writer->ops->write(writer, S("lost"), w->a);
        err_t flush = writer->ops->flush(writer, w->a);
        EXPECT_ERR(flush, nth == 1 ? ERR_UNAVAILABLE : ERR_NO_SPACE);
        EXPECT_EQ(write != NULL, nth == 1);
        EXPECT_ERR(writer->ops->write(writer, S("x"), w->a), ERR_UNAVAILABLE);
        EXPECT_ERR(writer->ops->flush(writer, w->a), ERR_UNAVAILABLE);
        writer->ops->discard(writer);
        w->plan.fail_at = 0;
        EXPECT_SLICE(get_growing(w, key), S("kept"));
        EXPECT_OK(try_append(w, key, 4, S(" again")));
        EXPECT_SLICE(get_growing(w, key), S("kept again"));
    }
}

TEST(memory_forgets_what_was_not_flushed)
{
    struct world *w = *state;
    EXPECT_OK(try_append(w, S("ab-mem"), 0, S("flushed")));
    struct blob_writer *writer = grow(w, S("ab-mem"), 7);
    EXPECT_OK(writer->ops->write(writer, S(" not"), w->a));
    EXPECT_SLICE(get_growing(w, S("ab-mem")), S("flushed not"));
    writer->ops->discard(writer);
    EXPECT_SLICE(get_growing(w, S("ab-mem")), S("flushed"));
    EXPECT_ERR(settle(w, S("ab-mem"), 11), ERR_CORRUPT);
}

/* ---- growing blobs and threads ---- */

struct rival {
    struct world *world;
    pthread_mutex_t *record; /* guards *holder and *acknowledged, as a transaction would */
    int number, *holder;
    uint64_t *acknowledged;
    slice bytes;
    int takeovers, refusals, failures;
};

/* One turn: take the upload over, write on, and acknowledge if nobody else has taken it over meanwhile. */
static void take_turn(struct rival *me, struct arena *a)
{
    struct blob_store *store = me->world->store;
    pthread_mutex_lock(me->record);
    *me->holder = me->number;
    uint64_t offset = *me->acknowledged;
    pthread_mutex_unlock(me->record);
    me->takeovers++;
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    /* The offset may be behind: then a rival took over after us, and our writer must not cut off what it wrote. The
     * caller prevents that: it opens the writer while it holds the record. */
    pthread_mutex_lock(me->record);
    bool mine = *me->holder == me->number;
    err_t e = mine ? store->ops->grow(store, S("ab-rivals"), offset, a, &writer) : NULL;
    pthread_mutex_unlock(me->record);
    if (!mine)
        return;
    if (e) {
        me->failures++;
        return;
    }
    slice piece = slice_part(me->bytes, offset, 777);
    for (size_t at = 0; at < piece.n && !e; at += 100)
        e = writer->ops->write(writer, slice_part(piece, at, 100), a);
    if (!e)
        e = writer->ops->flush(writer, a);
    pthread_mutex_lock(me->record);
    mine = *me->holder == me->number;
    if (!e && mine)
        *me->acknowledged = offset + piece.n;
    pthread_mutex_unlock(me->record);
    me->refusals += e != NULL;
    me->failures += e && mine; /* only a takeover ends a writer */
}

static void *take_turns(void *arg)
{
    struct rival *me = arg;
    /* Rivals can take turns for ever. One of them stays until the end, in the end alone. */
    for (int i = 0; (i < 10000 || me->number == 1) && !me->failures; i++) {
        SCRATCH(a);
        pthread_mutex_lock(me->record);
        bool done = *me->acknowledged == me->bytes.n;
        pthread_mutex_unlock(me->record);
        if (done)
            break;
        take_turn(me, &a);
    }
    return NULL;
}

TEST(four_rivals_for_one_upload_never_change_acknowledged_bytes)
{
    struct world *w = *state;
    pthread_mutex_t record = PTHREAD_MUTEX_INITIALIZER;
    int holder = 0, refusals = 0, takeovers = 0;
    uint64_t acknowledged = 0;
    slice bytes = noise(w->a, 11, 30000);
    struct rival all[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        all[i] = (struct rival){ w, &record, i + 1, &holder, &acknowledged, bytes, 0, 0, 0 };
        EXPECT_EQ(pthread_create(&threads[i], NULL, take_turns, &all[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(all[i].failures, 0);
        refusals += all[i].refusals;
        takeovers += all[i].takeovers;
    }
    print_message("%d turns, %d of them ended by a rival\n", takeovers, refusals);
    EXPECT_EQ(acknowledged, bytes.n);
    EXPECT_OK(settle(w, S("ab-rivals"), bytes.n));
    EXPECT_SLICE(get(w->store, S("ab-rivals"), w->a), bytes);
    EXPECT_EQ(tally_growing(w).count, 0);
}

/* ---- what only a disk can suffer ---- */

static slice blob_of(struct arena *a, unsigned number, size_t *ret_size, slice *ret_key)
{
    *ret_size = 1000 + (size_t)number * 7919 % 400000;
    *ret_key = arena_printf(a, "%02x-%u", number * 37 & 0xff, number);
    return noise(a, number, *ret_size);
}

/* Commit blobs from `number` on until killed, and report each number when its blob is acknowledged. */
__attribute__((noreturn)) static void write_until_killed(struct world *w, unsigned number, int pipe_end)
{
    SCRATCH(opening);
    struct disk_options options = { .temporary_names = w->kind == DISK_NAMES };
    struct blob_store *store;
    if (blob_disk_open_with(blobs_dir(w).p, &options, &opening, &store))
        _exit(1);
    for (;; number++) {
        SCRATCH(a);
        slice key;
        size_t size;
        slice bytes = blob_of(&a, number, &size, &key);
        struct blob_writer *writer;
        if (store->ops->create(store, key, number % 2 ? size : 0, &a, &writer))
            _exit(2);
        for (size_t at = 0; at < size; at += 30011)
            if (writer->ops->write(writer, slice_part(bytes, at, 30011), &a))
                _exit(3);
        if (writer->ops->commit(writer, &a) || write(pipe_end, &number, sizeof number) != sizeof number)
            _exit(4);
    }
}

/* Kill a child some time after it acknowledged `acks` blobs; with 0, it may still be opening the store. Returns the first
 * number that it did not acknowledge. */
static unsigned round_of_killing(struct world *w, unsigned first, int acks, useconds_t after_us)
{
    int pipes[2];
    EXPECT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0)
        write_until_killed(w, first, pipes[1]);
    EXPECT(child > 0);
    close(pipes[1]);
    unsigned number, next = first;
    int status;
    bool more = true;
    while (more) {
        if (acks-- == 0) {
            usleep(after_us);
            kill(child, SIGKILL);
            EXPECT_EQ(waitpid(child, &status, 0), child);
            EXPECT(WIFSIGNALED(status));
        }
        more = read(pipes[0], &number, sizeof number) == sizeof number;
        if (more)
            EXPECT_EQ(number, next++);
    }
    EXPECT(acks < 0); /* otherwise the child ended by itself */
    close(pipes[0]);
    return next;
}

TEST(a_kill_at_any_time_keeps_acknowledged_blobs_and_leaves_nothing_else)
{
    struct world *w = *state;
    struct random_seeded r;
    random_seeded_init(&r, rounds_seed());
    unsigned next = 0;
    int expected = 0, in_flight = 0;
    world_close(w);
    const int kills = rounds(ROUNDS_blob_kills);
    for (int round = 0; round < kills; round++) {
        uint16_t numbers[2];
        random_fill(&r.random, numbers, sizeof numbers);
        unsigned first = next;
        next = round_of_killing(w, first, numbers[0] % 6, numbers[1] % 4000);
        world_open(w, 0);
        SCRATCH(a);
        slice key, back;
        size_t size;
        for (unsigned i = first; i < next; i++) {
            slice bytes = blob_of(&a, i, &size, &key);
            EXPECT_SLICE(get(w->store, key, &a), bytes);
        }
        /* The blob that was being committed may exist, and then it is complete. */
        expected += (int)(next - first);
        slice bytes = blob_of(&a, next, &size, &key);
        if (is_visible(w->store, key, &a)) {
            EXPECT_OK(try_get(w->store, key, &a, &back));
            EXPECT_SLICE(back, bytes);
            expected++;
            in_flight++;
            next++;
        }
        EXPECT_EQ(tally(w->store, &a).count, expected);
        EXPECT_EQ(traces(w), expected);
        world_close(w);
    }
    print_message("%u blobs over %d kills, %d of them between their name and their answer\n", next, kills, in_flight);
    EXPECT(next > (unsigned)kills);
    world_open(w, 0);
}

TEST(the_next_open_removes_temporary_files_of_a_dead_writer)
{
    struct world *w = *state;
    struct blob_writer *writer = begin(w->store, S("ab-x"), 0, w->a);
    EXPECT_OK(writer->ops->write(writer, S("x"), w->a));
    EXPECT_EQ(traces(w), 1);
    EXPECT_EQ(tally(w->store, w->a).count, 0);
    struct blob_store *dead = w->store; /* a second store on the directory represents the restarted server */
    world_open(w, 0);
    EXPECT_EQ(traces(w), 0);
    EXPECT_ERR(blob_writer_commit(&writer, w->a), ERR_UNAVAILABLE); /* its file is gone: UNAVAILABLE, not NOT_FOUND */
    dead->ops->close_store(dead);
}

TEST(foreign_files_in_a_shard_are_not_followed)
{
    struct world *w = *state;
    EXPECT_OK(try_put(w->store, S("ab-real"), S("real"), w->a));
    slice dir = blobs_dir(w), shard = arena_printf(w->a, "%s/ab", dir.p);
    EXPECT_EQ(symlink("/etc/passwd", arena_printf(w->a, "%s/ab-link", shard.p).p), 0);
    EXPECT_EQ(symlink("ab-real", arena_printf(w->a, "%s/ab-near", shard.p).p), 0);
    EXPECT_EQ(symlink("/nowhere", arena_printf(w->a, "%s/ab-dangling", shard.p).p), 0);
    EXPECT_EQ(mkfifo(arena_printf(w->a, "%s/ab-fifo", shard.p).p, 0600), 0);
    EXPECT_EQ(mkdir(arena_printf(w->a, "%s/ab-dir", shard.p).p, 0700), 0);
    static const char *const planted[] = { "ab-link", "ab-near", "ab-dangling", "ab-fifo", "ab-dir" };
    for (size_t i = 0; i < LENGTH_OF(planted); i++) {
        struct blob_reader *r;
        EXPECT_ERR(w->store->ops->open(w->store, slice_of(planted[i]), w->a, &r), ERR_CORRUPT);
        EXPECT_ERR(try_put(w->store, slice_of(planted[i]), S("mine"), w->a), ERR_CONFLICT);
    }
    EXPECT_EQ(tally(w->store, w->a).count, 1);
    EXPECT(access("/nowhere", F_OK) != 0);

    /* A shard that is a link elsewhere would put bytes outside DIR. */
    world_close(w);
    slice other = arena_printf(w->a, "%s/cd", dir.p);
    EXPECT_EQ(rmdir(other.p), 0);
    EXPECT_EQ(symlink(w->dir, other.p), 0);
    EXPECT(blob_disk_open(dir.p, false, w->a, &w->store) != NULL);
    EXPECT_EQ(unlink(other.p), 0);
    world_open(w, 0);
}

TEST(a_truncated_blob_is_corrupt_and_a_lost_directory_is_unavailable)
{
    struct world *w = *state;
    EXPECT_OK(try_put(w->store, S("ab-cut"), S("0123456789"), w->a));
    struct blob_reader *r;
    EXPECT_OK(w->store->ops->open(w->store, S("ab-cut"), w->a, &r));
    slice path = arena_printf(w->a, "%s/ab/ab-cut", blobs_dir(w).p);
    EXPECT_EQ(truncate(path.p, 4), 0);
    char to[10];
    size_t n;
    EXPECT_ERR(r->ops->read_at(r, 0, to, 10, w->a, &n), ERR_CORRUPT);
    EXPECT_OK(r->ops->read_at(r, 0, to, 4, w->a, &n));
    r->ops->close(r);

    EXPECT_EQ(unlink(path.p), 0);
    EXPECT_EQ(rmdir(arena_printf(w->a, "%s/ab", blobs_dir(w).p).p), 0);
    EXPECT_ERR(w->store->ops->open(w->store, S("ab-cut"), w->a, &r), ERR_UNAVAILABLE);
    EXPECT_ERR(w->store->ops->remove(w->store, S("ab-cut"), w->a), ERR_UNAVAILABLE);
    EXPECT_ERR(try_put(w->store, S("ab-cut"), S("x"), w->a), ERR_UNAVAILABLE);
}

/* The kinds of store that a case applies to. The others are left out here and not skipped: a skip means that this machine
 * cannot run a test. */
enum {
    ON_DISK = 1 << DISK | 1 << DISK_NAMES,
    WITH_NAMES = 1 << DISK_NAMES,
    WITH_FAULTS = 1 << FAULT,
    IN_MEMORY = 1 << MEM | 1 << FAULT,
    ON_ALL = (1 << KINDS) - 1,
};

#define CASE_OF(kinds, test)                                                                                           \
    {                                                                                                                  \
#test, test, kinds                                                                                             \
    }
#define CASE(test) CASE_OF(ON_ALL, test)
static const struct {
    const char *name;
    CMUnitTestFunction run;
    unsigned kinds;
} cases[] = {
    CASE(a_blob_is_invisible_before_its_commit),
    CASE(a_discarded_writer_leaves_no_trace),
    CASE(a_commit_that_conflicts_keeps_the_old_bytes),
    CASE(the_first_of_two_writers_of_one_key_to_commit_wins),
    CASE(a_blob_may_be_empty),
    CASE(five_mebibytes_are_read_as_they_were_written),
    CASE(a_wrong_size_hint_changes_nothing),
    CASE(read_at_stops_at_the_end),
    CASE(a_descriptor_reads_the_same_bytes),
    CASE(an_open_reader_reads_on_after_the_removal),
    CASE(removing_an_absent_blob_succeeds),
    CASE(an_invalid_key_names_no_blob),
    CASE(keys_that_differ_in_the_last_character_name_different_blobs),
    CASE(each_visits_every_blob_and_stops_at_an_error_of_the_visitor),
    CASE(the_age_of_a_blob_counts_from_its_commit),
    CASE_OF(ON_DISK, committed_blobs_exist_after_reopening),
    CASE(eight_threads_commit_at_once_and_each_key_has_one_winner),
    CASE(a_full_store_reports_no_space_and_works_again_when_there_is_room),
    CASE(a_memory_store_without_capacity_never_fills),
    CASE_OF(WITH_FAULTS, a_blob_is_complete_or_absent_whichever_call_fails),
    CASE_OF(WITH_FAULTS, a_failed_write_cannot_be_committed),
    CASE(a_growing_blob_is_no_blob_until_it_is_settled),
    CASE(bytes_beyond_the_acknowledged_offset_are_cut_off),
    CASE(an_offset_that_the_growing_blob_does_not_reach_is_refused),
    CASE(settling_twice_succeeds_and_another_size_does_not),
    CASE(an_empty_growing_blob_becomes_an_empty_blob),
    CASE(a_dropped_growing_blob_leaves_no_trace),
    CASE(a_writer_that_was_left_behind_changes_nothing),
    CASE(each_growing_visits_every_growing_blob_and_no_blob),
    CASE(the_age_of_a_growing_blob_counts_from_its_last_write),
    CASE_OF(ON_DISK, an_upload_goes_on_after_the_store_was_opened_again),
    CASE_OF(ON_DISK, settling_goes_on_when_both_names_are_there),
    CASE_OF(ON_DISK, foreign_files_among_growing_blobs_are_not_followed),
    CASE_OF(WITH_FAULTS, an_upload_goes_on_whichever_call_fails),
    CASE_OF(WITH_FAULTS, nothing_counts_as_flushed_after_a_failed_write_or_flush),
    CASE_OF(IN_MEMORY, memory_forgets_what_was_not_flushed),
    CASE(four_rivals_for_one_upload_never_change_acknowledged_bytes),
    CASE_OF(ON_DISK, a_kill_at_any_time_keeps_acknowledged_blobs_and_leaves_nothing_else),
    CASE_OF(WITH_NAMES, the_next_open_removes_temporary_files_of_a_dead_writer),
    CASE_OF(ON_DISK, foreign_files_in_a_shard_are_not_followed),
    CASE_OF(ON_DISK, a_truncated_blob_is_corrupt_and_a_lost_directory_is_unavailable),
};

int main(void)
{
    int failed = 0;
    for (enum store_kind kind = 0; kind < KINDS; kind++) {
        struct CMUnitTest tests[LENGTH_OF(cases)];
        size_t n = 0;
        for (size_t i = 0; i < LENGTH_OF(cases); i++)
            if (cases[i].kinds & 1u << kind)
                tests[n++] = (struct CMUnitTest){ cases[i].name, cases[i].run, setup, teardown, &kind };
        /* the macro around it counts a whole array only */
        failed += _cmocka_run_group_tests(kind_names[kind], tests, n, NULL, NULL);
    }
    return failed != 0;
}
