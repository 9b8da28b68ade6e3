/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication: App-Key names the account, User-Token the user (docs/apis/runrun.md §3). The guard runs on the
 * loop. */
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/rate_priv.h"
#include "api/runrun/runrun_priv.h"

err_t runrun_guard(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    slice key = http_header(&x->req, "App-Key"), token = http_header(&x->req, "User-Token");
    if (key.n == 0 || token.n == 0)
        return runrun_refuse(&x->arena, RUNRUN_UNAUTHORIZED);
    struct principal *who = arena_new(&x->arena, struct principal);
    int64_t key_id;
    TRY(access_check_pair(r->core, RUNRUN_PURPOSE, &(struct key_and_token){ key, token }, &x->arena, who, &key_id));
    who->request_id = x->req.id;
    x->principal = who;
    struct rate_state state;
    /* requests are counted for the App-Key, whichever user the token belongs to */
    bool allowed = rate_limit_take(&r->rate, who->account_id, key_id, &state);
    runrun_write_rate(x, &state);
    if (allowed)
        return NULL;
    http_reply_header(x, "Retry-After", arena_printf(&x->arena, "%lld", (long long)state.reset_s));
    return runrun_refuse(&x->arena, RUNRUN_TOO_MANY_REQUESTS);
}
