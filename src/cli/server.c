#include "cli/server.h"

#include "api/native/native.h"
#include "api/pyrus/pyrus.h"
#include "api/runrun/runrun.h"
#include "api/s3/s3.h"
#include "api/service/service.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/admin.h"
#include "cli/request_log.h"
#include "cli/store.h"
#include "core/data_dir.h"
#include "http/server.h"
#include "jobs/jobs.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 256, MAX_LISTENERS = 64, MAX_DIALECTS = 16 };

/* One address in use. */
struct bound {
    const char *kind; /* the key of the configuration that asked for it: "listen", "tls_listen" … */
    slice address;
};

struct server {
    const struct config *config;
    struct log *log;
    struct arena arena; /* what lives as long as the server */
    struct store store;
    struct jobs *jobs;
    struct http_server *http;
    struct request_log *request_log;

    struct native_api native;
    struct pyrus pyrus;
    struct http_dialect pyrus_dialect;
    struct runrun runrun;
    struct http_dialect runrun_dialect;
    struct s3 s3;
    struct http_dialect s3_dialect;
    struct service service, metrics;
    struct admin_service admin;
    struct http_dialect later; /* listeners whose part is not built yet: 501 */
    struct link_base links;
    const struct http_dialect *dialects[MAX_DIALECTS];
    size_t dialect_count;

    struct bound bound[MAX_LISTENERS];
    size_t bound_count;
    char *run_file; /* NULL until written */
};

/* ---- dialects ---- */

static void refuse_later(struct http_exchange *x, enum http_refusal refusal, int status, const char *text)
{
    (void)refusal, (void)status, (void)text;
    http_reply(x, 501, "application/json", S("{\"error\":\"this part of cais is not built yet\"}"));
}

#define BOARDS_MAX_BYTES (1 << 20)

static err_t read_boards(struct server *s, slice path, struct arena *a, slice *ret)
{
    SCOPED(fd_closep) int fd = open(arena_cstr(a, path), O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(&s->arena, BOARDS_MAX_BYTES + 1);
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

static err_t open_runrun(struct server *s, struct arena *a)
{
    const struct config *c = s->config;
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
        TRY(read_boards(s, c->runrun.boards_file, a, &o.boards));
    TRY(runrun_open(&s->runrun, &s->store.core, &o, &s->links, s->log, a));
    s->runrun_dialect = runrun_dialect(&s->runrun);
    return NULL;
}

/* "*.s3.example.org = s3" in [hosts]: names below s3.example.org are buckets. */
static void make_s3(struct server *s)
{
    const struct config *c = s->config;
    size_t count = 0;
    for (const struct config_host *h = c->hosts; h; h = h->next)
        count++;
    slice *hosts = arena_array(&s->arena, slice, count + 1);
    struct s3_lenient_bucket *lenient = arena_new(&s->arena, struct s3_lenient_bucket);
    *lenient = (struct s3_lenient_bucket){ c->runrun.bucket, runrun_ignored_fields, LENGTH_OF(runrun_ignored_fields) };
    struct s3_options o = { .region = c->s3.region,
                            .only_region = c->s3.only_region,
                            .max_object_bytes = (uint64_t)c->s3.max_object_bytes,
                            .max_upload_bytes = (uint64_t)c->s3.max_upload_bytes,
                            .min_part_bytes = (uint64_t)c->s3.min_part_bytes,
                            .upload_lifetime_ms = c->s3.upload_expires_ms,
                            .hosts = hosts,
                            .origins = c->s3.cors_origins.items,
                            .origin_count = c->s3.cors_origins.count,
                            .lenient = lenient,
                            .lenient_count = 1 };
    for (const struct config_host *h = c->hosts; h; h = h->next)
        if (slice_eq(h->dialect, S("s3")) && slice_starts(h->name, S("*.")))
            hosts[o.host_count++] = slice_from(h->name, 2);
    s3_init(&s->s3, &s->store.core, &o, &s->links, s->log);
    s->s3_dialect = s3_dialect(&s->s3);
}

static void make_dialects(struct server *s)
{
    const struct config *c = s->config;
    struct native_options native = { .max_file_bytes = (uint64_t)c->native.max_file_size_bytes };
    native_init(&s->native, &s->store.core, &native);
    s->native.log = s->log;
    struct pyrus_options pyrus = { .max_file_size_bytes = (uint64_t)c->pyrus.max_file_size_bytes,
                                   .purge_after_ms = c->pyrus.purge_after_ms,
                                   .tokens = { c->pyrus.token_lifetime_ms, c->pyrus.tokens_per_user },
                                   .rate_limit = c->pyrus.rate_limit,
                                   .rate_window_ms = c->pyrus.rate_window_ms,
                                   .md5_upper_case = c->pyrus.md5_upper_case,
                                   .login_by_get = c->pyrus.login_by_get };
    pyrus_init(&s->pyrus, &s->store.core, &pyrus, &s->links, s->log);
    s->pyrus_dialect = pyrus_dialect(&s->pyrus);
    make_s3(s);
    s->service = (struct service){ .core = &s->store.core,
                                   .durability = s->store.relaxed ? "relaxed" : "full",
                                   .metadata_kind = "sqlite",
                                   .blob_kind = "disk",
                                   .flush_us = s->store.flush_us,
                                   .started_at_ms = clock_now_ms(s->store.core.clock),
                                   .name = "service",
                                   .with_metrics = c->server.metrics_listen.n == 0 };
    s->metrics = s->service;
    s->metrics.name = "metrics";
    s->metrics.with_metrics = s->metrics.with_accounts = true;
    service_init(&s->service);
    service_init(&s->metrics);
    s->metrics.dialect.everywhere = false;
    s->metrics.dialect.apart = true; /* what it tells of accounts is not for every listener */
    s->later = (struct http_dialect){ .name = "later", .refuse = refuse_later };
    const struct http_dialect *all[] = { &s->service.dialect, &s->admin.dialect, &s->native.dialect, &s->pyrus_dialect,
                                         &s->runrun_dialect,  &s->s3_dialect,    &s->later };
    s->dialect_count = LENGTH_OF(all);
    memcpy(s->dialects, all, sizeof all);
    if (c->server.metrics_listen.n)
        s->dialects[s->dialect_count++] = &s->metrics.dialect;
}

/* ---- the engine ---- */

static const char *const *networks(struct server *s, const struct config_list *list)
{
    const char **all = arena_array(&s->arena, const char *, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        all[i] = arena_cstr(&s->arena, list->items[i]);
    return all;
}

static err_t make_engine(struct server *s, struct clock *clock, struct random *random, struct arena *a)
{
    const struct config *c = s->config;
    size_t host_count = 0;
    for (const struct config_host *h = c->hosts; h; h = h->next)
        host_count++;
    struct http_host *hosts = arena_array(&s->arena, struct http_host, host_count + 1);
    slice *names = arena_array(&s->arena, slice, host_count + 1);
    size_t n = 0;
    for (const struct config_host *h = c->hosts; h; h = h->next, n++) {
        hosts[n] = (struct http_host){ h->name, arena_cstr(&s->arena, h->dialect) };
        names[n] = h->name;
    }
    s->links.hosts = names;
    s->links.host_count = host_count;
    s->links.public_url = c->server.public_url;
    struct http_options o = { .clock = clock,
                              .random = random,
                              .loops = (int)c->server.loops,
                              .workers = (int)c->server.workers,
                              .max_head_bytes = (size_t)c->http.max_head_bytes,
                              .max_line_bytes = (size_t)c->http.max_header_line_bytes,
                              .max_headers = (size_t)c->http.max_headers,
                              .head_timeout_ms = c->http.header_timeout_ms,
                              .idle_timeout_ms = c->http.idle_timeout_ms,
                              .body_rate_bytes = c->http.body_rate_bytes,
                              .body_window_ms = c->http.body_rate_window_ms,
                              .max_connections = (size_t)c->http.max_connections,
                              .max_connections_per_address = (size_t)c->http.max_connections_per_address,
                              .body_pool_bytes = (size_t)c->http.body_pool_bytes,
                              .trusted_proxies = networks(s, &c->server.trusted_proxies),
                              .hosts = hosts,
                              .host_count = host_count,
                              .fallback = "s3" };
    if (c->log.requests && s->log->least <= LOG_INFO) {
        s->request_log = request_log_new(s->log, REQUEST_LOG_LOOPS);
        o.report = request_log_report;
        o.flush = request_log_flush;
        o.arg = s->request_log;
    }
    TRY(http_server_new(&o, s->dialects, s->dialect_count, a, &s->http));
    s->service.server = s->metrics.server = s->http;
    return NULL;
}

static err_t listen_on(struct server *s, const char *kind, slice address, bool tls, bool local, const char *only,
                       struct arena *a)
{
    struct http_listener l = { .address = arena_cstr(&s->arena, address), .tls = tls, .local = local, .only = only };
    slice at;
    if (s->bound_count == MAX_LISTENERS)
        return err_make(a, ERR_INVALID, "more than %d addresses to listen on", MAX_LISTENERS);
    TRY(http_server_listen(s->http, &l, a, &at));
    s->bound[s->bound_count++] = (struct bound){ kind, arena_copy(&s->arena, at) };
    return NULL;
}

static err_t listen_on_list(struct server *s, const char *kind, const struct config_list *list, bool tls,
                            const char *only, struct arena *a)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].n)
            TRY(listen_on(s, kind, list->items[i], tls, false, only, a));
    return NULL;
}

static err_t listen_everywhere(struct server *s, bool private_only, struct arena *a)
{
    const struct config *c = s->config;
    slice socket = arena_printf(a, "unix:" SLICE_FMT "/%s", SLICE_ARG(c->server.data),
                                private_only ? DATA_DIR_PRIVATE : DATA_DIR_SOCKET);
    TRY(listen_on(s, "admin", socket, false, true, NULL, a));
    if (private_only)
        return NULL;
    TRY(listen_on_list(s, "listen", &c->server.listen, false, NULL, a));
    TRY(listen_on_list(s, "tls_listen", &c->server.tls_listen, true, NULL, a));
    TRY(listen_on_list(s, "s3_listen", &c->server.s3_listen, false, "s3", a));
    TRY(listen_on_list(s, "sftp_listen", &c->server.sftp_listen, false, "later", a));
    if (c->server.unix_listen.n)
        TRY(listen_on(s, "unix_listen", arena_printf(a, "unix:" SLICE_FMT, SLICE_ARG(c->server.unix_listen)), false,
                      false, NULL, a));
    if (c->server.metrics_listen.n)
        TRY(listen_on(s, "metrics_listen", c->server.metrics_listen, false, false, "metrics", a));
    return NULL;
}

static slice interface_address(const struct sockaddr *sa, slice port, struct arena *a)
{
    char text[INET6_ADDRSTRLEN] = "";
    bool six = sa->sa_family == AF_INET6;
    const void *address = six ? (const void *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr
                              : (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr;
    inet_ntop(sa->sa_family, address, text, sizeof text);
    return arena_printf(a, six ? "[%s]:" SLICE_FMT : "%s:" SLICE_FMT, text, SLICE_ARG(port));
}

/* "0.0.0.0:8080" is no address for a link: every interface that it stands for, those that others can reach first. */
static size_t expand_wildcard(struct server *s, slice address, bool tls, struct link_listener *to, size_t most)
{
    struct ifaddrs *all;
    slice port = slice_from(address, slice_rfind_byte(address, ':') + 1);
    bool six = slice_starts(address, S("["));
    size_t n = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (int loopback = 0; loopback < 2; loopback++)
        for (struct ifaddrs *i = all; i && n < most; i = i->ifa_next) {
            int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
            if ((family == AF_INET || (six && family == AF_INET6)) && !!(i->ifa_flags & IFF_LOOPBACK) == loopback)
                to[n++] = (struct link_listener){ interface_address(i->ifa_addr, port, &s->arena), tls };
        }
    freeifaddrs(all);
    return n;
}

static void note_links(struct server *s)
{
    struct link_listener *listeners = arena_array(&s->arena, struct link_listener, MAX_LINKS);
    size_t n = 0;
    for (size_t i = 0; i < s->bound_count && n < MAX_LINKS; i++) {
        slice address = s->bound[i].address;
        bool tls = strcmp(s->bound[i].kind, "tls_listen") == 0;
        if (!tls && strcmp(s->bound[i].kind, "listen") != 0 && strcmp(s->bound[i].kind, "s3_listen") != 0)
            continue;
        if (slice_starts(address, S("0.0.0.0:")) || slice_starts(address, S("[::]:")))
            n += expand_wildcard(s, address, tls, listeners + n, MAX_LINKS - n);
        else
            listeners[n++] = (struct link_listener){ address, tls };
    }
    s->links.listeners = listeners;
    s->links.listener_count = n;
}

err_t server_reload(struct server *s, struct arena *a)
{
    const struct config *c = s->config;
    if (c->server.tls_cert.count == 0)
        return NULL;
    struct http_certificate *pairs = arena_array(a, struct http_certificate, c->server.tls_cert.count);
    for (size_t i = 0; i < c->server.tls_cert.count; i++)
        pairs[i] = (struct http_certificate){ arena_cstr(a, c->server.tls_cert.items[i]),
                                              arena_cstr(a, c->server.tls_key.items[i]) };
    return http_server_certificates(s->http, pairs, c->server.tls_cert.count, a);
}

/* ---- run.json: what is in use, for those who asked for port 0 ---- */

static err_t write_run_file(struct server *s, struct arena *a)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    struct json_out o;
    json_out_init(&o, &b);
    json_open_object(&o);
    json_put_int(&o, "pid", getpid());
    json_put_string(&o, "version", S(CAIS_VERSION));
    static const char *const kinds[] = { "listen",         "tls_listen", "unix_listen",
                                         "metrics_listen", "s3_listen",  "sftp_listen" };
    for (size_t k = 0; k < LENGTH_OF(kinds); k++) {
        json_name(&o, kinds[k]);
        json_open_array(&o);
        for (size_t i = 0; i < s->bound_count; i++)
            if (strcmp(s->bound[i].kind, kinds[k]) == 0)
                json_add_string(&o, s->bound[i].address);
        json_close_array(&o);
    }
    json_close_object(&o);
    buf_add_byte(&b, '\n');
    const char *path = arena_printf(a, SLICE_FMT "/" DATA_DIR_RUN, SLICE_ARG(s->config->server.data)).p;
    const char *fresh = arena_printf(a, "%s.new", path).p;
    SCOPED(fd_closep) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, b.p, b.n) != (ssize_t)b.n || rename(fresh, path) != 0)
        return err_errno(a, errno, "cannot write %s", path);
    s->run_file = must_strdup(path);
    return NULL;
}

/* ---- start and stop ---- */

/* 10,000 connections and 256 shard directories need more descriptors than most shells allow. */
static void raise_descriptor_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static err_t start_all(struct server *s, const struct cli *cli, bool private_only, struct arena *a)
{
    const struct config *c = s->config;
    TRY(store_open(&s->store, c, cli->clock, cli->random, s->log, a));
    s->admin = (struct admin_service){
        .store = &s->store, .config = c, .clock = cli->clock, .random = cli->random, .environment = cli->environment
    };
    admin_service_init(&s->admin);
    TRY(open_runrun(s, a));
    make_dialects(s);
    TRY(make_engine(s, cli->clock, cli->random, a));
    TRY(listen_everywhere(s, private_only, a));
    note_links(s);
    if (!private_only)
        TRY(server_reload(s, a));
    struct jobs_options jobs = { .log = s->log };
    TRY(jobs_new(&s->store.core, &jobs, a, &s->jobs));
    TRY(http_server_start(s->http, a));
    if (!private_only) {
        jobs_start(s->jobs);
        TRY(write_run_file(s, a));
    }
    return NULL;
}

err_t server_start(const struct cli *cli, const struct config *config, struct log *log, bool private_only,
                   struct arena *a, struct server **ret)
{
    raise_descriptor_limit();
    struct server *s = must_malloc(sizeof *s);
    s->config = config;
    s->log = log;
    s->store.lock_fd = -1;
    arena_init(&s->arena);
    err_t e = start_all(s, cli, private_only, a);
    if (e) {
        server_stop(s);
        return e;
    }
    log_line(log, LOG_INFO, "cais is ready", LOG_S("version", S(CAIS_VERSION)), LOG_S("data", config->server.data),
             LOG_S("durability", s->store.relaxed ? S("relaxed") : S("full")), LOG_I("flush_us", s->store.flush_us));
    for (size_t i = 0; i < s->bound_count; i++)
        log_line(log, LOG_INFO, "listening", LOG_S("kind", slice_of(s->bound[i].kind)),
                 LOG_S("address", s->bound[i].address));
    *ret = s;
    return NULL;
}

void server_drain(struct server *s)
{
    if (s->run_file)
        unlink(s->run_file);
    free(s->run_file);
    s->run_file = NULL;
    if (s->http)
        http_server_stop(s->http, s->config->http.shutdown_grace_ms);
}

void server_hurry(struct server *s)
{
    http_server_hurry(s->http);
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    server_drain(s);
    jobs_free(s->jobs);
    if (s->pyrus.core)
        pyrus_release(&s->pyrus);
    if (s->s3.core)
        s3_release(&s->s3);
    store_close(&s->store); /* first: the committer may still be ringing a loop's bell */
    http_server_free(s->http);
    request_log_free(s->request_log);
    runrun_close(&s->runrun);
    arena_release(&s->arena);
    free(s);
}
