/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/portal/portal.h"

static err_t open_portal(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct portal *p = arena_new(params->arena, struct portal);
    (void)a;
    portal_init(p, params->core, params->log);
    p->links = params->links;
    *ret = &p->http_api;
    return NULL;
}

static void close_portal(const struct http_api *api)
{
    (void)api; /* the arena of params holds everything */
}

const struct api_module portal_module = {
    .name = "portal",
    .key_form = API_KEYS_NONE,
    .open = open_portal,
    .close = close_portal,
};
