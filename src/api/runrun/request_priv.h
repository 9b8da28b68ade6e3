/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, numbers and flags of requests. */
#ifndef CAIS_API_RUNRUN_REQUEST_PRIV_H
#define CAIS_API_RUNRUN_REQUEST_PRIV_H

#include "api/runrun/errors_priv.h"
#include "base/json.h"

/* The body, JSON or form; an empty one and null are an empty object. False: replied. */
bool runrun_read_body(struct http_exchange *, const struct json **ret_body);
/* The object inside the wrapper, or, when the request brings none, the body itself. */
const struct json *runrun_unwrap(const struct json *body, const char *wrapper);
/* The number in the path; 0, which no record has, when it is too large for one. False: replied. */
bool runrun_path_id(struct http_exchange *, int64_t *ret_id);
/* True, "true", 1, "1". */
bool runrun_is_true(const struct json *);
/* Nothing to see: blanks, also those of Unicode's first 256 characters. */
bool runrun_is_blank(slice text);
/* Numbers of a member that is an array; one fault when it is none. *ret_ids in the arena. */
void runrun_read_ids(struct http_exchange *, const struct json *body, const char *name, struct runrun_faults *,
                     const int64_t **ret_ids, size_t *ret_count);

#endif
