/* SPDX-License-Identifier: Apache-2.0 */
/* The value of an expression, or of a condition, for one row. */
#ifndef CAIS_DATASET_MEM_EVALUATE_PRIV_H
#define CAIS_DATASET_MEM_EVALUATE_PRIV_H

#include "base/err.h"
#include "core/records/row_query.h"

/* Columns that were added after the row are null in it. */
struct mem_row {
    const struct cell *cells;
    size_t cell_count;
};

/* row: NULL when the expression is computed from literals alone. *ret may borrow from the row, the expression and `a`.
 * Errors: INVALID the value does not fit its type. */
MUST_USE err_t mem_evaluate(const struct row_expr *, const struct mem_row *row, struct arena *a, struct cell *ret);
/* Is the condition true? Errors: as above. */
MUST_USE err_t mem_matches(const struct row_condition *, const struct mem_row *row, struct arena *a, bool *ret);
/* Less than, equal to or greater than 0. Neither is null. */
int mem_compare(enum column_type type, const struct cell *x, const struct cell *y);
/* Does the integer fit the type, which is one of whole numbers, or a decimal, times DECIMAL_UNIT? */
bool mem_fits(enum column_type type, decimal_t value);
/* A cell of that value, which fits. */
struct cell mem_number(enum column_type type, decimal_t value);
/* The number in a cell of whole numbers or decimals. */
decimal_t mem_number_of(enum column_type type, const struct cell *cell);

#endif
