/* SPDX-License-Identifier: Apache-2.0 */
/* Files. */
#ifndef CAIS_CORE_STORE_FILE_STORE_H
#define CAIS_CORE_STORE_FILE_STORE_H

#include "core/records/file.h"
#include "core/records/object.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_file_add(struct meta_tx *, const struct file *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_file_get(struct meta_tx *, int64_t id, struct arena *a, struct file *ret);
MUST_USE err_t meta_file_by_uuid(struct meta_tx *, const unsigned char uuid[16], struct arena *a, struct file *ret);
/* What a download needs, in one look-up: the file and its object with inline bytes. owner_login is not set.
 * ret_object->id is 0 when the file has no object. */
MUST_USE err_t meta_file_with_object(struct meta_tx *, const unsigned char uuid[16], struct arena *a,
                                     struct file *ret_file, struct object *ret_object);

struct file_query {
    int64_t account_id;  /* 0: of all accounts */
    int64_t owner_id;    /* 0: of all owners */
    int64_t task_id;     /* only what is attached to the task or to its comments; 0: any */
    int64_t folder_id;   /* only what is in the folder itself; 0: any. At most one of the two is set */
    int64_t pending_of;  /* of the files that are pending, only this owner's; 0: all of them */
    int64_t before_id;   /* only ids below it; 0: from the newest */
    int state;           /* an enum file_state; -1: any */
    slice name_contains; /* without regard to case (ASCII); empty: any name */
    size_t limit;
};
/* Newest first. */
MUST_USE err_t meta_file_list(struct meta_tx *, const struct file_query *, struct arena *a, struct file_list *ret);
/* Files whose purge_at_ms is set and not later than now_ms, oldest first. */
MUST_USE err_t meta_file_due(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a, struct file_list *ret);

/* Moves the file from one state to another and sets its purge_at_ms. CONFLICT when it is not in state `from`. */
MUST_USE err_t meta_file_move(struct meta_tx *, int64_t id, enum file_state from, enum file_state to,
                              int64_t purge_at_ms, struct arena *a);
/* Gives a file that is ISSUED or STORED this object, with its size and MD5, and makes it STORED. CONFLICT in any other
 * state. ret_old_object_id: the object that the file had, for the caller to release; 0: none. */
MUST_USE err_t meta_file_set_object(struct meta_tx *, int64_t id, const struct object *, int64_t stored_at_ms,
                                    struct arena *a, int64_t *ret_old_object_id);

/* Gives the file another name. NOT_FOUND. */
MUST_USE err_t meta_file_rename(struct meta_tx *, int64_t id, slice name, struct arena *a);

/* ---- holding (core/file/hold.c) ---- */

/* A holder is about to be added: a file that is STORED or READY, and whose purge time has not come, is READY without a
 * purge time from now on. *ret_held: there is such a file. */
MUST_USE err_t meta_file_hold(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a, bool *ret_held);
/* Until the write ends, no other write changes the file or adds or removes its holds. */
MUST_USE err_t meta_file_lock(struct meta_tx *, int64_t id, struct arena *a);
/* A file that is READY, is not kept, and that nothing holds becomes STORED, to be purged at purge_at_ms. Any other file
 * stays as it is. */
MUST_USE err_t meta_file_expire(struct meta_tx *, int64_t id, int64_t purge_at_ms, struct arena *a);
/* A file that is STORED, and whose purge time has not come, becomes READY and is kept. NOT_FOUND when there is none. */
MUST_USE err_t meta_file_keep(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);

/* ---- removing ---- */

/* Removes the record of the file and of its ticket, and leaves the object. CONFLICT while something holds the file or
 * refers to it. */
MUST_USE err_t meta_file_remove(struct meta_tx *, int64_t id, struct arena *a);
/* The same for a file whose purge time has come. NOT_FOUND when it has not, for example because a holder holds the file
 * now. */
MUST_USE err_t meta_file_remove_due(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);

#endif
