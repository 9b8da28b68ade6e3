/* SPDX-License-Identifier: Apache-2.0 */
/* Three things take time while a large file comes: to decrypt it, to hash it, and to write it. The connection's thread does the first. A
 * full buffer goes to the helper of the session, which gives it to the inbox, while the next one fills. Until the helper is
 * waited for (land_flight), the writer is the helper's, and nothing else here touches it. */
#include "sftp/upload.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that came before those in front of them. */
struct early_piece {
    struct early_piece *next; /* at a higher offset */
    uint64_t offset;
    size_t n;
    bool is_reserved; /* it is counted in the reserve of the session */
    char bytes[];
};

/* A buffer on its way to the inbox. */
struct flight {
    struct inbox_writer *writer;
    uint64_t offset;
    slice bytes;
    bool failed;
    enum err_code code;
    int reason;
};

struct upload {
    const struct upload_shared *shared;
    struct inbox_writer *writer;
    uint64_t base; /* what is added to the offsets of the client */
    bool has_base; /* else the first write says it */
    uint64_t size; /* the end of what came without a gap */
    char *buffer, *spare;
    size_t buffered;     /* bytes in `buffer`, which end at `size` */
    int64_t buffered_ms; /* since when, by the monotonic clock */
    bool is_flying;      /* the helper has `spare` */
    struct flight flight;
    struct early_piece *early;
    size_t early_count, early_bytes;
    /* The first error. */
    bool failed;
    enum err_code code;
    int reason;
};

struct upload *upload_new(const struct upload_shared *shared, struct inbox_writer *writer, bool appends)
{
    struct upload *u = must_malloc(sizeof *u);
    u->shared = shared;
    u->writer = writer;
    u->size = inbox_writer_size(writer);
    u->has_base = !appends;
    return u;
}

uint64_t upload_size(const struct upload *u)
{
    return u->size;
}

static err_t fail(struct upload *u, err_t e)
{
    if (e && !u->failed) {
        u->failed = true;
        u->code = e->code;
        u->reason = e->reason;
    }
    return e;
}

static err_t failed_before(const struct upload *u, struct arena *a)
{
    if (u->reason)
        return core_refuse(a, (enum core_reason)u->reason);
    return err_make(a, u->code, "the file is incomplete");
}

/* ---- in order ---- */

static void run_flight(void *arg)
{
    struct flight *f = arg;
    SCRATCH(scratch);
    err_t e = inbox_writer_write(f->writer, f->offset, f->bytes, &scratch);
    f->failed = e != NULL;
    f->code = e ? e->code : ERR_INVALID;
    f->reason = err_reason(e);
}

/* Afterwards the writer is ours. */
static err_t land_flight(struct upload *u, struct arena *a)
{
    if (!u->is_flying)
        return u->failed ? failed_before(u, a) : NULL;
    helper_wait(u->shared->helper);
    u->is_flying = false;
    if (u->flight.failed && !u->failed) {
        u->failed = true;
        u->code = u->flight.code;
        u->reason = u->flight.reason;
    }
    return u->failed ? failed_before(u, a) : NULL;
}

static char *take_buffer(struct upload *u)
{
    return memory_take(u->shared->memory, UPLOAD_BUFFER_BYTES) ? must_malloc(UPLOAD_BUFFER_BYTES) : NULL;
}

/* Give the buffer to the inbox, and wait. */
static err_t write_buffer(struct upload *u, struct arena *a)
{
    TRY(land_flight(u, a));
    slice bytes = { u->buffer, u->buffered };
    if (!u->buffered)
        return NULL;
    u->buffered = 0;
    return fail(u, inbox_writer_write(u->writer, u->size - bytes.n, bytes, a));
}

/* The same, but on the helper, if there is one to spare, and a buffer to go on with. */
static err_t send_buffer(struct upload *u, struct arena *a)
{
    TRY(land_flight(u, a));
    if (!u->shared->helper)
        return write_buffer(u, a);
    if (!u->spare)
        u->spare = take_buffer(u);
    u->flight = (struct flight){ u->writer, u->size - u->buffered, { u->buffer, u->buffered }, false, 0, 0 };
    if (!u->spare || !helper_try(u->shared->helper, run_flight, &u->flight))
        return write_buffer(u, a);
    char *free_one = u->spare;
    u->spare = u->buffer;
    u->buffer = free_one;
    u->buffered = 0;
    u->is_flying = true;
    return NULL;
}

static err_t append_directly(struct upload *u, slice bytes, struct arena *a)
{
    TRY(land_flight(u, a));
    TRY(fail(u, inbox_writer_write(u->writer, u->size, bytes, a)));
    u->size += bytes.n;
    return NULL;
}

static err_t append(struct upload *u, slice bytes, struct arena *a)
{
    if (!u->buffer && !(u->buffer = take_buffer(u)))
        return append_directly(u, bytes, a);
    int64_t now_ms = clock_monotonic_ms(u->shared->clock);
    if (!u->buffered)
        u->buffered_ms = now_ms;
    while (bytes.n) {
        slice part = slice_part(bytes, 0, UPLOAD_BUFFER_BYTES - u->buffered);
        memcpy(u->buffer + u->buffered, part.p, part.n);
        u->buffered += part.n;
        u->size += part.n;
        bytes = slice_from(bytes, part.n);
        if (u->buffered == UPLOAD_BUFFER_BYTES)
            TRY(send_buffer(u, a));
    }
    return u->buffered && now_ms - u->buffered_ms >= UPLOAD_WAIT_MS ? send_buffer(u, a) : NULL;
}

/* ---- early ---- */

/* One session must not be able to make the uploads of another fail by taking all the memory that they share. */
static bool take_early_room(struct upload *u, size_t n, bool *ret_is_reserved)
{
    *ret_is_reserved = !memory_take(u->shared->memory, n);
    if (!*ret_is_reserved)
        return true;
    if (n > *u->shared->reserve)
        return false;
    *u->shared->reserve -= n;
    return true;
}

static void free_piece(struct upload *u, struct early_piece *p)
{
    u->early_count--;
    u->early_bytes -= p->n;
    if (p->is_reserved)
        *u->shared->reserve += p->n;
    else
        memory_give(u->shared->memory, p->n);
    free(p);
}

static err_t keep_early(struct upload *u, uint64_t offset, slice bytes, struct arena *a)
{
    struct early_piece **at = &u->early;
    bool is_reserved;
    while (*at && (*at)->offset + (*at)->n <= offset)
        at = &(*at)->next;
    if (*at && offset + bytes.n > (*at)->offset)
        return fail(u, core_refuse(a, REASON_INBOX_OFFSET));
    if (u->early_count == UPLOAD_EARLY_MAX || bytes.n > UPLOAD_EARLY_BYTES - u->early_bytes ||
        !take_early_room(u, bytes.n, &is_reserved))
        return fail(u, core_refuse(a, REASON_INBOX_OFFSET));
    struct early_piece *p = must_malloc(sizeof *p + bytes.n);
    p->offset = offset;
    p->n = bytes.n;
    p->is_reserved = is_reserved;
    memcpy(p->bytes, bytes.p, bytes.n);
    p->next = *at;
    *at = p;
    u->early_count++;
    u->early_bytes += p->n;
    return NULL;
}

static err_t append_early(struct upload *u, struct arena *a)
{
    while (u->early && u->early->offset <= u->size) {
        struct early_piece *p = u->early;
        u->early = p->next;
        err_t e = p->offset == u->size ? append(u, (slice){ p->bytes, p->n }, a)
                                       : fail(u, core_refuse(a, REASON_INBOX_OFFSET));
        free_piece(u, p);
        TRY(e);
    }
    return NULL;
}

/* ---- the calls ---- */

/* Where a client that appends counts from. OpenSSH counts from the beginning of the file, and has asked for its size; curl begins
 * at 0. Whatever is neither has another idea of the file than the server. */
static err_t find_base(struct upload *u, uint64_t offset, struct arena *a)
{
    if (u->has_base)
        return NULL;
    if (offset != 0 && offset != u->size)
        return fail(u, core_refuse(a, REASON_INBOX_OFFSET));
    u->base = u->size - offset;
    u->has_base = true;
    return NULL;
}

err_t upload_write(struct upload *u, uint64_t offset, slice bytes, struct arena *a)
{
    if (u->failed)
        return failed_before(u, a);
    if (!bytes.n)
        return NULL;
    TRY(find_base(u, offset, a));
    uint64_t end;
    if (__builtin_add_overflow(offset, u->base, &offset) || __builtin_add_overflow(offset, bytes.n, &end) ||
        end > INT64_MAX || offset < u->size)
        return fail(u, core_refuse(a, REASON_INBOX_OFFSET));
    if (offset > u->size)
        return keep_early(u, offset, bytes, a);
    TRY(append(u, bytes, a));
    return append_early(u, a);
}

/* Nothing is missing, and the writer has everything. */
static err_t complete(struct upload *u, struct arena *a)
{
    TRY(write_buffer(u, a));
    return u->early ? core_refuse(a, REASON_INBOX_INCOMPLETE) : NULL;
}

err_t upload_flush(struct upload *u, struct arena *a)
{
    TRY(complete(u, a));
    return fail(u, inbox_writer_flush(u->writer, a));
}

static void free_buffer(struct upload *u, char *buffer)
{
    if (buffer)
        memory_give(u->shared->memory, UPLOAD_BUFFER_BYTES);
    free(buffer);
}

static void free_upload(struct upload *u)
{
    while (u->early) {
        struct early_piece *p = u->early;
        u->early = p->next;
        free_piece(u, p);
    }
    free_buffer(u, u->buffer);
    free_buffer(u, u->spare);
    free(u);
}

err_t upload_close(struct upload *u, struct arena *a)
{
    err_t e = complete(u, a);
    if (e) {
        upload_cut(u);
        return e;
    }
    e = inbox_writer_close(u->writer, a);
    free_upload(u);
    return e;
}

void upload_cut(struct upload *u)
{
    if (!u)
        return;
    SCRATCH(scratch);
    if (write_buffer(u, &scratch)) { /* then less of it stays */
    }
    inbox_writer_cut(u->writer);
    free_upload(u);
}
