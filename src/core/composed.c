/* Reading what was put together from parts as if it were one blob.
 *
 * The places of all parts are read once, so that a look for an offset is a search in memory: about 60 bytes a part. Of
 * the parts themselves one is open at a time.
 * When the object is removed while somebody reads it, its larger parts are still there for the grace of garbage, in
 * which reading goes on. Small ones are rows, and rows go at once: the last part of an object is usually the only one
 * that is small, so as many of them as fit into AHEAD_MOST are read when the object is opened. What is missed after all
 * is an error of that read: a reader may be cut off, never be given other bytes. */
#include "base/buf.h"
#include "core/entry_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD_MOST = 256 * 1024, NONE_OPEN = -1 };

struct piece {
    int64_t object_id;
    uint64_t offset, size;
    size_t key_at, key_n; /* in texts; none: its bytes are a row */
    char *ahead;          /* those bytes, when they were read ahead */
};

struct composed {
    struct blob_reader reader;
    struct core *core;
    struct piece *pieces;
    size_t count;
    struct buf texts;
    size_t open; /* which piece is, with one of the next two; (size_t)NONE_OPEN: none */
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
    c->open = (size_t)NONE_OPEN;
}

static void close_composed(struct blob_reader *reader)
{
    if (!reader)
        return;
    struct composed *c = CONTAINER_OF(reader, struct composed, reader);
    let_go(c);
    for (size_t i = 0; i < c->count; i++)
        free(c->pieces[i].ahead);
    buf_release(&c->texts);
    free(c->pieces);
    free(c);
}

static err_t broken(struct arena *a, err_t cause, const struct piece *p)
{
    return err_because(a, cause, ERR_CORRUPT, "part object %lld is not there as it was recorded",
                       (long long)p->object_id);
}

static char *copy_bytes(slice bytes)
{
    char *copy = must_malloc(bytes.n + 1);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    return copy;
}

static err_t read_row(struct meta_tx *tx, const struct piece *p, struct arena *a, char **ret)
{
    SCRATCH(scratch);
    struct object object;
    err_t e = meta_object_get(tx, p->object_id, &scratch, &object);
    if (err_is(e, ERR_NOT_FOUND))
        return broken(a, NULL, p);
    if (e)
        return err_copy(a, e);
    if (object.inline_bytes.n != p->size)
        return broken(a, NULL, p);
    *ret = copy_bytes(object.inline_bytes);
    return NULL;
}

static err_t open_row(struct composed *c, const struct piece *p, struct arena *a)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    return read_row(tx, p, a, &c->row);
}

static err_t open_blob(struct composed *c, const struct piece *p, struct arena *a)
{
    struct blob_store *blob = c->core->blob;
    slice key = { c->texts.p + p->key_at, p->key_n };
    err_t e = blob->ops->open(blob, key, a, &c->part);
    if (err_is(e, ERR_NOT_FOUND))
        return broken(a, e, p);
    TRY(e);
    return c->part->size_bytes == p->size ? NULL : broken(a, NULL, p);
}

static err_t open_piece(struct composed *c, size_t index, struct arena *a)
{
    const struct piece *p = &c->pieces[index];
    if (c->open == index || p->ahead)
        return NULL;
    let_go(c);
    err_t e = p->key_n ? open_blob(c, p, a) : open_row(c, p, a);
    if (e) {
        let_go(c);
        return e;
    }
    c->open = index;
    return NULL;
}

/* The piece that holds the byte at `offset`, which there is. Empty pieces hold none. */
static size_t piece_at(const struct composed *c, uint64_t offset)
{
    size_t low = 0, high = c->count; /* it is at or after low, and before high */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (c->pieces[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return low; /* the last that begins at or before it: of several that begin there, the one that is not empty */
}

static err_t read_piece(struct composed *c, uint64_t offset, char *to, size_t size, struct arena *a, size_t *ret_read)
{
    size_t index = piece_at(c, offset);
    const struct piece *p = &c->pieces[index];
    uint64_t at = offset - p->offset;
    size_t n = size < p->size - at ? size : (size_t)(p->size - at);
    TRY(open_piece(c, index, a));
    const char *bytes = p->ahead ? p->ahead : c->row;
    if (p->ahead || !c->part)
        memcpy(to, bytes + at, n);
    else
        TRY(c->part->ops->read_at(c->part, at, to, n, a, &n));
    *ret_read = n;
    return n ? NULL : broken(a, NULL, p);
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

/* ---- opening ---- */

/* Keeps the places; false: they do not follow one another up to the end of the whole. */
static bool take_places(struct composed *c, const struct object_part *parts, size_t count, const struct object *whole)
{
    uint64_t at = 0;
    c->pieces = must_malloc((count + 1) * sizeof *c->pieces);
    for (; c->count < count; c->count++) {
        const struct object *part = &parts[c->count].object;
        if (parts[c->count].offset != at || part->part_count)
            return false;
        c->pieces[c->count] = (struct piece){ .object_id = part->id,
                                              .offset = at,
                                              .size = part->size_bytes,
                                              .key_at = c->texts.n,
                                              .key_n = part->blob_key.n };
        buf_add(&c->texts, part->blob_key);
        at += part->size_bytes;
    }
    return (int64_t)count == whole->part_count && at == whole->size_bytes;
}

/* From the end: that is where a small part is to be expected. */
static err_t read_ahead(struct composed *c, struct meta_tx *tx, struct arena *a)
{
    size_t left = AHEAD_MOST;
    for (size_t i = c->count; i-- > 0;) {
        struct piece *p = &c->pieces[i];
        if (p->key_n || !p->size)
            continue;
        if (p->size > left)
            return NULL;
        left -= (size_t)p->size;
        TRY(read_row(tx, p, a, &p->ahead));
    }
    return NULL;
}

err_t composed_open(struct core *core, struct meta_tx *tx, const struct object *whole, struct arena *a,
                    struct blob_reader **ret)
{
    SCRATCH(scratch);
    struct object_part *parts;
    size_t count;
    err_t e = meta_object_parts(tx, whole->id, &scratch, &parts, &count);
    if (e)
        return err_copy(a, e);
    struct composed *c = must_malloc(sizeof *c);
    c->reader = (struct blob_reader){ .ops = &composed_ops, .size_bytes = whole->size_bytes, .fd = -1 };
    c->core = core;
    c->open = (size_t)NONE_OPEN;
    buf_init(&c->texts, 0);
    if (!take_places(c, parts, count, whole))
        e = err_make(a, ERR_CORRUPT, "the parts of object %lld are not what it says", (long long)whole->id);
    else
        e = read_ahead(c, tx, a);
    if (e) {
        close_composed(&c->reader);
        return e;
    }
    *ret = &c->reader;
    return NULL;
}
