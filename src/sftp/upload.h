/* SPDX-License-Identifier: Apache-2.0 */
/* A file while an SFTP client writes it.
 *
 * An inbox takes bytes in their order only, and large pieces are cheaper. So they are collected here, UPLOAD_BUFFER_BYTES at a time, and those
 * that come early wait: programs that send from several threads reorder their packets a little. Nothing is overwritten: a
 * byte that came stays what it is. An error may show with a later call than the one whose bytes met it.
 *
 * Thread: one at a time. */
#ifndef CAIS_SFTP_UPLOAD_H
#define CAIS_SFTP_UPLOAD_H

#include "base/helper.h"
#include "core/sync/inbox.h"

#define UPLOAD_BUFFER_BYTES ((size_t)1 << 20)
#define UPLOAD_EARLY_BYTES ((size_t)4 << 20) /* that may wait for those before them */
#define UPLOAD_EARLY_MAX 256                 /* pieces that may */
/* Of a session, for what comes early while others have all the memory: the 64 writes of 32 KiB that programs send at once. */
#define UPLOAD_RESERVE_BYTES ((size_t)2 << 20)
#define UPLOAD_WAIT_MS                                                                                                 \
    2000 /* bytes are not collected for longer: to the inbox, a writer that brings none seems to be gone */

/* What the uploads of a session share; all is borrowed. */
struct upload_shared {
    struct clock *clock;
    struct helper *helper; /* writes for one of them at a time; the others wait for the disk themselves. NULL: all do */
    struct memory_budget *memory; /* counts the buffers, and what came early */
    size_t *reserve;              /* bytes that are left of UPLOAD_RESERVE_BYTES */
};

struct upload;

/* writer: handed over. appends: the client does not say where its bytes belong, but that they belong to the end; its offsets are counted
 * from the beginning of the file, or of what it appends. When there is no memory for buffers, bytes are written as they come, and what
 * may come early is limited by the reserve of the session. */
struct upload *upload_new(const struct upload_shared *, struct inbox_writer *writer, bool appends);
/* Errors: INBOX_OFFSET they would overwrite others, or come too early; those of inbox_writer_write. After an error the file is not
 * complete any more, and every other call fails. */
MUST_USE err_t upload_write(struct upload *, uint64_t offset, slice bytes, struct arena *a);
/* The end of what came without a gap. */
uint64_t upload_size(const struct upload *);
/* All that was written is on stable storage. Errors: also INBOX_INCOMPLETE bytes are missing in the middle. */
MUST_USE err_t upload_flush(struct upload *, struct arena *a);
/* As inbox_writer_close, with the errors of upload_flush. Frees the upload, whatever the result. */
MUST_USE err_t upload_close(struct upload *, struct arena *a);
/* The client is gone: what came without a gap stays as a partial file. Frees the upload; NULL is fine. */
void upload_cut(struct upload *);

#endif
