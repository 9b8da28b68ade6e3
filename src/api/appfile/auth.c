/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and what they may: docs/apis/appfile.md 1.2. */
#include "api/appfile/appfile_priv.h"
#include "api/kit/guard.h"

/* Counts the request of the key. */
static err_t count(struct http_exchange *x, struct rate_limit *limit)
{
    const struct principal *who = appfile_caller(x);
    struct rate_state state;
    if (rate_limit_take(limit, who->account_id, who->credential_id, &state))
        return NULL;
    http_reply_header(x, "Retry-After", arena_printf(&x->arena, "%lld", (long long)state.reset_s));
    return appfile_refuse(&x->arena, APPFILE_TOO_MANY);
}

err_t appfile_guard(struct http_exchange *x)
{
    struct appfile *f = appfile_of(x);
    slice key = http_header(&x->req, "x-api-key");
    if (!key.n)
        return appfile_refuse(&x->arena, APPFILE_FORBIDDEN);
    struct principal *who = arena_new(&x->arena, struct principal);
    TRY(access_check(f->core, APPFILE_PURPOSE, CREDENTIAL_KEY, key, &x->arena, who));
    guard_admit(x, f->core, who);
    TRY(count(x, &f->rate));
    return count(x, &f->month);
}

err_t appfile_need(struct http_exchange *x, enum key_role role)
{
    return key_may(appfile_caller(x), role) ? NULL : appfile_refuse(&x->arena, APPFILE_ACCESS_DENIED);
}
