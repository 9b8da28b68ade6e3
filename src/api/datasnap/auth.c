/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and what they may: docs/apis/datasnap.md 2. */
#include "api/datasnap/datasnap_priv.h"
#include "api/kit/guard.h"
#include "core/dataset/dataset.h"
#include "core/records/credential.h"
#include "http/auth_header.h"

static err_t find_caller(struct core *core, const struct http_request *req, struct arena *a, struct principal *ret)
{
    struct auth_header header;
    err_t e = auth_header_parse(http_header(req, "Authorization"), a, &header);
    if (!e && !auth_header_is(&header, S("Bearer")))
        e = err_make(a, ERR_UNAUTHENTICATED, "the scheme is another one than Bearer");
    if (e)
        return err_because(a, e, ERR_UNAUTHENTICATED, "the request has no token");
    return access_check(core, DATASNAP_PURPOSE, CREDENTIAL_KEY, header.credentials, a, ret);
}

err_t datasnap_guard(struct http_exchange *x)
{
    struct core *core = datasnap_of(x)->core;
    struct principal *who = arena_new(&x->arena, struct principal);
    TRY(find_caller(core, &x->req, &x->arena, who));
    guard_admit(x, core, who);
    return NULL;
}

bool datasnap_claims(const struct http_api *api, const struct http_request *req)
{
    const struct datasnap *d = api->context;
    struct principal unused;
    SCRATCH(scratch);
    return !find_caller(d->core, req, &scratch, &unused);
}

err_t datasnap_need(struct http_exchange *x, enum key_role role)
{
    return key_may(datasnap_caller(x), role) ? NULL : datasnap_refuse(&x->arena, DATASNAP_FORBIDDEN);
}

/* ---- limits of an account ---- */

struct exceeded {
    int64_t limit, retry_s;
};

err_t datasnap_count(struct http_exchange *x, enum datasnap_limit which)
{
    struct rate_limit *limit = &datasnap_of(x)->limits[which];
    int64_t account_id = datasnap_caller(x)->account_id;
    struct rate_state state;
    if (rate_limit_take(limit, account_id, account_id, &state))
        return NULL;
    struct exceeded *exceeded = arena_new(&x->arena, struct exceeded);
    *exceeded = (struct exceeded){ state.limit, state.reset_s };
    x->work = exceeded;
    http_reply_header(x, "Retry-After", arena_printf(&x->arena, "%lld", (long long)state.reset_s));
    return datasnap_refuse(&x->arena, DATASNAP_TOO_MANY);
}

void datasnap_put_limit(struct http_exchange *x, struct json_out *o)
{
    const struct exceeded *exceeded = x->work;
    if (!exceeded)
        return;
    json_put_int(o, "retry_after", exceeded->retry_s);
    json_put_string(o, "limit_type", S("rate_limit"));
    json_put_int(o, "current_usage", exceeded->limit + 1);
    json_put_int(o, "limit", exceeded->limit);
}

/* ---- what a path names ---- */

err_t datasnap_find_schema(struct http_exchange *x, struct dataset *ret)
{
    return dataset_find(datasnap_of(x)->core, datasnap_caller(x)->account_id, x->req.params[0], &x->arena, ret);
}

int64_t datasnap_path_id(struct http_exchange *x, size_t param)
{
    int64_t id;
    return slice_to_i64(x->req.params[param], &id) && id > 0 ? id : 0;
}
