/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the reply to a query in pieces, in the four formats of docs/apis/datasnap.md 7.2, while the rows are pulled from the store.
 *
 * Memory   A piece, and what the store hands out at once. A text of any length is written over several pieces. As JSON lines
 *          have their token in the head of the reply, query_reply_token writes up to QUERY_AHEAD_BYTES of them ahead.
 * Thread   One at a time. */
#ifndef CAIS_API_DATASNAP_QUERY_REPLY_H
#define CAIS_API_DATASNAP_QUERY_REPLY_H

#include "api/datasnap/query_body.h"
#include "api/kit/page_token.h"
#include "api/kit/row_writer.h"
#include "base/buf.h"
#include "base/clock.h"

#define QUERY_AHEAD_BYTES ((size_t)4 << 20)

struct result_page;
struct query_reply;

struct query_reply_parts {
    const struct query_request *request;
    struct result_page *page;           /* of request->query; borrowed, and nobody else pulls its rows */
    const struct page_token_key *token; /* signs next_page_token */
    struct clock *clock;
    int64_t started_ms; /* clock_monotonic_ms when the query began */
};

/* In `a`, which counts what is written ahead. The parts are copied, and what they point to is borrowed. */
struct query_reply *query_reply_new(struct arena *a, const struct query_reply_parts *parts);
/* "application/json" or "application/x-ndjson". Lives for ever. */
const char *query_reply_type(const struct query_reply *);
/* The token of the next page for the header X-Next-Page-Token, which JSON lines have; call it for them alone, and before the first
 * piece. *ret_token is empty when there is none. Errors: as result_page_next. */
MUST_USE err_t query_reply_token(struct query_reply *, struct arena *scratch, slice *ret_token);
/* Append the next piece. *ret_end: it was the last one. Errors: as result_page_next. */
MUST_USE err_t query_reply_write(struct query_reply *, struct buf *out, struct arena *scratch, bool *ret_end);

#endif
