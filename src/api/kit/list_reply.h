/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a list, as a JSON reply in pieces (json_pieces.h): {"files":[…],"next":"…"}. What is read for a piece is read again for
 * the next one from the last item that was sent whole, so an item that is removed meanwhile is left out. Most lists are by id; one
 * that is sorted otherwise says itself where it goes on. */
#ifndef CAIS_API_KIT_LIST_REPLY_H
#define CAIS_API_KIT_LIST_REPLY_H

#include "api/kit/json_pieces.h"
#include "core/records/record_ids.h"

#include <stddef.h>

struct list_reply;

/* Some items of a list, one behind the other. */
struct list_items {
    const void *first;
    size_t count, size; /* size: of one */
    size_t id_offset;   /* of the int64_t that is the id of an item; no matter when the list is not by id */
};
#define LIST_ITEMS(list, type) ((struct list_items){ (list).items, (list).count, sizeof(type), offsetof(type, id) })

struct list_kind {
    size_t at_once; /* items that are read for one piece */
    /* Find the first page->limit items after those that were sent, which by id are those after page->after_id. In `a`. */
    err_t (*find)(const struct list_reply *, const struct id_page *page, struct arena *a, struct list_items *ret);
    /* Write the item. One for which nothing is written is left out, and counts. */
    void (*put)(const struct list_reply *, struct json_out *, const void *item, struct arena *a);
    /* Of a list that is not by id, else NULL: the item was sent, and the next piece begins after it; and the `next` of a page that
     * ends there, in `a`. */
    void (*pass)(struct list_reply *, const void *item, struct arena *a);
    slice (*cursor)(const struct list_reply *, struct arena *a);
};

struct list_reply {
    struct json_pieces pieces;
    const struct list_kind *kind;
    struct id_page page; /* what still follows of it */
};

static inline struct http_exchange *list_exchange(const struct list_reply *list)
{
    return list->pieces.pieces.x;
}

/* Reply with the page, which the caller has set. The struct must live in the arena of the exchange. begin: the document up to its first item. log: borrowed, may be NULL. Errors: those of `find`. */
MUST_USE err_t list_reply_send(struct list_reply *, struct http_exchange *, struct log *, const struct list_kind *,
                               slice begin);

/* ---- short lists, which are one piece ---- */

/* Begin {"name":[ in `reply`, whose end must follow. */
void short_list_begin(struct json_reply *reply, struct http_exchange *, const char *name);
/* End the document, and the exchange. next_id: the `next` of the page; 0: there is none. */
void short_list_send(struct json_reply *reply, int64_t next_id);

#endif
