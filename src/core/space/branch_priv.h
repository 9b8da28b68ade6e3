/* SPDX-License-Identifier: Apache-2.0 */
/* Branches: how a whole subtree is cut off or moved by one short write, however many folders are in it, and how a look-up of a
 * folder costs the same at any depth.
 *
 * Each folder belongs to a branch, which is a part of the tree with at most BRANCH_FOLDERS_MAX folders. Whether a folder can be found
 * stands in the row of its branch, and so does the sum of the bytes in it. The branches of a space are a tree themselves:
 *
 *        ┌─ branch 1 ─────────────┐
 *        │ root ── a ── b         │         Cutting off b splits branch 1 between a and b, marks the new branch, and marks
 *        │          └── c         │         branch 2 as well, because it hangs on a folder that is now in the new branch. No row
 *        └────────────┼──┼────────┘         of branch 2's folders is touched.
 *            ┌────────┴──┴─────────┐
 *            │ d … (below b)       │        All folders at the top of a branch are children of the same folder of another
 *            └─── branch 2 ────────┘        branch (parent_folder_id), so a branch hangs on one folder.
 *
 * A new folder joins the branch of its parent. When that branch has become too large, a part of it becomes a branch of its own:
 * children of one folder, with all below them, that together are at least a quarter of BRANCH_FOLDERS_MAX. So a tree that only grows
 * has branches that are at least a quarter full, but for the one with the root. Cuts and moves can leave smaller ones; a branch that was
 * moved joins the branch of its new parent when there is room. A space may have BRANCHES_MAX branches, which bounds the write
 * that marks them.
 *
 * On a database that runs several writes at once, rows are held in this order: the space, by all that splits, moves or cuts, so that the
 * shape is still; branches, by all that gives a name in a folder or adds to it, on the condition that the branch was not cut
 * off; folders; the course. */
#ifndef CAIS_CORE_SPACE_BRANCH_PRIV_H
#define CAIS_CORE_SPACE_BRANCH_PRIV_H

#include "core/records/branch.h"
#include "core/records/folder.h"
#include "core/store/transaction.h"

enum { BRANCH_FOLDERS_MAX = 256, BRANCH_PART_MIN = BRANCH_FOLDERS_MAX / 4, BRANCHES_MAX = 4000 };

/* Holds the space. Errors: SPACE_NOT_THERE. */
MUST_USE err_t branch_hold_space(struct meta_tx *, int64_t space_id, struct arena *a);
/* Holds the branch of the folder, which the caller has read: until the write ends no other write gives a name in the folder, adds to it, or
 * cuts it off. Errors: NOT_FOUND the branch was cut off; UNAVAILABLE the folder has just moved to another branch. */
MUST_USE err_t branch_hold(struct meta_tx *, const struct folder *, struct arena *a);
/* As branch_hold, and counts one folder more, in the branch of its parent. *ret_is_full: the branch is too large now, and the caller calls
 * branch_shed when it has added the folder. */
MUST_USE err_t branch_join(struct meta_tx *, const struct folder *parent, struct arena *a, bool *ret_is_full);
/* A part of the branch becomes a branch of its own. Errors: SPACE_TOO_MANY_FOLDERS. */
MUST_USE err_t branch_shed(struct meta_tx *, int64_t branch_id, struct arena *a);
/* The folder, with all below it, is cut off. ret_bytes: of the files in all of them. Errors: SPACE_NOT_THERE. */
MUST_USE err_t branch_cut_off(struct meta_tx *, const struct folder *, int64_t now_ms, struct arena *a,
                              int64_t *ret_bytes);
/* The folder, with all below it, hangs on `parent` from now on. The caller holds the space and the branch of the parent, and changes the
 * row of the folder itself. Errors: FOLDER_BAD_PARENT `parent` is the folder itself, or below it; SPACE_TOO_MANY_FOLDERS. */
MUST_USE err_t branch_move(struct meta_tx *, const struct folder *, const struct folder *parent, struct arena *a);
/* Changes the bytes of the files in the folder, by a file that came or went. Errors: NOT_FOUND the folder was cut off; UNAVAILABLE it
 * has just moved to another branch. */
MUST_USE err_t branch_use(struct meta_tx *, const struct folder *, int64_t more_bytes, struct arena *a);

#endif
