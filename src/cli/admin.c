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
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)64 * 1024)
#define ARGV_MAX 256
#define ADMIN_PATH "/admin/run"

static err_t read_config(const struct cli *cli, struct config *ret)
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

bool admin_config(const struct cli *cli, struct config *ret)
{
    err_t e = read_config(cli, ret);
    if (e)
        command_failed(cli, e);
    return !e;
}

const char *admin_path(const struct cli *cli, const char *path)
{
    if (path[0] == '/' || cli->folder.n == 0)
        return path;
    return arena_printf(cli->arena, SLICE_FMT "/%s", SLICE_ARG(cli->folder), path).p;
}

static err_t read_all(const struct cli *cli, int fd, const char *what, slice *ret)
{
    char *text = arena_alloc(cli->arena, INPUT_MAX + 1);
    size_t n = 0;
    ssize_t got = 1;
    while (n <= INPUT_MAX && (got = TEMP_FAILURE_RETRY(read(fd, text + n, INPUT_MAX + 1 - n))) > 0)
        n += (size_t)got;
    if (got < 0)
        return err_errno(cli->arena, errno, "cannot read %s", what);
    if (n > INPUT_MAX)
        return err_make(cli->arena, ERR_TOO_LARGE, "more than %zu bytes on %s", INPUT_MAX, what);
    *ret = (slice){ text, n };
    return NULL;
}

err_t admin_file(const struct cli *cli, const char *path, slice *ret)
{
    slice text = cli->input;
    if (!text.p && strcmp(path, "-") == 0) {
        TRY(read_all(cli, STDIN_FILENO, "standard input", &text));
    } else if (!text.p) {
        SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_errno(cli->arena, errno, "cannot read %s", path);
        TRY(read_all(cli, fd, path, &text));
    }
    if (!slice_is_utf8(text) || slice_find_byte(text, '\0') != SLICE_NONE)
        return err_make(cli->arena, ERR_INVALID, "%s is no text", path);
    *ret = text;
    return NULL;
}

err_t admin_input(const struct cli *cli, slice *ret)
{
    slice all = cli->input;
    if (!all.p)
        TRY(read_all(cli, STDIN_FILENO, "standard input", &all));
    while (all.n && (all.p[all.n - 1] == '\n' || all.p[all.n - 1] == '\r'))
        all.n--;
    *ret = all;
    return NULL;
}

slice admin_option(const struct cli *cli, const char *name)
{
    return slice_of(option_value(cli->options, name));
}

bool admin_limits(const struct cli *cli, int64_t *max_bytes, int64_t *max_files)
{
    const char *bytes = option_value(cli->options, "max-bytes"), *files = option_value(cli->options, "max-files");
    if ((!bytes || option_size(bytes, max_bytes)) && (!files || slice_to_i64(slice_of(files), max_files)))
        return true;
    usage_error(cli->err, cli->options->command, "a limit is a number; bytes may end in K, M, G or T");
    return false;
}

const char *admin_text(const struct cli *cli, slice text)
{
    return terminal_safe(cli->arena, text).p;
}

err_t admin_no_such(const struct cli *cli, err_t e, const char *what, slice name, const char *list)
{
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    return err_make(cli->arena, ERR_NOT_FOUND, "there is no %s %s: 'cais %s' shows what there is", what,
                    admin_text(cli, name), list);
}

err_t admin_exists(const struct cli *cli, err_t e, const char *what, slice name, const char *list)
{
    if (!err_is(e, ERR_CONFLICT))
        return e;
    return err_make(cli->arena, ERR_CONFLICT, "there is %s %s %s already: 'cais %s' shows what there is",
                    strchr("aeio", what[0]) ? "an" : "a", what, admin_text(cli, name), list);
}

err_t admin_operator(const struct cli *cli, struct admin *admin, struct principal *ret)
{
    slice account = admin_option(cli, "account");
    return admin_no_such(cli, access_operator(&admin->store->core, account, cli->arena, ret), "account", account,
                         "account list");
}

/* ---- sending the command to the server ---- */

/* What the command reads; .p NULL: nothing. */
static err_t reads_input(const struct cli *cli, slice *ret)
{
    const char *name = cli->options->command->name;
    const char *file = strcmp(name, "key add") == 0 ? option_value(cli->options, "public-key") : NULL;
    if (file)
        return admin_file(cli, file, ret);
    return strcmp(name, "user password") == 0 ? admin_input(cli, ret) : NULL;
}

/* The body of the request: the command line, the working directory, the width of the terminal, where a piece of the output begins
 * and, if the command reads any, its input. */
static slice make_request(struct cli *cli, slice input, slice id, struct arena *a)
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
    json_put_int(&o, "columns", (int64_t)cli->columns);
    if (cli->resume.n)
        json_put_string(&o, "resume", cli->resume);
    if (input.p)
        json_put_string(&o, "input", input);
    json_put_string(&o, "progress", id);
    json_close_object(&o);
    return arena_copy(a, buf_slice(&body));
}

/* While the command line waits for the reply: asks how far the command is, by another connection. */
struct asking {
    struct admin_bar bar;
    struct client *client;
    slice id;
    int64_t asked_ms;
};

static bool show_progress(void *arg, int64_t done, int64_t total)
{
    enum { PAUSE_MS = 250 };
    struct asking *asking = arg;
    int64_t now = clock_monotonic_ms(asking->bar.bar.clock);
    if (asking->asked_ms && now - asking->asked_ms < PAUSE_MS)
        return true;
    asking->asked_ms = now;
    SCRATCH(a);
    slice body = arena_printf(&a, "{\"id\":\"" SLICE_FMT "\"}", SLICE_ARG(asking->id)), text;
    (void)done, (void)total;
    if (!client_post(asking->client, ADMIN_PROGRESS_PATH, body, NULL, &a, &text))
        admin_bar_draw(&asking->bar, text);
    return true;
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
static err_t ask_for_piece(struct cli *cli, struct client *client, struct asking *asking, struct buf *kept,
                           struct arena *a, int *ret_status)
{
    struct client_watch watch = { show_progress, asking };
    slice input = { 0 }, answer, line, text, word, out_size, resume;
    uint64_t status, out_n;
    TRY(reads_input(cli, &input));
    err_t e = client_post(client, ADMIN_PATH, make_request(cli, input, asking->id, a), asking->client ? &watch : NULL,
                          a, &answer);
    admin_bar_end(&asking->bar);
    TRY(e);
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
    struct asking asking = { .id = random_hex(cli->random, a, ADMIN_PROGRESS_ID) };
    SCOPED(buf_releasep) struct buf kept;
    buf_init(&kept, 0);
    int status = EXIT_FAILED;
    err_t e = client_open(a, &target, &client);
    admin_bar_init(&asking.bar, cli->err, cli->clock);
    if (!e && asking.bar.bar.shown)
        e = client_open(a, &target, &asking.client);
    do {
        SCRATCH(piece);
        arena_set_limit(&piece, SIZE_MAX / 2, NULL); /* as that of the command */
        if (!e)
            e = err_copy(a, ask_for_piece(cli, client, &asking, &kept, &piece, &status));
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

/* Errors: NOT_FOUND there is no data directory; those of opening the stores. The command itself reports its errors and returns an exit code. */
static err_t run_here(struct cli *cli, const struct config *config, int (*work)(struct cli *, struct admin *),
                      int *ret_status)
{
    TRY(store_check_exists(config->server.data, cli->arena));
    struct log log;
    log_init(&log, cli->clock, STDERR_FILENO, LOG_WARNING, true);
    struct store store;
    err_t e = store_open(&store, config, cli->clock, cli->random, &log, cli->arena);
    struct admin admin = { .store = &store, .config = config };
    struct admin_bar bar;
    admin_bar_init(&bar, cli->err, cli->clock);
    cli->progress = &bar.progress;
    if (!e)
        e = store_advise_salvage(config->server.data, access_operator(&store.core, S(""), cli->arena, &admin.who),
                                 cli->arena);
    if (!e)
        e = run_pieces(cli, &admin, work, ret_status);
    cli->progress = NULL;
    store_close(&store);
    return e;
}

int admin_command(struct cli *cli, int (*work)(struct cli *, struct admin *))
{
    if (cli->admin)
        return work(cli, cli->admin);
    struct config config;
    err_t e;
    int64_t deadline_ms = 0;
    int status = EXIT_DONE;
    if (!admin_config(cli, &config))
        return EXIT_USAGE;
    do {
        if (server_probe(config.server.data))
            return ask_server(cli, config.server.data);
        e = run_here(cli, &config, work, &status);
    } while (e && e->code == ERR_CONFLICT && server_probe_pause(cli->clock, &deadline_ms));
    return e ? command_failed(cli, e) : status;
}

int admin_server_command(struct cli *cli, int (*work)(struct cli *, struct admin *))
{
    if (cli->admin)
        return work(cli, cli->admin);
    struct config config;
    int64_t deadline_ms = 0;
    if (!admin_config(cli, &config))
        return EXIT_USAGE;
    do
        if (server_probe(config.server.data))
            return ask_server(cli, config.server.data);
    while (store_is_in_use(config.server.data) &&
           server_probe_pause(cli->clock, &deadline_ms)); /* it starts or stops */
    err_t e = store_check_exists(config.server.data, cli->arena);
    if (!e)
        e = err_make(cli->arena, ERR_NOT_FOUND, "no server runs on " SLICE_FMT ": 'cais serve' starts one",
                     SLICE_ARG(terminal_safe(cli->arena, config.server.data)));
    return command_failed(cli, e);
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

static err_t parse_request(struct http_exchange *x, char **argv, int *ret_argc, struct cli *cli, slice *ret_id)
{
    enum { COLUMNS_MAX = 10000 };
    const struct json *j;
    int64_t columns = 0;
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
    if (json_to_i64(json_get(j, "columns"), &columns) && columns > 0 && columns < COLUMNS_MAX)
        cli->columns = (size_t)columns;
    cli->input = json_get(j, "input") ? json_str(j, "input") : S("");
    *ret_id = json_str(j, "progress");
    return NULL;
}

static err_t run_command(struct http_exchange *x)
{
    struct admin_service *s = x->api->context;
    struct admin admin = { .store = s->store, .config = s->config, .control = &s->control };
    struct cli cli = {
        .arena = &x->arena, .clock = s->clock, .random = s->random, .environment = s->environment, .admin = &admin
    };
    char **argv = arena_array(&x->arena, char *, ARGV_MAX + 1);
    int argc = 0;
    slice id;
    err_t e = parse_request(x, argv, &argc, &cli, &id);
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
    struct admin_slot *slot = admin_slots_take(&s->slots, id);
    cli.progress = slot ? &slot->progress : NULL;
    int status = commands_run(all_commands, &cli, argc, argv);
    admin_slots_give(slot);
    fclose(cli.out);
    fclose(cli.err);
    reply_result(x, status, cli.resume, (slice){ out, out_n }, (slice){ err, err_n });
    free(out);
    free(err);
    return NULL;
}

static err_t tell_progress(struct http_exchange *x)
{
    struct admin_service *s = x->api->context;
    const struct json *j;
    TRY(json_parse(&x->arena, x->req.body, &j));
    http_reply(x, 200, "text/plain; charset=utf-8", admin_slots_text(&s->slots, json_str(j, "id"), &x->arena));
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
    { "POST", ADMIN_PROGRESS_PATH, tell_progress, HTTP_LOCAL_ONLY | HTTP_PUBLIC, 0, "how far a command is" },
};

void admin_service_init(struct admin_service *s)
{
    admin_slots_init(&s->slots);
    s->http_api = (struct http_api){ .name = "admin",
                                     .routes = routes,
                                     .route_count = LENGTH_OF(routes),
                                     .on_all_hosts = true,
                                     .fail = fail_admin_request,
                                     .context = s };
}
