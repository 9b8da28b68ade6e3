/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of src/core only. */
#ifndef CAIS_CORE_CORE_PRIV_H
#define CAIS_CORE_CORE_PRIV_H

#include "core/core.h"

struct access_cache *access_cache_new(void);
void access_cache_free(struct access_cache *);
struct bucket_cache *bucket_cache_new(void);
void bucket_cache_free(struct bucket_cache *);
struct content_cache *content_cache_new(uint64_t max_bytes);
void content_cache_free(struct content_cache *);
struct places_cache *places_cache_new(void);
void places_cache_free(struct places_cache *);
struct space *space_new(void);
void space_free(struct space *);
extern const struct entry_guard ticket_entry_guard; /* entry_ticket.c */

#endif
