/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets, named spaces of keys, and who may do what in them. Each API calls bucket_find first, which authorises.
 *
 *   BUCKET_OPEN      belongs to an account. All of its active users may do everything in it; for users of other
 *                    accounts it is FORBIDDEN
 *   BUCKET_GUARDED   belongs to the server, which makes it from the configuration. Only the server's own key reads and
 *                    writes there, on behalf of a client that holds a form or link which that key signed. Keys are
 *                    issued one by one (entry_guard.h), and cannot be listed
 *
 * Errors with a reason are named as in core/reasons.def. Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the
 * store. Thread: any. */
#ifndef CAIS_CORE_BUCKET_BUCKET_H
#define CAIS_CORE_BUCKET_BUCKET_H

#include "core/core.h"
#include "core/records/bucket.h"

/* May a bucket have this name? 3 to 63 of a-z 0-9 . -, a letter or digit at both ends, no "..", and no IPv4 address. */
bool bucket_name_is_valid(slice name);

enum bucket_action { BUCKET_READ, BUCKET_WRITE, BUCKET_LIST, BUCKET_MANAGE };
/* The bucket of that name, if `who` may do `action` in it; without its CORS rules. Cached. Fit for a loop.
 * Errors: BUCKET_NOT_THERE; FORBIDDEN. */
MUST_USE err_t bucket_find(struct core *, const struct principal *who, slice name, enum bucket_action action,
                           struct arena *a, struct bucket *ret);
/* Is there a guarded bucket of that name? False also when it cannot be found out. Fit for a loop. */
bool bucket_is_guarded(struct core *, slice name);
/* Buckets of the account of `who`, by name, without their CORS rules. */
MUST_USE err_t bucket_list(struct core *, const struct principal *who, const struct bucket_range *, struct arena *a,
                           struct bucket_list *ret);
/* Errors: BUCKET_BAD_NAME; BUCKET_OWNED the account of `who` has a bucket of that name; BUCKET_TAKEN another has. */
MUST_USE err_t bucket_create(struct core *, const struct principal *who, slice name, struct arena *a);
/* Errors: as bucket_find; BUCKET_NOT_EMPTY. */
MUST_USE err_t bucket_remove(struct core *, const struct principal *who, slice name, struct arena *a);
/* Errors: as bucket_find; BUCKET_TOO_MANY_RULES more than 64 KiB. */
MUST_USE err_t bucket_set_cors(struct core *, const struct principal *who, slice name, slice cors, struct arena *a);
/* The CORS rules of a bucket, up to 64 KiB. Fit for a loop. Asks for no authorisation: a browser sends a preflight request without credentials.
 * Errors: BUCKET_NOT_THERE. */
MUST_USE err_t bucket_cors(struct core *, slice name, struct arena *a, slice *ret_cors);

/* The guarded bucket of that name, made if it does not exist; its owner is the operator. The rules for names do not
 * apply. For the start of the server. Errors: CONFLICT an account has a bucket of that name. */
MUST_USE err_t bucket_ensure(struct core *, slice name, struct arena *a, struct bucket *ret);

#endif
