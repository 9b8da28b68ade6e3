/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file/lifecycle.h"

#include "core/event.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/store/hold_store.h"
#include "core/store/object_store.h"
#include "core/store/ticket_store.h"

/* What the account gets back when the file is removed, with its ticket. Called before it is removed. */
static err_t use_of_file(struct meta_tx *tx, const struct file *f, struct arena *a, struct account_use *ret)
{
    struct ticket ticket;
    *ret = (struct account_use){ .records = -file_record_size(f) };
    if (f->object_id) {
        ret->bytes = -(int64_t)f->size_bytes;
        ret->files = -1;
        ret->owner_id = f->owner_id;
    } else {
        ret->pending = -1;
    }
    err_t e = meta_ticket_get(tx, f->id, a, &ticket);
    if (!e)
        ret->records -= ticket_record_size(&ticket);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

struct file_ending {
    int64_t now_ms;
    const struct principal *who;
    slice action;
    struct account_use less;
};

/* The record was removed: release what it used. */
static err_t release_contents(struct meta_tx *tx, const struct file *f, const struct file_ending *ending,
                              struct arena *a)
{
    if (f->object_id)
        TRY(meta_object_release(tx, f->object_id, ending->now_ms, a));
    TRY(meta_account_use(tx, f->account_id, &ending->less, a));
    struct event_params event = { .at_ms = ending->now_ms,
                                  .who = ending->who,
                                  .account_id = f->account_id,
                                  .action = ending->action,
                                  .subject = event_file(a, f),
                                  .detail = f->name };
    return event_write(tx, &event, a);
}

err_t file_remove(struct meta_tx *tx, int64_t file_id, int64_t now_ms, const struct principal *who, slice action,
                  struct arena *a)
{
    struct file_ending ending = { .now_ms = now_ms, .who = who, .action = action };
    struct file f;
    bool is_held;
    TRY(meta_file_lock(tx, file_id, a));
    TRY(meta_file_get(tx, file_id, a, &f));
    TRY(meta_hold_any(tx, file_id, a, &is_held));
    if (is_held)
        return err_make(a, ERR_CONFLICT, "something holds the file");
    TRY(use_of_file(tx, &f, a, &ending.less));
    TRY(meta_file_remove(tx, file_id, a));
    return release_contents(tx, &f, &ending, a);
}

err_t file_remove_due(struct meta_tx *tx, const struct file *f, int64_t now_ms, struct arena *a)
{
    struct file_ending ending = { .now_ms = now_ms, .action = S("file.purge") };
    TRY(use_of_file(tx, f, a, &ending.less));
    TRY(meta_file_remove_due(tx, f->id, now_ms, a));
    return release_contents(tx, f, &ending, a);
}
