/* SPDX-License-Identifier: Apache-2.0 */
/* A dataset of 1,000 columns has one row, not 1,001: its columns are always read and written together. */
#include "core/store/dataset_record_store.h"
#include "core/records/record_size.h"
#include "meta/dataset_columns_priv.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#include <assert.h>

/* ---- columns as a text ---- */

static slice columns_text(const struct column_list *columns, struct arena *a)
{
    size_t size = dataset_columns_bytes(columns), n = 0;
    char *text = arena_alloc(a, size ? size : 1);
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *c = &columns->items[i];
        text[n++] = (char)('0' + c->type / 10);
        text[n++] = (char)('0' + c->type % 10);
        text[n++] = c->is_required ? '!' : ' ';
        for (size_t k = 0; k < c->name.n; k++)
            text[n++] = c->name.p[k];
        text[n++] = '\n';
    }
    assert(n == size);
    return (slice){ text, n };
}

bool dataset_columns_read(slice text, struct arena *a, struct column_list *ret)
{
    slice line;
    struct column_list columns = { arena_array(a, struct column, COLUMNS_MAX), 0 };
    while (text.n) {
        if (columns.count == COLUMNS_MAX || !slice_cut(text, '\n', &line, &text) || line.n < 4)
            return false;
        int type = (line.p[0] - '0') * 10 + (line.p[1] - '0');
        if (type < 0 || type >= COLUMN_TYPE_COUNT || (line.p[2] != '!' && line.p[2] != ' '))
            return false;
        columns.items[columns.count++] =
            (struct column){ slice_from(line, 3), (enum column_type)type, line.p[2] == '!' };
    }
    *ret = columns;
    return true;
}

/* ---- datasets ---- */

#define COLUMNS                                                                                                        \
    "id, account_id, slug, name, version, columns, is_strict, takes_duplicates, processing, volume_bytes, schedule,"   \
    " due_at_ms, table_bytes, created_at_ms, modified_at_ms, waiting_files, waiting_bytes"
#define DATASET "SELECT " COLUMNS " FROM datasets"
#define STAYS "removed_at_ms = 0"

/* A damaged row has no columns: meta_check_rows tells of it. */
static void read_dataset_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct dataset *d = ret;
    int64_t processing = sql_column_int(c, 8);
    *d = (struct dataset){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .slug = sql_column_copy(c, 2, a),
        .name = sql_column_copy(c, 3, a),
        .version = sql_column_copy(c, 4, a),
        .is_strict = sql_column_int(c, 6) != 0,
        .takes_duplicates = sql_column_int(c, 7) != 0,
        .volume_bytes = sql_column_int(c, 9),
        .schedule = sql_column_copy(c, 10, a),
        .due_at_ms = sql_column_int(c, 11),
        .table_bytes = sql_column_int(c, 12),
        .created_at_ms = sql_column_int(c, 13),
        .modified_at_ms = sql_column_int(c, 14),
        .waiting_files = sql_column_int(c, 15),
        .waiting_bytes = sql_column_int(c, 16),
    };
    d->processing =
        processing >= 0 && processing < DATASET_PROCESSING_COUNT ? (enum dataset_processing)processing : DATASET_MANUAL;
    if (!dataset_columns_read(sql_column_copy(c, 5, a), a, &d->columns))
        d->columns = (struct column_list){ 0 };
}

err_t meta_dataset_add(struct meta_tx *tx, const struct dataset *d, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "dataset",
        STATEMENT("INSERT INTO datasets (account_id, slug, name, version, columns, is_strict, takes_duplicates,"
                  " processing, volume_bytes, schedule, due_at_ms, created_at_ms, modified_at_ms)"
                  " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 WHERE NOT EXISTS"
                  " (SELECT 1 FROM datasets WHERE account_id = $1 AND slug = $2 AND " STAYS ")"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(d->account_id), SQL_T(d->slug), SQL_T(d->name), SQL_T(d->version),
            SQL_T(columns_text(&d->columns, a)), SQL_I(d->is_strict), SQL_I(d->takes_duplicates), SQL_I(d->processing),
            SQL_I(d->volume_bytes), SQL_T(d->schedule), SQL_I(d->due_at_ms), SQL_I(d->created_at_ms),
            SQL_I(d->modified_at_ms)),
        a, ret_id);
}

static err_t get_dataset(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                         struct arena *a, struct dataset *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "dataset", statement, args, a, &c));
    read_dataset_row(c, a, ret);
    return NULL;
}

err_t meta_dataset_get(struct meta_tx *tx, int64_t id, struct arena *a, struct dataset *ret)
{
    return get_dataset(tx, STATEMENT(DATASET " WHERE id = $1 AND " STAYS), SQL(SQL_I(id)), a, ret);
}

err_t meta_dataset_by_slug(struct meta_tx *tx, int64_t account_id, slice slug, struct arena *a, struct dataset *ret)
{
    return get_dataset(tx, STATEMENT(DATASET " WHERE account_id = $1 AND slug = $2 AND " STAYS),
                       SQL(SQL_I(account_id), SQL_T(slug)), a, ret);
}

err_t meta_dataset_list(struct meta_tx *tx, int64_t account_id, const struct id_page *page, struct arena *a,
                        struct dataset_list *ret)
{
    if (!account_id)
        return tx_list(tx, STATEMENT(DATASET " WHERE id > $1 AND " STAYS " ORDER BY id LIMIT $2"),
                       SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_dataset_row, ret));
    return tx_list(tx, STATEMENT(DATASET " WHERE account_id = $1 AND id > $2 AND " STAYS " ORDER BY id LIMIT $3"),
                   SQL(SQL_I(account_id), SQL_I(page->after_id), sql_limit(page->limit)), a,
                   LIST_OF(read_dataset_row, ret));
}

#define HOLD_DATASET(IN) "SELECT id FROM datasets WHERE id = $1 AND " STAYS HELD(IN)

err_t meta_dataset_hold(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_there)
{
    return tx_hold(tx, STATEMENT_PAIR(HOLD_DATASET), SQL(SQL_I(id)), a, ret_there);
}

err_t meta_dataset_update(struct meta_tx *tx, const struct dataset *d, struct arena *a)
{
    return tx_change_one(
        tx, "dataset",
        STATEMENT("UPDATE datasets SET name = $1, version = $2, columns = $3, is_strict = $4, takes_duplicates = $5,"
                  " processing = $6, volume_bytes = $7, schedule = $8, due_at_ms = $9, modified_at_ms = $10"
                  " WHERE id = $11 AND " STAYS),
        SQL(SQL_T(d->name), SQL_T(d->version), SQL_T(columns_text(&d->columns, a)), SQL_I(d->is_strict),
            SQL_I(d->takes_duplicates), SQL_I(d->processing), SQL_I(d->volume_bytes), SQL_T(d->schedule),
            SQL_I(d->due_at_ms), SQL_I(d->modified_at_ms), SQL_I(d->id)),
        a);
}

err_t meta_dataset_set_due(struct meta_tx *tx, int64_t id, int64_t due_at_ms, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE datasets SET due_at_ms = $1 WHERE id = $2 AND " STAYS),
                  SQL(SQL_I(due_at_ms), SQL_I(id)), a);
}

err_t meta_dataset_set_table_bytes(struct meta_tx *tx, int64_t id, int64_t bytes, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE datasets SET table_bytes = $1 WHERE id = $2"), SQL(SQL_I(bytes), SQL_I(id)), a);
}

err_t meta_dataset_wait(struct meta_tx *tx, int64_t id, int64_t more_files, int64_t more_bytes, struct arena *a,
                        int64_t *ret_bytes)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_add_returning(
        tx, "dataset",
        STATEMENT("UPDATE datasets SET"
                  " waiting_files = CASE WHEN waiting_files + $1 < 0 THEN 0 ELSE waiting_files + $1 END,"
                  " waiting_bytes = CASE WHEN waiting_bytes + $2 < 0 THEN 0 ELSE waiting_bytes + $2 END"
                  " WHERE id = $3 AND " STAYS " RETURNING waiting_bytes"),
        SQL(SQL_I(more_files), SQL_I(more_bytes), SQL_I(id)), a, &c));
    *ret_bytes = sql_column_int(c, 0);
    return NULL;
}

err_t meta_dataset_list_due(struct meta_tx *tx, int64_t now_ms, size_t limit, struct arena *a, struct dataset_list *ret)
{
    return tx_list(
        tx, STATEMENT(DATASET " WHERE due_at_ms > 0 AND due_at_ms <= $1 AND " STAYS " ORDER BY due_at_ms, id LIMIT $2"),
        SQL(SQL_I(now_ms), sql_limit(limit)), a, LIST_OF(read_dataset_row, ret));
}

err_t meta_dataset_end(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "dataset", STATEMENT("UPDATE datasets SET removed_at_ms = $1 WHERE id = $2 AND " STAYS),
                         SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_dataset_first_ended(struct meta_tx *tx, int64_t after_id, struct arena *a, struct dataset *ret)
{
    return get_dataset(tx, STATEMENT(DATASET " WHERE removed_at_ms > 0 AND id > $1 ORDER BY id LIMIT 1"),
                       SQL(SQL_I(after_id)), a, ret);
}

err_t meta_dataset_is_known(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_known)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM datasets WHERE id = $1"), SQL(SQL_I(id)), a, &count));
    *ret_known = count > 0;
    return NULL;
}

err_t meta_dataset_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change(tx, STATEMENT("DELETE FROM datasets WHERE id = $1 AND removed_at_ms > 0"), SQL(SQL_I(id)), a,
                     NULL);
}

/* ---- files of datasets ---- */

#define FILE_COLUMNS                                                                                                   \
    "id, dataset_id, account_id, prefix_id, name, headers, version, size_bytes, md5, state, errors, row_count,"        \
    " duplicate_of, created_at_ms, processed_at_ms"
#define DATASET_FILE "SELECT " FILE_COLUMNS " FROM dataset_files"

static void read_file_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct dataset_file *f = ret;
    int64_t state = sql_column_int(c, 9);
    *f = (struct dataset_file){
        .id = sql_column_int(c, 0),
        .dataset_id = sql_column_int(c, 1),
        .account_id = sql_column_int(c, 2),
        .prefix_id = sql_column_int(c, 3),
        .name = sql_column_copy(c, 4, a),
        .headers = sql_column_copy(c, 5, a),
        .version = sql_column_copy(c, 6, a),
        .size_bytes = column_size(c, 7),
        .errors = sql_column_copy(c, 10, a),
        .rows = sql_column_int(c, 11),
        .duplicate_of = sql_column_int(c, 12),
        .created_at_ms = sql_column_int(c, 13),
        .processed_at_ms = sql_column_int(c, 14),
    };
    f->state = state >= 0 && state < DATASET_FILE_STATES ? (enum dataset_file_state)state : DATASET_FILE_FAILED;
    column_bytes(c, 8, f->md5, MD5_SIZE);
}

err_t meta_dataset_file_add(struct meta_tx *tx, const struct dataset_file *f, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO dataset_files (id, dataset_id, account_id, prefix_id, name, headers, version,"
                            " size_bytes, md5, state, created_at_ms)"
                            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"),
                  SQL(SQL_I(f->id), SQL_I(f->dataset_id), SQL_I(f->account_id), SQL_I(f->prefix_id), SQL_T(f->name),
                      SQL_T(f->headers), SQL_T(f->version), SQL_I((int64_t)f->size_bytes), SQL_BYTES(f->md5, MD5_SIZE),
                      SQL_I(f->state), SQL_I(f->created_at_ms)),
                  a);
}

static err_t get_file(struct meta_tx *tx, const struct sql_statement *statement, int64_t id, struct arena *a,
                      struct dataset_file *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "file of a dataset", statement, SQL(SQL_I(id)), a, &c));
    read_file_row(c, a, ret);
    return NULL;
}

err_t meta_dataset_file_get(struct meta_tx *tx, int64_t id, struct arena *a, struct dataset_file *ret)
{
    return get_file(tx, STATEMENT(DATASET_FILE " WHERE id = $1 AND " STAYS), id, a, ret);
}

err_t meta_dataset_file_any(struct meta_tx *tx, int64_t id, struct arena *a, struct dataset_file *ret)
{
    return get_file(tx, STATEMENT(DATASET_FILE " WHERE id = $1"), id, a, ret);
}

#define MATCHES(IN)                                                                                                    \
    " WHERE dataset_id = $1 AND " STAYS " AND state >= $2 AND state <= $3 AND created_at_ms >= $4"                     \
    " AND created_at_ms < $5 AND ($6 = '' OR " IN("INSTR", "STRPOS") "(LOWER(name), LOWER($6)) > 0)"
#define COUNT_FILES(IN) "SELECT COUNT(*) FROM dataset_files" MATCHES(IN)
#define PAGE " LIMIT $7 OFFSET $8"
#define LIST_BY(IN, order) DATASET_FILE MATCHES(IN) " ORDER BY " order PAGE
#define BY_CREATION_UP(IN) LIST_BY(IN, "created_at_ms, id")
#define BY_CREATION_DOWN(IN) LIST_BY(IN, "created_at_ms DESC, id DESC")
#define BY_SIZE_UP(IN) LIST_BY(IN, "size_bytes, id")
#define BY_SIZE_DOWN(IN) LIST_BY(IN, "size_bytes DESC, id DESC")
#define BY_NAME_UP(IN) LIST_BY(IN, "name, id")
#define BY_NAME_DOWN(IN) LIST_BY(IN, "name DESC, id DESC")

static const struct sql_statement *list_statement(enum dataset_file_order order, bool ascends)
{
    switch (order) {
    case DATASET_FILES_BY_SIZE:
        return ascends ? STATEMENT_PAIR(BY_SIZE_UP) : STATEMENT_PAIR(BY_SIZE_DOWN);
    case DATASET_FILES_BY_NAME:
        return ascends ? STATEMENT_PAIR(BY_NAME_UP) : STATEMENT_PAIR(BY_NAME_DOWN);
    case DATASET_FILES_BY_CREATION:
        break;
    }
    return ascends ? STATEMENT_PAIR(BY_CREATION_UP) : STATEMENT_PAIR(BY_CREATION_DOWN);
}

err_t meta_dataset_file_list(struct meta_tx *tx, const struct dataset_file_query *q, struct arena *a,
                             struct dataset_file_list *ret, int64_t *ret_total)
{
    struct sql_value from = SQL_I(q->has_state ? (int)q->from_state : 0),
                     to = SQL_I(q->has_state ? (int)q->to_state : DATASET_FILE_STATES), from_ms = SQL_I(q->from_ms),
                     to_ms = SQL_I(q->to_ms ? q->to_ms : INT64_MAX), search = SQL_T(q->search);
    if (ret_total)
        TRY(tx_int(tx, STATEMENT_PAIR(COUNT_FILES), SQL(SQL_I(q->dataset_id), from, to, from_ms, to_ms, search), a,
                   ret_total));
    return tx_list(
        tx, list_statement(q->order, q->ascends),
        SQL(SQL_I(q->dataset_id), from, to, from_ms, to_ms, search, sql_limit(q->limit), sql_limit(q->offset)), a,
        LIST_OF(read_file_row, ret));
}

err_t meta_dataset_file_list_pending(struct meta_tx *tx, int64_t dataset_id, int64_t up_to_id, size_t limit,
                                     struct arena *a, struct dataset_file_list *ret)
{
    return tx_list(
        tx,
        STATEMENT(DATASET_FILE " WHERE dataset_id = $1 AND state = 0 AND id <= $2 AND " STAYS " ORDER BY id LIMIT $3"),
        SQL(SQL_I(dataset_id), SQL_I(up_to_id), sql_limit(limit)), a, LIST_OF(read_file_row, ret));
}

err_t meta_dataset_file_newest(struct meta_tx *tx, int64_t dataset_id, struct arena *a, int64_t *ret_id)
{
    return tx_int(tx, STATEMENT("SELECT COALESCE(MAX(id), 0) FROM dataset_files WHERE dataset_id = $1 AND state = 0"),
                  SQL(SQL_I(dataset_id)), a, ret_id);
}

err_t meta_dataset_file_count_pending(struct meta_tx *tx, int64_t dataset_id, struct arena *a,
                                      struct dataset_waiting *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "dataset",
               STATEMENT("SELECT COUNT(*), CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM dataset_files"
                         " WHERE dataset_id = $1 AND state = 0 AND " STAYS),
               SQL(SQL_I(dataset_id)), a, &c));
    *ret = (struct dataset_waiting){ sql_column_int(c, 0), sql_column_int(c, 1) };
    return NULL;
}

/* Only the payloads of that kind are numbers. */
err_t meta_dataset_file_list_left(struct meta_tx *tx, slice job_kind, int job_state, const struct id_page *page,
                                  struct arena *a, struct dataset_file_list *ret)
{
    return tx_list(tx,
                   STATEMENT(DATASET_FILE " WHERE id > $1 AND state IN (1, 2) AND " STAYS " AND id IN (SELECT"
                                          " CASE WHEN kind = $2 THEN CAST(payload AS BIGINT) ELSE 0 END FROM jobs"
                                          " WHERE kind = $2 AND state = $3) ORDER BY id LIMIT $4"),
                   SQL(SQL_I(page->after_id), SQL_T(job_kind), SQL_I(job_state), sql_limit(page->limit)), a,
                   LIST_OF(read_file_row, ret));
}

#define HOLD_DATASET_FILE(IN) "SELECT id FROM dataset_files WHERE id = $1" HELD(IN)

err_t meta_dataset_file_hold(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_there)
{
    return tx_hold(tx, STATEMENT_PAIR(HOLD_DATASET_FILE), SQL(SQL_I(id)), a, ret_there);
}

err_t meta_dataset_file_move(struct meta_tx *tx, const struct dataset_file_step *step, struct arena *a,
                             bool *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE dataset_files SET state = $1 WHERE id = $2 AND state IN ($3, $4) AND " STAYS),
                       SQL(SQL_I(step->to), SQL_I(step->id), SQL_I(step->from), SQL_I(step->or_from)), a, &changed));
    *ret_changed = changed > 0;
    return NULL;
}

err_t meta_dataset_file_finish(struct meta_tx *tx, const struct dataset_file *f, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("UPDATE dataset_files SET state = $1, errors = $2, row_count = $3, duplicate_of = $4,"
                            " processed_at_ms = $5 WHERE id = $6"),
                  SQL(SQL_I(f->state), SQL_T(f->errors), SQL_I(f->rows), SQL_I(f->duplicate_of),
                      SQL_I(f->processed_at_ms), SQL_I(f->id)),
                  a);
}

err_t meta_dataset_file_find_read(struct meta_tx *tx, const struct dataset_file *like, struct arena *a, int64_t *ret_id)
{
    err_t e = tx_int(tx,
                     STATEMENT("SELECT id FROM dataset_files WHERE dataset_id = $1 AND md5 = $2 AND state = 3"
                               " AND duplicate_of = 0 AND id <> $3 ORDER BY id LIMIT 1"),
                     SQL(SQL_I(like->dataset_id), SQL_BYTES(like->md5, MD5_SIZE), SQL_I(like->id)), a, ret_id);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    *ret_id = 0;
    return NULL;
}

err_t meta_dataset_file_has_name(struct meta_tx *tx, int64_t prefix_id, slice name, struct arena *a, bool *ret_has)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM dataset_files WHERE prefix_id = $1 AND prefix_id > 0 AND name = $2"),
               SQL(SQL_I(prefix_id), SQL_T(name)), a, &count));
    *ret_has = count > 0;
    return NULL;
}

err_t meta_dataset_file_count_prefix(struct meta_tx *tx, int64_t prefix_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COUNT(*) FROM dataset_files WHERE prefix_id = $1 AND prefix_id > 0"),
                  SQL(SQL_I(prefix_id)), a, ret);
}

err_t meta_dataset_file_end(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "file of a dataset",
                         STATEMENT("UPDATE dataset_files SET removed_at_ms = $1 WHERE id = $2 AND " STAYS),
                         SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_dataset_file_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change_one(tx, "file of a dataset", STATEMENT("DELETE FROM dataset_files WHERE id = $1"), SQL(SQL_I(id)),
                         a);
}

err_t meta_dataset_file_each(struct meta_tx *tx, int64_t dataset_id, const struct id_page *page, struct arena *a,
                             struct dataset_file_list *ret)
{
    return tx_list(tx, STATEMENT(DATASET_FILE " WHERE dataset_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
                   SQL(SQL_I(dataset_id), SQL_I(page->after_id), sql_limit(page->limit)), a,
                   LIST_OF(read_file_row, ret));
}

err_t meta_dataset_file_all(struct meta_tx *tx, const struct id_page *page, struct arena *a,
                            struct dataset_file_list *ret)
{
    return tx_list(tx, STATEMENT(DATASET_FILE " WHERE id > $1 AND " STAYS " ORDER BY id LIMIT $2"),
                   SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_file_row, ret));
}

/* ---- prefixes ---- */

#define PREFIX                                                                                                         \
    "SELECT id, account_id, owner_id, credential_id, dataset_id, secret_hash, created_at_ms, expires_at_ms,"           \
    " revoked_at_ms FROM upload_prefixes"

static err_t get_prefix(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                        struct arena *a, struct upload_prefix *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "prefix", statement, args, a, &c));
    *ret = (struct upload_prefix){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .owner_id = sql_column_int(c, 2),
        .credential_id = sql_column_int(c, 3),
        .dataset_id = sql_column_int(c, 4),
        .created_at_ms = sql_column_int(c, 6),
        .expires_at_ms = sql_column_int(c, 7),
        .revoked_at_ms = sql_column_int(c, 8),
    };
    column_bytes(c, 5, ret->secret_hash, SHA256_SIZE);
    return NULL;
}

err_t meta_prefix_add(struct meta_tx *tx, const struct upload_prefix *p, struct arena *a, int64_t *ret_id)
{
    return tx_insert(tx,
                     STATEMENT("INSERT INTO upload_prefixes (account_id, owner_id, credential_id, dataset_id,"
                               " secret_hash, created_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)"),
                     SQL(SQL_I(p->account_id), SQL_I(p->owner_id), SQL_I(p->credential_id), SQL_I(p->dataset_id),
                         SQL_BYTES(p->secret_hash, SHA256_SIZE), SQL_I(p->created_at_ms), SQL_I(p->expires_at_ms)),
                     a, ret_id);
}

err_t meta_prefix_get(struct meta_tx *tx, int64_t id, struct arena *a, struct upload_prefix *ret)
{
    return get_prefix(tx, STATEMENT(PREFIX " WHERE id = $1"), SQL(SQL_I(id)), a, ret);
}

err_t meta_prefix_by_secret(struct meta_tx *tx, const unsigned char secret_hash[SHA256_SIZE], struct arena *a,
                            struct upload_prefix *ret)
{
    return get_prefix(tx, STATEMENT(PREFIX " WHERE secret_hash = $1"), SQL(SQL_BYTES(secret_hash, SHA256_SIZE)), a,
                      ret);
}

err_t meta_prefix_revoke(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "prefix",
                         STATEMENT("UPDATE upload_prefixes SET revoked_at_ms = $1 WHERE id = $2 AND revoked_at_ms = 0"),
                         SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_prefix_forget(struct meta_tx *tx, int64_t before_ms, int64_t dataset_id, struct arena *a,
                         int64_t *ret_account_id)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_add_returning(
        tx, "prefix",
        dataset_id ? STATEMENT("DELETE FROM upload_prefixes WHERE id = (SELECT id FROM upload_prefixes"
                               " WHERE dataset_id = $1 ORDER BY id LIMIT 1) RETURNING account_id")
                   : STATEMENT("DELETE FROM upload_prefixes WHERE id = (SELECT id FROM upload_prefixes"
                               " WHERE expires_at_ms < $1 ORDER BY expires_at_ms, id LIMIT 1) RETURNING account_id"),
        SQL(SQL_I(dataset_id ? dataset_id : before_ms)), a, &c));
    *ret_account_id = sql_column_int(c, 0);
    return NULL;
}
