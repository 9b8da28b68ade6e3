/* SPDX-License-Identifier: Apache-2.0 */
/* The request target: what stands between the method and the version in the request line.
 * Spec: RFC 9112 §3.2 (forms), RFC 3986 §3.3 (path), WHATWG URL "application/x-www-form-urlencoded" (query).
 * Nothing is normalised: an empty segment, "." and ".." are names like any other, because they are in S3 keys. A path
 * is therefore never to be joined to one on a disk. */
#ifndef CAIS_HTTP_TARGET_H
#define CAIS_HTTP_TARGET_H

#include "base/err.h"

#define TARGET_SEGMENTS_MAX 1024
#define QUERY_PARAMS_MAX 1000

/* Slices of the target as it was sent, still encoded. */
struct target {
    slice scheme, host; /* absolute-form only, else empty; host is host[:port] */
    slice path;         /* begins with /, or is "*" */
    slice query;        /* behind the first ?, without it */
};

/* Errors: INVALID neither origin-form, absolute-form (http, https) nor "*"; control characters, blanks, a fragment,
 * user data in the host. Bytes above 0x7f pass: people paste such paths into curl. The length is the engine's limit. */
MUST_USE err_t target_parse(slice raw, struct arena *a, struct target *ret);

struct target_path {
    const slice *segments; /* decoded; in the arena, or pointing into the path */
    size_t count;
};

/* Cut a path at / and then decode, so that %2F stays inside its segment. "/" has no segment; "/a/" has two, "a" and "".
 * Errors: INVALID not beginning with /, an escape that is none, or NUL; TOO_LARGE more than TARGET_SEGMENTS_MAX. */
MUST_USE err_t target_split_path(slice path, struct arena *a, struct target_path *ret);

/* Decode a piece of a path that keeps its slashes: an S3 key. Errors: INVALID as above. */
MUST_USE err_t target_decode(slice encoded, struct arena *a, slice *ret);

struct query_param {
    slice name, value;         /* decoded, + is a blank; value is empty without = */
    slice raw_name, raw_value; /* as sent: signatures are made over those */
};
struct query {
    const struct query_param *params; /* in the order sent, empty pieces left out */
    size_t count;
};

/* Errors: INVALID an escape that is none, or NUL; TOO_LARGE more than QUERY_PARAMS_MAX. */
MUST_USE err_t query_parse(slice raw, struct arena *a, struct query *ret);

/* The value of a parameter; false when there is none of that name. Several of one name: the first, unless `flags` says.
 */
enum { QUERY_LAST_WINS = 1, QUERY_NOCASE = 2 };
bool query_get(const struct query *q, slice name, unsigned flags, slice *ret_value);

/* A copy of a raw target, valid or not, without what would let a reader of logs in. Becomes ***: the value of every
 * parameter whose name contains token, signature, secret, key, password or credential or is code or policy (in any
 * case, escapes decoded), the segment behind /p/ (pre-authenticated prefixes), and user data in front of a host. */
slice target_redact(slice raw, struct arena *a);

#endif
