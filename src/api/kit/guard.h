/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a guard: what follows when the client is known. */
#ifndef CAIS_API_KIT_GUARD_H
#define CAIS_API_KIT_GUARD_H

#include "core/access/access.h"
#include "core/access/rate_limit.h"
#include "core/grant.h"
#include "http/http.h"

/* How an API tells its clients how many requests they have left. */
struct rate_headers {
    const char *limit, *remaining, *reset; /* names of headers */
    /* The value of `reset`, in the arena of the exchange. NULL: the seconds that are left. */
    slice (*reset_text)(struct http_exchange *, const struct rate_state *);
};

/* The request is one of this user, from now on, and ends in the middle when the user is disabled or the credential is
 * revoked (guard_watch). who: in the arena of the exchange. */
void guard_admit(struct http_exchange *, struct core *, struct principal *who);
/* Let the request end within a second after what admitted `who` has ended, while its body comes or its reply is sent. For
 * an API that keeps the user in another place than x->principal. */
void guard_watch(struct http_exchange *, struct core *, const struct principal *who);
/* Counts the request of the admitted user, and adds the headers to the reply. The limit is one for each `id` (of a user, or
 * of a key) in the account. False: the limit was used up; then Retry-After was added, too, and the API refuses. */
MUST_USE bool guard_count(struct http_exchange *, struct rate_limit *, int64_t id, const struct rate_headers *);
/* The client's address as the limits on logins take it (core/login_limit.h). */
slice guard_login_address(const struct http_exchange *);
/* After a login that ended with RATE: adds Retry-After. */
void guard_add_login_retry(struct http_exchange *, struct core *);
/* Adds the headers for a client who has the whole limit left: to a reply before which no user was admitted. */
void guard_add_rate_headers(struct http_exchange *, const struct rate_headers *, struct rate_limit *);

#endif
