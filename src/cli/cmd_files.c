/* SPDX-License-Identifier: Apache-2.0 */
/* put, get, ls: files in, files out, what there is. All three speak the native API as any client would. When nobody
 * serves the data folder, a private server in this process does for as long as the command runs. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/holder.h"
#include "cli/server.h"
#include "cli/terminal.h"

#include "base/random.h"
#include "base/text.h"
#include "core/care/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE 100

/* clang-format off */
#define TARGET_OPTIONS                                                                                          \
    { "data", 0, "DIR", false, "Folder of a server on this machine (default ./cais-data): asks its admin.sock." }, \
    { "config", 0, "FILE", false, "Configuration that names the folder." },                                     \
    { "url", 0, "URL", false, "Ask the server at this URL instead." },                                          \
    { "token", 0, "TOKEN", false, "Token for --url; better in the environment, as CAIS_TOKEN." },               \
    { "ca", 0, "FILE", false, "Certificates (PEM) to trust for an https URL." },                                \
    { "account", 0, "NAME", false, "Account to work in, on this machine (default: default)." },                 \
    { "json", 0, NULL, false, "Print JSON." }
/* clang-format on */

static const char *environment_value(const struct cli *cli, const char *name)
{
    slice found, value;
    for (char *const *e = cli->environment; *e; e++)
        if (slice_cut(slice_of(*e), '=', &found, &value) && slice_eq(found, slice_of(name)))
            return value.p;
    return NULL;
}

/* What a command works with. Ends in session_close. */
struct session {
    struct client *client;
    struct config config; /* of the data folder, when there is no --url */
    struct log log;
    struct server *server; /* our own, when nobody else serves the folder */
};

static void session_close(struct session *s)
{
    server_stop(s->server);
}

/* Threads of the server must leave SIGINT and its like to this one, which knows what it has begun. */
static err_t start_server(const struct cli *cli, struct session *s)
{
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    log_init(&s->log, cli->clock, STDERR_FILENO, LOG_WARNING, true);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    err_t e = server_start(cli, &s->config, &s->log, true, cli->arena, &s->server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e;
}

/* Who answers for the data folder that flags, environment and file agree on; we do when nobody else does. Only put
 * makes a folder: to list or fetch from one that is not there is a mistake. */
static err_t find_socket(const struct cli *cli, struct session *s, const char **ret_path)
{
    struct config *config = &s->config;
    config_init(config, cli->arena);
    const char *file = option_value(cli->options, "config"), *data = option_value(cli->options, "data");
    if (file)
        TRY(config_read_file(config, file));
    TRY(config_read_environment(config, cli->environment));
    if (data)
        TRY(config_set(config, CONFIG_FLAG, S("server"), S("data"), slice_of(data), "--data"));
    TRY(config_check(config));
    slice dir = config->server.data;
    *ret_path = arena_printf(cli->arena, SLICE_FMT "/" DATA_DIR_SOCKET, SLICE_ARG(dir)).p;
    const char *database = arena_printf(cli->arena, SLICE_FMT "/" DATA_DIR_DATABASE, SLICE_ARG(dir)).p;
    bool makes = cli->options->command == &command_put;
    int64_t until = 0;
    err_t e;
    do {
        if (holder_answers(dir) || (!makes && access(database, F_OK) != 0 && errno == ENOENT))
            return NULL;
        e = start_server(cli, s);
        if (!e)
            *ret_path = arena_printf(cli->arena, SLICE_FMT "/" DATA_DIR_PRIVATE, SLICE_ARG(dir)).p;
    } while (e && e->code == ERR_CONFLICT && holder_wait(cli->clock, &until));
    return e;
}

/* EXIT_DONE and a client, or the exit code after a message. s is all zeros at first. */
static int open_session(const struct cli *cli, struct session *s)
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
    if (!target.url)
        e = find_socket(cli, s, &target.socket);
    else if (!target.token)
        target.token = environment_value(cli, "CAIS_TOKEN");
    if (!e)
        e = client_open(cli->arena, &target, &s->client);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

static int failed_with(const struct cli *cli, const char *name, err_t e)
{
    SCRATCH(scratch);
    return command_failed(
        cli, err_because(&scratch, e, e->code, SLICE_FMT, SLICE_ARG(terminal_safe(&scratch, slice_of(name)))));
}

static void print_json(FILE *out, const struct json *j)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out o;
    json_out_init(&o, &text);
    json_add_value(&o, j);
    fwrite(text.p, 1, text.n, out);
    fputc('\n', out);
}

static slice last_part(slice path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    size_t slash = slice_rfind_byte(path, '/');
    return slash == SLICE_NONE ? path : slice_from(path, slash + 1);
}

/* ── put ────────────────────────────────────────────────────────────────────────────────────────────────────────── */

static bool show_progress(void *arg, int64_t done, int64_t total)
{
    progress_update(arg, done, total);
    return true;
}

static err_t put_one(struct cli *cli, struct client *client, const char *path)
{
    SCRATCH(scratch);
    bool standard_input = strcmp(path, "-") == 0;
    SCOPED(fd_closep) int opened = standard_input ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (!standard_input && opened < 0)
        return err_errno(cli->arena, errno, "cannot open it");
    const char *given = option_value(cli->options, "name");
    slice name = given ? slice_of(given) : standard_input ? S("stdin") : last_part(slice_of(path));
    struct progress progress;
    progress_init(&progress, cli->err, cli->clock, terminal_safe(&scratch, name));
    struct client_watch watch = { show_progress, &progress };
    struct client_file file;
    err_t e = client_put(client, standard_input ? STDIN_FILENO : opened, name, option_value(cli->options, "type"),
                         &watch, &scratch, &file);
    progress_end(&progress);
    if (e)
        return err_copy(cli->arena, e);
    if (option_on(cli->options, "json"))
        print_json(cli->out, file.json);
    else
        fprintf(cli->out, SLICE_FMT "  " SLICE_FMT "  " SLICE_FMT "\n", SLICE_ARG(file.id),
                SLICE_ARG(size_for_people(&scratch, file.size_bytes)), SLICE_ARG(terminal_safe(&scratch, file.name)));
    fflush(cli->out);
    return NULL;
}

int cmd_put(struct cli *cli)
{
    const struct options *o = cli->options;
    SCOPED(session_close) struct session session = { 0 };
    if (option_on(o, "name") && o->operand_count > 1)
        return usage_error(cli->err, o->command, "--name is for one file, not for %zu", o->operand_count);
    const char *type = option_value(o, "type");
    for (const char *t = type; t && *t; t++)
        if ((unsigned char)*t < ' ' || (unsigned char)*t >= 0x7f)
            return usage_error(cli->err, o->command, "--type: '%s' is no content type", type);
    int status = open_session(cli, &session);
    for (size_t i = 0; status != EXIT_USAGE && i < o->operand_count; i++) {
        if (status == EXIT_FAILED && i == 0)
            return status; /* no client */
        err_t e = put_one(cli, session.client, o->operands[i]);
        if (e)
            status = failed_with(cli, o->operands[i], e);
    }
    return status;
}

const struct command command_put = {
    .name = "put",
    .operands = "FILE…",
    .least_operands = 1,
    .most_operands = ANY_NUMBER,
    .options = (const struct option_spec[]){ { "name", 0, "NAME", false, "Keep it under this name." },
                                             { "type", 0, "TYPE", false, "Its content type." },
                                             TARGET_OPTIONS,
                                             { 0 } },
    .summary = "Send files; each becomes a new file of the server.",
    .details =
        "FILE - is standard input. When the command succeeds, the server has the bytes on stable storage, and their\n"
        "length and MD5 are those that were sent. Prints id, size and name, one line a file.\n",
    .run = cmd_put,
};

/* ── get ────────────────────────────────────────────────────────────────────────────────────────────────────────── */

struct download {
    int fd;
    struct progress progress;
    sigset_t signals; /* blocked meanwhile, so that nothing half-done stays behind */
};

static err_t write_out(void *arg, struct arena *a, slice bytes)
{
    struct download *d = arg;
    while (bytes.n) {
        ssize_t n = write(d->fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(a, errno, "cannot write");
        bytes = slice_from(bytes, (size_t)n);
    }
    return NULL;
}

static bool go_on(void *arg, int64_t done, int64_t total)
{
    struct download *d = arg;
    progress_update(&d->progress, done, total);
    return sigtimedwait(&d->signals, NULL, &(struct timespec){ 0 }) < 0;
}

static err_t fetch(struct cli *cli, struct client *client, const char *id, int fd)
{
    struct download d = { .fd = fd };
    struct client_sink sink = { write_out, &d };
    struct client_watch watch = { go_on, &d };
    sigset_t before;
    sigemptyset(&d.signals);
    sigaddset(&d.signals, SIGINT);
    sigaddset(&d.signals, SIGTERM);
    sigaddset(&d.signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &d.signals, &before);
    progress_init(&d.progress, cli->err, cli->clock, terminal_safe(cli->arena, slice_of(id)));
    err_t e = client_get(client, slice_of(id), &sink, &watch, cli->arena);
    progress_end(&d.progress);
    if (e && e->code == ERR_EXPIRED) /* the signal was taken by go_on; whoever waits for us learns by the exit code */
        e = err_make(cli->arena, ERR_EXPIRED, "stopped by a signal");
    sigprocmask(SIG_SETMASK, &before, NULL);
    return e;
}

/* Where nothing is yet, or over what is there. */
static err_t put_in_place(struct arena *a, const char *from, const char *to, bool over)
{
    int failed = over ? rename(from, to) : renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (failed && !over && (errno == EINVAL || errno == ENOSYS)) { /* a file system that cannot: link refuses, too */
        failed = link(from, to);
        if (!failed)
            unlink(from);
    }
    if (failed && errno == EEXIST)
        return err_make(a, ERR_CONFLICT, "it exists already; --force replaces it");
    return failed ? err_errno(a, errno, "cannot put it in place") : NULL;
}

static err_t get_to_file(struct cli *cli, struct client *client, const char *id, const char *path)
{
    struct arena *a = cli->arena;
    bool force = option_on(cli->options, "force");
    struct stat there;
    if (lstat(path, &there) == 0) {
        if (!force)
            return err_make(a, ERR_CONFLICT, "it exists already; --force replaces it");
        if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
            return err_make(a, ERR_CONFLICT, "it is there and is no regular file");
    }
    slice name = last_part(slice_of(path)), folder = slice_part(slice_of(path), 0, (size_t)(name.p - path));
    /* A short name of its own: with the target's it could become too long. */
    const char *temporary =
        arena_printf(a, SLICE_FMT ".cais-get-" SLICE_FMT, SLICE_ARG(folder), SLICE_ARG(random_text(cli->random, a, 12)))
            .p;
    SCOPED(fd_closep) int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(a, errno, "cannot write beside it");
    err_t e = fetch(cli, client, id, fd);
    if (!e && fsync(fd) != 0)
        e = err_errno(a, errno, "cannot write");
    if (!e)
        e = put_in_place(a, temporary, path, force);
    if (e)
        unlink(temporary);
    return e;
}

/* A name in this folder: what somebody else called a file must not lead anywhere. */
static err_t safe_file_name(struct arena *a, slice name, const char **ret_name)
{
    char *copy = arena_cstr(a, last_part(name));
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '/')
            *c = '_';
    if (!*copy || *copy == '.' || *copy == '-')
        return err_make(a, ERR_INVALID, "its name, '" SLICE_FMT "', is not fit for a file here; choose one with -o",
                        SLICE_ARG(terminal_safe(a, name)));
    *ret_name = copy;
    return NULL;
}

int cmd_get(struct cli *cli)
{
    const struct options *o = cli->options;
    const char *id = o->operands[0], *path = option_value(o, "output");
    SCOPED(session_close) struct session session = { 0 };
    int status = open_session(cli, &session);
    if (status != EXIT_DONE)
        return status;
    struct client_file file = { 0 };
    err_t e = NULL;
    if (!path || option_on(o, "json")) {
        e = client_info(session.client, slice_of(id), cli->arena, &file);
        if (!e && !path)
            e = safe_file_name(cli->arena, file.name, &path);
        if (e)
            return failed_with(cli, id, e);
    }
    if (strcmp(path, "-") == 0) {
        e = fetch(cli, session.client, id, STDOUT_FILENO);
        return e ? failed_with(cli, id, e) : EXIT_DONE;
    }
    e = get_to_file(cli, session.client, id, path);
    if (e)
        return failed_with(cli, path, e);
    if (option_on(o, "json"))
        print_json(cli->out, file.json);
    else
        fprintf(cli->out, SLICE_FMT "\n", SLICE_ARG(terminal_safe(cli->arena, slice_of(path))));
    return EXIT_DONE;
}

const struct command command_get = {
    .name = "get",
    .operands = "ID",
    .least_operands = 1,
    .most_operands = 1,
    .options =
        (const struct option_spec[]){ { "output", 'o', "FILE", false, "Write to this file; - is standard output." },
                                      { "force", 0, NULL, false, "Replace a file that exists." },
                                      TARGET_OPTIONS,
                                      { 0 } },
    .summary = "Fetch a file.",
    .details =
        "Without -o it is written to this folder under the name it has. The file appears whole, after its length and\n"
        "MD5 were checked, or not at all; with -o - watch the exit code: the bytes are out before the check.\n",
    .run = cmd_get,
};

/* ── ls ─────────────────────────────────────────────────────────────────────────────────────────────────────────── */

enum { COLUMNS = 7 };

static void print_table(struct cli *cli, const struct client_file *files, size_t count)
{
    struct arena *a = cli->arena;
    static const char *const titles[COLUMNS] = { "ID", "STATE", "SIZE", "OWNER", "WAY", "CREATED", "NAME" };
    slice(*cells)[COLUMNS] = arena_alloc_array(a, sizeof *cells, count + 1);
    size_t widths[COLUMNS] = { 0 };
    for (size_t c = 0; c < COLUMNS; c++)
        cells[0][c] = slice_of(titles[c]);
    for (size_t i = 0; i < count; i++) {
        const struct client_file *f = &files[i];
        const slice row[COLUMNS] = {
            f->id,         f->state, size_for_people(a, f->size_bytes), f->owner.n ? f->owner : S("-"), f->way,
            f->created_at, f->name
        };
        for (size_t c = 0; c < COLUMNS; c++)
            cells[i + 1][c] = terminal_safe(a, row[c]);
    }
    for (size_t i = 0; i <= count; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            if (terminal_width(cells[i][c]) > widths[c])
                widths[c] = terminal_width(cells[i][c]);
    for (size_t i = 0; i <= count; i++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            slice cell = cells[i][c];
            int pad = (int)(widths[c] - terminal_width(cell));
            bool right = c == 2, last = c == COLUMNS - 1;
            fprintf(cli->out, "%*s" SLICE_FMT "%*s%s", right ? pad : 0, "", SLICE_ARG(cell), right || last ? 0 : pad,
                    "", last ? "\n" : "  ");
        }
    }
}

static void print_list(struct cli *cli, const struct client_file *files, size_t count, slice next)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out o;
    json_out_init(&o, &text);
    json_open_object(&o);
    json_name(&o, "files");
    json_open_array(&o);
    for (size_t i = 0; i < count; i++)
        json_add_value(&o, files[i].json);
    json_close_array(&o);
    if (next.n)
        json_put_string(&o, "next", next);
    json_close_object(&o);
    fwrite(text.p, 1, text.n, cli->out);
    fputc('\n', cli->out);
}

static void free_filesp(struct client_file **files)
{
    free(*files);
}

int cmd_ls(struct cli *cli)
{
    int64_t limit = PAGE;
    if (!option_number(cli, "limit", 1, 1000000, &limit))
        return EXIT_USAGE;
    SCOPED(session_close) struct session session = { 0 };
    int status = open_session(cli, &session);
    if (status != EXIT_DONE)
        return status;
    SCOPED(free_filesp) struct client_file *files = NULL;
    size_t count = 0;
    slice next = slice_of(option_value(cli->options, "after"));
    do {
        struct client_file *page, *all;
        size_t more, wanted = (size_t)limit - count;
        slice after = next;
        err_t e =
            client_list(session.client, wanted < PAGE ? (int64_t)wanted : PAGE, after, cli->arena, &page, &more, &next);
        if (e)
            return command_failed(cli, e);
        if (next.n && (!more || slice_eq(next, after)))
            return command_failed(cli, err_make(cli->arena, ERR_CORRUPT, "the server's list leads in circles"));
        more = more < wanted ? more : wanted;
        all = must_realloc(files, (count + more + 1) * sizeof *files);
        if (more)
            memcpy(all + count, page, more * sizeof *files);
        files = all;
        count += more;
    } while (next.n && count < (size_t)limit);
    if (option_on(cli->options, "json"))
        print_list(cli, files, count, next);
    else
        print_table(cli, files, count);
    if (next.n && !option_on(cli->options, "json"))
        fprintf(cli->err, "There are more: --limit shows them, now at %lld.\n", (long long)limit);
    return EXIT_DONE;
}

const struct command command_ls = {
    .name = "ls",
    .options = (const struct option_spec[]){ { "limit", 0, "N", false, "Show at most so many (default 100)." },
                                             { "after", 0, "CURSOR", false, "Go on where 'next' of a list left off." },
                                             TARGET_OPTIONS,
                                             { 0 } },
    .summary = "List files, newest first.",
    .run = cmd_ls,
};
