/* SPDX-License-Identifier: Apache-2.0 */
/* There are two buffers. Callers fill one; the thread takes it and gives the other one, which it has written, in exchange.
 * The lock is held to copy a line or to exchange the buffers, never during a write.
 *
 * An idle thread that is woken waits a moment for more lines, so that a busy server wakes it some fifty times a second and
 * not for each request. */
#include "base/log_writer.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COLLECT_MS = 20, WAIT_STEP_MS = 5 };

struct log_writer {
    struct log_writer_options o;
    size_t half_bytes;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* with CLOCK_MONOTONIC */
    /* under lock */
    char *filling;
    size_t filled;
    int next_fd; /* of log_writer_switch, until the thread takes it; else -1 */
    bool is_idle, stop;
    /* of the thread */
    char *writing;
    int fd;
    bool owns_fd;
    bool torn; /* the last write ended within a line */
    uint64_t reported;
    /* any thread */
    atomic_uint_fast64_t added, done; /* bytes; the latter are written or dropped */
    atomic_uint_fast64_t dropped;     /* lines */
};

static uint64_t count_lines(slice s)
{
    uint64_t lines = 0;
    for (size_t at; (at = slice_find_byte(s, '\n')) != SLICE_NONE; s = slice_from(s, at + 1))
        lines++;
    return lines;
}

/* How many bytes were written before an error. */
static size_t write_until_error(int fd, slice s)
{
    size_t done = 0;
    while (done < s.n) {
        ssize_t n = write(fd, s.p + done, s.n - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd p = { fd, POLLOUT, 0 };
            (void)poll(&p, 1, -1);
        } else if (n == 0 || errno != EINTR) {
            break;
        }
    }
    return done;
}

/* Returns the bytes of whole lines that were not written. */
static slice write_whole_lines(struct log_writer *w, slice lines)
{
    if (lines.n == 0 || (w->torn && write_until_error(w->fd, S("\n")) != 1))
        return lines;
    size_t done = write_until_error(w->fd, lines);
    w->torn = done > 0 && lines.p[done - 1] != '\n';
    return slice_from(lines, done);
}

/* dropped: how many lines were dropped before the next one that will be written. */
static void report_drops(struct log_writer *w, uint64_t dropped)
{
    if (dropped == w->reported)
        return;
    SCOPED(buf_releasep) struct buf line;
    buf_init(&line, 0);
    w->o.describe_drops(w->o.arg, dropped - w->reported, &line);
    if (write_whole_lines(w, buf_slice(&line)).n == 0)
        w->reported = dropped;
}

static void begin_file(struct log_writer *w, int fd)
{
    if (w->owns_fd)
        close(w->fd);
    w->fd = fd;
    w->owns_fd = true;
    w->torn = false;
}

/* In real time, also when the clock of the program is injected. */
static struct timespec time_in(clockid_t clock, int64_t ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static bool is_urgent(const struct log_writer *w)
{
    return w->stop || w->filled >= w->half_bytes / 2;
}

static void wait_for_lines(struct log_writer *w)
{
    while (!w->filled && w->next_fd < 0 && !w->stop) {
        w->is_idle = true;
        pthread_cond_wait(&w->changed, &w->lock);
        w->is_idle = false;
        struct timespec until = time_in(CLOCK_MONOTONIC, COLLECT_MS);
        while (!is_urgent(w) && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
            ;
    }
}

/* Exchange the buffers. True: the log ends, and these are the last lines. */
static bool take_lines(struct log_writer *w, slice *ret_lines, uint64_t *ret_dropped)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->lock);
    wait_for_lines(w);
    if (w->next_fd >= 0)
        begin_file(w, w->next_fd);
    w->next_fd = -1;
    char *taken = w->filling;
    *ret_lines = (slice){ taken, w->filled };
    *ret_dropped = atomic_load(&w->dropped);
    w->filling = w->writing;
    w->writing = taken;
    w->filled = 0;
    return w->stop;
}

static void *write_log(void *arg)
{
    struct log_writer *w = arg;
    pthread_setname_np(pthread_self(), "cais-log");
    for (bool last = false; !last;) {
        slice lines;
        uint64_t dropped;
        last = take_lines(w, &lines, &dropped);
        slice rest = write_whole_lines(w, lines);
        atomic_fetch_add(&w->dropped, count_lines(rest));
        if (rest.n == 0)
            report_drops(w, dropped);
        atomic_fetch_add(&w->done, lines.n);
    }
    return NULL;
}

struct log_writer *log_writer_new(const struct log_writer_options *o)
{
    struct log_writer *w = must_malloc(sizeof *w);
    w->o = *o;
    w->half_bytes = o->max_bytes / 2;
    w->fd = o->fd;
    w->next_fd = -1;
    w->filling = must_malloc(w->half_bytes);
    w->writing = must_malloc(w->half_bytes);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigset_t all, before;
    sigfillset(&all); /* signals are handled by the main thread; a reader that is gone gives EPIPE, not SIGPIPE */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, write_log, w);
    assert(!failed);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w;
}

void log_writer_add(struct log_writer *w, slice lines)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->lock);
    if (lines.n > w->half_bytes - w->filled) {
        atomic_fetch_add(&w->dropped, count_lines(lines));
        return;
    }
    memcpy(w->filling + w->filled, lines.p, lines.n);
    bool was_below = w->filled < w->half_bytes / 2;
    w->filled += lines.n;
    atomic_fetch_add(&w->added, lines.n);
    if (w->is_idle || (was_below && w->filled >= w->half_bytes / 2))
        pthread_cond_signal(&w->changed);
    w->is_idle = false; /* one signal is enough */
}

void log_writer_switch(struct log_writer *w, int fd)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->lock);
    if (w->next_fd >= 0)
        close(w->next_fd); /* nothing was written to it */
    w->next_fd = fd;
    pthread_cond_signal(&w->changed);
}

void log_writer_wait(const struct log_writer *w, int64_t timeout_ms)
{
    uint64_t wanted = atomic_load(&w->added);
    int64_t until = clock_monotonic_ms(clock_system()) + timeout_ms;
    while (atomic_load(&w->done) < wanted && clock_monotonic_ms(clock_system()) < until &&
           !pthread_equal(pthread_self(), w->thread))
        (void)poll(NULL, 0, WAIT_STEP_MS); /* a handler of a signal must not wait for a condition */
}

uint64_t log_writer_dropped(const struct log_writer *w)
{
    return atomic_load(&w->dropped);
}

static bool join_within(pthread_t thread, int64_t timeout_ms)
{
    struct timespec until = time_in(CLOCK_REALTIME, timeout_ms);
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

void log_writer_free(struct log_writer *w, int64_t timeout_ms)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (!join_within(w->thread, timeout_ms)) {
        pthread_cancel(w->thread); /* it waits in write or poll, where it holds no lock */
        if (!join_within(w->thread, timeout_ms))
            return; /* it waits for a disk, and the process ends without it; its memory must stay until then */
    }
    if (w->owns_fd)
        close(w->fd);
    if (w->next_fd >= 0)
        close(w->next_fd);
    free(w->filling);
    free(w->writing);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
}
