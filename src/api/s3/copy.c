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
#include "core/object/digest.h"

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

/* Parse "/bucket/key?versionId=null", percent-encoded; the slash in front is optional. */
static err_t parse_source(struct s3_call *call, slice *ret_bucket, slice *ret_key)
{
    slice source = http_header(&call->x->req, "x-amz-copy-source"), path, query, bucket, key;
    struct arena *a = &call->x->arena;
    if (named_twice(&call->x->req))
        return s3_refuse(a, S3_COPY_SOURCE);
    slice_cut(source, '?', &path, &query);
    if (path.n != source.n && !slice_eq(query, S("versionId=null")))
        return s3_refuse(a, slice_starts(query, S("versionId=")) ? S3_NO_SUCH_VERSION : S3_COPY_SOURCE);
    if (target_decode(path, a, &path))
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
static void read_source_conditions(struct s3_call *call, struct entry_copy *c)
{
    const struct http_request *req = &call->x->req;
    c->source_condition.if_match = s3_wanted_etag(http_header(req, "x-amz-copy-source-if-match"));
    c->source_condition.if_none_match = s3_unquoted(http_header(req, "x-amz-copy-source-if-none-match"));
    slice modified = http_header(req, "x-amz-copy-source-if-modified-since");
    slice unmodified = http_header(req, "x-amz-copy-source-if-unmodified-since");
    if (c->source_condition.if_none_match.n || !time_parse_http(modified, &c->modified_since_ms))
        c->modified_since_ms = 0;
    if (c->source_condition.if_match.n || !time_parse_http(unmodified, &c->unmodified_since_ms))
        c->unmodified_since_ms = 0;
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

/* x-amz-checksum-algorithm must name the kind of digest that the source has: a copy reads no byte, so it cannot
 * compute another one. */
static err_t check_copy_checksum(struct s3_call *call, const struct bucket *from, slice key)
{
    slice name = http_header(&call->x->req, "x-amz-checksum-algorithm");
    enum digest_kind kind;
    struct entry source;
    if (!name.n)
        return NULL;
    if (!digest_by_name(name, &kind))
        return s3_refuse(&call->x->arena, S3_CHECKSUM_ALGORITHM);
    TRY(entry_get(call->s3->core, from, key, &call->x->arena, &source));
    return source.digest.kind == kind ? NULL : s3_refuse(&call->x->arena, S3_NOT_IMPLEMENTED);
}

err_t s3_object_copy(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    struct bucket from, to;
    struct entry_copy c = { .from = &from, .to = &to, .to_key = call->key };
    struct entry entry;
    bool replace, replace_tags;
    TRY(read_directive(call, "x-amz-metadata-directive", &replace));
    TRY(read_directive(call, "x-amz-tagging-directive", &replace_tags));
    TRY(s3_headers_read(call, &c.headers, &c.tags));
    TRY(s3_condition_read(call, &c.condition));
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &to));
    TRY(s3_copy_source(call, &from, &c.from_key));
    TRY(check_copy_checksum(call, &from, c.from_key));
    c.keeps_headers = !replace;
    c.keeps_tags = !replace_tags;
    read_source_conditions(call, &c);
    if (from.id == to.id && slice_eq(c.from_key, c.to_key) && !replace && !replace_tags)
        return s3_refuse(a, S3_COPY_ONTO_ITSELF);
    TRY(entry_copy(call->s3->core, &call->who, &c, a, &entry));
    return reply_copied(call, &entry);
}
