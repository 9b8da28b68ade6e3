/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts. Parts come in any order, several at once, and repeatedly; completing the upload composes them into
 * one object without moving a byte.
 *
 *     upload_create ──► part_put_open … part_put_finish (any number) ──► upload_complete ──► an entry
 *                                                              └───────► upload_abort, or it expires
 *
 * Parts are immutable: a part that is sent again is another object, which replaces the first. Completing is one write
 * that consumes the upload, so when two requests complete it at once, or one completes and another aborts it, one wins;
 * the loser's objects are released. Completing again has the same result as completing once.
 * Errors of every call: also UPLOAD_NOT_THERE (of that key, in that bucket): never created, completed, aborted,
 * or expired; UNAVAILABLE, NO_SPACE, CORRUPT of the stores. Thread: any. */
#ifndef CAIS_CORE_BUCKET_UPLOAD_H
#define CAIS_CORE_BUCKET_UPLOAD_H

#include "core/bucket/entry.h"
#include "core/records/upload.h"

#define UPLOAD_PARTS_MAX 10000

/* How a client names an upload: the name alone is not enough. */
struct upload_ref {
    const struct bucket *bucket;
    slice key, name;
};

struct upload_request {
    slice key, headers, tags; /* of the entry, as in struct entry_request */
    enum digest_kind digest;  /* that the parts have, and the entry will have */
    enum digest_form digest_form;
    int64_t lifetime_ms; /* it expires that long after now */
};
/* Errors: INVALID the key, or a digest whose form cannot be worked out from the parts; FORBIDDEN a guarded bucket. */
MUST_USE err_t upload_create(struct core *, const struct principal *who, const struct bucket *,
                             const struct upload_request *, struct arena *a, slice *ret_name);
/* Fit for a loop. */
MUST_USE err_t upload_get(struct core *, const struct upload_ref *, struct arena *a, struct upload *ret);

/* ---- parts ---- */

struct part_request {
    int64_t number; /* 1 to UPLOAD_PARTS_MAX */
    uint64_t max_bytes;
    int64_t exact_bytes; /* -1: not known */
    slice md5;
    enum digest_kind digest; /* of this part; DIGEST_NONE: that of the upload */
    bool
        keeps_crc64; /* if the upload asks for no digest: the object gets the CRC-64/NVME, worked out of those of all parts */
};
/* A part that is being put: like struct entry_put. */
struct part_put {
    struct intake *intake;
    /* Only for upload_part.c: */
    struct core *core;
    struct principal who;
    struct upload upload;
    struct part_request request;
    struct upload_part part;
    entry_done_fn *done;
    void *done_arg;
};
/* As entry_put_open. Errors: also INVALID the number; TOO_LARGE; QUOTA. Fit for a loop. */
MUST_USE err_t part_put_open(struct core *, const struct principal *who, const struct upload_ref *,
                             const struct part_request *, struct arena *a, struct part_put *put);
/* As entry_put_finish. Errors (through done): also UPLOAD_NOT_THERE the upload was completed or aborted meanwhile; then nothing
 * of the part is kept. */
void part_put_finish(struct part_put *put, entry_done_fn *done, void *arg);
void part_put_discard(struct part_put *put);

/* At most `limit` parts with numbers above `after`, by number. */
MUST_USE err_t upload_parts(struct core *, const struct upload *, int64_t after, size_t limit, struct arena *a,
                            struct upload_part_list *ret);

struct upload_list_request {
    slice prefix;     /* only keys that begin with it */
    slice after_key;  /* only uploads after this key, or of this key and after after_name; empty: from the start */
    slice after_name; /* the name of an upload of after_key; empty: no upload of after_key is listed */
    size_t limit;
};
/* The uploads of the bucket that have not expired, by key, then by age, without headers and tags. */
MUST_USE err_t upload_list(struct core *, const struct bucket *, const struct upload_list_request *, struct arena *a,
                           struct upload_list *ret);

/* ---- completing and ending ---- */

struct completed_part {
    int64_t number;
    slice etag;           /* without quotes */
    struct digest digest; /* kind DIGEST_NONE: not named */
};
struct complete_request {
    struct upload_ref upload;
    const struct completed_part *parts; /* in ascending order of numbers */
    size_t part_count;
    uint64_t part_min_bytes, max_bytes; /* 0: no limit */
    int64_t exact_bytes;                /* of the composite; -1: not declared */
    struct digest digest;               /* of the composite; kind DIGEST_NONE: not declared */
    struct entry_condition condition;
};
/* Make the entry of the upload out of the named parts. Parts that the request does not name are released.
 * Errors: the reasons REASON_UPLOAD_… and REASON_ENTRY_CONDITION of core/reasons.def; QUOTA. */
MUST_USE err_t upload_complete(struct core *, const struct principal *who, const struct complete_request *,
                               struct arena *a, struct entry *ret_entry);
MUST_USE err_t upload_abort(struct core *, const struct principal *who, const struct upload_ref *, struct arena *a);

/* End expired uploads, in one write: at most 50 of them, and fewer when they have many parts, since other writes wait for
 * this one. *ret_count: how many; 0: there are none left. */
MUST_USE err_t upload_purge_batch(struct core *, struct arena *a, size_t *ret_count);
struct job_run;
/* End every expired upload; while a backup runs (core/object/garbage.h), none. Reports the uploads ended to the run
 * (core/job.h; may be NULL) and ends when it is stopping. */
MUST_USE err_t upload_purge_due(struct core *, struct job_run *, struct arena *a);

#endif
