/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder: who asks, replies and refusals, members of requests. */
#ifndef CAIS_API_APPFILE_APPFILE_PRIV_H
#define CAIS_API_APPFILE_APPFILE_PRIV_H

#include "api/appfile/appfile.h"
#include "api/kit/json_reply.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_report.h"
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
/* field, message: as the client sees them; they live as long as the exchange. Only the first error of a field counts. */
void appfile_add_field_error(struct appfile_field_errors *, const char *field, enum appfile_field_code,
                             const char *message);
/* NULL when there are none. Errors: APPFILE_VALIDATION. */
MUST_USE err_t appfile_refuse_fields(struct http_exchange *, const struct appfile_field_errors *);

/* ---- replies: reply.c ---- */

/* ResponseStatus. */
struct appfile_status {
    const char *code; /* NULL: null */
    slice message;    /* empty: null */
    slice errors;     /* a JSON array; empty: none */
};
/* The envelope, up to Data, which the caller writes: an object that is open. status NULL: nothing is said. */
void appfile_open_envelope(struct json_out *, bool is_success, const struct appfile_status *status);
/* "2026-11-21T03:31:00.0000000Z" */
slice appfile_time(struct arena *a, int64_t ms);
void appfile_put_null(struct json_out *, const char *name);
void appfile_put_text(struct json_out *, const char *name, slice text); /* empty: null */
/* Ends the exchange. */
void appfile_reply(struct json_reply *, int status);

/* ---- links: link.c ---- */

/* A URL for the bytes of the file, valid for url_lifetime from `at_ms`, on behalf of the caller. In the arena of the exchange. */
slice appfile_link(struct http_exchange *, const char *method, const struct sync_file *, int64_t at_ms);

/* ---- what an import found: report_json.c ---- */

#define APPFILE_ERRORS_SHOWN 100

/* Arrays of JSON. */
struct appfile_report {
    slice errors; /* the first APPFILE_ERRORS_SHOWN */
    slice logs;   /* oldest first */
    slice reason; /* the first error, as a sentence; empty: there is none */
};
/* In `a`. Up to some 2 ms of work. Errors: those of arena_check. */
MUST_USE err_t appfile_show_report(const struct appfile *, const struct sync_file *, const struct sync_report *,
                                   struct arena *a, struct appfile_report *ret);

/* ---- files: file_json.c, show.c, wait.c ---- */

/* A file, and what its last import found; report NULL: nothing. */
struct appfile_shown {
    const struct sync_file *file;
    const struct appfile_report *report;
    int64_t now_ms;
    slice url; /* of its bytes, or to put them to; empty: none */
};
/* Writes the object File. */
void appfile_put_file(const struct appfile *, struct json_out *, const struct appfile_shown *, struct arena *a);
/* Writes the whole reply: the envelope, and Data with ActionId, File, FileId, FilePath, Url. Ends the exchange. */
void appfile_reply_file(struct http_exchange *, const struct appfile_shown *, bool is_success,
                        const struct appfile_status *);
enum appfile_wording {
    APPFILE_WORDS_STATE,   /* how it stands */
    APPFILE_WORDS_NOTHING, /* the request was accepted */
    APPFILE_WORDS_WAIT,    /* how it stands, and that an import which has not ended goes on */
};
/* Replies with the file as it is when the reply is made: on the loop, or in a lane if much is to be shown. found: as it was just
 * read. has_etag: with the headers by which a client asks again. */
struct appfile_show {
    slice handle;
    enum appfile_wording wording;
    bool has_etag;
};
MUST_USE err_t appfile_show_file(struct http_exchange *, const struct sync_file *found, const struct appfile_show *);
/* What says whether a client knows it. */
slice appfile_etag(struct http_exchange *, const struct sync_file *, int64_t now_ms);
/* Replies as appfile_show_file does with APPFILE_WORDS_WAIT, once the last import of the file has ended, but at the latest after
 * import_wait; at once when too many requests wait. Meanwhile the exchange has no thread (http_suspend). Thread: the exchange's
 * loop. */
MUST_USE err_t appfile_wait_for_import(struct http_exchange *, const struct sync_file *);
/* Copies of a file that was queued what appfile_wait_for_import needs, on the committer's thread. */
void appfile_note_queued(struct http_exchange *, const struct sync_file *, struct sync_file *ret);
void appfile_waits_open(struct appfile *);
void appfile_waits_close(struct appfile *); /* no request waits any more */
slice appfile_file_path(const struct appfile *, const struct sync_file *, struct arena *a); /* "//bucket/key" */
/* Values of Status, Result, Source and FileType. */
const char *appfile_state_name(enum sync_state);
const char *appfile_state_result(enum sync_state);
const char *appfile_way_name(enum sync_way);
const char *appfile_form_name(enum sync_form);

#endif
