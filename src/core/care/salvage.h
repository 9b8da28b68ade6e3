/* SPDX-License-Identifier: Apache-2.0 */
/* Gets out of a damaged data directory what can be got out: a copy of each file, and a list. The data directory is only read.
 *
 *   DIR/list.jsonl       a line for each file, entry and blob, and for each thing that could not be read
 *   DIR/files/           files, by their names
 *   DIR/buckets/NAME/    entries of buckets, by their keys
 *   DIR/unfinished/      uploads whose end had not come
 *   DIR/unnamed/         bytes of which no readable row says what they are
 *   DIR/datasets/, DIR/records/   the files of tables, as they are
 *
 * A file whose bytes cannot be found by its row is looked for among the blobs that no row names, by length and MD5. */
#ifndef CAIS_CORE_CARE_SALVAGE_H
#define CAIS_CORE_CARE_SALVAGE_H

#include "base/err.h"

struct blob_store;
struct meta_store;

struct salvage_params {
    struct meta_store *meta; /* opened as damaged (meta.h); NULL: no database can be read */
    struct blob_store *blob; /* opened to be read only; NULL: there are no blobs */
    const char *data_dir;
    const char *dir; /* must not be there, or be empty */
    slice problem;   /* of the database, for the list; empty: none is known */
};

struct salvage_report {
    int64_t files, entries; /* that are out, with the bytes that their rows state */
    int64_t unnamed;        /* bytes without a row, and unfinished uploads */
    int64_t tables;         /* files of datasets and records */
    int64_t wrong;          /* that are out, and whose bytes are not those that the row states */
    int64_t missing;        /* of which no bytes are out */
    int64_t problems;       /* ranges of rows, folders, … that could not be read */
    uint64_t bytes;         /* that were written */
};
/* Did everything come out? Blobs without a row are no loss when each row could be read. */
bool salvage_is_complete(const struct salvage_report *);

/* Refuses a folder inside of the data directory, which is only read. Errors: CONFLICT. */
MUST_USE err_t salvage_check_place(const char *data_dir, const char *dir, struct arena *a);
/* On success everything is on stable storage. After an error, what is in the folder is not.
 * Errors: CONFLICT the folder is not empty, or is one that is not to be written (inside of the data directory, a symbolic link);
 * NO_SPACE; UNAVAILABLE. What cannot be read is no error. */
MUST_USE err_t salvage_run(const struct salvage_params *, struct arena *a, struct salvage_report *ret);

#endif
