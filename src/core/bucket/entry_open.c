/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an entry. The entry, its object, and the bytes of a small object come in one look-up. */
#include "core/bucket/entry_guard.h"
#include "core/bucket/entry_priv.h"
#include "core/object/part_map.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

enum { TRIES_MAX = 3 };

static err_t entry_bytes_missing(struct arena *a, err_t cause, const struct entry *entry)
{
    return err_because(a, cause, ERR_CORRUPT, "object %lld has a record but not its bytes",
                       (long long)entry->object_id);
}

/* The outcome of one try. If `gone` is not NULL, the object's blob was not there and nothing is open. */
struct opened_entry {
    struct entry entry;
    struct content content;
    err_t gone;
};

static err_t open_once(struct core *core, const struct bucket *bucket, slice key, bool quickly, struct arena *a,
                       struct opened_entry *ret)
{
    struct object object = { 0 };
    *ret = (struct opened_entry){ 0 };
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(entry_check_found(meta_entry_with_object(tx, bucket->id, key, a, &ret->entry, &object), a));
        if (object.size_bytes != ret->entry.size_bytes)
            return entry_bytes_missing(a, NULL, &ret->entry);
        if (quickly && object.part_count && !part_map_opens_quickly(core, &object)) {
            ret->content.is_unopened = true;
            return NULL;
        }
        TRY(content_open_record(core, tx, &object, a, &ret->content));
    }
    err_t e = object.blob_key.n ? content_open_blob(core, &object, a, &ret->content) : NULL;
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    ret->gone = e;
    return NULL;
}

/* If the blob is not there, it was lost, or the entry was removed or replaced after its record was read. In the second case
 * another try finds no entry, or another object. */
static err_t open_entry(struct core *core, const struct bucket *bucket, slice key, bool quickly, struct arena *a,
                        struct opened_entry *ret)
{
    if (bucket->kind == BUCKET_GUARDED)
        return entry_check_found(entry_guards_open(core, bucket, key, a, &ret->entry, &ret->content), a);
    int64_t object_id = 0;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        TRY(open_once(core, bucket, key, quickly, a, ret));
        if (!ret->gone)
            return NULL;
        if (ret->entry.object_id == object_id)
            return entry_bytes_missing(a, ret->gone, &ret->entry);
        object_id = ret->entry.object_id;
    }
    return err_make(a, ERR_UNAVAILABLE, "the entry changes faster than it can be opened");
}

err_t entry_open(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                 struct content *ret_content)
{
    struct opened_entry opened = { 0 };
    TRY(open_entry(core, bucket, key, false, a, &opened));
    *ret = opened.entry;
    *ret_content = opened.content;
    return NULL;
}

err_t entry_open_quickly(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                         struct content *ret_content)
{
    struct opened_entry opened = { 0 };
    TRY(open_entry(core, bucket, key, true, a, &opened));
    *ret = opened.entry;
    *ret_content = opened.content;
    return NULL;
}

err_t entry_parts(struct core *core, const struct entry *entry, struct arena *a, struct object_part_list *ret)
{
    *ret = (struct object_part_list){ 0 };
    if (!entry->part_count)
        return NULL;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_object_parts(tx, entry->object_id, a, ret);
}

err_t entry_part(struct core *core, const struct entry *entry, int64_t number, struct arena *a, struct object_part *ret)
{
    int64_t parts = entry->part_count ? entry->part_count : 1;
    struct object_part_list list;
    if (number < 1 || number > parts)
        return core_refuse(a, REASON_ENTRY_NO_PART);
    *ret = (struct object_part){ .object.size_bytes = entry->size_bytes, .digest = entry->digest };
    if (!entry->part_count)
        return NULL;
    TRY(entry_parts(core, entry, a, &list));
    if ((uint64_t)number > list.count) /* the entry was replaced meanwhile */
        return core_refuse(a, REASON_ENTRY_NO_PART);
    *ret = list.items[number - 1];
    return NULL;
}
