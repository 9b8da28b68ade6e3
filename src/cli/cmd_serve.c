/* SPDX-License-Identifier: Apache-2.0 */
/* cais serve: run the server until a signal stops it. */
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/serve_options.h"
#include "cli/server.h"
#include "cli/service_manager.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_END_MS 2000 /* how long the end of the server waits for the reader of the log */

err_t serve_config(const struct cli *cli, struct config *c)
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

/* The configuration as the same command line gives it now. */
static err_t read_config_again(void *arg, struct arena *a, struct config *ret)
{
    struct cli again = *(const struct cli *)arg;
    again.arena = a;
    return serve_config(&again, ret);
}

static void reload(struct server *server, const struct service_manager *manager)
{
    SCRATCH(scratch);
    struct reload_report unused; /* the log has it */
    service_manager_send_reloading(manager);
    err_t e = server_reload(server, &scratch, &unused);
    service_manager_send(manager, e ? "READY=1\nSTATUS=serving; the last reload failed, the log says why\n"
                                    : "READY=1\nSTATUS=serving\n");
}

/* The next signal; 0: there was none in that time. */
static int next_signal(const sigset_t *set, int64_t timeout_ms)
{
    int got = 0;
    if (!timeout_ms)
        return sigwait(set, &got) == 0 ? got : 0;
    got = sigtimedwait(set, NULL, &(struct timespec){ timeout_ms / 1000, timeout_ms % 1000 * 1000000 });
    return got > 0 ? got : 0;
}

/* A watchdog hears of a server only while every loop of it turns. */
static void serve_signals(struct server *server, const struct service_manager *manager, struct log *log,
                          const sigset_t *set)
{
    for (;;) {
        int64_t pause_ms = manager->watchdog_ms ? (manager->watchdog_ms + 2) / 3 : 0;
        int got = next_signal(set, pause_ms);
        if (pause_ms && server_is_alive(server))
            service_manager_send(manager, "WATCHDOG=1\n");
        if (got == SIGHUP)
            reload(server, manager);
        else if (got) {
            log_line(log, LOG_INFO, "stopping", LOG_S("signal", slice_of(got == SIGTERM ? "SIGTERM" : "SIGINT")));
            return;
        }
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

/* The server goes on without it: a disk that is full, for example, allows no link. */
static void welcome_person(const struct cli *cli, struct server *server, struct log *log)
{
    SCRATCH(scratch);
    err_t e = isatty(fileno(cli->out)) ? server_welcome(server, cli->out, &scratch) : NULL;
    if (e)
        log_error(log, "there is no link to sign in with", e);
}

static int serve_until_stopped(struct cli *cli, struct config *config, struct log *log, const sigset_t *set)
{
    struct server *server;
    struct service_manager manager;
    service_manager_find(&manager, cli->environment);
    err_t e = config->log.file.n ? log_use_file(log, arena_cstr(cli->arena, config->log.file), cli->arena) : NULL;
    if (!e)
        e = server_start(cli, config, log, false, cli->arena, &server);
    if (e)
        return command_failed(cli, e);
    welcome_person(cli, server, log);
    server_allow_reload(server, &(struct server_source){ read_config_again, cli });
    service_manager_send(&manager, "READY=1\nSTATUS=serving\n");
    serve_signals(server, &manager, log, set);
    service_manager_send(&manager, "STOPPING=1\nSTATUS=finishing requests in flight\n");
    drain_server(server, log, set);
    server_stop(server);
    log_line(log, LOG_INFO, "stopped", LOG_S("data", config->server.data));
    return EXIT_DONE;
}

static int run_serve(struct cli *cli)
{
    struct config config;
    err_t e = serve_config(cli, &config);
    if (e) {
        command_failed(cli, e);
        return EXIT_USAGE;
    }
    struct log log;
    log_init(&log, cli->clock, STDERR_FILENO, config.log.level, config_log_is_text(&config));
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
    .options = (const struct option_spec[]){ SERVE_OPTIONS, { 0 } },
    .summary = "Run the server until SIGTERM or SIGINT.",
    .details = "Addresses in use stand in DIR/run.json. SIGHUP and 'cais reload' read the configuration, open log.file "
               "and load the\n"
               "certificates again. SIGTERM and 'cais stop' let requests in flight finish, for http.shutdown_grace at "
               "most; a\n"
               "second SIGTERM cuts them. To a service manager it is a service of Type=notify, with a watchdog.\n"
               "On a terminal, the address of the portal and a link that signs in once are printed.\n",
    .run = run_serve,
};
