/* SPDX-License-Identifier: Apache-2.0 */
/* How this API refuses. A function that refuses returns pyrus_refuse; the reply is made in one place, pyrus_fail. */
#ifndef CAIS_API_PYRUS_ERRORS_PRIV_H
#define CAIS_API_PYRUS_ERRORS_PRIV_H

#include "api/kit/error_table.h"

/* The rows of errors.def, as reasons of errors. */
enum pyrus_error {
    PYRUS_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) PYRUS_##name,
#include "api/pyrus/errors.def"
    PYRUS_ERROR_END
};
extern const struct error_table pyrus_errors;

/* The error of this row, in the arena `a`; the second also keeps what was found. */
#define pyrus_refuse(a, row) error_refuse_at((a), ERR_HERE, &pyrus_errors, NULL, (row))
#define pyrus_refuse_because(a, cause, row) error_refuse_at((a), ERR_HERE, &pyrus_errors, (cause), (row))

/* struct http_api's fail: replies to any error. */
void pyrus_fail(struct http_exchange *, err_t e);

#endif
