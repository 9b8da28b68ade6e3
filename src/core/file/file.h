/* SPDX-License-Identifier: Apache-2.0 */
/* Files as people see them: look up, list, read, delete.
 * A user sees its own files; an administrator of the account and the operator see the account's, but those that came
 * by a ticket (ticket.h) not before they are confirmed. What may not be seen is NOT_FOUND, like what is not there, and
 * like a file whose time has come although the purge has not come by.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores. */
#ifndef CAIS_CORE_FILE_FILE_H
#define CAIS_CORE_FILE_FILE_H

#include "core/core.h"
#include "core/records/file.h"

struct content_entry;

/* May `who` see this file now? For what was read by other means (a reference). */
bool file_is_visible(const struct principal *who, const struct file *, int64_t now_ms);

/* Errors: NOT_FOUND. */
MUST_USE err_t file_get(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                        struct file *ret);

struct file_list_order {
    int64_t before_id;   /* only ids below it: the ret_next of the page before; 0: from the newest */
    int state;           /* an enum file_state, -1: any */
    slice name_contains; /* without case (ASCII); empty: any */
    size_t most;         /* at least 1 */
};
/* Newest first. ret_next: before_id of the next page; 0 when this is the last one. */
MUST_USE err_t file_list(struct core *, const struct principal *who, const struct file_list_order *, struct arena *a,
                         struct file **ret, size_t *ret_count, int64_t *ret_next);

/* A file and its bytes, open for reading: small ones in memory, shared with other readers; large ones by a reader of
 * the blob store. Deleting the file does not disturb those who read it. */
struct content {
    struct file file;            /* its slices live until content_close, or in the arena of the call */
    slice bytes;                 /* .p is not NULL: all of them, until content_close; they never change */
    struct blob_reader *reader;  /* else; in the arena of the call */
    struct content_entry *entry; /* core's: whose memory that is */
};
/* Errors: NOT_FOUND; CONFLICT no bytes have come yet; CORRUPT there is a record, but its bytes are missing or of
 * another length. Fit for a loop: reads at most a few rows and opens a blob. */
MUST_USE err_t file_open(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                         struct content *ret);
/* Open the bytes of a file that was read and authorised by other means (an attachment). Errors: as above. */
MUST_USE err_t file_open_record(struct core *, const struct file *, struct arena *a, struct content *ret);
/* Read `size` bytes from `offset` into `to`; fewer only at the end of the file. May block on the disk.
 * Errors: UNAVAILABLE; CORRUPT bytes are missing. */
MUST_USE err_t content_read_at(const struct content *, uint64_t offset, char *to, size_t size, struct arena *a,
                               size_t *ret_read);
/* A descriptor that the bytes can be sent from (sendfile), from offset 0; -1 when they are in memory, or when the blob
 * store has none. It is the content's and ends with it. */
int content_fd(const struct content *);
void content_close(struct content *); /* on any thread; a zeroed one is fine */

/* Row, usage and event in one write; the bytes follow. Errors: NOT_FOUND; CONFLICT a task holds on to it. */
MUST_USE err_t file_delete(struct core *, const struct principal *who, const unsigned char uuid[16], struct arena *a);

#endif
