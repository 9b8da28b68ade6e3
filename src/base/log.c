/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/json.h"
#include "base/live.h"
#include "base/log_writer.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define QUEUE_BYTES ((size_t)1 << 20)
#define ABORT_WAIT_MS 1000

static const char *const level_names[] = { "debug", "info", "warning", "error" };

void log_init(struct log *log, struct clock *clock, int fd, enum log_level min_level, bool text)
{
    *log = (struct log){ .clock = clock, .fd = fd, .min_level = min_level, .text = text };
}

bool log_level_parse(slice text, enum log_level *ret)
{
    for (size_t i = 0; i < LENGTH_OF(level_names); i++)
        if (slice_eq(text, slice_of(level_names[i]))) {
            *ret = (enum log_level)i;
            return true;
        }
    return false;
}

static void write_json_line(struct buf *out, slice when, const char *level, const char *msg,
                            const struct log_field *fields, size_t count)
{
    struct json_out o;
    json_out_init(&o, out);
    json_open_object(&o);
    json_put_string(&o, "time", when);
    json_put_string(&o, "level", slice_of(level));
    json_put_string(&o, "msg", slice_of(msg));
    for (size_t i = 0; i < count; i++) {
        if (fields[i].type == LOG_FIELD_INT)
            json_put_int(&o, fields[i].name, fields[i].integer);
        else
            json_put_string(&o, fields[i].name, fields[i].string);
    }
    json_close_object(&o);
}

static void write_text_line(struct buf *out, slice when, const char *level, const char *msg,
                            const struct log_field *fields, size_t count)
{
    buf_printf(out, SLICE_FMT " %-7s %s", SLICE_ARG(when), level, msg);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "  %s=", fields[i].name);
        if (fields[i].type == LOG_FIELD_INT) {
            buf_add_i64(out, fields[i].integer);
            continue;
        }
        struct json_out o; /* quoted, so that a value cannot forge a line */
        json_out_init(&o, out);
        json_add_string(&o, fields[i].string);
    }
}

static void format_line(const struct log *log, enum log_level level, const char *msg, const struct log_field *fields,
                        size_t count, struct buf *out)
{
    SCRATCH(scratch);
    slice when = time_format_utc(&scratch, clock_now_ms(log->clock));
    (LIVE(log->text) ? write_text_line : write_json_line)(out, when, level_names[level], msg, fields, count);
    buf_add_byte(out, '\n');
}

void log_fields(struct log *log, enum log_level level, const char *msg, const struct log_field *fields, size_t count)
{
    if (level < LIVE(log->min_level))
        return;
    SCOPED(buf_releasep) struct buf line;
    buf_init(&line, 0);
    format_line(log, level, msg, fields, count, &line);
    log_write(log, buf_slice(&line));
}

void log_write(struct log *log, slice lines)
{
    if (log->writer) {
        log_writer_add(log->writer, lines);
        return;
    }
    while (lines.n) {
        ssize_t n = write(log->fd, lines.p, lines.n);
        if (n <= 0)
            return; /* an error of the log itself cannot be reported anywhere */
        lines = slice_from(lines, (size_t)n);
    }
}

/* ---- the queue ---- */

/* The one mutable global: a handler of a signal has no argument. */
static struct log_writer *flushed_on_abort;

static void flush_on_abort(int signal)
{
    (void)signal; /* abort ends the process when this returns */
    struct log_writer *w = __atomic_load_n(&flushed_on_abort, __ATOMIC_ACQUIRE);
    if (w)
        log_writer_wait(w, ABORT_WAIT_MS);
}

static void set_flushed_on_abort(struct log_writer *w)
{
    __atomic_store_n(&flushed_on_abort, w, __ATOMIC_RELEASE);
    struct sigaction action = { .sa_handler = w ? flush_on_abort : SIG_DFL };
    sigaction(SIGABRT, &action, NULL);
}

static void describe_drops(void *arg, uint64_t lines, struct buf *to)
{
    const struct log_field count = LOG_I("lines", (int64_t)lines);
    format_line(arg, LOG_WARNING, "lines of the log were dropped", &count, 1, to);
}

void log_begin_queue(struct log *log)
{
    assert(!log->writer);
    log->writer = log_writer_new(&(struct log_writer_options){
        .fd = log->fd, .max_bytes = QUEUE_BYTES, .describe_drops = describe_drops, .arg = log });
    set_flushed_on_abort(log->writer);
}

void log_end_queue(struct log *log, int64_t timeout_ms)
{
    set_flushed_on_abort(NULL);
    struct log_writer *w = log->writer;
    log->writer = NULL;
    log_writer_free(w, timeout_ms);
}

err_t log_use_file(struct log *log, const char *path, struct arena *a)
{
    assert(log->writer);
    /* O_NONBLOCK: a pipe without a reader is an error, instead of a wait for the reader */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0)
        return err_errno(a, errno, "cannot open the log %s", path);
    log_writer_switch(log->writer, fd);
    return NULL;
}

uint64_t log_dropped_lines(const struct log *log)
{
    return log->writer ? log_writer_dropped(log->writer) : 0;
}

void log_error(struct log *log, const char *msg, err_t e)
{
    SCRATCH(scratch);
    log_line(log, LOG_ERROR, msg, LOG_S("error", err_text(&scratch, e)),
             LOG_S("code", slice_of(err_code_name(e->code))), LOG_S("where", slice_of(e->where)));
}
