/* SPDX-License-Identifier: Apache-2.0 */
/* The request target: the part of the request line between the method and the version.
 * Spec: RFC 9112 §3.2 (forms), RFC 3986 §3.3 (path), WHATWG URL "application/x-www-form-urlencoded" (query).
 * Nothing is normalised: an empty segment, "." and ".." are ordinary names, because S3 keys may contain them. So never
 * append such a path to a path in a file system. */
#ifndef CAIS_HTTP_TARGET_H
#define CAIS_HTTP_TARGET_H

#include "base/err.h"

#define TARGET_SEGMENTS_MAX 1024
#define QUERY_PARAMS_MAX 1000

/* Slices of the target as it was sent, still encoded. */
struct target {
    slice scheme, host; /* absolute-form only, else empty; host is host[:port] */
    slice path;         /* begins with /, or is "*" */
    slice query;        /* what follows the first ? */
};

/* Split a target. Errors: INVALID neither origin-form, absolute-form (http, https) nor "*"; bytes that must be percent-encoded (control
 * characters, blanks, those above 0x7f), a fragment, user information in the host. The engine limits the length. */
MUST_USE err_t target_parse(slice raw, struct arena *a, struct target *ret);
/* The host, if it is valid, and the path of any target, valid or not, to find who owns it. The path ends before a query or a fragment;
 * empty: there is none. */
struct target target_loosely(slice raw);

struct target_path {
    const slice *segments; /* decoded; in the arena, or pointing into the path */
    size_t count;
};

/* Split a path at / and then decode, so that %2F stays inside its segment. "/" has no segment; "/a/" has two, "a" and
 * "".
 * Errors: INVALID the path does not begin with /, or has a malformed escape or a NUL; TOO_LARGE it has more than
 * TARGET_SEGMENTS_MAX segments. */
MUST_USE err_t target_split_path(slice path, struct arena *a, struct target_path *ret);

/* Decode a part of a path without splitting it, such as an S3 key. Errors: INVALID a malformed escape, or a NUL. */
MUST_USE err_t target_decode(slice encoded, struct arena *a, slice *ret);

struct query_param {
    slice name, value;         /* decoded, + is a blank; value is empty without = */
    slice raw_name, raw_value; /* as sent: signatures cover these */
};
struct query {
    const struct query_param *params; /* in the order in which they were sent, without empty ones */
    size_t count;
};

/* Parse a query. Errors: INVALID a malformed escape, or a NUL; TOO_LARGE more than QUERY_PARAMS_MAX parameters. */
MUST_USE err_t query_parse(slice raw, struct arena *a, struct query *ret);

/* The value of the parameter with that name; false when there is none. If there are several, the first, or with
 * QUERY_LAST_WINS the last. QUERY_NOCASE ignores the case of ASCII letters in the name. */
enum { QUERY_LAST_WINS = 1, QUERY_NOCASE = 2 };
bool query_get(const struct query *q, slice name, unsigned flags, slice *ret_value);

/* A copy of a raw target, valid or not, for the log: without anything that gives access. *** replaces the value of
 * every parameter whose name contains token, signature, secret, key, password, credential, csrf, cookie or session, or is
 * code, policy or sig (in any case, with escapes decoded); the segment after /p/ (pre-authenticated prefixes); and user
 * information before a host. */
slice target_redact(slice raw, struct arena *a);

#endif
