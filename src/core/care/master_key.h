/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a data directory under which secrets are sealed (base/seal.h): DIR/master.key, 64 hex digits and a line
 * end, mode 0600. Whoever has it and the database has every signing key; whoever has a backup without it has none. */
#ifndef CAIS_CORE_CARE_MASTER_KEY_H
#define CAIS_CORE_CARE_MASTER_KEY_H

#include "base/err.h"
#include "base/seal.h"

/* The key of the data directory `dir`.
 * Errors: NOT_FOUND there is none; FORBIDDEN others than its owner may read it (0600 is wanted), or it cannot be read;
 * CORRUPT it is no key; UNAVAILABLE. */
MUST_USE err_t master_key_read(const char *dir, struct arena *a, unsigned char ret_key[SEAL_KEY_SIZE]);
/* The same; when there is none, one is made, and is on stable storage before this returns. An existing file is never
 * written to. Only while the lock of the directory is held. Errors: also NO_SPACE. */
MUST_USE err_t master_key_ensure(const char *dir, struct random *, struct arena *a,
                                 unsigned char ret_key[SEAL_KEY_SIZE]);
/* Put a key into a directory that has none, as above. For backup and restore. Errors: CONFLICT there is one; NO_SPACE;
 * UNAVAILABLE. */
MUST_USE err_t master_key_write(const char *dir, const unsigned char key[SEAL_KEY_SIZE], struct arena *a);

#endif
