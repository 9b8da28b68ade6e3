/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file/lifecycle.h"

#include "core/event.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/store/hold_store.h"
#include "core/store/object_store.h"

/* The record was removed: release what it used. */
static err_t release_contents(struct meta_tx *tx, const struct file *f, int64_t now_ms, const struct principal *who,
                              slice action, struct arena *a)
{
    if (f->object_id) {
        TRY(meta_object_release(tx, f->object_id, now_ms, a));
        TRY(meta_account_use(tx, f->account_id, -(int64_t)f->size_bytes, -1, a));
    }
    struct event_params event = { .at_ms = now_ms,
                                  .who = who,
                                  .account_id = f->account_id,
                                  .action = action,
                                  .subject = event_file(a, f),
                                  .detail = f->name };
    return event_write(tx, &event, a);
}

err_t file_remove(struct meta_tx *tx, int64_t file_id, int64_t now_ms, const struct principal *who, slice action,
                  struct arena *a)
{
    struct file f;
    bool is_held;
    TRY(meta_file_lock(tx, file_id, a));
    TRY(meta_file_get(tx, file_id, a, &f));
    TRY(meta_hold_any(tx, file_id, a, &is_held));
    if (is_held)
        return err_make(a, ERR_CONFLICT, "something holds the file");
    TRY(meta_file_remove(tx, file_id, a));
    return release_contents(tx, &f, now_ms, who, action, a);
}

err_t file_remove_due(struct meta_tx *tx, const struct file *f, int64_t now_ms, struct arena *a)
{
    TRY(meta_file_remove_due(tx, f->id, now_ms, a));
    return release_contents(tx, f, now_ms, NULL, S("file.purge"), a);
}
