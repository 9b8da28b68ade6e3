/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/errors_priv.h"

#include "api/failure_log.h"
#include "api/native/native.h"
#include "base/json.h"

#define RETRY_AFTER_SECONDS S("5")

#define NUMBER(row) (NATIVE_##row - ERR_REASONS_API)

static const struct error_row rows[] = {
#define ROW(name, status, code, text) [NUMBER(name)] = { status, code, text },
#include "api/native/errors.def"
};

static const unsigned char codes[ERR_CODE_COUNT] = {
#define CODE(code, row) [ERR_##code] = NUMBER(row),
#include "api/native/errors.def"
};

static const unsigned char rules[REASON_END] = {
#define RULE(rule, row) [REASON_##rule] = NUMBER(row),
#include "api/native/errors.def"
};

static const unsigned char refusals[HTTP_REFUSE_END - ERR_REASONS_HTTP] = {
#define REFUSAL(refusal, row) [HTTP_REFUSE_##refusal - ERR_REASONS_HTTP] = NUMBER(row),
#include "api/native/errors.def"
};

enum {
    NEVER_MET = 0
#define NEVER(group) | 1 << REASONS_##group
#include "api/native/errors.def"
};

const struct error_table native_errors = { rows, LENGTH_OF(rows), codes, rules, refusals, NEVER_MET };

/* {"error": {"code": …, "message": …, "request_id": …}} */
static slice write_error(struct http_exchange *x, const struct error_row *words)
{
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    struct json_out o;
    json_out_init(&o, &body);
    json_open_object(&o);
    json_name(&o, "error");
    json_open_object(&o);
    json_put_string(&o, "code", slice_of(words->code));
    json_put_string(&o, "message", slice_of(words->text));
    json_put_string(&o, "request_id", x->req.id);
    json_close_object(&o);
    json_close_object(&o);
    return arena_copy(&x->arena, buf_slice(&body));
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
    http_reply(x, words.status, "application/json", write_error(x, &words));
}
