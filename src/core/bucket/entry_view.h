/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as users see them beside their files (core/file/file.h), and by the same rule: a user sees its own entries in the
 * open buckets of its account; an administrator of the account and the operator see all of them. Any other entry is
 * ENTRY_NOT_THERE, as if it did not exist. A guarded bucket has none: what its guards hand out are files.
 *
 * Who may work in a bucket is another question: bucket.h.
 *
 * Errors of every call: also UNAVAILABLE, CORRUPT of the stores. Thread: any. */
#ifndef CAIS_CORE_BUCKET_ENTRY_VIEW_H
#define CAIS_CORE_BUCKET_ENTRY_VIEW_H

#include "core/bucket/entry.h"
#include "core/core.h"
#include "core/object/content.h"
#include "core/reasons.h"
#include "core/records/entry.h"

struct entry_address {
    slice bucket, key;
};
struct entry_view {
    slice bucket;
    struct entry entry; /* from a list: without headers, tags and upload */
    slice owner_login;  /* empty: the user has no record any more */
    /* Only from entry_view_get, of a composite: the bytes of each part. */
    const uint64_t *part_sizes;
    size_t part_count;
};

/* ---- all entries, by bucket and key ---- */

/* The slices live for the call. *ret_full = true: there is no room for this entry, so the list ends in front of it. */
typedef err_t entry_view_fn(void *arg, const struct entry_view *, bool *ret_full);

#define ENTRY_VIEW_WORK_MAX 10000 /* what one page may take: some 7 ms */

struct entry_view_request {
    struct entry_address
        only; /* only in that bucket, and there only keys that begin with `key`; without a bucket: all */
    struct entry_address after; /* only entries after this key of its bucket, and those of later buckets; empty: all */
    int64_t owner_id;           /* only of this user; 0: of any */
    size_t limit;               /* at most so many entries */
    size_t work;                /* look at so many entries and buckets at most: those of others count, too */
    entry_view_fn *visit;
    void *arg;
};
struct entry_view_end {
    bool more;                 /* there may be others … */
    struct entry_address last; /* … after this one, in `a` */
    size_t work;               /* how much of it is left */
};
/* Visit the entries that `who` may see, by the name of their bucket, then by key. Uses constant memory. Not on a loop.
 * Errors: ENTRY_NOT_THERE there is no bucket only.bucket; also those of visit, which end the list. */
MUST_USE err_t entry_view_list(struct core *, const struct principal *who, const struct entry_view_request *,
                               struct arena *a, struct entry_view_end *ret);

/* ---- one entry ---- */

/* Errors: ENTRY_NOT_THERE. */
MUST_USE err_t entry_view_get(struct core *, const struct principal *who, const struct entry_address *, struct arena *a,
                              struct entry_view *ret);
/* The entry with its headers, and its bytes. Not on a loop: as entry_open. Errors: ENTRY_NOT_THERE; CORRUPT the bytes are
 * missing. */
MUST_USE err_t entry_view_open(struct core *, const struct principal *who, const struct entry_address *,
                               struct arena *a, struct entry *ret, struct content *ret_content);
/* Remove an entry that `who` sees; to others than its owner, and administrators, it is not there. What it names goes as with entry_remove.
 * Errors: ENTRY_NOT_THERE; ENTRY_CONDITION; REVOKED, BLOCKED, FORBIDDEN the rights of `who` have ended meanwhile. */
MUST_USE err_t entry_view_remove(struct core *, const struct principal *who, const struct entry_address *,
                                 const struct entry_condition *, struct arena *a);

#endif
