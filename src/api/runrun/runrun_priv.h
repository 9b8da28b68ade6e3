/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef CAIS_API_RUNRUN_PRIV_H
#define CAIS_API_RUNRUN_PRIV_H

#include "api/runrun/runrun.h"
#include "api/vendor_error.h"
#include "base/json.h"
#include "core/task/document.h"
#include "core/task/task.h"
#include "core/task/task_summary.h"
#include "http/target.h"

#include <assert.h>

static inline struct runrun *runrun_of(struct http_exchange *x)
{
    return x->api->context;
}
/* Who was let in; NULL on public routes. */
static inline const struct principal *runrun_who(struct http_exchange *x)
{
    return x->principal;
}

/* ---- errors.c ---- */

enum runrun_error {
    RUNRUN_NONE, /* an empty row: a bug, found by a test */
#define RUNRUN(name, status, text) RUNRUN_##name,
#include "api/runrun/errors.def"
#undef RUNRUN
    RUNRUN_ERROR_COUNT
};
extern const struct vendor_error runrun_vendor_errors[RUNRUN_ERROR_COUNT];
extern const enum runrun_error runrun_of_err[ERR_CODE_COUNT];

/* What a rule of tasks says: a row of errors.def, or what is wrong with a field. */
struct runrun_refusal {
    enum runrun_error error;
    const char *field, *text;
};
extern const struct runrun_refusal runrun_of_refusal[TASK_REFUSAL_COUNT];

/* Each of these ends the exchange. */
void runrun_fail(struct http_exchange *, enum runrun_error);
/* By runrun_of_err; a failure of the server's own making goes to the log. */
void runrun_fail_err(struct http_exchange *, err_t e);
void runrun_fail_task(struct http_exchange *, err_t e, enum task_refusal why);
void runrun_fail_duplicate(struct http_exchange *, int64_t file_id); /* 409 */
void runrun_refuse(struct http_exchange *, enum http_refusal, int status, const char *text);
/* To the log, not to the client. */
void runrun_log(struct http_exchange *, err_t e);

/* What is wrong with the fields of a request, collected, then told at once: 422. Of one field the first counts. */
struct runrun_faults {
    struct {
        const char *field;
        slice text;
    } items[8];
    size_t count;
};
void runrun_fault(struct runrun_faults *, const char *field, slice text);
void runrun_fail_faults(struct http_exchange *, const struct runrun_faults *);
void runrun_fail_field(struct http_exchange *, const char *field, slice text); /* only that one */

/* ---- auth.c ---- */

bool runrun_guard(struct http_exchange *);
/* Rate-limit headers for somebody unknown, where the guard wrote none. Every answer carries them. */
void runrun_rate_headers(struct http_exchange *);

/* ---- request.c ---- */

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

/* A page of a list. */
struct runrun_page {
    struct query query;
    size_t offset, limit;
    bool by_offset; /* the request says offset, and so will the links */
};
/* False: replied. */
bool runrun_read_page(struct http_exchange *, struct runrun_page *ret);
/* X-Item-Range and Link. shown: items on this page. */
void runrun_page_headers(struct http_exchange *, const struct runrun_page *, size_t shown, int64_t total);
/* A page behind the end is out of range and means the first: then true, and the list is to be read again. */
bool runrun_page_restart(struct runrun_page *, int64_t total);
/* Of items in memory: those from *ret_first on are on the page. */
size_t runrun_page_cut(struct runrun_page *, size_t total, size_t *ret_first);

/* ---- reply.c ---- */

/* An answer being written: JSON in memory of its own. */
struct runrun_answer {
    struct http_exchange *x;
    struct buf body;
    struct json_out o;
};
void runrun_answer_open(struct runrun_answer *, struct http_exchange *);
void runrun_answer_send(struct runrun_answer *, int status); /* ends the exchange */
void runrun_reply_nothing(struct http_exchange *);           /* 204 */
void runrun_redirect(struct http_exchange *, slice location);
/* 2026-11-21T11:04:09-03:00 */
slice runrun_date(const struct runrun *, struct arena *a, int64_t ms);
void runrun_put_null(struct json_out *, const char *name);
void runrun_put_date(struct runrun_answer *, const char *name, int64_t ms); /* null when it is 0 */
/* A string, or null when it is empty. */
void runrun_put_text(struct json_out *, const char *name, slice text);
/* Opens the object of a document and writes its members; the caller may add some, and closes it. */
void runrun_open_document(struct runrun_answer *, const struct document *);
/* How people are called, and how they are named. */
slice runrun_user_name(const struct user *);

/* ---- sign.c ---- */

/* "fields" and "upload_url" of a ticket's answer. */
void runrun_put_form(struct runrun_answer *, const struct document *);
/* A signed link to the bytes of a document. Its name, type and key are used. */
slice runrun_download_link(struct http_exchange *, const struct document *);
/* A link to a public route of ours, with a key that holds for link_lifetime: of "zip" or "file", on behalf of whoever
 * asked. */
slice runrun_claim_link(struct http_exchange *, const char *what, const int64_t *ids, size_t count);
#define RUNRUN_DOCUMENTS_IN_ZIP 100
struct runrun_claim {
    struct principal who;
    int64_t ids[RUNRUN_DOCUMENTS_IN_ZIP];
    size_t count;
};
/* Is the request such a link, in time, and may its user still come in? False: replied. At least one id. */
bool runrun_read_claim(struct http_exchange *, const char *what, struct runrun_claim *ret);

/* ---- boards.c ---- */

/* Errors: INVALID not a boards file. Everything in `a`. */
MUST_USE err_t runrun_boards_read(slice text, struct arena *a, const struct runrun_boards **ret);
bool runrun_board_is_known(const struct runrun_boards *, int64_t board_id);
/* Its name, or one made of its number. */
slice runrun_board_name(const struct runrun_boards *, int64_t board_id, struct arena *a);

/* ---- task_json.c ---- */

/* Answers with the task as it is now. */
void runrun_reply_task(struct http_exchange *, int status, int64_t task_id, bool with_description);
/* Writes the object of a task. */
void runrun_put_task(struct runrun_answer *, const struct task_summary *, const struct user *people,
                     size_t people_count, bool with_description);
/* The details that were kept with a task, in `a`; NULL when there are none. */
const struct json *runrun_task_details(struct http_exchange *, const struct task *, struct arena *a);

/* ---- handlers ---- */

void runrun_ticket(struct http_exchange *);
void runrun_confirm(struct http_exchange *);
void runrun_document_list(struct http_exchange *);
void runrun_document_get(struct http_exchange *);
void runrun_download(struct http_exchange *);
void runrun_no_picture(struct http_exchange *);
void runrun_document_delete(struct http_exchange *);
void runrun_zip_ask(struct http_exchange *);
void runrun_zip_send(struct http_exchange *);
void runrun_file_send(struct http_exchange *);
void runrun_task_create(struct http_exchange *);
void runrun_task_get(struct http_exchange *);
void runrun_task_list(struct http_exchange *);
void runrun_task_delete(struct http_exchange *);
void runrun_comment_create(struct http_exchange *);
void runrun_comment_list(struct http_exchange *);
void runrun_comment_get(struct http_exchange *);
void runrun_comment_edit(struct http_exchange *);
void runrun_comment_delete(struct http_exchange *);
void runrun_board_fields(struct http_exchange *);
void runrun_task_fields(struct http_exchange *);
void runrun_field_options(struct http_exchange *);
void runrun_me(struct http_exchange *);

#endif
