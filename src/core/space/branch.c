/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/branch_priv.h"

#include "core/reasons.h"
#include "core/store/branch_store.h"
#include "core/store/folder_store.h"
#include "core/store/space_store.h"

err_t branch_use(struct meta_tx *tx, const struct folder *folder, int64_t more_bytes, struct arena *a)
{
    int64_t folders;
    TRY(meta_branch_count(tx, folder->branch_id, 0, more_bytes, a, &folders));
    err_t e = meta_folder_use(tx, folder->id, folder->branch_id, more_bytes, a);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_UNAVAILABLE, "the folder was moved at the same time") : e;
}

err_t branch_hold_space(struct meta_tx *tx, int64_t space_id, struct arena *a)
{
    err_t e = meta_space_lock(tx, space_id, a);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_SPACE_NOT_THERE) : e;
}

static err_t count_branch(struct meta_tx *tx, int64_t space_id, int64_t more, struct arena *a)
{
    err_t e = meta_space_count_branch(tx, space_id, more, BRANCHES_MAX, a);
    return err_is(e, ERR_QUOTA) ? core_refuse(a, REASON_SPACE_TOO_MANY_FOLDERS) : e;
}

/* The branch is held now. Is the folder still where it was read? */
static err_t expect_unmoved(struct meta_tx *tx, const struct folder *folder, struct arena *a)
{
    int64_t branch_id, parent_id;
    TRY(meta_folder_where(tx, folder->id, a, &branch_id, &parent_id));
    return branch_id == folder->branch_id && parent_id == folder->parent_id
               ? NULL
               : err_make(a, ERR_UNAVAILABLE, "the folder was moved at the same time");
}

err_t branch_hold(struct meta_tx *tx, const struct folder *folder, struct arena *a)
{
    struct branch branch;
    TRY(meta_branch_lock(tx, folder->branch_id, a, &branch));
    return expect_unmoved(tx, folder, a);
}

/* Who will split the branch holds the space before the branch, like everybody. */
err_t branch_join(struct meta_tx *tx, const struct folder *parent, struct arena *a, bool *ret_is_full)
{
    struct branch branch;
    int64_t folders;
    TRY(meta_branch_get(tx, parent->branch_id, a, &branch));
    *ret_is_full = branch.folder_count >= BRANCH_FOLDERS_MAX;
    if (*ret_is_full)
        TRY(branch_hold_space(tx, parent->space_id, a));
    TRY(meta_branch_count(tx, parent->branch_id, 1, 0, a, &folders));
    return expect_unmoved(tx, parent, a);
}

/* The piece becomes a branch of its own, which hangs on the folder that its first folders are children of. */
static err_t split(struct meta_tx *tx, const struct branch *from, const struct branch_piece *piece, struct arena *a,
                   struct branch *ret)
{
    int64_t left;
    bool hangs_here = piece->parent_folder_id != from->parent_folder_id;
    struct branch part = { .space_id = from->space_id,
                           .parent_id = hangs_here ? from->id : from->parent_id,
                           .parent_folder_id = piece->parent_folder_id };
    TRY(meta_branch_piece_size(tx, piece, a, &part.folder_count, &part.used_bytes));
    TRY(meta_branch_count(tx, from->id, -part.folder_count, -part.used_bytes, a, &left));
    TRY(meta_branch_add(tx, &part, a, &part.id));
    TRY(meta_branch_move_piece(tx, piece, part.id, a));
    *ret = part;
    return NULL;
}

/* ---- which part a branch that is too large gives away ---- */

/* A branch as a tree: the folders are in the order of their ids, and so are the children of each. At most BRANCH_FOLDERS_MAX + 1. */
struct shape {
    const struct branch_folder *folders;
    size_t count;
    int64_t outside_id; /* the folder outside of the branch that the top ones are children of */
    int *sizes;         /* of each folder, with all below it in the branch */
};

static int index_of(const struct shape *s, int64_t id)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->folders[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->folders[low].id == id ? (int)low : -1;
}

/* A folder that was moved may have a smaller id than its parent, so each walks up to the top: the sum of all depths is at most
 * 256 * 256 steps. */
static void measure(struct shape *s)
{
    for (size_t i = 0; i < s->count; i++)
        for (int at = (int)i; at >= 0; at = index_of(s, s->folders[at].parent_id))
            s->sizes[at]++;
}

/* The first child of the folder whose part is as large as BRANCH_PART_MIN or larger; -1: there is none. */
static int large_child(const struct shape *s, int64_t parent_id)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->folders[i].parent_id == parent_id && s->sizes[i] >= BRANCH_PART_MIN)
            return (int)i;
    return -1;
}

/* Goes down to the deepest folder that is large itself and has no large child. Its children are all small, and together they are at
 * least BRANCH_PART_MIN - 1: the first of them that are enough make the piece. */
static struct branch_piece choose_piece(const struct shape *s, int64_t branch_id)
{
    int64_t parent_id = s->outside_id;
    int sum = 0, child;
    while ((child = large_child(s, parent_id)) >= 0)
        parent_id = s->folders[child].id;
    struct branch_piece piece = { .branch_id = branch_id, .parent_folder_id = parent_id };
    for (size_t i = 0; i < s->count && sum < BRANCH_PART_MIN; i++) {
        if (s->folders[i].parent_id != parent_id)
            continue;
        piece.first_id = piece.first_id ? piece.first_id : s->folders[i].id;
        piece.last_id = s->folders[i].id;
        sum += s->sizes[i];
    }
    return piece;
}

err_t branch_shed(struct meta_tx *tx, int64_t branch_id, struct arena *a)
{
    struct branch branch, part;
    struct branch_folder_list folders;
    TRY(meta_branch_lock(tx, branch_id, a, &branch));
    TRY(meta_branch_shape(tx, branch_id, a, &folders));
    struct shape shape = { .folders = folders.items,
                           .count = folders.count,
                           .outside_id = branch.parent_folder_id,
                           .sizes = arena_array(a, int, folders.count ? folders.count : 1) };
    measure(&shape);
    struct branch_piece piece = choose_piece(&shape, branch_id);
    if (!piece.first_id)
        return err_make(a, ERR_CORRUPT, "the folders of branch %lld do not hang together", (long long)branch_id);
    TRY(count_branch(tx, branch.space_id, 1, a));
    return split(tx, &branch, &piece, a, &part);
}

/* ---- cutting off and moving ---- */

static struct branch_piece piece_of(const struct folder *f)
{
    return (struct branch_piece){ f->branch_id, f->parent_id, f->id, f->id };
}

/* Where the branch of the folder was emptied by the split, nothing hangs on it any more, and it goes. */
static err_t drop_if_empty(struct meta_tx *tx, const struct branch *branch, struct arena *a)
{
    struct branch now;
    TRY(meta_branch_get(tx, branch->id, a, &now));
    if (now.folder_count)
        return NULL;
    TRY(meta_branch_remove(tx, branch->id, a));
    return count_branch(tx, branch->space_id, -1, a);
}

err_t branch_cut_off(struct meta_tx *tx, const struct folder *folder, int64_t now_ms, struct arena *a,
                     int64_t *ret_bytes)
{
    struct branch branch, part;
    struct branch_piece piece = piece_of(folder);
    int64_t branches;
    TRY(branch_hold_space(tx, folder->space_id, a));
    TRY(meta_branch_lock(tx, folder->branch_id, a, &branch));
    TRY(expect_unmoved(tx, folder, a));
    TRY(split(tx, &branch, &piece, a, &part));
    TRY(meta_folder_detach(tx, folder->id, a));
    TRY(meta_branch_cut(tx, part.id, now_ms, a, ret_bytes, &branches));
    TRY(count_branch(tx, folder->space_id, 1 - branches, a)); /* the part was never counted */
    return drop_if_empty(tx, &branch, a);
}

/* Is `parent` the folder itself, or below it? */
static err_t is_below(struct meta_tx *tx, const struct folder *folder, const struct folder *parent, struct arena *a,
                      bool *ret_is)
{
    struct branch_piece piece = piece_of(folder);
    int64_t entry = parent->id; /* by which the way up from the parent enters the branch of the folder */
    *ret_is = false;
    if (parent->branch_id != folder->branch_id)
        TRY(meta_branch_hangs_on(tx, parent->branch_id, folder->branch_id, a, &entry));
    return entry ? meta_branch_piece_has(tx, &piece, entry, a, ret_is) : NULL;
}

err_t branch_move(struct meta_tx *tx, const struct folder *folder, const struct folder *parent, struct arena *a)
{
    struct branch branch, part, target;
    struct branch_piece piece = piece_of(folder);
    bool below;
    TRY(is_below(tx, folder, parent, a, &below));
    if (below)
        return core_refuse(a, REASON_FOLDER_BAD_PARENT);
    TRY(meta_branch_lock(tx, folder->branch_id, a, &branch));
    TRY(expect_unmoved(tx, folder, a));
    TRY(split(tx, &branch, &piece, a, &part));
    TRY(meta_branch_lock(tx, parent->branch_id, a, &target));
    if (target.folder_count + part.folder_count <= BRANCH_FOLDERS_MAX) {
        int64_t folders;
        TRY(meta_branch_merge(tx, part.id, target.id, a));
        TRY(meta_branch_count(tx, target.id, part.folder_count, part.used_bytes, a, &folders));
    } else {
        TRY(count_branch(tx, folder->space_id, 1, a));
        TRY(meta_branch_hang(tx, part.id, target.id, parent->id, a));
    }
    return drop_if_empty(tx, &branch, a);
}
