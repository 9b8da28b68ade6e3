/* SPDX-License-Identifier: Apache-2.0 */
/* cais rm: remove files and objects. */
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/session.h"
#include "cli/terminal.h"

static void print_removed(struct cli *cli, slice id)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "removed " SLICE_FMT "\n", SLICE_ARG(terminal_safe(cli->arena, id)));
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "id", id);
    json_put_bool(&line.o, "removed", true);
    json_line_print(&line, cli->out);
}

static int run_rm(struct cli *cli)
{
    const struct options *o = cli->options;
    SCOPED(session_close) struct session session = { 0 };
    int status = session_open(cli, &session);
    if (status != EXIT_DONE)
        return status;
    for (size_t i = 0; i < o->operand_count; i++) {
        err_t e = explain_id_error(cli, client_remove(session.client, slice_of(o->operands[i]), cli->arena));
        if (e)
            status = report_file_error(cli, o->operands[i], e);
        else
            print_removed(cli, slice_of(o->operands[i]));
    }
    return status;
}

const struct command command_rm = {
    .name = "rm",
    .operands = "ID…",
    .min_operands = 1,
    .max_operands = ANY_NUMBER,
    .options = (const struct option_spec[]){ SESSION_OPTIONS, { 0 } },
    .summary = "Remove files, and objects from buckets.",
    .details = "ID is that of a file, or s3://BUCKET/KEY for an object, as 'cais ls' prints them. A file that a task, "
               "folder or\n"
               "dataset holds is not removed. From then on it is not found; its bytes are removed after "
               "files.purge_grace. There\n"
               "are no versions of objects: one that was removed is gone, as if S3 had removed it.\n",
    .run = run_rm,
};
