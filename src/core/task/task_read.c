/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tasks, and the files that their references hold. */
#include "core/task/task.h"

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

err_t task_read(struct core *core, const struct principal *who, int64_t task_id, struct arena *a, struct task_view *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct task_view v;
    struct task_member_list members;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(task_find_visible(tx, who, task_id, a, &v.task, &members));
    TRY(meta_comment_last(tx, task_id, a, &v.last_comment_id));
    v.members = members.items;
    v.member_count = members.count;
    *ret = v;
    return NULL;
}

/* ---- comments and references, in parts ---- */

#define PART_COMMENTS 100
#define PART_REFERENCES 200
#define PART_TEXT_BYTES ((size_t)48 * 1024)

/* Leaves out the last comment whose references were read, because there may be more of them, and what follows it. False:
 * nothing is left. */
static bool cut_at_last_reference(struct comment_list *comments, struct reference_list *references)
{
    int64_t last = references->items[references->count - 1].comment_id;
    while (comments->count && comments->items[comments->count - 1].id >= last)
        comments->count--;
    while (references->count && references->items[references->count - 1].comment_id >= last)
        references->count--;
    return comments->count > 0;
}

static err_t read_references_of_part(struct meta_tx *tx, const struct comment_range *range,
                                     struct comment_list *comments, struct arena *a, struct reference_list *ret)
{
    struct comment_reference_query q = { .task_id = range->task_id,
                                         .after_comment_id = range->after_id,
                                         .until_comment_id = comments->items[comments->count - 1].id,
                                         .limit = PART_REFERENCES };
    TRY(meta_reference_list_comments(tx, &q, a, ret));
    if (ret->count < q.limit || cut_at_last_reference(comments, ret))
        return NULL;
    comments->count = 1; /* it has many references by itself */
    q.until_comment_id = comments->items[0].id;
    q.limit = TASK_REFERENCES_MAX;
    return meta_reference_list_comments(tx, &q, a, ret);
}

err_t task_read_comments(struct core *core, const struct principal *who, const struct comment_range *range,
                         struct arena *a, struct comment_part *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct comment_query q = { .task_id = range->task_id,
                               .after_id = range->after_id,
                               .until_id = range->until_id,
                               .limit = PART_COMMENTS,
                               .max_bytes = PART_TEXT_BYTES };
    struct comment_list comments;
    struct reference_list references = { 0 };
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(task_check_visible(tx, who, range->task_id, a));
    TRY(meta_comment_list(tx, &q, a, &comments));
    if (comments.count)
        TRY(read_references_of_part(tx, range, &comments, a, &references));
    *ret = (struct comment_part){ comments.items, comments.count, references.items, references.count };
    return NULL;
}

err_t task_read_newest(struct core *core, const struct principal *who, int64_t task_id, int64_t after_id,
                       struct arena *a, struct reference_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct newest_reference_query q = { .task_id = task_id, .after_id = after_id, .limit = PART_REFERENCES };
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(task_check_visible(tx, who, task_id, a));
    return meta_reference_list_newest(tx, &q, a, ret);
}

err_t task_list_comments(struct core *core, const struct principal *who, const struct comment_page_query *q,
                         struct arena *a, struct comment_page *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct record_ids ids;
    int64_t total;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(task_check_visible(tx, who, q->task_id, a));
    TRY(meta_comment_count(tx, q->task_id, a, &total));
    TRY(meta_comment_ids(tx, q, a, &ids));
    *ret = (struct comment_page){ ids.items, ids.count, total };
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
    struct record_ids list;
    int64_t total;
    TRY(meta_task_list(tx, &query, a, &list, &total));
    *ret = (struct task_page){ list.items, list.count, total };
    return NULL;
}
