/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_holder.h"

#include "core/reasons.h"
#include "core/records/comment.h"
#include "core/records/document.h"
#include "core/records/reference.h"
#include "core/store/comment_store.h"
#include "core/store/document_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/task/task_attach.h"
#include "core/task/task_visibility.h"

/* ---- both ---- */

static err_t refers(struct meta_tx *tx, struct holder holder, int64_t file_id, struct arena *a, bool *ret_refers)
{
    struct reference_list references;
    TRY(meta_reference_list_file(tx, file_id, a, &references));
    *ret_refers = false;
    for (size_t i = 0; i < references.count; i++) {
        struct holder other = reference_holder(&references.items[i]);
        if (other.kind == holder.kind && other.id == holder.id)
            *ret_refers = true;
    }
    return NULL;
}

/* References of tasks and of comments stand in one table, so each kind leaves out those of the other. */
static err_t list_files(struct meta_tx *tx, int kind, int64_t *after, size_t limit, struct arena *a,
                        struct hold_list *ret)
{
    struct reference_list references;
    TRY(meta_reference_each_file(tx, *after, limit, a, &references));
    *ret = (struct hold_list){ arena_array(a, struct hold, limit), 0 };
    for (size_t i = 0; i < references.count; i++) {
        const struct reference *r = &references.items[i];
        struct holder holder = reference_holder(r);
        *after = r->id;
        if (holder.kind == kind)
            ret->items[ret->count++] = (struct hold){ r->file_id, holder };
    }
    return NULL;
}

/* ---- tasks ---- */

static err_t admit_to_task(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                           slice *ret_text)
{
    struct task task;
    struct task_member_list members;
    err_t e = meta_task_lock(tx, id, a); /* or it could be removed while a ticket names it */
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_TASK_NOT_VISIBLE);
    TRY(e);
    TRY(task_find_visible(tx, who, id, a, &task, &members));
    *ret_text = slice_characters(task.text, DOCUMENT_TASK_TEXT_MAX);
    return NULL;
}

static err_t attach_to(struct meta_tx *tx, int64_t task_id, int64_t comment_id, const struct file *f, int64_t now_ms,
                       struct arena *a)
{
    struct reference reference = { .account_id = f->account_id,
                                   .task_id = task_id,
                                   .comment_id = comment_id,
                                   .file_id = f->id,
                                   .name = f->name,
                                   .created_at_ms = now_ms };
    return task_attach_file(tx, &reference, now_ms, a);
}

static err_t attach_to_task(struct core *core, struct meta_tx *tx, int64_t id, const struct file *f, int64_t now_ms,
                            struct arena *a)
{
    (void)core;
    return attach_to(tx, id, 0, f, now_ms, a);
}

static err_t task_refers(struct meta_tx *tx, int64_t id, int64_t file_id, struct arena *a, bool *ret_refers)
{
    return refers(tx, task_holder_of(id, 0), file_id, a, ret_refers);
}

static err_t list_task_files(struct meta_tx *tx, int64_t *after, size_t limit, struct arena *a, struct hold_list *ret)
{
    return list_files(tx, HOLDER_TASK, after, limit, a, ret);
}

const struct holder_rules task_holder = { .kind = HOLDER_TASK,
                                          .name = "task",
                                          .removes_ticket_files = true,
                                          .admit = admit_to_task,
                                          .find_named = meta_document_named,
                                          .attach = attach_to_task,
                                          .refers = task_refers,
                                          .list_files = list_task_files };

/* ---- comments: the task of the comment decides ---- */

static err_t admit_to_comment(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                              slice *ret_text)
{
    struct comment comment;
    TRY(meta_comment_get(tx, id, a, &comment));
    return admit_to_task(tx, who, comment.task_id, a, ret_text);
}

static err_t find_named_in_comment(struct meta_tx *tx, int64_t id, slice name, struct arena *a, int64_t *ret_file_id)
{
    struct comment comment;
    TRY(meta_comment_get(tx, id, a, &comment));
    return meta_document_named(tx, comment.task_id, name, a, ret_file_id);
}

static err_t attach_to_comment(struct core *core, struct meta_tx *tx, int64_t id, const struct file *f, int64_t now_ms,
                               struct arena *a)
{
    struct comment comment;
    (void)core;
    TRY(meta_comment_get(tx, id, a, &comment));
    return attach_to(tx, comment.task_id, id, f, now_ms, a);
}

static err_t comment_refers(struct meta_tx *tx, int64_t id, int64_t file_id, struct arena *a, bool *ret_refers)
{
    return refers(tx, task_holder_of(0, id), file_id, a, ret_refers);
}

static err_t list_comment_files(struct meta_tx *tx, int64_t *after, size_t limit, struct arena *a,
                                struct hold_list *ret)
{
    return list_files(tx, HOLDER_COMMENT, after, limit, a, ret);
}

const struct holder_rules comment_holder = { .kind = HOLDER_COMMENT,
                                             .name = "comment",
                                             .removes_ticket_files = true,
                                             .admit = admit_to_comment,
                                             .find_named = find_named_in_comment,
                                             .attach = attach_to_comment,
                                             .refers = comment_refers,
                                             .list_files = list_comment_files };
