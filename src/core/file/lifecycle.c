/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   STORED  the file has bytes and, as a rule, a purge time; no reference holds it
 *   READY   the file has bytes; purge_at_ms is 0 or FILE_KEPT. References hold it, or it was taken in to be kept
 * A file that was taken in to be kept is marked FILE_KEPT when it gets its first reference. Without the mark, the end of
 * that reference would give it a purge time. */
#include "core/file/lifecycle.h"

#include "core/event.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/reference_store.h"

err_t file_hold(struct meta_tx *tx, int64_t file_id, int64_t now_ms, struct arena *a)
{
    struct file f;
    TRY(meta_file_get(tx, file_id, a, &f));
    if (file_purge_is_due(&f, now_ms))
        return err_make(a, ERR_NOT_FOUND, "the purge time of the file has come");
    if (f.state == FILE_STORED)
        return meta_file_move(tx, file_id, FILE_STORED, FILE_READY, 0, a);
    if (f.state != FILE_READY)
        return err_make(a, ERR_CONFLICT, "the file has no bytes yet");
    int64_t holds;
    TRY(meta_reference_holds(tx, file_id, a, &holds));
    if (holds == 0 && f.purge_at_ms != FILE_KEPT)
        return meta_file_move(tx, file_id, FILE_READY, FILE_READY, FILE_KEPT, a);
    return NULL;
}

err_t file_release(struct meta_tx *tx, int64_t file_id, int64_t purge_at_ms, struct arena *a)
{
    struct file f;
    TRY(meta_file_get(tx, file_id, a, &f));
    int64_t holds;
    TRY(meta_reference_holds(tx, file_id, a, &holds));
    if (holds > 0 || f.state != FILE_READY || f.purge_at_ms == FILE_KEPT)
        return NULL;
    return meta_file_move(tx, file_id, FILE_READY, FILE_STORED, purge_at_ms, a);
}

err_t file_remove(struct meta_tx *tx, int64_t file_id, int64_t now_ms, const struct principal *who, slice action,
                  struct arena *a)
{
    struct file f;
    TRY(meta_file_get(tx, file_id, a, &f));
    int64_t holds;
    TRY(meta_reference_holds(tx, file_id, a, &holds));
    if (holds > 0)
        return err_make(a, ERR_CONFLICT, "a task holds the file");
    TRY(meta_file_remove(tx, file_id, a));
    if (f.object_id) {
        TRY(meta_object_release(tx, f.object_id, now_ms, a));
        TRY(meta_account_use(tx, f.account_id, -(int64_t)f.size_bytes, -1, a));
    }
    struct event_params event = { .at_ms = now_ms,
                                  .who = who,
                                  .account_id = f.account_id,
                                  .action = action,
                                  .subject = event_file(a, &f),
                                  .detail = f.name };
    return event_write(tx, &event, a);
}
