/* SPDX-License-Identifier: Apache-2.0 */
/* cais check: would `cais serve` with these options start? Nothing is opened for writing, and no address is bound, so a server may run
 * meanwhile. */
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/serve_options.h"
#include "cli/store.h"
#include "cli/terminal.h"
#include "core/care/data_dir.h"
#include "http/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct check {
    struct cli *cli;
    const struct config *config;
    int failures;
};

static void report_problem(struct check *c, err_t e)
{
    if (!e)
        return;
    c->failures++;
    command_failed(c->cli, e);
}

static err_t check_certificates(const struct config *c, struct arena *a)
{
    struct http_certificate *pairs = arena_array(a, struct http_certificate, c->server.tls_cert.count + 1);
    struct tls *tls;
    if (!c->server.tls_cert.count)
        return NULL;
    for (size_t i = 0; i < c->server.tls_cert.count; i++)
        pairs[i] = (struct http_certificate){ arena_cstr(a, c->server.tls_cert.items[i]),
                                              arena_cstr(a, c->server.tls_key.items[i]) };
    TRY(tls_load(pairs, c->server.tls_cert.count, a, &tls));
    tls_release(tls);
    return NULL;
}

/* name: of the key. */
static err_t check_readable(const char *name, slice path, struct arena *a)
{
    if (path.n && access(arena_cstr(a, path), R_OK) != 0)
        return err_errno(a, errno, "%s: cannot read " SLICE_FMT, name, SLICE_ARG(terminal_safe(a, path)));
    return NULL;
}

/* The folder in which a file or directory is to be made. */
static const char *folder_of(struct arena *a, slice path)
{
    char *parent = arena_cstr(a, path);
    while (strlen(parent) > 1 && parent[strlen(parent) - 1] == '/')
        parent[strlen(parent) - 1] = '\0';
    char *slash = strrchr(parent, '/');
    if (!slash)
        return ".";
    slash[slash == parent] = '\0';
    return parent;
}

static err_t check_log_file(const struct config *c, struct arena *a)
{
    const char *path = arena_cstr(a, c->log.file);
    struct stat st;
    if (!c->log.file.n || access(path, W_OK) == 0)
        return NULL;
    if (stat(path, &st) == 0 || access(folder_of(a, c->log.file), W_OK) != 0)
        return err_errno(a, errno, "log.file: cannot write %s", terminal_safe(a, c->log.file).p);
    return NULL;
}

/* A directory that does not exist is made by the server, with those above it. */
static err_t check_data_dir(const struct config *c, struct arena *a)
{
    const char *path = arena_cstr(a, c->server.data);
    struct stat st;
    if (stat(path, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            return err_make(a, ERR_INVALID, "server.data: %s is no directory", terminal_safe(a, c->server.data).p);
        TRY(data_dir_check_private(path, geteuid(), a));
        return access(path, W_OK) == 0 ? NULL : err_errno(a, errno, "server.data: cannot write %s", path);
    }
    const char *up = path;
    do
        up = folder_of(a, slice_of(up));
    while (access(up, F_OK) != 0 && strcmp(up, ".") != 0 && strcmp(up, "/") != 0);
    return access(up, W_OK) == 0 ? NULL : err_errno(a, errno, "server.data: cannot make %s in %s", path, up);
}

static void check_files(struct check *c, struct arena *a)
{
    const struct config *config = c->config;
    report_problem(c, check_certificates(config, a));
    report_problem(c, check_log_file(config, a));
    report_problem(c, check_data_dir(config, a));
    report_problem(c, check_readable("webhooks.ca", config->webhooks.ca, a));
    for (size_t i = 0; i < config->sftp.host_keys.count; i++)
        report_problem(c, check_readable("sftp.host_keys", config->sftp.host_keys.items[i], a));
}

static int run_check(struct cli *cli)
{
    struct config config;
    struct check c = { .cli = cli, .config = &config };
    err_t e = serve_config(cli, &config);
    report_problem(&c, e);
    if (!e)
        check_files(&c, cli->arena);
    if (option_on(cli->options, "json")) {
        struct json_line line;
        json_line_open(&line);
        json_put_bool(&line.o, "good", !c.failures);
        json_line_print(&line, cli->out);
    } else if (!c.failures) {
        fprintf(cli->out, "the configuration is good%s\n",
                store_is_in_use(config.server.data) ? "; its data directory is in use now" : "");
    }
    return c.failures ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_check = {
    .name = "check",
    .options = (const struct option_spec[]){ SERVE_OPTIONS, { "json", 0, NULL, false, "Print JSON." }, { 0 } },
    .summary = "Check a configuration, without a start.",
    .details = "It takes the options of 'cais serve'. Every problem is one line on standard error, and gives exit code "
               "1. Certificates are\n"
               "loaded, and files and folders looked for; addresses are not bound, and nothing is changed.\n",
    .run = run_check,
};
