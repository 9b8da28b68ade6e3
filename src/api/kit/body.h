/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests that are JSON or a form, as one tree. */
#ifndef CAIS_API_KIT_BODY_H
#define CAIS_API_KIT_BODY_H

#include "base/json.h"
#include "http/http.h"

/* Is the body a form? A body that begins like an object is JSON whatever its type says: curl sends JSON with the type of forms, and some
 * programs send no type. */
bool body_is_form(const struct http_request *);
/* Parses the body, in the arena of the exchange. An empty body and null become an empty object. Errors: INVALID malformed, or no
 * object; those of json_parse and form_parse. */
MUST_USE err_t body_read(struct http_exchange *, const struct json **ret);

#endif
