/* SPDX-License-Identifier: Apache-2.0 */
/* Folders: a tree in each space. Names are unique among the folders of a parent, without regard to case (Unicode's simple folding;
 * accents count). A tree may be as deep and as wide as its space has room for (SPACE_TOO_MANY_FOLDERS: some hundred thousand
 * folders); looking a folder up costs the same at any depth.
 *
 * A folder that was removed is gone at once with all that is below it: from the commit on no id of it is found, the name is free, and the
 * bytes are off the count of the course. The records and bytes follow in pieces (core/space/remnants.h).
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; the calls that only read are
 * fit for a loop, lists for one page. */
#ifndef CAIS_CORE_SPACE_FOLDER_H
#define CAIS_CORE_SPACE_FOLDER_H

#include "core/records/folder.h"
#include "core/space/place.h"

/* who: NULL is nobody. Errors: FOLDER_NOT_THERE, before anything else; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t folder_find(struct core *, const struct principal *who, enum place_verb, int64_t id, struct arena *a,
                           struct folder *ret);
/* The folders in a folder that the caller has found, by id. */
MUST_USE err_t folder_list(struct core *, int64_t parent_id, const struct id_page *, struct arena *a,
                           struct folder_list *ret);

/* The same, sorted by the name with its case folded (base/case_fold.h), from the first one above after_key; empty: from the first. */
MUST_USE err_t folder_list_by_name(struct core *, int64_t parent_id, slice after_key, size_t limit, struct arena *a,
                                   struct folder_list *ret);
/* The folder of that name in a folder that the caller has found. Errors: FOLDER_NOT_THERE. */
MUST_USE err_t folder_find_named(struct core *, int64_t parent_id, slice name, struct arena *a, struct folder *ret);
/* The folder that a path names as people see it: the name of a space, then the names of folders, without regard to case, with `/` between
 * them; the paths of environment and course may stand before the space. A name alone is that of a space, for its root, or, when
 * no space has it, of a folder anywhere. A name that has a `/` in it cannot be named so.
 *
 * Errors: FOLDER_NOT_THERE none that the caller sees, or not UTF-8; FOLDER_SEVERAL, whose text has their ids, at most five;
 * FOLDER_TOO_MANY_LOOKS it is not known after 2,000 spaces, or for a name alone 20,000 folders. Fit for no loop. */
MUST_USE err_t folder_find_path(struct core *, const struct principal *who, slice path, struct arena *a,
                                struct folder *ret);
/* The folders above a folder that the caller has found, from the root on, and the folder itself; of those that are more than
 * FOLDER_PATH_MAX deep only the last ones. Fit for no loop: reads each of them. */
enum { FOLDER_PATH_MAX = 100 };
MUST_USE err_t folder_path(struct core *, const struct folder *, struct arena *a, struct folder_list *ret);

/* The name as it is kept: without control characters. Errors: FOLDER_NAME_EMPTY nothing but blanks is left; FOLDER_NAME_TOO_LONG more than
 * 255 characters; INVALID not UTF-8. */
MUST_USE err_t folder_name_clean(slice raw, struct arena *a, slice *ret);

/* name: as folder_name_clean returned it. Errors: as folder_find; FOLDER_NAME_TAKEN; SPACE_TOO_MANY_FOLDERS; QUOTA. */
MUST_USE err_t folder_create(struct core *, const struct principal *who, int64_t parent_id, slice name, struct arena *a,
                             int64_t *ret_id);
struct folder_change {
    int64_t id;
    slice name;        /* as folder_name_clean returned it; empty: it stays */
    int64_t parent_id; /* 0: it stays where it is */
};
/* Errors: as folder_find; FOLDER_NAME_TAKEN; FOLDER_BAD_PARENT the parent does not exist, is in another space, is the folder itself or
 * below it, or the folder is a root; SPACE_TOO_MANY_FOLDERS; QUOTA. */
MUST_USE err_t folder_change(struct core *, const struct principal *who, const struct folder_change *, struct arena *a);
/* Errors: as folder_find; FOLDER_IS_ROOT. */
MUST_USE err_t folder_remove(struct core *, const struct principal *who, int64_t id, struct arena *a);

/* ---- searching ---- */

struct folder_search_request {
    int64_t space_id; /* that the caller has found */
    bool files;       /* files, or folders */
    slice part;       /* of the name, without regard to case; not empty */
    int64_t after_id; /* 0, or ret_after_id of the page before */
    size_t limit;
};
/* A page of what is found, by id. It may be short, or empty, although more follows: a page looks at FOLDER_SEARCH_LOOKS names at most.
 * *ret_after_id: 0 at the end. */
#define FOLDER_SEARCH_LOOKS 5000
MUST_USE err_t folder_search(struct core *, const struct folder_search_request *, struct arena *a,
                             struct folder_hit_list *ret, int64_t *ret_after_id);

#endif
