/* SPDX-License-Identifier: Apache-2.0 */
/* A transfer whose bytes are all there becomes a file, or a part. The blob is settled before the record is written: a crash in
 * between leaves a transfer that is complete, and whose blob is settled. The sweep knows its key by the record
 * (meta_transfer_has_key). */
#include "core/transfer/transfer_priv.h"

#include "base/random.h"
#include "core/event.h"
#include "core/file/hold.h"
#include "core/grant.h"
#include "core/quota.h"
#include "core/records/object.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"
#include "core/store/drop_link_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/transfer_store.h"

#include <string.h>

struct finishing {
    struct core *core;
    const struct principal *who;
    struct transfer *t;
    const struct transfer_taking *taking; /* NULL: the holder of the transfer, if it names one, attaches the file */
    struct object object;
    struct file file;
};

static err_t attach(struct meta_tx *tx, struct finishing *f, struct arena *a)
{
    const struct holder *holder = &f->t->holder;
    if (f->taking)
        return f->taking->place(tx, f->taking->arg, &f->file, a);
    if (!holder->kind)
        return NULL;
    const struct holder_rules *rules = holder_rules_of(f->core, holder->kind);
    if (!rules)
        return err_make(a, ERR_CORRUPT, "a transfer names a holder of the unknown kind %d", holder->kind);
    slice unused;
    TRY(grant_recheck_maker_in(f->core, tx, f->who, a));   /* since the head of this request */
    TRY(rules->admit(tx, f->who, holder->id, a, &unused)); /* since the first byte */
    return rules->attach(f->core, tx, holder->id, &f->file, f->t->finished_at_ms, a);
}

/* The bytes of the transfer are those of the file now, which has the same owner: the counts of them stay. */
static err_t make_file(struct meta_tx *tx, struct finishing *f, struct arena *a)
{
    struct account_use more = { .files = 1, .records = file_record_size(&f->file), .owner_id = f->t->owner_id };
    TRY(quota_take(f->core, tx, f->t->account_id, &more, a));
    TRY(meta_object_add(tx, &f->object, a, &f->object.id));
    f->file.object_id = f->object.id;
    TRY(meta_file_add(tx, &f->file, a, &f->file.id));
    TRY(attach(tx, f, a));
    if (f->t->link_id)
        TRY(meta_drop_link_add_file(tx, f->t->link_id, f->file.id, a));
    struct event_params event = { .at_ms = f->t->finished_at_ms,
                                  .who = f->who,
                                  .account_id = f->t->account_id,
                                  .action = S("file.store"),
                                  .subject = event_file(a, &f->file),
                                  .detail = f->file.name };
    return event_write(tx, &event, a);
}

static err_t apply_finish(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct finishing *f = arg;
    bool done;
    TRY(meta_transfer_finish(tx, f->t, a, &done));
    if (!done)
        return core_refuse(a, REASON_TRANSFER_FINISHED);
    TRY(meta_account_use(tx, f->t->account_id, &(struct account_use){ .uploads = -1 }, a));
    TRY(meta_transfer_forget_parts(tx, f->t->id, a));
    return f->t->is_part ? NULL : make_file(tx, f, a);
}

static void fill_file(struct finishing *f)
{
    struct transfer *t = f->t;
    bool is_held = f->taking || t->holder.kind != HOLDER_NONE;
    f->object = (struct object){ .account_id = t->account_id,
                                 .size_bytes = (uint64_t)t->length,
                                 .blob_key = t->length ? t->blob_key : S(""),
                                 .created_at_ms = t->finished_at_ms };
    struct md5 md5 = t->md5;
    md5_final(&md5, f->object.md5);
    f->file = (struct file){ .account_id = t->account_id,
                             .owner_id = t->owner_id,
                             .owner_login = t->owner_login,
                             .origin = t->origin,
                             .name = f->taking ? f->taking->file_name : t->file_name,
                             .content_type = t->content_type,
                             .state = is_held ? FILE_STORED : FILE_READY,
                             .is_kept = !is_held,
                             .size_bytes = (uint64_t)t->length,
                             .created_at_ms = t->finished_at_ms,
                             .stored_at_ms = t->finished_at_ms,
                             .purge_at_ms = is_held ? t->finished_at_ms + 1 : 0 };
    memcpy(f->file.md5, f->object.md5, MD5_SIZE);
    random_uuid(f->core->random, f->file.uuid);
    memcpy(t->file_uuid, f->file.uuid, sizeof t->file_uuid);
}

static err_t check_digest(struct core *core, const struct principal *who, const struct transfer *t, struct arena *a)
{
    unsigned char digest[HASH_MAX_SIZE];
    if (!t->has_digest || !t->expected_digest.n)
        return NULL;
    hash_state_final(&t->digest, digest);
    if (slice_eq(t->expected_digest, (slice){ (const char *)digest, hash_size(t->digest.kind) }))
        return NULL;
    TRY(transfer_remove(core, who, t->name, a));
    return err_make(a, ERR_DIGEST, "the bytes of the upload have another digest than was announced");
}

/* Another request was faster: it has made the file, or removed the transfer. */
static err_t read_again(struct core *core, struct transfer *t, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_transfer_get(tx, t->id, a, t);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_TRANSFER_NOT_THERE) : e;
}

err_t transfer_finish(struct core *core, const struct principal *who, struct transfer *t, struct arena *a)
{
    struct finishing f = { .core = core, .who = who, .t = t };
    TRY(check_digest(core, who, t, a));
    if (t->length && !t->is_part)
        TRY(core->blob->ops->settle(core->blob, t->blob_key, (uint64_t)t->length, a));
    t->finished_at_ms = core_now_ms(core);
    if (!t->is_part) /* a part is not finished before the whole is */
        t->expires_at_ms = t->finished_at_ms + TRANSFER_KEPT_MS;
    fill_file(&f);
    err_t e = meta_write(core->meta, apply_finish, &f, a);
    return err_reason(e) == REASON_TRANSFER_FINISHED ? read_again(core, t, a) : e;
}

err_t transfer_complete(struct core *core, const struct principal *who, slice name, struct arena *a,
                        struct transfer *ret)
{
    TRY(transfer_find(core, who, name, a, ret));
    if (ret->finished_at_ms || ret->offset != ret->length)
        return NULL;
    TRY(transfer_finish(core, who, ret, a));
    return transfer_find(core, who, name, a, ret);
}

/* ---- taking ---- */

static err_t apply_take(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct finishing *f = arg;
    bool done;
    TRY(meta_transfer_take(tx, f->t, a, &done));
    if (!done) /* somebody has removed it, or given it another name */
        return core_refuse(a, REASON_TRANSFER_BUSY);
    struct account_use less = { .records = -transfer_record_size(f->t), .uploads = -1 };
    TRY(meta_account_use(tx, f->t->account_id, &less, a));
    return make_file(tx, f, a);
}

/* Under the mutex, so nobody goes on writing meanwhile: settling would cut off what another request acknowledges. */
static err_t find_closed(struct core *core, const struct principal *who, slice name, struct arena *a,
                         struct transfer *ret)
{
    TRY(transfer_find(core, who, name, a, ret));
    if (ret->writer.n && ret->writer_until_ms > core_now_ms(core))
        return core_refuse(a, REASON_TRANSFER_BUSY);
    if (ret->writer.n)
        TRY(transfer_end_writer_locked(core, who, name, a, ret));
    return ret->length == ret->offset ? NULL : core_refuse(a, REASON_TRANSFER_LENGTH);
}

err_t transfer_take(struct core *core, const struct principal *who, const struct transfer_taking *taking,
                    struct arena *a)
{
    struct transfer t;
    SCOPED(unlockp) pthread_mutex_t *held = lock(transfer_opening_mutex(core, taking->name));
    TRY(find_closed(core, who, taking->name, a, &t));
    struct finishing f = { .core = core, .who = who, .t = &t, .taking = taking };
    if (t.length)
        TRY(core->blob->ops->settle(core->blob, t.blob_key, (uint64_t)t.length, a));
    t.finished_at_ms = core_now_ms(core);
    fill_file(&f);
    return meta_write(core->meta, apply_take, &f, a);
}
