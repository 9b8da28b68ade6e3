/* SPDX-License-Identifier: Apache-2.0 */
/* The account as its administrators see it: what it uses, over time; whether the server is well; the audit log. */
#include "api/kit/list_reply.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/civil.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/care/health.h"
#include "core/event.h"
#include "core/figures.h"
#include "core/job.h"
#include "core/object/damage.h"
#include "core/object/scrub.h"

enum { FIGURES_SHOWN = 90, FIGURES_MAX = 800, SEARCH_TEXT_MAX = 256 };

/* ---- what administration shares ---- */

err_t native_check_admin(struct http_exchange *x)
{
    const struct principal *who = native_caller(x);
    if (x->req.local || (who->is_admin && key_may(who, KEY_ADMIN)))
        return NULL;
    return native_refuse(&x->arena, NATIVE_NOT_ADMIN);
}

int64_t native_path_id(const struct http_exchange *x)
{
    int64_t id;
    return slice_to_i64(x->req.params[0], &id) && id > 0 ? id : 0;
}

bool native_text(const struct json *body, const char *name, slice *ret)
{
    const struct json *member = json_get(body, name);
    *ret = S("");
    if (json_absent(member))
        return true;
    if (member->type != JS_STRING)
        return false;
    *ret = member->string;
    return true;
}

static void send_uncached(struct json_reply *reply)
{
    http_reply_header(reply->x, "Cache-Control", S("no-store"));
    json_reply_send(reply, 200, JSON_REPLY_TYPE);
}

/* ---- accounts ---- */

static void put_limit(struct json_out *o, const char *name, int64_t own, int64_t otherwise)
{
    int64_t limit = own ? own : otherwise;
    json_name(o, name);
    if (limit)
        json_add_int(o, limit);
    else
        json_add_null(o);
}

static void put_account(struct json_out *o, const struct core *core, const struct account *account, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", account->id);
    json_put_string(o, "name", account->name);
    json_put_known_time(o, "created_at", account->created_at_ms, a);
    json_put_int(o, "used_bytes", account->used_bytes);
    json_put_int(o, "used_files", account->used_files);
    json_put_int(o, "record_bytes", account->record_bytes);
    json_put_int(o, "garbage_bytes", account->garbage_bytes);
    json_put_int(o, "pending_files", account->pending_files);
    json_put_int(o, "open_uploads", account->open_uploads);
    put_limit(o, "max_bytes", account->max_bytes, LIVE(core->options.account_max_bytes));
    put_limit(o, "max_files", account->max_files, LIVE(core->options.account_max_files));
    json_close_object(o);
}

static err_t native_show_account(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct account account;
    struct json_reply reply;
    TRY(native_check_admin(x));
    TRY(account_get(core, native_caller(x)->account_id, &x->arena, &account));
    json_reply_begin(&reply, x);
    put_account(&reply.out, core, &account, &x->arena);
    send_uncached(&reply);
    return NULL;
}

/* Only the operator administers more than one. */
static err_t native_list_accounts(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct account own;
    struct account_list accounts = { &own, 1 };
    struct id_page page;
    struct json_reply reply;
    struct query q;
    TRY(native_check_admin(x));
    TRY(query_parse(x->req.query, &x->arena, &q));
    TRY(native_read_page(&q, &x->arena, NATIVE_PAGE_MAX, &page));
    if (x->req.local)
        TRY(account_list(core, &x->arena, &accounts));
    else
        TRY(account_get(core, native_caller(x)->account_id, &x->arena, &own));
    size_t i = 0, shown = 0;
    while (i < accounts.count && accounts.items[i].id <= page.after_id)
        i++;
    http_reply_header(x, "Cache-Control", S("no-store"));
    short_list_begin(&reply, x, "accounts");
    for (; i < accounts.count && shown < page.limit; i++, shown++)
        put_account(&reply.out, core, &accounts.items[i], &x->arena);
    short_list_send(&reply, i < accounts.count ? accounts.items[i - 1].id : 0);
    return NULL;
}

/* ---- figures ---- */

/* A day, as a number of days since 1970. False: it is none. */
static bool parse_day(slice text, struct arena *a, int64_t *ret)
{
    int64_t at_ms;
    slice parts[] = { text, S("T00:00:00Z") };
    if (!date_is_valid(text) || !time_parse_utc(arena_join(a, parts, LENGTH_OF(parts)), &at_ms))
        return false;
    *ret = floor_div(at_ms, SECONDS_OF_DAY * 1000);
    return true;
}

static err_t read_days(struct http_exchange *x, int64_t *ret_from, int64_t *ret_to)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice from = native_query_value(&q, S("from")), to = native_query_value(&q, S("to"));
    *ret_to = figures_day(core_now_ms(native_of(x)->core));
    if (to.n && !parse_day(to, &x->arena, ret_to))
        return native_refuse(&x->arena, NATIVE_BAD_DAYS);
    *ret_from = *ret_to - FIGURES_SHOWN + 1;
    if (from.n && !parse_day(from, &x->arena, ret_from))
        return native_refuse(&x->arena, NATIVE_BAD_DAYS);
    if (*ret_from > *ret_to || *ret_to - *ret_from >= FIGURES_MAX)
        return native_refuse(&x->arena, NATIVE_BAD_DAYS);
    return NULL;
}

static void put_figures(struct json_out *o, const struct figures *f, struct arena *a)
{
    json_open_object(o);
    json_put_string(o, "day", slice_part(time_format_utc(a, f->day * SECONDS_OF_DAY * 1000), 0, 10));
    json_put_int(o, "used_bytes", f->used_bytes);
    json_put_int(o, "used_files", f->used_files);
    json_put_int(o, "record_bytes", f->record_bytes);
    json_put_int(o, "garbage_bytes", f->garbage_bytes);
    json_close_object(o);
}

static err_t native_list_figures(struct http_exchange *x)
{
    struct figures_list list;
    struct json_reply reply;
    int64_t from, to;
    TRY(native_check_admin(x));
    TRY(read_days(x, &from, &to));
    TRY(figures_list(native_of(x)->core, native_caller(x)->account_id, from, to, &x->arena, &list));
    http_reply_header(x, "Cache-Control", S("no-store"));
    short_list_begin(&reply, x, "days");
    for (size_t i = 0; i < list.count; i++)
        put_figures(&reply.out, &list.items[i], &x->arena);
    short_list_send(&reply, 0);
    return NULL;
}

/* ---- health ---- */

static void put_store(struct json_out *o, const char *name, const struct store_health *now, struct arena *a)
{
    json_name(o, name);
    json_open_object(o);
    json_put_string(o, "status", slice_of(health_status_name(now->status)));
    json_put_bool(o, "writes_fail", now->writes.is_failing);
    json_put_known_time(o, "last_write_at", now->writes.succeeded_ms, a);
    json_put_known_time(o, "last_failure_at", now->writes.failed_ms, a);
    json_close_object(o);
}

/* How far the scrub is, without the bytes of all accounts. */
static void put_scrub(struct json_out *o, const struct scrub_progress *scrub, struct arena *a)
{
    uint64_t total = scrub->total_bytes, done = scrub->done_bytes < total ? scrub->done_bytes : total;
    json_name(o, "scrub");
    json_open_object(o);
    json_put_known_time(o, "begun_at", scrub->begun_at_ms, a);
    json_put_int(o, "percent", total ? (int64_t)((double)done * 100 / (double)total) : 100);
    json_put_int(o, "damaged", (int64_t)scrub->damaged);
    json_close_object(o);
}

static void put_job_counts(struct json_out *o, const struct job_counts *jobs)
{
    json_name(o, "jobs");
    json_open_object(o);
    json_put_int(o, "queued", jobs->queued);
    json_put_int(o, "running", jobs->running);
    json_put_int(o, "failed", jobs->failed);
    json_close_object(o);
}

/* What would have to be read from a disk that hangs is left out then. */
static err_t native_show_health(struct http_exchange *x)
{
    struct native_api *api = native_of(x);
    struct core *core = api->core;
    struct arena *a = &x->arena;
    struct health now;
    struct scrub_progress scrub = { 0 };
    struct job_counts jobs = { 0 };
    struct json_reply reply;
    TRY(native_check_admin(x));
    if (api->health)
        health_watch_check(api->health, &now);
    else
        health_check(core, a, &now);
    bool can_read = now.status < HEALTH_STALLED;
    if (can_read) {
        TRY(scrub_progress(core, a, &scrub));
        TRY(job_count(core, native_caller(x)->account_id, a, &jobs));
    }
    json_reply_begin(&reply, x);
    struct json_out *o = &reply.out;
    json_open_object(o);
    json_put_string(o, "status", slice_of(health_status_name(now.status)));
    json_put_string(o, "version", S(CAIS_VERSION));
    json_name(o, "stores");
    json_open_object(o);
    put_store(o, "metadata", &now.stores[CORE_METADATA], a);
    put_store(o, "blobs", &now.stores[CORE_BLOBS], a);
    json_close_object(o);
    if (now.has_free_bytes)
        json_put_int(o, "free_bytes", (int64_t)now.free_bytes);
    json_put_int(o, "damage_found", (int64_t)damage_count(core));
    if (can_read) {
        put_scrub(o, &scrub, a);
        put_job_counts(o, &jobs);
    }
    json_close_object(o);
    send_uncached(&reply);
    return NULL;
}

/* ---- the audit log ---- */

/* A day is its beginning. */
static err_t read_time(const struct query *q, slice name, struct arena *a, int64_t *ret)
{
    slice text = native_query_value(q, name);
    int64_t day;
    *ret = 0;
    if (!text.n)
        return NULL;
    if (parse_day(text, a, &day))
        *ret = day * SECONDS_OF_DAY * 1000;
    else if (!time_parse_offset(text, ret))
        return native_refuse(a, NATIVE_BAD_TIME);
    return NULL;
}

static err_t read_event_query(struct http_exchange *x, struct event_query *ret)
{
    struct id_page page;
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    TRY(native_read_page(&q, &x->arena, NATIVE_PAGE_MAX, &page));
    *ret = (struct event_query){ .account_id = native_caller(x)->account_id,
                                 .action = native_query_value(&q, S("action")),
                                 .actor = native_query_value(&q, S("actor")),
                                 .subject = native_query_value(&q, S("subject")),
                                 .text = native_query_value(&q, S("text")),
                                 .before_id = page.after_id,
                                 .limit = page.limit };
    const slice texts[] = { ret->action, ret->actor, ret->subject, ret->text };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        if (texts[i].n > SEARCH_TEXT_MAX)
            return native_refuse(&x->arena, NATIVE_BAD_EVENT_SEARCH);
    TRY(read_time(&q, S("from"), &x->arena, &ret->from_ms));
    return read_time(&q, S("to"), &x->arena, &ret->to_ms);
}

static void put_event(struct json_out *o, const struct event *e, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", e->id);
    json_put_string(o, "at", time_format_utc(a, e->at_ms));
    json_put_string(o, "actor", e->actor);
    json_put_string(o, "action", e->action);
    json_put_string(o, "subject", e->subject);
    json_put_string(o, "detail", e->detail);
    json_put_string(o, "request_id", e->request_id);
    json_close_object(o);
}

static err_t native_search_events(struct http_exchange *x)
{
    struct event_query query;
    struct event_matches found;
    struct json_reply reply;
    TRY(native_check_admin(x));
    TRY(read_event_query(x, &query));
    TRY(event_search(native_of(x)->core, &query, &x->arena, &found));
    http_reply_header(x, "Cache-Control", S("no-store"));
    short_list_begin(&reply, x, "events");
    for (size_t i = 0; i < found.count; i++)
        put_event(&reply.out, &found.items[i], &x->arena);
    short_list_send(&reply, found.next_before_id);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/accounts", native_list_accounts, HTTP_NO_BODY, 0, "GET /v1/native/accounts" },
    { "GET", "/v1/native/account", native_show_account, HTTP_NO_BODY, 0, "GET /v1/native/account" },
    { "GET", "/v1/native/account/figures", native_list_figures, HTTP_NO_BODY, 0, "GET /v1/native/account/figures" },
    { "GET", "/v1/native/account/health", native_show_health, HTTP_NO_BODY | HTTP_ADMIN, 0,
      "GET /v1/native/account/health" },
    { "GET", "/v1/native/account/events", native_search_events, HTTP_NO_BODY | HTTP_LONG, 0,
      "GET /v1/native/account/events" },
};
const struct native_routes native_account_routes = NATIVE_ROUTES(routes);
