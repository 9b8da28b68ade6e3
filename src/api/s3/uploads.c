/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts: create, complete, abort. The reply to CompleteMultipartUpload is sent when its result is known. S3
 * sends 200 first, keeps the connection busy with blanks, and may still end in an error (aws-sdk-java-v2#7068); here
 * that is not necessary, because composing an object from its parts moves no byte. */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/conditions_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/headers_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/live.h"
#include "base/text.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "core/object/digest.h"
#include "core/records/upload.h"

/* ---- create ---- */

static const struct {
    slice name;
    enum digest_form form;
} checksum_types[] = { { { "FULL_OBJECT", 11 }, DIGEST_WHOLE }, { { "COMPOSITE", 9 }, DIGEST_OF_PARTS } };

/* x-amz-checksum-type. *ret_has: whether the header is present. */
static err_t read_checksum_type(struct s3_call *call, enum digest_form *ret, bool *ret_has)
{
    slice text = http_header(&call->x->req, "x-amz-checksum-type");
    *ret_has = text.p != NULL;
    if (!text.p)
        return NULL;
    for (size_t i = 0; i < LENGTH_OF(checksum_types); i++)
        if (slice_eq_nocase(text, checksum_types[i].name)) {
            *ret = checksum_types[i].form;
            return NULL;
        }
    return s3_refuse(&call->x->arena, S3_CHECKSUM_TYPE);
}

/* Which digest the object gets, and whether over the whole object or over the digests of its parts. SHA digests of
 * parts cannot be combined into one of the whole; CRC64NVME is always of the whole (Amazon S3 user guide, "Checking
 * object integrity"). */
static err_t read_upload_digest(struct s3_call *call, struct upload_request *request)
{
    slice text = http_header(&call->x->req, "x-amz-checksum-algorithm");
    struct arena *a = &call->x->arena;
    bool has_type;
    TRY(read_checksum_type(call, &request->digest_form, &has_type));
    if (text.p && !digest_by_name(text, &request->digest))
        return s3_refuse(a, S3_CHECKSUM_ALGORITHM);
    if (request->digest == DIGEST_NONE)
        return has_type ? s3_refuse(a, S3_CHECKSUM_TYPE_ALONE) : NULL;
    if (!has_type)
        request->digest_form = request->digest == DIGEST_CRC64NVME ? DIGEST_WHOLE : DIGEST_OF_PARTS;
    bool fits =
        request->digest_form == DIGEST_WHOLE ? digest_joins(request->digest) : request->digest != DIGEST_CRC64NVME;
    if (fits)
        return NULL;
    slice type = checksum_types[request->digest_form == DIGEST_OF_PARTS].name;
    return s3_refuse_with(a, S3_CHECKSUM_FORM, type, digest_name(request->digest));
}

err_t s3_upload_create(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    struct bucket bucket;
    struct upload_request request = { .key = call->key, .lifetime_ms = LIVE(call->s3->options.upload_expires_ms) };
    slice name;
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &bucket));
    TRY(s3_headers_read(call, &request.headers, &request.tags));
    TRY(read_upload_digest(call, &request));
    TRY(upload_create(call->s3->core, &call->who, &bucket, &request, &x->arena, &name));
    if (request.digest != DIGEST_NONE) {
        http_reply_header(x, "x-amz-checksum-algorithm", digest_name(request.digest));
        http_reply_header(x, "x-amz-checksum-type", checksum_types[request.digest_form == DIGEST_OF_PARTS].name);
    }
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "InitiateMultipartUploadResult", S3_NAMESPACE);
    xml_text(&b, "Bucket", call->bucket);
    xml_text(&b, "Key", call->key);
    xml_text(&b, "UploadId", name);
    xml_close(&b, "InitiateMultipartUploadResult");
    return s3_reply_xml(call, &b);
}

err_t s3_upload_abort(struct s3_call *call)
{
    struct bucket bucket;
    slice name;
    s3_param(call, "uploadId", &name);
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &bucket));
    struct upload_ref upload = { &bucket, call->key, name };
    TRY(s3_show(call, upload_abort(call->s3->core, &call->who, &upload, &call->x->arena), "UploadId", name));
    return s3_reply_status(call, 204);
}

/* ---- complete: the request ---- */

static bool decode_digest(struct arena *a, enum digest_kind kind, slice text, struct digest *ret)
{
    slice bytes;
    if (!base64_decode(a, slice_trim(text), &bytes) || bytes.n != digest_size(kind))
        return false;
    ret->kind = kind;
    for (size_t i = 0; i < bytes.n; i++)
        ret->bytes[i] = (unsigned char)bytes.p[i];
    return true;
}

/* Read a <Part>: its number and etag are required, one digest is optional. */
static err_t read_completed_part(struct s3_call *call, const struct xml *xml, struct completed_part *part)
{
    struct arena *a = &call->x->arena;
    slice number = slice_trim(xml_child_text(xml, "PartNumber"));
    part->etag = s3_unquoted(xml_child_text(xml, "ETag"));
    bool right = slice_to_i64(number, &part->number) && part->number >= 1 && part->etag.n;
    for (enum digest_kind kind = DIGEST_NONE + 1; right && kind < DIGEST_KINDS; kind++) {
        const char *name = arena_printf(a, "Checksum" SLICE_FMT, SLICE_ARG(digest_name(kind))).p;
        slice text = xml_child_text(xml, name);
        if (text.p)
            right = part->digest.kind == DIGEST_NONE && decode_digest(a, kind, text, &part->digest);
    }
    return right ? NULL : s3_refuse(a, S3_MALFORMED_XML);
}

static err_t read_completed_parts(struct s3_call *call, struct complete_request *request)
{
    const struct xml *root;
    size_t count = 0;
    TRY(s3_read_document(call, "CompleteMultipartUpload", &root));
    XML_EACH(part, root, "Part")
    count++;
    if (count == 0 || count > UPLOAD_PARTS_MAX)
        return s3_refuse(&call->x->arena, count ? S3_TOO_MANY_PARTS : S3_NO_PARTS);
    struct completed_part *parts = arena_array(&call->x->arena, struct completed_part, count);
    size_t i = 0;
    XML_EACH(part, root, "Part")
    TRY(read_completed_part(call, part, &parts[i++]));
    request->parts = parts;
    request->part_count = count;
    return NULL;
}

/* x-amz-checksum-* is the digest of the object to be composed, not of this body. If it is a digest of the parts'
 * digests, "-N" may follow the value, and N must be the number of parts. */
static err_t read_object_digest(struct s3_call *call, enum digest_form form, struct complete_request *request)
{
    struct arena *a = &call->x->arena;
    for (enum digest_kind kind = DIGEST_NONE + 1; kind < DIGEST_KINDS; kind++) {
        slice text =
            http_header(&call->x->req, arena_printf(a, "x-amz-checksum-" SLICE_FMT, SLICE_ARG(digest_name(kind))).p);
        slice value, suffix;
        uint64_t count;
        if (!text.p)
            continue;
        if (request->digest.kind != DIGEST_NONE)
            return s3_refuse(a, S3_SEVERAL_CHECKSUMS);
        bool of_parts = slice_cut(text, '-', &value, &suffix);
        if ((of_parts && (!slice_to_u64(suffix, &count) || count != request->part_count)) ||
            !decode_digest(a, kind, value, &request->digest))
            return s3_refuse(a, S3_INVALID_CHECKSUM);
        request->digest.form = of_parts ? DIGEST_OF_PARTS : form;
    }
    return NULL;
}

/* An object whose checksum is that of its parts' checksums is completed by naming these. */
static err_t check_part_checksums(struct s3_call *call, const struct upload *upload,
                                  const struct complete_request *request)
{
    struct arena *a = &call->x->arena;
    if (upload->digest == DIGEST_NONE || upload->digest_form != DIGEST_OF_PARTS)
        return NULL;
    for (size_t i = 0; i < request->part_count; i++)
        if (request->parts[i].digest.kind == DIGEST_NONE)
            return s3_refuse_with(a, S3_NO_PART_CHECKSUM, digest_name(upload->digest),
                                  arena_printf(a, "%lld", (long long)request->parts[i].number));
    return NULL;
}

/* Read the declared digest. Its form is that of the upload; of an upload that was completed before, the form that the
 * client states. */
static err_t read_checksum(struct s3_call *call, struct complete_request *request)
{
    struct upload upload;
    enum digest_form form = DIGEST_WHOLE, stated = DIGEST_WHOLE;
    bool has_type;
    TRY(read_checksum_type(call, &stated, &has_type));
    err_t e = upload_get(call->s3->core, &request->upload, &call->x->arena, &upload);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    if (!e) {
        form = upload.digest_form;
        TRY(check_part_checksums(call, &upload, request));
    } else if (has_type) {
        form = stated;
    }
    if (!e && has_type && stated != form) /* without an algorithm it is of the whole object */
        return s3_refuse(&call->x->arena, S3_OTHER_CHECKSUM_TYPE);
    return read_object_digest(call, form, request);
}

static err_t read_object_size(struct s3_call *call, int64_t *ret)
{
    slice text = http_header(&call->x->req, "x-amz-mp-object-size");
    *ret = -1;
    if (!text.p || (slice_to_i64(text, ret) && *ret >= 0))
        return NULL;
    return s3_refuse(&call->x->arena, S3_OBJECT_SIZE);
}

/* ---- complete: the reply ---- */

static err_t reply_completed(struct s3_call *call, const struct entry *entry)
{
    struct http_exchange *x = call->x;
    struct arena *a = &x->arena;
    slice location[] = { link_origin(call->s3->links, &x->req, a), S("/"), call->bucket, S("/"),
                         percent_encode(a, call->key, "/") };
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "CompleteMultipartUploadResult", S3_NAMESPACE);
    xml_text(&b, "Location", arena_join(a, location, LENGTH_OF(location)));
    xml_text(&b, "Bucket", call->bucket);
    xml_text(&b, "Key", call->key);
    s3_put_etag(&b, entry_etag(entry, a));
    s3_digest_xml(&b, a, &entry->digest, entry->part_count);
    if (entry->digest.kind != DIGEST_NONE)
        xml_text(&b, "ChecksumType", s3_digest_type(&entry->digest));
    xml_close(&b, "CompleteMultipartUploadResult");
    return s3_reply_xml(call, &b);
}

err_t s3_upload_complete(struct s3_call *call)
{
    struct bucket bucket;
    struct complete_request request = { .upload = { &bucket, call->key, S("") },
                                        .part_min_bytes = LIVE(call->s3->options.min_part_bytes),
                                        .max_bytes = LIVE(call->s3->options.max_upload_bytes) };
    struct entry entry;
    s3_param(call, "uploadId", &request.upload.name);
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &bucket));
    TRY(read_completed_parts(call, &request));
    TRY(read_checksum(call, &request));
    TRY(read_object_size(call, &request.exact_bytes));
    TRY(s3_condition_read(call, &request.condition));
    err_t e = upload_complete(call->s3->core, &call->who, &request, &call->x->arena, &entry);
    if (err_reason(e) == REASON_ENTRY_CONDITION)
        return s3_refuse_condition(call, &bucket, &request.condition);
    bool by_rule = err_reason(e) && core_reason_group((enum core_reason)e->reason) == REASONS_UPLOAD;
    TRY(by_rule ? s3_show(call, e, "UploadId", request.upload.name) : e);
    return reply_completed(call, &entry);
}
