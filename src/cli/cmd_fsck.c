/* SPDX-License-Identifier: Apache-2.0 */
/* cais fsck: check the store. */
#include "cli/admin.h"
#include "cli/admin_progress.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "blob/disk/disk.h"
#include "core/care/data_dir.h"
#include "core/care/fsck.h"

static const char *severity_name(enum fsck_severity s)
{
    return s == FSCK_NOTE ? "note" : s == FSCK_WARNING ? "warning" : "error";
}

static void put_texts(struct json_out *o, const char *name, const slice *texts, size_t count)
{
    json_name(o, name);
    json_open_array(o);
    for (size_t i = 0; i < count; i++)
        json_add_string(o, texts[i]);
    json_close_array(o);
}

static void put_file(struct json_out *o, const struct fsck_file *f)
{
    json_open_object(o);
    json_put_string(o, "id", f->uuid);
    json_put_string(o, "name", f->name);
    json_put_string(o, "owner", f->owner);
    put_texts(o, "holders", f->holders, f->holder_count);
    json_close_object(o);
}

/* What the finding is about; the same as the detail, for programs. */
static void put_about(struct json_out *o, const struct fsck_about *about, struct arena *a)
{
    if (about->blob_key.n) {
        slice path[] = { S(DATA_DIR_BLOBS "/"), blob_disk_path(about->blob_key, a) };
        json_name(o, "blob");
        json_open_object(o);
        json_put_string(o, "key", about->blob_key);
        json_put_string(o, "path", arena_join(a, path, LENGTH_OF(path)));
        json_close_object(o);
    }
    if (about->file_count) {
        json_name(o, "files");
        json_open_array(o);
        for (size_t i = 0; i < about->file_count; i++)
            put_file(o, &about->files[i]);
        json_close_array(o);
    }
    if (about->entry_count)
        put_texts(o, "entries", about->entries, about->entry_count);
    if (about->is_cut)
        json_put_bool(o, "more", true);
}

static void show_fsck(struct cli *cli, const struct fsck_report *r)
{
    bool damaged = r->count[FSCK_ERROR] > 0;
    if (option_on(cli->options, "json")) {
        struct json_line line;
        json_line_open(&line);
        json_put_bool(&line.o, "clean", r->count[FSCK_ERROR] == 0 && r->count[FSCK_WARNING] == 0);
        json_put_int(&line.o, "objects", r->objects);
        json_put_int(&line.o, "blobs", r->blobs);
        json_put_int(&line.o, "files", r->files);
        json_put_int(&line.o, "entries", r->entries);
        json_put_int(&line.o, "bytes", (int64_t)r->bytes);
        json_put_int(&line.o, "notes", r->count[FSCK_NOTE]);
        json_put_int(&line.o, "warnings", r->count[FSCK_WARNING]);
        json_put_int(&line.o, "errors", r->count[FSCK_ERROR]);
        json_put_int(&line.o, "repaired", r->repaired);
        json_name(&line.o, "findings");
        json_open_array(&line.o);
        for (size_t i = 0; i < r->listed; i++) {
            json_open_object(&line.o);
            json_put_string(&line.o, "severity", slice_of(severity_name(r->list[i].severity)));
            json_put_string(&line.o, "what", slice_of(r->list[i].what));
            json_put_string(&line.o, "subject", r->list[i].subject);
            json_put_string(&line.o, "detail", r->list[i].detail);
            json_put_bool(&line.o, "repaired", r->list[i].repaired);
            put_about(&line.o, &r->list[i].about, cli->arena);
            json_close_object(&line.o);
        }
        json_close_array(&line.o);
        json_line_print(&line, cli->out);
        return;
    }
    for (size_t i = 0; i < r->listed; i++)
        fprintf(cli->out, "%-7s %s: %s%s%s%s\n", severity_name(r->list[i].severity),
                terminal_safe(cli->arena, r->list[i].subject).p, r->list[i].what, r->list[i].detail.n ? ": " : "",
                terminal_safe(cli->arena, r->list[i].detail).p, r->list[i].repaired ? " (repaired)" : "");
    fprintf(cli->out, "%lld files, %lld entries, %lld objects, %lld blobs, %s: %s\n", (long long)r->files,
            (long long)r->entries, (long long)r->objects, (long long)r->blobs,
            size_for_people(cli->arena, (int64_t)r->bytes).p,
            damaged                  ? "DAMAGED"
            : r->count[FSCK_WARNING] ? "something is off, nothing is lost"
                                     : "clean");
}

static int fsck_work(struct cli *cli, struct admin *admin)
{
    struct fsck_options options = { .repair = option_on(cli->options, "repair"),
                                    .force = option_on(cli->options, "force"),
                                    .quick = option_on(cli->options, "quick"),
                                    .on_progress = admin_progress_of_bytes,
                                    .arg = cli->progress };
    struct fsck_report report;
    err_t e = fsck_run(&admin->store->core, &options, cli->arena, &report);
    admin_progress_set(cli->progress, NULL, 0, 0);
    if (e)
        return command_failed(cli, e);
    show_fsck(cli, &report);
    int64_t left = report.count[FSCK_ERROR] + report.count[FSCK_WARNING];
    return left > (options.repair ? report.repaired : 0) || report.count[FSCK_ERROR] ? EXIT_FAILED : EXIT_DONE;
}

static int run_fsck(struct cli *cli)
{
    struct config config;
    const char *kept = NULL;
    if (option_on(cli->options, "accept-lost-records") && !cli->admin) {
        if (!admin_config(cli, &config))
            return EXIT_USAGE;
        err_t e = store_check_exists(config.server.data, cli->arena);
        if (!e)
            e = store_accept_lost_records(config.server.data, cli->arena, &kept);
        if (e)
            return command_failed(cli, e);
    }
    if (kept)
        fprintf(cli->err, "the damaged log is kept as %s\n", admin_text(cli, slice_of(kept)));
    return admin_command(cli, fsck_work);
}

const struct command command_fsck = {
    .name = "fsck",
    .options =
        (const struct option_spec[]){
            { "repair", 0, NULL, false, "Remove proven orphans and correct counters. Never touches files." },
            { "force", 0, NULL, false, "With --repair: remove orphans also when they are very many." },
            { "accept-lost-records", 0, NULL, false,
              "Go on without what stands behind the damage of the write-ahead log. The log is kept." },
            { "quick", 0, NULL, false, "Compare sizes only, not every byte." },
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Check that every file has its bytes and every byte its file.",
    .details = "Works while a server runs. Exit code 1 when something is wrong.\n",
    .run = run_fsck,
};
