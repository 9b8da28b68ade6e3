/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_WEBHOOK_H
#define CAIS_CORE_RECORDS_WEBHOOK_H

#include "base/slice.h"

#include <stdbool.h>

/* An address that is told of changes in an account. */
struct webhook {
    int64_t id, account_id;
    int64_t user_id; /* it is told of what reaches that user; 0: of all that happens in the account */
    slice format;    /* the name of a struct webhook_format (core/webhook/webhook.h) */
    slice url;
    slice events; /* beginnings of actions ("file." or "task.comment"), with blanks between them */
    slice sealed_secret;
    int64_t created_at_ms;
    int64_t waiting; /* deliveries that wait */
    int64_t dropped; /* events that came while too many waited, of which there is no delivery */
};
struct webhook_list {
    struct webhook *items;
    size_t count;
};

enum delivery_state { DELIVERY_WAITING, DELIVERY_DONE, DELIVERY_FAILED };

/* What one webhook is to be told of one event, which it copies. */
struct webhook_delivery {
    int64_t id, webhook_id;
    enum delivery_state state;
    int64_t happened_at_ms, actor_id; /* of the event, and the next five */
    slice action, subject, detail, request_id;
    slice data; /* a JSON object: what the subject was then; empty: not known */
    int64_t attempts, next_at_ms;
    int64_t ended_at_ms; /* 0: it waits */
    int64_t status;      /* of the last answer; 0: there was none */
    slice error;         /* why the last attempt failed */
};
/* Which deliveries are listed. */
struct delivery_page {
    int64_t webhook_id, after_id; /* those with ids above after_id, by id */
    bool only_failed;
    size_t limit;
};
struct webhook_delivery_list {
    struct webhook_delivery *items;
    size_t count;
};

#endif
