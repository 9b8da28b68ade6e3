/* SPDX-License-Identifier: Apache-2.0 */
/* How this API refuses. Every function that refuses returns an error: one of core or of the HTTP engine, or one that it
 * makes here from a row of errors.def. The reply is made in one place, s3_fail. */
#ifndef CAIS_API_S3_ERRORS_PRIV_H
#define CAIS_API_S3_ERRORS_PRIV_H

#include "api/kit/error_table.h"
#include "sign/sign.h"

/* The rows of errors.def, as reasons of errors. */
enum s3_error {
    S3_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) S3_##name,
#include "api/s3/errors.def"
    S3_ERROR_END
};
extern const struct error_table s3_errors;

/* The error of this row, in the arena `a`. Each {} of the row's text is replaced by the next of the values: slices, as
 * many as the text has {}. */
err_t s3_refuse_at(struct arena *a, const char *where, enum s3_error row, const slice *values, size_t count);
#define s3_refuse(a, row) s3_refuse_at((a), ERR_HERE, (row), NULL, 0)
#define s3_refuse_with(a, row, ...)                                                                                    \
    s3_refuse_at((a), ERR_HERE, (row), (const slice[]){ __VA_ARGS__ },                                                 \
                 sizeof((const slice[]){ __VA_ARGS__ }) / sizeof(slice))
/* The error of a fault in a signature or in what it covers. about: the part that the fault is about; may be empty. */
enum s3_signed_in { S3_IN_HEADER, S3_IN_LINK, S3_IN_FORM };
err_t s3_refuse_fault_at(struct arena *a, const char *where, enum s3_signed_in, enum sign_fault, slice about);
#define s3_refuse_fault(a, in, fault, about) s3_refuse_fault_at((a), ERR_HERE, (in), (fault), (about))
/* The row of a fault; 0: there is none, because a request that is signed in this way never has the fault. */
int s3_row_of_fault(enum s3_signed_in, enum sign_fault);

/* What a client is told about this error: its code, its status, its text. The text may end with the error. */
struct error_row s3_words(err_t e);
/* struct http_api's fail: replies to any error. Failures of the server itself are logged. */
void s3_fail(struct http_exchange *, err_t e);

#endif
