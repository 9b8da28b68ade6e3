/* SPDX-License-Identifier: Apache-2.0 */
#include "core/object/content.h"

#include "core/object/checked_blob.h"
#include "core/object/checked_row.h"
#include "core/object/composite.h"
#include "core/records/object.h"
#include "core/store/blob_store.h"

#include <stdlib.h>
#include <string.h>

void shared_memory_release(struct shared_memory *memory)
{
    if (memory && __atomic_sub_fetch(&memory->readers, 1, __ATOMIC_ACQ_REL) == 0)
        free(memory);
}

static struct content content_of(const struct object *object)
{
    struct content content = { .size_bytes = object->size_bytes };
    memcpy(content.md5, object->md5, MD5_SIZE);
    return content;
}

err_t content_open_record(struct core *core, struct meta_tx *tx, const struct object *object, struct arena *a,
                          struct content *ret)
{
    struct content content = content_of(object);
    if (object->part_count) {
        TRY(composite_open(core, tx, object, a, &content.reader));
    } else if (!object->blob_key.n) {
        TRY(checked_row(core, object, a));
        content.bytes = object->inline_bytes.n ? object->inline_bytes : S("");
    }
    *ret = content;
    return NULL;
}

err_t content_open_blob(struct core *core, const struct object *object, struct arena *a, struct content *ret)
{
    struct content content = content_of(object);
    TRY(checked_blob_open(core, object, a, &content.reader));
    *ret = content;
    return NULL;
}

err_t content_read_at(const struct content *content, uint64_t offset, char *to, size_t size, struct arena *a,
                      size_t *ret_read)
{
    if (content->reader)
        return content->reader->ops->read_at(content->reader, offset, to, size, a, ret_read);
    uint64_t left = offset < content->bytes.n ? content->bytes.n - offset : 0;
    *ret_read = left < size ? (size_t)left : size;
    if (*ret_read)
        memcpy(to, content->bytes.p + offset, *ret_read);
    return NULL;
}

err_t content_check(const struct content *content, uint64_t from, uint64_t to, bool has_left, char *memory,
                    struct arena *a)
{
    if (!is_checked_blob(content->reader))
        return NULL;
    return checked_blob_check(content->reader, from, to, has_left, memory, a);
}

int content_fd(const struct content *content)
{
    return content->reader ? content->reader->fd : -1;
}

void content_close(struct content *content)
{
    if (content->reader)
        content->reader->ops->close(content->reader);
    shared_memory_release(content->memory);
    *content = (struct content){ 0 };
}
