/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_BRANCH_H
#define CAIS_CORE_RECORDS_BRANCH_H

#include "base/slice.h"

/* Folders of one space that hang together below one folder: core/space/branch_priv.h. */
struct branch {
    int64_t id, space_id;
    int64_t parent_id;        /* the branch that it hangs on; 0: it has the root of the space */
    int64_t parent_folder_id; /* the folder of that branch below which all of its folders are; 0: the same */
    int64_t folder_count;
    int64_t used_bytes; /* of the files in its folders */
    int64_t cut_at_ms;  /* 0, or when it was cut off: nobody finds its folders and files any more */
};

/* The children of one folder, from one id to another, that are in the branch of that id; with what is below them there. */
struct branch_piece {
    int64_t branch_id, parent_folder_id, first_id, last_id;
};

/* A folder as far as the shape of the tree needs it. */
struct branch_folder {
    int64_t id, parent_id;
};
struct branch_folder_list {
    struct branch_folder *items;
    size_t count;
};

#endif
