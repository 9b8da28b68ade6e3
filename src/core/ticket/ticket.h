/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: permission to put the bytes of one file, handed out before they come, used under a key of a bucket of
 * tickets (entry_put_open), then confirmed; what is not confirmed in time goes, and nobody but its owner ever saw it.
 *
 * The file is ISSUED until its bytes are here, whole, STORED until ticket_confirm, then READY. While it is STORED the
 * bytes may be sent again, and until then it goes at purge_at_ms. ARCHITECTURE.md draws it: "The states of a file".
 *
 * The bytes that count are those of the last complete upload before the confirmation; after it they never change.
 * Confirm and purge are each one write: one of them wins completely.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. */
#ifndef CAIS_CORE_TICKET_TICKET_H
#define CAIS_CORE_TICKET_TICKET_H

#include "core/bucket/bucket.h"
#include "core/records/document.h"
#include "core/task/document.h"

struct ticket_order {
    slice way;                /* name of the API */
    slice name, content_type; /* cleaned */
    uint64_t declared_bytes;
    int64_t bucket_id;
    /* The key is key_head, the number of the file, key_tail: the number is only known when the row is made. */
    slice key_head, key_tail;
    int64_t lifetime_ms;   /* of the permission to put bytes */
    int64_t pending_ms;    /* purged that long after now unless it was confirmed */
    int64_t task_id;       /* hung on it when confirmed; 0: nothing */
    bool refuse_duplicate; /* CONFLICT when the task has a file of that name */
};
/* Slices live until done returns. */
struct ticket_issued {
    struct document document;
    int64_t duplicate_id; /* with CONFLICT: the file that has the name */
};
typedef void ticket_done_fn(void *arg, err_t e, const struct ticket_issued *);
/* Writes the record and calls done, on the committer's thread: it must not block. Everything that `order` and `who`
 * point to, and `order` itself, must live until then. Fit for a loop. Errors (through done): NOT_FOUND the task is not
 * there or not for this user; CONFLICT; QUOTA; NO_SPACE. */
void ticket_issue(struct core *, const struct principal *who, const struct ticket_order *order, ticket_done_fn *done,
                  void *arg);

enum ticket_refusal {
    TICKET_NO_REFUSAL,
    TICKET_NOT_THERE, /* NOT_FOUND: unknown, purged, deleted, its task is gone, or pending and somebody else's */
    TICKET_NO_BYTES,  /* EMPTY: nothing came yet; the ticket stays */
    TICKET_BAD_SIZE,  /* INVALID: the bytes are not as many as declared; the ticket stays */
    TICKET_TOO_MANY   /* TOO_LARGE: its task holds TASK_REFERENCES_MAX already; the ticket stays */
};
/* Confirmed before is success, and changes nothing. *ret_why is set on every way out. */
MUST_USE err_t ticket_confirm(struct core *, const struct principal *who, int64_t file_id, struct arena *a,
                              enum ticket_refusal *ret_why, struct document *ret);

#endif
