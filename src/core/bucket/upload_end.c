/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads end here without an entry: aborted by a client, or purged when they have expired. */
#include "core/bucket/upload_priv.h"

#include "core/event.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/store/account_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

/* Limits of the work in one write, because other writes wait for it. */
enum {
    PURGE_UPLOADS_MAX = 50,
    PURGE_PARTS_MAX = 2000, /* an upload that begins below it is ended whole */
    EXPIRED_UPLOADS_MAX = 1000
};

err_t upload_end(struct meta_tx *tx, const struct upload *u, const struct upload_ending *ending, struct arena *a,
                 size_t *ret_parts)
{
    struct upload_part_list parts;
    uint64_t bytes = 0;
    bool there;
    *ret_parts = 0;
    TRY(meta_upload_hold(tx, u->id, a, &there));
    if (!there)
        return NULL; /* another write has ended it */
    TRY(meta_part_list(tx, u->id, 0, UPLOAD_PARTS_MAX, a, &parts));
    TRY(meta_upload_remove(tx, u->id, a));
    for (size_t i = 0; i < parts.count; i++) {
        bytes += parts.items[i].size_bytes;
        TRY(meta_object_release(tx, parts.items[i].object_id, ending->now_ms, a));
    }
    *ret_parts = parts.count;
    if (bytes)
        TRY(meta_account_use(tx, u->account_id, -(int64_t)bytes, 0, a));
    struct event_params event = { .at_ms = ending->now_ms,
                                  .who = ending->who,
                                  .account_id = u->account_id,
                                  .action = ending->action,
                                  .subject = upload_subject(a, u->name) };
    return event_write(tx, &event, a);
}

err_t upload_end_expired(struct meta_tx *tx, int64_t bucket_id, int64_t now_ms, struct arena *a, bool *ret_more)
{
    struct upload_ending ending = { .now_ms = now_ms, .action = S("upload.purge") };
    struct upload_query query = { .bucket_id = bucket_id, .limit = EXPIRED_UPLOADS_MAX };
    struct upload_list list;
    size_t parts, ended_parts = 0, ended = 0;
    TRY(meta_upload_list(tx, &query, a, &list));
    for (size_t i = 0; i < list.count && ended_parts < PURGE_PARTS_MAX; i++) {
        if (!upload_is_expired(&list.items[i], now_ms))
            continue;
        TRY(upload_end(tx, &list.items[i], &ending, a, &parts));
        ended_parts += parts;
        ended++;
    }
    *ret_more = ended_parts >= PURGE_PARTS_MAX || ended == EXPIRED_UPLOADS_MAX;
    return NULL;
}

/* ---- aborting ---- */

struct upload_abortion {
    const struct upload_ref *ref;
    struct upload_ending ending;
};

static err_t apply_upload_abort(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct upload_abortion *abortion = arg;
    struct upload u;
    size_t parts;
    TRY(upload_find(tx, abortion->ref, abortion->ending.now_ms, a, &u));
    return upload_end(tx, &u, &abortion->ending, a, &parts);
}

err_t upload_abort(struct core *core, const struct principal *who, const struct upload_ref *ref, struct arena *a)
{
    struct upload_abortion abortion = {
        .ref = ref, .ending = { .now_ms = core_now_ms(core), .who = who, .action = S("upload.abort") }
    };
    return meta_write(core->meta, apply_upload_abort, &abortion, a);
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
    return NULL;
}
