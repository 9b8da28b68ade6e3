/* SPDX-License-Identifier: Apache-2.0 */
/* A table of SETS × WAYS buckets; a name has WAYS slots, and a new bucket replaces the one that was cached first. Each
 * write that changes or removes a record begins a new generation of the store, so under a load of writes each request
 * looks its bucket up, by an index. Requests that only read find it here. Names without a bucket are not cached. */
#include "core/bucket/bucket_priv.h"
#include "core/core_priv.h"

#include <stdlib.h>
#include <string.h>

enum { SETS = 64, WAYS = 4, CORS_CACHED_MAX = 4096 };

struct cached_bucket {
    uint64_t generation, at;
    struct bucket bucket;
    bool lacks_cors; /* its rules are too large to be cached */
    char text[];     /* name and cors */
};

struct bucket_cache {
    pthread_mutex_t mutex;
    uint64_t count;
    struct cached_bucket *sets[SETS][WAYS];
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

bool bucket_cache_find(struct bucket_cache *cache, const struct bucket_query *q, uint64_t generation, struct arena *a,
                       struct bucket *ret)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
    struct cached_bucket **set = cache->sets[slice_hash(q->name) % SETS];
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i] || set[i]->generation != generation || !slice_eq(set[i]->bucket.name, q->name) ||
            (q->with_cors && set[i]->lacks_cors))
            continue;
        *ret = set[i]->bucket;
        ret->name = arena_copy(a, set[i]->bucket.name);
        ret->cors = q->with_cors ? arena_copy(a, set[i]->bucket.cors) : S("");
        return true;
    }
    return false;
}

static struct cached_bucket *copy_bucket(uint64_t generation, const struct bucket *bucket)
{
    bool lacks_cors = bucket->cors.n > CORS_CACHED_MAX;
    size_t cors_bytes = lacks_cors ? 0 : bucket->cors.n;
    struct cached_bucket *cached = must_malloc(sizeof *cached + bucket->name.n + cors_bytes);
    cached->generation = generation;
    cached->bucket = *bucket;
    cached->lacks_cors = lacks_cors;
    memcpy(cached->text, bucket->name.p, bucket->name.n);
    cached->bucket.name = (slice){ cached->text, bucket->name.n };
    if (cors_bytes)
        memcpy(cached->text + bucket->name.n, bucket->cors.p, cors_bytes);
    cached->bucket.cors = (slice){ cached->text + bucket->name.n, cors_bytes };
    return cached;
}

void bucket_cache_put(struct bucket_cache *cache, uint64_t generation, const struct bucket *bucket)
{
    struct cached_bucket *cached = copy_bucket(generation, bucket);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
    struct cached_bucket **set = cache->sets[slice_hash(bucket->name) % SETS], **slot = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i] || slice_eq(set[i]->bucket.name, bucket->name)) {
            slot = &set[i];
            break;
        }
        if (set[i]->at < (*slot)->at)
            slot = &set[i];
    }
    cached->at = ++cache->count;
    free(*slot);
    *slot = cached;
}
