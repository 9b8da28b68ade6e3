/* SPDX-License-Identifier: Apache-2.0 */
/* cais user: users of an account. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/password_prompt.h"

#include "core/access/access.h"
#include "core/records/account.h"
#include "core/records/user.h"

#include <string.h>
#include <unistd.h>

static const char *user_state_name(enum user_state state)
{
    return state == USER_ACTIVE ? "active" : state == USER_DISABLED ? "disabled" : "deleted";
}

static const struct listing_layout user_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", NULL, LISTING_NUMBER },
            { "login", "LOGIN", LISTING_TEXT },
            { "name", "NAME", LISTING_TEXT, LISTING_CUT },
            { "email", "E-MAIL", LISTING_TEXT, LISTING_CUT, 3 },
            { "state", "STATE", LISTING_TEXT },
            { "kind", "KIND", LISTING_TEXT, 0, 2 },
            { "admin", "ADMIN", LISTING_FLAG },
            { "account_id", NULL, LISTING_NUMBER },
            { NULL, "ACCOUNT", LISTING_TEXT, LISTING_CUT, 1 },
            { "created_at", "CREATED", LISTING_TIME, 0, 4 },
            { "used_bytes", "SIZE", LISTING_SIZE },
            { "used_files", "FILES", LISTING_NUMBER, 0, 5 },
            { "max_bytes", "MAX SIZE", LISTING_SIZE, LISTING_ZERO_IS_NONE },
            { "max_files", "MAX FILES", LISTING_NUMBER, LISTING_ZERO_IS_NONE, 5 },
        },
    .count = 14,
};

/* account: the name of its account; may be empty for JSON, which has none */
static void add_user(struct listing *list, const struct user *u, slice account)
{
    listing_number(list, u->id);
    listing_text(list, u->login);
    listing_text(list, u->name);
    listing_text(list, u->email);
    listing_text(list, slice_of(user_state_name(u->state)));
    listing_text(list, u->kind == USER_PERSON ? S("person") : u->kind == USER_BOT ? S("bot") : S("system"));
    listing_flag(list, u->is_admin);
    listing_number(list, u->account_id);
    listing_text(list, account);
    listing_time(list, u->created_at_ms);
    listing_size(list, u->used_bytes);
    listing_number(list, u->used_files);
    listing_size(list, u->max_bytes);
    listing_number(list, u->max_files);
}

static slice name_of_account(const struct account_list *accounts, int64_t id)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (accounts->items[i].id == id)
            return accounts->items[i].name;
    return S("");
}

static int user_add_work(struct cli *cli, struct admin *admin)
{
    struct user_request request = { .account = admin_option(cli, "account"),
                                    .login = slice_of(cli->options->operands[0]),
                                    .name = admin_option(cli, "name"),
                                    .email = admin_option(cli, "email"),
                                    .kind = option_on(cli->options, "bot") ? USER_BOT : USER_PERSON,
                                    .is_admin = option_on(cli->options, "admin") };
    struct user made;
    if (!admin_limits(cli, &request.max_bytes, &request.max_files))
        return EXIT_USAGE;
    err_t e = user_create(&admin->store->core, &admin->who, &request, cli->arena, &made);
    e = admin_exists(cli, e, "user", request.login, "user list");
    e = admin_no_such(cli, e, "account", request.account, "account list");
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "user %s\n", admin_text(cli, made.login));
        return EXIT_DONE;
    }
    struct listing list;
    listing_begin_one(&list, cli, &user_layout);
    add_user(&list, &made, S(""));
    listing_end_one(&list);
    return EXIT_DONE;
}

static int user_list_work(struct cli *cli, struct admin *admin)
{
    struct core *core = &admin->store->core;
    struct listing list;
    struct user_list users = { 0 };
    struct account_list accounts;
    if (!listing_begin(&list, cli, &user_layout))
        return EXIT_USAGE;
    err_t e = account_list(core, cli->arena, &accounts);
    if (!e)
        e = user_list(core, admin_option(cli, "account"), &list.page, cli->arena, &users);
    e = admin_no_such(cli, e, "account", admin_option(cli, "account"), "account list");
    for (size_t i = 0; !e && i < users.count; i++) {
        add_user(&list, &users.items[i], name_of_account(&accounts, users.items[i].account_id));
        listing_end_row(&list, users.items[i].id);
    }
    return listing_end(&list, e);
}

static int user_limit_work(struct cli *cli, struct admin *admin)
{
    struct core *core = &admin->store->core;
    slice login = slice_of(cli->options->operands[0]);
    struct user now = { 0 };
    err_t e = user_by_login(core, login, cli->arena, &now);
    if (!e && !admin_limits(cli, &now.max_bytes, &now.max_files))
        return EXIT_USAGE;
    if (!e)
        e = user_set_limits(core, &admin->who, login, now.max_bytes, now.max_files, cli->arena);
    e = admin_no_such(cli, e, "user", login, "user list");
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* disable, enable, delete */
static int user_state_work(struct cli *cli, struct admin *admin)
{
    const char *verb = strrchr(cli->options->command->name, ' ') + 1;
    enum user_state to = strcmp(verb, "disable") == 0  ? USER_DISABLED
                         : strcmp(verb, "delete") == 0 ? USER_DELETED
                                                       : USER_ACTIVE;
    slice login = slice_of(cli->options->operands[0]);
    err_t e = user_set_state(&admin->store->core, &admin->who, login, to, cli->arena);
    e = admin_no_such(cli, e, "user", login, "user list");
    return e ? command_failed(cli, e) : EXIT_DONE;
}

static int user_password_work(struct cli *cli, struct admin *admin)
{
    slice password, login = slice_of(cli->options->operands[0]);
    err_t e = admin_input(cli, &password);
    if (!e)
        e = user_set_password(&admin->store->core, &admin->who, login, password, cli->arena);
    e = admin_no_such(cli, e, "user", login, "user list");
    return e ? command_failed(cli, e) : EXIT_DONE;
}

ADMIN_RUN(user_add)
ADMIN_RUN(user_list)
ADMIN_RUN(user_limit)
ADMIN_RUN(user_state)

/* Before the stores are open: the threads that they have do not block the signals that the prompt waits for. */
static int run_user_password(struct cli *cli)
{
    err_t e = NULL;
    if (!cli->admin && !cli->input.p)
        e = isatty(STDIN_FILENO)
                ? password_prompt(slice_of(cli->options->operands[0]), cli->err, cli->arena, &cli->input)
                : admin_input(cli, &cli->input);
    return e ? command_failed(cli, e) : admin_command(cli, user_password_work);
}

#define USER_LIMIT_OPTIONS                                                                                             \
    { "max-bytes", 0, "N", false, "Bytes the user may own (K, M, G, T); 0: no limit." },                               \
    {                                                                                                                  \
        "max-files", 0, "N", false, "Files the user may own; 0: no limit."                                             \
    }

const struct command command_user_add = {
    .name = "user add",
    .operands = "LOGIN",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ { "name", 0, "NAME", false, "Name for people." },
                                             { "email", 0, "ADDRESS", false, "E-mail address." },
                                             { "account", 0, "NAME", false, "Account (default: default)." },
                                             { "admin", 0, NULL, false, "Administrator of the account." },
                                             { "bot", 0, NULL, false, "A program, not a person." },
                                             USER_LIMIT_OPTIONS,
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "Make a user.",
    .run = run_user_add,
};

const struct command command_user_list = {
    .name = "user list",
    .options =
        (const struct option_spec[]){
            { "account", 0, "NAME", false, "Only those of this account." }, LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
    .summary = "List users and what they own.",
    .run = run_user_list,
};

const struct command command_user_limit = {
    .name = "user limit",
    .operands = "LOGIN",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ USER_LIMIT_OPTIONS, ADMIN_OPTIONS, { 0 } },
    .summary = "Limit what a user may own.",
    .details =
        "Files, objects in buckets and unfinished uploads of the user count, whatever API they came by. The limit of\n"
        "the account stays in force. Files that are there stay, even above the limit.\n",
    .run = run_user_limit,
};

const struct command command_user_disable = {
    .name = "user disable",
    .operands = "LOGIN",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Shut a user out; tokens end at once.",
    .run = run_user_state,
};

const struct command command_user_enable = {
    .name = "user enable",
    .operands = "LOGIN",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Let a disabled user in again.",
    .run = run_user_state,
};

const struct command command_user_delete = {
    .name = "user delete",
    .operands = "LOGIN",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Delete a user with keys and tokens; files stay with the account.",
    .run = run_user_state,
};

const struct command command_user_password = {
    .name = "user password",
    .operands = "LOGIN",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Set a password, asked for or read from standard input.",
    .details =
        "On a terminal it is asked for twice, and not shown. Else all of standard input is the password, without the\n"
        "line end. Tokens of the user end.\n",
    .run = run_user_password,
};
