/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §8: spaces. */
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "core/space/course.h"
#include "core/space/space.h"

enum { NAME_MAX = 40, DESCRIPTION_MAX = 1000 };

static void put_space(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_space(w, o, record, a);
}

static err_t write_spaces(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct space_list page;
    TRY(space_list(list->writer.r->core, list->parent_id, &list->page, a, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(redu_list_add(list, out, a, put_space, page.items[i].id, &page.items[i]));
    *ret_count = page.count;
    return NULL;
}

err_t redu_course_spaces(struct http_exchange *x)
{
    struct course course;
    TRY(redu_find_course(x, PLACE_SEE, &course));
    struct redu_list *list = redu_list_new(x, write_spaces);
    list->parent_id = course.id;
    return redu_list_send(list);
}

err_t redu_space_get(struct http_exchange *x)
{
    struct space space;
    TRY(redu_find_space(x, PLACE_SEE, &space));
    return redu_reply(x, 200, S(""), put_space, &space);
}

static err_t read_texts(struct http_exchange *x, const struct json *body, struct space_request *texts)
{
    struct redu_fields fields = { .count = 0 };
    redu_read_text(body, "name", NAME_MAX, &texts->name, &fields);
    redu_read_text(body, "description", DESCRIPTION_MAX, &texts->description, &fields);
    redu_need_text(texts->name, "name", &fields);
    return redu_refuse_fields(x, &fields);
}

err_t redu_space_create(struct http_exchange *x)
{
    struct core *core = redu_of(x)->core;
    const struct json *body;
    struct course course;
    struct space_request texts = { S(""), S("") };
    struct space space;
    int64_t id;
    TRY(redu_read_body(x, "space", &body));
    TRY(redu_find_course(x, PLACE_ARRANGE, &course));
    TRY(read_texts(x, body, &texts));
    TRY(space_create(core, redu_caller(x), course.id, &texts, &x->arena, &id));
    TRY(space_find(core, redu_caller(x), PLACE_SEE, id, &x->arena, &space));
    return redu_reply(x, 201, redu_path_of("spaces", id, &x->arena), put_space, &space);
}

err_t redu_space_update(struct http_exchange *x)
{
    const struct json *body;
    struct space s;
    TRY(redu_read_body(x, "space", &body));
    TRY(redu_find_space(x, PLACE_ARRANGE, &s));
    struct space_request texts = { s.name, s.description };
    TRY(read_texts(x, body, &texts));
    TRY(space_change(redu_of(x)->core, redu_caller(x), s.id, &texts, &x->arena));
    return redu_reply_nothing(x);
}

err_t redu_space_delete(struct http_exchange *x)
{
    TRY(space_remove(redu_of(x)->core, redu_caller(x), redu_path_id(x), &x->arena));
    return redu_reply_nothing(x);
}

/* What a space links to and this server does not have: subjects, statuses, canvas. */
err_t redu_space_nothing(struct http_exchange *x)
{
    struct space space;
    TRY(redu_find_space(x, PLACE_SEE, &space));
    return redu_reply_empty_list(x);
}
