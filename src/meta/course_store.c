/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/course_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#define COURSE                                                                                                         \
    "SELECT c.id, c.environment_id, c.creator_id, c.name, c.path, c.description, c.workload, c.max_bytes,"             \
    " c.used_bytes, c.created_at_ms, c.modified_at_ms, e.account_id, e.path FROM courses c"                            \
    " JOIN environments e ON e.id = c.environment_id WHERE c.removed_at_ms = 0 AND e.removed_at_ms = 0"

static void read_course_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct course *)ret = (struct course){
        .id = sql_column_int(c, 0),
        .environment_id = sql_column_int(c, 1),
        .creator_id = sql_column_int(c, 2),
        .name = sql_column_copy(c, 3, a),
        .path = sql_column_copy(c, 4, a),
        .description = sql_column_copy(c, 5, a),
        .workload = sql_column_int(c, 6),
        .max_bytes = sql_column_int(c, 7),
        .used_bytes = sql_column_int(c, 8),
        .created_at_ms = sql_column_int(c, 9),
        .modified_at_ms = sql_column_int(c, 10),
        .account_id = sql_column_int(c, 11),
        .environment_path = sql_column_copy(c, 12, a),
    };
}

err_t meta_course_add(struct meta_tx *tx, const struct course *c, const struct name_keys *keys, struct arena *a,
                      int64_t *ret_id)
{
    return tx_insert_new(
        tx, "course",
        STATEMENT("INSERT INTO courses (environment_id, creator_id, name, name_key, path, path_key, description,"
                  " workload, max_bytes, created_at_ms, modified_at_ms, account_id)"
                  " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
                  " (SELECT account_id FROM environments WHERE id = $1)"
                  " WHERE NOT EXISTS (SELECT 1 FROM courses WHERE environment_id = $1 AND name_key = $4"
                  " AND removed_at_ms = 0) AND NOT EXISTS (SELECT 1 FROM courses WHERE environment_id = $1"
                  " AND path_key = $6 AND removed_at_ms = 0) ON CONFLICT DO NOTHING"),
        SQL(SQL_I(c->environment_id), SQL_I(c->creator_id), SQL_T(c->name), SQL_T(keys->name), SQL_T(c->path),
            SQL_T(keys->path), SQL_T(c->description), SQL_I(c->workload), SQL_I(c->max_bytes), SQL_I(c->created_at_ms),
            SQL_I(c->modified_at_ms)),
        a, ret_id);
}

static err_t get_course(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                        struct arena *a, struct course *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "course", statement, args, a, &c));
    read_course_row(c, a, ret);
    return NULL;
}

err_t meta_course_get(struct meta_tx *tx, int64_t id, struct arena *a, struct course *ret)
{
    return get_course(tx, STATEMENT(COURSE " AND c.id = $1"), SQL(SQL_I(id)), a, ret);
}

err_t meta_course_by_path(struct meta_tx *tx, int64_t account_id, slice path_key, struct arena *a, struct course *ret)
{
    if (!account_id)
        return get_course(tx, STATEMENT(COURSE " AND c.path_key = $1 ORDER BY c.id LIMIT 1"), SQL(SQL_T(path_key)), a,
                          ret);
    return get_course(tx, STATEMENT(COURSE " AND c.account_id = $1 AND c.path_key = $2 ORDER BY c.id LIMIT 1"),
                      SQL(SQL_I(account_id), SQL_T(path_key)), a, ret);
}

err_t meta_course_taken(struct meta_tx *tx, int64_t environment_id, const struct name_keys *keys, int64_t except_id,
                        struct arena *a, struct names_taken *ret)
{
    int64_t names, paths;
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM courses WHERE environment_id = $1 AND name_key = $2 AND id <> $3"
                         " AND removed_at_ms = 0"),
               SQL(SQL_I(environment_id), SQL_T(keys->name), SQL_I(except_id)), a, &names));
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM courses WHERE environment_id = $1 AND path_key = $2 AND id <> $3"
                         " AND removed_at_ms = 0"),
               SQL(SQL_I(environment_id), SQL_T(keys->path), SQL_I(except_id)), a, &paths));
    *ret = (struct names_taken){ names > 0, paths > 0 };
    return NULL;
}

err_t meta_course_list(struct meta_tx *tx, int64_t environment_id, int64_t after_id, size_t limit, struct arena *a,
                       struct course_list *ret)
{
    return tx_list(tx, STATEMENT(COURSE " AND c.environment_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3"),
                   SQL(SQL_I(environment_id), SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_course_row, ret));
}

err_t meta_course_update(struct meta_tx *tx, const struct course *c, const struct name_keys *keys, struct arena *a)
{
    return tx_change_one(
        tx, "course",
        STATEMENT("UPDATE courses SET name = $1, name_key = $2, path = $3, path_key = $4, description = $5,"
                  " workload = $6, modified_at_ms = $7 WHERE id = $8 AND removed_at_ms = 0"),
        SQL(SQL_T(c->name), SQL_T(keys->name), SQL_T(c->path), SQL_T(keys->path), SQL_T(c->description),
            SQL_I(c->workload), SQL_I(c->modified_at_ms), SQL_I(c->id)),
        a);
}

#define LOCK_ENVIRONMENT(IN) "SELECT id FROM environments WHERE id = $1 AND removed_at_ms = 0" HELD(IN)

err_t meta_course_lock_names(struct meta_tx *tx, int64_t environment_id, struct arena *a)
{
    int64_t known;
    err_t e = tx_int(tx, STATEMENT_PAIR(LOCK_ENVIRONMENT), SQL(SQL_I(environment_id)), a, &known);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_NOT_FOUND, "no such environment") : e;
}

err_t meta_course_set_limit(struct meta_tx *tx, int64_t id, int64_t max_bytes, struct arena *a)
{
    return tx_change_one(tx, "course",
                         STATEMENT("UPDATE courses SET max_bytes = $1 WHERE id = $2 AND removed_at_ms = 0"),
                         SQL(SQL_I(max_bytes), SQL_I(id)), a);
}

err_t meta_course_use(struct meta_tx *tx, int64_t id, int64_t more_bytes, struct arena *a)
{
    int64_t changed, known;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE courses SET used_bytes = used_bytes + $1 WHERE id = $2 AND removed_at_ms = 0"
                                 " AND ($1 <= 0 OR max_bytes = 0 OR used_bytes + $1 <= max_bytes)"),
                       SQL(SQL_I(more_bytes), SQL_I(id)), a, &changed));
    if (changed)
        return NULL;
    err_t e =
        tx_int(tx, STATEMENT("SELECT id FROM courses WHERE id = $1 AND removed_at_ms = 0"), SQL(SQL_I(id)), a, &known);
    if (err_is(e, ERR_NOT_FOUND))
        return err_make(a, ERR_NOT_FOUND, "no such course");
    return e ? e : err_make(a, ERR_QUOTA, "the course has no room for so many bytes");
}

err_t meta_course_end(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "course",
                         STATEMENT("UPDATE courses SET removed_at_ms = $1 WHERE id = $2 AND removed_at_ms = 0"),
                         SQL(SQL_I(now_ms), SQL_I(id)), a);
}
