/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/named_blobs.h"

#include "core/records/object.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

static err_t stop_at_a_blob(void *arg, const struct object *object)
{
    static const struct err stop = { .code = ERR_EMPTY, .msg = "a blob is enough" };
    bool *is_named = arg;
    *is_named = object->blob_key.n != 0;
    return *is_named ? &stop : NULL;
}

err_t are_blobs_named(struct meta_store *meta, struct arena *a, bool *ret_named)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    *ret_named = false;
    TRY(meta_read_begin(meta, a, &tx));
    err_t e = meta_object_each(tx, 0, a, stop_at_a_blob, ret_named);
    return *ret_named ? NULL : e;
}
