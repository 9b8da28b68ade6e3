/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records/record_size.h"
#include "core/store/task_store.h"
#include "core/task/task_attach_priv.h"
#include "core/task/task_members_priv.h"

struct task_editing {
    struct task_write w;
    const struct task_edit *edit;
    struct task_people people;          /* set by the write: who is named in edit->awaited */
    struct awaited_member_list awaited; /* set by the write: who is awaited until now */
};

static bool edit_changes_something(const struct task_edit *e)
{
    return e->sets_text || e->details.n || e->sets_responsible || e->document_count;
}

/* The array has room for one more. */
static void add_responsible(struct task_member_list *members, int64_t user_id)
{
    struct task_member *member = task_member_find(members, user_id);
    if (member)
        member->roles |= TASK_RESPONSIBLE;
    else
        members->items[members->count++] = (struct task_member){ user_id, TASK_RESPONSIBLE };
}

/* Who was responsible loses that role only. */
static struct task_member_list members_after_edit(const struct task_editing *n, const struct task_member_list *before,
                                                  struct arena *a)
{
    const struct task_edit *e = n->edit;
    size_t room = before->count + e->responsible_count + n->people.count + 1;
    struct task_member_list after = { arena_array(a, struct task_member, room), 0 };
    for (size_t i = 0; i < before->count; i++) {
        after.items[i] = before->items[i];
        if (e->sets_responsible)
            after.items[i].roles &= ~TASK_RESPONSIBLE;
    }
    after.count = before->count;
    for (size_t i = 0; e->sets_responsible && i < e->responsible_count; i++)
        add_responsible(&after, e->responsible[i]);
    for (size_t i = 0; e->sets_responsible && i < n->people.count; i++)
        add_responsible(&after, n->people.ids[i]);
    return after;
}

static err_t check_edit(struct meta_tx *tx, struct task_editing *n, const struct task *task,
                        const struct task_member_list *members, struct arena *a)
{
    const struct task_edit *e = n->edit;
    struct task_write *w = &n->w;
    if (task->author_id != w->who->user_id && !w->who->is_admin)
        return core_refuse(a, REASON_TASK_MAY_NOT_REMOVE);
    if (e->sets_text && task_text_is_blank(e->text))
        return core_refuse(a, REASON_TASK_NOTHING_SAID);
    TRY(task_check_people(members->count, e->responsible_count + e->awaited_count, 0, a));
    TRY(task_people_find(tx, w, e->awaited, e->awaited_count, a, &n->people));
    TRY(meta_task_awaited(tx, w->task_id, a, &n->awaited));
    for (size_t i = 0; i < e->responsible_count; i++)
        TRY(task_check_person(tx, w, e->responsible[i], a));
    return NULL;
}

static err_t apply_task_edit(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_editing *n = arg;
    const struct task_edit *e = n->edit;
    struct task_write *w = &n->w;
    struct task task;
    struct task_member_list members;
    struct task_attach attach = { .documents = e->documents, .document_count = e->document_count };
    task_write_begin(w);
    TRY(task_find_for_write(tx, w, a, &task, &members));
    TRY(check_edit(tx, n, &task, &members, a));
    if (!edit_changes_something(e))
        return NULL;
    TRY(task_attach_check(tx, w, &attach, a));

    int64_t old_size = task_record_size(&task);
    task.modified_at_ms = w->now_ms;
    if (e->sets_text)
        task.text = e->text;
    if (e->details.n)
        TRY(task_merge_details(task.details, e->details, e->inner, a, &task.details));
    struct task_member_list after = members_after_edit(n, &members, a);
    int64_t growth =
        task_record_size(&task) - old_size + task_members_growth(&members, &after) + task_attach_growth(&attach);
    if (e->sets_responsible)
        growth += RECORD_BYTES * ((int64_t)n->people.awaited_count - (int64_t)n->awaited.count);
    TRY(task_take_room(tx, w, growth, a));
    TRY(meta_task_update(tx, &task, a));
    TRY(task_event_write(tx, w, S("task.change"), S(""), a));
    TRY(task_members_save(tx, w, &members, &after, a));
    if (e->sets_responsible) {
        TRY(meta_task_await_nobody(tx, task.id, a));
        TRY(task_people_await(tx, &task, &n->people, a));
    }
    return task_attach(tx, w, 0, &attach, a);
}

err_t task_edit(struct core *core, const struct principal *who, const struct task_edit *edit, struct arena *a)
{
    struct task_editing n = { .w = { .core = core, .who = who, .task_id = edit->task_id }, .edit = edit };
    return meta_write(core->meta, apply_task_edit, &n, a);
}
