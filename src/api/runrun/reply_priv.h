/* SPDX-License-Identifier: Apache-2.0 */
/* Replies, and the values that they share. */
#ifndef CAIS_API_RUNRUN_REPLY_PRIV_H
#define CAIS_API_RUNRUN_REPLY_PRIV_H

#include "api/kit/json_reply.h"
#include "api/runrun/runrun.h"
#include "core/records/user.h"

/* Ends the exchange, with the rate headers. */
void runrun_reply_send(struct json_reply *, int status);
void runrun_reply_no_content(struct http_exchange *); /* 204 */
/* 302 without a body. */
void runrun_redirect(struct http_exchange *, slice location);
/* "2026-11-21T11:04:09-03:00", with the configured offset. In `a`. */
slice runrun_date(const struct runrun *, struct arena *a, int64_t ms);
void runrun_put_null(struct json_out *, const char *name);
void runrun_put_date(struct json_reply *, const char *name, int64_t ms); /* null when ms is 0 */
/* Writes a string, or null when it is empty. */
void runrun_put_text(struct json_out *, const char *name, slice text);
/* The name of the user, or the login when there is no name. */
slice runrun_user_name(const struct user *);

#endif
