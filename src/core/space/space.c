/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/space.h"

#include "base/case_fold.h"
#include "core/reasons.h"
#include "core/records/branch.h"
#include "core/records/record_size.h"
#include "core/space/course_write_priv.h"
#include "core/space/space_priv.h"
#include "core/store/branch_store.h"
#include "core/store/course_store.h"
#include "core/store/enrolment_store.h"
#include "core/store/folder_store.h"
#include "core/store/space_store.h"

err_t space_read(struct meta_tx *tx, int64_t id, struct arena *a, struct space *ret)
{
    err_t e = meta_space_get(tx, id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_SPACE_NOT_THERE) : e;
}

err_t space_find(struct core *core, const struct principal *who, enum place_verb verb, int64_t id, struct arena *a,
                 struct space *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct space found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(space_read(tx, id, a, &found));
    TRY(place_may(tx, who, verb, PLACE_OF(&found), a));
    *ret = found;
    return NULL;
}

err_t space_list(struct core *core, int64_t course_id, const struct id_page *page, struct arena *a,
                 struct space_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_space_list(tx, course_id, page->after_id, page->limit, a, ret);
}

static err_t list_in_course(struct meta_tx *tx, const struct principal *who, const struct own_spaces *own,
                            struct arena *a, struct space_list *ret)
{
    struct enrolment n;
    err_t e = meta_enrolment_of_user(tx, own->course_id, who->user_id, a, &n);
    *ret = (struct space_list){ NULL, 0 };
    if (e || n.state != ENROLMENT_APPROVED || (own->role && n.role != own->role))
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    return meta_space_list(tx, own->course_id, own->page.after_id, own->page.limit, a, ret);
}

static struct space_list join_lists(const struct space_list *first, const struct space_list *then, struct arena *a)
{
    size_t count = first->count + then->count;
    struct space_list all = { arena_array(a, struct space, count + 1), count };
    for (size_t i = 0; i < count; i++)
        all.items[i] = i < first->count ? first->items[i] : then->items[i - first->count];
    return all;
}

/* The rest of the course that the page before ended in, then the courses that follow. */
static err_t list_in_courses(struct meta_tx *tx, const struct principal *who, const struct own_spaces *own,
                             struct arena *a, struct space_list *ret)
{
    struct space_list rest = { NULL, 0 }, next;
    size_t limit = own->page.limit;
    struct space_query q = { who->user_id, own->role, own->after_enrolment_id, limit };
    if (own->after_enrolment_id)
        TRY(meta_space_list_of_enrolment(tx, &q, own->page.after_id, a, &rest));
    q.limit = limit - rest.count;
    TRY(meta_space_list_of_user(tx, &q, a, &next));
    *ret = join_lists(&rest, &next, a);
    return NULL;
}

err_t space_list_own(struct core *core, const struct principal *who, const struct own_spaces *own, struct arena *a,
                     struct space_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return own->course_id ? list_in_course(tx, who, own, a, ret) : list_in_courses(tx, who, own, a, ret);
}

/* The rest of the environment that the page before ended in, then the environments that follow. */
static err_t list_in_account(struct meta_tx *tx, int64_t account_id, const struct space_cursor *after, size_t limit,
                             struct arena *a, struct space_list *ret)
{
    struct space_list rest = { NULL, 0 }, next;
    const struct space_position position = { account_id, after->environment_id, after->course_id, after->space_id };
    if (after->environment_id)
        TRY(meta_space_list_of_environment(tx, &position, limit, a, &rest));
    TRY(meta_space_list_of_account(tx, account_id, after->environment_id, limit - rest.count, a, &next));
    *ret = join_lists(&rest, &next, a);
    return NULL;
}

err_t space_list_visible(struct core *core, const struct principal *who, const struct space_cursor *after, size_t limit,
                         struct arena *a, struct visible_space_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct space_list spaces;
    const struct own_spaces own = { .after_enrolment_id = after->enrolment_id, .page = { after->space_id, limit } };
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(who->is_admin || who->is_system ? list_in_account(tx, who->account_id, after, limit, a, &spaces)
                                        : list_in_courses(tx, who, &own, a, &spaces));
    *ret = (struct visible_space_list){ arena_array(a, struct visible_space, spaces.count + 1), spaces.count };
    for (size_t i = 0; i < spaces.count; i++) {
        ret->items[i].space = spaces.items[i];
        TRY(place_role(tx, who, PLACE_OF(&spaces.items[i]), a, &ret->items[i].role));
    }
    return NULL;
}

err_t space_role(struct core *core, const struct principal *who, const struct space *s, struct arena *a,
                 enum course_role *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return place_role(tx, who, PLACE_OF(s), a, ret);
}

/* ---- changes ---- */

struct space_write {
    struct course_write w;
    const struct space_request *request;
    int64_t id, course_id;
};

err_t space_check_texts(const struct space_request *r, struct arena *a)
{
    TRY(course_check_name(r->name, a));
    return course_check_text(r->description, a);
}

static err_t enter_course(struct meta_tx *tx, struct space_write *w, struct arena *a)
{
    struct course course;
    err_t e = meta_course_get(tx, w->course_id, a, &course);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_COURSE_NOT_THERE);
    TRY(e);
    w->w.account_id = course.account_id;
    return place_may_write(w->w.core, tx, w->w.who, PLACE_ARRANGE,
                           &(struct place){ course.account_id, course.environment_id, course.id }, a);
}

static err_t add_root(struct meta_tx *tx, const struct space_write *w, struct arena *a)
{
    struct branch branch = { .space_id = w->id, .folder_count = 1 };
    TRY(meta_branch_add(tx, &branch, a, &branch.id));
    struct folder root = { .space_id = w->id,
                           .branch_id = branch.id,
                           .creator_id = w->w.who->user_id,
                           .name = S(SPACE_ROOT_NAME),
                           .created_at_ms = w->w.now_ms };
    TRY(meta_folder_add(tx, &root, case_fold(a, root.name), a, &root.id));
    return meta_space_set_root(tx, w->id, root.id, a);
}

static err_t add_space(struct meta_tx *tx, struct space_write *w, struct arena *a)
{
    struct space s = { .course_id = w->course_id,
                       .creator_id = w->w.who->user_id,
                       .name = w->request->name,
                       .description = w->request->description,
                       .created_at_ms = w->w.now_ms,
                       .modified_at_ms = w->w.now_ms };
    struct folder root = { .name = S(SPACE_ROOT_NAME) };
    TRY(course_take_room(tx, &w->w, space_record_size(&s) + folder_record_size(&root), a));
    TRY(meta_space_add(tx, &s, a, &w->id));
    TRY(add_root(tx, w, a));
    return course_write_event(tx, &w->w, &(struct course_event){ S("space.create"), "space", w->id, s.name }, a);
}

static err_t apply_space_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct space_write *w = arg;
    TRY(enter_course(tx, w, a));
    return add_space(tx, w, a);
}

err_t space_add(struct meta_tx *tx, const struct course_write *w, int64_t course_id,
                const struct space_request *request, struct arena *a, int64_t *ret_id)
{
    struct space_write write = { .w = *w, .request = request, .course_id = course_id };
    TRY(add_space(tx, &write, a));
    *ret_id = write.id;
    return NULL;
}

err_t space_create(struct core *core, const struct principal *who, int64_t course_id,
                   const struct space_request *request, struct arena *a, int64_t *ret_id)
{
    struct space_write w = { .w = { core, who, core_now_ms(core), 0 }, .request = request, .course_id = course_id };
    TRY(space_check_texts(request, a));
    TRY(meta_write(core->meta, apply_space_create, &w, a));
    *ret_id = w.id;
    return NULL;
}

static err_t find_for_write(struct meta_tx *tx, struct space_write *w, struct arena *a, struct space *ret)
{
    TRY(space_read(tx, w->id, a, ret));
    w->w.account_id = ret->account_id;
    return place_may_write(w->w.core, tx, w->w.who, PLACE_ARRANGE, PLACE_OF(ret), a);
}

static err_t apply_space_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct space_write *w = arg;
    struct space s;
    TRY(find_for_write(tx, w, a, &s));
    int64_t before = space_record_size(&s);
    s.name = w->request->name;
    s.description = w->request->description;
    s.modified_at_ms = w->w.now_ms;
    TRY(course_take_room(tx, &w->w, space_record_size(&s) - before, a));
    TRY(meta_space_update(tx, &s, a));
    return course_write_event(tx, &w->w, &(struct course_event){ S("space.change"), "space", w->id, s.name }, a);
}

err_t space_change(struct core *core, const struct principal *who, int64_t id, const struct space_request *request,
                   struct arena *a)
{
    struct space_write w = { .w = { core, who, core_now_ms(core), 0 }, .request = request, .id = id };
    TRY(space_check_texts(request, a));
    return meta_write(core->meta, apply_space_change, &w, a);
}

/* The sum of its bytes is taken when no other write can change it any more: uploads hold their branch, and find no space. */
err_t space_end(struct meta_tx *tx, const struct course_write *w, const struct space *s, struct arena *a)
{
    int64_t bytes;
    TRY(meta_space_end(tx, s->id, w->now_ms, a));
    TRY(meta_space_bytes(tx, s->id, a, &bytes));
    TRY(meta_course_use(tx, s->course_id, -bytes, a));
    return course_write_event(tx, w, &(struct course_event){ S("space.remove"), "space", s->id, s->name }, a);
}

static err_t apply_space_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct space_write *w = arg;
    struct space s;
    TRY(find_for_write(tx, w, a, &s));
    return space_end(tx, &w->w, &s, a);
}

err_t space_remove(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct space_write w = { .w = { core, who, core_now_ms(core), 0 }, .id = id };
    return meta_write(core->meta, apply_space_remove, &w, a);
}
