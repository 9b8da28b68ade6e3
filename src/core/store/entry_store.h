/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of buckets. */
#ifndef CAIS_CORE_STORE_ENTRY_STORE_H
#define CAIS_CORE_STORE_ENTRY_STORE_H

#include "core/records/entry.h"
#include "core/records/object.h"
#include "core/store/transaction.h"

/* What an entry replaced: zeros when there was none of its key. */
struct replaced_entry {
    int64_t object_id; /* for the caller to release; it may be the object of the new entry, too */
    uint64_t size_bytes;
    int64_t record_size; /* core/records/record_size.h */
    int64_t owner_id;
};
/* Adds an entry, or replaces the one with that key. NOT_FOUND when the bucket does not exist. */
MUST_USE err_t meta_entry_put(struct meta_tx *, const struct entry *, struct arena *a, struct replaced_entry *ret);
MUST_USE err_t meta_entry_get(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a, struct entry *ret);
/* What a download needs, in one look-up: the entry and its object with inline bytes. CORRUPT when the object is
 * missing. */
MUST_USE err_t meta_entry_with_object(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a,
                                      struct entry *ret_entry, struct object *ret_object);
/* Expects that the entry has old_tags now, which the caller has counted: NOT_FOUND when another write was faster. */
MUST_USE err_t meta_entry_set_tags(struct meta_tx *, int64_t bucket_id, slice key, slice old_tags, slice tags,
                                   struct arena *a);
/* Removes the entry and leaves the object. NOT_FOUND when the key has no entry, or one with another object. */
MUST_USE err_t meta_entry_remove(struct meta_tx *, int64_t bucket_id, slice key, int64_t object_id, struct arena *a);

struct entry_range {
    int64_t bucket_id;
    slice from;      /* the first key */
    bool from_after; /* begin after `from` instead of at it */
    slice before;    /* the key at which to end; empty: the end of the bucket */
};
/* Calls `visit` for each entry of the range, by key, ascending byte by byte, until `visit` sets *ret_stop or returns an
 * error. The entry has no headers, tags and upload, and its slices live for the call. Needs constant memory. */
MUST_USE err_t meta_entry_each(struct meta_tx *, const struct entry_range *, struct arena *a,
                               err_t (*visit)(void *arg, const struct entry *, bool *ret_stop), void *arg);

#endif
