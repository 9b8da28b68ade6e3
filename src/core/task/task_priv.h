/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that implement task.h share.
 *
 *   task.c          making and removing tasks; seeing; refusing
 *   task_people.c   members and what they may
 *   task_hang.c     what hangs on tasks: attachments, documents
 *   task_comment.c  comments
 *   task_read.c     reading
 *
 * Every write runs as one function inside the committer's transaction: first it looks at everything (may this user, do
 * the attachments exist, do the limits hold), then it changes. The committer may run it twice, so all it leaves outside
 * the store are the fields of its struct task_write that it sets anew each time. */
#ifndef CAIS_CORE_TASK_TASK_PRIV_H
#define CAIS_CORE_TASK_TASK_PRIV_H

#include "core/task/task.h"

struct task_write {
    struct core *core;
    const struct principal *who;
    int64_t task_id, comment_id;
    const struct task_order *order;     /* of task_create */
    const struct task_comment *comment; /* of task_comment_add; of an edit: its text and attachments */
    int64_t window_ms, purge_after_ms;
    enum task_refusal why;
    bool more; /* of a removal: it is to go on in another write */
};

/* The error that goes with it; *ret_why is set. */
err_t task_refuse(enum task_refusal why, struct arena *a, enum task_refusal *ret_why);
/* An event about the task. */
MUST_USE err_t task_tell(struct meta_tx *, const struct task_write *, int64_t now_ms, slice action, int64_t task_id,
                         slice detail, struct arena *a);

/* ---- seeing and people ---- */

struct task_members {
    struct task_member *items;
    size_t count;
};
struct task_member *task_member_find(const struct task_members *, int64_t user_id); /* NULL: no member */
/* Errors: NOT_FOUND, also when it exists and `who` may not see it. */
MUST_USE err_t task_see(struct meta_tx *, const struct principal *who, int64_t task_id, struct arena *a,
                        struct task *ret, struct task_members *ret_members);
/* The same for a write: TASK_NOT_VISIBLE. */
MUST_USE err_t task_see_or_refuse(struct meta_tx *, struct task_write *, struct arena *a, struct task *ret,
                                  struct task_members *ret_members);
/* With the reference's task. Errors: NOT_FOUND. */
MUST_USE err_t task_see_reference(struct meta_tx *, const struct principal *who, int64_t id, struct arena *a,
                                  struct reference *ret);
/* Errors: TASK_BAD_PERSON. */
MUST_USE err_t task_check_person(struct meta_tx *, struct task_write *, int64_t user_id, struct arena *a);
/* Who has which roles after the comment, starting from `now`; only in memory. */
struct task_members task_members_after(const struct task_comment *, const struct task_members *now, struct arena *a);
MUST_USE err_t task_members_save(struct meta_tx *, const struct task_write *, int64_t task_id,
                                 const struct task_members *before, const struct task_members *after, int64_t now_ms,
                                 struct arena *a);

/* ---- texts ---- */

bool task_text_is_blank(slice text);
/* May the comments of the task hold `more` bytes of text and details instead of `less` of them? Less always may.
 * Errors: TASK_TOO_MUCH_TEXT. */
MUST_USE err_t task_check_text(struct meta_tx *, struct task_write *, size_t more, size_t less, struct arena *a);

/* ---- what hangs on it ---- */

/* What is asked to be hung on a task or comment, and what was found. */
struct task_hanging {
    const struct attachment *attachments;
    size_t attachment_count;
    const int64_t *document_ids;
    size_t document_count;
    /* by task_hang_check: */
    const struct reference *held; /* those the task has already; read when one is looked for */
    size_t held_count;
    struct reference *references; /* to be added: attachments, then documents that are confirmed */
    size_t reference_count;
    int64_t *pending; /* files whose tickets get their place */
    size_t pending_count;
};
/* w->task_id 0: the task is being made. Errors: TASK_BAD_ATTACHMENT, TASK_BAD_DOCUMENT, TASK_TOO_MANY_REFERENCES. */
MUST_USE err_t task_hang_check(struct meta_tx *, struct task_write *, struct task_hanging *, int64_t now_ms,
                               struct arena *a);
/* comment_id 0: on the task itself. */
MUST_USE err_t task_hang(struct meta_tx *, const struct task_write *, int64_t task_id, int64_t comment_id,
                         struct task_hanging *, int64_t now_ms, struct arena *a);
/* Pending tickets that were to be hung on the task (or, not 0, on that comment) end. Before the task goes. *ret_more:
 * there are more, for another write: a task may have any number of them, and others wait for this one. */
MUST_USE err_t task_end_pending(struct meta_tx *, const struct task_write *, int64_t task_id, int64_t comment_id,
                                int64_t now_ms, struct arena *a, bool *ret_more);
/* Those of the references that are of the comment, and files, once each. comment_id 0: all. */
MUST_USE err_t task_held_files(struct meta_tx *, int64_t task_id, int64_t comment_id, struct arena *a,
                               int64_t **ret_files, size_t *ret_count);
/* The references to these files are gone: what came by ticket and nobody else holds ends, other files are released. */
MUST_USE err_t task_let_go(struct meta_tx *, const struct task_write *, const int64_t *files, size_t count,
                           int64_t now_ms, struct arena *a);
/* A confirmed document that hangs on the task. Errors: TASK_BAD_DOCUMENT. */
MUST_USE err_t task_check_file(struct meta_tx *, struct task_write *, int64_t file_id, struct arena *a);

#endif
