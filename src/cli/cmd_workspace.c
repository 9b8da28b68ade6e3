/* SPDX-License-Identifier: Apache-2.0 */
/* cais workspace, cais bucket, cais entity: where sync files go, and what their records are about. People call a section of a workspace
 * a bucket. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/listing.h"

#include "core/access/access.h"
#include "core/sync/entity.h"
#include "core/sync/workspace.h"

#include <string.h>

static slice first_operand(const struct cli *cli)
{
    return cli->options->operand_count ? slice_of(cli->options->operands[0]) : S("");
}

/* ---- workspaces ---- */

static const struct listing_layout workspace_layout = {
    .columns =
        (const struct listing_column[]){
            { "workspace", "WORKSPACE", LISTING_TEXT },
            { "created_at", "CREATED", LISTING_TIME },
        },
    .count = 2,
    .none = "There are no workspaces in this account: 'cais workspace add' makes one.",
};

static void add_workspace(struct listing *list, const struct workspace *w)
{
    listing_text(list, w->name);
    listing_time(list, w->created_at_ms);
}

/* One that was made: its name alone, or JSON. */
static void print_workspace(struct cli *cli, const struct workspace *w)
{
    struct listing list;
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%s\n", admin_text(cli, w->name));
        return;
    }
    listing_begin_one(&list, cli, &workspace_layout);
    add_workspace(&list, w);
    listing_end_one(&list);
}

static int workspace_add_work(struct cli *cli, struct admin *admin)
{
    struct principal operator_;
    struct workspace made;
    err_t e = admin_operator(cli, admin, &operator_);
    if (!e)
        e = workspace_add(&admin->store->core, &operator_, first_operand(cli), cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    print_workspace(cli, &made);
    return EXIT_DONE;
}

static err_t list_workspaces(struct cli *cli, struct admin *admin, struct listing *list)
{
    struct workspace_list workspaces;
    struct principal operator_;
    TRY(admin_operator(cli, admin, &operator_));
    TRY(workspace_list(&admin->store->core, operator_.account_id, &list->page, cli->arena, &workspaces));
    for (size_t i = 0; i < workspaces.count; i++) {
        add_workspace(list, &workspaces.items[i]);
        listing_end_row(list, workspaces.items[i].id);
    }
    return NULL;
}

static int workspace_list_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    if (!listing_begin(&list, cli, &workspace_layout))
        return EXIT_USAGE;
    return listing_end(&list, list_workspaces(cli, admin, &list));
}

/* ---- buckets ---- */

static const struct listing_layout section_layout = {
    .columns =
        (const struct listing_column[]){
            { "bucket", "BUCKET", LISTING_TEXT },
            { "allow_delete", "ALLOW DELETE", LISTING_FLAG },
            { "created_at", "CREATED", LISTING_TIME },
        },
    .count = 3,
    .none = "There are no buckets in this workspace: 'cais bucket add --workspace W' makes one.",
};

static void add_section(struct listing *list, const struct section *s)
{
    listing_text(list, s->name);
    listing_flag(list, !s->refuses_deletes);
    listing_time(list, s->created_at_ms);
}

/* One that was made: its name alone, or JSON. */
static void print_section(struct cli *cli, const struct section *s)
{
    struct listing list;
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%s\n", admin_text(cli, s->name));
        return;
    }
    listing_begin_one(&list, cli, &section_layout);
    add_section(&list, s);
    listing_end_one(&list);
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
    err_t e = admin_operator(cli, admin, &operator_);
    if (!e)
        e = admin_no_such(cli, section_add(&admin->store->core, &operator_, &request, cli->arena, &made), "workspace",
                          slice_of(workspace), "workspace list");
    if (e)
        return command_failed(cli, e);
    print_section(cli, &made);
    return EXIT_DONE;
}

static err_t list_sections(struct cli *cli, struct admin *admin, slice workspace_name, struct listing *list)
{
    struct section_list sections;
    struct workspace workspace;
    struct principal operator_;
    TRY(admin_operator(cli, admin, &operator_));
    TRY(admin_no_such(cli,
                      workspace_find(&admin->store->core, operator_.account_id, workspace_name, cli->arena, &workspace),
                      "workspace", workspace_name, "workspace list"));
    TRY(section_list(&admin->store->core, workspace.id, &list->page, cli->arena, &sections));
    for (size_t i = 0; i < sections.count; i++) {
        add_section(list, &sections.items[i]);
        listing_end_row(list, sections.items[i].id);
    }
    return NULL;
}

static int bucket_list_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    const char *workspace = option_value(cli->options, "workspace");
    if (!workspace)
        return usage_error(cli->err, cli->options->command, "--workspace is missing");
    if (!listing_begin(&list, cli, &section_layout))
        return EXIT_USAGE;
    return listing_end(&list, list_sections(cli, admin, slice_of(workspace), &list));
}

/* ---- entities ---- */

static const struct listing_layout entity_layout = {
    .columns =
        (const struct listing_column[]){
            { "entity", "ENTITY", LISTING_TEXT },
            { "type", "TYPE", LISTING_TEXT, LISTING_CUT },
            { "data_source", "DATASOURCE", LISTING_TEXT, LISTING_CUT },
            { "built_in", "BUILT IN", LISTING_FLAG },
        },
    .count = 4,
};

static void add_entity(struct listing *list, const struct entity *e)
{
    listing_text(list, e->name);
    listing_text(list, e->type);
    listing_text(list, e->data_source);
    listing_flag(list, !e->id);
}

static int entity_add_work(struct cli *cli, struct admin *admin)
{
    const char *const *operands = cli->options->operands;
    struct entity_request request = { slice_of(operands[0]), slice_of(operands[1]), slice_of(operands[2]) };
    struct principal operator_;
    struct entity made;
    err_t e = admin_operator(cli, admin, &operator_);
    if (!e)
        e = entity_add(&admin->store->core, &operator_, &request, cli->arena, &made);
    if (e)
        return command_failed(cli, e);
    if (option_on(cli->options, "json")) {
        struct listing list;
        listing_begin_one(&list, cli, &entity_layout);
        add_entity(&list, &made);
        listing_end_one(&list);
        return EXIT_DONE;
    }
    fprintf(cli->out, "entity %s\n", admin_text(cli, made.name));
    return EXIT_DONE;
}

/* Those that are built in come first. As a cursor, the last of them has the id -1. */
static err_t list_entities(struct cli *cli, struct admin *admin, struct listing *list)
{
    struct entity_list entities;
    struct principal operator_;
    TRY(admin_operator(cli, admin, &operator_));
    for (size_t i = 0; i < entities_built_in_count; i++) {
        int64_t id = (int64_t)i - (int64_t)entities_built_in_count;
        if (list->after.n && id <= list->page.after_id)
            continue;
        add_entity(list, &entities_built_in[i]);
        listing_end_row(list, id);
    }
    TRY(entity_list(&admin->store->core, operator_.account_id, &list->page, cli->arena, &entities));
    for (size_t i = 0; i < entities.count; i++) {
        add_entity(list, &entities.items[i]);
        listing_end_row(list, entities.items[i].id);
    }
    return NULL;
}

static int entity_list_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    if (!listing_begin(&list, cli, &entity_layout))
        return EXIT_USAGE;
    return listing_end(&list, list_entities(cli, admin, &list));
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
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
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
    .options = (const struct option_spec[]){ WORKSPACE_OPTION, ACCOUNT_OPTION, LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
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
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
    .summary = "List entities, built in and registered.",
    .run = run_entity_list,
};
