/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_META_SYNC_FILE_QUERY_PRIV_H
#define CAIS_META_SYNC_FILE_QUERY_PRIV_H

#include "core/records/sync_file_query.h"
#include "row_sql/row_sql.h"

/* Writes the statement that finds the ids of the files, into `s`, which is begun here. */
void sync_file_query_write(struct row_sql *s, enum sql_dialect, const struct sync_file_query *, struct arena *a);

#endif
