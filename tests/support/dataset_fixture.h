/* SPDX-License-Identifier: Apache-2.0 */
/* A dataset store of each kind, and what tests of it need: tables and rows written as text, questions put together in a few
 * calls, and results as text. The functions fail the test on an error, but for those that return err_t.
 *
 * Rows and results  "ann|3;bob|-" is two rows of two cells. - is a null; decimals have their point and six places behind it;
 *                   dates and times are the numbers that the cells hold. Rows that are given may write less. */
#ifndef CAIS_TESTS_DATASET_FIXTURE_H
#define CAIS_TESTS_DATASET_FIXTURE_H

#include "base/clock.h"
#include "core/query/query_build.h"
#include "core/store/dataset_store.h"

enum dataset_kind { DATASET_MEM, DATASET_DUCKDB, DATASET_KINDS };

struct dataset_world {
    enum dataset_kind kind;
    char *dir; /* of the duckdb kind; the store is dir/datasets */
    struct clock_manual clock;
    struct dataset_store *store;
    struct column_list columns; /* as dataset_define last defined them */
    struct arena arena, *a;
};

/* A case for some kinds of store; its state is a struct dataset_world with an empty store. */
struct dataset_case {
    const char *name;
    void (*run)(void **state);
    unsigned kinds; /* 1 << kind, added up */
};
#define DATASET_ON_ALL ((1u << DATASET_KINDS) - 1)
#define DATASET_CASE_OF(kinds, test)                                                                                   \
    {                                                                                                                  \
#test, test, kinds                                                                                             \
    }
#define DATASET_CASE(test) DATASET_CASE_OF(DATASET_ON_ALL, test)
/* Runs each case with each of its kinds that this build has. Returns what main returns. */
int dataset_run_cases(const struct dataset_case *, size_t count);
void dataset_reopen(struct dataset_world *w); /* a store with files has the same tables afterwards */

/* ---- tables and rows ---- */

/* "name string, age int8": the columns, also noted in the world. */
struct column_list dataset_columns(struct dataset_world *w, const char *spec);
void dataset_define(struct dataset_world *w, int64_t id, const char *spec);
/* The value that the text stands for. */
struct cell dataset_cell(struct dataset_world *w, enum column_type type, slice text);
/* For each row, a cell for each column of the world. */
struct cell *dataset_cells(struct dataset_world *w, const char *rows, size_t *ret_count);
struct dataset_writer *dataset_begin(struct dataset_world *w, int64_t id, int64_t file_id);
void dataset_write(struct dataset_world *w, struct dataset_writer *, const char *rows);
/* A whole file. */
err_t dataset_try_add(struct dataset_world *w, int64_t id, int64_t file_id, const char *rows);
void dataset_add(struct dataset_world *w, int64_t id, int64_t file_id, const char *rows);
/* A cell of a result, as text. */
slice dataset_text(struct arena *a, enum column_type type, const struct cell *cell);

/* ---- questions ---- */

typedef const struct row_expr *expr_t;

struct ask {
    struct dataset_world *w;
    struct query_builder b;
    uint64_t limit, offset; /* limit: at first UINT64_MAX */
    int64_t up_to_row, limit_ms;
    int64_t newest_row; /* of the last result */
    uint64_t rows_read, bytes_read;
    int names;
};

struct ask ask_new(struct dataset_world *w); /* about the columns of the world */
expr_t ask_column(struct ask *, const char *name);
expr_t ask_value(struct ask *, enum column_type type, const char *text);
expr_t ask_call(struct ask *, enum row_function, expr_t of);
expr_t ask_round(struct ask *, expr_t of, int digits);
expr_t ask_coalesce(struct ask *, expr_t of, expr_t otherwise);
void ask_item(struct ask *, enum row_aggregate, expr_t);
void ask_columns(struct ask *, const char *names); /* "a b": an item for each */
void ask_group(struct ask *, expr_t);
void ask_order(struct ask *, expr_t, bool is_descending);
void ask_order_by_item(struct ask *, size_t item, bool is_descending);
/* values: "a|b", as cells of the type of the expression; NULL: none. */
struct query_condition ask_test(struct ask *, enum row_test, expr_t of, const char *values);
struct query_condition ask_join(struct ask *, enum row_test, const struct query_condition *, size_t count);
void ask_where(struct ask *, struct query_condition);

/* The query; it lives as long as the world. */
const struct row_query *ask_query(struct ask *);
err_t ask_open(struct ask *, int64_t id, struct dataset_cursor **ret);
/* The rest of the result. */
err_t ask_read(struct ask *, struct dataset_cursor *, slice *ret);
err_t ask_try(struct ask *, int64_t id, slice *ret);
slice ask_answer(struct ask *, int64_t id);

#define EXPECT_ANSWER(ask, id, want) EXPECT_SLICE(ask_answer((ask), (id)), S(want))

#endif
