/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: named spaces of keys, and who may do what in them. Every way in asks bucket_find, which authorises.
 *
 *   BUCKET_OPEN      belongs to an account: all its active users may do everything in it; to others it is FORBIDDEN
 *   BUCKET_GUARDED   belongs to the server, which makes it from the configuration. Only the server's own key reads and
 *                    writes there, on behalf of a client that holds a form or link which that key signed. Keys are
 *                    handed out one by one (entry_guard.h), and nobody lists them
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. */
#ifndef CAIS_CORE_BUCKET_BUCKET_H
#define CAIS_CORE_BUCKET_BUCKET_H

#include "core/core.h"
#include "core/records/bucket.h"

/* May a bucket have this name? 3..63 of a-z 0-9 . -, letter or digit at both ends, no "..", no IPv4 address, and no
 * beginning or end that clients take for another kind of name. */
bool bucket_name_is_valid(slice name);

enum bucket_action { BUCKET_READ, BUCKET_WRITE, BUCKET_LIST, BUCKET_MANAGE };
/* The bucket, if `who` may do that in it. Fit for a loop; cached.
 * Errors: NOT_FOUND no bucket of that name; FORBIDDEN. */
MUST_USE err_t bucket_find(struct core *, const struct principal *who, slice name, enum bucket_action, struct arena *a,
                           struct bucket *ret);
/* Those of the account of `who`, by name. */
MUST_USE err_t bucket_list(struct core *, const struct principal *who, struct arena *a, struct bucket **ret,
                           size_t *ret_count);
/* Errors: INVALID name; CONFLICT the account has it already (ret_own true), or somebody else (false). */
MUST_USE err_t bucket_create(struct core *, const struct principal *who, slice name, struct arena *a, bool *ret_own);
/* Errors: as bucket_find; CONFLICT it is not empty. */
MUST_USE err_t bucket_remove(struct core *, const struct principal *who, slice name, struct arena *a);
/* Errors: as bucket_find; TOO_LARGE above 64 KiB. */
MUST_USE err_t bucket_set_cors(struct core *, const struct principal *who, slice name, slice cors, struct arena *a);
/* What a browser's question before a request needs, asked by nobody in particular. Errors: NOT_FOUND. */
MUST_USE err_t bucket_cors(struct core *, slice name, struct arena *a, slice *ret_cors);

/* A bucket of the server itself, made when it is not there; its owner is the operator. Skips the naming rules. At
 * start. Errors: CONFLICT the name is an account's. */
MUST_USE err_t bucket_ensure(struct core *, slice name, struct arena *a, struct bucket *ret);

#endif
