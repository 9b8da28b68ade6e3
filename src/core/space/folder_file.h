/* SPDX-License-Identifier: Apache-2.0 */
/* Files in folders. The folder is the holder of the file (core/file/hold.h): what is removed from its folder, and held by nothing else, is
 * purged. Names are unique among the files of a folder, without regard to case; folders and files may share a name.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; the calls that only read are
 * fit for a loop, lists for one page. */
#ifndef CAIS_CORE_SPACE_FOLDER_FILE_H
#define CAIS_CORE_SPACE_FOLDER_FILE_H

#include "core/object/intake.h"
#include "core/records/folder.h"
#include "core/space/place.h"

/* who: NULL is nobody. Errors: FILE_NOT_VISIBLE there is no such file in a folder, before anything else; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t folder_file_find(struct core *, const struct principal *who, enum place_verb, int64_t file_id,
                                struct arena *a, struct folder_file *ret);
/* The files of a folder that the caller has found, by id. */
MUST_USE err_t folder_file_list(struct core *, int64_t folder_id, const struct id_page *, struct arena *a,
                                struct folder_file_list *ret);

/* The same, sorted by the name with its case folded (base/case_fold.h), from the first one above after_key; empty: from the first. */
MUST_USE err_t folder_file_list_by_name(struct core *, int64_t folder_id, slice after_key, size_t limit,
                                        struct arena *a, struct folder_file_list *ret);
/* The file of that name in a folder that the caller has found. Errors: FILE_NOT_VISIBLE. */
MUST_USE err_t folder_file_find_named(struct core *, int64_t folder_id, slice name, struct arena *a,
                                      struct folder_file *ret);
/* By its uuid; it must be in that folder. Errors: as folder_file_find. */
struct folder_file_name {
    int64_t folder_id;
    const unsigned char *uuid; /* 16 bytes */
};
MUST_USE err_t folder_file_find_uuid(struct core *, const struct principal *who, enum place_verb,
                                     const struct folder_file_name *, struct arena *a, struct folder_file *ret);

/* The key under which the bytes of the file are read in a guarded bucket (core/bucket/entry_guard.h), by a link that the server's own key
 * signed: PREFIX/ID/WORD/NAME. The word begins with no digit. A file that was renamed or removed has the key no longer. In `a`. */
slice folder_file_key(slice prefix, const struct file *, slice word, struct arena *a);

/* ---- uploading ---- */

/* An upload into a folder. The struct lives until the upload has ended; `who` is copied by the caller if it must live as long. */
struct folder_upload {
    struct core *core;
    const struct principal *who;
    int64_t folder_id, space_id; /* the space is the caller's own note */
};
/* Early, so that nobody sends a file for nothing: may `who` put a file of that name there? name may be empty (not known yet), bytes -1
 * (the same). The last write asks again. Errors: FOLDER_NOT_THERE; PLACE_ROLE_TOO_LOW; FOLDER_FILE_TAKEN; COURSE_FULL. */
MUST_USE err_t folder_upload_check(const struct folder_upload *, slice name, int64_t bytes, struct arena *a);
/* Makes the intake's file one of the folder: request->name is its name. Errors of the intake: also those of folder_upload_check, and
 * QUOTA. */
void folder_upload_into(struct folder_upload *, struct intake_request *request);

/* A file that `who` owns, or, for administrators, that the account has, is in the folder from now on, and stays what it was otherwise:
 * one that is kept stays when it leaves the folder. Errors: FOLDER_NOT_THERE; PLACE_ROLE_TOO_LOW; FILE_NOT_VISIBLE there is no such file,
 * or it is of another account; FILE_NO_BYTES; FOLDER_FILE_HELD something holds it; FOLDER_FILE_TAKEN; COURSE_FULL; QUOTA. */
MUST_USE err_t folder_file_put(struct core *, const struct principal *who, const struct folder_file_name *,
                               struct arena *a);

/* ---- changing ---- */

struct folder_file_change {
    int64_t file_id;
    slice name;        /* cleaned (core/file/file_name.h); empty: it stays */
    int64_t folder_id; /* 0: it stays where it is */
};
/* Renames a file, or moves it to another folder of the same space. Errors: as folder_file_find; FOLDER_FILE_TAKEN; FOLDER_BAD_PARENT
 * the folder does not exist or is in another space; QUOTA. */
MUST_USE err_t folder_file_change(struct core *, const struct principal *who, const struct folder_file_change *,
                                  struct arena *a);
/* The bytes are off the count of the course at once. Errors: as folder_file_find. */
MUST_USE err_t folder_file_remove(struct core *, const struct principal *who, int64_t file_id, struct arena *a);

#endif
