/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/sync_file_store.h"
#include "meta/statement_priv.h"

#include <assert.h>

#define SYNC_FILE                                                                                                      \
    "SELECT f.id, f.handle, f.account_id, f.owner_id, f.workspace_id, f.section_id, w.name, s.name, f.bucket_id,"      \
    " f.object_key, f.way, f.name, f.entity_type, f.folder, f.category, f.remark, f.tags, f.metadata, f.action,"       \
    " f.max_bytes, f.idle_ms, f.state, f.revision, f.file_id, f.size_bytes, f.md5, f.content_type, f.created_at_ms,"   \
    " f.modified_at_ms, f.link_expires_at_ms, f.uploaded_at_ms, f.due_at_ms, f.origin FROM sync_files f"               \
    " JOIN workspaces w ON w.id = f.workspace_id JOIN sections s ON s.id = f.section_id"

/* A state or a way that this program never writes becomes one in which nothing is done with the file. */
static void read_sync_file_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct sync_file *f = ret;
    int64_t way = sql_column_int(c, 10), state = sql_column_int(c, 21);
    *f = (struct sync_file){
        .id = sql_column_int(c, 0),
        .handle = sql_column_copy(c, 1, a),
        .account_id = sql_column_int(c, 2),
        .owner_id = sql_column_int(c, 3),
        .workspace_id = sql_column_int(c, 4),
        .section_id = sql_column_int(c, 5),
        .workspace = sql_column_copy(c, 6, a),
        .section = sql_column_copy(c, 7, a),
        .bucket_id = sql_column_int(c, 8),
        .key = sql_column_copy(c, 9, a),
        .way = way >= 0 && way < SYNC_WAYS ? (enum sync_way)way : SYNC_BY_LINK,
        .name = sql_column_copy(c, 11, a),
        .entity_type = sql_column_copy(c, 12, a),
        .folder = sql_column_copy(c, 13, a),
        .category = sql_column_copy(c, 14, a),
        .remark = sql_column_copy(c, 15, a),
        .tags = sql_column_copy(c, 16, a),
        .metadata = sql_column_copy(c, 17, a),
        .action = sql_column_copy(c, 18, a),
        .max_bytes = column_size(c, 19),
        .idle_ms = sql_column_int(c, 20),
        .state = state >= 0 && state < SYNC_STATES ? (enum sync_state)state : SYNC_FAILED,
        .revision = sql_column_int(c, 22),
        .file_id = sql_column_int(c, 23),
        .size_bytes = column_size(c, 24),
        .content_type = sql_column_copy(c, 26, a),
        .created_at_ms = sql_column_int(c, 27),
        .modified_at_ms = sql_column_int(c, 28),
        .link_expires_at_ms = sql_column_int(c, 29),
        .uploaded_at_ms = sql_column_int(c, 30),
        .due_at_ms = sql_column_int(c, 31),
        .origin = sql_column_copy(c, 32, a),
    };
    column_bytes(c, 25, f->md5, MD5_SIZE);
}

err_t meta_sync_file_add(struct meta_tx *tx, const struct sync_file *f, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "sync file",
        STATEMENT("INSERT INTO sync_files (handle, account_id, owner_id, workspace_id, section_id, bucket_id,"
                  " object_key, way, name, entity_type, folder, category, remark, tags, metadata, action, max_bytes,"
                  " idle_ms, state, created_at_ms, modified_at_ms, link_expires_at_ms, due_at_ms, origin)"
                  " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,"
                  " $21, $22, $23, $24 WHERE NOT EXISTS (SELECT 1 FROM sync_files WHERE handle = $1)"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_T(f->handle), SQL_I(f->account_id), SQL_I(f->owner_id), SQL_I(f->workspace_id), SQL_I(f->section_id),
            SQL_I(f->bucket_id), SQL_T(f->key), SQL_I(f->way), SQL_T(f->name), SQL_T(f->entity_type), SQL_T(f->folder),
            SQL_T(f->category), SQL_T(f->remark), SQL_T(f->tags), SQL_T(f->metadata), SQL_T(f->action),
            SQL_I((int64_t)f->max_bytes), SQL_I(f->idle_ms), SQL_I(f->state), SQL_I(f->created_at_ms),
            SQL_I(f->modified_at_ms), SQL_I(f->link_expires_at_ms), SQL_I(f->due_at_ms), SQL_T(f->origin)),
        a, ret_id);
}

static err_t get_sync_file(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                           struct arena *a, struct sync_file *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "sync file", statement, args, a, &c));
    read_sync_file_row(c, a, ret);
    return NULL;
}

err_t meta_sync_file_get(struct meta_tx *tx, int64_t id, struct arena *a, struct sync_file *ret)
{
    return get_sync_file(tx, STATEMENT(SYNC_FILE " WHERE f.id = $1"), SQL(SQL_I(id)), a, ret);
}

err_t meta_sync_file_by_handle(struct meta_tx *tx, slice handle, struct arena *a, struct sync_file *ret)
{
    return get_sync_file(tx, STATEMENT(SYNC_FILE " WHERE f.handle = $1"), SQL(SQL_T(handle)), a, ret);
}

err_t meta_sync_file_list(struct meta_tx *tx, const struct id_page *page, struct arena *a, struct sync_file_list *ret)
{
    return tx_list(tx, STATEMENT(SYNC_FILE " WHERE f.id > $1 ORDER BY f.id LIMIT $2"),
                   SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_sync_file_row, ret));
}

/* ---- states; no cache holds these rows ---- */

static_assert(SYNC_CREATED == 0 && SYNC_UPLOADED == 1 && SYNC_EXPIRED == 7 && SYNC_PURGED == 8,
              "the statements below have these numbers");

err_t meta_sync_file_store(struct meta_tx *tx, const struct sync_file *now, int64_t old_file_id, struct arena *a,
                           bool *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(
        tx,
        STATEMENT("UPDATE sync_files SET state = 1, revision = revision + 1, file_id = $1, size_bytes = $2, md5 = $3,"
                  " content_type = $4, uploaded_at_ms = $5, modified_at_ms = $5, due_at_ms = $6"
                  " WHERE id = $7 AND state IN (0, 1) AND file_id = $8"),
        SQL(SQL_I(now->file_id), SQL_I((int64_t)now->size_bytes), SQL_BYTES(now->md5, MD5_SIZE),
            SQL_T(now->content_type), SQL_I(now->uploaded_at_ms), SQL_I(now->due_at_ms), SQL_I(now->id),
            SQL_I(old_file_id)),
        a, &changed));
    *ret_changed = changed != 0;
    return NULL;
}

err_t meta_sync_file_move(struct meta_tx *tx, const struct sync_file_move *m, struct arena *a, bool *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE sync_files SET state = $1, revision = revision + 1, modified_at_ms = $2,"
                                 " due_at_ms = $3 WHERE id = $4 AND state = $5"),
                       SQL(SQL_I(m->to), SQL_I(m->at_ms), SQL_I(m->due_at_ms), SQL_I(m->id), SQL_I(m->from)), a,
                       &changed));
    *ret_changed = changed != 0;
    return NULL;
}

err_t meta_sync_file_due(struct meta_tx *tx, int64_t now_ms, size_t limit, struct arena *a, struct sync_file_list *ret)
{
    return tx_list(
        tx, STATEMENT(SYNC_FILE " WHERE f.due_at_ms > 0 AND f.due_at_ms <= $1 ORDER BY f.due_at_ms, f.id LIMIT $2"),
        SQL(SQL_I(now_ms), sql_limit(limit)), a, LIST_OF(read_sync_file_row, ret));
}

err_t meta_sync_file_end(struct meta_tx *tx, const struct sync_file_move *m, struct arena *a, bool *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE sync_files SET state = $1, revision = revision + 1, modified_at_ms = $2,"
                                 " due_at_ms = $3, file_id = 0"
                                 " WHERE id = $4 AND state = $5 AND due_at_ms > 0 AND due_at_ms <= $2"),
                       SQL(SQL_I(m->to), SQL_I(m->at_ms), SQL_I(m->due_at_ms), SQL_I(m->id), SQL_I(m->from)), a,
                       &changed));
    *ret_changed = changed != 0;
    return NULL;
}

err_t meta_sync_file_forget(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a, bool *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(
        tx, STATEMENT("DELETE FROM sync_files WHERE id = $1 AND state IN (7, 8) AND due_at_ms > 0 AND due_at_ms <= $2"),
        SQL(SQL_I(id), SQL_I(now_ms)), a, &changed));
    *ret_changed = changed != 0;
    return NULL;
}
