/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/oci/oci.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/oci/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct oci_options, member)
#include "base/config_rows.def"
};

struct opened {
    struct oci oci;
    struct http_api api;
};

static err_t open_oci(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    const struct oci_options *options = params->options;
    (void)a; /* for the texts of errors; nothing here can fail */
    o->oci = (struct oci){ .core = params->core, .options = *options, .log = params->log };
    o->api = oci_api(&o->oci);
    *ret = &o->api;
    return NULL;
}

static void close_oci(const struct http_api *api)
{
    (void)api; /* the arena of params holds everything */
}

const struct api_module oci_module = {
    .name = "oci",
    .key_form = API_KEYS_NONE,
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct oci_options),
    .options_at = offsetof(struct oci, options),
    .open = open_oci,
    .close = close_oci,
};
