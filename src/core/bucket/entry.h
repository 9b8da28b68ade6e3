/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in buckets: a key names an object. Putting replaces: readers of the old object go on reading it, and of two
 * writers of one key the one that commits last stays, whole.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores.
 * Buckets come from bucket_find, which authorised the caller. */
#ifndef CAIS_CORE_BUCKET_ENTRY_H
#define CAIS_CORE_BUCKET_ENTRY_H

#include "core/bucket/bucket.h"
#include "core/object/content.h"
#include "core/object/intake.h"
#include "core/records/digest.h"
#include "core/records/entry.h"

#define ENTRY_KEY_MAX 1024      /* bytes */
#define ENTRY_HEADERS_MAX 16384 /* bytes of headers, and of tags */

/* What must hold of the entry that is there, at the instant of the change (RFC 9110 §13). Etags without quotes; "*"
 * any. Empty: no condition. */
struct entry_condition {
    slice if_match, if_none_match;
};
/* "md5", or "md5-parts" of one that was put together; without quotes. */
slice entry_etag(const struct entry *, struct arena *a);
/* Does the condition hold for the entry `there` (NULL: there is none)? Errors: CONFLICT it does not. */
MUST_USE err_t entry_check_condition(const struct entry_condition *, const struct entry *there, struct arena *a);

/* ---- putting ---- */

struct entry_request {
    slice key;
    slice headers, tags; /* headers: lines "Name: value", each ended by a newline; tags as the API likes */
    struct entry_condition condition;
    uint64_t max_bytes;      /* TOO_LARGE above it; 0: no limit */
    uint64_t min_bytes;      /* EMPTY below it */
    int64_t exact_bytes;     /* -1: not known */
    slice md5;               /* 16 bytes the sender declared; empty: none */
    enum digest_kind digest; /* to be computed and kept; DIGEST_NONE: none */
};
/* What was put. Slices live until done returns. */
struct entry_stored {
    slice etag; /* without quotes */
    struct digest digest;
};
typedef void entry_done_fn(void *arg, err_t e, const struct entry_stored *);

/* One entry on its way in. In a guarded bucket the guard must have handed the key out: the bytes become those of the
 * file that the key names (entry_guard.h).
 *
 *     entry_put_open ──► intake_write(put->intake)* ──► entry_put_finish ──► done
 *                └───────────────┴────────────────────► entry_put_discard
 */
struct entry_put {
    struct intake *intake; /* digests that turn up late: intake_expect */
    /* entry.c's: */
    struct core *core;
    struct principal who;
    struct bucket bucket;
    struct entry_request request;
    int64_t file_id; /* in a guarded bucket: the file whose bytes these become; else 0 */
    struct entry entry;
    entry_done_fn *done;
    void *done_arg;
};
/* `put` and everything that order and who point to must live until done, or discard. Fit for a loop.
 * Errors: INVALID key; PRECONDITION as CONFLICT (looked at again at the end); TOO_LARGE; NO_SPACE; QUOTA. In a guarded
 * bucket also FORBIDDEN: the guard does not permit bytes under this key now (an upload that began in time may end after
 * it); TOO_LARGE or EMPTY: exact_bytes is not the length that was permitted. */
MUST_USE err_t entry_put_open(struct core *, const struct principal *who, const struct bucket *,
                              const struct entry_request *, struct arena *a, struct entry_put *put);
/* As intake_finish. Errors (through done): CONFLICT the condition does not hold; DIGEST; TRUNCATED; TOO_LARGE; EMPTY
 * fewer than min_bytes, or than were permitted; FORBIDDEN the permission ended meanwhile; NOT_FOUND the bucket has
 * gone; QUOTA; NO_SPACE; UNAVAILABLE. */
void entry_put_finish(struct entry_put *put, entry_done_fn *done, void *arg);
void entry_put_discard(struct entry_put *put);

/* ---- reading ---- */

/* Errors: NOT_FOUND. Fit for a loop. */
MUST_USE err_t entry_get(struct core *, const struct bucket *, slice key, struct arena *a, struct entry *ret);
/* With its bytes. In a guarded bucket the entry has no headers but
 * Content-Type. Errors: NOT_FOUND; CORRUPT. Fit for a loop. */
MUST_USE err_t entry_open(struct core *, const struct bucket *, slice key, struct arena *a, struct entry *ret,
                          struct content *ret_content);
/* Where part `number` (from 1) of what was put together lies; of what was put whole, part 1 is all of it.
 * Errors: NOT_FOUND no such part. */
MUST_USE err_t entry_part(struct core *, const struct entry *, int64_t number, struct arena *a, uint64_t *ret_offset,
                          uint64_t *ret_bytes);

/* ---- changing ---- */

/* Gone before is success (ret_was false). Errors: CONFLICT the condition does not hold; FORBIDDEN in a
 * guarded bucket. */
MUST_USE err_t entry_remove(struct core *, const struct principal *who, const struct bucket *, slice key,
                            const struct entry_condition *, struct arena *a, bool *ret_was);
/* Many at once, in one write, or in several when they have many parts. ret_errors[i] NULL: it is gone. Errors: those of
 * a write as a whole; some may be gone then, and the same may be asked again. */
MUST_USE err_t entry_remove_many(struct core *, const struct principal *who, const struct bucket *, const slice *keys,
                                 size_t count, struct arena *a, err_t *ret_errors);
/* Errors: NOT_FOUND; TOO_LARGE. */
MUST_USE err_t entry_set_tags(struct core *, const struct principal *who, const struct bucket *, slice key, slice tags,
                              struct arena *a);
/* A new entry that names the same object: no byte is copied. The caller authorised reading the source and writing the
 * target. source_condition is about the source, condition about the target. keeps_headers: those of the source, tags
 * alike by keeps_tags. Errors: NOT_FOUND the source; CONFLICT a condition; INVALID key; QUOTA; FORBIDDEN guarded. */
struct entry_copy {
    const struct bucket *from, *to;
    slice from_key, to_key;
    struct entry_condition source_condition, condition;
    int64_t modified_since_ms, unmodified_since_ms; /* of the source; 0: no matter */
    bool keeps_headers, keeps_tags;
    slice headers, tags;
};
MUST_USE err_t entry_copy(struct core *, const struct principal *who, const struct entry_copy *, struct arena *a,
                          struct entry *ret);

/* ---- listing ---- */

struct entry_list_request {
    slice prefix, delimiter; /* may be empty */
    slice after;             /* only what comes after this key, or common prefix; empty: from the start */
    size_t most;
};
/* Called for each in the order of keys: either an entry (as meta_entry_each fills it), or a common prefix, which stands
 * for all keys that begin with it. Slices live for the call. */
typedef err_t entry_visit_fn(void *arg, const struct entry *, slice common_prefix);
/* Constant memory, whatever the number of keys. ret_more: there are more; ret_last is the last key or common prefix
 * that was visited (in `a`): `after` of the next page. For a worker: it reads as many rows as it shows, and one look-up
 * for each common prefix. */
MUST_USE err_t entry_list(struct core *, const struct bucket *, const struct entry_list_request *, struct arena *a,
                          entry_visit_fn *visit, void *arg, bool *ret_more, slice *ret_last);

#endif
