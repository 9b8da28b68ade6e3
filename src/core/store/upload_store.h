/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts, and their parts. */
#ifndef CAIS_CORE_STORE_UPLOAD_STORE_H
#define CAIS_CORE_STORE_UPLOAD_STORE_H

#include "core/records/upload.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_upload_add(struct meta_tx *, const struct upload *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_upload_by_name(struct meta_tx *, slice name, struct arena *a, struct upload *ret);
/* Removes the upload and its parts' records, not the objects. */
MUST_USE err_t meta_upload_remove(struct meta_tx *, int64_t id, struct arena *a);
struct upload_query {
    int64_t bucket_id;
    slice prefix;     /* of the key; empty: any */
    slice after_key;  /* where the list goes on; empty: from the start */
    int64_t after_id; /* of the uploads of after_key only those with higher ids; 0: none of them */
    size_t limit;
};
/* Sorted by key, then by id. */
MUST_USE err_t meta_upload_list(struct meta_tx *, const struct upload_query *, struct arena *a,
                                struct upload_list *ret);
/* Uploads whose expires_at_ms is not after now, oldest first. */
MUST_USE err_t meta_upload_due(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a,
                               struct upload_list *ret);
/* As meta_entry_put. NOT_FOUND: there is no such upload (any more). */
MUST_USE err_t meta_part_put(struct meta_tx *, const struct upload_part *, struct arena *a, int64_t *ret_old_object_id,
                             uint64_t *ret_old_bytes);
/* By number, those after `after`. */
MUST_USE err_t meta_part_list(struct meta_tx *, int64_t upload_id, int64_t after, size_t limit, struct arena *a,
                              struct upload_part_list *ret);

#endif
