/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator does with the users of the account. The command line does the same for every account (access.h), without
 * these rules:
 *
 * A user of another account, a deleted one and the server's own are NOT_FOUND. An account that has an active administrator keeps one:
 * whoever would take away the last is refused, and of two who remove each other at once, one stays. Nobody disables or removes
 * oneself, or sets one's own password without showing the present one (member_change_own_password). `who` must still be an
 * administrator when the change is written.
 *
 * Each change is one write together with its events.
 * Errors of every call that changes something: also FORBIDDEN `who` is no administrator any more; UNAVAILABLE, NO_SPACE, CORRUPT of
 * the store. Thread: any but a loop. */
#ifndef CAIS_CORE_ACCESS_MEMBER_H
#define CAIS_CORE_ACCESS_MEMBER_H

#include "core/access/access.h"

/* People and bots of the account of `who`, by id. */
MUST_USE err_t member_list(struct core *, const struct principal *who, const struct id_page *, struct arena *a,
                           struct user_list *ret);
/* Errors: NOT_FOUND. */
MUST_USE err_t member_get(struct core *, const struct principal *who, int64_t id, struct arena *a, struct user *ret);

struct member_change {
    int64_t id;
    bool sets_state, sets_admin; /* whether it changes: */
    enum user_state state;       /* as user_set_state */
    bool is_admin;
};
/* *ret: the user as it is then. Errors: NOT_FOUND; CONFLICT it would be the last administrator, or it is oneself. */
MUST_USE err_t member_change(struct core *, const struct principal *who, const struct member_change *, struct arena *a,
                             struct user *ret);
/* Also ends every token of the user. Slow on purpose. Errors: NOT_FOUND; INVALID the length; CONFLICT it is oneself. */
MUST_USE err_t member_set_password(struct core *, const struct principal *who, int64_t id, slice password,
                                   struct arena *a);

/* Can the user log in with a password? Fit for a loop. */
MUST_USE err_t member_has_password(struct core *, const struct principal *who, struct arena *a, bool *ret);
/* Any user, with a session. Ends every token, this session included. Counts as a login does (core/login_limit.h). */
struct own_password {
    slice current;  /* not looked at if the user has none yet */
    slice password; /* the new one */
    slice address;  /* of the client */
};
/* Slow on purpose. Errors: UNAUTHENTICATED the present password is another; RATE too many attempts; INVALID the length of the new
 * one; FORBIDDEN the server's own user; CONFLICT it was changed meanwhile. */
MUST_USE err_t member_change_own_password(struct core *, const struct principal *who, const struct own_password *,
                                          struct arena *a);

#endif
