/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/rate_priv.h"
#include "api/runrun/runrun_priv.h"
#include "base/text.h"

#define WINDOW_MS 60000

/* The end of the window in the form of the vendor's example: a whole minute, with an offset. The seconds in `state`
 * are rounded up and were taken a moment ago, so adding them to the present time gives a time in the minute that
 * follows. */
static slice format_reset(struct http_exchange *x, const struct rate_state *state)
{
    int64_t at_ms = clock_now_ms(runrun_of(x)->core->clock) + state->reset_s * 1000;
    slice utc = time_format_utc(&x->arena, at_ms - at_ms % WINDOW_MS);
    return arena_printf(&x->arena, SLICE_FMT "+00:00", SLICE_ARG(slice_part(utc, 0, utc.n - 1)));
}

const struct rate_headers runrun_rate_headers = { "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
                                                  format_reset };

void runrun_add_fresh_rate(struct http_exchange *x)
{
    guard_add_rate_headers(x, &runrun_rate_headers, &runrun_of(x)->rate);
}
