/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all writes of a task.
 *
 * A write is one function that runs inside the committer's transaction. It checks everything first (what the user may
 * do, whether the attachments exist, the limits), and then changes the task. The committer may run it twice, so outside
 * the store it leaves only fields of its struct task_write, which task_write_begin sets anew. */
#ifndef CAIS_CORE_TASK_TASK_WRITE_PRIV_H
#define CAIS_CORE_TASK_TASK_WRITE_PRIV_H

#include "core/file/hold.h"
#include "core/store/transaction.h"
#include "core/task/task.h"
#include "core/task/task_visibility.h"

struct task_write {
    struct core *core;
    const struct principal *who;
    int64_t task_id; /* 0 until a task that is being created has its id */
    /* set by the write: */
    int64_t now_ms;
    bool more;                 /* a removal did a part of its work; another write continues it */
    struct hold_ending ending; /* of holders that the write removes */
};
/* The first call of every write. */
void task_write_begin(struct task_write *);
/* Run `apply` in one write after another until w->more is false or a write fails. Then release the files that are left
 * in w->ending. */
MUST_USE err_t task_write_until_done(struct task_write *w, meta_apply_fn *apply, void *arg, struct arena *a);

/* The task, which no other write changes until this one ends. Errors: those of task_find_visible. */
MUST_USE err_t task_find_for_write(struct meta_tx *, struct task_write *, struct arena *a, struct task *ret,
                                   struct task_member_list *ret_members);

/* Count that many more bytes of records for the account; negative: fewer, which always succeeds.
 * Errors: as quota_take_records. */
MUST_USE err_t task_take_room(struct meta_tx *, const struct task_write *, int64_t records, struct arena *a);

/* Write an event about w->task_id. */
MUST_USE err_t task_event_write(struct meta_tx *, const struct task_write *, slice action, slice detail,
                                struct arena *a);
slice task_event_comment(struct arena *a, int64_t comment_id); /* "comment:ID" */

bool task_text_is_blank(slice text);
/* Merge JSON objects of one level by RFC 7396: members of `patch` replace those of `target`, and null removes one. inner: the name
 * of a member whose object is merged in the same way and not replaced; NULL: none is.
 * Errors: REASON_TASK_TOO_MUCH_TEXT json_parse would refuse the result; INVALID one of the two is no JSON. */
MUST_USE err_t task_merge_details(slice target, slice patch, const char *inner, struct arena *a, slice *ret);
/* May comments of the task gain `added` bytes of text and details and lose `removed` bytes? Shrinking is always
 * allowed. Errors: REASON_TASK_TOO_MUCH_TEXT. */
MUST_USE err_t task_check_text(struct meta_tx *, struct task_write *, size_t added, size_t removed, struct arena *a);

#endif
