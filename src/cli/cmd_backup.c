/* SPDX-License-Identifier: Apache-2.0 */
/* cais backup, cais restore. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/care/fsck.h"

/* ---- backup ---- */

static void show_backup(struct cli *cli, const struct backup_report *r, const char *dir)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%lld objects, %lld of them blobs with %s, as of %s: %s\n", (long long)r->objects,
                (long long)r->blobs, size_for_people(cli->arena, (int64_t)r->blob_bytes).p,
                time_format_utc(cli->arena, r->created_at_ms).p, dir);
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "created_at", time_format_utc(cli->arena, r->created_at_ms));
    json_put_int(&line.o, "objects", r->objects);
    json_put_int(&line.o, "blobs", r->blobs);
    json_put_int(&line.o, "blob_bytes", (int64_t)r->blob_bytes);
    json_put_bool(&line.o, "master_key", r->with_key);
    json_put_string(&line.o, "folder", slice_of(dir));
    json_line_print(&line, cli->out);
}

static int backup_work(struct cli *cli, struct admin *admin)
{
    const char *dir = admin_path(cli, cli->options->operands[0]);
    struct store_opener opener = store_opener(admin->config);
    struct backup_report report;
    const char *key_from =
        option_on(cli->options, "with-key") ? arena_cstr(cli->arena, admin->config->server.data) : NULL;
    err_t e = backup_run(&admin->store->core, dir, key_from, &opener, cli->arena, &report);
    if (e)
        return command_failed(cli, e);
    show_backup(cli, &report, dir);
    return EXIT_DONE;
}

ADMIN_RUN(backup)

/* ---- restore ---- */

/* The warnings of fsck name restored items that cannot be used: signing keys, when the backup has no master key. */
static void report_warnings(struct cli *cli, const struct fsck_report *r)
{
    for (size_t i = 0; i < r->listed; i++)
        if (r->list[i].severity == FSCK_WARNING)
            fprintf(cli->err, "warning: %s: %s\n", terminal_safe(cli->arena, r->list[i].subject).p, r->list[i].what);
}

static int run_restore(struct cli *cli)
{
    struct config config;
    struct backup_report report;
    struct fsck_report checked = { 0 };
    err_t e = admin_config(cli, &config);
    if (!e && store_is_in_use(config.server.data))
        e = err_make(cli->arena, ERR_CONFLICT, "a server runs on " SLICE_FMT, SLICE_ARG(config.server.data));
    struct store_opener opener = store_opener(&config);
    const char *to = e ? "" : arena_cstr(cli->arena, config.server.data);
    struct restore_params params = {
        .from = cli->options->operands[0], .data_dir = to, .opener = &opener, .clock = cli->clock, .random = cli->random
    };
    if (!e)
        e = backup_restore(&params, cli->arena, &report, &checked);
    if (e)
        return command_failed(cli, e);
    show_backup(cli, &report, to);
    report_warnings(cli, &checked);
    return EXIT_DONE;
}

/* ---- the commands ---- */

const struct command command_backup = {
    .name = "backup",
    .operands = "DIR",
    .min_operands = 1,
    .max_operands = 1,
    .options =
        (const struct option_spec[]){
            { "with-key", 0, NULL, false, "With the master key: without it signing keys are of no use in the copy." },
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Copy the whole store, while it is in use.",
    .details = "DIR is made, or empty. It is a data directory with a MANIFEST, which is written last. The master key "
               "is not in\n"
               "it unless you ask for it: keep a copy of DATA/master.key apart from your backups.\n",
    .run = run_backup,
};

const struct command command_restore = {
    .name = "restore",
    .operands = "DIR",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Make a data directory out of a backup.",
    .details = "DIR is the backup; --data names the data directory, which must be new or empty.\n",
    .run = run_restore,
};
