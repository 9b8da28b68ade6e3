/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share.
 *
 *   head ──► s3_handle: address (bucket, key) ──► operation by method, level and subresource ──► signature ──► run
 *
 *   S3_STREAM    run is called at the head, on the loop: it takes the body itself, or replies
 *   S3_ON_LOOP   run is called at the head, on the loop; a body is dropped
 *   else         the body (at most max_body; 0: it is dropped) is collected into x->req.body, unwrapped, and checked
 *                against its signature and digests; then run is called on a worker */
#ifndef CAIS_API_S3_PRIV_H
#define CAIS_API_S3_PRIV_H

#include "api/s3/s3.h"
#include "api/vendor_error.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "core/object/digest.h"
#include "http/target.h"
#include "sign/sigv4.h"

#define S3_HOST_ID S("cais")
#define S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

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
    S3_UNSIGNED = 4,   /* the operation proves itself who it is (a form, a preflight) */
    S3_NO_CHECKSUM = 8 /* x-amz-checksum-* tells of something else than the body */
};

struct s3_call;
/* Of several rows that fit, the first. */
struct s3_operation {
    const char *method; /* "GET" also serves HEAD where there is no HEAD of its own */
    enum s3_level level;
    const char *subresource; /* "uploads": a parameter that must be there; NULL: none of the known ones may */
    void (*run)(struct s3_call *);
    unsigned flags;
    size_t max_body;
    const char *name; /* as S3 calls it */
};

#define S3_DETAILS_MAX 8

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
    /* The request was signed without a digest of its body, which has one: verified when it is here (s3_verify_body).
     * Until then nobody may be told anything and nothing may be kept. */
    bool verify_late;
    int64_t begun_at_ms; /* when the head was here: what a signature's date is held against */
    struct sign_request signed_request;
    void *state; /* the operation's own */
    /* More elements of the error document. */
    struct s3_detail {
        const char *name;
        slice value;
    } details[S3_DETAILS_MAX];
    size_t detail_count;
    enum s3_error why; /* which error the err_t stands for that is on its way outward; S3_NONE: as the table says */
};

/* An element that the coming error, if there is one, shows; value lives in x->arena. */
void s3_detail(struct s3_call *, const char *name, slice value);
/* End the exchange with an error, as XML. */
void s3_fail(struct s3_call *, enum s3_error);
/* The same with a text of its own. */
void s3_fail_saying(struct s3_call *, enum s3_error, slice text);
/* By call->why if it is set, else by s3_of_err; NOT_FOUND of what, the operation says. A failure of the server's own
 * making goes to the log. */
void s3_fail_err(struct s3_call *, err_t e, enum s3_error not_found);
/* An err_t that stands for this error when it comes to s3_fail_err. */
err_t s3_err(struct s3_call *, enum s3_error, struct arena *a);
void s3_log(struct s3 *, const struct http_exchange *, err_t e);
void s3_refuse(struct http_exchange *, enum http_refusal, int status, const char *text);

/* ---- call.c: operations; see operations.c for their table ---- */

extern const struct s3_operation s3_operations[];
extern const size_t s3_operation_count;
extern const char *const s3_subresources[]; /* NULL-ended: known to S3, and not in the table */
void s3_handle(struct http_exchange *);
void s3_common_headers(struct http_exchange *); /* request id and the like, once for each reply */
/* Decoded value of a parameter; false: it is not there, and then *ret_value is empty. */
bool s3_param(struct s3_call *, const char *name, slice *ret_value);
/* The bucket of the call, if the caller may do that in it; replies with the error otherwise. */
bool s3_bucket(struct s3_call *, enum bucket_action, struct bucket *ret);
/* The same for another one. owner_header names the header that says who must own it (the ID that listings tell). */
bool s3_bucket_named(struct s3_call *, slice name, enum bucket_action, const char *owner_header, struct bucket *ret);
/* A 200 with an XML document, copied. */
void s3_reply_xml(struct s3_call *, struct buf *document);
slice s3_time(struct arena *a, int64_t ms); /* 2026-11-22T10:00:00.000Z */

/* ---- auth.c ---- */

/* Fills who, claim and key4, or replies. */
bool s3_authenticate(struct s3_call *);
/* With verify_late: the body has this digest. Does the signature hold? An error is for s3_fail_err. */
MUST_USE err_t s3_verify_body(struct s3_call *, const unsigned char sha256[SHA256_SIZE], struct arena *a);
/* The error and the details of a fault in a signature, its scope or its chunks. */
enum s3_error s3_sign_error(struct s3_call *, enum sign_fault, const struct sign_detail *);
/* That key, derived for the day, out of a small cache. */
void s3_signing_key(struct s3 *, slice access_key, slice secret, const struct sigv4 *, struct sigv4_key *ret);

/* ---- headers.c: what is kept with an object ---- */

/* One header (or form field) of those that are kept, in any case; others are passed over. Text is lines of "Name:
 * value". meta_bytes counts names and values of x-amz-meta-*: start with 0. S3_NONE, or what is wrong. */
enum s3_error s3_header_keep(struct buf *text, size_t *meta_bytes, slice name, slice value);
/* Does a header (or form field) ask for what is not offered: encryption, other classes of storage, locks, ACLs? */
enum s3_error s3_header_check(slice name, slice value);
/* Content-Type, Cache-Control … and x-amz-meta-* of the request as text to be kept in an entry, and x-amz-tagging as
 * tags text. Replies on a bad or too large one. */
bool s3_headers_read(struct s3_call *, slice *ret_headers, slice *ret_tags);
/* Tags text is what x-amz-tagging holds: name=value&…, both percent-encoded, in the order given. */
struct s3_tag {
    slice name, value;
};
#define S3_TAGS_MAX 10
/* Checks tags by S3's rules (number, lengths, characters, no name twice) and writes them; replies otherwise. */
bool s3_tags_write(struct s3_call *, const struct s3_tag *, size_t count, slice *ret_tags);
/* The same, for where no reply may be made. */
enum s3_error s3_tags_make(struct arena *a, const struct s3_tag *, size_t count, slice *ret_tags);
/* Reads tags text: as kept, or as it stands in a header (false: it cannot be read, or is more than S3_TAGS_MAX). */
bool s3_tags_read(struct arena *a, slice tags, struct s3_tag ret[S3_TAGS_MAX], size_t *ret_count);
/* Adds them to the reply; response-* parameters override (signed requests only). ret_content_type is not added. */
bool s3_headers_write(struct s3_call *, const struct entry *, slice *ret_content_type);
/* x-amz-checksum-* of the entry or part, as header (with its type), and as XML element. Nothing for DIGEST_NONE. */
void s3_digest_header(struct s3_call *, const struct digest *, int64_t part_count);
void s3_digest_xml(struct buf *, struct arena *a, const struct digest *, int64_t part_count);
slice s3_digest_type(const struct digest *); /* FULL_OBJECT or COMPOSITE */
/* "x-amz-checksum-crc32" → its kind; false: not the name of a checksum. */
bool s3_digest_of_name(slice name, enum digest_kind *ret);
/* Is it the name of a checksum that we cannot compute? Whoever passes over one says that it was right. */
bool s3_digest_is_unknown(slice name);
/* Base64 of as many bytes as that kind has; false otherwise. */
bool s3_digest_parse(struct arena *a, enum digest_kind, slice text, struct digest *ret);
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
/* A body that was collected whole, in x->req.body: the same checks; replaces it by its content. Replies otherwise. */
bool s3_body_check(struct s3_call *);
/* Receive the body into `intake`; then `end(arg, e)` (NULL: all of it came and is what was signed and declared; intake
 * not yet finished). Runs where http_sink's finish runs. blocks as intake_blocks. */
void s3_body_receive(struct s3_call *, struct intake *intake, const struct s3_declared *,
                     void (*end)(struct s3_call *, void *arg, err_t e), void *arg);

/* ---- operations ---- */

void s3_object_put(struct s3_call *);
void s3_object_copy(struct s3_call *); /* PUT with x-amz-copy-source: called by s3_object_put, body collected */
void s3_object_get(struct s3_call *);  /* also HEAD */
void s3_object_delete(struct s3_call *);
void s3_object_attributes(struct s3_call *);
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
