/* SPDX-License-Identifier: Apache-2.0 */
/* The SFTP protocol with one client that has logged in: bytes in, bytes out. It knows no sockets and no SSH.
 *
 *                     INIT                          anything but a request, or a packet that is too long
 *   new ── waiting ────────► serving ◄──┐ requests ─────────────────────────────────────────────────────► ended
 *                               └───────┘
 *
 * Requests are executed one after the other, in the order in which they came, each before its reply. What a reply acknowledges:
 *   WRITE   the bytes are taken, as by a file system: they may be lost in a crash
 *   fsync   all that was written to the file is on stable storage
 *   CLOSE   of a file that was written: it is complete and on stable storage. A CLOSE that failed leaves a partial file
 *
 * Rules       Paths are those of core/sync/inbox.h: the root is that of the section. Links do not exist and cannot be made. Times, owners
 *             and permissions cannot be set, but programs that try are told it was done, because they would report the upload as failed. The size
 *             of a file cannot be set. APPEND and writing in order: sftp/upload.h.
 * Limits      SFTP_PACKET_MAX; HANDLES_MAX, and shared->handles for all sessions; SESSION_OUTPUT_MAX: replies that the client has not
 *             taken. Until they are fewer no request is executed, so a client that never reads uses no more memory.
 * Thread      one at a time. A call may wait for a disk. */
#ifndef CAIS_SFTP_SESSION_H
#define CAIS_SFTP_SESSION_H

#include "base/log.h"
#include "sftp/handle.h"
#include "sftp/recent.h"

#define SESSION_OUTPUT_MAX ((size_t)512 << 10) /* bytes; the last reply may exceed it by its own length */

/* What all sessions of a server share. */
struct session_shared {
    struct core *core;
    struct log *log; /* of errors that are none of the client's doing; NULL: none */
    struct handle_total handles;
    struct memory_budget memory; /* of uploads, and of what is read from memory */
    struct recent recent;
    uint64_t requests;  /* that were executed; atomic */
    bool single_thread; /* set before the first session: no session has a helper, for a core without threads */
};
void session_shared_init(struct session_shared *, struct core *, struct log *, int64_t max_handles,
                         size_t memory_bytes);
void session_shared_release(struct session_shared *);

struct sftp_session;

/* inbox: of that section; it is borrowed, and so is `shared`. */
struct sftp_session *sftp_session_open(struct session_shared *, struct inbox *, int64_t section_id);
/* What is being written is cut. NULL is fine. */
void sftp_session_close(struct sftp_session *);

/* Executes the requests that have come completely. Returns how many bytes they were; the others must be given again, with what follows
 * them. */
size_t sftp_session_feed(struct sftp_session *, slice bytes);
/* Replies that must be sent; they stay where they are until the next call of any other function. */
slice sftp_session_output(const struct sftp_session *);
/* So many of these bytes were sent. */
void sftp_session_sent(struct sftp_session *, size_t n);
/* No request is executed until some of the output was sent. */
bool sftp_session_is_full(const struct sftp_session *);
/* The client broke the protocol: nothing is executed any more. NULL: it did not; else how. */
const char *sftp_session_violation(const struct sftp_session *);
/* A file is being written. */
bool sftp_session_is_writing(const struct sftp_session *);
/* Open nothing any more: the server is about to stop. */
void sftp_session_refuse_opens(struct sftp_session *);
#endif
