/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of datasets in a backup: one file for each table, in the folder DATA_DIR_DATASETS. */
#ifndef CAIS_CORE_CARE_TABLE_COPY_H
#define CAIS_CORE_CARE_TABLE_COPY_H

#include "core/core.h"

struct table_copy {
    struct meta_store *rows;      /* the records that name the datasets */
    struct dataset_store *tables; /* NULL: there are none */
    const char *dir;              /* of the backup */
    uint64_t reserve_bytes;       /* free space that a backup leaves on its disk */
};

/* Copies the table of each dataset to the backup, flushed. *ret_count: of tables. Errors: NO_SPACE; those of the stores. */
MUST_USE err_t table_copy_out(const struct table_copy *, struct arena *a, int64_t *ret_count);
/* Makes the tables from the backup. UNSUPPORTED: it has some, and there is no store for them. */
MUST_USE err_t table_copy_in(const struct table_copy *, struct arena *a, int64_t *ret_count);

#endif
