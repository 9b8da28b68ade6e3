/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: each change writes its event in the transaction of the change itself, and with it what webhooks are told of it
 * (core/webhook_outbox.h). */
#ifndef CAIS_CORE_EVENT_H
#define CAIS_CORE_EVENT_H

#include "core/core.h"
#include "core/records/event.h"
#include "core/records/file.h"

struct event_params {
    int64_t at_ms;
    const struct principal *who; /* who made the change; NULL: the server itself */
    int64_t account_id;          /* that the change belongs to; 0: the account of `who` */
    slice action;                /* "file.store", "user.disable", … */
    slice subject;               /* "file:UUID", "user:LOGIN", "key:ID" */
    slice detail;                /* short, without secrets; may be empty */
};
/* Errors: those of the store. */
MUST_USE err_t event_write(struct meta_tx *, const struct event_params *, struct arena *a);
/* The audit log, newest first: at most `limit` events with ids below before_id (0: from the newest). */
MUST_USE err_t event_list(struct core *, int64_t before_id, size_t limit, struct arena *a, struct event_list *ret);
/* A part of the audit log, oldest first: the first `limit` events with ids above after_id, and where the log began and ended in
 * the same snapshot. Errors: those of the store. */
MUST_USE err_t event_page(struct core *, int64_t after_id, size_t limit, struct arena *a, struct event_list *ret,
                          struct event_span *ret_span);
/* Which events of an account are wanted; what is empty or 0 asks for nothing. */
struct event_query {
    int64_t account_id;
    slice action;           /* the whole of it, or its beginning up to a dot: "user" */
    slice actor;            /* a login */
    slice subject;          /* the whole of it, or its end behind the colon */
    slice text;             /* in actor, action, subject or detail, without regard to case (ASCII) */
    int64_t from_ms, to_ms; /* at_ms: from_ms or later, before to_ms */
    int64_t before_id;      /* only events with lower ids: those of the next page */
    size_t limit;
};
struct event_matches {
    struct event *items;
    size_t count;
    int64_t next_before_id; /* of the next page; 0: there are no more */
};
/* The events that are wanted, newest first. Looks at EVENTS_LOOKED_AT of the account at most, so there may be fewer than `limit`, or
 * none, although there are more: next_before_id goes on from there. Errors: those of the store. */
#define EVENTS_LOOKED_AT ((size_t)5000)
MUST_USE err_t event_search(struct core *, const struct event_query *, struct arena *a, struct event_matches *ret);

/* "file:UUID" */
slice event_file(struct arena *a, const struct file *);

#endif
