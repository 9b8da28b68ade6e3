/* SPDX-License-Identifier: Apache-2.0 */
/* The principals of credentials, by the hash of the secret: with a hit, a check costs a hash and a look-up in memory and
 * no query.
 *
 * A hit counts only under the generation of the store that was read before the rows were: each revocation, disabling or
 * deletion raises it before it is acknowledged. The expiry is checked on each hit. Only valid credentials are cached, so
 * wrong guesses cannot displace them. The cache holds SHARDS × SETS × WAYS entries; a new one replaces the oldest of its
 * set.
 *
 * The opened secrets of signing keys are cached, too. They are wiped when their entry is replaced, and when a look-up
 * finds it out of date. */
#include "core/access/access_priv.h"
#include "core/core_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 16, SETS = 64, WAYS = 4, PURPOSE_MAX = 15, LOGIN_MAX = 128 };

struct access_entry {
    bool used;
    unsigned char hash[SHA256_SIZE];
    enum credential_form form;
    char purpose[PURPOSE_MAX + 1];
    uint64_t generation, at; /* `at` counts up within the shard */
    int64_t created_at_ms, expires_at_ms, key_id;
    struct principal principal; /* login points to the array below */
    char login[LOGIN_MAX];
    size_t secret_size; /* 0: no signing key */
    char secret[SIGNING_SECRET_LENGTH];
};

struct access_shard {
    pthread_mutex_t mutex;
    uint64_t count;
    struct access_entry sets[SETS][WAYS];
};

struct access_cache {
    struct access_shard shards[SHARDS];
};

struct access_cache *access_cache_new(void)
{
    struct access_cache *cache = must_malloc(sizeof *cache);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&cache->shards[i].mutex, NULL);
    return cache;
}

void access_cache_free(struct access_cache *cache)
{
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&cache->shards[i].mutex);
        if (cache->shards[i].count)
            explicit_bzero(&cache->shards[i], sizeof cache->shards[i]);
    }
    free(cache);
}

/* The hash is a SHA-256: any of its bytes spread evenly. */
static struct access_shard *access_shard_of(struct access_cache *cache, const unsigned char *hash)
{
    return &cache->shards[hash[0] % SHARDS];
}

static bool is_cached_as(const struct access_entry *entry, const struct access_query *q)
{
    return entry->used && memcmp(entry->hash, q->hash, SHA256_SIZE) == 0 && entry->form == q->form &&
           slice_eq(slice_of(entry->purpose), q->purpose);
}

bool access_cache_find(struct access_cache *cache, const struct access_query *q, uint64_t generation, struct arena *a,
                       struct access_found *ret)
{
    struct access_shard *shard = access_shard_of(cache, q->hash);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard->mutex);
    struct access_entry *set = shard->sets[q->hash[1] % SETS];
    for (size_t i = 0; i < WAYS; i++) {
        if (!is_cached_as(&set[i], q))
            continue;
        if (set[i].generation < generation)
            explicit_bzero(&set[i], sizeof set[i]);
        if (set[i].generation != generation)
            return false;
        ret->principal = set[i].principal;
        ret->principal.login = arena_copy(a, set[i].principal.login);
        ret->created_at_ms = set[i].created_at_ms;
        ret->expires_at_ms = set[i].expires_at_ms;
        ret->key_id = set[i].key_id;
        ret->secret = arena_copy(a, (slice){ set[i].secret, set[i].secret_size });
        return true;
    }
    return false;
}

void access_cache_put(struct access_cache *cache, const struct access_query *q, uint64_t generation,
                      const struct access_found *found)
{
    if (q->purpose.n > PURPOSE_MAX || found->principal.login.n > LOGIN_MAX || found->secret.n > SIGNING_SECRET_LENGTH)
        return;
    struct access_shard *shard = access_shard_of(cache, q->hash);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard->mutex);
    struct access_entry *set = shard->sets[q->hash[1] % SETS], *slot = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_cached_as(&set[i], q)) {
            slot = &set[i];
            break;
        }
        if (set[i].at < slot->at)
            slot = &set[i];
    }
    explicit_bzero(slot, sizeof *slot);
    *slot = (struct access_entry){ .used = true,
                                   .form = q->form,
                                   .generation = generation,
                                   .at = ++shard->count,
                                   .created_at_ms = found->created_at_ms,
                                   .expires_at_ms = found->expires_at_ms,
                                   .key_id = found->key_id,
                                   .principal = found->principal,
                                   .secret_size = found->secret.n };
    memcpy(slot->hash, q->hash, SHA256_SIZE);
    memcpy(slot->purpose, q->purpose.p, q->purpose.n);
    memcpy(slot->login, found->principal.login.p, found->principal.login.n);
    if (found->secret.n)
        memcpy(slot->secret, found->secret.p, found->secret.n);
    slot->principal.login = (slice){ slot->login, found->principal.login.n };
    slot->principal.request_id = S("");
}
