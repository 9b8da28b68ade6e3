/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the places costs a microsecond a part, 80 bytes are kept of each. A client that reads a large object piece by
 * piece opens it for each of them: so those of the last few objects of many parts are kept. */
#include "core/object/composed_places.h"

#include "core/core_priv.h"
#include "core/store/object_store.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD_MOST = 256 * 1024, KEPT = 8, WORTH_KEEPING = 64 /* parts */ };

struct places_cache {
    pthread_mutex_t mutex;
    uint64_t count;
    struct {
        struct places *places; /* NULL: empty */
        uint64_t used_at;
    } kept[KEPT];
};

struct places_cache *places_cache_new(void)
{
    struct places_cache *cache = must_malloc(sizeof *cache);
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

void places_cache_free(struct places_cache *cache)
{
    for (size_t i = 0; i < KEPT; i++)
        places_close(cache->kept[i].places);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static struct places *hold(struct places *places)
{
    __atomic_add_fetch(&places->readers, 1, __ATOMIC_RELAXED);
    return places;
}

static struct places *find(struct places_cache *cache, int64_t object_id)
{
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(&cache->mutex);
    for (size_t i = 0; i < KEPT; i++) {
        if (!cache->kept[i].places || cache->kept[i].places->object_id != object_id)
            continue;
        cache->kept[i].used_at = ++cache->count;
        return hold(cache->kept[i].places);
    }
    return NULL;
}

/* In place of the one that nobody used for the longest time. Two readers may put the same: both are right. */
static void put(struct places_cache *cache, struct places *places)
{
    struct places *before;
    {
        SCOPED(unlockp)
        pthread_mutex_t *held = lock(&cache->mutex);
        size_t slot = 0;
        for (size_t i = 1; i < KEPT; i++)
            if (cache->kept[i].used_at < cache->kept[slot].used_at)
                slot = i;
        before = cache->kept[slot].places;
        cache->kept[slot].places = hold(places);
        cache->kept[slot].used_at = ++cache->count;
    }
    places_close(before);
}

void places_close(struct places *places)
{
    if (!places || __atomic_sub_fetch(&places->readers, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < places->count; i++)
        free(places->pieces[i].ahead);
    buf_release(&places->texts);
    free(places->pieces);
    free(places);
}

/* ---- reading them ---- */

err_t piece_broken(struct arena *a, err_t cause, const struct piece *p)
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

err_t piece_read_row(struct meta_tx *tx, const struct piece *p, struct arena *a, char **ret)
{
    SCRATCH(scratch);
    struct object object;
    err_t e = meta_object_get(tx, p->object_id, &scratch, &object);
    if (err_is(e, ERR_NOT_FOUND))
        return piece_broken(a, NULL, p);
    if (e)
        return err_copy(a, e);
    if (object.inline_bytes.n != p->size)
        return piece_broken(a, NULL, p);
    *ret = copy_bytes(object.inline_bytes);
    return NULL;
}

/* False: they do not follow one another up to the end of the whole. */
static bool take(struct places *places, const struct object_part *parts, size_t count, const struct object *whole)
{
    uint64_t at = 0;
    places->pieces = must_malloc((count + 1) * sizeof *places->pieces);
    for (; places->count < count; places->count++) {
        const struct object *part = &parts[places->count].object;
        if (parts[places->count].offset != at || part->part_count)
            return false;
        places->pieces[places->count] = (struct piece){ .object_id = part->id,
                                                        .offset = at,
                                                        .size = part->size_bytes,
                                                        .key_at = places->texts.n,
                                                        .key_n = part->blob_key.n };
        buf_add(&places->texts, part->blob_key);
        at += part->size_bytes;
    }
    return (int64_t)count == whole->part_count && at == whole->size_bytes;
}

/* From the end: that is where a small part is to be expected. */
static err_t read_ahead(struct places *places, struct meta_tx *tx, struct arena *a)
{
    size_t left = AHEAD_MOST;
    for (size_t i = places->count; i-- > 0;) {
        struct piece *p = &places->pieces[i];
        if (p->key_n || !p->size)
            continue;
        if (p->size > left)
            return NULL;
        left -= (size_t)p->size;
        TRY(piece_read_row(tx, p, a, &p->ahead));
    }
    return NULL;
}

err_t places_open(struct core *core, struct meta_tx *tx, const struct object *whole, struct arena *a,
                  struct places **ret)
{
    bool is_kept = whole->part_count >= WORTH_KEEPING;
    if (is_kept && (*ret = find(core->places, whole->id)))
        return NULL;
    SCRATCH(scratch);
    struct object_part *parts;
    size_t count;
    err_t e = meta_object_parts(tx, whole->id, &scratch, &parts, &count);
    if (e)
        return err_copy(a, e);
    struct places *places = must_malloc(sizeof *places);
    places->readers = 1;
    places->object_id = whole->id;
    buf_init(&places->texts, 0);
    if (!take(places, parts, count, whole))
        e = err_make(a, ERR_CORRUPT, "the parts of object %lld are not what it says", (long long)whole->id);
    else
        e = read_ahead(places, tx, a);
    if (e) {
        places_close(places);
        return e;
    }
    if (is_kept)
        put(core->places, places);
    *ret = places;
    return NULL;
}

/* ---- looking in them ---- */

const struct piece *places_at(const struct places *places, uint64_t offset)
{
    size_t low = 0, high = places->count; /* it is at or after low, and before high */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (places->pieces[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return &places->pieces[low]; /* the last that begins at or before it: of several, the one that is not empty */
}
