/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §8: environments. */
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "core/reasons.h"
#include "core/space/environment.h"

enum { NAME_MAX = 40, INITIALS_MAX = 10, DESCRIPTION_MAX = 400 };

static void put_environment(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_environment(w, o, record, a);
}

static err_t write_environments(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct environment_list page;
    TRY(environment_list(list->writer.r->core, list->writer.who, &list->page, a, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(redu_list_add(list, out, a, put_environment, page.items[i].id, &page.items[i]));
    *ret_count = page.count;
    return NULL;
}

err_t redu_environment_list(struct http_exchange *x)
{
    TRY(redu_need_caller(x));
    return redu_list_send(redu_list_new(x, write_environments));
}

err_t redu_environment_get(struct http_exchange *x)
{
    struct environment environment;
    TRY(redu_find_environment(x, PLACE_SEE, &environment));
    return redu_reply(x, 200, S(""), put_environment, &environment);
}

/* What the body changes of the texts. */
static err_t read_texts(struct http_exchange *x, const struct json *body, struct environment_request *texts)
{
    struct redu_fields fields = { .count = 0 };
    redu_read_text(body, "name", NAME_MAX, &texts->name, &fields);
    redu_read_text(body, "path", COURSE_PATH_MAX, &texts->path, &fields);
    redu_read_text(body, "initials", INITIALS_MAX, &texts->initials, &fields);
    redu_read_text(body, "description", DESCRIPTION_MAX, &texts->description, &fields);
    redu_need_text(texts->name, "name", &fields);
    redu_check_path(texts->path, &fields);
    redu_need_text(texts->initials, "initials", &fields);
    return redu_refuse_fields(x, &fields);
}

static err_t refuse_taken(struct http_exchange *x, err_t e, const struct names_taken *taken)
{
    struct redu_fields fields = { .count = 0 };
    if (err_reason(e) != REASON_ENVIRONMENT_TAKEN)
        return e;
    if (taken->name)
        redu_add_field(&fields, "name", REDU_UNIQUE);
    if (taken->path)
        redu_add_field(&fields, "path", REDU_UNIQUE);
    return redu_refuse_fields(x, &fields);
}

err_t redu_environment_create(struct http_exchange *x)
{
    struct core *core = redu_of(x)->core;
    const struct json *body;
    struct environment_request texts = { S(""), S(""), S(""), S("") };
    struct environment environment;
    struct names_taken taken;
    int64_t id;
    TRY(redu_read_body(x, "environment", &body));
    TRY(redu_need_caller(x));
    TRY(read_texts(x, body, &texts));
    TRY(refuse_taken(x, environment_create(core, redu_caller(x), &texts, &x->arena, &id, &taken), &taken));
    TRY(environment_find(core, redu_caller(x), PLACE_SEE, id, &x->arena, &environment));
    return redu_reply(x, 201, redu_path_of_environment(&environment, &x->arena), put_environment, &environment);
}

err_t redu_environment_update(struct http_exchange *x)
{
    const struct json *body;
    struct environment e;
    struct names_taken taken;
    TRY(redu_read_body(x, "environment", &body));
    TRY(redu_find_environment(x, PLACE_ADMINISTER, &e));
    struct environment_request texts = { e.name, e.path, e.initials, e.description };
    TRY(read_texts(x, body, &texts));
    TRY(refuse_taken(x, environment_change(redu_of(x)->core, redu_caller(x), e.id, &texts, &x->arena, &taken), &taken));
    return redu_reply_nothing(x);
}

err_t redu_environment_delete(struct http_exchange *x)
{
    struct environment e;
    TRY(redu_find_environment(x, PLACE_ADMINISTER, &e));
    TRY(environment_remove(redu_of(x)->core, redu_caller(x), e.id, &x->arena));
    return redu_reply_nothing(x);
}
