/* SPDX-License-Identifier: Apache-2.0 */
/* What only happens to a dataset store with files: kills, damage, full disks, many tables, copies. */
#include "dataset_fixture.h"
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/dir.h"
#include "base/random.h"
#include "dataset/duckdb/compile.h"
#include "dataset/duckdb/database.h"
#include "dataset/duckdb/duckdb_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const spec = "n int64, s string";

static slice file_path(struct dataset_world *w, int64_t id)
{
    return arena_printf(w->a, "%s/datasets/%lld.duckdb", w->dir, (long long)id);
}

static slice rows_of(struct dataset_world *w, int64_t id)
{
    struct ask k = ask_new(w);
    ask_columns(&k, "n s");
    return ask_answer(&k, id);
}

static err_t try_count(struct dataset_world *w, int64_t id, struct arena *a, uint64_t *ret)
{
    static const struct column_list columns;
    struct row_item item = { .aggregate = ROW_COUNT_ROWS, .type = COLUMN_UINT64 };
    struct row_query q = { .columns = &columns, .items = &item, .item_count = 1, .is_grouped = true, .limit = 1 };
    SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
    const struct cell *cells;
    size_t count;
    TRY(w->store->ops->query(w->store, id, &q, 0, a, &cursor));
    TRY(cursor->ops->next(cursor, a, &cells, &count));
    *ret = cells[0].natural;
    return NULL;
}

static uint64_t count_of(struct dataset_world *w, int64_t id)
{
    uint64_t rows = 0;
    EXPECT_OK(try_count(w, id, w->a, &rows));
    return rows;
}

static void close_store(struct dataset_world *w)
{
    if (w->store)
        w->store->ops->close_store(w->store);
    w->store = NULL;
}

static void open_store(struct dataset_world *w, const struct dataset_duckdb_options *options)
{
    EXPECT_OK(
        dataset_duckdb_open(arena_printf(w->a, "%s/datasets", w->dir).p, options, &w->clock.clock, w->a, &w->store));
}

static int count_entries(struct dataset_world *w, const char *folder)
{
    SCOPED(dir_closep) DIR *dir = opendir(folder[0] == '/' ? folder : arena_printf(w->a, "%s/%s", w->dir, folder).p);
    int n = 0;
    EXPECT(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    return n;
}

/* ---- what stays ---- */

TEST(committed_rows_exist_after_reopening)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "n int64");
    dataset_add(w, 1, 1, "1");
    dataset_reopen(w);
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 2, "2|b");
    struct dataset_writer *writer = dataset_begin(w, 1, 3);
    dataset_write(w, writer, "3|c");
    writer->ops->discard(writer);
    dataset_reopen(w);
    EXPECT_SLICE(rows_of(w, 1), S("1|-;2|b"));
    EXPECT_ERR(dataset_try_add(w, 1, 2, "2|b"), ERR_CONFLICT);
    dataset_add(w, 1, 3, "4|d");
    EXPECT_SLICE(rows_of(w, 1), S("1|-;2|b;4|d"));
    EXPECT_OK(w->store->ops->verify(w->store, 1, w->a));
}

TEST(files_are_for_their_owner_alone)
{
    struct dataset_world *w = *state;
    struct stat st;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    EXPECT_EQ(stat(arena_printf(w->a, "%s/datasets", w->dir).p, &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0700);
    EXPECT_EQ(stat(file_path(w, 1).p, &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    EXPECT_EQ(stat(arena_printf(w->a, "%s.wal", file_path(w, 1).p).p, &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
}

/* ---- kills ---- */

/* How many rows file i has: mostly few, sometimes so many that they do not go through the log. */
static size_t rows_of_file(int64_t i)
{
    return i % 7 == 3 ? 130000 : (size_t)(i % 5) * 700;
}

/* Adds files i, i + 1 … and writes the number of each that was committed to the pipe. */
static void add_until_killed(struct dataset_world *w, int64_t i, int to)
{
    struct cell *cells = must_malloc(1000 * sizeof *cells);
    open_store(w, NULL);
    for (;; i++) {
        SCRATCH(a);
        struct dataset_writer *writer;
        size_t left = rows_of_file(i);
        for (size_t c = 0; c < 1000; c++)
            cells[c].integer = i;
        if (w->store->ops->open(w->store, 1, i, &a, &writer))
            _exit(1);
        for (size_t n; left; left -= n) {
            n = left < 1000 ? left : 1000;
            if (writer->ops->add(writer, cells, n, &a))
                _exit(2);
        }
        if (writer->ops->commit(writer, &a) || write(to, &i, sizeof i) != sizeof i)
            _exit(3);
    }
}

/* Starts a process that adds files from `next` on, kills it after `acks` acknowledgements and a while, and returns the first number
 * that was not acknowledged. */
static int64_t add_and_kill(struct dataset_world *w, int64_t next, int acks, long wait_us)
{
    int pipe_fds[2];
    EXPECT_EQ(pipe(pipe_fds), 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        close(pipe_fds[0]);
        add_until_killed(w, next, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    int64_t number;
    while (acks-- > 0 && read(pipe_fds[0], &number, sizeof number) == sizeof number)
        next = number + 1;
    usleep((useconds_t)wait_us);
    kill(child, SIGKILL);
    while (read(pipe_fds[0], &number, sizeof number) == sizeof number)
        next = number + 1;
    int status;
    waitpid(child, &status, 0);
    close(pipe_fds[0]);
    EXPECT(WIFSIGNALED(status));
    return next;
}

struct kept {
    struct dataset_world *w;
    int64_t files;
    uint64_t rows;
};

/* Each file is there as a whole. */
static err_t check_file(void *arg, int64_t file_id, uint64_t rows)
{
    struct kept *k = arg;
    EXPECT_EQ(file_id, k->files + 1);
    EXPECT_EQ(rows, rows_of_file(file_id));
    k->files++;
    k->rows += rows;
    struct ask q = ask_new(k->w);
    ask_item(&q, ROW_COUNT_ROWS, NULL);
    ask_where(&q, ask_test(&q, ROW_EQ, ask_column(&q, "n"), arena_printf(k->w->a, "%lld", (long long)file_id).p));
    EXPECT_SLICE(ask_answer(&q, 1), arena_printf(k->w->a, "%llu", (unsigned long long)rows));
    return NULL;
}

TEST(a_kill_at_any_time_keeps_acknowledged_files_and_no_part_of_others)
{
    struct dataset_world *w = *state;
    struct random_seeded r;
    random_seeded_init(&r, rounds_seed());
    dataset_define(w, 1, "n int64");
    int64_t next = 1, unanswered = 0;
    const int kills = rounds(ROUNDS_dataset_kills);
    for (int round = 0; round < kills; round++) {
        uint16_t numbers[2];
        random_fill(&r.random, numbers, sizeof numbers);
        close_store(w);
        next = add_and_kill(w, next, numbers[0] % 5, numbers[1] % 30000);
        open_store(w, NULL);
        EXPECT_OK(w->store->ops->verify(w->store, 1, w->a));
        struct kept k = { .w = w };
        EXPECT_OK(w->store->ops->each_file(w->store, 1, w->a, check_file, &k));
        /* The file that was being committed may be there. */
        EXPECT(k.files == next - 1 || k.files == next);
        EXPECT_EQ(count_of(w, 1), k.rows);
        unanswered += k.files == next;
        next = k.files + 1;
    }
    print_message("%lld files over %d kills, %lld of them between their commit and their answer\n", (long long)next - 1,
                  kills, (long long)unanswered);
    EXPECT(next > kills / 2);
}

TEST(what_a_killed_process_left_is_removed)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    close_store(w);
    static const char *const left[] = { "7.new", "7.new.wal", "1.duckdb.tmp/duckdb_temp_storage-0.tmp" };
    mkdir(arena_printf(w->a, "%s/datasets/1.duckdb.tmp", w->dir).p, 0700);
    for (size_t i = 0; i < LENGTH_OF(left); i++) {
        int fd = open(arena_printf(w->a, "%s/datasets/%s", w->dir, left[i]).p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        EXPECT(fd >= 0 && write(fd, "left", 4) == 4);
        close(fd);
    }
    open_store(w, NULL);
    EXPECT_EQ(count_entries(w, "datasets"), 1);
    EXPECT_SLICE(rows_of(w, 1), S("1|a"));
}

TEST(a_symbolic_link_in_place_of_what_duckdb_spills_emptied_another_folder)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    close_store(w);
    const char *other = arena_printf(w->a, "%s/other", w->dir).p, *kept = arena_printf(w->a, "%s/kept", other).p;
    const char *spilled = arena_printf(w->a, "%s/datasets/1.duckdb.tmp", w->dir).p;
    EXPECT_EQ(mkdir(other, 0700), 0);
    EXPECT_EQ(mkdir(kept, 0700), 0);
    int fd = open(arena_printf(w->a, "%s/file", other).p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    close(fd);
    for (int removes = 0; removes < 2; removes++) {
        EXPECT_EQ(symlink(other, spilled), 0);
        if (!removes)
            open_store(w, NULL);
        else
            EXPECT_OK(w->store->ops->remove(w->store, 1, w->a));
        EXPECT_EQ(count_entries(w, "other"), 2);
        EXPECT_EQ(access(spilled, F_OK), -1);
    }
}

/* A log that outlived its database, by a kill in the middle of remove, is not applied to the next one of that id. */
TEST(the_log_of_a_removed_table_is_not_applied_to_another)
{
    struct dataset_world *w = *state;
    slice log = arena_printf(w->a, "%s.wal", file_path(w, 1).p), kept = arena_printf(w->a, "%s/kept", w->dir);
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    EXPECT_EQ(link(log.p, kept.p), 0);
    EXPECT_OK(w->store->ops->remove(w->store, 1, w->a));
    EXPECT_EQ(rename(kept.p, log.p), 0);
    dataset_define(w, 1, spec);
    EXPECT_SLICE(rows_of(w, 1), S(""));
    dataset_reopen(w);
    EXPECT_SLICE(rows_of(w, 1), S(""));
}

/* ---- damage ---- */

static void overwrite(struct dataset_world *w, int64_t id, off_t at, size_t size)
{
    int fd = open(file_path(w, id).p, O_WRONLY | O_CLOEXEC);
    char *bytes = arena_alloc(w->a, size);
    memset(bytes, 0x5a, size);
    EXPECT(fd >= 0 && pwrite(fd, bytes, size, at) == (ssize_t)size);
    close(fd);
}

TEST(a_damaged_table_is_named_and_leaves_others_alone)
{
    struct dataset_world *w = *state;
    static const struct {
        off_t at, size; /* size 0: the file is cut there */
    } damages[] = { { 0, 0 },  { 100, 0 },   { 20000, 0 },   { 0, 16 },
                    { 8, 64 }, { 0, 13000 }, { 4096, 8192 }, { 12288, 300000 } };
    dataset_define(w, 100, spec);
    dataset_add(w, 100, 1, "1|a");
    for (size_t i = 0; i < LENGTH_OF(damages); i++) {
        int64_t id = (int64_t)i + 1;
        dataset_define(w, id, spec);
        dataset_add(w, id, 1, "1|a;2|b");
        dataset_reopen(w); /* the rows are in the file, and the file is closed */
        if (damages[i].size)
            overwrite(w, id, damages[i].at, (size_t)damages[i].size);
        else
            EXPECT_EQ(truncate(file_path(w, id).p, damages[i].at), 0);
        err_t e = w->store->ops->verify(w->store, id, w->a);
        if (!err_is(e, ERR_CORRUPT))
            fail_msg("damage %zu: %s", i, e ? err_text(w->a, e).p : "no error");
        EXPECT(slice_find(err_text(w->a, e), arena_printf(w->a, "%lld.duckdb", (long long)id)) != SLICE_NONE);
        EXPECT_ERR(dataset_try_add(w, id, 2, "3|c"), ERR_CORRUPT);
        EXPECT_SLICE(rows_of(w, 100), S("1|a"));
    }
    for (size_t i = 0; i < LENGTH_OF(damages); i++)
        EXPECT_OK(w->store->ops->remove(w->store, (int64_t)i + 1, w->a));
    EXPECT_EQ(count_entries(w, "datasets"),
              1 + (access(arena_printf(w->a, "%s.wal", file_path(w, 100).p).p, F_OK) == 0));
}

/* Rows in the middle of the file: they are found when they are read. */
TEST(damaged_rows_are_corrupt_when_they_are_read)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    struct cell cells[2000];
    struct random_seeded r;
    random_seeded_init(&r, 1);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < 1000; i++) {
            uint64_t n;
            random_fill(&r.random, &n, sizeof n);
            cells[2 * i] = (struct cell){ .integer = (int64_t)n };
            cells[2 * i + 1] = (struct cell){ .text = S("text") };
        }
        EXPECT_OK(writer->ops->add(writer, cells, 1000, w->a));
    }
    EXPECT_OK(writer->ops->commit(writer, w->a));
    dataset_reopen(w);
    EXPECT_OK(w->store->ops->verify(w->store, 1, w->a));
    dataset_reopen(w);
    struct stat st;
    EXPECT_EQ(stat(file_path(w, 1).p, &st), 0);
    for (off_t at = 12288 + 262144; at + 262144 <= st.st_size; at += 262144)
        overwrite(w, 1, at + 5000, 100);
    EXPECT_ERR(w->store->ops->verify(w->store, 1, w->a), ERR_CORRUPT);
    struct ask k = ask_new(w);
    ask_item(&k, ROW_SUM, ask_call(&k, ROW_LENGTH, ask_column(&k, "s")));
    ask_item(&k, ROW_MAX, ask_column(&k, "n"));
    slice text;
    EXPECT_ERR(ask_try(&k, 1, &text), ERR_CORRUPT);
}

/* ---- space ---- */

static bool mount_small_volume(struct dataset_world *w)
{
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return false;
    return mount("tmpfs", w->dir, "tmpfs", 0, "size=12m,mode=0700") == 0;
}

/* A thousand rows that cannot be compressed. */
static err_t add_noise(struct dataset_writer *writer, struct random_seeded *r, struct arena *ret_a)
{
    SCRATCH(a);
    struct cell *cells = arena_array(&a, struct cell, 2000);
    char *noise = arena_alloc(&a, 1000 * 100);
    random_fill(&r->random, noise, 1000 * 100);
    for (size_t i = 0; i < 1000 * 100; i++)
        noise[i] = (char)(' ' + ((unsigned char)noise[i] & 0x3f));
    for (size_t i = 0; i < 1000; i++)
        cells[2 * i + 1].text = (slice){ noise + 100 * i, 100 };
    return err_copy(ret_a, writer->ops->add(writer, cells, 1000, &a));
}

/* Adds rows of noise until they do not fit. Returns the error. */
static err_t fill(struct dataset_world *w, int64_t id, int64_t file_id, int rounds_of_rows)
{
    struct random_seeded r;
    struct dataset_writer *writer;
    random_seeded_init(&r, (uint64_t)file_id);
    TRY(w->store->ops->open(w->store, id, file_id, w->a, &writer));
    for (int round = 0; round < rounds_of_rows; round++) {
        err_t e = add_noise(writer, &r, w->a);
        if (e) {
            writer->ops->discard(writer);
            return e;
        }
    }
    return writer->ops->commit(writer, w->a);
}

/* The table and its log; whatever else a database writes beside them comes out of this count, and only makes it smaller. */
static int64_t bytes_on_disk(struct dataset_world *w, int64_t id)
{
    struct stat st = { 0 };
    int64_t bytes = stat(file_path(w, id).p, &st) ? 0 : st.st_size;
    const char *log = arena_printf(w->a, "%s.wal", file_path(w, id).p).p;
    return bytes + (stat(log, &st) ? 0 : st.st_size);
}

TEST(no_more_rows_wait_for_the_commit_than_the_store_says)
{
    enum { ROUNDS = 600, ROW = 102 };
    struct dataset_world *w = *state;
    struct random_seeded r;
    random_seeded_init(&r, 1);
    dataset_define(w, 1, spec);
    int64_t before = bytes_on_disk(w, 1);
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    for (int64_t added = 1000; added <= ROUNDS * 1000; added += 1000) {
        EXPECT_OK(add_noise(writer, &r, w->a));
        int64_t written = (bytes_on_disk(w, 1) - before) / ROW;
        EXPECT(added - written <= DATASET_UNWRITTEN_ROWS);
    }
    writer->ops->discard(writer);
}

TEST(a_full_disk_keeps_every_file_whole_and_is_over_when_there_is_room)
{
    struct dataset_world *w = *state;
    close_store(w);
    if (!mount_small_volume(w)) {
        open_store(w, NULL);
        skip();
    }
    open_store(w, NULL);
    dataset_define(w, 1, spec);
    dataset_define(w, 2, spec);
    EXPECT_OK(fill(w, 2, 1, 20));
    dataset_add(w, 1, 1, "1|a");
    /* Once so much that it does not fit while it is added, once that it does not fit into the log. */
    EXPECT_ERR(fill(w, 1, 2, 300), ERR_NO_SPACE);
    EXPECT_EQ(count_of(w, 1), 1);
    EXPECT_ERR(fill(w, 1, 2, 110), ERR_NO_SPACE);
    EXPECT_EQ(count_of(w, 1), 1);
    err_t e = NULL;
    int64_t files = 1;
    while (!e)
        e = fill(w, 1, files + 1, 3), files += !e;
    EXPECT_ERR(e, ERR_NO_SPACE);
    EXPECT_EQ(count_of(w, 1), 1 + 3000 * ((uint64_t)files - 1));
    dataset_reopen(w);
    EXPECT_EQ(count_of(w, 1), 1 + 3000 * ((uint64_t)files - 1));
    EXPECT_OK(w->store->ops->verify(w->store, 1, w->a));
    EXPECT_OK(w->store->ops->remove(w->store, 2, w->a));
    EXPECT_OK(fill(w, 1, files + 1, 3));
    EXPECT_EQ(count_of(w, 1), 1 + 3000 * (uint64_t)files);
    close_store(w);
    umount2(w->dir, MNT_DETACH);
    open_store(w, NULL);
}

TEST(a_query_that_needs_too_much_memory_is_too_large)
{
    struct dataset_world *w = *state;
    close_store(w);
    open_store(w, &(struct dataset_duckdb_options){ .memory_bytes = (size_t)24 << 20, .temp_bytes = (size_t)1 << 20 });
    dataset_define(w, 1, spec);
    for (int64_t file = 1; file <= 10; file++)
        EXPECT_OK(fill(w, 1, file, 40));
    struct ask k = ask_new(w);
    ask_item(&k, ROW_COUNT_DISTINCT, ask_column(&k, "s"));
    slice text;
    EXPECT_ERR(ask_try(&k, 1, &text), ERR_TOO_LARGE);
    EXPECT_EQ(count_of(w, 1), 400000);
    close_store(w);
    open_store(w, &(struct dataset_duckdb_options){ .memory_bytes = (size_t)64 << 20 });
    struct ask sorted = ask_new(w); /* with temporary files */
    ask_item(&sorted, ROW_PLAIN, ask_call(&sorted, ROW_LENGTH, ask_column(&sorted, "s")));
    ask_order(&sorted, ask_column(&sorted, "s"), false);
    sorted.offset = 399999;
    EXPECT_ANSWER(&sorted, 1, "100");
    close_store(w);
    EXPECT_EQ(count_entries(w, "datasets"), 1);
    open_store(w, NULL);
}

static void one_text_for_2048_rows(struct dataset_world *w, size_t length)
{
    char *text = arena_alloc(w->a, length);
    memset(text, 'a', length);
    struct cell cells[2] = { { .integer = 1 }, { .text = { text, length } } };
    dataset_define(w, 1, spec);
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    for (int i = 0; i < 2048; i++)
        EXPECT_OK(writer->ops->add(writer, cells, 1, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
}

/* 20 KB in each row, 200 times: DuckDB took 8 GB, whatever its limit. */
TEST(texts_of_a_result_and_of_functions_took_memory_without_limit)
{
    static const enum row_function functions[] = { ROW_COLUMN, ROW_LOWER, ROW_UPPER, ROW_TRIM };
    struct dataset_world *w = *state;
    one_text_for_2048_rows(w, 20000);
    for (size_t f = 0; f < LENGTH_OF(functions); f++) {
        for (uint64_t limit = 5; limit <= 10000; limit += 9995) {
            struct ask k = ask_new(w);
            slice text;
            for (int i = 0; i < ROW_ITEMS_MAX; i++)
                ask_item(&k, ROW_PLAIN, f ? ask_call(&k, functions[f], ask_column(&k, "s")) : ask_column(&k, "s"));
            k.limit = limit;
            if (limit > 5)
                EXPECT_ERR(ask_try(&k, 1, &text), ERR_TOO_LARGE);
            else
                EXPECT_OK(ask_try(&k, 1, &text));
        }
    }
    struct ask k = ask_new(w);
    ask_item(&k, ROW_COUNT_ROWS, NULL);
    struct query_condition parts[200];
    for (size_t i = 0; i < LENGTH_OF(parts); i++)
        parts[i] = ask_test(&k, ROW_NE, ask_call(&k, functions[1 + i % 3], ask_column(&k, "s")),
                            arena_printf(w->a, "%zu", i).p);
    ask_where(&k, ask_join(&k, ROW_ALL, parts, LENGTH_OF(parts)));
    slice text;
    EXPECT_ERR(ask_try(&k, 1, &text), ERR_TOO_LARGE);
}

TEST(rows_whose_texts_do_not_fit_into_memory_are_too_large)
{
    struct dataset_world *w = *state;
    close_store(w);
    open_store(w, &(struct dataset_duckdb_options){ .memory_bytes = (size_t)32 << 20 });
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    char *text = arena_alloc(w->a, (size_t)1 << 20);
    struct random_seeded r;
    random_seeded_init(&r, 1);
    random_fill(&r.random, text, (size_t)1 << 20);
    for (size_t i = 0; i < (size_t)1 << 20; i++)
        text[i] = (char)(' ' + ((unsigned char)text[i] & 0x3f));
    struct cell cells[2] = { { .integer = 1 }, { .text = { text, (size_t)1 << 20 } } };
    struct dataset_writer *writer = dataset_begin(w, 1, 2);
    err_t e = NULL;
    for (int i = 0; i < 100 && !e; i++)
        e = writer->ops->add(writer, cells, 1, w->a);
    if (!e)
        e = writer->ops->commit(writer, w->a);
    else
        writer->ops->discard(writer);
    EXPECT_ERR(e, ERR_TOO_LARGE);
    EXPECT_SLICE(rows_of(w, 1), S("1|a"));
    writer = dataset_begin(w, 1, 2);
    for (int i = 0; i < 5; i++)
        EXPECT_OK(writer->ops->add(writer, cells, 1, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    EXPECT_EQ(count_of(w, 1), 6);
    EXPECT_OK(w->store->ops->verify(w->store, 1, w->a));
}

/* ---- many tables ---- */

TEST(many_tables_hold_few_descriptors)
{
    struct dataset_world *w = *state;
    enum { TABLES = 40 };
    int before = count_entries(w, "/proc/self/fd");
    for (int64_t id = 1; id <= TABLES; id++) {
        dataset_define(w, id, spec);
        dataset_add(w, id, 1, "1|a");
    }
    for (int64_t id = 1; id <= TABLES; id++)
        EXPECT_SLICE(rows_of(w, id), S("1|a"));
    EXPECT(count_entries(w, "/proc/self/fd") <= before + 8);
}

/* Each of them may be in use: no limit makes a caller wait for another. */
TEST(more_tables_than_stay_open_are_used_at_once)
{
    struct dataset_world *w = *state;
    enum { TABLES = 8 };
    struct dataset_writer *writers[TABLES];
    for (int i = 0; i < TABLES; i++) {
        dataset_define(w, i + 1, spec);
        writers[i] = dataset_begin(w, i + 1, 1);
    }
    for (int i = 0; i < TABLES; i++) {
        dataset_write(w, writers[i], "1|a");
        EXPECT_OK(writers[i]->ops->commit(writers[i], w->a));
        EXPECT_SLICE(rows_of(w, i + 1), S("1|a"));
    }
}

/* ---- copies ---- */

TEST(a_backup_has_what_was_committed_when_it_was_made)
{
    struct dataset_world *w = *state;
    slice copy = arena_printf(w->a, "%s/copy", w->dir);
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    dataset_reopen(w); /* some rows are in the file, and some in its log */
    dataset_add(w, 1, 2, "2|b");
    struct dataset_writer *writer = dataset_begin(w, 1, 3);
    dataset_write(w, writer, "3|c");
    EXPECT_OK(w->store->ops->backup(w->store, 1, copy.p, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    EXPECT_ERR(w->store->ops->backup(w->store, 1, copy.p, w->a), ERR_CONFLICT);
    EXPECT_ERR(w->store->ops->restore(w->store, 1, copy.p, w->a), ERR_CONFLICT);
    EXPECT_OK(w->store->ops->restore(w->store, 2, copy.p, w->a));
    EXPECT_SLICE(rows_of(w, 2), S("1|a;2|b"));
    EXPECT_SLICE(rows_of(w, 1), S("1|a;2|b;3|c"));
    EXPECT_ERR(dataset_try_add(w, 2, 2, "2|b"), ERR_CONFLICT);
    dataset_add(w, 2, 3, "9|x");
    dataset_define(w, 2, "n int64, s string, later bool");
    EXPECT_EQ(count_entries(w, "."), 2); /* the copy has no log beside it */
    EXPECT_ERR(w->store->ops->backup(w->store, 7, arena_printf(w->a, "%s/none", w->dir).p, w->a), ERR_NOT_FOUND);
}

TEST(many_rows_are_copied_while_more_are_added)
{
    struct dataset_world *w = *state;
    slice copy = arena_printf(w->a, "%s/copy", w->dir);
    dataset_define(w, 1, spec);
    EXPECT_OK(fill(w, 1, 1, 150));
    struct dataset_writer *writer = dataset_begin(w, 1, 2);
    struct cell cells[2000] = { 0 };
    for (int i = 0; i < 200; i++)
        EXPECT_OK(writer->ops->add(writer, cells, 1000, w->a));
    EXPECT_OK(w->store->ops->backup(w->store, 1, copy.p, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    EXPECT_OK(w->store->ops->restore(w->store, 2, copy.p, w->a));
    EXPECT_OK(w->store->ops->verify(w->store, 2, w->a));
    EXPECT_EQ(count_of(w, 2), 150000);
    EXPECT_EQ(count_of(w, 1), 350000);
}

TEST(what_is_no_backup_is_not_restored)
{
    struct dataset_world *w = *state;
    slice path = arena_printf(w->a, "%s/garbage", w->dir);
    int fd = open(path.p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT(fd >= 0 && write(fd, "garbage", 7) == 7);
    close(fd);
    EXPECT_ERR(w->store->ops->restore(w->store, 1, path.p, w->a), ERR_CORRUPT);
    EXPECT_ERR(w->store->ops->restore(w->store, 1, arena_printf(w->a, "%s/none", w->dir).p, w->a), ERR_NOT_FOUND);
    EXPECT_EQ(count_entries(w, "datasets"), 0);
    dataset_define(w, 1, spec);
}

/* Runs the statements, up to a NULL, in a file that nobody has open. */
static void alter_file(const char *path, const char *const *statements)
{
    duckdb_database database;
    duckdb_connection connection;
    EXPECT_EQ(duckdb_open(path, &database), DuckDBSuccess);
    EXPECT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
    for (size_t i = 0; statements[i]; i++)
        EXPECT_EQ(duckdb_query(connection, statements[i], NULL), DuckDBSuccess);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
}

/* Numbers in the place of names were read as addresses, and what is a view was computed without an end. */
TEST(a_prepared_backup_was_opened_whatever_it_had)
{
    static const char *const cases[][4] = {
        { "DROP TABLE fields", "CREATE TABLE fields (position BIGINT, name BIGINT, type BIGINT)",
          "INSERT INTO fields VALUES (0, 4702111234474983745, 4), (1, 4702111234474983745, 0)" },
        { "UPDATE fields SET name = NULL" },
        { "UPDATE about SET format = NULL" },
        { "DROP TABLE about", "CREATE TABLE about (format TINYINT)", "INSERT INTO about VALUES (1)" },
        { "INSERT INTO files VALUES (NULL, NULL, NULL, NULL)" },
        { "ALTER TABLE files RENAME TO others",
          "CREATE VIEW files AS SELECT i AS file_id, i AS first_row, 1::BIGINT AS row_count, 1::BIGINT AS text_bytes"
          " FROM range(1000000000000000) t(i)" },
        { "CREATE VIEW more AS SELECT 1 AS x" },
        { "CREATE TABLE more (x BIGINT)" },
        { "CREATE INDEX more ON files (file_id)" },
        { "ALTER TABLE lines ALTER c1 SET DEFAULT 'x'" },
        { "ALTER TABLE lines ADD COLUMN c2 VARCHAR" },
        { "ALTER TABLE lines DROP COLUMN c1" },
        { "CREATE TYPE t AS ENUM ('a')", "ALTER TABLE lines ALTER c1 TYPE t USING 'a'" },
        { "CREATE MACRO lower(x) AS 'more'" },
    };
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    int entries = count_entries(w, "datasets");
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        slice path = arena_printf(w->a, "%s/copy%zu", w->dir, i);
        EXPECT_OK(w->store->ops->backup(w->store, 1, path.p, w->a));
        alter_file(path.p, cases[i]);
        EXPECT_ERR(w->store->ops->restore(w->store, 2, path.p, w->a), ERR_CORRUPT);
    }
    EXPECT_EQ(count_entries(w, "datasets"), entries);
}

/* ---- what a statement can reach ---- */

TEST(a_database_is_closed_down)
{
    struct dataset_world *w = *state;
    duckdb_database database;
    duckdb_connection connection;
    struct database_limits limits = { (size_t)64 << 20, (size_t)1 << 20, NULL };
    EXPECT_OK(database_open(arena_printf(w->a, "%s/x", w->dir).p, &limits, w->a, &database));
    EXPECT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
    static const char *const refused[] = { "SELECT * FROM read_text('/etc/passwd')",
                                           "SELECT * FROM read_csv('/etc/passwd')",
                                           "SELECT * FROM '/etc/passwd'",
                                           "SELECT * FROM glob('/*')",
                                           "COPY (SELECT 1) TO '/tmp/cais-test-out.csv'",
                                           "ATTACH '/tmp/cais-test-other.duckdb'",
                                           "EXPORT DATABASE '/tmp/cais-test-export'",
                                           "INSTALL httpfs",
                                           "LOAD '/tmp/x.duckdb_extension'",
                                           "SET memory_limit = '10GB'",
                                           "SET enable_external_access = true",
                                           "SET threads = 64",
                                           "SET temp_directory = '/tmp'",
                                           "RESET lock_configuration" };
    for (size_t i = 0; i < LENGTH_OF(refused); i++) {
        duckdb_result result;
        if (duckdb_query(connection, refused[i], &result) == DuckDBSuccess)
            fail_msg("'%s' was not refused", refused[i]);
        duckdb_destroy_result(&result);
    }
    EXPECT_OK(database_exec(connection, "CREATE TABLE t (a BIGINT)", NO_NUMBERS, w->a));
    duckdb_disconnect(&connection);
    duckdb_close(&database);
}

/* Everything that a request can choose freely is made of quotes and statements; none of it may be in the text. */
TEST(no_name_and_no_value_is_a_part_of_a_statement)
{
    struct dataset_world *w = *state;
    static const char *const evil[] = { "'; DROP TABLE lines; --", "\"c0\" OR 1=1", "$1", "%'\\\\", "`", "\x01" };
    struct ask k = ask_new(w);
    dataset_columns(w, "droptable string, c9999 decimal, t datetime");
    k = ask_new(w);
    for (size_t i = 0; i < LENGTH_OF(evil); i++) {
        struct cell value = { .text = slice_of(evil[i]) };
        struct query_condition c[3];
        expr_t column = ask_column(&k, "droptable");
        EXPECT(query_add_item(&k.b, ROW_PLAIN, ask_coalesce(&k, column, query_literal(&k.b, COLUMN_STRING, value)),
                              slice_of(evil[i])));
        EXPECT(query_test(&k.b, ROW_LIKE, column, &value, 1, &c[0]));
        EXPECT(query_test(&k.b, ROW_IN, column, &value, 1, &c[1]));
        c[2] = ask_test(&k, ROW_GT, ask_column(&k, "c9999"), "123456.789");
        ask_where(&k, ask_join(&k, ROW_ALL, c, 3));
        struct compiled sql = compile_query(ask_query(&k), (struct compiled_rows){ 5, true, 0 },
                                            (struct compiled_limits){ 1000, 1 }, w->a);
        size_t texts = i ? i + 1 : 0; /* of two items and more, each is counted */
        EXPECT_EQ(sql.parameter_count, 3 + 1 + i + 1 + 3 + texts);
        for (const char *p = sql.sql.p; *p; p++)
            EXPECT(strchr("'\"`;-\\%\x01", *p) == NULL);
        EXPECT(slice_find(sql.sql, S("drop")) == SLICE_NONE && slice_find(sql.sql, S("9999")) == SLICE_NONE &&
               slice_find(sql.sql, S("123456")) == SLICE_NONE && slice_find(sql.sql, S("DROP")) == SLICE_NONE);
    }
}

#define ON_DUCKDB(test) DATASET_CASE_OF(1u << DATASET_DUCKDB, test)
static const struct dataset_case cases[] = {
    ON_DUCKDB(committed_rows_exist_after_reopening),
    ON_DUCKDB(files_are_for_their_owner_alone),
    ON_DUCKDB(a_kill_at_any_time_keeps_acknowledged_files_and_no_part_of_others),
    ON_DUCKDB(what_a_killed_process_left_is_removed),
    ON_DUCKDB(a_symbolic_link_in_place_of_what_duckdb_spills_emptied_another_folder),
    ON_DUCKDB(the_log_of_a_removed_table_is_not_applied_to_another),
    ON_DUCKDB(a_damaged_table_is_named_and_leaves_others_alone),
    ON_DUCKDB(damaged_rows_are_corrupt_when_they_are_read),
    ON_DUCKDB(a_full_disk_keeps_every_file_whole_and_is_over_when_there_is_room),
    ON_DUCKDB(no_more_rows_wait_for_the_commit_than_the_store_says),
    ON_DUCKDB(a_query_that_needs_too_much_memory_is_too_large),
    ON_DUCKDB(texts_of_a_result_and_of_functions_took_memory_without_limit),
    ON_DUCKDB(rows_whose_texts_do_not_fit_into_memory_are_too_large),
    ON_DUCKDB(many_tables_hold_few_descriptors),
    ON_DUCKDB(more_tables_than_stay_open_are_used_at_once),
    ON_DUCKDB(a_backup_has_what_was_committed_when_it_was_made),
    ON_DUCKDB(many_rows_are_copied_while_more_are_added),
    ON_DUCKDB(what_is_no_backup_is_not_restored),
    ON_DUCKDB(a_prepared_backup_was_opened_whatever_it_had),
    ON_DUCKDB(a_database_is_closed_down),
    ON_DUCKDB(no_name_and_no_value_is_a_part_of_a_statement),
};

int main(void)
{
    return dataset_run_cases(cases, LENGTH_OF(cases));
}
