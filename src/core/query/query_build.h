/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the tree of a query (core/records/row_query.h), and checks the types, the limits and the rules about groups. It knows no
 * syntax: the parser of each query language calls these functions, so that the same rules hold in all of them.
 *
 *   query_builder_init ──► expressions, conditions ──► query_add_item, query_add_group, query_add_order, query_set_where
 *                                                              │
 *                                                              ▼
 *                                        query_item_is_grouped, query_order_is_grouped ──► query_end
 *
 * Refusals  A function that returns NULL or false has refused, and `fault` says which rule was broken, so that each API can
 *           say it in its own words. What was refused is left out, and the builder can be used further, so that a parser
 *           finds all errors of a request.
 * Memory    The tree lives in the arena of the builder. Names and texts are borrowed from the caller, arrays are copied.
 * Thread    One at a time. */
#ifndef CAIS_CORE_QUERY_QUERY_BUILD_H
#define CAIS_CORE_QUERY_QUERY_BUILD_H

#include "base/regex.h"
#include "core/records/column_index.h"
#include "core/records/row_query.h"

enum query_rule {
    QUERY_UNKNOWN_COLUMN = 1, /* there is no column of that name */
    QUERY_WRONG_TYPE,         /* the function, aggregate or test takes no values of type `is` */
    QUERY_OTHER_TYPE,         /* an argument has the type `is` and not `wanted` */
    QUERY_BAD_DIGITS,         /* ROW_ROUND: 0 to DECIMAL_PLACES */
    QUERY_NULL_VALUE,         /* nothing is equal to a null, or greater */
    QUERY_VALUE_COUNT,        /* the test takes more values, or fewer; ROW_IN at least one */
    QUERY_BAD_PATTERN,        /* it ends in a backslash that takes the meaning of nothing */
    QUERY_TOO_MANY_VALUES,    /* ROW_VALUES_MAX */
    QUERY_TOO_MANY,           /* ROW_ITEMS_MAX: items, and so groups and orders */
    QUERY_TOO_LARGE,          /* ROW_TREE_MAX */
    QUERY_TOO_DEEP,           /* ROW_DEPTH_MAX */
    QUERY_NAME_TAKEN,         /* an item has that name already */
    QUERY_NO_ITEMS,
    QUERY_NOT_GROUPED, /* the query groups, and this item or order is none of its groups */
    QUERY_BAD_NAME,  /* a member has an empty name, or one with a quotation mark, a backslash or a control character */
    QUERY_LONG_NAME, /* ROW_NAMES_MAX, ROW_NAME_BYTES_MAX */
    QUERY_BAD_REGEX, /* why: `regex` */
};

struct query_fault {
    enum query_rule rule;
    enum column_type is, wanted; /* where the rule says so */
    enum regex_fault regex;
};

struct query_builder {
    struct query_fault fault; /* of the last call that refused */
    struct arena *a;
    const struct column_list *columns;
    /* For the functions below. */
    struct column_index index;
    size_t nodes; /* expressions, conditions and values so far */
    struct row_item *items;
    const struct row_expr **groups;
    struct row_order *orders;
    size_t item_count, group_count, order_count;
    const struct row_condition *where;
    bool has_aggregate;
    bool takes_whole_rows; /* a query may have no items */
};

/* columns: borrowed, also by the query; their names differ. */
void query_builder_init(struct query_builder *, struct arena *a, const struct column_list *columns);
/* The same, for queries that may have no items: then the rows are whole. */
void query_builder_init_whole(struct query_builder *, struct arena *a, const struct column_list *columns);

/* ---- expressions ---- */

/* Refuses: UNKNOWN_COLUMN. */
const struct row_expr *query_column(struct query_builder *, slice name);
/* A member of a record, by the names on the way to it, at least one. Refuses: BAD_NAME, LONG_NAME. */
const struct row_expr *query_member(struct query_builder *, const slice *names, size_t name_count);
/* value: of that type, and may be null. */
const struct row_expr *query_literal(struct query_builder *, enum column_type type, struct cell value);
/* A function of one argument; not ROW_ROUND. of: from this builder, and so below. Refuses: WRONG_TYPE. */
const struct row_expr *query_call(struct query_builder *, enum row_function, const struct row_expr *of);
/* Refuses: WRONG_TYPE, BAD_DIGITS. */
const struct row_expr *query_round(struct query_builder *, const struct row_expr *of, int64_t digits);
/* Refuses: OTHER_TYPE. */
const struct row_expr *query_coalesce(struct query_builder *, const struct row_expr *of,
                                      const struct row_expr *otherwise);

/* ---- conditions ---- */

struct query_condition {
    struct row_condition condition;
    int depth;
};
/* A test of an expression: ROW_EQ and those after it. values: of the type of the expression; as many as the test takes, which is
 * one, for ROW_BETWEEN two, for ROW_IN and ROW_NOT_IN at least one, for the null tests none. That of LIKE and MATCHES is a text.
 * Refuses: WRONG_TYPE (LIKE of what is no text, MATCHES of what is neither text nor ANY, BETWEEN and LIKE of ANY), NULL_VALUE, VALUE_COUNT,
 * TOO_MANY_VALUES, BAD_PATTERN, BAD_REGEX. */
bool query_test(struct query_builder *, enum row_test, const struct row_expr *of, const struct cell *values,
                size_t value_count, struct query_condition *ret);
/* ROW_ALL and ROW_SOME of any number, ROW_NOT of one. */
bool query_join(struct query_builder *, enum row_test, const struct query_condition *parts, size_t count,
                struct query_condition *ret);

/* ---- the parts of the query ---- */

/* expr: NULL for ROW_COUNT_ROWS alone. Refuses: TOO_MANY, NAME_TAKEN, WRONG_TYPE. */
bool query_add_item(struct query_builder *, enum row_aggregate, const struct row_expr *expr, slice name);
/* The position of the item with this name; SLICE_NONE: there is none. */
size_t query_find_item(const struct query_builder *, slice name);
void query_set_where(struct query_builder *, const struct query_condition *);
bool query_add_group(struct query_builder *, const struct row_expr *expr); /* Refuses: TOO_MANY */
/* Order by an item, or, with SLICE_NONE, by `expr`. Refuses: TOO_MANY. */
bool query_add_order(struct query_builder *, size_t item, const struct row_expr *expr, bool is_descending);

/* When all parts were added: may the query have the item, or the order, at this position? Refuses: NOT_GROUPED. */
bool query_item_is_grouped(struct query_builder *, size_t item);
bool query_order_is_grouped(struct query_builder *, size_t order);
/* Makes the query; limit, offset and up_to_row are left 0. Refuses: NO_ITEMS, NOT_GROUPED. */
bool query_end(struct query_builder *, struct row_query *ret);

#endif
