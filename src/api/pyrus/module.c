/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/pyrus/pyrus.h"
#include "api/pyrus/webhook_priv.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/pyrus/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct pyrus_options, member)
#include "base/config_rows.def"
};

struct opened {
    struct pyrus pyrus;
    struct http_api api;
};

static err_t open_pyrus(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    (void)a;
    pyrus_init(&o->pyrus, params->core, params->options, params->links, params->log);
    o->api = pyrus_api(&o->pyrus);
    *ret = &o->api;
    return NULL;
}

static void close_pyrus(const struct http_api *api)
{
    pyrus_release(api->context);
}

const struct api_module pyrus_module = {
    .name = "pyrus",
    .key_form = API_KEYS_SECRET,
    .key_names = { "security_key" },
    .key_has_login = true,
    .webhook = &pyrus_webhook,
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct pyrus_options),
    .options_at = offsetof(struct pyrus, options),
    .reload = pyrus_reload,
    .open = open_pyrus,
    .close = close_pyrus,
};
