/* SPDX-License-Identifier: Apache-2.0 */
/* Permission to send any number of files to a dataset, for some time, to URLs that begin with a secret. Whoever has the
 * secret may send: the server keeps only its SHA-256. The permission ends when it expires or is revoked, when its owner is
 * disabled, when the key is revoked with which the owner asked for it, and when that key may no longer send files.
 *
 * Permissions are independent of each other. Their records stay for a week after they expired, so that a client can ask.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. */
#ifndef CAIS_CORE_DATASET_PREFIX_H
#define CAIS_CORE_DATASET_PREFIX_H

#include "core/core.h"
#include "core/grant.h"
#include "core/reasons.h"
#include "core/records/dataset.h"

struct job_run;

#define PREFIX_SECRET_LENGTH 43 /* letters and digits: 62^43 is 256 bits */

/* The slices live until done returns. */
struct prefix_issued {
    struct upload_prefix prefix;
    slice secret; /* PREFIX_SECRET_LENGTH letters and digits; it is known to nobody after this */
    slice slug;   /* of the dataset */
};
typedef void prefix_done_fn(void *arg, err_t e, const struct prefix_issued *);
struct prefix_request {
    slice slug;
    int64_t lifetime_ms;
};
/* Writes the record, then calls done on the committer's thread, where it must not block. The request, `who`, and what they
 * point to must live until then. When the request is refused before it is submitted, done is called before this returns.
 * Fit for a loop.
 * Errors (through done): DATASET_NOT_THERE; QUOTA. */
void prefix_issue(struct core *, const struct principal *who, const struct prefix_request *, prefix_done_fn *done,
                  void *arg);

/* What a secret permits now. */
struct prefix_use {
    struct upload_prefix prefix;
    struct dataset dataset;
    struct principal owner; /* as whom files are sent; its grant names the key with which the owner asked */
};
/* Fit for a loop.
 * Errors: DATASET_NO_PREFIX in every case; its cause says which, for the log. */
MUST_USE err_t prefix_open(struct core *, slice secret, struct arena *a, struct prefix_use *ret);

/* A body that began in time may come for an hour after the permission expired. */
#define PREFIX_GRACE_MS ((int64_t)3600 * 1000)
/* What let a body in, for as long as it comes. */
struct prefix_watch {
    int64_t prefix_id, dataset_id;
    int64_t ends_at_ms;
    uint64_t generation; /* of the store, in which the records were last read */
    struct grant grant;
};
struct prefix_watch prefix_watch_begin(const struct prefix_use *);
/* May the body go on? Cheap while no record was changed; fit for a loop; one caller at a time.
 * Errors: DATASET_NO_PREFIX; REVOKED, BLOCKED of the grant; all of them static. A store that does not answer is no error here. */
MUST_USE err_t prefix_recheck(struct core *, struct prefix_watch *);

struct prefix_info {
    struct upload_prefix prefix;
    slice slug;
    int64_t files; /* that were sent under it */
    bool is_valid;
};
/* Only reads: fit for a loop. Errors: DATASET_NO_PREFIX there is none of that id in the account, or its dataset was removed. */
MUST_USE err_t prefix_info(struct core *, const struct principal *who, int64_t id, struct arena *a,
                           struct prefix_info *ret);
/* What was begun under it may not end. Revoking it again is no error. Errors: as prefix_info. Thread: any that may block. */
MUST_USE err_t prefix_revoke(struct core *, const struct principal *who, int64_t id, struct arena *a);

/* Forgets permissions that expired more than a week ago. Thread: any that may block. */
MUST_USE err_t prefix_forget_expired(struct core *, struct job_run *, struct arena *a);

#endif
