/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: a person has logged in with a password, and the browser shows a random secret with each request. A session is a
 * token (core/records/credential.h) without a key, so what ends tokens ends it: a new password, disabling and deleting the
 * user. It also ends by session_end and as core_options.sessions says.
 *
 *   session_begin ──► live ──┬── session_end, user_set_password, user_set_state ──► revoked
 *                      │ ▲   └── its lifetime has passed, or idle_ms since its last use ──► expired
 *                      └─┘ session_check
 *
 * session_accept begins one without a password, by the secret of an offer (session_offer), which counts once:
 *
 *   session_offer ──► offered ──┬── session_accept, session_offer for the same user, and what ends tokens ──► revoked
 *                               └── its lifetime has passed ──► expired
 *
 * The record holds the SHA-256 of the secret, so nobody who reads the database can use it.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any. */
#ifndef CAIS_CORE_ACCESS_SESSION_H
#define CAIS_CORE_ACCESS_SESSION_H

#include "core/access/access.h"

struct session_request {
    slice purpose; /* what the session is for, as that of a key */
    struct password_login login;
    slice request_id; /* for the event; may be empty */
};
/* Log in. Ends the user's oldest sessions of that purpose beyond sessions.per_user. Slow on purpose, as
 * user_check_password: not on a loop.
 *
 * ret_secret  43 letters and digits, in `a`; never shown again
 * ret         the user of the new session, as session_check would return it
 * Errors      UNAUTHENTICATED unknown login, wrong password, or a user who is not active (the same work in all cases);
 *             RATE too many logins, retry after login_limit_retry_s */
MUST_USE err_t session_begin(struct core *, const struct session_request *, struct arena *a, slice *ret_secret,
                             struct principal *ret);
/* Offer a session to whoever shows a secret, for a person who cannot log in with a password yet. An offer is a token of a purpose of
 * its own, so it is no session; a new one ends the former ones of the user. May block.
 *
 * who          who offers it: the actor of the event
 * lifetime_ms  at exactly now + lifetime_ms the offer has expired
 * ends_password  the user has no password from now on, and no token
 * ret_secret   43 letters and digits, in `a`; never shown again. The record holds its SHA-256
 * Errors       NOT_FOUND no such user; CONFLICT the user is not active; FORBIDDEN the operator; REVOKED, BLOCKED, FORBIDDEN the rights of
 *              `who` have ended */
struct session_offer {
    slice purpose; /* of the session */
    slice login;
    int64_t lifetime_ms;
    int64_t account_id; /* of the user: NOT_FOUND in any other; 0: any */
    bool ends_password;
};
MUST_USE err_t session_offer(struct core *, const struct principal *who, const struct session_offer *, struct arena *a,
                             slice *ret_secret);
/* Begin the session that was offered with this secret; from then on the secret is worth nothing. Of two calls at once one succeeds.
 * request->login is not used. May block. Returns as session_begin.
 * Errors: UNAUTHENTICATED unknown, accepted already, or the user is not active; EXPIRED. */
MUST_USE err_t session_accept(struct core *, const struct session_request *, slice offered, struct arena *a,
                              slice *ret_secret, struct principal *ret);
/* The user of a session. A use puts off its end; this is written in the background, at most sixteen times in idle_ms, so an
 * idle session ends up to a sixteenth of idle_ms earlier. Cached as access_check; fit for a loop.
 * Errors: UNAUTHENTICATED unknown; EXPIRED; REVOKED; BLOCKED the user is disabled. */
MUST_USE err_t session_check(struct core *, slice purpose, slice secret, struct arena *a, struct principal *ret);
/* Log out: end the session by which `who` was admitted. It is no error when it has ended already. May block. */
MUST_USE err_t session_end(struct core *, const struct principal *who, struct arena *a);

#endif
