/* SPDX-License-Identifier: Apache-2.0 */
/* Every path is served on every host. /api/v4 is the name of /v4 in the vendor's on-premise edition. */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/pyrus.h"
#include "base/live.h"

#define BOTH(method, path, handle, flags, spec) BOTH_UP_TO(0, method, path, handle, flags, spec)
#define BOTH_UP_TO(max_body, method, path, handle, flags, spec)                                                        \
    { method, "/v4" path, handle, flags, max_body, spec, 0 },                                                          \
    {                                                                                                                  \
        method, "/api/v4" path, handle, flags, max_body, spec, 0                                                       \
    }
#define LOGIN_BYTES ((size_t)4 * 1024) /* anybody may send one */

static const struct http_route pyrus_routes[] = {
    BOTH_UP_TO(LOGIN_BYTES, "POST", "/auth", pyrus_login, HTTP_PUBLIC, "§3 login"),
    BOTH("GET", "/auth", pyrus_login_by_get, HTTP_PUBLIC | HTTP_NO_BODY, "§3 older forms"),
    BOTH("POST", "/files/upload", pyrus_upload, HTTP_STREAM, "§7.1"),
    BOTH("GET", "/files/download/{id}", pyrus_download, HTTP_ON_LOOP | HTTP_NO_BODY, "§7.2"),
    { "GET", "/files/download/{id}", pyrus_download, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "§7.2", 0 },
    { "GET", "/services/attachment", pyrus_download_by_query, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "§7.2", 0 },
    BOTH("POST", "/tasks", pyrus_task_create, 0, "§7.3"),
    BOTH("GET", "/tasks/{id}", pyrus_task_get, HTTP_NO_BODY, "§7.4"),
    BOTH("POST", "/tasks/{id}/comments", pyrus_comment_add, 0, "§7.5"),
    BOTH("DELETE", "/tasks/{id}", pyrus_task_delete, HTTP_NO_BODY, "§7.6"),
    BOTH("GET", "/profile", pyrus_profile, HTTP_NO_BODY, "§7.7"),
};

static const char *const pyrus_prefixes[] = { "/v4", "/api/v4", "/files", "/services", NULL };

/* On the hosts of this API every path belongs to it, so that a misspelt one is an error in JSON. */
static const char *const pyrus_home_prefixes[] = { "/", NULL };

void pyrus_init(struct pyrus *p, struct core *core, const struct pyrus_options *options, const struct link_base *links,
                struct log *log)
{
    *p = (struct pyrus){ .core = core, .options = *options, .links = links, .log = log };
    p->tokens = (struct token_policy){ options->token_lifetime_ms, options->tokens_per_user };
    rate_limit_init(&p->rate, core->clock, options->rate_limit, options->rate_window_ms);
}

void pyrus_reload(const struct http_api *api)
{
    struct pyrus *p = api->context;
    LIVE_SET(p->tokens.lifetime_ms, LIVE(p->options.token_lifetime_ms));
    LIVE_SET(p->tokens.per_user, LIVE(p->options.tokens_per_user));
    rate_limit_set(&p->rate, LIVE(p->options.rate_limit), LIVE(p->options.rate_window_ms));
}

void pyrus_release(struct pyrus *p)
{
    rate_limit_release(&p->rate);
}

struct http_api pyrus_api(struct pyrus *p)
{
    return (struct http_api){
        .name = "pyrus",
        .routes = pyrus_routes,
        .route_count = LENGTH_OF(pyrus_routes),
        .prefixes = pyrus_prefixes,
        .home_prefixes = pyrus_home_prefixes,
        .guard = pyrus_guard,
        .fail = pyrus_fail,
        .context = p,
    };
}
