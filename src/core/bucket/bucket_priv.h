/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of buckets, entries and uploads share. */
#ifndef CAIS_CORE_BUCKET_BUCKET_PRIV_H
#define CAIS_CORE_BUCKET_BUCKET_PRIV_H

#include "core/bucket/bucket.h"

/* Buckets by name, as they were looked up. False: not there, or from another generation. */
bool bucket_cache_find(struct bucket_cache *, slice name, uint64_t generation, struct arena *a, struct bucket *ret);
/* generation: read before the row was. */
void bucket_cache_put(struct bucket_cache *, uint64_t generation, const struct bucket *);

#endif
