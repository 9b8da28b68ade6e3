/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads end here without an entry: aborted by a client, or purged when they have expired. */
#include "core/bucket/upload_priv.h"

#include "core/event.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

/* Limits of the work in one write, because other writes wait for it. */
enum {
    PURGE_UPLOADS_MAX = 50,
    PURGE_PARTS_MAX = 200 /* an upload of few parts that begins below it is ended whole */
};

static err_t end_in_pieces(struct meta_tx *tx, const struct upload *u, int64_t now_ms, struct arena *a,
                           struct account_use *ret_parts)
{
    int64_t count;
    TRY(meta_part_sums(tx, u->id, a, &ret_parts->bytes, &count));
    ret_parts->records = RECORD_BYTES * count;
    return meta_upload_end(tx, u->id, now_ms, a);
}

static err_t end_at_once(struct meta_tx *tx, const struct upload *u, const struct upload_part_list *parts,
                         int64_t now_ms, struct arena *a, struct account_use *ret_parts)
{
    TRY(meta_upload_remove(tx, u->id, a));
    for (size_t i = 0; i < parts->count; i++) {
        ret_parts->bytes += (int64_t)parts->items[i].size_bytes;
        TRY(meta_object_release(tx, parts->items[i].object_id, now_ms, a));
    }
    ret_parts->records = RECORD_BYTES * (int64_t)parts->count;
    return NULL;
}

err_t upload_end(struct meta_tx *tx, const struct upload *u, const struct upload_ending *ending, struct arena *a,
                 size_t *ret_parts)
{
    struct upload_part_list parts;
    struct account_use freed = { 0 }; /* by the parts */
    bool there;
    *ret_parts = 0;
    TRY(meta_upload_hold(tx, u->id, a, &there));
    if (!there)
        return NULL; /* another write has ended it */
    TRY(meta_part_list(tx, u->id, 0, UPLOAD_PARTS_AT_ONCE + 1, a, &parts));
    TRY(parts.count > UPLOAD_PARTS_AT_ONCE ? end_in_pieces(tx, u, ending->now_ms, a, &freed)
                                           : end_at_once(tx, u, &parts, ending->now_ms, a, &freed));
    *ret_parts = parts.count;
    struct account_use less = {
        .bytes = -freed.bytes, .records = -freed.records - upload_record_size(u), .uploads = -1, .owner_id = u->owner_id
    };
    TRY(meta_account_use(tx, u->account_id, &less, a));
    struct event_params event = { .at_ms = ending->now_ms,
                                  .who = ending->who,
                                  .account_id = u->account_id,
                                  .action = ending->action,
                                  .subject = upload_subject(a, u->name) };
    return event_write(tx, &event, a);
}

err_t upload_end_of_bucket(struct meta_tx *tx, int64_t bucket_id, const struct upload_ending *ending, struct arena *a,
                           bool *ret_more)
{
    struct upload_ending purge = { .now_ms = ending->now_ms, .action = S("upload.purge") };
    struct upload_query query = { .bucket_id = bucket_id, .limit = PURGE_UPLOADS_MAX };
    struct upload_list list;
    size_t parts, ended_parts = 0, ended = 0;
    TRY(meta_upload_list(tx, &query, a, &list));
    *ret_more = false;
    for (; ended < list.count && ended_parts < PURGE_PARTS_MAX; ended++) {
        bool expired = upload_is_expired(&list.items[ended], ending->now_ms);
        TRY(upload_end(tx, &list.items[ended], expired ? &purge : ending, a, &parts));
        ended_parts += parts;
    }
    *ret_more = ended > 0;
    return NULL;
}

/* ---- what is left ---- */

struct cleaning {
    int64_t now_ms;
    bool more;
};

static err_t apply_upload_clean(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct cleaning *c = arg;
    return meta_upload_clean(tx, c->now_ms, UPLOAD_PIECE, a, &c->more);
}

err_t upload_finish_ended(struct core *core, struct job_run *run, struct arena *a)
{
    struct cleaning c;
    do {
        SCRATCH(scratch);
        c = (struct cleaning){ .now_ms = core_now_ms(core) };
        err_t e = meta_write(core->meta, apply_upload_clean, &c, &scratch);
        if (e)
            return err_copy(a, e);
    } while (c.more && !job_is_stopping(run));
    return NULL;
}

/* ---- aborting ---- */

struct upload_abortion {
    const struct upload_ref *ref;
    struct upload_ending ending;
    bool more; /* upload_finish_ended has something to do */
};

static err_t apply_upload_abort(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct upload_abortion *abortion = arg;
    struct upload u;
    size_t parts;
    TRY(upload_find(tx, abortion->ref, abortion->ending.now_ms, a, &u));
    TRY(upload_end(tx, &u, &abortion->ending, a, &parts));
    abortion->more = parts > UPLOAD_PARTS_AT_ONCE;
    return NULL;
}

err_t upload_abort(struct core *core, const struct principal *who, const struct upload_ref *ref, struct arena *a)
{
    struct upload_abortion abortion = {
        .ref = ref, .ending = { .now_ms = core_now_ms(core), .who = who, .action = S("upload.abort") }
    };
    TRY(meta_write(core->meta, apply_upload_abort, &abortion, a));
    /* The upload has ended. If this fails, the next purge goes on. */
    err_t left_to_the_purge = abortion.more ? upload_finish_ended(core, NULL, a) : NULL;
    (void)left_to_the_purge;
    return NULL;
}

/* ---- purging ---- */

struct upload_purge {
    int64_t now_ms;
    size_t count;
};

static err_t apply_upload_purge(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct upload_purge *purge = arg;
    struct upload_ending ending = { .now_ms = purge->now_ms, .action = S("upload.purge") };
    struct upload_list due;
    size_t parts, ended_parts = 0;
    purge->count = 0;
    TRY(meta_upload_due(tx, purge->now_ms, PURGE_UPLOADS_MAX, a, &due));
    for (; purge->count < due.count && ended_parts < PURGE_PARTS_MAX; purge->count++) {
        TRY(upload_end(tx, &due.items[purge->count], &ending, a, &parts));
        ended_parts += parts;
    }
    return NULL;
}

err_t upload_purge_batch(struct core *core, struct arena *a, size_t *ret_count)
{
    struct upload_purge purge = { .now_ms = core_now_ms(core) };
    TRY(meta_write(core->meta, apply_upload_purge, &purge, a));
    *ret_count = purge.count;
    return NULL;
}

err_t upload_purge_due(struct core *core, struct job_run *run, struct arena *a)
{
    size_t ended = 1;
    while (ended > 0 && !garbage_is_held(core) && !job_is_stopping(run)) {
        SCRATCH(scratch);
        err_t e = upload_purge_batch(core, &scratch, &ended);
        if (e)
            return err_copy(a, e);
        job_advance(run, (int64_t)ended);
    }
    return garbage_is_held(core) ? NULL : upload_finish_ended(core, run, a);
}
