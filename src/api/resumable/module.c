/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/resumable/resumable.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/resumable/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct resumable_options, member)
#include "base/config_rows.def"
};

struct opened {
    struct resumable resumable;
    struct http_api api;
};

static err_t open_resumable(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    const struct resumable_options *options = params->options;
    (void)a; /* for the texts of errors; nothing here can fail */
    o->resumable = (struct resumable){ .core = params->core, .options = *options, .log = params->log };
    o->api = resumable_api(&o->resumable);
    *ret = &o->api;
    return NULL;
}

static void close_resumable(const struct http_api *api)
{
    (void)api; /* the arena of params holds everything */
}

const struct api_module resumable_module = {
    .name = "resumable",
    .key_form = API_KEYS_NONE,
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct resumable_options),
    .options_at = offsetof(struct resumable, options),
    .open = open_resumable,
    .close = close_resumable,
};
