/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bucket/entry_guard.h"

#include "core/records/file.h"

#include <string.h>

err_t entry_guards_find(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key, struct arena *a,
                        struct entry *ret)
{
    err_t e = err_make(a, ERR_NOT_FOUND, "no guard knows the key");
    for (const struct entry_guard *const *g = core->entry_guards; *g && entry_key_is_unknown(e); g++)
        e = (*g)->find(core, tx, bucket, key, a, ret);
    return e;
}

err_t entry_guards_open(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                        struct content *ret_content)
{
    err_t e = err_make(a, ERR_NOT_FOUND, "no guard knows the key");
    for (const struct entry_guard *const *g = core->entry_guards; *g && entry_key_is_unknown(e); g++)
        e = (*g)->open(core, bucket, key, a, ret, ret_content);
    return e;
}

struct entry entry_of_file(const struct bucket *bucket, slice key, const struct file *file, struct arena *a)
{
    slice line[] = { S("Content-Type: "), file->content_type, S("\n") };
    struct entry entry = { .bucket_id = bucket->id,
                           .key = key,
                           .owner_id = file->owner_id,
                           .object_id = file->object_id,
                           .size_bytes = file->size_bytes,
                           .upload = S(""),
                           .headers = file->content_type.n ? arena_join(a, line, LENGTH_OF(line)) : S(""),
                           .tags = S(""),
                           .modified_at_ms = file->stored_at_ms };
    memcpy(entry.md5, file->md5, MD5_SIZE);
    return entry;
}
