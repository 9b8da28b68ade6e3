/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants (under the mutex)
 *   used <= slot_count / 2, so a look-up always reaches a free slot; no slot is freed before the window ends */
#include "core/access/rate_limit.h"

#include "base/arena.h"
#include "base/civil.h"
#include "base/live.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_AT_FIRST 64

void rate_limit_init(struct rate_limit *r, struct clock *clock, int64_t limit, int64_t window_ms)
{
    assert(limit >= 0 && window_ms >= 0);
    *r = (struct rate_limit){ .clock = clock, .limit = limit, .window_ms = window_ms };
    pthread_mutex_init(&r->mutex, NULL);
}

void rate_limit_set(struct rate_limit *r, int64_t limit, int64_t window_ms)
{
    assert(limit >= 0 && window_ms >= 0);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    LIVE_SET(r->limit, limit);
    LIVE_SET(r->window_ms, window_ms);
}

void rate_limit_release(struct rate_limit *r)
{
    free(r->slots);
    pthread_mutex_destroy(&r->mutex);
}

static struct rate_slot *find_rate_slot(struct rate_slot *slots, size_t slot_count, int64_t account_id, int64_t user_id)
{
    /* Ids are consecutive; the multiplier spreads them (Knuth, The Art of Computer Programming, 6.4). */
    uint64_t at = ((uint64_t)user_id * UINT64_C(0x9E3779B97F4A7C15)) >> 20;
    for (;; at++) {
        struct rate_slot *slot = &slots[at & (slot_count - 1)];
        if (slot->user_id == 0 || (slot->user_id == user_id && slot->account_id == account_id))
            return slot;
    }
}

static void grow_table(struct rate_limit *r)
{
    size_t count = r->slot_count ? 2 * r->slot_count : SLOTS_AT_FIRST;
    struct rate_slot *slots = must_malloc(count * sizeof *slots);
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i].user_id)
            *find_rate_slot(slots, count, r->slots[i].account_id, r->slots[i].user_id) = r->slots[i];
    free(r->slots);
    r->slots = slots;
    r->slot_count = count;
}

/* A clock that was set back begins another window, too: to count too few requests once is better than to refuse users who
 * did not use up their limit. */
static void enter_window(struct rate_limit *r, int64_t window)
{
    if (r->window == window)
        return;
    r->window = window;
    free(r->slots);
    r->slots = NULL;
    r->slot_count = r->used = 0;
}

#define DAY_MS (SECONDS_OF_DAY * 1000)

static int64_t month_of(int64_t now_ms)
{
    struct civil_date day = civil_from_days(floor_div(now_ms, DAY_MS));
    return (int64_t)day.year * 12 + day.month - 1;
}

/* The number of the window at that time. */
static int64_t window_at(const struct rate_limit *r, int64_t now_ms)
{
    int64_t window_ms = LIVE(r->window_ms);
    return window_ms == RATE_LIMIT_MONTH ? month_of(now_ms) : now_ms / window_ms;
}

static int64_t left_at(const struct rate_limit *r, int64_t now_ms)
{
    int64_t window_ms = LIVE(r->window_ms);
    if (window_ms != RATE_LIMIT_MONTH)
        return window_ms - now_ms % window_ms;
    int64_t next = month_of(now_ms) + 1;
    struct civil_date first = { .year = (int)(next / 12), .month = (int)(next % 12) + 1, .day = 1 };
    return civil_to_days(first) * DAY_MS - now_ms;
}

static struct rate_state state_at(const struct rate_limit *r, int64_t now_ms, int64_t taken)
{
    int64_t left_ms = left_at(r, now_ms), limit = LIVE(r->limit);
    return (struct rate_state){ limit, limit > taken ? limit - taken : 0, (left_ms + 999) / 1000 };
}

bool rate_limit_take(struct rate_limit *r, int64_t account_id, int64_t user_id, struct rate_state *ret_state)
{
    assert(user_id != 0);
    int64_t now_ms = clock_now_ms(r->clock);
    if (LIVE(r->limit) == 0) {
        *ret_state = (struct rate_state){ 0 };
        return true;
    }
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    enter_window(r, window_at(r, now_ms));
    if (2 * r->used >= r->slot_count && r->used < RATE_LIMIT_USERS_MAX)
        grow_table(r);
    struct rate_slot *slot = find_rate_slot(r->slots, r->slot_count, account_id, user_id);
    if (slot->user_id == 0) {
        if (r->used == RATE_LIMIT_USERS_MAX) {
            *ret_state = state_at(r, now_ms, 1);
            return true;
        }
        *slot = (struct rate_slot){ account_id, user_id, 0 };
        r->used++;
    }
    bool allowed = slot->taken < r->limit;
    slot->taken += allowed;
    *ret_state = state_at(r, now_ms, slot->taken);
    return allowed;
}

void rate_limit_fresh(struct rate_limit *r, struct rate_state *ret_state)
{
    *ret_state = LIVE(r->limit) ? state_at(r, clock_now_ms(r->clock), 0) : (struct rate_state){ 0 };
}
