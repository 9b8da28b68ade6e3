/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: a task or comment holds exactly the files of its references (reference_holder). hold_add runs before a
 * reference is added, and hold_remove or holder_end after it was removed, in the same write. So of an attach and a purge of
 * the same file exactly one succeeds.
 * A document that is not confirmed yet has no reference: its ticket names the task or comment that ticket_confirm gives it to. */
#include "core/task/task_attach.h"

#include "core/event.h"
#include "core/file/hold.h"
#include "core/file/lifecycle.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/document_store.h"
#include "core/store/file_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/store/ticket_store.h"
#include "core/task/document.h"
#include "core/task/task_attach_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- attachments ---- */

/* A file that came by ticket can be attached only once it is confirmed. */
static err_t check_confirmed(struct meta_tx *tx, int64_t file_id, struct arena *a)
{
    struct ticket ticket;
    err_t e = meta_ticket_get(tx, file_id, a, &ticket);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL; /* it came without a ticket */
    TRY(e);
    return ticket.confirmed_at_ms ? NULL : err_make(a, ERR_NOT_FOUND, "the upload has not been confirmed");
}

static err_t read_existing(struct meta_tx *tx, const struct task_write *w, struct task_attach *t, struct arena *a)
{
    struct reference_list existing;
    if (t->existing || !w->task_id)
        return NULL;
    TRY(meta_reference_list(tx, w->task_id, a, &existing));
    t->existing = existing.items;
    t->existing_count = existing.count;
    return NULL;
}

/* The root_id of the document of which `version_id` is a version. The version that gave the root its id may have been
 * removed, so root_id itself counts as a version too. */
static err_t find_root(struct meta_tx *tx, const struct task_write *w, struct task_attach *t, int64_t version_id,
                       struct arena *a, int64_t *ret_root_id)
{
    TRY(read_existing(tx, w, t, a));
    for (size_t i = 0; i < t->existing_count; i++) {
        const struct reference *r = &t->existing[i];
        if (r->file_id && (r->id == version_id || r->root_id == version_id)) {
            *ret_root_id = r->root_id;
            return NULL;
        }
    }
    return err_make(a, ERR_NOT_FOUND, "no such document in this task");
}

static err_t check_uploaded_file(struct meta_tx *tx, const struct task_write *w, struct task_attach *t,
                                 const struct attachment *from, struct arena *a, struct reference *ret)
{
    struct file file;
    TRY(meta_file_by_uuid(tx, from->uuid, a, &file));
    bool has_bytes = file.state == FILE_STORED || file.state == FILE_READY;
    if (file.account_id != w->who->account_id || file.owner_id != w->who->user_id || !has_bytes ||
        file_purge_is_due(&file, w->now_ms) || (from->if_waiting && file.state != FILE_STORED))
        return err_make(a, ERR_NOT_FOUND, "no such upload");
    TRY(check_confirmed(tx, file.id, a));
    ret->file_id = file.id;
    ret->name = file.name;
    return from->root_id ? find_root(tx, w, t, from->root_id, a, &ret->root_id) : NULL;
}

static err_t check_seen(struct meta_tx *tx, const struct task_write *w, struct task_attach *t, int64_t task_id,
                        struct arena *a)
{
    for (size_t i = 0; i < t->seen_count; i++)
        if (t->seen[i] == task_id)
            return NULL;
    TRY(task_check_visible(tx, w->who, task_id, a));
    t->seen[t->seen_count++] = task_id;
    return NULL;
}

/* Look one attachment up; *ret is the reference that will be added for it. */
static err_t check_attachment(struct meta_tx *tx, const struct task_write *w, struct task_attach *t,
                              const struct attachment *from, struct arena *a, struct reference *ret)
{
    *ret = (struct reference){ .account_id = w->who->account_id, .created_at_ms = w->now_ms };
    if (from->kind == ATTACH_UPLOAD)
        return check_uploaded_file(tx, w, t, from, a, ret);
    if (from->kind == ATTACH_LINK) {
        ret->url = from->url;
        ret->name = from->name;
        return NULL;
    }
    struct reference other;
    TRY(meta_reference_get(tx, from->reference_id, a, &other));
    TRY(check_seen(tx, w, t, other.task_id, a));
    ret->file_id = other.file_id;
    ret->url = other.url;
    ret->name = other.name;
    return NULL;
}

static err_t check_attachments(struct meta_tx *tx, struct task_write *w, struct task_attach *t, struct arena *a)
{
    for (size_t i = 0; i < t->attachment_count; i++) {
        err_t e = check_attachment(tx, w, t, &t->attachments[i], a, &t->references[t->reference_count]);
        if (err_is(e, ERR_NOT_FOUND) && t->attachments[i].if_waiting)
            continue;
        if (err_is(e, ERR_NOT_FOUND))
            return core_refuse(a, REASON_TASK_BAD_ATTACHMENT);
        TRY(e);
        t->reference_count++;
    }
    return NULL;
}

/* ---- documents ---- */

static int compare_attached_ids(const void *left, const void *right)
{
    int64_t l = *(const int64_t *)left, r = *(const int64_t *)right;
    return (l > r) - (l < r);
}

/* Sort the ids and drop those that are there twice. Returns how many are left. */
static size_t sort_unique(int64_t *ids, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(ids, count, sizeof *ids, compare_attached_ids);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

/* A document can be attached when it is the user's own, has its bytes or a pending ticket, and belongs to no other task.
 * One that is attached to this task already stays where it is. */
static err_t check_new_document(struct meta_tx *tx, struct task_write *w, int64_t file_id, struct task_attach *t,
                                struct arena *a)
{
    struct document d;
    err_t e = meta_document_get(tx, file_id, a, &d);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    bool is_own = !e && d.file.account_id == w->who->account_id && d.file.owner_id == w->who->user_id &&
                  !file_purge_is_due(&d.file, w->now_ms);
    bool is_here = is_own && w->task_id && d.task_id == w->task_id;
    bool is_pending = is_own && document_is_pending(&d);
    if (!is_own || (d.task_id && !is_here) || (!is_pending && !d.file.object_id))
        return core_refuse(a, REASON_TASK_BAD_DOCUMENT);
    if (is_here)
        return NULL;
    if (is_pending)
        t->pending[t->pending_count++] = file_id;
    else
        t->references[t->reference_count++] = (struct reference){
            .account_id = w->who->account_id, .file_id = file_id, .name = d.file.name, .created_at_ms = w->now_ms
        };
    return NULL;
}

static err_t check_documents(struct meta_tx *tx, struct task_write *w, struct task_attach *t, struct arena *a)
{
    int64_t *ids = arena_array(a, int64_t, t->document_count + 1);
    for (size_t i = 0; i < t->document_count; i++)
        ids[i] = t->documents[i];
    size_t count = sort_unique(ids, t->document_count);
    for (size_t i = 0; i < count; i++)
        TRY(check_new_document(tx, w, ids[i], t, a));
    return NULL;
}

err_t task_check_document(struct meta_tx *tx, struct task_write *w, int64_t file_id, struct arena *a)
{
    struct reference_list references;
    TRY(meta_reference_list_file(tx, file_id, a, &references)); /* none while it is pending */
    for (size_t i = 0; i < references.count; i++)
        if (references.items[i].task_id == w->task_id)
            return NULL;
    return core_refuse(a, REASON_TASK_BAD_DOCUMENT);
}

/* ---- attaching ---- */

err_t task_attach_check(struct meta_tx *tx, struct task_write *w, struct task_attach *t, struct arena *a)
{
    int64_t present = 0;
    const size_t max = TASK_ATTACHED_AT_ONCE_MAX;
    if (t->attachment_count > max || t->document_count > max - t->attachment_count)
        return core_refuse(a, REASON_TASK_TOO_MANY_AT_ONCE);
    if (w->task_id)
        TRY(meta_reference_count(tx, w->task_id, a, &present));
    if (present + (int64_t)(t->attachment_count + t->document_count) > TASK_REFERENCES_MAX)
        return core_refuse(a, REASON_TASK_TOO_MANY_REFERENCES);
    t->seen = arena_array(a, int64_t, t->attachment_count + 1);
    t->seen_count = 0;
    t->references = arena_array(a, struct reference, t->attachment_count + t->document_count + 1);
    t->pending = arena_array(a, int64_t, t->document_count + 1);
    t->reference_count = t->pending_count = t->existing_count = 0;
    t->existing = NULL;
    TRY(check_attachments(tx, w, t, a));
    return check_documents(tx, w, t, a);
}

int64_t task_attach_growth(const struct task_attach *t)
{
    int64_t growth = 0;
    for (size_t i = 0; i < t->reference_count; i++)
        growth += reference_record_size(&t->references[i]);
    return growth;
}

/* In ascending order of file ids, so that two writes that attach the same files never wait for each other. */
static err_t hold_files(struct meta_tx *tx, const struct task_write *w, struct holder holder,
                        const struct task_attach *t, struct arena *a)
{
    int64_t *ids = arena_array(a, int64_t, t->reference_count + 1);
    size_t files = 0;
    for (size_t i = 0; i < t->reference_count; i++)
        if (t->references[i].file_id)
            ids[files++] = t->references[i].file_id;
    files = sort_unique(ids, files);
    for (size_t i = 0; i < files; i++)
        TRY(hold_add(tx, ids[i], holder, w->now_ms, a));
    return NULL;
}

err_t task_attach(struct meta_tx *tx, const struct task_write *w, int64_t comment_id, struct task_attach *t,
                  struct arena *a)
{
    TRY(hold_files(tx, w, task_holder_of(w->task_id, comment_id), t, a));
    for (size_t i = 0; i < t->reference_count; i++) {
        struct reference *r = &t->references[i];
        r->task_id = w->task_id;
        r->comment_id = comment_id;
        TRY(meta_reference_add(tx, r, a));
        TRY(task_event_write(tx, w, S("task.attach"),
                             arena_printf(a, "reference:%lld " SLICE_FMT, (long long)r->id, SLICE_ARG(r->name)), a));
    }
    for (size_t i = 0; i < t->pending_count; i++)
        TRY(meta_ticket_set_holder(tx, t->pending[i], task_holder_of(w->task_id, comment_id), a));
    return NULL;
}

err_t task_attach_file(struct meta_tx *tx, struct reference *reference, int64_t now_ms, struct arena *a)
{
    int64_t present;
    TRY(meta_task_lock(tx, reference->task_id, a));
    TRY(meta_reference_count(tx, reference->task_id, a, &present));
    if (present >= TASK_REFERENCES_MAX)
        return err_make(a, ERR_TOO_LARGE, "the task has %d references", TASK_REFERENCES_MAX);
    /* One for each ticket, which was counted against all limits when it was issued. */
    struct account_use more = { .records = reference_record_size(reference) };
    TRY(meta_account_use(tx, reference->account_id, &more, a));
    TRY(hold_add(tx, reference->file_id, reference_holder(reference), now_ms, a));
    return meta_reference_add(tx, reference, a);
}

/* ---- removing what held files ---- */

enum { PENDING_DELETED_AT_ONCE = 100 }; /* in one write */

static err_t list_pending(struct meta_tx *tx, const struct task_write *w, int64_t comment_id, struct arena *a,
                          struct file_id_list *ret)
{
    struct ticket_list tickets;
    if (!comment_id)
        return meta_document_pending(tx, w->task_id, PENDING_DELETED_AT_ONCE, a, ret);
    TRY(meta_ticket_pending(tx, task_holder_of(w->task_id, comment_id), PENDING_DELETED_AT_ONCE, a, &tickets));
    *ret = (struct file_id_list){ arena_array(a, int64_t, tickets.count + 1), tickets.count };
    for (size_t i = 0; i < tickets.count; i++)
        ret->items[i] = tickets.items[i].file_id;
    return NULL;
}

err_t task_delete_pending(struct meta_tx *tx, struct task_write *w, int64_t comment_id, struct arena *a)
{
    struct file_id_list pending;
    TRY(list_pending(tx, w, comment_id, a, &pending));
    for (size_t i = 0; i < pending.count; i++)
        TRY(file_remove(tx, pending.items[i], w->now_ms, w->who, S("file.delete"), a));
    w->more = pending.count == PENDING_DELETED_AT_ONCE;
    return NULL;
}
