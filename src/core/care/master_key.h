/* SPDX-License-Identifier: Apache-2.0 */
/* The master key of a data directory, under which secrets are sealed (base/seal.h): the file DIR/master.key, 64 hex digits
 * and a line end, mode 0600. The master key and the database together give every signing key; a backup without the master
 * key gives none. */
#ifndef CAIS_CORE_CARE_MASTER_KEY_H
#define CAIS_CORE_CARE_MASTER_KEY_H

#include "base/err.h"
#include "base/seal.h"

/* Read the key of the data directory `dir`.
 * Errors: NOT_FOUND there is no such file; FORBIDDEN its mode lets other users read it, or it cannot be read; CORRUPT the
 * file does not hold a key; UNAVAILABLE. */
MUST_USE err_t master_key_read(const char *dir, struct arena *a, unsigned char ret_key[SEAL_KEY_SIZE]);
/* The same, but when there is no key, make one, which is on stable storage before this returns. An existing file is never
 * changed. The caller holds the lock of the directory. Errors: also NO_SPACE. */
MUST_USE err_t master_key_ensure(const char *dir, struct random *, struct arena *a,
                                 unsigned char ret_key[SEAL_KEY_SIZE]);
/* Write a key into a directory that has none, for backup and restore. It is on stable storage before this returns.
 * Errors: CONFLICT there is a key; NO_SPACE; UNAVAILABLE. */
MUST_USE err_t master_key_write(const char *dir, const unsigned char key[SEAL_KEY_SIZE], struct arena *a);

#endif
