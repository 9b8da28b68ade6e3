/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which this API refuses a request. */
#ifndef CAIS_API_RUNRUN_ERRORS_PRIV_H
#define CAIS_API_RUNRUN_ERRORS_PRIV_H

#include "api/vendor_error.h"
#include "core/task/task.h"
#include "http/http.h"

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

#endif
