/* SPDX-License-Identifier: Apache-2.0 */
/* A composite may be removed while it is read. Its larger parts are blobs, which stay for the grace of garbage
 * (garbage.h), and reading goes on. Small parts are rows, which go at once: usually only the last part of an object is
 * small, so part_map_open reads a few of them in advance. When a part is missing after all, that read fails: a reader
 * may be cut off, but is never given other bytes. */
#include "core/object/composite.h"

#include "core/object/checked_blob.h"
#include "core/object/part_map.h"
#include "core/records/object.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"

#include <stdlib.h>
#include <string.h>

struct composite {
    struct blob_reader reader;
    struct core *core;
    struct part_map *map;
    const struct mapped_part *open_part; /* NULL: none is open; else one of the next two is not NULL */
    struct blob_reader *part_reader;
    char *part_row;
};

static void close_part(struct composite *c)
{
    if (c->part_reader)
        c->part_reader->ops->close(c->part_reader);
    free(c->part_row);
    c->part_reader = NULL;
    c->part_row = NULL;
    c->open_part = NULL;
}

static void composite_close(struct blob_reader *reader)
{
    if (!reader)
        return;
    struct composite *c = CONTAINER_OF(reader, struct composite, reader);
    close_part(c);
    part_map_close(c->map);
    free(c);
}

static err_t open_row_part(struct composite *c, const struct mapped_part *part, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    return part_read_row(c->core, tx, part, a, &c->part_row);
}

static err_t open_blob_part(struct composite *c, const struct mapped_part *part, struct arena *a)
{
    const struct object object = { .id = part->object_id,
                                   .size_bytes = part->size,
                                   .blob_key = { c->map->keys.p + part->key_at, part->key_n } };
    err_t e = checked_blob_open(c->core, &object, a, &c->part_reader);
    return err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_CORRUPT) ? part_is_broken(a, e, part) : e;
}

static err_t open_part(struct composite *c, const struct mapped_part *part, struct arena *a)
{
    if (c->open_part == part)
        return NULL;
    close_part(c);
    err_t e = part->key_n ? open_blob_part(c, part, a) : open_row_part(c, part, a);
    if (e) {
        close_part(c);
        return e;
    }
    c->open_part = part;
    return NULL;
}

/* Reads up to `size` bytes, but not past the end of the part that holds `offset`. */
static err_t read_part(struct composite *c, uint64_t offset, char *to, size_t size, struct arena *a, size_t *ret_read)
{
    const struct mapped_part *part = part_map_find(c->map, offset);
    uint64_t at = offset - part->offset;
    size_t n = size < part->size - at ? size : (size_t)(part->size - at);
    if (!part->preloaded)
        TRY(open_part(c, part, a));
    if (part->preloaded || c->part_row)
        memcpy(to, (part->preloaded ? part->preloaded : c->part_row) + at, n);
    else
        TRY(c->part_reader->ops->read_at(c->part_reader, at, to, n, a, &n));
    *ret_read = n;
    return n ? NULL : part_is_broken(a, NULL, part);
}

static err_t composite_read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                               size_t *ret_read)
{
    struct composite *c = CONTAINER_OF(reader, struct composite, reader);
    size_t done = 0;
    while (done < size && offset + done < reader->size_bytes) {
        size_t n = 0;
        TRY(read_part(c, offset + done, to + done, size - done, a, &n));
        done += n;
    }
    *ret_read = done;
    return NULL;
}

static const struct blob_ops composite_ops = { .name = "composite",
                                               .read_at = composite_read_at,
                                               .close = composite_close };

err_t composite_open(struct core *core, struct meta_tx *tx, const struct object *object, struct arena *a,
                     struct blob_reader **ret_reader)
{
    struct part_map *map;
    TRY(part_map_open(core, tx, object, a, &map));
    struct composite *c = must_malloc(sizeof *c);
    c->reader = (struct blob_reader){ .ops = &composite_ops, .size_bytes = object->size_bytes, .fd = -1 };
    c->core = core;
    c->map = map;
    *ret_reader = &c->reader;
    return NULL;
}
