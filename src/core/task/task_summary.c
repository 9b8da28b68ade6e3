/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_summary.h"

#include "core/access/people.h"
#include "core/store/document_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_visibility.h"

static err_t read_summary(struct core *core, const struct principal *who, int64_t task_id, struct arena *a,
                          struct task_summary *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct task_member_list members;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(task_find_visible(tx, who, task_id, a, &ret->task, &members));
    ret->members = members.items;
    ret->member_count = members.count;
    struct awaited_member_list awaited;
    TRY(meta_task_awaited(tx, task_id, a, &awaited));
    ret->awaited = awaited.items;
    ret->awaited_count = awaited.count;
    return meta_document_count(tx, task_id, a, &ret->document_count);
}

err_t task_summarize(struct core *core, const struct principal *who, int64_t task_id, struct arena *a,
                     struct task_summary *ret)
{
    struct task_summary s = { 0 };
    struct user_list people;
    TRY(read_summary(core, who, task_id, a, &s));
    int64_t *ids = arena_array(a, int64_t, s.member_count + 1);
    for (size_t i = 0; i < s.member_count; i++)
        ids[i] = s.members[i].user_id;
    ids[s.member_count] = s.task.author_id;
    TRY(people_list(core, who, ids, s.member_count + 1, a, &people));
    s.people = people.items;
    s.people_count = people.count;
    *ret = s;
    return NULL;
}
