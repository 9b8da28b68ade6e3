/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching files and links to tasks and comments, and detaching the files of a task or comment that is removed. */
#ifndef CAIS_CORE_TASK_TASK_ATTACH_PRIV_H
#define CAIS_CORE_TASK_TASK_ATTACH_PRIV_H

#include "core/task/task_write_priv.h"

/* The attachments of a request, and the results of task_attach_check for them. */
struct task_attach {
    const struct attachment *attachments;
    size_t attachment_count;
    const int64_t *documents; /* file ids */
    size_t document_count;
    /* set by task_attach_check: */
    const struct reference *existing; /* the references of the task; read when the first one is needed */
    size_t existing_count;
    int64_t *seen; /* the tasks whose references are attached again and that are visible: each is looked at once */
    size_t seen_count;
    struct reference *references; /* to add: for the attachments, then for the documents that are confirmed */
    size_t reference_count;
    int64_t *pending; /* files whose tickets will name the task: they are attached when they are confirmed */
    size_t pending_count;
};
/* May all of it be attached to the task of `w`? Errors: REASON_TASK_BAD_ATTACHMENT, REASON_TASK_BAD_DOCUMENT,
 * REASON_TASK_TOO_MANY_REFERENCES, REASON_TASK_TOO_MANY_AT_ONCE. */
MUST_USE err_t task_attach_check(struct meta_tx *, struct task_write *, struct task_attach *, struct arena *a);
/* What the records that task_attach will add count for, in bytes. */
int64_t task_attach_growth(const struct task_attach *);
/* Attach what task_attach_check found. comment_id 0: to the task itself. */
MUST_USE err_t task_attach(struct meta_tx *, const struct task_write *, int64_t comment_id, struct task_attach *,
                           struct arena *a);
/* Is a confirmed document of that file attached to the task? Errors: REASON_TASK_BAD_DOCUMENT. */
MUST_USE err_t task_check_document(struct meta_tx *, struct task_write *, int64_t file_id, struct arena *a);

/* ---- before a task or comment is removed; comment_id 0: the whole task ---- */

/* Delete the files whose pending tickets name the task or comment. Sets w->more when there may be others, for another
 * write: their number has no limit, and other writes wait for this one. */
MUST_USE err_t task_delete_pending(struct meta_tx *, struct task_write *, int64_t comment_id, struct arena *a);

#endif
