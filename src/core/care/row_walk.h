/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of a table of a damaged database that can be read, by their numbers. When one cannot be read, the next that can is searched by
 * doubling the distance and then halving it: the rows of a damaged page are neighbours, so this needs few reads. */
#ifndef CAIS_CORE_CARE_ROW_WALK_H
#define CAIS_CORE_CARE_ROW_WALK_H

#include "base/err.h"

struct meta_tx;

struct row_walk {
    struct meta_tx *tx;
    size_t row_bytes;
    /* The first row with this number or a higher one, into `row` and `a`. NOT_FOUND: there is none; another error: it cannot be read. */
    err_t (*read)(struct meta_tx *, int64_t from_id, struct arena *a, void *row, int64_t *ret_id);
    err_t (*use)(void *arg, const void *row, struct arena *a);
    /* Rows from the one number to below the other could not be read; INT64_MAX: to the end. NULL: nobody is told. */
    void (*gap)(void *arg, int64_t from_id, int64_t to_id, err_t why);
    void *arg;
};
/* Each row has an arena of its own. Stops at the first error of `use`, and returns it. */
MUST_USE err_t row_walk_run(const struct row_walk *, struct arena *a);

#endif
