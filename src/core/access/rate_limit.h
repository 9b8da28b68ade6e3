/* SPDX-License-Identifier: Apache-2.0 */
/* So many requests in a window, counted for each user. Windows are aligned to the clock (ten-minute windows begin at
 * :00, :10, …), the same for everybody: when one ends, all counts begin anew and the table is forgotten.
 *
 * Memory   bounded: RATE_LIMIT_USERS_MAX users in a window. A user who comes when the table is full is let in and not
 *          counted: only people with valid credentials are counted at all, so nobody can fill it from outside.
 * Thread   any; a call holds a lock for a look-up and never waits for anything else. Fit for a loop. */
#ifndef CAIS_CORE_ACCESS_RATE_LIMIT_H
#define CAIS_CORE_ACCESS_RATE_LIMIT_H

#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define RATE_LIMIT_USERS_MAX 65536

struct rate_slot {
    int64_t account_id, user_id, taken; /* user_id 0: free */
};

struct rate_limit {
    struct clock *clock;
    int64_t limit, window_ms;
    pthread_mutex_t mutex;
    int64_t window; /* number of the window that the slots count */
    struct rate_slot *slots;
    size_t slot_count, used; /* slot_count is a power of two */
};

/* What to tell the client. */
struct rate_state {
    int64_t limit;     /* 0: there is none, and nothing to tell */
    int64_t remaining; /* requests left in this window */
    int64_t reset_s;   /* seconds to the next window, at least 1 */
};

/* limit 0: everything is let in. clock is borrowed. */
void rate_limit_init(struct rate_limit *, struct clock *clock, int64_t limit, int64_t window_ms);
void rate_limit_release(struct rate_limit *);

/* Count one request. False when the limit was used up before it; it is not counted then. */
bool rate_limit_take(struct rate_limit *, int64_t account_id, int64_t user_id, struct rate_state *ret_state);
/* What somebody who has not come yet would be told: for answers to people we do not know. */
void rate_limit_fresh(struct rate_limit *, struct rate_state *ret_state);

#endif
