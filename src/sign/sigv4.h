/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Signature Version 4 as S3 uses it, in the Authorization header and in the query of a link; verifying and signing.
 * Spec: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API reference; tests/unit/sign_sigv4.c holds its
 * examples.
 *
 *     sigv4_parse          → access key, scope; the caller looks up the secret of that key
 *     sigv4_verify         → the request is the one that the owner of the secret signed
 *
 * Paths and parameters are decoded and encoded again, never normalised: "//", "." and ".." are parts of keys. What was
 * signed is thereby what a reader of the decoded request sees, however it was encoded.
 * A GET link also covers HEAD if the caller says so: verify once more with method GET. */
#ifndef CAIS_SIGN_SIGV4_H
#define CAIS_SIGN_SIGV4_H

#include "base/hash.h"
#include "sign/sign.h"

#define SIGV4_ALGORITHM S("AWS4-HMAC-SHA256")
#define SIGV4_SKEW_MS (15 * 60 * 1000)
#define SIGV4_LIFETIME_MAX_S 604800
#define SIGV4_SIGNED_HEADERS_MAX 100
#define SIGV4_SIGNATURE_SIZE 64 /* hex digits */

enum sigv4_payload {
    SIGV4_PAYLOAD_ABSENT,                  /* no x-amz-content-sha256: see sigv4_verify */
    SIGV4_PAYLOAD_SHA256,                  /* the body must have payload_sha256 */
    SIGV4_PAYLOAD_UNSIGNED,                /* UNSIGNED-PAYLOAD, and links that say nothing */
    SIGV4_PAYLOAD_CHUNKS,                  /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD; these three: chunks.h */
    SIGV4_PAYLOAD_CHUNKS_TRAILER,          /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
    SIGV4_PAYLOAD_UNSIGNED_CHUNKS_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

/* A claim, not yet verified. */
struct sigv4 {
    bool is_link;       /* from the query */
    slice access_key;   /* whose secret to look up */
    slice date, region; /* of the scope; with them a signing key can be kept for a day */
    slice scope;        /* date/region/s3/aws4_request */
    slice timestamp;    /* 20130524T000000Z */
    int64_t signed_at_ms;
    int64_t expires_at_ms;       /* links only */
    const slice *signed_headers; /* in ascending order */
    size_t signed_header_count;
    slice signed_header_list;
    slice signature;
    enum sigv4_payload payload;
    slice payload_tag; /* what stands in the canonical request */
    unsigned char payload_sha256[SHA256_SIZE];
};

/* Read the claim of a request whose sign_form_of is SIGN_FORM_V4_HEADER or _QUERY.
 *
 * region  the scope must name this one; empty: any
 * ret     in `a`, or pointing into the request
 * Faults  MALFORMED, ALGORITHM, SCOPE, DATE, LIFETIME, PAYLOAD_TAG; detail->about names the part */
MUST_USE enum sign_fault sigv4_parse(const struct sign_request *r, slice region, struct arena *a, struct sigv4 *ret,
                                     struct sign_detail *detail);

/* Derived from a secret for a day, a region and the service s3: may be kept, and is a secret itself. */
struct sigv4_key {
    unsigned char bytes[SHA256_SIZE];
};
void sigv4_key_derive(slice secret, slice date, slice region, struct sigv4_key *ret_key);

/* Is it what the owner of the secret signed, and in time? A header claim may be SIGV4_SKEW_MS off in either direction;
 * a link begins to hold that much before its date and has expired at expires_at_ms exactly. host and every x-amz-
 * header must be signed.
 * Without x-amz-content-sha256 the body is taken to be empty; if it is not, set payload_tag to the hex digest of the
 * body first.
 *
 * Faults  SKEW, NOT_YET, EXPIRED, UNSIGNED_HEADER, ABSENT_HEADER, MISMATCH, MALFORMED an escape that is none */
MUST_USE enum sign_fault sigv4_verify(const struct sigv4 *claim, const struct sign_request *r, slice secret,
                                      int64_t now_ms, struct arena *a, struct sign_detail *detail);
MUST_USE enum sign_fault sigv4_verify_with_key(const struct sigv4 *claim, const struct sign_request *r,
                                               const struct sigv4_key *key, int64_t now_ms, struct arena *a,
                                               struct sign_detail *detail);

/* Who signs. */
struct sigv4_signer {
    slice access_key, secret, region;
};

/* What to send along. */
struct sigv4_signed {
    slice timestamp;     /* header x-amz-date */
    slice authorization; /* header Authorization */
    slice scope, signature;
    struct sigv4_key key; /* with scope and signature what chunks.h starts from */
};

/* Sign a request by header. r holds every header to be signed, host among them, except x-amz-date and
 * x-amz-content-sha256 (payload_tag), which are added to what is signed and which the caller sends.
 * Faults: MALFORMED an escape or a header name that is none. */
MUST_USE enum sign_fault sigv4_sign(const struct sigv4_signer *who, const struct sign_request *r, slice payload_tag,
                                    int64_t now_ms, struct arena *a, struct sigv4_signed *ret);

/* Sign a link: *ret_query is the whole query, that of r included. Headers of r, host among them, must then be sent as
 * they are. The body is not signed, unless x-amz-content-sha256 is a header or parameter of r.
 * Faults: MALFORMED an escape or a header name that is none; LIFETIME; PAYLOAD_TAG. */
MUST_USE enum sign_fault sigv4_sign_link(const struct sigv4_signer *who, const struct sign_request *r,
                                         int64_t lifetime_s, int64_t now_ms, struct arena *a, slice *ret_query);

/* Pieces that the other schemes of this folder share. */
slice sigv4_timestamp(struct arena *a, int64_t ms);                                      /* 20130524T000000Z */
slice sigv4_credential(struct arena *a, const struct sigv4_signer *who, int64_t now_ms); /* key/date/region/s3/… */
slice sigv4_mac_hex(struct arena *a, const struct sigv4_key *key, slice text);           /* lower case */
/* Credential and date of a form or a query into claim. Faults: MALFORMED, SCOPE, DATE. */
MUST_USE enum sign_fault sigv4_read_credential(slice credential, slice timestamp, slice region, struct arena *a,
                                               struct sigv4 *claim, struct sign_detail *detail);

#endif
