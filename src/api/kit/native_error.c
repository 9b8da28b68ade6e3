/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/native_error.h"

#include "api/kit/failure_log.h"
#include "api/kit/json_reply.h"

#define RETRY_AFTER_SECONDS S("5")

struct error_row native_error_begin(struct http_exchange *x, struct log *log, const struct error_table *table, err_t e)
{
    struct error_row words = error_words(table, e);
    if (is_server_failure(e))
        log_failure(log, x, e);
    if (words.status == 401)
        http_reply_header(x, "WWW-Authenticate", S("Bearer"));
    if ((words.status == 503 || words.status == 429) && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", RETRY_AFTER_SECONDS);
    return words;
}

void native_error_reply(struct http_exchange *x, const struct error_row *words)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    struct json_out *o = &reply.out;
    json_open_object(o);
    json_name(o, "error");
    json_open_object(o);
    json_put_string(o, "code", slice_of(words->code));
    json_put_string(o, "message", slice_of(words->text));
    json_put_string(o, "request_id", x->req.id);
    json_close_object(o);
    json_close_object(o);
    json_reply_send(&reply, words->status, JSON_REPLY_TYPE);
}
