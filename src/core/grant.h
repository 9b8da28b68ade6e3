/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that last. What let a request in is checked at its head; hours later its body may still come, or a file still be
 * sent. The request keeps the grant while it lasts, to ask whether it still holds: whoever revokes a key or disables a user
 * expects that what is under way ends, too. Thread: any; one grant by one thread at a time. */
#ifndef CAIS_CORE_GRANT_H
#define CAIS_CORE_GRANT_H

#include "core/core.h"

struct grant {
    int64_t user_id, credential_id; /* 0: none, as for the operator on the admin socket */
    int64_t link_credential_id;     /* with which somebody asked for a link; 0: none */
    uint64_t generation;            /* of the store, read before the records were; 0: nothing is checked */
};
struct grant grant_of(const struct principal *);
/* For a user whom a signed link names: call it before the record of the user is read, so that no change is missed. */
void grant_begin(struct core *, struct principal *);
/* Was the credential revoked since, or the user disabled or deleted? That a token expires does not matter: what began in
 * time may end. Cheap while no record was changed; fit for a loop.
 * Errors: REVOKED, BLOCKED, both static. A store that does not answer is no error here. */
MUST_USE err_t grant_recheck(struct core *, struct grant *);
/* The same inside a write, so that nothing is acknowledged on a grant whose end was acknowledged before.
 * Errors: REVOKED, BLOCKED; those of the store. */
MUST_USE err_t grant_recheck_in(struct core *, struct meta_tx *, const struct grant *, struct arena *a);
/* The same for whoever makes a user, a key or a way in, which outlast the request. FORBIDDEN: an administrator is none any more. who:
 * NULL is the server. */
MUST_USE err_t grant_recheck_maker_in(struct core *, struct meta_tx *, const struct principal *who, struct arena *a);
/* Do the credentials and the user of the grant exist, and may they still be used? Fit for a loop. Errors: as grant_recheck_in. */
MUST_USE err_t grant_check(struct core *, const struct grant *, struct arena *a);

#endif
