/* SPDX-License-Identifier: Apache-2.0 */
#include "core/transfer/transfer_priv.h"

#include "base/random.h"
#include "core/event.h"
#include "core/free_space.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"
#include "core/store/drop_link_store.h"
#include "core/store/transfer_store.h"
#include "core/store/workspace_store.h"

enum { NAME_LENGTH = 32, KEY_DIGITS = 32, PIECE = 50 /* records that are removed in a round */ };

int64_t transfer_record_size(const struct transfer *t)
{
    return record_size(t->name.n + t->origin.n + t->file_name.n + t->content_type.n + t->metadata.n + t->blob_key.n +
                       t->composition.n);
}

static bool is_visible(const struct transfer *t, const struct principal *who)
{
    if (t->account_id != who->account_id)
        return false;
    if (t->section_id)
        return t->section_id == who->section_id;
    return t->owner_id == who->user_id && t->link_id == who->link_id;
}

err_t transfer_read(struct core *core, struct meta_tx *tx, const struct principal *who, slice name, struct arena *a,
                    struct transfer *ret)
{
    struct transfer found;
    err_t e = meta_transfer_by_name(tx, name, a, &found);
    if (err_is(e, ERR_NOT_FOUND) || (!e && !is_visible(&found, who)))
        return core_refuse(a, REASON_TRANSFER_NOT_THERE);
    TRY(e);
    *ret = found;
    return found.expires_at_ms <= core_now_ms(core) ? core_refuse(a, REASON_TRANSFER_EXPIRED) : NULL;
}

err_t transfer_find(struct core *core, const struct principal *who, slice name, struct arena *a, struct transfer *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return transfer_read(core, tx, who, name, a, ret);
}

err_t transfer_list(struct core *core, const struct principal *who, const struct id_page *page, struct arena *a,
                    struct transfer_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct transfer_listing listing = { who->account_id, who->user_id, core_now_ms(core), *page };
    return meta_transfer_list_of(tx, &listing, a, ret);
}

static err_t write_event(struct meta_tx *tx, const struct principal *who, const struct transfer *t, slice action,
                         int64_t at_ms, struct arena *a)
{
    struct event_params event = { .at_ms = at_ms,
                                  .who = who,
                                  .account_id = t->account_id,
                                  .action = action,
                                  .subject = arena_printf(a, "transfer:%lld", (long long)t->id),
                                  .detail = t->file_name };
    return event_write(tx, &event, a);
}

/* ---- creating ---- */

struct transfer_change {
    struct core *core;
    const struct principal *who;
    slice name;
    int64_t now_ms;
    const struct transfer_request *request;
    bool only_expires, yields; /* yields: to another request that writes */
    const struct transfer_renaming *renaming;
    struct transfer transfer;
};

/* *ret_ids: of the parts. The length is known now. */
static err_t find_parts(struct meta_tx *tx, struct transfer_change *c, struct arena *a, int64_t **ret_ids)
{
    const struct transfer_request *r = c->request;
    int64_t *ids = arena_array(a, int64_t, r->part_count);
    c->transfer.length = 0;
    for (size_t i = 0; i < r->part_count; i++) {
        struct transfer part;
        TRY(transfer_read(c->core, tx, c->who, r->parts[i], a, &part));
        if (!part.is_part || !part.finished_at_ms)
            return core_refuse(a, REASON_TRANSFER_NO_PART);
        if (__builtin_add_overflow(c->transfer.length, part.length, &c->transfer.length) ||
            (r->max_bytes && (uint64_t)c->transfer.length > r->max_bytes))
            return err_make(a, ERR_TOO_LARGE, "the parts have more bytes than an upload may have");
        ids[i] = part.id;
    }
    *ret_ids = ids;
    return free_space_check(c->core, (uint64_t)c->transfer.length, a);
}

/* What will be refused costs others nothing: many parts would hold up the committer, which does this again. */
static err_t precheck_parts(struct transfer_change *c, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    int64_t *ids;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    return find_parts(tx, c, a, &ids);
}

static err_t add_parts(struct meta_tx *tx, struct transfer_change *c, const int64_t *ids, struct arena *a)
{
    const struct transfer *t = &c->transfer;
    for (size_t i = 0; i < c->request->part_count; i++)
        TRY(meta_transfer_add_part(tx, t->id, (int64_t)i, ids[i], a));
    struct job_request job = { .kind = S(TRANSFER_COMPOSE_JOB),
                               .subject = arena_printf(a, "transfer:%lld", (long long)t->id),
                               .account_id = t->account_id,
                               .group = arena_printf(a, TRANSFER_COMPOSE_JOB ":%lld", (long long)t->account_id),
                               .payload = arena_printf(a, "%lld", (long long)t->id) };
    int64_t job_id;
    return job_add(c->core, tx, &job, a, &job_id);
}

/* Makes room for the name, and counts. */
static err_t enter_section(struct meta_tx *tx, const struct transfer_change *c, struct arena *a)
{
    const struct transfer *t = &c->transfer;
    int64_t count;
    TRY(meta_section_hold(tx, t->section_id, a));
    TRY(meta_transfer_leave_section(tx, t->section_id, t->file_name, c->now_ms, a));
    TRY(meta_transfer_count_in_section(tx, t->section_id, a, &count));
    return count < TRANSFER_SECTION_MAX ? NULL : core_refuse(a, REASON_INBOX_TOO_MANY);
}

/* Which limit refuses it. */
static err_t refuse_by_link(struct meta_tx *tx, const struct transfer_change *c, struct arena *a)
{
    const struct transfer *t = &c->transfer;
    struct drop_link link;
    TRY(meta_drop_link_get(tx, t->link_id, a, &link));
    if (t->length > link.max_file_bytes)
        return core_refuse(a, REASON_TRANSFER_LINK_FILE);
    if (link.files >= link.max_files)
        return core_refuse(a, REASON_TRANSFER_LINK_FILES);
    return core_refuse(a, t->length > link.max_bytes - link.bytes ? REASON_TRANSFER_LINK_BYTES
                                                                  : REASON_TRANSFER_LINK_RATE);
}

/* It counts with its whole length, so that uploads that run side by side cannot break a limit together. */
static err_t count_in_link(struct meta_tx *tx, const struct transfer_change *c, struct arena *a)
{
    const struct transfer *t = &c->transfer;
    const struct grant grant = grant_of(c->who);
    bool done;
    TRY(grant_recheck_in(c->core, tx, &grant, a));
    TRY(meta_drop_link_take(tx, t->link_id, t->length, c->now_ms, a, &done));
    return done ? NULL : refuse_by_link(tx, c, a);
}

static err_t add_transfer(struct meta_tx *tx, struct transfer *t, struct arena *a)
{
    err_t e = meta_transfer_add(tx, t, a, &t->id);
    return err_is(e, ERR_CONFLICT) && t->section_id ? core_refuse(a, REASON_INBOX_EXISTS) : e;
}

static err_t apply_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct transfer_change *c = arg;
    struct transfer *t = &c->transfer;
    int64_t *ids = NULL;
    if (t->section_id)
        TRY(enter_section(tx, c, a));
    if (t->is_composed)
        TRY(find_parts(tx, c, a, &ids));
    struct account_use later = { .bytes = t->length > 0 ? t->length : 0,
                                 .files = !t->is_part,
                                 .owner_id = t->owner_id };
    struct account_use now = { .records = transfer_record_size(t), .uploads = 1 };
    TRY(quota_check(c->core, tx, t->account_id, &later, a));
    TRY(quota_take_records(c->core, tx, t->account_id, &now, a));
    if (t->link_id)
        TRY(count_in_link(tx, c, a));
    TRY(add_transfer(tx, t, a));
    if (t->is_composed)
        TRY(add_parts(tx, c, ids, a));
    return write_event(tx, c->who, t, S("transfer.create"), c->now_ms, a);
}

static err_t check_request(struct core *core, const struct principal *who, const struct transfer_request *r,
                           struct arena *a)
{
    if (who->link_id && (r->length < 0 || r->is_part || r->part_count || r->holder.kind))
        return core_refuse(a, REASON_TRANSFER_LINK_WHOLE);
    if (r->max_bytes && r->length > 0 && (uint64_t)r->length > r->max_bytes)
        return err_make(a, ERR_TOO_LARGE, "the length is above the limit of %llu bytes",
                        (unsigned long long)r->max_bytes);
    if (r->metadata.n > TRANSFER_METADATA_MAX)
        return err_make(a, ERR_TOO_LARGE, "the metadata have more than %d bytes", TRANSFER_METADATA_MAX);
    if (r->part_count > TRANSFER_PARTS_MAX || r->composition.n > TRANSFER_COMPOSITION_MAX)
        return err_make(a, ERR_TOO_LARGE, "an upload has at most %d parts", TRANSFER_PARTS_MAX);
    return free_space_check(core, r->length > 0 ? (uint64_t)r->length : 0, a);
}

err_t transfer_create(struct core *core, const struct principal *who, const struct transfer_request *r, struct arena *a,
                      struct transfer *ret)
{
    int64_t now_ms = core_now_ms(core);
    TRY(check_request(core, who, r, a));
    struct transfer_change c = { .core = core, .who = who, .now_ms = now_ms, .request = r };
    c.transfer = (struct transfer){ .account_id = who->account_id,
                                    .owner_id = who->user_id,
                                    .owner_login = who->login,
                                    .name = random_text(core->random, a, NAME_LENGTH),
                                    .origin = r->origin,
                                    .file_name = r->file_name,
                                    .content_type = r->content_type,
                                    .metadata = r->metadata,
                                    .blob_key = random_hex(core->random, a, KEY_DIGITS),
                                    .length = r->length < 0 ? -1 : r->length,
                                    .holder = r->holder,
                                    .section_id = r->section_id,
                                    .link_id = who->link_id,
                                    .is_part = r->is_part,
                                    .is_composed = r->part_count > 0,
                                    .composition = r->composition,
                                    .has_digest = r->has_digest,
                                    .expected_digest = r->expected_digest,
                                    .created_at_ms = now_ms,
                                    .expires_at_ms = now_ms + r->lifetime_ms };
    if (r->part_count)
        TRY(precheck_parts(&c, a));
    md5_init(&c.transfer.md5);
    if (r->has_digest)
        hash_state_init(&c.transfer.digest, r->digest_kind);
    TRY(meta_write(core->meta, apply_create, &c, a));
    *ret = c.transfer;
    return NULL;
}

/* ---- ending the request that writes ---- */

static err_t apply_end_writer(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct transfer_change *c = arg;
    TRY(transfer_read(c->core, tx, c->who, c->name, a, &c->transfer));
    return c->transfer.writer.n ? meta_transfer_release(tx, c->transfer.id, c->transfer.writer, a) : NULL;
}

err_t transfer_end_writer_locked(struct core *core, const struct principal *who, slice name, struct arena *a,
                                 struct transfer *ret)
{
    struct transfer_change c = { .core = core, .who = who, .name = name };
    TRY(meta_write(core->meta, apply_end_writer, &c, a));
    transfer_stop_writers(core, name, NULL);
    TRY(transfer_find(core, who, name, a, ret));
    if (!ret->finished_at_ms)
        transfer_cut_blob(core, ret);
    return NULL;
}

err_t transfer_end_writer(struct core *core, const struct principal *who, slice name, struct arena *a,
                          struct transfer *ret)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(transfer_opening_mutex(core, name));
    return transfer_end_writer_locked(core, who, name, a, ret);
}

/* ---- removing ---- */

/* The record goes first; a crash in between leaves bytes that the sweep finds. */
static err_t remove_record(struct meta_tx *tx, const struct transfer_change *c, const struct transfer *t,
                           struct arena *a)
{
    bool done, is_in_use;
    TRY(meta_transfer_is_in_use(tx, t->id, a, &is_in_use));
    if (is_in_use)
        return core_refuse(a, REASON_TRANSFER_IN_USE);
    TRY(meta_transfer_forget_parts(tx, t->id, a));
    TRY(meta_transfer_remove(tx, t, a, &done));
    if (!done)
        return err_make(a, ERR_UNAVAILABLE, "the upload was changed at the same time");
    if (t->link_id && !t->finished_at_ms)
        TRY(meta_drop_link_give_back(tx, t->link_id, t->length, c->now_ms, a));
    struct account_use less = { .bytes = t->finished_at_ms && !t->is_part ? 0 : -t->offset,
                                .records = -transfer_record_size(t),
                                .uploads = t->finished_at_ms ? 0 : -1,
                                .owner_id = t->owner_id };
    TRY(meta_account_use(tx, t->account_id, &less, a));
    return write_event(tx, c->who, t, S("transfer.remove"), c->now_ms, a);
}

/* Its bytes must stay for now, and count. The purge removes it later. */
static err_t expire_record(struct meta_tx *tx, const struct transfer_change *c, const struct transfer *t,
                           struct arena *a)
{
    bool is_in_use;
    TRY(meta_transfer_is_in_use(tx, t->id, a, &is_in_use));
    if (is_in_use)
        return core_refuse(a, REASON_TRANSFER_IN_USE);
    TRY(meta_transfer_forget_parts(tx, t->id, a));
    return meta_transfer_expire(tx, t->id, c->now_ms, a);
}

static err_t check_idle(const struct transfer_change *c, const struct transfer *t, struct arena *a)
{
    bool is_idle = !t->writer.n || t->writer_until_ms <= c->now_ms || transfer_is_silent(c->core, t->name, t->writer);
    return is_idle ? NULL : core_refuse(a, REASON_TRANSFER_BUSY);
}

static err_t remove_or_expire(struct meta_tx *tx, const struct transfer_change *c, const struct transfer *t,
                              struct arena *a)
{
    if (c->yields)
        TRY(check_idle(c, t, a));
    return c->only_expires ? expire_record(tx, c, t, a) : remove_record(tx, c, t, a);
}

static err_t apply_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct transfer_change *c = arg;
    err_t e = transfer_read(c->core, tx, c->who, c->name, a, &c->transfer);
    if (e && err_reason(e) != REASON_TRANSFER_EXPIRED)
        return e;
    return remove_or_expire(tx, c, &c->transfer, a);
}

static err_t drop_bytes(struct core *core, slice key, struct arena *a)
{
    return garbage_is_held(core) ? NULL : core->blob->ops->drop(core->blob, key, a);
}

static err_t remove_transfer(struct transfer_change *c, struct arena *a)
{
    struct core *core = c->core;
    struct transfer t;
    err_t e = transfer_find(core, c->who, c->name, a, &t);
    if (e && err_reason(e) != REASON_TRANSFER_EXPIRED)
        return e;
    slice key = arena_copy(a, t.blob_key);
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(transfer_opening_mutex(core, c->name)); /* nobody begins to write meanwhile */
    c->only_expires = garbage_is_held(core);                             /* a backup copies its bytes */
    TRY(meta_write(core->meta, apply_remove, c, a));
    transfer_stop_writers(core, c->name, NULL);
    return c->only_expires ? NULL : drop_bytes(core, key, a);
}

err_t transfer_remove(struct core *core, const struct principal *who, slice name, struct arena *a)
{
    struct transfer_change c = { .core = core, .who = who, .name = name, .now_ms = core_now_ms(core) };
    return remove_transfer(&c, a);
}

err_t transfer_remove_idle(struct core *core, const struct principal *who, slice name, struct arena *a)
{
    struct transfer_change c = { .core = core, .who = who, .name = name, .now_ms = core_now_ms(core), .yields = true };
    return remove_transfer(&c, a);
}

/* ---- one in a section ---- */

err_t transfer_find_file(struct core *core, const struct principal *who, slice file_name, struct arena *a,
                         struct transfer *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct transfer found;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_transfer_in_section(tx, who->section_id, file_name, a, &found);
    if (err_is(e, ERR_NOT_FOUND) || (!e && (!is_visible(&found, who) || found.expires_at_ms <= core_now_ms(core))))
        return core_refuse(a, REASON_TRANSFER_NOT_THERE);
    TRY(e);
    *ret = found;
    return NULL;
}

static err_t replace_named(struct meta_tx *tx, struct transfer_change *c, struct arena *a)
{
    const struct transfer_renaming *r = c->renaming;
    TRY(meta_transfer_leave_section(tx, c->transfer.section_id, r->file_name, c->now_ms, a));
    if (!r->replaced.n)
        return NULL;
    struct transfer replaced;
    TRY(transfer_read(c->core, tx, c->who, r->replaced, a, &replaced));
    if (!slice_eq(replaced.file_name, r->file_name))
        return core_refuse(a, REASON_TRANSFER_NOT_THERE);
    return remove_or_expire(tx, c, &replaced, a);
}

static err_t apply_rename(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct transfer_change *c = arg;
    struct transfer *t = &c->transfer;
    slice file_name = c->renaming->file_name;
    bool done;
    TRY(transfer_read(c->core, tx, c->who, c->name, a, t));
    TRY(meta_section_hold(tx, t->section_id, a));
    if (t->writer.n && t->writer_until_ms > c->now_ms)
        return core_refuse(a, REASON_TRANSFER_BUSY);
    TRY(meta_transfer_release(tx, t->id, t->writer, a));
    TRY(replace_named(tx, c, a));
    TRY(meta_transfer_rename(tx, t->id, file_name, a, &done));
    if (!done)
        return core_refuse(a, REASON_INBOX_EXISTS);
    return quota_change_records(c->core, tx, t->account_id, (int64_t)file_name.n - (int64_t)t->file_name.n, a);
}

err_t transfer_rename(struct core *core, const struct principal *who, const struct transfer_renaming *renaming,
                      struct arena *a)
{
    struct transfer replaced;
    struct transfer_change c = { .core = core,
                                 .who = who,
                                 .name = renaming->name,
                                 .now_ms = core_now_ms(core),
                                 .yields = true,
                                 .renaming = renaming };
    if (!renaming->replaced.n)
        return meta_write(core->meta, apply_rename, &c, a);
    TRY(transfer_find(core, who, renaming->replaced, a, &replaced));
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(transfer_opening_mutex(core, renaming->replaced)); /* as in remove_transfer */
    c.only_expires = garbage_is_held(core);
    TRY(meta_write(core->meta, apply_rename, &c, a));
    transfer_stop_writers(core, renaming->replaced, NULL);
    return c.only_expires ? NULL : drop_bytes(core, replaced.blob_key, a);
}

/* ---- care ---- */

static err_t apply_purge(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct transfer_change *c = arg;
    err_t e = meta_transfer_by_name(tx, c->name, a, &c->transfer);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    return c->transfer.expires_at_ms > c->now_ms
               ? NULL
               : remove_record(tx, c, &c->transfer, a); /* bytes may have come meanwhile */
}

static err_t list_expired(struct core *core, int64_t now_ms, struct arena *a, struct transfer_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_transfer_list_expired(tx, now_ms, PIECE, a, ret);
}

static err_t purge(struct core *core, const struct transfer *t, int64_t now_ms, struct arena *a)
{
    struct transfer_change c = { .core = core, .now_ms = now_ms, .name = t->name };
    SCOPED(unlockp) pthread_mutex_t *held = lock(transfer_opening_mutex(core, t->name));
    TRY(meta_write(core->meta, apply_purge, &c, a));
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    bool stays;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_transfer_has_key(tx, t->blob_key, a, &stays));
    return stays ? NULL : drop_bytes(core, t->blob_key, a);
}

err_t transfer_purge_due(struct core *core, struct job_run *run, struct arena *a)
{
    struct transfer_list due;
    do {
        SCRATCH(scratch);
        int64_t now_ms = core_now_ms(core);
        err_t e = list_expired(core, now_ms, &scratch, &due);
        for (size_t i = 0; !e && i < due.count && !job_is_stopping(run) && !garbage_is_held(core); i++) {
            e = purge(core, &due.items[i], now_ms, &scratch);
            job_advance(run, 1);
        }
        if (e)
            return err_copy(a, e);
    } while (due.count == PIECE && !job_is_stopping(run) && !garbage_is_held(core));
    return NULL;
}

static err_t apply_release_all(struct meta_tx *tx, void *arg, struct arena *a)
{
    (void)arg;
    return meta_transfer_release_all(tx, a);
}

err_t transfer_release_all(struct core *core, struct arena *a)
{
    return meta_write(core->meta, apply_release_all, NULL, a);
}
