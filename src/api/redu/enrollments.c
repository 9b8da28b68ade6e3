/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §8: enrollments. */
#include "api/kit/record_id.h"
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "core/space/course.h"
#include "core/space/enrolment.h"
#include "http/target.h"

static void put_enrolment(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_enrolment(w, o, record, a);
}

static err_t write_enrolments(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct enrolment_list page;
    TRY(enrolment_list(list->writer.r->core, list->parent_id, &list->page, a, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(redu_list_add(list, out, a, put_enrolment, page.items[i].id, &page.items[i]));
    *ret_count = page.count;
    return NULL;
}

err_t redu_course_enrollments(struct http_exchange *x)
{
    struct course course;
    TRY(redu_find_course(x, PLACE_SEE, &course));
    struct redu_list *list = redu_list_new(x, write_enrolments);
    list->parent_id = course.id;
    return redu_list_send(list);
}

err_t redu_enrollment_get(struct http_exchange *x)
{
    struct enrolment enrolment;
    TRY(enrolment_find(redu_of(x)->core, redu_caller(x), redu_path_id(x), &x->arena, &enrolment));
    return redu_reply(x, 200, S(""), put_enrolment, &enrolment);
}

static err_t refuse_email(struct http_exchange *x, slice email)
{
    struct redu_fields fields = { .count = 0 };
    redu_need_text(email, "email", &fields);
    redu_add_field(&fields, "email", REDU_WRONG);
    return redu_refuse_fields(x, &fields);
}

err_t redu_enrollment_create(struct http_exchange *x)
{
    struct core *core = redu_of(x)->core;
    const struct json *body;
    struct course course;
    struct invitation invitation;
    struct enrolment enrolment;
    TRY(redu_read_body(x, "enrollment", &body));
    TRY(redu_find_course(x, PLACE_ADMINISTER, &course));
    slice email = slice_trim(json_str(body, "email"));
    err_t e = enrolment_invite(core, redu_caller(x), course.id, email, &x->arena, &invitation);
    if (err_is(e, ERR_INVALID))
        return refuse_email(x, email);
    TRY(e);
    TRY(enrolment_find(core, redu_caller(x), invitation.enrolment_id, &x->arena, &enrolment));
    return redu_reply(x, 201, redu_path_of("enrollments", enrolment.id, &x->arena), put_enrolment, &enrolment);
}

err_t redu_enrollment_update(struct http_exchange *x)
{
    struct core *core = redu_of(x)->core;
    const struct json *body;
    struct enrolment n;
    struct redu_fields fields = { .count = 0 };
    TRY(redu_read_body(x, "enrollment", &body));
    TRY(enrolment_find_to_change(core, redu_caller(x), redu_path_id(x), &x->arena, &n));
    enum enrolment_state state = n.state;
    enum course_role role = n.role;
    if (json_get(body, "state") && !redu_state_parse(json_str(body, "state"), &state))
        redu_add_field(&fields, "state", REDU_WRONG);
    if (json_get(body, "role") && !redu_role_parse(json_str(body, "role"), &role))
        redu_add_field(&fields, "role", REDU_WRONG);
    if (state == ENROLMENT_INVITED_UNKNOWN && state != n.state)
        redu_add_field(&fields, "state", REDU_WRONG);
    TRY(redu_refuse_fields(x, &fields));
    if (state == ENROLMENT_APPROVED && role == ROLE_NONE) /* who is approved may at least read */
        role = ROLE_MEMBER;
    if (state != n.state || role != n.role)
        TRY(enrolment_set(core, redu_caller(x), n.id, state, role, &x->arena));
    return redu_reply_nothing(x);
}

err_t redu_enrollment_delete(struct http_exchange *x)
{
    TRY(enrolment_remove(redu_of(x)->core, redu_caller(x), redu_path_id(x), &x->arena));
    return redu_reply_nothing(x);
}

/* ---- those of one person ---- */

/* courses_ids[]=1&courses_ids[]=2: is the course among them? True without such a parameter. */
static bool is_asked_for(const struct redu_list *list, int64_t course_id)
{
    if (!list->ids)
        return true;
    for (size_t i = 0; i < list->id_count; i++)
        if (list->ids[i] == course_id)
            return true;
    return false;
}

static err_t write_own(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct enrolment_list page;
    TRY(enrolment_list_own(list->writer.r->core, list->writer.who, &list->page, a, &page));
    for (size_t i = 0; i < page.count && !list->is_full; i++) {
        if (is_asked_for(list, page.items[i].course_id))
            TRY(redu_list_add(list, out, a, put_enrolment, page.items[i].id, &page.items[i]));
        else
            list->page.after_id = page.items[i].id;
    }
    *ret_count = page.count;
    return NULL;
}

static void read_course_ids(struct http_exchange *x, struct redu_list *list)
{
    struct query query;
    if (query_parse(x->req.query, &x->arena, &query))
        return;
    int64_t *ids = arena_array(&x->arena, int64_t, query.count + 1);
    for (size_t i = 0; i < query.count; i++)
        if (slice_eq(query.params[i].name, S("courses_ids[]")))
            ids[list->id_count++] = record_id(query.params[i].value, INT64_MAX);
    list->ids = list->id_count ? ids : NULL;
}

err_t redu_user_enrollments(struct http_exchange *x)
{
    TRY(redu_need_self(x));
    struct redu_list *list = redu_list_new(x, write_own);
    read_course_ids(x, list);
    return redu_list_send(list);
}
