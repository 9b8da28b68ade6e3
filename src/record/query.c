/* SPDX-License-Identifier: Apache-2.0 */
/* A question is answered in two steps, of one snapshot. The first finds the numbers of the records of the page; it is one statement, and
 * SQLite sorts numbers with the keys of the order, not whole records. The second reads these records. */
#include "base/text.h"
#include "record/project.h"
#include "record/record_priv.h"
#include "row_sql/row_sql.h"

#include <assert.h>

/* ---- the statement ---- */

static void add_column(struct row_sql *s, size_t column)
{
    const struct record_set *set = s->arg;
    switch ((enum record_column)column) {
    case RECORD_COLUMN_ID:
        row_sql_add(s, "(");
        row_sql_add_value(s, SQL_T(hex_encode(s->a, set->prefix)));
        row_sql_add(s, " || printf('%012x', number))");
        break;
    case RECORD_COLUMN_CREATED:
        row_sql_add(s, "created_at_ms * 1000");
        break;
    case RECORD_COLUMN_MODIFIED:
        row_sql_add(s, "modified_at_ms * 1000");
        break;
    case RECORD_COLUMN_FILE:
        row_sql_add(s, "file");
        break;
    case RECORD_COLUMNS:
        break;
    }
}

static bool is_id(const struct row_expr *expr)
{
    return expr->function == ROW_COLUMN && expr->column == RECORD_COLUMN_ID;
}

/* Ids are looked up by number. */
static bool add_test(struct row_sql *s, const struct row_condition *c)
{
    bool is_not = c->test == ROW_NE || c->test == ROW_NOT_IN;
    if (!is_id(c->expr) || (c->test != ROW_EQ && c->test != ROW_IN && !is_not))
        return false;
    const char *separator = "";
    int64_t number;
    row_sql_add(s, is_not ? "number NOT IN (" : "number IN (");
    for (size_t i = 0; i < c->value_count; i++) {
        if (!record_number_of(s->arg, c->values[i].text, s->a, &number))
            continue;
        row_sql_add(s, separator);
        row_sql_add_value(s, SQL_I(number));
        separator = ", ";
    }
    row_sql_add(s, ")");
    return true;
}

static const struct row_sql_rows rows = { "object", add_column, add_test };

static void add_keys(struct row_sql *s, const struct record_query *q)
{
    for (size_t i = 0; i < q->key_count; i++) {
        row_sql_add(s, i ? " UNION ALL SELECT number FROM records WHERE key "
                         : " AND number IN (SELECT number FROM records WHERE key ");
        row_sql_add(s, q->keys[i].to.n ? ">= " : "= ");
        row_sql_add_value(s, SQL_B(q->keys[i].from));
        if (!q->keys[i].to.n)
            continue;
        row_sql_add(s, " AND key < ");
        row_sql_add_value(s, SQL_B(q->keys[i].to));
    }
    row_sql_add(s, q->key_count ? ")" : "");
}

static void add_where(struct row_sql *s, const struct record_query *q)
{
    row_sql_add(s, " FROM records WHERE ");
    row_sql_add_condition(s, q->rows->where);
    add_keys(s, q);
}

static void write_rows(struct row_sql *s, const struct record_query *q)
{
    const struct row_query *r = q->rows;
    row_sql_add(s, "SELECT number");
    add_where(s, q);
    row_sql_add(s, " ORDER BY ");
    for (size_t i = 0; i < r->order_count; i++) {
        if (is_id(r->orders[i].expr)) { /* none that follows matters */
            row_sql_add(s, r->orders[i].is_descending ? "number DESC" : "number");
            return;
        }
        row_sql_add_order(s, &r->orders[i]);
        row_sql_add(s, ", ");
    }
    row_sql_add(s, "number");
}

static size_t find_group(const struct row_query *q, const struct row_expr *expr)
{
    size_t i = 0;
    while (i < q->group_count && !row_expr_same(q->groups[i], expr))
        i++;
    assert(i < q->group_count);
    return i;
}

/* The values of the groups are the columns 2, 3 … of the statement. */
static void write_groups(struct row_sql *s, const struct record_query *q)
{
    const struct row_query *r = q->rows;
    row_sql_add(s, "SELECT MIN(number)");
    for (size_t i = 0; i < r->group_count; i++) {
        row_sql_add(s, ", ");
        row_sql_add_group(s, r->groups[i]);
    }
    add_where(s, q);
    for (size_t i = 0; i < r->group_count; i++)
        buf_printf(&s->text, i ? ", %zu" : " GROUP BY %zu", i + 2);
    row_sql_add(s, " ORDER BY ");
    for (size_t i = 0; i < r->order_count; i++)
        buf_printf(&s->text, "%zu %s NULLS LAST, ", find_group(r, r->orders[i].expr) + 2,
                   r->orders[i].is_descending ? "DESC" : "ASC");
    for (size_t i = 0; i < r->group_count; i++)
        buf_printf(&s->text, i ? ", %zu ASC NULLS LAST" : "%zu ASC NULLS LAST", i + 2);
}

/* ---- finding ---- */

struct finding {
    const struct record_query *q;
    struct reading reading;
    int64_t *numbers; /* of the page */
    size_t count;
    uint64_t total;
};

/* Every record is in the result, so it need not be counted. */
static bool is_everything(const struct record_query *q)
{
    return !q->rows->where && !q->key_count && !q->rows->is_grouped;
}

static err_t find_numbers(struct finding *f, struct arena *a)
{
    SCRATCH_OF(scratch, a);
    const struct row_query *r = f->q->rows;
    const struct row_sql_page page = { r->offset, r->limit, f->q->with_total && !is_everything(f->q) };
    struct row_sql_found found;
    struct row_sql s;
    row_sql_init(&s, SQL_SQLITE, &rows, &scratch);
    s.arg = f->reading.set;
    if (r->is_grouped)
        write_groups(&s, f->q);
    else
        write_rows(&s, f->q);
    TRY(row_sql_find(&s, f->reading.conn, &page, a, &found));
    f->numbers = found.ids;
    f->count = found.count;
    f->total = found.total;
    return NULL;
}

static err_t count_everything(struct finding *f, struct arena *a)
{
    int64_t count;
    TRY(sql_get_int(f->reading.conn, STATEMENT("SELECT record_count FROM about"), SQL_NO_VALUES, a, &count));
    f->total = (uint64_t)count;
    return NULL;
}

/* ---- reading ---- */

static err_t copy_object(const struct projection *p, slice object, struct arena *a, slice *ret)
{
    if (!p) {
        *ret = arena_copy_if_room(a, object);
        return NULL;
    }
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, a);
    TRY(projection_add(p, object, a, &text));
    *ret = buf_give(&text, a);
    return NULL;
}

static err_t read_record(const struct reading *r, int64_t number, const struct projection *p, struct arena *a,
                         struct record *ret, bool *ret_is_there)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(r->conn, STATEMENT("SELECT " RECORD_SQL_COLUMNS " FROM records WHERE number = $1"),
                  SQL(SQL_I(number)), a, &cursor));
    TRY(sql_next(cursor, a, ret_is_there));
    if (!*ret_is_there)
        return NULL;
    *ret = (struct record){ .id = record_id_of(r->set, number, a),
                            .key = sql_column_copy(cursor, 1, a),
                            .file = sql_column_copy(cursor, 3, a),
                            .created_at_ms = sql_column_int(cursor, 4),
                            .modified_at_ms = sql_column_int(cursor, 5) };
    TRY(copy_object(p, sql_column(cursor, 2).bytes, a, &ret->object));
    return arena_check(a);
}

static err_t read_records(const struct finding *f, struct arena *a, struct record_rest *ret)
{
    const struct row_query *q = f->q->rows;
    const struct projection *p = q->item_count ? projection_new(q, a) : NULL;
    struct record_rest read = { .items = arena_array(a, struct record, f->count) };
    size_t bytes = 0;
    for (; read.taken < f->count && bytes <= RECORD_PAGE_BYTES; read.taken++) {
        struct record *record = &read.items[read.count];
        bool is_there;
        TRY(read_record(&f->reading, f->numbers[read.taken], p, a, record, &is_there));
        read.count += is_there;
        bytes += is_there ? record->object.n + record->key.n : 0;
    }
    *ret = read;
    return NULL;
}

static err_t answer(struct finding *f, struct arena *a, struct record_result *ret)
{
    struct record_rest read;
    TRY(find_numbers(f, a));
    if (f->q->with_total && is_everything(f->q))
        TRY(count_everything(f, a));
    TRY(read_records(f, a, &read));
    size_t later_count = f->count - read.taken;
    slice *later = arena_array(a, slice, later_count);
    for (size_t i = 0; i < later_count; i++)
        later[i] = record_id_of(f->reading.set, f->numbers[read.taken + i], a);
    *ret = (struct record_result){
        .items = read.items, .count = read.count, .later = { later, later_count }, .total = f->total
    };
    return arena_check(a);
}

static void set_limit(const struct finding *f, struct clock *clock)
{
    bool has_limit = clock && f->q->limit_ms;
    sql_set_deadline(f->reading.conn, has_limit ? clock : NULL,
                     has_limit ? clock_monotonic_ms(clock) + f->q->limit_ms : 0);
}

err_t query_run(struct record_store *store, int64_t id, const struct record_query *q, struct arena *a,
                struct record_result *ret)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    if (q->rows->limit > RECORD_PAGE_MAX)
        return err_make(a, ERR_INVALID, "a page of %llu records", (unsigned long long)q->rows->limit);
    if (q->rows->where && !row_sql_takes(q->rows->where))
        return err_make(a, ERR_TOO_LARGE, "the question has too many conditions");
    TRY(reading_begin(store, id, a, &r));
    struct finding f = { .q = q, .reading = r };
    err_t e = sql_begin(r.conn, a);
    if (!e) {
        set_limit(&f, CONTAINER_OF(store, struct records, store)->clock);
        e = answer(&f, a, ret);
        sql_set_deadline(r.conn, NULL, 0);
    }
    sql_rollback(r.conn);
    return err_is(e, ERR_EXPIRED) ? e : set_named(r.set, a, e);
}

err_t query_more(struct record_store *store, int64_t id, const struct record_query *q, const struct record_id_list *ids,
                 struct arena *a, struct record_rest *ret)
{
    SCOPED(reading_endp) struct reading r = { 0 };
    TRY(reading_begin(store, id, a, &r));
    struct finding f = { .q = q, .reading = r, .numbers = arena_array(a, int64_t, ids->count), .count = ids->count };
    for (size_t i = 0; i < ids->count; i++)
        if (!record_number_of(r.set, ids->items[i], a, &f.numbers[i]))
            f.numbers[i] = 0; /* no record has it */
    return set_named(r.set, a, read_records(&f, a, ret));
}
