/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/listing_priv.h"

#include "api/kit/failure_log.h"
#include "base/buf.h"

static err_t write_listed_items(struct s3_listing *l, struct buf *out, bool *ret_end)
{
    struct arena *a = &l->call->x->arena;
    SCRATCH_OF(scratch, a);
    return err_copy(a, l->write_items(l, out, &scratch, ret_end));
}

/* False, and the engine closes the connection, when the store fails in the middle of the list. */
static bool produce_listing_piece(struct http_producer *producer, struct buf *out, bool *ret_end)
{
    struct s3_listing *l = CONTAINER_OF(producer, struct s3_listing, producer);
    if (l->first.n) { /* the engine's buffer takes over its memory, so that there is one piece and not two */
        struct buf engines = *out;
        *out = l->first; /* which is on the same account */
        out->max = engines.max;
        l->first = engines;
        buf_clear(&l->first);
        return true;
    }
    err_t e = write_listed_items(l, out, ret_end);
    if (e)
        log_failure(l->call->s3->log, l->call->x, e);
    return !e;
}

static void release_first_piece(void *first)
{
    buf_release(first);
}

void s3_listing_init(struct s3_listing *l, struct s3_call *call,
                     err_t (*write_items)(struct s3_listing *, struct buf *out, struct arena *scratch, bool *ret_end))
{
    *l = (struct s3_listing){ .producer = { .more = produce_listing_piece }, .call = call, .write_items = write_items };
    buf_init_on(&l->first, 0, &call->x->arena);
    (void)buf_reserve(&l->first, S3_PIECE_MEMORY);
    arena_defer(&call->x->arena, release_first_piece, &l->first);
}

bool s3_listing_is_full(const struct buf *out)
{
    return out->n >= S3_PIECE_BYTES;
}

err_t s3_listing_reply(struct s3_listing *l)
{
    struct http_exchange *x = l->call->x;
    bool end = false;
    TRY(write_listed_items(l, &l->first, &end));
    if (!end) {
        http_reply_stream(x, 200, "application/xml", &l->producer);
        return NULL;
    }
    slice document = arena_copy(&x->arena, buf_slice(&l->first)); /* mostly smaller than the memory of a piece */
    buf_release(&l->first);
    http_reply(x, 200, "application/xml", document);
    return NULL;
}
