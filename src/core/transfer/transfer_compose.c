/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a composed transfer are copied from its parts, by a job, as if a request brought them: its offset says how far it
 * came, so a run goes on where the one before it was ended, by a crash or a full disk. While it is not finished its parts can
 * neither be removed nor expire. */
#include "base/scoped.h"
#include "core/grant.h"
#include "core/job.h"
#include "core/object/checked_blob.h"
#include "core/store/blob_store.h"
#include "core/store/transfer_store.h"
#include "core/transfer/transfer_priv.h"

#define STEP_BYTES ((size_t)1 << 20)
#define POSTPONE_MS 10000 /* while there is no free space */
#define TURN_MS 5000      /* then the jobs of others have their turn */

struct composition {
    struct core *core;
    struct job_run *run;
    struct principal owner;
    struct transfer transfer;
    struct transfer_list parts;
    char *buffer;
    int64_t turn_ends_at_ms; /* monotonic clock */
};

static bool must_pause(struct composition *c)
{
    return job_is_stopping(c->run) || clock_monotonic_ms(c->core->clock) >= c->turn_ends_at_ms;
}

static err_t read_composition(struct composition *c, int64_t id, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    TRY(meta_transfer_get(tx, id, a, &c->transfer));
    return meta_transfer_list_parts(tx, id, a, &c->parts);
}

/* Appends the bytes of a part from there on, until the run must end. */
static err_t copy_part(struct composition *c, const struct transfer *part, int64_t from, struct transfer_writer *writer,
                       struct arena *a)
{
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    err_t e = checked_blob_open_growing(c->core, part->blob_key, (uint64_t)part->length, a, &reader);
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? err_because(a, e, ERR_CORRUPT, "the bytes of a part are missing") : e;
    while (from < part->length && !must_pause(c)) {
        SCRATCH(scratch);
        size_t want = part->length - from < (int64_t)STEP_BYTES ? (size_t)(part->length - from) : STEP_BYTES, got;
        e = reader->ops->read_at(reader, (uint64_t)from, c->buffer, want, &scratch, &got);
        if (!e && got != want)
            e = err_make(&scratch, ERR_CORRUPT, "a part has fewer bytes than it had");
        if (!e)
            e = transfer_write(writer, (slice){ c->buffer, got }, &scratch);
        if (e)
            return err_copy(a, e);
        from += (int64_t)got;
        job_progress(c->run, c->transfer.offset + transfer_received(writer), c->transfer.length);
    }
    return NULL;
}

static err_t copy_parts(struct composition *c, struct transfer_writer *writer, struct arena *a)
{
    int64_t begins = 0; /* of the part, in the whole */
    for (size_t i = 0; i < c->parts.count && !must_pause(c); i++) {
        const struct transfer *part = &c->parts.items[i];
        int64_t done = c->transfer.offset > begins ? c->transfer.offset - begins : 0;
        SCRATCH(scratch);
        err_t e = done < part->length ? copy_part(c, part, done, writer, &scratch) : NULL;
        if (e)
            return err_copy(a, e);
        begins += part->length;
    }
    return NULL;
}

static err_t append_parts(struct composition *c, struct arena *a)
{
    struct transfer_opening opening = { .name = c->transfer.name,
                                        .offset = c->transfer.offset,
                                        .rivalry = TRANSFER_ENDS_ANOTHER,
                                        .composes = true,
                                        .lifetime_ms = TRANSFER_KEPT_MS };
    struct transfer_writer *writer;
    TRY(transfer_open(c->core, &c->owner, &opening, a, &writer));
    err_t e = copy_parts(c, writer, a);
    if (e) {
        transfer_cut(writer);
        return e;
    }
    if (c->transfer.offset + transfer_received(writer) == c->transfer.length)
        return transfer_close(writer, a, &c->transfer);
    transfer_cut(writer);
    if (job_is_stopping(c->run))
        return NULL;
    c->run->postpone_ms = 1;
    return err_make(a, ERR_UNAVAILABLE, "goes on when others had their turn");
}

err_t transfer_compose(struct core *core, struct job_run *run, struct arena *a)
{
    struct composition c = { .core = core, .run = run };
    int64_t id;
    if (!slice_to_i64(run->job.payload, &id))
        return err_make(a, ERR_CORRUPT, "the job has a payload that cannot be read");
    err_t e = read_composition(&c, id, a);
    if (e || c.transfer.finished_at_ms)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    c.owner = (struct principal){ .account_id = c.transfer.account_id,
                                  .user_id = c.transfer.owner_id,
                                  .login = c.transfer.owner_login };
    struct grant grant = { .user_id = c.owner.user_id };
    TRY(grant_check(core, &grant, a));
    c.buffer = arena_alloc(a, STEP_BYTES);
    c.turn_ends_at_ms = clock_monotonic_ms(core->clock) + TURN_MS;
    e = append_parts(&c, a);
    if (err_is(e, ERR_NO_SPACE))
        run->postpone_ms = POSTPONE_MS;
    return e;
}
