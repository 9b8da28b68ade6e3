/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashes: argon2id (RFC 9106). The parameters are encoded in the hash, so that they can be raised later. */
#ifndef CAIS_BASE_PASSWORD_H
#define CAIS_BASE_PASSWORD_H

#include "base/arena.h"
#include "base/random.h"

/* Takes tens of milliseconds and 19 MiB, on purpose: do not call it on a loop. */
slice password_hash(struct random *r, struct arena *a, slice password);
/* Compares in constant time. An empty or damaged hash matches no password, and takes as long. Not on a loop. */
bool password_check(slice hash, slice password);

#endif
