/* SPDX-License-Identifier: Apache-2.0 */
/* How many tickets per second core issues. A ticket counts once it is durable. `waiting` tickets are always in progress:
 * when one is done, its callback issues the next, as the server's loops do. All are for one task, and their keys look
 * like those of an API.
 *
 *   ticket-issue DIR [seconds 5] [waiting 32] */
#include "base/clock.h"
#include "blob/mem/mem.h"
#include "core/access/access.h"
#include "core/records/bucket.h"
#include "core/store/bucket_store.h"
#include "core/task/task.h"
#include "core/ticket/ticket.h"
#include "meta/meta.h"
#include "sql/sqlite/sqlite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct bench {
    struct core core;
    struct principal who;
    struct ticket_request request;
    atomic_bool stop;
    atomic_int in_flight;
    int64_t done, failed; /* only the committer's thread writes them */
};

static void check(err_t e)
{
    SCRATCH(s);
    if (!e)
        return;
    fprintf(stderr, SLICE_FMT "\n", SLICE_ARG(err_text(&s, e)));
    exit(1);
}

static void ticket_done(void *arg, err_t e, const struct ticket_issued *issued_ticket)
{
    struct bench *b = arg;
    (void)issued_ticket;
    b->done += !e;
    b->failed += e != NULL;
    if (atomic_load(&b->stop))
        atomic_fetch_sub(&b->in_flight, 1);
    else
        ticket_issue(&b->core, &b->who, &b->request, ticket_done, b);
}

static err_t add_bucket(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bench *b = arg;
    struct bucket bucket = { .owner_id = b->who.user_id, .name = S("tickets"), .kind = BUCKET_GUARDED };
    return meta_bucket_add(tx, &bucket, a, &b->request.bucket_id);
}

static void prepare(struct bench *b, const char *dir, struct arena *a)
{
    struct sql_db *db;
    struct meta_store *meta;
    check(sqlite_open(&(struct sqlite_options){ .path = arena_printf(a, "%s/bench.db", dir).p }, a, &db));
    check(meta_open(db, &(struct meta_options){ 0 }, a, &meta));
    core_init(&b->core, &(struct core_params){ .meta = meta,
                                               .blob = blob_mem_open(clock_system(), 0),
                                               .clock = clock_system(),
                                               .random = random_system() });
    check(access_bootstrap(&b->core, a));
    check(access_operator(&b->core, S(""), a, &b->who));
    b->who.request_id = S("0123456789abcdef");
    b->request = (struct ticket_request){ .origin = S("bench"),
                                          .name = S("report-2026-11.pdf"),
                                          .content_type = S("application/pdf"),
                                          .declared_bytes = 4096,
                                          .key_head = S("data/enterprise/1/"),
                                          .key_tail = S("/report-2026-11.pdf"),
                                          .lifetime_ms = 3600000,
                                          .pending_ms = 86400000 };
    check(meta_write(meta, add_bucket, b, a));
    struct task_request task = { .text = S("bench"), .is_silent = true, .is_shared = true };
    b->request.holder.kind = HOLDER_TASK;
    check(task_create(&b->core, &b->who, &task, a, &b->request.holder.id));
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIR [seconds 5] [waiting 32]\n", argv[0]);
        return 2;
    }
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 5;
    int waiting = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 32;
    SCRATCH(a);
    struct bench *b = must_malloc(sizeof *b);
    mkdir(argv[1], 0700);
    prepare(b, argv[1], &a);
    atomic_store(&b->in_flight, waiting);
    struct timespec run = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    for (int i = 0; i < waiting; i++)
        ticket_issue(&b->core, &b->who, &b->request, ticket_done, b);
    nanosleep(&run, NULL);
    atomic_store(&b->stop, true);
    while (atomic_load(&b->in_flight))
        nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    printf("%.0f tickets/s, %lld failed\n", (double)b->done / seconds, (long long)b->failed);
    meta_close(b->core.meta);
    b->core.blob->ops->close_store(b->core.blob);
    core_release(&b->core);
    int failed = b->failed != 0;
    free(b);
    return failed;
}
