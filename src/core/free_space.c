/* SPDX-License-Identifier: Apache-2.0 */
#include "core/free_space.h"

#include "base/live.h"
#include "core/core_priv.h"
#include "core/store/blob_store.h"

#include <stdlib.h>

#define NEVER_ASKED INT64_MIN
#define ASK_AGAIN_MS 1000

/* All are atomic. */
struct free_space {
    int64_t asked_at_ms; /* monotonic clock: when the store was last asked */
    int64_t
        free_bytes; /* its answer minus the bytes taken since; may be below 0 when two uploads take the last bytes */
    int64_t held_bytes; /* of all that is held */
};

struct free_space *free_space_new(void)
{
    struct free_space *space = must_malloc(sizeof *space);
    *space = (struct free_space){ .asked_at_ms = NEVER_ASKED };
    return space;
}

void free_space_free(struct free_space *space)
{
    free(space);
}

/* Asks the store when a second has passed. One thread does so; the others use the number that is known. */
static err_t refresh_free_bytes(struct core *core, struct arena *a)
{
    struct free_space *space = core->free_space;
    int64_t now = clock_monotonic_ms(core->clock);
    int64_t asked = __atomic_load_n(&space->asked_at_ms, __ATOMIC_SEQ_CST);
    if (asked != NEVER_ASKED && now - asked < ASK_AGAIN_MS)
        return NULL;
    /* Until the first answer no number is known, so each thread asks the store itself. */
    if (asked != NEVER_ASKED &&
        !__atomic_compare_exchange_n(&space->asked_at_ms, &asked, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return NULL;
    uint64_t bytes;
    err_t e = core->blob->ops->free_bytes(core->blob, a, &bytes);
    if (e) {
        __atomic_store_n(&space->asked_at_ms, NEVER_ASKED, __ATOMIC_SEQ_CST);
        return e;
    }
    __atomic_store_n(&space->free_bytes, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes, __ATOMIC_SEQ_CST);
    __atomic_store_n(&space->asked_at_ms, now, __ATOMIC_SEQ_CST);
    if (core->watch.space_seen)
        core->watch.space_seen(core->watch.arg, bytes, bytes <= LIVE(core->options.reserve_bytes));
    return NULL;
}

/* Negative: below the reserve. */
static err_t find_left(struct core *core, struct arena *a, int64_t *ret)
{
    TRY(refresh_free_bytes(core, a));
    struct free_space *space = core->free_space;
    int64_t free_bytes =
        __atomic_load_n(&space->free_bytes, __ATOMIC_SEQ_CST) - __atomic_load_n(&space->held_bytes, __ATOMIC_SEQ_CST);
    uint64_t reserve_bytes = LIVE(core->options.reserve_bytes);
    bool is_below = free_bytes < 0 || (uint64_t)free_bytes < reserve_bytes;
    *ret = is_below ? -1 : free_bytes - (int64_t)reserve_bytes;
    return NULL;
}

err_t free_space_left(struct core *core, struct arena *a, uint64_t *ret_bytes)
{
    int64_t left;
    TRY(find_left(core, a, &left));
    *ret_bytes = left < 0 ? 0 : (uint64_t)left;
    return NULL;
}

err_t free_space_check(struct core *core, uint64_t bytes, struct arena *a)
{
    int64_t left;
    TRY(find_left(core, a, &left));
    if (left < 0 || (uint64_t)left < bytes)
        return err_make(a, ERR_NO_SPACE, "no free space is left above the reserve");
    return NULL;
}

err_t free_space_take(struct core *core, uint64_t bytes, struct arena *a)
{
    TRY(free_space_check(core, bytes, a));
    __atomic_sub_fetch(&core->free_space->free_bytes, (int64_t)bytes, __ATOMIC_SEQ_CST);
    return NULL;
}

err_t free_space_hold(struct core *core, struct space_hold *hold, uint64_t bytes, struct arena *a)
{
    TRY(free_space_check(core, bytes, a));
    hold->bytes += bytes;
    __atomic_add_fetch(&core->free_space->held_bytes, (int64_t)bytes, __ATOMIC_SEQ_CST);
    return NULL;
}

void free_space_let(struct core *core, struct space_hold *hold)
{
    __atomic_sub_fetch(&core->free_space->free_bytes, (int64_t)hold->bytes, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&core->free_space->held_bytes, (int64_t)hold->bytes, __ATOMIC_SEQ_CST);
    hold->bytes = 0;
}
