/* SPDX-License-Identifier: Apache-2.0 */
/* Records are read back: docs/apis/appfile.md 6.1. A query runs in the lane of long work. Its reply is written in pieces; what of the page
 * does not fit into memory at once is read while it is sent. */
#include "core/sync/records.h"
#include "api/appfile/handlers_priv.h"
#include "api/appfile/members.h"
#include "api/appfile/query_document.h"
#include "api/appfile/query_paging.h"
#include "api/appfile/record_json.h"
#include "base/live.h"
#include "http/target.h"

struct records_reply {
    struct piece_reply pieces;
    struct record_set set;
    struct query_paging paging;
    bool columns[RECORD_COLUMNS]; /* that are shown */
    struct row_query rows;
    struct record_query query;
    struct record_result result;
    struct arena batch;     /* of the records that are in memory; a child of the arena of the exchange */
    struct record *records; /* these */
    size_t count, next;
    struct record_text text; /* what is being written of one of them */
    bool is_last_part;       /* all records were begun */
    bool has_begun;
    size_t later; /* how many ids of the result were read */
};

/* ---- names ---- */

static bool find_column(struct query_reader *r, enum record_column column, struct query_name *ret)
{
    ret->expr = query_column(&r->b, record_columns.items[column].name);
    return ret->expr != NULL;
}

/* A column, or a member by the names on the way to it. */
static bool find_record_name(struct query_reader *r, slice name, struct query_name *ret)
{
    slice names[ROW_NAMES_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < RECORD_COLUMNS; i++)
        if (slice_eq(name, slice_of(record_column_names[i])))
            return find_column(r, (enum record_column)i, ret);
    for (bool more = true; more && count <= ROW_NAMES_MAX;)
        more = slice_cut(name, '.', &names[count++], &name);
    ret->expr = query_member(&r->b, names, count);
    return ret->expr != NULL;
}

/* ---- reading ---- */

static void choose_columns(const struct json *fields, bool is_distinct, bool *columns)
{
    bool is_whole = !json_count(fields);
    for (size_t i = 0; i < RECORD_COLUMNS; i++) {
        columns[i] = is_whole || (!is_distinct && (i == RECORD_COLUMN_ID || i == RECORD_COLUMN_MODIFIED));
        JSON_EACH(field, fields)
            columns[i] |= json_is(field, JS_STRING) && slice_eq(field->string, slice_of(record_column_names[i]));
    }
}

static err_t read_request(struct http_exchange *x, struct records_reply *w)
{
    struct appfile_field_errors errors = { .count = 0 };
    struct query_reader reader;
    const struct json *body;
    bool is_distinct = false;
    TRY(appfile_read_body(x, &body));
    const struct json *sort = appfile_member(body, "Sort"), *fields = appfile_member(body, "Fields");
    struct section_names names = appfile_read_section(x, body, &errors);
    query_read_paging(body, &errors, &w->paging);
    query_read_flag(body, "Distinct", &errors, &is_distinct);
    is_distinct &= json_count(fields) > 0; /* whole records differ by their ids */
    query_reader_init(&reader, &record_columns, &errors, &x->arena);
    reader.find_name = find_record_name;
    TRY(query_read_where(&reader, appfile_member(body, "Query")));
    TRY(query_read_sort(&reader, sort));
    TRY(query_read_fields(&reader, fields, is_distinct));
    if (!query_reader_end(&reader, sort, &w->rows))
        return appfile_refuse_fields(x, &errors);
    w->rows.limit = w->paging.take;
    w->rows.offset = w->paging.skip;
    choose_columns(fields, is_distinct, w->columns);
    return records_find_set(appfile_of(x)->core, appfile_caller(x), &names, x->req.params[0], &x->arena, &w->set);
}

/* ---- writing ---- */

static void take_batch(struct records_reply *w, struct record *records, size_t count)
{
    w->records = records;
    w->count = count;
    w->next = 0;
}

/* Reads the next of the ids that the result has. */
static err_t read_batch(struct records_reply *w, struct arena *scratch)
{
    struct record_id_list ids = { w->result.later.items + w->later, w->result.later.count - w->later };
    struct record_rest rest;
    arena_release(&w->batch);
    arena_init_child(&w->batch, &w->pieces.x->arena);
    err_t e = records_more(appfile_of(w->pieces.x)->core, &w->set, &w->query, &ids, &w->batch, &rest);
    if (e)
        return err_copy(scratch, e);
    w->later += rest.taken;
    take_batch(w, rest.items, rest.count);
    return NULL;
}

/* Makes w->text what comes next. */
static err_t make_part(struct records_reply *w, struct arena *scratch)
{
    while (w->next == w->count && w->later < w->result.later.count)
        TRY(read_batch(w, scratch));
    if (w->next == w->count) {
        struct buf end;
        buf_init_on(&end, 0, &w->batch);
        buf_add(&end, w->has_begun ? S("]") : S("[]"));
        query_end_reply(&end, &w->paging, w->result.total);
        w->text = (struct record_text){ .head = buf_give(&end, &w->batch) };
        w->is_last_part = true;
        return NULL;
    }
    err_t e = record_text_make(&w->records[w->next++], w->columns, &w->batch, &w->text);
    w->text.head = arena_join(&w->batch, (slice[]){ w->has_begun ? S(",") : S("["), w->text.head }, 2);
    w->has_begun = true;
    return e ? err_copy(scratch, e) : NULL;
}

/* As much as there is room for. True: all of it was written. */
static bool add_part(struct buf *out, slice *part)
{
    slice now = slice_part(*part, 0, PIECE_BYTES - out->n);
    buf_add(out, now);
    *part = slice_from(*part, now.n);
    return !part->n;
}

static err_t write_records(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct records_reply *w = CONTAINER_OF(pieces, struct records_reply, pieces);
    for (;;) {
        if (piece_is_full(out) ||
            !(add_part(out, &w->text.head) && add_part(out, &w->text.body) && add_part(out, &w->text.tail)))
            return NULL;
        if (w->is_last_part) {
            *ret_end = true;
            return NULL;
        }
        TRY(make_part(w, scratch));
    }
}

static void release_batch(void *batch)
{
    arena_release(batch);
}

err_t appfile_records_query(struct http_exchange *x)
{
    struct appfile *f = appfile_of(x);
    struct records_reply *w = arena_new(&x->arena, struct records_reply);
    TRY(appfile_need(x, KEY_READER));
    TRY(read_request(x, w));
    w->query = (struct record_query){ .rows = &w->rows,
                                      .with_total = !w->paging.without_total,
                                      .limit_ms = LIVE(f->options.query_timeout_ms) };
    arena_init_child(&w->batch, &x->arena);
    arena_defer(&x->arena, release_batch, &w->batch);
    err_t e = records_query(f->core, &w->set, &w->query, &w->batch, &w->result);
    if (e)
        return query_refuse(&x->arena, err_copy(&x->arena, e));
    slice *later = arena_array(&x->arena, slice, w->result.later.count); /* longer than the batch */
    for (size_t i = 0; i < w->result.later.count; i++)
        later[i] = arena_copy(&x->arena, w->result.later.items[i]);
    w->result.later.items = later;
    take_batch(w, w->result.items, w->result.count);
    piece_reply_init(&w->pieces, x, f->log, write_records);
    query_begin_reply(&w->pieces.first);
    return piece_reply_send(&w->pieces, 200, JSON_REPLY_TYPE_UTF8);
}

/* ---- one record ---- */

static err_t write_record(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct records_reply *w = CONTAINER_OF(pieces, struct records_reply, pieces);
    (void)scratch;
    *ret_end = !piece_is_full(out) && add_part(out, &w->text.head) && add_part(out, &w->text.body) &&
               add_part(out, &w->text.tail);
    return NULL;
}

err_t appfile_record_retrieve(struct http_exchange *x)
{
    static const bool all[RECORD_COLUMNS] = { true, true, true, true };
    struct appfile *f = appfile_of(x);
    struct arena *a = &x->arena;
    struct records_reply *w = arena_new(a, struct records_reply);
    struct appfile_field_errors errors = { .count = 0 };
    struct query query;
    struct record record;
    slice id = S("");
    TRY(appfile_need(x, KEY_READER));
    struct section_names names = appfile_read_section(x, NULL, &errors);
    TRY(query_parse(x->req.query, a, &query));
    if (!query_get(&query, S("id"), QUERY_NOCASE, &id) || !id.n)
        appfile_add_field_error(&errors, "id", APPFILE_NOT_EMPTY, "id must not be empty.");
    TRY(appfile_refuse_fields(x, &errors));
    TRY(records_find_set(f->core, appfile_caller(x), &names, x->req.params[0], a, &w->set));
    TRY(record_find(f->core, &w->set, id, a, &record));
    TRY(record_text_make(&record, all, a, &w->text));
    w->text.tail = arena_join(a, (slice[]){ w->text.tail, S("}") }, 2);
    piece_reply_init(&w->pieces, x, f->log, write_record);
    query_begin_reply(&w->pieces.first);
    return piece_reply_send(&w->pieces, 200, JSON_REPLY_TYPE_UTF8);
}

/* Other systems change records by files alone (docs/apis/appfile.md 6.1). */
err_t appfile_record_write(struct http_exchange *x)
{
    TRY(appfile_need(x, KEY_READER));
    return appfile_refuse(&x->arena, APPFILE_ACCESS_DENIED);
}
