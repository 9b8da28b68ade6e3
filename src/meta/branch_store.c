/* SPDX-License-Identifier: Apache-2.0 */
/* No cache has branches or folders, so no call here raises the generation. */
#include "core/store/branch_store.h"
#include "core/records/folder.h"
#include "meta/dialect_priv.h"
#include "meta/record_size_priv.h"
#include "meta/statement_priv.h"

#define BRANCH                                                                                                         \
    "SELECT id, space_id, parent_id, parent_folder_id, folder_count, used_bytes, cut_at_ms FROM branches WHERE id = "  \
    "$1"
#define LOCK_BRANCH(IN) BRANCH " AND cut_at_ms = 0" HELD(IN)

static err_t get_branch(struct meta_tx *tx, const struct sql_statement *statement, int64_t id, struct arena *a,
                        struct branch *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "branch", statement, SQL(SQL_I(id)), a, &c));
    *ret = (struct branch){
        .id = sql_column_int(c, 0),
        .space_id = sql_column_int(c, 1),
        .parent_id = sql_column_int(c, 2),
        .parent_folder_id = sql_column_int(c, 3),
        .folder_count = sql_column_int(c, 4),
        .used_bytes = sql_column_int(c, 5),
        .cut_at_ms = sql_column_int(c, 6),
    };
    return NULL;
}

err_t meta_branch_add(struct meta_tx *tx, const struct branch *b, struct arena *a, int64_t *ret_id)
{
    return tx_insert(tx,
                     STATEMENT("INSERT INTO branches (space_id, parent_id, parent_folder_id, folder_count, used_bytes)"
                               " VALUES ($1, $2, $3, $4, $5)"),
                     SQL(SQL_I(b->space_id), SQL_I(b->parent_id), SQL_I(b->parent_folder_id), SQL_I(b->folder_count),
                         SQL_I(b->used_bytes)),
                     a, ret_id);
}

err_t meta_branch_get(struct meta_tx *tx, int64_t id, struct arena *a, struct branch *ret)
{
    return get_branch(tx, STATEMENT(BRANCH), id, a, ret);
}

err_t meta_branch_lock(struct meta_tx *tx, int64_t id, struct arena *a, struct branch *ret)
{
    return get_branch(tx, STATEMENT_PAIR(LOCK_BRANCH), id, a, ret);
}

err_t meta_branch_count(struct meta_tx *tx, int64_t id, int64_t more_folders, int64_t more_bytes, struct arena *a,
                        int64_t *ret_folders)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_add_returning(tx, "branch",
                         STATEMENT("UPDATE branches SET folder_count = folder_count + $1, used_bytes = used_bytes + $2"
                                   " WHERE id = $3 AND cut_at_ms = 0 RETURNING folder_count"),
                         SQL(SQL_I(more_folders), SQL_I(more_bytes), SQL_I(id)), a, &c));
    *ret_folders = sql_column_int(c, 0);
    return NULL;
}

static void read_branch_folder_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct branch_folder *)ret = (struct branch_folder){ sql_column_int(c, 0), sql_column_int(c, 1) };
}

err_t meta_branch_shape(struct meta_tx *tx, int64_t id, struct arena *a, struct branch_folder_list *ret)
{
    return tx_list(tx, STATEMENT("SELECT id, parent_id FROM folders WHERE branch_id = $1 ORDER BY id"), SQL(SQL_I(id)),
                   a, LIST_OF(read_branch_folder_row, ret));
}

/* ---- moving ---- */

/* Its values are $1 to $4: those of struct branch_piece. */
#define PIECE                                                                                                          \
    "WITH RECURSIVE piece (id) AS (SELECT id FROM folders WHERE branch_id = $1 AND parent_id = $2 AND id >= $3"        \
    " AND id <= $4 UNION ALL SELECT d.id FROM piece p JOIN folders d ON d.parent_id = p.id WHERE d.branch_id = $1) "
#define PIECE_VALUES(p) SQL_I((p)->branch_id), SQL_I((p)->parent_folder_id), SQL_I((p)->first_id), SQL_I((p)->last_id)

err_t meta_branch_piece_size(struct meta_tx *tx, const struct branch_piece *p, struct arena *a, int64_t *ret_folders,
                             int64_t *ret_bytes)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "piece",
               STATEMENT(PIECE "SELECT COUNT(*), CAST(COALESCE(SUM(used_bytes), 0) AS BIGINT) FROM folders"
                               " WHERE id IN (SELECT id FROM piece)"),
               SQL(PIECE_VALUES(p)), a, &c));
    *ret_folders = sql_column_int(c, 0);
    *ret_bytes = sql_column_int(c, 1);
    return NULL;
}

err_t meta_branch_move_piece(struct meta_tx *tx, const struct branch_piece *p, int64_t to_branch_id, struct arena *a)
{
    TRY(tx_add(tx, STATEMENT(PIECE "UPDATE folders SET branch_id = $5 WHERE id IN (SELECT id FROM piece)"),
               SQL(PIECE_VALUES(p), SQL_I(to_branch_id)), a));
    return tx_add(tx,
                  STATEMENT("UPDATE branches SET parent_id = $1 WHERE parent_id = $2 AND parent_folder_id IN"
                            " (SELECT id FROM folders WHERE branch_id = $1)"),
                  SQL(SQL_I(to_branch_id), SQL_I(p->branch_id)), a);
}

err_t meta_branch_merge(struct meta_tx *tx, int64_t id, int64_t into_branch_id, struct arena *a)
{
    TRY(tx_add(tx, STATEMENT("UPDATE folders SET branch_id = $1 WHERE branch_id = $2"),
               SQL(SQL_I(into_branch_id), SQL_I(id)), a));
    TRY(tx_add(tx, STATEMENT("UPDATE branches SET parent_id = $1 WHERE parent_id = $2"),
               SQL(SQL_I(into_branch_id), SQL_I(id)), a));
    return meta_branch_remove(tx, id, a);
}

err_t meta_branch_hangs_on(struct meta_tx *tx, int64_t id, int64_t above_id, struct arena *a, int64_t *ret_folder_id)
{
    return tx_int(tx,
                  STATEMENT("WITH RECURSIVE up (parent_id, folder_id) AS"
                            " (SELECT parent_id, parent_folder_id FROM branches WHERE id = $1"
                            " UNION ALL SELECT b.parent_id, b.parent_folder_id FROM up"
                            " JOIN branches b ON b.id = up.parent_id WHERE up.parent_id <> $2)"
                            " SELECT COALESCE(MAX(folder_id), 0) FROM up WHERE parent_id = $2"),
                  SQL(SQL_I(id), SQL_I(above_id)), a, ret_folder_id);
}

err_t meta_branch_piece_has(struct meta_tx *tx, const struct branch_piece *p, int64_t folder_id, struct arena *a,
                            bool *ret_is)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT(PIECE "SELECT COUNT(*) FROM piece WHERE id = $5"), SQL(PIECE_VALUES(p), SQL_I(folder_id)),
               a, &count));
    *ret_is = count > 0;
    return NULL;
}

err_t meta_branch_hang(struct meta_tx *tx, int64_t id, int64_t parent_id, int64_t parent_folder_id, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE branches SET parent_id = $1, parent_folder_id = $2 WHERE id = $3"),
                  SQL(SQL_I(parent_id), SQL_I(parent_folder_id), SQL_I(id)), a);
}

#define BELOW                                                                                                          \
    "WITH RECURSIVE below (id) AS (SELECT id FROM branches WHERE id = $1"                                              \
    " UNION ALL SELECT b.id FROM below JOIN branches b ON b.parent_id = below.id) "

/* The sum comes second: only then no other write changes it. */
err_t meta_branch_cut(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a, int64_t *ret_bytes,
                      int64_t *ret_branches)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(meta_branch_hang(tx, id, 0, 0, a));
    TRY(tx_add(tx, STATEMENT(BELOW "UPDATE branches SET cut_at_ms = $2 WHERE id IN (SELECT id FROM below)"),
               SQL(SQL_I(id), SQL_I(now_ms)), a));
    TRY(tx_one(tx, "branch",
               STATEMENT(BELOW "SELECT CAST(COALESCE(SUM(used_bytes), 0) AS BIGINT), COUNT(*) FROM branches"
                               " WHERE id IN (SELECT id FROM below)"),
               SQL(SQL_I(id)), a, &c));
    *ret_bytes = sql_column_int(c, 0);
    *ret_branches = sql_column_int(c, 1);
    return NULL;
}

/* ---- what was cut off ---- */

err_t meta_branch_cut_of_space(struct meta_tx *tx, int64_t space_id, int64_t now_ms, size_t limit, struct arena *a,
                               int64_t *ret_count)
{
    return tx_add_counted(tx,
                          STATEMENT("UPDATE branches SET cut_at_ms = $1 WHERE id IN (SELECT id FROM branches"
                                    " WHERE space_id = $2 AND cut_at_ms = 0 ORDER BY id LIMIT $3)"),
                          SQL(SQL_I(now_ms), SQL_I(space_id), sql_limit(limit)), a, ret_count);
}

err_t meta_branch_first_cut(struct meta_tx *tx, struct arena *a, struct cut_branch *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "branch",
               STATEMENT("SELECT b.id, b.cut_at_ms, e.account_id FROM branches b JOIN spaces s ON s.id = b.space_id"
                         " JOIN courses c ON c.id = s.course_id JOIN environments e ON e.id = c.environment_id"
                         " WHERE b.cut_at_ms > 0 ORDER BY b.id LIMIT 1"),
               SQL_NO_VALUES, a, &c));
    *ret = (struct cut_branch){ sql_column_int(c, 0), sql_column_int(c, 1), sql_column_int(c, 2) };
    return NULL;
}

static void read_file_in_branch(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct folder_file *)ret =
        (struct folder_file){ .file = { .id = sql_column_int(c, 0) }, .folder_id = sql_column_int(c, 1) };
}

err_t meta_branch_files(struct meta_tx *tx, int64_t id, size_t limit, struct arena *a, struct folder_file_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT p.file_id, p.folder_id FROM folders d JOIN folder_files p ON p.folder_id = d.id"
                             " WHERE d.branch_id = $1 LIMIT $2"),
                   SQL(SQL_I(id), sql_limit(limit)), a, LIST_OF(read_file_in_branch, ret));
}

#define EMPTY_FOLDERS                                                                                                  \
    "SELECT id FROM folders d WHERE d.branch_id = $1"                                                                  \
    " AND NOT EXISTS (SELECT 1 FROM folder_files p WHERE p.folder_id = d.id) ORDER BY d.id LIMIT $2"
#define SIZE_OF_FOLDERS(IN)                                                                                            \
    "SELECT COALESCE(SUM(" FOLDER_SIZE(IN) "), 0) FROM folders d WHERE d.id IN (" EMPTY_FOLDERS ")"

err_t meta_branch_remove_folders(struct meta_tx *tx, int64_t id, size_t limit, struct arena *a, int64_t *ret_removed,
                                 int64_t *ret_bytes)
{
    TRY(tx_int(tx, STATEMENT_PAIR(SIZE_OF_FOLDERS), SQL(SQL_I(id), sql_limit(limit)), a, ret_bytes));
    return tx_add_counted(tx, STATEMENT("DELETE FROM folders WHERE id IN (" EMPTY_FOLDERS ")"),
                          SQL(SQL_I(id), sql_limit(limit)), a, ret_removed);
}

err_t meta_branch_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_add(tx, STATEMENT("DELETE FROM branches WHERE id = $1"), SQL(SQL_I(id)), a);
}
