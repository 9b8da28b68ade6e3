/* SPDX-License-Identifier: Apache-2.0 */
/* Objects, the parts of composites, and the garbage list: keys of blobs that no object names any more and whose bytes
 * may be removed. */
#ifndef CAIS_CORE_STORE_OBJECT_STORE_H
#define CAIS_CORE_STORE_OBJECT_STORE_H

#include "core/records/object.h"
#include "core/store/transaction.h"

/* ---- objects ---- */

/* Stores inline_bytes when blob_key is empty. */
MUST_USE err_t meta_object_add(struct meta_tx *, const struct object *, struct arena *a, int64_t *ret_id);
/* Reads the inline bytes, too. */
MUST_USE err_t meta_object_get(struct meta_tx *, int64_t id, struct arena *a, struct object *ret);
/* Holds an object that another record names, before the write adds a second reference to it. *ret_there: it has not been
 * removed meanwhile. */
MUST_USE err_t meta_object_hold(struct meta_tx *, int64_t id, struct arena *a, bool *ret_there);
/* Adds a composite whose parts are `count` objects, in the order of part_ids. An object may be several of the parts.
 * The store takes size, part_count and the offsets from the parts; the caller sets account, md5 and created_at_ms.
 * Errors: EMPTY there are no parts; NOT_FOUND a part does not exist; INVALID a part is a composite; TOO_LARGE the sum
 * of the sizes is above INT64_MAX. */
MUST_USE err_t meta_object_compose(struct meta_tx *, const struct object *, const int64_t *part_ids, size_t count,
                                   struct arena *a, int64_t *ret_id);
/* The parts of a composite, in their order, without inline bytes. Empty for an object that is not a composite. */
MUST_USE err_t meta_object_parts(struct meta_tx *, int64_t id, struct arena *a, struct object_part_list *ret);
/* Removes an object that nothing refers to: no file, entry, part of an upload, or composite. Of a composite it then
 * also removes the parts that nothing else refers to. The blob keys of what it removed go onto the garbage list in the
 * same transaction. Does nothing when something refers to the object, or when it does not exist. */
MUST_USE err_t meta_object_release(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* *ret_is: the object exists and nothing refers to it. In a sound store there is no such object, because the caller
 * that removes the last reference also releases the object. */
MUST_USE err_t meta_object_is_orphan(struct meta_tx *, int64_t id, struct arena *a, bool *ret_is);
/* Calls `visit` for each object with an id above after_id, by id, without inline bytes. Needs constant memory. Stops at
 * the first error of `visit` and returns it. */
MUST_USE err_t meta_object_each(struct meta_tx *, int64_t after_id, struct arena *a,
                                err_t (*visit)(void *arg, const struct object *), void *arg);
/* *ret_has: an object names this blob. */
MUST_USE err_t meta_object_has_key(struct meta_tx *, slice blob_key, struct arena *a, bool *ret_has);

/* ---- the garbage list ---- */

struct blob_key_list {
    slice *items;
    size_t count;
};
/* Keys that came onto the list before `before_ms`, oldest first. */
MUST_USE err_t meta_garbage_list(struct meta_tx *, int64_t before_ms, size_t limit, struct arena *a,
                                 struct blob_key_list *ret);
/* Removes a key from the list, after its bytes were removed. It is no error when the list does not have it. */
MUST_USE err_t meta_garbage_forget(struct meta_tx *, slice blob_key, struct arena *a);

#endif
