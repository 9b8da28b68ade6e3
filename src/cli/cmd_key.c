/* SPDX-License-Identifier: Apache-2.0 */
/* cais key: keys of users, for each API. */
#include "api/kit/key_role.h"
#include "api/kit/new_key.h"
#include "cli/admin.h"
#include "cli/command_text.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/key_purpose.h"
#include "cli/listing.h"
#include "cli/role_name.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/reasons.h"
#include "core/records/credential.h"
#include "core/space/enrolment.h"

#include <string.h>

/* What the options of `key add` ask for. */
struct key_options {
    const struct api_module *api;
    const char *public_key;             /* a file; NULL for an API whose keys are made here */
    enum key_role role;                 /* KEY_ADMIN for an API whose keys have no roles */
    slice workspace, section;           /* empty for an API whose keys have none */
    int64_t expires_at_ms;              /* 0: never */
    struct enrolment_request enrolment; /* no course_id: none is asked for */
};

static err_t mint_key(struct cli *cli, struct admin *admin, const struct key_options *o, struct new_key *ret)
{
    slice callbacks[APPLICATION_CALLBACKS_MAX + 1];
    struct new_key_request request = { .api = o->api,
                                       .key = { .login = o->enrolment.login,
                                                .purpose = slice_of(o->api->name),
                                                .role = o->role,
                                                .expires_at_ms = o->expires_at_ms,
                                                .workspace = o->workspace,
                                                .section = o->section },
                                       .callbacks = { callbacks, 0 } };
    const char *value;
    while (request.callbacks.count < LENGTH_OF(callbacks) &&
           (value = option_nth(cli->options, "callback", request.callbacks.count)))
        callbacks[request.callbacks.count++] = slice_of(value);
    if (o->public_key)
        TRY(admin_file(cli, o->public_key, &request.public_key));
    return new_key_make(&admin->store->core, &admin->who, &request, cli->arena, ret);
}

static const char *how_key_is_kept(enum api_key_form form)
{
    if (form == API_KEYS_SIGNING)
        return "The secret is shown this once and kept sealed under the master key.\n";
    if (form == API_KEYS_PUBLIC)
        return "The fingerprint is all that is kept of it.\n";
    if (form == API_KEYS_PAIR || form == API_KEYS_APPLICATION)
        return "They are shown this once and kept as hashes only.\n";
    return "It is shown this once and kept as a hash only.\n";
}

static void print_new_key(struct cli *cli, const struct key_options *o, const struct new_key *key)
{
    const struct api_module *api = o->api;
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "key %lld for %s%s%s\n", (long long)key->id, admin_text(cli, o->enrolment.login),
                o->role ? " as " : "", o->role ? key_role_text(api, o->role) : "");
        for (size_t i = 0; i < LENGTH_OF(api->key_names) && api->key_names[i]; i++)
            fprintf(cli->out, "%s: " SLICE_FMT "\n", api->key_names[i], SLICE_ARG(key->parts[i]));
        fputs(how_key_is_kept(api->key_form), cli->out);
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", key->id);
    if (api->key_has_login)
        json_put_string(&line.o, "login", o->enrolment.login);
    if (api->key_roles)
        json_put_string(&line.o, "role", slice_of(key_role_text(api, o->role)));
    for (size_t i = 0; i < LENGTH_OF(api->key_names) && api->key_names[i]; i++)
        json_put_string(&line.o, api->key_names[i], key->parts[i]);
    json_line_print(&line, cli->out);
}

/* "first, second, …" */
static const char *list_purposes(struct arena *a)
{
    const struct api_module *purpose;
    slice list = S("");
    for (size_t i = 0; (purpose = key_purpose_nth(i)); i++)
        list = arena_printf(a, SLICE_FMT "%s%s", SLICE_ARG(list), list.n ? ", " : "", purpose->name);
    return arena_cstr(a, list);
}

/* "with --course …; for first …", for the help. */
static const char *list_roles(struct arena *a)
{
    slice list = S("with --course " ROLE_NAMES " (default: member)");
    const struct api_module *purpose;
    for (size_t i = 0; (purpose = key_purpose_nth(i)); i++)
        if (purpose->key_roles)
            list = arena_printf(a, SLICE_FMT "; for %s %s (default: %s)", SLICE_ARG(list), purpose->name,
                                key_role_list(purpose, a), key_role_text(purpose, KEY_ADMIN));
    return arena_cstr(a, list);
}

/* Returns false after an error message, as do the functions below. */
static bool check_options_of_api(const struct cli *cli, const struct api_module *api)
{
    const bool for_application = api->key_form == API_KEYS_APPLICATION;
    const struct {
        const char *name;
        bool fits;
    } limited[] = { { "course", for_application },           { "role", for_application || api->key_roles },
                    { "account", for_application },          { "callback", for_application },
                    { "workspace", api->key_has_workspace }, { "bucket", api->key_has_workspace },
                    { "expires", api->key_has_workspace },   { "public-key", api->key_form == API_KEYS_PUBLIC } };
    for (size_t i = 0; i < LENGTH_OF(limited); i++)
        if (!limited[i].fits && option_nth(cli->options, limited[i].name, 0)) {
            usage_error(cli->err, cli->options->command, "--%s does not go with --for %s", limited[i].name, api->name);
            return false;
        }
    return true;
}

static bool read_public_key(const struct cli *cli, struct key_options *ret)
{
    ret->public_key = option_value(cli->options, "public-key");
    if (ret->public_key || ret->api->key_form != API_KEYS_PUBLIC)
        return true;
    usage_error(cli->err, cli->options->command, "--for %s needs --public-key", ret->api->name);
    return false;
}

static bool read_enrolment(const struct cli *cli, struct enrolment_request *ret)
{
    const char *role = option_value(cli->options, "role");
    if (!option_number(cli, "course", 1, INT64_MAX, &ret->course_id))
        return false;
    ret->role = ROLE_MEMBER;
    if (role && !role_name_parse(role, &ret->role)) {
        usage_error(cli->err, cli->options->command, "a role is " ROLE_NAMES);
        return false;
    }
    if (role && !ret->course_id) {
        usage_error(cli->err, cli->options->command, "--role needs --course");
        return false;
    }
    return true;
}

static bool read_workspace(const struct cli *cli, struct key_options *ret)
{
    if (!ret->api->key_has_workspace)
        return true;
    ret->workspace = admin_option(cli, "workspace");
    ret->section = admin_option(cli, "bucket");
    if (ret->workspace.n && ret->section.n)
        return option_time(cli, "expires", &ret->expires_at_ms);
    usage_error(cli->err, cli->options->command, "--for %s needs --workspace and --bucket", ret->api->name);
    return false;
}

static bool read_key_options(const struct cli *cli, struct key_options *ret)
{
    const char *purpose = option_value(cli->options, "for");
    ret->api = purpose ? key_purpose_find(slice_of(purpose)) : NULL;
    if (!ret->api) {
        usage_error(cli->err, cli->options->command, "--for is one of: %s", list_purposes(cli->arena));
        return false;
    }
    if (!check_options_of_api(cli, ret->api))
        return false;
    if (ret->api->key_form == API_KEYS_APPLICATION)
        return read_enrolment(cli, &ret->enrolment);
    if (key_role_parse(ret->api, option_value(cli->options, "role"), &ret->role))
        return read_workspace(cli, ret) && read_public_key(cli, ret);
    usage_error(cli->err, cli->options->command, "with --for %s, --role is one of: %s", ret->api->name,
                key_role_list(ret->api, cli->arena));
    return false;
}

/* ---- add ---- */

/* The enrolment comes first: it can be repeated, while secrets are shown once. */
static err_t enrol_and_mint(struct cli *cli, struct admin *admin, const struct key_options *o, struct new_key *ret)
{
    struct core *core = &admin->store->core;
    struct principal operator_;
    struct user user;
    int64_t unused;
    slice login = o->enrolment.login;
    TRY(admin_operator(cli, admin, &operator_));
    TRY(admin_no_such(cli, user_by_login(core, login, cli->arena, &user), "user", login, "user list"));
    if (o->enrolment.course_id)
        TRY(admin_no_such(cli, enrolment_grant(core, &operator_, &o->enrolment, cli->arena, &unused), "course",
                          slice_of(option_value(cli->options, "course")), "course list"));
    err_t e = mint_key(cli, admin, o, ret);
    const char *buckets =
        arena_printf(cli->arena, "bucket list --workspace " SLICE_FMT, SLICE_ARG(shell_word(o->workspace, cli->arena)))
            .p;
    if (err_reason(e) == REASON_SYNC_NO_WORKSPACE)
        return admin_no_such(cli, e, "workspace", o->workspace, "workspace list");
    return err_reason(e) == REASON_SYNC_NO_SECTION ? admin_no_such(cli, e, "bucket", o->section, buckets) : e;
}

static int key_add_work(struct cli *cli, struct admin *admin)
{
    struct key_options o = { .enrolment = { .login = slice_of(cli->options->operands[0]) } };
    struct new_key key = { 0 };
    if (!read_key_options(cli, &o))
        return EXIT_USAGE;
    err_t e = enrol_and_mint(cli, admin, &o, &key);
    if (e)
        return command_failed(cli, e);
    print_new_key(cli, &o, &key);
    return EXIT_DONE;
}

/* ---- list, revoke ---- */

static bool has_expired(const struct cli *cli, const struct credential *k)
{
    return k->expires_at_ms && k->expires_at_ms <= clock_now_ms(cli->clock);
}

static const struct listing_layout key_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", "KEY", LISTING_NUMBER },
            { "for", "FOR", LISTING_TEXT },
            { "login", "LOGIN", LISTING_TEXT, LISTING_CUT },
            { "role", NULL, LISTING_TEXT },
            { NULL, "ROLE", LISTING_TEXT, 0, 4 },
            { "state", "STATE", LISTING_TEXT },
            { "created_at", "CREATED", LISTING_TIME, 0, 2 },
            { "last_used_at", "LAST USED", LISTING_TIME, 0, 2 },
            { NULL, "PUBLIC PART", LISTING_TEXT, LISTING_CUT, 1 },
            { "access_key_id", NULL, LISTING_TEXT, LISTING_OPTIONAL },
            { "client_id", NULL, LISTING_TEXT, LISTING_OPTIONAL },
            { "fingerprint", NULL, LISTING_TEXT, LISTING_OPTIONAL },
            { "workspace", "WORKSPACE", LISTING_TEXT, LISTING_CUT | LISTING_OPTIONAL, 3 },
            { "bucket", "BUCKET", LISTING_TEXT, LISTING_CUT | LISTING_OPTIONAL, 3 },
            { "expires_at", "EXPIRES", LISTING_TIME, 0, 3 },
        },
    .count = 15,
    .none = "There are no keys: 'cais key add LOGIN --for native' makes one.",
};

static void add_key(struct listing *list, const struct key_info *info)
{
    const struct credential *k = &info->key;
    slice public_half = info->access_key.n ? info->access_key : info->client_id.n ? info->client_id : k->public_key;
    slice role = slice_of(key_role_text(key_purpose_find(k->purpose), k->role));
    listing_number(list, k->id);
    listing_text(list, k->purpose);
    listing_text(list, info->login.n ? info->login : S("?"));
    listing_text(list, role);
    listing_text(list, k->role ? role : S(""));
    listing_text(list, k->revoked_at_ms ? S("revoked") : has_expired(list->cli, k) ? S("expired") : S("active"));
    listing_time(list, k->created_at_ms);
    listing_time(list, k->used_at_ms);
    listing_text(list, public_half);
    listing_text(list, info->access_key);
    listing_text(list, info->client_id);
    listing_text(list, k->public_key);
    listing_text(list, info->workspace);
    listing_text(list, info->section);
    listing_time(list, k->expires_at_ms);
}

static int key_list_work(struct cli *cli, struct admin *admin)
{
    slice login = cli->options->operand_count ? slice_of(cli->options->operands[0]) : S("");
    struct listing list;
    struct key_info_list keys = { 0 };
    if (!listing_begin(&list, cli, &key_layout))
        return EXIT_USAGE;
    err_t e = key_list(&admin->store->core, login, &list.page, cli->arena, &keys);
    e = admin_no_such(cli, e, "user", login, "user list");
    for (size_t i = 0; !e && i < keys.count; i++) {
        add_key(&list, &keys.items[i]);
        listing_end_row(&list, keys.items[i].key.id);
    }
    return listing_end(&list, e);
}

static int key_revoke_work(struct cli *cli, struct admin *admin)
{
    int64_t id;
    if (!slice_to_i64(slice_of(cli->options->operands[0]), &id))
        return usage_error(cli->err, cli->options->command, "ID is a number; 'cais key list' shows it");
    err_t e = key_revoke(&admin->store->core, &admin->who, id, cli->arena);
    e = admin_no_such(cli, e, "key", slice_of(cli->options->operands[0]), "key list");
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
    .options =
        (const struct option_spec[]){
            { "for", 0, "WAY", false, "Which way in it opens", list_purposes },
            { "course", 0, "ID", false, "Enrol LOGIN in this course.", NULL },
            { "role", 0, "ROLE", false, "A role", list_roles },
            { "account", 0, "A", false, "With --course: the account of the course; default: default.", NULL },
            { "workspace", 0, "W", false, "For an API with workspaces: the one in which the key works.", NULL },
            { "bucket", 0, "B", false, "With --workspace: where its files go when nobody says otherwise.", NULL },
            { "expires", 0, "TIME", false,
              "With --workspace: when the key ends, as 2027-01-31 (its beginning, in UTC) or 2027-01-31T18:00:00Z.",
              NULL },
            { "public-key", 0, "FILE", false,
              "With --for sftp: the public key, as ssh-keygen writes it into the file that ends in .pub; -: standard "
              "input. ed25519, ecdsa, or rsa of 2048 bits or more.",
              NULL },
            { "callback", 0, "URL", true,
              "Where the application may send browsers back to; without any, people carry "
              "its PIN by hand.",
              NULL },
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Make a key, which is shown once, or add a public one.",
    .run = run_key_add,
};

const struct command command_key_list = {
    .name = "key list",
    .operands = "[LOGIN]",
    .max_operands = 1,
    .options = (const struct option_spec[]){ LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
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
