/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/request_log.h"

#include "base/json.h"
#include "base/live.h"
#include "base/text.h"
#include "http/target.h"

#include <stdlib.h>

struct request_log {
    struct log *log;
    int loops;
    bool is_on;         /* atomic */
    struct buf lines[]; /* one for each loop, so that no lock is needed */
};

struct request_log *request_log_new(struct log *log, int loops)
{
    struct request_log *r = must_malloc(sizeof *r + (size_t)loops * sizeof r->lines[0]);
    r->log = log;
    r->loops = loops;
    r->is_on = true;
    for (int i = 0; i < loops; i++)
        buf_init(&r->lines[i], 0);
    return r;
}

void request_log_set(struct request_log *r, bool is_on)
{
    LIVE_SET(r->is_on, is_on);
}

void request_log_free(struct request_log *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->loops; i++)
        buf_release(&r->lines[i]);
    free(r);
}

static void write_text(struct buf *b, const struct http_report *report, slice when, slice target)
{
    const struct http_request *req = &report->x->req;
    buf_printf(b, SLICE_FMT " info    request  " SLICE_FMT " ", SLICE_ARG(when), SLICE_ARG(report->peer));
    struct json_out o; /* the target is quoted, so that it cannot forge a line */
    json_out_init(&o, b);
    buf_add(b, req->method);
    buf_add_byte(b, ' ');
    json_add_string(&o, target);
    buf_printf(b, " %d in=%llu out=%llu %lldms id=" SLICE_FMT "\n", report->status,
               (unsigned long long)report->bytes_in, (unsigned long long)report->bytes_out, (long long)report->took_ms,
               SLICE_ARG(report->id));
}

static void write_json(struct buf *b, const struct http_report *report, slice when, slice target)
{
    const struct http_request *req = &report->x->req;
    struct json_out o;
    json_out_init(&o, b);
    json_open_object(&o);
    json_put_string(&o, "time", when);
    json_put_string(&o, "level", S("info"));
    json_put_string(&o, "msg", S("request"));
    json_put_string(&o, "request_id", report->id);
    json_put_string(&o, "peer", report->peer);
    json_put_string(&o, "method", req->method);
    json_put_string(&o, "target", target);
    json_put_string(&o, "api", slice_of(report->x->api ? report->x->api->name : ""));
    json_put_int(&o, "status", report->status);
    json_put_int(&o, "bytes_in", (int64_t)report->bytes_in);
    json_put_int(&o, "bytes_out", (int64_t)report->bytes_out);
    json_put_int(&o, "ms", report->took_ms);
    json_close_object(&o);
    buf_add_byte(b, '\n');
}

/* What people send to a page by mistake, such as a password in the address, matters more than which unknown path it was. */
static slice target_to_show(const struct http_exchange *x, struct arena *a)
{
    if (x->api && x->api->hides_targets)
        return x->route ? slice_of(x->route->pattern) : S("***");
    return target_redact(slice_part(x->req.target, 0, 2048), a);
}

void request_log_report(void *arg, int loop, const struct http_report *report)
{
    struct request_log *r = arg;
    if (!report->x || loop >= r->loops || !LIVE(r->is_on) || LIVE(r->log->min_level) > LOG_INFO)
        return;
    char memory[1024];
    SCOPED(arena_releasep) struct arena a;
    arena_init_with(&a, memory, sizeof memory);
    slice when = time_format_utc(&a, clock_now_ms(r->log->clock));
    slice target = target_to_show(report->x, &a);
    (LIVE(r->log->text) ? write_text : write_json)(&r->lines[loop], report, when, target);
}

void request_log_flush(void *arg, int loop)
{
    struct request_log *r = arg;
    struct buf *b = &r->lines[loop];
    log_write(r->log, buf_slice(b));
    if (b->cap > 65536)
        buf_release(b);
    buf_clear(b);
}
