/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/call_priv.h"

void s3_common_headers(struct http_exchange *x)
{
    http_reply_header(x, "x-amz-request-id", x->req.id);
    http_reply_header(x, "x-amz-id-2", S3_HOST_ID);
    http_reply_header(x, "Server", S("cais"));
}

bool s3_param(struct s3_call *call, const char *name, slice *ret_value)
{
    *ret_value = S("");
    return query_get(&call->query, slice_of(name), 0, ret_value);
}

err_t s3_show(struct s3_call *call, err_t e, const char *element, slice value)
{
    if (e && call->detail_count < S3_DETAILS_MAX)
        call->details[call->detail_count++] = (struct s3_detail){ element, value };
    return e;
}

err_t s3_show_missing(struct s3_call *call, err_t e, const char *element, slice value)
{
    return err_is(e, ERR_NOT_FOUND) ? s3_show(call, e, element, value) : e;
}

err_t s3_refuse_argument_at(struct s3_call *call, const char *where, enum s3_error row, const char *name, slice value)
{
    err_t e = s3_refuse_at(&call->x->arena, where, row, NULL, 0);
    s3_show(call, e, "ArgumentName", slice_of(name));
    return value.p ? s3_show(call, e, "ArgumentValue", value) : e;
}
