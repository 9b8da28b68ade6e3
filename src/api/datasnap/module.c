/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/datasnap/datasnap.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/datasnap/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct datasnap_options, member)
#include "base/config_rows.def"
};

struct opened {
    struct datasnap datasnap;
    struct http_api api;
};

static err_t open_datasnap(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    (void)a; /* for the texts of errors; nothing here can fail */
    datasnap_open(&o->datasnap, params->core, params->options, params->links, params->log);
    o->api = datasnap_api(&o->datasnap);
    *ret = &o->api;
    return NULL;
}

static void close_datasnap(const struct http_api *api)
{
    datasnap_close(api->context);
}

const struct api_module datasnap_module = {
    .name = "datasnap",
    .key_form = API_KEYS_SECRET,
    .key_names = { "token" },
    .key_roles =
        (const struct api_key_role[]){
            { "reader", KEY_READER }, { "writer", KEY_WRITER }, { "admin", KEY_ADMIN }, { 0 } },
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct datasnap_options),
    .options_at = offsetof(struct datasnap, options),
    .reload = datasnap_reload,
    .open = open_datasnap,
    .close = close_datasnap,
};
