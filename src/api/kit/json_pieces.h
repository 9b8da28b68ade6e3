/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON reply in pieces (piece_reply.h), item after item. An item is any part of the text: a task without its comments, one
 * comment, the end of an array. */
#ifndef CAIS_API_KIT_JSON_PIECES_H
#define CAIS_API_KIT_JSON_PIECES_H

#include "api/kit/json_reply.h"
#include "api/kit/piece_reply.h"

struct json_pieces;
/* Read what comes next, and write it as items, at most until piece_is_full. *ret_end: the document is complete. Called again
 * and again, each time with a new arena `a`, which is on the account of the exchange; so what was read for one call is the
 * most that is in memory. */
typedef err_t json_part_fn(struct json_pieces *, struct buf *out, struct arena *a, bool *ret_end);

struct json_pieces {
    struct piece_reply pieces;
    json_part_fn *write_part;
    struct json_reply item; /* the item that is being written */
    bool comma;             /* the next item follows a value */
};

/* The struct must live in the arena of the exchange. log: borrowed, may be NULL. */
void json_pieces_init(struct json_pieces *, struct http_exchange *, struct log *, json_part_fn *);
/* Begin the next item; write into the result, whose values may live in `a`. Its end must follow. */
struct json_reply *json_item_begin(struct json_pieces *, struct arena *a);
/* Append the item, or as much as there is room for: piece_add. An error outlives the arena of the item. */
MUST_USE err_t json_item_end(struct json_pieces *, struct buf *out, bool *ret_whole);
/* Was a part of an item sent, whose rest must follow? */
static inline bool json_pieces_in_item(const struct json_pieces *p)
{
    return p->pieces.sent_bytes > 0;
}

#endif
