/* SPDX-License-Identifier: Apache-2.0 */
/* One hash table with chains and one list by last use, under one lock. The lock is held for a look-up and a few
 * pointers. */
#include "core/file/file_cache.h"
#include "core/core_priv.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 16384, SHARE_MAX = 8 /* no file takes more than this fraction of the cache: an eighth */ };

struct file_cache {
    pthread_mutex_t mutex;
    uint64_t used, max; /* bytes */
    struct cached_file *buckets[BUCKETS];
    struct cached_file *newest, *oldest;
};

struct file_cache *file_cache_new(uint64_t max_bytes)
{
    struct file_cache *cache = must_malloc(sizeof *cache);
    cache->max = max_bytes;
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static slice copy_slice(char **at, slice s)
{
    slice copy = { *at, s.n };
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

struct cached_file *cached_file_new(const struct file *f, slice bytes, uint64_t generation)
{
    size_t text = f->owner_login.n + f->origin.n + f->name.n + f->content_type.n;
    struct cached_file *cached = must_malloc(sizeof *cached + text + bytes.n);
    char *at = cached->text;
    cached->file = *f;
    cached->file.owner_login = copy_slice(&at, f->owner_login);
    cached->file.origin = copy_slice(&at, f->origin);
    cached->file.name = copy_slice(&at, f->name);
    cached->file.content_type = copy_slice(&at, f->content_type);
    cached->bytes = copy_slice(&at, bytes);
    cached->generation = generation;
    cached->memory.readers = 1;
    cached->charge = sizeof *cached + text + bytes.n;
    return cached;
}

/* UUIDs are random and made by the server: their first bytes serve as a hash. */
static struct cached_file **bucket_of(struct file_cache *cache, const unsigned char *uuid)
{
    return &cache->buckets[((size_t)uuid[0] << 8 | uuid[1]) % BUCKETS];
}

static void list_remove(struct file_cache *cache, struct cached_file *cached)
{
    *(cached->newer ? &cached->newer->older : &cache->newest) = cached->older;
    *(cached->older ? &cached->older->newer : &cache->oldest) = cached->newer;
}

static void list_add(struct file_cache *cache, struct cached_file *cached)
{
    cached->newer = NULL;
    cached->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = cached;
    cache->newest = cached;
}

static void evict(struct file_cache *cache, struct cached_file *cached)
{
    struct cached_file **at = bucket_of(cache, cached->file.uuid);
    while (*at != cached)
        at = &(*at)->chain;
    *at = cached->chain;
    list_remove(cache, cached);
    cache->used -= cached->charge;
    shared_memory_release(&cached->memory);
}

static struct cached_file *find_by_uuid(struct file_cache *cache, const unsigned char *uuid)
{
    struct cached_file *cached = *bucket_of(cache, uuid);
    while (cached && memcmp(cached->file.uuid, uuid, sizeof cached->file.uuid) != 0)
        cached = cached->chain;
    return cached;
}

struct cached_file *file_cache_find(struct file_cache *cache, const unsigned char uuid[16], uint64_t generation)
{
    if (cache->max == 0)
        return NULL;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
    struct cached_file *cached = find_by_uuid(cache, uuid);
    if (!cached || cached->generation != generation)
        return NULL;
    list_remove(cache, cached);
    list_add(cache, cached);
    __atomic_add_fetch(&cached->memory.readers, 1, __ATOMIC_RELAXED);
    return cached;
}

void file_cache_add(struct file_cache *cache, struct cached_file *cached)
{
    if (cached->charge > cache->max / SHARE_MAX)
        return;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
    struct cached_file *before = find_by_uuid(cache, cached->file.uuid);
    if (before)
        evict(cache, before);
    while (cache->used + cached->charge > cache->max)
        evict(cache, cache->oldest);
    struct cached_file **bucket = bucket_of(cache, cached->file.uuid);
    cached->chain = *bucket;
    *bucket = cached;
    list_add(cache, cached);
    cache->used += cached->charge;
    __atomic_add_fetch(&cached->memory.readers, 1, __ATOMIC_RELAXED);
}

void file_cache_free(struct file_cache *cache)
{
    while (cache->oldest)
        evict(cache, cache->oldest);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}
