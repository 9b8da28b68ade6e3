/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/bucket_access_priv.h"

#include "api/s3/call_priv.h"
#include "api/s3/reply_priv.h"
#include "core/bucket/bucket.h"

err_t s3_authorize_bucket_named(struct s3_call *call, slice name, enum bucket_action action, const char *owner_header,
                                struct bucket *ret)
{
    struct http_exchange *x = call->x;
    err_t e = bucket_find(call->s3->core, &call->who, name, action, &x->arena, ret);
    TRY(s3_show_missing(call, e, "BucketName", name));
    slice owner = http_header(&x->req, owner_header);
    bool expected = !owner.p || slice_eq(owner, s3_owner_id(&x->arena, ret->owner_id));
    return expected ? NULL : s3_refuse(&x->arena, S3_ACCESS_DENIED);
}

err_t s3_authorize_bucket(struct s3_call *call, enum bucket_action action, struct bucket *ret)
{
    return s3_authorize_bucket_named(call, call->bucket, action, "x-amz-expected-bucket-owner", ret);
}
