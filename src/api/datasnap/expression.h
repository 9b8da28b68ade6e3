/* SPDX-License-Identifier: Apache-2.0 */
/* The expressions of a query body, by the grammar of docs/apis/datasnap.md 7.1:
 *
 *   item   := expr [ ["as"] alias ]
 *   expr   := column | scalar | aggregate
 *
 * Functions take columns and literals, never each other, so nothing recurses: a text of nothing but parentheses ends at the
 * second one. Names are looked up among the columns, and nothing of the text goes further than into a cell.
 *
 * Errors   False, and *ret_error is a text in Portuguese in the arena of the builder. */
#ifndef CAIS_API_DATASNAP_EXPRESSION_H
#define CAIS_API_DATASNAP_EXPRESSION_H

#include "core/query/query_build.h"

#define EXPRESSION_MAX_BYTES 1024

struct select_item {
    enum row_aggregate aggregate;
    const struct row_expr *expr; /* NULL: of ROW_COUNT_ROWS */
    slice name;                  /* of the column of the result: the alias, else the whole text as it was sent */
};

/* An item of `select`. text: borrowed, by the item too; UTF-8 without NUL, of any length. */
bool expression_parse_item(struct query_builder *, slice text, struct select_item *ret, slice *ret_error);
/* A column or scalar function, as in `where` and `group_by`. */
bool expression_parse_scalar(struct query_builder *, slice text, const struct row_expr **ret, slice *ret_error);

/* What the builder refused, when it does not depend on where: limits. Lives for ever. */
slice query_limit_text(const struct query_fault *);
/* A text of a request, as an error quotes it: at most 40 characters of it. */
slice quoted_text(slice text);

#endif
