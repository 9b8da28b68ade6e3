/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/json.h"
#include "base/text.h"

#include <unistd.h>

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

void log_fields(struct log *log, enum log_level level, const char *msg, const struct log_field *fields, size_t count)
{
    if (level < log->min_level)
        return;
    SCRATCH(scratch);
    SCOPED(buf_releasep) struct buf out;
    buf_init(&out, 0);
    slice when = time_format_utc(&scratch, clock_now_ms(log->clock));
    (log->text ? write_text_line : write_json_line)(&out, when, level_names[level], msg, fields, count);
    buf_add_byte(&out, '\n');
    for (slice left = buf_slice(&out); left.n;) {
        ssize_t n = write(log->fd, left.p, left.n);
        if (n <= 0)
            return; /* an error of the log itself cannot be reported anywhere */
        left = slice_from(left, (size_t)n);
    }
}

void log_error(struct log *log, const char *msg, err_t e)
{
    SCRATCH(scratch);
    log_line(log, LOG_ERROR, msg, LOG_S("error", err_text(&scratch, e)),
             LOG_S("code", slice_of(err_code_name(e->code))), LOG_S("where", slice_of(e->where)));
}
