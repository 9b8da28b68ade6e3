/* SPDX-License-Identifier: Apache-2.0 */
/* UploadPart stores a body as a part of an upload, UploadPartCopy a range of another object. Both write into an intake,
 * so that digests and limits are the same.
 *
 *   UploadPart      head ──► part_put_open ──► s3_body_receive ──► part_put_finish ──► reply_part
 *   UploadPartCopy  head ──► (the body is dropped) ──► begin_part_copy ──► copy_next_piece ──► part_put_finish
 *                                                                            │     ▲
 *                                                                            └─────┘
 *
 * A copy may have gigabytes. It runs in the lane of long work, a piece at a time, and other accounts get their turn
 * between two pieces. */
#include "api/s3/body_priv.h"
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/conditions_priv.h"
#include "api/s3/copy_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/live.h"
#include "base/text.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "core/object/content.h"
#include "core/object/digest.h"
#include "core/records/entry.h"

#include <stdlib.h>

#define COPY_STEP_BYTES ((uint64_t)4 << 20) /* hashed and written in some 20 ms */
#define COPY_READ_BYTES ((size_t)128 << 10)

struct part_work {
    struct s3_call *call;
    slice upload;
    struct bucket bucket;
    struct s3_declared declared;
    struct part_request request;
    struct part_put put;
    /* of a copy */
    bool copies;
    struct content source;
    uint64_t offset, bytes_left; /* of the source: what comes next */
    /* the result */
    err_t e;
    slice etag;
    struct digest digest;
};

static err_t read_part_number(struct s3_call *call, int64_t *ret)
{
    slice text;
    s3_param(call, "partNumber", &text);
    if (slice_to_i64(text, ret) && *ret >= 1 && *ret <= UPLOAD_PARTS_MAX)
        return NULL;
    return s3_refuse_argument(call, S3_PART_NUMBER, "partNumber", text);
}

/* ---- the reply, of both ---- */

static err_t reply_part_copied(struct part_work *w)
{
    struct s3_call *call = w->call;
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "CopyPartResult", S3_NAMESPACE);
    xml_text(&b, "LastModified", s3_time(&call->x->arena, core_now_ms(call->s3->core)));
    s3_put_etag(&b, w->etag);
    s3_digest_xml(&b, &call->x->arena, &w->digest, 0);
    xml_close(&b, "CopyPartResult");
    return s3_reply_xml(call, &b);
}

static err_t reply_part(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    struct part_work *w = call->state;
    TRY(s3_show_missing(call, w->e, "UploadId", w->upload));
    if (w->copies)
        return reply_part_copied(w);
    slice parts[] = { S("\""), w->etag, S("\"") };
    http_reply_header(x, "ETag", arena_join(&x->arena, parts, LENGTH_OF(parts)));
    s3_digest_header(call, &w->digest, 0);
    return s3_reply_status(call, 200);
}

/* Runs mostly on the committer's thread, so it leaves the reply to the loop. */
static void part_stored(void *arg, err_t e, const struct entry_stored *result)
{
    struct part_work *w = arg;
    struct arena *a = &w->call->x->arena;
    if (e) {
        w->e = err_copy(a, e);
    } else {
        w->etag = arena_copy(a, result->etag);
        w->digest = result->digest;
    }
    http_on_loop(w->call->x, reply_part);
}

static err_t open_upload_part(struct part_work *w)
{
    struct s3_call *call = w->call;
    struct upload_ref upload = { &w->bucket, call->key, w->upload };
    w->request.keeps_crc64 = true; /* as PutObject without a checksum */
    err_t e = part_put_open(call->s3->core, &call->who, &upload, &w->request, &call->x->arena, &w->put);
    TRY(s3_show_missing(call, e, "UploadId", w->upload));
    enum digest_kind wanted = w->put.upload.digest, sent = w->request.digest;
    bool may_be_absent = w->copies || w->put.upload.digest_form == DIGEST_WHOLE; /* then it is computed here */
    if (wanted == DIGEST_NONE || sent == wanted || (sent == DIGEST_NONE && may_be_absent))
        return NULL;
    part_put_discard(&w->put);
    return s3_refuse_with(&call->x->arena, S3_PART_CHECKSUM, digest_name(wanted),
                          sent == DIGEST_NONE ? S("null") : digest_name(sent));
}

/* ---- from another object ---- */

/* x-amz-copy-source-range: bytes=first-last. Both numbers must be present and inside the source. Absent: the whole
 * source. */
static err_t read_copy_range(struct s3_call *call, uint64_t size, uint64_t *ret_offset, uint64_t *ret_bytes)
{
    slice text = http_header(&call->x->req, "x-amz-copy-source-range"), first, last;
    uint64_t from, to;
    *ret_offset = 0;
    *ret_bytes = size;
    if (!text.p)
        return NULL;
    if (!slice_starts(text, S("bytes=")) || !slice_cut(slice_from(text, 6), '-', &first, &last) ||
        !slice_to_u64(first, &from) || !slice_to_u64(last, &to) || to < from)
        return s3_refuse_argument(call, S3_COPY_RANGE, "x-amz-copy-source-range", text);
    if (to >= size)
        return s3_refuse_argument(call, S3_INVALID_RANGE, "x-amz-copy-source-range", text);
    *ret_offset = from;
    *ret_bytes = to - from + 1;
    return NULL;
}

/* Does the list contain this etag? */
static bool names_etag(slice list, slice etag)
{
    while (list.n) {
        slice one, rest;
        if (!slice_cut(list, ',', &one, &rest))
            rest = S("");
        list = rest;
        one = s3_unquoted(one);
        if (slice_eq(one, S("*")) || slice_eq(one, etag))
            return true;
    }
    return false;
}

/* x-amz-copy-source-if-…: a condition on the etag takes precedence over one on the date (Amazon S3 API reference,
 * UploadPartCopy). */
static err_t check_source_conditions(struct s3_call *call, const struct entry *entry)
{
    const struct http_request *req = &call->x->req;
    slice match = http_header(req, "x-amz-copy-source-if-match");
    slice none = http_header(req, "x-amz-copy-source-if-none-match");
    slice etag = entry_etag(entry, &call->x->arena);
    int64_t modified_ms = entry->modified_at_ms / 1000 * 1000, since_ms, not_since_ms;
    TRY(s3_condition_date(call, "x-amz-copy-source-if-modified-since", &since_ms));
    TRY(s3_condition_date(call, "x-amz-copy-source-if-unmodified-since", &not_since_ms));
    bool holds = match.p ? names_etag(match, etag) : !not_since_ms || modified_ms <= not_since_ms;
    if (holds)
        holds = none.p ? !names_etag(none, etag) : !since_ms || modified_ms > since_ms;
    return holds ? NULL : s3_refuse(&call->x->arena, S3_PRECONDITION_FAILED);
}

static err_t copy_bytes(struct part_work *w, uint64_t bytes, char *memory, struct arena *scratch)
{
    while (bytes) {
        size_t n = 0, want = bytes < COPY_READ_BYTES ? (size_t)bytes : COPY_READ_BYTES;
        TRY(content_read_at(&w->source, w->offset, memory, want, scratch, &n));
        if (n == 0)
            return err_make(scratch, ERR_CORRUPT, "the source of a copy ends early");
        TRY(intake_write(w->put.intake, (slice){ memory, n }, scratch));
        w->offset += n;
        w->bytes_left -= n;
        bytes -= n;
    }
    return NULL;
}

static err_t copy_next_piece(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    struct part_work *w = call->state;
    SCRATCH(scratch);
    char *memory = must_malloc(COPY_READ_BYTES);
    err_t e = copy_bytes(w, w->bytes_left < COPY_STEP_BYTES ? w->bytes_left : COPY_STEP_BYTES, memory, &scratch);
    free(memory);
    if (!e && w->bytes_left) {
        http_on_lane(x, HTTP_LANE_LONG, copy_next_piece);
        return NULL;
    }
    content_close(&w->source);
    if (e) {
        part_put_discard(&w->put);
        return err_copy(&x->arena, e);
    }
    part_put_finish(&w->put, part_stored, w);
    return NULL;
}

static err_t open_part_copy(struct part_work *w, const struct entry *entry)
{
    struct s3_call *call = w->call;
    TRY(check_source_conditions(call, entry));
    TRY(read_copy_range(call, entry->size_bytes, &w->offset, &w->bytes_left));
    w->request.max_bytes = LIVE(call->s3->options.max_object_bytes);
    w->request.exact_bytes = (int64_t)w->bytes_left;
    return open_upload_part(w);
}

static err_t begin_part_copy(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    struct part_work *w = call->state;
    struct bucket source;
    slice key;
    struct entry entry;
    w->copies = true;
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &w->bucket));
    TRY(s3_copy_source(call, &source, &key));
    TRY(s3_show(call, entry_open(call->s3->core, &source, key, &x->arena, &entry, &w->source), "Key", key));
    err_t e = open_part_copy(w, &entry);
    if (e) {
        content_close(&w->source);
        return e;
    }
    return copy_next_piece(x);
}

/* ---- from the body ---- */

static err_t part_received(struct s3_call *call, void *arg, err_t e)
{
    struct part_work *w = arg;
    (void)call;
    if (e)
        part_put_discard(&w->put);
    else
        part_put_finish(&w->put, part_stored, w);
    return e;
}

err_t s3_part_put(struct s3_call *call)
{
    struct part_work *w = arena_new(&call->x->arena, struct part_work);
    w->call = call;
    call->state = w;
    s3_param(call, "uploadId", &w->upload);
    TRY(read_part_number(call, &w->request.number));
    if (http_has_header(&call->x->req, "x-amz-copy-source")) {
        http_collect(call->x, HTTP_LANE_LONG, 0, begin_part_copy);
        return NULL;
    }
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &w->bucket));
    TRY(s3_body_length(call, &w->request.exact_bytes));
    TRY(s3_declared_read(call, &w->declared));
    w->request.max_bytes = LIVE(call->s3->options.max_object_bytes);
    w->request.digest = w->declared.digest.kind;
    if (w->declared.has_md5)
        w->request.md5 = (slice){ (const char *)w->declared.md5, MD5_SIZE };
    TRY(open_upload_part(w));
    s3_body_receive(call, w->put.intake, &w->declared, part_received, w);
    return NULL;
}
