/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resumable/append.h"

#include "api/kit/file_object.h"
#include "api/resumable/digest_fields.h"
#include "base/live.h"
#include "base/text.h"
#include "core/file/file.h"
#include "http/field.h"
#include "http/structured_field.h"

static struct core *core_of(const struct append *p)
{
    return call_of(p->x)->api->core;
}

static bool is_tus(const struct append *p)
{
    return call_of(p->x)->protocol == PROTOCOL_TUS;
}

/* ---- the head ---- */

err_t append_read_complete(struct http_exchange *x, bool *ret)
{
    slice value = sf_field(&x->req, "Upload-Complete", &x->arena);
    return value.p && sf_boolean(value, ret) ? NULL : resumable_refuse(&x->arena, RESUMABLE_BAD_COMPLETE);
}

static bool announces_trailer(const struct http_request *req)
{
    slice item, rest = http_header(req, "Trailer");
    while (field_list_next(&rest, &item))
        if (slice_eq_nocase(item, S("Upload-Checksum")))
            return req->content_length == -1;
    return false;
}

static err_t read_tus_checks(struct append *p)
{
    struct http_exchange *x = p->x;
    slice value = http_header(&x->req, "Upload-Checksum"), bytes;
    enum check_kind kind;
    if (!value.p) {
        if (announces_trailer(&x->req))
            body_checks_await_trailer(&p->checks, &x->arena);
        return NULL;
    }
    if (!checksum_parse(value, &x->arena, &kind, &bytes))
        return resumable_refuse(&x->arena, RESUMABLE_BAD_CHECKSUM);
    body_checks_add(&p->checks, kind, bytes, &x->arena);
    return NULL;
}

static err_t read_ietf_checks(struct append *p)
{
    struct digest_field digest;
    TRY(digest_field_read(p->x, "Content-Digest", &digest));
    if (digest.is_there)
        body_checks_add(&p->checks, digest.kind == HASH_SHA512 ? CHECK_SHA512 : CHECK_SHA256, digest.bytes,
                        &p->x->arena);
    return NULL;
}

err_t append_read_checks(struct append *p)
{
    TRY(is_tus(p) ? read_tus_checks(p) : read_ietf_checks(p));
    p->opening.is_unverified = p->checks.is_any;
    return NULL;
}

/* ---- interim replies ---- */

static bool speaks_interim(struct http_exchange *x)
{
    int64_t version;
    return sf_integer(sf_field(&x->req, "Upload-Draft-Interop-Version", &x->arena), &version) &&
           version == IETF_INTEROP_VERSION;
}

static slice number_text(struct arena *a, int64_t n)
{
    return arena_printf(a, "%lld", (long long)n);
}

void append_tell_location(struct append *p)
{
    struct arena *a = &p->x->arena;
    slice parts[] = { S(UPLOADS_PATH "/"), p->transfer.name };
    struct http_header headers[] = { { S("Upload-Draft-Interop-Version"), number_text(a, IETF_INTEROP_VERSION) },
                                     { S("Location"), arena_join(a, parts, LENGTH_OF(parts)) },
                                     { S("Upload-Limit"), call_limits(p->x, &p->transfer) } };
    if (p->tells_progress)
        http_interim(p->x, 104, headers, LENGTH_OF(headers));
}

static void tell_progress(struct append *p)
{
    SCRATCH(scratch);
    int64_t offset = transfer_acknowledged(p->writer);
    if (!p->tells_progress || offset == p->told_offset)
        return;
    struct http_header headers[] = { { S("Upload-Draft-Interop-Version"), number_text(&scratch, IETF_INTEROP_VERSION) },
                                     { S("Upload-Offset"), number_text(&scratch, offset) } };
    http_interim(p->x, 104, headers, LENGTH_OF(headers));
    p->told_offset = offset;
}

/* ---- bytes ---- */

static err_t open_append(struct append *p, struct arena *a)
{
    TRY(transfer_open(core_of(p), p->x->principal, &p->opening, a, &p->writer));
    p->told_offset = transfer_acknowledged(p->writer);
    return NULL;
}

static err_t write_bytes(struct append *p, slice bytes, struct arena *a)
{
    if (!p->writer)
        TRY(open_append(p, a));
    TRY(transfer_write(p->writer, bytes, a));
    body_checks_update(&p->checks, bytes);
    tell_progress(p);
    return NULL;
}

static err_t write_append(struct http_sink *sink, slice bytes)
{
    struct append *p = CONTAINER_OF(sink, struct append, sink);
    SCRATCH(scratch);
    err_t e = write_bytes(p, bytes, &scratch);
    p->write_failed = e != NULL;
    return err_copy(&p->x->arena, e);
}

/* ---- the end ---- */

/* Another offset was found than when the head was read. */
static err_t explain_offset(struct append *p, err_t e)
{
    struct transfer now;
    err_t unknown = transfer_find(core_of(p), p->x->principal, p->opening.name, &p->x->arena, &now);
    return unknown ? e : call_refuse_offset(p->x, now.offset, p->opening.offset);
}

static void remove_upload_of(struct append *p)
{
    SCRATCH(scratch);
    err_t stays_until_it_expires = transfer_remove(core_of(p), p->x->principal, p->opening.name, &scratch);
    (void)stays_until_it_expires;
}

void append_forget(struct append *p)
{
    if (p->creates && !p->tells_progress)
        remove_upload_of(p);
}

/* The body was cut, or its bytes were refused. */
static err_t end_failed(struct append *p, err_t e)
{
    bool is_overlong = err_reason(e) == REASON_TRANSFER_OVERLONG && !is_tus(p);
    struct transfer_writer *writer = p->writer;
    p->writer = NULL;
    if (writer)
        transfer_cut(writer);
    if (is_overlong) /* the draft wants it gone */
        remove_upload_of(p);
    return err_reason(e) == REASON_TRANSFER_OFFSET ? explain_offset(p, e) : e;
}

/* The checksum that the trailer says. Errors: BAD_CHECKSUM, BAD_TRAILER. */
static err_t read_trailer(struct append *p)
{
    struct http_exchange *x = p->x;
    slice value = http_trailer(&x->req, "Upload-Checksum"), bytes;
    enum check_kind kind;
    size_t count = 0;
    for (size_t i = 0; i < x->req.trailer_count; i++)
        count += slice_eq_nocase(x->req.trailers[i].name, S("Upload-Checksum"));
    if (count > 1)
        return resumable_refuse(&x->arena, RESUMABLE_REPEATED);
    if (!p->checks.in_trailer)
        return value.p && is_tus(p) ? resumable_refuse(&x->arena, RESUMABLE_BAD_TRAILER) : NULL;
    if (!value.p || !checksum_parse(value, &x->arena, &kind, &bytes))
        return resumable_refuse(&x->arena, RESUMABLE_BAD_CHECKSUM);
    p->checks.of[kind].expected = bytes;
    return NULL;
}

static err_t check_body(struct append *p)
{
    TRY(read_trailer(p));
    if (body_checks_hold(&p->checks))
        return NULL;
    return is_tus(p) ? resumable_refuse(&p->x->arena, RESUMABLE_CHECKSUM)
                     : resumable_refuse(&p->x->arena, RESUMABLE_DIGEST);
}

static err_t end_whole(struct append *p)
{
    struct arena *a = &p->x->arena;
    err_t e = p->writer ? NULL : open_append(p, a); /* a body without bytes */
    if (err_reason(e) == REASON_TRANSFER_OFFSET)
        return explain_offset(p, e);
    TRY(e);
    struct transfer_writer *writer = p->writer;
    e = check_body(p);
    p->writer = NULL;
    if (e) {
        transfer_drop(writer);
        if (p->creates) /* nobody would know of it */
            remove_upload_of(p);
        return e;
    }
    TRY(transfer_close(writer, a, &p->transfer));
    return append_reply(p);
}

/* tus wants it in every reply to a PATCH. */
static void explain_expiry(struct append *p)
{
    if (is_tus(p) && !p->creates)
        call_add_expiry(p->x, &p->transfer);
}

static err_t finish_append(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct append *p = CONTAINER_OF(sink, struct append, sink);
    bool was_cut = e && !p->write_failed;
    (void)x;
    e = e ? end_failed(p, e) : end_whole(p);
    if (e && !was_cut)
        append_forget(p);
    if (e)
        explain_expiry(p);
    return e;
}

void append_init(struct append *p, struct http_exchange *x)
{
    const struct call *call = call_of(x);
    bool is_ietf = call->protocol == PROTOCOL_IETF;
    *p = (struct append){
        .sink = { .write = write_append, .finish = finish_append, .off_loop = true, .ends_in_lane = true },
        .x = x,
        .tells_progress = is_ietf && speaks_interim(x),
        .opening = { .max_bytes = (uint64_t)LIVE(call->api->options.max_file_bytes),
                     .rivalry = is_ietf ? TRANSFER_ENDS_ANOTHER : TRANSFER_ENDS_SILENT,
                     .lifetime_ms = LIVE(call->api->options.expiry_ms) }
    };
}

/* Ends the request in the middle also if it waits for its sender: when another one has ended it, and as guard_watch does. */
static err_t check_append(struct http_watch *watch)
{
    static const struct err was_ended = { .code = ERR_CONFLICT,
                                          .reason = REASON_TRANSFER_BUSY,
                                          .msg = "another request writes to the upload",
                                          .where = ERR_HERE };
    struct append *p = CONTAINER_OF(watch, struct append, watch);
    return __atomic_load_n(&p->was_ended, __ATOMIC_SEQ_CST) ? &was_ended : grant_recheck(core_of(p), &p->grant);
}

void append_receive(struct append *p)
{
    p->opening.ended = &p->was_ended;
    p->grant = grant_of(p->x->principal);
    p->watch.check = check_append;
    http_watch(p->x, &p->watch);
    http_receive(p->x, &p->sink);
}

/* ---- replies ---- */

static err_t reply_tus(struct append *p)
{
    struct http_exchange *x = p->x;
    const struct transfer *t = &p->transfer;
    if (p->creates)
        call_add_location(x, t->name);
    if (!t->is_composed)
        call_put_number(x, "Upload-Offset", t->offset);
    call_add_expiry(x, t);
    call_add_file(x, t);
    http_reply(x, p->creates ? 201 : 204, NULL, S(""));
    return NULL;
}

static void add_digest(struct http_exchange *x, const struct transfer *t)
{
    unsigned char digest[HASH_MAX_SIZE];
    if (!t->has_digest)
        return;
    hash_state_final(&t->digest, digest);
    http_reply_header(x, "Repr-Digest", digest_field_format(t->digest.kind, digest, &x->arena));
}

/* As the native API replies to an upload in one request. */
static err_t reply_with_file(struct append *p)
{
    struct http_exchange *x = p->x;
    struct file file;
    TRY(file_get(core_of(p), x->principal, p->transfer.file_uuid, &x->arena, &file));
    http_reply_header(x, "Upload-Complete", S("?1"));
    call_put_number(x, "Upload-Offset", p->transfer.offset);
    add_digest(x, &p->transfer);
    file_object_reply_created(x, &file);
    return NULL;
}

static err_t reply_ietf(struct append *p)
{
    struct http_exchange *x = p->x;
    const struct transfer *t = &p->transfer;
    if (t->finished_at_ms && !t->is_part)
        return reply_with_file(p);
    if (p->creates)
        call_add_location(x, t->name);
    http_reply_header(x, "Upload-Complete", t->finished_at_ms ? S("?1") : S("?0"));
    call_put_number(x, "Upload-Offset", t->offset);
    http_reply_header(x, "Upload-Limit", call_limits(x, t));
    http_reply(x, p->creates ? 201 : 204, NULL, S(""));
    return NULL;
}

err_t append_reply(struct append *p)
{
    return is_tus(p) ? reply_tus(p) : reply_ietf(p);
}

/* ---- PATCH ---- */

/* A tus client that does not know that its last bytes arrived may send none at the end. */
static err_t append_to_finished(struct append *p)
{
    struct http_exchange *x = p->x;
    const struct transfer *t = &p->transfer;
    if (p->opening.offset != t->offset)
        return call_refuse_offset(x, t->offset, p->opening.offset);
    bool is_end = x->req.content_length == 0 && (is_tus(p) || p->opening.end == TRANSFER_ENDS_HERE);
    return is_end ? append_reply(p) : resumable_refuse(&x->arena, RESUMABLE_FINISHED);
}

static err_t check_upload(struct append *p)
{
    struct http_exchange *x = p->x;
    const struct transfer *t = &p->transfer;
    int64_t body = x->req.content_length, offset = p->opening.offset;
    if (t->is_composed)
        return resumable_refuse(&x->arena, RESUMABLE_COMPOSED);
    if (t->offset != offset && !t->finished_at_ms)
        return call_refuse_offset(x, t->offset, offset);
    if (p->opening.has_length && t->length < 0 && p->opening.max_bytes &&
        (uint64_t)p->opening.length > p->opening.max_bytes)
        return resumable_refuse(&x->arena, RESUMABLE_ABOVE_LIMIT);
    if (p->opening.has_length && t->length >= 0 && t->length != p->opening.length)
        return resumable_refuse(&x->arena, RESUMABLE_LENGTH);
    int64_t length = t->length >= 0 ? t->length : p->opening.has_length ? p->opening.length : -1;
    if (length >= 0 && body > length - offset && !t->finished_at_ms)
        return is_tus(p) ? resumable_refuse(&x->arena, RESUMABLE_TOO_LONG)
                         : resumable_refuse(&x->arena, RESUMABLE_LENGTH);
    return NULL;
}

static err_t read_tus_append(struct append *p)
{
    struct http_exchange *x = p->x;
    if (!slice_eq_nocase(http_header(&x->req, "Content-Type"), S(TUS_CONTENT_TYPE)))
        return resumable_refuse(&x->arena, RESUMABLE_MEDIA_TYPE);
    TRY(call_read_bytes(x, "Upload-Length", RESUMABLE_BAD_LENGTH, &p->opening.length));
    p->opening.has_length = p->opening.length >= 0;
    return NULL;
}

/* The length is where the body ends, if it is the last one, or Upload-Length; both are equal if both are there. */
static err_t read_ietf_append(struct append *p)
{
    struct http_exchange *x = p->x;
    int64_t body = x->req.content_length, end;
    bool completes;
    if (!slice_eq_nocase(http_header(&x->req, "Content-Type"), S(IETF_CONTENT_TYPE)))
        return resumable_refuse(&x->arena, RESUMABLE_MEDIA_TYPE);
    TRY(append_read_complete(x, &completes));
    TRY(call_read_bytes(x, "Upload-Length", RESUMABLE_BAD_LENGTH, &p->opening.length));
    p->opening.end = completes ? TRANSFER_ENDS_HERE : TRANSFER_STAYS_OPEN;
    if (completes && body >= 0) {
        if (__builtin_add_overflow(p->opening.offset, body, &end))
            return resumable_refuse(&x->arena, RESUMABLE_BAD_OFFSET);
        if (p->opening.length >= 0 && p->opening.length != end)
            return resumable_refuse(&x->arena, RESUMABLE_LENGTH);
        p->opening.length = end;
    }
    p->opening.has_length = p->opening.length >= 0;
    return NULL;
}

err_t append_upload(struct http_exchange *x)
{
    struct append *p = arena_new(&x->arena, struct append);
    append_init(p, x);
    p->opening.name = x->req.params[0];
    TRY(call_read_bytes(x, "Upload-Offset", RESUMABLE_BAD_OFFSET, &p->opening.offset));
    if (p->opening.offset < 0)
        return resumable_refuse(&x->arena, RESUMABLE_BAD_OFFSET);
    TRY(is_tus(p) ? read_tus_append(p) : read_ietf_append(p));
    TRY(append_read_checks(p));
    TRY(transfer_find(core_of(p), x->principal, p->opening.name, &x->arena, &p->transfer));
    err_t e = check_upload(p);
    if (!e && !p->transfer.finished_at_ms) {
        append_receive(p);
        return NULL;
    }
    e = e ? e : append_to_finished(p);
    if (e)
        explain_expiry(p);
    return e;
}
