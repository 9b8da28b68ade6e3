/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of the log: readers that stop, disks that are full, files that are renamed, and the end of the process. */
#include "test.h"
#include "tmpdir.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 20000  /* long enough for a busy machine */
#define WAIT_MS 60000 /* a test that waits longer fails */
#define PADDING 1000

static void init_log(struct log *log, int fd)
{
    log_init(log, clock_system(), fd, LOG_INFO, false);
}

static void write_numbered(struct log *log, int writer, int64_t n)
{
    char padding[PADDING];
    memset(padding, 'x', sizeof padding);
    log_line(log, LOG_INFO, "line", LOG_I("writer", writer), LOG_I("n", n),
             LOG_S("padding", ((slice){ padding, sizeof padding })));
}

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ms(clock_system());
}

static void wait_for_drops(const struct log *log, uint64_t lines)
{
    int64_t end_ms = monotonic_ms() + WAIT_MS;
    while (log_dropped_lines(log) < lines) {
        EXPECT(monotonic_ms() < end_ms);
        sched_yield();
    }
}

/* The number behind "name": in a line; -1: it is not there. */
static int64_t number_in(slice line, const char *name)
{
    SCRATCH(a);
    int64_t v;
    size_t at = slice_find(line, arena_printf(&a, "\"%s\":", name));
    if (at == SLICE_NONE)
        return -1;
    slice rest = slice_from(line, at + strlen(name) + 3);
    size_t end = 0;
    while (end < rest.n && rest.p[end] >= '0' && rest.p[end] <= '9')
        end++;
    EXPECT(slice_to_i64(slice_part(rest, 0, end), &v));
    return v;
}

struct seen {
    int64_t lines, dropped, last[8];
    int64_t jumps; /* numbers that are missing between two lines of one writer */
};

/* Every line is whole, and the numbers of each writer ascend. */
static void check_lines(slice all, struct seen *seen)
{
    slice line, rest = all;
    while (slice_cut(rest, '\n', &line, &rest)) {
        if (line.n == 0 || line.p[0] != '{' || line.p[line.n - 1] != '}')
            fail_msg("a torn line: '%.*s'", SLICE_ARG(line));
        if (slice_find(line, S("lines of the log were dropped")) != SLICE_NONE) {
            seen->dropped += number_in(line, "lines");
            continue;
        }
        int64_t writer = number_in(line, "writer"), n = number_in(line, "n");
        EXPECT(writer >= 0 && writer < 8 && n > seen->last[writer]);
        seen->jumps += n - seen->last[writer] - 1;
        seen->last[writer] = n;
        seen->lines++;
    }
    EXPECT_EQ(line.n, 0);
}

static slice read_fd(int fd, struct buf *b)
{
    for (ssize_t n; (n = read(fd, buf_reserve(b, 65536), 65536)) > 0;)
        b->n += (size_t)n;
    return buf_slice(b);
}

static slice read_file(const char *path, struct buf *b)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    EXPECT(fd >= 0);
    return read_fd(fd, b);
}

struct reader {
    int fd;
    struct buf text;
};

static void *read_until_end(void *arg)
{
    struct reader *r = arg;
    read_fd(r->fd, &r->text);
    return NULL;
}

TEST(a_stopped_reader_of_the_log_stopped_whoever_wrote_to_it)
{
    enum { LINES = 5000 };
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    struct log log;
    init_log(&log, ends[1]);
    log_begin_queue(&log);
    for (int i = 1; i <= LINES; i++)
        write_numbered(&log, 0, i); /* 5 MB: comes to its end although nobody reads */
    EXPECT(log_dropped_lines(&log) > LINES / 2);

    struct reader reader = { .fd = ends[0] };
    buf_init(&reader.text, 0);
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, read_until_end, &reader), 0);
    uint64_t dropped = log_dropped_lines(&log);
    log_end_queue(&log, END_MS);
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    struct seen seen = { 0 };
    check_lines(buf_slice(&reader.text), &seen);
    buf_release(&reader.text);
    EXPECT_EQ(seen.dropped, dropped);
    EXPECT_EQ(seen.lines + seen.dropped, LINES);
}

TEST(the_end_of_the_server_does_not_wait_for_a_stopped_reader)
{
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    struct log log;
    init_log(&log, ends[1]);
    log_begin_queue(&log);
    for (int i = 1; i <= 200; i++)
        write_numbered(&log, 0, i);
    log_end_queue(&log, 50); /* the test program would hang here */
    close(ends[0]);
    close(ends[1]);
}

TEST(a_reader_that_is_gone_does_not_end_the_process)
{
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    struct log log;
    init_log(&log, ends[1]);
    log_begin_queue(&log);
    for (int i = 1; i <= 10; i++)
        write_numbered(&log, 0, i);
    wait_for_drops(&log, 10);
    log_end_queue(&log, END_MS);
    close(ends[1]);
}

TEST(lines_that_a_full_disk_does_not_take_are_counted_and_reported_later)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    const char *path = arena_printf(&a, "%s/log", dir).p;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct log log;
    init_log(&log, full);
    log_begin_queue(&log);
    for (int i = 1; i <= 30; i++)
        write_numbered(&log, 0, i);
    wait_for_drops(&log, 30);
    EXPECT_OK(log_use_file(&log, path, &a));
    write_numbered(&log, 0, 31);
    log_end_queue(&log, END_MS);
    close(full);
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct seen seen = { 0 };
    check_lines(read_file(path, &text), &seen);
    EXPECT_EQ(seen.lines, 1);
    EXPECT_EQ(seen.dropped, 30);
    tmpdir_remove(dir);
}

/* The second half of a line that the disk had no room for must not become the beginning of the next line. */
TEST(a_line_that_was_written_in_part_spoils_no_other)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    const char *path = arena_printf(&a, "%s/log", dir).p;
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1500;
    struct log log;
    init_log(&log, STDERR_FILENO);
    log_begin_queue(&log);
    EXPECT_OK(log_use_file(&log, path, &a));
    setrlimit(RLIMIT_FSIZE, &small);
    write_numbered(&log, 0, 1);
    write_numbered(&log, 0, 2);
    wait_for_drops(&log, 1);
    setrlimit(RLIMIT_FSIZE, &before);
    write_numbered(&log, 0, 3);
    log_end_queue(&log, END_MS);
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    slice first, torn, rest = read_file(path, &text);
    EXPECT(slice_cut(rest, '\n', &first, &rest) && slice_cut(rest, '\n', &torn, &rest));
    EXPECT_EQ(number_in(first, "n"), 1);
    EXPECT(torn.p[torn.n - 1] != '}');
    struct seen seen = { .last = { 2 } };
    check_lines(rest, &seen);
    EXPECT_EQ(seen.last[0], 3);
    EXPECT_EQ(seen.dropped, 1);
    tmpdir_remove(dir);
}

#define WRITERS 4
#define LINES_EACH 1000 /* all of them fit into the queue */

struct numbered {
    struct log *log;
    int writer;
};

static void *write_many(void *arg)
{
    struct numbered *w = arg;
    for (int i = 1; i <= LINES_EACH; i++)
        log_line(w->log, LOG_INFO, "line", LOG_I("writer", w->writer), LOG_I("n", i));
    return NULL;
}

/* What logrotate does, while several threads write. */
TEST(a_renamed_log_goes_on_in_a_new_file_without_losing_a_line_or_their_order)
{
    enum { FILES = 20 };
    SCRATCH(a);
    char *dir = tmpdir_make();
    const char *path = arena_printf(&a, "%s/log", dir).p;
    struct log log;
    init_log(&log, STDERR_FILENO);
    log_begin_queue(&log);
    EXPECT_OK(log_use_file(&log, path, &a));
    pthread_t threads[WRITERS];
    struct numbered writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct numbered){ &log, i };
        EXPECT_EQ(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    for (int i = 0; i < FILES; i++) {
        EXPECT_EQ(rename(path, arena_printf(&a, "%s.%d", path, i).p), 0);
        EXPECT_OK(log_use_file(&log, path, &a));
        log_line(&log, LOG_INFO, "line", LOG_I("writer", WRITERS), LOG_I("n", i + 1));
        struct stat st;
        int64_t end_ms = monotonic_ms() + WAIT_MS;
        while (stat(path, &st) != 0 || st.st_size == 0) {
            EXPECT(monotonic_ms() < end_ms);
            sched_yield();
        }
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    EXPECT_EQ(log_dropped_lines(&log), 0);
    log_end_queue(&log, END_MS);
    struct seen seen = { 0 };
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < FILES; i++)
        read_file(arena_printf(&a, "%s.%d", path, i).p, &text);
    check_lines(read_file(path, &text), &seen);
    EXPECT_EQ(seen.lines, WRITERS * LINES_EACH + FILES);
    EXPECT_EQ(seen.jumps, 0);
    tmpdir_remove(dir);
}

TEST(a_log_that_cannot_be_opened_again_goes_on_in_the_old_file)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    const char *path = arena_printf(&a, "%s/log", dir).p, *pipe_path = arena_printf(&a, "%s/pipe", dir).p;
    struct log log;
    init_log(&log, STDERR_FILENO);
    log_begin_queue(&log);
    EXPECT_OK(log_use_file(&log, path, &a));
    EXPECT_ERR(log_use_file(&log, arena_printf(&a, "%s/missing/log", dir).p, &a), ERR_NOT_FOUND);
    EXPECT_EQ(mkfifo(pipe_path, 0600), 0);
    EXPECT(log_use_file(&log, pipe_path, &a) != NULL); /* returns at once although nobody reads the pipe */
    write_numbered(&log, 0, 1);
    log_end_queue(&log, END_MS);
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct seen seen = { 0 };
    check_lines(read_file(path, &text), &seen);
    EXPECT_EQ(seen.lines, 1);
    tmpdir_remove(dir);
}

/* Runs in a child process. */
static void log_and_abort(int fd)
{
    struct log log;
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    init_log(&log, fd);
    log_begin_queue(&log);
    for (int i = 1; i <= 20; i++)
        write_numbered(&log, 0, i);
    abort();
}

TEST(what_was_logged_before_an_abort_is_written)
{
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0)
        log_and_abort(ends[1]);
    close(ends[1]);
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct seen seen = { 0 };
    check_lines(read_fd(ends[0], &text), &seen);
    close(ends[0]);
    EXPECT_EQ(seen.lines, 20);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST(without_a_queue_a_line_is_written_at_once)
{
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    struct log log;
    init_log(&log, ends[1]);
    write_numbered(&log, 0, 1);
    char text[4096];
    struct seen seen = { 0 };
    ssize_t n = read(ends[0], text, sizeof text);
    check_lines((slice){ text, (size_t)n }, &seen);
    EXPECT_EQ(seen.lines, 1);
    EXPECT_EQ(log_dropped_lines(&log), 0);
    close(ends[0]);
    close(ends[1]);
}

static int ignore_file_size_signal(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    return 0;
}

RUN_TESTS_WITH(ignore_file_size_signal, NULL, cmocka_unit_test(a_stopped_reader_of_the_log_stopped_whoever_wrote_to_it),
               cmocka_unit_test(the_end_of_the_server_does_not_wait_for_a_stopped_reader),
               cmocka_unit_test(a_reader_that_is_gone_does_not_end_the_process),
               cmocka_unit_test(lines_that_a_full_disk_does_not_take_are_counted_and_reported_later),
               cmocka_unit_test(a_line_that_was_written_in_part_spoils_no_other),
               cmocka_unit_test(a_renamed_log_goes_on_in_a_new_file_without_losing_a_line_or_their_order),
               cmocka_unit_test(a_log_that_cannot_be_opened_again_goes_on_in_the_old_file),
               cmocka_unit_test(what_was_logged_before_an_abort_is_written),
               cmocka_unit_test(without_a_queue_a_line_is_written_at_once))
