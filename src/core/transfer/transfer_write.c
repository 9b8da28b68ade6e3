/* SPDX-License-Identifier: Apache-2.0 */
/* A writer takes the right to write first (meta_transfer_claim), then reads the offset, and opens the growing blob last, which
 * ends every writer before it. So whoever lost the right can change no byte and raise no offset. The three steps are made under
 * a lock: a request that lost its right between them would open the blob at an offset of before, and cut off what its successor
 * has acknowledged. The lock is of this process, as the growing blob is. */
#include "core/transfer/transfer_priv.h"

#include "base/md5_crew.h"
#include "base/random.h"
#include "core/core_priv.h"
#include "core/event.h"
#include "core/free_space.h"
#include "core/object/checksums.h"
#include "core/object/piece.h"
#include "core/quota.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"
#include "core/store/object_store.h"
#include "core/store/transfer_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_MS ((int64_t)120000)
#define FLUSH_BYTES                                                                                                    \
    ((int64_t)64 << 20) /* that come before they are flushed, so that little is sent again after a cut */
#define ROOM_AHEAD_BYTES ((int64_t)16 << 20)
#define FLUSH_MS (LEASE_MS / 4) /* after which they are flushed in any case, which keeps the claim */
enum { WRITER_LENGTH = 16 };

struct transfer_writer {
    struct core *core;
    struct principal who;
    struct grant grant;
    struct arena arena;       /* of the record */
    struct transfer transfer; /* offset and md5 are those that were acknowledged */
    struct blob_writer *blob;
    struct md5 md5;             /* of all that was written */
    struct hash_state digest;   /* the same, if the transfer has one */
    struct checksums checksums; /* the same, from the last row of them on */
    bool has_checksums;         /* false: the transfer is older than checksums */
    int64_t pending;            /* bytes written behind the offset */
    int64_t received, lifetime_ms, flushed_at_ms;
    int64_t max_bytes;
    int64_t room;      /* so many bytes behind the offset were found to have room in the account */
    bool blob_failed;  /* a write to the blob store failed */
    bool is_uncertain; /* nobody knows whether the last flush was acknowledged: what was written must stay */
    char id[WRITER_LENGTH];
    bool is_unverified, is_in_shard;
    bool sets_length;   /* with its bytes */
    bool clears_length; /* with its first bytes: it was closed before */
    enum transfer_end end;
    struct transfer_writer *next; /* of the same shard */
    int64_t written_at_ms;        /* monotonic clock: when the last bytes came; atomic */
    bool *ended;                  /* it was told to end; atomic */
    bool own_ended;               /* if nobody else wants to know */
};

static slice writer_id(const struct transfer_writer *w)
{
    return (slice){ w->id, sizeof w->id };
}

/* ---- the writers of this process, in shards by the hash of the name ---- */

enum { SHARDS = 64 };
struct transfer_shard {
    pthread_mutex_t opening; /* see the top of this file */
    pthread_mutex_t mutex;   /* of the list; nobody waits for a store while holding it */
    struct transfer_writer *first;
};
struct transfer_shards {
    struct transfer_shard items[SHARDS];
};

struct transfer_shards *transfer_shards_new(void)
{
    struct transfer_shards *s = must_malloc(sizeof *s);
    memset(s, 0, sizeof *s);
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&s->items[i].opening, NULL);
        pthread_mutex_init(&s->items[i].mutex, NULL);
    }
    return s;
}

void transfer_shards_free(struct transfer_shards *s)
{
    for (int i = 0; i < SHARDS; i++) {
        assert(!s->items[i].first);
        pthread_mutex_destroy(&s->items[i].opening);
        pthread_mutex_destroy(&s->items[i].mutex);
    }
    free(s);
}

static struct transfer_shard *shard_of(struct core *core, slice name)
{
    return &core->transfer_shards->items[slice_hash(name) % SHARDS];
}

pthread_mutex_t *transfer_opening_mutex(struct core *core, slice name)
{
    return &shard_of(core, name)->opening;
}

void transfer_cut_blob(struct core *core, const struct transfer *t)
{
    SCRATCH(scratch);
    struct blob_writer *writer = NULL;
    if (t->offset == t->length) /* nothing can have been written behind it */
        return;
    err_t done_later = core->blob->ops->grow(core->blob, t->blob_key, (uint64_t)t->offset, &scratch, &writer);
    if (!done_later)
        writer->ops->discard(writer);
}

static void enter_shard(struct transfer_writer *w)
{
    struct transfer_shard *shard = shard_of(w->core, w->transfer.name);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard->mutex);
    w->next = shard->first;
    shard->first = w;
    w->is_in_shard = true;
    piece_body_begins(w->core);
}

static void leave_shard(struct transfer_writer *w)
{
    struct transfer_shard *shard = shard_of(w->core, w->transfer.name);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard->mutex);
    struct transfer_writer **at = &shard->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    piece_body_ends(w->core);
}

void transfer_stop_writers(struct core *core, slice name, const struct transfer_writer *except)
{
    struct transfer_shard *shard = shard_of(core, name);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard->mutex);
    for (struct transfer_writer *w = shard->first; w; w = w->next)
        if (w != except && slice_eq(w->transfer.name, name))
            __atomic_store_n(w->ended, true, __ATOMIC_SEQ_CST);
}

bool transfer_is_silent(struct core *core, slice name, slice id)
{
    struct transfer_shard *shard = shard_of(core, name);
    int64_t since_ms = clock_monotonic_ms(core->clock) - TRANSFER_SILENCE_MS;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard->mutex);
    for (struct transfer_writer *w = shard->first; w; w = w->next)
        if (slice_eq(w->transfer.name, name) && slice_eq(writer_id(w), id))
            return __atomic_load_n(&w->written_at_ms, __ATOMIC_SEQ_CST) <= since_ms;
    return false;
}

/* ---- opening ---- */

struct claiming {
    struct transfer_writer *w;
    const struct transfer_opening *opening;
};

/* The length that the sender says now. */
static err_t claim_length(struct meta_tx *tx, const struct claiming *c, const struct transfer *t, struct arena *a)
{
    int64_t length = c->opening->length;
    bool done = length >= 0 && t->length == length;
    if (!c->opening->has_length || done)
        return NULL;
    if (t->length < 0 && length > c->w->max_bytes)
        return err_make(a, ERR_TOO_LARGE, "the length is above the limit of %lld bytes", (long long)c->w->max_bytes);
    if (t->length < 0 && length >= t->offset) {
        struct account_use later = { .bytes = length - t->offset, .owner_id = t->owner_id };
        TRY(quota_check(c->w->core, tx, t->account_id, &later, a));
        done = true;
        if (!c->opening->is_unverified) /* else it counts with the bytes */
            TRY(meta_transfer_set_length(tx, t->id, length, a, &done));
    }
    return done ? NULL : core_refuse(a, REASON_TRANSFER_LENGTH);
}

static bool takes_over(const struct claiming *c, const struct transfer *t)
{
    switch (c->opening->rivalry) {
    case TRANSFER_YIELDS:
        break;
    case TRANSFER_ENDS_SILENT:
        return transfer_is_silent(c->w->core, t->name, t->writer);
    case TRANSFER_ENDS_ANOTHER:
        return true;
    }
    return false;
}

static err_t apply_claim(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct claiming *c = arg;
    struct transfer_writer *w = c->w;
    struct transfer t;
    bool claimed;
    TRY(transfer_read(w->core, tx, &w->who, c->opening->name, a, &t));
    if (t.finished_at_ms)
        return core_refuse(a, REASON_TRANSFER_FINISHED);
    if (t.is_composed != c->opening->composes)
        return core_refuse(a, REASON_TRANSFER_COMPOSED);
    if (t.offset != c->opening->offset)
        return core_refuse(a, REASON_TRANSFER_OFFSET);
    int64_t now_ms = core_now_ms(w->core);
    struct transfer_claim claim = { t.id, writer_id(w), now_ms, now_ms + LEASE_MS, takes_over(c, &t) };
    TRY(meta_transfer_claim(tx, &claim, a, &claimed));
    return claimed ? claim_length(tx, c, &t, a) : core_refuse(a, REASON_TRANSFER_BUSY);
}

static err_t apply_release(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct transfer_writer *w = arg;
    return meta_transfer_release(tx, w->transfer.id, writer_id(w), a);
}

/* If this fails, the claim ends by itself. */
static void release(struct transfer_writer *w)
{
    SCRATCH(scratch);
    err_t ended_by_itself = meta_write(w->core->meta, apply_release, w, &scratch);
    (void)ended_by_itself;
}

static void free_writer(struct transfer_writer *w)
{
    if (w->is_in_shard)
        leave_shard(w);
    if (w->blob)
        w->blob->ops->discard(w->blob);
    checksums_release(&w->checksums);
    arena_release(&w->arena);
    free(w);
}

static struct transfer_writer *new_writer(struct core *core, const struct principal *who,
                                          const struct transfer_opening *opening)
{
    struct transfer_writer *w = must_malloc(sizeof *w);
    *w = (struct transfer_writer){ .core = core,
                                   .who = *who,
                                   .grant = grant_of(who),
                                   .lifetime_ms = opening->lifetime_ms,
                                   .max_bytes = opening->max_bytes ? (int64_t)opening->max_bytes : INT64_MAX,
                                   .flushed_at_ms = clock_monotonic_ms(core->clock),
                                   .written_at_ms = clock_monotonic_ms(core->clock),
                                   .end = opening->end,
                                   .is_unverified = opening->is_unverified };
    w->ended = opening->ended ? opening->ended : &w->own_ended;
    arena_init(&w->arena);
    w->who.login = arena_copy(&w->arena, who->login);
    w->who.request_id = arena_copy(&w->arena, who->request_id);
    slice id = random_text(core->random, &w->arena, WRITER_LENGTH);
    memcpy(w->id, id.p, WRITER_LENGTH);
    return w;
}

/* It was about to become a file, so its bytes are those of a blob. */
static bool is_settled(const struct transfer_writer *w, err_t e, struct arena *a)
{
    struct blob_store *blob = w->core->blob;
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    if (!w->clears_length || !err_is(e, ERR_NOT_FOUND))
        return w->clears_length && err_is(e, ERR_CONFLICT);
    return !blob->ops->open(blob, w->transfer.blob_key, a, &reader);
}

static err_t open_blob(struct transfer_writer *w, struct arena *a)
{
    struct blob_store *blob = w->core->blob;
    const struct transfer *t = &w->transfer;
    if (t->offset == t->length) /* nothing will be written, and its bytes may be those of a blob already */
        return NULL;
    err_t e = blob->ops->grow(blob, t->blob_key, (uint64_t)t->offset, a, &w->blob);
    if (is_settled(w, e, a))
        return core_refuse(a, REASON_TRANSFER_FINISHED);
    return err_is(e, ERR_NOT_FOUND) ? err_because(a, e, ERR_CORRUPT, "bytes that were acknowledged are missing") : e;
}

/* Those of the bytes that were acknowledged, from the row on that has the last of them. */
static err_t load_checksums(struct transfer_writer *w, struct arena *a)
{
    uint64_t offset = (uint64_t)w->transfer.offset, row = 0;
    slice list = S("");
    if (offset) {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        row = (checksums_count(offset) - 1) / CHECKSUMS_IN_ROW;
        TRY(meta_read_begin(w->core->meta, a, &tx));
        TRY(meta_checksums_get(tx, w->transfer.blob_key, row, a, &list));
    }
    w->has_checksums = checksums_init_at(&w->checksums, list, row * CHECKSUMS_IN_ROW, offset);
    return NULL;
}

static err_t claim_and_grow(struct transfer_writer *w, const struct transfer_opening *opening, struct arena *a)
{
    struct core *core = w->core;
    struct claiming c = { w, opening };
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard_of(core, opening->name)->opening);
    TRY(meta_write(core->meta, apply_claim, &c, a));
    err_t e = err_copy(a, transfer_find(core, &w->who, opening->name, &w->arena, &w->transfer));
    w->md5 = w->transfer.md5;
    w->digest = w->transfer.digest;
    w->clears_length = !e && opening->reopens && w->transfer.length >= 0;
    if (w->clears_length)
        w->transfer.length = -1;
    w->sets_length = !e && opening->has_length && w->transfer.length < 0;
    if (w->sets_length)
        w->transfer.length = opening->length;
    if (!e)
        e = load_checksums(w, a);
    if (!e)
        e = open_blob(w, a);
    if (e) {
        release(w);
        return e;
    }
    enter_shard(w);
    transfer_stop_writers(core, opening->name, w);
    return NULL;
}

err_t transfer_open(struct core *core, const struct principal *who, const struct transfer_opening *opening,
                    struct arena *a, struct transfer_writer **ret_writer)
{
    if (opening->has_length && opening->length > opening->offset)
        TRY(free_space_check(core, (uint64_t)(opening->length - opening->offset), a));
    struct transfer_writer *w = new_writer(core, who, opening);
    err_t e = claim_and_grow(w, opening, a);
    if (e) {
        free_writer(w);
        return e;
    }
    *ret_writer = w;
    return NULL;
}

/* ---- bytes ---- */

/* RENEWS: only the claim goes on. */
/* The blob store refuses a writer that another one has replaced: that is no failure of the server. */
static err_t blob_error(const struct transfer_writer *w, err_t e, struct arena *a)
{
    return e && __atomic_load_n(w->ended, __ATOMIC_SEQ_CST) ? core_refuse(a, REASON_TRANSFER_BUSY) : e;
}

enum advance_kind { RENEWS, GOES_ON, IS_CUT, IS_WHOLE };
struct advancing {
    struct transfer_writer *w;
    enum advance_kind kind;
    int64_t expires_at_ms; /* as it was written */
};

static err_t apply_advance(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct advancing *v = arg;
    struct transfer_writer *w = v->w;
    int64_t now_ms = core_now_ms(w->core), bytes = v->kind == RENEWS ? 0 : w->pending;
    struct account_use more = { .bytes = bytes, .owner_id = w->transfer.owner_id };
    struct transfer_advance advance = { .id = w->transfer.id,
                                        .writer = writer_id(w),
                                        .from = w->transfer.offset,
                                        .to = w->transfer.offset + bytes,
                                        .md5 = bytes ? &w->md5 : &w->transfer.md5,
                                        .digest = !w->transfer.has_digest ? NULL
                                                  : bytes                 ? &w->digest
                                                                          : &w->transfer.digest,
                                        .now_ms = now_ms,
                                        .until_ms = now_ms + LEASE_MS,
                                        .expires_at_ms = now_ms + w->lifetime_ms };
    bool done;
    v->expires_at_ms = now_ms + w->lifetime_ms;
    bool ends = v->kind == IS_WHOLE && (w->end == TRANSFER_ENDS_HERE || w->end == TRANSFER_WAITS_HERE);
    TRY(grant_recheck_in(w->core, tx, &w->grant, a));
    TRY(quota_take(w->core, tx, w->transfer.account_id, &more, a));
    TRY(quota_check_disk(w->core, tx, w->transfer.account_id, 0, a));
    if (w->clears_length && bytes)
        TRY(meta_transfer_clear_length(tx, w->transfer.id, writer_id(w), a));
    if (w->sets_length && v->kind != RENEWS)
        TRY(meta_transfer_set_length(tx, w->transfer.id, w->transfer.length, a, &done));
    TRY(meta_transfer_advance(tx, &advance, a, &done));
    if (!done)
        return core_refuse(a, REASON_TRANSFER_BUSY);
    if (bytes && w->has_checksums)
        TRY(meta_checksums_put(tx, w->transfer.blob_key, w->checksums.first, buf_slice(&w->checksums.list), a));
    if (ends && w->transfer.length < 0)
        TRY(meta_transfer_set_length(tx, w->transfer.id, advance.to, a, &done));
    else if (ends && w->transfer.length != advance.to)
        return core_refuse(a, REASON_TRANSFER_LENGTH);
    return v->kind == IS_CUT || v->kind == IS_WHOLE ? meta_transfer_release(tx, w->transfer.id, writer_id(w), a) : NULL;
}

/* The claim of a request whose bytes are acknowledged at its end. */
static err_t renew(struct transfer_writer *w, struct arena *a)
{
    struct advancing v = { w, RENEWS, 0 };
    TRY(meta_write(w->core->meta, apply_advance, &v, a));
    w->flushed_at_ms = clock_monotonic_ms(w->core->clock);
    return NULL;
}

/* What was written is on stable storage, and then acknowledged. */
static err_t advance(struct transfer_writer *w, enum advance_kind kind, struct arena *a)
{
    struct advancing v = { w, kind, 0 };
    if (__atomic_load_n(w->ended, __ATOMIC_SEQ_CST))
        return core_refuse(a, REASON_TRANSFER_BUSY);
    if (w->pending)
        TRY(blob_error(w, w->blob->ops->flush(w->blob, a), a));
    err_t e = meta_write(w->core->meta, apply_advance, &v, a);
    /* When it is refused because the write before this one was made after all, what that acknowledged must stay, too. */
    if (err_is(e, ERR_UNAVAILABLE) || err_is(e, ERR_NO_SPACE) || err_is(e, ERR_CORRUPT))
        w->is_uncertain = true;
    TRY(e);
    w->is_uncertain = false;
    w->room -= w->pending;
    w->sets_length = false;
    w->clears_length = w->clears_length && !w->pending;
    w->transfer.offset += w->pending;
    w->transfer.expires_at_ms = v.expires_at_ms;
    w->transfer.md5 = w->md5;
    w->transfer.digest = w->digest;
    checksums_forget_before(&w->checksums, CHECKSUMS_IN_ROW);
    w->pending = 0;
    w->flushed_at_ms = clock_monotonic_ms(w->core->clock);
    return NULL;
}

static err_t ask_for_room(struct transfer_writer *w, int64_t bytes, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(w->core->meta, a, &tx));
    struct account_use more = { .bytes = bytes, .owner_id = w->transfer.owner_id };
    TRY(quota_check(w->core, tx, w->transfer.account_id, &more, a));
    return quota_check_disk(w->core, tx, w->transfer.account_id, bytes, a);
}

/* Bytes take space before they are counted. Asks for many at once, and exactly only when the account is nearly full. */
static err_t check_room(struct transfer_writer *w, size_t bytes, struct arena *a)
{
    int64_t wanted = w->pending + (int64_t)bytes;
    SCRATCH(scratch);
    if (wanted <= w->room)
        return NULL;
    err_t nearly_full = ask_for_room(w, wanted + ROOM_AHEAD_BYTES, &scratch);
    if (nearly_full)
        TRY(ask_for_room(w, wanted, a));
    w->room = nearly_full ? wanted : wanted + ROOM_AHEAD_BYTES;
    return NULL;
}

static void hash_piece(void *arg, slice bytes)
{
    struct transfer_writer *w = arg;
    md5_crew_update(w->core->crew, &w->md5, bytes);
    if (w->transfer.has_digest)
        hash_state_update(&w->digest, bytes);
    if (w->has_checksums)
        checksums_add(&w->checksums, bytes);
}

err_t transfer_write(struct transfer_writer *w, slice bytes, struct arena *a)
{
    const struct transfer *t = &w->transfer;
    if (__atomic_load_n(w->ended, __ATOMIC_SEQ_CST))
        return core_refuse(a, REASON_TRANSFER_BUSY);
    if (t->length >= 0 && (int64_t)bytes.n > t->length - t->offset - w->pending)
        return core_refuse(a, REASON_TRANSFER_OVERLONG);
    if ((int64_t)bytes.n > w->max_bytes - t->offset - w->pending)
        return err_make(a, ERR_TOO_LARGE, "more than the limit of %lld bytes", (long long)w->max_bytes);
    if (!bytes.n)
        return NULL;
    TRY(check_room(w, bytes.n, a));
    TRY(free_space_take(w->core, bytes.n, a));
    w->blob_failed = true; /* until it has succeeded */
    TRY(blob_error(w, piece_write(w->core, w->blob, bytes, hash_piece, w, a), a));
    w->blob_failed = false;
    w->pending += (int64_t)bytes.n;
    w->received += (int64_t)bytes.n;
    __atomic_store_n(&w->written_at_ms, clock_monotonic_ms(w->core->clock), __ATOMIC_SEQ_CST);
    bool is_old = clock_monotonic_ms(w->core->clock) - w->flushed_at_ms >= FLUSH_MS;
    if (w->is_unverified)
        return is_old ? renew(w, a) : NULL;
    return is_old || w->pending >= FLUSH_BYTES ? advance(w, GOES_ON, a) : NULL;
}

err_t transfer_flush(struct transfer_writer *w, struct arena *a)
{
    assert(!w->is_unverified);
    if (!w->pending && __atomic_load_n(w->ended, __ATOMIC_SEQ_CST))
        return core_refuse(a, REASON_TRANSFER_BUSY);
    return w->pending ? advance(w, GOES_ON, a) : NULL;
}

int64_t transfer_received(const struct transfer_writer *w)
{
    return w->received;
}

int64_t transfer_acknowledged(const struct transfer_writer *w)
{
    return w->transfer.offset;
}

/* ---- the end ---- */

/* Gives back the space of what was written and not acknowledged. Whoever has ended this request has done it, or will when it
 * opens the blob. */
static void cut_back(struct transfer_writer *w)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&shard_of(w->core, w->transfer.name)->opening);
    if (w->pending && !w->is_uncertain && !__atomic_load_n(w->ended, __ATOMIC_SEQ_CST))
        transfer_cut_blob(w->core, &w->transfer);
}

void transfer_drop(struct transfer_writer *w)
{
    if (!w)
        return;
    cut_back(w);
    release(w);
    free_writer(w);
}

void transfer_cut(struct transfer_writer *w)
{
    SCRATCH(scratch);
    bool keeps = !w->is_unverified && !w->blob_failed;
    if (!keeps || advance(w, IS_CUT, &scratch)) { /* what came since the last flush is sent again */
        transfer_drop(w);
        return;
    }
    free_writer(w);
}

err_t transfer_close(struct transfer_writer *w, struct arena *a, struct transfer *ret)
{
    err_t e = advance(w, IS_WHOLE, a);
    if (e) {
        cut_back(w);
        release(w);
    }
    struct transfer t = w->transfer;
    if (!e && (w->end == TRANSFER_ENDS_HERE || w->end == TRANSFER_WAITS_HERE))
        t.length = t.offset;
    if (!e && t.offset == t.length && w->end != TRANSFER_STAYS_OPEN && w->end != TRANSFER_WAITS_HERE)
        e = transfer_finish(w->core, &w->who, &t, a);
    if (!e) {
        *ret = t;
        ret->name = arena_copy(a, t.name);
        ret->origin = arena_copy(a, t.origin);
        ret->file_name = arena_copy(a, t.file_name);
        ret->content_type = arena_copy(a, t.content_type);
        ret->metadata = arena_copy(a, t.metadata);
        ret->blob_key = arena_copy(a, t.blob_key);
        ret->composition = arena_copy(a, t.composition);
        ret->expected_digest = arena_copy(a, t.expected_digest);
        ret->owner_login = arena_copy(a, t.owner_login);
        ret->writer = S("");
    }
    free_writer(w);
    return e;
}
