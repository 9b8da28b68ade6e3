/* SPDX-License-Identifier: Apache-2.0 */
/* A file that a command writes: it appears under its name whole and flushed, or not at all. Until then its bytes are in a file
 * beside it with a name of its own, which is removed when the command fails. */
#ifndef CAIS_CLI_WHOLE_FILE_H
#define CAIS_CLI_WHOLE_FILE_H

#include "base/err.h"
#include "base/random.h"
#include "cli/stop_signals.h"

struct whole_file {
    const char *path, *temporary; /* temporary: NULL while there is none */
    bool replaces;
    int fd; /* for writing */
    struct stop_signals signals;
};
/* Begin to write. Until the file is closed, the stop signals are blocked, so that the temporary file does not stay
 * behind: ask stop_signal_waits between two pieces of the work. `path` is borrowed until then.
 * replaces  a file that exists is replaced; else it is an error
 * Errors    CONFLICT the file exists, or is no regular file; those of the system */
MUST_USE err_t whole_file_open(struct whole_file *, const char *path, bool replaces, struct random *, struct arena *a);
/* Flush the bytes, give the file its name, and flush the folder. Errors: as whole_file_open. */
MUST_USE err_t whole_file_commit(struct whole_file *, struct arena *a);
/* Must be called after whole_file_open, whatever that returned. Removes what was not committed. */
void whole_file_close(struct whole_file *);

#endif
