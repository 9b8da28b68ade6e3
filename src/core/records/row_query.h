/* SPDX-License-Identifier: Apache-2.0 */
/* A question about rows, as a tree whose types have been checked: those of a dataset, records, or sync files. It names columns by their
 * position and holds values as cells, so a store compiles it without any text of a request. Which columns there are, and what of the
 * tree a store takes, its header says.
 *
 * Meaning of all of it
 *   null        a function or comparison with a null is null, COALESCE apart; a condition that is not true leaves the row
 *               out. Aggregates skip nulls; of no values, counts are 0 and the others null.
 *   order       texts compare by their bytes, false before true; nulls come last in both directions
 *   ties        rows that the order does not tell apart come in the order in which they were added, groups in that of their
 *               group expressions, ascending. So the order of a result is the same each time.
 *   numbers     exact, but for FLOAT, where -0 is 0. What does not fit the type of the result is an error of the query
 *               (INVALID); whether that counts in a row which another condition leaves out is up to the store.
 *
 * Members of records are of type ANY, because each record may have another value there:
 *   kinds       null, number, text, boolean, object, array. A member that is missing is null. Values of different kinds are neither
 *               equal nor greater or less, and a value that is an object equals nothing
 *   numbers     are compared as 64-bit integers, or as doubles if they are none
 *   arrays      A test of an array is that of its elements: true if it is for one of them. NE and NOT_IN are true when EQ and IN
 *               are not. Elements that are arrays or objects pass no test; whether a value is null is asked of the array itself
 *   nulls       Tests are true or false, never null. EQ, NE, IN and NOT_IN may name null. */
#ifndef CAIS_CORE_RECORDS_ROW_QUERY_H
#define CAIS_CORE_RECORDS_ROW_QUERY_H

#include "base/arena.h"
#include "core/records/column.h"

enum row_function {
    ROW_COLUMN,  /* the value of a column */
    ROW_LITERAL, /* a value */
    /* of text */
    ROW_LOWER, /* of letters A to Z alone */
    ROW_UPPER,
    ROW_LENGTH, /* in characters; UINT64 */
    ROW_TRIM,   /* without blanks (U+0020) at both ends */
    /* of a number; the result has its type */
    ROW_ABS,
    ROW_FLOOR,
    ROW_CEIL,
    ROW_ROUND, /* to `digits` places, 0 to 6, halves to the even neighbour; for FLOAT, C's rint of the number times 10^digits */
    /* of a DATE, DATETIME or DATETIME64, in UTC */
    ROW_TO_DATE,  /* DATE */
    ROW_TO_YEAR,  /* UINT16 */
    ROW_TO_MONTH, /* UINT8, and so the next two */
    ROW_TO_DAY_OF_MONTH,
    ROW_TO_HOUR,           /* 0 for a DATE */
    ROW_TO_YEAR_MONTH,     /* UINT32, as 202611 */
    ROW_TO_START_OF_DAY,   /* DATETIME */
    ROW_TO_START_OF_MONTH, /* DATE */
    /* of anything */
    ROW_COALESCE, /* args[0], or args[1] where it is null; both have one type */
    /* of the object of a record; ANY */
    ROW_MEMBER, /* the value under `names`: a member, of the object there a member, and so on. In an array there are none */
};

#define ROW_NAMES_MAX 32       /* of one member: as deep as objects are nested in a request */
#define ROW_NAME_BYTES_MAX 512 /* of all names of one member */

struct row_expr {
    enum row_function function;
    enum column_type type; /* of the result */
    size_t column;         /* ROW_COLUMN: its position in the query's columns */
    struct cell value;     /* ROW_LITERAL */
    int digits;            /* ROW_ROUND */
    const slice *names;    /* ROW_MEMBER: none has a quotation mark, a backslash or a control character */
    size_t name_count;
    const struct row_expr *args[2]; /* as many as the function takes */
};

enum row_aggregate {
    ROW_PLAIN,      /* no aggregate */
    ROW_COUNT_ROWS, /* without an expression */
    ROW_COUNT,      /* of values that are not null; counts are UINT64 */
    ROW_COUNT_DISTINCT,
    ROW_SUM, /* INT64 of signed numbers, UINT64 of unsigned ones, DECIMAL_SUM of DECIMAL, FLOAT of FLOAT */
    ROW_AVG, /* FLOAT */
    ROW_MIN, /* these three have the type of the expression */
    ROW_MAX,
    ROW_ANY, /* that of the row that was added first, among those that are not null */
};

struct row_item {
    enum row_aggregate aggregate;
    const struct row_expr *expr; /* NULL: ROW_COUNT_ROWS */
    enum column_type type;       /* of the result */
    slice name;                  /* of the column of the result; stores do not read it */
};

enum row_test {
    ROW_ALL,
    ROW_SOME,
    ROW_NOT, /* of `children`: AND, OR, and the negation of a single one; AND of none is true, OR of none false */
    ROW_EQ,
    ROW_NE,
    ROW_LT,
    ROW_LE,
    ROW_GT,
    ROW_GE,
    ROW_LIKE,
    ROW_NOT_LIKE, /* % any characters, _ one character, \ takes the meaning of the next, and is not the last; case counts */
    ROW_IN,
    ROW_NOT_IN,
    ROW_BETWEEN, /* from values[0] to values[1], both included */
    ROW_IS_NULL,
    ROW_IS_NOT_NULL,
    ROW_MATCHES, /* a pattern of base/regex.h, which is valid */
};

struct row_condition {
    enum row_test test;
    const struct row_condition *children; /* ROW_ALL, ROW_SOME, ROW_NOT */
    size_t child_count;
    const struct row_expr *expr; /* the others */
    const struct cell *values;   /* of the type of `expr`, none of them null, but for ANY */
    size_t value_count;
};

struct row_order {
    size_t item;                 /* position in `items`, when expr is NULL */
    const struct row_expr *expr; /* else; of a query that groups, one of the groups */
    bool is_descending;
};

#define ROW_ITEMS_MAX 200
#define ROW_VALUES_MAX 1000 /* of one IN */
#define ROW_TREE_MAX 20000  /* expressions, conditions and values of a query together */
#define ROW_DEPTH_MAX 32    /* of expressions, and of conditions */

struct row_query {
    const struct column_list *columns; /* of the rows */
    const struct row_item *items;
    size_t item_count;                 /* up to ROW_ITEMS_MAX; 0, where a store takes that: whole rows */
    const struct row_condition *where; /* NULL: every row */
    bool is_grouped; /* an item is an aggregate, or there are groups; without groups the result is one row */
    const struct row_expr *const *groups; /* each plain item is one of them, or is computed from literals alone */
    size_t group_count;
    const struct row_order *orders;
    size_t order_count;
    uint64_t limit, offset;
    int64_t up_to_row; /* rows that were added later do not exist for this query; 0: every row */
};

/* Are the two the same value, and written alike? Both are of the type. */
bool cell_same(enum column_type type, const struct cell *x, const struct cell *y);
/* Do they have the same value in every row, because they are written alike? NULL is like NULL only. */
bool row_expr_same(const struct row_expr *x, const struct row_expr *y);
/* For each of COLUMNS_MAX columns, by position, whether the query names it. In the arena. */
bool *row_query_used_columns(const struct row_query *, struct arena *a);

#endif
