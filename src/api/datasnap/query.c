/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 7: queries. One runs in the lane of long work, and its reply is produced in pieces while it is sent. */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/handlers_priv.h"
#include "api/datasnap/query_reply.h"
#include "api/kit/piece_reply.h"
#include "base/live.h"
#include "core/access/access.h"
#include "core/dataset/dataset.h"
#include "core/dataset/result_page.h"

struct query_work {
    struct piece_reply pieces;
    struct dataset dataset;
    struct query_request request;
    struct page_token_key token;
    struct result_page *page;
    struct query_reply *reply;
};

/* The words of this API for what ends a query. */
static err_t refuse_query(struct arena *a, err_t e)
{
    if (err_is(e, ERR_EXPIRED))
        return datasnap_refuse_because(a, e, DATASNAP_QUERY_TIMEOUT);
    if (err_is(e, ERR_INVALID))
        return datasnap_refuse_because(a, e, DATASNAP_QUERY_OVERFLOW);
    if (err_is(e, ERR_TOO_LARGE))
        return datasnap_refuse_because(a, e, DATASNAP_QUERY_TOO_LARGE);
    return e;
}

static err_t read_page_token(struct http_exchange *x, struct query_work *w)
{
    struct row_query *q = &w->request.query;
    struct field_errors errors;
    struct page_place place;
    if (!w->request.page_token.p)
        return NULL;
    if (page_token_read(&w->token, q, w->request.page_token, &x->arena, &place)) {
        q->offset = place.offset;
        q->up_to_row = place.newest_row;
        return NULL;
    }
    field_errors_init(&errors, &x->arena);
    field_error_add(&errors, S("O page_token não é válido para esta consulta."), "page_token");
    return datasnap_refuse_fields(x, &errors);
}

static err_t read_query(struct http_exchange *x, struct query_work *w)
{
    struct field_errors errors;
    const struct json *body;
    TRY(datasnap_read_body(x, &body));
    TRY(datasnap_find_schema(x, &w->dataset));
    if (!w->dataset.columns.count)
        return datasnap_refuse(&x->arena, DATASNAP_NO_TABLE);
    field_errors_init(&errors, &x->arena);
    TRY(query_body_read(body, &w->dataset.columns, &x->arena, &errors, &w->request));
    TRY(datasnap_refuse_fields(x, &errors));
    w->token = (struct page_token_key){ { (const char *)datasnap_of(x)->token_key, SEAL_KEY_SIZE }, w->dataset.id };
    return read_page_token(x, w);
}

static err_t write_piece(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct query_work *w = CONTAINER_OF(pieces, struct query_work, pieces);
    return refuse_query(scratch, query_reply_write(w->reply, out, scratch, ret_end));
}

static void close_page(void *page)
{
    result_page_close(page);
}

static err_t add_token(struct http_exchange *x, struct query_work *w)
{
    slice token;
    SCRATCH_OF(scratch, &x->arena);
    if (w->request.format != RESULT_JSON_LINES)
        return NULL;
    err_t e = query_reply_token(w->reply, &scratch, &token);
    if (e)
        return err_copy(&x->arena, refuse_query(&scratch, e));
    if (token.n)
        http_reply_header(x, "X-Next-Page-Token", token);
    return NULL;
}

static err_t reply_to_query(struct http_exchange *x, struct query_work *w)
{
    struct datasnap *d = datasnap_of(x);
    struct arena *a = &x->arena;
    int64_t started_ms = clock_monotonic_ms(d->core->clock);
    TRY(dataset_open_table(d->core, &w->dataset, a));
    TRY(refuse_query(a, result_page_open(d->core->datasets, w->dataset.id, &w->request.query,
                                         LIVE(d->options.query_timeout_ms), a, &w->page)));
    arena_defer(a, close_page, w->page);
    struct query_reply_parts parts = { &w->request, w->page, &w->token, d->core->clock, started_ms };
    w->reply = query_reply_new(a, &parts);
    piece_reply_init(&w->pieces, x, d->log, write_piece);
    TRY(add_token(x, w));
    return piece_reply_send(&w->pieces, 200, query_reply_type(w->reply));
}

err_t datasnap_query(struct http_exchange *x)
{
    struct query_work *w = arena_new(&x->arena, struct query_work);
    TRY(datasnap_need(x, KEY_READER));
    TRY(datasnap_count(x, DATASNAP_QUERIES));
    TRY(read_query(x, w));
    return reply_to_query(x, w);
}
