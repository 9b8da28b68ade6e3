/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   each change holds the branch of the parent before it gives a name there, so of two that want one name, one gets it
 *   what stands in a branch and in its folders changes together: branch_priv.h */
#include "core/space/folder.h"

#include "base/case_fold.h"
#include "core/file/file_name.h"
#include "core/reasons.h"
#include "core/records/record_size.h"
#include "core/space/branch_priv.h"
#include "core/space/course_write_priv.h"
#include "core/space/folder_priv.h"
#include "core/store/course_store.h"
#include "core/store/folder_store.h"

err_t folder_read(struct meta_tx *tx, int64_t id, struct arena *a, struct folder *ret)
{
    err_t e = meta_folder_get(tx, id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_FOLDER_NOT_THERE) : e;
}

err_t folder_find(struct core *core, const struct principal *who, enum place_verb verb, int64_t id, struct arena *a,
                  struct folder *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct folder found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(folder_read(tx, id, a, &found));
    TRY(place_may(tx, who, verb, PLACE_OF(&found), a));
    *ret = found;
    return NULL;
}

err_t folder_list(struct core *core, int64_t parent_id, const struct id_page *page, struct arena *a,
                  struct folder_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_folder_list(tx, parent_id, page->after_id, page->limit, a, ret);
}

err_t folder_list_by_name(struct core *core, int64_t parent_id, slice after_key, size_t limit, struct arena *a,
                          struct folder_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_folder_list_by_name(tx, parent_id, after_key, limit, a, ret);
}

err_t folder_find_named(struct core *core, int64_t parent_id, slice name, struct arena *a, struct folder *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    int64_t id;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_folder_named(tx, parent_id, case_fold(a, name), a, &id));
    return id ? folder_read(tx, id, a, ret) : core_refuse(a, REASON_FOLDER_NOT_THERE);
}

err_t folder_path(struct core *core, const struct folder *folder, struct arena *a, struct folder_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct folder *all = arena_array(a, struct folder, FOLDER_PATH_MAX);
    size_t first = FOLDER_PATH_MAX - 1;
    TRY(meta_read_begin(core->meta, a, &tx));
    all[first] = *folder;
    while (first > 0 && all[first].parent_id) {
        TRY(folder_read(tx, all[first].parent_id, a, &all[first - 1]));
        first--;
    }
    *ret = (struct folder_list){ all + first, FOLDER_PATH_MAX - first };
    return NULL;
}

/* ---- names ---- */

err_t folder_name_clean(slice raw, struct arena *a, slice *ret)
{
    if (!slice_is_utf8(raw))
        return err_make(a, ERR_INVALID, "the name is not UTF-8");
    slice name = file_name_without_controls(raw, a);
    err_t e = course_check_name(name, a);
    if (err_is(e, ERR_EMPTY))
        return core_refuse(a, REASON_FOLDER_NAME_EMPTY);
    if (err_is(e, ERR_TOO_LARGE))
        return core_refuse(a, REASON_FOLDER_NAME_TOO_LONG);
    TRY(e);
    *ret = name;
    return NULL;
}

/* ---- creating ---- */

struct folder_write {
    struct course_write w;
    int64_t id, parent_id;
    slice name;
};

static err_t find_for_write(struct meta_tx *tx, struct folder_write *w, int64_t id, struct arena *a, struct folder *ret)
{
    TRY(folder_read(tx, id, a, ret));
    w->w.account_id = ret->account_id;
    return place_may_write(w->w.core, tx, w->w.who, PLACE_FILE, PLACE_OF(ret), a);
}

static err_t refuse_taken(struct meta_tx *tx, int64_t parent_id, slice key, int64_t except_id, struct arena *a)
{
    bool has;
    TRY(meta_folder_has_folder(tx, parent_id, key, except_id, a, &has));
    return has ? core_refuse(a, REASON_FOLDER_NAME_TAKEN) : NULL;
}

static err_t gone_if_cut(err_t e, struct arena *a)
{
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_FOLDER_NOT_THERE) : e;
}

static err_t apply_folder_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct folder_write *w = arg;
    struct folder parent;
    bool is_full;
    slice key = case_fold(a, w->name);
    TRY(find_for_write(tx, w, w->parent_id, a, &parent));
    struct folder f = { .space_id = parent.space_id,
                        .branch_id = parent.branch_id,
                        .parent_id = parent.id,
                        .creator_id = w->w.who->user_id,
                        .name = w->name,
                        .created_at_ms = w->w.now_ms,
                        .modified_at_ms = w->w.now_ms };
    TRY(refuse_taken(tx, parent.id, key, 0, a));
    TRY(course_take_room(tx, &w->w, folder_record_size(&f), a));
    TRY(gone_if_cut(branch_join(tx, &parent, a, &is_full), a));
    err_t e = meta_folder_add(tx, &f, key, a, &w->id);
    if (err_is(e, ERR_CONFLICT))
        return core_refuse(a, REASON_FOLDER_NAME_TAKEN);
    TRY(e);
    if (is_full)
        TRY(branch_shed(tx, parent.branch_id, a));
    return course_write_event(tx, &w->w, &(struct course_event){ S("folder.create"), "folder", w->id, w->name }, a);
}

err_t folder_create(struct core *core, const struct principal *who, int64_t parent_id, slice name, struct arena *a,
                    int64_t *ret_id)
{
    struct folder_write w = { .w = { core, who, core_now_ms(core), 0 }, .parent_id = parent_id, .name = name };
    TRY(meta_write(core->meta, apply_folder_create, &w, a));
    *ret_id = w.id;
    return NULL;
}

/* ---- changing ---- */

/* The folder that the other one will be in. */
static err_t read_new_parent(struct meta_tx *tx, const struct folder_write *w, const struct folder *f, struct arena *a,
                             struct folder *ret)
{
    err_t e = folder_read(tx, w->parent_id, a, ret);
    if (err_is(e, ERR_NOT_FOUND) || (!e && (!f->parent_id || ret->space_id != f->space_id)))
        return core_refuse(a, REASON_FOLDER_BAD_PARENT);
    TRY(e);
    return branch_hold_space(tx, f->space_id, a);
}

static err_t move_and_rename(struct meta_tx *tx, struct folder_write *w, struct folder *f, struct arena *a)
{
    struct folder parent;
    slice key = case_fold(a, w->name.n ? w->name : f->name);
    TRY(read_new_parent(tx, w, f, a, &parent));
    TRY(gone_if_cut(branch_hold(tx, &parent, a), a));
    TRY(refuse_taken(tx, parent.id, key, f->id, a));
    TRY(gone_if_cut(branch_move(tx, f, &parent, a), a));
    f->parent_id = parent.id;
    return NULL;
}

static err_t rename_in_place(struct meta_tx *tx, struct folder_write *w, struct folder *f, struct arena *a)
{
    struct folder parent;
    if (!f->parent_id)
        return gone_if_cut(branch_hold(tx, f, a), a);
    TRY(folder_read(tx, f->parent_id, a, &parent));
    TRY(gone_if_cut(branch_hold(tx, &parent, a), a));
    return refuse_taken(tx, parent.id, case_fold(a, w->name.n ? w->name : f->name), f->id, a);
}

static err_t apply_folder_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct folder_write *w = arg;
    struct folder f;
    TRY(find_for_write(tx, w, w->id, a, &f));
    int64_t before = folder_record_size(&f);
    bool moves = w->parent_id && w->parent_id != f.parent_id;
    TRY(moves ? move_and_rename(tx, w, &f, a) : rename_in_place(tx, w, &f, a));
    f.name = w->name.n ? w->name : f.name;
    f.modified_at_ms = f.parent_id ? w->w.now_ms : 0;
    TRY(course_take_room(tx, &w->w, folder_record_size(&f) - before, a));
    TRY(meta_folder_update(tx, &f, case_fold(a, f.name), a));
    return course_write_event(
        tx, &w->w, &(struct course_event){ moves ? S("folder.move") : S("folder.rename"), "folder", f.id, f.name }, a);
}

err_t folder_change(struct core *core, const struct principal *who, const struct folder_change *change, struct arena *a)
{
    struct folder_write w = {
        .w = { core, who, core_now_ms(core), 0 }, .id = change->id, .parent_id = change->parent_id, .name = change->name
    };
    return meta_write(core->meta, apply_folder_change, &w, a);
}

/* ---- removing ---- */

static err_t apply_folder_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct folder_write *w = arg;
    struct folder f;
    int64_t bytes;
    TRY(find_for_write(tx, w, w->id, a, &f));
    if (!f.parent_id)
        return core_refuse(a, REASON_FOLDER_IS_ROOT);
    TRY(gone_if_cut(branch_cut_off(tx, &f, w->w.now_ms, a, &bytes), a));
    TRY(course_write_event(tx, &w->w, &(struct course_event){ S("folder.remove"), "folder", f.id, f.name }, a));
    return meta_course_use(tx, f.course_id, -bytes, a);
}

err_t folder_remove(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct folder_write w = { .w = { core, who, core_now_ms(core), 0 }, .id = id };
    return meta_write(core->meta, apply_folder_remove, &w, a);
}

/* ---- searching ---- */

err_t folder_search(struct core *core, const struct folder_search_request *request, struct arena *a,
                    struct folder_hit_list *ret, int64_t *ret_after_id)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct folder_search search = { .space_id = request->space_id,
                                    .files = request->files,
                                    .part_key = case_fold(a, request->part),
                                    .after_id = request->after_id,
                                    .looks = FOLDER_SEARCH_LOOKS,
                                    .limit = request->limit };
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_folder_search(tx, &search, a, ret, ret_after_id);
}
