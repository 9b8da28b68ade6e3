/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_priv.h"

#include "base/helper.h"
#include "base/md5_crew.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"

#include <assert.h>

#define CORES_PER_LEADER 2 /* of the crew that hashes; the other cores receive and write meanwhile */

static const struct holder_rules *const holders[] = {
#define HOLDER(number, NAME, name, what) &name##_holder,
#include "core/records/holders.def"
#undef HOLDER
    NULL,
};

static const struct entry_guard *const entry_guards[] = { &ticket_entry_guard, &sync_entry_guard, &folder_entry_guard,
                                                          NULL };

void core_init(struct core *core, const struct core_params *params)
{
    *core = (struct core){ .meta = params->meta,
                           .blob = params->blob,
                           .datasets = params->datasets,
                           .clock = params->clock,
                           .random = params->random,
                           .seal = params->seal,
                           .options = params->options };
    core->entry_guards = entry_guards;
    core->holders = holders;
    core->user_added = enrolment_adopt;
    core->access = access_cache_new();
    core->logins = login_limit_new(&core->options.logins, core->clock, core->random);
    core->unverified = unverified_budget_new(core->options.unverified_max_bytes);
    core->gate = dataset_gate_new();
    core->transfer_shards = transfer_shards_new();
    core->buckets = bucket_cache_new();
    core->files = file_cache_new(core->options.file_cache_bytes);
    core->part_maps = part_map_cache_new();
    core->free_space = free_space_new();
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
    access_cache_free(core->access);
    login_limit_free(core->logins);
    unverified_budget_free(core->unverified);
    dataset_gate_free(core->gate);
    transfer_shards_free(core->transfer_shards);
    bucket_cache_free(core->buckets);
    file_cache_free(core->files);
    part_map_cache_free(core->part_maps);
    free_space_free(core->free_space);
    job_signal_free(core->job_signal);
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
