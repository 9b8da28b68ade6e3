/* SPDX-License-Identifier: Apache-2.0 */
/* The part map of a composite: where in it each of its parts begins, and where the bytes of each part are. Objects never
 * change and their ids are never used again, so a map stays right for as long as anything refers to the composite. The
 * maps of composites with many parts are cached (core->part_maps). */
#ifndef CAIS_CORE_OBJECT_PART_MAP_H
#define CAIS_CORE_OBJECT_PART_MAP_H

#include "base/buf.h"
#include "core/core.h"

struct object;

/* One part of the composite. */
struct mapped_part {
    int64_t object_id;
    uint64_t offset, size; /* bytes: where it begins in the composite, and its length */
    size_t key_at, key_n;  /* its blob key in part_map.keys; key_n 0: its bytes are a row */
    char *preloaded;       /* the bytes of a row, if part_map_open read them; else NULL */
};

/* Shared by its readers, never changed. */
struct part_map {
    int64_t readers; /* atomic; the cache counts as one */
    int64_t object_id;
    struct mapped_part *parts;
    size_t count;
    struct buf keys;
};

/* The map of `composite`, in a snapshot that has the object. End it with part_map_close.
 * Errors: CORRUPT the parts do not make up what the object's record says; those of the store. Thread: any. */
MUST_USE err_t part_map_open(struct core *, struct meta_tx *, const struct object *composite, struct arena *a,
                             struct part_map **ret);
void part_map_close(struct part_map *); /* NULL is fine */
/* Would part_map_open be done within the time of a loop, since the parts are few, or the map is cached? */
bool part_map_opens_quickly(struct core *, const struct object *composite);

/* The part that holds the byte at `offset`, which must be inside the composite. */
const struct mapped_part *part_map_find(const struct part_map *, uint64_t offset);
/* The bytes of a part that is a row, on the heap: the caller frees them. Errors: CORRUPT; those of the store. */
MUST_USE err_t part_read_row(struct core *, struct meta_tx *, const struct mapped_part *, struct arena *a,
                             char **ret_bytes);
/* A CORRUPT error that says which part is missing or has another length than its record. */
err_t part_is_broken(struct arena *a, err_t cause, const struct mapped_part *);

#endif
