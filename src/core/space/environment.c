/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/environment.h"

#include "base/case_fold.h"
#include "core/grant.h"
#include "core/reasons.h"
#include "core/records/record_size.h"
#include "core/space/course_write_priv.h"
#include "core/space/environment_priv.h"
#include "core/store/environment_store.h"

/* The environment itself is a place. */
static struct place place_of(const struct environment *e)
{
    return (struct place){ e->account_id, e->id, 0 };
}

static err_t find(struct meta_tx *tx, int64_t id, struct arena *a, struct environment *ret)
{
    err_t e = meta_environment_get(tx, id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_ENVIRONMENT_NOT_THERE) : e;
}

/* What the caller may know of it. */
static err_t show(struct meta_tx *tx, const struct principal *who, enum place_verb verb, struct arena *a,
                  struct environment *found, struct environment *ret)
{
    struct place place = place_of(found);
    TRY(place_may(tx, who, verb, &place, a));
    TRY(meta_environment_count_courses(tx, found->id, a, &found->course_count));
    *ret = *found;
    return NULL;
}

err_t environment_find(struct core *core, const struct principal *who, enum place_verb verb, int64_t id,
                       struct arena *a, struct environment *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct environment found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find(tx, id, a, &found));
    return show(tx, who, verb, a, &found, ret);
}

err_t environment_find_path(struct core *core, const struct principal *who, enum place_verb verb, slice path,
                            struct arena *a, struct environment *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct environment found;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_environment_by_path(tx, who ? who->account_id : 0, case_fold(a, path), a, &found);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_ENVIRONMENT_NOT_THERE);
    TRY(e);
    return show(tx, who, verb, a, &found, ret);
}

/* One after the other: so a page costs the same, however many courses the person is enrolled in. */
static err_t list_of_user(struct meta_tx *tx, int64_t user_id, const struct id_page *page, struct arena *a,
                          struct environment_list *ret)
{
    struct environment_list list = { arena_array(a, struct environment, page->limit ? page->limit : 1), 0 };
    int64_t id = page->after_id;
    while (list.count < page->limit) {
        enum course_role role;
        TRY(meta_environment_next_of_user(tx, user_id, id, a, &id));
        if (!id)
            break;
        TRY(meta_environment_role(tx, id, user_id, a, &role));
        err_t e = role == ROLE_NONE ? NULL : meta_environment_get(tx, id, a, &list.items[list.count]);
        if (e && e->code != ERR_NOT_FOUND)
            return e;
        if (e || role == ROLE_NONE)
            continue;
        TRY(meta_environment_count_courses(tx, id, a, &list.items[list.count++].course_count));
    }
    *ret = list;
    return NULL;
}

err_t environment_list(struct core *core, const struct principal *who, const struct id_page *page, struct arena *a,
                       struct environment_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    if (who->is_admin || who->is_system)
        return meta_environment_list(tx, who->account_id, page->after_id, page->limit, a, ret);
    return list_of_user(tx, who->user_id, page, a, ret);
}

/* ---- changes ---- */

struct environment_write {
    struct course_write w;
    const struct environment_request *request;
    int64_t id;
    struct environment environment;
    struct names_taken taken;
};

static err_t check_texts(const struct environment_request *r, struct arena *a)
{
    TRY(course_check_name(r->name, a));
    TRY(course_check_path(r->path, a));
    TRY(course_check_text(r->initials, a));
    return course_check_text(r->description, a);
}

static err_t refuse_taken(struct meta_tx *tx, struct environment_write *w, const struct name_keys *keys,
                          struct arena *a)
{
    TRY(meta_environment_taken(tx, w->w.account_id, keys, w->id, a, &w->taken));
    return w->taken.name || w->taken.path ? core_refuse(a, REASON_ENVIRONMENT_TAKEN) : NULL;
}

static void set_texts(struct environment *e, const struct environment_request *r)
{
    e->name = r->name;
    e->path = r->path;
    e->initials = r->initials;
    e->description = r->description;
}

err_t environment_add(struct meta_tx *tx, const struct course_write *w, const struct environment_request *request,
                      struct arena *a, int64_t *ret_id)
{
    struct environment e = { .account_id = w->account_id,
                             .creator_id = w->who->user_id,
                             .creator_login = w->who->login,
                             .created_at_ms = w->now_ms,
                             .modified_at_ms = w->now_ms };
    struct name_keys keys = course_name_keys(request->name, request->path, a);
    set_texts(&e, request);
    TRY(course_take_room(tx, w, environment_record_size(&e) + RECORD_BYTES, a));
    TRY(meta_environment_add(tx, &e, &keys, a, ret_id));
    TRY(meta_environment_add_admin(tx, *ret_id, e.creator_id, a));
    return course_write_event(tx, w, &(struct course_event){ S("environment.create"), "environment", *ret_id, e.path },
                              a);
}

static err_t apply_environment_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct environment_write *w = arg;
    struct name_keys keys = course_name_keys(w->request->name, w->request->path, a);
    TRY(grant_recheck_maker_in(w->w.core, tx, w->w.who, a));
    TRY(refuse_taken(tx, w, &keys, a));
    return environment_add(tx, &w->w, w->request, a, &w->environment.id);
}

err_t environment_create(struct core *core, const struct principal *who, const struct environment_request *request,
                         struct arena *a, int64_t *ret_id, struct names_taken *ret_taken)
{
    struct environment_write w = { .w = { core, who, core_now_ms(core), who->account_id }, .request = request };
    TRY(check_texts(request, a));
    err_t e = meta_write(core->meta, apply_environment_create, &w, a);
    *ret_taken = w.taken;
    TRY(e);
    *ret_id = w.environment.id;
    return NULL;
}

static err_t find_for_write(struct meta_tx *tx, struct environment_write *w, struct arena *a)
{
    TRY(find(tx, w->id, a, &w->environment));
    struct place place = place_of(&w->environment);
    return place_may_write(w->w.core, tx, w->w.who, PLACE_ADMINISTER, &place, a);
}

static err_t apply_environment_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct environment_write *w = arg;
    struct name_keys keys = course_name_keys(w->request->name, w->request->path, a);
    TRY(meta_environment_lock_names(tx, w->w.account_id, a));
    TRY(find_for_write(tx, w, a));
    TRY(refuse_taken(tx, w, &keys, a));
    int64_t before = environment_record_size(&w->environment);
    set_texts(&w->environment, w->request);
    w->environment.modified_at_ms = w->w.now_ms;
    TRY(course_take_room(tx, &w->w, environment_record_size(&w->environment) - before, a));
    TRY(meta_environment_update(tx, &w->environment, &keys, a));
    return course_write_event(
        tx, &w->w, &(struct course_event){ S("environment.change"), "environment", w->id, w->environment.path }, a);
}

err_t environment_change(struct core *core, const struct principal *who, int64_t id,
                         const struct environment_request *request, struct arena *a, struct names_taken *ret_taken)
{
    struct environment_write w = { .w = { core, who, core_now_ms(core), who->account_id },
                                   .request = request,
                                   .id = id };
    TRY(check_texts(request, a));
    err_t e = meta_write(core->meta, apply_environment_change, &w, a);
    *ret_taken = w.taken;
    return e;
}

static err_t apply_environment_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct environment_write *w = arg;
    TRY(find_for_write(tx, w, a));
    TRY(meta_environment_end(tx, w->id, w->w.now_ms, a));
    return course_write_event(
        tx, &w->w, &(struct course_event){ S("environment.remove"), "environment", w->id, w->environment.path }, a);
}

err_t environment_remove(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct environment_write w = { .w = { core, who, core_now_ms(core), who->account_id }, .id = id };
    return meta_write(core->meta, apply_environment_remove, &w, a);
}
