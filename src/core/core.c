/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_priv.h"

#include "base/helper.h"
#include "base/md5_crew.h"

#include <assert.h>

#define INLINE_MAX_DEFAULT ((uint64_t)16 << 10)
#define NEVER_ASKED INT64_MIN
#define ASK_AGAIN_MS 1000
#define CORES_A_LEADER 2 /* the others receive and write meanwhile */

void core_init(struct core *core, struct meta_store *meta, struct blob_store *blob, struct clock *clock,
               struct random *random, struct seal *seal, const struct core_options *options)
{
    *core = (struct core){ .meta = meta,
                           .blob = blob,
                           .clock = clock,
                           .random = random,
                           .seal = seal,
                           .options = *options,
                           .free_bytes_at_ms = NEVER_ASKED };
    if (!core->options.inline_max_bytes)
        core->options.inline_max_bytes = INLINE_MAX_DEFAULT;
    core->entry_guard = &ticket_entry_guard;
    core->access = access_cache_new();
    core->buckets = bucket_cache_new();
    core->content = content_cache_new(core->options.content_cache_bytes);
    core->places = places_cache_new();
    pthread_mutex_init(&core->flights_mutex, NULL);
    core->helper = helper_new();
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    core->crew = md5_crew_new(md5_code_best(), cores < 4 ? 1 : (int)cores / CORES_A_LEADER);
}

void core_release(struct core *core)
{
    assert(!core->flights);
    helper_free(core->helper);
    md5_crew_free(core->crew);
    access_cache_free(core->access);
    bucket_cache_free(core->buckets);
    content_cache_free(core->content);
    places_cache_free(core->places);
    pthread_mutex_destroy(&core->flights_mutex);
}

int64_t core_now_ms(struct core *core)
{
    int64_t now = clock_now_ms(core->clock);
    int64_t latest = __atomic_load_n(&core->latest_ms, __ATOMIC_SEQ_CST);
    while (now > latest &&
           !__atomic_compare_exchange_n(&core->latest_ms, &latest, now, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
    return now > latest ? now : latest;
}

/* Ask the store when a second has passed; one thread does, the others go on with what was known. */
static err_t refresh_free_bytes(struct core *core, struct arena *a)
{
    int64_t now = clock_monotonic_ms(core->clock);
    int64_t asked = __atomic_load_n(&core->free_bytes_at_ms, __ATOMIC_SEQ_CST);
    if (asked != NEVER_ASKED && now - asked < ASK_AGAIN_MS)
        return NULL;
    /* The very first answer has to be there before anybody relies on it: then each asks for itself. */
    if (asked != NEVER_ASKED &&
        !__atomic_compare_exchange_n(&core->free_bytes_at_ms, &asked, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return NULL;
    uint64_t bytes;
    err_t e = core->blob->ops->free_bytes(core->blob, a, &bytes);
    if (e) {
        __atomic_store_n(&core->free_bytes_at_ms, NEVER_ASKED, __ATOMIC_SEQ_CST);
        return e;
    }
    __atomic_store_n(&core->free_bytes, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes, __ATOMIC_SEQ_CST);
    __atomic_store_n(&core->free_bytes_at_ms, now, __ATOMIC_SEQ_CST);
    return NULL;
}

err_t core_check_space(struct core *core, uint64_t bytes, struct arena *a)
{
    TRY(refresh_free_bytes(core, a));
    int64_t left = __atomic_load_n(&core->free_bytes, __ATOMIC_SEQ_CST);
    if (left < 0 || (uint64_t)left < core->options.reserve_bytes ||
        (uint64_t)left - core->options.reserve_bytes < bytes)
        return err_make(a, ERR_NO_SPACE, "no free space is left above the reserve");
    return NULL;
}

err_t core_take_space(struct core *core, uint64_t bytes, struct arena *a)
{
    TRY(core_check_space(core, bytes, a));
    __atomic_sub_fetch(&core->free_bytes, (int64_t)bytes, __ATOMIC_SEQ_CST);
    return NULL;
}

bool core_is_held(struct core *core)
{
    return __atomic_load_n(&core->purge_holds, __ATOMIC_SEQ_CST) > 0;
}
