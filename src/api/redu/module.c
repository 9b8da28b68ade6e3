/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/kit/zone.h"
#include "api/redu/redu.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/redu/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct redu_options, member)
#include "base/config_rows.def"
};

static err_t check_redu(const void *options, struct arena *a)
{
    const struct redu_options *o = options;
    int minutes;
    if (!zone_parse(o->time_zone, &minutes))
        return err_make(a, ERR_INVALID, "redu.time_zone: '" SLICE_FMT "' is not an offset such as -03:00",
                        SLICE_ARG(o->time_zone));
    if (!o->mime_types.n)
        return err_make(a, ERR_INVALID, "redu.mime_types: any, vendor, or types separated by blanks");
    return NULL;
}

struct opened {
    struct redu redu;
    struct http_api api;
};

static err_t open_redu(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    struct redu_options options = *(const struct redu_options *)params->options;
    zone_parse(options.time_zone, &options.zone_minutes); /* it is one: see check_redu */
    TRY(redu_open(&o->redu, params->core, &options, params->links, params->log, a));
    o->api = redu_api(&o->redu);
    *ret = &o->api;
    return NULL;
}

static void close_redu(const struct http_api *api)
{
    redu_close(api->context);
}

const struct api_module redu_module = {
    .name = "redu",
    .key_form = API_KEYS_APPLICATION,
    .key_names = { "access_token", "client_id", "client_secret", "pin" },
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct redu_options),
    .options_at = offsetof(struct redu, options),
    .check = check_redu,
    .open = open_redu,
    .close = close_redu,
};
