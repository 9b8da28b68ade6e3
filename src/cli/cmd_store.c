/* SPDX-License-Identifier: Apache-2.0 */
/* fsck, backup, restore, jobs, audit: looking after what is stored. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/care/fsck.h"
#include "core/event.h"
#include "core/records/event.h"
#include "core/records/job.h"
#include "jobs/jobs.h"

static const char *severity_name(enum fsck_severity s)
{
    return s == FSCK_NOTE ? "note" : s == FSCK_WARNING ? "warning" : "error";
}

/* ---- fsck ---- */

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
                                    .quick = option_on(cli->options, "quick") };
    struct fsck_report report;
    err_t e = fsck_run(&admin->store->core, &options, cli->arena, &report);
    if (e)
        return command_failed(cli, e);
    show_fsck(cli, &report);
    int64_t left = report.count[FSCK_ERROR] + report.count[FSCK_WARNING];
    return left > (options.repair ? report.repaired : 0) || report.count[FSCK_ERROR] ? EXIT_FAILED : EXIT_DONE;
}

static int run_fsck(struct cli *cli)
{
    return admin_command(cli, fsck_work);
}

/* ---- backup and restore ---- */

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

static int run_backup(struct cli *cli)
{
    return admin_command(cli, backup_work);
}

/* What came back and is of no use: signing keys, when the backup has no master key. */
static void tell_warnings(struct cli *cli, const struct fsck_report *r)
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
    tell_warnings(cli, &checked);
    return EXIT_DONE;
}

/* ---- jobs and audit ---- */

static const char *job_state_name(enum job_state s)
{
    static const char *const names[] = { "queued", "running", "done", "failed" };
    return names[s];
}

static int jobs_work(struct cli *cli, struct admin *admin)
{
    struct job_list list;
    err_t e = jobs_list(&admin->store->core, cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++) {
        const struct job *j = &list.items[i];
        slice run_at = time_format_utc(cli->arena, j->run_at_ms);
        if (!option_on(cli->options, "json")) {
            fprintf(cli->out, "%-10s %-8s next %s  %lld done  %s\n", terminal_safe(cli->arena, j->kind).p,
                    job_state_name(j->state), run_at.p, (long long)j->progress, terminal_safe(cli->arena, j->error).p);
            continue;
        }
        struct json_line line;
        json_line_open(&line);
        json_put_int(&line.o, "id", j->id);
        json_put_string(&line.o, "kind", j->kind);
        json_put_string(&line.o, "state", slice_of(job_state_name(j->state)));
        json_put_string(&line.o, "run_at", run_at);
        json_put_int(&line.o, "attempts", j->attempts);
        json_put_int(&line.o, "progress", j->progress);
        json_put_string(&line.o, "error", j->error);
        json_line_print(&line, cli->out);
    }
    return EXIT_DONE;
}

static int run_jobs(struct cli *cli)
{
    return admin_command(cli, jobs_work);
}

static int audit_work(struct cli *cli, struct admin *admin)
{
    int64_t limit = 100;
    if (!option_number(cli, "limit", 1, 10000, &limit))
        return EXIT_USAGE;
    struct event_list list;
    err_t e = event_list(&admin->store->core, 0, (size_t)limit, cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++) {
        const struct event *v = &list.items[i];
        slice at = time_format_utc(cli->arena, v->at_ms);
        if (!option_on(cli->options, "json")) {
            fprintf(cli->out, "%s  %-16s %-14s %s  %s\n", at.p, terminal_safe(cli->arena, v->actor).p,
                    terminal_safe(cli->arena, v->action).p, terminal_safe(cli->arena, v->subject).p,
                    terminal_safe(cli->arena, v->detail).p);
            continue;
        }
        struct json_line line;
        json_line_open(&line);
        json_put_int(&line.o, "id", v->id);
        json_put_string(&line.o, "at", at);
        json_put_string(&line.o, "actor", v->actor);
        json_put_string(&line.o, "action", v->action);
        json_put_string(&line.o, "subject", v->subject);
        json_put_string(&line.o, "detail", v->detail);
        json_put_string(&line.o, "request_id", v->request_id);
        json_line_print(&line, cli->out);
    }
    return EXIT_DONE;
}

static int run_audit(struct cli *cli)
{
    return admin_command(cli, audit_work);
}

#define PLAIN                                                                                                          \
    (const struct option_spec[])                                                                                       \
    {                                                                                                                  \
        ADMIN_OPTIONS,                                                                                                 \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

const struct command command_fsck = { "fsck",
                                      NULL,
                                      0,
                                      0,
                                      (const struct option_spec[]){
                                          { "repair", 0, NULL, false,
                                            "Remove proven orphans and correct counters. Never touches files." },
                                          { "quick", 0, NULL, false, "Compare sizes only, not every byte." },
                                          ADMIN_OPTIONS,
                                          { 0 } },
                                      "Check that every file has its bytes and every byte its file.",
                                      "Works while a server runs. Exit code 1 when something is wrong.\n",
                                      run_fsck };
const struct command command_backup = {
    "backup",
    "DIR",
    1,
    1,
    (const struct option_spec[]){
        { "with-key", 0, NULL, false, "With the master key: without it signing keys are of no use in the copy." },
        ADMIN_OPTIONS,
        { 0 } },
    "Copy the whole store, while it is in use.",
    "DIR is made, or empty. It is a data directory with a MANIFEST, which is written last. The master key is not in\n"
    "it unless you ask for it: keep a copy of DATA/master.key apart from your backups.\n",
    run_backup
};
const struct command command_restore = {
    "restore",
    "DIR",
    1,
    1,
    PLAIN,
    "Make a data directory out of a backup.",
    "DIR is the backup; --data names the data directory, which must be new or empty.\n",
    run_restore
};
const struct command command_jobs = { "jobs", NULL, 0, 0, PLAIN, "List background work.", NULL, run_jobs };
const struct command command_audit = {
    "audit",
    NULL,
    0,
    0,
    (const struct option_spec[]){ { "limit", 0, "N", false, "How many (default 100)." }, ADMIN_OPTIONS, { 0 } },
    "Show who did what, newest first.",
    NULL,
    run_audit
};
