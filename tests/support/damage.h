/* SPDX-License-Identifier: Apache-2.0 */
/* Damages a store on purpose, without the checks of core, for tests of the code that finds damage. */
#ifndef CAIS_TESTS_DAMAGE_H
#define CAIS_TESTS_DAMAGE_H

#include "world.h"

/* Commit a blob of these bytes that no row names. */
void damage_orphan(struct world *w, slice key, slice bytes);
/* Replace the bytes of a blob. */
void damage_blob(struct world *w, slice key, slice bytes);
/* The same of a growing blob. */
void damage_growing(struct world *w, slice key, slice bytes);
/* Add a file of `who` whose object has a record with a wrong digest or size. */
void damage_liar(struct world *w, const struct principal *who, slice bytes, const unsigned char *md5, uint64_t size);
/* Make the counter of the account wrong by so many bytes. */
void damage_usage(struct world *w, const struct principal *who, int64_t bytes);

#endif
