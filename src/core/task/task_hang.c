/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs on tasks and comments.
 * Invariant: a reference with a file_id holds that file (file_hold before the reference is added), and file_release or
 * file_end is called after it is gone: whichever of an attach and a purge comes first wins completely.
 * A document that is not confirmed yet has no reference: its ticket says where it will hang (ticket.h). */
#include "core/event.h"
#include "core/file/lifecycle.h"
#include "core/store/document_store.h"
#include "core/store/file_store.h"
#include "core/store/reference_store.h"
#include "core/store/ticket_store.h"
#include "core/task/document_priv.h"
#include "core/task/task_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- attachments ---- */

/* What came by ticket is nobody's to attach before it is confirmed. */
static err_t check_confirmed(struct meta_tx *tx, int64_t file_id, struct arena *a)
{
    struct ticket ticket;
    err_t e = meta_ticket_get(tx, file_id, a, &ticket);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL; /* it came in directly */
    TRY(e);
    return ticket.confirmed_at_ms ? NULL : err_make(a, ERR_NOT_FOUND, "the upload has not been confirmed");
}

static err_t read_held(struct meta_tx *tx, struct task_write *w, struct task_hanging *h, struct arena *a)
{
    struct reference *held;
    if (h->held || !w->task_id)
        return NULL;
    TRY(meta_reference_list(tx, w->task_id, a, &held, &h->held_count));
    h->held = held;
    return NULL;
}

/* The chain to which a version belongs. Its first one gave the chain its number, and need not be there any more. */
static err_t find_root(struct meta_tx *tx, struct task_write *w, struct task_hanging *h, int64_t version_id,
                       struct arena *a, int64_t *ret_root_id)
{
    TRY(read_held(tx, w, h, a));
    for (size_t i = 0; i < h->held_count; i++)
        if (h->held[i].file_id && (h->held[i].id == version_id || h->held[i].root_id == version_id)) {
            *ret_root_id = h->held[i].root_id;
            return NULL;
        }
    return err_make(a, ERR_NOT_FOUND, "no such document in this task");
}

/* Look one attachment up; ret is the reference it will become. */
static err_t check_attachment(struct meta_tx *tx, struct task_write *w, struct task_hanging *h, int64_t now_ms,
                              const struct attachment *from, struct arena *a, struct reference *ret)
{
    const struct principal *who = w->who;
    *ret = (struct reference){ .account_id = who->account_id, .created_at_ms = now_ms };
    if (from->kind == ATTACH_LINK) {
        ret->url = from->url;
        ret->name = from->name;
        return NULL;
    }
    if (from->kind == ATTACH_AGAIN) {
        struct reference other;
        TRY(task_see_reference(tx, who, from->reference_id, a, &other));
        ret->file_id = other.file_id;
        ret->url = other.url;
        ret->name = other.name;
        return NULL;
    }
    struct file file;
    TRY(meta_file_by_uuid(tx, from->uuid, a, &file));
    bool has_bytes = file.state == FILE_STORED || file.state == FILE_READY;
    if (file.account_id != who->account_id || file.owner_id != who->user_id || !has_bytes ||
        file_is_past(&file, now_ms))
        return err_make(a, ERR_NOT_FOUND, "no such upload");
    TRY(check_confirmed(tx, file.id, a));
    ret->file_id = file.id;
    ret->name = file.name;
    return from->root_id ? find_root(tx, w, h, from->root_id, a, &ret->root_id) : NULL;
}

static err_t check_attachments(struct meta_tx *tx, struct task_write *w, struct task_hanging *h, int64_t now_ms,
                               struct arena *a)
{
    for (size_t i = 0; i < h->attachment_count; i++) {
        err_t e = check_attachment(tx, w, h, now_ms, &h->attachments[i], a, &h->references[h->reference_count]);
        if (err_is(e, ERR_NOT_FOUND))
            return task_refuse(TASK_BAD_ATTACHMENT, a, &w->why);
        TRY(e);
        h->reference_count++;
    }
    return NULL;
}

/* ---- documents ---- */

static int by_number(const void *left, const void *right)
{
    int64_t l = *(const int64_t *)left, r = *(const int64_t *)right;
    return (l > r) - (l < r);
}

/* Sorted, each once. Returns how many are left. */
static size_t each_once(int64_t *ids, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(ids, count, sizeof *ids, by_number);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

/* One document that is to be claimed. What hangs on this task already stays where it is. */
static err_t check_document(struct meta_tx *tx, struct task_write *w, int64_t file_id, struct task_hanging *h,
                            int64_t now_ms, struct arena *a)
{
    struct document d;
    err_t e = meta_document_get(tx, file_id, a, &d);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    bool is_own = !e && d.file.account_id == w->who->account_id && d.file.owner_id == w->who->user_id &&
                  !file_is_past(&d.file, now_ms);
    bool is_here = is_own && w->task_id && d.task_id == w->task_id;
    bool is_pending = is_own && document_is_pending(&d);
    if (!is_own || (d.task_id && !is_here) || (!is_pending && !d.file.object_id))
        return task_refuse(TASK_BAD_DOCUMENT, a, &w->why);
    if (is_here)
        return NULL;
    if (is_pending)
        h->pending[h->pending_count++] = file_id;
    else
        h->references[h->reference_count++] = (struct reference){
            .account_id = w->who->account_id, .file_id = file_id, .name = d.file.name, .created_at_ms = now_ms
        };
    return NULL;
}

err_t task_hang_check(struct meta_tx *tx, struct task_write *w, struct task_hanging *h, int64_t now_ms, struct arena *a)
{
    int64_t have = 0;
    if (w->task_id)
        TRY(meta_reference_count(tx, w->task_id, a, &have));
    size_t most = TASK_REFERENCES_MAX;
    if (h->attachment_count > most || h->document_count > most ||
        have + (int64_t)(h->attachment_count + h->document_count) > (int64_t)most)
        return task_refuse(TASK_TOO_MANY_REFERENCES, a, &w->why);
    h->references = arena_array(a, struct reference, h->attachment_count + h->document_count + 1);
    h->pending = arena_array(a, int64_t, h->document_count + 1);
    h->reference_count = h->pending_count = h->held_count = 0;
    h->held = NULL;
    TRY(check_attachments(tx, w, h, now_ms, a));
    int64_t *ids = arena_array(a, int64_t, h->document_count + 1);
    for (size_t i = 0; i < h->document_count; i++)
        ids[i] = h->document_ids[i];
    size_t count = each_once(ids, h->document_count);
    for (size_t i = 0; i < count; i++)
        TRY(check_document(tx, w, ids[i], h, now_ms, a));
    return NULL;
}

err_t task_hang(struct meta_tx *tx, const struct task_write *w, int64_t task_id, int64_t comment_id,
                struct task_hanging *h, int64_t now_ms, struct arena *a)
{
    for (size_t i = 0; i < h->reference_count; i++) {
        struct reference *r = &h->references[i];
        r->task_id = task_id;
        r->comment_id = comment_id;
        if (r->file_id)
            TRY(file_hold(tx, r->file_id, now_ms, a));
        TRY(meta_reference_add(tx, r, a));
        TRY(task_tell(tx, w, now_ms, S("task.attach"), task_id,
                      arena_printf(a, "reference:%lld " SLICE_FMT, (long long)r->id, SLICE_ARG(r->name)), a));
    }
    for (size_t i = 0; i < h->pending_count; i++)
        TRY(meta_ticket_set_place(tx, h->pending[i], task_id, comment_id, a));
    return NULL;
}

err_t task_check_file(struct meta_tx *tx, struct task_write *w, int64_t file_id, struct arena *a)
{
    struct reference *held;
    size_t count;
    TRY(meta_reference_list_file(tx, file_id, a, &held, &count)); /* none while it is pending */
    for (size_t i = 0; i < count; i++)
        if (held[i].task_id == w->task_id)
            return NULL;
    return task_refuse(TASK_BAD_DOCUMENT, a, &w->why);
}

/* ---- letting go ---- */

enum { ENDED_AT_ONCE = 500 }; /* pending tickets in one write */

err_t task_end_pending(struct meta_tx *tx, const struct task_write *w, int64_t task_id, int64_t comment_id,
                       int64_t now_ms, struct arena *a, bool *ret_more)
{
    struct ticket *tickets;
    size_t count;
    TRY(meta_ticket_pending(tx, task_id, comment_id, ENDED_AT_ONCE, a, &tickets, &count));
    for (size_t i = 0; i < count; i++)
        TRY(file_end(tx, tickets[i].file_id, now_ms, w->who, S("file.delete"), a));
    *ret_more = count == ENDED_AT_ONCE;
    return NULL;
}

err_t task_held_files(struct meta_tx *tx, int64_t task_id, int64_t comment_id, struct arena *a, int64_t **ret_files,
                      size_t *ret_count)
{
    struct reference *references;
    size_t count, files = 0;
    TRY(meta_reference_list(tx, task_id, a, &references, &count));
    int64_t *ids = arena_array(a, int64_t, count + 1);
    for (size_t i = 0; i < count; i++)
        if (references[i].file_id && (!comment_id || references[i].comment_id == comment_id))
            ids[files++] = references[i].file_id;
    *ret_files = ids;
    *ret_count = each_once(ids, files);
    return NULL;
}

err_t task_let_go(struct meta_tx *tx, const struct task_write *w, const int64_t *files, size_t count, int64_t now_ms,
                  struct arena *a)
{
    for (size_t i = 0; i < count; i++) {
        struct ticket unused;
        int64_t holds;
        err_t no_ticket = meta_ticket_get(tx, files[i], a, &unused);
        if (no_ticket && no_ticket->code != ERR_NOT_FOUND)
            return no_ticket;
        TRY(meta_reference_holds(tx, files[i], a, &holds));
        if (no_ticket)
            TRY(file_release(tx, files[i], now_ms + w->purge_after_ms, a));
        else if (holds == 0)
            TRY(file_end(tx, files[i], now_ms, w->who, S("file.delete"), a));
    }
    return NULL;
}
