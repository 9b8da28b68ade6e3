/* SPDX-License-Identifier: Apache-2.0 */
/* cais get: fetch a file, or an object in a bucket, from the server. */
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/whole_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct fetch {
    int fd;
    struct progress progress;
    struct stop_signals
        signals; /* blocked during the transfer, so that the temporary file is removed before the command ends */
};

static err_t write_to_fd(void *arg, struct arena *a, slice bytes)
{
    struct fetch *d = arg;
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

/* Show the progress; stop the transfer when a signal has arrived. */
static bool continue_fetch(void *arg, int64_t done, int64_t total)
{
    struct fetch *d = arg;
    progress_update(&d->progress, done, total);
    return !stop_signals_wait(&d->signals, 0);
}

static err_t fetch_to_fd(struct cli *cli, struct client *client, const char *id, int fd)
{
    struct fetch d = { .fd = fd };
    struct client_sink sink = { write_to_fd, &d };
    struct client_watch watch = { continue_fetch, &d };
    stop_signals_block(&d.signals);
    progress_init(&d.progress, cli->err, cli->clock, terminal_safe(cli->arena, slice_of(id)));
    err_t e = explain_id_error(cli, client_get(client, slice_of(id), &sink, &watch, cli->arena));
    progress_end(&d.progress);
    /* continue_fetch consumed the signal; the exit code tells the caller that the command failed. */
    if (err_is(e, ERR_EXPIRED))
        e = err_make(cli->arena, ERR_EXPIRED, "stopped by a signal");
    stop_signals_restore(&d.signals);
    return e;
}

static err_t get_to_file(struct cli *cli, struct client *client, const char *id, const char *path)
{
    SCOPED(whole_file_close) struct whole_file file;
    TRY(whole_file_open(&file, path, option_on(cli->options, "force"), cli->random, cli->arena));
    TRY(fetch_to_fd(cli, client, id, file.fd));
    return whole_file_commit(&file, cli->arena);
}

/* A file name in the working directory, made from the name that another user chose: it must not lead elsewhere. */
static err_t safe_file_name(struct arena *a, slice name, const char **ret_name)
{
    char *copy = arena_cstr(a, path_last_part(name));
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '/')
            *c = '_';
    if (!*copy || *copy == '.' || *copy == '-')
        return err_make(a, ERR_INVALID, "its name, '" SLICE_FMT "', is not fit for a file here; choose one with -o",
                        SLICE_ARG(terminal_safe(a, name)));
    *ret_name = copy;
    return NULL;
}

static int run_get(struct cli *cli)
{
    const struct options *o = cli->options;
    const char *id = o->operands[0], *path = option_value(o, "output");
    SCOPED(session_close) struct session session = { 0 };
    int status = session_open(cli, &session);
    if (status != EXIT_DONE)
        return status;
    struct client_file file = { 0 };
    err_t e = NULL;
    if (!path || option_on(o, "json")) {
        e = explain_id_error(cli, client_info(session.client, slice_of(id), cli->arena, &file));
        if (!e && !path)
            e = safe_file_name(cli->arena, file.name, &path);
        if (e)
            return report_file_error(cli, id, e);
    }
    if (strcmp(path, "-") == 0) {
        e = fetch_to_fd(cli, session.client, id, STDOUT_FILENO);
        return e ? report_file_error(cli, id, e) : EXIT_DONE;
    }
    e = get_to_file(cli, session.client, id, path);
    if (e)
        return report_file_error(cli, path, e);
    if (option_on(o, "json"))
        print_json_value(cli->out, file.json);
    else
        fprintf(cli->out, SLICE_FMT "\n", SLICE_ARG(terminal_safe(cli->arena, slice_of(path))));
    return EXIT_DONE;
}

const struct command command_get = {
    .name = "get",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .options =
        (const struct option_spec[]){ { "output", 'o', "FILE", false, "Write to this file; - is standard output." },
                                      { "force", 0, NULL, false, "Replace a file that exists." },
                                      SESSION_OPTIONS,
                                      { 0 } },
    .summary = "Fetch a file, or an object in a bucket.",
    .details = "ID is that of a file, or s3://BUCKET/KEY for an object, as 'cais ls' prints them. Without -o it is "
               "written to\n"
               "this folder under the name it has; for an object that is the end of its key. The file appears whole, "
               "after its\n"
               "length and MD5 were checked, or not at all; with -o - watch the exit code: the bytes are out before "
               "the check.\n",
    .run = run_get,
};
