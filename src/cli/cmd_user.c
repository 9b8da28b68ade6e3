/* SPDX-License-Identifier: Apache-2.0 */
/* cais user: users of an account. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/access/access.h"
#include "core/records/user.h"

#include <string.h>

static const char *user_state_name(enum user_state state)
{
    return state == USER_ACTIVE ? "active" : state == USER_DISABLED ? "disabled" : "deleted";
}

static void print_user(struct cli *cli, const struct user *u)
{
    struct json_line line;
    json_line_open(&line);
    struct json_out *o = &line.o;
    struct arena *a = cli->arena;
    json_put_int(o, "id", u->id);
    json_put_string(o, "login", u->login);
    json_put_string(o, "name", u->name);
    json_put_string(o, "email", u->email);
    json_put_string(o, "state", slice_of(user_state_name(u->state)));
    json_put_string(o, "kind", u->kind == USER_PERSON ? S("person") : u->kind == USER_BOT ? S("bot") : S("system"));
    json_put_bool(o, "admin", u->is_admin);
    json_put_int(o, "account_id", u->account_id);
    json_put_string(o, "created_at", time_format_utc(a, u->created_at_ms));
    json_line_print(&line, cli->out);
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
    err_t e = user_create(&admin->store->core, &admin->who, &request, cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "user %s\n", admin_text(cli, made.login));
        return EXIT_DONE;
    }
    print_user(cli, &made);
    return EXIT_DONE;
}

static int user_list_work(struct cli *cli, struct admin *admin)
{
    struct user_list list;
    err_t e = user_list(&admin->store->core, admin_option(cli, "account"), cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++) {
        const struct user *user = &list.items[i];
        if (option_on(cli->options, "json")) {
            print_user(cli, user);
        } else {
            fprintf(cli->out, "%-30s %-9s %-6s %s\n", admin_text(cli, user->login), user_state_name(user->state),
                    user->is_admin ? "admin" : "", admin_text(cli, user->name));
        }
    }
    return EXIT_DONE;
}

/* disable, enable, delete */
static int user_state_work(struct cli *cli, struct admin *admin)
{
    const char *verb = strrchr(cli->options->command->name, ' ') + 1;
    enum user_state to = strcmp(verb, "disable") == 0  ? USER_DISABLED
                         : strcmp(verb, "delete") == 0 ? USER_DELETED
                                                       : USER_ACTIVE;
    err_t e = user_set_state(&admin->store->core, &admin->who, slice_of(cli->options->operands[0]), to, cli->arena);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

static int user_password_work(struct cli *cli, struct admin *admin)
{
    slice password;
    err_t e = admin_input(cli, &password);
    if (!e)
        e = user_set_password(&admin->store->core, &admin->who, slice_of(cli->options->operands[0]), password,
                              cli->arena);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

ADMIN_RUN(user_add)
ADMIN_RUN(user_list)
ADMIN_RUN(user_state)
ADMIN_RUN(user_password)

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
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "Make a user.",
    .run = run_user_add,
    .makes_data = true,
};

const struct command command_user_list = {
    .name = "user list",
    .options = (const struct option_spec[]){ { "account", 0, "NAME", false, "Account (default: default)." },
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "List users.",
    .run = run_user_list,
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
    .summary = "Set a password, read from standard input.",
    .run = run_user_password,
};
