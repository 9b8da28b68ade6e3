/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in a data directory. */
#ifndef CAIS_CORE_CARE_DATA_DIR_H
#define CAIS_CORE_CARE_DATA_DIR_H

#define DATA_DIR_DATABASE "cais.db"      /* records and small objects; SQLite keeps -wal and -shm beside it */
#define DATA_DIR_BLOBS "blobs"           /* large objects: one file each, in 256 shards */
#define DATA_DIR_LOCK "lock"             /* held (OFD lock) by the one process that writes */
#define DATA_DIR_SOCKET "admin.sock"     /* mode 0600: the command line asks a running server here */
#define DATA_DIR_PRIVATE "private.sock"  /* the same for one command alone, which serves itself (put, get, ls) */
#define DATA_DIR_RUN "run.json"          /* addresses in use, while a server runs */
#define DATA_DIR_MASTER_KEY "master.key" /* under which signing keys are sealed (master_key.h) */
#define DATA_DIR_MANIFEST "MANIFEST"     /* only in a backup: written last, so that one that was cut has none */

#endif
