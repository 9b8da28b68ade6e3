/* SPDX-License-Identifier: Apache-2.0 */
/* Files as users see them: looked up, listed, read, deleted.
 *
 * A user sees its own files. An administrator of the account and the operator also see the other files of the account,
 * except pending ones: a file that came by a ticket (ticket.h) which is not confirmed yet. A file that a user may not see
 * is NOT_FOUND, as if it did not exist; so is a file whose purge time has come, whether or not the purge has run.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores. Thread: any. */
#ifndef CAIS_CORE_FILE_FILE_H
#define CAIS_CORE_FILE_FILE_H

#include "core/object/content.h"
#include "core/reasons.h"
#include "core/records/file.h"

/* May `who` see this file now? For a record that the caller has read in another way (from a reference). */
bool file_is_visible(const struct principal *who, const struct file *, int64_t now_ms);

/* Errors: NOT_FOUND. */
MUST_USE err_t file_get(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                        struct file *ret);

struct file_list_request {
    int64_t before_id;   /* only ids below it: next_before_id of the page before; 0: from the newest */
    int state;           /* an enum file_state, -1: any */
    slice name_contains; /* case-insensitive for ASCII letters; empty: any */
    int64_t owner_id;    /* only of this user; 0: of any */
    int64_t task_id;     /* only what is attached to the task or to its comments, … */
    int64_t folder_id;   /* … or what is in the folder itself; 0: any. At most one of the two is set */
    size_t limit;        /* at least 1 */
};
struct file_page {
    struct file *items;
    size_t count;
    int64_t next_before_id; /* before_id of the next page; 0: this is the last page */
};
/* The files that `who` may see, newest first. That a task or folder is named gives no right to its files. */
MUST_USE err_t file_list(struct core *, const struct principal *who, const struct file_list_request *, struct arena *a,
                         struct file_page *ret);

/* A file's record and its bytes, open for reading. The slices of *ret_file live until content_close, or in `a`. Fit for
 * a loop: reads a few rows at most and opens a blob.
 * Errors: REASON_FILE_NOT_VISIBLE; REASON_FILE_NO_BYTES; REASON_FILE_DAMAGED the bytes are missing or have another length. */
MUST_USE err_t file_open(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                         struct file *ret_file, struct content *ret_content);
/* The bytes of a file whose record the caller has read and authorised in another way (an attachment). Errors: as
 * file_open. */
MUST_USE err_t file_open_record(struct core *, const struct file *, struct arena *a, struct content *ret);

/* Give the file another name, in one write with the event.
 *
 * name    cleaned as that of an upload (file_name_clean)
 * ret     the file as it is now, in `a`
 * Errors  REASON_FILE_NOT_VISIBLE; those of file_name_clean; QUOTA the account has no room for a longer name; CONFLICT something holds
 *         the file, which may know it by its name, or no bytes have come yet */
MUST_USE err_t file_rename(struct core *, const struct principal *who, const unsigned char uuid[16], slice name,
                           struct arena *a, struct file *ret);

/* Remove the record, give its room back to the account and write the event, in one write; the bytes follow after the
 * grace (core/object/garbage.h). Errors: NOT_FOUND; CONFLICT something holds the file. */
MUST_USE err_t file_delete(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a);

#endif
