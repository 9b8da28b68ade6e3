/* SPDX-License-Identifier: Apache-2.0 */
/* Listings: documents with a page of up to 1,000 items, or 10,000 buckets, which may have several MiB. A client may read
 * such a reply slowly or not at all, so it is produced in pieces while it is sent: what waits to be sent is one piece. A
 * document that fits into the first piece is an ordinary reply with a Content-Length.
 *
 *   head of the document ──► write_items ──┬── the list ended: its end ──► http_reply
 *   (in listing->first)                    └── no room left ──► http_reply_stream: the first piece,
 *                                              then write_items for each piece that follows
 *
 * Because the end of a page is not known when its beginning is sent, items come in one order (common prefixes between
 * keys), and IsTruncated and what the next page needs stand behind them. Clients read elements by name. An error after
 * the first piece closes the connection, and the document lacks its end, so nobody takes it for a whole one. */
#ifndef CAIS_API_S3_LISTING_PRIV_H
#define CAIS_API_S3_LISTING_PRIV_H

#include "api/s3/call_priv.h"

#define S3_PIECE_BYTES ((size_t)48 * 1024)  /* no item begins behind these … */
#define S3_PIECE_MEMORY ((size_t)64 * 1024) /* … so that a piece, with its last item, is smaller than this */
#define S3_ROWS_AT_ONCE 100                 /* that a listing reads before it looks for room */

struct s3_listing {
    struct http_producer producer;
    struct s3_call *call;
    struct buf first; /* the first piece, until it is sent; the operation writes the head of the document here */
    /* Append items until the list ends or s3_listing_is_full; continue where the last call stopped. After the last item
     * append the end of the document and set *ret_end. Runs on a worker, several times; keeps nothing in `scratch`. */
    err_t (*write_items)(struct s3_listing *, struct buf *out, struct arena *scratch, bool *ret_end);
};

/* The listing must live in the arena of the exchange, which releases `first`. */
void s3_listing_init(struct s3_listing *, struct s3_call *,
                     err_t (*write_items)(struct s3_listing *, struct buf *out, struct arena *scratch, bool *ret_end));
bool s3_listing_is_full(const struct buf *out);
/* Produce the first piece, then reply. For the operation to return. Errors: those of write_items. */
MUST_USE err_t s3_listing_reply(struct s3_listing *);

#endif
