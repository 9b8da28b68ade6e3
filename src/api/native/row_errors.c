/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/row_errors.h"

#include "api/kit/csv.h"
#include "api/kit/json_reply.h"
#include "api/kit/piece_reply.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "http/content_disposition.h"
#include "http/target.h"

enum error_form { ERRORS_JSON, ERRORS_LINES, ERRORS_CSV, ERROR_FORMS };
static const struct {
    const char *name, *type, *end;
} forms[ERROR_FORMS] = {
    [ERRORS_JSON] = { "json", JSON_REPLY_TYPE, ".json" },
    [ERRORS_LINES] = { "jsonl", "application/x-ndjson", ".jsonl" },
    [ERRORS_CSV] = { "csv", "text/csv; charset=utf-8", ".csv" },
};

struct errors_reply {
    struct piece_reply pieces;
    struct row_error_list list;
    enum error_form form;
    slice item; /* that did not fit into the last piece, in `arena` */
    struct arena arena;
    uint64_t count;
};

void row_error_put(struct json_out *o, const struct row_error *e)
{
    json_open_object(o);
    json_put_int(o, "line", (int64_t)e->line);
    json_put_known_text(o, "key", e->key);
    json_put_known_text(o, "column", e->column);
    json_put_known_text(o, "value", e->value);
    json_put_string(o, "code", e->code);
    json_put_known_text(o, "expected", e->expected);
    json_put_string(o, "message", e->message);
    json_close_object(o);
}

static void add_csv_line(struct buf *out, const struct row_error *e)
{
    const slice fields[] = { e->key, e->column, e->value, e->code, e->expected, e->message };
    buf_printf(out, "%llu", (unsigned long long)e->line);
    for (size_t i = 0; i < LENGTH_OF(fields); i++) {
        buf_add_byte(out, ',');
        csv_add_text(out, fields[i]);
    }
    buf_add(out, S("\r\n"));
}

static slice format_error(struct errors_reply *r, const struct row_error *e, struct arena *a)
{
    struct buf text;
    struct json_out o;
    buf_init_on(&text, 0, a);
    json_out_init(&o, &text);
    if (r->form == ERRORS_JSON && r->count)
        buf_add_byte(&text, ',');
    if (r->form == ERRORS_CSV)
        add_csv_line(&text, e);
    else
        row_error_put(&o, e);
    if (r->form == ERRORS_LINES)
        buf_add_byte(&text, '\n');
    r->count++;
    return buf_give(&text, a);
}

static err_t write_errors(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct errors_reply *r = CONTAINER_OF(pieces, struct errors_reply, pieces);
    struct row_error error;
    (void)scratch;
    while (!piece_is_full(out)) {
        bool whole;
        if (!r->item.n) {
            arena_release(&r->arena);
            arena_init_child(&r->arena, &r->pieces.x->arena);
            if (!r->list.next(r->list.list, &r->arena, &error)) {
                buf_add(out, r->form == ERRORS_JSON ? S("]}") : S(""));
                *ret_end = true;
                return NULL;
            }
            r->item = format_error(r, &error, &r->arena);
        }
        TRY(piece_add(pieces, out, r->item, scratch, &whole));
        if (!whole)
            return NULL;
        r->item = S("");
    }
    return NULL;
}

static void release_errors(void *arena)
{
    arena_release(arena);
}

err_t row_errors_reply(struct http_exchange *x, const struct row_error_list *list)
{
    struct errors_reply *r = arena_new(&x->arena, struct errors_reply);
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice wanted = native_query_value(&q, S("format"));
    while (wanted.n && !slice_eq(wanted, slice_of(forms[r->form].name)))
        if (++r->form == ERROR_FORMS)
            return native_refuse(&x->arena, NATIVE_BAD_ERROR_FORMAT);
    r->list = *list;
    r->item = S("");
    arena_init_child(&r->arena, &x->arena);
    arena_defer(&x->arena, release_errors, &r->arena);
    piece_reply_init(&r->pieces, x, native_of(x)->log, write_errors);
    http_reply_header(x, "Cache-Control", S("no-store"));
    if (r->form == ERRORS_JSON)
        buf_add(&r->pieces.first, S("{\"errors\":["));
    else
        http_reply_header(x, "Content-Disposition",
                          content_disposition_format(
                              S("attachment"),
                              arena_printf(&x->arena, SLICE_FMT "%s", SLICE_ARG(list->name), forms[r->form].end),
                              &x->arena));
    if (r->form == ERRORS_CSV)
        buf_add(&r->pieces.first, S("line,key,column,value,code,expected,message\r\n"));
    return piece_reply_send(&r->pieces, 200, forms[r->form].type);
}
