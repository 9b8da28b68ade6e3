/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory that is damaged, opened to be read only: nothing in it is changed, and nothing is made in it. */
#ifndef CAIS_CLI_DAMAGED_STORE_H
#define CAIS_CLI_DAMAGED_STORE_H

#include "base/err.h"

struct blob_store;
struct meta_store;

struct damaged_store {
    int lock_fd, dir_lock_fd; /* -1: there is no lock to hold */
    struct meta_store *meta;  /* over a private copy of the database; NULL: it cannot be read */
    struct blob_store *blob;  /* NULL: there are no blobs */
    const char *copy;         /* the folder of the copy; NULL: there is none */
    slice problem;            /* what is wrong with the database; empty: nothing */
};
/* Keeps every server and command from using the data directory meanwhile. The copy of the database is made beside `dir`.
 * After an error, call damaged_store_close, too. Errors: CONFLICT a server uses the directory; NOT_FOUND there is none; NO_SPACE;
 * UNAVAILABLE. */
MUST_USE err_t damaged_store_open(struct damaged_store *, slice data_dir, const char *dir, struct arena *a);
void damaged_store_close(struct damaged_store *);

#endif
