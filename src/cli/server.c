/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server.h"

#include "base/json.h"
#include "base/live.h"
#include "base/scoped.h"
#include "base/text.h"
#include "cli/admin.h"
#include "cli/apis.h"
#include "cli/descriptors.h"
#include "cli/request_log.h"
#include "cli/store.h"
#include "cli/welcome.h"
#include "core/access/key_use.h"
#include "core/care/data_dir.h"
#include "core/object/damage.h"
#include "hook/hook.h"
#include "http/server.h"
#include "jobs/jobs.h"
#include "sftp/handle.h"
#include "sftp/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECT_API "s3" /* of stored objects; it has all paths that no other API has */
enum { MAX_LINKS = 256, MAX_LISTENERS = 64, CONNECTIONS_DEFAULT = 20000, CONNECTIONS_MIN = 16 };

/* An address that the server listens on. */
struct bound {
    const char *kind; /* the configuration key that names it: "listen", "tls_listen" … */
    slice address;
};

struct server {
    struct config *config; /* as it is in use */
    struct log *log;
    struct server_source source;  /* .read NULL: no reload */
    pthread_mutex_t reload_mutex; /* one reload at a time */
    struct arena arena;           /* for objects that live as long as the server */
    struct store store;
    struct hook_sender *hooks; /* NULL: a private server, which runs no jobs */
    struct jobs *jobs;
    struct http_server *http;
    struct request_log *request_log;
    struct sftp_service *sftp; /* NULL: it has no addresses */

    struct admin_service admin;
    struct apis apis;
    struct link_base links;

    struct bound bound[MAX_LISTENERS];
    size_t bound_count;
    char *run_file; /* path of run.json; NULL until it is written */
};

/* ---- the engine ---- */

static const char *const *copy_strings(struct server *s, const struct config_list *list)
{
    const char **all = arena_array(&s->arena, const char *, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        all[i] = arena_cstr(&s->arena, list->items[i]);
    return all;
}

/* The number of http.max_connections, or what the limit of file descriptors allows if that is less. */
static err_t connections_allowed(const struct server *s, struct arena *a, size_t *ret)
{
    const struct config *c = s->config;
    size_t limit = descriptors_raise_limit(), wanted = (size_t)c->http.max_connections;
    size_t threads = (size_t)((c->server.loops ? c->server.loops : 16) + (c->server.workers ? c->server.workers : 8) +
                              (c->server.long_workers ? c->server.long_workers : 4));
    size_t for_sftp = c->server.sftp_listen.count
                          ? (size_t)((2 + HANDLES_RESERVED) * c->sftp.max_connections + c->sftp.max_open_files)
                          : 0;
    threads += c->server.sftp_listen.count ? (size_t)(2 * c->sftp.max_connections) : 0;
    size_t fit = descriptors_for_connections(limit > for_sftp ? limit - for_sftp : 0, threads);
    if (fit < CONNECTIONS_MIN)
        return err_make(a, ERR_INVALID,
                        "a limit of %zu file descriptors is too low for cais: raise it, as with ulimit -n or"
                        " LimitNOFILE, to 4096 or more",
                        limit);
    *ret = wanted ? wanted : CONNECTIONS_DEFAULT;
    if (fit >= *ret)
        return NULL;
    if (wanted)
        log_line(s->log, LOG_WARNING, "http.max_connections is above what the limit of file descriptors allows",
                 LOG_I("max_connections", (int64_t)wanted), LOG_I("descriptors", (int64_t)limit),
                 LOG_I("used", (int64_t)fit));
    *ret = fit;
    return NULL;
}

static int64_t rate_of(int64_t configured)
{
    return configured ? configured : HTTP_NO_RATE;
}

/* The hosts of the engine, and those of links. Returns how many they are; in `a`. */
static size_t name_hosts(const struct server *s, struct arena *a, struct http_host **ret_hosts,
                         struct link_base *ret_links)
{
    const struct config *c = s->config;
    size_t count = 0, n = 0;
    for (const struct config_host *h = c->hosts; h; h = h->next)
        count++;
    struct http_host *hosts = arena_array(a, struct http_host, count + 1);
    slice *names = arena_array(a, slice, count + 1);
    ret_links->storage_host = S("");
    for (const struct config_host *h = c->hosts; h; h = h->next, n++) {
        hosts[n] = (struct http_host){ h->name, arena_cstr(a, h->api) };
        names[n] = h->name;
        if (!ret_links->storage_host.n && slice_eq(h->api, S(OBJECT_API)) && !slice_starts(h->name, S("*.")))
            ret_links->storage_host = h->name;
    }
    ret_links->hosts = names;
    ret_links->host_count = count;
    ret_links->public_url = c->server.public_url;
    *ret_hosts = hosts;
    return count;
}

static err_t make_engine(struct server *s, struct clock *clock, struct random *random, struct arena *a)
{
    const struct config *c = s->config;
    size_t max_connections = 0;
    TRY(connections_allowed(s, a, &max_connections));
    struct http_host *hosts;
    size_t host_count = name_hosts(s, &s->arena, &hosts, &s->links);
    struct http_options o = { .clock = clock,
                              .random = random,
                              .loops = (int)c->server.loops,
                              .workers = (int)c->server.workers,
                              .long_workers = (int)c->server.long_workers,
                              .max_head_bytes = (size_t)c->http.max_head_bytes,
                              .max_line_bytes = (size_t)c->http.max_header_line_bytes,
                              .max_headers = (size_t)c->http.max_headers,
                              .head_timeout_ms = c->http.header_timeout_ms,
                              .idle_timeout_ms = c->http.idle_timeout_ms,
                              .body_rate_bytes = rate_of(c->http.body_rate_bytes),
                              .body_window_ms = c->http.body_rate_window_ms,
                              .send_rate_bytes = rate_of(c->http.send_rate_bytes),
                              .send_window_ms = c->http.send_rate_window_ms,
                              .max_connections = max_connections,
                              .max_connections_per_address = (size_t)c->http.max_connections_per_address,
                              .body_pool_bytes = (size_t)c->http.body_pool_bytes,
                              .memory_bytes = (size_t)c->http.memory_bytes,
                              .trusted_proxies = copy_strings(s, &c->server.trusted_proxies),
                              .hosts = hosts,
                              .host_count = host_count,
                              .fallback = OBJECT_API };
    s->request_log = request_log_new(s->log, REQUEST_LOG_LOOPS);
    request_log_set(s->request_log, c->log.requests);
    o.report = request_log_report;
    o.flush = request_log_flush;
    o.arg = s->request_log;
    TRY(http_server_new(&o, s->apis.all, s->apis.count, a, &s->http));
    apis_set_http_server(&s->apis, s->http);
    return NULL;
}

static err_t note_bound(struct server *s, const char *kind, slice address, struct arena *a)
{
    if (s->bound_count == MAX_LISTENERS)
        return err_make(a, ERR_INVALID, "more than %d addresses to listen on", MAX_LISTENERS);
    s->bound[s->bound_count++] = (struct bound){ kind, arena_copy(&s->arena, address) };
    return NULL;
}

/* options: all of the listener but its address. */
static err_t listen_on(struct server *s, const char *kind, slice address, const struct http_listener *options,
                       struct arena *a)
{
    struct http_listener l = *options;
    slice at;
    l.address = arena_cstr(&s->arena, address);
    TRY(http_server_listen(s->http, &l, a, &at));
    return note_bound(s, kind, at, a);
}

static err_t listen_on_list(struct server *s, const char *kind, const struct config_list *list,
                            const struct http_listener *options, struct arena *a)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].n)
            TRY(listen_on(s, kind, list->items[i], options, a));
    return NULL;
}

static void add_sftp_metrics(void *arg, struct buf *b)
{
    struct sftp_stats now;
    sftp_service_stats(arg, &now);
    service_add_metric(b, "cais_sftp_connections", "gauge", "Open SFTP connections.", now.connections_open);
    service_add_metric(b, "cais_sftp_connections_accepted_total", "counter", "SFTP connections accepted.",
                       now.connections_accepted);
    service_add_metric(b, "cais_sftp_connections_refused_total", "counter", "SFTP connections refused by a cap.",
                       now.connections_refused);
    service_add_metric(b, "cais_sftp_logins_total", "counter", "Logins by SFTP.", now.logins);
    service_add_metric(b, "cais_sftp_logins_refused_total", "counter", "Attempts to log in by SFTP that were refused.",
                       now.logins_refused);
    service_add_metric(b, "cais_sftp_requests_total", "counter", "SFTP requests answered.", now.requests);
}

static err_t open_sftp(struct server *s, struct arena *a)
{
    const struct config *c = s->config;
    struct sftp_options o = { .core = &s->store.core,
                              .log = s->log,
                              .purpose = S("sftp"),
                              .data_dir = arena_cstr(a, c->server.data),
                              .host_keys = copy_strings(s, &c->sftp.host_keys),
                              .max_connections = (size_t)c->sftp.max_connections,
                              .max_connections_per_address = (size_t)c->sftp.max_connections_per_address,
                              .max_connections_per_user = (size_t)c->sftp.max_connections_per_user,
                              .max_logging_in = (size_t)c->sftp.max_logging_in,
                              .max_logging_in_per_address = (size_t)c->sftp.max_logging_in_per_address,
                              .login_grace_ms = c->sftp.login_grace_ms,
                              .idle_ms = c->sftp.idle_timeout_ms,
                              .max_attempts = (int)c->sftp.max_attempts,
                              .max_open_files = c->sftp.max_open_files,
                              .memory_bytes = (size_t)c->sftp.memory_bytes };
    apis_inbox(&s->apis, S("sftp"), SYNC_BY_FOLDER, &o.inbox);
    TRY(sftp_service_new(&o, a, &s->sftp));
    apis_add_metrics(&s->apis, add_sftp_metrics, s->sftp);
    return NULL;
}

static err_t listen_for_sftp(struct server *s, struct arena *a)
{
    const struct config_list *list = &s->config->server.sftp_listen;
    for (size_t i = 0; i < list->count; i++) {
        slice at;
        if (!list->items[i].n)
            continue;
        if (!s->sftp)
            TRY(open_sftp(s, a));
        TRY(sftp_service_listen(s->sftp, arena_cstr(a, list->items[i]), a, &at));
        TRY(note_bound(s, "sftp_listen", at, a));
    }
    return NULL;
}

static err_t listen_everywhere(struct server *s, bool private_only, struct arena *a)
{
    const struct config *c = s->config;
    slice socket = arena_printf(a, "unix:" SLICE_FMT "/%s", SLICE_ARG(c->server.data),
                                private_only ? DATA_DIR_PRIVATE : DATA_DIR_SOCKET);
    static const struct http_listener plain = { 0 }, tls = { .tls = true }, local = { .local = true, .apart = true },
                                      s3 = { .only_api = "s3" }, metrics = { .only_api = "metrics", .apart = true };
    TRY(listen_on(s, "admin", socket, &local, a));
    if (private_only)
        return NULL;
    TRY(listen_on_list(s, "listen", &c->server.listen, &plain, a));
    TRY(listen_on_list(s, "tls_listen", &c->server.tls_listen, &tls, a));
    TRY(listen_on_list(s, "s3_listen", &c->server.s3_listen, &s3, a));
    TRY(listen_for_sftp(s, a));
    if (c->server.unix_listen.n)
        TRY(listen_on(s, "unix_listen", arena_printf(a, "unix:" SLICE_FMT, SLICE_ARG(c->server.unix_listen)), &plain,
                      a));
    if (c->server.metrics_listen.n)
        TRY(listen_on(s, "metrics_listen", c->server.metrics_listen, &metrics, a));
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

/* "0.0.0.0:8080" cannot stand in a link. Lists the address of every interface that it stands for, the loopback ones last,
 * because other machines cannot reach them. */
static size_t expand_wildcard(struct server *s, slice address, bool tls, struct link_listener *to, size_t max)
{
    struct ifaddrs *all;
    slice port = slice_from(address, slice_rfind_byte(address, ':') + 1);
    bool six = slice_starts(address, S("["));
    size_t n = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (int loopback = 0; loopback < 2; loopback++)
        for (struct ifaddrs *i = all; i && n < max; i = i->ifa_next) {
            int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
            if ((family == AF_INET || (six && family == AF_INET6)) && !!(i->ifa_flags & IFF_LOOPBACK) == loopback)
                to[n++] = (struct link_listener){ interface_address(i->ifa_addr, port, &s->arena), tls };
        }
    freeifaddrs(all);
    return n;
}

/* The addresses that links in replies may name. */
static void collect_link_listeners(struct server *s)
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

static err_t load_certificates(struct server *s, struct arena *a)
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

/* ---- reload ---- */

static void change_log(struct server *s)
{
    const struct config *c = s->config;
    LIVE_SET(s->log->min_level, c->log.level);
    LIVE_SET(s->log->text, config_log_is_text(c));
    request_log_set(s->request_log, c->log.requests);
}

static void change_hosts(struct server *s)
{
    struct link_base *links = arena_new(&s->arena, struct link_base);
    struct http_host *unused;
    *links = s->links;
    name_hosts(s, &s->arena, &unused, links);
    apis_rename_hosts(&s->apis, s->config);
    __atomic_store_n(&s->links.newest, links, __ATOMIC_RELEASE);
}

static err_t change_engine(struct server *s, struct arena *a)
{
    const struct config *c = s->config;
    struct link_base unused;
    struct http_host *hosts;
    struct http_change to = { .head_timeout_ms = c->http.header_timeout_ms,
                              .idle_timeout_ms = c->http.idle_timeout_ms,
                              .body_rate_bytes = rate_of(c->http.body_rate_bytes),
                              .body_window_ms = c->http.body_rate_window_ms,
                              .send_rate_bytes = rate_of(c->http.send_rate_bytes),
                              .send_window_ms = c->http.send_rate_window_ms,
                              .max_connections_per_address = (size_t)c->http.max_connections_per_address };
    TRY(connections_allowed(s, a, &to.max_connections));
    to.host_count = name_hosts(s, a, &hosts, &unused);
    to.hosts = hosts;
    return http_server_change(s->http, &to, a);
}

/* The server takes what has changed. [hosts] names only APIs that exist (config_check), so nothing but the certificates and the file of
 * the log can be refused. */
static err_t use_config(struct server *s, bool hosts_changed, struct arena *a)
{
    const struct config *c = s->config;
    change_log(s);
    struct core_options limits;
    store_limits(c, &limits);
    core_set_limits(&s->store.core, &limits);
    apis_reload(&s->apis, c);
    if (hosts_changed)
        change_hosts(s);
    err_t e = change_engine(s, a), failed = e;
    if (e)
        log_error(s->log, "the limits of connections stay as they were", e);
    e = c->log.file.n ? log_use_file(s->log, arena_cstr(a, c->log.file), a) : NULL;
    if (e)
        log_error(s->log, "the log goes on in the old file", e);
    else if (c->log.file.n)
        log_line(s->log, LOG_INFO, "log opened again", LOG_S("file", c->log.file));
    failed = e ? e : failed;
    e = load_certificates(s, a);
    if (e)
        log_error(s->log, "the certificates stay as they were", e);
    else
        log_line(s->log, LOG_INFO, "certificates loaded", LOG_I("count", (int64_t)c->server.tls_cert.count));
    return e ? e : failed;
}

void server_allow_reload(struct server *s, const struct server_source *source)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->reload_mutex);
    s->source = *source;
}

err_t server_reload(struct server *s, struct arena *a, struct reload_report *ret)
{
    SCRATCH(scratch);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->reload_mutex);
    struct config fresh;
    bool hosts_changed;
    *ret = (struct reload_report){ 0 };
    if (!s->source.read)
        return err_make(a, ERR_UNSUPPORTED, "this server has no configuration that could be read again");
    err_t e = s->source.read(s->source.arg, &scratch, &fresh);
    if (e) {
        log_error(s->log, "the configuration stays as it was", e);
        return err_copy(a, e); /* nothing has changed */
    }
    reload_take(s->config, &fresh, a, ret, &hosts_changed);
    e = use_config(s, hosts_changed, &scratch);
    log_line(s->log, LOG_INFO, "configuration loaded", LOG_S("changed", ret->changed),
             LOG_S("for_the_next_start", ret->waiting));
    return err_copy(a, e);
}

bool server_is_alive(struct server *s)
{
    return http_server_ping(s->http);
}

/* ---- run.json: the addresses in use, also when the system chose the port ---- */

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
    SCOPED(fd_closep) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, b.p, b.n) != (ssize_t)b.n || rename(fresh, path) != 0)
        return err_errno(a, errno, "cannot write %s", path);
    s->run_file = must_strdup(path);
    return NULL;
}

static void log_damage(void *log, err_t e)
{
    log_error(log, "stored bytes are damaged", e);
}

/* ---- start and stop ---- */

static err_t open_hooks(struct server *s, struct arena *a)
{
    const struct config *c = s->config;
    struct hook_options o = { .networks = copy_strings(s, &c->webhooks.networks),
                              .ca_file = c->webhooks.ca.n ? arena_cstr(&s->arena, c->webhooks.ca) : NULL };
    TRY(hook_sender_open(&o, a, &s->hooks));
    apis_use_webhooks(&s->apis, &s->store.core, s->hooks);
    return NULL;
}

static err_t reload_for_command(void *arg, struct arena *a, struct reload_report *ret)
{
    return server_reload(arg, a, ret);
}

/* The main thread, which waits for signals, does the rest. */
static void stop_for_command(void *arg)
{
    (void)arg;
    kill(getpid(), SIGTERM);
}

static err_t start_all(struct server *s, const struct cli *cli, bool private_only, struct arena *a)
{
    const struct config *c = s->config;
    TRY(store_open(&s->store, c, cli->clock, cli->random, s->log, a));
    s->admin = (struct admin_service){ .control = { reload_for_command, stop_for_command, s },
                                       .store = &s->store,
                                       .config = c,
                                       .clock = cli->clock,
                                       .random = cli->random,
                                       .environment = cli->environment };
    admin_service_init(&s->admin);
    struct apis_params params = {
        .store = &s->store, .config = c, .links = &s->links, .admin = &s->admin.http_api, .log = s->log
    };
    TRY(store_advise_salvage(c->server.data, apis_open(&s->apis, &params, a), a));
    TRY(make_engine(s, cli->clock, cli->random, a));
    TRY(listen_everywhere(s, private_only, a));
    collect_link_listeners(s);
    if (!private_only)
        TRY(load_certificates(s, a));
    if (!private_only)
        TRY(open_hooks(s, a));
    struct jobs_options jobs = { .log = s->log,
                                 .is_alone = true, /* the data directory is locked */
                                 .ingest_threads = (size_t)s->config->jobs.ingest_workers };
    TRY(store_advise_salvage(c->server.data, jobs_new(&s->store.core, &jobs, a, &s->jobs), a));
    damage_listen(&s->store.core, log_damage, s->log);
    TRY(http_server_start(s->http, a));
    if (s->sftp)
        TRY(sftp_service_start(s->sftp, a));
    if (!private_only) {
        jobs_start(s->jobs);
        err_t e = write_run_file(s, a);
        if (err_is(e, ERR_NO_SPACE))
            log_error(s->log, "the disk is full: run.json could not be written", e);
        else
            TRY(e);
    }
    return NULL;
}

/* Whoever stores something that looks like a page should not do so on the host on which people log in. The API of stored
 * objects is that which takes all other paths. */
static void advise_host_of_objects(const struct server *s)
{
    for (size_t i = 0; i < API_COUNT; i++) {
        const struct http_api *api = s->apis.opened[i];
        if (!api->catch_all)
            continue;
        for (const struct config_host *h = s->config->hosts; h; h = h->next)
            if (slice_eq(h->api, slice_of(api->name)))
                return;
        char advice[128];
        snprintf(advice, sizeof advice, "[hosts] files.example.org = %s", api->name);
        log_line(s->log, LOG_INFO,
                 "stored objects are sent from the host on which people log in: give them one of their own",
                 LOG_S("advice", slice_of(advice)), LOG_S("see", S("docs/operations.md, Security")));
    }
}

err_t server_start(const struct cli *cli, struct config *config, struct log *log, bool private_only, struct arena *a,
                   struct server **ret)
{
    struct server *s = must_malloc(sizeof *s);
    s->config = config;
    s->log = log;
    s->store.lock_fd = s->store.dir_lock_fd = -1;
    pthread_mutex_init(&s->reload_mutex, NULL);
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
    if (!private_only)
        advise_host_of_objects(s);
    *ret = s;
    return NULL;
}

/* What a person on this machine types into a browser; empty: no listener is for people. */
static slice address_for_people(const struct server *s, struct arena *a)
{
    if (s->links.public_url.n)
        return s->links.public_url;
    for (int tls = 0; tls < 2; tls++)
        for (size_t i = 0; i < s->bound_count; i++) {
            slice at = s->bound[i].address, any = S("0.0.0.0:"), any6 = S("[::]:");
            if (strcmp(s->bound[i].kind, tls ? "tls_listen" : "listen") != 0)
                continue;
            if (slice_starts(at, any) || slice_starts(at, any6))
                at = arena_printf(a, "127.0.0.1:" SLICE_FMT,
                                  SLICE_ARG(slice_from(at, slice_starts(at, any) ? any.n : any6.n)));
            return arena_printf(a, "http%s://" SLICE_FMT, tls ? "s" : "", SLICE_ARG(at));
        }
    return S("");
}

err_t server_welcome(struct server *s, FILE *out, struct arena *a)
{
    slice address = address_for_people(s, a);
    return address.n ? welcome_print(&s->store.core, address, out, a) : NULL;
}

void server_drain(struct server *s)
{
    if (s->run_file)
        unlink(s->run_file);
    free(s->run_file);
    s->run_file = NULL;
    int64_t grace_ms = LIVE(s->config->http.shutdown_grace_ms), began_us = clock_stopwatch_us();
    sftp_service_drain(s->sftp);
    if (s->http)
        http_server_stop(s->http, grace_ms);
    int64_t left_ms = grace_ms - (clock_stopwatch_us() - began_us) / 1000;
    sftp_service_stop(s->sftp, left_ms > 0 ? left_ms : 0);
}

void server_hurry(struct server *s)
{
    http_server_end_grace(s->http);
    sftp_service_end_grace(s->sftp);
}

/* What was not written yet. If it cannot be written, the records show an earlier use. */
static void write_key_uses(struct server *s)
{
    SCRATCH(scratch);
    int64_t unused;
    err_t e = key_use_write(&s->store.core, &scratch, &unused);
    (void)e;
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    server_drain(s);
    jobs_free(s->jobs);
    hook_sender_close(s->hooks);
    sftp_service_free(s->sftp);
    apis_close(&s->apis);       /* no request is left, and core is still there */
    if (s->store.core.key_uses) /* else the start has failed early */
        write_key_uses(s);
    store_close(&s->store); /* before the loops are freed: the committer may still notify one */
    http_server_free(s->http);
    request_log_free(s->request_log);
    pthread_mutex_destroy(&s->reload_mutex);
    arena_release(&s->arena);
    free(s);
}
