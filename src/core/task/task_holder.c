/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_holder.h"

#include "core/records/comment.h"
#include "core/records/document.h"
#include "core/store/comment_store.h"
#include "core/store/document_store.h"
#include "core/task/task_attach.h"
#include "core/task/task_visibility.h"

/* ---- tasks ---- */

static err_t admit_to_task(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                           slice *ret_text)
{
    struct task task;
    struct task_member_list members;
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

static err_t attach_to_task(struct meta_tx *tx, int64_t id, const struct file *f, int64_t now_ms, struct arena *a)
{
    return attach_to(tx, id, 0, f, now_ms, a);
}

const struct holder_rules task_holder = { .kind = HOLDER_TASK,
                                          .name = "task",
                                          .removes_ticket_files = true,
                                          .admit = admit_to_task,
                                          .find_named = meta_document_named,
                                          .attach = attach_to_task };

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

static err_t attach_to_comment(struct meta_tx *tx, int64_t id, const struct file *f, int64_t now_ms, struct arena *a)
{
    struct comment comment;
    TRY(meta_comment_get(tx, id, a, &comment));
    return attach_to(tx, comment.task_id, id, f, now_ms, a);
}

const struct holder_rules comment_holder = { .kind = HOLDER_COMMENT,
                                             .name = "comment",
                                             .removes_ticket_files = true,
                                             .admit = admit_to_comment,
                                             .find_named = find_named_in_comment,
                                             .attach = attach_to_comment };
