/* SPDX-License-Identifier: Apache-2.0 */
/* One request of S3, and the operation that it asks for.
 *
 *   head ──► dispatch.c: address (bucket, key) ──► operation by method, level and subresource ──► signature ──► run
 *                │                                      │                                             │            │
 *                └──────────────────────────────────────┴── an error ─────────────────────────────────┴────────────┴─► s3_fail
 *
 *   S3_STREAM    run is called at the head, on the loop: it receives the body itself, or replies
 *   S3_ON_LOOP   run is called at the head, on the loop; a body is dropped
 *   otherwise    the body (at most max_body; with 0 it is dropped) is collected into x->req.body, unwrapped, and
 *                checked against its signature and digests; then run is called on a worker
 *   S3_LONG      the same, but run is called in the lane of long work (http.h) */
#ifndef CAIS_API_S3_CALL_PRIV_H
#define CAIS_API_S3_CALL_PRIV_H

#include "api/s3/errors_priv.h"
#include "api/s3/s3.h"
#include "http/target.h"
#include "sign/sigv4.h"

#define S3_HOST_ID S("cais")

enum s3_level { S3_SERVICE, S3_BUCKET, S3_OBJECT };
enum {
    S3_STREAM = 1,
    S3_ON_LOOP = 2,
    S3_UNSIGNED = 4,    /* the operation authenticates the request itself (a form), or needs no user (a preflight) */
    S3_NO_CHECKSUM = 8, /* x-amz-checksum-* describes something else than the body */
    S3_LONG = 16
};

/* Of each operation, for words.def. All that change nothing share one; copies are other operations than the rows in which they are
 * found (s3_operation_bit). */
enum s3_operation_bit {
    S3_FOR_READ = 1,
    S3_FOR_PUT = 2,
    S3_FOR_COPY = 4,
    S3_FOR_PART = 8,
    S3_FOR_PART_COPY = 16,
    S3_FOR_CREATE_UPLOAD = 32,
    S3_FOR_COMPLETE = 64,
    S3_FOR_ABORT = 128,
    S3_FOR_DELETE = 256,
    S3_FOR_DELETE_OBJECTS = 512,
    S3_FOR_TAGGING = 1024,
    S3_FOR_TAGGING_DELETE = 2048,
    S3_FOR_FORM = 4096,
    S3_FOR_CREATE_BUCKET = 8192,
    S3_FOR_BUCKET_DOCUMENT = 16384,
    S3_FOR_BUCKET_DELETE = 32768,
    S3_FOR_END = 65536
};

struct s3_call;
struct s3_operation {
    const char *method; /* "GET" also serves HEAD where HEAD has no operation of its own */
    enum s3_level level;
    const char *subresource; /* "uploads": a query parameter that must be present; NULL: no known one may be present */
    err_t (*run)(struct s3_call *); /* NULL: it has replied, or will reply */
    unsigned flags;
    size_t max_body;  /* bytes */
    const char *name; /* as S3 calls the operation */
    enum s3_operation_bit bit;
};

#define S3_DETAILS_MAX 8

/* One request. It lives in x->arena, and x->work points to it. */
struct s3_call {
    struct http_exchange *x;
    struct s3 *s3;
    const struct s3_operation *operation;
    slice bucket, key; /* decoded; empty: the address names none */
    bool virtual_host; /* the host name contained the bucket */
    struct query query;
    struct principal who;
    struct sigv4 claim;    /* of a verified signature of version 4; else zeros */
    struct sigv4_key key4; /* the key that verified it: the signatures of chunks continue from it */
    /* The signature covers a body, but the request does not declare the digest of that body. s3_verify_body checks the
     * signature at the end of the body. Until then the client is unauthenticated: no reply may tell it anything, and
     * nothing that it sent may be kept. */
    bool verify_late;
    int64_t received_at_ms; /* when the head was complete: the date of the signature is compared with this time */
    struct sign_request signed_request;
    void *state; /* belongs to the operation */
    /* More elements of the error document: see s3_show. */
    struct s3_detail {
        const char *name;
        slice value;
    } details[S3_DETAILS_MAX];
    size_t detail_count;
};

/* Add the headers of every reply: request id and the like. Once for each reply. */
void s3_common_headers(struct http_exchange *);
/* The decoded value of a query parameter. False: it is absent, and *ret_value is empty. */
bool s3_param(struct s3_call *, const char *name, slice *ret_value);

/* ---- refusing ---- */

/* If e is an error, the document that replies to the request also has this element. Returns e. value must live as long
 * as the exchange. */
err_t s3_show(struct s3_call *, err_t e, const char *element, slice value);
/* The same, but only if something is not there: an error with the code NOT_FOUND. */
err_t s3_show_missing(struct s3_call *, err_t e, const char *element, slice value);
/* Refuse an argument: the document also has its name, and its value if value.p is not NULL. Both must live as long as
 * the exchange. */
err_t s3_refuse_argument_at(struct s3_call *, const char *where, enum s3_error row, const char *name, slice value);
#define s3_refuse_argument(call, row, name, value) s3_refuse_argument_at((call), ERR_HERE, (row), (name), (value))
#define S3_NO_VALUE ((slice){ 0 })

#endif
