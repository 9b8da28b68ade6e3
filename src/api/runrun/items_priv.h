/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and comments as JSON, a list or a single one, in pieces. An item may have several hundred KiB, so a list is a list of
 * ids, and each item is read when it is written. What is removed meanwhile is left out of a list. */
#ifndef CAIS_API_RUNRUN_ITEMS_PRIV_H
#define CAIS_API_RUNRUN_ITEMS_PRIV_H

#include "api/kit/json_pieces.h"
#include "api/runrun/document_json_priv.h"

struct runrun_items;
/* Write the item with this id, or the next part of it. *ret_done: it is complete. */
typedef err_t runrun_item_fn(struct runrun_items *, int64_t id, struct buf *out, struct arena *a, bool *ret_done);

struct runrun_items {
    struct json_pieces pieces;
    runrun_item_fn *write_item;
    const int64_t *ids;
    size_t count, at;
    bool is_list;
    enum { COMMENT_BEGIN, COMMENT_DOCUMENTS, COMMENT_END } stage;
    struct document_walk documents; /* of the comment that is being written */
};

/* In the arena of the exchange. ids: borrowed until the reply was sent. */
struct runrun_items *runrun_items_new(struct http_exchange *, runrun_item_fn *, const int64_t *ids, size_t count);
/* Reply with the list. Errors: those of write_item. */
MUST_USE err_t runrun_reply_list(struct runrun_items *);
/* Reply with the only item. Errors: those of write_item; also NOT_FOUND of it. */
MUST_USE err_t runrun_reply_item(struct http_exchange *, int status, runrun_item_fn *, int64_t id);

#endif
