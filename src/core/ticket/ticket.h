/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: permission to upload the bytes of one file, issued before the bytes come. The bytes are put under a key of a
 * guarded bucket (entry_put_open), and then the file is confirmed. A file that is not confirmed in time is purged; until
 * then only its owner sees it. A ticket may name the holder that its file goes to (core/file/holder.h).
 *
 * The file is ISSUED until its bytes have come, whole; then STORED until ticket_confirm; then READY. While it is STORED
 * the bytes may be put again until expires_at_ms, and it is purged at purge_at_ms. The diagram stands in
 * ARCHITECTURE.md, "The states of a file".
 *
 * The last complete upload before the confirmation gives the file its bytes; after the confirmation they never change.
 * Confirming and purging are one write each, so exactly one of them succeeds.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. */
#ifndef CAIS_CORE_TICKET_TICKET_H
#define CAIS_CORE_TICKET_TICKET_H

#include "core/bucket/bucket.h"
#include "core/file/holder.h"
#include "core/reasons.h"
#include "core/records/ticket.h"

struct ticket_request {
    slice origin;             /* name of the API */
    slice name, content_type; /* cleaned (file_name.h) */
    uint64_t declared_bytes;
    int64_t bucket_id;
    /* The key is key_head, the file id in decimal, key_tail: the id is known only once the row is made. */
    slice key_head, key_tail;
    int64_t lifetime_ms;   /* how long bytes may be put */
    int64_t pending_ms;    /* the file is purged that long after now unless it was confirmed */
    struct holder holder;  /* what holds the file once it is confirmed; none: the file is kept until it is deleted */
    bool refuse_duplicate; /* REASON_TICKET_DUPLICATE when the holder has a file of that name */
};
/* Slices live until done returns. */
struct ticket_issued {
    struct file file;
    struct ticket ticket;
    slice owner_name;
    slice holder_text;    /* describes the holder (struct holder_rules); empty without one */
    int64_t duplicate_id; /* with REASON_TICKET_DUPLICATE: the file that has the name */
};
typedef void ticket_done_fn(void *arg, err_t e, const struct ticket_issued *);
/* Write the record, then call done on the committer's thread, where it must not block. The request, `who`, and everything
 * they point to must live until then. When the request is refused before it is submitted, done is called before
 * ticket_issue returns. Fit for a loop.
 * Errors (through done): NOT_FOUND the holder does not exist or is not visible to the user; REASON_TICKET_DUPLICATE; QUOTA;
 * NO_SPACE. */
void ticket_issue(struct core *, const struct principal *who, const struct ticket_request *, ticket_done_fn *done,
                  void *arg);

/* Confirm the file, so that the holder of its ticket holds it. A file that was confirmed before stays as it is, and that is
 * success. After a refusal the ticket stays as it is.
 * Errors: the reasons REASON_TICKET_… of core/reasons.def. */
MUST_USE err_t ticket_confirm(struct core *, const struct principal *who, int64_t file_id, struct arena *a);

#endif
