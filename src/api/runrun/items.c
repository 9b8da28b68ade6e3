/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/items_priv.h"

#include "api/runrun/runrun_priv.h"

static err_t write_next_item(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct runrun_items *items = CONTAINER_OF(pieces, struct runrun_items, pieces);
    bool done = false;
    if (items->at == items->count) {
        buf_add(out, items->is_list ? S("]") : S(""));
        *ret_end = true;
        return NULL;
    }
    err_t e = items->write_item(items, items->ids[items->at], out, a, &done);
    bool was_removed = items->is_list && err_is(e, ERR_NOT_FOUND) && items->stage == COMMENT_BEGIN;
    if (e && (!was_removed || json_pieces_in_item(pieces)))
        return e;
    items->at += done || was_removed;
    return NULL;
}

struct runrun_items *runrun_items_new(struct http_exchange *x, runrun_item_fn *write_item, const int64_t *ids,
                                      size_t count)
{
    struct runrun_items *items = arena_new(&x->arena, struct runrun_items);
    json_pieces_init(&items->pieces, x, runrun_of(x)->log, write_next_item);
    items->write_item = write_item;
    items->ids = ids;
    items->count = count;
    return items;
}

err_t runrun_reply_list(struct runrun_items *items)
{
    items->is_list = true;
    buf_add(&items->pieces.pieces.first, S("["));
    return piece_reply_send(&items->pieces.pieces, 200, JSON_REPLY_TYPE_UTF8);
}

err_t runrun_reply_item(struct http_exchange *x, int status, runrun_item_fn *write_item, int64_t id)
{
    int64_t *ids = arena_array(&x->arena, int64_t, 1);
    ids[0] = id;
    return piece_reply_send(&runrun_items_new(x, write_item, ids, 1)->pieces.pieces, status, JSON_REPLY_TYPE_UTF8);
}
