/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pyrus/pyrus_priv.h"
#include "api/pyrus/rate_priv.h"

void pyrus_write_rate(struct http_exchange *x, const struct rate_state *state)
{
    if (state->limit == 0)
        return;
    http_reply_header(x, "X-RateLimit-Limit", arena_printf(&x->arena, "%lld", (long long)state->limit));
    http_reply_header(x, "X-RateLimit-Remaining", arena_printf(&x->arena, "%lld", (long long)state->remaining));
    http_reply_header(x, "X-RateLimit-Reset", arena_printf(&x->arena, "%lld", (long long)state->reset_s));
}

void pyrus_rate_headers(struct http_exchange *x)
{
    struct rate_state state;
    rate_limit_fresh(&pyrus_of(x)->rate, &state);
    pyrus_write_rate(x, &state);
}
