/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts: parts come in any order, at once, and again; completing puts them together without moving a byte.
 *
 *     upload_create ──► part_put_open … part_put_finish (any number) ──► upload_complete ──► an entry
 *                                                         └────────────► upload_abort, or its time runs out
 *
 * Parts are immutable: one that is sent again is another object that takes the place of the first. Completing is one
 * transaction that consumes the upload, so of two of them, or of complete and abort, one wins; what the loser left goes
 * by reference. Completing twice is answered like once.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores; NOT_FOUND no such upload (of that key, in
 * that bucket): never created, completed, aborted, or its time is over. */
#ifndef CAIS_CORE_BUCKET_UPLOAD_H
#define CAIS_CORE_BUCKET_UPLOAD_H

#include "core/bucket/entry.h"
#include "core/records/upload.h"

#define UPLOAD_PARTS_MAX 10000

struct upload_request {
    slice key, headers, tags;
    enum digest_kind digest;
    enum digest_form digest_form;
    int64_t lifetime_ms;
};
/* Errors: INVALID key; FORBIDDEN a guarded bucket. */
MUST_USE err_t upload_create(struct core *, const struct principal *who, const struct bucket *,
                             const struct upload_request *, struct arena *a, slice *ret_name);
MUST_USE err_t upload_get(struct core *, const struct bucket *, slice key, slice name, struct arena *a,
                          struct upload *ret);

struct part_request {
    int64_t number; /* 1..UPLOAD_PARTS_MAX */
    uint64_t max_bytes;
    int64_t exact_bytes; /* -1: not known */
    slice md5;
    enum digest_kind digest; /* of this part; DIGEST_NONE: that of the upload */
};
/* Like struct entry_put. */
struct part_put {
    struct intake *intake;
    struct core *core;
    struct principal who;
    struct upload upload;
    struct part_request request;
    struct upload_part part;
    entry_done_fn *done;
    void *done_arg;
};
/* Errors: also INVALID number; TOO_LARGE; QUOTA. Fit for a loop. */
MUST_USE err_t part_put_open(struct core *, const struct principal *who, const struct bucket *, slice key, slice name,
                             const struct part_request *, struct arena *a, struct part_put *put);
/* Errors (through done): also NOT_FOUND the upload was completed or aborted meanwhile: nothing is kept. */
void part_put_finish(struct part_put *put, entry_done_fn *done, void *arg);
void part_put_discard(struct part_put *put);

/* By number, those after `after`. */
MUST_USE err_t upload_parts(struct core *, const struct upload *, int64_t after, size_t most, struct arena *a,
                            struct upload_part **ret, size_t *ret_count);
/* By key, then by age: as meta_upload_list; after_name is the name of an upload of after_key, or empty. */
MUST_USE err_t upload_list(struct core *, const struct bucket *, slice prefix, slice after_key, slice after_name,
                           size_t most, struct arena *a, struct upload **ret, size_t *ret_count);

enum upload_refusal {
    UPLOAD_NO_REFUSAL,
    UPLOAD_NOT_THERE,      /* NOT_FOUND */
    UPLOAD_NO_PARTS,       /* EMPTY */
    UPLOAD_BAD_PART,       /* INVALID: never came, or has another etag or digest than the one named */
    UPLOAD_BAD_ORDER,      /* INVALID: numbers must ascend */
    UPLOAD_PART_TOO_SMALL, /* TOO_LARGE is for bodies: INVALID; all parts but the last have at least part_min_bytes */
    UPLOAD_BAD_DIGEST,     /* DIGEST: the whole has another digest than the one declared */
    UPLOAD_BAD_SIZE,       /* DIGEST: the whole has another length than the one declared */
    UPLOAD_CONDITION,      /* CONFLICT */
    UPLOAD_TOO_LARGE,      /* TOO_LARGE: more than max_bytes together */
    UPLOAD_REFUSAL_COUNT
};
struct completed_part {
    int64_t number;
    slice etag;           /* without quotes */
    struct digest digest; /* kind DIGEST_NONE: not named */
};
struct complete_request {
    slice key, name;
    const struct completed_part *parts;
    size_t part_count;
    uint64_t part_min_bytes, max_bytes; /* 0: no bound */
    int64_t exact_bytes;                /* of the whole; -1: not declared */
    struct digest digest;               /* of the whole as declared; kind DIGEST_NONE: not declared */
    struct entry_condition condition;
};
/* ret_entry is that of the entry. Parts that came and are not named go. Errors: those of enum upload_refusal, named in
 * *ret_why, which is set on every way out; QUOTA. */
MUST_USE err_t upload_complete(struct core *, const struct principal *who, const struct bucket *,
                               const struct complete_request *, struct arena *a, enum upload_refusal *ret_why,
                               struct entry *ret_entry);
MUST_USE err_t upload_abort(struct core *, const struct principal *who, const struct bucket *, slice key, slice name,
                            struct arena *a);
/* End uploads whose time is over, in one write: at most 50 of them, and fewer when they have many parts, since other
 * writes wait for this one. *ret_count: how many; 0: there are none left. */
MUST_USE err_t upload_purge_batch(struct core *, struct arena *a, size_t *ret_count);
/* End every upload whose time is over; while a backup runs (core/object/garbage.h), none. *ret_count is set, to the
 * number of uploads ended, also when an error ends the work early. */
MUST_USE err_t upload_purge_due(struct core *, struct arena *a, int64_t *ret_count);

#endif
