/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Signature Version 4 as S3 uses it, in the Authorization header and in the query of a link: verify and sign.
 * Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)"; tests/unit/sign_sigv4.c has its
 * examples.
 *
 *     sigv4_parse          → access key, scope; the caller looks up the secret of that key
 *     sigv4_verify         → the owner of the secret signed this request
 *
 * Paths and parameters are decoded and then encoded again, but never normalised: "//", "." and ".." are parts of keys.
 * So the signature covers the decoded request that the server acts on, however the client encoded it.
 * To accept a link for GET also for HEAD, the caller verifies once more with the method GET. */
#ifndef CAIS_SIGN_SIGV4_H
#define CAIS_SIGN_SIGV4_H

#include "base/hash.h"
#include "sign/sign.h"

#include <pthread.h>

#define SIGV4_ALGORITHM S("AWS4-HMAC-SHA256")
#define SIGV4_SKEW_MS (15 * 60 * 1000)
#define SIGV4_LIFETIME_MAX_S 604800
#define SIGV4_SIGNED_HEADERS_MAX 100
#define SIGV4_SIGNATURE_SIZE 64 /* hex digits */

enum sigv4_payload {
    SIGV4_PAYLOAD_ABSENT,         /* no x-amz-content-sha256: see sigv4_verify */
    SIGV4_PAYLOAD_SHA256,         /* the digest of the body must be payload_sha256 */
    SIGV4_PAYLOAD_UNSIGNED,       /* UNSIGNED-PAYLOAD, and links that do not declare a digest */
    SIGV4_PAYLOAD_CHUNKS,         /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD; for this and the next two see chunks.h */
    SIGV4_PAYLOAD_CHUNKS_TRAILER, /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
    SIGV4_PAYLOAD_UNSIGNED_CHUNKS_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

/* The claims of a request about its signature, not yet verified. */
struct sigv4 {
    bool is_link;       /* the claim is in the query */
    slice access_key;   /* whose secret to look up */
    slice date, region; /* of the scope; a signing key belongs to them, so it can be cached for a day */
    slice scope;        /* date/region/s3/aws4_request */
    slice timestamp;    /* 20130524T000000Z */
    int64_t signed_at_ms;
    int64_t expires_at_ms;       /* links only */
    const slice *signed_headers; /* in ascending order */
    size_t signed_header_count;
    slice signed_header_list;
    slice signature;
    enum sigv4_payload payload;
    slice payload_tag; /* the last line of the canonical request */
    unsigned char payload_sha256[SHA256_SIZE];
};

/* Parse the claim of a request whose sign_scheme_of is SIGN_SCHEME_V4_HEADER or _QUERY.
 *
 * region  the scope must name this region; empty: any region
 * ret     its slices live in `a`, or point into the request
 * Faults  MALFORMED, ALGORITHM, SCOPE, DATE, LIFETIME, PAYLOAD_TAG; detail->about names the part */
MUST_USE enum sign_fault sigv4_parse(const struct sign_request *r, slice region, struct arena *a, struct sigv4 *ret,
                                     struct sign_detail *detail);

/* A signing key, derived from a secret for one day, one region and the service s3. It is a secret itself; it may be
 * cached. */
struct sigv4_key {
    unsigned char bytes[SHA256_SIZE];
};
void sigv4_key_derive(slice secret, slice date, slice region, struct sigv4_key *ret_key);

/* Verify that the owner of the secret signed this request, and that the signature is valid now.
 *
 * - The date of a signature in a header may differ from now_ms by at most SIGV4_SKEW_MS, in either direction.
 * - A link is valid from SIGV4_SKEW_MS before its date; at expires_at_ms exactly it has expired.
 * - host and every x-amz- header of the request must be signed, but x-amz-content-sha256, whose value is signed anyway.
 * - Without x-amz-content-sha256 the body counts as empty. If it is not empty, set claim->payload_tag to the
 *   hex SHA-256 of the body first.
 *
 * Faults  SKEW, NOT_YET, EXPIRED, UNSIGNED_HEADER, ABSENT_HEADER, MISMATCH, MALFORMED escape */
MUST_USE enum sign_fault sigv4_verify(const struct sigv4 *claim, const struct sign_request *r, slice secret,
                                      int64_t now_ms, struct arena *a, struct sign_detail *detail);
MUST_USE enum sign_fault sigv4_verify_with_key(const struct sigv4 *claim, const struct sign_request *r,
                                               const struct sigv4_key *key, int64_t now_ms, struct arena *a,
                                               struct sign_detail *detail);

/* The signing key of one day, so that a signature needs one HMAC instead of five. Shared by all threads. */
struct sigv4_key_cache {
    pthread_mutex_t lock;
    char date[9]; /* empty: none yet */
    struct sigv4_key key;
};
void sigv4_key_cache_init(struct sigv4_key_cache *);
void sigv4_key_cache_release(struct sigv4_key_cache *); /* wipes the key */

/* The key that signs a request of the server itself. */
struct sigv4_signer {
    slice access_key, secret, region;
    struct sigv4_key_cache *cache; /* for this secret and region; NULL: the key is derived each time */
};
/* The signing key of that day (YYYYMMDD). */
void sigv4_signer_key(const struct sigv4_signer *, slice date, struct sigv4_key *ret);

/* The headers to send with a request that was signed by header. */
struct sigv4_signed {
    slice timestamp;     /* header x-amz-date */
    slice authorization; /* header Authorization */
    slice scope, signature;
    struct sigv4_key key; /* chunks.h continues from it, with scope and signature */
};

/* Sign a request by header. r has every header to be signed, host among them, except x-amz-date and
 * x-amz-content-sha256 (payload_tag): this function signs those two as well, and the caller sends them.
 * Faults: MALFORMED escape or header name. */
MUST_USE enum sign_fault sigv4_sign(const struct sigv4_signer *who, const struct sign_request *r, slice payload_tag,
                                    int64_t now_ms, struct arena *a, struct sigv4_signed *ret);

/* Sign a link. *ret_query is its whole query, including that of r. A request with the link must have the headers of r,
 * host among them, unchanged. The body is not signed, unless x-amz-content-sha256 is a header or parameter of r.
 * Faults: MALFORMED escape or header name; LIFETIME; PAYLOAD_TAG. */
MUST_USE enum sign_fault sigv4_sign_link(const struct sigv4_signer *who, const struct sign_request *r,
                                         int64_t lifetime_s, int64_t now_ms, struct arena *a, slice *ret_query);

/* ---- for form_policy.c and chunks.c ---- */

slice sigv4_timestamp(struct arena *a, int64_t ms);                                      /* 20130524T000000Z */
slice sigv4_credential(struct arena *a, const struct sigv4_signer *who, int64_t now_ms); /* key/date/region/s3/… */
slice sigv4_mac_hex(struct arena *a, const struct sigv4_key *key, slice text);           /* lower case */
/* Parse the credential and the date of a header, a query or a form into claim. Faults: MALFORMED, SCOPE, DATE. */
MUST_USE enum sign_fault sigv4_read_credential(slice credential, slice timestamp, slice region, struct arena *a,
                                               struct sigv4 *claim, struct sign_detail *detail);

#endif
