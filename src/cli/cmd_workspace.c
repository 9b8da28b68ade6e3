/* SPDX-License-Identifier: Apache-2.0 */
/* cais workspace, cais bucket, cais entity: where sync files go, and what their records are about. People call a section of a workspace
 * a bucket. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/access/access.h"
#include "core/sync/entity.h"
#include "core/sync/workspace.h"

#include <string.h>

enum { PAGE = 100 };

/* The operator, in the account that --account names. */
static err_t find_operator(struct cli *cli, struct admin *admin, struct principal *ret)
{
    return access_operator(&admin->store->core, admin_option(cli, "account"), cli->arena, ret);
}

static slice first_operand(const struct cli *cli)
{
    return cli->options->operand_count ? slice_of(cli->options->operands[0]) : S("");
}

/* ---- workspaces ---- */

static void print_workspace(struct cli *cli, const struct workspace *w)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%s\n", admin_text(cli, w->name));
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "workspace", w->name);
    json_put_string(&line.o, "created_at", time_format_utc(cli->arena, w->created_at_ms));
    json_line_print(&line, cli->out);
}

static int workspace_add_work(struct cli *cli, struct admin *admin)
{
    struct principal operator_;
    struct workspace made;
    err_t e = find_operator(cli, admin, &operator_);
    if (!e)
        e = workspace_add(&admin->store->core, &operator_, first_operand(cli), cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    print_workspace(cli, &made);
    return EXIT_DONE;
}

static err_t print_workspaces(struct cli *cli, struct admin *admin)
{
    struct id_page page = { 0, PAGE };
    struct workspace_list list;
    struct principal operator_;
    TRY(find_operator(cli, admin, &operator_));
    do {
        TRY(workspace_list(&admin->store->core, operator_.account_id, &page, cli->arena, &list));
        for (size_t i = 0; i < list.count; i++) {
            print_workspace(cli, &list.items[i]);
            page.after_id = list.items[i].id;
        }
    } while (list.count == PAGE);
    return NULL;
}

static int workspace_list_work(struct cli *cli, struct admin *admin)
{
    err_t e = print_workspaces(cli, admin);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* ---- buckets ---- */

static void print_section(struct cli *cli, const struct section *s)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%s%s\n", admin_text(cli, s->name), s->refuses_deletes ? "  allow-delete off" : "");
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "bucket", s->name);
    json_put_bool(&line.o, "allow_delete", !s->refuses_deletes);
    json_put_string(&line.o, "created_at", time_format_utc(cli->arena, s->created_at_ms));
    json_line_print(&line, cli->out);
}

static int bucket_add_work(struct cli *cli, struct admin *admin)
{
    struct principal operator_;
    struct section made;
    const char *workspace = option_value(cli->options, "workspace");
    const char *deletes = option_value(cli->options, "allow-delete");
    bool is_off = deletes && strcmp(deletes, "off") == 0;
    if (!workspace)
        return usage_error(cli->err, cli->options->command, "--workspace is missing");
    if (deletes && !is_off && strcmp(deletes, "on") != 0)
        return usage_error(cli->err, cli->options->command, "--allow-delete is on or off");
    struct section_request request = { slice_of(workspace), first_operand(cli), is_off };
    err_t e = find_operator(cli, admin, &operator_);
    if (!e)
        e = section_add(&admin->store->core, &operator_, &request, cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    print_section(cli, &made);
    return EXIT_DONE;
}

static err_t print_sections(struct cli *cli, struct admin *admin, slice workspace_name)
{
    struct id_page page = { 0, PAGE };
    struct section_list list;
    struct workspace workspace;
    struct principal operator_;
    TRY(find_operator(cli, admin, &operator_));
    TRY(workspace_find(&admin->store->core, operator_.account_id, workspace_name, cli->arena, &workspace));
    do {
        TRY(section_list(&admin->store->core, workspace.id, &page, cli->arena, &list));
        for (size_t i = 0; i < list.count; i++) {
            print_section(cli, &list.items[i]);
            page.after_id = list.items[i].id;
        }
    } while (list.count == PAGE);
    return NULL;
}

static int bucket_list_work(struct cli *cli, struct admin *admin)
{
    const char *workspace = option_value(cli->options, "workspace");
    if (!workspace)
        return usage_error(cli->err, cli->options->command, "--workspace is missing");
    err_t e = print_sections(cli, admin, slice_of(workspace));
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* ---- entities ---- */

static void print_entity(struct cli *cli, const struct entity *e)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%-24s %-28s %s%s\n", admin_text(cli, e->name), admin_text(cli, e->type),
                admin_text(cli, e->data_source), e->id ? "" : "  built in");
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "entity", e->name);
    json_put_string(&line.o, "type", e->type);
    json_put_string(&line.o, "data_source", e->data_source);
    json_put_bool(&line.o, "built_in", !e->id);
    json_line_print(&line, cli->out);
}

static int entity_add_work(struct cli *cli, struct admin *admin)
{
    const char *const *operands = cli->options->operands;
    struct entity_request request = { slice_of(operands[0]), slice_of(operands[1]), slice_of(operands[2]) };
    struct principal operator_;
    struct entity made;
    err_t e = find_operator(cli, admin, &operator_);
    if (!e)
        e = entity_add(&admin->store->core, &operator_, &request, cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    print_entity(cli, &made);
    return EXIT_DONE;
}

static err_t print_entities(struct cli *cli, struct admin *admin)
{
    struct id_page page = { 0, PAGE };
    struct entity_list list;
    struct principal operator_;
    TRY(find_operator(cli, admin, &operator_));
    for (size_t i = 0; i < entities_built_in_count; i++)
        print_entity(cli, &entities_built_in[i]);
    do {
        TRY(entity_list(&admin->store->core, operator_.account_id, &page, cli->arena, &list));
        for (size_t i = 0; i < list.count; i++) {
            print_entity(cli, &list.items[i]);
            page.after_id = list.items[i].id;
        }
    } while (list.count == PAGE);
    return NULL;
}

static int entity_list_work(struct cli *cli, struct admin *admin)
{
    err_t e = print_entities(cli, admin);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

ADMIN_RUN(workspace_add)
ADMIN_RUN(workspace_list)
ADMIN_RUN(bucket_add)
ADMIN_RUN(bucket_list)
ADMIN_RUN(entity_add)
ADMIN_RUN(entity_list)

#define ACCOUNT_OPTION                                                                                                 \
    {                                                                                                                  \
        "account", 0, "A", false, "The account; default: default."                                                     \
    }
#define WORKSPACE_OPTION                                                                                               \
    {                                                                                                                  \
        "workspace", 0, "W", false, "The workspace of the bucket."                                                     \
    }

const struct command command_workspace_add = {
    .name = "workspace add",
    .operands = "[ID]",
    .max_operands = 1,
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "Make a workspace for sync files; without ID it gets one.",
    .run = run_workspace_add,
};

const struct command command_workspace_list = {
    .name = "workspace list",
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "List the workspaces of an account.",
    .run = run_workspace_list,
};

const struct command command_bucket_add = {
    .name = "bucket add",
    .operands = "[ID]",
    .max_operands = 1,
    .options =
        (const struct option_spec[]){
            WORKSPACE_OPTION,
            { "allow-delete", 0, "on|off", false,
              "Whether files of keys that are no administrators may delete records (default on)." },
            ACCOUNT_OPTION,
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Make a bucket of a workspace; without ID it gets one.",
    .run = run_bucket_add,
};

const struct command command_bucket_list = {
    .name = "bucket list",
    .options = (const struct option_spec[]){ WORKSPACE_OPTION, ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "List the buckets of a workspace.",
    .run = run_bucket_list,
};

const struct command command_entity_add = {
    .name = "entity add",
    .operands = "NAME TYPE DATASOURCE",
    .min_operands = 3,
    .max_operands = 3,
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "Register an entity, whose records sync files may bring.",
    .run = run_entity_add,
};

const struct command command_entity_list = {
    .name = "entity list",
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "List entities, built in and registered.",
    .run = run_entity_list,
};
