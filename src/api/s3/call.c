/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/call_priv.h"

void s3_common_headers(struct http_exchange *x)
{
    http_reply_header(x, "x-amz-request-id", x->req.id);
    http_reply_header(x, "x-amz-id-2", S3_HOST_ID);
    http_reply_header(x, "Server", S("cais"));
}

void s3_detail(struct s3_call *call, const char *name, slice value)
{
    if (call->detail_count < S3_DETAILS_MAX)
        call->details[call->detail_count++] = (struct s3_detail){ name, value };
}

bool s3_param(struct s3_call *call, const char *name, slice *ret_value)
{
    *ret_value = S("");
    return query_get(&call->query, slice_of(name), 0, ret_value);
}
