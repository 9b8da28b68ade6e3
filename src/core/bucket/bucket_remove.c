/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a bucket, which must have no entry. Uploads end with it, in several writes if there are many. */
#include "core/bucket/bucket_priv.h"
#include "core/bucket/upload_priv.h"
#include "core/reasons.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/bucket_store.h"
#include "core/store/entry_store.h"

static err_t note_entry(void *arg, const struct entry *entry, bool *ret_stop)
{
    (void)entry;
    *(bool *)arg = *ret_stop = true;
    return NULL;
}

/* Before any upload ends: a bucket that stays keeps its uploads. */
static err_t check_no_entry(struct meta_tx *tx, int64_t bucket_id, struct arena *a)
{
    struct entry_range all = { .bucket_id = bucket_id };
    bool found = false;
    TRY(meta_entry_each(tx, &all, a, note_entry, &found));
    return found ? core_refuse(a, REASON_BUCKET_NOT_EMPTY) : NULL;
}

static err_t apply_bucket_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bucket_change *c = arg;
    struct upload_ending ending = { .now_ms = c->now_ms, .who = c->who, .action = S("upload.abort") };
    TRY(bucket_find_managed(tx, c, a));
    TRY(check_no_entry(tx, c->bucket.id, a));
    TRY(upload_end_of_bucket(tx, c->bucket.id, &ending, a, &c->unfinished));
    if (c->unfinished)
        return NULL; /* the rest in another write: other writes wait for this one */
    err_t e = meta_bucket_remove(tx, c->bucket.id, a);
    if (err_is(e, ERR_CONFLICT))
        return core_refuse(a, REASON_BUCKET_NOT_EMPTY);
    TRY(e);
    struct account_use less = { .records = -bucket_record_size(&c->bucket) };
    TRY(meta_account_use(tx, c->bucket.account_id, &less, a));
    return bucket_write_event(tx, c, S("bucket.remove"), a);
}

err_t bucket_remove(struct core *core, const struct principal *who, slice name, struct arena *a)
{
    struct bucket_change c = { .core = core, .who = who, .name = name, .now_ms = core_now_ms(core) };
    do {
        TRY(upload_finish_ended(core, NULL, a)); /* of this bucket, too: their records keep it from being removed */
        TRY(meta_write(core->meta, apply_bucket_remove, &c, a));
    } while (c.unfinished);
    return NULL;
}
