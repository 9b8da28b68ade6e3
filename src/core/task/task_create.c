/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records/record_size.h"
#include "core/store/comment_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_attach_priv.h"
#include "core/task/task_members_priv.h"

struct task_creation {
    struct task_write w;
    const struct task_request *request;
    struct task_people people; /* set by the write: who is named in request->awaited */
};

static struct comment first_comment(const struct task_creation *c)
{
    return (struct comment){ .task_id = c->w.task_id,
                             .author_id = c->w.who->user_id,
                             .text = c->request->text,
                             .details = c->request->comment_details,
                             .created_at_ms = c->w.now_ms };
}

/* The first comment carries the text of the task and its attachments. A silent task has none: *ret_comment_id is 0. */
static err_t add_first_comment(struct meta_tx *tx, const struct task_creation *c, struct arena *a,
                               int64_t *ret_comment_id)
{
    *ret_comment_id = 0;
    if (c->request->is_silent)
        return NULL;
    struct comment comment = first_comment(c);
    return meta_comment_add(tx, &comment, a, ret_comment_id);
}

/* Count everything that the write will add. */
static err_t take_room_for_task(struct meta_tx *tx, const struct task_creation *c, const struct task *task,
                                const struct task_member_list *members, const struct task_attach *attach,
                                struct arena *a)
{
    static const struct task_member_list nobody;
    struct comment comment = first_comment(c);
    int64_t records = task_record_size(task) + task_members_growth(&nobody, members) + task_attach_growth(attach) +
                      RECORD_BYTES * (int64_t)c->people.awaited_count;
    if (!c->request->is_silent)
        records += comment_record_size(&comment);
    return task_take_room(tx, &c->w, records, a);
}

static err_t check_creation(struct meta_tx *tx, struct task_creation *c, struct task_attach *attach, struct arena *a)
{
    const struct task_request *request = c->request;
    TRY(task_check_text(tx, &c->w, request->text.n + request->comment_details.n, 0, a));
    TRY(task_attach_check(tx, &c->w, attach, a));
    TRY(task_check_people(0, request->member_count + request->awaited_count, 0, a));
    TRY(task_people_find(tx, &c->w, request->awaited, request->awaited_count, a, &c->people));
    for (size_t i = 0; i < request->member_count; i++)
        TRY(task_check_person(tx, &c->w, request->members[i].user_id, a));
    return NULL;
}

static err_t apply_task_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_creation *c = arg;
    struct task_write *w = &c->w;
    const struct task_request *request = c->request;
    struct task_attach attach = { .attachments = request->attachments,
                                  .attachment_count = request->attachment_count,
                                  .documents = request->documents,
                                  .document_count = request->document_count };
    task_write_begin(w);
    w->task_id = 0;
    TRY(check_creation(tx, c, &attach, a));
    struct task task = {
        .account_id = w->who->account_id,
        .author_id = w->who->user_id,
        .text = request->text,
        .subject = request->subject,
        .details = request->details,
        .is_shared = request->is_shared,
        .created_at_ms = w->now_ms,
        .modified_at_ms = w->now_ms,
    };
    size_t added_count = 0;
    struct task_member *all = arena_array(a, struct task_member, request->member_count + c->people.count + 1);
    for (size_t i = 0; i < request->member_count; i++)
        all[added_count++] = request->members[i];
    for (size_t i = 0; i < c->people.count; i++)
        all[added_count++] = (struct task_member){ c->people.ids[i], TASK_RESPONSIBLE };
    struct task_comment added = { .added = all, .added_count = added_count };
    struct task_member_list before = { NULL, 0 }, members = task_members_after(&added, &before, a);
    TRY(take_room_for_task(tx, c, &task, &members, &attach, a));
    int64_t comment_id;
    TRY(meta_task_add(tx, &task, a, &w->task_id));
    TRY(add_first_comment(tx, c, a, &comment_id));
    TRY(task_event_write(tx, w, S("task.create"), S(""), a));
    TRY(task_members_save(tx, w, &before, &members, a));
    task.id = w->task_id;
    TRY(task_people_await(tx, &task, &c->people, a));
    return task_attach(tx, w, comment_id, &attach, a);
}

err_t task_create(struct core *core, const struct principal *who, const struct task_request *request, struct arena *a,
                  int64_t *ret_task_id)
{
    if (task_text_is_blank(request->text))
        return core_refuse(a, REASON_TASK_NOTHING_SAID);
    struct task_creation c = { .w = { .core = core, .who = who }, .request = request };
    TRY(meta_write(core->meta, apply_task_create, &c, a));
    *ret_task_id = c.w.task_id;
    return NULL;
}
