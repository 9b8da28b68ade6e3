/* SPDX-License-Identifier: Apache-2.0 */
/* cais account: tenants and their limits. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/access/access.h"
#include "core/records/account.h"

static void print_account(struct cli *cli, const struct account *account)
{
    struct json_line line;
    json_line_open(&line);
    struct json_out *o = &line.o;
    struct arena *a = cli->arena;
    json_put_int(o, "id", account->id);
    json_put_string(o, "name", account->name);
    json_put_string(o, "created_at", time_format_utc(a, account->created_at_ms));
    json_put_int(o, "used_bytes", account->used_bytes);
    json_put_int(o, "used_files", account->used_files);
    json_put_int(o, "record_bytes", account->record_bytes);
    json_put_int(o, "pending_files", account->pending_files);
    json_put_int(o, "open_uploads", account->open_uploads);
    json_put_int(o, "garbage_bytes", account->garbage_bytes);
    json_put_int(o, "max_bytes", account->max_bytes);
    json_put_int(o, "max_files", account->max_files);
    json_line_print(&line, cli->out);
}

static int account_add_work(struct cli *cli, struct admin *admin)
{
    struct account made;
    err_t e = account_create(&admin->store->core, &admin->who, slice_of(cli->options->operands[0]), cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "account %s\n", admin_text(cli, made.name));
        return EXIT_DONE;
    }
    print_account(cli, &made);
    return EXIT_DONE;
}

static int account_limit_work(struct cli *cli, struct admin *admin)
{
    struct core *core = &admin->store->core;
    slice name = slice_of(cli->options->operands[0]);
    struct account now = { 0 };
    err_t e = account_by_name(core, name, cli->arena, &now);
    const char *bytes = option_value(cli->options, "max-bytes"), *files = option_value(cli->options, "max-files");
    if (!e &&
        ((bytes && !option_size(bytes, &now.max_bytes)) || (files && !slice_to_i64(slice_of(files), &now.max_files))))
        return usage_error(cli->err, cli->options->command, "a limit is a number; bytes may end in K, M, G or T");
    if (!e)
        e = account_set_limits(core, &admin->who, name, now.max_bytes, now.max_files, cli->arena);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

static int account_list_work(struct cli *cli, struct admin *admin)
{
    struct account_list list;
    err_t e = account_list(&admin->store->core, cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++) {
        const struct account *account = &list.items[i];
        if (option_on(cli->options, "json")) {
            print_account(cli, account);
        } else {
            fprintf(cli->out, "%-20s %8lld files %12s", admin_text(cli, account->name), (long long)account->used_files,
                    size_for_people(cli->arena, account->used_bytes).p);
            fprintf(cli->out, " and %s of records", size_for_people(cli->arena, account->record_bytes).p);
            if (account->garbage_bytes)
                fprintf(cli->out, ", %s removed but still on the disk",
                        size_for_people(cli->arena, account->garbage_bytes).p);
            if (account->max_bytes)
                fprintf(cli->out, "  of %s", size_for_people(cli->arena, account->max_bytes).p);
            if (account->max_files)
                fprintf(cli->out, "  at most %lld files", (long long)account->max_files);
            fputc('\n', cli->out);
        }
    }
    return EXIT_DONE;
}

ADMIN_RUN(account_add)
ADMIN_RUN(account_limit)
ADMIN_RUN(account_list)

const struct command command_account_add = {
    .name = "account add",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Make an account (a tenant).",
    .run = run_account_add,
    .makes_data = true,
};

const struct command command_account_limit = {
    .name = "account limit",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ { "max-bytes", 0, "N", false,
                                               "Bytes it may keep (K, M, G, T); 0: as configured." },
                                             { "max-files", 0, "N", false, "Files it may keep; 0: as configured." },
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "Limit what an account may keep.",
    .run = run_account_limit,
};

const struct command command_account_list = {
    .name = "account list",
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "List accounts and what they use.",
    .run = run_account_list,
};
