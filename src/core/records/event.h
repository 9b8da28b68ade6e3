/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_EVENT_H
#define CAIS_CORE_RECORDS_EVENT_H

#include "base/slice.h"

/* A line of the audit log. It is written in the transaction of the change that it reports, and then never changed. Only the
 * oldest can be removed (core/event_prune.h). Ids rise in the order of the commits, leave out none, and are never used again. */
struct event {
    int64_t id, at_ms, account_id;
    int64_t actor_id; /* 0: the server itself, or an operator at the command line */
    slice account;    /* its name; set only by reading */
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

/* Where the audit log begins and ends. */
struct event_span {
    int64_t first_id; /* events with lower ids were removed */
    int64_t last_id;  /* of the newest event; 0: there is none yet */
};

#endif
