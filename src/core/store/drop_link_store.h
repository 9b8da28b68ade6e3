/* SPDX-License-Identifier: Apache-2.0 */
/* The limits and counts of links by which people without an account upload, and which files came by them. */
#ifndef CAIS_CORE_STORE_DROP_LINK_STORE_H
#define CAIS_CORE_STORE_DROP_LINK_STORE_H

#include "core/records/drop_link.h"
#include "core/records/file.h"
#include "core/store/transaction.h"

/* For the key with the id of the link. */
MUST_USE err_t meta_drop_link_add(struct meta_tx *, const struct drop_link *, struct arena *a);
MUST_USE err_t meta_drop_link_get(struct meta_tx *, int64_t id, struct arena *a, struct drop_link *ret);
struct drop_link_page {
    int64_t account_id;
    int64_t user_id;   /* 0: of all users of the account */
    int64_t before_id; /* only ids below it; 0: from the newest */
    size_t limit;
};
/* Newest first, also those that have ended. */
MUST_USE err_t meta_drop_link_list(struct meta_tx *, const struct drop_link_page *, struct arena *a,
                                   struct drop_link_list *ret);
/* How many links the user has. Until the write ends, no other write adds one to them that counts as well. */
MUST_USE err_t meta_drop_link_count(struct meta_tx *, int64_t user_id, struct arena *a, int64_t *ret);
/* Whoever has a link may begin uploads and remove them again without end, and each leaves events. So what is given back is counted, and
 * while the count is at its limit, nothing new begins. Each hour takes a limit off the count, down to 0. */
enum { DROP_LINK_GIVEN_BACK_MAX = 100 };
/* Counts a file of that many bytes. *ret_done: false when that would break a limit, or there is no such link. */
MUST_USE err_t meta_drop_link_take(struct meta_tx *, int64_t id, int64_t bytes, int64_t now_ms, struct arena *a,
                                   bool *ret_done);
/* Counts it no more, but as given back. It is no error when the link is gone. */
MUST_USE err_t meta_drop_link_give_back(struct meta_tx *, int64_t id, int64_t bytes, int64_t now_ms, struct arena *a);
/* Is the count of what was given back at its limit at now_ms? */
bool drop_link_has_given_back_too_many(const struct drop_link *, int64_t now_ms);
/* Removes the link and its key. CONFLICT when the key was neither revoked nor has expired. */
MUST_USE err_t meta_drop_link_remove(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);

/* ---- files ---- */

/* The file came by the link. It is no error when the link is gone. */
MUST_USE err_t meta_drop_link_add_file(struct meta_tx *, int64_t id, int64_t file_id, struct arena *a);
/* The files that came by it and are still there, newest first. before_id: only ids below it; 0: from the newest. */
MUST_USE err_t meta_drop_link_files(struct meta_tx *, int64_t id, int64_t before_id, size_t limit, struct arena *a,
                                    struct file_list *ret);
/* By which link a file came. NOT_FOUND: by none. */
MUST_USE err_t meta_drop_link_of_file(struct meta_tx *, int64_t file_id, struct arena *a, struct drop_link *ret);

#endif
