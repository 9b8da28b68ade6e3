/* SPDX-License-Identifier: Apache-2.0 */
/* cais audit, cais audit prune: the audit log. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/event.h"
#include "core/event_prune.h"
#include "core/records/event.h"

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

ADMIN_RUN(audit)

const struct command command_audit = {
    .name = "audit",
    .options =
        (const struct option_spec[]){ { "limit", 0, "N", false, "How many (default 100)." }, ADMIN_OPTIONS, { 0 } },
    .summary = "Show who did what, newest first.",
    .run = run_audit,
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
