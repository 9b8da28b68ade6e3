/* SPDX-License-Identifier: Apache-2.0 */
/* cais put: send files to the server. Large ones are sent so that they can be resumed (put_large.h). */
#include "cli/command_text.h"
#include "cli/commands.h"
#include "cli/put_large.h"
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of an upload in one request. */
struct put_display {
    struct progress progress;
    struct put_large *large; /* whose stopped_by is set */
    const struct stop_signals *signals;
};

static bool show_progress(void *arg, int64_t done, int64_t total)
{
    struct put_display *d = arg;
    progress_update(&d->progress, done, total);
    int signal = stop_signals_wait(d->signals, 0);
    if (signal)
        d->large->stopped_by = signal;
    return !signal;
}

static err_t put_in_one_request(struct cli *cli, struct put_large *large, int fd, slice name, struct arena *a,
                                struct client_file *ret_file)
{
    struct stop_signals signals;
    struct put_display d = { .large = large, .signals = &signals };
    struct client_watch watch = { show_progress, &d };
    struct client_upload upload = {
        .fd = fd, .name = name, .content_type = option_value(cli->options, "type"), .watch = &watch
    };
    stop_signals_block(&signals);
    progress_init(&d.progress, cli->err, cli->clock, terminal_safe(a, name));
    err_t e = client_put(large->session->client, &upload, a, ret_file);
    progress_end(&d.progress);
    stop_signals_restore(&signals);
    return e;
}

static void print_file(struct cli *cli, const struct client_file *file, struct arena *a)
{
    if (option_on(cli->options, "json"))
        print_json_value(cli->out, file->json);
    else
        fprintf(cli->out, SLICE_FMT "  " SLICE_FMT "  " SLICE_FMT "\n", SLICE_ARG(file->id),
                SLICE_ARG(size_for_people(a, file->size_bytes)), SLICE_ARG(terminal_safe(a, file->name)));
    fflush(cli->out);
}

/* A device may have no end, and opening a pipe waits for whoever writes into it. What they give can be sent by '-'. */
static err_t refuse_special(const struct stat *st, const char *path, struct arena *a)
{
    const char *what = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? "a device"
                       : S_ISFIFO(st->st_mode)                      ? "a pipe"
                       : S_ISSOCK(st->st_mode)                      ? "a socket"
                                                                    : NULL;
    if (!what)
        return NULL;
    return err_make(a, ERR_INVALID, "is %s and no file: 'cais put - --name NAME < " SLICE_FMT "' sends what it gives",
                    what, SLICE_ARG(shell_word(slice_of(path), a)));
}

static err_t open_file(const char *path, struct arena *a, int *ret_fd)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_errno(a, errno, "cannot open it");
    TRY(refuse_special(&st, path, a));
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot open it");
    TRY(refuse_special(&st, path, a));
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

static err_t put_one(struct cli *cli, struct put_large *large, const char *path)
{
    SCRATCH(scratch);
    bool standard_input = strcmp(path, "-") == 0;
    SCOPED(fd_closep) int opened = -1;
    if (!standard_input)
        TRY(open_file(path, cli->arena, &opened));
    else if (isatty(STDIN_FILENO))
        fputs("cais put: reads what you type; Ctrl-D at the beginning of a line ends it\n", cli->err);
    const char *given = option_value(cli->options, "name");
    slice name = given ? slice_of(given) : standard_input ? S("stdin") : path_last_part(slice_of(path));
    struct client_file file;
    err_t e = put_is_large(opened)
                  ? put_large_file(large, path, opened, name, &scratch, &file)
                  : put_in_one_request(cli, large, standard_input ? STDIN_FILENO : opened, name, &scratch, &file);
    if (e)
        return err_copy(cli->arena, e);
    print_file(cli, &file, &scratch);
    return NULL;
}

/* One line says what became of the file, and of those after it. */
static err_t say_stopped(const struct cli *cli, err_t e, size_t left)
{
    slice text = err_text_for_people(cli->arena, e), after = S("");
    if (slice_eq(text, S("stopped")))
        text = S("stopped by a signal; nothing of it was kept");
    if (left)
        after = left == 1 ? S("; not begun: the file after it")
                          : arena_printf(cli->arena, "; not begun: the %zu files after it", left);
    return err_make(cli->arena, e->code, SLICE_FMT SLICE_FMT, SLICE_ARG(text), SLICE_ARG(after));
}

static int put_all(struct cli *cli, struct put_large *large)
{
    const struct options *o = cli->options;
    int status = EXIT_DONE;
    for (size_t i = 0; i < o->operand_count && !large->stopped_by; i++) {
        err_t e = put_one(cli, large, o->operands[i]);
        if (e && large->stopped_by)
            e = say_stopped(cli, e, o->operand_count - i - 1);
        if (e)
            status = report_file_error(cli, o->operands[i], e);
    }
    return status;
}

/* ---- --resume ---- */

static bool is_asked_for(const struct options *o, const struct put_state *state, bool *operand_seen, struct arena *a)
{
    bool is = o->operand_count == 0;
    for (size_t i = 0; i < o->operand_count; i++)
        if (slice_eq(put_path_of(o->operands[i], a), state->path))
            is = operand_seen[i] = true;
    return is;
}

static int resume_all(struct cli *cli, struct put_large *large)
{
    const struct options *o = cli->options;
    struct put_state_list list;
    bool *operand_seen = arena_array(cli->arena, bool, o->operand_count + 1);
    int status = EXIT_DONE;
    err_t e = put_large_list(large, cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count && !large->stopped_by; i++) {
        SCRATCH(scratch);
        struct client_file file;
        if (!is_asked_for(o, &list.items[i], operand_seen, &scratch))
            continue;
        e = put_large_resume(large, &list.items[i], &scratch, &file);
        if (e)
            status = report_file_error(cli, arena_cstr(&scratch, list.items[i].path), e);
        else if (file.json)
            print_file(cli, &file, &scratch);
    }
    for (size_t i = 0; i < o->operand_count && !large->stopped_by; i++)
        if (!operand_seen[i])
            status =
                report_file_error(cli, o->operands[i],
                                  err_make(cli->arena, ERR_NOT_FOUND, "no upload of it to this server is unfinished"));
    if (!o->operand_count && !list.count)
        fputs("cais put: no upload to this server is unfinished\n", cli->err);
    return status;
}

/* ---- the command ---- */

static int check_usage(const struct cli *cli)
{
    const struct options *o = cli->options;
    const char *type = option_value(o, "type");
    if (!option_on(o, "resume") && !o->operand_count)
        return usage_error(cli->err, o->command, "%s is missing", o->command->operands);
    if (option_on(o, "resume") && (option_on(o, "name") || type))
        return usage_error(cli->err, o->command, "--%s is of no use with --resume: the upload has one",
                           type ? "type" : "name");
    if (option_on(o, "name") && o->operand_count > 1)
        return usage_error(cli->err, o->command, "--name is for one file, not for %zu", o->operand_count);
    for (const char *t = type; t && *t; t++)
        if ((unsigned char)*t < ' ' || (unsigned char)*t >= 0x7f)
            return usage_error(cli->err, o->command, "--type: '%s' is no content type", type);
    return EXIT_DONE;
}

static int put_with_session(struct cli *cli, int64_t retry_for_ms, int *ret_stopped_by)
{
    SCOPED(session_close) struct session session = { 0 };
    int status = session_open(cli, &session);
    if (status != EXIT_DONE)
        return status;
    SCOPED(put_large_end) struct put_large large;
    struct stop_signals signals; /* also between two files: one that comes then stops the next one */
    put_large_begin(&large, cli, &session, retry_for_ms);
    stop_signals_block(&signals);
    status = option_on(cli->options, "resume") ? resume_all(cli, &large) : put_all(cli, &large);
    stop_signals_restore(&signals);
    *ret_stopped_by = large.stopped_by;
    return status;
}

static int run_put(struct cli *cli)
{
    int64_t retry_for_ms = 5 * 60 * 1000;
    int stopped_by = 0, status = check_usage(cli);
    if (status == EXIT_DONE && !option_duration(cli, "retry-for", &retry_for_ms))
        status = EXIT_USAGE;
    if (status == EXIT_DONE)
        status = put_with_session(cli, retry_for_ms, &stopped_by);
    /* The signal ends the program as if it had not been waited for, so that a script stops, too. */
    if (stopped_by)
        raise(stopped_by);
    return status;
}

const struct command command_put = {
    .name = "put",
    .operands = "FILE…",
    .min_operands = 0, /* with --resume */
    .max_operands = ANY_NUMBER,
    .options =
        (const struct option_spec[]){
            { "name", 0, "NAME", false, "Keep it under this name." },
            { "type", 0, "TYPE", false, "Its content type." },
            { "resume", 0, NULL, false,
              "Go on with uploads that were interrupted: those of FILE…, or all to this server." },
            { "retry-for", 0, "DURATION", false, "Wait so long for a server that does not answer (default 5m)." },
            SESSION_OPTIONS,
            { 0 } },
    .summary = "Send files; each becomes a new file of the server.",
    .details =
        "FILE - is standard input. When the command succeeds, the server has the bytes on stable storage, and their\n"
        "length and MD5 are those that were sent. Prints id, size and name, one line a file. Of a file that changes\n"
        "meanwhile, and of what Ctrl-C stops, the server keeps nothing. Devices and pipes are sent as standard input.\n"
        "\n"
        "An upload of a file above 64 MiB goes on by itself after a lost connection or a restart of the server. If "
        "the\n"
        "command itself is interrupted, 'cais put --resume', or the same command again, goes on with what the server\n"
        "has. A file that has changed since is sent anew by 'cais put FILE'. What is remembered of unfinished uploads "
        "is\n"
        "in $XDG_STATE_HOME/cais/uploads (default ~/.local/state/cais/uploads).\n",
    .run = run_put,
};
