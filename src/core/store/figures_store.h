/* SPDX-License-Identifier: Apache-2.0 */
/* What accounts used, a row a day and account. */
#ifndef CAIS_CORE_STORE_FIGURES_STORE_H
#define CAIS_CORE_STORE_FIGURES_STORE_H

#include "core/records/figures.h"
#include "core/store/transaction.h"

/* The accounts of one write. */
struct figures_piece {
    int64_t after_id; /* of accounts with a higher id … */
    size_t limit;     /* … the first ones */
    int64_t day, at_ms;
};
/* Writes the row of that day for each account of the piece, or replaces it, unless it was written later than at_ms. *ret_last_id:
 * of the last account of the piece; 0: there was none. */
MUST_USE err_t meta_figures_write(struct meta_tx *, const struct figures_piece *, struct arena *a,
                                  int64_t *ret_last_id);
/* The rows of an account from one day to another, both included, by day. */
MUST_USE err_t meta_figures_list(struct meta_tx *, int64_t account_id, int64_t from_day, int64_t to_day,
                                 struct arena *a, struct figures_list *ret);
/* Removes at most `limit` rows of days before that one. */
MUST_USE err_t meta_figures_forget(struct meta_tx *, int64_t before_day, size_t limit, struct arena *a,
                                   int64_t *ret_count);

#endif
