/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_summary.h"

#include "core/access/people.h"
#include "core/store/document_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"

/* ret_people: the number of authors and members, counted once for each task. */
static err_t read_summaries(struct core *core, const struct task *tasks, size_t count, struct arena *a,
                            struct task_summary *summaries, size_t *ret_people)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    *ret_people = count;
    for (size_t i = 0; i < count; i++) {
        struct task_summary *s = &summaries[i];
        struct task_member_list members;
        s->task = tasks[i];
        TRY(meta_task_members(tx, s->task.id, a, &members));
        TRY(meta_document_count(tx, s->task.id, a, &s->document_count));
        s->members = members.items;
        s->member_count = members.count;
        *ret_people += s->member_count;
    }
    return NULL;
}

err_t task_summarize(struct core *core, const struct principal *who, const struct task *tasks, size_t count,
                     struct arena *a, struct task_summaries *ret)
{
    struct task_summary *summaries = arena_array(a, struct task_summary, count + 1);
    size_t people = 0, n = 0;
    TRY(read_summaries(core, tasks, count, a, summaries, &people));
    int64_t *ids = arena_array(a, int64_t, people + 1);
    for (size_t i = 0; i < count; i++) {
        ids[n++] = summaries[i].task.author_id;
        for (size_t k = 0; k < summaries[i].member_count; k++)
            ids[n++] = summaries[i].members[k].user_id;
    }
    struct user_list list;
    TRY(people_list(core, who, ids, n, a, &list));
    *ret = (struct task_summaries){ .items = summaries, .people = list.items, .people_count = list.count };
    return NULL;
}
