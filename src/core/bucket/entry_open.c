/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a key names: the entry, its object and, when they are few, its bytes come in one look-up. */
#include "core/bucket/entry_guard.h"
#include "core/bucket/entry_priv.h"
#include "core/store/blob_store.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

#include <string.h>

enum { LOOKS_MOST = 3 };

static err_t missing(struct arena *a, err_t cause, const struct entry *entry)
{
    return err_because(a, cause, ERR_CORRUPT, "object %lld has a record but not its bytes",
                       (long long)entry->object_id);
}

/* Opens what is not a blob, in the snapshot in which it was found. */
static err_t open_record(struct core *core, struct meta_tx *tx, const struct entry *entry, const struct object *object,
                         struct arena *a, struct content *ret)
{
    if (object->size_bytes != entry->size_bytes)
        return missing(a, NULL, entry);
    if (object->part_count)
        return composed_open(core, tx, object, a, &ret->reader);
    if (object->blob_key.n)
        return NULL;
    if (object->inline_bytes.n != object->size_bytes)
        return missing(a, NULL, entry);
    ret->bytes = object->inline_bytes.n ? object->inline_bytes : S("");
    return NULL;
}

static err_t open_blob(struct core *core, const struct entry *entry, slice key, struct arena *a, struct content *ret)
{
    TRY(core->blob->ops->open(core->blob, key, a, &ret->reader));
    if (ret->reader->size_bytes == entry->size_bytes)
        return NULL;
    content_close(ret);
    return missing(a, NULL, entry);
}

/* *ret_gone: the blob was not there. */
static err_t open_once(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                       struct content *ret_content, err_t *ret_gone)
{
    struct content content = { 0 };
    struct object object = { 0 };
    {
        SCOPED(meta_read_endp)
        struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(meta_entry_with_object(tx, bucket->id, key, a, ret, &object));
        TRY(open_record(core, tx, ret, &object, a, &content));
    }
    *ret_gone = NULL;
    if (object.blob_key.n) {
        err_t e = open_blob(core, ret, object.blob_key, a, &content);
        if (err_is(e, ERR_NOT_FOUND)) {
            *ret_gone = e;
            return NULL;
        }
        TRY(e);
    }
    content.file.size_bytes = ret->size_bytes;
    memcpy(content.file.md5, ret->md5, MD5_SIZE);
    *ret_content = content;
    return NULL;
}

static err_t open_guarded(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                          struct content *ret_content)
{
    struct guarded_entry guarded;
    {
        SCOPED(meta_read_endp)
        struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(core->entry_guard->find(core, tx, bucket, key, a, &guarded));
    }
    TRY(file_open_record(core, &guarded.file, a, ret_content));
    *ret = guarded.entry;
    return NULL;
}

/* A blob that is not there was lost, or went together with its record between the two looks: then the entry is gone or
 * names another object by now. */
err_t entry_open(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                 struct content *ret_content)
{
    if (bucket->kind == BUCKET_GUARDED)
        return open_guarded(core, bucket, key, a, ret, ret_content);
    int64_t object_id = 0;
    for (int looks = 0; looks < LOOKS_MOST; looks++) {
        err_t gone;
        TRY(open_once(core, bucket, key, a, ret, ret_content, &gone));
        if (!gone)
            return NULL;
        if (ret->object_id == object_id)
            return missing(a, gone, ret);
        object_id = ret->object_id;
    }
    return err_make(a, ERR_UNAVAILABLE, "the entry changes faster than it can be opened");
}

err_t entry_part(struct core *core, const struct entry *entry, int64_t number, struct arena *a, uint64_t *ret_offset,
                 uint64_t *ret_bytes)
{
    int64_t parts = entry->part_count ? entry->part_count : 1;
    if (number < 1 || number > parts)
        return err_make(a, ERR_NOT_FOUND, "no such part");
    *ret_offset = 0;
    *ret_bytes = entry->size_bytes;
    if (!entry->part_count)
        return NULL;
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    struct object_part *list;
    size_t count;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_object_parts(tx, entry->object_id, a, &list, &count));
    if ((uint64_t)number > count) /* replaced meanwhile */
        return err_make(a, ERR_NOT_FOUND, "no such part");
    *ret_offset = list[number - 1].offset;
    *ret_bytes = list[number - 1].object.size_bytes;
    return NULL;
}
