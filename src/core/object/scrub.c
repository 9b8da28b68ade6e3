/* SPDX-License-Identifier: Apache-2.0 */
/* No snapshot is open while a disk is read. So an object may be removed at any time: before it is said to be damaged, its
 * record is looked for again. */
#include "core/object/scrub.h"

#include "base/hash.h"
#include "base/live.h"
#include "core/event.h"
#include "core/job.h"
#include "core/object/checked_blob.h"
#include "core/object/checked_row.h"
#include "core/object/checksums.h"
#include "core/object/damage.h"
#include "core/records/object.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

#include <string.h>

#define STEP_BYTES (4 * CHECKSUM_PIECE)
enum { OBJECTS_AT_ONCE = 100 };

struct scrub {
    struct core *core;
    struct job_run *run;
    int64_t period_ms; /* core_options.scrub_period_ms, the same for the whole run */
    struct scrub_state state;
    uint64_t total_bytes;
    uint64_t read_bytes; /* by this run */
    char *buffer;        /* STEP_BYTES */
};

/* ---- the position ---- */

static err_t total_bytes(struct meta_tx *tx, struct arena *a, uint64_t *ret)
{
    struct account_list accounts;
    TRY(meta_account_list(tx, a, &accounts));
    *ret = 0;
    for (size_t i = 0; i < accounts.count; i++)
        *ret += accounts.items[i].used_bytes > 0 ? (uint64_t)accounts.items[i].used_bytes : 0;
    return NULL;
}

static err_t read_state(struct core *core, struct arena *a, struct scrub_state *ret, uint64_t *ret_total)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_scrub_get(tx, a, ret));
    return total_bytes(tx, a, ret_total);
}

static err_t apply_state(struct meta_tx *tx, void *arg, struct arena *a)
{
    return meta_scrub_put(tx, &((struct scrub *)arg)->state, a);
}

static bool is_time_up(const struct scrub *s, int64_t now_ms)
{
    return now_ms - s->state.begun_at_ms >= s->period_ms;
}

/* How many bytes of the round belong to so long a time? */
static uint64_t share_of(const struct scrub *s, int64_t time_ms)
{
    return (uint64_t)((double)s->total_bytes * (double)time_ms / (double)s->period_ms);
}

static bool may_read(const struct scrub *s, int64_t now_ms)
{
    uint64_t rush = SCRUB_RUSH * share_of(s, SCRUB_RUN_MS);
    uint64_t max = rush > SCRUB_RUN_MIN_BYTES ? rush : SCRUB_RUN_MIN_BYTES;
    bool is_due = is_time_up(s, now_ms) || s->state.done_bytes < share_of(s, now_ms - s->state.begun_at_ms);
    return is_due && s->read_bytes < max;
}

/* ---- one object ---- */

struct scrubbed {
    struct core *core;
    const struct object *object;
    slice checksums;
    bool is_there; /* the record still is */
    err_t damage;  /* NULL: the object is sound, and `checksums` are new */
    int64_t now_ms;
};

static err_t look_for_record(struct meta_tx *tx, struct scrubbed *s, struct arena *a)
{
    struct object again;
    err_t e = meta_object_get(tx, s->object->id, a, &again);
    s->is_there = !e;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t apply_result(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct scrubbed *s = arg;
    const struct object *object = s->object;
    TRY(look_for_record(tx, s, a));
    if (!s->is_there)
        return NULL;
    if (!s->damage)
        return object->blob_key.n ? meta_checksums_put(tx, object->blob_key, 0, s->checksums, a)
                                  : meta_object_set_checksums(tx, object->id, s->checksums, a);
    struct event_params event = { .at_ms = s->now_ms,
                                  .account_id = object->account_id,
                                  .action = S("object.damaged"),
                                  .subject = arena_printf(a, "object:%lld", (long long)object->id),
                                  .detail = object->blob_key };
    return event_write(tx, &event, a);
}

/* Reads all bytes of a blob. *ret_whole: false if the run must end. Errors: also CORRUPT, NOT_FOUND. */
static err_t read_blob(struct scrub *s, const struct object *object, struct checksums *checksums, struct arena *a,
                       bool *ret_whole)
{
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    SCOPED(hash_freep) struct hash *md5 = hash_new(HASH_MD5);
    unsigned char digest[MD5_SIZE];
    TRY(checked_blob_open(s->core, object, a, &reader));
    for (uint64_t at = 0; at < object->size_bytes;) {
        size_t got = 0;
        if (job_is_stopping(s->run))
            return NULL;
        TRY(reader->ops->read_at(reader, at, s->buffer, STEP_BYTES, a, &got));
        slice bytes = { s->buffer, got };
        hash_update(md5, bytes);
        checksums_add(checksums, bytes);
        at += got;
    }
    *ret_whole = true;
    hash_final(md5, digest);
    if (memcmp(digest, object->md5, MD5_SIZE) == 0)
        return NULL;
    return damage_found(s->core, err_make(a, ERR_CORRUPT, "the bytes of object %lld have not the MD5 of its record",
                                          (long long)object->id));
}

static err_t has_checksums(struct scrub *s, slice blob_key, struct arena *a, bool *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    slice list;
    TRY(meta_read_begin(s->core->meta, a, &tx));
    TRY(meta_checksums_get(tx, blob_key, 0, a, &list));
    *ret = list.n > 0;
    return NULL;
}

static err_t read_row(struct scrub *s, int64_t id, struct arena *a, struct object *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(s->core->meta, a, &tx));
    return meta_object_get(tx, id, a, ret);
}

/* Both the MD5 and the checksums of a row. */
static err_t check_row(struct scrub *s, const struct object *row, struct arena *a)
{
    struct object by_md5 = *row;
    by_md5.checksums = S("");
    TRY(checked_row(s->core, &by_md5, a));
    return checked_row(s->core, row, a);
}

static err_t scrub_object(struct scrub *s, const struct object *object, struct arena *a, bool *ret_whole)
{
    SCOPED(checksums_release) struct checksums checksums;
    struct scrubbed result = { .core = s->core, .object = object, .now_ms = core_now_ms(s->core) };
    bool is_old = false;
    err_t e;
    checksums_init(&checksums);
    if (object->blob_key.n) {
        e = read_blob(s, object, &checksums, a, ret_whole);
        if (!*ret_whole && !e)
            return NULL;
        if (!e)
            e = has_checksums(s, object->blob_key, a, &is_old);
        is_old = !e && !is_old;
        result.checksums = buf_slice(&checksums.list);
    } else {
        struct object row;
        e = read_row(s, object->id, a, &row);
        if (err_is(e, ERR_NOT_FOUND)) {
            *ret_whole = true; /* it was removed */
            return NULL;
        }
        if (!e)
            e = check_row(s, &row, a);
        is_old = !e && !row.checksums.n;
        result.checksums = is_old ? checksums_of(row.inline_bytes, a) : S("");
    }
    if (e && !err_is(e, ERR_CORRUPT) && !err_is(e, ERR_NOT_FOUND))
        return e;
    *ret_whole = true;
    result.damage = e;
    if (e || (is_old && object->size_bytes))
        TRY(meta_write(s->core->meta, apply_result, &result, a));
    if (!e || !result.is_there)
        return NULL;
    s->state.damaged++;
    if (err_is(e, ERR_NOT_FOUND)) /* what is CORRUPT was reported where it was found */
        damage_found(s->core,
                     err_because(a, e, ERR_CORRUPT, "the bytes of object %lld are missing", (long long)object->id));
    return NULL;
}

/* ---- a run ---- */

static err_t list_objects(struct scrub *s, struct arena *a, struct object_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(s->core->meta, a, &tx));
    return meta_object_page(tx, s->state.after_id, OBJECTS_AT_ONCE, a, ret);
}

static err_t scrub_page(struct scrub *s, struct arena *a, bool *ret_more)
{
    struct object_list page;
    TRY(list_objects(s, a, &page));
    s->state.is_done = page.count == 0;
    *ret_more = false;
    for (size_t i = 0; i < page.count; i++) {
        if (!may_read(s, core_now_ms(s->core)) || job_is_stopping(s->run))
            return NULL;
        const struct object *object = &page.items[i];
        bool is_whole = false;
        SCRATCH(own);
        err_t e = scrub_object(s, object, &own, &is_whole);
        if (e || !is_whole)
            return err_copy(a, e);
        s->state.after_id = object->id;
        s->state.done_bytes += object->size_bytes;
        s->read_bytes += object->size_bytes;
        job_progress(s->run, (int64_t)s->state.done_bytes, (int64_t)s->total_bytes);
    }
    *ret_more = page.count > 0;
    return NULL;
}

/* The end of a round is not read before its period has passed (may_read), so the next one may begin at once. */
static bool begin_round(struct scrub *s, int64_t now_ms)
{
    bool begins = !s->state.begun_at_ms || s->state.is_done;
    if (begins)
        s->state = (struct scrub_state){ .begun_at_ms = now_ms };
    return begins;
}

err_t scrub_run(struct core *core, struct job_run *run, struct arena *a)
{
    struct scrub s = { .core = core, .run = run, .period_ms = LIVE(core->options.scrub_period_ms) };
    int64_t now_ms = core_now_ms(core);
    if (s.period_ms <= 0)
        return NULL;
    TRY(read_state(core, a, &s.state, &s.total_bytes));
    bool begins = begin_round(&s, now_ms), more = !s.state.is_done;
    struct scrub_state before = s.state;
    s.buffer = arena_alloc(a, STEP_BYTES);
    err_t e = NULL;
    while (!e && more && may_read(&s, core_now_ms(core)) && !job_is_stopping(run)) {
        SCRATCH(own);
        e = err_copy(a, scrub_page(&s, &own, &more));
    }
    job_progress(run, (int64_t)s.state.done_bytes, (int64_t)s.total_bytes);
    if (run)
        run->result = arena_printf(a, "%lld damaged objects in this round", (long long)s.state.damaged);
    if (begins || memcmp(&before, &s.state, sizeof before) != 0) {
        err_t failed = meta_write(core->meta, apply_state, &s, a);
        e = e ? e : failed;
    }
    return e;
}

err_t scrub_progress(struct core *core, struct arena *a, struct scrub_progress *ret)
{
    struct scrub_state state;
    uint64_t total;
    TRY(read_state(core, a, &state, &total));
    *ret = (struct scrub_progress){ .done_bytes = state.done_bytes,
                                    .total_bytes = total,
                                    .damaged = (uint64_t)state.damaged,
                                    .begun_at_ms = state.begun_at_ms };
    return NULL;
}
