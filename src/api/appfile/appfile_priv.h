/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder: who asks, replies and refusals, members of requests. */
#ifndef CAIS_API_APPFILE_APPFILE_PRIV_H
#define CAIS_API_APPFILE_APPFILE_PRIV_H

#include "api/appfile/appfile.h"
#include "api/kit/json_reply.h"
#include "core/sync/sync_file.h"
#include "http/http.h"

static inline struct appfile *appfile_of(struct http_exchange *x)
{
    return x->api->context;
}
static inline const struct principal *appfile_caller(struct http_exchange *x)
{
    return x->principal;
}

/* ---- who asks: auth.c ---- */

err_t appfile_guard(struct http_exchange *);
/* Errors: APPFILE_ACCESS_DENIED the key has a lower role. */
MUST_USE err_t appfile_need(struct http_exchange *, enum key_role role);

/* ---- refusals: errors.c ---- */

#define appfile_refuse(a, row) error_refuse_at((a), ERR_HERE, &appfile_errors, NULL, (row))
#define appfile_refuse_because(a, cause, row) error_refuse_at((a), ERR_HERE, &appfile_errors, (cause), (row))
void appfile_fail(struct http_exchange *, err_t e);

enum appfile_field_code { APPFILE_NOT_EMPTY, APPFILE_TOO_LONG, APPFILE_INVALID };
enum { APPFILE_FIELDS_MAX = 16 };
/* What is wrong with the members of a request. A reader notes an error and goes on, so that a client sees all of them at once. */
struct appfile_field_errors {
    struct {
        const char *field;
        enum appfile_field_code code;
        slice message;
    } items[APPFILE_FIELDS_MAX];
    size_t count;
};
/* field, message: as the client sees them; static. Only the first error of a field counts. */
void appfile_add_field_error(struct appfile_field_errors *, const char *field, enum appfile_field_code,
                             const char *message);
/* NULL when there are none. Errors: APPFILE_VALIDATION. */
MUST_USE err_t appfile_refuse_fields(struct http_exchange *, const struct appfile_field_errors *);

/* ---- replies: reply.c ---- */

/* The envelope, up to Data, which the caller writes: an object that is open. */
void appfile_open_envelope(struct json_out *, bool is_success, const struct error_row *status);
/* "2026-11-21T03:31:00.0000000Z" */
slice appfile_time(struct arena *a, int64_t ms);
void appfile_put_null(struct json_out *, const char *name);
/* Ends the exchange. */
void appfile_reply(struct json_reply *, int status);

/* ---- links: link.c ---- */

/* A URL for the bytes of the file, valid for url_lifetime from `at_ms`, on behalf of the caller. In the arena of the exchange. */
slice appfile_link(struct http_exchange *, const char *method, const struct sync_file *, int64_t at_ms);

/* ---- files: file_json.c ---- */

/* Writes the members of Data: ActionId, File, FileId, FilePath, Url. url empty: null. */
void appfile_put_file(struct http_exchange *, struct json_out *, const struct sync_file *, slice url);
const char *appfile_state_name(enum sync_state);

#endif
