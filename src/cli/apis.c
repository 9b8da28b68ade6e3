/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/apis.h"

#include "api/reserved_path.h"
#include "cli/key_purpose.h"

#include <assert.h>

static void open_service(struct apis *d, const struct apis_params *params)
{
    struct store *store = params->store;
    d->service = (struct service){ .core = &store->core,
                                   .health = d->service.health,
                                   .log = params->log,
                                   .durability = store->relaxed ? "relaxed" : "full",
                                   .metadata_kind = "sqlite",
                                   .blob_kind = "disk",
                                   .flush_us = store->flush_us,
                                   .started_at_ms = clock_now_ms(store->core.clock),
                                   .name = "service",
                                   .with_metrics = params->config->server.metrics_listen.n == 0 };
    d->metrics = d->service;
    d->metrics.name = "metrics";
    d->metrics.with_metrics = d->metrics.with_accounts = true;
    service_init(&d->service);
    service_init(&d->metrics);
    d->metrics.http_api.on_all_hosts = false;
    d->metrics.http_api.only_where_named = true; /* usage of accounts is not for every listener */
}

/* The names in [hosts] that belong to the API. */
static void collect_hosts(struct apis *d, const struct config *c, const char *api, struct api_params *params)
{
    size_t count = 0;
    for (const struct config_host *h = c->hosts; h; h = h->next)
        count++;
    slice *hosts = arena_array(&d->arena, slice, count + 1);
    params->hosts = hosts;
    params->host_count = 0;
    for (const struct config_host *h = c->hosts; h; h = h->next)
        if (slice_eq(h->api, slice_of(api)))
            hosts[params->host_count++] = h->name;
}

/* The first parts of the API's paths have PATH lines in apis.def, unless they are too short for the name of a bucket. */
static void check_prefixes(const struct http_api *api)
{
    slice first, rest;
    for (const char *const *prefix = api->prefixes; prefix && *prefix; prefix++) {
        slice_cut(slice_from(slice_of(*prefix), 1), '/', &first, &rest);
        assert(first.n < 3 || path_is_reserved(first));
    }
}

static err_t open_modules(struct apis *d, const struct apis_params *params, struct arena *a)
{
    const struct config *c = params->config;
    struct form_exemption *exemptions = arena_array(&d->arena, struct form_exemption, API_COUNT);
    struct api_params shared = { .core = &params->store->core,
                                 .links = params->links,
                                 .form_exemptions = exemptions,
                                 .key_purpose = key_purpose_nth,
                                 .health = d->service.health,
                                 .log = params->log,
                                 .arena = &d->arena };
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->form_exemption)
            api_modules[i]->form_exemption(c->api_options[i], &exemptions[shared.form_exemption_count++]);
    for (size_t i = 0; i < API_COUNT; i++) {
        shared.options = c->api_options[i];
        collect_hosts(d, c, api_modules[i]->name, &shared);
        TRY(api_modules[i]->open(&shared, a, &d->opened[i]));
        check_prefixes(d->opened[i]);
    }
    return NULL;
}

err_t apis_open(struct apis *d, const struct apis_params *params, struct arena *a)
{
    const struct config *c = params->config;
    arena_init(&d->arena);
    d->service.health = health_watch_new(&params->store->core);
    TRY(open_modules(d, params, a));
    open_service(d, params);
    d->all[d->count++] = &d->service.http_api;
    d->all[d->count++] = params->admin;
    for (size_t i = 0; i < API_COUNT; i++)
        d->all[d->count++] = d->opened[i];
    if (c->server.metrics_listen.n)
        d->all[d->count++] = &d->metrics.http_api;
    return NULL;
}

void apis_inbox(const struct apis *d, slice origin, enum sync_way way, struct inbox_options *ret)
{
    *ret = (struct inbox_options){ .origin = origin, .way = way };
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->inbox)
            api_modules[i]->inbox(d->opened[i], ret);
}

void apis_use_webhooks(struct apis *d, struct core *core, struct hook_sender *sender)
{
    struct webhook_format_use *formats = arena_array(&d->arena, struct webhook_format_use, API_COUNT);
    size_t count = 0;
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->webhook)
            formats[count++] = (struct webhook_format_use){ api_modules[i]->webhook, d->opened[i]->context };
    webhook_use(core, sender, formats, count);
}

void apis_add_metrics(struct apis *d, void (*more)(void *arg, struct buf *), void *arg)
{
    d->service.more_metrics = d->metrics.more_metrics = more;
    d->service.more_arg = d->metrics.more_arg = arg;
}

void apis_set_http_server(struct apis *d, struct http_server *http)
{
    d->service.server = d->metrics.server = http;
}

void apis_reload(struct apis *d, const struct config *c)
{
    for (size_t i = 0; i < API_COUNT; i++) {
        const struct api_module *m = api_modules[i];
        for (size_t k = 0; k < m->key_count; k++) {
            size_t number = config_api_key(i, k), offset = m->keys[k].offset;
            if (config_key_is_scalar(number))
                config_take_scalar((char *)d->opened[i]->context + m->options_at + offset,
                                   (const char *)c->api_options[i] + offset, number);
        }
        if (m->reload)
            m->reload(d->opened[i]);
    }
}

void apis_rename_hosts(struct apis *d, const struct config *c)
{
    for (size_t i = 0; i < API_COUNT; i++) {
        struct api_params named;
        if (!api_modules[i]->rename_hosts)
            continue;
        collect_hosts(d, c, api_modules[i]->name, &named);
        api_modules[i]->rename_hosts(d->opened[i], named.hosts, named.host_count, &d->arena);
    }
}

void apis_close(struct apis *d)
{
    for (size_t i = 0; i < API_COUNT; i++)
        if (d->opened[i])
            api_modules[i]->close(d->opened[i]);
    health_watch_free(d->service.health);
    arena_release(&d->arena);
}
