/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations that S3 has and this server does not. Reads reply as S3 does for a bucket without that configuration,
 * because some clients read it before they work. Writes are refused: success would claim an effect that they do not
 * have. */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/records/entry.h"

#include <assert.h>
#include <string.h>

/* The reply for a bucket: either an error or a document. */
static const struct unconfigured_answer {
    const char *subresource;
    enum s3_error error; /* 0: none */
    const char *root, *content;
} unconfigured_answers[] = {
    { "object-lock", S3_NO_SUCH_OBJECT_LOCK, NULL, NULL },
    { "policy", S3_NO_SUCH_POLICY, NULL, NULL },
    { "policyStatus", S3_NO_SUCH_POLICY, NULL, NULL },
    { "lifecycle", S3_NO_SUCH_LIFECYCLE, NULL, NULL },
    { "tagging", S3_NO_SUCH_TAG_SET, NULL, NULL },
    { "website", S3_NO_SUCH_WEBSITE, NULL, NULL },
    { "replication", S3_NO_SUCH_REPLICATION, NULL, NULL },
    { "encryption", S3_NO_SUCH_ENCRYPTION, NULL, NULL },
    { "publicAccessBlock", S3_NO_SUCH_PUBLIC_ACCESS_BLOCK, NULL, NULL },
    { "ownershipControls", 0, "OwnershipControls",
      "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>" },
    { "accelerate", 0, "AccelerateConfiguration", "" },
    { "logging", 0, "BucketLoggingStatus", "" },
    { "notification", 0, "NotificationConfiguration", "" },
    { "requestPayment", 0, "RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>" },
};

/* The access list of a bucket or an object contains only its owner, with every permission. */
static err_t reply_acl(struct s3_call *call, int64_t owner_id)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "AccessControlPolicy", S3_NAMESPACE);
    s3_put_owner(&b, "Owner", &call->who, owner_id);
    buf_add(&b, S("<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                  "xsi:type=\"CanonicalUser\">"));
    xml_text(&b, "ID", s3_owner_id(&call->x->arena, owner_id));
    if (owner_id == call->who.user_id)
        xml_text(&b, "DisplayName", call->who.login);
    buf_add(&b, S("</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"));
    return s3_reply_xml(call, &b);
}

static err_t reply_unconfigured_object(struct s3_call *call)
{
    struct bucket bucket;
    struct entry entry;
    TRY(s3_authorize_bucket(call, BUCKET_READ, &bucket));
    err_t e = entry_get(call->s3->core, &bucket, call->key, &call->x->arena, &entry);
    TRY(s3_show(call, e, "Key", call->key));
    if (strcmp(call->operation->subresource, "acl") == 0)
        return reply_acl(call, entry.owner_id);
    /* retention and legal hold exist only in buckets with object lock */
    return s3_refuse(&call->x->arena, S3_NO_OBJECT_LOCK);
}

static err_t reply_unconfigured_bucket(struct s3_call *call)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &bucket));
    if (strcmp(call->operation->subresource, "acl") == 0)
        return reply_acl(call, bucket.owner_id);
    const struct unconfigured_answer *answer = NULL;
    for (size_t i = 0; i < LENGTH_OF(unconfigured_answers); i++)
        if (strcmp(unconfigured_answers[i].subresource, call->operation->subresource) == 0)
            answer = &unconfigured_answers[i];
    assert(answer); /* the table of operations names no other subresource */
    if (answer->error)
        return s3_show(call, s3_refuse(&call->x->arena, answer->error), "BucketName", call->bucket);
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, answer->root, S3_NAMESPACE);
    buf_add(&b, slice_of(answer->content));
    xml_close(&b, answer->root);
    return s3_reply_xml(call, &b);
}

err_t s3_unconfigured(struct s3_call *call)
{
    return call->operation->level == S3_OBJECT ? reply_unconfigured_object(call) : reply_unconfigured_bucket(call);
}
