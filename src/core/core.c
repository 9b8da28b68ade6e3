/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_priv.h"

#include "base/helper.h"
#include "base/live.h"
#include "base/md5_crew.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"

#include <assert.h>
#include <stdlib.h>

#define CORES_PER_LEADER 2 /* of the crew that hashes; the other cores receive and write meanwhile */

const struct err core_queue_full = { .code = ERR_UNAVAILABLE, .msg = "too many writes are waiting", .where = ERR_HERE };

static const struct holder_rules *const holders[] = {
#define HOLDER(number, NAME, name, what) &name##_holder,
#include "core/records/holders.def"
#undef HOLDER
    NULL,
};

static const struct entry_guard *const entry_guards[] = { &ticket_entry_guard, &sync_entry_guard, &folder_entry_guard,
                                                          &reader_entry_guard, NULL };

static err_t welcome_user(struct meta_tx *tx, const struct user *user, int64_t now_ms, struct arena *a)
{
    TRY(enrolment_adopt(tx, user, now_ms, a));
    return task_person_arrived(tx, user, a);
}

void core_init(struct core *core, const struct core_params *params)
{
    *core = (struct core){ .meta = params->meta,
                           .blob = params->blob,
                           .datasets = params->datasets,
                           .records = params->records,
                           .clock = params->clock,
                           .random = params->random,
                           .seal = params->seal,
                           .options = params->options,
                           .watch = params->watch };
    core->entry_guards = entry_guards;
    core->holders = holders;
    core->user_added = welcome_user;
    core->access = access_cache_new();
    core->key_uses = key_uses_new();
    core->logins = login_limit_new(&core->options.logins, core->clock, core->random);
    core->unverified = unverified_budget_new(core->options.unverified_max_bytes);
    core->gate = dataset_gate_new();
    core->transfer_shards = transfer_shards_new();
    core->buckets = bucket_cache_new();
    core->files = file_cache_new(core->options.file_cache_bytes);
    core->part_maps = part_map_cache_new();
    core->checks = check_memory_new();
    core->free_space = free_space_new();
    core->writes = writes_new(core);
    core->job_signal = job_signal_new();
    if (core->meta)
        meta_on_jobs(core->meta, job_signal_raise, core->job_signal);
    pthread_mutex_init(&core->flights_mutex, NULL);
    core->helper = helper_new();
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    core->crew = md5_crew_new(md5_code_best(), cores < 4 ? 1 : (int)cores / CORES_PER_LEADER);
}

void core_release(struct core *core)
{
    assert(!core->flights);
    helper_free(core->helper);
    md5_crew_free(core->crew);
    key_uses_free(core->key_uses);
    access_cache_free(core->access);
    login_limit_free(core->logins);
    unverified_budget_free(core->unverified);
    dataset_gate_free(core->gate);
    transfer_shards_free(core->transfer_shards);
    bucket_cache_free(core->buckets);
    file_cache_free(core->files);
    part_map_cache_free(core->part_maps);
    check_memory_free(core->checks);
    free_space_free(core->free_space);
    writes_free(core);
    job_signal_free(core->job_signal);
    free(core->webhooks);
    pthread_mutex_destroy(&core->flights_mutex);
}

void core_set_limits(struct core *core, const struct core_options *from)
{
    struct core_options *to = &core->options;
    LIVE_SET(to->reserve_bytes, from->reserve_bytes);
    LIVE_SET(to->purge_grace_ms, from->purge_grace_ms);
    LIVE_SET(to->account_max_bytes, from->account_max_bytes);
    LIVE_SET(to->account_max_files, from->account_max_files);
    LIVE_SET(to->account_max_buckets, from->account_max_buckets);
    LIVE_SET(to->account_max_uploads, from->account_max_uploads);
    LIVE_SET(to->account_max_pending, from->account_max_pending);
    LIVE_SET(to->account_max_users, from->account_max_users);
    LIVE_SET(to->user_max_keys, from->user_max_keys);
    LIVE_SET(to->finished_jobs_kept_ms, from->finished_jobs_kept_ms);
    LIVE_SET(to->scrub_period_ms, from->scrub_period_ms);
    LIVE_SET(to->events_kept_ms, from->events_kept_ms);
    LIVE_SET(to->sessions.lifetime_ms, from->sessions.lifetime_ms);
    LIVE_SET(to->sessions.idle_ms, from->sessions.idle_ms);
    LIVE_SET(to->sessions.per_user, from->sessions.per_user);
    login_limit_set(core->logins, &from->logins);
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
