/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/errors_priv.h"

#include "api/kit/native_error.h"
#include "api/native/native.h"

#define NUMBER(row) (NATIVE_##row - ERR_REASONS_API)

#define ERROR_LIST "api/native/errors.def"
#include "api/kit/error_tables.def"
const struct error_table native_errors = ERROR_TABLE;

void native_fail(struct http_exchange *x, err_t e)
{
    const struct native_api *api = x->api->context;
    struct error_row words = native_error_begin(x, api->log, &native_errors, e);
    native_error_reply(x, &words);
}
