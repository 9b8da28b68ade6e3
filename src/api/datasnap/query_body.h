/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a query: docs/apis/datasnap.md 7.1. */
#ifndef CAIS_API_DATASNAP_QUERY_BODY_H
#define CAIS_API_DATASNAP_QUERY_BODY_H

#include "api/datasnap/field_errors.h"
#include "core/records/row_query.h"

#define QUERY_LIMIT_DEFAULT 100
#define QUERY_LIMIT_MAX 10000

enum result_format {
    RESULT_JSON,
    RESULT_JSON_COMPACT, /* the default */
    RESULT_JSON_COMPACT_STRINGS,
    RESULT_JSON_LINES,
};

struct query_request {
    struct row_query query; /* with limit and offset */
    enum result_format format;
    bool include_meta;
    slice page_token; /* as sent; .p is NULL when there is none. */
};

/* Read a body that json_parse_exact made, or an empty one (NULL). Everything in *ret borrows from the body and from
 * `columns`, and lives in `a`.
 *
 * errors   what is wrong in the fields, of `a`; *ret is filled in only when there is nothing
 * Errors   those of arena_check */
MUST_USE err_t query_body_read(const struct json *body, const struct column_list *columns, struct arena *a,
                               struct field_errors *errors, struct query_request *ret);

#endif
