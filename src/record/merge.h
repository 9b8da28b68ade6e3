/* SPDX-License-Identifier: Apache-2.0 */
/* What an object becomes when a row of it is put into a set. */
#ifndef CAIS_RECORD_MERGE_H
#define CAIS_RECORD_MERGE_H

#include "base/json_scan.h"

struct merge_member {
    struct json_member member;
    bool is_used;
};

struct merge_row {
    slice text;
    struct merge_member *members; /* sorted by name */
    uint32_t *order;              /* where each of the text is in `members` */
    size_t count;
    bool is_too_large; /* it has more members than an object may have; then there are none here */
};

/* Reads the members of a row. The text must outlive it. Errors: INVALID see `put` in record_store.h. */
MUST_USE err_t merge_read(slice text, struct arena *a, struct merge_row *ret_row);
/* Adds what `old`, an object of the store or empty, becomes with the row. The row can be used once. *ret_fits: it is no larger than
 * an object may be. Errors: CORRUPT `old` is no object. */
struct buf;
MUST_USE err_t merge_into(struct buf *to, slice old, struct merge_row *row, struct arena *a, bool *ret_fits);

#endif
