/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket is two rows, a file that is ISSUED and the ticket itself, made in one write; the file's number is known only
 * there, so the key is put together there.
 *
 * What counts as used   nothing before the bytes are there: files.size_bytes is 0 while ISSUED, and the account's room
 * is taken when they come. Whether they could come (quota, space) is looked at when the ticket is asked for, so that
 * nobody sends for nothing; it is not promised.
 * Order in confirm      everything is looked at inside the write that changes: of a confirmation and a purge, a
 * deletion, or new bytes, one comes first and the other sees what it left. */
#include "core/ticket/ticket.h"

#include "core/event.h"
#include "core/file/lifecycle.h"
#include "core/object/space.h"
#include "core/quota.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/records/user.h"
#include "core/store/document_store.h"
#include "core/store/file_store.h"
#include "core/store/reference_store.h"
#include "core/store/ticket_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"
#include "core/task/document_priv.h"
#include "core/task/task_priv.h"

#include <stdlib.h>

enum { KEY_MAX = 1024 };

static const struct err queue_full = { ERR_UNAVAILABLE, "too many writes are waiting", NULL, ERR_HERE };

/* ---- issue ---- */

struct issue {
    struct core *core;
    const struct principal *who;
    const struct ticket_order *order;
    ticket_done_fn *done;
    void *arg;
    struct meta_write write;
    struct file file;
    struct ticket_issued result;
};

/* The task, if there is one to be hung on. */
static err_t check_task(struct meta_tx *tx, struct issue *i, struct arena *a, struct document *d)
{
    struct task task;
    struct task_members members;
    if (!i->order->task_id)
        return NULL;
    TRY(task_see(tx, i->who, i->order->task_id, a, &task, &members));
    d->task_id = task.id;
    d->task_text = slice_characters(task.text, DOCUMENT_TASK_TEXT_MAX);
    if (!i->order->refuse_duplicate)
        return NULL;
    err_t e = meta_document_named(tx, task.id, i->order->name, a, &i->result.duplicate_id);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    return err_make(a, ERR_CONFLICT, "the task has a file of that name");
}

static err_t make_key(const struct ticket_order *order, int64_t file_id, struct arena *a, slice *ret)
{
    slice parts[] = { order->key_head, arena_printf(a, "%lld", (long long)file_id), order->key_tail };
    slice key = arena_join(a, parts, LENGTH_OF(parts));
    if (key.n > KEY_MAX)
        return err_make(a, ERR_INVALID, "the key has more than %d bytes", KEY_MAX);
    *ret = key;
    return NULL;
}

static err_t apply_issue(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct issue *i = arg;
    const struct ticket_order *order = i->order;
    struct user owner;
    i->result = (struct ticket_issued){ .document = { .file = i->file, .has_ticket = true } };
    struct document *d = &i->result.document;
    TRY(check_task(tx, i, a, d));
    TRY(quota_check(i->core, tx, i->who->account_id, (int64_t)order->declared_bytes, 1, a));
    TRY(meta_user_get(tx, i->who->user_id, a, &owner));
    TRY(meta_file_add(tx, &d->file, a, &d->file.id));
    d->owner_name = owner.name;
    d->ticket = (struct ticket){
        .file_id = d->file.id,
        .bucket_id = order->bucket_id,
        .declared_bytes = order->declared_bytes,
        .expires_at_ms = i->file.created_at_ms + order->lifetime_ms,
        .task_id = order->task_id,
    };
    TRY(make_key(order, d->file.id, a, &d->ticket.key));
    TRY(meta_ticket_add(tx, &d->ticket, a));
    return event_write(tx, i->file.created_at_ms, i->who, 0, S("file.issue"), event_file(a, &d->file), order->name, a);
}

static void issued(struct meta_write *write, err_t e)
{
    struct issue *i = CONTAINER_OF(write, struct issue, write);
    i->done(i->arg, e, &i->result);
    free(i);
}

void ticket_issue(struct core *core, const struct principal *who, const struct ticket_order *order,
                  ticket_done_fn *done, void *arg)
{
    SCRATCH(scratch);
    struct ticket_issued nothing = { 0 };
    err_t e = order->declared_bytes > INT64_MAX ? err_make(&scratch, ERR_QUOTA, "nobody has that much room")
                                                : space_check(core, order->declared_bytes, &scratch);
    if (e) {
        done(arg, e, &nothing);
        return;
    }
    int64_t now_ms = core_now_ms(core);
    struct issue *i = must_malloc(sizeof *i);
    *i = (struct issue){ .core = core,
                         .who = who,
                         .order = order,
                         .done = done,
                         .arg = arg,
                         .write = { .apply = apply_issue, .arg = i, .done = issued },
                         .file = { .account_id = who->account_id,
                                   .owner_id = who->user_id,
                                   .owner_login = who->login,
                                   .way = order->way,
                                   .name = order->name,
                                   .content_type = order->content_type,
                                   .state = FILE_ISSUED,
                                   .created_at_ms = now_ms,
                                   .purge_at_ms = now_ms + order->pending_ms } };
    random_uuid(core->random, i->file.uuid);
    if (meta_submit(core->meta, &i->write))
        return; /* `i` may be gone already */
    free(i);
    done(arg, &queue_full, &nothing);
}

/* ---- confirm ---- */

struct confirmation {
    struct core *core;
    const struct principal *who;
    int64_t file_id;
    enum ticket_refusal why;
};

static const struct {
    enum err_code code;
    const char *text;
} refusals[] = {
    [TICKET_NOT_THERE] = { ERR_NOT_FOUND, "no such ticket" },
    [TICKET_NO_BYTES] = { ERR_EMPTY, "nothing was uploaded" },
    [TICKET_BAD_SIZE] = { ERR_INVALID, "the bytes are not as many as declared" },
    [TICKET_TOO_MANY] = { ERR_TOO_LARGE, "the task has too many files" },
};

static err_t refuse(struct confirmation *c, enum ticket_refusal why, struct arena *a)
{
    c->why = why;
    return err_make(a, refusals[why].code, "%s", refusals[why].text);
}

/* The ticket, pending or not, and the task that it leads to. */
static err_t find(struct meta_tx *tx, struct confirmation *c, int64_t now_ms, struct arena *a, struct document *ret)
{
    struct task task;
    struct task_members members;
    TRY(document_see(tx, c->who, c->file_id, now_ms, a, ret));
    if (!ret->has_ticket)
        return err_make(a, ERR_NOT_FOUND, "the file came without a ticket");
    if (document_is_pending(ret) && ret->ticket.task_id)
        TRY(task_see(tx, c->who, ret->ticket.task_id, a, &task, &members));
    return NULL;
}

/* From now on it is a file like any other: held by its task, or kept until somebody deletes it. */
static err_t keep(struct meta_tx *tx, struct confirmation *c, const struct document *d, int64_t now_ms, struct arena *a)
{
    if (!d->ticket.task_id)
        return meta_file_move(tx, d->file.id, FILE_STORED, FILE_READY, 0, a);
    struct reference reference = { .account_id = d->file.account_id,
                                   .task_id = d->ticket.task_id,
                                   .comment_id = d->ticket.comment_id,
                                   .file_id = d->file.id,
                                   .name = d->file.name,
                                   .created_at_ms = now_ms };
    int64_t have;
    TRY(meta_reference_count(tx, d->ticket.task_id, a, &have));
    if (have >= TASK_REFERENCES_MAX)
        return refuse(c, TICKET_TOO_MANY, a);
    TRY(file_hold(tx, d->file.id, now_ms, a));
    return meta_reference_add(tx, &reference, a);
}

static err_t apply_confirm(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct confirmation *c = arg;
    int64_t now_ms = core_now_ms(c->core);
    struct document d;
    c->why = TICKET_NO_REFUSAL;
    err_t e = find(tx, c, now_ms, a, &d);
    if (err_is(e, ERR_NOT_FOUND))
        return refuse(c, TICKET_NOT_THERE, a);
    TRY(e);
    if (!document_is_pending(&d))
        return NULL; /* once more: what was confirmed stays as it is */
    if (d.file.state != FILE_STORED)
        return refuse(c, TICKET_NO_BYTES, a);
    if (d.file.size_bytes != d.ticket.declared_bytes)
        return refuse(c, TICKET_BAD_SIZE, a);
    TRY(keep(tx, c, &d, now_ms, a));
    TRY(meta_ticket_confirm(tx, d.file.id, now_ms, a));
    return event_write(tx, now_ms, c->who, 0, S("file.confirm"), event_file(a, &d.file), d.file.name, a);
}

err_t ticket_confirm(struct core *core, const struct principal *who, int64_t file_id, struct arena *a,
                     enum ticket_refusal *ret_why, struct document *ret)
{
    struct confirmation c = { .core = core, .who = who, .file_id = file_id };
    err_t e = meta_write(core->meta, apply_confirm, &c, a);
    *ret_why = c.why;
    TRY(e);
    e = document_get(core, who, file_id, a, ret);
    if (err_is(e, ERR_NOT_FOUND)) /* somebody deleted it in between */
        *ret_why = TICKET_NOT_THERE;
    return e;
}
