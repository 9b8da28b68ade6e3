/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_EVENT_H
#define CAIS_CORE_RECORDS_EVENT_H

#include "base/slice.h"

/* A line of the audit log. It is written in the transaction of the change that it reports, and then never changed or
 * removed. */
struct event {
    int64_t id, at_ms, account_id;
    int64_t actor_id; /* 0: the server itself, or an operator at the command line */
    slice actor;      /* login; set only by reading */
    slice action;     /* "file.store", "file.delete", "user.disable", … */
    slice subject;    /* "file:UUID", "user:LOGIN", "key:ID" */
    slice detail;     /* short, without secrets */
    slice request_id;
};
struct event_list {
    struct event *items;
    size_t count;
};

#endif
