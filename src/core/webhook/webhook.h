/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks: addresses that are told of changes. What they are to be told is in the outbox (core/webhook_outbox.h); one background job
 * delivers it.
 *
 *   outcome         A delivery is done when an answer of success came, and given up when its last attempt failed. Until then it waits for its
 *                   time. webhook_retry makes it wait again, whatever became of it.
 *   at least once   A delivery that was sent, and whose outcome was not written, is sent again with the same id.
 *   no order        Deliveries do not wait for one another: an event may come after a later one.
 *   fairness        Many are sent at a time, but only a few to one webhook: a slow receiver delays nobody else's.
 *   secrets         The secret of a webhook is sealed under the master key, and shown once.
 *
 * What is sent, and how an answer is read, is a struct webhook_format: the one of this file, and those of APIs.
 * Thread: any that may block. */
#ifndef CAIS_CORE_WEBHOOK_WEBHOOK_H
#define CAIS_CORE_WEBHOOK_WEBHOOK_H

#include "core/core.h"
#include "core/records/webhook.h"
#include "core/store/hook_sender.h"
#include "core/webhook_outbox.h"

#define WEBHOOK_URL_BYTES 2000
#define WEBHOOKS_OF_ACCOUNT_MAX 100

struct job_run;

/* ---- formats ---- */

/* A delivery that is about to be sent, or was. */
struct webhook_call {
    struct core *core;
    const struct webhook *hook;
    const struct webhook_delivery *delivery;
    slice secret;
    int64_t now_ms;
    void *arg; /* of struct webhook_format_use */
};
struct webhook_message {
    bool is_unwanted;     /* the receiver is not told of this event after all */
    slice body;           /* JSON */
    const char **headers; /* "Name: value", ends with NULL, without Content-Type */
};
struct webhook_format {
    const char *name;
    const char *events;       /* those of a webhook that names none: beginnings of actions, with blanks between them */
    bool needs_user;          /* a webhook is of a user */
    const int64_t *pauses_ms; /* before the second attempt, the third … */
    size_t pause_count;
    bool varies_pauses; /* up to a fifth is added at random */
    int64_t timeout_ms;
    /* Errors: the attempt has failed. */
    err_t (*write)(const struct webhook_call *, struct arena *a, struct webhook_message *ret);
    /* What an answer with success asks for. NULL: it is not read. Errors: it could not be done; the delivery is done all the same, and
     * the error is kept with it. */
    err_t (*read_answer)(const struct webhook_call *, slice body, struct arena *a);
};
/* Standard Webhooks: a JSON object {"type", "timestamp", "data"}, signed with HMAC-SHA256. */
extern const struct webhook_format webhook_events_format;

/* A format, and the argument of its functions. */
struct webhook_format_use {
    const struct webhook_format *format;
    void *arg;
};
/* Deliveries go out by this sender from here on, in the formats of this file and of `more`. All is borrowed until the jobs have ended.
 * Before the jobs start; without it nothing is delivered. */
void webhook_use(struct core *, struct hook_sender *, const struct webhook_format_use *more, size_t count);

/* ---- people ---- */

struct webhook_request {
    int64_t account_id;
    int64_t user_id; /* 0: none */
    const struct webhook_format *format;
    slice url, events; /* events empty: those of the format */
    slice secret;      /* empty: a new one is made */
};
/* *ret_secret: to be shown this once. Errors: INVALID the URL or an event cannot be used, or a user is missing; QUOTA the account has
 * WEBHOOKS_OF_ACCOUNT_MAX; UNSUPPORTED there is no master key; those of the store. */
MUST_USE err_t webhook_add(struct core *, const struct principal *who, const struct webhook_request *, struct arena *a,
                           int64_t *ret_id, slice *ret_secret);
/* Of all accounts, by id. */
MUST_USE err_t webhook_list(struct core *, struct arena *a, struct webhook_list *ret);
/* Also removes its deliveries. Errors: NOT_FOUND; those of the store. */
MUST_USE err_t webhook_remove(struct core *, const struct principal *who, int64_t id, struct arena *a);
/* A page of deliveries with ids above after_id. Errors: NOT_FOUND no such webhook; those of the store. */
MUST_USE err_t webhook_deliveries(struct core *, int64_t webhook_id, int64_t after_id, bool only_failed,
                                  struct arena *a, struct webhook_delivery_list *ret);
#define WEBHOOK_DELIVERIES_PAGE 100
/* Make a delivery due now, with all of its attempts, whatever its state. Errors: NOT_FOUND; those of the store. */
MUST_USE err_t webhook_retry(struct core *, const struct principal *who, int64_t delivery_id, struct arena *a);
/* Make all deliveries of the webhook due that failed. *ret_count: how many. Errors: as webhook_deliveries. */
MUST_USE err_t webhook_retry_failed(struct core *, const struct principal *who, int64_t webhook_id, struct arena *a,
                                    int64_t *ret_count);
/* Queue a message of the type "webhook.test". Errors: NOT_FOUND; those of the store. */
MUST_USE err_t webhook_test(struct core *, const struct principal *who, int64_t id, struct arena *a, int64_t *ret_id);

/* ---- the job ---- */

/* Send what is due until nothing is, or the run must end; then forget what ended longer ago than finished_jobs_kept_ms. The run is due
 * again when the next delivery is. Errors: those of the store. */
MUST_USE err_t webhook_deliver(struct core *, struct job_run *, struct arena *a);

#endif
