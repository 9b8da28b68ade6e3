/* SPDX-License-Identifier: Apache-2.0 */
/* Files as people see them: look up, list, read, delete.
 * A user sees its own files; an administrator of the account and the operator see the account's, but those that came
 * by a ticket (ticket.h) not before they are confirmed. What may not be seen is NOT_FOUND, like what is not there, and
 * like a file whose time has come although the purge has not come by.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores. */
#ifndef CAIS_CORE_FILE_FILE_H
#define CAIS_CORE_FILE_FILE_H

#include "core/object/content.h"
#include "core/records/file.h"

/* May `who` see this file now? For what was read by other means (a reference). */
bool file_is_visible(const struct principal *who, const struct file *, int64_t now_ms);

/* Errors: NOT_FOUND. */
MUST_USE err_t file_get(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                        struct file *ret);

struct file_list_request {
    int64_t before_id;   /* only ids below it: the ret_next of the page before; 0: from the newest */
    int state;           /* an enum file_state, -1: any */
    slice name_contains; /* without case (ASCII); empty: any */
    size_t most;         /* at least 1 */
};
/* Newest first. ret_next: before_id of the next page; 0 when this is the last one. */
MUST_USE err_t file_list(struct core *, const struct principal *who, const struct file_list_request *, struct arena *a,
                         struct file **ret, size_t *ret_count, int64_t *ret_next);

/* A file's record and its bytes, open for reading. The slices of *ret_file live until content_close, or in `a`. Fit for
 * a loop: reads a few rows at most and opens a blob.
 * Errors: NOT_FOUND; CONFLICT no bytes have come yet; CORRUPT there is a record, but its bytes are missing or have
 * another length. */
MUST_USE err_t file_open(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                         struct file *ret_file, struct content *ret_content);
/* The bytes of a file whose record the caller has read and authorised in another way (an attachment). Errors: as
 * file_open. */
MUST_USE err_t file_open_record(struct core *, const struct file *, struct arena *a, struct content *ret);

/* Row, usage and event in one write; the bytes follow. Errors: NOT_FOUND; CONFLICT a task holds on to it. */
MUST_USE err_t file_delete(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a);

#endif
