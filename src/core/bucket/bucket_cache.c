/* SPDX-License-Identifier: Apache-2.0 */
/* A table of fixed size: a name has WAYS places, of which the one that was filled longest ago goes. Every overwriting
 * of anything makes a new generation, so under load a bucket is looked up again and again; that is one row by an index,
 * and the cache spares it to those who only read. Names that do not exist find no room here. */
#include "core/bucket/bucket_priv.h"
#include "core/core_priv.h"

#include <stdlib.h>
#include <string.h>

enum { SETS = 64, WAYS = 4, TEXT_MOST = 4096 };

struct kept_bucket {
    uint64_t generation, at;
    struct bucket bucket;
    char text[]; /* name and cors */
};

struct bucket_cache {
    pthread_mutex_t mutex;
    uint64_t count;
    struct kept_bucket *sets[SETS][WAYS];
};

struct bucket_cache *bucket_cache_new(void)
{
    struct bucket_cache *cache = must_malloc(sizeof *cache);
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

void bucket_cache_free(struct bucket_cache *cache)
{
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < WAYS; k++)
            free(cache->sets[i][k]);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

bool bucket_cache_find(struct bucket_cache *cache, slice name, uint64_t generation, struct arena *a, struct bucket *ret)
{
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(&cache->mutex);
    struct kept_bucket **set = cache->sets[slice_hash(name) % SETS];
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i] || set[i]->generation != generation || !slice_eq(set[i]->bucket.name, name))
            continue;
        *ret = set[i]->bucket;
        ret->name = arena_copy(a, set[i]->bucket.name);
        ret->cors = arena_copy(a, set[i]->bucket.cors);
        return true;
    }
    return false;
}

static struct kept_bucket *keep(uint64_t generation, const struct bucket *bucket)
{
    struct kept_bucket *kept = must_malloc(sizeof *kept + bucket->name.n + bucket->cors.n);
    kept->generation = generation;
    kept->bucket = *bucket;
    memcpy(kept->text, bucket->name.p, bucket->name.n);
    kept->bucket.name = (slice){ kept->text, bucket->name.n };
    if (bucket->cors.n)
        memcpy(kept->text + bucket->name.n, bucket->cors.p, bucket->cors.n);
    kept->bucket.cors = (slice){ kept->text + bucket->name.n, bucket->cors.n };
    return kept;
}

void bucket_cache_put(struct bucket_cache *cache, uint64_t generation, const struct bucket *bucket)
{
    if (bucket->name.n + bucket->cors.n > TEXT_MOST)
        return;
    struct kept_bucket *kept = keep(generation, bucket);
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(&cache->mutex);
    struct kept_bucket **set = cache->sets[slice_hash(bucket->name) % SETS], **slot = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i] || slice_eq(set[i]->bucket.name, bucket->name)) {
            slot = &set[i];
            break;
        }
        if (set[i]->at < (*slot)->at)
            slot = &set[i];
    }
    kept->at = ++cache->count;
    free(*slot);
    *slot = kept;
}
