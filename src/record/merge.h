/* SPDX-License-Identifier: Apache-2.0 */
/* What an object becomes when a row of it is put into a set. */
#ifndef CAIS_RECORD_MERGE_H
#define CAIS_RECORD_MERGE_H

#include "base/json_scan.h"

#define MERGE_FEW 32

struct merge_member {
    struct json_member member;
    bool is_used;
};

/* How the members of a row are sorted by name. The next row of a file mostly has the same names, so it begins with this order. */
struct merge_order {
    uint32_t places[MERGE_FEW];
    size_t count;
};

struct merge_row { /* it may point to itself: do not copy it */
    slice text;
    struct merge_member *members; /* as they stand in the text */
    uint32_t *sorted;             /* their places there, by name */
    size_t count;
    bool is_too_large; /* it has more members than an object may have; then there are none here */
    bool is_object;    /* the text stands as an object would be stored: without nulls and blanks */
    struct merge_member few[MERGE_FEW];
};

/* Reads the members of a row. The text must outlive it. order: that of the row before, or zeroed; it becomes that of this one, and must
 * outlive it, too. Errors: INVALID see `put` in record_store.h. */
MUST_USE err_t merge_read(slice text, struct merge_order *order, struct arena *a, struct merge_row *ret_row);
/* Adds what `old`, an object of the store or empty, becomes with the row. The row can be used once with an object. *ret_fits: it is no
 * larger than an object may be; without `old` it always is. Errors: CORRUPT `old` is no object. */
struct buf;
MUST_USE err_t merge_into(struct buf *to, slice old, struct merge_row *row, struct arena *a, bool *ret_fits);

#endif
