/* SPDX-License-Identifier: Apache-2.0 */
/* Damage done on purpose, past every rule of core: for tests of what finds it. */
#ifndef CAIS_TESTS_DAMAGE_H
#define CAIS_TESTS_DAMAGE_H

#include "world.h"

/* A committed blob of these bytes that no row names. */
void damage_orphan(struct world *w, slice key, slice bytes);
/* The bytes of a blob become others. */
void damage_blob(struct world *w, slice key, slice bytes);
/* A file record of `who` over an object whose record lies about its bytes. */
void damage_liar(struct world *w, const struct principal *who, slice bytes, const unsigned char *md5, uint64_t size);
/* The account's counter goes wrong by so many bytes. */
void damage_usage(struct world *w, const struct principal *who, int64_t bytes);

#endif
