/* SPDX-License-Identifier: Apache-2.0 */
/* The branches of a tree of folders (core/space/branch_priv.h), and what was cut off. */
#ifndef CAIS_CORE_STORE_BRANCH_STORE_H
#define CAIS_CORE_STORE_BRANCH_STORE_H

#include "core/records/branch.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_branch_add(struct meta_tx *, const struct branch *, struct arena *a, int64_t *ret_id);
/* Also one that was cut off. */
MUST_USE err_t meta_branch_get(struct meta_tx *, int64_t id, struct arena *a, struct branch *ret);
/* Until the write ends, no other write changes the branch or what is counted in it. NOT_FOUND also when it was cut off. */
MUST_USE err_t meta_branch_lock(struct meta_tx *, int64_t id, struct arena *a, struct branch *ret);
/* Adds to what is counted in the branch, and holds it until the write ends. NOT_FOUND also when it was cut off. */
MUST_USE err_t meta_branch_count(struct meta_tx *, int64_t id, int64_t more_folders, int64_t more_bytes,
                                 struct arena *a, int64_t *ret_folders);
/* The folders of the branch, by id. */
MUST_USE err_t meta_branch_shape(struct meta_tx *, int64_t id, struct arena *a, struct branch_folder_list *ret);

/* ---- moving folders between branches; the caller holds the space ---- */

/* How many folders the piece has, and the bytes of their files. */
MUST_USE err_t meta_branch_piece_size(struct meta_tx *, const struct branch_piece *, struct arena *a,
                                      int64_t *ret_folders, int64_t *ret_bytes);
/* The folders of the piece are in the other branch from now on, and the branches that hang on them hang on it. */
MUST_USE err_t meta_branch_move_piece(struct meta_tx *, const struct branch_piece *, int64_t to_branch_id,
                                      struct arena *a);
/* All folders of the branch move, and the branches that hang on it; its row is removed. */
MUST_USE err_t meta_branch_merge(struct meta_tx *, int64_t id, int64_t into_branch_id, struct arena *a);
/* Is the branch `id`, or one above it, the branch above_id? ret_folder_id: the folder of above_id on which it hangs; 0: it is not, or
 * is that branch itself. */
MUST_USE err_t meta_branch_hangs_on(struct meta_tx *, int64_t id, int64_t above_id, struct arena *a,
                                    int64_t *ret_folder_id);
/* *ret_is: the folder is in the piece. */
MUST_USE err_t meta_branch_piece_has(struct meta_tx *, const struct branch_piece *, int64_t folder_id, struct arena *a,
                                     bool *ret_is);
/* Sets where the branch hangs. */
MUST_USE err_t meta_branch_hang(struct meta_tx *, int64_t id, int64_t parent_id, int64_t parent_folder_id,
                                struct arena *a);
/* The branch is detached, and it and all that hang on it are cut off. ret_bytes: of the files in all of them; ret_branches: how many
 * they are. */
MUST_USE err_t meta_branch_cut(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a, int64_t *ret_bytes,
                               int64_t *ret_branches);

/* ---- what was cut off, and what belongs to what was removed: core/space/remnants.c ---- */

/* Branches of the space are cut off: at most `limit`. *ret_count: so many. */
MUST_USE err_t meta_branch_cut_of_space(struct meta_tx *, int64_t space_id, int64_t now_ms, size_t limit,
                                        struct arena *a, int64_t *ret_count);
struct cut_branch {
    int64_t id, cut_at_ms;
    int64_t account_id;
};
/* The first branch that was cut off. NOT_FOUND: there is none. */
MUST_USE err_t meta_branch_first_cut(struct meta_tx *, struct arena *a, struct cut_branch *ret);
/* The files in folders of the branch, at most `limit`, with their folders. */
struct folder_file_list;
MUST_USE err_t meta_branch_files(struct meta_tx *, int64_t id, size_t limit, struct arena *a,
                                 struct folder_file_list *ret);
/* Removes the rows of up to `limit` folders that have no files. ret_bytes: what the rows counted for in the room of the account. */
MUST_USE err_t meta_branch_remove_folders(struct meta_tx *, int64_t id, size_t limit, struct arena *a,
                                          int64_t *ret_removed, int64_t *ret_bytes);
/* A branch without folders. */
MUST_USE err_t meta_branch_remove(struct meta_tx *, int64_t id, struct arena *a);

#endif
