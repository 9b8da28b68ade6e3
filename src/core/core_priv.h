/* Shared between the files of src/core only. */
#ifndef CAIS_CORE_CORE_PRIV_H
#define CAIS_CORE_CORE_PRIV_H

#include "core/core.h"

struct access_cache *access_cache_new(void);
void access_cache_free(struct access_cache *);
struct content_cache *content_cache_new(uint64_t max_bytes);
void content_cache_free(struct content_cache *);

#endif
