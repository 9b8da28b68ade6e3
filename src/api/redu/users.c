/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §8: people. */
#include "api/kit/record_id.h"
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "core/access/people.h"
#include "core/space/enrolment.h"
#include "core/space/space.h"

static void put_user(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_user(w, o, record, a);
}

err_t redu_me(struct http_exchange *x)
{
    struct user user;
    TRY(redu_need_caller(x));
    TRY(person_by_id(redu_of(x)->core, redu_caller(x), redu_caller(x)->user_id, &x->arena, &user));
    return redu_reply(x, 200, S(""), put_user, &user);
}

err_t redu_user_get(struct http_exchange *x)
{
    struct user user;
    bool may;
    TRY(redu_find_user(x, &user));
    TRY(course_people_may_see(redu_of(x)->core, redu_caller(x), &user, &x->arena, &may));
    return may ? redu_reply(x, 200, S(""), put_user, &user) : redu_refuse(&x->arena, REDU_NOT_AUTHORIZED);
}

err_t redu_need_self(struct http_exchange *x)
{
    struct user user;
    TRY(redu_find_user(x, &user));
    return user.id == redu_caller(x)->user_id ? NULL : redu_refuse(&x->arena, REDU_NOT_AUTHORIZED);
}

static void put_space(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_space(w, o, record, a);
}

static err_t write_spaces(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct space_list page;
    struct own_spaces own = { list->role, list->parent_id, list->after_enrolment_id, list->page };
    TRY(space_list_own(list->writer.r->core, list->writer.who, &own, a, &page));
    for (size_t i = 0; i < page.count; i++) {
        TRY(redu_list_add(list, out, a, put_space, page.items[i].id, &page.items[i]));
        if (list->page.after_id == page.items[i].id)
            list->after_enrolment_id = page.items[i].enrolment_id;
    }
    *ret_count = page.count;
    return NULL;
}

err_t redu_user_spaces(struct http_exchange *x)
{
    TRY(redu_need_self(x));
    struct redu_list *list = redu_list_new(x, write_spaces);
    slice role = redu_query(x, S("role")), course = redu_query(x, S("course"));
    if (course.n)
        list->parent_id = record_id(course, INT64_MAX);
    if ((role.n && !redu_role_parse(role, &list->role)) || (course.n && !list->parent_id)) {
        return redu_reply_empty_list(x);
    }
    return redu_list_send(list);
}

/* What a user links to and this server does not have: statuses, contacts, chats, connections. */
err_t redu_user_nothing(struct http_exchange *x)
{
    struct user user;
    bool may;
    TRY(redu_find_user(x, &user));
    TRY(course_people_may_see(redu_of(x)->core, redu_caller(x), &user, &x->arena, &may));
    if (!may)
        return redu_refuse(&x->arena, REDU_NOT_AUTHORIZED);
    return redu_reply_empty_list(x);
}
