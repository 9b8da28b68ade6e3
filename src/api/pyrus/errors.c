/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pyrus/errors_priv.h"

#include "api/kit/failure_log.h"
#include "api/kit/json_reply.h"
#include "api/pyrus/pyrus_priv.h"
#include "api/pyrus/rate_priv.h"

#define NUMBER(row) (PYRUS_##row - ERR_REASONS_API)

#define ERROR_LIST "api/pyrus/errors.def"
#include "api/kit/error_tables.def"
const struct error_table pyrus_errors = ERROR_TABLE;

/* Replies {"error_code": …, "error": …}. For an unknown path or method it adds "Message", which one client reads. */
void pyrus_fail(struct http_exchange *x, err_t e)
{
    struct error_row words = error_words(&pyrus_errors, e);
    int row = error_row_of(&pyrus_errors, e);
    if (is_server_failure(e))
        log_failure(pyrus_of(x)->log, x, e);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "error_code", slice_of(words.code));
    json_put_string(&reply.out, "error", slice_of(words.text));
    if (row == NUMBER(INVALID_INPUT) || row == NUMBER(METHOD_NOT_ALLOWED))
        json_put_string(&reply.out, "Message", slice_of(words.text));
    json_close_object(&reply.out);
    if (!x->principal)
        pyrus_add_fresh_rate(x);
    /* No handler will read the body of this upload. A short one is drained; for a long one the connection is closed. */
    bool unread = x->route && x->route->flags & HTTP_STREAM &&
                  (x->req.content_length < 0 || x->req.content_length > PYRUS_DRAIN_MAX);
    (unread ? http_reply_close : http_reply)(x, words.status, JSON_REPLY_TYPE_UTF8, json_reply_end(&reply));
}
