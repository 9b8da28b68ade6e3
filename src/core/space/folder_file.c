/* SPDX-License-Identifier: Apache-2.0 */
/* The branch of the folder is changed first in each write: it holds everything that is counted there, and says whether the folder
 * can still be found. The course comes last. */
#include "core/space/folder_file.h"

#include "base/case_fold.h"
#include "core/file/file.h"
#include "core/file/hold.h"
#include "core/reasons.h"
#include "core/records/record_size.h"
#include "core/space/branch_priv.h"
#include "core/space/course_write_priv.h"
#include "core/space/folder_holder_priv.h"
#include "core/space/folder_priv.h"
#include "core/store/course_store.h"
#include "core/store/file_store.h"
#include "core/store/folder_store.h"

static err_t read_file(struct meta_tx *tx, int64_t file_id, struct arena *a, struct folder_file *ret)
{
    err_t e = meta_folder_file_get(tx, file_id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_FILE_NOT_VISIBLE) : e;
}

static struct place place_of(const struct folder_file *f)
{
    return (struct place){ f->file.account_id, f->environment_id, f->course_id };
}

err_t folder_file_find(struct core *core, const struct principal *who, enum place_verb verb, int64_t file_id,
                       struct arena *a, struct folder_file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct folder_file found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(read_file(tx, file_id, a, &found));
    struct place place = place_of(&found);
    TRY(place_may(tx, who, verb, &place, a));
    *ret = found;
    return NULL;
}

err_t folder_file_list(struct core *core, int64_t folder_id, const struct id_page *page, struct arena *a,
                       struct folder_file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_folder_file_list(tx, folder_id, page->after_id, page->limit, a, ret);
}

err_t folder_file_list_by_name(struct core *core, int64_t folder_id, slice after_key, size_t limit, struct arena *a,
                               struct folder_file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_folder_file_list_by_name(tx, folder_id, after_key, limit, a, ret);
}

err_t folder_file_find_named(struct core *core, int64_t folder_id, slice name, struct arena *a, struct folder_file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    int64_t id;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_folder_file_named(tx, folder_id, case_fold(a, name), a, &id));
    return id ? read_file(tx, id, a, ret) : core_refuse(a, REASON_FILE_NOT_VISIBLE);
}

static err_t read_by_uuid(struct meta_tx *tx, const unsigned char uuid[16], struct arena *a, struct file *ret)
{
    err_t e = meta_file_by_uuid(tx, uuid, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_FILE_NOT_VISIBLE) : e;
}

err_t folder_file_find_uuid(struct core *core, const struct principal *who, enum place_verb verb,
                            const struct folder_file_name *name, struct arena *a, struct folder_file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct file file;
    struct folder_file found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(read_by_uuid(tx, name->uuid, a, &file));
    TRY(read_file(tx, file.id, a, &found));
    if (found.folder_id != name->folder_id)
        return core_refuse(a, REASON_FILE_NOT_VISIBLE);
    struct place place = place_of(&found);
    TRY(place_may(tx, who, verb, &place, a));
    *ret = found;
    return NULL;
}

/* ---- uploading ---- */

static err_t refuse_taken(struct meta_tx *tx, int64_t folder_id, slice key, int64_t except_id, struct arena *a)
{
    int64_t file_id;
    TRY(meta_folder_file_named(tx, folder_id, key, a, &file_id));
    return file_id && file_id != except_id ? core_refuse(a, REASON_FOLDER_FILE_TAKEN) : NULL;
}

static err_t refuse_full(struct meta_tx *tx, int64_t course_id, int64_t bytes, struct arena *a)
{
    struct course course;
    TRY(meta_course_get(tx, course_id, a, &course));
    return course.max_bytes && bytes > course.max_bytes - course.used_bytes ? core_refuse(a, REASON_COURSE_FULL) : NULL;
}

static err_t enter_folder(struct meta_tx *tx, const struct folder_upload *u, struct arena *a, struct folder *ret)
{
    TRY(folder_read(tx, u->folder_id, a, ret));
    return place_may_write(u->core, tx, u->who, PLACE_FILE, PLACE_OF(ret), a);
}

err_t folder_upload_check(const struct folder_upload *u, slice name, int64_t bytes, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct folder folder;
    TRY(meta_read_begin(u->core->meta, a, &tx));
    TRY(enter_folder(tx, u, a, &folder));
    if (name.n)
        TRY(refuse_taken(tx, folder.id, case_fold(a, name), 0, a));
    return bytes > 0 ? refuse_full(tx, folder.course_id, bytes, a) : NULL;
}

static err_t gone_if_cut(err_t e, struct arena *a)
{
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_FOLDER_NOT_THERE) : e;
}

static err_t use_course(struct meta_tx *tx, int64_t course_id, int64_t bytes, struct arena *a)
{
    err_t e = meta_course_use(tx, course_id, bytes, a);
    if (err_is(e, ERR_QUOTA))
        return core_refuse(a, REASON_COURSE_FULL);
    return gone_if_cut(e, a);
}

err_t folder_place_file(struct meta_tx *tx, const struct folder *folder, const struct file *file, int64_t now_ms,
                        struct arena *a)
{
    struct folder_file placed = { .file = *file, .folder_id = folder->id, .space_id = folder->space_id };
    int64_t bytes = (int64_t)file->size_bytes;
    TRY(gone_if_cut(branch_use(tx, folder, bytes, a), a));
    err_t e = meta_folder_file_add(tx, &placed, case_fold(a, file->name), a);
    if (err_is(e, ERR_CONFLICT))
        return core_refuse(a, REASON_FOLDER_FILE_TAKEN);
    TRY(e);
    TRY(hold_add(tx, file->id, folder_holder_of(folder->id), now_ms, a));
    return use_course(tx, folder->course_id, bytes, a);
}

/* All that may refuse comes before the first change. */
static err_t admit_upload(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    struct folder_upload *u = arg;
    struct folder folder;
    TRY(enter_folder(tx, u, a, &folder));
    TRY(refuse_taken(tx, folder.id, case_fold(a, file->name), 0, a));
    return refuse_full(tx, folder.course_id, (int64_t)file->size_bytes, a);
}

static err_t attach_upload(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    struct folder_upload *u = arg;
    struct folder folder;
    struct course_write w = { u->core, u->who, file->stored_at_ms, file->account_id };
    TRY(enter_folder(tx, u, a, &folder));
    TRY(course_take_room(tx, &w, RECORD_BYTES, a));
    return folder_place_file(tx, &folder, file, file->stored_at_ms, a);
}

/* STORED until the folder holds it, which happens in the same write; so the purge time never comes. */
void folder_upload_into(struct folder_upload *u, struct intake_request *request)
{
    request->admit = admit_upload;
    request->attach = attach_upload;
    request->attach_arg = u;
    request->purge_after_ms = 1;
}

struct folder_putting {
    struct folder_upload into;
    const unsigned char *uuid;
    int64_t now_ms;
};

static err_t apply_file_put(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct folder_putting *p = arg;
    struct core *core = p->into.core;
    const struct principal *who = p->into.who;
    struct folder folder;
    struct file file;
    bool is_held;
    TRY(enter_folder(tx, &p->into, a, &folder));
    TRY(read_by_uuid(tx, p->uuid, a, &file));
    if (!file_is_visible(who, &file, p->now_ms) || file.account_id != folder.account_id)
        return core_refuse(a, REASON_FILE_NOT_VISIBLE);
    if (!file.object_id || file.is_pending)
        return core_refuse(a, REASON_FILE_NO_BYTES);
    TRY(file_is_held(tx, file.id, a, &is_held));
    if (is_held)
        return core_refuse(a, REASON_FOLDER_FILE_HELD);
    TRY(refuse_taken(tx, folder.id, case_fold(a, file.name), 0, a));
    struct course_write w = { core, who, p->now_ms, file.account_id };
    TRY(course_take_room(tx, &w, RECORD_BYTES, a));
    TRY(folder_place_file(tx, &folder, &file, p->now_ms, a));
    return course_write_event(tx, &w, &(struct course_event){ S("file.place"), "file", file.id, file.name }, a);
}

err_t folder_file_put(struct core *core, const struct principal *who, const struct folder_file_name *name,
                      struct arena *a)
{
    struct folder_putting p = { { core, who, name->folder_id, 0 }, name->uuid, core_now_ms(core) };
    return meta_write(core->meta, apply_file_put, &p, a);
}

/* ---- changing ---- */

struct folder_file_write {
    struct course_write w;
    int64_t file_id, folder_id;
    slice name;
};

static err_t find_for_write(struct meta_tx *tx, struct folder_file_write *w, struct arena *a, struct folder_file *ret,
                            struct folder *ret_folder)
{
    TRY(read_file(tx, w->file_id, a, ret));
    struct place place = place_of(ret);
    w->w.account_id = ret->file.account_id;
    TRY(place_may_write(w->w.core, tx, w->w.who, PLACE_FILE, &place, a));
    return folder_read(tx, ret->folder_id, a, ret_folder);
}

static err_t new_folder(struct meta_tx *tx, const struct folder_file_write *w, const struct folder *from,
                        struct arena *a, struct folder *ret)
{
    err_t e = folder_read(tx, w->folder_id, a, ret);
    if (err_is(e, ERR_NOT_FOUND) || (!e && ret->space_id != from->space_id))
        return core_refuse(a, REASON_FOLDER_BAD_PARENT);
    return e;
}

static err_t move_file(struct meta_tx *tx, const struct folder *from, const struct folder *to,
                       const struct folder_file *f, int64_t now_ms, struct arena *a)
{
    int64_t bytes = (int64_t)f->file.size_bytes;
    /* Branches are held in the order of their ids. */
    bool first = from->branch_id <= to->branch_id;
    TRY(gone_if_cut(branch_use(tx, first ? from : to, first ? -bytes : bytes, a), a));
    TRY(gone_if_cut(branch_use(tx, first ? to : from, first ? bytes : -bytes, a), a));
    TRY(hold_add(tx, f->file.id, folder_holder_of(to->id), now_ms, a));
    return hold_remove(tx, f->file.id, folder_holder_of(from->id), now_ms, a);
}

static err_t apply_file_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct folder_file_write *w = arg;
    struct folder_file f;
    struct folder from, to;
    TRY(find_for_write(tx, w, a, &f, &from));
    bool moves = w->folder_id && w->folder_id != from.id;
    slice name = w->name.n ? w->name : f.file.name;
    slice key = case_fold(a, name);
    if (moves)
        TRY(new_folder(tx, w, &from, a, &to));
    TRY(refuse_taken(tx, moves ? to.id : from.id, key, f.file.id, a));
    TRY(course_take_room(tx, &w->w, (int64_t)name.n - (int64_t)f.file.name.n, a));
    TRY(moves ? move_file(tx, &from, &to, &f, w->w.now_ms, a) : gone_if_cut(branch_hold(tx, &from, a), a));
    f.file.name = name;
    f.folder_id = moves ? to.id : from.id;
    TRY(meta_folder_file_update(tx, &f, key, a));
    return course_write_event(
        tx, &w->w, &(struct course_event){ moves ? S("file.move") : S("file.rename"), "file", f.file.id, name }, a);
}

err_t folder_file_change(struct core *core, const struct principal *who, const struct folder_file_change *change,
                         struct arena *a)
{
    struct folder_file_write w = { .w = { core, who, core_now_ms(core), 0 },
                                   .file_id = change->file_id,
                                   .folder_id = change->folder_id,
                                   .name = change->name };
    return meta_write(core->meta, apply_file_change, &w, a);
}

static err_t apply_file_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct folder_file_write *w = arg;
    struct folder_file f;
    struct folder folder;
    TRY(find_for_write(tx, w, a, &f, &folder));
    int64_t bytes = (int64_t)f.file.size_bytes;
    TRY(gone_if_cut(branch_use(tx, &folder, -bytes, a), a));
    TRY(meta_folder_file_remove(tx, f.file.id, a));
    TRY(course_take_room(tx, &w->w, -(int64_t)RECORD_BYTES, a));
    TRY(hold_remove(tx, f.file.id, folder_holder_of(folder.id), w->w.now_ms, a));
    TRY(course_write_event(tx, &w->w, &(struct course_event){ S("file.remove"), "file", f.file.id, f.file.name }, a));
    return use_course(tx, f.course_id, -bytes, a);
}

err_t folder_file_remove(struct core *core, const struct principal *who, int64_t file_id, struct arena *a)
{
    struct folder_file_write w = { .w = { core, who, core_now_ms(core), 0 }, .file_id = file_id };
    return meta_write(core->meta, apply_file_remove, &w, a);
}
