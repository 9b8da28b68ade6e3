/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/conditions_priv.h"

#include "api/s3/call_priv.h"
#include "base/text.h"
#include "core/bucket/entry.h"
#include "core/records/entry.h"

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

err_t s3_refuse_condition(struct s3_call *call, const struct bucket *bucket, const struct entry_condition *condition)
{
    struct entry entry;
    err_t e = condition->if_match.n ? entry_get(call->s3->core, bucket, call->key, &call->x->arena, &entry) : NULL;
    return err_is(e, ERR_NOT_FOUND) ? s3_show(call, e, "Key", call->key)
                                    : s3_refuse(&call->x->arena, S3_PRECONDITION_FAILED);
}

err_t s3_condition_read(struct s3_call *call, struct entry_condition *ret)
{
    slice match = http_header(&call->x->req, "If-Match"), none = http_header(&call->x->req, "If-None-Match");
    *ret = (struct entry_condition){ s3_wanted_etag(match), s3_unquoted(none) };
    if (none.n && !slice_eq(none, S("*")))
        return s3_show(call, s3_refuse(&call->x->arena, S3_NOT_IMPLEMENTED), "Header", S("If-None-Match"));
    return NULL;
}

err_t s3_condition_date(struct s3_call *call, const char *name, int64_t *ret_ms)
{
    slice text = http_header(&call->x->req, name);
    *ret_ms = 0;
    if (!text.p)
        return NULL;
    if (!time_parse_http(slice_trim(text), ret_ms))
        return s3_refuse_argument(call, S3_INVALID_ARGUMENT, name, text);
    *ret_ms = *ret_ms ? *ret_ms : 1; /* 0 says that there is no condition */
    return NULL;
}
