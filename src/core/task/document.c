/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/document.h"

#include "core/event.h"
#include "core/file/hold.h"
#include "core/file/lifecycle.h"
#include "core/reasons.h"
#include "core/store/account_store.h"
#include "core/store/document_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_visibility.h"

static err_t no_such_document(struct arena *a)
{
    return core_refuse(a, REASON_FILE_NOT_VISIBLE);
}

/* ---- finding ---- */

/* Does the user see one of the tasks that hold the file? Errors: NOT_FOUND. */
static err_t check_visible_by_task(struct meta_tx *tx, const struct principal *who, int64_t file_id, struct arena *a)
{
    struct reference_list references;
    struct task task;
    struct task_member_list members;
    TRY(meta_reference_list_file(tx, file_id, a, &references));
    for (size_t i = 0; i < references.count; i++) {
        if (i > 0 && references.items[i].task_id == references.items[i - 1].task_id)
            continue; /* looked at already */
        err_t e = task_find_visible(tx, who, references.items[i].task_id, a, &task, &members);
        if (!err_is(e, ERR_NOT_FOUND))
            return e;
    }
    return no_such_document(a);
}

err_t document_find_visible(struct meta_tx *tx, const struct principal *who, int64_t file_id, int64_t now_ms,
                            struct arena *a, struct document *ret)
{
    struct document d;
    err_t e = meta_document_get(tx, file_id, a, &d);
    if (err_is(e, ERR_NOT_FOUND))
        return no_such_document(a);
    TRY(e);
    bool is_own = d.file.owner_id == who->user_id;
    if (d.file.account_id != who->account_id || file_purge_is_due(&d.file, now_ms) ||
        (document_is_pending(&d) && !is_own))
        return no_such_document(a);
    if (!d.has_ticket && !is_own && !who->is_admin)
        TRY(check_visible_by_task(tx, who, file_id, a));
    *ret = d;
    return NULL;
}

err_t document_get(struct core *core, const struct principal *who, int64_t file_id, struct arena *a,
                   struct document *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return document_find_visible(tx, who, file_id, core_now_ms(core), a, ret);
}

err_t document_list(struct core *core, const struct principal *who, const struct document_list_request *request,
                    struct arena *a, struct document_page *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct document_query query = { .task_id = request->task_id,
                                    .comment_id = request->comment_id,
                                    .after_file_id = request->after_file_id,
                                    .offset = request->offset,
                                    .limit = request->limit };
    struct document_list page;
    int64_t total;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(task_check_visible(tx, who, request->task_id, a));
    TRY(meta_document_count(tx, request->task_id, a, &total));
    TRY(meta_document_list(tx, &query, a, &page));
    *ret = (struct document_page){ page.items, page.count, total };
    return NULL;
}

/* ---- bytes ---- */

err_t document_open(struct core *core, const struct principal *who, int64_t file_id, struct arena *a,
                    struct document *ret, struct content *ret_content)
{
    struct document d;
    TRY(document_get(core, who, file_id, a, &d));
    if (document_is_pending(&d))
        return no_such_document(a);
    TRY(file_open_record(core, &d.file, a, ret_content));
    *ret = d;
    return NULL;
}

/* ---- deleting ---- */

struct document_removal {
    struct core *core;
    const struct principal *who;
    int64_t file_id, window_ms;
};

static err_t check_may_delete(const struct document_removal *r, const struct document *d, int64_t now_ms,
                              struct arena *a)
{
    if (r->who->is_admin)
        return NULL;
    if (d->file.owner_id != r->who->user_id)
        return err_make(a, ERR_FORBIDDEN, "the file is somebody else's");
    int64_t since_ms = d->has_ticket ? d->ticket.confirmed_at_ms : d->file.stored_at_ms;
    if (!document_is_pending(d) && now_ms - since_ms >= r->window_ms)
        return err_make(a, ERR_FORBIDDEN, "it is too late to delete the file");
    return NULL;
}

/* A reference of a task that was removed: it does not count any more, and nobody sees it. */
static err_t drop_reference(struct meta_tx *tx, const struct reference *reference, int64_t now_ms, struct arena *a)
{
    TRY(meta_reference_remove(tx, reference->id, a));
    return hold_remove(tx, reference->file_id, reference_holder(reference), now_ms, a);
}

static err_t detach_reference(struct meta_tx *tx, const struct document_removal *r, const struct reference *reference,
                              int64_t now_ms, struct arena *a)
{
    bool is_removed;
    TRY(meta_task_is_removed(tx, reference->task_id, a, &is_removed));
    if (is_removed)
        return drop_reference(tx, reference, now_ms, a);
    slice task = arena_printf(a, "task:%lld", (long long)reference->task_id);
    slice detail = arena_printf(a, "reference:%lld " SLICE_FMT, (long long)reference->id, SLICE_ARG(reference->name));
    struct account_use less = { 0 };
    TRY(meta_reference_size(tx, reference->id, a, &less.records));
    less.records = -less.records;
    TRY(meta_reference_remove(tx, reference->id, a));
    TRY(meta_account_use(tx, reference->account_id, &less, a));
    TRY(hold_remove(tx, r->file_id, reference_holder(reference), now_ms, a));
    struct event_params event = {
        .at_ms = now_ms, .who = r->who, .action = S("task.detach"), .subject = task, .detail = detail
    };
    return event_write(tx, &event, a);
}

static err_t apply_document_delete(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct document_removal *r = arg;
    int64_t now_ms = core_now_ms(r->core);
    struct document d;
    struct reference_list references;
    TRY(document_find_visible(tx, r->who, r->file_id, now_ms, a, &d));
    TRY(check_may_delete(r, &d, now_ms, a));
    TRY(meta_reference_list_file(tx, r->file_id, a, &references));
    for (size_t i = 0; i < references.count; i++)
        TRY(detach_reference(tx, r, &references.items[i], now_ms, a));
    return file_remove(tx, r->file_id, now_ms, r->who, S("file.delete"), a);
}

err_t document_delete(struct core *core, const struct principal *who, int64_t file_id, int64_t window_ms,
                      struct arena *a)
{
    struct document_removal r = { .core = core, .who = who, .file_id = file_id, .window_ms = window_ms };
    return meta_write(core->meta, apply_document_delete, &r, a);
}
