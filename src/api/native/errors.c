/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/errors_priv.h"

#include "api/kit/failure_log.h"
#include "api/kit/json_reply.h"
#include "api/native/native.h"

#define RETRY_AFTER_SECONDS S("5")

#define NUMBER(row) (NATIVE_##row - ERR_REASONS_API)

#define ERROR_LIST "api/native/errors.def"
#include "api/kit/error_tables.def"
const struct error_table native_errors = ERROR_TABLE;

/* {"error": {"code": …, "message": …, "request_id": …}} */
static void write_error(struct json_reply *reply, const struct error_row *words)
{
    struct json_out *o = &reply->out;
    json_open_object(o);
    json_name(o, "error");
    json_open_object(o);
    json_put_string(o, "code", slice_of(words->code));
    json_put_string(o, "message", slice_of(words->text));
    json_put_string(o, "request_id", reply->x->req.id);
    json_close_object(o);
    json_close_object(o);
}

void native_fail(struct http_exchange *x, err_t e)
{
    const struct native_api *api = x->api->context;
    struct error_row words = error_words(&native_errors, e);
    if (is_server_failure(e))
        log_failure(api->log, x, e);
    if (words.status == 401)
        http_reply_header(x, "WWW-Authenticate", S("Bearer"));
    if ((words.status == 503 || words.status == 429) && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", RETRY_AFTER_SECONDS);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    write_error(&reply, &words);
    json_reply_send(&reply, words.status, JSON_REPLY_TYPE);
}
