/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/admin.h"

#include "base/json.h"
#include "cli/client.h"
#include "cli/server_probe.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "core/access/access.h"
#include "core/care/data_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)64 * 1024)
#define ARGV_MAX 256
#define ADMIN_PATH "/admin/run"

err_t admin_config(const struct cli *cli, struct config *ret)
{
    const struct options *o = cli->options;
    const char *file = option_value(o, "config"), *data = option_value(o, "data"), *set;
    config_init(ret, cli->arena);
    if (file)
        TRY(config_read_file(ret, admin_path(cli, file)));
    TRY(config_read_environment(ret, cli->environment));
    for (size_t n = 0; (set = option_nth(o, "set", n)); n++)
        TRY(config_assign(ret, CONFIG_SET, slice_of(set), "--set"));
    if (data)
        TRY(config_set(ret, CONFIG_FLAG, S("server"), S("data"), slice_of(data), "--data"));
    return config_check(ret);
}

const char *admin_path(const struct cli *cli, const char *path)
{
    if (path[0] == '/' || cli->folder.n == 0)
        return path;
    return arena_printf(cli->arena, SLICE_FMT "/%s", SLICE_ARG(cli->folder), path).p;
}

err_t admin_input(const struct cli *cli, slice *ret)
{
    slice all = cli->input;
    if (!all.p) {
        char *text = arena_alloc(cli->arena, INPUT_MAX + 1);
        size_t n = 0;
        ssize_t got;
        while (n <= INPUT_MAX && (got = read(STDIN_FILENO, text + n, INPUT_MAX + 1 - n)) > 0)
            n += (size_t)got;
        if (n > INPUT_MAX)
            return err_make(cli->arena, ERR_TOO_LARGE, "more than %zu bytes on standard input", INPUT_MAX);
        all = (slice){ text, n };
    }
    while (all.n && (all.p[all.n - 1] == '\n' || all.p[all.n - 1] == '\r'))
        all.n--;
    *ret = all;
    return NULL;
}

slice admin_option(const struct cli *cli, const char *name)
{
    return slice_of(option_value(cli->options, name));
}

const char *admin_text(const struct cli *cli, slice text)
{
    return terminal_safe(cli->arena, text).p;
}

/* ---- sending the command to the server ---- */

/* The body of the request: the command line, the working directory, where a piece of the output begins and, if the command
 * reads it, standard input. */
static slice make_request(struct cli *cli, bool needs_input, struct arena *a, err_t *ret_error)
{
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    struct json_out o;
    json_out_init(&o, &body);
    json_open_object(&o);
    json_name(&o, "argv");
    json_open_array(&o);
    for (int i = 0; i < cli->argc; i++)
        json_add_string(&o, slice_of(cli->argv[i]));
    json_close_array(&o);
    char *folder = getcwd(NULL, 0);
    json_put_string(&o, "folder", slice_of(folder));
    free(folder);
    if (cli->resume.n)
        json_put_string(&o, "resume", cli->resume);
    if (needs_input) {
        slice input;
        *ret_error = admin_input(cli, &input);
        if (!*ret_error)
            json_put_string(&o, "input", input);
    }
    json_close_object(&o);
    return arena_copy(a, buf_slice(&body));
}

static bool reads_input(const struct cli *cli)
{
    return strcmp(cli->options->command->name, "user password") == 0;
}

/* Keeps where the next piece begins, in `kept`, because the arena of this piece ends. Writes the piece out, which must succeed
 * before the next is asked for. */
static err_t end_piece(struct cli *cli, struct buf *kept, slice resume, struct arena *a)
{
    buf_clear(kept);
    buf_add(kept, resume);
    cli->resume = buf_slice(kept);
    if (fflush(cli->out) != 0 || ferror(cli->out))
        return err_errno(a, errno, "cannot write the output");
    return cli->resume.n && stop_signal_waits() ? err_make(a, ERR_EXPIRED, "stopped by a signal") : NULL;
}

/* The reply: see reply_result. */
static err_t ask_for_piece(struct cli *cli, struct client *client, struct buf *kept, struct arena *a, int *ret_status)
{
    slice answer, line, text, word, out_size, resume;
    uint64_t status, out_n;
    err_t e = NULL;
    slice request = make_request(cli, reads_input(cli), a, &e);
    TRY(e);
    TRY(client_post(client, ADMIN_PATH, request, a, &answer));
    if (!slice_cut(answer, '\n', &line, &text) || !slice_cut(line, ' ', &word, &line) || !slice_to_u64(word, &status))
        return err_make(a, ERR_CORRUPT, "the server's answer is no answer");
    slice_cut(line, ' ', &out_size, &resume);
    if (!slice_to_u64(out_size, &out_n))
        return err_make(a, ERR_CORRUPT, "the server's answer is no answer");
    slice out = slice_part(text, 0, out_n), err = slice_from(text, out_n);
    fwrite(out.p, 1, out.n, cli->out);
    TRY(end_piece(cli, kept, resume, a));
    fwrite(err.p, 1, err.n, cli->err);
    *ret_status = (int)status;
    return NULL;
}

static int ask_server(struct cli *cli, slice data_dir)
{
    struct arena *a = cli->arena;
    struct client_target target = { .socket = arena_printf(a, SLICE_FMT "/" DATA_DIR_SOCKET, SLICE_ARG(data_dir)).p };
    struct client *client;
    SCOPED(buf_releasep) struct buf kept;
    buf_init(&kept, 0);
    int status = EXIT_FAILED;
    err_t e = client_open(a, &target, &client);
    do {
        SCRATCH(piece);
        arena_set_limit(&piece, SIZE_MAX / 2, NULL); /* as that of the command */
        if (!e)
            e = err_copy(a, ask_for_piece(cli, client, &kept, &piece, &status));
    } while (!e && status == EXIT_DONE && cli->resume.n);
    cli->resume = S("");
    return e ? command_failed(cli, e) : status;
}

/* ---- running the command in this process ---- */

static err_t run_pieces(struct cli *cli, struct admin *admin, int (*work)(struct cli *, struct admin *),
                        int *ret_status)
{
    SCOPED(buf_releasep) struct buf kept;
    buf_init(&kept, 0);
    struct arena *a = cli->arena;
    err_t e;
    do {
        SCRATCH(piece);
        arena_set_limit(&piece, SIZE_MAX / 2, NULL); /* as that of the command */
        cli->arena = &piece;
        *ret_status = work(cli, admin);
        e = err_copy(a, end_piece(cli, &kept, cli->resume, &piece));
        cli->arena = a;
    } while (!e && *ret_status == EXIT_DONE && cli->resume.n);
    cli->resume = S("");
    return e;
}

/* A check or a backup of a path that was mistyped, or where nothing is mounted, must not succeed with a new, empty store.
 * Where a database was lost, store_open says so. */
static err_t check_data_dir_exists(struct arena *a, slice dir)
{
    bool holds_data;
    if (access(arena_printf(a, SLICE_FMT "/" DATA_DIR_DATABASE, SLICE_ARG(dir)).p, F_OK) == 0 || errno != ENOENT)
        return NULL;
    TRY(data_dir_holds_data(arena_cstr(a, dir), a, &holds_data));
    if (holds_data)
        return NULL;
    return err_make(a, ERR_NOT_FOUND,
                    SLICE_FMT " is no data directory of cais: it has no " DATA_DIR_DATABASE
                              ". Name the one of your server with --data or --config; 'cais serve' makes a new one",
                    SLICE_ARG(dir));
}

/* Errors: NOT_FOUND there is no data directory; those of opening the stores. The command itself reports its errors and returns an exit code. */
static err_t run_here(struct cli *cli, const struct config *config, int (*work)(struct cli *, struct admin *),
                      int *ret_status)
{
    if (!cli->options->command->makes_data)
        TRY(check_data_dir_exists(cli->arena, config->server.data));
    struct log log;
    log_init(&log, cli->clock, STDERR_FILENO, LOG_WARNING, true);
    struct store store;
    err_t e = store_open(&store, config, cli->clock, cli->random, &log, cli->arena);
    struct admin admin = { .store = &store, .config = config };
    if (!e)
        e = access_operator(&store.core, S(""), cli->arena, &admin.who);
    if (!e)
        e = run_pieces(cli, &admin, work, ret_status);
    store_close(&store);
    return e;
}

int admin_command(struct cli *cli, int (*work)(struct cli *, struct admin *))
{
    if (cli->admin)
        return work(cli, cli->admin);
    struct config config;
    err_t e = admin_config(cli, &config);
    int64_t deadline_ms = 0;
    int status = EXIT_DONE;
    if (e)
        return command_failed(cli, e);
    do {
        if (server_probe(config.server.data))
            return ask_server(cli, config.server.data);
        e = run_here(cli, &config, work, &status);
    } while (e && e->code == ERR_CONFLICT && server_probe_pause(cli->clock, &deadline_ms));
    return e ? command_failed(cli, e) : status;
}

/* ---- the server's side ---- */

/* The body of the reply: the exit code, a blank, the length of the command's output and, if there is more of it, a blank and
 * where it begins; a line end, its output, and its error output. */
static void reply_result(struct http_exchange *x, int status, slice resume, slice out, slice err)
{
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    buf_printf(&body, "%d %zu%s" SLICE_FMT "\n", status, out.n, resume.n ? " " : "", SLICE_ARG(resume));
    buf_add(&body, out);
    buf_add(&body, err);
    http_reply(x, 200, "text/plain; charset=utf-8", arena_copy(&x->arena, buf_slice(&body)));
}

static err_t parse_request(struct http_exchange *x, char **argv, int *ret_argc, struct cli *cli)
{
    const struct json *j;
    TRY(json_parse(&x->arena, x->req.body, &j));
    int argc = 0;
    JSON_EACH(item, json_get(j, "argv")) {
        if (argc == ARGV_MAX || item->type != JS_STRING)
            return err_make(&x->arena, ERR_INVALID, "argv is no list of at most %d strings", ARGV_MAX);
        argv[argc++] = arena_cstr(&x->arena, item->string);
    }
    argv[argc] = NULL;
    *ret_argc = argc;
    cli->folder = json_str(j, "folder");
    cli->resume = json_str(j, "resume");
    cli->input = json_get(j, "input") ? json_str(j, "input") : S("");
    return NULL;
}

static err_t run_command(struct http_exchange *x)
{
    struct admin_service *s = x->api->context;
    struct admin admin = { .store = s->store, .config = s->config };
    struct cli cli = {
        .arena = &x->arena, .clock = s->clock, .random = s->random, .environment = s->environment, .admin = &admin
    };
    char **argv = arena_array(&x->arena, char *, ARGV_MAX + 1);
    int argc = 0;
    err_t e = parse_request(x, argv, &argc, &cli);
    if (!e)
        e = access_operator(&s->store->core, S(""), &x->arena, &admin.who);
    if (e) {
        reply_result(x, EXIT_FAILED, S(""), S(""), arena_printf(&x->arena, "cais: %s\n", e->msg));
        return NULL;
    }
    admin.who.request_id = x->req.id;
    char *out = NULL, *err = NULL;
    size_t out_n = 0, err_n = 0;
    cli.out = open_memstream(&out, &out_n);
    cli.err = open_memstream(&err, &err_n);
    if (!cli.out || !cli.err)
        abort(); /* out of memory */
    int status = commands_run(all_commands, &cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    reply_result(x, status, cli.resume, (slice){ out, out_n }, (slice){ err, err_n });
    free(out);
    free(err);
    return NULL;
}

/* Only the engine refuses here: what a command refuses is its result. */
static void fail_admin_request(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    http_reply(x, refusal ? refusal->status : 500, "application/json",
               arena_printf(&x->arena, "{\"error\":{\"code\":\"invalid\",\"message\":\"%s\"}}", e->msg));
}

static const struct http_route routes[] = {
    { "POST", ADMIN_PATH, run_command, HTTP_LOCAL_ONLY | HTTP_PUBLIC, 0, "the command line, while a server runs" },
};

void admin_service_init(struct admin_service *s)
{
    s->http_api = (struct http_api){ .name = "admin",
                                     .routes = routes,
                                     .route_count = LENGTH_OF(routes),
                                     .on_all_hosts = true,
                                     .fail = fail_admin_request,
                                     .context = s };
}
