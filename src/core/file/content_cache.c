/* SPDX-License-Identifier: Apache-2.0 */
/* One hash table with chains and one list by use, under one lock that is held for a look and a few pointers. */
#include "core/file/content_cache.h"
#include "core/core_priv.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 16384, PART_OF_CACHE = 8 /* an entry is at most this part of all */ };

struct content_cache {
    pthread_mutex_t mutex;
    uint64_t used, max;
    struct content_entry *buckets[BUCKETS];
    struct content_entry *newest, *oldest;
};

struct content_cache *content_cache_new(uint64_t max_bytes)
{
    struct content_cache *cache = must_malloc(sizeof *cache);
    cache->max = max_bytes;
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static slice keep(char **at, slice s)
{
    slice kept = { *at, s.n };
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

struct content_entry *content_entry_new(const struct file *f, slice bytes, uint64_t generation)
{
    size_t text = f->owner_login.n + f->way.n + f->name.n + f->content_type.n;
    struct content_entry *entry = must_malloc(sizeof *entry + text + bytes.n);
    char *at = entry->memory;
    entry->file = *f;
    entry->file.owner_login = keep(&at, f->owner_login);
    entry->file.way = keep(&at, f->way);
    entry->file.name = keep(&at, f->name);
    entry->file.content_type = keep(&at, f->content_type);
    entry->bytes = keep(&at, bytes);
    entry->generation = generation;
    entry->readers = 1;
    entry->charge = sizeof *entry + text + bytes.n;
    return entry;
}

void content_entry_close(struct content_entry *entry)
{
    if (entry && __atomic_sub_fetch(&entry->readers, 1, __ATOMIC_ACQ_REL) == 0)
        free(entry);
}

/* UUIDs are ours and random: their first bytes are a hash. */
static struct content_entry **bucket_of(struct content_cache *cache, const unsigned char *uuid)
{
    return &cache->buckets[((size_t)uuid[0] << 8 | uuid[1]) % BUCKETS];
}

static void list_remove(struct content_cache *cache, struct content_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void list_add(struct content_cache *cache, struct content_entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void drop(struct content_cache *cache, struct content_entry *entry)
{
    struct content_entry **at = bucket_of(cache, entry->file.uuid);
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    list_remove(cache, entry);
    cache->used -= entry->charge;
    content_entry_close(entry);
}

static struct content_entry *look(struct content_cache *cache, const unsigned char *uuid)
{
    struct content_entry *entry = *bucket_of(cache, uuid);
    while (entry && memcmp(entry->file.uuid, uuid, sizeof entry->file.uuid) != 0)
        entry = entry->chain;
    return entry;
}

struct content_entry *content_cache_find(struct content_cache *cache, const unsigned char uuid[16], uint64_t generation)
{
    if (cache->max == 0)
        return NULL;
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(&cache->mutex);
    struct content_entry *entry = look(cache, uuid);
    if (!entry || entry->generation != generation)
        return NULL;
    list_remove(cache, entry);
    list_add(cache, entry);
    __atomic_add_fetch(&entry->readers, 1, __ATOMIC_RELAXED);
    return entry;
}

void content_cache_put(struct content_cache *cache, struct content_entry *entry)
{
    if (entry->charge > cache->max / PART_OF_CACHE)
        return;
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(&cache->mutex);
    struct content_entry *before = look(cache, entry->file.uuid);
    if (before)
        drop(cache, before);
    while (cache->used + entry->charge > cache->max)
        drop(cache, cache->oldest);
    struct content_entry **bucket = bucket_of(cache, entry->file.uuid);
    entry->chain = *bucket;
    *bucket = entry;
    list_add(cache, entry);
    cache->used += entry->charge;
    __atomic_add_fetch(&entry->readers, 1, __ATOMIC_RELAXED);
}

void content_cache_free(struct content_cache *cache)
{
    while (cache->oldest)
        drop(cache, cache->oldest);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}
