/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/list_reply.h"

static int64_t id_of_item(const struct list_items *items, const void *item)
{
    return *(const int64_t *)(const void *)((const char *)item + items->id_offset);
}

static void pass_item(struct list_reply *list, const struct list_items *items, const void *item, struct arena *a)
{
    if (list->kind->pass)
        list->kind->pass(list, item, a);
    else
        list->page.after_id = id_of_item(items, item);
    list->page.limit--;
}

static slice next_page(const struct list_reply *list, struct arena *a)
{
    return list->kind->cursor ? list->kind->cursor(list, a) : arena_printf(a, "%lld", (long long)list->page.after_id);
}

static err_t write_list_piece(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct list_reply *list = CONTAINER_OF(pieces, struct list_reply, pieces);
    const struct list_kind *kind = list->kind;
    size_t at_once = list->page.limit < kind->at_once ? list->page.limit : kind->at_once, i = 0;
    struct list_items found;
    TRY(kind->find(list, &(struct id_page){ list->page.after_id, at_once + 1 }, a, &found));
    for (; i < found.count && i < at_once && !piece_is_full(out); i++) {
        SCRATCH_OF(scratch, a); /* each item uses the same memory again */
        const void *item = (const char *)found.first + i * found.size;
        bool whole;
        kind->put(list, &json_item_begin(pieces, &scratch)->out, item, &scratch);
        TRY(json_item_end(pieces, out, &whole));
        if (!whole)
            return NULL;
        pass_item(list, &found, item, &scratch);
    }
    bool more = i < found.count;
    *ret_end = !more || !list->page.limit;
    if (*ret_end && more)
        buf_printf(out, "],\"next\":\"" SLICE_FMT "\"}", SLICE_ARG(next_page(list, a)));
    else if (*ret_end)
        buf_add(out, S("]}"));
    return NULL;
}

err_t list_reply_send(struct list_reply *list, struct http_exchange *x, struct log *log, const struct list_kind *kind,
                      slice begin)
{
    list->kind = kind;
    json_pieces_init(&list->pieces, x, log, write_list_piece);
    buf_add(&list->pieces.pieces.first, begin);
    return piece_reply_send(&list->pieces.pieces, 200, JSON_REPLY_TYPE);
}

void short_list_begin(struct json_reply *reply, struct http_exchange *x, const char *name)
{
    json_reply_begin(reply, x);
    json_open_object(&reply->out);
    json_name(&reply->out, name);
    json_open_array(&reply->out);
}

void short_list_send(struct json_reply *reply, int64_t next_id)
{
    json_close_array(&reply->out);
    if (next_id)
        json_put_string(&reply->out, "next", arena_printf(reply->a, "%lld", (long long)next_id));
    json_close_object(&reply->out);
    json_reply_send(reply, 200, JSON_REPLY_TYPE);
}
