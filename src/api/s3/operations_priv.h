/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation: the table by which dispatch.c finds it, and the function that runs it. */
#ifndef CAIS_API_S3_OPERATIONS_PRIV_H
#define CAIS_API_S3_OPERATIONS_PRIV_H

#include "api/s3/call_priv.h"

/* Of several rows that match a request, the first counts. */
extern const struct s3_operation s3_operations[];
extern const size_t s3_operation_count;

/* object.c */
err_t s3_object_put(struct s3_call *);
err_t s3_object_get(struct s3_call *); /* also HEAD */
err_t s3_object_delete(struct s3_call *);
/* attributes.c, tagging.c */
err_t s3_object_attributes(struct s3_call *);
err_t s3_tagging_get(struct s3_call *);
err_t s3_tagging_put(struct s3_call *);
err_t s3_tagging_delete(struct s3_call *);
/* form.c */
err_t s3_form_post(struct s3_call *);
/* uploads.c, parts.c, upload_list.c */
err_t s3_upload_create(struct s3_call *);
err_t s3_upload_complete(struct s3_call *);
err_t s3_upload_abort(struct s3_call *);
err_t s3_part_put(struct s3_call *); /* also UploadPartCopy */
err_t s3_part_list(struct s3_call *);
err_t s3_upload_list(struct s3_call *);
/* bucket.c */
err_t s3_buckets_list(struct s3_call *);
err_t s3_bucket_create(struct s3_call *);
err_t s3_bucket_head(struct s3_call *);
err_t s3_bucket_delete(struct s3_call *);
err_t s3_bucket_location(struct s3_call *);
err_t s3_versioning_get(struct s3_call *);
err_t s3_versioning_put(struct s3_call *);
/* object_list.c, delete_objects.c */
err_t s3_objects_list(struct s3_call *); /* both versions of ListObjects */
err_t s3_versions_list(struct s3_call *);
err_t s3_objects_delete(struct s3_call *);
/* cors.c */
err_t s3_cors_get(struct s3_call *);
err_t s3_cors_put(struct s3_call *);
err_t s3_cors_delete(struct s3_call *);
err_t s3_preflight(struct s3_call *);
/* unconfigured.c: reads of configurations that cannot be set here (object lock, policy …) */
err_t s3_unconfigured(struct s3_call *);

#endif
