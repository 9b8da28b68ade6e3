/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a query of a dataset: docs/native.md. */
#ifndef CAIS_API_NATIVE_QUERY_READ_H
#define CAIS_API_NATIVE_QUERY_READ_H

#include "api/kit/row_writer.h"
#include "base/json.h"

#define QUERY_PAGE_DEFAULT 100
#define QUERY_PAGE_MAX 10000
#define QUERY_ALL_ROWS ((uint64_t)1 << 62) /* the limit of a download that names none */

struct native_query {
    struct row_query rows; /* with its limit */
    enum row_style style;
    slice after; /* the cursor; empty: none */
};
/* Is the whole result sent as one file? */
static inline bool native_query_downloads(const struct native_query *q)
{
    return q->style == ROWS_AS_LINES || q->style == ROWS_AS_CSV;
}

/* body: an object of json_parse_exact. Everything in *ret borrows from it and from `columns`, and lives in `a`.
 * Errors: INVALID, and its text says where; those of arena_check. */
MUST_USE err_t native_query_read(const struct json *body, const struct column_list *columns, struct arena *a,
                                 struct native_query *ret);

#endif
