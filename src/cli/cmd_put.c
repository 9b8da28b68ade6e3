/* SPDX-License-Identifier: Apache-2.0 */
/* cais put: send files to the server. */
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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
    slice name = given ? slice_of(given) : standard_input ? S("stdin") : path_last_part(slice_of(path));
    struct progress progress;
    progress_init(&progress, cli->err, cli->clock, terminal_safe(&scratch, name));
    struct client_watch watch = { show_progress, &progress };
    struct client_file file;
    struct client_upload upload = { .fd = standard_input ? STDIN_FILENO : opened,
                                    .name = name,
                                    .content_type = option_value(cli->options, "type"),
                                    .watch = &watch };
    err_t e = client_put(client, &upload, &scratch, &file);
    progress_end(&progress);
    if (e)
        return err_copy(cli->arena, e);
    if (option_on(cli->options, "json"))
        print_json_value(cli->out, file.json);
    else
        fprintf(cli->out, SLICE_FMT "  " SLICE_FMT "  " SLICE_FMT "\n", SLICE_ARG(file.id),
                SLICE_ARG(size_for_people(&scratch, file.size_bytes)), SLICE_ARG(terminal_safe(&scratch, file.name)));
    fflush(cli->out);
    return NULL;
}

static int run_put(struct cli *cli)
{
    const struct options *o = cli->options;
    SCOPED(session_close) struct session session = { 0 };
    if (option_on(o, "name") && o->operand_count > 1)
        return usage_error(cli->err, o->command, "--name is for one file, not for %zu", o->operand_count);
    const char *type = option_value(o, "type");
    for (const char *t = type; t && *t; t++)
        if ((unsigned char)*t < ' ' || (unsigned char)*t >= 0x7f)
            return usage_error(cli->err, o->command, "--type: '%s' is no content type", type);
    int status = session_open(cli, &session);
    for (size_t i = 0; status != EXIT_USAGE && i < o->operand_count; i++) {
        if (status == EXIT_FAILED && i == 0)
            return status; /* session_open failed */
        err_t e = put_one(cli, session.client, o->operands[i]);
        if (e)
            status = report_file_error(cli, o->operands[i], e);
    }
    return status;
}

const struct command command_put = {
    .name = "put",
    .operands = "FILE…",
    .min_operands = 1,
    .max_operands = ANY_NUMBER,
    .options = (const struct option_spec[]){ { "name", 0, "NAME", false, "Keep it under this name." },
                                             { "type", 0, "TYPE", false, "Its content type." },
                                             SESSION_OPTIONS,
                                             { 0 } },
    .summary = "Send files; each becomes a new file of the server.",
    .details =
        "FILE - is standard input. When the command succeeds, the server has the bytes on stable storage, and their\n"
        "length and MD5 are those that were sent. Prints id, size and name, one line a file.\n",
    .run = run_put,
    .makes_data = true,
};
