/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of buckets. */
#ifndef CAIS_CORE_STORE_ENTRY_STORE_H
#define CAIS_CORE_STORE_ENTRY_STORE_H

#include "core/records/entry.h"
#include "core/records/object.h"
#include "core/store/transaction.h"

/* Puts a new entry, or replaces the one with that key; then ret_old_object_id (0: there was none) is the caller's to
 * release (it may be the new one's, too), and ret_old_bytes is what it held. NOT_FOUND: there is no such bucket. */
MUST_USE err_t meta_entry_put(struct meta_tx *, const struct entry *, struct arena *a, int64_t *ret_old_object_id,
                              uint64_t *ret_old_bytes);
MUST_USE err_t meta_entry_get(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a, struct entry *ret);
/* With its object, inline bytes too, in one look-up: what a download needs. */
MUST_USE err_t meta_entry_with_object(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a,
                                      struct entry *ret_entry, struct object *ret_object);
MUST_USE err_t meta_entry_set_tags(struct meta_tx *, int64_t bucket_id, slice key, slice tags, struct arena *a);
/* Removes the record, not the object. */
MUST_USE err_t meta_entry_remove(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a);
/* Keys in ascending order of bytes: those at or after `from` (from_after: only after it) and, when `before` is not
 * empty, below `before`. visit is called for each until it says *ret_stop or there are no more; headers, tags and
 * upload are not filled. The slices live for the call. Constant memory. */
struct entry_range {
    int64_t bucket_id;
    slice from;
    bool from_after;
    slice before;
};
MUST_USE err_t meta_entry_each(struct meta_tx *, const struct entry_range *, struct arena *a,
                               err_t (*visit)(void *arg, const struct entry *, bool *ret_stop), void *arg);

#endif
