/* SPDX-License-Identifier: Apache-2.0 */
/* cais salvage: get out of a damaged data directory what can be got out. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/damaged_store.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/care/salvage.h"
#include "core/care/salvage_out.h"

static void show_salvage(struct cli *cli, const struct salvage_report *r, const char *dir)
{
    if (option_on(cli->options, "json")) {
        struct json_line line;
        json_line_open(&line);
        json_put_bool(&line.o, "complete", salvage_is_complete(r));
        json_put_int(&line.o, "files", r->files);
        json_put_int(&line.o, "entries", r->entries);
        json_put_int(&line.o, "unnamed", r->unnamed);
        json_put_int(&line.o, "tables", r->tables);
        json_put_int(&line.o, "wrong", r->wrong);
        json_put_int(&line.o, "missing", r->missing);
        json_put_int(&line.o, "problems", r->problems);
        json_put_int(&line.o, "bytes", (int64_t)r->bytes);
        json_put_string(&line.o, "folder", slice_of(dir));
        json_line_print(&line, cli->out);
        return;
    }
    fprintf(cli->out, "%lld files, %lld entries, %lld without a name, %lld tables, %s: %s\n", (long long)r->files,
            (long long)r->entries, (long long)r->unnamed, (long long)r->tables,
            size_for_people(cli->arena, (int64_t)r->bytes).p, dir);
    if (!salvage_is_complete(r))
        fprintf(cli->out,
                "%lld with other bytes than were stored, %lld missing, %lld problems: see %s/" SALVAGE_LIST "\n",
                (long long)r->wrong, (long long)r->missing, (long long)r->problems, dir);
}

static int run_salvage(struct cli *cli)
{
    struct config config;
    struct salvage_report report;
    struct damaged_store store = { .lock_fd = -1, .dir_lock_fd = -1 };
    const char *dir = cli->options->operands[0];
    if (!admin_config(cli, &config))
        return EXIT_USAGE;
    err_t e = store_check_exists(config.server.data, cli->arena);
    if (!e)
        e = salvage_check_place(arena_cstr(cli->arena, config.server.data), dir, cli->arena);
    if (!e)
        e = damaged_store_open(&store, config.server.data, dir, cli->arena);
    if (!e) {
        struct salvage_params params = { .meta = store.meta,
                                         .blob = store.blob,
                                         .data_dir = arena_cstr(cli->arena, config.server.data),
                                         .dir = dir,
                                         .problem = store.problem };
        e = salvage_run(&params, cli->arena, &report);
    }
    damaged_store_close(&store);
    if (e)
        return command_failed(cli, e);
    show_salvage(cli, &report, dir);
    return salvage_is_complete(&report) ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_salvage = {
    .name = "salvage",
    .operands = "DIR",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Get the files out of a damaged data directory.",
    .details =
        "DIR is made, or empty. It gets a copy of each file that can be read, under its name, and list.jsonl, which "
        "says\n"
        "of each whose it is and whether its bytes are those that were stored. Bytes of which no readable record says\n"
        "what they are go to DIR/unnamed. The data directory, which no server may use, is only read. A copy of its\n"
        "database is made beside DIR, and removed in the end. Exit code 1 when something could not be got out.\n",
    .run = run_salvage,
};
