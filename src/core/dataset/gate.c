/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/gate.h"

#include "core/core_priv.h"
#include "core/job.h"

#include <stdlib.h>
#include <time.h>

#define WAIT_NS 200000000 /* between two looks at whether the run is stopping */

struct dataset_gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int64_t closed, inside; /* how many closed it, and have entered */
};

struct dataset_gate *dataset_gate_new(void)
{
    struct dataset_gate *g = must_malloc(sizeof *g);
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->changed, NULL);
    return g;
}

void dataset_gate_free(struct dataset_gate *g)
{
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->mutex);
    free(g);
}

void dataset_gate_close(struct core *core)
{
    struct dataset_gate *g = core->gate;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&g->mutex);
    g->closed++;
    while (g->inside)
        pthread_cond_wait(&g->changed, &g->mutex);
}

void dataset_gate_open(struct core *core)
{
    struct dataset_gate *g = core->gate;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&g->mutex);
    g->closed--;
    pthread_cond_broadcast(&g->changed);
}

bool dataset_gate_try(struct core *core)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&core->gate->mutex);
    core->gate->inside += !core->gate->closed;
    return !core->gate->closed;
}

static void wait_a_while(struct dataset_gate *g)
{
    struct timespec until;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&g->mutex);
    if (!g->closed)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&g->changed, &g->mutex, &until);
}

bool dataset_gate_enter(struct core *core, struct job_run *run)
{
    while (!dataset_gate_try(core)) {
        if (job_is_stopping(run))
            return false;
        wait_a_while(core->gate);
    }
    return true;
}

void dataset_gate_leave(struct core *core)
{
    struct dataset_gate *g = core->gate;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&g->mutex);
    g->inside--;
    pthread_cond_broadcast(&g->changed);
}
