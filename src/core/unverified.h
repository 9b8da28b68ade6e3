/* SPDX-License-Identifier: Apache-2.0 */
/* A budget for the bodies of unauthenticated clients: those whose signature can be verified only at their end, so their
 * bytes are staged before it is known who sends them. Such a client names a credential, which need not be its own, because
 * an access key is no secret. All such bodies together have the budget. Those that name one credential have a quarter of it,
 * and there are few at a time, so that one known access key is not enough to refuse all others.
 *
 * Memory   that of the exchanges whose bodies are counted; nothing else grows
 * Thread   any. A call holds a lock for a search among the bodies that are counted. Fit for a loop. */
#ifndef CAIS_CORE_UNVERIFIED_H
#define CAIS_CORE_UNVERIFIED_H

#include "base/arena.h"

#include <stdint.h>

#define UNVERIFIED_PER_CREDENTIAL 4
#define UNVERIFIED_DEFAULT_BYTES ((uint64_t)256 << 20)

struct unverified_budget;
struct unverified_use {
    uint64_t bytes;   /* of the bodies that are counted now */
    uint64_t refused; /* since the start */
};

/* max_bytes 0: UNVERIFIED_DEFAULT_BYTES */
struct unverified_budget *unverified_budget_new(uint64_t max_bytes);
void unverified_budget_free(struct unverified_budget *); /* NULL is fine; no body is counted any more */

/* A client that names this credential is about to send a body of at most size_bytes. False: there is no room for it now,
 * and nothing is counted. Otherwise it is counted until `owner`, the arena of its exchange, is released. By then what was
 * staged has to be stored or discarded. */
bool unverified_take(struct unverified_budget *, int64_t credential_id, uint64_t size_bytes, struct arena *owner);
struct unverified_use unverified_use(struct unverified_budget *);

#endif
