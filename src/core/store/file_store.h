/* SPDX-License-Identifier: Apache-2.0 */
/* Files. */
#ifndef CAIS_CORE_STORE_FILE_STORE_H
#define CAIS_CORE_STORE_FILE_STORE_H

#include "core/records/file.h"
#include "core/records/object.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_file_add(struct meta_tx *, const struct file *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_file_get(struct meta_tx *, int64_t id, struct arena *a, struct file *ret);
MUST_USE err_t meta_file_by_uuid(struct meta_tx *, const unsigned char uuid[16], struct arena *a, struct file *ret);
/* The same with its object (inline bytes too) in one look-up: what a download needs. owner_login is not filled;
 * ret_object->id is 0 when there is none. */
MUST_USE err_t meta_file_with_object(struct meta_tx *, const unsigned char uuid[16], struct arena *a,
                                     struct file *ret_file, struct object *ret_object);
struct file_query {
    int64_t account_id;  /* 0: all */
    int64_t owner_id;    /* 0: any */
    int64_t pending_of;  /* of those that are pending only this owner's; 0: all */
    int64_t before_id;   /* only ids below it; 0: no bound */
    int state;           /* an enum file_state, -1: any */
    slice name_contains; /* without case (ASCII); empty: any */
    size_t limit;
};
/* Newest first. */
MUST_USE err_t meta_file_list(struct meta_tx *, const struct file_query *, struct arena *a, struct file_list *ret);
/* Compare-and-set: CONFLICT unless the file is in state `from`. */
MUST_USE err_t meta_file_move(struct meta_tx *, int64_t id, enum file_state from, enum file_state to,
                              int64_t purge_at_ms, struct arena *a);
/* Bytes have come: ISSUED or STORED becomes STORED with this object, its size and MD5. CONFLICT in another state. The
 * object from before (ret_old_object_id; 0: none) is the caller's to release. */
MUST_USE err_t meta_file_set_object(struct meta_tx *, int64_t id, const struct object *, int64_t stored_at_ms,
                                    struct arena *a, int64_t *ret_old_object_id);
/* Removes the record (references to it must be gone) and its ticket, not the object. */
MUST_USE err_t meta_file_remove(struct meta_tx *, int64_t id, struct arena *a);
/* Files whose purge_at_ms is set and not after now, oldest first. */
MUST_USE err_t meta_file_due(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a, struct file_list *ret);

#endif
