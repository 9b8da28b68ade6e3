/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of the keys of sync files (entry_guard.h). The upload carries a link that the server's own key signed, which names the
 * user and the key that it was made for; whether they are still active is asked there (access_act_for) and at the end of the
 * intake.
 *
 * The bytes of each upload become a file of their own, which the sync file holds. Another upload replaces the file, bytes and record,
 * in one write. From the first import on, no bytes are taken any more. */
#include "core/bucket/entry.h"
#include "core/bucket/entry_guard.h"
#include "core/event.h"
#include "core/file/file.h"
#include "core/file/hold.h"
#include "core/file/lifecycle.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_priv.h"

#include <string.h>

static err_t forbid_put(struct arena *a, const char *why)
{
    return err_make(a, ERR_FORBIDDEN, "%s", why);
}

/* A sync file, and the file with its bytes. */
struct sync_target {
    struct sync_file sync;
    struct file file; /* zeros: no bytes have come */
};

/* Find the sync file of the key, if bytes may still be put. Errors: NOT_FOUND there is none; FORBIDDEN. */
static err_t find_open(struct meta_tx *tx, const struct entry_put *put, int64_t now_ms, struct arena *a,
                       struct sync_target *ret)
{
    struct sync_file *sync = &ret->sync;
    memset(&ret->file, 0, sizeof ret->file);
    TRY(sync_file_by_key(tx, put->bucket.id, put->request.key, a, sync));
    if (sync->state != SYNC_CREATED && sync->state != SYNC_UPLOADED)
        return forbid_put(a, "the bytes of this file do not change any more");
    if (sync->due_at_ms <= now_ms)
        return forbid_put(a, "the permission to put these bytes has ended");
    return sync->file_id ? meta_file_get(tx, sync->file_id, a, &ret->file) : NULL;
}

/* What a file of that many bytes takes more than the one that is there. */
static struct account_use use_of_difference(const struct sync_target *target, const struct file *now)
{
    const struct file *file = &target->file;
    bool is_first = !file->id;
    return (struct account_use){ .bytes = (int64_t)now->size_bytes - (is_first ? 0 : (int64_t)file->size_bytes),
                                 .files = is_first ? 1 : 0,
                                 .records = file_record_size(now) - (is_first ? 0 : file_record_size(file)) +
                                            (int64_t)now->content_type.n - (int64_t)target->sync.content_type.n,
                                 .pending = is_first ? -1 : 0,
                                 .owner_id = target->sync.owner_id };
}

/* ---- when the request head arrives ---- */

static err_t admit_sync_put(struct entry_put *put, struct intake_request *in, struct arena *a)
{
    struct core *core = put->core;
    struct sync_target target;
    int64_t now_ms = core_now_ms(core);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find_open(tx, put, now_ms, a, &target));
    const struct sync_file *sync = &target.sync;
    if (sync->link_expires_at_ms <= now_ms)
        return forbid_put(a, "the time in which an upload could begin has run out");
    if (sync->max_bytes && (!in->max_bytes || sync->max_bytes < in->max_bytes))
        in->max_bytes = sync->max_bytes;
    struct file declared = { .name = sync->name, .size_bytes = in->exact_bytes > 0 ? (uint64_t)in->exact_bytes : 0 };
    struct account_use more = use_of_difference(&target, &declared);
    TRY(quota_check(core, tx, sync->account_id, &more, a));
    put->file_id = sync->id;
    random_uuid(core->random, put->uuid);
    in->account_id = sync->account_id;
    in->owner_id = sync->owner_id;
    return NULL;
}

/* ---- inside the write ---- */

/* The type that the upload declared. */
static slice content_type_of(slice headers)
{
    slice line;
    while (slice_cut(headers, '\n', &line, &headers) || line.n) {
        if (slice_starts(line, S("Content-Type: ")))
            return slice_from(line, S("Content-Type: ").n);
        if (!headers.n)
            break;
    }
    return S("application/octet-stream");
}

static struct file describe_upload(const struct sync_file *sync, const struct entry_put *put,
                                   const struct intake_result *result)
{
    struct file file = { .account_id = sync->account_id,
                         .owner_id = sync->owner_id,
                         .origin = sync->origin,
                         .name = sync->name,
                         .content_type = content_type_of(put->request.headers),
                         .state = FILE_STORED,
                         .size_bytes = result->object.size_bytes,
                         .created_at_ms = result->at_ms,
                         .stored_at_ms = result->at_ms,
                         .purge_at_ms = result->at_ms + 1 }; /* until the sync file holds it, in this write */
    memcpy(file.uuid, put->uuid, sizeof file.uuid);
    memcpy(file.md5, result->object.md5, MD5_SIZE);
    return file;
}

static err_t check_put_condition(const struct entry_put *put, const struct file *there, struct arena *a)
{
    struct entry entry = { .size_bytes = there->size_bytes };
    memcpy(entry.md5, there->md5, MD5_SIZE);
    return entry_check_condition(&put->request.condition, there->id ? &entry : NULL, a);
}

static err_t name_upload(struct meta_tx *tx, const struct sync_target *target, const struct file *file, struct arena *a)
{
    struct sync_file now = target->sync;
    bool changed;
    now.file_id = file->id;
    now.size_bytes = file->size_bytes;
    now.content_type = file->content_type;
    now.uploaded_at_ms = file->stored_at_ms;
    now.due_at_ms = file->stored_at_ms + now.idle_ms;
    memcpy(now.md5, file->md5, MD5_SIZE);
    TRY(meta_sync_file_store(tx, &now, target->file.id, a, &changed));
    return changed ? hold_add(tx, file->id, sync_holder_of(now.id), file->stored_at_ms, a)
                   : err_make(a, ERR_UNAVAILABLE, "the sync file was changed at the same time");
}

/* The user who was given the link: the key that signed the request is the server's own. */
static struct principal owner_of(const struct sync_file *sync, const struct entry_put *put)
{
    return (struct principal){
        .account_id = sync->account_id, .user_id = sync->owner_id, .login = S(""), .request_id = put->who.request_id
    };
}

static err_t release_replaced(struct meta_tx *tx, const struct sync_target *target, const struct principal *who,
                              int64_t now_ms, struct arena *a)
{
    if (!target->file.id)
        return NULL;
    TRY(hold_remove(tx, target->file.id, sync_holder_of(target->sync.id), now_ms, a));
    return file_remove(tx, target->file.id, now_ms, who, S("file.replace"), a);
}

static err_t find_open_again(struct meta_tx *tx, const struct entry_put *put, int64_t now_ms, struct arena *a,
                             struct sync_target *ret)
{
    err_t e = find_open(tx, put, now_ms, a, ret);
    if (err_is(e, ERR_NOT_FOUND) || (!e && ret->sync.id != put->file_id))
        return forbid_put(a, "the permission to put these bytes has ended");
    return e;
}

static err_t place_sync_bytes(struct meta_tx *tx, struct entry_put *put, const struct intake_result *result,
                              struct arena *a)
{
    struct sync_target target;
    struct object object = result->object;
    TRY(find_open_again(tx, put, result->at_ms, a, &target));
    TRY(check_put_condition(put, &target.file, a));
    struct file file = describe_upload(&target.sync, put, result);
    struct account_use difference = use_of_difference(&target, &file);
    TRY(quota_check(put->core, tx, file.account_id, &difference, a));
    struct principal owner = owner_of(&target.sync, put);
    TRY(release_replaced(tx, &target, &owner, result->at_ms, a));
    struct account_use more = { .bytes = (int64_t)file.size_bytes,
                                .files = 1,
                                .records = file_record_size(&file) + (int64_t)file.content_type.n -
                                           (int64_t)target.sync.content_type.n,
                                .pending = difference.pending,
                                .owner_id = file.owner_id };
    TRY(quota_take(put->core, tx, file.account_id, &more, a));
    TRY(meta_object_add(tx, &object, a, &object.id));
    file.object_id = put->entry.object_id = object.id;
    TRY(meta_file_add(tx, &file, a, &file.id));
    TRY(name_upload(tx, &target, &file, a));
    struct event_params event = { .at_ms = result->at_ms,
                                  .who = &owner,
                                  .action = S("file.store"),
                                  .subject = event_file(a, &file),
                                  .detail = file.name };
    return event_write(tx, &event, a);
}

/* ---- reading ---- */

/* Nobody else is asked for a key that is known here. */
static err_t find_stored(struct meta_tx *tx, const struct bucket *bucket, slice key, struct arena *a, struct file *ret)
{
    struct sync_file sync;
    TRY(sync_file_by_key(tx, bucket->id, key, a, &sync));
    if (!sync.file_id)
        return core_refuse(a, REASON_ENTRY_NOT_THERE);
    err_t e = meta_file_get(tx, sync.file_id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_ENTRY_NOT_THERE) : e;
}

static err_t find_sync_entry(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key,
                             struct arena *a, struct entry *ret)
{
    struct file file;
    (void)core;
    TRY(find_stored(tx, bucket, key, a, &file));
    *ret = entry_of_file(bucket, key, &file, a);
    return NULL;
}

static err_t open_sync_entry(struct core *core, const struct bucket *bucket, slice key, struct arena *a,
                             struct entry *ret, struct content *ret_content)
{
    struct file file;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(find_stored(tx, bucket, key, a, &file));
    }
    TRY(file_open_record(core, &file, a, ret_content));
    *ret = entry_of_file(bucket, key, &file, a);
    return NULL;
}

const struct entry_guard sync_entry_guard = {
    .find = find_sync_entry, .open = open_sync_entry, .admit = admit_sync_put, .place = place_sync_bytes
};
