/* SPDX-License-Identifier: Apache-2.0 */
/* Replies whose size grows with what is stored: listings, tasks with their comments. A client may read such a reply slowly
 * or not at all, so it is produced in pieces while it is sent: what waits to be sent is one piece. A reply that fits into
 * the first piece is an ordinary one, with a Content-Length.
 *
 *   beginning ──► write_items ──┬── the reply ended ──► http_reply
 *   (in first)                  └── no room left ──► http_reply_stream: the first piece,
 *                                       then write_items for each piece that follows
 *
 * Nothing of what was read is kept between two pieces: write_items notes where it stopped, and reads on from there. An error
 * in the first piece is refused as usual. After it an error closes the connection, and the document lacks its end, so nobody
 * takes it for a whole one.
 *
 * A single item may be larger than a piece (a comment, up to a MiB). piece_add then sends a part of it. For the next piece
 * the item is written again, and what was sent of it is left out. If the item has changed meanwhile in what was sent, the
 * reply ends as with an error, so that no client gets a mixture of two states. */
#ifndef CAIS_API_KIT_PIECE_REPLY_H
#define CAIS_API_KIT_PIECE_REPLY_H

#include "base/log.h"
#include "http/http.h"

#define PIECE_BYTES ((size_t)48 * 1024)  /* no item begins behind these … */
#define PIECE_MEMORY ((size_t)64 * 1024) /* … and no piece has more than this, with the frame of a chunk */

struct piece_reply;
/* Append items until the reply ends or piece_is_full; continue where the last call stopped. After the last item append the
 * end of the document and set *ret_end. Runs on a worker, several times; keeps nothing in `scratch`, which is on the account
 * of the exchange. */
typedef err_t piece_write_fn(struct piece_reply *, struct buf *out, struct arena *scratch, bool *ret_end);

struct piece_reply {
    struct http_producer producer;
    struct http_exchange *x;
    struct log *log; /* for errors after the first piece; may be NULL */
    piece_write_fn *write_items;
    struct buf first;  /* the first piece, until it is sent; the beginning of the document may be written here */
    size_t sent_bytes; /* of the item that does not fit into one piece … */
    uint32_t sent_crc; /* … and their checksum */
};

/* The struct must live in the arena of the exchange, which releases `first`. log: borrowed, may be NULL. */
void piece_reply_init(struct piece_reply *, struct http_exchange *, struct log *, piece_write_fn *);
bool piece_is_full(const struct buf *out);
/* Append an item, or as much of it as there is room for. *ret_whole: all of it was sent, and the next one may follow. If
 * not, the piece is full, and the next call must be for the same item. `out` must not be full.
 * Errors: CONFLICT the item is not any more what it was when its beginning was sent. */
MUST_USE err_t piece_add(struct piece_reply *, struct buf *out, slice item, struct arena *a, bool *ret_whole);
/* Produce the first piece, then reply. content_type: static. Errors: those of write_items. */
MUST_USE err_t piece_reply_send(struct piece_reply *, int status, const char *content_type);

#endif
