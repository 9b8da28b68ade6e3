/* SPDX-License-Identifier: Apache-2.0 */
/* Objects, the parts of composites, and the garbage list: keys of blobs that no object names any more and whose bytes
 * may be removed. */
#ifndef CAIS_CORE_STORE_OBJECT_STORE_H
#define CAIS_CORE_STORE_OBJECT_STORE_H

#include "core/records/object.h"
#include "core/store/transaction.h"

/* ---- objects ---- */

/* Stores inline_bytes when blob_key is empty. Else, the checksums of the blob are stored, unless there are none. */
MUST_USE err_t meta_object_add(struct meta_tx *, const struct object *, struct arena *a, int64_t *ret_id);
/* Reads the inline bytes and their checksums, too. */
MUST_USE err_t meta_object_get(struct meta_tx *, int64_t id, struct arena *a, struct object *ret);
/* Holds an object that another record names, before the write adds a second reference to it. *ret_there: it has not been
 * removed meanwhile. */
MUST_USE err_t meta_object_hold(struct meta_tx *, int64_t id, struct arena *a, bool *ret_there);
struct placed_part {
    int64_t object_id; /* not a composite */
    uint64_t offset;
    struct digest digest; /* DIGEST_NONE: none */
};
/* Adds a composite whose parts are `count` objects, in the order of `parts`. An object may be several of the parts.
 * The store takes size, part_count and the offsets from the parts; the caller sets account, md5 and created_at_ms, and of the parts
 * object_id and digest.
 * Errors: EMPTY there are no parts; NOT_FOUND a part does not exist; INVALID a part is a composite; TOO_LARGE the sum
 * of the sizes is above INT64_MAX. */
MUST_USE err_t meta_object_compose(struct meta_tx *, const struct object *, const struct placed_part *parts,
                                   size_t count, struct arena *a, int64_t *ret_id);
/* ---- large composites, which are made and removed in several writes ---- */

/* A composite with more parts is not removed by meta_object_release but becomes loose: it stays until meta_composite_remove
 * has removed it, piece by piece. */
#define COMPOSITE_PARTS_AT_ONCE 100
/* An id for meta_composite_begin. */
MUST_USE err_t meta_object_next_id(struct meta_tx *, struct arena *a, int64_t *ret_id);
/* Adds a composite without its parts, with its id, size and part_count. It is loose, and is removed from due_at_ms on unless
 * meta_composite_settle was called. */
MUST_USE err_t meta_composite_begin(struct meta_tx *, const struct object *, int64_t due_at_ms, struct arena *a);
/* Adds parts with the numbers from `number` on. */
MUST_USE err_t meta_composite_add(struct meta_tx *, int64_t id, int64_t number, const struct placed_part *,
                                  size_t count, struct arena *a);
/* The composite is complete, and the write refers to it. *ret_there: false if it is being removed, because it took too
 * long. */
MUST_USE err_t meta_composite_settle(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a, bool *ret_there);
/* Makes a loose composite due now. It is no error when there is none. */
MUST_USE err_t meta_composite_abandon(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* *ret_loose: parts of the composite may be missing, because it is being built or removed. */
MUST_USE err_t meta_composite_is_loose(struct meta_tx *, int64_t id, struct arena *a, bool *ret_loose);
/* Of the first loose composite that is due, removes at most `limit` parts, and in the end the composite. Objects of parts that
 * nothing else refers to are removed as in meta_object_release. *ret_more: there may be more to remove. */
MUST_USE err_t meta_composite_remove(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a, bool *ret_more);

/* The parts of a composite, in their order, without inline bytes. Empty for an object that is not a composite. */
MUST_USE err_t meta_object_parts(struct meta_tx *, int64_t id, struct arena *a, struct object_part_list *ret);
/* Removes an object that nothing refers to: no file, entry, part of an upload, or composite. Of a composite it then
 * also removes the parts that nothing else refers to, unless there are many (COMPOSITE_PARTS_AT_ONCE). The blob keys of what it removed go onto the garbage list in the
 * same transaction. Does nothing when something refers to the object, or when it does not exist. */
MUST_USE err_t meta_object_release(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* *ret_is: the object exists, nothing refers to it, and it is not loose. In a sound store there is no such object, because the caller
 * that removes the last reference also releases the object. */
MUST_USE err_t meta_object_is_orphan(struct meta_tx *, int64_t id, struct arena *a, bool *ret_is);
/* Calls `visit` for each object with an id above after_id, by id, without inline bytes. Needs constant memory. Stops at
 * the first error of `visit` and returns it. */
MUST_USE err_t meta_object_each(struct meta_tx *, int64_t after_id, struct arena *a,
                                err_t (*visit)(void *arg, const struct object *), void *arg);
/* The first `limit` objects with ids above after_id that are no composites, by id, without inline bytes. */
MUST_USE err_t meta_object_page(struct meta_tx *, int64_t after_id, size_t limit, struct arena *a,
                                struct object_list *ret);
/* Gives an inline object without checksums its own. */
MUST_USE err_t meta_object_set_checksums(struct meta_tx *, int64_t id, slice checksums, struct arena *a);
/* *ret_has: an object names this blob. */
MUST_USE err_t meta_object_has_key(struct meta_tx *, slice blob_key, struct arena *a, bool *ret_has);

/* ---- checksums of blobs (core/object/checksums.h) ---- */

/* A row has the checksums of so many pieces: row 0 those from piece 0 on, row 1 those from piece CHECKSUMS_IN_ROW on … */
#define CHECKSUMS_IN_ROW 4096

/* Stores a list that begins with a piece whose number is a multiple of CHECKSUMS_IN_ROW, over what the rows had. */
MUST_USE err_t meta_checksums_put(struct meta_tx *, slice blob_key, uint64_t first_piece, slice checksums,
                                  struct arena *a);
/* The list of one row; empty when there is none. */
MUST_USE err_t meta_checksums_get(struct meta_tx *, slice blob_key, uint64_t row, struct arena *a, slice *ret);
/* Removes the checksums of a blob that nothing names any more: no object, no transfer, and not the garbage list. */
MUST_USE err_t meta_checksums_forget(struct meta_tx *, slice blob_key, struct arena *a);

/* ---- the scrub ---- */

MUST_USE err_t meta_scrub_get(struct meta_tx *, struct arena *a, struct scrub_state *ret); /* zeros: never put */
MUST_USE err_t meta_scrub_put(struct meta_tx *, const struct scrub_state *, struct arena *a);

/* ---- the garbage list ---- */

struct blob_key_list {
    slice *items;
    size_t count;
};
/* Keys that came onto the list before `before_ms`, oldest first. */
MUST_USE err_t meta_garbage_list(struct meta_tx *, int64_t before_ms, size_t limit, struct arena *a,
                                 struct blob_key_list *ret);
/* Removes a key from the list, and its checksums, after its bytes were removed. It is no error when the list does not have it. */
MUST_USE err_t meta_garbage_forget(struct meta_tx *, slice blob_key, struct arena *a);

#endif
