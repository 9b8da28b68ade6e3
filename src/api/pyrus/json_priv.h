/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bodies of requests and replies, and the values that several replies share. */
#ifndef CAIS_API_PYRUS_JSON_PRIV_H
#define CAIS_API_PYRUS_JSON_PRIV_H

#include "api/pyrus/errors_priv.h"
#include "api/pyrus/pyrus_priv.h"
#include "base/json.h"
#include "core/records/user.h"

/* The body as a JSON object. */
enum pyrus_error pyrus_read_body(struct http_exchange *, const struct json **ret_body);
/* A 200 with what was written to `out`, whose memory it takes: a task may be large. */
void pyrus_reply(struct http_exchange *, struct buf *out);
slice pyrus_md5(const struct pyrus *, struct arena *a, const unsigned char md5[MD5_SIZE]);
void pyrus_put_person(struct json_out *, const char *name, const struct user *);
void pyrus_split_name(const struct user *, slice *ret_first, slice *ret_last);

#endif
