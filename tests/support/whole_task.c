/* SPDX-License-Identifier: Apache-2.0 */
#include "whole_task.h"

#include "core/store/reference_store.h"
#include "core/store/transaction.h"

#define COMMENTS_MAX 1000

static err_t read_all_comments(struct core *core, const struct principal *who, struct comment_range range,
                               struct arena *a, struct whole_task *ret)
{
    struct comment *all = arena_array(a, struct comment, COMMENTS_MAX);
    struct comment_part part;
    do {
        TRY(task_read_comments(core, who, &range, a, &part));
        for (size_t i = 0; i < part.comment_count && ret->comment_count < COMMENTS_MAX; i++)
            all[ret->comment_count++] = part.comments[i];
        range.after_id = part.comment_count ? part.comments[part.comment_count - 1].id : range.after_id;
    } while (part.comment_count);
    ret->comments = all;
    return NULL;
}

err_t whole_task_read(struct core *core, const struct principal *who, int64_t task_id, struct arena *a,
                      struct whole_task *ret)
{
    struct task_view v;
    struct reference_list references;
    TRY(task_read(core, who, task_id, a, &v));
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(meta_reference_list(tx, task_id, a, &references));
    }
    *ret = (struct whole_task){ v.task, v.members, v.member_count, NULL, 0, references.items, references.count };
    return read_all_comments(core, who, (struct comment_range){ task_id, 0, v.last_comment_id }, a, ret);
}
