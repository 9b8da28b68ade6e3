/* SPDX-License-Identifier: Apache-2.0 */
/* No statement reads more than one table. Where an index has all the columns of a statement, the table is not read at all. */
#include "core/store/salvage_store.h"

#include "meta/statement_priv.h"

#define FILE_COLUMNS_ALONE                                                                                             \
    "SELECT id, uuid, account_id, owner_id, way, name, content_type, state, object_id, size_bytes, md5, stored_at_ms"  \
    " FROM files"

static void read_file(struct sql_cursor *c, struct arena *a, void *ret_file)
{
    struct file *ret = ret_file;
    *ret = (struct file){ .id = sql_column_int(c, 0),
                          .account_id = sql_column_int(c, 2),
                          .owner_id = sql_column_int(c, 3),
                          .origin = sql_column_copy(c, 4, a),
                          .name = sql_column_copy(c, 5, a),
                          .content_type = sql_column_copy(c, 6, a),
                          .state = (enum file_state)sql_column_int(c, 7),
                          .object_id = sql_column_int(c, 8),
                          .size_bytes = column_size(c, 9),
                          .stored_at_ms = sql_column_int(c, 11) };
    column_bytes(c, 1, ret->uuid, sizeof ret->uuid);
    column_bytes(c, 10, ret->md5, MD5_SIZE);
}

err_t meta_salvage_file(struct meta_tx *tx, int64_t from_id, struct arena *a, struct file *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "file", STATEMENT(FILE_COLUMNS_ALONE " WHERE id >= $1 ORDER BY id LIMIT 1"), SQL(SQL_I(from_id)), a,
               &c));
    read_file(c, a, ret);
    return NULL;
}

err_t meta_salvage_files_of(struct meta_tx *tx, int64_t object_id, size_t limit, struct arena *a, struct file_list *ret)
{
    return tx_list(tx,
                   STATEMENT(FILE_COLUMNS_ALONE " WHERE object_id = $1 AND object_id IS NOT NULL ORDER BY id LIMIT $2"),
                   SQL(SQL_I(object_id), sql_limit(limit)), a, LIST_OF(read_file, ret));
}

err_t meta_salvage_object(struct meta_tx *tx, int64_t from_id, struct arena *a, struct object *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "object",
               STATEMENT("SELECT id, account_id, size_bytes, md5, blob_key, part_count, inline_bytes FROM objects"
                         " WHERE id >= $1 ORDER BY id LIMIT 1"),
               SQL(SQL_I(from_id)), a, &c));
    *ret = (struct object){ .id = sql_column_int(c, 0),
                            .account_id = sql_column_int(c, 1),
                            .size_bytes = column_size(c, 2),
                            .blob_key = sql_column_copy(c, 4, a),
                            .part_count = sql_column_int(c, 5),
                            .inline_bytes = sql_column_copy(c, 6, a) };
    column_bytes(c, 3, ret->md5, MD5_SIZE);
    return NULL;
}

err_t meta_salvage_parts(struct meta_tx *tx, int64_t object_id, struct arena *a, struct file_id_list *ret)
{
    return tx_list(tx, STATEMENT("SELECT part_id FROM object_parts WHERE object_id = $1 ORDER BY number"),
                   SQL(SQL_I(object_id)), a, LIST_OF(read_id_row, ret));
}

static err_t read_text(struct meta_tx *tx, const struct sql_statement *statement, int64_t id, struct arena *a,
                       slice *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "row", statement, SQL(SQL_I(id)), a, &c));
    *ret = sql_column_copy(c, 0, a);
    return NULL;
}

err_t meta_salvage_login(struct meta_tx *tx, int64_t user_id, struct arena *a, slice *ret)
{
    return read_text(tx, STATEMENT("SELECT login FROM users WHERE id = $1"), user_id, a, ret);
}

err_t meta_salvage_account(struct meta_tx *tx, int64_t account_id, struct arena *a, slice *ret)
{
    return read_text(tx, STATEMENT("SELECT name FROM accounts WHERE id = $1"), account_id, a, ret);
}

err_t meta_salvage_bucket(struct meta_tx *tx, int64_t bucket_id, struct arena *a, slice *ret_name)
{
    return read_text(tx, STATEMENT("SELECT name FROM buckets WHERE id = $1"), bucket_id, a, ret_name);
}

static void read_hold_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct hold *)ret =
        (struct hold){ .file_id = sql_column_int(c, 0), .holder = { (int)sql_column_int(c, 1), sql_column_int(c, 2) } };
}

err_t meta_salvage_holds(struct meta_tx *tx, int64_t file_id, struct arena *a, struct hold_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT file_id, holder_kind, holder_id FROM holds WHERE file_id = $1"
                             " ORDER BY holder_kind, holder_id"),
                   SQL(SQL_I(file_id)), a, LIST_OF(read_hold_row, ret));
}

static void read_entry_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct salvaged_entry *)ret = (struct salvaged_entry){ sql_column_int(c, 0), sql_column_copy(c, 1, a) };
}

err_t meta_salvage_entries(struct meta_tx *tx, int64_t object_id, struct arena *a, struct salvaged_entry_list *ret)
{
    return tx_list(tx, STATEMENT("SELECT bucket_id, key FROM entries WHERE object_id = $1 ORDER BY bucket_id, key"),
                   SQL(SQL_I(object_id)), a, LIST_OF(read_entry_row, ret));
}

err_t meta_salvage_transfer(struct meta_tx *tx, slice blob_key, struct arena *a, struct salvaged_transfer *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "transfer",
               STATEMENT("SELECT account_id, owner_id, file_name, offset_bytes FROM transfers WHERE blob_key = $1"),
               SQL(SQL_T(blob_key)), a, &c));
    *ret = (struct salvaged_transfer){ sql_column_int(c, 0), sql_column_int(c, 1), sql_column_copy(c, 2, a),
                                       column_size(c, 3) };
    return NULL;
}
