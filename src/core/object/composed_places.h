/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of an object that is put together lie. Objects never change and their ids are never used again, so
 * what was read once stays true for as long as anybody has the object. */
#ifndef CAIS_CORE_OBJECT_COMPOSED_PLACES_H
#define CAIS_CORE_OBJECT_COMPOSED_PLACES_H

#include "base/buf.h"
#include "core/core.h"
#include "core/records/object.h"

struct piece {
    int64_t object_id;
    uint64_t offset, size;
    size_t key_at, key_n; /* in texts; none: its bytes are a row */
    char *ahead;          /* those bytes, when they were read ahead */
};

/* Shared by its readers; never changed. */
struct places {
    int64_t readers; /* atomic */
    int64_t object_id;
    struct piece *pieces;
    size_t count;
    struct buf texts;
};

/* Those of `whole`, in a snapshot that has it. Errors: CORRUPT the parts are not what the object says. */
MUST_USE err_t places_open(struct core *, struct meta_tx *, const struct object *whole, struct arena *a,
                           struct places **ret);
void places_close(struct places *); /* NULL is fine */

/* The piece that holds the byte at `offset`, which there is. */
const struct piece *places_at(const struct places *, uint64_t offset);
/* The bytes of one that is a row, on the heap. Errors: CORRUPT. */
MUST_USE err_t piece_read_row(struct meta_tx *, const struct piece *, struct arena *a, char **ret);
err_t piece_broken(struct arena *a, err_t cause, const struct piece *);

#endif
