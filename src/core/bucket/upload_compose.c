/* SPDX-License-Identifier: Apache-2.0 */
/* Completing an upload of many parts, in several short writes, because nobody else's write is answered while one runs.
 *
 *   1. The first write has put the id of the composite into the upload (upload_complete.c). Whoever puts a part from then on, or
 *      completes the upload as well, changes that id; whoever aborts it ends the upload. So as long as the id stands there,
 *      the parts are those of a snapshot that was taken after it.
 *   2. Such a snapshot is checked, on the thread of the caller.
 *   3. In pieces, the composite is built. Nothing refers to it and nobody sees it. It is loose: when nobody goes on, after
 *      BUILDING_MAX_MS, it is removed as if an entry had lost it (meta_composite_remove).
 *   4. The last write decides: if the id still stands in the upload, it puts the entry, ends the upload and takes the
 *      composite off the list of loose ones. It is as short for ten thousand parts as for one.
 *   5. The records of the parts are removed in pieces (upload_finish_ended).
 *
 * A crash leaves, until the last write, an upload that can be completed again, and after it what 5 has not removed. */
#include "core/bucket/upload_complete_priv.h"

#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

#define BUILDING_MAX_MS (3600 * INT64_C(1000))

struct building {
    struct completing *c;
    struct placed_part *parts;
    size_t count, placed, next; /* next: `placed` after the write */
    int64_t due_at_ms;
};

static err_t lost_upload(struct arena *a)
{
    return err_make(a, ERR_UNAVAILABLE, "the parts have changed while the upload was being completed");
}

/* The upload, if nobody has changed its parts since this completion began. */
static err_t find_building(struct completing *c, struct meta_tx *tx, struct arena *a, struct upload *ret)
{
    TRY(upload_find(tx, &c->request->upload, c->at_ms, a, ret));
    return ret->composite_id == c->composite.id ? NULL : lost_upload(a);
}

static err_t check_snapshot(struct completing *c, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    TRY(find_building(c, tx, a, &c->upload));
    TRY(completing_check(c, tx, UPLOAD_PARTS_MAX, a));
    c->is_large = true; /* also if parts of it were not named */
    return NULL;
}

static err_t apply_build_piece(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct building *b = arg;
    struct completing *c = b->c;
    struct upload now;
    TRY(find_building(c, tx, a, &now));
    if (!b->placed)
        TRY(meta_composite_begin(tx, &c->composite, b->due_at_ms, a));
    size_t left = b->count - b->placed, count = left < UPLOAD_PIECE ? left : UPLOAD_PIECE;
    TRY(meta_composite_add(tx, c->composite.id, (int64_t)b->placed + 1, b->parts + b->placed, count, a));
    b->next = b->placed + count;
    return NULL;
}

static err_t apply_complete_last(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct completing *c = arg;
    TRY(find_building(c, tx, a, &c->upload));
    return completing_put(c, tx, a);
}

static err_t build_and_put(struct building *b, struct arena *a)
{
    struct completing *c = b->c;
    struct meta_store *meta = c->core->meta;
    b->count = c->request->part_count;
    b->parts = arena_array(a, struct placed_part, b->count);
    uint64_t at = 0;
    for (size_t i = 0; i < b->count; at += c->named[i++].size_bytes)
        b->parts[i] = (struct placed_part){ c->named[i].object_id, at, c->named[i].digest };
    c->composite.size_bytes = c->bytes;
    c->composite.part_count = (int64_t)b->count;
    completing_md5(c, a, c->composite.md5);
    for (; b->placed < b->count; b->placed = b->next) {
        SCRATCH(scratch);
        err_t e = meta_write(meta, apply_build_piece, b, &scratch);
        if (e)
            return err_copy(a, e);
    }
    return meta_write(meta, apply_complete_last, c, a);
}

static err_t apply_abandon(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct completing *c = arg;
    return meta_composite_abandon(tx, c->composite.id, core_now_ms(c->core), a);
}

/* The upload is gone. Another request may have completed it. */
static err_t find_done(struct completing *c, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    return completing_find_done(c, tx, a);
}

static err_t complete_in_pieces(struct completing *c, struct building *b, struct arena *a)
{
    TRY(check_snapshot(c, a));
    const struct entry_change change = { .core = c->core,
                                         .bucket = c->request->upload.bucket,
                                         .key = c->request->upload.key,
                                         .condition = &c->request->condition,
                                         .owner_id = c->upload.owner_id };
    TRY(entry_precheck(&change, 0, a));
    return build_and_put(b, a);
}

err_t upload_complete_large(struct completing *c, struct arena *a)
{
    SCRATCH_OF(work, a); /* a megabyte or two for each thousand parts */
    struct building b = { .c = c, .due_at_ms = c->at_ms + BUILDING_MAX_MS };
    err_t e = complete_in_pieces(c, &b, &work), left = NULL;
    /* If what follows fails, it is left to the purge and to the garbage job. */
    if (!e)
        left = upload_finish_ended(c->core, NULL, &work);
    else if (b.placed)
        left = meta_write(c->core->meta, apply_abandon, c, &work);
    (void)left;
    return err_reason(e) == REASON_UPLOAD_NOT_THERE ? find_done(c, a) : err_copy(a, e);
}
