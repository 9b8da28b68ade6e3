/* SPDX-License-Identifier: Apache-2.0 */
/* The folder into which a salvage writes: files with names that any file system takes, and a list. Nothing in it is ever overwritten, and
 * no symbolic link is followed. */
#ifndef CAIS_CORE_CARE_SALVAGE_OUT_H
#define CAIS_CORE_CARE_SALVAGE_OUT_H

#include "base/err.h"

#define SALVAGE_LIST "list.jsonl"

struct salvage_out;
/* Makes the folder, or takes an empty one. Errors: CONFLICT it is not empty, no folder, or a symbolic link; NO_SPACE; FORBIDDEN;
 * UNAVAILABLE. */
MUST_USE err_t salvage_out_open(const char *dir, struct arena *a, struct salvage_out **ret);
void salvage_out_close(struct salvage_out *); /* NULL is fine */
static inline void salvage_out_closep(struct salvage_out **out)
{
    salvage_out_close(*out);
}

/* A name that any file system takes: without '/', control bytes and what is no UTF-8, not "." or "..", not hidden, and of at most 200
 * bytes, of which the ending stays. */
slice salvage_safe_name(slice name, struct arena *a);

/* A new file. folder: one of ours, such as "files", which is made; subfolder: made safe; may be empty. unique: is added to the name, made
 * safe, when there is such a file. ret_path: within the folder of the salvage. Errors: NO_SPACE, UNAVAILABLE. */
struct salvage_place {
    const char *folder;
    slice subfolder, name, unique;
};
MUST_USE err_t salvage_out_create(struct salvage_out *, const struct salvage_place *, struct arena *a, int *ret_fd,
                                  slice *ret_path);
/* Gives a file of this salvage another place. */
MUST_USE err_t salvage_out_move(struct salvage_out *, slice path, const struct salvage_place *, struct arena *a,
                                slice *ret_path);
MUST_USE err_t salvage_out_remove(struct salvage_out *, slice path, struct arena *a);
/* Adds a line to the list. */
void salvage_out_list(struct salvage_out *, slice line);
/* Brings everything to stable storage. Only then is anything salvaged. Errors: NO_SPACE; UNAVAILABLE. */
MUST_USE err_t salvage_out_finish(struct salvage_out *, struct arena *a);

#endif
