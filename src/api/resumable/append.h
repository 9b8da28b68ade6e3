/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that a request brings: to an upload that is there (PATCH), or to the one that it has just made (POST).
 *
 *   head ──► append_read_checks ──► (record) ──► append_receive ──► bytes ──► end ──► append_reply
 *
 * Writing waits for the disk, so it happens on body workers, and the end of the body in a lane. What a body that is cut has
 * brought stays, unless the request announced a checksum of it. */
#ifndef CAIS_API_RESUMABLE_APPEND_H
#define CAIS_API_RESUMABLE_APPEND_H

#include "api/resumable/body_check.h"
#include "api/resumable/call.h"
#include "core/grant.h"
#include "core/transfer/transfer.h"

struct append {
    struct http_sink sink;
    struct http_exchange *x;
    bool creates; /* the request made the upload */
    struct transfer_opening opening;
    struct transfer_writer *writer; /* NULL until the first bytes */
    struct body_checks checks;
    bool tells_progress; /* by interim replies */
    bool write_failed;   /* and not only the connection */
    struct http_watch watch;
    struct grant grant;
    bool was_ended; /* by another request; atomic */
    int64_t told_offset;
    struct transfer transfer; /* as it was before the body came, and as it is in the end */
};

/* The struct must live in the arena of the exchange. */
void append_init(struct append *, struct http_exchange *);
/* Upload-Checksum (tus), Content-Digest (IETF). Errors: BAD_CHECKSUM, BAD_DIGEST. */
MUST_USE err_t append_read_checks(struct append *);
/* Upload-Complete. Errors: BAD_COMPLETE. */
MUST_USE err_t append_read_complete(struct http_exchange *, bool *ret);
/* Interim reply: where the upload is that was just made. */
void append_tell_location(struct append *);
/* The request is refused: removes the upload that it made if no interim reply has said where it is, so that nobody can continue it. */
void append_forget(struct append *);
/* Receives the body, and replies. Thread: the loop. */
void append_receive(struct append *);
/* Replies about the upload as append->transfer has it. May block. */
MUST_USE err_t append_reply(struct append *);

#endif
