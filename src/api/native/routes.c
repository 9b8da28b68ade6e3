/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of this API share, and the tables of their routes as one. */
#include "api/native/routes_priv.h"

#include "api/kit/caller.h"
#include "api/kit/list_reply.h"
#include "api/native/errors_priv.h"
#include "base/config_key.h"
#include "base/live.h"
#include "core/access/access.h"

#include <string.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 /* as errors.def says */ };

slice native_query_value(const struct query *q, slice name)
{
    slice value = S("");
    query_get(q, name, 0, &value);
    return value;
}

err_t native_read_limit(const struct query *q, struct arena *a, size_t *ret)
{
    slice text = native_query_value(q, S("limit"));
    uint64_t limit = LIMIT_DEFAULT;
    if (text.n && (!slice_to_u64(text, &limit) || limit < 1 || limit > LIMIT_MAX))
        return native_refuse(a, NATIVE_BAD_LIMIT);
    *ret = (size_t)limit;
    return NULL;
}

err_t native_read_page(const struct query *q, struct arena *a, size_t max, struct id_page *ret)
{
    slice after = native_query_value(q, S("after"));
    struct id_page page = { 0 };
    TRY(native_read_limit(q, a, &page.limit));
    if (page.limit > max)
        page.limit = max;
    if (after.n && (!slice_to_i64(after, &page.after_id) || page.after_id < 1))
        return native_refuse(a, NATIVE_BAD_AFTER);
    *ret = page;
    return NULL;
}

err_t native_read_list(struct http_exchange *x, struct list_reply *ret)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    return native_read_page(&q, &x->arena, SIZE_MAX, &ret->page);
}

err_t native_read_owner(struct http_exchange *x, const struct query *q, int64_t *ret)
{
    const struct principal *who = native_caller(x);
    slice login = native_query_value(q, S("owner"));
    struct user owner = { 0 };
    err_t e = login.n ? user_by_login(native_of(x)->core, login, &x->arena, &owner) : NULL;
    if (err_is(e, ERR_NOT_FOUND) ||
        (!e && login.n && (owner.account_id != who->account_id || (!who->is_admin && owner.id != who->user_id))))
        return native_refuse(&x->arena, NATIVE_NO_OWNER);
    TRY(e);
    *ret = owner.id;
    return NULL;
}

static const struct caller_rules caller_rules = {
    .purpose = NATIVE_PURPOSE,
    .errors = &native_errors,
    .no_token = NATIVE_NO_TOKEN,
    .no_csrf_token = NATIVE_NO_CSRF_TOKEN,
};

static err_t native_guard(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    if (x->route && x->route->handle == show_own_link)
        return caller_admit_link(x, core, &caller_rules);
    return caller_admit(x, core, &caller_rules, x->req.method);
}

/* ---- routes ---- */

static const struct native_routes *const route_tables[] = {
    &native_file_routes,          &native_file_link_routes,    &native_object_routes, &native_me_routes,
    &native_link_routes,          &native_job_routes,          &native_import_routes, &native_dataset_routes,
    &native_dataset_query_routes, &native_dataset_file_routes, &native_space_routes,  &native_folder_routes,
    &native_account_routes,       &native_member_routes,       &native_key_routes,
};

static const char *const native_prefixes[] = { "/v1/native", NULL };

/* Without a master key cursors end with the server. */
static void make_token_key(struct native_api *api)
{
    if (api->core->seal)
        seal_derive(api->core->seal, S("native query cursors"), api->token_key);
    else
        random_fill(api->core->random, api->token_key, sizeof api->token_key);
}

static void take_routes(struct native_api *api)
{
    for (size_t i = 0; i < LENGTH_OF(route_tables); i++) {
        const struct native_routes *table = route_tables[i];
        assert(table->count <= NATIVE_ROUTES_MAX - api->route_count);
        memcpy(api->routes + api->route_count, table->items, table->count * sizeof *table->items);
        api->route_count += table->count;
    }
}

void native_init(struct native_api *api, struct core *core, const struct native_options *options)
{
    *api = (struct native_api){ .core = core, .options = *options };
    pthread_mutex_init(&api->streams.mutex, NULL);
    pthread_mutex_init(&api->downloads.mutex, NULL);
    sigv4_key_cache_init(&api->file_links.key_cache);
    rate_limit_init(&api->queries, core->clock, options->queries_per_minute, MINUTE);
    make_token_key(api);
    take_routes(api);
    api->http_api = (struct http_api){ .name = NATIVE_PURPOSE,
                                       .routes = api->routes,
                                       .route_count = api->route_count,
                                       .prefixes = native_prefixes,
                                       .guard = native_guard,
                                       .fail = native_fail,
                                       .context = api };
}

void native_reload(const struct http_api *http_api)
{
    struct native_api *api = http_api->context;
    rate_limit_set(&api->queries, LIVE(api->options.queries_per_minute), MINUTE);
}

void native_release(struct native_api *api)
{
    assert(!api->streams.first && !api->downloads.first);
    pthread_mutex_destroy(&api->streams.mutex);
    pthread_mutex_destroy(&api->downloads.mutex);
    rate_limit_release(&api->queries);
    sigv4_key_cache_release(&api->file_links.key_cache);
}
