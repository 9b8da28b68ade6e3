/* SPDX-License-Identifier: Apache-2.0 */
/* cais key: keys of users, for each API. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/access/access.h"
#include "core/records/credential.h"

#include <string.h>

/* The keys of each API. `names` is what its clients call the one or two halves of a key. */
static const struct key_kind {
    const char *purpose;
    enum { ONE_SECRET, PAIR, SIGNING } form;
    const char *names[2];
    bool with_login;
} key_kinds[] = {
    { "pyrus", ONE_SECRET, { "security_key" }, true },
    { "runrun", PAIR, { "app_key", "user_token" }, false },
    { "s3", SIGNING, { "access_key_id", "secret_access_key" }, false },
    { "native", ONE_SECRET, { "token" }, false },
};
#define KEY_PURPOSES "pyrus, runrun, s3, native"

struct new_key {
    int64_t id;
    slice halves[2];
};

static err_t mint_key(struct cli *cli, struct admin *admin, const struct key_kind *kind, slice login,
                      struct new_key *ret)
{
    struct core *core = &admin->store->core;
    struct key_request request = { .login = login, .purpose = slice_of(kind->purpose) };
    struct minted_key minted;
    if (kind->form == PAIR)
        TRY(key_mint_pair(core, &admin->who, &request, cli->arena, &minted));
    else if (kind->form == SIGNING)
        TRY(key_mint_signing(core, &admin->who, &request, cli->arena, &minted));
    else
        TRY(key_mint(core, &admin->who, &request, cli->arena, &minted));
    *ret = (struct new_key){ minted.id, { minted.key, kind->form == PAIR ? minted.token : minted.secret } };
    return NULL;
}

static void print_new_key(struct cli *cli, const struct key_kind *kind, slice login, const struct new_key *key)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "key %lld for %s\n", (long long)key->id, admin_text(cli, login));
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
        return usage_error(cli->err, cli->options->command, "--for is one of: " KEY_PURPOSES);
    slice login = slice_of(cli->options->operands[0]);
    struct new_key key = { 0 };
    err_t e = mint_key(cli, admin, kind, login, &key);
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
        fprintf(cli->out, "%6lld  %-10s %-8s %s  %s%s%s\n", (long long)k->id, admin_text(cli, k->purpose), state,
                time_format_utc(cli->arena, k->created_at_ms).p, admin_text(cli, login), signs ? "  " : "",
                admin_text(cli, info->access_key));
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

ADMIN_RUN(key_add)
ADMIN_RUN(key_list)
ADMIN_RUN(key_revoke)

const struct command command_key_add = {
    .name = "key add",
    .operands = "LOGIN",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ { "for", 0, "WAY", false, "Which way in it opens: " KEY_PURPOSES "." },
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "Make a key; it is shown once.",
    .run = run_key_add,
};

const struct command command_key_list = {
    .name = "key list",
    .operands = "[LOGIN]",
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "List keys.",
    .run = run_key_list,
};

const struct command command_key_revoke = {
    .name = "key revoke",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "End a key and every token made from it, at once.",
    .run = run_key_revoke,
};
