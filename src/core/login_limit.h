/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on logins, whichever API they come through. Failures are counted, for a window of time: those of a user name from
 * one network, those of the user name, and those from the network. An attempt counts when it begins, so guesses that are
 * sent at once do not escape; a success gives it back. What a network is: base/address.h. Logins that succeed are counted
 * for each user, because each of them is a write.
 *
 * The limit for a user name alone should be high, because it also refuses the user: whoever wants to lock a user out must
 * use many networks.
 *
 * Memory   a table of a fixed size (256 KiB). When a set of it is full, the lowest count is forgotten. Which counts share a
 *          set depends on a random number, so an attacker cannot choose names that displace a certain count.
 * Thread   any. A call holds a lock for three look-ups. Fit for a loop. */
#ifndef CAIS_CORE_LOGIN_LIMIT_H
#define CAIS_CORE_LOGIN_LIMIT_H

#include "base/clock.h"
#include "base/random.h"

struct login_limit;

struct login_limits {
    int64_t window_ms;
    int64_t failures;             /* of one user name from one network; 0 means no limit, here and below */
    int64_t failures_per_user;    /* of one user name from all networks */
    int64_t failures_per_address; /* from one network, for all user names */
    int64_t per_user;             /* logins of one user that succeed */
};

/* clock and random are borrowed. */
struct login_limit *login_limit_new(const struct login_limits *, struct clock *, struct random *);
/* Other limits from here on; what was counted stays, unless the window has changed. */
void login_limit_set(struct login_limit *, const struct login_limits *);
void login_limit_free(struct login_limit *); /* NULL is fine */

/* A login is about to be checked. False: a limit was reached; the login is refused and not counted.
 * address: of the client, as text; empty: not known, as on a Unix socket, and then only the user name is counted */
bool login_limit_begin(struct login_limit *, slice login, slice address);
/* The login that login_limit_begin allowed was no guess, so it is no longer counted as a failure. succeeded: it is counted as
 * a success; else it was refused or failed for another reason. */
void login_limit_end(struct login_limit *, slice login, slice address, bool succeeded);
/* A secret that nobody guesses was wrong: it is counted for itself, by what it is a secret of and the network, and keeps nobody from
 * logging in. The limit is failures_per_address. False: it was reached before. address: empty: nothing is counted. */
bool login_limit_count_guess(struct login_limit *, slice what, slice address);
/* Seconds until the window ends, at least 1. */
int64_t login_limit_retry_s(const struct login_limit *);

#endif
