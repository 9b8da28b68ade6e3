/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/guard.h"

static void add_number(struct http_exchange *x, const char *header, int64_t value)
{
    http_reply_header(x, header, arena_printf(&x->arena, "%lld", (long long)value));
}

static void add_state(struct http_exchange *x, const struct rate_headers *h, const struct rate_state *state)
{
    if (state->limit == 0)
        return;
    add_number(x, h->limit, state->limit);
    add_number(x, h->remaining, state->remaining);
    if (h->reset_text)
        http_reply_header(x, h->reset, h->reset_text(x, state));
    else
        add_number(x, h->reset, state->reset_s);
}

struct guard_watch {
    struct http_watch watch;
    struct core *core;
    struct grant grant;
};

static err_t check_guard_watch(struct http_watch *watch)
{
    struct guard_watch *w = CONTAINER_OF(watch, struct guard_watch, watch);
    return grant_recheck(w->core, &w->grant);
}

void guard_watch(struct http_exchange *x, struct core *core, const struct principal *who)
{
    struct guard_watch *w = arena_new(&x->arena, struct guard_watch);
    *w = (struct guard_watch){ .watch = { check_guard_watch }, .core = core, .grant = grant_of(who) };
    http_watch(x, &w->watch);
}

void guard_admit(struct http_exchange *x, struct core *core, struct principal *who)
{
    who->request_id = x->req.id;
    x->principal = who;
    x->share = (uint64_t)who->account_id;
    guard_watch(x, core, who);
}

bool guard_count(struct http_exchange *x, struct rate_limit *limit, int64_t id, const struct rate_headers *h)
{
    const struct principal *who = x->principal;
    struct rate_state state;
    bool allowed = rate_limit_take(limit, who->account_id, id, &state);
    add_state(x, h, &state);
    if (!allowed)
        add_number(x, "Retry-After", state.reset_s);
    return allowed;
}

void guard_add_rate_headers(struct http_exchange *x, const struct rate_headers *h, struct rate_limit *limit)
{
    struct rate_state state;
    rate_limit_fresh(limit, &state);
    add_state(x, h, &state);
}

slice guard_login_address(const struct http_exchange *x)
{
    return slice_eq(x->req.peer, S("unix")) ? S("") : x->req.peer;
}

void guard_add_login_retry(struct http_exchange *x, struct core *core)
{
    add_number(x, "Retry-After", login_limit_retry_s(core->logins));
}
