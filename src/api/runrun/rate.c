/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/rate_priv.h"
#include "api/runrun/runrun_priv.h"
#include "base/text.h"

#define WINDOW_MS 60000

/* The end of the window in the form of the vendor's example: a whole minute, with an offset. The seconds in `state`
 * are rounded up and were taken a moment ago, so adding them to the present time gives a time in the minute that
 * follows. */
static slice reset_time(struct runrun *r, const struct rate_state *state, struct arena *a)
{
    int64_t at_ms = clock_now_ms(r->core->clock) + state->reset_s * 1000;
    slice utc = time_format_utc(a, at_ms - at_ms % WINDOW_MS);
    return arena_printf(a, SLICE_FMT "+00:00", SLICE_ARG(slice_part(utc, 0, utc.n - 1)));
}

void runrun_write_rate(struct http_exchange *x, const struct rate_state *state)
{
    if (state->limit == 0)
        return;
    http_reply_header(x, "RateLimit-Limit", arena_printf(&x->arena, "%lld", (long long)state->limit));
    http_reply_header(x, "RateLimit-Remaining", arena_printf(&x->arena, "%lld", (long long)state->remaining));
    http_reply_header(x, "RateLimit-Reset", reset_time(runrun_of(x), state, &x->arena));
}

void runrun_rate_headers(struct http_exchange *x)
{
    struct rate_state state;
    rate_limit_fresh(&runrun_of(x)->rate, &state);
    runrun_write_rate(x, &state);
}
