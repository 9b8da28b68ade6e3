/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_file.h"

#include "base/text.h"
#include "core/bucket/entry.h"
#include "core/event.h"
#include "core/file/holder.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/store/workspace_store.h"
#include "core/sync/sync_priv.h"
#include "core/sync/workspace.h"

#include <stdlib.h>

/* ---- issuing ---- */

struct issuing {
    struct core *core;
    const struct principal *who;
    const struct sync_request *request;
    sync_issued_fn *done;
    void *arg;
    struct meta_write write;
    int64_t now_ms;
    char handle[SYNC_HANDLE_LENGTH], action[SYNC_HANDLE_LENGTH];
    struct sync_file result;
};

err_t sync_key_make(const struct sync_file *f, struct arena *a, slice *ret)
{
    slice day = time_format_utc(a, f->created_at_ms);
    slice key =
        arena_printf(a, SLICE_FMT "/import/" SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT "_" SLICE_FMT,
                     SLICE_ARG(f->workspace), SLICE_ARG(slice_part(day, 0, 4)), SLICE_ARG(slice_part(day, 5, 2)),
                     SLICE_ARG(f->folder), SLICE_ARG(f->handle), SLICE_ARG(f->name));
    if (!entry_key_is_valid(key))
        return core_refuse(a, REASON_SYNC_LONG_KEY);
    *ret = key;
    return NULL;
}

struct sync_file sync_file_of_request(const struct sync_request *request, slice handle, slice action, int64_t at_ms)
{
    return (struct sync_file){ .handle = handle,
                               .bucket_id = request->bucket_id,
                               .origin = request->origin,
                               .name = request->name,
                               .entity_type = request->entity_type,
                               .folder = request->folder,
                               .category = request->category,
                               .remark = request->remark,
                               .tags = request->tags,
                               .metadata = request->metadata,
                               .action = request->action.n ? request->action : action,
                               .max_bytes = request->max_bytes,
                               .idle_ms = request->idle_ms,
                               .state = SYNC_CREATED,
                               .revision = 1,
                               .content_type = S(""),
                               .created_at_ms = at_ms,
                               .modified_at_ms = at_ms };
}

static struct sync_file describe_file(const struct issuing *i)
{
    const struct sync_request *request = i->request;
    slice handle = { i->handle, sizeof i->handle }, action = { i->action, sizeof i->action };
    struct sync_file f = sync_file_of_request(request, handle, action, i->now_ms);
    f.account_id = i->who->account_id;
    f.owner_id = i->who->user_id;
    f.way = SYNC_BY_LINK;
    f.link_expires_at_ms = i->now_ms + request->lifetime_ms;
    f.due_at_ms = i->now_ms + request->pending_ms;
    return f;
}

static err_t apply_issue(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct issuing *i = arg;
    struct workspace workspace;
    struct section section;
    const struct section_names names = { i->request->workspace, i->request->section };
    TRY(section_of_names(tx, i->who, &names, a, &workspace, &section));
    struct sync_file f = describe_file(i);
    f.workspace_id = workspace.id;
    f.workspace = workspace.name;
    f.section_id = section.id;
    f.section = section.name;
    TRY(sync_key_make(&f, a, &f.key));
    struct account_use more = { .records = sync_file_record_size(&f), .pending = 1 };
    TRY(quota_take_records(i->core, tx, f.account_id, &more, a));
    TRY(meta_sync_file_add(tx, &f, a, &f.id));
    i->result = f;
    struct event_params event = {
        .at_ms = i->now_ms, .who = i->who, .action = S("sync.issue"), .subject = sync_subject(&f, a), .detail = f.name
    };
    return event_write(tx, &event, a);
}

static void finish_issue(struct meta_write *write, err_t e)
{
    struct issuing *i = CONTAINER_OF(write, struct issuing, write);
    i->done(i->arg, e, &i->result);
    free(i);
}

void sync_handle_fill(struct core *core, char handle[SYNC_HANDLE_LENGTH])
{
    SCRATCH(scratch);
    slice hex = random_hex(core->random, &scratch, SYNC_HANDLE_LENGTH);
    for (size_t n = 0; n < SYNC_HANDLE_LENGTH; n++)
        handle[n] = hex.p[n];
}

void sync_file_issue(struct core *core, const struct principal *who, const struct sync_request *request,
                     sync_issued_fn *done, void *arg)
{
    struct issuing *i = must_malloc(sizeof *i);
    *i = (struct issuing){ .core = core,
                           .who = who,
                           .request = request,
                           .done = done,
                           .arg = arg,
                           .write = { .apply = apply_issue, .arg = i, .done = finish_issue },
                           .now_ms = core_now_ms(core) };
    sync_handle_fill(core, i->handle);
    sync_handle_fill(core, i->action);
    if (meta_submit(core->meta, &i->write))
        return; /* the write may have ended already, and `i` with it */
    free(i);
    done(arg, &core_queue_full, &(struct sync_file){ .handle = S("") });
}

slice sync_subject(const struct sync_file *f, struct arena *a)
{
    return arena_printf(a, "sync:" SLICE_FMT, SLICE_ARG(f->handle));
}

/* ---- finding ---- */

/* e: of reading *found. */
static err_t show_found(err_t e, const struct principal *who, const struct sync_file *found, struct arena *a,
                        struct sync_file *ret)
{
    if (err_is(e, ERR_NOT_FOUND) ||
        (!e && (found->account_id != who->account_id || found->workspace_id != who->workspace_id)))
        return core_refuse(a, REASON_SYNC_NO_FILE);
    TRY(e);
    *ret = *found;
    return NULL;
}

err_t sync_file_find(struct core *core, const struct principal *who, slice handle, struct arena *a,
                     struct sync_file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_file found;
    TRY(meta_read_begin(core->meta, a, &tx));
    return show_found(meta_sync_file_by_handle(tx, handle, a, &found), who, &found, a, ret);
}

err_t sync_file_find_report(struct core *core, const struct principal *who, slice handle, struct arena *a,
                            struct sync_file *ret, struct sync_report *ret_report)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_file found, shown;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(show_found(meta_sync_file_by_handle(tx, handle, a, &found), who, &found, a, &shown));
    TRY(meta_sync_report_get(tx, shown.id, a, ret_report));
    *ret = shown;
    return NULL;
}

err_t sync_file_find_key(struct core *core, const struct principal *who, int64_t bucket_id, slice key, struct arena *a,
                         struct sync_file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_file found;
    TRY(meta_read_begin(core->meta, a, &tx));
    return show_found(sync_file_by_key(tx, bucket_id, key, a, &found), who, &found, a, ret);
}

err_t sync_file_report(struct core *core, const struct sync_file *f, struct arena *a, struct sync_report *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_sync_report_get(tx, f->id, a, ret);
}

enum sync_state sync_file_state(const struct sync_file *f, int64_t now_ms)
{
    return f->state == SYNC_CREATED && f->link_expires_at_ms <= now_ms ? SYNC_EXPIRED : f->state;
}

/* The handle that the last part of a key begins with; empty: the key has another form. */
static slice handle_of_key(slice key)
{
    size_t at = key.n;
    while (at && key.p[at - 1] != '/')
        at--;
    slice last = slice_from(key, at);
    bool fits = last.n > SYNC_HANDLE_LENGTH && last.p[SYNC_HANDLE_LENGTH] == '_';
    return fits ? slice_part(last, 0, SYNC_HANDLE_LENGTH) : S("");
}

err_t sync_file_by_key(struct meta_tx *tx, int64_t bucket_id, slice key, struct arena *a, struct sync_file *ret)
{
    struct sync_file found;
    slice handle = handle_of_key(key);
    if (!handle.n)
        return err_make(a, ERR_NOT_FOUND, "that is no key of a sync file");
    TRY(meta_sync_file_by_handle(tx, handle, a, &found));
    if (found.bucket_id != bucket_id || !slice_eq(found.key, key))
        return err_make(a, ERR_NOT_FOUND, "the sync file has another key");
    *ret = found;
    return NULL;
}

/* ---- the holder ---- */

static err_t no_tickets(struct arena *a)
{
    return err_make(a, ERR_NOT_FOUND, "files come to a sync file without tickets");
}

static err_t admit(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a, slice *ret_text)
{
    (void)tx, (void)who, (void)id, (void)ret_text;
    return no_tickets(a);
}

static err_t find_named(struct meta_tx *tx, int64_t id, slice name, struct arena *a, int64_t *ret_file_id)
{
    (void)tx, (void)id, (void)name, (void)ret_file_id;
    return no_tickets(a);
}

static err_t attach(struct core *core, struct meta_tx *tx, int64_t id, const struct file *file, int64_t now_ms,
                    struct arena *a)
{
    (void)core, (void)tx, (void)id, (void)file, (void)now_ms;
    return no_tickets(a);
}

static err_t refers(struct meta_tx *tx, int64_t id, int64_t file_id, struct arena *a, bool *ret_refers)
{
    struct sync_file f;
    err_t e = meta_sync_file_get(tx, id, a, &f);
    *ret_refers = !e && f.file_id == file_id;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t list_files(struct meta_tx *tx, int64_t *after, size_t limit, struct arena *a, struct hold_list *ret)
{
    struct sync_file_list files;
    TRY(meta_sync_file_list(tx, &(struct id_page){ *after, limit }, a, &files));
    *ret = (struct hold_list){ arena_array(a, struct hold, limit), 0 };
    for (size_t i = 0; i < files.count; i++) {
        *after = files.items[i].id;
        if (files.items[i].file_id)
            ret->items[ret->count++] = (struct hold){ files.items[i].file_id, sync_holder_of(*after) };
    }
    return NULL;
}

const struct holder_rules sync_file_holder = { .kind = HOLDER_SYNC_FILE,
                                               .name = "sync file",
                                               .admit = admit,
                                               .find_named = find_named,
                                               .attach = attach,
                                               .refers = refers,
                                               .list_files = list_files };
