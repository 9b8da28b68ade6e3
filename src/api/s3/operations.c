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
    { "PUT", S3_OBJECT, "uploadId", s3_part_put, S3_STREAM, 0, "UploadPart" },
    { "PUT", S3_OBJECT, "tagging", s3_tagging_put, 0, DOCUMENT_MAX, "PutObjectTagging" },
    { "PUT", S3_OBJECT, NULL, s3_object_put, S3_STREAM, 0, "PutObject" },
    { "GET", S3_OBJECT, "uploadId", s3_part_list, 0, 0, "ListParts" },
    { "GET", S3_OBJECT, "tagging", s3_tagging_get, 0, 0, "GetObjectTagging" },
    { "GET", S3_OBJECT, "acl", s3_unconfigured, 0, 0, "GetObjectAcl" },
    { "GET", S3_OBJECT, "retention", s3_unconfigured, 0, 0, "GetObjectRetention" },
    { "GET", S3_OBJECT, "legal-hold", s3_unconfigured, 0, 0, "GetObjectLegalHold" },
    { "GET", S3_OBJECT, "attributes", s3_object_attributes, 0, 0, "GetObjectAttributes" },
    { "GET", S3_OBJECT, NULL, s3_object_get, LOOP, 0, "GetObject" },
    { "POST", S3_OBJECT, "uploads", s3_upload_create, 0, 0, "CreateMultipartUpload" },
    { "POST", S3_OBJECT, "uploadId", s3_upload_complete, S3_NO_CHECKSUM | S3_LONG, COMPLETE_MAX,
      "CompleteMultipartUpload" },
    { "DELETE", S3_OBJECT, "uploadId", s3_upload_abort, S3_LONG, 0, "AbortMultipartUpload" },
    { "DELETE", S3_OBJECT, "tagging", s3_tagging_delete, 0, 0, "DeleteObjectTagging" },
    { "DELETE", S3_OBJECT, NULL, s3_object_delete, 0, 0, "DeleteObject" },
    { "OPTIONS", S3_OBJECT, NULL, s3_preflight, S3_UNSIGNED, 0, "Preflight" },
    /* buckets */
    { "PUT", S3_BUCKET, "versioning", s3_versioning_put, 0, DOCUMENT_MAX, "PutBucketVersioning" },
    { "PUT", S3_BUCKET, "cors", s3_cors_put, 0, DOCUMENT_MAX, "PutBucketCors" },
    { "PUT", S3_BUCKET, NULL, s3_bucket_create, 0, DOCUMENT_MAX, "CreateBucket" },
    { "GET", S3_BUCKET, "location", s3_bucket_location, 0, 0, "GetBucketLocation" },
    { "GET", S3_BUCKET, "uploads", s3_upload_list, 0, 0, "ListMultipartUploads" },
    { "GET", S3_BUCKET, "versions", s3_versions_list, 0, 0, "ListObjectVersions" },
    { "GET", S3_BUCKET, "versioning", s3_versioning_get, 0, 0, "GetBucketVersioning" },
    { "GET", S3_BUCKET, "cors", s3_cors_get, 0, 0, "GetBucketCors" },
    { "GET", S3_BUCKET, "acl", s3_unconfigured, 0, 0, "GetBucketAcl" },
    { "GET", S3_BUCKET, "object-lock", s3_unconfigured, 0, 0, "GetObjectLockConfiguration" },
    { "GET", S3_BUCKET, "policy", s3_unconfigured, 0, 0, "GetBucketPolicy" },
    { "GET", S3_BUCKET, "policyStatus", s3_unconfigured, 0, 0, "GetBucketPolicyStatus" },
    { "GET", S3_BUCKET, "lifecycle", s3_unconfigured, 0, 0, "GetBucketLifecycleConfiguration" },
    { "GET", S3_BUCKET, "tagging", s3_unconfigured, 0, 0, "GetBucketTagging" },
    { "GET", S3_BUCKET, "website", s3_unconfigured, 0, 0, "GetBucketWebsite" },
    { "GET", S3_BUCKET, "replication", s3_unconfigured, 0, 0, "GetBucketReplication" },
    { "GET", S3_BUCKET, "encryption", s3_unconfigured, 0, 0, "GetBucketEncryption" },
    { "GET", S3_BUCKET, "ownershipControls", s3_unconfigured, 0, 0, "GetBucketOwnershipControls" },
    { "GET", S3_BUCKET, "publicAccessBlock", s3_unconfigured, 0, 0, "GetPublicAccessBlock" },
    { "GET", S3_BUCKET, "logging", s3_unconfigured, 0, 0, "GetBucketLogging" },
    { "GET", S3_BUCKET, "notification", s3_unconfigured, 0, 0, "GetBucketNotificationConfiguration" },
    { "GET", S3_BUCKET, "requestPayment", s3_unconfigured, 0, 0, "GetBucketRequestPayment" },
    { "GET", S3_BUCKET, "accelerate", s3_unconfigured, 0, 0, "GetBucketAccelerateConfiguration" },
    { "GET", S3_BUCKET, NULL, s3_objects_list, 0, 0, "ListObjects" },
    { "HEAD", S3_BUCKET, NULL, s3_bucket_head, LOOP, 0, "HeadBucket" },
    { "POST", S3_BUCKET, "delete", s3_objects_delete, S3_LONG, DELETE_MAX, "DeleteObjects" },
    { "POST", S3_BUCKET, NULL, s3_form_post, S3_STREAM | S3_UNSIGNED, 0, "PostObject" },
    { "DELETE", S3_BUCKET, "cors", s3_cors_delete, 0, 0, "DeleteBucketCors" },
    { "DELETE", S3_BUCKET, NULL, s3_bucket_delete, 0, 0, "DeleteBucket" },
    { "OPTIONS", S3_BUCKET, NULL, s3_preflight, S3_UNSIGNED, 0, "Preflight" },
    /* the service */
    { "GET", S3_SERVICE, NULL, s3_buckets_list, 0, 0, "ListBuckets" },
};
const size_t s3_operation_count = LENGTH_OF(s3_operations);

/* Query parameters that make a request another operation of S3, besides those of the table. A request that has one
 * must not run the operation without a subresource. */
const char *const s3_subresources[] = {
    "analytics",
    "inventory",
    "intelligent-tiering",
    "metrics",
    "metadataTable",
    "renameObject",
    "restore",
    "select",
    "torrent",
    "session",
    "append",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "abac",
    NULL,
};

/* Of every operation of S3, of signatures of version 2, and of the SDKs themselves (x-id). */
static const char *const parameters[] = {
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "bucket-region",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "id",
    "key-marker",
    "list-type",
    "marker",
    "max-buckets",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partNumber",
    "prefix",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "start-after",
    "upload-id-marker",
    "version-id-marker",
    "versionId",
    "x-id",
};

bool s3_parameter_is_known(slice name)
{
    for (size_t i = 0; i < LENGTH_OF(parameters); i++)
        if (slice_eq(name, slice_of(parameters[i])))
            return true;
    return false;
}
