/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket is two rows that one write makes: a file that is ISSUED, and the ticket itself. The file id is known only
 * inside that write, so the key is built there.
 *
 * Usage     The account is charged when the bytes come; while a file is ISSUED its size_bytes is 0. When the ticket is
 *           issued, quota and free space are only checked, so that a client does not upload in vain. They are not
 *           reserved, so the upload may still be refused.
 * Confirm   Everything is checked inside the write that confirms. Writes run one after the other, so a purge, a
 *           deletion, or new bytes come either wholly before or wholly after it. */
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
#include "core/store/ticket_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"
#include "core/task/task_attach.h"
#include "core/task/task_visibility.h"

#include <stdlib.h>

enum { KEY_MAX = 1024 };

static const struct err queue_full = { .code = ERR_UNAVAILABLE,
                                       .msg = "too many writes are waiting",
                                       .where = ERR_HERE };

/* ---- issuing ---- */

struct ticket_issuing {
    struct core *core;
    const struct principal *who;
    const struct ticket_request *request;
    ticket_done_fn *done;
    void *arg;
    struct meta_write write;
    struct file file;
    struct ticket_issued result;
};

static err_t check_duplicate(struct meta_tx *tx, struct ticket_issuing *i, struct arena *a)
{
    err_t e = meta_document_named(tx, i->request->task_id, i->request->name, a, &i->result.duplicate_id);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    return err_make(a, ERR_CONFLICT, "the task has a file of that name");
}

/* The task that the request names must be visible. */
static err_t check_task(struct meta_tx *tx, struct ticket_issuing *i, struct arena *a, struct document *d)
{
    struct task task;
    struct task_member_list members;
    if (!i->request->task_id)
        return NULL;
    TRY(task_find_visible(tx, i->who, i->request->task_id, a, &task, &members));
    d->task_id = task.id;
    d->task_text = slice_characters(task.text, DOCUMENT_TASK_TEXT_MAX);
    return i->request->refuse_duplicate ? check_duplicate(tx, i, a) : NULL;
}

static err_t make_key(const struct ticket_request *request, int64_t file_id, struct arena *a, slice *ret)
{
    slice parts[] = { request->key_head, arena_printf(a, "%lld", (long long)file_id), request->key_tail };
    slice key = arena_join(a, parts, LENGTH_OF(parts));
    if (key.n > KEY_MAX)
        return err_make(a, ERR_INVALID, "the key has more than %d bytes", KEY_MAX);
    *ret = key;
    return NULL;
}

static err_t apply_ticket_issue(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ticket_issuing *i = arg;
    const struct ticket_request *request = i->request;
    int64_t now_ms = i->file.created_at_ms;
    struct user owner;
    i->result = (struct ticket_issued){ .document = { .file = i->file, .has_ticket = true } };
    struct document *d = &i->result.document;
    TRY(check_task(tx, i, a, d));
    TRY(quota_check(i->core, tx, i->who->account_id, (int64_t)request->declared_bytes, 1, a));
    TRY(meta_user_get(tx, i->who->user_id, a, &owner));
    TRY(meta_file_add(tx, &d->file, a, &d->file.id));
    d->owner_name = owner.name;
    d->ticket = (struct ticket){
        .file_id = d->file.id,
        .bucket_id = request->bucket_id,
        .declared_bytes = request->declared_bytes,
        .expires_at_ms = now_ms + request->lifetime_ms,
        .task_id = request->task_id,
    };
    TRY(make_key(request, d->file.id, a, &d->ticket.key));
    TRY(meta_ticket_add(tx, &d->ticket, a));
    struct event_params event = { .at_ms = now_ms,
                                  .who = i->who,
                                  .action = S("file.issue"),
                                  .subject = event_file(a, &d->file),
                                  .detail = request->name };
    return event_write(tx, &event, a);
}

static void finish_ticket_issue(struct meta_write *write, err_t e)
{
    struct ticket_issuing *i = CONTAINER_OF(write, struct ticket_issuing, write);
    i->done(i->arg, e, &i->result);
    free(i);
}

void ticket_issue(struct core *core, const struct principal *who, const struct ticket_request *request,
                  ticket_done_fn *done, void *arg)
{
    SCRATCH(scratch);
    struct ticket_issued nothing = { 0 };
    err_t e = request->declared_bytes > INT64_MAX ? err_make(&scratch, ERR_QUOTA, "nobody has that much room")
                                                  : space_check(core, request->declared_bytes, &scratch);
    if (e) {
        done(arg, e, &nothing);
        return;
    }
    int64_t now_ms = core_now_ms(core);
    struct ticket_issuing *i = must_malloc(sizeof *i);
    *i = (struct ticket_issuing){ .core = core,
                                  .who = who,
                                  .request = request,
                                  .done = done,
                                  .arg = arg,
                                  .write = { .apply = apply_ticket_issue, .arg = i, .done = finish_ticket_issue },
                                  .file = { .account_id = who->account_id,
                                            .owner_id = who->user_id,
                                            .owner_login = who->login,
                                            .origin = request->origin,
                                            .name = request->name,
                                            .content_type = request->content_type,
                                            .state = FILE_ISSUED,
                                            .created_at_ms = now_ms,
                                            .purge_at_ms = now_ms + request->pending_ms } };
    random_uuid(core->random, i->file.uuid);
    if (meta_submit(core->meta, &i->write))
        return; /* the write may have ended already, and `i` with it */
    free(i);
    done(arg, &queue_full, &nothing);
}

/* ---- confirming ---- */

struct ticket_confirmation {
    struct core *core;
    const struct principal *who;
    int64_t file_id;
};

/* The document and its ticket, pending or not. While it is pending, the user must still see the task of the ticket. */
static err_t find_ticket_document(struct meta_tx *tx, const struct ticket_confirmation *c, int64_t now_ms,
                                  struct arena *a, struct document *ret)
{
    struct task task;
    struct task_member_list members;
    TRY(document_find_visible(tx, c->who, c->file_id, now_ms, a, ret));
    if (!ret->has_ticket)
        return err_make(a, ERR_NOT_FOUND, "the file came without a ticket");
    if (document_is_pending(ret) && ret->ticket.task_id)
        TRY(task_find_visible(tx, c->who, ret->ticket.task_id, a, &task, &members));
    return NULL;
}

/* From now on the file is like any other: held by its task or, without a task, kept until it is deleted. */
static err_t keep_file(struct meta_tx *tx, const struct document *d, int64_t now_ms, struct arena *a)
{
    if (!d->ticket.task_id)
        return meta_file_keep(tx, d->file.id, now_ms, a);
    struct reference reference = { .account_id = d->file.account_id,
                                   .task_id = d->ticket.task_id,
                                   .comment_id = d->ticket.comment_id,
                                   .file_id = d->file.id,
                                   .name = d->file.name,
                                   .created_at_ms = now_ms };
    err_t e = task_attach_file(tx, &reference, now_ms, a);
    return err_is(e, ERR_TOO_LARGE) ? core_refuse(a, REASON_TICKET_TOO_MANY) : e;
}

static err_t apply_ticket_confirm(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ticket_confirmation *c = arg;
    int64_t now_ms = core_now_ms(c->core);
    struct document d;
    err_t e = find_ticket_document(tx, c, now_ms, a, &d);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_TICKET_NOT_THERE);
    TRY(e);
    if (!document_is_pending(&d))
        return NULL; /* confirmed before */
    if (d.file.state != FILE_STORED)
        return core_refuse(a, REASON_TICKET_NO_BYTES);
    if (d.file.size_bytes != d.ticket.declared_bytes)
        return core_refuse(a, REASON_TICKET_BAD_SIZE);
    TRY(keep_file(tx, &d, now_ms, a));
    TRY(meta_ticket_confirm(tx, d.file.id, now_ms, a));
    struct event_params event = { .at_ms = now_ms,
                                  .who = c->who,
                                  .action = S("file.confirm"),
                                  .subject = event_file(a, &d.file),
                                  .detail = d.file.name };
    return event_write(tx, &event, a);
}

err_t ticket_confirm(struct core *core, const struct principal *who, int64_t file_id, struct arena *a,
                     struct document *ret)
{
    struct ticket_confirmation c = { .core = core, .who = who, .file_id = file_id };
    TRY(meta_write(core->meta, apply_ticket_confirm, &c, a));
    err_t e = document_get(core, who, file_id, a, ret);
    /* deleted between the write and this look */
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_TICKET_NOT_THERE) : e;
}
