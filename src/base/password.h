/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashes: argon2id (RFC 9106), encoded with their parameters, so that these may grow one day. */
#ifndef CAIS_BASE_PASSWORD_H
#define CAIS_BASE_PASSWORD_H

#include "base/arena.h"
#include "base/random.h"

/* Tens of milliseconds and 19 MiB, on purpose: not on a loop. */
slice password_hash(struct random *r, struct arena *a, slice password);
/* Compares in constant time. An empty or damaged hash is never right, and takes the same work. */
bool password_check(slice hash, slice password);

#endif
