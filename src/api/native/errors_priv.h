/* SPDX-License-Identifier: Apache-2.0 */
/* How this API refuses. A function that refuses returns native_refuse; the reply is made in one place, native_fail. */
#ifndef CAIS_API_NATIVE_ERRORS_PRIV_H
#define CAIS_API_NATIVE_ERRORS_PRIV_H

#include "api/kit/error_table.h"

/* The rows of errors.def, as reasons of errors. */
enum native_error {
    NATIVE_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) NATIVE_##name,
#include "api/native/errors.def"
};
extern const struct error_table native_errors;

/* The error of this row, in the arena `a`. */
#define native_refuse(a, row) error_refuse_at((a), ERR_HERE, &native_errors, NULL, (row))
#define native_refuse_because(a, cause, row) error_refuse_at((a), ERR_HERE, &native_errors, (cause), (row))

/* struct http_api's fail: replies to any error. */
void native_fail(struct http_exchange *, err_t e);

#endif
