/* SPDX-License-Identifier: Apache-2.0 */
/* Background jobs as their accounts see them, and a stream of events for each reader of a job.
 *
 * A stream is a reply that pauses (struct http_producer). While nothing happens to its job it reads no row: it compares a number
 * that commits raise (job_row_changes), and the time. The number is read before the row, so no change is missed. */
#include "api/kit/failure_log.h"
#include "api/kit/list_reply.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/crc.h"
#include "base/live.h"
#include "base/text.h"
#include "core/job.h"

#define LIST_AT_ONCE 100 /* jobs that are read for one piece of a list */

enum {
    COMMENT_MS = 15000,  /* between two comments, by which both sides see that the connection is alive */
    EVENT_PAUSE_MS = 500 /* at least, between two events */
};

struct job_events {
    struct http_producer producer;
    struct http_exchange *x;
    struct job_events *prev, *next; /* in the list of all streams, under its mutex */
    int64_t job_id, account_id;     /* the account is that of the reader */
    int64_t count;                  /* of the events that were sent */
    uint32_t sent_crc;              /* of the data of the last one */
    uint64_t seen;                  /* job_row_changes, before the row was last read */
    int64_t event_at_ms;            /* monotonic: no event before that time … */
    int64_t comment_at_ms;          /* … and a comment then */
};

/* ---- one job ---- */

static void put_job(struct json_out *o, const struct job *j, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", j->id);
    json_put_string(o, "kind", j->kind);
    json_put_string(o, "subject", j->subject);
    json_put_string(o, "state", slice_of(job_state_name(j->state)));
    json_put_int(o, "progress", j->progress);
    json_put_int(o, "total", j->total);
    json_put_int(o, "attempts", j->attempts);
    json_put_string(o, "error", j->error);
    json_put_known_time(o, "created_at", j->created_at_ms, a);
    json_put_known_time(o, "run_at", j->run_at_ms, a);
    json_put_known_time(o, "started_at", j->started_at_ms, a);
    json_put_known_time(o, "finished_at", j->finished_at_ms, a);
    json_close_object(o);
}

/* Whose jobs the caller sees; 0: all, for the operator of the server. */
static int64_t visible_account(const struct http_exchange *x)
{
    return x->req.local ? 0 : native_caller(x)->account_id;
}

err_t native_path_job(struct http_exchange *x, struct job *ret)
{
    int64_t id;
    if (!slice_to_i64(x->req.params[0], &id) || id < 1)
        return native_refuse(&x->arena, NATIVE_NO_JOB);
    err_t e = job_get(native_of(x)->core, visible_account(x), id, &x->arena, ret);
    return err_is(e, ERR_NOT_FOUND) ? native_refuse(&x->arena, NATIVE_NO_JOB) : e;
}

static err_t show_job(struct http_exchange *x)
{
    struct job job;
    struct json_reply reply;
    TRY(native_path_job(x, &job));
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    put_job(&reply.out, &job, &x->arena);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- the list ---- */

static bool parse_job_state(slice text, int *ret)
{
    for (int state = JOB_QUEUED; state <= JOB_CANCELLED; state++)
        if (slice_eq(text, slice_of(job_state_name((enum job_state)state)))) {
            *ret = state;
            return true;
        }
    return false;
}

struct job_list_reply {
    struct list_reply list;
    int state; /* -1: any */
};

/* The newest first, so those after an id are older. */
static err_t find_jobs(const struct list_reply *list, const struct id_page *page, struct arena *a,
                       struct list_items *ret)
{
    const struct http_exchange *x = list_exchange(list);
    const struct job_query query = { .account_id = visible_account(x),
                                     .before_id = page->after_id,
                                     .state = CONTAINER_OF(list, const struct job_list_reply, list)->state,
                                     .limit = page->limit };
    struct job_list found;
    TRY(job_page(native_of(x)->core, &query, a, &found));
    *ret = LIST_ITEMS(found, struct job);
    return NULL;
}

static void put_found_job(const struct list_reply *list, struct json_out *o, const void *job, struct arena *a)
{
    (void)list;
    put_job(o, job, a);
}

static const struct list_kind jobs_kind = { LIST_AT_ONCE, find_jobs, put_found_job, NULL, NULL };

static err_t list_jobs(struct http_exchange *x)
{
    struct job_list_reply *reply = arena_new(&x->arena, struct job_list_reply);
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice state = native_query_value(&q, S("state"));
    reply->state = -1;
    TRY(native_read_page(&q, &x->arena, SIZE_MAX, &reply->list.page));
    if (state.n && !parse_job_state(state, &reply->state))
        return native_refuse(&x->arena, NATIVE_BAD_JOB_STATE);
    http_reply_header(x, "Cache-Control", S("no-store"));
    return list_reply_send(&reply->list, x, native_of(x)->log, &jobs_kind, S("{\"jobs\":["));
}

/* ---- changing one ---- */

/* For administrators of the account: the job may be one that another user has asked for. */
static err_t change_job(struct http_exchange *x, bool cancel)
{
    struct core *core = native_of(x)->core;
    struct job job;
    bool runs;
    TRY(native_path_job(x, &job));
    if (!native_caller(x)->is_admin && !x->req.local)
        return native_refuse(&x->arena, NATIVE_FORBIDDEN);
    TRY(cancel ? job_cancel(core, native_caller(x), job.id, &x->arena, &runs)
               : job_retry(core, native_caller(x), job.id, &x->arena));
    return show_job(x);
}

static err_t cancel_job(struct http_exchange *x)
{
    return change_job(x, true);
}

static err_t retry_job(struct http_exchange *x)
{
    return change_job(x, false);
}

/* ---- how many streams are open ---- */

static err_t enter_streams(struct job_events *s)
{
    struct native_api *api = native_of(s->x);
    struct job_event_streams *all = &api->streams;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&all->mutex);
    int64_t count = 0, of_account = 0;
    for (const struct job_events *other = all->first; other; other = other->next) {
        count++;
        of_account += other->account_id == s->account_id;
    }
    if (LIVE(api->options.max_account_event_streams) && of_account >= LIVE(api->options.max_account_event_streams))
        return native_refuse(&s->x->arena, NATIVE_TOO_MANY_ACCOUNT_STREAMS);
    if (LIVE(api->options.max_event_streams) && count >= LIVE(api->options.max_event_streams))
        return native_refuse(&s->x->arena, NATIVE_TOO_MANY_STREAMS);
    s->next = all->first;
    if (s->next)
        s->next->prev = s;
    all->first = s;
    return NULL;
}

static void leave_streams(struct http_producer *p)
{
    struct job_events *s = CONTAINER_OF(p, struct job_events, producer);
    struct job_event_streams *all = &native_of(s->x)->streams;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&all->mutex);
    *(s->prev ? &s->prev->next : &all->first) = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

/* ---- the stream ---- */

static int64_t stream_now_ms(const struct job_events *s)
{
    return clock_monotonic_ms(native_of(s->x)->core->clock);
}

static bool may_have_event(const struct job_events *s, int64_t now_ms)
{
    return now_ms >= s->event_at_ms && (!s->count || job_row_changes(native_of(s->x)->core, s->job_id) != s->seen);
}

static bool job_events_are_ready(struct http_producer *p)
{
    const struct job_events *s = CONTAINER_OF(p, struct job_events, producer);
    int64_t now_ms = stream_now_ms(s);
    return now_ms >= s->comment_at_ms || may_have_event(s, now_ms);
}

static void add_event(struct job_events *s, slice data, struct buf *out)
{
    uint32_t crc = crc32c_update(0, data);
    if (s->count && crc == s->sent_crc)
        return; /* the number rose because of another job */
    s->sent_crc = crc;
    if (!s->count++)
        buf_add(out, S("retry: 3000\n"));
    buf_printf(out, "event: state\nid: %lld\ndata: ", (long long)s->count);
    buf_add(out, data);
    buf_add(out, S("\n\n"));
}

/* An event, if the row has changed since the last one. The stream ends with the event of a final state, and when the job is
 * forgotten. */
static err_t write_event(struct job_events *s, struct buf *out, struct arena *a, bool *ret_end)
{
    struct core *core = native_of(s->x)->core;
    struct job job;
    s->seen = job_row_changes(core, s->job_id);
    err_t e = job_get(core, visible_account(s->x), s->job_id, a, &job);
    *ret_end = err_is(e, ERR_NOT_FOUND) || (!e && job.state >= JOB_DONE);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    SCOPED(buf_releasep) struct buf data;
    struct json_out o;
    buf_init_on(&data, 0, a);
    json_out_init(&o, &data);
    put_job(&o, &job, a);
    TRY(arena_check(a));
    add_event(s, buf_slice(&data), out);
    return NULL;
}

static bool write_job_events(struct http_producer *p, struct buf *out, bool *ret_end)
{
    struct job_events *s = CONTAINER_OF(p, struct job_events, producer);
    int64_t now_ms = stream_now_ms(s);
    err_t e = NULL;
    SCRATCH_OF(scratch, &s->x->arena);
    if (may_have_event(s, now_ms))
        e = write_event(s, out, &scratch, ret_end);
    if (out->n)
        s->event_at_ms = now_ms + EVENT_PAUSE_MS;
    if (now_ms >= s->comment_at_ms && !*ret_end) {
        buf_add(out, S(": \n\n"));
        s->comment_at_ms = now_ms + COMMENT_MS;
    }
    if (e)
        log_failure(native_of(s->x)->log, s->x, e);
    return !e;
}

/* Last-Event-ID needs no answer of its own: each stream begins with the present state, which is all that a reader needs. */
static err_t send_job_events(struct http_exchange *x)
{
    struct job job;
    TRY(native_path_job(x, &job));
    struct job_events *s = arena_new(&x->arena, struct job_events);
    *s = (struct job_events){ .producer = { write_job_events, leave_streams, job_events_are_ready },
                              .x = x,
                              .job_id = job.id,
                              .account_id = native_caller(x)->account_id };
    s->comment_at_ms = stream_now_ms(s) + COMMENT_MS;
    TRY(enter_streams(s));
    http_reply_header(x, "Cache-Control", S("no-store"));
    http_reply_header(x, "X-Accel-Buffering", S("no")); /* nginx would keep events until its buffer is full */
    http_reply_stream(x, 200, "text/event-stream", &s->producer);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/jobs", list_jobs, HTTP_NO_BODY, 0, "GET /v1/native/jobs" },
    { "POST", "/v1/native/jobs/{id}/cancel", cancel_job, HTTP_NO_BODY, 0, "POST /v1/native/jobs/{id}/cancel" },
    { "POST", "/v1/native/jobs/{id}/retry", retry_job, HTTP_NO_BODY, 0, "POST /v1/native/jobs/{id}/retry" },
    { "GET", "/v1/native/jobs/{id}", show_job, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "GET /v1/native/jobs/{id}" },
    { "GET", "/v1/native/jobs/{id}/events", send_job_events, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "GET /v1/native/jobs/{id}/events" },
};
const struct native_routes native_job_routes = NATIVE_ROUTES(routes);
