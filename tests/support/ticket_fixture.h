/* SPDX-License-Identifier: Apache-2.0 */
/* A world with tickets: a guarded bucket, and calls that issue, fill and confirm tickets in it. The bytes are put with
 * calls of the store alone, without the guard that would check them (tests/unit/entry_ticket.c tests that). */
#ifndef CAIS_TESTS_TICKET_FIXTURE_H
#define CAIS_TESTS_TICKET_FIXTURE_H

#include "core/task/document.h"
#include "core/task/task.h"
#include "core/ticket/ticket.h"
#include "world.h"

#define TICKET_LIFETIME_MS hours(1)
#define TICKET_PENDING_MS hours(24)

struct ticket_fixture {
    struct world *w;
    int64_t bucket_id;
};
struct ticket_fixture ticket_fixture_new(struct world *);

/* The request for the ticket of a file called `name`; task_id 0: for no task. */
struct ticket_request ticket_fixture_request(const struct ticket_fixture *, int64_t task_id, slice name,
                                             uint64_t declared_bytes);
/* What ticket_issue returned, as a document of its task. */
struct ticket_fixture_issued {
    struct document document;
    int64_t duplicate_id;
};
/* Issue a ticket and wait for the outcome, which is copied to w->a. */
err_t ticket_fixture_try(const struct ticket_fixture *, const struct principal *who, const struct ticket_request *,
                         struct ticket_fixture_issued *ret);
/* Issue a ticket, which must succeed. Returns the file id. */
int64_t ticket_fixture_issue(const struct ticket_fixture *, const struct principal *who, int64_t task_id, slice name,
                             uint64_t declared_bytes);
/* Give the file these bytes; they replace earlier ones. */
err_t ticket_fixture_put(const struct ticket_fixture *, int64_t file_id, slice bytes);
/* Issue, put and confirm. Returns the file id of the confirmed document. */
int64_t ticket_fixture_document(const struct ticket_fixture *, const struct principal *who, int64_t task_id, slice name,
                                slice bytes);

err_t ticket_fixture_confirm(const struct ticket_fixture *, const struct principal *who, int64_t file_id);
bool ticket_fixture_has_file(const struct ticket_fixture *, int64_t file_id); /* is there a record, visible or not? */
/* A shared task of that author, without a first comment. */
int64_t ticket_fixture_task(const struct ticket_fixture *, const struct principal *who);

#endif
