/* SPDX-License-Identifier: Apache-2.0 */
/* Objects, their parts, and the list of blobs whose bytes may be removed. */
#ifndef CAIS_CORE_STORE_OBJECT_STORE_H
#define CAIS_CORE_STORE_OBJECT_STORE_H

#include "core/records/object.h"
#include "core/store/transaction.h"

/* Inline bytes are written when blob_key is empty. */
MUST_USE err_t meta_object_add(struct meta_tx *, const struct object *, struct arena *a, int64_t *ret_id);
/* With inline bytes (copied into `a`). */
MUST_USE err_t meta_object_get(struct meta_tx *, int64_t id, struct arena *a, struct object *ret);
/* One that is put together from `count` objects, in this order. size_bytes, part_count and the offsets are worked out
 * here from the parts; account, md5 and time are the caller's. An object may be several of the parts.
 * Errors: EMPTY no parts; NOT_FOUND one of them; INVALID one is put together itself; TOO_LARGE together. */
MUST_USE err_t meta_object_compose(struct meta_tx *, const struct object *, const int64_t *part_ids, size_t count,
                                   struct arena *a, int64_t *ret_id);
/* The parts of one, in order, without inline bytes. None for an object that is whole. */
MUST_USE err_t meta_object_parts(struct meta_tx *, int64_t id, struct arena *a, struct object_part_list *ret);
/* Remove the object's record if nothing refers to it: no file, entry, part of an upload, or object that it is a part
 * of; and then, of one put together, those of its parts that nothing else refers to. Blob keys go to the garbage list
 * in the same transaction. */
MUST_USE err_t meta_object_release(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* It is there, but nothing refers to it: should not be, since the last reference takes it along. */
MUST_USE err_t meta_object_is_orphan(struct meta_tx *, int64_t id, struct arena *a, bool *ret_is);
/* Objects in id order after `after_id`, without bytes: for fsck and backup. Stops at the first error of visit. */
MUST_USE err_t meta_object_each(struct meta_tx *, int64_t after_id, struct arena *a,
                                err_t (*visit)(void *arg, const struct object *), void *arg);
MUST_USE err_t meta_object_has_key(struct meta_tx *, slice blob_key, struct arena *a, bool *ret_has);
struct blob_key_list {
    slice *items;
    size_t count;
};
/* Blob keys whose bytes may go, oldest first, put there before `before_ms`. */
MUST_USE err_t meta_garbage_list(struct meta_tx *, int64_t before_ms, size_t limit, struct arena *a,
                                 struct blob_key_list *ret);
MUST_USE err_t meta_garbage_forget(struct meta_tx *, slice blob_key, struct arena *a);

#endif
