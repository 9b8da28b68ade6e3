/* SPDX-License-Identifier: Apache-2.0 */
/* cais backup, cais restore. */
#include "cli/admin.h"
#include "cli/admin_progress.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/care/backup_folder.h"
#include "core/care/fsck.h"

/* ---- backup ---- */

static void show_for_people(struct cli *cli, const struct backup_report *r, const char *dir)
{
    fprintf(cli->out, "%lld objects, %lld of them blobs with %s, as of %s: %s\n", (long long)r->objects,
            (long long)r->blobs, size_for_people(cli->arena, (int64_t)r->blob_bytes).p,
            time_format_utc(cli->arena, r->created_at_ms).p, dir);
    if (r->replaced)
        fprintf(cli->out, "an unfinished backup in this folder was replaced\n");
    if (r->linked)
        fprintf(cli->out, "%lld blobs with %s are links to those of the base\n", (long long)r->linked,
                size_for_people(cli->arena, (int64_t)r->linked_bytes).p);
    if (r->not_linked)
        fprintf(cli->err,
                "warning: %lld blobs were copied, because links to the base are not possible: it is on another file "
                "system\n",
                (long long)r->not_linked);
    if (r->damaged)
        fprintf(cli->err, "warning: %lld blobs of the base are damaged; they were copied again\n",
                (long long)r->damaged);
    if (r->verified)
        fprintf(cli->out, "everything was read back\n");
}

static void show_backup(struct cli *cli, const struct backup_report *r, const struct removed_backups *removed,
                        const char *dir)
{
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "created_at", time_format_utc(cli->arena, r->created_at_ms));
    json_put_int(&line.o, "objects", r->objects);
    json_put_int(&line.o, "blobs", r->blobs);
    json_put_int(&line.o, "blob_bytes", (int64_t)r->blob_bytes);
    json_put_int(&line.o, "linked", r->linked);
    json_put_int(&line.o, "linked_bytes", (int64_t)r->linked_bytes);
    json_put_int(&line.o, "not_linked", r->not_linked);
    json_put_int(&line.o, "damaged_in_base", r->damaged);
    json_put_int(&line.o, "datasets", r->datasets);
    json_put_int(&line.o, "record_sets", r->record_sets);
    json_put_bool(&line.o, "master_key", r->with_key);
    json_put_bool(&line.o, "replaced", r->replaced);
    json_put_bool(&line.o, "verified", r->verified);
    json_name(&line.o, "removed");
    json_open_array(&line.o);
    for (size_t i = 0; i < removed->count; i++)
        if (!removed->items[i].e)
            json_add_string(&line.o, slice_of(removed->items[i].name));
    json_close_array(&line.o);
    json_put_string(&line.o, "folder", slice_of(dir));
    json_line_print(&line, cli->out);
}

/* The new backup is complete, whatever became of old ones. Returns whether all that were too many are gone. */
static bool show_removed(struct cli *cli, const struct removed_backups *removed)
{
    bool all = true;
    for (size_t i = 0; i < removed->count; i++) {
        const char *name = terminal_safe(cli->arena, slice_of(removed->items[i].name)).p;
        if (removed->items[i].e)
            fprintf(cli->err, "cais backup: the old backup %s could not be removed: %s\n", name,
                    removed->items[i].e->msg);
        else if (!option_on(cli->options, "json"))
            fprintf(cli->out, "removed the old backup %s\n", name);
        all &= !removed->items[i].e;
    }
    return all;
}

static const char *path_option(struct cli *cli, const char *name)
{
    slice value = admin_option(cli, name);
    return value.n ? admin_path(cli, arena_cstr(cli->arena, value)) : NULL;
}

static int backup_work(struct cli *cli, struct admin *admin)
{
    struct store_opener opener = store_opener(admin->config);
    struct backup_params params = { .dir = admin_path(cli, cli->options->operands[0]),
                                    .base = path_option(cli, "base"),
                                    .verify = option_on(cli->options, "verify"),
                                    .opener = &opener,
                                    .on_progress = admin_progress_of_bytes,
                                    .arg = cli->progress };
    struct backup_report report;
    struct removed_backups removed = { 0 };
    int64_t keep = 0;
    if (!option_number(cli, "keep", 1, INT32_MAX, &keep))
        return EXIT_USAGE;
    if (!option_on(cli->options, "without-key"))
        params.key_from = arena_cstr(cli->arena, admin->config->server.data);
    err_t e = backup_run(&admin->store->core, &params, cli->arena, &report);
    admin_progress_set(cli->progress, NULL, 0, 0);
    if (!e && keep)
        e = backup_folder_keep(params.dir, params.base, keep, cli->arena, &removed);
    if (e)
        return command_failed(cli, e);
    if (option_on(cli->options, "json"))
        show_backup(cli, &report, &removed, params.dir);
    else
        show_for_people(cli, &report, params.dir);
    return show_removed(cli, &removed) ? EXIT_DONE : EXIT_FAILED;
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
    err_t e = NULL;
    if (!admin_config(cli, &config))
        return EXIT_USAGE;
    if (store_is_in_use(config.server.data))
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
    if (option_on(cli->options, "json"))
        show_backup(cli, &report, &(struct removed_backups){ 0 }, to);
    else
        show_for_people(cli, &report, to);
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
            { "base", 0, "PREVIOUS", false, "An earlier backup: blobs that are in it are linked, not copied." },
            { "keep", 0, "N", false, "Afterwards remove the oldest backups beside DIR until N are left." },
            { "verify", 0, NULL, false, "Read everything back before the backup counts as finished." },
            { "without-key", 0, NULL, false, "Without the master key: then signing keys are of no use in the copy." },
            { "with-key", 0, NULL, false, "With the master key; this is the default." },
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Copy the whole store, while it is in use.",
    .details =
        "DIR is made, or empty, or holds an unfinished backup, which is replaced. It becomes a data directory with a\n"
        "MANIFEST, which is written last. It holds the master key and every file: protect it like the data "
        "directory.\n",
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
