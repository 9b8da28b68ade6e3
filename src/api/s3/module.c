/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/s3/s3.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/s3/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct s3_options, member)
#include "base/config_rows.def"
};

struct opened {
    struct s3 s3;
    struct http_api api;
};

/* "*.s3.example.org = s3" in [hosts] makes names below s3.example.org bucket names. */
static struct s3_hosts *hosts_with_buckets(const slice *all, size_t count, struct arena *a)
{
    struct s3_hosts *hosts = arena_new(a, struct s3_hosts);
    slice *names = arena_array(a, slice, count + 1);
    for (size_t i = 0; i < count; i++)
        if (slice_starts(all[i], S("*.")))
            names[hosts->count++] = slice_from(all[i], 2);
    hosts->names = names;
    return hosts;
}

static void rename_s3_hosts(const struct http_api *api, const slice *all, size_t count, struct arena *kept)
{
    struct s3 *s3 = api->context;
    __atomic_store_n(&s3->hosts, hosts_with_buckets(all, count, kept), __ATOMIC_RELEASE);
}

static err_t open_s3(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    struct s3_options options = *(const struct s3_options *)params->options;
    struct s3_hosts *hosts = hosts_with_buckets(params->hosts, params->host_count, params->arena);
    (void)a;
    options.hosts = hosts->names;
    options.host_count = hosts->count;
    options.form_exemptions = params->form_exemptions;
    options.form_exemption_count = params->form_exemption_count;
    s3_init(&o->s3, params->core, &options, params->links, params->log);
    o->api = s3_api(&o->s3);
    *ret = &o->api;
    return NULL;
}

static void close_s3(const struct http_api *api)
{
    s3_release(api->context);
}

const struct api_module s3_module = {
    .name = "s3",
    .key_form = API_KEYS_SIGNING,
    .key_names = { "access_key_id", "secret_access_key" },
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct s3_options),
    .options_at = offsetof(struct s3, options),
    .rename_hosts = rename_s3_hosts,
    .open = open_s3,
    .close = close_s3,
};
