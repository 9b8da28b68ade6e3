/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a set. Each function is one transaction of one statement, or does not mind a batch in between. */
#include "base/text.h"
#include "record/record_priv.h"

#include <string.h>

void reading_endp(struct reading *r)
{
    if (r->conn)
        set_give_reader(r->set, r->conn);
    if (r->set)
        set_release(r->set);
}

err_t reading_begin(struct record_store *store, int64_t id, struct arena *a, struct reading *r)
{
    TRY(set_acquire(pool_of(store), id, a, &r->set));
    return set_take_reader(r->set, a, &r->conn);
}

err_t reader_fields(struct record_store *store, int64_t id, struct arena *a, struct record_fields *ret)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    TRY(reading_begin(store, id, a, &r));
    return set_named(r.set, a, schema_read_fields(r.conn, a, ret));
}

err_t reader_position(struct record_store *store, int64_t id, struct arena *a, slice *ret)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    TRY(reading_begin(store, id, a, &r));
    return set_named(r.set, a, schema_read_position(r.conn, a, ret));
}

/* ---- records */

slice record_id_of(const struct record_set *set, int64_t number, struct arena *a)
{
    char bytes[2 * PREFIX_BYTES];
    memcpy(bytes, set->prefix.p, PREFIX_BYTES);
    for (size_t i = sizeof bytes; i-- > PREFIX_BYTES; number >>= 8)
        bytes[i] = (char)(number & 0xff);
    return hex_encode(a, (slice){ bytes, sizeof bytes });
}

bool record_number_of(const struct record_set *set, slice id, struct arena *a, int64_t *ret)
{
    slice bytes;
    if (id.n != RECORD_ID_LENGTH || !hex_decode(a, id, &bytes) || !slice_eq(hex_encode(a, bytes), id) ||
        !slice_starts(bytes, set->prefix))
        return false;
    *ret = 0;
    for (size_t i = PREFIX_BYTES; i < bytes.n; i++)
        *ret = *ret << 8 | (unsigned char)bytes.p[i];
    return true;
}

static err_t copy_record(const struct record_set *set, struct sql_cursor *cursor, struct arena *a, struct record *ret)
{
    *ret = (struct record){ .id = record_id_of(set, sql_column_int(cursor, 0), a),
                            .key = sql_column_copy(cursor, 1, a),
                            .object = sql_column_copy(cursor, 2, a),
                            .file = sql_column_copy(cursor, 3, a),
                            .created_at_ms = sql_column_int(cursor, 4),
                            .modified_at_ms = sql_column_int(cursor, 5) };
    return arena_check(a);
}

static err_t read_record(const struct reading *r, int64_t number, struct arena *a, struct record *ret)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    bool has_row;
    TRY(sql_query(r->conn, STATEMENT("SELECT " RECORD_SQL_COLUMNS " FROM records WHERE number = $1"),
                  SQL(SQL_I(number)), a, &cursor));
    TRY(sql_next(cursor, a, &has_row));
    return has_row ? copy_record(r->set, cursor, a, ret) : err_make(a, ERR_NOT_FOUND, "there is no such record");
}

err_t reader_get(struct record_store *store, int64_t id, slice record_id, struct arena *a, struct record *ret)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    int64_t number;
    TRY(reading_begin(store, id, a, &r));
    if (!record_number_of(r.set, record_id, a, &number))
        return err_make(a, ERR_NOT_FOUND, "there is no such record");
    return set_named(r.set, a, read_record(&r, number, a, ret));
}

/* *cursor: over one record more than the limit, so that it is known whether there are more. */
static err_t start_scan(const struct reading *r, const struct record_scan *scan, struct arena *a,
                        struct sql_cursor **ret_cursor)
{
    int64_t number = 0, limit = (int64_t)scan->limit + 1;
    if (scan->order == RECORD_BY_KEY)
        return sql_query(r->conn,
                         STATEMENT("SELECT " RECORD_SQL_COLUMNS " FROM records WHERE key > $1 ORDER BY key LIMIT $2"),
                         SQL(SQL_B(scan->after), SQL_I(limit)), a, ret_cursor);
    if (scan->after.n && !record_number_of(r->set, scan->after, a, &number))
        return err_make(a, ERR_INVALID, "that is no id of the set");
    return sql_query(r->conn,
                     STATEMENT("SELECT " RECORD_SQL_COLUMNS " FROM records WHERE number > $1 ORDER BY number LIMIT $2"),
                     SQL(SQL_I(number), SQL_I(limit)), a, ret_cursor);
}

static err_t read_page(const struct reading *r, const struct record_scan *scan, struct arena *a,
                       struct record_page *ret)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    struct record_page page = { .items = arena_array(a, struct record, scan->limit) };
    size_t bytes = 0;
    TRY(start_scan(r, scan, a, &cursor));
    for (;;) {
        TRY(sql_next(cursor, a, &page.has_more));
        if (!page.has_more || page.count == scan->limit || bytes > RECORD_PAGE_BYTES)
            break;
        struct record *record = &page.items[page.count++];
        TRY(copy_record(r->set, cursor, a, record));
        bytes += record->key.n + record->object.n;
    }
    *ret = page;
    return NULL;
}

err_t reader_scan(struct record_store *store, int64_t id, const struct record_scan *scan, struct arena *a,
                  struct record_page *ret)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    if (scan->limit < 1 || scan->limit > RECORD_PAGE_MAX)
        return err_make(a, ERR_INVALID, "a page of %zu records", scan->limit);
    TRY(reading_begin(store, id, a, &r));
    return set_named(r.set, a, read_page(&r, scan, a, ret));
}

/* ---- the whole set */

err_t reader_size(struct record_store *store, int64_t id, struct arena *a, uint64_t *ret_bytes, uint64_t *ret_records)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    int64_t pages = 0, page_bytes = 0, count = 0;
    TRY(reading_begin(store, id, a, &r));
    err_t e = sql_get_int(r.conn, STATEMENT("PRAGMA page_count"), SQL_NO_VALUES, a, &pages);
    if (!e)
        e = sql_get_int(r.conn, STATEMENT("PRAGMA page_size"), SQL_NO_VALUES, a, &page_bytes);
    if (!e)
        e = sql_get_int(r.conn, STATEMENT("SELECT record_count FROM about"), SQL_NO_VALUES, a, &count);
    TRY(set_named(r.set, a, e));
    *ret_bytes = (uint64_t)pages * (uint64_t)page_bytes;
    *ret_records = (uint64_t)count;
    return NULL;
}

err_t reader_verify(struct record_store *store, int64_t id, struct arena *a)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    TRY(reading_begin(store, id, a, &r));
    err_t e = sql_begin(r.conn, a);
    if (!e)
        e = schema_verify(r.conn, a);
    sql_rollback(r.conn);
    return set_named(r.set, a, e);
}
