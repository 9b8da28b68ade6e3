/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a request: matched without regard to case, numbers as texts where nothing is lost (docs/apis/appfile.md 1). */
#ifndef CAIS_API_APPFILE_MEMBERS_H
#define CAIS_API_APPFILE_MEMBERS_H

#include "base/json.h"
#include "http/http.h"

/* The body as an object. Errors: APPFILE_INVALID_JSON; those of json_parse_exact. */
MUST_USE err_t appfile_read_body(struct http_exchange *, const struct json **ret);
/* The last member with this name, in any case; NULL: there is none, or it is null. */
const struct json *appfile_member(const struct json *object, const char *name);
/* The value of a string, or the digits of a number. False: it is neither. */
bool appfile_text(const struct json *, slice *ret);

#endif
