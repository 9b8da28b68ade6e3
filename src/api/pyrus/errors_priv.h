/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which this API refuses a request. Each function below that takes an exchange, but pyrus_log, ends it. */
#ifndef CAIS_API_PYRUS_ERRORS_PRIV_H
#define CAIS_API_PYRUS_ERRORS_PRIV_H

#include "api/vendor_error.h"
#include "core/task/task.h"
#include "http/http.h"

enum pyrus_error {
    PYRUS_NONE, /* an empty row: a bug, found by a test */
#define PYRUS(name, status, code, text) PYRUS_##name,
#include "api/pyrus/errors.def"
#undef PYRUS
    PYRUS_ERROR_COUNT
};
extern const struct vendor_error pyrus_vendor_errors[PYRUS_ERROR_COUNT];
extern const enum pyrus_error pyrus_of_err[ERR_CODE_COUNT];
extern const enum pyrus_error pyrus_of_refusal[TASK_REFUSAL_COUNT];

/* End the exchange with an error. */
void pyrus_fail(struct http_exchange *, enum pyrus_error);
/* By pyrus_of_err; a failure of the server's own making goes to the log. */
void pyrus_fail_err(struct http_exchange *, err_t e);
/* By pyrus_of_refusal when a rule of tasks said no, else as above. */
void pyrus_fail_task(struct http_exchange *, err_t e, enum task_refusal why);
void pyrus_log(struct http_exchange *, err_t e);
void pyrus_refuse(struct http_exchange *, enum http_refusal, int status, const char *text);

#endif
