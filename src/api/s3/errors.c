/* SPDX-License-Identifier: Apache-2.0 */
/* Which error of errors.def stands for each failure of core and each refusal of the HTTP engine. A test fails while a
 * row is missing. */
#include "api/s3/errors_priv.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

const struct vendor_error s3_vendor_errors[S3_ERROR_COUNT] = {
#define S3(name, status, code, text) [S3_##name] = { status, code, text },
#include "api/s3/errors.def"
#undef S3
};

const enum s3_error s3_of_err[ERR_CODE_COUNT] = {
    [ERR_NOT_FOUND] = S3_NO_SUCH_KEY,
    [ERR_EXPIRED] = S3_INVALID_ACCESS_KEY,
    [ERR_REVOKED] = S3_INVALID_ACCESS_KEY,
    [ERR_BLOCKED] = S3_ACCOUNT_PROBLEM,
    [ERR_UNAUTHENTICATED] = S3_INVALID_ACCESS_KEY,
    [ERR_FORBIDDEN] = S3_ACCESS_DENIED,
    [ERR_INVALID] = S3_INVALID_ARGUMENT,
    [ERR_CONFLICT] = S3_PRECONDITION_FAILED,
    [ERR_TOO_LARGE] = S3_ENTITY_TOO_LARGE,
    [ERR_EMPTY] = S3_ENTITY_TOO_SMALL,
    [ERR_DIGEST] = S3_BAD_DIGEST,
    [ERR_TRUNCATED] = S3_INCOMPLETE_BODY,
    [ERR_QUOTA] = S3_QUOTA,
    [ERR_NO_SPACE] = S3_NO_SPACE,
    [ERR_RATE] = S3_SLOW_DOWN,
    [ERR_UNAVAILABLE] = S3_UNAVAILABLE,
    [ERR_CORRUPT] = S3_INTERNAL,
    [ERR_UNSUPPORTED] = S3_NOT_IMPLEMENTED,
};

enum s3_error s3_error_of_refusal(enum http_refusal refusal)
{
    switch (refusal) {
    case HTTP_REFUSE_MALFORMED:
        return S3_INVALID_REQUEST;
    case HTTP_REFUSE_NO_ROUTE:
        return S3_NO_SUCH_BUCKET;
    case HTTP_REFUSE_METHOD:
        return S3_METHOD_NOT_ALLOWED;
    case HTTP_REFUSE_BODY_TOO_LARGE:
        return S3_MESSAGE_TOO_LARGE;
    case HTTP_REFUSE_MULTIPART:
        return S3_MALFORMED_POST;
    case HTTP_REFUSE_BODY_CUT:
        return S3_INCOMPLETE_BODY;
    case HTTP_REFUSE_HEAD_TOO_LARGE:
        return S3_HEAD_TOO_LARGE;
    case HTTP_REFUSE_EXPECTATION:
        return S3_EXPECTATION;
    case HTTP_REFUSE_NOT_IMPLEMENTED:
        return S3_NOT_IMPLEMENTED;
    case HTTP_REFUSE_VERSION:
        return S3_HTTP_VERSION;
    case HTTP_REFUSE_TIMEOUT:
        return S3_TIMEOUT;
    case HTTP_REFUSE_RANGE:
        return S3_INVALID_RANGE;
    case HTTP_REFUSE_PRECONDITION:
        return S3_PRECONDITION_FAILED;
    case HTTP_REFUSE_BUSY:
        return S3_SLOW_DOWN;
    case HTTP_REFUSE_NOTHING:
    case HTTP_REFUSE_END:
        break;
    }
    return S3_INTERNAL;
}
