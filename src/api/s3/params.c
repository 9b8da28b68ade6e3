/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/params_priv.h"

#include "api/s3/call_priv.h"
#include "api/s3/error_reply_priv.h"
#include "base/text.h"
#include "base/xml.h"

bool s3_text_param(struct s3_call *call, const char *name, slice *ret)
{
    s3_param(call, name, ret);
    if (slice_is_utf8(*ret))
        return true;
    s3_detail(call, "ArgumentName", slice_of(name));
    s3_fail(call, S3_INVALID_ARGUMENT);
    return false;
}

bool s3_encoding_param(struct s3_call *call, bool *ret_url)
{
    slice value;
    s3_param(call, "encoding-type", &value);
    *ret_url = slice_eq_nocase(value, S("url"));
    if (*ret_url || value.n == 0)
        return true;
    s3_detail(call, "ArgumentName", S("encoding-type"));
    s3_detail(call, "ArgumentValue", value);
    s3_fail(call, S3_ENCODING_TYPE);
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
        s3_fail_with_text(call, S3_INVALID_ARGUMENT,
                          arena_printf(&call->x->arena, "Provided %s not an integer or within integer range", name));
        return false;
    }
    *ret = n < S3_LIST_MAX ? (size_t)n : S3_LIST_MAX;
    return true;
}

bool s3_read_document(struct s3_call *call, const char *root, const struct xml **ret)
{
    err_t e = call->x->req.body.n ? xml_parse(call->x->req.body, &call->x->arena, ret) : NULL;
    if (call->x->req.body.n == 0)
        s3_fail(call, S3_MISSING_BODY);
    else if (e)
        s3_fail_with_text(call, S3_MALFORMED_XML, slice_of(e->msg));
    else if (!slice_eq((*ret)->name, slice_of(root)))
        s3_fail(call, S3_MALFORMED_XML);
    else
        return true;
    return false;
}

bool s3_check_version(struct s3_call *call)
{
    slice version;
    if (!s3_param(call, "versionId", &version) || slice_eq(version, S("null")))
        return true;
    s3_detail(call, "Key", call->key);
    s3_detail(call, "VersionId", version);
    s3_fail(call, S3_NO_SUCH_VERSION);
    return false;
}
