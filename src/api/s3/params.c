/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/params_priv.h"

#include "api/s3/call_priv.h"
#include "base/text.h"
#include "base/xml.h"

err_t s3_text_param(struct s3_call *call, const char *name, slice *ret)
{
    s3_param(call, name, ret);
    return slice_is_utf8(*ret) ? NULL : s3_refuse_argument(call, S3_INVALID_ARGUMENT, name, S3_NO_VALUE);
}

err_t s3_encoding_param(struct s3_call *call, bool *ret_url)
{
    slice value;
    s3_param(call, "encoding-type", &value);
    *ret_url = slice_eq_nocase(value, S("url"));
    return *ret_url || value.n == 0 ? NULL : s3_refuse_argument(call, S3_ENCODING_TYPE, "encoding-type", value);
}

err_t s3_count_param(struct s3_call *call, const char *name, size_t *ret)
{
    slice value;
    uint64_t n = S3_LIST_MAX;
    s3_param(call, name, &value);
    if (value.n && (!slice_to_u64(value, &n) || n > INT32_MAX)) {
        err_t e = s3_refuse_with(&call->x->arena, S3_COUNT, slice_of(name));
        s3_show(call, e, "ArgumentName", slice_of(name));
        return s3_show(call, e, "ArgumentValue", value);
    }
    *ret = n < S3_LIST_MAX ? (size_t)n : S3_LIST_MAX;
    return NULL;
}

err_t s3_read_document(struct s3_call *call, const char *root, const struct xml **ret)
{
    struct arena *a = &call->x->arena;
    if (call->x->req.body.n == 0)
        return s3_refuse(a, S3_MISSING_BODY);
    err_t e = xml_parse(call->x->req.body, a, ret);
    if (e)
        return s3_refuse_with(a, S3_XML_SYNTAX, slice_of(e->msg));
    return slice_eq((*ret)->name, slice_of(root)) ? NULL : s3_refuse(a, S3_MALFORMED_XML);
}

err_t s3_check_version(struct s3_call *call)
{
    slice version;
    if (!s3_param(call, "versionId", &version) || slice_eq(version, S("null")))
        return NULL;
    err_t e = s3_refuse(&call->x->arena, S3_NO_SUCH_VERSION);
    s3_show(call, e, "Key", call->key);
    return s3_show(call, e, "VersionId", version);
}
