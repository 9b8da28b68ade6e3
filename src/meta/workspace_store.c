/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/workspace_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

/* ---- workspaces ---- */

#define WORKSPACE "SELECT id, account_id, name, created_at_ms FROM workspaces"

static void read_workspace_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct workspace *)ret = (struct workspace){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .name = sql_column_copy(c, 2, a),
        .created_at_ms = sql_column_int(c, 3),
    };
}

/* A query for one record. */
struct look_up {
    const char *what;
    const struct sql_statement *statement;
    row_fn *read_row;
};

static err_t read_one(struct meta_tx *tx, const struct look_up *l, struct sql_args args, struct arena *a, void *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, l->what, l->statement, args, a, &c));
    l->read_row(c, a, ret);
    return NULL;
}

err_t meta_workspace_add(struct meta_tx *tx, const struct workspace *w, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(tx, "workspace",
                         STATEMENT("INSERT INTO workspaces (account_id, name, created_at_ms) SELECT $1, $2, $3"
                                   " WHERE NOT EXISTS (SELECT 1 FROM workspaces WHERE account_id = $1 AND name = $2)"
                                   " ON CONFLICT DO NOTHING"),
                         SQL(SQL_I(w->account_id), SQL_T(w->name), SQL_I(w->created_at_ms)), a, ret_id);
}

err_t meta_workspace_get(struct meta_tx *tx, int64_t id, struct arena *a, struct workspace *ret)
{
    return read_one(tx, &(struct look_up){ "workspace", STATEMENT(WORKSPACE " WHERE id = $1"), read_workspace_row },
                    SQL(SQL_I(id)), a, ret);
}

err_t meta_workspace_by_name(struct meta_tx *tx, int64_t account_id, slice name, struct arena *a, struct workspace *ret)
{
    return read_one(tx,
                    &(struct look_up){ "workspace", STATEMENT(WORKSPACE " WHERE account_id = $1 AND name = $2"),
                                       read_workspace_row },
                    SQL(SQL_I(account_id), SQL_T(name)), a, ret);
}

err_t meta_workspace_list(struct meta_tx *tx, int64_t account_id, const struct id_page *page, struct arena *a,
                          struct workspace_list *ret)
{
    return tx_list(tx, STATEMENT(WORKSPACE " WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
                   SQL(SQL_I(account_id), SQL_I(page->after_id), sql_limit(page->limit)), a,
                   LIST_OF(read_workspace_row, ret));
}

/* ---- sections ---- */

#define SECTION "SELECT id, workspace_id, name, refuses_deletes, created_at_ms FROM sections"

static void read_section_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct section *)ret = (struct section){
        .id = sql_column_int(c, 0),
        .workspace_id = sql_column_int(c, 1),
        .name = sql_column_copy(c, 2, a),
        .refuses_deletes = sql_column_int(c, 3) != 0,
        .created_at_ms = sql_column_int(c, 4),
    };
}

err_t meta_section_add(struct meta_tx *tx, const struct section *s, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "section",
        STATEMENT("INSERT INTO sections (workspace_id, name, refuses_deletes, created_at_ms) SELECT $1, $2, $3, $4"
                  " WHERE NOT EXISTS (SELECT 1 FROM sections WHERE workspace_id = $1 AND name = $2)"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(s->workspace_id), SQL_T(s->name), SQL_I(s->refuses_deletes), SQL_I(s->created_at_ms)), a, ret_id);
}

err_t meta_section_get(struct meta_tx *tx, int64_t id, struct arena *a, struct section *ret)
{
    return read_one(tx, &(struct look_up){ "section", STATEMENT(SECTION " WHERE id = $1"), read_section_row },
                    SQL(SQL_I(id)), a, ret);
}

err_t meta_section_by_name(struct meta_tx *tx, int64_t workspace_id, slice name, struct arena *a, struct section *ret)
{
    return read_one(
        tx,
        &(struct look_up){ "section", STATEMENT(SECTION " WHERE workspace_id = $1 AND name = $2"), read_section_row },
        SQL(SQL_I(workspace_id), SQL_T(name)), a, ret);
}

err_t meta_section_list(struct meta_tx *tx, int64_t workspace_id, const struct id_page *page, struct arena *a,
                        struct section_list *ret)
{
    return tx_list(tx, STATEMENT(SECTION " WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
                   SQL(SQL_I(workspace_id), SQL_I(page->after_id), sql_limit(page->limit)), a,
                   LIST_OF(read_section_row, ret));
}

#define HOLD_SECTION(IN) "SELECT id FROM sections WHERE id = $1" HELD(IN)

err_t meta_section_hold(struct meta_tx *tx, int64_t id, struct arena *a)
{
    bool there; /* sections are never removed */
    return tx_hold(tx, STATEMENT_PAIR(HOLD_SECTION), SQL(SQL_I(id)), a, &there);
}

/* ---- entities ---- */

#define ENTITY "SELECT id, account_id, name, type, data_source, created_at_ms FROM entities"

static void read_entity_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct entity *)ret = (struct entity){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .name = sql_column_copy(c, 2, a),
        .type = sql_column_copy(c, 3, a),
        .data_source = sql_column_copy(c, 4, a),
        .created_at_ms = sql_column_int(c, 5),
    };
}

err_t meta_entity_add(struct meta_tx *tx, const struct entity *e, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "entity",
        STATEMENT("INSERT INTO entities (account_id, name, type, data_source, created_at_ms) SELECT $1, $2, $3, $4, $5"
                  " WHERE NOT EXISTS (SELECT 1 FROM entities WHERE account_id = $1 AND name = $2)"
                  " AND NOT EXISTS (SELECT 1 FROM entities WHERE account_id = $1 AND data_source = $4)"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(e->account_id), SQL_T(e->name), SQL_T(e->type), SQL_T(e->data_source), SQL_I(e->created_at_ms)), a,
        ret_id);
}

err_t meta_entity_by_name(struct meta_tx *tx, int64_t account_id, slice name, struct arena *a, struct entity *ret)
{
    return read_one(
        tx, &(struct look_up){ "entity", STATEMENT(ENTITY " WHERE account_id = $1 AND name = $2"), read_entity_row },
        SQL(SQL_I(account_id), SQL_T(name)), a, ret);
}

err_t meta_entity_by_data_source(struct meta_tx *tx, int64_t account_id, slice data_source, struct arena *a,
                                 struct entity *ret)
{
    return read_one(
        tx,
        &(struct look_up){ "entity", STATEMENT(ENTITY " WHERE account_id = $1 AND data_source = $2"), read_entity_row },
        SQL(SQL_I(account_id), SQL_T(data_source)), a, ret);
}

err_t meta_entity_has_type(struct meta_tx *tx, int64_t account_id, slice type, struct arena *a, bool *ret_has)
{
    int64_t id;
    err_t e = tx_int(tx, STATEMENT("SELECT id FROM entities WHERE account_id = $1 AND type = $2 LIMIT 1"),
                     SQL(SQL_I(account_id), SQL_T(type)), a, &id);
    *ret_has = !e;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

err_t meta_entity_list(struct meta_tx *tx, int64_t account_id, const struct id_page *page, struct arena *a,
                       struct entity_list *ret)
{
    return tx_list(tx, STATEMENT(ENTITY " WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
                   SQL(SQL_I(account_id), SQL_I(page->after_id), sql_limit(page->limit)), a,
                   LIST_OF(read_entity_row, ret));
}

/* ---- removing ---- */

err_t meta_section_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change(tx, STATEMENT("DELETE FROM sections WHERE id = $1"), SQL(SQL_I(id)), a, NULL);
}

err_t meta_workspace_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change(tx, STATEMENT("DELETE FROM workspaces WHERE id = $1"), SQL(SQL_I(id)), a, NULL);
}

err_t meta_workspace_has_open_work(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_has)
{
    int64_t count;
    TRY(tx_int(tx,
               STATEMENT("SELECT (SELECT COUNT(*) FROM sync_files WHERE workspace_id = $1 AND state IN (2, 3)) +"
                         " (SELECT COUNT(*) FROM sections s JOIN transfers t ON t.section_id = s.id"
                         " WHERE s.workspace_id = $1)"),
               SQL(SQL_I(id)), a, &count));
    *ret_has = count > 0;
    return NULL;
}
