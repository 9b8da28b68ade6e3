/* SPDX-License-Identifier: Apache-2.0 */
/* What an inbox shows. A look-up is one snapshot, and so is each page of a listing; the texts of results are asked for after it. */
#include "core/sync/inbox_priv.h"

#include "core/access/access.h"
#include "core/file/file_name.h"
#include "core/free_space.h"
#include "core/quota.h"
#include "core/store/transfer_store.h"
#include "core/sync/sync_file.h"
#include "core/sync/workspace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- an inbox ---- */

static err_t read_section(struct inbox *in, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    const struct section_names own = { S(""), S("") };
    TRY(meta_read_begin(in->core->meta, a, &tx));
    return err_copy(a, section_of_names(tx, &in->who, &own, &in->arena, &in->workspace, &in->section));
}

err_t inbox_open(struct core *core, const struct principal *who, const struct inbox_options *options, struct arena *a,
                 struct inbox **ret)
{
    struct inbox *in = must_malloc(sizeof *in);
    *in = (struct inbox){ .core = core, .who = *who, .grant = grant_of(who), .options = *options };
    arena_init(&in->arena);
    in->who.login = arena_copy(&in->arena, who->login);
    in->who.request_id = arena_copy(&in->arena, who->request_id);
    in->options.origin = arena_copy(&in->arena, options->origin);
    in->options.folder = arena_copy(&in->arena, options->folder);
    err_t e = inbox_check(in, a);
    if (!e)
        e = read_section(in, a);
    if (e) {
        inbox_close(in);
        return e;
    }
    *ret = in;
    return NULL;
}

void inbox_close(struct inbox *in)
{
    if (!in)
        return;
    arena_release(&in->arena);
    free(in);
}

static struct grant grant_now(struct inbox *in)
{
    struct grant grant = grant_of(&in->who);
    grant.generation = __atomic_load_n(&in->grant.generation, __ATOMIC_SEQ_CST);
    return grant;
}

err_t inbox_check_in(struct inbox *in, struct meta_tx *tx, struct arena *a)
{
    struct grant grant = grant_now(in);
    return grant_recheck_in(in->core, tx, &grant, a);
}

err_t inbox_check(struct inbox *in, struct arena *a)
{
    struct grant grant = grant_now(in);
    if (in->who.expires_at_ms && in->who.expires_at_ms <= core_now_ms(in->core))
        return err_make(a, ERR_EXPIRED, "the key has expired");
    TRY(grant_recheck(in->core, &grant));
    __atomic_store_n(&in->grant.generation, grant.generation, __ATOMIC_SEQ_CST);
    return NULL;
}

err_t inbox_check_writer(struct inbox *in, struct arena *a)
{
    TRY(inbox_check(in, a));
    return key_may(&in->who, KEY_WRITER) ? NULL : core_refuse(a, REASON_INBOX_READ_ONLY);
}

/* ---- looking up ---- */

static bool is_in(const struct sync_file *f, enum sync_folder folder)
{
    static const enum sync_folder folders[SYNC_STATES] = { [SYNC_UPLOADED] = SYNC_IN_IMPORT,
                                                           [SYNC_QUEUED] = SYNC_IN_IMPORT,
                                                           [SYNC_PROCESSING] = SYNC_IN_IMPORT,
                                                           [SYNC_IMPORTED] = SYNC_IN_DONE,
                                                           [SYNC_FAILED] = SYNC_IN_FAILED,
                                                           [SYNC_CREATED] = SYNC_FOLDERS,
                                                           [SYNC_IMPORTED_WITH_ERRORS] = SYNC_IN_DONE,
                                                           [SYNC_EXPIRED] = SYNC_FOLDERS,
                                                           [SYNC_PURGED] = SYNC_FOLDERS };
    return (f->way == SYNC_BY_FOLDER || f->way == SYNC_BY_PAGE) && folders[f->state] == folder;
}

static enum sync_folder sync_folder_of(enum inbox_folder folder)
{
    return folder == INBOX_DONE ? SYNC_IN_DONE : folder == INBOX_FAILED ? SYNC_IN_FAILED : SYNC_IN_IMPORT;
}

/* Sync files of a shown name; the id stays 0 when there is none. */
static err_t find_sync_file(struct inbox *in, struct meta_tx *tx, const struct inbox_path *path, struct arena *a,
                            struct sync_file *ret)
{
    struct sync_file f;
    slice name, handle;
    enum sync_folder folder = sync_folder_of(path->folder);
    err_t e = meta_sync_file_newest_in(tx, in->section.id, folder, path->name, a, &f);
    if (err_is(e, ERR_NOT_FOUND) && inbox_name_split(path->name, &name, &handle)) {
        e = meta_sync_file_by_handle(tx, handle, a, &f);
        if (!e && (f.section_id != in->section.id || !slice_eq(f.name, name) || !is_in(&f, folder)))
            return NULL;
    }
    if (!e)
        *ret = f;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* The id stays 0 when there is none. */
static err_t find_transfer(struct inbox *in, struct meta_tx *tx, slice name, struct arena *a, struct transfer *ret)
{
    struct transfer found;
    err_t e = meta_transfer_in_section(tx, in->section.id, name, a, &found);
    if (!e && found.expires_at_ms > core_now_ms(in->core))
        *ret = found;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

err_t inbox_find(struct inbox *in, struct meta_tx *tx, const struct inbox_path *path, struct arena *a,
                 struct inbox_found *ret)
{
    struct inbox_path of_result = { path->folder, S("") };
    *ret = (struct inbox_found){ .is_result = false };
    if (!slice_is_utf8(path->name) || slice_find_byte(path->name, '\0') != SLICE_NONE)
        return core_refuse(a, REASON_INBOX_NO_FILE);
    if (path->folder == INBOX_IMPORT)
        TRY(find_transfer(in, tx, path->name, a, &ret->transfer));
    TRY(find_sync_file(in, tx, path, a, &ret->sync));
    bool may_be_result = path->folder != INBOX_IMPORT && inbox_name_of_result(path->name, &of_result.name);
    if (!ret->sync.id && may_be_result) {
        TRY(find_sync_file(in, tx, &of_result, a, &ret->sync));
        ret->is_result = true;
    }
    return ret->transfer.id || ret->sync.id ? NULL : core_refuse(a, REASON_INBOX_NO_FILE);
}

/* ---- entries ---- */

err_t inbox_result_text(struct inbox *in, const struct sync_file *f, struct arena *a, slice *ret)
{
    return in->options.result(in->options.result_arg, f, a, ret);
}

static bool may_write(const struct inbox *in)
{
    return key_may(&in->who, KEY_WRITER);
}

/* Its last bytes came INBOX_KEPT_MS before it expires. */
struct inbox_entry inbox_transfer_entry(const struct inbox *in, const struct transfer *t, slice shown)
{
    return (struct inbox_entry){ .name = shown,
                                 .is_writable = may_write(in),
                                 .size_bytes = (uint64_t)t->offset,
                                 .modified_at_ms = t->expires_at_ms - INBOX_KEPT_MS };
}

struct inbox_entry inbox_sync_entry(const struct inbox *in, const struct sync_file *f, slice shown)
{
    return (struct inbox_entry){ .name = shown,
                                 .is_writable = f->state == SYNC_UPLOADED && may_write(in),
                                 .size_bytes = f->size_bytes,
                                 .modified_at_ms = f->uploaded_at_ms };
}

struct inbox_entry inbox_result_entry(const struct sync_file *f, slice shown, uint64_t size_bytes)
{
    return (struct inbox_entry){ .name = shown, .size_bytes = size_bytes, .modified_at_ms = f->import.finished_at_ms };
}

static struct inbox_entry folder_entry(const struct inbox *in, enum inbox_folder folder)
{
    static const char *const names[] = {
        [INBOX_ROOT] = "", [INBOX_IMPORT] = "import", [INBOX_DONE] = "done", [INBOX_FAILED] = "failed"
    };
    return (struct inbox_entry){ .name = slice_of(names[folder]),
                                 .is_folder = true,
                                 .is_writable = folder == INBOX_IMPORT && may_write(in),
                                 .modified_at_ms = in->section.created_at_ms };
}

static err_t find_in_snapshot(struct inbox *in, const struct inbox_path *path, struct arena *a, struct inbox_found *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(in->core->meta, a, &tx));
    return inbox_find(in, tx, path, a, ret);
}

err_t inbox_stat(struct inbox *in, const struct inbox_path *path, struct arena *a, struct inbox_entry *ret)
{
    struct inbox_found found;
    TRY(inbox_check(in, a));
    if (!path->name.n) {
        *ret = folder_entry(in, path->folder);
        return NULL;
    }
    slice shown = arena_copy(a, path->name), text;
    TRY(find_in_snapshot(in, path, a, &found));
    if (found.transfer.id)
        *ret = inbox_transfer_entry(in, &found.transfer, shown);
    else if (!found.is_result)
        *ret = inbox_sync_entry(in, &found.sync, shown);
    else {
        TRY(inbox_result_text(in, &found.sync, a, &text));
        *ret = inbox_result_entry(&found.sync, shown, text.n);
    }
    return NULL;
}

/* ---- listing ---- */

enum { STAGE_FOLDERS, STAGE_TRANSFERS, STAGE_FILES };

static void add_entry(struct inbox_entry_list *list, struct inbox_entry entry)
{
    list->items[list->count++] = entry;
}

static void list_folders(const struct inbox *in, enum inbox_folder folder, struct inbox_cursor *cursor,
                         struct inbox_entry_list *ret)
{
    if (folder == INBOX_ROOT)
        add_entry(ret, folder_entry(in, INBOX_IMPORT));
    if (folder == INBOX_IMPORT) {
        add_entry(ret, folder_entry(in, INBOX_DONE));
        add_entry(ret, folder_entry(in, INBOX_FAILED));
    }
    cursor->is_end = folder == INBOX_ROOT;
    cursor->stage = folder == INBOX_IMPORT ? STAGE_TRANSFERS : STAGE_FILES;
}

static err_t move_cursor(struct inbox_cursor *cursor, slice name, int64_t id, struct arena *a)
{
    if (name.n > sizeof cursor->name)
        return err_make(a, ERR_CORRUPT, "a file of an inbox has a name that none can have");
    if (name.n)
        memcpy(cursor->name, name.p, name.n);
    cursor->name_size = name.n;
    cursor->id = id;
    return NULL;
}

static err_t list_transfers(struct inbox *in, struct inbox_cursor *cursor, size_t limit, struct arena *a,
                            struct inbox_entry_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct transfer_list page;
    struct transfer_names names = { in->section.id, core_now_ms(in->core), { cursor->name, cursor->name_size }, limit };
    TRY(meta_read_begin(in->core->meta, a, &tx));
    TRY(meta_transfer_list_in_section(tx, &names, a, &page));
    for (size_t i = 0; i < page.count; i++) {
        slice name = page.items[i].file_name;
        if (inbox_name_is_sound(name))
            add_entry(ret, inbox_transfer_entry(in, &page.items[i], name));
        TRY(move_cursor(cursor, name, 0, a));
    }
    if (page.count == limit)
        return NULL;
    cursor->stage = STAGE_FILES;
    return move_cursor(cursor, S(""), 0, a);
}

/* A page of sync files, with the names by which they are shown. */
struct shown_files {
    struct sync_file_list files;
    slice *names;
};

static err_t read_files(struct inbox *in, enum inbox_folder folder, const struct inbox_cursor *cursor, size_t limit,
                        struct arena *a, struct shown_files *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_folder_page page = {
        in->section.id, sync_folder_of(folder), { cursor->name, cursor->name_size }, cursor->id, limit
    };
    TRY(meta_read_begin(in->core->meta, a, &tx));
    TRY(meta_sync_file_list_in(tx, &page, a, &ret->files));
    ret->names = arena_array(a, slice, ret->files.count);
    slice before = cursor->id ? page.after_name : S("");
    for (size_t i = 0; i < ret->files.count; i++) {
        const struct sync_file *f = &ret->files.items[i];
        struct transfer covers = { 0 };
        bool is_newest = !slice_eq(f->name, before);
        if (is_newest && folder == INBOX_IMPORT)
            TRY(find_transfer(in, tx, f->name, a, &covers));
        ret->names[i] = is_newest && !covers.id
                            ? f->name
                            : arena_printf(a, SLICE_FMT "~" SLICE_FMT, SLICE_ARG(f->name), SLICE_ARG(f->handle));
        before = f->name;
    }
    return NULL;
}

static err_t add_result(struct inbox *in, const struct sync_file *f, slice shown, struct arena *a,
                        struct inbox_entry_list *ret)
{
    SCRATCH(scratch);
    slice text, name = arena_printf(a, SLICE_FMT ".result.json", SLICE_ARG(shown));
    err_t e = inbox_result_text(in, f, &scratch, &text);
    if (e)
        return err_copy(a, e);
    add_entry(ret, inbox_result_entry(f, name, text.n));
    return NULL;
}

static err_t add_file(struct inbox *in, const struct sync_file *f, slice shown, struct arena *a,
                      struct inbox_entry_list *ret)
{
    if (!inbox_name_is_sound(f->name))
        return NULL;
    add_entry(ret, inbox_sync_entry(in, f, shown));
    return is_in(f, SYNC_IN_IMPORT) ? NULL : add_result(in, f, shown, a, ret);
}

static err_t list_files(struct inbox *in, enum inbox_folder folder, struct inbox_cursor *cursor, size_t limit,
                        struct arena *a, struct inbox_entry_list *ret)
{
    struct shown_files page;
    size_t most = folder == INBOX_IMPORT ? limit : limit / 2; /* with their results */
    TRY(read_files(in, folder, cursor, most, a, &page));
    for (size_t i = 0; i < page.files.count; i++) {
        const struct sync_file *f = &page.files.items[i];
        TRY(add_file(in, f, page.names[i], a, ret));
        TRY(move_cursor(cursor, f->name, f->id, a));
    }
    cursor->is_end = page.files.count < most;
    return NULL;
}

err_t inbox_list(struct inbox *in, enum inbox_folder folder, struct inbox_cursor *cursor, size_t limit, struct arena *a,
                 struct inbox_entry_list *ret)
{
    struct inbox_cursor now = *cursor;
    assert(limit >= 2 && limit <= INBOX_LIST_MAX);
    struct inbox_entry_list list = { arena_array(a, struct inbox_entry, limit), 0 };
    TRY(inbox_check(in, a));
    if (now.stage == STAGE_FOLDERS)
        list_folders(in, folder, &now, &list);
    else if (!now.is_end && now.stage == STAGE_TRANSFERS)
        TRY(list_transfers(in, &now, limit, a, &list));
    else if (!now.is_end)
        TRY(list_files(in, folder, &now, limit, a, &list));
    *cursor = now;
    *ret = list;
    return NULL;
}

/* ---- space ---- */

static err_t read_room(struct inbox *in, struct arena *a, struct quota_room *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(in->core->meta, a, &tx));
    return quota_room(in->core, tx, &in->who, a, ret);
}

err_t inbox_space(struct inbox *in, struct arena *a, struct inbox_space *ret)
{
    struct quota_room room;
    uint64_t left;
    TRY(inbox_check(in, a));
    TRY(read_room(in, a, &room));
    TRY(free_space_left(in->core, a, &left));
    uint64_t used = room.used_bytes > 0 ? (uint64_t)room.used_bytes : 0;
    bool has_limit = room.limit_bytes >= 0;
    ret->free_bytes = has_limit && (uint64_t)room.free_bytes < left ? (uint64_t)room.free_bytes : left;
    ret->total_bytes = has_limit ? (uint64_t)room.limit_bytes : used + left;
    return NULL;
}
