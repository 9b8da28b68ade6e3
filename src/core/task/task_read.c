/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tasks: one, many, and the bytes of what hangs on them. */
#include "core/access/people.h"
#include "core/records/file.h"
#include "core/store/comment_store.h"
#include "core/store/file_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_priv.h"

err_t task_get_visible(struct core *core, const struct principal *who, int64_t task_id, struct arena *a,
                       struct task *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct task_members members;
    TRY(meta_read_begin(core->meta, a, &tx));
    return task_see(tx, who, task_id, a, ret, &members);
}

static err_t read_reference(struct core *core, const struct principal *who, int64_t id, struct arena *a,
                            struct reference *ret, struct file *ret_file)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(task_see_reference(tx, who, id, a, ret));
    if (!ret->file_id)
        return err_make(a, ERR_EMPTY, "a link has no bytes");
    return meta_file_get(tx, ret->file_id, a, ret_file);
}

err_t reference_open(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct reference *ret,
                     struct content *ret_content)
{
    struct file file;
    struct reference reference;
    TRY(read_reference(core, who, id, a, &reference, &file));
    TRY(file_open_record(core, &file, a, ret_content));
    *ret = reference;
    return NULL;
}

static err_t read_view(struct meta_tx *tx, const struct principal *who, int64_t task_id, struct arena *a,
                       struct task_view *v)
{
    struct task_members members;
    struct comment *comments;
    struct reference *references;
    TRY(task_see(tx, who, task_id, a, &v->task, &members));
    TRY(meta_comment_list(tx, task_id, a, &comments, &v->comment_count));
    TRY(meta_reference_list(tx, task_id, a, &references, &v->reference_count));
    v->members = members.items;
    v->member_count = members.count;
    v->comments = comments;
    v->references = references;
    return NULL;
}

err_t task_read(struct core *core, const struct principal *who, int64_t task_id, struct arena *a, struct task_view *ret)
{
    struct task_view v = { 0 };
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(read_view(tx, who, task_id, a, &v));
    }
    size_t count = 0;
    int64_t *ids = arena_array(a, int64_t, 1 + v.member_count + v.comment_count);
    ids[count++] = v.task.author_id;
    for (size_t i = 0; i < v.member_count; i++)
        ids[count++] = v.members[i].user_id;
    for (size_t i = 0; i < v.comment_count; i++)
        ids[count++] = v.comments[i].author_id;
    struct user *people;
    TRY(people_list(core, who, ids, count, a, &people, &v.people_count));
    v.people = people;
    *ret = v;
    return NULL;
}

err_t task_list(struct core *core, const struct principal *who, const struct task_list_order *order, struct arena *a,
                struct task **ret, size_t *ret_count, int64_t *ret_total)
{
    struct task_query query = { .account_id = who->account_id,
                                .seen_by = who->is_admin ? 0 : who->user_id,
                                .author_id = order->author_id,
                                .member_id = order->member_id,
                                .member_roles = order->member_roles,
                                .also_member_id = order->also_member_id,
                                .also_member_roles = order->also_member_roles,
                                .ids = order->ids,
                                .id_count = order->id_count,
                                .closed = order->closed,
                                .descending = order->descending,
                                .detail_name = order->detail_name,
                                .detail_value = order->detail_value,
                                .also_detail_name = order->also_detail_name,
                                .also_detail_value = order->also_detail_value,
                                .offset = order->offset,
                                .most = order->most };
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_task_list(tx, &query, a, ret, ret_count, ret_total);
}
