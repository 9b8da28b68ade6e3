/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of a dataset: docs/native.md. One runs in the lane of long work, and its reply is produced in pieces while it is sent, so that
 * no result is ever in memory as a whole. A download holds its place in the table as long as it is sent, for which time there is a limit
 * of its own, and an account may have few of them at once. */
#include "api/kit/page_token.h"
#include "api/kit/piece_reply.h"
#include "api/native/data_priv.h"
#include "api/native/query_read.h"
#include "base/live.h"
#include "core/access/access.h"
#include "core/dataset/result_page.h"
#include "http/content_disposition.h"

struct query_reply {
    struct piece_reply pieces;
    struct dataset dataset;
    struct native_query query;
    struct page_token_key token;
    struct result_page *page;
    struct row_writer rows;
    int64_t began_ms;
    bool rows_are_written;
};

/* The words of this API for what ends a query. */
static err_t refuse_query(struct arena *a, err_t e)
{
    if (err_is(e, ERR_EXPIRED))
        return native_refuse_because(a, e, NATIVE_QUERY_TOO_LONG);
    if (err_is(e, ERR_INVALID))
        return native_refuse_because(a, e, NATIVE_QUERY_OVERFLOW);
    if (err_is(e, ERR_TOO_LARGE))
        return native_refuse_because(a, e, NATIVE_QUERY_TOO_LARGE);
    return e;
}

/* ---- limits of an account ---- */

static err_t count_query(struct http_exchange *x)
{
    int64_t account_id = native_caller(x)->account_id;
    struct rate_state state;
    if (x->req.local || rate_limit_take(&native_of(x)->queries, account_id, account_id, &state))
        return NULL;
    http_reply_header(x, "Retry-After", arena_printf(&x->arena, "%lld", (long long)state.reset_s));
    return native_refuse(&x->arena, NATIVE_TOO_MANY_QUERIES);
}

struct download {
    struct native_api *api;
    int64_t account_id;
    struct download *prev, *next; /* in the list of all downloads, under its mutex */
};

static void leave_downloads(void *download)
{
    struct download *d = download;
    struct query_downloads *all = &d->api->downloads;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&all->mutex);
    *(d->prev ? &d->prev->next : &all->first) = d->next;
    if (d->next)
        d->next->prev = d->prev;
}

/* Until the exchange ends. */
static err_t enter_downloads(struct http_exchange *x)
{
    struct native_api *api = native_of(x);
    struct query_downloads *all = &api->downloads;
    struct download *d = arena_new(&x->arena, struct download);
    int64_t max = LIVE(api->options.max_account_downloads), count = 0;
    *d = (struct download){ .api = api, .account_id = native_caller(x)->account_id };
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&all->mutex);
        for (const struct download *other = all->first; other; other = other->next)
            count += other->account_id == d->account_id;
        if (max && count >= max)
            return native_refuse(&x->arena, NATIVE_TOO_MANY_DOWNLOADS);
        d->next = all->first;
        if (d->next)
            d->next->prev = d;
        all->first = d;
    }
    arena_defer(&x->arena, leave_downloads, d);
    return NULL;
}

/* ---- the request ---- */

static err_t read_after(struct http_exchange *x, struct query_reply *r)
{
    struct page_place place;
    if (!r->query.after.n)
        return NULL;
    if (!page_token_read(&r->token, &r->query.rows, r->query.after, &x->arena, &place))
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    r->query.rows.offset = place.offset;
    r->query.rows.up_to_row = place.newest_row;
    return NULL;
}

static err_t read_query(struct http_exchange *x, struct query_reply *r)
{
    const struct json *body;
    TRY(native_path_dataset(x, KEY_READER, &r->dataset));
    TRY(count_query(x));
    TRY(native_read_object(x, &body));
    if (!r->dataset.columns.count)
        return native_refuse(&x->arena, NATIVE_NO_COLUMNS);
    TRY(native_query_read(body, &r->dataset.columns, &x->arena, &r->query));
    r->token = (struct page_token_key){ { (const char *)native_of(x)->token_key, SEAL_KEY_SIZE }, r->dataset.id };
    return read_after(x, r);
}

/* ---- the reply ---- */

static void add_columns(struct buf *out, const struct row_query *q)
{
    buf_add(out, S("{\"columns\":["));
    for (size_t i = 0; i < q->item_count; i++) {
        buf_add(out, i ? S(",{\"name\":\"") : S("{\"name\":\""));
        row_add_escaped(out, q->items[i].name);
        buf_printf(out, "\",\"type\":\"" SLICE_FMT "\"}", SLICE_ARG(native_type_name(q->items[i].type)));
    }
    buf_add(out, S("],\"rows\":["));
}

static err_t add_end(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    struct result_reading reading = result_page_reading(r->page);
    bool has_more;
    err_t e = result_page_has_more(r->page, scratch, &has_more);
    if (e)
        return refuse_query(scratch, e);
    struct page_place next = { .offset = result_page_end(r->page), .newest_row = reading.newest_row };
    buf_printf(out, "],\"rows_read\":%llu,\"elapsed_ms\":%lld", (unsigned long long)reading.rows_read,
               (long long)(clock_monotonic_ms(native_of(r->pieces.x)->core->clock) - r->began_ms));
    if (has_more)
        buf_printf(out, ",\"next\":\"" SLICE_FMT "\"",
                   SLICE_ARG(page_token_make(&r->token, &r->query.rows, next, scratch)));
    buf_add(out, S("}"));
    return NULL;
}

static err_t write_query(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct query_reply *r = CONTAINER_OF(pieces, struct query_reply, pieces);
    if (!r->rows_are_written) {
        err_t e = row_writer_write(&r->rows, out, scratch, &r->rows_are_written);
        if (e)
            return refuse_query(scratch, e);
    }
    if (!r->rows_are_written || piece_is_full(out))
        return NULL;
    *ret_end = true;
    return native_query_downloads(&r->query) ? NULL : add_end(r, out, scratch);
}

static void close_page(void *page)
{
    result_page_close(page);
}

static void announce_download(struct http_exchange *x, const struct query_reply *r)
{
    slice name = arena_printf(&x->arena, SLICE_FMT ".%s", SLICE_ARG(r->dataset.slug),
                              r->query.style == ROWS_AS_CSV ? "csv" : "jsonl");
    http_reply_header(x, "Content-Disposition", content_disposition_format(S("attachment"), name, &x->arena));
}

static err_t open_page(struct http_exchange *x, struct query_reply *r)
{
    struct native_api *api = native_of(x);
    struct arena *a = &x->arena;
    int64_t limit_ms = native_query_downloads(&r->query) ? LIVE(api->options.download_timeout_ms)
                                                         : LIVE(api->options.query_timeout_ms);
    r->began_ms = clock_monotonic_ms(api->core->clock);
    TRY(dataset_open_table(api->core, &r->dataset, a));
    err_t e = result_page_open(api->core->datasets, r->dataset.id, &r->query.rows, limit_ms, a, &r->page);
    if (e)
        return refuse_query(a, e);
    arena_defer(a, close_page, r->page);
    row_writer_init(&r->rows, r->query.style, &r->query.rows, r->page, a);
    return NULL;
}

static err_t query_native_dataset(struct http_exchange *x)
{
    static const char *const types[] = { [ROWS_AS_ARRAYS] = "application/json",
                                         [ROWS_AS_TEXT_ARRAYS] = "application/json",
                                         [ROWS_AS_LINES] = "application/x-ndjson",
                                         [ROWS_AS_CSV] = "text/csv; charset=utf-8" };
    struct query_reply *r = arena_new(&x->arena, struct query_reply);
    TRY(read_query(x, r));
    bool downloads = native_query_downloads(&r->query);
    if (downloads)
        TRY(enter_downloads(x));
    TRY(open_page(x, r));
    piece_reply_init(&r->pieces, x, native_of(x)->log, write_query);
    http_reply_header(x, "Cache-Control", S("no-store"));
    if (downloads)
        announce_download(x, r);
    else
        add_columns(&r->pieces.first, &r->query.rows);
    return piece_reply_send(&r->pieces, 200, types[r->query.style]);
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "POST", "/v1/native/datasets/{slug}/query", query_native_dataset, HTTP_LONG, NATIVE_DATA_BODY_MAX,
      "POST /v1/native/datasets/{slug}/query", NATIVE_DATA_MEMORY },
};
const struct native_routes native_dataset_query_routes = NATIVE_ROUTES(routes);
