/* SPDX-License-Identifier: Apache-2.0 */
/* The files in a data directory. */
#ifndef CAIS_CORE_CARE_DATA_DIR_H
#define CAIS_CORE_CARE_DATA_DIR_H

#include "base/err.h"

#include <sys/types.h>

#define DATA_DIR_DATABASE "cais.db"  /* records and small objects; SQLite adds files with -wal and -shm */
#define DATA_DIR_BLOBS "blobs"       /* directory of large objects, a file each, in 256 shards, and of growing ones */
#define DATA_DIR_DATASETS "datasets" /* directory of the rows of datasets: one database each */
#define DATA_DIR_RECORDS "records"   /* directory of the records of sync files: one database for each set */
#define DATA_DIR_LOCK "lock"         /* locked (OFD lock) by the one process that writes */
#define DATA_DIR_SOCKET "admin.sock" /* mode 0600: here the command line reaches a running server */
#define DATA_DIR_PRIVATE "private.sock"  /* the same for the private server of one command (put, get, ls) */
#define DATA_DIR_BALLAST "ballast"       /* takes space that is given back when the disk is full (ballast.h) */
#define DATA_DIR_RUN "run.json"          /* addresses in use, while a server runs */
#define DATA_DIR_MASTER_KEY "master.key" /* the key under which signing keys are sealed (master_key.h) */
#define DATA_DIR_HOST_KEY_ED25519 "host_ed25519.key" /* the keys by which SFTP clients know the server */
#define DATA_DIR_HOST_KEY_ECDSA "host_ecdsa.key"
#define DATA_DIR_MANIFEST "MANIFEST" /* only in a backup: written last, so an interrupted backup has none */

/* Refuse a directory that others can change: they could exchange the lock, the database or the master key, or have the
 * server write to a file of their choice. uid: who runs the program. Errors: FORBIDDEN it belongs to another user, or
 * others may write to it; the text says which command mends that. UNAVAILABLE. */
MUST_USE err_t data_dir_check_private(const char *dir, uid_t uid, struct arena *a);

/* Does the directory hold what only a database explains: a master key, a blob, a growing blob, the rows of a dataset, or a set of
 * records? Then a missing or empty database is a loss, and must not be replaced by a new one. Errors: UNAVAILABLE, when that cannot be found out. */
MUST_USE err_t data_dir_holds_data(const char *dir, struct arena *a, bool *ret_holds);

#endif
