/* SPDX-License-Identifier: Apache-2.0 */
/* cais account: tenants and their limits. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/listing.h"

#include "core/access/access.h"
#include "core/records/account.h"

static const struct listing_layout account_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", NULL, LISTING_NUMBER },
            { "name", "ACCOUNT", LISTING_TEXT },
            { "created_at", "CREATED", LISTING_TIME, 0, 4 },
            { "used_bytes", "SIZE", LISTING_SIZE },
            { "used_files", "FILES", LISTING_NUMBER },
            { "record_bytes", "RECORDS", LISTING_SIZE, 0, 1 },
            { "pending_files", "PENDING", LISTING_NUMBER, 0, 5 },
            { "open_uploads", "UPLOADS", LISTING_NUMBER, 0, 5 },
            { "garbage_bytes", "REMOVED", LISTING_SIZE, 0, 2 },
            { "max_bytes", "MAX SIZE", LISTING_SIZE, LISTING_ZERO_IS_NONE },
            { "max_files", "MAX FILES", LISTING_NUMBER, LISTING_ZERO_IS_NONE },
        },
    .count = 11,
};

static void add_account(struct listing *list, const struct account *account)
{
    listing_number(list, account->id);
    listing_text(list, account->name);
    listing_time(list, account->created_at_ms);
    listing_size(list, account->used_bytes);
    listing_number(list, account->used_files);
    listing_size(list, account->record_bytes);
    listing_number(list, account->pending_files);
    listing_number(list, account->open_uploads);
    listing_size(list, account->garbage_bytes);
    listing_size(list, account->max_bytes);
    listing_number(list, account->max_files);
}

static int account_add_work(struct cli *cli, struct admin *admin)
{
    struct account made;
    err_t e = account_create(&admin->store->core, &admin->who, slice_of(cli->options->operands[0]), cli->arena, &made);
    e = admin_exists(cli, e, "account", slice_of(cli->options->operands[0]), "account list");
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "account %s\n", admin_text(cli, made.name));
        return EXIT_DONE;
    }
    struct listing list;
    listing_begin_one(&list, cli, &account_layout);
    add_account(&list, &made);
    listing_end_one(&list);
    return EXIT_DONE;
}

static int account_limit_work(struct cli *cli, struct admin *admin)
{
    struct core *core = &admin->store->core;
    slice name = slice_of(cli->options->operands[0]);
    struct account now = { 0 };
    err_t e = account_by_name(core, name, cli->arena, &now);
    if (!e && !admin_limits(cli, &now.max_bytes, &now.max_files))
        return EXIT_USAGE;
    if (!e)
        e = account_set_limits(core, &admin->who, name, now.max_bytes, now.max_files, cli->arena);
    e = admin_no_such(cli, e, "account", name, "account list");
    return e ? command_failed(cli, e) : EXIT_DONE;
}

static int account_list_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    struct account_list accounts = { 0 };
    if (!listing_begin(&list, cli, &account_layout))
        return EXIT_USAGE;
    err_t e = account_list(&admin->store->core, cli->arena, &accounts);
    for (size_t i = 0; !e && i < accounts.count; i++) {
        if (accounts.items[i].id <= list.page.after_id)
            continue;
        add_account(&list, &accounts.items[i]);
        listing_end_row(&list, accounts.items[i].id);
    }
    return listing_end(&list, e);
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
    .options = (const struct option_spec[]){ LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
    .summary = "List accounts and what they use.",
    .details =
        "SIZE is that of the files, RECORDS what names, tasks and the like count for, REMOVED what is removed but\n"
        "still on the disk. MAX SIZE is for all of an account; \"-\": as configured.\n",
    .run = run_account_list,
};
