/* What the files of this folder share.
 *
 *   head ──► s3_handle: address (bucket, key) ──► operation by method, level and subresource ──► signature ──►
 * operation S3_STREAM       run at the head, on the loop: takes the body itself, or replies S3_ON_LOOP      run at the
 * head, on the loop; a body is dropped else            the body (at most max_body) is collected and checked against its
 * signature and digests, then run on a worker */
#ifndef CAIS_API_S3_PRIV_H
#define CAIS_API_S3_PRIV_H

#include "api/s3/s3.h"
#include "api/vendor_error.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/entry.h"
#include "core/upload.h"
#include "http/target.h"
#include "sign/sigv4.h"

/* ---- errors.c ---- */

enum s3_error {
    S3_NONE, /* an empty row: a bug, found by a test */
#define S3(name, status, code, text) S3_##name,
#include "api/s3/errors.def"
#undef S3
    S3_ERROR_COUNT
};
extern const struct vendor_error s3_vendor_errors[S3_ERROR_COUNT];
extern const enum s3_error s3_of_err[ERR_CODE_COUNT];

enum s3_level { S3_SERVICE, S3_BUCKET, S3_OBJECT };
enum {
    S3_STREAM = 1,
    S3_ON_LOOP = 2,
    S3_UNSIGNED = 4 /* the operation proves itself who it is (a form, a preflight) */
};

struct s3_call;
struct s3_operation {
    const char *method; /* "GET" also serves HEAD where there is no HEAD of its own */
    enum s3_level level;
    const char *subresource; /* "uploads": a parameter that must be there; NULL: none of the known ones may */
    void (*run)(struct s3_call *);
    unsigned flags;
    size_t max_body;
    const char *name; /* as S3 calls it */
};

/* One request. In x->arena; x->work points to it. */
struct s3_call {
    struct http_exchange *x;
    struct s3 *s3;
    const struct s3_operation *operation;
    slice bucket, key; /* decoded; empty: none */
    bool virtual_host; /* the bucket stood in the host name */
    struct query query;
    struct principal who;
    struct sigv4 claim;    /* of a V4 signature, verified; else zeros */
    struct sigv4_key key4; /* what it was verified with: chunk signatures go on from it */
};

/* End the exchange with an error, as XML. */
void s3_fail(struct s3_call *, enum s3_error);
/* The same with a text of its own. */
void s3_fail_saying(struct s3_call *, enum s3_error, slice text);
/* By s3_of_err; NOT_FOUND of what, the operation says. A failure of the server's own making goes to the log. */
void s3_fail_err(struct s3_call *, err_t e, enum s3_error not_found);
void s3_refuse(struct http_exchange *, enum http_refusal, int status, const char *text);

/* ---- call.c: operations; see operations.c for their table ---- */

extern const struct s3_operation s3_operations[];
extern const size_t s3_operation_count;
void s3_handle(struct http_exchange *);
/* Decoded value of a parameter; false: it is not there. */
bool s3_param(struct s3_call *, const char *name, slice *ret_value);
/* The bucket of the call, if the caller may do that in it; replies with the error otherwise. */
bool s3_bucket(struct s3_call *, enum bucket_action, struct bucket *ret);
/* A 200 with an XML document, copied. */
void s3_reply_xml(struct s3_call *, struct buf *document);
slice s3_time(struct arena *a, int64_t ms); /* 2026-11-22T10:00:00.000Z */

/* ---- auth.c ---- */

/* Fills who, claim and key4, or replies. */
bool s3_authenticate(struct s3_call *);

/* ---- headers.c: what is kept with an object ---- */

/* Content-Type, Cache-Control … and x-amz-meta-* of the request as text to be kept in an entry, and x-amz-tagging as
 * tags text. Replies on a bad or too large one. */
bool s3_headers_read(struct s3_call *, slice *ret_headers, slice *ret_tags);
/* Adds them to the reply; response-* parameters override (signed requests only). ret_content_type is not added. */
bool s3_headers_write(struct s3_call *, const struct entry *, slice *ret_content_type);
/* x-amz-checksum-* of the entry or part, as header, and as XML elements. */
void s3_digest_header(struct s3_call *, const struct digest *, int64_t part_count);
void s3_digest_xml(struct buf *, struct arena *a, const struct digest *, int64_t part_count);
/* The digest that the request declares in a header, or announces (x-amz-sdk-checksum-algorithm, x-amz-trailer): kind,
 * and value if it is there (has_value). Two different ones are refused. Replies on a bad one. */
struct s3_declared {
    struct digest digest;
    bool has_value;
    bool has_md5;
    unsigned char md5[MD5_SIZE];
};
bool s3_declared_read(struct s3_call *, struct s3_declared *ret);
/* If-Match and If-None-Match of a write, etags without quotes. Replies on one that is not offered. */
bool s3_condition_read(struct s3_call *, struct entry_condition *ret);

/* ---- body.c: a streamed body, whichever way it is wrapped (plain, aws-chunked, signed chunks, trailers) ---- */

struct s3_body; /* reads into an intake, and checks payload hash, chunk signatures, trailers, lengths */
/* Length of the content: x-amz-decoded-content-length, or Content-Length; -1 unknown. Replies (411, 400) when the head
 * is wrong. */
bool s3_body_length(struct s3_call *, int64_t *ret_bytes);
/* Receive the body into `intake`; then `end(arg, e)` (NULL: all of it came and is what was signed and declared; intake
 * not yet finished). Runs where http_sink's finish runs. blocks as intake_blocks. */
void s3_body_receive(struct s3_call *, struct intake *intake, const struct s3_declared *,
                     void (*end)(struct s3_call *, void *arg, err_t e), void *arg);

/* ---- operations ---- */

void s3_object_put(struct s3_call *);
void s3_object_copy(struct s3_call *); /* PUT with x-amz-copy-source: called by s3_object_put, body collected */
void s3_object_get(struct s3_call *);  /* also HEAD */
void s3_object_delete(struct s3_call *);
void s3_objects_delete(struct s3_call *);
void s3_form_post(struct s3_call *);
void s3_upload_create(struct s3_call *);
void s3_part_put(struct s3_call *);
void s3_part_copy(struct s3_call *); /* called by s3_part_put */
void s3_part_list(struct s3_call *);
void s3_upload_list(struct s3_call *);
void s3_upload_complete(struct s3_call *);
void s3_upload_abort(struct s3_call *);
void s3_buckets_list(struct s3_call *);
void s3_bucket_create(struct s3_call *);
void s3_bucket_head(struct s3_call *);
void s3_bucket_delete(struct s3_call *);
void s3_bucket_location(struct s3_call *);
void s3_objects_list(struct s3_call *); /* V1 and V2 */
void s3_versions_list(struct s3_call *);
void s3_versioning_get(struct s3_call *);
void s3_versioning_put(struct s3_call *);
void s3_cors_get(struct s3_call *);
void s3_cors_put(struct s3_call *);
void s3_cors_delete(struct s3_call *);
void s3_preflight(struct s3_call *);
void s3_tagging_get(struct s3_call *);
void s3_tagging_put(struct s3_call *);
void s3_tagging_delete(struct s3_call *);
void s3_unconfigured(struct s3_call *); /* reads of what nobody configured: lock, retention, policy … */
void s3_not_implemented(struct s3_call *);

/* The source of a copy (x-amz-copy-source): bucket, authorised for reading, and key. Replies otherwise. */
bool s3_copy_source(struct s3_call *, struct bucket *ret_bucket, slice *ret_key);
/* Access-Control-* of the bucket's rules for the Origin of the request. */
void s3_cors_headers(struct s3_call *);

#endif
