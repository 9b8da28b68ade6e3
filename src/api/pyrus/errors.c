/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pyrus/errors_priv.h"

#include "api/failure_log.h"
#include "api/pyrus/pyrus_priv.h"
#include "api/pyrus/rate_priv.h"
#include "base/json.h"

#define NUMBER(row) (PYRUS_##row - ERR_REASONS_API)

static const struct error_row rows[] = {
#define ROW(name, status, code, text) [NUMBER(name)] = { status, code, text },
#include "api/pyrus/errors.def"
};

static const unsigned char codes[ERR_CODE_COUNT] = {
#define CODE(code, row) [ERR_##code] = NUMBER(row),
#include "api/pyrus/errors.def"
};

static const unsigned char rules[REASON_END] = {
#define RULE(rule, row) [REASON_##rule] = NUMBER(row),
#include "api/pyrus/errors.def"
};

static const unsigned char refusals[HTTP_REFUSE_END - ERR_REASONS_HTTP] = {
#define REFUSAL(refusal, row) [HTTP_REFUSE_##refusal - ERR_REASONS_HTTP] = NUMBER(row),
#include "api/pyrus/errors.def"
};

enum {
    NEVER_MET = 0
#define NEVER(group) | 1 << REASONS_##group
#include "api/pyrus/errors.def"
};

const struct error_table pyrus_errors = { rows, LENGTH_OF(rows), codes, rules, refusals, NEVER_MET };

/* Replies {"error_code": …, "error": …}. For an unknown path or method it adds "Message", which one client reads. */
void pyrus_fail(struct http_exchange *x, err_t e)
{
    struct error_row words = error_words(&pyrus_errors, e);
    int row = error_row_of(&pyrus_errors, e);
    if (is_server_failure(e))
        log_failure(pyrus_of(x)->log, x, e);
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    struct json_out out;
    json_out_init(&out, &body);
    json_open_object(&out);
    json_put_string(&out, "error_code", slice_of(words.code));
    json_put_string(&out, "error", slice_of(words.text));
    if (row == NUMBER(INVALID_INPUT) || row == NUMBER(METHOD_NOT_ALLOWED))
        json_put_string(&out, "Message", slice_of(words.text));
    json_close_object(&out);
    if (!x->principal)
        pyrus_rate_headers(x);
    /* No handler will read the body of this upload. A short one is drained; for a long one the connection is closed. */
    bool unread = x->route && x->route->flags & HTTP_STREAM &&
                  (x->req.content_length < 0 || x->req.content_length > PYRUS_DRAIN_MAX);
    (unread ? http_reply_close : http_reply)(x, words.status, "application/json; charset=utf-8",
                                             arena_copy(&x->arena, buf_slice(&body)));
}
