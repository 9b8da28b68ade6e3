/* SPDX-License-Identifier: Apache-2.0 */
/* cais course: the courses of an account, how much they may keep, and who takes part in them. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/role_name.h"

#include "core/access/access.h"
#include "core/reasons.h"
#include "core/space/course.h"
#include "core/space/enrolment.h"
#include "core/space/environment.h"

enum { PAGE = 100 };

/* ---- cais course list ---- */

static const struct listing_layout course_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", "COURSE", LISTING_NUMBER },
            { "path", "PATH", LISTING_TEXT, LISTING_CUT },
            { "name", "NAME", LISTING_TEXT, LISTING_CUT },
            { "environment", "ENVIRONMENT", LISTING_TEXT, LISTING_CUT, 1 },
            { "created_at", "CREATED", LISTING_TIME, 0, 2 },
            { "used_bytes", "SIZE", LISTING_SIZE },
            { "max_bytes", "MAX SIZE", LISTING_SIZE, LISTING_ZERO_IS_NONE },
        },
    .count = 7,
    .none = "There are no courses in this account.",
    .has_cursors = true,
};

/* The courses come by environment: a cursor is the id of the environment, a dot, and the id of the course. */
struct course_cursor {
    int64_t environment_id, course_id;
};

static bool read_cursor(const struct listing *list, struct course_cursor *ret)
{
    slice environment, course;
    *ret = (struct course_cursor){ 0 };
    return !list->after.n || (slice_cut(list->after, '.', &environment, &course) &&
                              slice_to_i64(environment, &ret->environment_id) && slice_to_i64(course, &ret->course_id));
}

static void add_course(struct listing *list, const struct course *c, int64_t environment_id)
{
    listing_number(list, c->id);
    listing_text(list, c->path);
    listing_text(list, c->name);
    listing_text(list, c->environment_path);
    listing_time(list, c->created_at_ms);
    listing_size(list, c->used_bytes);
    listing_size(list, c->max_bytes);
    listing_end_row_at(list, arena_printf(list->cli->arena, "%lld.%lld", (long long)environment_id, (long long)c->id));
}

static err_t list_courses_of(struct listing *list, struct core *core, int64_t environment_id, int64_t after_id)
{
    struct id_page page = { after_id, PAGE };
    struct course_list courses;
    do {
        TRY(course_list(core, environment_id, &page, list->cli->arena, &courses));
        for (size_t i = 0; i < courses.count && !list->has_more; i++) {
            add_course(list, &courses.items[i], environment_id);
            page.after_id = courses.items[i].id;
        }
    } while (courses.count == PAGE && !list->has_more);
    return NULL;
}

static err_t list_all_courses(struct cli *cli, struct admin *admin, struct listing *list,
                              const struct course_cursor *from)
{
    struct core *core = &admin->store->core;
    struct id_page page = { from->environment_id, PAGE };
    struct environment_list environments;
    struct principal operator_;
    TRY(admin_operator(cli, admin, &operator_));
    if (from->environment_id)
        TRY(list_courses_of(list, core, from->environment_id, from->course_id));
    do {
        TRY(environment_list(core, &operator_, &page, cli->arena, &environments));
        for (size_t i = 0; i < environments.count && !list->has_more; i++) {
            TRY(list_courses_of(list, core, environments.items[i].id, 0));
            page.after_id = environments.items[i].id;
        }
    } while (environments.count == PAGE && !list->has_more);
    return NULL;
}

static int course_list_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    struct course_cursor from;
    if (!listing_begin(&list, cli, &course_layout))
        return EXIT_USAGE;
    if (!read_cursor(&list, &from))
        return usage_error(cli->err, cli->options->command, "--after: '%s' is not where a list ended",
                           arena_cstr(cli->arena, list.after));
    return listing_end(&list, list_all_courses(cli, admin, &list, &from));
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
    err_t e = admin_operator(cli, admin, &operator_);
    if (!e)
        e = admin_no_such(cli, course_set_limit(&admin->store->core, &operator_, id, max_bytes, cli->arena), "course",
                          slice_of(cli->options->operands[0]), "course list");
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
    err_t e = admin_operator(cli, admin, &operator_);
    if (!e)
        e = enrolment_grant(&admin->store->core, &operator_, &request, cli->arena, &id);
    if (err_reason(e) == REASON_COURSE_NOT_THERE)
        e = admin_no_such(cli, e, "course", slice_of(cli->options->operands[0]), "course list");
    else
        e = admin_no_such(cli, e, "user", request.login, "user list");
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
    .options = (const struct option_spec[]){ ACCOUNT_OPTION, LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
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
