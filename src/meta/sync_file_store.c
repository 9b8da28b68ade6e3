/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/sync_file_store.h"
#include "meta/statement_priv.h"

#include <assert.h>

#define SYNC_FILE                                                                                                      \
    "SELECT f.id, f.handle, f.account_id, f.owner_id, f.workspace_id, f.section_id, w.name, s.name, f.bucket_id,"      \
    " f.object_key, f.way, f.name, f.entity_type, f.folder, f.category, f.remark, f.tags, f.metadata, f.action,"       \
    " f.max_bytes, f.idle_ms, f.state, f.revision, f.file_id, f.size_bytes, f.md5, f.content_type, f.created_at_ms,"   \
    " f.modified_at_ms, f.link_expires_at_ms, f.uploaded_at_ms, f.due_at_ms, f.origin, f.import_number, f.job_id,"     \
    " f.form, f.may_delete, f.data_source, f.reference, f.queued_at_ms, f.started_at_ms, f.finished_at_ms,"            \
    " f.row_total, f.row_done, f.row_inserted, f.row_updated, f.row_deleted, f.row_failed, f.report_bytes"             \
    " FROM sync_files f"                                                                                               \
    " JOIN workspaces w ON w.id = f.workspace_id JOIN sections s ON s.id = f.section_id"

/* From its first column on. */
static struct sync_import read_import(struct sql_cursor *c, struct arena *a)
{
    enum { FIRST = 33 };
    return (struct sync_import){ .number = sql_column_int(c, FIRST),
                                 .job_id = sql_column_int(c, FIRST + 1),
                                 .form = sql_column_int(c, FIRST + 2) == SYNC_JSON ? SYNC_JSON : SYNC_LINES,
                                 .may_delete = sql_column_int(c, FIRST + 3) != 0,
                                 .data_source = sql_column_copy(c, FIRST + 4, a),
                                 .reference = sql_column_copy(c, FIRST + 5, a),
                                 .queued_at_ms = sql_column_int(c, FIRST + 6),
                                 .started_at_ms = sql_column_int(c, FIRST + 7),
                                 .finished_at_ms = sql_column_int(c, FIRST + 8),
                                 .rows = { .total = sql_column_int(c, FIRST + 9),
                                           .done = sql_column_int(c, FIRST + 10),
                                           .inserted = sql_column_int(c, FIRST + 11),
                                           .updated = sql_column_int(c, FIRST + 12),
                                           .deleted = sql_column_int(c, FIRST + 13),
                                           .failed = sql_column_int(c, FIRST + 14) } };
}

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
        .import = read_import(c, a),
        .report_bytes = sql_column_int(c, 48),
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

err_t meta_sync_file_list_of_workspace(struct meta_tx *tx, int64_t workspace_id, size_t limit, struct arena *a,
                                       struct sync_file_list *ret)
{
    return tx_list(tx, STATEMENT(SYNC_FILE " WHERE f.workspace_id = $1 ORDER BY f.id LIMIT $2"),
                   SQL(SQL_I(workspace_id), sql_limit(limit)), a, LIST_OF(read_sync_file_row, ret));
}

err_t meta_sync_file_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    TRY(tx_add(tx, STATEMENT("DELETE FROM sync_reports WHERE sync_file_id = $1"), SQL(SQL_I(id)), a));
    return tx_add(tx, STATEMENT("DELETE FROM sync_files WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_sync_file_page(struct meta_tx *tx, int64_t account_id, const struct id_page *page, struct arena *a,
                          struct sync_file_list *ret)
{
    return tx_list(tx, STATEMENT(SYNC_FILE " WHERE f.account_id = $1 AND f.id < $2 ORDER BY f.id DESC LIMIT $3"),
                   SQL(SQL_I(account_id), SQL_I(page->after_id ? page->after_id : INT64_MAX), sql_limit(page->limit)),
                   a, LIST_OF(read_sync_file_row, ret));
}

/* ---- states; no cache holds these rows ---- */

static_assert(SYNC_CREATED == 0 && SYNC_UPLOADED == 1 && SYNC_QUEUED == 2 && SYNC_PROCESSING == 3 &&
                  SYNC_EXPIRED == 7 && SYNC_PURGED == 8,
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

/* ---- imports ---- */

err_t meta_sync_file_queue(struct meta_tx *tx, const struct sync_file *now, enum sync_state from, struct arena *a,
                           bool *ret_changed)
{
    const struct sync_import *i = &now->import;
    int64_t changed;
    TRY(tx_add_counted(
        tx,
        STATEMENT(
            "UPDATE sync_files SET state = 2, revision = revision + 1, import_number = $1, job_id = $2, form = $3,"
            " may_delete = $4, queued_at_ms = $5, modified_at_ms = $5, action = $6, remark = $7, due_at_ms = 0,"
            " data_source = '', reference = '', started_at_ms = 0, finished_at_ms = 0, row_total = 0,"
            " row_done = 0, row_inserted = 0, row_updated = 0, row_deleted = 0, row_failed = 0, report_bytes = 0"
            " WHERE id = $8 AND state = $9 AND import_number = $1 - 1"),
        SQL(SQL_I(i->number), SQL_I(i->job_id), SQL_I(i->form), SQL_I(i->may_delete), SQL_I(i->queued_at_ms),
            SQL_T(now->action), SQL_T(now->remark), SQL_I(now->id), SQL_I(from)),
        a, &changed));
    *ret_changed = changed != 0;
    return changed ? tx_add(tx, STATEMENT("DELETE FROM sync_reports WHERE sync_file_id = $1"), SQL(SQL_I(now->id)), a)
                   : NULL;
}

err_t meta_sync_import_move(struct meta_tx *tx, const struct sync_file *now, const struct sync_file_move *m,
                            struct arena *a, bool *ret_changed)
{
    const struct sync_import *i = &now->import;
    int64_t changed;
    TRY(tx_add_counted(
        tx,
        STATEMENT("UPDATE sync_files SET state = $1, revision = revision + 1, modified_at_ms = $2, due_at_ms = $3,"
                  " data_source = $4, reference = $5, started_at_ms = $6, finished_at_ms = $7, row_total = $8,"
                  " row_done = $9, row_inserted = $10, row_updated = $11, row_deleted = $12, row_failed = $13,"
                  " report_bytes = $14 WHERE id = $15 AND state = $16 AND import_number = $17"),
        SQL(SQL_I(m->to), SQL_I(m->at_ms), SQL_I(m->due_at_ms), SQL_T(i->data_source), SQL_T(i->reference),
            SQL_I(i->started_at_ms), SQL_I(i->finished_at_ms), SQL_I(i->rows.total), SQL_I(i->rows.done),
            SQL_I(i->rows.inserted), SQL_I(i->rows.updated), SQL_I(i->rows.deleted), SQL_I(i->rows.failed),
            SQL_I(now->report_bytes), SQL_I(m->id), SQL_I(m->from), SQL_I(i->number)),
        a, &changed));
    *ret_changed = changed != 0;
    return NULL;
}

err_t meta_sync_file_left(struct meta_tx *tx, const struct id_page *page, struct arena *a, struct sync_file_list *ret)
{
    return tx_list(tx,
                   STATEMENT(SYNC_FILE " WHERE f.state IN (2, 3) AND f.id > $1 AND NOT EXISTS (SELECT 1 FROM jobs j"
                                       " WHERE j.id = f.job_id AND j.state <= 1) ORDER BY f.id LIMIT $2"),
                   SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_sync_file_row, ret));
}

err_t meta_sync_file_has_open(struct meta_tx *tx, int64_t section_id, struct arena *a, bool *ret_has)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM sync_files WHERE section_id = $1 AND state IN (2, 3)"),
               SQL(SQL_I(section_id)), a, &count));
    *ret_has = count > 0;
    return NULL;
}

err_t meta_sync_report_get(struct meta_tx *tx, int64_t sync_file_id, struct arena *a, struct sync_report *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    *ret = (struct sync_report){ S(""), S("") };
    err_t e = tx_one(tx, "report", STATEMENT("SELECT errors, notes FROM sync_reports WHERE sync_file_id = $1"),
                     SQL(SQL_I(sync_file_id)), a, &c);
    if (!e)
        *ret = (struct sync_report){ sql_column_copy(c, 0, a), sql_column_copy(c, 1, a) };
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

err_t meta_sync_report_put(struct meta_tx *tx, int64_t sync_file_id, const struct sync_report *r, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO sync_reports (sync_file_id, errors, notes) VALUES ($1, $2, $3)"
                            " ON CONFLICT (sync_file_id) DO UPDATE SET errors = excluded.errors,"
                            " notes = excluded.notes"),
                  SQL(SQL_I(sync_file_id), SQL_T(r->errors), SQL_T(r->notes)), a);
}

/* ---- the end ---- */

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

/* ---- folders: each has an index of its own, whose conditions stand in its statements ---- */

static_assert(SYNC_BY_FOLDER == 1 && SYNC_BY_PAGE == 2 && SYNC_UPLOADED == 1 && SYNC_QUEUED == 2 &&
                  SYNC_PROCESSING == 3 && SYNC_IMPORTED == 4 && SYNC_IMPORTED_WITH_ERRORS == 5 && SYNC_FAILED == 6,
              "the statements below, and the indexes, have these numbers");

#define IN_FOLDER(states) SYNC_FILE " WHERE f.section_id = $1 AND f.way IN (1, 2) AND f.state IN (" states ")"
#define SAME_NAME(states) IN_FOLDER(states) " AND f.name = $2 AND f.id < $3 ORDER BY f.id DESC LIMIT $4"
#define NAMES_BEHIND(states) IN_FOLDER(states) " AND f.name > $2 ORDER BY f.name, f.id DESC LIMIT $3"

static err_t list_same_name(struct meta_tx *tx, const struct sync_folder_page *p, struct arena *a,
                            struct sync_file_list *ret)
{
    const struct sql_statement *const statements[SYNC_FOLDERS] = {
        [SYNC_IN_IMPORT] = STATEMENT(SAME_NAME("1, 2, 3")),
        [SYNC_IN_DONE] = STATEMENT(SAME_NAME("4, 5")),
        [SYNC_IN_FAILED] = STATEMENT(SAME_NAME("6")),
    };
    return tx_list(tx, statements[p->folder],
                   SQL(SQL_I(p->section_id), SQL_T(p->after_name), SQL_I(p->after_id), sql_limit(p->limit)), a,
                   LIST_OF(read_sync_file_row, ret));
}

static err_t list_names_behind(struct meta_tx *tx, const struct sync_folder_page *p, struct arena *a,
                               struct sync_file_list *ret)
{
    const struct sql_statement *const statements[SYNC_FOLDERS] = {
        [SYNC_IN_IMPORT] = STATEMENT(NAMES_BEHIND("1, 2, 3")),
        [SYNC_IN_DONE] = STATEMENT(NAMES_BEHIND("4, 5")),
        [SYNC_IN_FAILED] = STATEMENT(NAMES_BEHIND("6")),
    };
    return tx_list(tx, statements[p->folder], SQL(SQL_I(p->section_id), SQL_T(p->after_name), sql_limit(p->limit)), a,
                   LIST_OF(read_sync_file_row, ret));
}

/* Two ranges of the index, so that a page costs the same however many have one name. */
err_t meta_sync_file_list_in(struct meta_tx *tx, const struct sync_folder_page *page, struct arena *a,
                             struct sync_file_list *ret)
{
    struct sync_file_list same = { 0 }, behind = { 0 };
    struct sync_folder_page rest = *page;
    if (page->after_id)
        TRY(list_same_name(tx, page, a, &same));
    rest.limit -= same.count;
    if (rest.limit)
        TRY(list_names_behind(tx, &rest, a, &behind));
    struct sync_file *items = arena_array(a, struct sync_file, same.count + behind.count);
    for (size_t i = 0; i < same.count; i++)
        items[i] = same.items[i];
    for (size_t i = 0; i < behind.count; i++)
        items[same.count + i] = behind.items[i];
    *ret = (struct sync_file_list){ items, same.count + behind.count };
    return NULL;
}

err_t meta_sync_file_newest_in(struct meta_tx *tx, int64_t section_id, enum sync_folder folder, slice name,
                               struct arena *a, struct sync_file *ret)
{
    struct sync_folder_page newest = { section_id, folder, name, INT64_MAX, 1 };
    struct sync_file_list list;
    TRY(list_same_name(tx, &newest, a, &list));
    if (!list.count)
        return err_make(a, ERR_NOT_FOUND, "no such sync file");
    *ret = list.items[0];
    return NULL;
}

err_t meta_sync_file_rename(struct meta_tx *tx, const struct sync_file *now, struct arena *a, bool *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE sync_files SET name = $1, object_key = $2, modified_at_ms = $3,"
                                 " revision = revision + 1 WHERE id = $4 AND state = 1"),
                       SQL(SQL_T(now->name), SQL_T(now->key), SQL_I(now->modified_at_ms), SQL_I(now->id)), a,
                       &changed));
    *ret_changed = changed != 0;
    return NULL;
}

err_t meta_sync_file_discard(struct meta_tx *tx, const struct sync_file_move *m, struct arena *a, bool *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE sync_files SET state = $1, revision = revision + 1, modified_at_ms = $2,"
                                 " due_at_ms = $3, file_id = 0 WHERE id = $4 AND state = $5"),
                       SQL(SQL_I(m->to), SQL_I(m->at_ms), SQL_I(m->due_at_ms), SQL_I(m->id), SQL_I(m->from)), a,
                       &changed));
    *ret_changed = changed != 0;
    return NULL;
}
