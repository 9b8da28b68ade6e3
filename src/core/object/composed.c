/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what was put together from parts as if it were one blob. One part is open at a time.
 *
 * When the object is removed while somebody reads it, its larger parts are still there for the grace of garbage, in
 * which reading goes on. Small ones are rows, and rows go at once: the last part of an object is usually the only one
 * that is small, so a few of them are read when the object is opened. What is missed after all is an error of that
 * read: a reader may be cut off, never be given other bytes. */
#include "core/bucket/entry_priv.h"
#include "core/object/composed_places.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"

#include <stdlib.h>
#include <string.h>

struct composed {
    struct blob_reader reader;
    struct core *core;
    struct places *places;
    const struct piece *open; /* which one is, with one of the next two; NULL: none */
    struct blob_reader *part;
    char *row;
};

static void let_go(struct composed *c)
{
    if (c->part)
        c->part->ops->close(c->part);
    free(c->row);
    c->part = NULL;
    c->row = NULL;
    c->open = NULL;
}

static void close_composed(struct blob_reader *reader)
{
    if (!reader)
        return;
    struct composed *c = CONTAINER_OF(reader, struct composed, reader);
    let_go(c);
    places_close(c->places);
    free(c);
}

static err_t open_row(struct composed *c, const struct piece *p, struct arena *a)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    return piece_read_row(tx, p, a, &c->row);
}

static err_t open_blob(struct composed *c, const struct piece *p, struct arena *a)
{
    struct blob_store *blob = c->core->blob;
    slice key = { c->places->texts.p + p->key_at, p->key_n };
    err_t e = blob->ops->open(blob, key, a, &c->part);
    if (err_is(e, ERR_NOT_FOUND))
        return piece_broken(a, e, p);
    TRY(e);
    return c->part->size_bytes == p->size ? NULL : piece_broken(a, NULL, p);
}

static err_t open_piece(struct composed *c, const struct piece *p, struct arena *a)
{
    if (c->open == p)
        return NULL;
    let_go(c);
    err_t e = p->key_n ? open_blob(c, p, a) : open_row(c, p, a);
    if (e) {
        let_go(c);
        return e;
    }
    c->open = p;
    return NULL;
}

/* Up to `size` bytes, no further than the end of the piece. */
static err_t read_piece(struct composed *c, uint64_t offset, char *to, size_t size, struct arena *a, size_t *ret_read)
{
    const struct piece *p = places_at(c->places, offset);
    uint64_t at = offset - p->offset;
    size_t n = size < p->size - at ? size : (size_t)(p->size - at);
    if (!p->ahead)
        TRY(open_piece(c, p, a));
    if (p->ahead || c->row)
        memcpy(to, (p->ahead ? p->ahead : c->row) + at, n);
    else
        TRY(c->part->ops->read_at(c->part, at, to, n, a, &n));
    *ret_read = n;
    return n ? NULL : piece_broken(a, NULL, p);
}

static err_t read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                     size_t *ret_read)
{
    struct composed *c = CONTAINER_OF(reader, struct composed, reader);
    size_t done = 0;
    while (done < size && offset + done < reader->size_bytes) {
        size_t n = 0;
        TRY(read_piece(c, offset + done, to + done, size - done, a, &n));
        done += n;
    }
    *ret_read = done;
    return NULL;
}

static const struct blob_ops composed_ops = { .name = "composed", .read_at = read_at, .close = close_composed };

err_t composed_open(struct core *core, struct meta_tx *tx, const struct object *whole, struct arena *a,
                    struct blob_reader **ret)
{
    struct places *places;
    TRY(places_open(core, tx, whole, a, &places));
    struct composed *c = must_malloc(sizeof *c);
    c->reader = (struct blob_reader){ .ops = &composed_ops, .size_bytes = whole->size_bytes, .fd = -1 };
    c->core = core;
    c->places = places;
    *ret = &c->reader;
    return NULL;
}
