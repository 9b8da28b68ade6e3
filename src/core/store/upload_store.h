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
/* By key, then id: those after (after_key, after_id), of which only keys that begin with `prefix`. after_id 0: all
 * uploads of after_key are left out. Empty after_key: from the start. */
MUST_USE err_t meta_upload_list(struct meta_tx *, int64_t bucket_id, slice prefix, slice after_key, int64_t after_id,
                                size_t most, struct arena *a, struct upload **ret, size_t *ret_count);
/* Uploads whose expires_at_ms is not after now, oldest first. */
MUST_USE err_t meta_upload_due(struct meta_tx *, int64_t now_ms, size_t most, struct arena *a, struct upload **ret,
                               size_t *ret_count);
/* As meta_entry_put. NOT_FOUND: there is no such upload (any more). */
MUST_USE err_t meta_part_put(struct meta_tx *, const struct upload_part *, struct arena *a, int64_t *ret_old_object_id,
                             uint64_t *ret_old_bytes);
/* By number, those after `after`. */
MUST_USE err_t meta_part_list(struct meta_tx *, int64_t upload_id, int64_t after, size_t most, struct arena *a,
                              struct upload_part **ret, size_t *ret_count);

#endif
