/* SPDX-License-Identifier: Apache-2.0 */
/* cais audit, cais audit export, cais audit prune: the audit log. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/listing.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/whole_file.h"

#include "base/text.h"
#include "core/event.h"
#include "core/event_prune.h"
#include "core/records/event.h"

#include <stdlib.h>
#include <unistd.h>

static const struct listing_layout event_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", NULL, LISTING_NUMBER },
            { "at", "AT", LISTING_TIME },
            { "account", "ACCOUNT", LISTING_TEXT, LISTING_CUT, 2 },
            { "actor", "ACTOR", LISTING_TEXT, LISTING_CUT },
            { "actor_id", NULL, LISTING_NUMBER }, /* a login may be given to another user later */
            { "action", "ACTION", LISTING_TEXT },
            { "subject", "SUBJECT", LISTING_TEXT, LISTING_CUT },
            { "detail", "DETAIL", LISTING_TEXT, LISTING_CUT, 1 },
            { "request_id", "REQUEST", LISTING_TEXT, 0, 3 },
        },
    .count = 9,
    .limit = 100,
};

static void add_event(struct listing *list, const struct event *v)
{
    listing_number(list, v->id);
    listing_time(list, v->at_ms);
    listing_text(list, v->account);
    listing_text(list, v->actor);
    listing_number(list, v->actor_id);
    listing_text(list, v->action);
    listing_text(list, v->subject);
    listing_text(list, v->detail);
    listing_text(list, v->request_id);
}

static int audit_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    struct event_list events = { 0 };
    if (!listing_begin(&list, cli, &event_layout))
        return EXIT_USAGE;
    err_t e = event_list(&admin->store->core, list.page.after_id, list.page.limit, cli->arena, &events);
    for (size_t i = 0; !e && i < events.count; i++) {
        add_event(&list, &events.items[i]);
        listing_end_row(&list, events.items[i].id);
    }
    return listing_end(&list, e);
}

ADMIN_RUN(audit)

const struct command command_audit = {
    .name = "audit",
    .options = (const struct option_spec[]){ { "limit", 0, "N", false, "Show at most so many (default 100)." },
                                             LISTING_AFTER_OPTIONS,
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "Show who did what, newest first.",
    .run = run_audit,
};

/* ---- cais audit export ----
 *
 * An export is a range of ids without a gap, so that the next one goes on exactly where it ended, whatever happened meanwhile.
 * The range ends with the event that was the newest when the export began; --since and --until are found on the way, as the
 * first event of that time or later. */

enum {
    EXPORT_PAGE = 200,             /* events in one snapshot */
    EXPORT_PIECE_PAGES = 10,       /* at most in one piece, which may print nothing (--since) */
    EXPORT_PIECE_BYTES = 64 * 1024 /* after so many, the piece ends */
};

struct export
{
    int64_t after_id; /* the last event that was looked at */
    int64_t last_id;  /* of the export */
    int64_t count;    /* of events that were printed */
    int64_t first_id; /* of those; 0: none yet */
    int64_t since_ms, until_ms;
};

/* The state between two pieces, as cli->resume has it. */
static slice export_state(const struct export *x, struct arena *a)
{
    return arena_printf(a, "%lld,%lld,%lld,%lld", (long long)x->after_id, (long long)x->last_id, (long long)x->count,
                        (long long)x->first_id);
}

static err_t read_export_state(slice text, struct export *x, struct arena *a)
{
    int64_t *const numbers[] = { &x->after_id, &x->last_id, &x->count, &x->first_id };
    for (size_t i = 0; i < LENGTH_OF(numbers); i++) {
        slice word;
        slice_cut(text, ',', &word, &text);
        if (!slice_to_i64(word, numbers[i]))
            return err_make(a, ERR_INVALID, "not a state of an export");
    }
    return NULL;
}

/* Where the first piece begins. A log that ends before --after is another one, or was restored: what is exported from it would
 * be neither complete nor in order. */
static err_t begin_export(struct cli *cli, struct admin *admin, struct export *x)
{
    struct event_list none;
    struct event_span span;
    TRY(event_page(&admin->store->core, 0, 0, cli->arena, &none, &span));
    if (x->after_id > span.last_id)
        return err_make(cli->arena, ERR_CONFLICT, "the newest event is %lld: there never was one with the id %lld",
                        (long long)span.last_id, (long long)x->after_id);
    if (x->after_id && x->after_id + 1 < span.first_id)
        fprintf(cli->err, "cais audit export: the events from %lld to %lld were removed before they were exported\n",
                (long long)x->after_id + 1, (long long)span.first_id - 1);
    if (x->after_id + 1 < span.first_id)
        x->after_id = span.first_id - 1;
    x->last_id = span.last_id;
    return NULL;
}

/* Prints the events of one page. *ret_ends: the export is complete. */
static err_t export_page(struct cli *cli, struct admin *admin, struct export *x, struct arena *a, bool *ret_ends)
{
    struct event_list page;
    struct event_span span;
    TRY(event_page(&admin->store->core, x->after_id, EXPORT_PAGE, a, &page, &span));
    if (x->after_id + 1 < span.first_id)
        return err_make(a, ERR_CONFLICT, "events were removed before they were exported");
    for (size_t i = 0; i < page.count; i++) {
        const struct event *v = &page.items[i];
        if (v->id > x->last_id || v->at_ms >= x->until_ms) {
            x->last_id = x->after_id;
            break;
        }
        x->after_id = v->id;
        if (!x->first_id && v->at_ms < x->since_ms)
            continue;
        if (!x->first_id)
            x->first_id = v->id;
        x->count++;
        struct listing row;
        listing_begin_one(&row, cli, &event_layout);
        add_event(&row, v);
        listing_end_one(&row);
    }
    *ret_ends = x->after_id >= x->last_id || !page.count;
    return NULL;
}

static err_t export_piece(struct cli *cli, struct admin *admin, struct export *x)
{
    bool ends = false;
    long begin = ftell(cli->out); /* of a pipe it is always -1, and then only the number of pages counts */
    for (int pages = 0; !ends && pages < EXPORT_PIECE_PAGES && ftell(cli->out) - begin < EXPORT_PIECE_BYTES; pages++) {
        SCRATCH(a);
        err_t e = export_page(cli, admin, x, &a, &ends);
        if (e)
            return err_copy(cli->arena, e);
    }
    if (ends)
        fprintf(cli->err, "exported %lld events, up to %lld\n", (long long)x->count, (long long)x->after_id);
    cli->resume = ends ? S("") : export_state(x, cli->arena);
    return NULL;
}

static int audit_export_work(struct cli *cli, struct admin *admin)
{
    struct export x = { .until_ms = INT64_MAX };
    if (!option_number(cli, "after", 0, INT64_MAX, &x.after_id) || !option_time(cli, "since", &x.since_ms) ||
        !option_time(cli, "until", &x.until_ms))
        return EXIT_USAGE;
    err_t e = cli->resume.n ? read_export_state(cli->resume, &x, cli->arena) : begin_export(cli, admin, &x);
    if (!e)
        e = export_piece(cli, admin, &x);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* The message says what is exported, so it must not come before the file has its name. */
static err_t export_to_file(struct cli *cli, const char *path, int *ret_status)
{
    FILE *out = cli->out, *err = cli->err;
    char *said = NULL;
    size_t said_n = 0;
    SCOPED(whole_file_close) struct whole_file file;
    TRY(whole_file_open(&file, path, option_on(cli->options, "force"), cli->random, cli->arena));
    int copy = dup(file.fd);
    cli->out = copy < 0 ? NULL : fdopen(copy, "w");
    cli->err = open_memstream(&said, &said_n);
    if (!cli->out || !cli->err)
        abort(); /* out of memory */
    *ret_status = admin_command(cli, audit_export_work);
    fclose(cli->err);
    cli->err = err;
    bool failed = fclose(cli->out) != 0;
    cli->out = out;
    err_t e = NULL;
    if (*ret_status == EXIT_DONE)
        e = failed ? err_make(cli->arena, ERR_NO_SPACE, "cannot write") : whole_file_commit(&file, cli->arena);
    if (!e)
        fwrite(said, 1, said_n, err);
    free(said);
    return e;
}

static int run_audit_export(struct cli *cli)
{
    const char *path = option_value(cli->options, "output");
    int status = EXIT_FAILED;
    if (cli->admin || !path)
        return admin_command(cli, audit_export_work);
    err_t e = export_to_file(cli, path, &status);
    return e ? report_file_error(cli, path, e) : status;
}

const struct command command_audit_export = {
    .name = "audit export",
    .options =
        (const struct option_spec[]){
            { "after", 0, "ID", false, "Begin behind this event: where the last export ended." },
            { "since", 0, "TIME", false, "Begin with the first event of that time or later." },
            { "until", 0, "TIME", false, "End before the first event of that time or later." },
            { "output", 'o', "FILE", false, "Write to this file; it appears whole, or not at all." },
            { "force", 0, NULL, false, "Replace a file that exists." },
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Write the audit log as JSON lines, oldest first.",
    .details =
        "TIME is a day in UTC, such as 2026-11-29, or 2026-11-29T14:04:09Z. The export ends with the event that was "
        "the "
        "newest when\nit began. The last line on standard error, \"exported N events, up to ID\", has the ID for "
        "--after of the next export.\n",
    .run = run_audit_export,
};

/* ---- cais audit prune ---- */

static int audit_prune_work(struct cli *cli, struct admin *admin)
{
    struct event_prune_request request = { .who = &admin->who };
    int64_t count;
    if (!option_value(cli->options, "before"))
        return usage_error(cli->err, cli->options->command, "--before is missing");
    if (!option_time(cli, "before", &request.before_ms))
        return EXIT_USAGE;
    err_t e = event_prune(&admin->store->core, &request, cli->arena, &count);
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%lld events removed\n", (long long)count);
        return EXIT_DONE;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "removed", count);
    json_line_print(&line, cli->out);
    return EXIT_DONE;
}

ADMIN_RUN(audit_prune)

const struct command command_audit_prune = {
    .name = "audit prune",
    .options = (const struct option_spec[]){ { "before", 0, "TIME", false, "Remove events that are older (required)." },
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "Remove the oldest events of the audit log.",
    .details =
        "TIME is a day in UTC, such as 2026-11-29, or 2026-11-29T14:04:09Z. Events are removed in their order, up to "
        "the first\nthat is not older. What was removed is recorded as an event, and cannot be restored.\n",
    .run = run_audit_prune,
};
