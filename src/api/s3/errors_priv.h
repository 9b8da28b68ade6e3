/* SPDX-License-Identifier: Apache-2.0 */
/* Every error of this API: errors.def has code, status and text of each; the tables here say which error stands for a
 * failure of core and for a refusal of the HTTP engine. */
#ifndef CAIS_API_S3_ERRORS_PRIV_H
#define CAIS_API_S3_ERRORS_PRIV_H

#include "api/vendor_error.h"
#include "http/http.h"

enum s3_error {
    S3_NONE, /* no error; in a table, a row that is missing: a test fails */
#define S3(name, status, code, text) S3_##name,
#include "api/s3/errors.def"
#undef S3
    S3_ERROR_COUNT
};
extern const struct vendor_error s3_vendor_errors[S3_ERROR_COUNT];
extern const enum s3_error s3_of_err[ERR_CODE_COUNT];
enum s3_error s3_error_of_refusal(enum http_refusal);

#endif
