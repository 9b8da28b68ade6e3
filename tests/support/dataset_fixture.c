/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset_fixture.h"
#include "test.h"
#include "tmpdir.h"

#include "base/buf.h"
#include "dataset/duckdb/duckdb_store.h"
#include "dataset/mem/mem.h"

#include <inttypes.h>
#include <string.h>

/* ---- the world ---- */

static void open_store(struct dataset_world *w)
{
    if (w->kind == DATASET_MEM)
        w->store = dataset_mem_new(&w->clock.clock);
    else if (CAIS_HAS_DUCKDB)
        EXPECT_OK(
            dataset_duckdb_open(arena_printf(w->a, "%s/datasets", w->dir).p, NULL, &w->clock.clock, w->a, &w->store));
}

void dataset_reopen(struct dataset_world *w)
{
    w->store->ops->close_store(w->store);
    open_store(w);
}

static int setup(void **state)
{
    struct dataset_world *w = must_malloc(sizeof *w);
    w->kind = *(const enum dataset_kind *)*state;
    w->a = &w->arena;
    arena_set_limit(w->a, SIZE_MAX / 2, NULL);
    clock_manual_init(&w->clock, 1000000);
    tmpdir_use_memory();
    if (w->kind != DATASET_MEM)
        w->dir = tmpdir_make();
    open_store(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct dataset_world *w = *state;
    if (w->store)
        w->store->ops->close_store(w->store);
    if (w->dir)
        tmpdir_remove(w->dir);
    arena_release(w->a);
    free(w);
    return 0;
}

int dataset_run_cases(const struct dataset_case *cases, size_t count)
{
    static const char *const names[DATASET_KINDS] = { "mem", "duckdb" };
    struct CMUnitTest *tests = must_malloc((count + 1) * sizeof *tests);
    int failed = 0;
    for (enum dataset_kind kind = 0; kind < (CAIS_HAS_DUCKDB ? DATASET_KINDS : DATASET_DUCKDB); kind++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            if (cases[i].kinds & 1u << kind)
                tests[n++] = (struct CMUnitTest){ cases[i].name, cases[i].run, setup, teardown, &kind };
        /* the macro around it counts a whole array only */
        failed += _cmocka_run_group_tests(names[kind], tests, n, NULL, NULL);
    }
    free(tests);
    return failed != 0;
}

/* ---- tables and rows ---- */

static enum column_type type_of_name(slice name)
{
    static const char *const names[COLUMN_TYPE_COUNT] = { "string",  "json",   "bool",     "int8",
                                                          "int16",   "int32",  "int64",    "uint8",
                                                          "uint16",  "uint32", "uint64",   "float",
                                                          "decimal", "date",   "datetime", "datetime64" };
    for (int i = 0; i < COLUMN_TYPE_COUNT; i++)
        if (slice_eq(name, slice_of(names[i])))
            return (enum column_type)i;
    fail_msg("no type %.*s", SLICE_ARG(name));
    return COLUMN_STRING;
}

struct column_list dataset_columns(struct dataset_world *w, const char *spec)
{
    struct column_list list = { arena_array(w->a, struct column, COLUMNS_MAX), 0 };
    slice rest = slice_of(spec), one, name, type;
    while (rest.n) {
        slice_cut(rest, ',', &one, &rest);
        slice_cut(slice_trim(one), ' ', &name, &type);
        list.items[list.count++] = (struct column){ .name = arena_copy(w->a, name), .type = type_of_name(type) };
    }
    w->columns = list;
    return list;
}

void dataset_define(struct dataset_world *w, int64_t id, const char *spec)
{
    struct column_list list = dataset_columns(w, spec);
    EXPECT_OK(w->store->ops->define(w->store, id, &list, w->a));
}

static decimal_t parse_decimal(slice text)
{
    bool is_negative = text.n && text.p[0] == '-';
    int places = -1;
    decimal_t v = 0;
    for (size_t i = is_negative; i < text.n; i++) {
        if (text.p[i] == '.') {
            places = 0;
            continue;
        }
        v = v * 10 + (text.p[i] - '0');
        places += places >= 0;
    }
    for (places = places < 0 ? 0 : places; places < DECIMAL_PLACES; places++)
        v *= 10;
    return is_negative ? -v : v;
}

struct cell dataset_cell(struct dataset_world *w, enum column_type type, slice text)
{
    struct cell cell = { .is_null = slice_eq(text, S("-")) };
    if (cell.is_null)
        return cell;
    if (column_type_is_text(type))
        cell.text = arena_copy(w->a, text);
    else if (type == COLUMN_BOOL)
        cell.boolean = slice_eq(text, S("true"));
    else if (type == COLUMN_FLOAT)
        cell.real = strtod(arena_cstr(w->a, text), NULL);
    else if (type == COLUMN_DECIMAL)
        cell.decimal = parse_decimal(text);
    else if (column_type_is_unsigned(type))
        EXPECT(slice_to_u64(text, &cell.natural));
    else
        EXPECT(slice_to_i64(text, &cell.integer));
    return cell;
}

struct cell *dataset_cells(struct dataset_world *w, const char *rows, size_t *ret_count)
{
    slice rest = slice_of(rows), row, cell;
    size_t room = 1;
    for (size_t i = 0; i < rest.n; i++)
        room += rest.p[i] == ';';
    struct cell *cells = arena_array(w->a, struct cell, room * (w->columns.count + 1));
    size_t n = 0;
    *ret_count = 0;
    while (rest.n) {
        slice_cut(rest, ';', &row, &rest);
        for (size_t i = 0; i < w->columns.count; i++) {
            slice_cut(row, '|', &cell, &row);
            cells[n++] = dataset_cell(w, w->columns.items[i].type, cell);
        }
        ++*ret_count;
    }
    return cells;
}

struct dataset_writer *dataset_begin(struct dataset_world *w, int64_t id, int64_t file_id)
{
    struct dataset_writer *writer = NULL;
    EXPECT_OK(w->store->ops->open(w->store, id, file_id, w->a, &writer));
    return writer;
}

void dataset_write(struct dataset_world *w, struct dataset_writer *writer, const char *rows)
{
    size_t count;
    struct cell *cells = dataset_cells(w, rows, &count);
    EXPECT_OK(writer->ops->add(writer, cells, count, w->a));
}

err_t dataset_try_add(struct dataset_world *w, int64_t id, int64_t file_id, const char *rows)
{
    struct dataset_writer *writer;
    TRY(w->store->ops->open(w->store, id, file_id, w->a, &writer));
    dataset_write(w, writer, rows);
    return writer->ops->commit(writer, w->a);
}

void dataset_add(struct dataset_world *w, int64_t id, int64_t file_id, const char *rows)
{
    EXPECT_OK(dataset_try_add(w, id, file_id, rows));
}

static slice decimal_text(struct arena *a, decimal_t v)
{
    char text[64];
    int at = sizeof text, places = 0;
    bool is_negative = v < 0;
    decimal_t rest = is_negative ? -v : v;
    for (; rest || places <= DECIMAL_PLACES; rest /= 10) {
        if (places++ == DECIMAL_PLACES)
            text[--at] = '.';
        text[--at] = (char)('0' + (int)(rest % 10));
    }
    if (is_negative)
        text[--at] = '-';
    return arena_copy(a, (slice){ text + at, sizeof text - (size_t)at });
}

slice dataset_text(struct arena *a, enum column_type type, const struct cell *cell)
{
    if (cell->is_null)
        return S("-");
    if (column_type_is_text(type))
        return arena_copy(a, cell->text);
    if (type == COLUMN_BOOL)
        return cell->boolean ? S("true") : S("false");
    if (type == COLUMN_FLOAT)
        return arena_printf(a, "%.15g", cell->real);
    if (type == COLUMN_DECIMAL || type == COLUMN_DECIMAL_SUM)
        return decimal_text(a, cell->decimal);
    if (column_type_is_unsigned(type))
        return arena_printf(a, "%" PRIu64, cell->natural);
    return arena_printf(a, "%" PRId64, cell->integer);
}

/* ---- questions ---- */

struct ask ask_new(struct dataset_world *w)
{
    struct ask k = { .w = w, .limit = UINT64_MAX };
    struct column_list *columns = arena_new(w->a, struct column_list);
    *columns = w->columns;
    query_builder_init(&k.b, w->a, columns);
    return k;
}

static expr_t checked(expr_t e)
{
    EXPECT(e != NULL);
    return e;
}

expr_t ask_column(struct ask *k, const char *name)
{
    return checked(query_column(&k->b, slice_of(name)));
}

expr_t ask_value(struct ask *k, enum column_type type, const char *text)
{
    return checked(query_literal(&k->b, type, dataset_cell(k->w, type, slice_of(text))));
}

expr_t ask_call(struct ask *k, enum row_function function, expr_t of)
{
    return checked(query_call(&k->b, function, of));
}

expr_t ask_round(struct ask *k, expr_t of, int digits)
{
    return checked(query_round(&k->b, of, digits));
}

expr_t ask_coalesce(struct ask *k, expr_t of, expr_t otherwise)
{
    return checked(query_coalesce(&k->b, of, otherwise));
}

void ask_item(struct ask *k, enum row_aggregate aggregate, expr_t expr)
{
    EXPECT(query_add_item(&k->b, aggregate, expr, arena_printf(k->w->a, "item%d", k->names++)));
}

void ask_columns(struct ask *k, const char *names)
{
    slice rest = slice_of(names), name;
    while (rest.n) {
        slice_cut(rest, ' ', &name, &rest);
        ask_item(k, ROW_PLAIN, ask_column(k, arena_cstr(k->w->a, name)));
    }
}

void ask_group(struct ask *k, expr_t expr)
{
    EXPECT(query_add_group(&k->b, expr));
}

void ask_order(struct ask *k, expr_t expr, bool is_descending)
{
    EXPECT(query_add_order(&k->b, SLICE_NONE, expr, is_descending));
}

void ask_order_by_item(struct ask *k, size_t item, bool is_descending)
{
    EXPECT(query_add_order(&k->b, item, NULL, is_descending));
}

struct query_condition ask_test(struct ask *k, enum row_test test, expr_t of, const char *values)
{
    struct cell cells[8];
    size_t count = 0;
    slice rest = slice_of(values), one;
    for (bool more = values != NULL; more;) {
        more = slice_cut(rest, '|', &one, &rest);
        EXPECT(count < LENGTH_OF(cells));
        cells[count++] = dataset_cell(k->w, of->type, one);
    }
    struct query_condition c;
    EXPECT(query_test(&k->b, test, of, cells, count, &c));
    return c;
}

struct query_condition ask_join(struct ask *k, enum row_test test, const struct query_condition *parts, size_t count)
{
    struct query_condition c;
    EXPECT(query_join(&k->b, test, parts, count, &c));
    return c;
}

void ask_where(struct ask *k, struct query_condition c)
{
    query_set_where(&k->b, &c);
}

const struct row_query *ask_query(struct ask *k)
{
    struct row_query *q = arena_new(k->w->a, struct row_query);
    EXPECT(query_end(&k->b, q));
    q->limit = k->limit;
    q->offset = k->offset;
    q->up_to_row = k->up_to_row;
    return q;
}

err_t ask_open(struct ask *k, int64_t id, struct dataset_cursor **ret)
{
    TRY(k->w->store->ops->query(k->w->store, id, ask_query(k), k->limit_ms, k->w->a, ret));
    k->newest_row = (*ret)->newest_row;
    return NULL;
}

err_t ask_read(struct ask *k, struct dataset_cursor *cursor, slice *ret)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    const struct cell *cells;
    bool is_first = true;
    for (size_t count = 1; count;) {
        TRY(cursor->ops->next(cursor, k->w->a, &cells, &count));
        for (size_t r = 0; r < count; r++) {
            if (!is_first)
                buf_add_byte(&text, ';');
            is_first = false;
            for (size_t i = 0; i < k->b.item_count; i++) {
                if (i)
                    buf_add_byte(&text, '|');
                buf_add(&text, dataset_text(k->w->a, k->b.items[i].type, &cells[r * k->b.item_count + i]));
            }
        }
    }
    k->rows_read = cursor->rows_read;
    k->bytes_read = cursor->bytes_read;
    *ret = arena_copy(k->w->a, buf_slice(&text));
    return NULL;
}

err_t ask_try(struct ask *k, int64_t id, slice *ret)
{
    SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
    TRY(ask_open(k, id, &cursor));
    return ask_read(k, cursor, ret);
}

slice ask_answer(struct ask *k, int64_t id)
{
    slice text = S("");
    EXPECT_OK(ask_try(k, id, &text));
    return text;
}
