/* SPDX-License-Identifier: Apache-2.0 */
/* cais course: the courses of an account, how much they may keep, and who takes part in them. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/role_name.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/access/access.h"
#include "core/space/course.h"
#include "core/space/enrolment.h"
#include "core/space/environment.h"

enum { PAGE = 100 };

/* The operator, in the account that --account names. */
static err_t find_operator(struct cli *cli, struct admin *admin, struct principal *ret)
{
    const char *account = option_value(cli->options, "account");
    return access_operator(&admin->store->core, slice_of(account ? account : ""), cli->arena, ret);
}

/* ---- cais course list ---- */

static void print_course(struct cli *cli, const struct course *c)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%6lld  %-30s %12s", (long long)c->id, admin_text(cli, c->path),
                size_for_people(cli->arena, c->used_bytes).p);
        if (c->max_bytes)
            fprintf(cli->out, " of %s", size_for_people(cli->arena, c->max_bytes).p);
        fprintf(cli->out, "  %s\n", admin_text(cli, c->name));
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", c->id);
    json_put_string(&line.o, "path", c->path);
    json_put_string(&line.o, "name", c->name);
    json_put_string(&line.o, "environment", c->environment_path);
    json_put_string(&line.o, "created_at", time_format_utc(cli->arena, c->created_at_ms));
    json_put_int(&line.o, "used_bytes", c->used_bytes);
    json_put_int(&line.o, "max_bytes", c->max_bytes);
    json_line_print(&line, cli->out);
}

static err_t print_courses(struct cli *cli, struct core *core, int64_t environment_id)
{
    struct id_page page = { 0, PAGE };
    struct course_list list;
    do {
        SCRATCH(a);
        err_t e = course_list(core, environment_id, &page, &a, &list);
        if (e)
            return err_copy(cli->arena, e);
        for (size_t i = 0; i < list.count; i++) {
            print_course(cli, &list.items[i]);
            page.after_id = list.items[i].id;
        }
    } while (list.count == PAGE);
    return NULL;
}

static err_t print_all(struct cli *cli, struct admin *admin)
{
    struct id_page page = { 0, PAGE };
    struct environment_list list;
    struct principal operator_;
    TRY(find_operator(cli, admin, &operator_));
    do {
        SCRATCH(a);
        err_t e = environment_list(&admin->store->core, &operator_, &page, &a, &list);
        for (size_t i = 0; !e && i < list.count; i++) {
            e = print_courses(cli, &admin->store->core, list.items[i].id);
            page.after_id = list.items[i].id;
        }
        if (e)
            return err_copy(cli->arena, e);
    } while (list.count == PAGE);
    return NULL;
}

static int course_list_work(struct cli *cli, struct admin *admin)
{
    err_t e = print_all(cli, admin);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* ---- cais course limit ---- */

static bool parse_course(struct cli *cli, int64_t *ret)
{
    return slice_to_i64(slice_of(cli->options->operands[0]), ret) && *ret > 0;
}

static int course_limit_work(struct cli *cli, struct admin *admin)
{
    struct principal operator_;
    int64_t id, max_bytes;
    if (!parse_course(cli, &id) || !option_size(cli->options->operands[1], &max_bytes))
        return usage_error(cli->err, cli->options->command,
                           "a course is a number, and so is a limit, which may end in K, M, G or T");
    err_t e = find_operator(cli, admin, &operator_);
    if (!e)
        e = course_set_limit(&admin->store->core, &operator_, id, max_bytes, cli->arena);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

/* ---- cais course enrol ---- */

static int course_enrol_work(struct cli *cli, struct admin *admin)
{
    struct principal operator_;
    struct enrolment_request request = { .login = slice_of(cli->options->operands[1]), .role = ROLE_MEMBER };
    const char *role = option_value(cli->options, "role");
    int64_t id;
    if (!parse_course(cli, &request.course_id) || (role && !role_name_parse(role, &request.role)))
        return usage_error(cli->err, cli->options->command, "a course is a number; a role is " ROLE_NAMES);
    err_t e = find_operator(cli, admin, &operator_);
    if (!e)
        e = enrolment_grant(&admin->store->core, &operator_, &request, cli->arena, &id);
    return e ? command_failed(cli, e) : EXIT_DONE;
}

ADMIN_RUN(course_list)
ADMIN_RUN(course_limit)
ADMIN_RUN(course_enrol)

#define ACCOUNT_OPTION                                                                                                 \
    {                                                                                                                  \
        "account", 0, "A", false, "The account of the course; default: default."                                       \
    }

const struct command command_course_list = {
    .name = "course list",
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "List the courses of an account, and the bytes of their files.",
    .run = run_course_list,
};

const struct command command_course_limit = {
    .name = "course limit",
    .operands = "ID BYTES",
    .min_operands = 2,
    .max_operands = 2,
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "Limit the bytes of the files of a course (K, M, G, T); 0: no limit.",
    .run = run_course_limit,
};

const struct command command_course_enrol = {
    .name = "course enrol",
    .operands = "ID LOGIN",
    .min_operands = 2,
    .max_operands = 2,
    .options =
        (const struct option_spec[]){
            { "role", 0, "R", false, ROLE_NAMES " (default: member)." }, ACCOUNT_OPTION, ADMIN_OPTIONS, { 0 } },
    .summary = "Enrol a user in a course, or give it another role there.",
    .run = run_course_enrol,
};
