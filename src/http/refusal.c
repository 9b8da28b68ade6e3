/* SPDX-License-Identifier: Apache-2.0 */
#include "http/refusal.h"

static const struct http_refusal_row rows[HTTP_REFUSE_END - ERR_REASONS_HTTP] = {
#define HTTP_REFUSAL(name, code, status, closes, text)                                                                 \
    [HTTP_REFUSE_##name - ERR_REASONS_HTTP] = { ERR_##code, status, closes, text },
#include "http/refusals.def"
#undef HTTP_REFUSAL
};

const struct http_refusal_row *http_refusal_of(err_t e)
{
    int reason = err_reason(e);
    return reason >= ERR_REASONS_HTTP && reason < HTTP_REFUSE_END ? &rows[reason - ERR_REASONS_HTTP] : NULL;
}

err_t http_refuse_at(struct arena *a, const char *where, enum http_refusal refusal, const char *text)
{
    assert(refusal > HTTP_REFUSE_NOTHING && refusal < HTTP_REFUSE_END);
    const struct http_refusal_row *row = &rows[refusal - ERR_REASONS_HTTP];
    return err_refuse_at(a, where, NULL, row->code, refusal, "%s", text ? text : row->text);
}
