/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include "cli/command_text.h"
#include "cli/server.h"
#include "cli/server_probe.h"
#include "cli/stop_signals.h"
#include "cli/store.h"
#include "cli/terminal.h"
#include "core/care/data_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

const char *environment_value(const struct cli *cli, const char *name)
{
    slice found, value;
    for (char *const *e = cli->environment; *e; e++)
        if (slice_cut(slice_of(*e), '=', &found, &value) && slice_eq(found, slice_of(name)))
            return value.p;
    return NULL;
}

void session_close(struct session *s)
{
    server_stop(s->server);
}

/* The threads of the server block the stop signals: the thread of the command handles them, because it knows
 * what it has to clean up. */
static err_t start_private_server(const struct cli *cli, struct session *s)
{
    struct stop_signals signals;
    log_init(&s->log, cli->clock, STDERR_FILENO, LOG_WARNING, true);
    stop_signals_block(&signals);
    err_t e = server_start(cli, &s->config, &s->log, true, cli->arena, &s->server);
    stop_signals_restore(&signals);
    return e;
}

static err_t read_session_config(const struct cli *cli, struct config *config)
{
    config_init(config, cli->arena);
    const char *file = option_value(cli->options, "config"), *data = option_value(cli->options, "data");
    if (file)
        TRY(config_read_file(config, file));
    TRY(config_read_environment(config, cli->environment));
    if (data)
        TRY(config_set(config, CONFIG_FLAG, S("server"), S("data"), slice_of(data), "--data"));
    return config_check(config);
}

/* The socket of the server that has the data directory, or of a private one. */
static err_t find_socket(const struct cli *cli, struct session *s, const char **ret_path)
{
    slice dir = s->config.server.data;
    *ret_path = arena_printf(cli->arena, SLICE_FMT "/" DATA_DIR_SOCKET, SLICE_ARG(dir)).p;
    int64_t deadline_ms = 0;
    err_t e;
    do {
        if (server_probe(dir))
            return NULL;
        e = store_check_exists(dir, cli->arena);
        if (!e)
            e = start_private_server(cli, s);
        if (!e)
            *ret_path = arena_printf(cli->arena, SLICE_FMT "/" DATA_DIR_PRIVATE, SLICE_ARG(dir)).p;
    } while (e && e->code == ERR_CONFLICT && server_probe_pause(cli->clock, &deadline_ms));
    return e;
}

static slice name_of_server(const struct cli *cli, const struct session *s, const char *url)
{
    if (url)
        return url_without_secrets(slice_of(url), cli->arena);
    char *dir = realpath(arena_cstr(cli->arena, s->config.server.data), NULL);
    slice parts[] = { dir ? slice_of(dir) : s->config.server.data, S("/" DATA_DIR_SOCKET) };
    slice name = arena_join(cli->arena, parts, LENGTH_OF(parts));
    free(dir);
    return name;
}

int session_open(const struct cli *cli, struct session *s)
{
    const struct options *o = cli->options;
    struct client_target target = { .url = option_value(o, "url"),
                                    .token = option_value(o, "token"),
                                    .ca_file = option_value(o, "ca"),
                                    .account = option_value(o, "account") };
    if (!target.url && (target.token || target.ca_file))
        return usage_error(cli->err, o->command, "--%s is of use with --url only", target.token ? "token" : "ca");
    if (target.url && target.account)
        return usage_error(cli->err, o->command, "--account is of no use with --url: a token belongs to one account");
    if (target.url && (option_on(o, "data") || option_on(o, "config")))
        return usage_error(cli->err, o->command, "--url and --%s exclude each other",
                           option_on(o, "data") ? "data" : "config");
    err_t e = NULL;
    if (!target.url && (e = read_session_config(cli, &s->config)) != NULL) {
        command_failed(cli, e);
        return EXIT_USAGE;
    }
    if (!target.url)
        e = find_socket(cli, s, &target.socket);
    else if (!target.token)
        target.token = environment_value(cli, "CAIS_TOKEN");
    if (!e)
        e = client_open(cli->arena, &target, &s->client);
    s->server_name = name_of_server(cli, s, target.url);
    s->account = slice_of(target.url ? "" : target.account ? target.account : "default");
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* ---- messages and names ---- */

int report_file_error(const struct cli *cli, const char *name, err_t e)
{
    SCRATCH(scratch);
    return command_failed(
        cli, err_because(&scratch, e, e->code, SLICE_FMT, SLICE_ARG(terminal_safe(&scratch, slice_of(name)))));
}

err_t explain_id_error(const struct cli *cli, err_t e)
{
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    return err_make(cli->arena, ERR_NOT_FOUND, SLICE_FMT "; 'cais ls' shows the IDs",
                    SLICE_ARG(err_text_for_people(cli->arena, e)));
}

void print_json_value(FILE *out, const struct json *j)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out o;
    json_out_init(&o, &text);
    json_add_value(&o, j);
    fwrite(text.p, 1, text.n, out);
    fputc('\n', out);
}

slice path_last_part(slice path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    size_t slash = slice_rfind_byte(path, '/');
    return slash == SLICE_NONE ? path : slice_from(path, slash + 1);
}
