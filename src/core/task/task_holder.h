/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and comments as holders of files (core/file/holder.h): a task holds the files of its own references, a comment
 * those of the references that were attached with it. */
#ifndef CAIS_CORE_TASK_TASK_HOLDER_H
#define CAIS_CORE_TASK_TASK_HOLDER_H

#include "core/file/holder.h"
#include "core/records/reference.h"

extern const struct holder_rules task_holder, comment_holder;

/* The task itself when comment_id is 0. */
static inline struct holder task_holder_of(int64_t task_id, int64_t comment_id)
{
    return comment_id ? (struct holder){ HOLDER_COMMENT, comment_id } : (struct holder){ HOLDER_TASK, task_id };
}
/* What holds the file of the reference. */
static inline struct holder reference_holder(const struct reference *r)
{
    return task_holder_of(r->task_id, r->comment_id);
}

#endif
