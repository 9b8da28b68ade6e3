/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON reply that is being written, in memory of its own until it is sent. Between begin and send there must be no
 * return, because only send hands the memory over. */
#ifndef CAIS_API_KIT_JSON_REPLY_H
#define CAIS_API_KIT_JSON_REPLY_H

#include "base/json.h"
#include "http/http.h"

#define JSON_REPLY_TYPE "application/json"
#define JSON_REPLY_TYPE_UTF8 "application/json; charset=utf-8"

struct json_reply {
    struct http_exchange *x;
    struct arena *a; /* for values that are made to be written: that of the exchange, or one that ends earlier */
    struct buf body;
    struct json_out out; /* write here */
};

void json_reply_begin(struct json_reply *, struct http_exchange *);
/* What was written, in memory that now belongs to the exchange: for a reply of another kind than json_reply_send. */
slice json_reply_end(struct json_reply *);
/* End the exchange. Takes the memory of what was written instead of copying it. */
void json_reply_send(struct json_reply *, int status, const char *content_type);

/* A member, unless the text is empty or the time is 0. */
void json_put_known_text(struct json_out *, const char *name, slice text);
void json_put_known_time(struct json_out *, const char *name, int64_t at_ms, struct arena *a);

#endif
