/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/apis.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void fail_later(struct http_exchange *x, err_t e)
{
    (void)e;
    http_reply(x, 501, "application/json", S("{\"error\":\"this part of cais is not built yet\"}"));
}

#define BOARDS_MAX_BYTES (1 << 20)

static err_t read_boards(struct apis *d, slice path, struct arena *a, slice *ret)
{
    SCOPED(fd_closep) int fd = open(arena_cstr(a, path), O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(&d->arena, BOARDS_MAX_BYTES + 1);
    size_t have = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && have <= BOARDS_MAX_BYTES) {
        n = read(fd, text + have, BOARDS_MAX_BYTES + 1 - have);
        have += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        return err_errno(a, errno, "runrun.boards_file: cannot read " SLICE_FMT, SLICE_ARG(path));
    if (have > BOARDS_MAX_BYTES)
        return err_make(a, ERR_INVALID, "runrun.boards_file: more than 1 MiB");
    *ret = (slice){ text, have };
    return NULL;
}

static err_t open_runrun(struct apis *d, const struct apis_params *params, struct arena *a)
{
    const struct config *c = params->config;
    struct runrun_options o = { .bucket = c->runrun.bucket,
                                .region = c->runrun.region,
                                .storage_url = c->runrun.storage_url,
                                .max_document_bytes = (uint64_t)c->runrun.max_document_size_bytes,
                                .form_lifetime_ms = c->runrun.form_lifetime_ms,
                                .pending_ms = c->runrun.pending_lifetime_ms,
                                .link_lifetime_ms = c->runrun.link_lifetime_ms,
                                .change_window_ms = c->runrun.change_window_ms,
                                .rate_limit = c->runrun.rate_limit,
                                .legacy_fields = c->runrun.legacy_fields,
                                .strict_boards = c->runrun.strict_boards,
                                .refuse_documents = c->runrun.block_documents_creation };
    if (!runrun_zone(c->runrun.time_zone, &o.zone_minutes))
        return err_make(a, ERR_INVALID, "runrun.time_zone: '" SLICE_FMT "' is not an offset such as -03:00",
                        SLICE_ARG(c->runrun.time_zone));
    if (c->runrun.boards_file.n)
        TRY(read_boards(d, c->runrun.boards_file, a, &o.boards));
    TRY(runrun_open(&d->runrun, &params->store->core, &o, params->links, params->log, a));
    d->runrun_api = runrun_api(&d->runrun);
    return NULL;
}

/* "*.s3.example.org = s3" in [hosts] makes names below s3.example.org bucket names. Forms for the bucket of tickets may
 * carry additional fields that old programs send. */
static void open_s3(struct apis *d, const struct apis_params *params)
{
    const struct config *c = params->config;
    size_t count = 0;
    for (const struct config_host *h = c->hosts; h; h = h->next)
        count++;
    slice *hosts = arena_array(&d->arena, slice, count + 1);
    struct s3_form_exemption *exemption = arena_new(&d->arena, struct s3_form_exemption);
    *exemption =
        (struct s3_form_exemption){ c->runrun.bucket, runrun_ignored_fields, LENGTH_OF(runrun_ignored_fields) };
    struct s3_options o = { .region = c->s3.region,
                            .only_region = c->s3.only_region,
                            .max_object_bytes = (uint64_t)c->s3.max_object_bytes,
                            .max_upload_bytes = (uint64_t)c->s3.max_upload_bytes,
                            .min_part_bytes = (uint64_t)c->s3.min_part_bytes,
                            .upload_lifetime_ms = c->s3.upload_expires_ms,
                            .hosts = hosts,
                            .origins = c->s3.cors_origins.items,
                            .origin_count = c->s3.cors_origins.count,
                            .form_exemptions = exemption,
                            .form_exemption_count = 1 };
    for (const struct config_host *h = c->hosts; h; h = h->next)
        if (slice_eq(h->api, S("s3")) && slice_starts(h->name, S("*.")))
            hosts[o.host_count++] = slice_from(h->name, 2);
    s3_init(&d->s3, &params->store->core, &o, params->links, params->log);
    d->s3_api = s3_api(&d->s3);
}

static void open_pyrus(struct apis *d, const struct apis_params *params)
{
    const struct config *c = params->config;
    struct pyrus_options pyrus = { .max_file_size_bytes = (uint64_t)c->pyrus.max_file_size_bytes,
                                   .purge_after_ms = c->pyrus.purge_after_ms,
                                   .tokens = { c->pyrus.token_lifetime_ms, c->pyrus.tokens_per_user },
                                   .rate_limit = c->pyrus.rate_limit,
                                   .rate_window_ms = c->pyrus.rate_window_ms,
                                   .md5_upper_case = c->pyrus.md5_upper_case,
                                   .login_by_get = c->pyrus.login_by_get };
    pyrus_init(&d->pyrus, &params->store->core, &pyrus, params->links, params->log);
    d->pyrus_api = pyrus_api(&d->pyrus);
}

static void open_service(struct apis *d, struct store *store, const struct config *c)
{
    d->service = (struct service){ .core = &store->core,
                                   .durability = store->relaxed ? "relaxed" : "full",
                                   .metadata_kind = "sqlite",
                                   .blob_kind = "disk",
                                   .flush_us = store->flush_us,
                                   .started_at_ms = clock_now_ms(store->core.clock),
                                   .name = "service",
                                   .with_metrics = c->server.metrics_listen.n == 0 };
    d->metrics = d->service;
    d->metrics.name = "metrics";
    d->metrics.with_metrics = d->metrics.with_accounts = true;
    service_init(&d->service);
    service_init(&d->metrics);
    d->metrics.http_api.on_all_hosts = false;
    d->metrics.http_api.only_where_named = true; /* usage of accounts is not for every listener */
}

err_t apis_open(struct apis *d, const struct apis_params *params, struct arena *a)
{
    const struct config *c = params->config;
    arena_init(&d->arena);
    struct native_options native = { .max_file_bytes = (uint64_t)c->native.max_file_size_bytes };
    native_init(&d->native, &params->store->core, &native);
    d->native.log = params->log;
    open_pyrus(d, params);
    TRY(open_runrun(d, params, a));
    open_s3(d, params);
    open_service(d, params->store, c);
    d->later = (struct http_api){ .name = "later", .fail = fail_later };
    const struct http_api *all[] = {
        &d->service.http_api, params->admin, &d->native.http_api, &d->pyrus_api, &d->runrun_api, &d->s3_api, &d->later
    };
    d->count = LENGTH_OF(all);
    memcpy(d->all, all, sizeof all);
    if (c->server.metrics_listen.n)
        d->all[d->count++] = &d->metrics.http_api;
    return NULL;
}

void apis_set_http_server(struct apis *d, struct http_server *http)
{
    d->service.server = d->metrics.server = http;
}

void apis_close(struct apis *d)
{
    if (d->pyrus.core)
        pyrus_release(&d->pyrus);
    if (d->s3.core)
        s3_release(&d->s3);
    runrun_close(&d->runrun);
    arena_release(&d->arena);
}
