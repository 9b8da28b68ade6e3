/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets in a world: a bucket of tickets, tickets issued in it, and bytes that come for them. The bytes are put by
 * calls of the store alone, as a write of the redeeming side does it. */
#ifndef CAIS_TESTS_PAPERS_H
#define CAIS_TESTS_PAPERS_H

#include "core/task/task.h"
#include "core/ticket/ticket.h"
#include "world.h"

#define PAPERS_LIFETIME_MS hours(1)
#define PAPERS_PENDING_MS hours(24)

struct papers {
    struct world *w;
    int64_t bucket_id;
};
struct papers papers_new(struct world *);

/* A ticket for a file called `name`; task_id 0: of none. */
struct ticket_request papers_order(const struct papers *, int64_t task_id, slice name, uint64_t declared_bytes);
/* Issue and wait; what comes is copied to w->a. */
err_t papers_try(const struct papers *, const struct principal *who, const struct ticket_request *,
                 struct ticket_issued *ret);
/* The number of a new one. */
int64_t papers_issue(const struct papers *, const struct principal *who, int64_t task_id, slice name,
                     uint64_t declared_bytes);
/* Its bytes come; those from before go. */
err_t papers_put(const struct papers *, int64_t file_id, slice bytes);
/* All three steps: a confirmed document. */
int64_t papers_document(const struct papers *, const struct principal *who, int64_t task_id, slice name, slice bytes);

err_t papers_confirm(const struct papers *, const struct principal *who, int64_t file_id, enum ticket_refusal *ret_why);
bool papers_is_there(const struct papers *, int64_t file_id); /* the record, whoever may see it */
/* A task of that author that everybody of the account sees, without a first comment. */
int64_t papers_task(const struct papers *, const struct principal *who);

#endif
