/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come into an inbox, and what can be done with their names. */
#include "core/sync/inbox_priv.h"

#include "core/event.h"
#include "core/quota.h"
#include "core/store/file_store.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_priv.h"
#include "core/transfer/transfer.h"

#include <stdlib.h>

/* A file of /import that somebody wants to change. Errors: INBOX_IS_FOLDER, INBOX_READ_ONLY. */
static err_t check_is_in_import(const struct inbox_path *path, struct arena *a)
{
    if (!path->name.n)
        return core_refuse(a, REASON_INBOX_IS_FOLDER);
    return path->folder == INBOX_IMPORT ? NULL : core_refuse(a, REASON_INBOX_READ_ONLY);
}

/* What has the name; ids of 0: nothing. */
static err_t find_named(struct inbox *in, const struct inbox_path *path, struct arena *a, struct inbox_found *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(in->core->meta, a, &tx));
    err_t e = inbox_find(in, tx, path, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t check_changeable(const struct inbox_found *found, struct arena *a)
{
    return found->sync.id && found->sync.state != SYNC_UPLOADED ? core_refuse(a, REASON_INBOX_READ_ONLY) : NULL;
}

/* Gone is as good. */
static err_t remove_transfer(struct inbox *in, const struct transfer *t, struct arena *a)
{
    err_t e = transfer_remove_idle(in->core, &in->who, t->name, a);
    return err_is(e, ERR_NOT_FOUND) ? NULL : inbox_transfer_error(e, a);
}

/* ---- opening ---- */

struct inbox_writer {
    struct inbox *in;
    struct arena arena;
    slice file_name; /* that was asked for */
    struct transfer_writer *writer;
    int64_t began_at; /* bytes that were there */
    bool failed;      /* bytes were refused, so the file lacks them */
};

static err_t check_flags(const struct inbox_found *found, unsigned flags, struct arena *a)
{
    bool is_there = found->transfer.id || found->sync.id;
    if (!is_there)
        return flags & INBOX_CREATES ? NULL : core_refuse(a, REASON_INBOX_NO_FILE);
    if (flags & INBOX_EXCLUSIVE)
        return core_refuse(a, REASON_INBOX_EXISTS);
    TRY(check_changeable(found, a));
    bool goes_on = found->transfer.id || (flags & INBOX_TRUNCATES);
    return goes_on ? NULL : core_refuse(a, REASON_INBOX_TAKEN);
}

/* Somebody else may have been faster. */
static err_t create_transfer(struct inbox_writer *w, unsigned flags, struct arena *a, struct transfer *ret)
{
    struct inbox *in = w->in;
    struct transfer_request request = { .origin = in->options.origin,
                                        .file_name = w->file_name,
                                        .content_type = S("application/octet-stream"),
                                        .metadata = S(""),
                                        .length = -1,
                                        .max_bytes = in->options.max_bytes,
                                        .lifetime_ms = INBOX_KEPT_MS,
                                        .section_id = in->section.id,
                                        .composition = S(""),
                                        .expected_digest = S("") };
    err_t e = transfer_create(in->core, &in->who, &request, a, ret);
    bool was_slower = err_reason(e) == REASON_INBOX_EXISTS && !(flags & INBOX_EXCLUSIVE);
    return was_slower ? core_refuse(a, REASON_INBOX_BUSY) : e;
}

static err_t open_transfer(struct inbox_writer *w, const struct transfer *t, struct arena *a)
{
    struct transfer_opening opening = { .name = t->name,
                                        .offset = t->offset,
                                        .max_bytes = w->in->options.max_bytes,
                                        .rivalry = TRANSFER_ENDS_SILENT,
                                        .end = TRANSFER_WAITS_HERE,
                                        .reopens = true,
                                        .lifetime_ms = INBOX_KEPT_MS };
    w->began_at = t->offset;
    return inbox_transfer_error(transfer_open(w->in->core, &w->in->who, &opening, a, &w->writer), a);
}

static err_t open_file(struct inbox_writer *w, const struct inbox_path *path, unsigned flags, struct arena *a)
{
    struct inbox_found found;
    TRY(find_named(w->in, path, a, &found));
    TRY(check_flags(&found, flags, a));
    bool creates = !found.transfer.id || (flags & INBOX_TRUNCATES);
    if (creates && found.transfer.id)
        TRY(remove_transfer(w->in, &found.transfer, a));
    if (creates)
        TRY(create_transfer(w, flags, a, &found.transfer));
    return open_transfer(w, &found.transfer, a);
}

static void free_writer(struct inbox_writer *w)
{
    arena_release(&w->arena);
    free(w);
}

err_t inbox_write(struct inbox *in, const struct inbox_path *path, unsigned flags, struct arena *a,
                  struct inbox_writer **ret)
{
    TRY(inbox_check_writer(in, a));
    TRY(check_is_in_import(path, a));
    TRY(inbox_name_check(path->name, a));
    struct inbox_writer *w = must_malloc(sizeof *w);
    *w = (struct inbox_writer){ .in = in };
    arena_init(&w->arena);
    w->file_name = arena_copy(&w->arena, path->name);
    err_t e = open_file(w, path, flags, a);
    if (e) {
        free_writer(w);
        return e;
    }
    *ret = w;
    return NULL;
}

/* ---- bytes ---- */

uint64_t inbox_writer_size(const struct inbox_writer *w)
{
    return (uint64_t)(w->began_at + transfer_received(w->writer));
}

static err_t begin_step(struct inbox_writer *w, struct arena *a)
{
    return w->failed ? core_refuse(a, REASON_INBOX_INCOMPLETE) : inbox_check_writer(w->in, a);
}

static err_t end_step(struct inbox_writer *w, err_t e, struct arena *a)
{
    w->failed = w->failed || e;
    return inbox_transfer_error(e, a);
}

static err_t write_bytes(struct inbox_writer *w, uint64_t offset, slice bytes, struct arena *a)
{
    TRY(begin_step(w, a));
    if (offset != inbox_writer_size(w))
        return core_refuse(a, REASON_INBOX_OFFSET);
    return transfer_write(w->writer, bytes, a);
}

err_t inbox_writer_write(struct inbox_writer *w, uint64_t offset, slice bytes, struct arena *a)
{
    return end_step(w, write_bytes(w, offset, bytes, a), a);
}

static err_t flush_bytes(struct inbox_writer *w, struct arena *a)
{
    TRY(begin_step(w, a));
    return transfer_flush(w->writer, a);
}

err_t inbox_writer_flush(struct inbox_writer *w, struct arena *a)
{
    return end_step(w, flush_bytes(w, a), a);
}

/* ---- the end ---- */

static err_t close_file(struct inbox_writer *w, struct arena *a)
{
    struct transfer_writer *writer = w->writer;
    struct transfer t;
    err_t e = begin_step(w, a);
    if (e) {
        transfer_cut(writer);
        return e;
    }
    TRY(inbox_transfer_error(transfer_close(writer, a, &t), a));
    /* Its name as of when writing began: nobody has changed it since. */
    if (!t.offset || inbox_name_is_in_progress(t.file_name))
        return NULL;
    return inbox_take(w->in, &(struct inbox_taking){ t.name, t.file_name, true }, a);
}

err_t inbox_writer_close(struct inbox_writer *w, struct arena *a)
{
    err_t e = close_file(w, a);
    free_writer(w);
    return e;
}

void inbox_writer_cut(struct inbox_writer *w)
{
    if (!w)
        return;
    transfer_cut(w->writer);
    free_writer(w);
}

/* ---- another name ---- */

struct renaming {
    struct inbox *in;
    slice name; /* the new one */
    bool replaces;
    struct sync_file file;
    int64_t now_ms;
};

static err_t apply_rename(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct renaming *r = arg;
    struct sync_file now;
    bool changed;
    TRY(inbox_check_in(r->in, tx, a));
    TRY(meta_sync_file_get(tx, r->file.id, a, &now));
    struct sync_file before = now;
    now.name = r->name;
    now.modified_at_ms = r->now_ms;
    TRY(inbox_make_way(r->in, tx, r->name, r->replaces, a));
    TRY(sync_key_make(&now, a, &now.key));
    TRY(meta_sync_file_rename(tx, &now, a, &changed));
    if (!changed)
        return core_refuse(a, REASON_INBOX_READ_ONLY);
    TRY(meta_file_rename(tx, now.file_id, r->name, a));
    int64_t longer = (int64_t)now.name.n - (int64_t)before.name.n;
    int64_t longer_key = (int64_t)now.key.n - (int64_t)before.key.n;
    TRY(quota_change_records(r->in->core, tx, now.account_id, 2 * longer + longer_key, a)); /* also that of the file */
    struct event_params event = { .at_ms = r->now_ms,
                                  .who = &r->in->who,
                                  .action = S("sync.rename"),
                                  .subject = sync_subject(&now, a),
                                  .detail = now.name };
    TRY(event_write(tx, &event, a));
    return inbox_queue_import(r->in, tx, &now, a);
}

static err_t rename_sync_file(struct inbox *in, const struct sync_file *f, const struct renaming *to, struct arena *a)
{
    struct renaming r = *to;
    r.in = in;
    r.file = *f;
    r.now_ms = core_now_ms(in->core);
    err_t e = meta_write(in->core->meta, apply_rename, &r, a);
    return err_is(e, ERR_NOT_FOUND) && !err_reason(e) ? core_refuse(a, REASON_INBOX_NO_FILE) : e;
}

static bool is_whole(const struct transfer *t)
{
    return t->offset > 0 && t->length == t->offset;
}

static err_t rename_transfer(struct inbox *in, const struct transfer *t, const struct renaming *to,
                             const struct transfer *replaced, struct arena *a)
{
    if (is_whole(t) && !inbox_name_is_in_progress(to->name)) {
        if (replaced->id)
            TRY(remove_transfer(in, replaced, a));
        return inbox_take(in, &(struct inbox_taking){ t->name, to->name, to->replaces }, a);
    }
    struct transfer_renaming renaming = { t->name, to->name, replaced->id ? replaced->name : S("") };
    return inbox_transfer_error(transfer_rename(in->core, &in->who, &renaming, a), a);
}

/* Of a partial file and a taken one that both have the old name, the partial one is meant: it is the one that is shown. */
static err_t rename_found(struct inbox *in, const struct inbox_found *from, const struct inbox_found *to,
                          const struct renaming *renaming, struct arena *a)
{
    TRY(check_changeable(to, a));
    if (!renaming->replaces && (to->transfer.id || to->sync.id))
        return core_refuse(a, REASON_INBOX_EXISTS);
    if (from->transfer.id)
        return rename_transfer(in, &from->transfer, renaming, &to->transfer, a);
    TRY(check_changeable(from, a));
    if (to->transfer.id)
        TRY(remove_transfer(in, &to->transfer, a));
    return rename_sync_file(in, &from->sync, renaming, a);
}

err_t inbox_rename(struct inbox *in, const struct inbox_path *from, const struct inbox_path *to, bool replaces,
                   struct arena *a)
{
    struct renaming renaming = { .name = to->name, .replaces = replaces };
    struct inbox_found found, there;
    TRY(inbox_check_writer(in, a));
    TRY(check_is_in_import(from, a));
    TRY(check_is_in_import(to, a));
    TRY(inbox_name_check(to->name, a));
    TRY(find_named(in, from, a, &found));
    TRY(find_named(in, to, a, &there));
    if (!found.transfer.id && !found.sync.id)
        return core_refuse(a, REASON_INBOX_NO_FILE);
    return slice_eq(from->name, to->name) ? NULL : rename_found(in, &found, &there, &renaming, a);
}

/* ---- removing ---- */

struct removing {
    struct inbox *in;
    const struct sync_file *file;
    int64_t now_ms;
};

static err_t apply_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct removing *r = arg;
    struct sync_file now;
    bool changed;
    TRY(inbox_check_in(r->in, tx, a));
    TRY(meta_sync_file_get(tx, r->file->id, a, &now));
    struct sync_file_move move = { now.id, SYNC_UPLOADED, SYNC_PURGED, r->now_ms, r->now_ms + INBOX_KEPT_MS };
    TRY(meta_sync_file_discard(tx, &move, a, &changed));
    if (!changed)
        return core_refuse(a, REASON_INBOX_READ_ONLY);
    return sync_bytes_remove(tx, &now, &r->in->who, S("sync.remove"), r->now_ms, a);
}

err_t inbox_remove(struct inbox *in, const struct inbox_path *path, struct arena *a)
{
    struct inbox_found found;
    TRY(inbox_check_writer(in, a));
    TRY(check_is_in_import(path, a));
    TRY(find_named(in, path, a, &found));
    if (found.transfer.id)
        return remove_transfer(in, &found.transfer, a);
    if (!found.sync.id)
        return core_refuse(a, REASON_INBOX_NO_FILE);
    TRY(check_changeable(&found, a));
    struct removing r = { in, &found.sync, core_now_ms(in->core) };
    err_t e = meta_write(in->core->meta, apply_remove, &r, a);
    return err_is(e, ERR_NOT_FOUND) && !err_reason(e) ? core_refuse(a, REASON_INBOX_NO_FILE) : e;
}
