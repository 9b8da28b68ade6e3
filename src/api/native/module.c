/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/native/native.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/native/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct native_options, member)
#include "base/config_rows.def"
};

static err_t open_native(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct native_api *api = arena_new(params->arena, struct native_api);
    native_init(api, params->core, params->options);
    api->log = params->log;
    api->key_purpose = params->key_purpose;
    api->health = params->health;
    err_t e = native_make_file_links(api, params->links, params->arena);
    if (e) {
        native_release(api);
        return err_copy(a, e);
    }
    *ret = &api->http_api;
    return NULL;
}

static void close_native(const struct http_api *api)
{
    native_release(api->context);
}

const struct api_module native_module = {
    .name = NATIVE_PURPOSE,
    .key_form = API_KEYS_SECRET,
    .key_names = { "token" },
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct native_options),
    .options_at = offsetof(struct native_api, options),
    .reload = native_reload,
    .open = open_native,
    .close = close_native,
};
