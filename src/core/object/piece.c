/* SPDX-License-Identifier: Apache-2.0 */
#include "core/object/piece.h"

#include "base/helper.h"

#define WORTH_SHARING ((size_t)64 * 1024) /* bytes of a piece that is hashed and written by two threads at once */

void piece_body_begins(struct core *core)
{
    __atomic_add_fetch(&core->body_count, 1, __ATOMIC_RELAXED);
}

void piece_body_ends(struct core *core)
{
    __atomic_sub_fetch(&core->body_count, 1, __ATOMIC_RELAXED);
}

struct write_job {
    struct blob_writer *writer;
    slice bytes;
    struct arena *arena;
    err_t e;
};

static void run_write_job(void *arg)
{
    struct write_job *job = arg;
    job->e = job->writer->ops->write(job->writer, job->bytes, job->arena);
}

err_t piece_write(struct core *core, struct blob_writer *writer, slice bytes, void (*hash)(void *arg, slice bytes),
                  void *arg, struct arena *a)
{
    struct write_job job = { writer, bytes, a, NULL };
    bool in_parallel = bytes.n >= WORTH_SHARING && __atomic_load_n(&core->body_count, __ATOMIC_RELAXED) == 1 &&
                       helper_try(core->helper, run_write_job, &job);
    hash(arg, bytes);
    if (in_parallel)
        helper_wait(core->helper);
    else
        run_write_job(&job);
    return job.e;
}
