/* SPDX-License-Identifier: Apache-2.0 */
/* cais serve: run the server until a signal stops it. */
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/server.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LOG_END_MS 2000 /* how long the end of the server waits for the reader of the log */

static err_t read_config(struct cli *cli, struct config *c)
{
    static const struct {
        const char *flag, *key;
    } flags[] = { { "data", "data" },
                  { "listen", "listen" },
                  { "tls-listen", "tls_listen" },
                  { "tls-cert", "tls_cert" },
                  { "tls-key", "tls_key" },
                  { "s3-listen", "s3_listen" },
                  { "sftp-listen", "sftp_listen" },
                  { "public-url", "public_url" } };
    const struct options *o = cli->options;
    const char *file = option_value(o, "config"), *value;
    config_init(c, cli->arena);
    if (file)
        TRY(config_read_file(c, file));
    TRY(config_read_environment(c, cli->environment));
    for (size_t n = 0; (value = option_nth(o, "set", n)); n++)
        TRY(config_assign(c, CONFIG_SET, slice_of(value), "--set"));
    for (size_t i = 0; i < LENGTH_OF(flags); i++)
        for (size_t n = 0; (value = option_nth(o, flags[i].flag, n)); n++)
            TRY(config_set(c, CONFIG_FLAG, S("server"), slice_of(flags[i].key), slice_of(value),
                           arena_printf(cli->arena, "--%s", flags[i].flag).p));
    if ((value = option_value(o, "log-format")))
        TRY(config_set(c, CONFIG_FLAG, S("log"), S("format"), slice_of(value), "--log-format"));
    return config_check(c);
}

/* Go on in log.file, which may have been renamed; then load the certificates. */
static void reload(struct server *server, const struct config *config, struct log *log)
{
    SCRATCH(scratch);
    err_t e = config->log.file.n ? log_use_file(log, arena_cstr(&scratch, config->log.file), &scratch) : NULL;
    if (e)
        log_error(log, "the log goes on in the old file", e);
    else if (config->log.file.n)
        log_line(log, LOG_INFO, "log opened again", LOG_S("signal", S("SIGHUP")));
    e = server_reload(server, &scratch);
    if (e)
        log_error(log, "the certificates stay as they were", e);
    else
        log_line(log, LOG_INFO, "certificates loaded", LOG_S("signal", S("SIGHUP")));
}

static void wait_for_signals(struct server *server, const struct config *config, struct log *log, const sigset_t *set)
{
    for (;;) {
        int got = 0;
        if (sigwait(set, &got) != 0)
            continue;
        if (got != SIGHUP) {
            log_line(log, LOG_INFO, "stopping", LOG_S("signal", slice_of(got == SIGTERM ? "SIGTERM" : "SIGINT")));
            return;
        }
        reload(server, config, log);
    }
}

/* While requests in flight finish, a second signal cuts them. */
struct second_signal {
    pthread_t thread;
    struct server *server;
    struct log *log;
    const sigset_t *set;
    int over; /* atomic: the server has stopped */
};

static void *wait_for_second_signal(void *arg)
{
    struct second_signal *h = arg;
    int got = SIGHUP;
    while (got == SIGHUP)
        if (sigwait(h->set, &got) != 0)
            got = SIGHUP;
    if (!__atomic_load_n(&h->over, __ATOMIC_SEQ_CST)) {
        log_line(h->log, LOG_WARNING, "stopping at once: requests in flight are cut",
                 LOG_S("signal", slice_of(got == SIGTERM ? "SIGTERM" : "SIGINT")));
        server_hurry(h->server);
    }
    return NULL;
}

static void drain_server(struct server *server, struct log *log, const sigset_t *set)
{
    struct second_signal h = { .server = server, .log = log, .set = set };
    int failed = pthread_create(&h.thread, NULL, wait_for_second_signal, &h);
    assert(!failed);
    server_drain(server);
    __atomic_store_n(&h.over, 1, __ATOMIC_SEQ_CST);
    pthread_kill(h.thread, SIGTERM); /* ends its sigwait, unless a signal already did */
    pthread_join(h.thread, NULL);
}

static int serve_until_stopped(struct cli *cli, const struct config *config, struct log *log, const sigset_t *set)
{
    struct server *server;
    err_t e = config->log.file.n ? log_use_file(log, arena_cstr(cli->arena, config->log.file), cli->arena) : NULL;
    if (!e)
        e = server_start(cli, config, log, false, cli->arena, &server);
    if (e)
        return command_failed(cli, e);
    wait_for_signals(server, config, log, set);
    drain_server(server, log, set);
    server_stop(server);
    log_line(log, LOG_INFO, "stopped", LOG_S("data", config->server.data));
    return EXIT_DONE;
}

static int run_serve(struct cli *cli)
{
    struct config config;
    err_t e = read_config(cli, &config);
    if (e) {
        command_failed(cli, e);
        return EXIT_USAGE;
    }
    struct log log;
    log_init(&log, cli->clock, STDERR_FILENO, config.log.level, config.log.format == CONFIG_LOG_TEXT);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread is started, so that all inherit the mask */
    log_begin_queue(&log);
    int status = serve_until_stopped(cli, &config, &log, &set);
    log_end_queue(&log, LOG_END_MS);
    return status;
}

const struct command command_serve = {
    .name = "serve",
    .options =
        (const struct option_spec[]){
            { "data", 0, "DIR", false, "Data directory (default ./cais-data), made when missing." },
            { "listen", 0, "ADDR:PORT", true, "Plain HTTP (default 127.0.0.1:8080); port 0 takes a free one." },
            { "tls-listen", 0, "ADDR:PORT", true, "HTTPS; needs --tls-cert and --tls-key." },
            { "tls-cert", 0, "FILE", true, "Certificate chain (PEM); may be given again, with its key." },
            { "tls-key", 0, "FILE", true, "Private key (PEM)." },
            { "s3-listen", 0, "ADDR:PORT", true, "S3 only." },
            { "sftp-listen", 0, "ADDR:PORT", true, "SFTP." },
            { "public-url", 0, "URL", false, "How clients reach this server, for links in answers." },
            { "config", 0, "FILE", false, "Configuration file; docs/configuration.md lists every key." },
            { "set", 0, "SECTION.KEY=VALUE", true, "Set one key of the configuration." },
            { "log-format", 0, "json|text", false, "How log lines look (default json)." },
            { 0 } },
    .summary = "Run the server until SIGTERM or SIGINT.",
    .details =
        "Addresses in use stand in DIR/run.json. SIGHUP opens log.file and loads the certificates again. SIGTERM lets\n"
        "requests in flight finish, for http.shutdown_grace at most; a second one cuts them.\n",
    .run = run_serve,
};
