/* SPDX-License-Identifier: Apache-2.0 */
/* The errors of this API, and the functions that reply with them. Each function below ends the exchange, but for
 * pyrus_log. */
#ifndef CAIS_API_PYRUS_ERRORS_PRIV_H
#define CAIS_API_PYRUS_ERRORS_PRIV_H

#include "api/vendor_error.h"
#include "core/task/task.h"
#include "http/http.h"

enum pyrus_error {
    PYRUS_NONE, /* an empty row of a table below: a bug that a test finds */
#define PYRUS(name, status, code, text) PYRUS_##name,
#include "api/pyrus/errors.def"
#undef PYRUS
    PYRUS_ERROR_COUNT
};
extern const struct vendor_error pyrus_vendor_errors[PYRUS_ERROR_COUNT];
extern const enum pyrus_error pyrus_of_err[ERR_CODE_COUNT];
extern const enum pyrus_error pyrus_of_reason[REASON_END];

/* The error that replies with this row. */
err_t pyrus_refuse(struct arena *, enum pyrus_error);

/* Replies with this error. */
void pyrus_fail(struct http_exchange *, enum pyrus_error);
/* Replies with the row of this error. One with a status from 500 on is also logged. */
void pyrus_fail_err(struct http_exchange *, err_t e);
/* Logs the error for the operator; the client does not see it. */
void pyrus_log(struct http_exchange *, err_t e);

#endif
