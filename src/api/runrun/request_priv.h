/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, numbers and flags of requests. */
#ifndef CAIS_API_RUNRUN_REQUEST_PRIV_H
#define CAIS_API_RUNRUN_REQUEST_PRIV_H

#include "api/runrun/errors_priv.h"
#include "base/json.h"

/* Parses the body, which is JSON or a form. An empty body and null become an empty object. */
MUST_USE err_t runrun_read_body(struct http_exchange *, const struct json **ret_body);
/* The object that is the member `wrapper` of the body, or the body itself when there is no such member. */
const struct json *runrun_unwrap(const struct json *body, const char *wrapper);
/* The id in the path. A number that is too large for an id becomes 0, which no record has. */
MUST_USE err_t runrun_path_id(struct http_exchange *, int64_t *ret_id);
/* Whether it is true, "true", 1 or "1"; NULL is not. */
bool runrun_is_true(const struct json *);
/* Whether the text holds nothing but white space of ASCII and no-break spaces. */
bool runrun_is_blank(slice text);
/* Reads the member `name`, an array of numbers, into the arena of the exchange. Adds a field error when it is anything
 * else. */
void runrun_read_ids(struct http_exchange *, const struct json *body, const char *name, struct runrun_field_errors *,
                     const int64_t **ret_ids, size_t *ret_count);

#endif
