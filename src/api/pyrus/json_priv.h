/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bodies of requests and replies, and the values that several replies share. */
#ifndef CAIS_API_PYRUS_JSON_PRIV_H
#define CAIS_API_PYRUS_JSON_PRIV_H

#include "api/kit/json_reply.h"
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/pyrus_priv.h"
#include "base/json.h"
#include "core/records/user.h"

/* Parses the body into a JSON object, in the arena of the exchange. */
MUST_USE err_t pyrus_read_body(struct http_exchange *, const struct json **ret_body);
/* Replies 200, with the rate headers. */
void pyrus_reply(struct json_reply *);
/* The digest as hex digits, in lower or upper case as configured. In `a`. */
slice pyrus_md5(const struct pyrus *, struct arena *a, const unsigned char md5[MD5_SIZE]);
/* Writes a person as an object: the member `name`, or an element of an array when `name` is NULL. */
/* The address of the user: the login when that is an address and there is no other; may be empty. */
slice pyrus_email(const struct user *);
void pyrus_put_person(struct json_out *, const char *name, const struct user *);
/* Splits the name of a user, or the login when there is no name, at the first blank. */
void pyrus_split_name(const struct user *, slice *ret_first, slice *ret_last);

#endif
