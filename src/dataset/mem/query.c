/* SPDX-License-Identifier: Apache-2.0 */
/* A query in four steps, each over all rows: choose the rows, put them into groups, compute the items, sort the results.
 * A group is a run of rows that were sorted by the group expressions and then by their number, so that groups and the rows
 * in them are in the order that ties need. Without groups, each row is a group of its own, or all rows are one. */
#include "dataset/mem/query_priv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_BETWEEN_LOOKS_AT_THE_CLOCK 64

/* One row or one result, and what it is sorted by. */
struct entry {
    struct cell *keys;
    const struct mem_row *row; /* of a result: unused */
    const struct cell *items;  /* of a row: unused */
    size_t number;             /* decides between equal keys */
};

struct keys {
    size_t count;
    struct key {
        enum column_type type;
        bool is_descending;
    } * items;
};

struct run {
    const struct row_query *query;
    const struct mem_source *source;
    struct arena *a;
    size_t steps; /* since the start, for the looks at the clock */
};

static err_t check_time(struct run *run)
{
    if (run->steps++ % ROWS_BETWEEN_LOOKS_AT_THE_CLOCK)
        return NULL;
    if (clock_monotonic_ms(run->source->clock) >= run->source->deadline_ms)
        return err_make(run->a, ERR_EXPIRED, "the query ran too long");
    return NULL;
}

/* ---- sorting ---- */

static int compare_entries(const void *x, const void *y, void *arg)
{
    const struct entry *one = x, *two = y;
    const struct keys *keys = arg;
    for (size_t i = 0; i < keys->count; i++) {
        const struct cell *a = &one->keys[i], *b = &two->keys[i];
        if (a->is_null != b->is_null)
            return a->is_null ? 1 : -1;
        int order = a->is_null ? 0 : mem_compare(keys->items[i].type, a, b);
        if (order)
            return keys->items[i].is_descending ? -order : order;
    }
    return one->number < two->number ? -1 : one->number > two->number;
}

static bool has_equal_keys(const struct entry *one, const struct entry *two, const struct keys *keys)
{
    struct entry x = *one, y = *two;
    x.number = y.number = 0;
    return compare_entries(&x, &y, (void *)keys) == 0;
}

static void sort_entries(struct entry *entries, size_t count, struct keys *keys)
{
    if (count)
        qsort_r(entries, count, sizeof *entries, compare_entries, keys);
}

/* ---- the rows, and their groups ---- */

static err_t choose_rows(struct run *run, struct entry *entries, size_t *ret_count)
{
    const struct row_query *q = run->query;
    size_t count = 0;
    for (size_t i = 0; i < run->source->row_count; i++) {
        const struct mem_row *row = &run->source->rows[i];
        bool matches = true;
        TRY(check_time(run));
        if (q->where)
            TRY(mem_matches(q->where, row, run->a, &matches));
        if (matches)
            entries[count++] = (struct entry){ .row = row, .number = i };
    }
    *ret_count = count;
    return NULL;
}

static struct keys group_keys(struct run *run)
{
    const struct row_query *q = run->query;
    struct keys keys = { q->group_count, arena_array(run->a, struct key, q->group_count + 1) };
    for (size_t i = 0; i < q->group_count; i++)
        keys.items[i].type = q->groups[i]->type;
    return keys;
}

static err_t sort_by_group(struct run *run, struct entry *rows, size_t count, struct keys *keys)
{
    const struct row_query *q = run->query;
    for (size_t i = 0; i < count; i++) {
        TRY(check_time(run));
        rows[i].keys = arena_array(run->a, struct cell, q->group_count + 1);
        for (size_t g = 0; g < q->group_count; g++)
            TRY(mem_evaluate(q->groups[g], rows[i].row, run->a, &rows[i].keys[g]));
    }
    sort_entries(rows, count, keys);
    return NULL;
}

/* ---- aggregates ---- */

static int compare_cells(const void *x, const void *y, void *arg)
{
    return mem_compare(*(const enum column_type *)arg, x, y);
}

static uint64_t count_distinct(struct cell *values, size_t count, enum column_type type)
{
    if (!count)
        return 0;
    qsort_r(values, count, sizeof *values, compare_cells, &type);
    uint64_t distinct = 1;
    for (size_t i = 1; i < count; i++)
        distinct += mem_compare(type, &values[i - 1], &values[i]) != 0;
    return distinct;
}

static decimal_t sum_exact(const struct cell *values, size_t count, enum column_type type)
{
    decimal_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += mem_number_of(type, &values[i]);
    return sum;
}

static double sum_real(const struct cell *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i].real;
    return sum;
}

static err_t finish_real(double value, struct arena *a, struct cell *ret)
{
    if (!isfinite(value))
        return err_make(a, ERR_INVALID, "a sum is too large for its type");
    *ret = (struct cell){ .real = value };
    return NULL;
}

static err_t sum_cells(const struct row_item *item, const struct cell *values, size_t count, struct arena *a,
                       struct cell *ret)
{
    enum column_type type = item->expr->type;
    if (item->aggregate == ROW_AVG) {
        double unit = type == COLUMN_DECIMAL ? DECIMAL_UNIT : 1;
        double sum = type == COLUMN_FLOAT ? sum_real(values, count) : (double)sum_exact(values, count, type);
        return finish_real(sum / ((double)count * unit), a, ret);
    }
    if (type == COLUMN_FLOAT)
        return finish_real(sum_real(values, count), a, ret);
    decimal_t sum = sum_exact(values, count, type);
    if (!mem_fits(item->type, sum))
        return err_make(a, ERR_INVALID, "a sum is too large for its type");
    *ret = mem_number(item->type, sum);
    return NULL;
}

static const struct cell *find_extreme(const struct cell *values, size_t count, enum column_type type, int sign)
{
    const struct cell *best = values;
    for (size_t i = 1; i < count; i++)
        if (sign * mem_compare(type, &values[i], best) > 0)
            best = &values[i];
    return best;
}

/* values: those that are not null, in the order in which their rows were added. */
static err_t aggregate_cells(const struct row_item *item, struct cell *values, size_t count, struct arena *a,
                             struct cell *ret)
{
    if (item->aggregate == ROW_COUNT || item->aggregate == ROW_COUNT_DISTINCT) {
        uint64_t distinct = item->aggregate == ROW_COUNT ? count : count_distinct(values, count, item->expr->type);
        *ret = (struct cell){ .natural = distinct };
        return NULL;
    }
    *ret = (struct cell){ .is_null = true };
    if (!count)
        return NULL;
    switch (item->aggregate) {
    case ROW_SUM:
    case ROW_AVG:
        return sum_cells(item, values, count, a, ret);
    case ROW_MIN:
        *ret = *find_extreme(values, count, item->expr->type, -1);
        return NULL;
    case ROW_MAX:
        *ret = *find_extreme(values, count, item->expr->type, 1);
        return NULL;
    default:
        assert(item->aggregate == ROW_ANY);
        *ret = values[0];
        return NULL;
    }
}

static err_t compute_item(struct run *run, const struct row_item *item, const struct entry *rows, size_t count,
                          struct cell *ret)
{
    if (item->aggregate == ROW_PLAIN)
        return mem_evaluate(item->expr, count ? rows[0].row : NULL, run->a, ret);
    if (item->aggregate == ROW_COUNT_ROWS) {
        *ret = (struct cell){ .natural = count };
        return NULL;
    }
    struct cell *values = arena_array(run->a, struct cell, count + 1);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(check_time(run));
        TRY(mem_evaluate(item->expr, rows[i].row, run->a, &values[kept]));
        kept += !values[kept].is_null;
    }
    return aggregate_cells(item, values, kept, run->a, ret);
}

/* ---- results ---- */

static enum column_type order_type(const struct row_query *q, const struct row_order *o)
{
    return o->expr ? o->expr->type : q->items[o->item].type;
}

static struct keys order_keys(struct run *run)
{
    const struct row_query *q = run->query;
    struct keys keys = { q->order_count, arena_array(run->a, struct key, q->order_count + 1) };
    for (size_t i = 0; i < q->order_count; i++)
        keys.items[i] = (struct key){ order_type(q, &q->orders[i]), q->orders[i].is_descending };
    return keys;
}

/* The result of a group; `rows` are its members. */
static err_t compute_result(struct run *run, const struct entry *rows, size_t count, struct entry *ret)
{
    const struct row_query *q = run->query;
    struct cell *items = arena_array(run->a, struct cell, q->item_count);
    struct cell *keys = arena_array(run->a, struct cell, q->order_count + 1);
    for (size_t i = 0; i < q->item_count; i++) {
        TRY(compute_item(run, &q->items[i], rows, count, &items[i]));
        if (q->items[i].type == COLUMN_FLOAT && !items[i].is_null)
            items[i].real += 0.0; /* makes 0 of -0 */
    }
    for (size_t i = 0; i < q->order_count; i++) {
        const struct row_order *o = &q->orders[i];
        if (o->expr)
            TRY(mem_evaluate(o->expr, count ? rows[0].row : NULL, run->a, &keys[i]));
        else
            keys[i] = items[o->item];
    }
    ret->items = items;
    ret->keys = keys;
    return NULL;
}

static err_t compute_groups(struct run *run, const struct entry *rows, size_t count, const struct keys *keys,
                            struct entry *results, size_t *ret_count)
{
    size_t groups = 0;
    for (size_t at = 0, end; at < count; at = end) {
        end = at + 1;
        while (run->query->is_grouped && end < count && has_equal_keys(&rows[at], &rows[end], keys))
            end++;
        TRY(check_time(run));
        TRY(compute_result(run, &rows[at], end - at, &results[groups]));
        results[groups].number = groups;
        groups++;
    }
    if (!count && run->query->is_grouped && !run->query->group_count) {
        TRY(compute_result(run, NULL, 0, &results[0]));
        groups = 1;
    }
    *ret_count = groups;
    return NULL;
}

static const struct cell *copy_page(struct run *run, const struct entry *results, size_t count, size_t *ret_count)
{
    const struct row_query *q = run->query;
    uint64_t begin = q->offset < count ? q->offset : count;
    uint64_t end = q->limit < count - begin ? begin + q->limit : count;
    struct cell *cells = arena_array(run->a, struct cell, (end - begin) * q->item_count + 1);
    for (uint64_t i = begin; i < end; i++)
        memcpy(&cells[(i - begin) * q->item_count], results[i].items, q->item_count * sizeof *cells);
    *ret_count = end - begin;
    return cells;
}

err_t mem_run_query(const struct row_query *q, const struct mem_source *source, struct arena *a,
                    const struct cell **ret_cells, size_t *ret_count)
{
    struct run run = { q, source, a, 0 };
    struct entry *rows = arena_array(a, struct entry, source->row_count + 1);
    struct entry *results = arena_array(a, struct entry, source->row_count + 1);
    struct keys groups = group_keys(&run), orders = order_keys(&run);
    size_t count, result_count;
    TRY(choose_rows(&run, rows, &count));
    if (q->is_grouped)
        TRY(sort_by_group(&run, rows, count, &groups));
    TRY(compute_groups(&run, rows, count, &groups, results, &result_count));
    sort_entries(results, result_count, &orders);
    *ret_cells = copy_page(&run, results, result_count, ret_count);
    return NULL;
}
