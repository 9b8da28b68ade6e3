/* SPDX-License-Identifier: Apache-2.0 */
/* Send a large file in several requests (tus, docs/apis/resumable.md), so that a lost connection, a restart of the server or of
 * this machine costs no bytes that the server has acknowledged.
 *
 *              ┌──────────────── the server no longer has it ───────────────┐
 *              ▼                                                            │
 *   begin ── POST ──► offset known ── PATCH ──► offset known … ──► file ── GET info ──► size and MD5 compared
 *                        ▲  │ lost, or refused for now
 *                  GET   │  ▼
 *                        offset unknown ◄── pause, at most retry_for_ms without progress
 *
 * The MD5 of the whole is computed while the file is read. After a restart of the program the first bytes are read again for it. */
#ifndef CAIS_CLI_RESUMABLE_PUT_H
#define CAIS_CLI_RESUMABLE_PUT_H

#include "base/clock.h"
#include "cli/client.h"
#include "cli/put_state.h"

#define RESUMABLE_ABOVE_BYTES ((int64_t)64 << 20) /* smaller files are sent in one request */

/* What is shown meanwhile. A function that returns false stops the upload. Texts and errors are borrowed. */
struct resumable_watch {
    bool (*on_sent)(void *arg, int64_t done, int64_t total);
    bool (*on_read_again)(void *arg, int64_t done, int64_t total);
    /* Waits so long. is_first: the first pause since the upload came further. */
    bool (*on_pause)(void *arg, int64_t pause_ms, bool is_first, err_t why);
    void (*on_notice)(void *arg, slice text); /* something that the user should know; not safe for terminals */
    void *arg;
};

struct resumable_put {
    struct client *client;
    struct clock *clock;
    int fd;                          /* a regular file */
    struct put_state state;          /* without an id of an upload: one is begun */
    const struct put_record *record; /* where the state is kept; NULL: nowhere */
    int64_t retry_for_ms;
    const struct resumable_watch *watch;
    int64_t acknowledged_bytes; /* the result: so much the server has, of state.upload; -1: it is not known */
};
/* Send the file, or what is missing of it.
 *
 * a         also keeps the id of an upload that is begun
 * ret_file  in `a`; its size and MD5 are those of the file
 * Errors    EXPIRED stopped by `watch`; CONFLICT the file changed meanwhile; DIGEST the server has other bytes; else as
 *           client_send. Afterwards the record holds a state if, and only if, it is of use to try again */
MUST_USE err_t resumable_put(struct resumable_put *, struct arena *a, struct client_file *ret_file);

/* Is it certain that the server no longer has this upload? */
bool resumable_is_gone(struct client *, slice upload);
/* Remove an upload that nobody goes on with. If that fails, it expires. */
void resumable_abandon(struct client *, slice upload);

#endif
