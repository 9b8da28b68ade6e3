/* SPDX-License-Identifier: Apache-2.0 */
/* account, user, key: who may come in. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/access/access.h"
#include "core/records/account.h"
#include "core/records/credential.h"
#include "core/records/user.h"

#include <string.h>

static const char *safe(struct cli *cli, slice s)
{
    return terminal_safe(cli->arena, s).p;
}

static slice option_slice(const struct cli *cli, const char *name)
{
    return slice_of(option_value(cli->options, name));
}

static bool parse_size(slice text, int64_t *ret)
{
    uint64_t v, unit = 1;
    if (text.n && strchr("KMGT", text.p[text.n - 1])) {
        for (const char *at = "KMGT"; *at; at++) {
            unit *= 1024;
            if (*at == text.p[text.n - 1])
                break;
        }
        text.n--;
    }
    if (!slice_to_u64(text, &v) || __builtin_mul_overflow(v, unit, &v) || v > INT64_MAX)
        return false;
    *ret = (int64_t)v;
    return true;
}

/* ---- account ---- */

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
        fprintf(cli->out, "account %s\n", safe(cli, made.name));
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
    if (!e && ((bytes && !parse_size(slice_of(bytes), &now.max_bytes)) ||
               (files && !slice_to_i64(slice_of(files), &now.max_files))))
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
            fprintf(cli->out, "%-20s %8lld files %12s", safe(cli, account->name), (long long)account->used_files,
                    size_for_people(cli->arena, account->used_bytes).p);
            if (account->max_bytes)
                fprintf(cli->out, "  of %s", size_for_people(cli->arena, account->max_bytes).p);
            if (account->max_files)
                fprintf(cli->out, "  at most %lld files", (long long)account->max_files);
            fputc('\n', cli->out);
        }
    }
    return EXIT_DONE;
}

/* ---- user ---- */

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
    struct user_request order = { .account = option_slice(cli, "account"),
                                  .login = slice_of(cli->options->operands[0]),
                                  .name = option_slice(cli, "name"),
                                  .email = option_slice(cli, "email"),
                                  .kind = option_on(cli->options, "bot") ? USER_BOT : USER_PERSON,
                                  .is_admin = option_on(cli->options, "admin") };
    struct user made;
    err_t e = user_create(&admin->store->core, &admin->who, &order, cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "user %s\n", safe(cli, made.login));
        return EXIT_DONE;
    }
    print_user(cli, &made);
    return EXIT_DONE;
}

static int user_list_work(struct cli *cli, struct admin *admin)
{
    struct user_list list;
    err_t e = user_list(&admin->store->core, option_slice(cli, "account"), cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++) {
        const struct user *user = &list.items[i];
        if (option_on(cli->options, "json")) {
            print_user(cli, user);
        } else {
            fprintf(cli->out, "%-30s %-9s %-6s %s\n", safe(cli, user->login), user_state_name(user->state),
                    user->is_admin ? "admin" : "", safe(cli, user->name));
        }
    }
    return EXIT_DONE;
}

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

/* ---- key ---- */

/* What each way in wants to be given, as its clients call it. */
static const struct key_kind {
    const char *purpose;
    enum { ONE_SECRET, PAIR, SIGNING } form;
    const char *names[2]; /* of its one or two halves */
    bool with_login;
} key_kinds[] = {
    { "pyrus", ONE_SECRET, { "security_key" }, true },
    { "runrun", PAIR, { "app_key", "user_token" }, false },
    { "s3", SIGNING, { "access_key_id", "secret_access_key" }, false },
    { "native", ONE_SECRET, { "token" }, false },
};
#define KEY_WAYS "pyrus, runrun, s3, native"

struct new_key {
    int64_t id;
    slice halves[2];
};

static err_t mint(struct cli *cli, struct admin *admin, const struct key_kind *kind, slice login, struct new_key *ret)
{
    struct core *core = &admin->store->core;
    slice purpose = slice_of(kind->purpose);
    switch (kind->form) {
    case PAIR:
        return key_mint_pair(core, &admin->who, login, purpose, cli->arena, &ret->id, &ret->halves[0], &ret->halves[1]);
    case SIGNING:
        return key_mint_signing(core, &admin->who, login, purpose, cli->arena, &ret->id, &ret->halves[0],
                                &ret->halves[1]);
    default:
        return key_mint(core, &admin->who, login, purpose, cli->arena, &ret->id, &ret->halves[0]);
    }
}

static void print_new_key(struct cli *cli, const struct key_kind *kind, slice login, const struct new_key *key)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "key %lld for %s\n", (long long)key->id, safe(cli, login));
        for (size_t i = 0; i < LENGTH_OF(kind->names) && kind->names[i]; i++)
            fprintf(cli->out, "%s: " SLICE_FMT "\n", kind->names[i], SLICE_ARG(key->halves[i]));
        fputs(kind->form == SIGNING ? "The secret is shown this once and kept sealed under the master key.\n"
              : kind->form == PAIR  ? "They are shown this once and kept as hashes only.\n"
                                    : "It is shown this once and kept as a hash only.\n",
              cli->out);
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", key->id);
    if (kind->with_login)
        json_put_string(&line.o, "login", login);
    for (size_t i = 0; i < LENGTH_OF(kind->names) && kind->names[i]; i++)
        json_put_string(&line.o, kind->names[i], key->halves[i]);
    json_line_print(&line, cli->out);
}

static int key_add_work(struct cli *cli, struct admin *admin)
{
    const char *purpose = option_value(cli->options, "for");
    const struct key_kind *kind = NULL;
    for (size_t i = 0; purpose && i < LENGTH_OF(key_kinds); i++)
        if (strcmp(key_kinds[i].purpose, purpose) == 0)
            kind = &key_kinds[i];
    if (!kind)
        return usage_error(cli->err, cli->options->command, "--for is one of: " KEY_WAYS);
    slice login = slice_of(cli->options->operands[0]);
    struct new_key key = { 0 };
    err_t e = mint(cli, admin, kind, login, &key);
    if (e)
        return command_failed(cli, e);
    print_new_key(cli, kind, login, &key);
    return EXIT_DONE;
}

static void print_key(struct cli *cli, const struct key_info *info)
{
    const struct credential *k = &info->key;
    const char *state = k->revoked_at_ms ? "revoked" : "active";
    slice login = info->login.n ? info->login : S("?");
    bool signs = info->access_key.n > 0;
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%6lld  %-10s %-8s %s  %s%s%s\n", (long long)k->id, safe(cli, k->purpose), state,
                time_format_utc(cli->arena, k->created_at_ms).p, safe(cli, login), signs ? "  " : "",
                safe(cli, info->access_key));
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", k->id);
    json_put_string(&line.o, "for", k->purpose);
    json_put_string(&line.o, "login", login);
    json_put_string(&line.o, "state", slice_of(state));
    json_put_string(&line.o, "created_at", time_format_utc(cli->arena, k->created_at_ms));
    if (signs)
        json_put_string(&line.o, "access_key_id", info->access_key);
    json_line_print(&line, cli->out);
}

static int key_list_work(struct cli *cli, struct admin *admin)
{
    slice login = cli->options->operand_count ? slice_of(cli->options->operands[0]) : S("");
    struct key_info_list list;
    err_t e = key_list(&admin->store->core, login, cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++)
        print_key(cli, &list.items[i]);
    return EXIT_DONE;
}

static int key_revoke_work(struct cli *cli, struct admin *admin)
{
    int64_t id;
    if (!slice_to_i64(slice_of(cli->options->operands[0]), &id))
        return usage_error(cli->err, cli->options->command, "ID is a number; 'cais key list' shows it");
    err_t e = key_revoke(&admin->store->core, &admin->who, id, cli->arena);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* ---- the table ---- */

#define RUN(name)                                                                                                      \
    static int run_##name(struct cli *cli)                                                                             \
    {                                                                                                                  \
        return admin_command(cli, name##_work);                                                                        \
    }
RUN(account_add)
RUN(account_limit)
RUN(account_list)
RUN(user_add)
RUN(user_list)
RUN(user_state)
RUN(user_password)
RUN(key_add)
RUN(key_list)
RUN(key_revoke)

#define PLAIN                                                                                                          \
    (const struct option_spec[])                                                                                       \
    {                                                                                                                  \
        ADMIN_OPTIONS,                                                                                                 \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define ACCOUNT_OPTION                                                                                                 \
    {                                                                                                                  \
        "account", 0, "NAME", false, "Account (default: default)."                                                     \
    }

const struct command command_account_add = { "account add", "NAME",         1, 1, PLAIN, "Make an account (a tenant).",
                                             NULL,          run_account_add };
const struct command command_account_limit = {
    "account limit",
    "NAME",
    1,
    1,
    (const struct option_spec[]){ { "max-bytes", 0, "N", false, "Bytes it may keep (K, M, G, T); 0: as configured." },
                                  { "max-files", 0, "N", false, "Files it may keep; 0: as configured." },
                                  ADMIN_OPTIONS,
                                  { 0 } },
    "Limit what an account may keep.",
    NULL,
    run_account_limit
};
const struct command command_account_list = {
    "account list", NULL, 0, 0, PLAIN, "List accounts and what they use.", NULL, run_account_list
};
const struct command command_user_add = { "user add",
                                          "LOGIN",
                                          1,
                                          1,
                                          (const struct option_spec[]){
                                              { "name", 0, "NAME", false, "Name for people." },
                                              { "email", 0, "ADDRESS", false, "E-mail address." },
                                              ACCOUNT_OPTION,
                                              { "admin", 0, NULL, false, "Administrator of the account." },
                                              { "bot", 0, NULL, false, "A program, not a person." },
                                              ADMIN_OPTIONS,
                                              { 0 } },
                                          "Make a user.",
                                          NULL,
                                          run_user_add };
const struct command command_user_list = {
    "user list",  NULL, 0, 0, (const struct option_spec[]){ ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } }, "List users.", NULL,
    run_user_list
};
const struct command command_user_disable = {
    "user disable", "LOGIN", 1, 1, PLAIN, "Shut a user out; tokens end at once.", NULL, run_user_state
};
const struct command command_user_enable = { "user enable", "LOGIN",       1, 1, PLAIN, "Let a disabled user in again.",
                                             NULL,          run_user_state };
const struct command command_user_delete = {
    "user delete", "LOGIN",       1, 1, PLAIN, "Delete a user with keys and tokens; files stay with the account.",
    NULL,          run_user_state
};
const struct command command_user_password = {
    "user password", "LOGIN", 1, 1, PLAIN, "Set a password, read from standard input.", NULL, run_user_password
};
const struct command command_key_add = {
    "key add",
    "LOGIN",
    1,
    1,
    (const struct option_spec[]){
        { "for", 0, "WAY", false, "Which way in it opens: " KEY_WAYS "." }, ADMIN_OPTIONS, { 0 } },
    "Make a key; it is shown once.",
    NULL,
    run_key_add
};
const struct command command_key_list = { "key list", "[LOGIN]", 0, 1, PLAIN, "List keys.", NULL, run_key_list };
const struct command command_key_revoke = {
    "key revoke", "ID", 1, 1, PLAIN, "End a key and every token made from it, at once.", NULL, run_key_revoke
};
