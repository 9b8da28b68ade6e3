/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/course.h"

#include "base/case_fold.h"
#include "core/reasons.h"
#include "core/records/enrolment.h"
#include "core/records/record_size.h"
#include "core/space/course_priv.h"
#include "core/space/course_write_priv.h"
#include "core/store/course_store.h"
#include "core/store/enrolment_store.h"
#include "core/store/environment_store.h"
#include "core/store/user_store.h"

static struct place place_of(const struct course *c)
{
    return (struct place){ c->account_id, c->environment_id, c->id };
}

static err_t find(struct meta_tx *tx, int64_t id, struct arena *a, struct course *ret)
{
    err_t e = meta_course_get(tx, id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_COURSE_NOT_THERE) : e;
}

err_t course_find(struct core *core, const struct principal *who, enum place_verb verb, int64_t id, struct arena *a,
                  struct course *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct course found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find(tx, id, a, &found));
    struct place place = place_of(&found);
    TRY(place_may(tx, who, verb, &place, a));
    *ret = found;
    return NULL;
}

err_t course_find_path(struct core *core, const struct principal *who, enum place_verb verb, slice path,
                       struct arena *a, struct course *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct course found;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_course_by_path(tx, who ? who->account_id : 0, case_fold(a, path), a, &found);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_COURSE_NOT_THERE);
    TRY(e);
    struct place place = place_of(&found);
    TRY(place_may(tx, who, verb, &place, a));
    *ret = found;
    return NULL;
}

err_t course_list(struct core *core, int64_t environment_id, const struct id_page *page, struct arena *a,
                  struct course_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_course_list(tx, environment_id, page->after_id, page->limit, a, ret);
}

/* ---- changes ---- */

struct course_change {
    struct course_write w;
    const struct course_request *request;
    int64_t id, environment_id, max_bytes;
    struct course course;
    struct names_taken taken;
};

static err_t check_request(const struct course_request *r, struct arena *a)
{
    TRY(course_check_name(r->name, a));
    TRY(course_check_path(r->path, a));
    TRY(course_check_text(r->description, a));
    return r->workload >= 0 ? NULL : err_make(a, ERR_INVALID, "the workload is negative");
}

static err_t refuse_taken(struct meta_tx *tx, struct course_change *w, const struct name_keys *keys, struct arena *a)
{
    TRY(meta_course_taken(tx, w->environment_id, keys, w->id, a, &w->taken));
    return w->taken.name || w->taken.path ? core_refuse(a, REASON_COURSE_TAKEN) : NULL;
}

static void set_request(struct course *c, const struct course_request *r)
{
    c->name = r->name;
    c->path = r->path;
    c->description = r->description;
    c->workload = r->workload;
}

/* Until the write ends nobody else takes a name there. */
static err_t enter_environment(struct meta_tx *tx, struct course_change *w, struct arena *a, struct environment *ret)
{
    err_t e = meta_course_lock_names(tx, w->environment_id, a);
    if (!e)
        e = meta_environment_get(tx, w->environment_id, a, ret);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_ENVIRONMENT_NOT_THERE);
    TRY(e);
    w->w.account_id = ret->account_id;
    struct place place = { ret->account_id, ret->id, 0 };
    return place_may_write(w->w.core, tx, w->w.who, PLACE_ADMINISTER, &place, a);
}

static err_t enrol_creator(struct meta_tx *tx, const struct course_write *w, int64_t course_id, struct arena *a)
{
    struct user user;
    TRY(meta_user_get(tx, w->who->user_id, a, &user));
    struct enrolment enrolment = { .course_id = course_id,
                                   .user_id = user.id,
                                   .email = user.email,
                                   .state = ENROLMENT_APPROVED,
                                   .role = ROLE_ADMINISTRATOR,
                                   .token = S(""),
                                   .created_at_ms = w->now_ms,
                                   .modified_at_ms = w->now_ms };
    TRY(course_take_room(tx, w, enrolment_record_size(&enrolment), a));
    return meta_enrolment_add(tx, &enrolment, case_fold(a, user.email), a, &enrolment.id);
}

err_t course_add(struct meta_tx *tx, const struct course_write *w, const struct course_request *request,
                 struct arena *a, int64_t *ret_id)
{
    struct name_keys keys = course_name_keys(request->name, request->path, a);
    struct course c = { .environment_id = request->environment_id,
                        .creator_id = w->who->user_id,
                        .created_at_ms = w->now_ms,
                        .modified_at_ms = w->now_ms,
                        .account_id = w->account_id };
    set_request(&c, request);
    TRY(course_take_room(tx, w, course_record_size(&c), a));
    TRY(meta_course_add(tx, &c, &keys, a, ret_id));
    TRY(enrol_creator(tx, w, *ret_id, a));
    return course_write_event(tx, w, &(struct course_event){ S("course.create"), "course", *ret_id, c.path }, a);
}

static err_t apply_course_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct course_change *w = arg;
    struct environment environment;
    struct name_keys keys = course_name_keys(w->request->name, w->request->path, a);
    TRY(enter_environment(tx, w, a, &environment));
    TRY(refuse_taken(tx, w, &keys, a));
    return course_add(tx, &w->w, w->request, a, &w->course.id);
}

err_t course_create(struct core *core, const struct principal *who, const struct course_request *request,
                    struct arena *a, int64_t *ret_id, struct names_taken *ret_taken)
{
    struct course_change w = { .w = { core, who, core_now_ms(core), who->account_id },
                               .request = request,
                               .environment_id = request->environment_id };
    TRY(check_request(request, a));
    err_t e = meta_write(core->meta, apply_course_create, &w, a);
    *ret_taken = w.taken;
    TRY(e);
    *ret_id = w.course.id;
    return NULL;
}

static err_t find_for_write(struct meta_tx *tx, struct course_change *w, struct arena *a)
{
    TRY(find(tx, w->id, a, &w->course));
    struct place place = place_of(&w->course);
    w->w.account_id = w->course.account_id;
    w->environment_id = w->course.environment_id;
    return place_may_write(w->w.core, tx, w->w.who, PLACE_ADMINISTER, &place, a);
}

static err_t apply_course_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct course_change *w = arg;
    struct name_keys keys = course_name_keys(w->request->name, w->request->path, a);
    TRY(find_for_write(tx, w, a));
    TRY(meta_course_lock_names(tx, w->environment_id, a));
    TRY(refuse_taken(tx, w, &keys, a));
    int64_t before = course_record_size(&w->course);
    set_request(&w->course, w->request);
    w->course.modified_at_ms = w->w.now_ms;
    TRY(course_take_room(tx, &w->w, course_record_size(&w->course) - before, a));
    TRY(meta_course_update(tx, &w->course, &keys, a));
    return course_write_event(tx, &w->w, &(struct course_event){ S("course.change"), "course", w->id, w->course.path },
                              a);
}

err_t course_change(struct core *core, const struct principal *who, int64_t id, const struct course_request *request,
                    struct arena *a, struct names_taken *ret_taken)
{
    struct course_change w = { .w = { core, who, core_now_ms(core), 0 }, .request = request, .id = id };
    TRY(check_request(request, a));
    err_t e = meta_write(core->meta, apply_course_change, &w, a);
    *ret_taken = w.taken;
    return e;
}

static err_t apply_course_limit(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct course_change *w = arg;
    TRY(find_for_write(tx, w, a));
    TRY(meta_course_set_limit(tx, w->id, w->max_bytes, a));
    slice detail = arena_printf(a, "max_bytes=%lld", (long long)w->max_bytes);
    return course_write_event(tx, &w->w, &(struct course_event){ S("course.limit"), "course", w->id, detail }, a);
}

err_t course_set_limit(struct core *core, const struct principal *who, int64_t id, int64_t max_bytes, struct arena *a)
{
    struct course_change w = { .w = { core, who, core_now_ms(core), 0 }, .id = id, .max_bytes = max_bytes };
    if (max_bytes < 0)
        return err_make(a, ERR_INVALID, "a limit is not negative");
    return meta_write(core->meta, apply_course_limit, &w, a);
}

err_t course_end(struct meta_tx *tx, const struct course_write *w, int64_t id, slice path, struct arena *a)
{
    TRY(meta_course_end(tx, id, w->now_ms, a));
    return course_write_event(tx, w, &(struct course_event){ S("course.remove"), "course", id, path }, a);
}

static err_t apply_course_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct course_change *w = arg;
    TRY(find_for_write(tx, w, a));
    return course_end(tx, &w->w, w->id, w->course.path, a);
}

err_t course_remove(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct course_change w = { .w = { core, who, core_now_ms(core), 0 }, .id = id };
    return meta_write(core->meta, apply_course_remove, &w, a);
}
