/* SPDX-License-Identifier: Apache-2.0 */
/* A limit on the number of requests of each user in a time window. Windows are aligned to the clock (ten-minute windows begin
 * at :00, :10, …) and are the same for all users: when one ends, all counts start again at 0 and the table is emptied.
 *
 * Memory   at most RATE_LIMIT_USERS_MAX users in a window. When the table is full, the requests of another user are
 *          allowed and not counted. Only users with valid credentials are counted, so an outsider cannot fill it.
 * Thread   any. A call holds a lock for a look-up and waits for nothing else. Fit for a loop. */
#ifndef CAIS_CORE_ACCESS_RATE_LIMIT_H
#define CAIS_CORE_ACCESS_RATE_LIMIT_H

#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define RATE_LIMIT_USERS_MAX 65536
#define RATE_LIMIT_MONTH 0 /* as window_ms: the months of the calendar, in UTC */

struct rate_slot {
    int64_t account_id, user_id, taken; /* user_id 0: free */
};

struct rate_limit {
    struct clock *clock;
    int64_t limit, window_ms;
    pthread_mutex_t mutex;
    int64_t window; /* the number of the window that the slots count */
    struct rate_slot *slots;
    size_t slot_count, used; /* slot_count is a power of two */
};

/* What the headers of the reply report. */
struct rate_state {
    int64_t limit;     /* 0: there is no limit, and nothing to report */
    int64_t remaining; /* requests left in this window */
    int64_t reset_s;   /* seconds to the next window, at least 1 */
};

/* limit 0: every request is allowed. clock is borrowed. */
void rate_limit_init(struct rate_limit *, struct clock *clock, int64_t limit, int64_t window_ms);
/* Another limit or window. What was counted in the window of now stays counted, unless the window has changed. */
void rate_limit_set(struct rate_limit *, int64_t limit, int64_t window_ms);
void rate_limit_release(struct rate_limit *);

/* Count one request. False: the limit was used up before; the request is refused and not counted. */
bool rate_limit_take(struct rate_limit *, int64_t account_id, int64_t user_id, struct rate_state *ret_state);
/* The state of a user without requests in this window: for replies to unauthenticated clients. */
void rate_limit_fresh(struct rate_limit *, struct rate_state *ret_state);

#endif
