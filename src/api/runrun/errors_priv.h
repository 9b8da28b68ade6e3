/* SPDX-License-Identifier: Apache-2.0 */
/* The errors of this API, and the functions that reply with them. */
#ifndef CAIS_API_RUNRUN_ERRORS_PRIV_H
#define CAIS_API_RUNRUN_ERRORS_PRIV_H

#include "api/vendor_error.h"
#include "core/task/task.h"
#include "http/http.h"

enum runrun_error {
    RUNRUN_NONE, /* an empty row of a table below: a bug that a test finds */
#define RUNRUN(name, status, text) RUNRUN_##name,
#include "api/runrun/errors.def"
#undef RUNRUN
    RUNRUN_ERROR_COUNT
};
extern const struct vendor_error runrun_vendor_errors[RUNRUN_ERROR_COUNT];
extern const enum runrun_error runrun_of_err[ERR_CODE_COUNT];

/* The reply for a broken rule of core: a row of errors.def, or a field error (then `error` is RUNRUN_NONE). */
struct runrun_refusal {
    enum runrun_error error;
    const char *field, *text;
};
extern const struct runrun_refusal runrun_of_reason[REASON_END];

/* The error that replies with this row. */
err_t runrun_refuse(struct arena *, enum runrun_error);

/* Each of these functions ends the exchange. */
void runrun_fail(struct http_exchange *, enum runrun_error);
/* Replies with the row of this error. One with a status from 500 on is also logged. */
void runrun_fail_err(struct http_exchange *, err_t e);
/* 409: the task already has the document `file_id`, with the same name. */
void runrun_fail_duplicate(struct http_exchange *, int64_t file_id);
/* Logs the error for the operator; the client does not see it. Does not end the exchange. */
void runrun_log(struct http_exchange *, err_t e);

/* The errors in the fields of one request. They are collected and reported in one reply, 422. A field keeps its first
 * error. */
struct runrun_field_errors {
    struct {
        const char *field;
        slice text;
    } items[8];
    size_t count;
};
void runrun_add_field_error(struct runrun_field_errors *, const char *field, slice text);
void runrun_fail_fields(struct http_exchange *, const struct runrun_field_errors *);
void runrun_fail_field(struct http_exchange *, const char *field, slice text); /* with a single error */

#endif
