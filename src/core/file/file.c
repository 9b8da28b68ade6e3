/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file/file.h"

#include "core/event.h"
#include "core/file/file_cache.h"
#include "core/file/file_name.h"
#include "core/file/lifecycle.h"
#include "core/object/checked_row.h"
#include "core/quota.h"
#include "core/records/object.h"
#include "core/records/record_size.h"
#include "core/store/file_store.h"
#include "core/store/hold_store.h"
#include "core/store/transaction.h"

#include <assert.h>
#include <string.h>

static bool may_see(const struct principal *who, const struct file *f)
{
    return f->account_id == who->account_id && (f->owner_id == who->user_id || (who->is_admin && !f->is_pending));
}

bool file_is_visible(const struct principal *who, const struct file *f, int64_t now_ms)
{
    return may_see(who, f) && !file_purge_is_due(f, now_ms);
}

static err_t no_such_file(struct arena *a)
{
    return core_refuse(a, REASON_FILE_NOT_VISIBLE);
}

/* The error of a look-up of a file. */
static err_t check_found(err_t e, struct arena *a)
{
    return err_is(e, ERR_NOT_FOUND) ? no_such_file(a) : e;
}

static err_t find_visible(struct meta_tx *tx, const struct principal *who, const unsigned char uuid[16], int64_t now_ms,
                          struct arena *a, struct file *ret)
{
    struct file f = { 0 };
    TRY(check_found(meta_file_by_uuid(tx, uuid, a, &f), a));
    if (!file_is_visible(who, &f, now_ms))
        return no_such_file(a);
    *ret = f;
    return NULL;
}

err_t file_get(struct core *core, const struct principal *who, const unsigned char uuid[16], struct arena *a,
               struct file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return find_visible(tx, who, uuid, core_now_ms(core), a, ret);
}

/* Files whose purge time has come stay in the table until the purge, so pages are read until enough others were found. */
err_t file_list(struct core *core, const struct principal *who, const struct file_list_request *request,
                struct arena *a, struct file_page *ret)
{
    assert(request->limit > 0 && (!request->task_id || !request->folder_id));
    if (!who->is_admin && request->owner_id && request->owner_id != who->user_id) {
        *ret = (struct file_page){ 0 };
        return NULL;
    }
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    int64_t now_ms = core_now_ms(core);
    struct file_query query = { .account_id = who->account_id,
                                .owner_id = who->is_admin ? request->owner_id : who->user_id,
                                .task_id = request->task_id,
                                .folder_id = request->folder_id,
                                .pending_of = who->user_id,
                                .before_id = request->before_id,
                                .state = request->state,
                                .name_contains = request->name_contains,
                                .limit = request->limit + 1 };
    struct file *files = arena_array(a, struct file, request->limit + 1);
    struct file_list page;
    size_t count = 0;
    do {
        TRY(meta_file_list(tx, &query, a, &page));
        for (size_t i = 0; i < page.count && count <= request->limit; i++) {
            query.before_id = page.items[i].id;
            if (!file_purge_is_due(&page.items[i], now_ms))
                files[count++] = page.items[i];
        }
    } while (page.count == query.limit && count <= request->limit);
    bool more = count > request->limit;
    *ret = (struct file_page){ .items = files,
                               .count = more ? request->limit : count,
                               .next_before_id = more ? files[request->limit - 1].id : 0 };
    return NULL;
}

/* ---- bytes ---- */

static err_t file_bytes_missing(struct arena *a, err_t cause, const struct file *f)
{
    return core_refuse_because(a, cause, REASON_FILE_DAMAGED, "file %lld has a record but not its bytes",
                               (long long)f->id);
}

/* The blob was not found: NOT_FOUND if the record has gone since it was read, CORRUPT if only the bytes are lost. */
static err_t gone_or_missing(struct core *core, const struct file *f, err_t cause, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct file again;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(check_found(meta_file_get(tx, f->id, a, &again), a));
    return file_bytes_missing(a, cause, f);
}

/* A file's record and its object, as one snapshot has them. */
struct loaded_file {
    struct file file;
    struct object object;
    uint64_t generation; /* read before the snapshot began */
};

/* Does the object hold what the file's record says? */
static err_t check_file_object(struct core *core, const struct loaded_file *l, struct arena *a)
{
    const struct object *object = &l->object;
    uint64_t size_bytes = l->file.size_bytes;
    if (l->file.object_id == 0)
        return core_refuse(a, REASON_FILE_NO_BYTES);
    bool whole =
        object->id && object->size_bytes == size_bytes && (object->blob_key.n || object->inline_bytes.n == size_bytes);
    err_t e = whole && !object->blob_key.n ? checked_row(core, object, a) : NULL;
    return whole && !e ? NULL : file_bytes_missing(a, e, &l->file);
}

static err_t open_blob_of_file(struct core *core, const struct loaded_file *l, struct arena *a, struct content *ret)
{
    err_t e = content_open_blob(core, &l->object, a, ret);
    if (err_is(e, ERR_NOT_FOUND))
        return gone_or_missing(core, &l->file, e, a);
    return err_is(e, ERR_CORRUPT) ? file_bytes_missing(a, e, &l->file) : e;
}

/* Hands the caller's share of the block over to *ret. */
static void open_cached_file(struct cached_file *cached, struct content *ret)
{
    *ret = (struct content){ .size_bytes = cached->file.size_bytes, .bytes = cached->bytes, .memory = &cached->memory };
    memcpy(ret->md5, cached->file.md5, MD5_SIZE);
}

static err_t open_loaded_file(struct core *core, const struct loaded_file *l, struct arena *a, struct content *ret)
{
    if (l->object.blob_key.n)
        return open_blob_of_file(core, l, a, ret);
    struct cached_file *cached = cached_file_new(&l->file, l->object.inline_bytes, l->generation);
    file_cache_add(core->files, cached);
    open_cached_file(cached, ret);
    return NULL;
}

err_t file_open(struct core *core, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                struct file *ret_file, struct content *ret_content)
{
    int64_t now_ms = core_now_ms(core);
    uint64_t generation = meta_generation(core->meta); /* before anything is looked up */
    struct cached_file *cached = file_cache_find(core->files, uuid, generation);
    if (cached && !file_is_visible(who, &cached->file, now_ms)) {
        shared_memory_release(&cached->memory);
        return no_such_file(a);
    }
    if (cached) {
        *ret_file = cached->file;
        open_cached_file(cached, ret_content);
        return NULL;
    }
    struct loaded_file l = { .generation = generation };
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(check_found(meta_file_with_object(tx, uuid, a, &l.file, &l.object), a));
        if (!file_is_visible(who, &l.file, now_ms))
            return no_such_file(a);
        TRY(check_file_object(core, &l, a));
    }
    TRY(open_loaded_file(core, &l, a, ret_content));
    *ret_file = l.file;
    return NULL;
}

err_t file_open_record(struct core *core, const struct file *f, struct arena *a, struct content *ret)
{
    struct loaded_file l = { .generation = meta_generation(core->meta) };
    struct cached_file *cached = file_cache_find(core->files, f->uuid, l.generation);
    if (cached) {
        open_cached_file(cached, ret);
        return NULL;
    }
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        /* The record is read again: the cache needs the one of this generation. */
        TRY(check_found(meta_file_with_object(tx, f->uuid, a, &l.file, &l.object), a));
        TRY(check_file_object(core, &l, a));
    }
    return open_loaded_file(core, &l, a, ret);
}

/* ---- renaming ---- */

struct file_renaming {
    struct core *core;
    const struct principal *who;
    const unsigned char *uuid;
    slice name;
    int64_t now_ms;
};

static err_t apply_file_rename(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct file_renaming *r = arg;
    struct file f = { 0 };
    bool is_held;
    TRY(find_visible(tx, r->who, r->uuid, r->now_ms, a, &f));
    TRY(meta_file_lock(tx, f.id, a));
    TRY(find_visible(tx, r->who, r->uuid, r->now_ms, a, &f));
    TRY(meta_hold_any(tx, f.id, a, &is_held));
    if (is_held)
        return err_make(a, ERR_CONFLICT, "something holds the file");
    if (!f.object_id)
        return core_refuse(a, REASON_FILE_NO_BYTES);
    struct file renamed = f;
    renamed.name = r->name;
    TRY(quota_change_records(r->core, tx, f.account_id, file_record_size(&renamed) - file_record_size(&f), a));
    TRY(meta_file_rename(tx, f.id, r->name, a));
    struct event_params event = { .at_ms = r->now_ms,
                                  .who = r->who,
                                  .account_id = f.account_id,
                                  .action = S("file.rename"),
                                  .subject = event_file(a, &f),
                                  .detail = r->name };
    return event_write(tx, &event, a);
}

err_t file_rename(struct core *core, const struct principal *who, const unsigned char uuid[16], slice name,
                  struct arena *a, struct file *ret)
{
    struct file_renaming r = { .core = core, .who = who, .uuid = uuid, .now_ms = core_now_ms(core) };
    TRY(file_name_clean(name, a, &r.name));
    TRY(meta_write(core->meta, apply_file_rename, &r, a));
    return file_get(core, who, uuid, a, ret);
}

/* ---- deleting ---- */

struct file_removal {
    const struct principal *who;
    const unsigned char *uuid;
    int64_t now_ms;
};

static err_t apply_file_delete(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct file_removal *r = arg;
    struct file f = { 0 };
    TRY(find_visible(tx, r->who, r->uuid, r->now_ms, a, &f));
    return file_remove(tx, f.id, r->now_ms, r->who, S("file.delete"), a);
}

err_t file_delete(struct core *core, const struct principal *who, const unsigned char uuid[16], struct arena *a)
{
    struct file_removal r = { .who = who, .uuid = uuid, .now_ms = core_now_ms(core) };
    return meta_write(core->meta, apply_file_delete, &r, a);
}
