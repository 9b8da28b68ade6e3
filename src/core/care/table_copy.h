/* SPDX-License-Identifier: Apache-2.0 */
/* Tables are the rows of datasets and the records of sets. In a backup each is one file, named by its id, in a folder for its kind. */
#ifndef CAIS_CORE_CARE_TABLE_COPY_H
#define CAIS_CORE_CARE_TABLE_COPY_H

#include "core/core.h"

enum table_kind { TABLE_OF_DATASET, TABLE_OF_RECORD_SET, TABLE_KINDS };

struct table_copy {
    enum table_kind kind;
    struct meta_store *rows;        /* which tables there are */
    struct dataset_store *datasets; /* NULL, like the next one: there is no store for them */
    struct record_store *records;
    const char *dir;        /* of the backup */
    uint64_t reserve_bytes; /* free space that a backup leaves on its disk */
};

/* Copies each table of the kind to the backup, flushed. *ret_count: of tables. Errors: NO_SPACE; CORRUPT one is gone; those of the
 * stores. */
MUST_USE err_t table_copy_out(const struct table_copy *, struct arena *a, int64_t *ret_count);
/* Reads the copies of tables whose files do not tell by themselves that they were changed. *ret_sha256: a digest of all of them, in
 * hex; empty: there are none. Errors: CORRUPT what was copied is damaged. */
MUST_USE err_t table_copy_verify(const struct table_copy *, struct arena *a, slice *ret_sha256);
/* Makes the tables from the backup, which may come from anybody. sha256: what table_copy_verify said.
 * Errors: CORRUPT the copies are not those, are damaged, or there are more than rows; UNSUPPORTED there are some, and no store for
 * them. */
MUST_USE err_t table_copy_in(const struct table_copy *, slice sha256, struct arena *a, int64_t *ret_count);

#endif
