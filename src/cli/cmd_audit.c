/* SPDX-License-Identifier: Apache-2.0 */
/* cais audit: the audit log. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/event.h"
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
