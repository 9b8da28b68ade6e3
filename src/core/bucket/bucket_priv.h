/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of buckets. */
#ifndef CAIS_CORE_BUCKET_BUCKET_PRIV_H
#define CAIS_CORE_BUCKET_BUCKET_PRIV_H

#include "core/bucket/bucket.h"

/* ---- the cache of buckets by name ---- */

struct bucket_query {
    slice name;
    bool with_cors; /* otherwise the result has none: the rules may have 64 KiB, and few callers need them */
};
/* generation: the store's, now. False: the bucket is not cached, or was read in another generation; or its rules are
 * wanted and too large for the cache. */
bool bucket_cache_find(struct bucket_cache *, const struct bucket_query *, uint64_t generation, struct arena *a,
                       struct bucket *ret);
/* generation: that of the store, read before the row. */
void bucket_cache_put(struct bucket_cache *, uint64_t generation, const struct bucket *);

/* ---- changes ---- */

/* One change of a bucket: the argument of its write. */
struct bucket_change {
    struct core *core;
    const struct principal *who;
    slice name, cors;
    int64_t now_ms;
    struct bucket bucket; /* found or made; its slices die with the write */
    bool existed;         /* the bucket was there before */
    bool unfinished;      /* the change needs another write */
};
/* Set c->bucket to the bucket as it is now. Errors: BUCKET_NOT_THERE; FORBIDDEN `who` may not manage it. */
MUST_USE err_t bucket_find_managed(struct meta_tx *, struct bucket_change *c, struct arena *a);
MUST_USE err_t bucket_write_event(struct meta_tx *, const struct bucket_change *c, slice action, struct arena *a);

#endif
