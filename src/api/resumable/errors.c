/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/json_reply.h"
#include "api/kit/native_error.h"
#include "api/resumable/call.h"

#define PROBLEM_TYPE "application/problem+json"
#define PROBLEMS "https://iana.org/assignments/http-problem-types#"

#define NUMBER(row) (RESUMABLE_##row - ERR_REASONS_API)
#define ERROR_LIST "api/resumable/errors.def"
#include "api/kit/error_tables.def"
const struct error_table resumable_errors = ERROR_TABLE;

/* RFC 9457, with the types that the draft registers. */
static void write_problem(struct json_reply *reply, const struct error_row *words, int row)
{
    const struct call *call = call_of(reply->x);
    struct json_out *o = &reply->out;
    bool is_offset = row == NUMBER(OFFSET), is_length = row == NUMBER(LENGTH);
    json_open_object(o);
    json_put_string(o, "type",
                    is_offset   ? S(PROBLEMS "mismatching-upload-offset")
                    : is_length ? S(PROBLEMS "inconsistent-upload-length")
                                : S("about:blank"));
    json_put_string(o, "title", slice_of(words->text));
    json_put_int(o, "status", words->status);
    json_put_string(o, "code", slice_of(words->code));
    json_put_string(o, "request_id", reply->x->req.id);
    if (is_offset && call && call->has_offsets) {
        json_put_int(o, "expected-offset", call->expected_offset);
        json_put_int(o, "provided-offset", call->provided_offset);
    }
    json_close_object(o);
}

static void reply_problem(struct http_exchange *x, const struct error_row *words, int row)
{
    struct json_reply reply;
    if (words->status == 413)
        http_reply_header(x, "Upload-Limit", call_limits(x, NULL));
    http_reply_header(x, "Upload-Complete", S("?0"));
    json_reply_begin(&reply, x);
    write_problem(&reply, words, row);
    json_reply_send(&reply, words->status, PROBLEM_TYPE);
}

void resumable_fail(struct http_exchange *x, err_t e)
{
    const struct resumable *r = x->api->context;
    struct error_row words = native_error_begin(x, r->log, &resumable_errors, e);
    if (!call_of(x)) /* the engine refused it before the guard ran, or nobody was let in */
        call_add_headers(x);
    if (call_protocol(&x->req) == PROTOCOL_TUS)
        native_error_reply(x, &words);
    else
        reply_problem(x, &words, error_row_of(&resumable_errors, e));
}
