/* SPDX-License-Identifier: Apache-2.0 */
/* A list may be limited to an account or to an owner, and each combination has a statement of its own: for a condition
 * like "column = $1 OR $1 = 0" the database would read the whole table. */
#include "core/store/file_store.h"
#include "core/records/object.h"
#include "meta/dialect_priv.h"
#include "meta/joined_rows_priv.h"
#include "meta/statement_priv.h"

#include <string.h>

#define FILE_ROW "SELECT " FILE_COLUMNS " FROM files f LEFT JOIN users u ON u.id = f.owner_id"

void read_file_columns(struct sql_cursor *c, int first, struct arena *a, struct file *ret)
{
    *ret = (struct file){
        .id = sql_column_int(c, first),
        .account_id = sql_column_int(c, first + 2),
        .owner_id = sql_column_int(c, first + 3),
        .owner_login = sql_column_copy(c, first + 4, a),
        .origin = sql_column_copy(c, first + 5, a),
        .name = sql_column_copy(c, first + 6, a),
        .content_type = sql_column_copy(c, first + 7, a),
        .state = (enum file_state)sql_column_int(c, first + 8),
        .object_id = sql_column_int(c, first + 9),
        .size_bytes = column_size(c, first + 10),
        .created_at_ms = sql_column_int(c, first + 12),
        .stored_at_ms = sql_column_int(c, first + 13),
        .purge_at_ms = sql_column_int(c, first + 14),
        .is_kept = sql_column_int(c, first + 15) != 0,
        .is_pending = sql_column_int(c, first + 16),
    };
    column_bytes(c, first + 1, ret->uuid, sizeof ret->uuid);
    column_bytes(c, first + 11, ret->md5, MD5_SIZE);
}

static void read_file_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    read_file_columns(c, 0, a, ret);
}

err_t meta_file_add(struct meta_tx *tx, const struct file *f, struct arena *a, int64_t *ret_id)
{
    int64_t id;
    TRY(tx_next_id(tx, FILE_IDS, a, &id));
    TRY(tx_add(tx,
               STATEMENT("INSERT INTO files (id, uuid, account_id, owner_id, way, name, content_type, state, object_id,"
                         " size_bytes, md5, created_at_ms, stored_at_ms, purge_at_ms, kept)"
                         " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"),
               SQL(SQL_I(id), SQL_BYTES(f->uuid, sizeof f->uuid), SQL_I(f->account_id), SQL_I(f->owner_id),
                   SQL_T(f->origin), SQL_T(f->name), SQL_T(f->content_type), SQL_I(f->state), sql_id(f->object_id),
                   SQL_I((int64_t)f->size_bytes), SQL_BYTES(f->md5, MD5_SIZE), SQL_I(f->created_at_ms),
                   SQL_I(f->stored_at_ms), SQL_I(f->purge_at_ms), SQL_I(f->is_kept)),
               a));
    *ret_id = id;
    return NULL;
}

err_t meta_file_get(struct meta_tx *tx, int64_t id, struct arena *a, struct file *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "file", STATEMENT(FILE_ROW " WHERE f.id = $1"), SQL(SQL_I(id)), a, &c));
    read_file_row(c, a, ret);
    return NULL;
}

err_t meta_file_by_uuid(struct meta_tx *tx, const unsigned char uuid[16], struct arena *a, struct file *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "file", STATEMENT(FILE_ROW " WHERE f.uuid = $1"), SQL(SQL_BYTES(uuid, 16)), a, &c));
    read_file_row(c, a, ret);
    return NULL;
}

err_t meta_file_with_object(struct meta_tx *tx, const unsigned char uuid[16], struct arena *a, struct file *ret_file,
                            struct object *ret_object)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(
        tx, "file",
        STATEMENT(
            "SELECT f.id, f.uuid, f.account_id, f.owner_id, '', f.way, f.name, f.content_type, f.state, f.object_id,"
            " f.size_bytes, f.md5, f.created_at_ms, f.stored_at_ms, f.purge_at_ms, f.kept, " FILE_IS_PENDING ","
            " o.id, o.account_id, o.size_bytes, o.created_at_ms, o.blob_key, o.part_count, o.inline_bytes,"
            " o.checksums"
            " FROM files f LEFT JOIN objects o ON o.id = f.object_id WHERE f.uuid = $1"),
        SQL(SQL_BYTES(uuid, 16)), a, &c));
    read_file_row(c, a, ret_file);
    *ret_object = (struct object){
        .id = sql_column_int(c, 17),
        .account_id = sql_column_int(c, 18),
        .size_bytes = column_size(c, 19),
        .created_at_ms = sql_column_int(c, 20),
        .blob_key = sql_column_copy(c, 21, a),
        .part_count = sql_column_int(c, 22),
        .inline_bytes = sql_column_copy(c, 23, a),
        .checksums = sql_column_copy(c, 24, a),
    };
    memcpy(ret_object->md5, ret_file->md5, MD5_SIZE); /* both have the same MD5 */
    return NULL;
}

/* A LIKE pattern for "contains this text", in lower case, with \ as its escape character. Empty text matches any
 * name. */
static slice like_pattern(slice text, struct arena *a)
{
    char *to = arena_alloc(a, 2 * text.n + 3);
    size_t n = 0;
    to[n++] = '%';
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%' || c == '_' || c == '\\')
            to[n++] = '\\';
        to[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    to[n++] = '%';
    return (slice){ to, n };
}

#define MATCHES(IN)                                                                                                    \
    " AND ($2 = -1 OR f.state = $2) AND ($3 = '%%' OR lower(f.name) LIKE $3 ESCAPE '\\')"                              \
    " AND ($4 = 0 OR " WITHOUT_INDEX(IN, "f.owner_id") " = $4 OR " FILE_IS_PENDING " = 0)"
#define MATCHING_FILES(IN) FILE_ROW " WHERE f.id < $1" MATCHES(IN)
#define NEWEST_FIRST " ORDER BY f.id DESC LIMIT "
#define FILES_OF_ALL(IN) MATCHING_FILES(IN) NEWEST_FIRST "$5"
#define FILES_OF_ACCOUNT(IN) MATCHING_FILES(IN) " AND f.account_id = $5" NEWEST_FIRST "$6"
#define FILES_OF_OWNER(IN) MATCHING_FILES(IN) " AND f.owner_id = $5" NEWEST_FIRST "$6"
#define FILES_OF_OWNER_IN_ACCOUNT(IN)                                                                                  \
    MATCHING_FILES(IN) " AND f.owner_id = $5 AND " WITHOUT_INDEX(IN, "f.account_id") " = $6" NEWEST_FIRST "$7"

#define SMALLER_PART(IN)                                                                                               \
    " AND ($6 = 0 OR " WITHOUT_INDEX(IN, "f.owner_id") " = $6) AND ($7 = 0 OR " WITHOUT_INDEX(IN,                      \
                                                                                              "f.account_id") " = $7)"
/* A task has 3,000 references at most. */
#define FILES_OF_TASK(IN)                                                                                              \
    MATCHING_FILES(IN)                                                                                                 \
    " AND f.id IN (SELECT r.file_id FROM refs r WHERE r.task_id = $5 AND r.file_id IS NOT NULL)" SMALLER_PART(IN)      \
        NEWEST_FIRST "$8"
/* A folder may have any number of files: the index has them in the order of the list. */
#define FILES_OF_FOLDER(IN)                                                                                            \
    "SELECT " FILE_COLUMNS " FROM folder_files p JOIN files f ON f.id = p.file_id"                                     \
    " LEFT JOIN users u ON u.id = f.owner_id WHERE p.file_id < $1" MATCHES(IN) " AND p.folder_id = $5" SMALLER_PART(   \
        IN) " ORDER BY p.file_id DESC LIMIT $8"

err_t meta_file_list(struct meta_tx *tx, const struct file_query *q, struct arena *a, struct file_list *ret)
{
    struct sql_value v[8] = { SQL_I(q->before_id ? q->before_id : INT64_MAX), SQL_I(q->state),
                              SQL_T(like_pattern(q->name_contains, a)), SQL_I(q->pending_of) };
    const struct sql_statement *statement;
    size_t n = 4;
    if (q->task_id || q->folder_id) {
        v[n++] = SQL_I(q->task_id ? q->task_id : q->folder_id);
        v[n++] = SQL_I(q->owner_id);
        v[n++] = SQL_I(q->account_id);
        statement = q->task_id ? STATEMENT_PAIR(FILES_OF_TASK) : STATEMENT_PAIR(FILES_OF_FOLDER);
    } else if (q->owner_id && q->account_id) {
        v[n++] = SQL_I(q->owner_id);
        v[n++] = SQL_I(q->account_id);
        statement = STATEMENT_PAIR(FILES_OF_OWNER_IN_ACCOUNT);
    } else if (q->owner_id) {
        v[n++] = SQL_I(q->owner_id);
        statement = STATEMENT_PAIR(FILES_OF_OWNER);
    } else if (q->account_id) {
        v[n++] = SQL_I(q->account_id);
        statement = STATEMENT_PAIR(FILES_OF_ACCOUNT);
    } else {
        statement = STATEMENT_PAIR(FILES_OF_ALL);
    }
    v[n++] = sql_limit(q->limit);
    return tx_list(tx, statement, (struct sql_args){ v, n }, a, LIST_OF(read_file_row, ret));
}

err_t meta_file_move(struct meta_tx *tx, int64_t id, enum file_state from, enum file_state to, int64_t purge_at_ms,
                     struct arena *a)
{
    int64_t changed, state;
    TRY(tx_change(tx, STATEMENT("UPDATE files SET state = $1, purge_at_ms = $2 WHERE id = $3 AND state = $4"),
                  SQL(SQL_I(to), SQL_I(purge_at_ms), SQL_I(id), SQL_I(from)), a, &changed));
    if (changed)
        return NULL;
    err_t e = tx_int(tx, STATEMENT("SELECT state FROM files WHERE id = $1"), SQL(SQL_I(id)), a, &state);
    if (err_is(e, ERR_NOT_FOUND))
        return err_make(a, ERR_NOT_FOUND, "no such file");
    TRY(e);
    return err_make(a, ERR_CONFLICT, "the file is in another state");
}

err_t meta_file_set_object(struct meta_tx *tx, int64_t id, const struct object *object, int64_t stored_at_ms,
                           struct arena *a, int64_t *ret_old_object_id)
{
    int64_t old_object_id;
    {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        TRY(tx_one(tx, "file", STATEMENT("SELECT state, object_id FROM files WHERE id = $1"), SQL(SQL_I(id)), a, &c));
        int64_t state = sql_column_int(c, 0);
        if (state != FILE_ISSUED && state != FILE_STORED)
            return err_make(a, ERR_CONFLICT, "the file is in another state");
        old_object_id = sql_column_int(c, 1);
    }
    TRY(tx_change_one(
        tx, "file",
        STATEMENT("UPDATE files SET state = $1, object_id = $2, size_bytes = $3, md5 = $4, stored_at_ms = $5"
                  " WHERE id = $6 AND state IN ($7, $1) AND COALESCE(object_id, 0) = $8"),
        SQL(SQL_I(FILE_STORED), SQL_I(object->id), SQL_I((int64_t)object->size_bytes), SQL_BYTES(object->md5, MD5_SIZE),
            SQL_I(stored_at_ms), SQL_I(id), SQL_I(FILE_ISSUED), SQL_I(old_object_id)),
        a));
    *ret_old_object_id = old_object_id;
    return NULL;
}

/* Caches may have the name. */
err_t meta_file_rename(struct meta_tx *tx, int64_t id, slice name, struct arena *a)
{
    return tx_change_one(tx, "file", STATEMENT("UPDATE files SET name = $1 WHERE id = $2"), SQL(SQL_T(name), SQL_I(id)),
                         a);
}

/* ---- holding ---- */

err_t meta_file_hold(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a, bool *ret_held)
{
    int64_t changed;
    TRY(tx_change(tx,
                  STATEMENT("UPDATE files SET state = $1, purge_at_ms = 0 WHERE id = $2 AND state IN ($3, $1)"
                            " AND (purge_at_ms = 0 OR purge_at_ms > $4)"),
                  SQL(SQL_I(FILE_READY), SQL_I(id), SQL_I(FILE_STORED), SQL_I(now_ms)), a, &changed));
    *ret_held = changed != 0;
    return NULL;
}

#define LOCK_FILE(IN) "SELECT id FROM files WHERE id = $1" HELD_FOR_REMOVAL(IN)

err_t meta_file_lock(struct meta_tx *tx, int64_t id, struct arena *a)
{
    int64_t known;
    err_t e = tx_int(tx, STATEMENT_PAIR(LOCK_FILE), SQL(SQL_I(id)), a, &known);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_NOT_FOUND, "no such file") : e;
}

#define NOBODY_HOLDS "NOT EXISTS (SELECT 1 FROM holds h WHERE h.file_id = files.id)"

err_t meta_file_expire(struct meta_tx *tx, int64_t id, int64_t purge_at_ms, struct arena *a)
{
    return tx_change(tx,
                     STATEMENT("UPDATE files SET state = $1, purge_at_ms = $2 WHERE id = $3 AND state = $4 AND kept = 0"
                               " AND " NOBODY_HOLDS),
                     SQL(SQL_I(FILE_STORED), SQL_I(purge_at_ms), SQL_I(id), SQL_I(FILE_READY)), a, NULL);
}

err_t meta_file_keep(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "file",
                         STATEMENT("UPDATE files SET state = $1, purge_at_ms = 0, kept = 1 WHERE id = $2 AND state = $3"
                                   " AND (purge_at_ms = 0 OR purge_at_ms > $4)"),
                         SQL(SQL_I(FILE_READY), SQL_I(id), SQL_I(FILE_STORED), SQL_I(now_ms)), a);
}

/* ---- removing ---- */

err_t meta_file_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change_one(tx, "file", STATEMENT("DELETE FROM files WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_file_remove_due(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "file that is due",
                         STATEMENT("DELETE FROM files WHERE id = $1 AND purge_at_ms > 0 AND purge_at_ms <= $2"),
                         SQL(SQL_I(id), SQL_I(now_ms)), a);
}

err_t meta_file_due(struct meta_tx *tx, int64_t now_ms, size_t limit, struct arena *a, struct file_list *ret)
{
    return tx_list(
        tx,
        STATEMENT(FILE_ROW " WHERE f.purge_at_ms > 0 AND f.purge_at_ms <= $1 ORDER BY f.purge_at_ms, f.id LIMIT $2"),
        SQL(SQL_I(now_ms), sql_limit(limit)), a, LIST_OF(read_file_row, ret));
}
