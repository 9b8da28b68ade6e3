/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/answer_priv.h"

#include "base/text.h"

slice s3_owner_id(struct arena *a, int64_t user_id)
{
    return arena_printf(a, "%064llx", (unsigned long long)user_id);
}

void s3_put_owner(struct buf *b, const char *element, const struct principal *who, int64_t user_id)
{
    xml_open(b, element);
    buf_printf(b, "<ID>%064llx</ID>", (unsigned long long)user_id);
    if (user_id == who->user_id)
        xml_text(b, "DisplayName", who->login);
    xml_close(b, element);
}

void s3_put_etag(struct buf *b, slice etag)
{
    buf_add(b, S("<ETag>&quot;"));
    xml_add(b, etag);
    buf_add(b, S("&quot;</ETag>"));
}

void s3_put_digest_kind(struct buf *b, enum digest_kind kind, enum digest_form form)
{
    if (kind == DIGEST_NONE)
        return;
    xml_text(b, "ChecksumAlgorithm", digest_name(kind));
    xml_text(b, "ChecksumType", form == DIGEST_OF_PARTS ? S("COMPOSITE") : S("FULL_OBJECT"));
}

void s3_put_name(struct buf *b, const char *element, slice name, bool url)
{
    SCRATCH(scratch);
    xml_text(b, element, url ? percent_encode(&scratch, name, "/") : name);
}

bool s3_text_param(struct s3_call *call, const char *name, slice *ret)
{
    s3_param(call, name, ret);
    if (slice_is_utf8(*ret))
        return true;
    s3_detail(call, "ArgumentName", slice_of(name));
    s3_fail(call, S3_INVALID_ARGUMENT);
    return false;
}

bool s3_encoding(struct s3_call *call, bool *ret_url)
{
    slice value;
    s3_param(call, "encoding-type", &value);
    *ret_url = slice_eq_nocase(value, S("url"));
    if (*ret_url || value.n == 0)
        return true;
    s3_detail(call, "ArgumentName", S("encoding-type"));
    s3_detail(call, "ArgumentValue", value);
    s3_fail_saying(call, S3_INVALID_ARGUMENT, S("Invalid Encoding Method specified in Request"));
    return false;
}

bool s3_count_param(struct s3_call *call, const char *name, size_t *ret)
{
    slice value;
    uint64_t n = S3_LIST_MAX;
    s3_param(call, name, &value);
    if (value.n && (!slice_to_u64(value, &n) || n > INT32_MAX)) {
        s3_detail(call, "ArgumentName", slice_of(name));
        s3_detail(call, "ArgumentValue", value);
        s3_fail_saying(call, S3_INVALID_ARGUMENT,
                       arena_printf(&call->x->arena, "Provided %s not an integer or within integer range", name));
        return false;
    }
    *ret = n < S3_LIST_MAX ? (size_t)n : S3_LIST_MAX;
    return true;
}

bool s3_document(struct s3_call *call, const char *root, const struct xml **ret)
{
    err_t e = call->x->req.body.n ? xml_parse(call->x->req.body, &call->x->arena, ret) : NULL;
    if (call->x->req.body.n == 0)
        s3_fail(call, S3_MISSING_BODY);
    else if (e)
        s3_fail_saying(call, S3_MALFORMED_XML, slice_of(e->msg));
    else if (!slice_eq((*ret)->name, slice_of(root)))
        s3_fail(call, S3_MALFORMED_XML);
    else
        return true;
    return false;
}

bool s3_version_is_there(struct s3_call *call)
{
    slice version;
    if (!s3_param(call, "versionId", &version) || slice_eq(version, S("null")))
        return true;
    s3_detail(call, "Key", call->key);
    s3_detail(call, "VersionId", version);
    s3_fail(call, S3_NO_SUCH_VERSION);
    return false;
}

slice s3_unquoted(slice etag)
{
    etag = slice_trim(etag);
    bool quoted = etag.n >= 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"';
    return quoted ? slice_part(etag, 1, etag.n - 2) : etag;
}

slice s3_wanted_etag(slice condition)
{
    slice etag = s3_unquoted(condition);
    return condition.p && etag.n == 0 ? S("\"\"") : etag;
}

void s3_fail_condition(struct s3_call *call, const struct bucket *bucket, const struct entry_condition *condition)
{
    struct entry entry;
    err_t e = condition->if_match.n ? entry_get(call->s3->core, bucket, call->key, &call->x->arena, &entry) : NULL;
    if (err_is(e, ERR_NOT_FOUND))
        s3_detail(call, "Key", call->key);
    s3_fail(call, err_is(e, ERR_NOT_FOUND) ? S3_NO_SUCH_KEY : S3_PRECONDITION_FAILED);
}

void s3_reply_status(struct s3_call *call, int status)
{
    http_reply(call->x, status, NULL, S(""));
}
