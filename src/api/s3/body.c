/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, signatures and lengths of a body can be checked only at its end. Until then the bytes are in an intake, which
 * the operation discards if the check fails.
 *
 *   plain         Content-Length bytes, or chunked by HTTP
 *   aws-chunked   chunks inside the body (sign/chunks.h), each with or without a signature; then optional trailers: a
 *                 digest, a signature */
#include "api/s3/body_priv.h"

#include "api/s3/auth_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/digests_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "core/object/digest.h"
#include "sign/chunks.h"

#include <string.h>

struct s3_body {
    struct http_sink sink;
    struct s3_call *call;
    struct intake *intake;
    struct s3_declared declared;
    struct chunks_reader *reader; /* NULL: plain */
    struct hash *sha256;          /* of the body; NULL: not needed */
    err_t (*end)(struct s3_call *, void *arg, err_t e);
    void *arg;
};

static void free_chunks_reader(void *reader)
{
    chunks_reader_free(reader);
}

static void free_body_hash(void *hash)
{
    hash_free(hash);
}

/* ---- at the head ---- */

static err_t decoded_length(struct s3_call *call, int64_t *ret_bytes)
{
    slice text = http_header(&call->x->req, "x-amz-decoded-content-length");
    if (!text.p)
        return s3_refuse(&call->x->arena, S3_MISSING_DECODED_LENGTH);
    if (slice_to_i64(text, ret_bytes) && *ret_bytes >= 0)
        return NULL;
    return s3_refuse_argument(call, S3_INVALID_ARGUMENT, "x-amz-decoded-content-length", S3_NO_VALUE);
}

err_t s3_body_length(struct s3_call *call, int64_t *ret_bytes)
{
    enum chunks_mode mode;
    if (chunks_mode_of(call->claim.payload, &mode))
        return decoded_length(call, ret_bytes);
    *ret_bytes = call->x->req.content_length;
    return NULL;
}

/* False: the body is not aws-chunked. */
static bool make_chunks_reader(struct s3_call *call, uint64_t decoded_bytes, struct chunks_reader **ret)
{
    struct chunks_seed seed = { .key = call->key4,
                                .timestamp = call->claim.timestamp,
                                .scope = call->claim.scope,
                                .signature = call->claim.signature };
    if (!chunks_mode_of(call->claim.payload, &seed.mode))
        return false;
    slice announced = http_header(&call->x->req, "x-amz-trailer");
    *ret = chunks_reader_new(&seed, decoded_bytes, announced.p ? announced : S(""));
    arena_defer(&call->x->arena, free_chunks_reader, *ret);
    return true;
}

static bool wants_sha256(const struct s3_call *call)
{
    return call->verify_late || call->claim.payload == SIGV4_PAYLOAD_SHA256;
}

/* ---- at the end ---- */

/* The fault, if there is one, as an error. */
static err_t check_chunks(struct s3_call *call, enum sign_fault fault)
{
    return fault ? s3_refuse_signature(call, fault, &(struct sign_detail){ 0 }) : NULL;
}

/* The digest in the trailers. *ret_has: whether they have one. */
static err_t read_trailers(const struct chunks_reader *reader, struct arena *a, struct digest *ret, bool *ret_has)
{
    size_t count;
    const struct sign_pair *trailers = chunks_trailers(reader, &count);
    enum digest_kind kind;
    *ret_has = false;
    for (size_t i = 0; i < count; i++) {
        if (!s3_digest_of_name(trailers[i].name, &kind))
            continue;
        if (*ret_has)
            return s3_refuse_with(a, S3_MALFORMED_TRAILER, S("there are several checksums"));
        if (!s3_digest_parse(a, kind, trailers[i].value, ret))
            return s3_refuse_with(a, S3_MALFORMED_TRAILER, S("the value of the checksum is not valid"));
        *ret_has = true;
    }
    return NULL;
}

static err_t check_sha256(struct s3_call *call, struct hash *hash, struct arena *a)
{
    unsigned char sha256[SHA256_SIZE];
    hash_final(hash, sha256);
    if (call->verify_late)
        return s3_verify_body(call, sha256);
    return memcmp(sha256, call->claim.payload_sha256, SHA256_SIZE) == 0 ? NULL : s3_refuse(a, S3_PAYLOAD_MISMATCH);
}

static err_t check_end(struct s3_body *b, struct arena *a)
{
    struct s3_call *call = b->call;
    struct digest trailer;
    bool has = false;
    if (b->sha256)
        TRY(check_sha256(call, b->sha256, a));
    if (b->reader) {
        TRY(check_chunks(call, chunks_end(b->reader)));
        TRY(read_trailers(b->reader, a, &trailer, &has));
    }
    if (has && trailer.kind != b->declared.digest.kind)
        return s3_refuse_with(a, S3_MALFORMED_TRAILER, S("the checksum is of another algorithm than was announced"));
    if (has)
        intake_expect(b->intake, &trailer);
    return NULL;
}

/* ---- streamed ---- */

static err_t write_chunked(struct s3_body *b, slice in, struct arena *a)
{
    while (in.n) {
        slice data;
        TRY(check_chunks(b->call, chunks_read(b->reader, &in, &data)));
        if (data.n)
            TRY(intake_write(b->intake, data, a));
    }
    return NULL;
}

static err_t body_sink_write(struct http_sink *sink, slice bytes)
{
    struct s3_body *b = CONTAINER_OF(sink, struct s3_body, sink);
    SCRATCH(scratch);
    if (b->sha256)
        hash_update(b->sha256, bytes);
    err_t e = b->reader ? write_chunked(b, bytes, &scratch) : intake_write(b->intake, bytes, &scratch);
    return err_copy(&b->call->x->arena, e);
}

static err_t body_sink_finish(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct s3_body *b = CONTAINER_OF(sink, struct s3_body, sink);
    if (!e)
        e = check_end(b, &x->arena);
    return b->end(b->call, b->arg, e);
}

static bool body_sink_blocks(struct http_sink *sink)
{
    return intake_blocks(CONTAINER_OF(sink, struct s3_body, sink)->intake);
}

void s3_body_receive(struct s3_call *call, struct intake *intake, const struct s3_declared *declared,
                     err_t (*end)(struct s3_call *, void *arg, err_t e), void *arg)
{
    struct http_exchange *x = call->x;
    struct s3_body *b = arena_new(&x->arena, struct s3_body);
    *b = (struct s3_body){ .sink = { body_sink_write, body_sink_finish, body_sink_blocks },
                           .call = call,
                           .intake = intake,
                           .declared = *declared,
                           .end = end,
                           .arg = arg };
    int64_t decoded = 0;
    slice text = http_header(&x->req, "x-amz-decoded-content-length"); /* s3_body_length has checked it */
    if (text.p && !slice_to_i64(text, &decoded))
        decoded = 0;
    (void)make_chunks_reader(call, (uint64_t)decoded, &b->reader);
    if (wants_sha256(call)) {
        b->sha256 = hash_new(HASH_SHA256);
        arena_defer(&x->arena, free_body_hash, b->sha256);
    }
    if (declared->has_md5)
        intake_expect_md5(intake, declared->md5);
    if (declared->has_value)
        intake_expect(intake, &declared->digest);
    http_receive(x, &b->sink);
}

/* ---- collected ---- */

static err_t unwrap_chunks(struct s3_call *call, struct chunks_reader *reader, struct digest *trailer, bool *ret_has)
{
    struct http_exchange *x = call->x;
    SCOPED(buf_releasep) struct buf content;
    buf_init_on(&content, 0, &x->arena);
    slice in = x->req.body, data;
    while (in.n) {
        TRY(check_chunks(call, chunks_read(reader, &in, &data)));
        buf_add(&content, data);
    }
    TRY(check_chunks(call, chunks_end(reader)));
    x->req.body = buf_give(&content, &x->arena);
    return read_trailers(reader, &x->arena, trailer, ret_has);
}

static err_t check_collected(struct s3_call *call, const struct s3_declared *declared, int64_t decoded_bytes)
{
    struct http_exchange *x = call->x;
    struct chunks_reader *reader;
    struct digest digest, wanted = declared->digest;
    bool has = declared->has_value, has_trailer = false;
    unsigned char md5[MD5_SIZE];
    if (wants_sha256(call)) {
        struct hash *hash = hash_new(HASH_SHA256);
        hash_update(hash, x->req.body);
        err_t e = check_sha256(call, hash, &x->arena);
        hash_free(hash);
        TRY(e);
    }
    if (make_chunks_reader(call, (uint64_t)decoded_bytes, &reader)) {
        TRY(unwrap_chunks(call, reader, &digest, &has_trailer));
        if (has_trailer)
            wanted = digest;
    }
    if (has || has_trailer) {
        digest_of(wanted.kind, x->req.body, &digest);
        if (!digest_eq(&digest, &wanted))
            return s3_refuse(&x->arena, S3_BAD_DIGEST);
    }
    if (declared->has_md5)
        hash_md5(x->req.body, md5);
    if (declared->has_md5 && memcmp(md5, declared->md5, MD5_SIZE) != 0)
        return s3_refuse(&x->arena, S3_BAD_DIGEST);
    return NULL;
}

err_t s3_body_check(struct s3_call *call)
{
    struct s3_declared declared;
    int64_t length;
    TRY(s3_body_length(call, &length));
    TRY(s3_declared_read(call, &declared));
    return check_collected(call, &declared, length);
}
