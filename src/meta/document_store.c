/* SPDX-License-Identifier: Apache-2.0 */
/* Documents are joined from files, tickets, references, users and tasks. */
#include "core/store/document_store.h"
#include "core/records/document.h"
#include "meta/joined_rows_priv.h"
#include "meta/statement_priv.h"

#include <assert.h>

/* The task and the comment of a document: those of its reference r, or, while its ticket is pending, those that the ticket
 * names as its holder. A ticket names a task (1), or a comment (2), which is joined as n. */
#define DOCUMENT_TASK                                                                                                  \
    "CASE WHEN r.id IS NOT NULL THEN r.task_id WHEN k.holder_kind = 1 THEN k.holder_id ELSE n.task_id END"
#define DOCUMENT_COMMENT "CASE WHEN r.id IS NOT NULL THEN r.comment_id ELSE n.id END"
static_assert(HOLDER_TASK == 1 && HOLDER_COMMENT == 2, "the statements have the same numbers");
/* The columns after those of the file and of the ticket. */
#define ATTACHMENT_COLUMNS                                                                                             \
    ", COALESCE(u.name, ''), r.id, " DOCUMENT_TASK ", " DOCUMENT_COMMENT ", COALESCE(SUBSTR(t.text, 1, 1000), '')"
static_assert(DOCUMENT_TASK_TEXT_MAX == 1000, "ATTACHMENT_COLUMNS has the same number");
#define DOCUMENT "SELECT " FILE_COLUMNS ", " TICKET_COLUMNS ATTACHMENT_COLUMNS
#define JOINED_TO_REFERENCE                                                                                            \
    " LEFT JOIN users u ON u.id = f.owner_id LEFT JOIN tickets k ON k.file_id = f.id"                                  \
    " LEFT JOIN comments n ON n.id = CASE WHEN k.holder_kind = 2 THEN k.holder_id END"                                 \
    " LEFT JOIN tasks t ON t.id = " DOCUMENT_TASK

static void read_document_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    enum { AT_TICKET = FILE_COLUMN_COUNT, AT_ATTACHMENT = FILE_COLUMN_COUNT + TICKET_COLUMN_COUNT };
    struct document *d = ret;
    *d = (struct document){
        .owner_name = sql_column_copy(c, AT_ATTACHMENT, a),
        .reference_id = sql_column_int(c, AT_ATTACHMENT + 1),
        .task_id = sql_column_int(c, AT_ATTACHMENT + 2),
        .comment_id = sql_column_int(c, AT_ATTACHMENT + 3),
        .task_text = sql_column_copy(c, AT_ATTACHMENT + 4, a),
    };
    read_file_columns(c, 0, a, &d->file);
    read_ticket_columns(c, AT_TICKET, a, &d->ticket);
    d->has_ticket = d->ticket.file_id != 0;
}

/* A file that came by ticket and that only tasks and comments hold, of which none refers to it that has not been removed. */
#define ENDS_WITH_ITS_HOLDER                                                                                           \
    "(k.file_id IS NOT NULL AND r.id IS NULL AND EXISTS (SELECT 1 FROM holds h WHERE h.file_id = f.id"                 \
    " AND h.holder_kind IN (1, 2)) AND NOT EXISTS (SELECT 1 FROM holds o WHERE o.file_id = f.id"                       \
    " AND o.holder_kind NOT IN (1, 2)))"

err_t meta_document_get(struct meta_tx *tx, int64_t file_id, struct arena *a, struct document *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "file",
               STATEMENT(DOCUMENT " FROM files f LEFT JOIN refs r ON r.id ="
                                  " (SELECT MIN(first.id) FROM refs first WHERE first.file_id = f.id"
                                  " AND " TASK_STAYS("first.task_id") ")" JOINED_TO_REFERENCE
                                                                      " WHERE f.id = $1 AND NOT " ENDS_WITH_ITS_HOLDER),
               SQL(SQL_I(file_id)), a, &c));
    read_document_row(c, a, ret);
    return NULL;
}

/* Each file once, with the first reference of the task (or of the comment) that holds it. */
#define FIRST_REFERENCES                                                                                               \
    DOCUMENT " FROM (SELECT MIN(id) AS id, file_id FROM refs WHERE task_id = $1 AND file_id IS NOT NULL"               \
             " AND file_id > $2"
#define BY_FILE " GROUP BY file_id ORDER BY file_id"
#define DOCUMENTS_OF_THEM                                                                                              \
    ") held JOIN refs r ON r.id = held.id JOIN files f ON f.id = held.file_id" JOINED_TO_REFERENCE                     \
    " ORDER BY held.file_id"

err_t meta_document_list(struct meta_tx *tx, const struct document_query *q, struct arena *a, struct document_list *ret)
{
    struct sql_value limit = sql_limit(q->limit), offset = sql_limit(q->offset);
    if (!q->comment_id)
        return tx_list(tx, STATEMENT(FIRST_REFERENCES BY_FILE " LIMIT $3 OFFSET $4" DOCUMENTS_OF_THEM),
                       SQL(SQL_I(q->task_id), SQL_I(q->after_file_id), limit, offset), a,
                       LIST_OF(read_document_row, ret));
    return tx_list(tx,
                   STATEMENT(FIRST_REFERENCES " AND comment_id = $3" BY_FILE " LIMIT $4 OFFSET $5" DOCUMENTS_OF_THEM),
                   SQL(SQL_I(q->task_id), SQL_I(q->after_file_id), SQL_I(q->comment_id), limit, offset), a,
                   LIST_OF(read_document_row, ret));
}

err_t meta_document_count(struct meta_tx *tx, int64_t task_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COUNT(DISTINCT file_id) FROM refs WHERE task_id = $1"), SQL(SQL_I(task_id)), a,
                  ret);
}

err_t meta_document_named(struct meta_tx *tx, int64_t task_id, slice name, struct arena *a, int64_t *ret_file_id)
{
    err_t e =
        tx_int(tx,
               STATEMENT("SELECT f.id FROM refs r JOIN files f ON f.id = r.file_id WHERE r.task_id = $1 AND f.name = $2"
                         " ORDER BY f.id LIMIT 1"),
               SQL(SQL_I(task_id), SQL_T(name)), a, ret_file_id);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_NOT_FOUND, "the task has no file of that name") : e;
}

err_t meta_document_pending(struct meta_tx *tx, int64_t task_id, size_t limit, struct arena *a,
                            struct file_id_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT file_id FROM tickets WHERE holder_kind = 1 AND holder_id = $1 AND holder_kind > 0"
                             " UNION ALL SELECT k.file_id FROM comments c JOIN tickets k ON k.holder_kind = 2"
                             " AND k.holder_id = c.id AND k.holder_kind > 0 WHERE c.task_id = $1 ORDER BY 1 LIMIT $2"),
                   SQL(SQL_I(task_id), sql_limit(limit)), a, LIST_OF(read_id_row, ret));
}
