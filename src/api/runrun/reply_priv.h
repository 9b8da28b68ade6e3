/* SPDX-License-Identifier: Apache-2.0 */
/* Replies being written. */
#ifndef CAIS_API_RUNRUN_REPLY_PRIV_H
#define CAIS_API_RUNRUN_REPLY_PRIV_H

#include "api/runrun/runrun.h"
#include "base/json.h"
#include "core/records/user.h"

/* An answer being written: JSON in memory of its own. */
struct runrun_answer {
    struct http_exchange *x;
    struct buf body;
    struct json_out o;
};
void runrun_answer_open(struct runrun_answer *, struct http_exchange *);
void runrun_answer_send(struct runrun_answer *, int status); /* ends the exchange */
void runrun_reply_nothing(struct http_exchange *);           /* 204 */
void runrun_redirect(struct http_exchange *, slice location);
/* 2026-11-21T11:04:09-03:00 */
slice runrun_date(const struct runrun *, struct arena *a, int64_t ms);
void runrun_put_null(struct json_out *, const char *name);
void runrun_put_date(struct runrun_answer *, const char *name, int64_t ms); /* null when it is 0 */
/* A string, or null when it is empty. */
void runrun_put_text(struct json_out *, const char *name, slice text);
/* How people are called, and how they are named. */
slice runrun_user_name(const struct user *);

#endif
