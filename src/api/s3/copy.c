/* SPDX-License-Identifier: Apache-2.0 */
/* The caller must have the right to read the source, checked as for a GET. The signature covers the header that names
 * the source, because it must cover every x-amz- header (sign/sigv4.h). */
#include "api/s3/copy_priv.h"

#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/conditions_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/headers_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/object/content.h"
#include "core/object/digest.h"

#include <stdlib.h>
#include <string.h>

/* The signature of two such headers is the same as that of one header with a comma in its value, which names another
 * source. So two of them are refused. */
static bool named_twice(const struct http_request *req)
{
    size_t n = 0;
    for (size_t i = 0; i < req->header_count; i++)
        n += slice_eq_nocase(req->headers[i].name, S("x-amz-copy-source"));
    return n > 1;
}

/* Parse "/bucket/key?versionId=null", the slash in front being optional. It is encoded as a form is, in which + is a blank: SDKs
 * for Java and Ruby send it so, and all encode a plus as %2B. */
static err_t parse_source(struct s3_call *call, slice *ret_bucket, slice *ret_key)
{
    slice source = http_header(&call->x->req, "x-amz-copy-source"), path, query, bucket, key;
    struct arena *a = &call->x->arena;
    if (named_twice(&call->x->req))
        return s3_refuse(a, S3_COPY_SOURCE);
    slice_cut(source, '?', &path, &query);
    if (path.n != source.n && !slice_eq(query, S("versionId=null")))
        return s3_refuse(a, slice_starts(query, S("versionId=")) ? S3_NO_SUCH_VERSION : S3_COPY_SOURCE);
    if (!percent_decode(a, path, true, &path) || slice_find_byte(path, 0) != SLICE_NONE)
        path = S("");
    path = slice_from(path, slice_starts(path, S("/")) ? 1 : 0);
    if (!slice_cut(path, '/', &bucket, &key) || !bucket.n || !key.n || key.n > ENTRY_KEY_MAX || !slice_is_utf8(path))
        return s3_refuse(a, S3_COPY_SOURCE);
    *ret_bucket = bucket;
    *ret_key = key;
    return NULL;
}

err_t s3_copy_source(struct s3_call *call, struct bucket *ret_bucket, slice *ret_key)
{
    slice name;
    TRY(parse_source(call, &name, ret_key));
    return s3_authorize_bucket_named(call, name, BUCKET_READ, "x-amz-source-expected-bucket-owner", ret_bucket);
}

/* Parse a directive: COPY, which is the default, or REPLACE. */
static err_t read_directive(struct s3_call *call, const char *name, bool *ret_replace)
{
    slice value = http_header(&call->x->req, name);
    *ret_replace = slice_eq(value, S("REPLACE"));
    if (*ret_replace || !value.n || slice_eq(value, S("COPY")))
        return NULL;
    return s3_refuse_argument(call, S3_INVALID_ARGUMENT, name, value);
}

/* A condition on the etag takes precedence over the corresponding condition on the date (Amazon S3 API reference,
 * CopyObject). */
static err_t read_source_conditions(struct s3_call *call, struct entry_copy *c)
{
    const struct http_request *req = &call->x->req;
    c->source_condition.if_match = s3_wanted_etag(http_header(req, "x-amz-copy-source-if-match"));
    c->source_condition.if_none_match = s3_unquoted(http_header(req, "x-amz-copy-source-if-none-match"));
    TRY(s3_condition_date(call, "x-amz-copy-source-if-modified-since", &c->modified_since_ms));
    TRY(s3_condition_date(call, "x-amz-copy-source-if-unmodified-since", &c->unmodified_since_ms));
    if (c->source_condition.if_none_match.n)
        c->modified_since_ms = 0;
    if (c->source_condition.if_match.n)
        c->unmodified_since_ms = 0;
    return NULL;
}

static err_t reply_copied(struct s3_call *call, const struct entry *entry)
{
    struct arena *a = &call->x->arena;
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "CopyObjectResult", S3_NAMESPACE);
    xml_text(&b, "LastModified", s3_time(a, entry->modified_at_ms));
    xml_text(&b, "ETag", arena_printf(a, "\"" SLICE_FMT "\"", SLICE_ARG(entry_etag(entry, a))));
    s3_digest_xml(&b, a, &entry->digest, entry->part_count);
    if (entry->digest.kind != DIGEST_NONE)
        xml_text(&b, "ChecksumType", s3_digest_type(&entry->digest));
    xml_close(&b, "CopyObjectResult");
    return s3_reply_xml(call, &b);
}

/* ---- another checksum than that of the source ---- */

struct object_copy {
    struct s3_call *call;
    struct bucket from, to;
    struct entry_copy request;
    /* while the bytes are read: */
    struct content source;
    struct digester *digester;
    uint64_t size_bytes, at;
};

#define COPY_STEP_BYTES ((uint64_t)4 << 20)
#define COPY_READ_BYTES ((size_t)128 << 10)

static err_t store_copy(struct object_copy *c)
{
    struct s3_call *call = c->call;
    struct entry entry;
    TRY(entry_copy(call->s3->core, &call->who, &c->request, &call->x->arena, &entry));
    return reply_copied(call, &entry);
}

static err_t digest_source(struct object_copy *c, char *memory, struct arena *scratch)
{
    uint64_t left = c->size_bytes - c->at, end = c->at + (left < COPY_STEP_BYTES ? left : COPY_STEP_BYTES);
    while (c->at < end) {
        size_t n = 0, want = end - c->at < COPY_READ_BYTES ? (size_t)(end - c->at) : COPY_READ_BYTES;
        TRY(content_read_at(&c->source, c->at, memory, want, scratch, &n));
        if (n == 0)
            return err_make(scratch, ERR_CORRUPT, "the source of a copy ends early");
        digester_update(c->digester, (slice){ memory, n });
        c->at += n;
    }
    return NULL;
}

/* In the lane of long work, a piece at a time, as in UploadPartCopy. */
static err_t digest_next_piece(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    struct object_copy *c = call->state;
    SCRATCH(scratch);
    char *memory = must_malloc(COPY_READ_BYTES);
    err_t e = digest_source(c, memory, &scratch);
    free(memory);
    if (!e && c->at < c->size_bytes) {
        http_on_lane(x, HTTP_LANE_LONG, digest_next_piece);
        return NULL;
    }
    content_close(&c->source);
    if (e)
        return err_copy(&x->arena, e);
    digester_final(c->digester, &c->request.digest);
    return store_copy(c);
}

static void free_digester(void *digester)
{
    digester_free(digester);
}

/* x-amz-checksum-algorithm: the copy is to have a checksum of this kind. If it is not that of the source, it is computed, which is
 * the only thing for which a copy reads bytes. */
static err_t store_with_checksum(struct object_copy *c)
{
    struct s3_call *call = c->call;
    struct arena *a = &call->x->arena;
    slice name = http_header(&call->x->req, "x-amz-checksum-algorithm");
    enum digest_kind kind;
    struct entry source;
    if (!name.n)
        return store_copy(c);
    if (!digest_by_name(name, &kind))
        return s3_refuse(a, S3_CHECKSUM_ALGORITHM);
    TRY(entry_get(call->s3->core, &c->from, c->request.from_key, a, &source));
    if (source.digest.kind == kind)
        return store_copy(c);
    TRY(entry_open(call->s3->core, &c->from, c->request.from_key, a, &source, &c->source));
    c->request.digest_of = source.object_id;
    c->size_bytes = source.size_bytes;
    c->digester = digester_new(kind);
    arena_defer(a, free_digester, c->digester);
    http_on_lane(call->x, HTTP_LANE_LONG, digest_next_piece);
    return NULL;
}

err_t s3_object_copy(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    struct object_copy *c = arena_new(a, struct object_copy);
    struct entry_copy *r = &c->request;
    bool replace, replace_tags;
    c->call = call;
    call->state = c;
    *r = (struct entry_copy){ .from = &c->from, .to = &c->to, .to_key = call->key };
    TRY(read_directive(call, "x-amz-metadata-directive", &replace));
    TRY(read_directive(call, "x-amz-tagging-directive", &replace_tags));
    TRY(s3_headers_read(call, &r->headers, &r->tags));
    TRY(s3_condition_read(call, &r->condition));
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &c->to));
    TRY(s3_copy_source(call, &c->from, &r->from_key));
    r->keeps_headers = !replace;
    r->keeps_tags = !replace_tags;
    TRY(read_source_conditions(call, r));
    if (c->from.id == c->to.id && slice_eq(r->from_key, r->to_key) && !replace && !replace_tags)
        return s3_refuse(a, S3_COPY_ONTO_ITSELF);
    return store_with_checksum(c);
}
