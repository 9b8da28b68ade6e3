/* SPDX-License-Identifier: Apache-2.0 */
/* What statements of several files have in common: documents are files, joined with their tickets, and tasks may have been
 * removed. */
#ifndef CAIS_META_JOINED_ROWS_PRIV_H
#define CAIS_META_JOINED_ROWS_PRIV_H

#include "core/records/file.h"
#include "core/records/ticket.h"
#include "sql/sql.h"

/* Of a table or alias f of files. A file that is READY (2) has been confirmed. Most files are, and this condition looks
 * up no ticket for them. */
#define FILE_IS_PENDING                                                                                                \
    "CASE WHEN f.state < 2 AND EXISTS (SELECT 1 FROM tickets p WHERE p.file_id = f.id AND p.confirmed_at_ms = 0)"      \
    " THEN 1 ELSE 0 END"
/* Of f (files) and u (users). */
#define FILE_COLUMNS                                                                                                   \
    "f.id, f.uuid, f.account_id, f.owner_id, COALESCE(u.login, ''), f.way, f.name, f.content_type, f.state,"           \
    " f.object_id, f.size_bytes, f.md5, f.created_at_ms, f.stored_at_ms, f.purge_at_ms, f.kept, " FILE_IS_PENDING
/* Columns of tickets, whose alias is k. */
#define TICKET_COLUMNS                                                                                                 \
    "k.file_id, k.bucket_id, k.key, k.declared_bytes, k.expires_at_ms, k.confirmed_at_ms, k.holder_kind, k.holder_id"
/* Has the task with that id not been removed? The rows of a task that was removed exist until they are removed piece by piece. */
#define TASK_STAYS(id) "NOT EXISTS (SELECT 1 FROM removed_tasks x WHERE x.task_id = " id ")"
enum { FILE_COLUMN_COUNT = 17, TICKET_COLUMN_COUNT = 8 };

/* From the columns above, of which the first is column number `first` of the row. */
void read_file_columns(struct sql_cursor *, int first, struct arena *a, struct file *ret);     /* file_store.c */
void read_ticket_columns(struct sql_cursor *, int first, struct arena *a, struct ticket *ret); /* ticket_store.c */

#endif
