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
    guard_admit(x, r->core, who);
    /* requests are counted for the App-Key, whichever user the token belongs to */
    if (!guard_count(x, &r->rate, key_id, &runrun_rate_headers))
        return runrun_refuse(&x->arena, RUNRUN_TOO_MANY_REQUESTS);
    return NULL;
}
