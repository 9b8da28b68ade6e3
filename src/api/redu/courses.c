/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §8: courses. */
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "core/reasons.h"
#include "core/space/course.h"
#include "core/space/enrolment.h"
#include "core/space/environment.h"
#include "core/space/space.h"

enum { NAME_MAX = 60, DESCRIPTION_MAX = 250 };

static void put_course(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_course(w, o, record, a);
}

static err_t write_courses(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct course_list page;
    TRY(course_list(list->writer.r->core, list->parent_id, &list->page, a, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(redu_list_add(list, out, a, put_course, page.items[i].id, &page.items[i]));
    *ret_count = page.count;
    return NULL;
}

err_t redu_environment_courses(struct http_exchange *x)
{
    struct environment environment;
    TRY(redu_find_environment(x, PLACE_SEE, &environment));
    struct redu_list *list = redu_list_new(x, write_courses);
    list->parent_id = environment.id;
    return redu_list_send(list);
}

err_t redu_course_get(struct http_exchange *x)
{
    struct course course;
    TRY(redu_find_course(x, PLACE_SEE, &course));
    return redu_reply(x, 200, S(""), put_course, &course);
}

/* What the body changes. */
static err_t read_request(struct http_exchange *x, const struct json *body, struct course_request *request)
{
    struct redu_fields fields = { .count = 0 };
    const struct json *workload = json_get(body, "workload");
    redu_read_text(body, "name", NAME_MAX, &request->name, &fields);
    redu_read_text(body, "path", COURSE_PATH_MAX, &request->path, &fields);
    redu_read_text(body, "description", DESCRIPTION_MAX, &request->description, &fields);
    redu_need_text(request->name, "name", &fields);
    redu_check_path(request->path, &fields);
    if (!json_absent(workload) && (!json_to_i64(workload, &request->workload) || request->workload < 0))
        redu_add_field(&fields, "workload", REDU_WRONG);
    return redu_refuse_fields(x, &fields);
}

static err_t refuse_taken(struct http_exchange *x, err_t e, const struct names_taken *taken)
{
    struct redu_fields fields = { .count = 0 };
    if (err_reason(e) != REASON_COURSE_TAKEN)
        return e;
    if (taken->name)
        redu_add_field(&fields, "name", REDU_TAKEN);
    if (taken->path)
        redu_add_field(&fields, "path", REDU_TAKEN);
    return redu_refuse_fields(x, &fields);
}

err_t redu_course_create(struct http_exchange *x)
{
    struct core *core = redu_of(x)->core;
    const struct json *body;
    struct environment environment;
    struct course_request request = { S(""), S(""), S(""), 0, 0 };
    struct course course;
    struct names_taken taken;
    int64_t id;
    TRY(redu_read_body(x, "course", &body));
    TRY(redu_find_environment(x, PLACE_ADMINISTER, &environment));
    TRY(read_request(x, body, &request));
    request.environment_id = environment.id;
    TRY(refuse_taken(x, course_create(core, redu_caller(x), &request, &x->arena, &id, &taken), &taken));
    TRY(course_find(core, redu_caller(x), PLACE_SEE, id, &x->arena, &course));
    return redu_reply(x, 201, redu_path_of_course(&course, &x->arena), put_course, &course);
}

err_t redu_course_update(struct http_exchange *x)
{
    const struct json *body;
    struct course c;
    struct names_taken taken;
    TRY(redu_read_body(x, "course", &body));
    TRY(redu_find_course(x, PLACE_ADMINISTER, &c));
    struct course_request request = { c.name, c.path, c.description, c.workload, 0 };
    TRY(read_request(x, body, &request));
    TRY(refuse_taken(x, course_change(redu_of(x)->core, redu_caller(x), c.id, &request, &x->arena, &taken), &taken));
    return redu_reply_nothing(x);
}

err_t redu_course_delete(struct http_exchange *x)
{
    struct course c;
    TRY(redu_find_course(x, PLACE_ADMINISTER, &c));
    TRY(course_remove(redu_of(x)->core, redu_caller(x), c.id, &x->arena));
    return redu_reply_nothing(x);
}

/* ---- people ---- */

static void put_person(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_user(w, o, record, a);
}

static void put_person_names(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    (void)w;
    (void)a;
    redu_put_user_names(o, record);
}

static err_t write_people(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct user_list page;
    redu_put_fn *put = list->names_only ? put_person_names : put_person;
    TRY(course_people(list->writer.r->core, list->parent_id, list->role, &list->page, a, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(redu_list_add(list, out, a, put, page.items[i].id, &page.items[i]));
    *ret_count = page.count;
    return NULL;
}

static err_t send_people(struct http_exchange *x, int64_t course_id)
{
    struct redu_list *list = redu_list_new(x, write_people);
    slice role = redu_query(x, S("role"));
    list->parent_id = course_id;
    list->names_only = slice_eq(redu_query(x, S("partial")), S("1"));
    if (role.n && !redu_role_parse(role, &list->role)) {
        return redu_reply_empty_list(x);
    }
    return redu_list_send(list);
}

err_t redu_course_users(struct http_exchange *x)
{
    struct course course;
    TRY(redu_find_course(x, PLACE_SEE, &course));
    return send_people(x, course.id);
}

err_t redu_space_users(struct http_exchange *x)
{
    struct space space;
    TRY(redu_find_space(x, PLACE_SEE, &space));
    return send_people(x, space.course_id);
}
