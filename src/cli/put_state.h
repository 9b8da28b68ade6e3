/* SPDX-License-Identifier: Apache-2.0 */
/* What cais put remembers of an upload that is not finished, so that it can go on after a reboot: one small file for each, in a
 * folder of the user, without a token or another secret. A file of another user, or one that we did not write, is never used,
 * and its text is never trusted: which server is asked, and with which token, only the command line says. */
#ifndef CAIS_CLI_PUT_STATE_H
#define CAIS_CLI_PUT_STATE_H

#include "cli/client.h"

struct put_state {
    /* Which upload it is: these five are its key. */
    slice server;  /* a URL without user and password, or the path of the socket */
    slice account; /* with the socket; else empty */
    slice path;    /* absolute */
    slice name;    /* on the server */
    slice type;    /* content type; empty: none was given */

    struct file_version version; /* of the file when it was begun */
    slice upload;                /* its id: PUT_STATE_ID_LENGTH letters and digits */
    int64_t begun_at_ms;
};
#define PUT_STATE_ID_LENGTH 32
#define PUT_STATE_MAX_BYTES 65536

/* May the id be a part of a URL? */
bool put_state_id_is_valid(slice upload);
/* The state as JSON, and back. Errors: INVALID the text is none that put_state_format writes. Results in `a`. */
slice put_state_format(const struct put_state *, struct arena *a);
MUST_USE err_t put_state_parse(slice text, struct arena *a, struct put_state *ret);
bool put_state_same_key(const struct put_state *, const struct put_state *);

/* ---- the folder ---- */

struct put_folder {
    int fd;
};
/* Make the folder and those above it, for the user alone, unless they are there.
 * path     absolute
 * Errors   FORBIDDEN it belongs to another user, or others may write to it; those of the system */
MUST_USE err_t put_folder_open(slice path, struct arena *a, struct put_folder *ret);
void put_folder_close(struct put_folder *); /* all zeros with fd -1 is fine */

struct put_state_list {
    struct put_state *items; /* sorted by when they were begun */
    size_t count;
};
/* All states that can be used; `ignored` is called for each other file, with its name, which may hold any bytes. In `a`. */
MUST_USE err_t put_folder_list(const struct put_folder *, void (*ignored)(void *arg, slice name, err_t why), void *arg,
                               struct arena *a, struct put_state_list *ret);

/* ---- one state ---- */

/* The place of one state, which no other process can have at the same time. */
struct put_record {
    const struct put_folder *folder;
    slice key;
    int lock_fd; /* -1: none */
};
/* Errors: CONFLICT another process has it; those of the system. */
MUST_USE err_t put_record_lock(const struct put_folder *, const struct put_state *key, struct arena *a,
                               struct put_record *ret);
void put_record_unlock(struct put_record *);
/* Errors: NOT_FOUND there is none; INVALID the file cannot be used; those of the system. */
MUST_USE err_t put_record_read(const struct put_record *, struct arena *a, struct put_state *ret);
/* Replace what is there. On success it is on stable storage. Errors: those of the system. */
MUST_USE err_t put_record_write(const struct put_record *, const struct put_state *, struct arena *a);
void put_record_remove(const struct put_record *);

#endif
