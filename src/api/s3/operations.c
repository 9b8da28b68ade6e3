/* SPDX-License-Identifier: Apache-2.0 */
/* All operations, by the names that S3 gives them. A request that matches no row is refused, so no operation exists by
 * accident. The first row that matches counts: rows with a subresource precede the row without one. */
#include "api/s3/operations_priv.h"

#define DOCUMENT_MAX ((size_t)64 * 1024)
#define COMPLETE_MAX ((size_t)4 * 1024 * 1024) /* 10,000 parts with two digests each are 3 MB */
#define DELETE_MAX ((size_t)4 * 1024 * 1024)   /* 1,000 keys of 1,024 bytes, each of them escaped */
#define LOOP (S3_ON_LOOP)

const struct s3_operation s3_operations[] = {
    /* objects */
    { "PUT", S3_OBJECT, "uploadId", s3_part_put, S3_STREAM, 0, "UploadPart", S3_FOR_PART },
    { "PUT", S3_OBJECT, "tagging", s3_tagging_put, 0, DOCUMENT_MAX, "PutObjectTagging", S3_FOR_TAGGING },
    { "PUT", S3_OBJECT, NULL, s3_object_put, S3_STREAM, 0, "PutObject", S3_FOR_PUT },
    { "GET", S3_OBJECT, "uploadId", s3_part_list, 0, 0, "ListParts", S3_FOR_READ },
    { "GET", S3_OBJECT, "tagging", s3_tagging_get, 0, 0, "GetObjectTagging", S3_FOR_READ },
    { "GET", S3_OBJECT, "acl", s3_unconfigured, 0, 0, "GetObjectAcl", S3_FOR_READ },
    { "GET", S3_OBJECT, "retention", s3_unconfigured, 0, 0, "GetObjectRetention", S3_FOR_READ },
    { "GET", S3_OBJECT, "legal-hold", s3_unconfigured, 0, 0, "GetObjectLegalHold", S3_FOR_READ },
    { "GET", S3_OBJECT, "attributes", s3_object_attributes, 0, 0, "GetObjectAttributes", S3_FOR_READ },
    { "GET", S3_OBJECT, NULL, s3_object_get, LOOP, 0, "GetObject", S3_FOR_READ },
    { "POST", S3_OBJECT, "uploads", s3_upload_create, 0, 0, "CreateMultipartUpload", S3_FOR_CREATE_UPLOAD },
    { "POST", S3_OBJECT, "uploadId", s3_upload_complete, S3_NO_CHECKSUM | S3_LONG, COMPLETE_MAX,
      "CompleteMultipartUpload", S3_FOR_COMPLETE },
    { "DELETE", S3_OBJECT, "uploadId", s3_upload_abort, S3_LONG, 0, "AbortMultipartUpload", S3_FOR_ABORT },
    { "DELETE", S3_OBJECT, "tagging", s3_tagging_delete, 0, 0, "DeleteObjectTagging", S3_FOR_TAGGING_DELETE },
    { "DELETE", S3_OBJECT, NULL, s3_object_delete, 0, 0, "DeleteObject", S3_FOR_DELETE },
    { "OPTIONS", S3_OBJECT, NULL, s3_preflight, S3_UNSIGNED, 0, "Preflight", S3_FOR_READ },
    /* buckets */
    { "PUT", S3_BUCKET, "versioning", s3_versioning_put, 0, DOCUMENT_MAX, "PutBucketVersioning",
      S3_FOR_BUCKET_DOCUMENT },
    { "PUT", S3_BUCKET, "cors", s3_cors_put, 0, DOCUMENT_MAX, "PutBucketCors", S3_FOR_BUCKET_DOCUMENT },
    { "PUT", S3_BUCKET, NULL, s3_bucket_create, 0, DOCUMENT_MAX, "CreateBucket", S3_FOR_CREATE_BUCKET },
    { "GET", S3_BUCKET, "location", s3_bucket_location, 0, 0, "GetBucketLocation", S3_FOR_READ },
    { "GET", S3_BUCKET, "uploads", s3_upload_list, 0, 0, "ListMultipartUploads", S3_FOR_READ },
    { "GET", S3_BUCKET, "versions", s3_versions_list, 0, 0, "ListObjectVersions", S3_FOR_READ },
    { "GET", S3_BUCKET, "versioning", s3_versioning_get, 0, 0, "GetBucketVersioning", S3_FOR_READ },
    { "GET", S3_BUCKET, "cors", s3_cors_get, 0, 0, "GetBucketCors", S3_FOR_READ },
    { "GET", S3_BUCKET, "acl", s3_unconfigured, 0, 0, "GetBucketAcl", S3_FOR_READ },
    { "GET", S3_BUCKET, "object-lock", s3_unconfigured, 0, 0, "GetObjectLockConfiguration", S3_FOR_READ },
    { "GET", S3_BUCKET, "policy", s3_unconfigured, 0, 0, "GetBucketPolicy", S3_FOR_READ },
    { "GET", S3_BUCKET, "policyStatus", s3_unconfigured, 0, 0, "GetBucketPolicyStatus", S3_FOR_READ },
    { "GET", S3_BUCKET, "lifecycle", s3_unconfigured, 0, 0, "GetBucketLifecycleConfiguration", S3_FOR_READ },
    { "GET", S3_BUCKET, "tagging", s3_unconfigured, 0, 0, "GetBucketTagging", S3_FOR_READ },
    { "GET", S3_BUCKET, "website", s3_unconfigured, 0, 0, "GetBucketWebsite", S3_FOR_READ },
    { "GET", S3_BUCKET, "replication", s3_unconfigured, 0, 0, "GetBucketReplication", S3_FOR_READ },
    { "GET", S3_BUCKET, "encryption", s3_unconfigured, 0, 0, "GetBucketEncryption", S3_FOR_READ },
    { "GET", S3_BUCKET, "ownershipControls", s3_unconfigured, 0, 0, "GetBucketOwnershipControls", S3_FOR_READ },
    { "GET", S3_BUCKET, "publicAccessBlock", s3_unconfigured, 0, 0, "GetPublicAccessBlock", S3_FOR_READ },
    { "GET", S3_BUCKET, "logging", s3_unconfigured, 0, 0, "GetBucketLogging", S3_FOR_READ },
    { "GET", S3_BUCKET, "notification", s3_unconfigured, 0, 0, "GetBucketNotificationConfiguration", S3_FOR_READ },
    { "GET", S3_BUCKET, "requestPayment", s3_unconfigured, 0, 0, "GetBucketRequestPayment", S3_FOR_READ },
    { "GET", S3_BUCKET, "accelerate", s3_unconfigured, 0, 0, "GetBucketAccelerateConfiguration", S3_FOR_READ },
    { "GET", S3_BUCKET, NULL, s3_objects_list, 0, 0, "ListObjects", S3_FOR_READ },
    { "HEAD", S3_BUCKET, NULL, s3_bucket_head, LOOP, 0, "HeadBucket", S3_FOR_READ },
    { "POST", S3_BUCKET, "delete", s3_objects_delete, S3_LONG, DELETE_MAX, "DeleteObjects", S3_FOR_DELETE_OBJECTS },
    { "POST", S3_BUCKET, NULL, s3_form_post, S3_STREAM | S3_UNSIGNED, 0, "PostObject", S3_FOR_FORM },
    { "DELETE", S3_BUCKET, "cors", s3_cors_delete, 0, 0, "DeleteBucketCors", S3_FOR_BUCKET_DELETE },
    { "DELETE", S3_BUCKET, NULL, s3_bucket_delete, 0, 0, "DeleteBucket", S3_FOR_BUCKET_DELETE },
    { "OPTIONS", S3_BUCKET, NULL, s3_preflight, S3_UNSIGNED, 0, "Preflight", S3_FOR_READ },
    /* the service */
    { "GET", S3_SERVICE, NULL, s3_buckets_list, 0, 0, "ListBuckets", S3_FOR_READ },
};
const size_t s3_operation_count = LENGTH_OF(s3_operations);
