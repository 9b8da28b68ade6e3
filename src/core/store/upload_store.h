/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts, and their parts. */
#ifndef CAIS_CORE_STORE_UPLOAD_STORE_H
#define CAIS_CORE_STORE_UPLOAD_STORE_H

#include "core/records/upload.h"
#include "core/store/transaction.h"

/* NOT_FOUND when the bucket does not exist. */
MUST_USE err_t meta_upload_add(struct meta_tx *, const struct upload *, struct arena *a, int64_t *ret_id);
/* A write that reads an upload holds it: until the write ends, no other puts a part into it, completes or ends it. */
MUST_USE err_t meta_upload_by_name(struct meta_tx *, slice name, struct arena *a, struct upload *ret);
/* Holds an upload that a list named. *ret_there: it has not ended meanwhile. */
MUST_USE err_t meta_upload_hold(struct meta_tx *, int64_t id, struct arena *a, bool *ret_there);
/* Removes the upload and the records of its parts, and leaves the objects. For uploads of few parts. */
MUST_USE err_t meta_upload_remove(struct meta_tx *, int64_t id, struct arena *a);
/* Ends the upload: no other call finds it any more, and its parts no longer count for its account. Their records and
 * objects are removed by meta_upload_clean. NOT_FOUND when it has ended. */
MUST_USE err_t meta_upload_end(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* Of an upload that has ended, removes at most `limit` parts and then the upload itself. An object of a part is removed as in
 * meta_object_release. *ret_more: there is more to remove, of this upload or of another. */
MUST_USE err_t meta_upload_clean(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a, bool *ret_more);
/* Says which composite is being built of the parts; 0: none, because a part has changed. */
MUST_USE err_t meta_upload_set_composite(struct meta_tx *, int64_t id, int64_t composite_id, struct arena *a);

struct upload_query {
    int64_t bucket_id;
    slice prefix;     /* of the keys; empty: any key */
    slice after_key;  /* the list continues after this key; empty: it begins with the first key */
    int64_t after_id; /* the list includes uploads of after_key with ids above this one; 0: it includes none of them */
    size_t limit;
};
/* By key, then by id, ascending, without headers and tags. */
MUST_USE err_t meta_upload_list(struct meta_tx *, const struct upload_query *, struct arena *a,
                                struct upload_list *ret);
/* Uploads whose expires_at_ms is set and not later than now_ms, oldest first. */
MUST_USE err_t meta_upload_due(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a,
                               struct upload_list *ret);

/* Adds a part, or replaces the one with that number; the results are what it replaced, 0: nothing. NOT_FOUND when the upload
 * does not exist. */
MUST_USE err_t meta_part_put(struct meta_tx *, const struct upload_part *, struct arena *a, int64_t *ret_old_object_id,
                             uint64_t *ret_old_bytes);
/* The bytes of all parts, and how many there are. */
MUST_USE err_t meta_part_sums(struct meta_tx *, int64_t upload_id, struct arena *a, int64_t *ret_bytes,
                              int64_t *ret_count);
/* By number, ascending, those with numbers above `after`. */
MUST_USE err_t meta_part_list(struct meta_tx *, int64_t upload_id, int64_t after, size_t limit, struct arena *a,
                              struct upload_part_list *ret);

#endif
