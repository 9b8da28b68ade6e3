/* SPDX-License-Identifier: Apache-2.0 */
/* Makes rows out of values. What a row has is valid until the next one begins. */
#ifndef CAIS_CORE_SYNC_ROW_MAKER_PRIV_H
#define CAIS_CORE_SYNC_ROW_MAKER_PRIV_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "core/sync/sync_row.h"

struct row_maker {
    const struct sync_header *header;
    struct arena *account;
    struct arena scratch; /* of one row */
    struct buf object, key, shown_key;
    size_t shown_parts;
    struct sync_row row;
};

/* header: borrowed until row_maker_release. account: not released before it. */
void row_maker_init(struct row_maker *, const struct sync_header *header, struct arena *account);
void row_maker_release(struct row_maker *);

void row_maker_begin(struct row_maker *, bool is_delete);
/* Add the value of field `i`: a text, or JSON. The fields come in ascending order; what comes after a fault is left out. Of a delete
 * only the fields of the key come. */
void row_maker_add_text(struct row_maker *, size_t i, slice text);
void row_maker_add_json(struct row_maker *, size_t i, const struct json_value *);
/* The row has a fault; field may be empty. The first one counts, but a FIELD_COUNT replaces it: values that are too many or too few
 * may all stand in the wrong places. */
void row_maker_fail(struct row_maker *, enum sync_fault, slice field);
/* The row is not what a row must be. text: what it is. */
void row_maker_fail_row(struct row_maker *, slice text);
/* Show a part of the key of a row with a fault. */
void row_maker_show_key(struct row_maker *, slice text);
/* There are no more values. Errors: TOO_LARGE, UNAVAILABLE the account has no room. */
MUST_USE err_t row_maker_end(struct row_maker *, struct sync_row *ret_row);

#endif
