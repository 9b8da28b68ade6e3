/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tasks, and the files that their references hold. */
#include "core/task/task.h"

#include "core/access/people.h"
#include "core/records/file.h"
#include "core/store/comment_store.h"
#include "core/store/file_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_visibility.h"

err_t task_get_visible(struct core *core, const struct principal *who, int64_t task_id, struct arena *a,
                       struct task *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct task_member_list members;
    TRY(meta_read_begin(core->meta, a, &tx));
    return task_find_visible(tx, who, task_id, a, ret, &members);
}

static err_t read_reference_file(struct core *core, const struct principal *who, int64_t id, struct arena *a,
                                 struct reference *ret, struct file *ret_file)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(reference_find_visible(tx, who, id, a, ret));
    if (!ret->file_id)
        return core_refuse(a, REASON_FILE_IS_LINK);
    err_t e = meta_file_get(tx, ret->file_id, a, ret_file);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_FILE_NOT_VISIBLE) : e;
}

err_t reference_open(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct reference *ret,
                     struct content *ret_content)
{
    struct file file;
    struct reference reference;
    TRY(read_reference_file(core, who, id, a, &reference, &file));
    TRY(file_open_record(core, &file, a, ret_content));
    *ret = reference;
    return NULL;
}

static err_t read_view(struct meta_tx *tx, const struct principal *who, int64_t task_id, struct arena *a,
                       struct task_view *v)
{
    struct task_member_list members;
    struct comment_list comments;
    struct reference_list references;
    TRY(task_find_visible(tx, who, task_id, a, &v->task, &members));
    TRY(meta_comment_list(tx, task_id, a, &comments));
    TRY(meta_reference_list(tx, task_id, a, &references));
    v->members = members.items;
    v->member_count = members.count;
    v->comments = comments.items;
    v->comment_count = comments.count;
    v->references = references.items;
    v->reference_count = references.count;
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
    struct user_list people;
    TRY(people_list(core, who, ids, count, a, &people));
    v.people = people.items;
    v.people_count = people.count;
    *ret = v;
    return NULL;
}

err_t task_list(struct core *core, const struct principal *who, const struct task_list_request *request,
                struct arena *a, struct task_page *ret)
{
    struct task_query query = { .account_id = who->account_id,
                                .seen_by = who->is_admin ? 0 : who->user_id,
                                .author_id = request->author_id,
                                .member_id = request->member_id,
                                .member_roles = request->member_roles,
                                .also_member_id = request->also_member_id,
                                .also_member_roles = request->also_member_roles,
                                .ids = request->ids,
                                .id_count = request->id_count,
                                .closed = request->closed,
                                .descending = request->descending,
                                .detail_name = request->detail_name,
                                .detail_value = request->detail_value,
                                .also_detail_name = request->also_detail_name,
                                .also_detail_value = request->also_detail_value,
                                .offset = request->offset,
                                .limit = request->limit };
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct task_list list;
    int64_t total;
    TRY(meta_task_list(tx, &query, a, &list, &total));
    *ret = (struct task_page){ list.items, list.count, total };
    return NULL;
}
