/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes leave read_at only if the memory that they stand in has been checked: a piece that the caller wants whole is read
 * to its place and checked there, another one is read into memory of the reader. */
#include "core/object/checked_blob.h"

#include "core/core_priv.h"
#include "core/object/check_memory.h"
#include "core/object/checksums.h"
#include "core/object/damage.h"
#include "core/records/object.h"
#include "core/store/blob_store.h"
#include "core/store/object_store.h"

#include <stdlib.h>
#include <string.h>

enum known { NOT_LOOKED_UP, HAS_NONE, HAS_CHECKSUMS };

struct checked_blob {
    struct blob_reader reader;
    struct core *core;
    struct blob_reader *blob;
    int64_t object_id; /* 0: none, it grows */
    enum known known;
    struct buf list; /* the checksums of one row */
    uint64_t row;
    char *piece; /* CHECKSUM_PIECE bytes; NULL: none was needed yet */
    uint64_t piece_number;
    size_t piece_bytes; /* 0: `piece` holds nothing */
    char key[BLOB_KEY_MAX + 1];
};

static struct checked_blob *checked_of(struct blob_reader *reader)
{
    return CONTAINER_OF(reader, struct checked_blob, reader);
}

static err_t load_row(struct checked_blob *c, uint64_t row, struct arena *a)
{
    SCRATCH_OF(scratch, a);
    slice list = S("");
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        err_t e = meta_read_begin(c->core->meta, &scratch, &tx);
        if (!e)
            e = meta_checksums_get(tx, slice_of(c->key), row, &scratch, &list);
        if (e)
            return err_copy(a, e);
    }
    buf_clear(&c->list);
    buf_add(&c->list, list);
    c->row = row;
    if (c->known == NOT_LOOKED_UP && row)
        return load_row(c, 0, a); /* the first row says whether there are any */
    if (c->known == NOT_LOOKED_UP)
        c->known = list.n ? HAS_CHECKSUMS : HAS_NONE;
    return NULL;
}

/* Of the row of this piece. */
static err_t look_up(struct checked_blob *c, uint64_t number, struct arena *a)
{
    uint64_t row = number / CHECKSUMS_IN_ROW;
    if (c->known == NOT_LOOKED_UP)
        TRY(load_row(c, 0, a));
    return c->known == HAS_CHECKSUMS && c->row != row ? load_row(c, row, a) : NULL;
}

static size_t size_of_piece(const struct checked_blob *c, uint64_t number)
{
    uint64_t left = c->reader.size_bytes - number * CHECKSUM_PIECE;
    return left < CHECKSUM_PIECE ? (size_t)left : CHECKSUM_PIECE;
}

static const char *name_of(const struct checked_blob *c, struct arena *a)
{
    if (!c->object_id)
        return arena_printf(a, "blob %s", c->key).p;
    return arena_printf(a, "blob %s of object %lld", c->key, (long long)c->object_id).p;
}

/* Reads one whole piece. */
static err_t read_piece(struct checked_blob *c, uint64_t number, char *to, struct arena *a)
{
    size_t size = size_of_piece(c, number), got;
    TRY(look_up(c, number, a));
    err_t e = c->blob->ops->read_at(c->blob, number * CHECKSUM_PIECE, to, size, a, &got);
    bool fits =
        !e && got == size &&
        (c->known == HAS_NONE || checksum_fits(buf_slice(&c->list), number % CHECKSUMS_IN_ROW, (slice){ to, size }));
    if (fits || (e && !err_is(e, ERR_CORRUPT)))
        return e;
    return damage_found(c->core,
                        err_because(a, e, ERR_CORRUPT, "%s: the bytes %llu to %llu are not those that were stored",
                                    name_of(c, a), (unsigned long long)(number * CHECKSUM_PIECE),
                                    (unsigned long long)(number * CHECKSUM_PIECE + size - 1)));
}

/* Reads one piece into memory of the reader. */
static err_t keep_piece(struct checked_blob *c, uint64_t number, struct arena *a)
{
    if (c->piece_bytes && c->piece_number == number)
        return NULL;
    c->piece_bytes = 0;
    if (!c->piece)
        c->piece = must_malloc(CHECKSUM_PIECE);
    TRY(read_piece(c, number, c->piece, a));
    c->piece_number = number;
    c->piece_bytes = size_of_piece(c, number);
    return NULL;
}

static err_t checked_read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                             size_t *ret_read)
{
    struct checked_blob *c = checked_of(reader);
    size_t done = 0;
    while (done < size && offset + done < reader->size_bytes) {
        uint64_t number = (offset + done) / CHECKSUM_PIECE;
        size_t at = (size_t)((offset + done) % CHECKSUM_PIECE), n = size_of_piece(c, number) - at;
        if (n > size - done)
            n = size - done;
        if (n == size_of_piece(c, number)) {
            TRY(read_piece(c, number, to + done, a));
        } else {
            TRY(keep_piece(c, number, a));
            memcpy(to + done, c->piece + at, n);
        }
        done += n;
    }
    *ret_read = done;
    return NULL;
}

static void checked_close(struct blob_reader *reader)
{
    if (!reader)
        return;
    struct checked_blob *c = checked_of(reader);
    if (c->blob)
        c->blob->ops->close(c->blob);
    buf_release(&c->list);
    free(c->piece);
    free(c);
}

static const struct blob_ops checked_ops = { .name = "checked", .read_at = checked_read_at, .close = checked_close };

bool is_checked_blob(const struct blob_reader *reader)
{
    return reader && reader->ops == &checked_ops;
}

err_t checked_blob_check(struct blob_reader *reader, uint64_t from, uint64_t to, bool has_left, char *memory,
                         struct arena *a)
{
    struct checked_blob *c = checked_of(reader);
    if (to > reader->size_bytes)
        to = reader->size_bytes;
    TRY(look_up(c, from / CHECKSUM_PIECE, a));
    if (from >= to || c->known == HAS_NONE)
        return NULL;
    struct check_memory *checks = c->core->checks;
    struct blob_version version;
    uint64_t first = from / CHECKSUM_PIECE, end = checksums_count(to);
    bool is_known = blob_version_of(reader->fd, &version);
    if (is_known && has_left)
        check_memory_forget(checks, &version);
    else if (is_known && check_memory_has(checks, &version, first, end, clock_monotonic_ms(c->core->clock)))
        return NULL;
    for (uint64_t number = first; number < end; number++)
        TRY(read_piece(c, number, memory, a));
    if (is_known)
        check_memory_add(checks, &version, first, end, clock_monotonic_ms(c->core->clock));
    return NULL;
}

/* The blob is the new reader's from then on. */
static struct checked_blob *checked_new(struct core *core, struct blob_reader *blob, slice key, uint64_t size_bytes)
{
    struct checked_blob *c = must_malloc(sizeof *c);
    *c = (struct checked_blob){
        .reader = { .ops = &checked_ops, .size_bytes = size_bytes, .fd = blob->fd },
        .core = core,
        .blob = blob,
    };
    buf_init(&c->list, 0);
    memcpy(c->key, key.p, key.n);
    return c;
}

static err_t has_other_size(const struct checked_blob *c, struct arena *a)
{
    return damage_found(c->core,
                        err_make(a, ERR_CORRUPT, "%s has %llu of %llu bytes", name_of(c, a),
                                 (unsigned long long)c->blob->size_bytes, (unsigned long long)c->reader.size_bytes));
}

err_t checked_blob_open(struct core *core, const struct object *object, struct arena *a, struct blob_reader **ret)
{
    struct blob_reader *blob;
    TRY(core->blob->ops->open(core->blob, object->blob_key, a, &blob));
    struct checked_blob *c = checked_new(core, blob, object->blob_key, object->size_bytes);
    c->object_id = object->id;
    err_t e = blob->size_bytes == object->size_bytes ? NULL : has_other_size(c, a);
    if (e)
        checked_close(&c->reader);
    else
        *ret = &c->reader;
    return e;
}

err_t checked_blob_open_growing(struct core *core, slice key, uint64_t size_bytes, struct arena *a,
                                struct blob_reader **ret)
{
    struct blob_reader *blob;
    TRY(core->blob->ops->open_growing(core->blob, key, a, &blob));
    struct checked_blob *c = checked_new(core, blob, key, size_bytes);
    err_t e = blob->size_bytes >= size_bytes ? NULL : has_other_size(c, a);
    if (e)
        checked_close(&c->reader);
    else
        *ret = &c->reader;
    return e;
}
