/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a request: matched without regard to case, numbers as texts where nothing is lost (docs/apis/appfile.md 1). */
#ifndef CAIS_API_APPFILE_MEMBERS_H
#define CAIS_API_APPFILE_MEMBERS_H

#include "api/appfile/appfile_priv.h"
#include "base/json.h"
#include "core/sync/workspace.h"
#include "http/http.h"

/* The body as an object. Errors: APPFILE_INVALID_JSON; those of json_parse_exact. */
MUST_USE err_t appfile_read_body(struct http_exchange *, const struct json **ret);
/* A text as an object, in `a`. Errors: the same, in the arena of the exchange. */
MUST_USE err_t appfile_parse(struct http_exchange *, slice text, struct arena *a, const struct json **ret);
/* The last member with this name, in any case; NULL: there is none, or it is null. */
const struct json *appfile_member(const struct json *object, const char *name);
/* The value of a string, or the digits of a number. False: it is neither. */
bool appfile_text(const struct json *, slice *ret);
/* A text of at most `max` characters; empty when there is none. What is wrong is noted. */
slice appfile_read_text(const struct json *body, const char *name, size_t max, struct appfile_field_errors *);
/* The name of a workspace, a bucket or an action. */
slice appfile_read_name(const struct json *body, const char *name, struct appfile_field_errors *);
/* The section that the request names: a header wins over the body (NULL: there is none); docs/apis/appfile.md 1.2. */
struct section_names appfile_read_section(struct http_exchange *, const struct json *body,
                                          struct appfile_field_errors *);
/* True or false, also as a text in any case. False: it is neither. */
bool appfile_flag(const struct json *, bool *ret);
#define APPFILE_DESCRIPTION_MAX 1024 /* characters */

#endif
