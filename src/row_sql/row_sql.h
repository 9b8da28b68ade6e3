/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the conditions and orders of a question (core/records/row_query.h) as SQL, for the stores that keep their rows over src/sql. What
 * came with the question is a value of the statement and never a part of its text: names of members, too.
 *
 * Taken are tests of columns and members, but BETWEEN, LIKE and NOT_LIKE, and their joins; expressions are columns and members alone.
 *
 * Memory   The text and the values live in the arena.
 * Thread   One at a time. */
#ifndef CAIS_ROW_SQL_ROW_SQL_H
#define CAIS_ROW_SQL_ROW_SQL_H

#include "base/buf.h"
#include "base/err.h"
#include "core/records/row_query.h"
#include "sql/sql.h"

/* What SQLite can take, with room for the statement around it. */
#define ROW_SQL_TESTS_MAX 500   /* of a condition */
#define ROW_SQL_DEPTH_MAX 20    /* of joins in joins */
#define ROW_SQL_ORDER_TEXT 1000 /* characters of a member by which it is ordered */

struct row_sql;

/* The rows that the question is about. */
struct row_sql_rows {
    const char *object; /* the column with the object of a record; NULL: the rows have no members */
    /* Writes the value of a column of the question. A time is in microseconds since 1970. */
    void (*add_column)(struct row_sql *, size_t column);
    /* Writes a test of a column, if it is one that is better written otherwise. False: it is not. NULL: none is. */
    bool (*add_test)(struct row_sql *, const struct row_condition *);
};

struct row_sql {
    struct arena *a;
    struct buf text;
    enum sql_dialect dialect;
    const struct row_sql_rows *rows;
    const void *arg; /* for the functions of rows */
    struct sql_value *values;
    size_t count, room;
};

void row_sql_init(struct row_sql *, enum sql_dialect, const struct row_sql_rows *, struct arena *a);
/* Fewer tests and joins than the most? */
bool row_sql_takes(const struct row_condition *);

void row_sql_add(struct row_sql *, const char *text);
/* Writes a value as $1, $2 … Returns its number, by which row_sql_repeat_value writes it again. The bytes are borrowed. */
size_t row_sql_add_value(struct row_sql *, struct sql_value);
void row_sql_repeat_value(struct row_sql *, size_t number);

/* NULL: what is always true. row_sql_takes. */
void row_sql_add_condition(struct row_sql *, const struct row_condition *);
/* A key to sort by: "name DESC NULLS LAST". Members are sorted by kind first, ascending: numbers, texts, booleans (false first),
 * arrays, objects. */
void row_sql_add_order(struct row_sql *, const struct row_order *);
/* A value that is the same for two rows exactly when the value of the expression is; of objects and arrays, when it is written alike. It
 * sorts as row_sql_add_order does, with whole texts, and objects and arrays by their text. */
void row_sql_add_group(struct row_sql *, const struct row_expr *);

struct row_sql_page {
    uint64_t offset, limit;
    bool counts; /* go on behind the page, to count all rows */
};
struct row_sql_found {
    int64_t *ids; /* of the page: the first column of the statement */
    size_t count;
    uint64_t total; /* of all rows that were stepped over */
};
/* Runs the statement, which ends here. The rows are stepped over one by one, so the statement has no LIMIT: then SQLite sorts with
 * memory that has a limit, and what is beyond it in a file. With one, it would keep all rows up to the end of the page in a
 * tree, which is slow for pages far behind. Errors: those of sql_query_once and sql_next, in `a`. */
MUST_USE err_t row_sql_find(struct row_sql *, struct sql_conn *, const struct row_sql_page *, struct arena *a,
                            struct row_sql_found *ret);

#endif
