/* SPDX-License-Identifier: Apache-2.0 */
/* cais key: keys of users, for each API. */
#include "api/apis.h"
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/access/access.h"
#include "core/records/credential.h"

#include <string.h>

struct new_key {
    int64_t id;
    slice halves[2];
};

static err_t mint_key(struct cli *cli, struct admin *admin, const struct api_module *api, slice login,
                      struct new_key *ret)
{
    struct core *core = &admin->store->core;
    struct key_request request = { .login = login, .purpose = slice_of(api->name) };
    struct minted_key minted;
    if (api->key_form == API_KEYS_PAIR)
        TRY(key_mint_pair(core, &admin->who, &request, cli->arena, &minted));
    else if (api->key_form == API_KEYS_SIGNING)
        TRY(key_mint_signing(core, &admin->who, &request, cli->arena, &minted));
    else
        TRY(key_mint(core, &admin->who, &request, cli->arena, &minted));
    *ret = (struct new_key){ minted.id, { minted.key, api->key_form == API_KEYS_PAIR ? minted.token : minted.secret } };
    return NULL;
}

static void print_new_key(struct cli *cli, const struct api_module *api, slice login, const struct new_key *key)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "key %lld for %s\n", (long long)key->id, admin_text(cli, login));
        for (size_t i = 0; i < LENGTH_OF(api->key_names) && api->key_names[i]; i++)
            fprintf(cli->out, "%s: " SLICE_FMT "\n", api->key_names[i], SLICE_ARG(key->halves[i]));
        fputs(api->key_form == API_KEYS_SIGNING
                  ? "The secret is shown this once and kept sealed under the master key.\n"
              : api->key_form == API_KEYS_PAIR ? "They are shown this once and kept as hashes only.\n"
                                               : "It is shown this once and kept as a hash only.\n",
              cli->out);
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", key->id);
    if (api->key_has_login)
        json_put_string(&line.o, "login", login);
    for (size_t i = 0; i < LENGTH_OF(api->key_names) && api->key_names[i]; i++)
        json_put_string(&line.o, api->key_names[i], key->halves[i]);
    json_line_print(&line, cli->out);
}

/* "first, second, …": the APIs that have keys. */
static const char *list_purposes(struct arena *a)
{
    slice list = S("");
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->key_form != API_KEYS_NONE)
            list = arena_printf(a, SLICE_FMT "%s%s", SLICE_ARG(list), list.n ? ", " : "", api_modules[i]->name);
    return arena_cstr(a, list);
}

static int key_add_work(struct cli *cli, struct admin *admin)
{
    const char *purpose = option_value(cli->options, "for");
    const struct api_module *api = purpose ? api_module_find(slice_of(purpose)) : NULL;
    if (!api || api->key_form == API_KEYS_NONE)
        return usage_error(cli->err, cli->options->command, "--for is one of: %s", list_purposes(cli->arena));
    slice login = slice_of(cli->options->operands[0]);
    struct new_key key = { 0 };
    err_t e = mint_key(cli, admin, api, login, &key);
    if (e)
        return command_failed(cli, e);
    print_new_key(cli, api, login, &key);
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
    .options = (const struct option_spec[]){ { "for", 0, "WAY", false, "Which way in it opens", list_purposes },
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
