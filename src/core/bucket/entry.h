/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: a key in a bucket names an object. Putting an entry replaces the one that has the key; a client that reads
 * the replaced object goes on reading it. When two clients put the same key at once, the one that commits last wins,
 * with its whole object.
 *
 * Buckets come from bucket_find, which authorised the caller.
 * Errors with a reason are named as in core/reasons.def. Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the
 * stores. Thread: any. */
#ifndef CAIS_CORE_BUCKET_ENTRY_H
#define CAIS_CORE_BUCKET_ENTRY_H

#include "core/bucket/bucket.h"
#include "core/object/content.h"
#include "core/object/intake.h"
#include "core/reasons.h"
#include "core/records/digest.h"
#include "core/records/entry.h"
#include "core/records/object.h"

#define ENTRY_HEADERS_MAX 16384 /* bytes of the headers, and of the tags */

/* What must be true of the existing entry at the instant of the change (RFC 9110 §13). Etags without quotes; "*"
 * matches any entry; empty: no condition. */
struct entry_condition {
    slice if_match, if_none_match;
};
/* "MD5", or "MD5-PARTS" for a composite of PARTS parts; in hex, without quotes. */
slice entry_etag(const struct entry *, struct arena *a);
/* The value of this header, of any case, of an entry that was read with its headers; empty: it has none. */
slice entry_header(const struct entry *, slice name);
/* Does the condition hold for the entry `there` (NULL: there is none)? Errors: REASON_ENTRY_CONDITION. */
MUST_USE err_t entry_check_condition(const struct entry_condition *, const struct entry *there, struct arena *a);

/* ---- putting ---- */

struct entry_request {
    slice key;
    slice headers; /* lines "Name: value", each ended by a newline */
    slice tags;    /* in a form that only the API reads */
    struct entry_condition condition;
    uint64_t max_bytes;      /* TOO_LARGE above it; 0: no limit */
    uint64_t min_bytes;      /* EMPTY below it */
    int64_t exact_bytes;     /* the length, if it is known before the first byte; -1: it is not */
    slice md5;               /* the 16 bytes that the sender declared; empty: none */
    enum digest_kind digest; /* to be computed and stored; DIGEST_NONE: none */
};
/* The entry that was put. The slices live until done returns. */
struct entry_stored {
    slice etag; /* without quotes */
    struct digest digest;
};
/* e is NULL: *stored is the entry that was put. Otherwise stored is NULL. Runs on the committer's thread, or on the
 * caller's before entry_put_finish returns; it must not block. */
typedef void entry_done_fn(void *arg, err_t e, const struct entry_stored *stored);

/* An entry that is being put. In a guarded bucket the guard must have handed the key out, and the bytes become those of
 * the file that the key names (entry_guard.h).
 *
 *     entry_put_open ──► intake_write(put->intake)* ──► entry_put_finish ──► done
 *                └───────────────┴────────────────────► entry_put_discard
 */
struct entry_put {
    struct intake *intake; /* for intake_write, and for intake_expect of a digest that comes after the bytes */
    /* Only for entry.c and the guard: */
    struct core *core;
    struct principal who;
    struct bucket bucket;
    struct entry_request request;
    const struct entry_guard *guard; /* in a guarded bucket: the one that knows the key; else NULL */
    int64_t file_id;                 /* of that guard: whose bytes these become */
    unsigned char uuid[16];          /* of that guard: for the file that it makes of them */
    struct entry entry;
    entry_done_fn *done;
    void *done_arg;
};
/* `put`, and everything that the request and `who` point to, must live until done runs, or until entry_put_discard. Fit
 * for a loop.
 * Errors: INVALID the key; ENTRY_CONDITION (entry_put_finish checks it again); TOO_LARGE; NO_SPACE; QUOTA. In a guarded
 * bucket also FORBIDDEN: the guard does not permit bytes under this key now (an upload that began in time may end
 * later); TOO_LARGE or EMPTY: exact_bytes is not the length that was permitted. */
MUST_USE err_t entry_put_open(struct core *, const struct principal *who, const struct bucket *,
                              const struct entry_request *, struct arena *a, struct entry_put *put);
/* As intake_finish. Errors (through done): ENTRY_CONDITION; DIGEST; TRUNCATED; TOO_LARGE; EMPTY fewer bytes than
 * min_bytes, or than were permitted; FORBIDDEN the permission ended meanwhile; BUCKET_NOT_THERE it was removed; QUOTA;
 * NO_SPACE; UNAVAILABLE. */
void entry_put_finish(struct entry_put *put, entry_done_fn *done, void *arg);
void entry_put_discard(struct entry_put *put);

/* ---- reading ---- */

/* Errors: ENTRY_NOT_THERE. Fit for a loop. */
MUST_USE err_t entry_get(struct core *, const struct bucket *, slice key, struct arena *a, struct entry *ret);
/* The entry and its bytes. In a guarded bucket the only header of an entry is Content-Type. Errors: ENTRY_NOT_THERE; CORRUPT
 * the bytes are missing. It may take some 10 ms, if the object has 10,000 parts. */
MUST_USE err_t entry_open(struct core *, const struct bucket *, slice key, struct arena *a, struct entry *ret,
                          struct content *ret_content);
/* The same, fit for a loop: an object of many parts is not opened, and ret_content->is_unopened says so. Then call
 * entry_open on another thread. */
MUST_USE err_t entry_open_quickly(struct core *, const struct bucket *, slice key, struct arena *a, struct entry *ret,
                                  struct content *ret_content);
/* The parts of a composite, in their order; none of an object that is no composite. */
MUST_USE err_t entry_parts(struct core *, const struct entry *, struct arena *a, struct object_part_list *ret);
/* Part `number` (from 1) of a composite: where it begins, its length and its digest. Of an object that is no composite, part 1 is
 * all of it. Errors: ENTRY_NO_PART. */
MUST_USE err_t entry_part(struct core *, const struct entry *, int64_t number, struct arena *a,
                          struct object_part *ret);

/* ---- changing ---- */

struct entry_removal {
    slice key;
    struct entry_condition condition;
    bool
        only_visible; /* an entry that `who` does not see (entry_view.h) is none. Read again in the write, as the rights of `who` are */
    bool refused; /* set by entry_remove_many: the condition does not hold, so the entry stays */
};
/* Removing a key that no entry has is success, and *ret_existed is false. Errors: ENTRY_CONDITION;
 * FORBIDDEN a guarded bucket. With only_visible also those of grant_recheck_maker_in. */
MUST_USE err_t entry_remove(struct core *, const struct principal *who, const struct bucket *,
                            const struct entry_removal *, struct arena *a, bool *ret_existed);
/* Remove many keys, in a few short writes: each takes 150 keys, or fewer when the entries have many parts. A condition that does not hold keeps
 * its entry and no other. After an error some of the entries may be gone, and the call may be repeated. Errors: FORBIDDEN
 * a guarded bucket. */
MUST_USE err_t entry_remove_many(struct core *, const struct principal *who, const struct bucket *,
                                 struct entry_removal *removals, size_t count, struct arena *a);
/* Errors: ENTRY_NOT_THERE; TOO_LARGE; FORBIDDEN a guarded bucket. */
MUST_USE err_t entry_set_tags(struct core *, const struct principal *who, const struct bucket *, slice key, slice tags,
                              struct arena *a);
struct entry_copy {
    const struct bucket *from, *to;
    slice from_key, to_key;
    struct entry_condition source_condition;        /* for the entry at from_key */
    struct entry_condition condition;               /* for the entry at to_key */
    int64_t modified_since_ms, unmodified_since_ms; /* conditions for the source; 0: none */
    bool keeps_headers, keeps_tags;                 /* copy them from the source, and ignore the two members below */
    slice headers, tags;
    struct digest
        digest; /* of the bytes of digest_of, which must be the object of the source; DIGEST_NONE: that of the source */
    int64_t digest_of;
};
/* Make a new entry that names the object of another: no byte is copied. The caller is authorised to read the source and
 * to write the target. Errors: ENTRY_NOT_THERE no source; UNAVAILABLE it is not digest_of any more; ENTRY_CONDITION; INVALID to_key; QUOTA; FORBIDDEN a guarded
 * bucket. */
MUST_USE err_t entry_copy(struct core *, const struct principal *who, const struct entry_copy *, struct arena *a,
                          struct entry *ret);

/* ---- listing ---- */

/* Called for each item in ascending order of keys. An item is either an entry, without headers, tags and upload, or a
 * common prefix, which stands for all keys that begin with it; then entry is NULL. The slices live for the call.
 * *ret_full = true: the visitor has no room for this item, so the list ends in front of it. */
typedef err_t entry_visit_fn(void *arg, const struct entry *entry, slice common_prefix, bool *ret_full);

struct entry_list_request {
    slice prefix, delimiter; /* may be empty */
    slice after;             /* only items after this key or common prefix; empty: from the start */
    size_t limit;            /* at most so many items */
    entry_visit_fn *visit;
    void *arg;
};
struct entry_list_end {
    bool more;  /* there are items after the last one that was visited */
    slice last; /* the key or common prefix that was visited last, in `a`: `after` of the next page */
};
/* Visit the keys that begin with prefix. Keys that have the delimiter after the prefix become one common prefix, which
 * ends with the delimiter. Uses constant memory, whatever the number of keys. Not on a loop: it reads as many rows as
 * it shows, and needs one look-up for each common prefix. Errors: also those of visit, which end the listing. */
MUST_USE err_t entry_list(struct core *, const struct bucket *, const struct entry_list_request *, struct arena *a,
                          struct entry_list_end *ret);

#endif
