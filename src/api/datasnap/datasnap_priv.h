/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder: who asks, what a path names, replies and refusals. */
#ifndef CAIS_API_DATASNAP_DATASNAP_PRIV_H
#define CAIS_API_DATASNAP_DATASNAP_PRIV_H

#include "api/datasnap/datasnap.h"
#include "api/datasnap/field_errors.h"
#include "api/kit/json_reply.h"
#include "core/records/dataset.h"
#include "http/http.h"

static inline struct datasnap *datasnap_of(struct http_exchange *x)
{
    return x->api->context;
}
static inline const struct principal *datasnap_caller(struct http_exchange *x)
{
    return x->principal;
}

/* ---- who asks: auth.c ---- */

err_t datasnap_guard(struct http_exchange *);
/* Does the request carry a token of this API? For paths that other APIs have, too. */
bool datasnap_claims(const struct http_api *, const struct http_request *);
/* Errors: DATASNAP_FORBIDDEN the token has a lower role. */
MUST_USE err_t datasnap_need(struct http_exchange *, enum key_role role);
/* Counts the request in a limit of the account. Errors: DATASNAP_TOO_MANY. */
MUST_USE err_t datasnap_count(struct http_exchange *, enum datasnap_limit);
/* Members of the reply to a request above a limit. */
void datasnap_put_limit(struct http_exchange *, struct json_out *);
/* The schema in the path. Errors: DATASET_NOT_THERE. */
MUST_USE err_t datasnap_find_schema(struct http_exchange *, struct dataset *ret);
/* The number in a parameter of the path; 0, which no record has, when it is none. */
int64_t datasnap_path_id(struct http_exchange *, size_t param);

/* ---- refusals: errors.c ---- */

#define datasnap_refuse(a, row) error_refuse_at((a), ERR_HERE, &datasnap_errors, NULL, (row))
#define datasnap_refuse_because(a, cause, row) error_refuse_at((a), ERR_HERE, &datasnap_errors, (cause), (row))
void datasnap_fail(struct http_exchange *, err_t e);
/* NULL when there are none. The errors are kept in x->work until the reply. Errors: DATASNAP_FIELDS. */
MUST_USE err_t datasnap_refuse_fields(struct http_exchange *, const struct field_errors *);

/* A file of that many bytes is above the limit. Errors: DATASNAP_FILE_TOO_LARGE. */
MUST_USE err_t datasnap_refuse_size(struct http_exchange *, uint64_t bytes, uint64_t max);

/* ---- replies: json.c ---- */

/* "2026-11-21T03:29:08.000000Z" */
slice datasnap_time(struct arena *a, int64_t ms);
/* By its name on the wire; false: there is none. */
bool datasnap_processing_parse(slice text, enum dataset_processing *ret);
void datasnap_put_schema(struct json_out *, const struct dataset *, struct arena *a);
void datasnap_reply(struct json_reply *, int status);
/* The body as an object; an empty one when there is none. Errors: DATASNAP_BAD_REQUEST; those of json_parse_exact. */
MUST_USE err_t datasnap_read_body(struct http_exchange *, const struct json **ret);

#endif
