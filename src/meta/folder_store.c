/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/folder_store.h"
#include "core/store/file_store.h"
#include "meta/dialect_priv.h"
#include "meta/joined_rows_priv.h"
#include "meta/statement_priv.h"

/* What says that a folder can be found: its branch was not cut off, and nothing that it belongs to was removed. */
#define IN_SPACE                                                                                                       \
    " JOIN branches b ON b.id = d.branch_id JOIN spaces s ON s.id = d.space_id JOIN courses c ON c.id = s.course_id"   \
    " JOIN environments e ON e.id = c.environment_id"
#define IS_THERE " b.cut_at_ms = 0 AND s.removed_at_ms = 0 AND c.removed_at_ms = 0 AND e.removed_at_ms = 0"

/* ---- folders ---- */

#define FOLDER_COLUMNS                                                                                                 \
    "d.id, d.space_id, d.branch_id, d.parent_id, d.creator_id, d.name, d.used_bytes, d.created_at_ms,"                 \
    " d.modified_at_ms, COALESCE(u.login, '')"
#define CREATOR " LEFT JOIN users u ON u.id = d.creator_id AND u.state <> 2"

static void read_folder_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct folder *)ret = (struct folder){
        .id = sql_column_int(c, 0),
        .space_id = sql_column_int(c, 1),
        .branch_id = sql_column_int(c, 2),
        .parent_id = sql_column_int(c, 3),
        .creator_id = sql_column_int(c, 4),
        .name = sql_column_copy(c, 5, a),
        .used_bytes = sql_column_int(c, 6),
        .created_at_ms = sql_column_int(c, 7),
        .modified_at_ms = sql_column_int(c, 8),
        .creator_login = sql_column_copy(c, 9, a),
    };
}

err_t meta_folder_add(struct meta_tx *tx, const struct folder *d, slice name_key, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "folder",
        STATEMENT("INSERT INTO folders (space_id, branch_id, parent_id, creator_id, name, name_key, created_at_ms,"
                  " modified_at_ms) SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS"
                  " (SELECT 1 FROM folders WHERE parent_id = $3 AND name_key = $6 AND parent_id > 0)"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(d->space_id), SQL_I(d->branch_id), SQL_I(d->parent_id), SQL_I(d->creator_id), SQL_T(d->name),
            SQL_T(name_key), SQL_I(d->created_at_ms), SQL_I(d->modified_at_ms)),
        a, ret_id);
}

err_t meta_folder_get(struct meta_tx *tx, int64_t id, struct arena *a, struct folder *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "folder",
               STATEMENT("SELECT " FOLDER_COLUMNS ", c.id, e.id, e.account_id FROM folders d" IN_SPACE CREATOR
                         " WHERE d.id = $1 AND" IS_THERE),
               SQL(SQL_I(id)), a, &c));
    read_folder_row(c, a, ret);
    ret->course_id = sql_column_int(c, 10);
    ret->environment_id = sql_column_int(c, 11);
    ret->account_id = sql_column_int(c, 12);
    return NULL;
}

err_t meta_folder_list(struct meta_tx *tx, int64_t parent_id, int64_t after_id, size_t limit, struct arena *a,
                       struct folder_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT " FOLDER_COLUMNS " FROM folders d" CREATOR
                             " WHERE d.parent_id = $1 AND d.parent_id > 0 AND d.id > $2 ORDER BY d.id LIMIT $3"),
                   SQL(SQL_I(parent_id), SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_folder_row, ret));
}

err_t meta_folder_list_by_name(struct meta_tx *tx, int64_t parent_id, slice after_key, size_t limit, struct arena *a,
                               struct folder_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT " FOLDER_COLUMNS " FROM folders d" CREATOR
                             " WHERE d.parent_id = $1 AND d.parent_id > 0 AND d.name_key > $2 ORDER BY d.name_key"
                             " LIMIT $3"),
                   SQL(SQL_I(parent_id), SQL_T(after_key), sql_limit(limit)), a, LIST_OF(read_folder_row, ret));
}

err_t meta_folder_named(struct meta_tx *tx, int64_t parent_id, slice name_key, struct arena *a, int64_t *ret_id)
{
    return tx_int(tx,
                  STATEMENT("SELECT COALESCE(MIN(id), 0) FROM folders WHERE parent_id = $1 AND name_key = $2"
                            " AND parent_id > 0"),
                  SQL(SQL_I(parent_id), SQL_T(name_key)), a, ret_id);
}

err_t meta_folder_has_folder(struct meta_tx *tx, int64_t parent_id, slice name_key, int64_t except_id, struct arena *a,
                             bool *ret_has)
{
    int64_t count;
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM folders WHERE parent_id = $1 AND name_key = $2 AND parent_id > 0"
                         " AND id <> $3"),
               SQL(SQL_I(parent_id), SQL_T(name_key), SQL_I(except_id)), a, &count));
    *ret_has = count > 0;
    return NULL;
}

err_t meta_folder_where(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret_branch_id, int64_t *ret_parent_id)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "folder", STATEMENT("SELECT branch_id, parent_id FROM folders WHERE id = $1"), SQL(SQL_I(id)), a,
               &c));
    *ret_branch_id = sql_column_int(c, 0);
    *ret_parent_id = sql_column_int(c, 1);
    return NULL;
}

/* No cache has folders, so no call here raises the generation. */
static err_t change_folder(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                           struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx, statement, args, a, &changed));
    return changed ? NULL : err_make(a, ERR_NOT_FOUND, "no such folder");
}

err_t meta_folder_update(struct meta_tx *tx, const struct folder *d, slice name_key, struct arena *a)
{
    return change_folder(
        tx,
        STATEMENT("UPDATE folders SET parent_id = $1, name = $2, name_key = $3, modified_at_ms = $4"
                  " WHERE id = $5"),
        SQL(SQL_I(d->parent_id), SQL_T(d->name), SQL_T(name_key), SQL_I(d->modified_at_ms), SQL_I(d->id)), a);
}

err_t meta_folder_detach(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return change_folder(tx, STATEMENT("UPDATE folders SET parent_id = 0 WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_folder_use(struct meta_tx *tx, int64_t id, int64_t branch_id, int64_t more_bytes, struct arena *a)
{
    return change_folder(tx,
                         STATEMENT("UPDATE folders SET used_bytes = used_bytes + $1 WHERE id = $2 AND branch_id = $3"),
                         SQL(SQL_I(more_bytes), SQL_I(id), SQL_I(branch_id)), a);
}

/* ---- files ---- */

#define FOLDER_FILE_COLUMNS "SELECT " FILE_COLUMNS ", p.folder_id, p.space_id"
#define OF_FILE " JOIN files f ON f.id = p.file_id LEFT JOIN users u ON u.id = f.owner_id AND u.state <> 2"

static void read_folder_file_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct folder_file *file = ret;
    *file = (struct folder_file){
        .folder_id = sql_column_int(c, FILE_COLUMN_COUNT),
        .space_id = sql_column_int(c, FILE_COLUMN_COUNT + 1),
    };
    read_file_columns(c, 0, a, &file->file);
}

err_t meta_folder_file_add(struct meta_tx *tx, const struct folder_file *file, slice name_key, struct arena *a)
{
    int64_t added;
    TRY(tx_add_counted(tx,
                       STATEMENT("INSERT INTO folder_files (file_id, folder_id, space_id, name_key)"
                                 " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"),
                       SQL(SQL_I(file->file.id), SQL_I(file->folder_id), SQL_I(file->space_id), SQL_T(name_key)), a,
                       &added));
    return added ? NULL : err_make(a, ERR_CONFLICT, "the folder has a file of that name");
}

err_t meta_folder_file_get(struct meta_tx *tx, int64_t file_id, struct arena *a, struct folder_file *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "file",
               STATEMENT(FOLDER_FILE_COLUMNS
                         ", c.id, e.id FROM folder_files p JOIN folders d ON d.id = p.folder_id" IN_SPACE OF_FILE
                         " WHERE p.file_id = $1 AND" IS_THERE),
               SQL(SQL_I(file_id)), a, &c));
    read_folder_file_row(c, a, ret);
    ret->course_id = sql_column_int(c, FILE_COLUMN_COUNT + 2);
    ret->environment_id = sql_column_int(c, FILE_COLUMN_COUNT + 3);
    return NULL;
}

err_t meta_folder_file_list(struct meta_tx *tx, int64_t folder_id, int64_t after_id, size_t limit, struct arena *a,
                            struct folder_file_list *ret)
{
    return tx_list(tx,
                   STATEMENT(FOLDER_FILE_COLUMNS " FROM folder_files p" OF_FILE
                                                 " WHERE p.folder_id = $1 AND p.file_id > $2 ORDER BY p.file_id"
                                                 " LIMIT $3"),
                   SQL(SQL_I(folder_id), SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_folder_file_row, ret));
}

err_t meta_folder_file_list_by_name(struct meta_tx *tx, int64_t folder_id, slice after_key, size_t limit,
                                    struct arena *a, struct folder_file_list *ret)
{
    return tx_list(tx,
                   STATEMENT(FOLDER_FILE_COLUMNS " FROM folder_files p" OF_FILE
                                                 " WHERE p.folder_id = $1 AND p.name_key > $2 ORDER BY p.name_key"
                                                 " LIMIT $3"),
                   SQL(SQL_I(folder_id), SQL_T(after_key), sql_limit(limit)), a, LIST_OF(read_folder_file_row, ret));
}

err_t meta_folder_file_named(struct meta_tx *tx, int64_t folder_id, slice name_key, struct arena *a,
                             int64_t *ret_file_id)
{
    return tx_int(
        tx, STATEMENT("SELECT COALESCE(MIN(file_id), 0) FROM folder_files WHERE folder_id = $1 AND name_key = $2"),
        SQL(SQL_I(folder_id), SQL_T(name_key)), a, ret_file_id);
}

err_t meta_folder_file_update(struct meta_tx *tx, const struct folder_file *file, slice name_key, struct arena *a)
{
    TRY(meta_file_rename(tx, file->file.id, file->file.name, a));
    return tx_change_one(tx, "file",
                         STATEMENT("UPDATE folder_files SET folder_id = $1, name_key = $2 WHERE file_id = $3"),
                         SQL(SQL_I(file->folder_id), SQL_T(name_key), SQL_I(file->file.id)), a);
}

err_t meta_folder_file_remove(struct meta_tx *tx, int64_t file_id, struct arena *a)
{
    return tx_change_one(tx, "file", STATEMENT("DELETE FROM folder_files WHERE file_id = $1"), SQL(SQL_I(file_id)), a);
}

err_t meta_folder_file_each(struct meta_tx *tx, int64_t after_id, size_t limit, struct arena *a,
                            struct folder_file_list *ret)
{
    return tx_list(tx,
                   STATEMENT(FOLDER_FILE_COLUMNS " FROM folder_files p" OF_FILE
                                                 " WHERE p.file_id > $1 ORDER BY p.file_id LIMIT $2"),
                   SQL(SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_folder_file_row, ret));
}

err_t meta_folder_file_is_in(struct meta_tx *tx, int64_t file_id, int64_t folder_id, struct arena *a, bool *ret_is)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM folder_files WHERE file_id = $1 AND folder_id = $2"),
               SQL(SQL_I(file_id), SQL_I(folder_id)), a, &count));
    *ret_is = count > 0;
    return NULL;
}

/* ---- searching ---- */

/* Looks at a page of rows by id, so that a search that finds little reads no more than one that finds much. */
#define HAS_PART(IN, column)                                                                                           \
    "CASE WHEN b.cut_at_ms = 0 AND " IN("INSTR(" column ", $1)", "STRPOS(" column ", $1)") " > 0 THEN 1 ELSE 0 END"
#define FOLDERS_THAT(matches)                                                                                          \
    "SELECT d.id, d.parent_id, d.name, " matches " FROM folders d JOIN branches b ON b.id = d.branch_id"               \
    " WHERE d.space_id = $2 AND d.id > $3 ORDER BY d.id LIMIT $4"
#define SEARCH_FOLDERS(IN) FOLDERS_THAT(HAS_PART(IN, "d.name_key"))
#define SEARCH_NAMED FOLDERS_THAT("CASE WHEN b.cut_at_ms = 0 AND d.name_key = $1 THEN 1 ELSE 0 END")
#define SEARCH_FILES(IN)                                                                                               \
    "SELECT p.file_id, p.folder_id, f.name, " HAS_PART(                                                                \
        IN, "p.name_key") " FROM folder_files p JOIN folders d ON d.id = p.folder_id"                                  \
                          " JOIN branches b ON b.id = d.branch_id JOIN files f ON f.id = p.file_id"                    \
                          " WHERE p.space_id = $2 AND p.file_id > $3 ORDER BY p.file_id LIMIT $4"

err_t meta_folder_search(struct meta_tx *tx, const struct folder_search *q, struct arena *a,
                         struct folder_hit_list *ret, int64_t *ret_after_id)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    struct folder_hit_list hits = { arena_array(a, struct folder_hit, q->limit ? q->limit : 1), 0 };
    int64_t last_id = 0;
    size_t looks = 0;
    bool row = true;
    TRY(tx_query(tx,
                 q->files           ? STATEMENT_PAIR(SEARCH_FILES)
                 : q->is_whole_name ? STATEMENT(SEARCH_NAMED)
                                    : STATEMENT_PAIR(SEARCH_FOLDERS),
                 SQL(SQL_T(q->part_key), SQL_I(q->space_id), SQL_I(q->after_id), sql_limit(q->looks)), a, &c));
    while (hits.count < q->limit) {
        TRY(sql_next(c, a, &row));
        if (!row)
            break;
        looks++;
        last_id = sql_column_int(c, 0);
        if (sql_column_int(c, 3))
            hits.items[hits.count++] = (struct folder_hit){
                .is_file = q->files, .id = last_id, .folder_id = sql_column_int(c, 1), .name = sql_column_copy(c, 2, a)
            };
    }
    *ret = hits;
    *ret_after_id = row || looks == q->looks ? last_id : 0;
    return NULL;
}
