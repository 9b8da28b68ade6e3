/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and the files in them. What is in a branch that was cut off, or in a space, course or environment that was removed,
 * is found by no call that takes its id. A look-up costs the same, however many folders are above. */
#ifndef CAIS_CORE_STORE_FOLDER_STORE_H
#define CAIS_CORE_STORE_FOLDER_STORE_H

#include "core/records/folder.h"
#include "core/store/transaction.h"

/* ---- folders ---- */

/* name_key: the name with its case folded. CONFLICT when the parent has a folder of that name. The caller has counted it
 * in its branch (meta_branch_count). */
MUST_USE err_t meta_folder_add(struct meta_tx *, const struct folder *, slice name_key, struct arena *a,
                               int64_t *ret_id);
MUST_USE err_t meta_folder_get(struct meta_tx *, int64_t id, struct arena *a, struct folder *ret);
/* The folders of a folder that the caller has found, by id, above after_id. Course, environment and account are not set. */
MUST_USE err_t meta_folder_list(struct meta_tx *, int64_t parent_id, int64_t after_id, size_t limit, struct arena *a,
                                struct folder_list *ret);
/* The same, sorted by name_key, from the first one whose key is above after_key; an empty key is below all of them. */
MUST_USE err_t meta_folder_list_by_name(struct meta_tx *, int64_t parent_id, slice after_key, size_t limit,
                                        struct arena *a, struct folder_list *ret);
/* The id of the folder of that name in the folder; 0: there is none. */
MUST_USE err_t meta_folder_named(struct meta_tx *, int64_t parent_id, slice name_key, struct arena *a, int64_t *ret_id);
/* *ret_has: the folder has a folder of that name, other than except_id. */
MUST_USE err_t meta_folder_has_folder(struct meta_tx *, int64_t parent_id, slice name_key, int64_t except_id,
                                      struct arena *a, bool *ret_has);
/* The branch that the folder is in now, and the folder. */
MUST_USE err_t meta_folder_where(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret_branch_id,
                                 int64_t *ret_parent_id);
/* Parent, name and time, as they stand in the record. The caller holds the branch of the parent and has asked for the name. */
MUST_USE err_t meta_folder_update(struct meta_tx *, const struct folder *, slice name_key, struct arena *a);
/* The folder is without a parent from now on, and its name there is free. */
MUST_USE err_t meta_folder_detach(struct meta_tx *, int64_t id, struct arena *a);
/* Adds to the bytes of the folder, while it is in that branch. NOT_FOUND when it is not, or not any more. */
MUST_USE err_t meta_folder_use(struct meta_tx *, int64_t id, int64_t branch_id, int64_t more_bytes, struct arena *a);

/* ---- files ---- */

/* CONFLICT when the folder has a file of that name. */
MUST_USE err_t meta_folder_file_add(struct meta_tx *, const struct folder_file *, slice name_key, struct arena *a);
MUST_USE err_t meta_folder_file_get(struct meta_tx *, int64_t file_id, struct arena *a, struct folder_file *ret);
/* The files of a folder that the caller has found, by id, above after_id. Course and environment are not set. */
MUST_USE err_t meta_folder_file_list(struct meta_tx *, int64_t folder_id, int64_t after_id, size_t limit,
                                     struct arena *a, struct folder_file_list *ret);
/* The same, sorted by name_key, from the first one whose key is above after_key; an empty key is below all of them. */
MUST_USE err_t meta_folder_file_list_by_name(struct meta_tx *, int64_t folder_id, slice after_key, size_t limit,
                                             struct arena *a, struct folder_file_list *ret);
/* The id of the file of that name in the folder; 0: there is none. */
MUST_USE err_t meta_folder_file_named(struct meta_tx *, int64_t folder_id, slice name_key, struct arena *a,
                                      int64_t *ret_file_id);
/* Folder and name, as they stand in the record. The caller holds the branch of the folder and has asked for the name. */
MUST_USE err_t meta_folder_file_update(struct meta_tx *, const struct folder_file *, slice name_key, struct arena *a);
MUST_USE err_t meta_folder_file_remove(struct meta_tx *, int64_t file_id, struct arena *a);
/* Which files are in which folders, by file id, above after_id: also of what was cut off. For fsck. */
MUST_USE err_t meta_folder_file_each(struct meta_tx *, int64_t after_id, size_t limit, struct arena *a,
                                     struct folder_file_list *ret);
/* *ret_is: the file is in that folder, whether the folder can be found or not. */
MUST_USE err_t meta_folder_file_is_in(struct meta_tx *, int64_t file_id, int64_t folder_id, struct arena *a,
                                      bool *ret_is);

/* ---- searching ---- */

struct folder_search {
    int64_t space_id;
    bool files;         /* files of the space, or its folders */
    slice part_key;     /* a part of the name, with its case folded */
    bool is_whole_name; /* it is the whole name; only for folders */
    int64_t after_id;   /* of a folder or file */
    size_t looks;       /* at most so many folders or files are looked at */
    size_t limit;
};
/* Those whose names have that part, or are it, by id. ret_after_id: from where the next page goes on; 0: there is nothing more. */
MUST_USE err_t meta_folder_search(struct meta_tx *, const struct folder_search *, struct arena *a,
                                  struct folder_hit_list *ret, int64_t *ret_after_id);

#endif
