/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a map costs a microsecond a part, and keeping it 80 bytes a part. A client that reads a large object range by
 * range opens it for each range, so the maps of the last few composites with many parts are kept. */
#include "core/object/part_map.h"

#include "core/core_priv.h"
#include "core/object/checked_row.h"
#include "core/store/object_store.h"

#include <stdlib.h>
#include <string.h>

enum {
    PRELOAD_MAX = 256 * 1024, /* bytes of rows that are read when a composite is opened */
    CACHED_MAPS = 8,
    WORTH_CACHING = 64 /* parts */
};

struct part_map_cache {
    pthread_mutex_t mutex;
    uint64_t uses; /* counts up; the clock of used_at */
    struct {
        struct part_map *map; /* NULL: an empty slot */
        uint64_t used_at;
    } slots[CACHED_MAPS];
};

struct part_map_cache *part_map_cache_new(void)
{
    struct part_map_cache *cache = must_malloc(sizeof *cache);
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

void part_map_cache_free(struct part_map_cache *cache)
{
    for (size_t i = 0; i < CACHED_MAPS; i++)
        part_map_close(cache->slots[i].map);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static struct part_map *add_reader(struct part_map *map)
{
    __atomic_add_fetch(&map->readers, 1, __ATOMIC_RELAXED);
    return map;
}

static struct part_map *find_cached_map(struct part_map_cache *cache, int64_t object_id)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
    for (size_t i = 0; i < CACHED_MAPS; i++) {
        if (!cache->slots[i].map || cache->slots[i].map->object_id != object_id)
            continue;
        cache->slots[i].used_at = ++cache->uses;
        return add_reader(cache->slots[i].map);
    }
    return NULL;
}

/* Replaces the map that was not used for the longest time. Two readers may cache the same map: both copies are right. */
static void cache_map(struct part_map_cache *cache, struct part_map *map)
{
    struct part_map *replaced;
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
        size_t slot = 0;
        for (size_t i = 1; i < CACHED_MAPS; i++)
            if (cache->slots[i].used_at < cache->slots[slot].used_at)
                slot = i;
        replaced = cache->slots[slot].map;
        cache->slots[slot].map = add_reader(map);
        cache->slots[slot].used_at = ++cache->uses;
    }
    part_map_close(replaced);
}

void part_map_close(struct part_map *map)
{
    if (!map || __atomic_sub_fetch(&map->readers, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < map->count; i++)
        free(map->parts[i].preloaded);
    buf_release(&map->keys);
    free(map->parts);
    free(map);
}

/* ---- reading a map from the store ---- */

err_t part_is_broken(struct arena *a, err_t cause, const struct mapped_part *part)
{
    return err_because(a, cause, ERR_CORRUPT, "part object %lld is missing or has another length than its record says",
                       (long long)part->object_id);
}

static char *copy_to_heap(slice bytes)
{
    char *copy = must_malloc(bytes.n + 1);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    return copy;
}

err_t part_read_row(struct core *core, struct meta_tx *tx, const struct mapped_part *part, struct arena *a,
                    char **ret_bytes)
{
    SCRATCH(scratch);
    struct object object;
    err_t e = meta_object_get(tx, part->object_id, &scratch, &object);
    if (err_is(e, ERR_NOT_FOUND))
        return part_is_broken(a, NULL, part);
    if (e)
        return err_copy(a, e);
    if (object.inline_bytes.n != part->size)
        return part_is_broken(a, NULL, part);
    e = checked_row(core, &object, &scratch);
    if (e)
        return part_is_broken(a, e, part);
    *ret_bytes = copy_to_heap(object.inline_bytes);
    return NULL;
}

/* False: the parts do not follow one another from the first byte of the composite to its last. */
static bool fill_map(struct part_map *map, const struct object_part_list *parts, const struct object *composite)
{
    uint64_t at = 0;
    map->parts = must_malloc((parts->count + 1) * sizeof *map->parts);
    for (; map->count < parts->count; map->count++) {
        const struct object *part = &parts->items[map->count].object;
        if (parts->items[map->count].offset != at || part->part_count)
            return false;
        map->parts[map->count] = (struct mapped_part){ .object_id = part->id,
                                                       .offset = at,
                                                       .size = part->size_bytes,
                                                       .key_at = map->keys.n,
                                                       .key_n = part->blob_key.n };
        buf_add(&map->keys, part->blob_key);
        at += part->size_bytes;
    }
    return (int64_t)parts->count == composite->part_count && at == composite->size_bytes;
}

/* Begins with the last part: that one is the most likely to be small. */
static err_t preload_rows(struct core *core, struct part_map *map, struct meta_tx *tx, struct arena *a)
{
    size_t left = PRELOAD_MAX;
    for (size_t i = map->count; i-- > 0;) {
        struct mapped_part *part = &map->parts[i];
        if (part->key_n || !part->size)
            continue;
        if (part->size > left)
            return NULL;
        left -= (size_t)part->size;
        TRY(part_read_row(core, tx, part, a, &part->preloaded));
    }
    return NULL;
}

err_t part_map_open(struct core *core, struct meta_tx *tx, const struct object *composite, struct arena *a,
                    struct part_map **ret)
{
    bool is_cached = composite->part_count >= WORTH_CACHING;
    if (is_cached && (*ret = find_cached_map(core->part_maps, composite->id)))
        return NULL;
    SCRATCH_OF(scratch, a); /* a megabyte or two of 10,000 parts */
    struct object_part_list parts;
    err_t e = meta_object_parts(tx, composite->id, &scratch, &parts);
    if (e)
        return err_copy(a, e);
    struct part_map *map = must_malloc(sizeof *map);
    map->readers = 1;
    map->object_id = composite->id;
    buf_init(&map->keys, 0);
    if (!fill_map(map, &parts, composite))
        e = err_make(a, ERR_CORRUPT, "the parts of object %lld do not make up what its record says",
                     (long long)composite->id);
    else
        e = preload_rows(core, map, tx, a);
    if (e) {
        part_map_close(map);
        return e;
    }
    if (is_cached)
        cache_map(core->part_maps, map);
    *ret = map;
    return NULL;
}

bool part_map_opens_quickly(struct core *core, const struct object *composite)
{
    if (composite->part_count < WORTH_CACHING)
        return true;
    struct part_map *cached = find_cached_map(core->part_maps, composite->id);
    part_map_close(cached);
    return cached != NULL;
}

/* ---- looking a byte up ---- */

const struct mapped_part *part_map_find(const struct part_map *map, uint64_t offset)
{
    size_t low = 0, high = map->count; /* the part is at or after low, and before high */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (map->parts[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    /* The last part that begins at or before offset. Empty parts begin where the next one does, so it is not empty. */
    return &map->parts[low];
}
