/* SPDX-License-Identifier: Apache-2.0 */
#include "damage.h"

#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "test.h"

#include <string.h>

void damage_orphan(struct world *w, slice key, slice bytes)
{
    struct blob_writer *writer;
    const struct blob_ops *ops = w->core.blob->ops;
    EXPECT_OK(ops->create(w->core.blob, key, 0, w->a, &writer));
    EXPECT_OK(ops->write(writer, bytes, w->a));
    EXPECT_OK(ops->commit(writer, w->a));
}

void damage_blob(struct world *w, slice key, slice bytes)
{
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, key, w->a));
    damage_orphan(w, key, bytes);
}

void damage_growing(struct world *w, slice key, slice bytes)
{
    struct blob_writer *writer;
    const struct blob_ops *ops = w->core.blob->ops;
    EXPECT_OK(ops->drop(w->core.blob, key, w->a));
    EXPECT_OK(ops->grow(w->core.blob, key, 0, w->a, &writer));
    EXPECT_OK(ops->write(writer, bytes, w->a));
    EXPECT_OK(ops->flush(writer, w->a));
    ops->discard(writer);
}

struct lie {
    const struct principal *who;
    struct object object;
    struct file file;
    int64_t bytes;
};

static err_t apply_liar(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct lie *lie = arg;
    struct account_use more = { .bytes = (int64_t)lie->file.size_bytes,
                                .files = 1,
                                .records = file_record_size(&lie->file),
                                .owner_id = lie->file.owner_id };
    TRY(meta_account_use(tx, lie->who->account_id, &more, a));
    TRY(meta_object_add(tx, &lie->object, a, &lie->file.object_id));
    return meta_file_add(tx, &lie->file, a, &lie->file.id);
}

void damage_liar(struct world *w, const struct principal *who, slice bytes, const unsigned char *md5, uint64_t size)
{
    struct lie lie = { .who = who,
                       .object = { .account_id = who->account_id, .size_bytes = size, .inline_bytes = bytes },
                       .file = { .account_id = who->account_id,
                                 .owner_id = who->user_id,
                                 .origin = S("test"),
                                 .name = S("liar"),
                                 .state = FILE_READY,
                                 .is_kept = true,
                                 .size_bytes = size } };
    memcpy(lie.object.md5, md5, MD5_SIZE);
    memcpy(lie.file.md5, md5, MD5_SIZE);
    random_uuid(&w->random.random, lie.file.uuid);
    world_write(w, apply_liar, &lie);
}

static err_t apply_usage(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct lie *lie = arg;
    return meta_account_use(tx, lie->who->account_id, &(struct account_use){ lie->bytes, 0 }, a);
}

void damage_usage(struct world *w, const struct principal *who, int64_t bytes)
{
    struct lie lie = { .who = who, .bytes = bytes };
    world_write(w, apply_usage, &lie);
}
