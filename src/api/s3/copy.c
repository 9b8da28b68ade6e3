/* SPDX-License-Identifier: Apache-2.0 */
/* The caller must have the right to read the source, checked as for a GET. The signature covers the header that names
 * the source, because it must cover every x-amz- header (sign/sigv4.h). */
#include "api/s3/copy_priv.h"

#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/conditions_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/error_reply_priv.h"
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

/* Parse "/bucket/key?versionId=null", percent-encoded; the slash in front is optional. False: replied. */
static bool parse_source(struct s3_call *call, slice *ret_bucket, slice *ret_key)
{
    slice source = http_header(&call->x->req, "x-amz-copy-source"), path, query, bucket, key;
    struct arena *a = &call->x->arena;
    if (named_twice(&call->x->req)) {
        s3_fail(call, S3_COPY_SOURCE);
        return false;
    }
    slice_cut(source, '?', &path, &query);
    if (path.n != source.n && !slice_eq(query, S("versionId=null"))) {
        s3_fail(call, slice_starts(query, S("versionId=")) ? S3_NO_SUCH_VERSION : S3_COPY_SOURCE);
        return false;
    }
    if (target_decode(path, a, &path))
        path = S("");
    path = slice_from(path, slice_starts(path, S("/")) ? 1 : 0);
    if (!slice_cut(path, '/', &bucket, &key) || !bucket.n || !key.n || key.n > ENTRY_KEY_MAX || !slice_is_utf8(path)) {
        s3_fail(call, S3_COPY_SOURCE);
        return false;
    }
    *ret_bucket = bucket;
    *ret_key = key;
    return true;
}

bool s3_copy_source(struct s3_call *call, struct bucket *ret_bucket, slice *ret_key)
{
    slice name;
    return parse_source(call, &name, ret_key) &&
           s3_authorize_bucket_named(call, name, BUCKET_READ, "x-amz-source-expected-bucket-owner", ret_bucket);
}

/* Parse a directive: COPY, which is the default, or REPLACE. False: replied. */
static bool read_directive(struct s3_call *call, const char *name, bool *ret_replace)
{
    slice value = http_header(&call->x->req, name);
    *ret_replace = slice_eq(value, S("REPLACE"));
    if (*ret_replace || !value.n || slice_eq(value, S("COPY")))
        return true;
    s3_detail(call, "ArgumentName", slice_of(name));
    s3_detail(call, "ArgumentValue", value);
    s3_fail(call, S3_INVALID_ARGUMENT);
    return false;
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

static void reply_copied(struct s3_call *call, const struct entry *entry)
{
    struct arena *a = &call->x->arena;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    xml_begin(&b);
    xml_open_ns(&b, "CopyObjectResult", S3_NAMESPACE);
    xml_text(&b, "LastModified", s3_time(a, entry->modified_at_ms));
    xml_text(&b, "ETag", arena_printf(a, "\"" SLICE_FMT "\"", SLICE_ARG(entry_etag(entry, a))));
    s3_digest_xml(&b, a, &entry->digest, entry->part_count);
    if (entry->digest.kind != DIGEST_NONE)
        xml_text(&b, "ChecksumType", s3_digest_type(&entry->digest));
    xml_close(&b, "CopyObjectResult");
    s3_reply_xml(call, &b);
}

/* x-amz-checksum-algorithm must name the kind of digest that the source has: a copy reads no byte, so it cannot
 * compute another one. False: replied. */
static bool check_copy_checksum(struct s3_call *call, const struct bucket *from, slice key)
{
    slice name = http_header(&call->x->req, "x-amz-checksum-algorithm");
    enum digest_kind kind;
    struct entry source;
    if (!name.n)
        return true;
    if (!digest_by_name(name, &kind)) {
        s3_fail(call, S3_CHECKSUM_ALGORITHM);
        return false;
    }
    err_t e = entry_get(call->s3->core, from, key, &call->x->arena, &source);
    if (e)
        s3_fail_err(call, e, S3_NO_SUCH_KEY);
    else if (source.digest.kind != kind)
        s3_fail(call, S3_NOT_IMPLEMENTED);
    return !e && source.digest.kind == kind;
}

void s3_object_copy(struct s3_call *call)
{
    struct bucket from, to;
    struct entry_copy c = { .from = &from, .to = &to, .to_key = call->key };
    bool replace, replace_tags;
    if (!read_directive(call, "x-amz-metadata-directive", &replace) ||
        !read_directive(call, "x-amz-tagging-directive", &replace_tags) ||
        !s3_headers_read(call, &c.headers, &c.tags) || !s3_condition_read(call, &c.condition) ||
        !s3_authorize_bucket(call, BUCKET_WRITE, &to) || !s3_copy_source(call, &from, &c.from_key) ||
        !check_copy_checksum(call, &from, c.from_key))
        return;
    c.keeps_headers = !replace;
    c.keeps_tags = !replace_tags;
    read_source_conditions(call, &c);
    if (from.id == to.id && slice_eq(c.from_key, c.to_key) && !replace && !replace_tags) {
        s3_fail(call, S3_COPY_ONTO_ITSELF);
        return;
    }
    struct entry entry;
    err_t e = entry_copy(call->s3->core, &call->who, &c, &call->x->arena, &entry);
    if (e)
        s3_fail_err(call, e, S3_NO_SUCH_KEY);
    else
        reply_copied(call, &entry);
}
