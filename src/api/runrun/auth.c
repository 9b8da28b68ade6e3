/* SPDX-License-Identifier: Apache-2.0 */
/* Letting in: one header names the account, the other the user (docs/apis/runrun.md §3). Runs on the loop. */
#include "api/runrun/runrun_priv.h"
#include "base/text.h"

#define WINDOW_MS 60000

/* The end of the window as the vendor's example has it: a whole minute, with an offset. `state` was taken a moment ago;
 * its seconds, rounded up, lead into the same minute. */
static slice reset_time(struct runrun *r, const struct rate_state *state, struct arena *a)
{
    int64_t at_ms = clock_now_ms(r->core->clock) + state->reset_s * 1000;
    slice utc = time_format_utc(a, at_ms - at_ms % WINDOW_MS);
    return arena_printf(a, SLICE_FMT "+00:00", SLICE_ARG(slice_part(utc, 0, utc.n - 1)));
}

static void write_rate(struct http_exchange *x, const struct rate_state *state)
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
    write_rate(x, &state);
}

bool runrun_guard(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    slice key = http_header(&x->req, "App-Key"), token = http_header(&x->req, "User-Token");
    if (key.n == 0 || token.n == 0) {
        runrun_fail(x, RUNRUN_UNAUTHORIZED);
        return false;
    }
    struct principal *who = arena_new(&x->arena, struct principal);
    int64_t key_id;
    err_t e = access_check_pair(r->core, RUNRUN_PURPOSE, key, token, &x->arena, who, &key_id);
    if (e) {
        runrun_fail_err(x, e);
        return false;
    }
    who->request_id = x->req.id;
    x->principal = who;
    struct rate_state state;
    /* counted by App-Key, whoever the token belongs to */
    bool allowed = rate_limit_take(&r->rate, who->account_id, key_id, &state);
    write_rate(x, &state);
    if (!allowed) {
        http_reply_header(x, "Retry-After", arena_printf(&x->arena, "%lld", (long long)state.reset_s));
        runrun_fail(x, RUNRUN_TOO_MANY_REQUESTS);
    }
    return allowed;
}
