/* SPDX-License-Identifier: Apache-2.0 */
/* How cais put sends large files: with a state that outlives it, and with what it shows to the user. */
#ifndef CAIS_CLI_PUT_LARGE_H
#define CAIS_CLI_PUT_LARGE_H

#include "cli/put_state.h"
#include "cli/session.h"
#include "cli/stop_signals.h"

struct put_large {
    const struct cli *cli;
    const struct session *session;
    int64_t retry_for_ms;
    struct put_folder folder; /* of the states; fd -1: it cannot be used */
    err_t no_folder;          /* why not */
    int stopped_by;           /* the signal that ended an upload; 0: none did */
};
/* Does not fail: without the folder, files are sent, too. */
void put_large_begin(struct put_large *, const struct cli *cli, const struct session *, int64_t retry_for_ms);
void put_large_end(struct put_large *);

/* Is it a regular file that is sent in several requests? */
bool put_is_large(int fd);
/* The absolute path under which the state of a file is kept. */
slice put_path_of(const char *path, struct arena *a);

/* Send a file, or go on with an earlier upload of it if that is of the same version, name and type.
 *
 * path     as the user gave it
 * Errors   CONFLICT another process sends it; EXPIRED stopped by a signal; else as resumable_put */
MUST_USE err_t put_large_file(struct put_large *, const char *path, int fd, slice name, struct arena *a,
                              struct client_file *ret_file);

/* The states of unfinished uploads to this server and account. Files that are no states are reported to the user. */
MUST_USE err_t put_large_list(struct put_large *, struct arena *a, struct put_state_list *ret);
/* Go on with one of them.
 *
 * ret_file  without json: there is nothing to send any more, which the user was told
 * Errors    CONFLICT the file has changed; those of opening it; else as put_large_file */
MUST_USE err_t put_large_resume(struct put_large *, const struct put_state *, struct arena *a,
                                struct client_file *ret_file);

#endif
