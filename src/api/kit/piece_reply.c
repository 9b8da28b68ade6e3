/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/piece_reply.h"

#include "api/kit/failure_log.h"
#include "base/buf.h"
#include "base/crc.h"

#include <assert.h>

#define CHUNK_END_BYTES 2 /* that the engine appends to a piece */

static err_t write_one_piece(struct piece_reply *p, struct buf *out, struct arena *scratch, bool *ret_end)
{
    TRY(p->write_items(p, out, scratch, ret_end));
    if (*ret_end && p->sent_bytes)
        return err_make(scratch, ERR_CONFLICT, "what is being sent was removed");
    return arena_check(scratch);
}

/* False, and the engine closes the connection, when a store fails in the middle of the reply. */
static bool produce_piece_of_reply(struct http_producer *producer, struct buf *out, bool *ret_end)
{
    struct piece_reply *p = CONTAINER_OF(producer, struct piece_reply, producer);
    if (p->first.n) { /* the engine's buffer takes over its memory, so that there is one piece and not two */
        size_t max = out->max;
        buf_release(out);
        *out = p->first;
        out->max = max;
        buf_init(&p->first, 0);
        return true;
    }
    SCRATCH_OF(scratch, &p->x->arena);
    err_t e = write_one_piece(p, out, &scratch, ret_end);
    if (e)
        log_failure(p->log, p->x, e);
    return !e;
}

static void release_first_piece(void *first)
{
    buf_release(first);
}

void piece_reply_init(struct piece_reply *p, struct http_exchange *x, struct log *log, piece_write_fn *write_items)
{
    *p = (struct piece_reply){
        .producer = { .more = produce_piece_of_reply }, .x = x, .log = log, .write_items = write_items
    };
    buf_init_on(&p->first, 0, &x->arena);
    arena_defer(&x->arena, release_first_piece, &p->first);
}

bool piece_is_full(const struct buf *out)
{
    return out->n >= PIECE_BYTES;
}

err_t piece_add(struct piece_reply *p, struct buf *out, slice item, struct arena *a, bool *ret_whole)
{
    assert(!piece_is_full(out));
    size_t room = PIECE_MEMORY - CHUNK_END_BYTES - out->n;
    slice left = slice_from(item, p->sent_bytes);
    if (item.n < p->sent_bytes ||
        (p->sent_bytes && crc32c_update(0, slice_part(item, 0, p->sent_bytes)) != p->sent_crc))
        return err_make(a, ERR_CONFLICT, "what is being sent has changed");
    *ret_whole = left.n <= room;
    slice part = slice_part(left, 0, room);
    buf_add(out, part);
    p->sent_crc = *ret_whole ? 0 : crc32c_update(p->sent_crc, part);
    p->sent_bytes = *ret_whole ? 0 : p->sent_bytes + part.n;
    return NULL;
}

err_t piece_reply_send(struct piece_reply *p, int status, const char *content_type)
{
    struct http_exchange *x = p->x;
    bool end = false;
    {
        SCRATCH_OF(scratch, &x->arena);
        err_t e = write_one_piece(p, &p->first, &scratch, &end);
        if (e)
            return err_copy(&x->arena, e);
    }
    if (end)
        http_reply(x, status, content_type, buf_give(&p->first, &x->arena));
    else
        http_reply_stream(x, status, content_type, &p->producer);
    return NULL;
}
