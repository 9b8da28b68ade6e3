/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/json_pieces.h"

static err_t write_json_piece(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct json_pieces *p = CONTAINER_OF(pieces, struct json_pieces, pieces);
    err_t e = NULL;
    while (!e && !*ret_end && !piece_is_full(out)) {
        SCRATCH_OF(part, scratch);
        e = p->write_part(p, out, &part, ret_end);
        if (!e)
            e = arena_check(&part);
        if (e)
            e = err_copy(scratch, e);
    }
    buf_release(&p->item.body);
    return e;
}

void json_pieces_init(struct json_pieces *p, struct http_exchange *x, struct log *log, json_part_fn *write_part)
{
    *p = (struct json_pieces){ .write_part = write_part };
    piece_reply_init(&p->pieces, x, log, write_json_piece);
    json_reply_begin(&p->item, x);
}

struct json_reply *json_item_begin(struct json_pieces *p, struct arena *a)
{
    buf_clear(&p->item.body);
    json_out_init(&p->item.out, &p->item.body);
    p->item.out.comma = p->comma;
    p->item.a = a;
    return &p->item;
}

err_t json_item_end(struct json_pieces *p, struct buf *out, bool *ret_whole)
{
    TRY(piece_add(&p->pieces, out, buf_slice(&p->item.body), &p->pieces.x->arena, ret_whole));
    if (*ret_whole)
        p->comma = p->item.out.comma;
    return NULL;
}
