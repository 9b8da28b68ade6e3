/* SPDX-License-Identifier: Apache-2.0 */
/* The only statement of this folder that is made of a question. Both databases understand all of it, but for the search for patterns. */
#include "meta/sync_file_query_priv.h"

#include "core/records/sync_file.h"
#include "core/store/sync_file_store.h"
#include "meta/store_priv.h"

#include <assert.h>

static_assert(SYNC_CREATED == 0 && SYNC_EXPIRED == 7, "add_column has these numbers");

static void add_column(struct row_sql *s, size_t column)
{
    static const char *const texts[SYNC_COLUMNS] = {
        [SYNC_COLUMN_HANDLE] = "f.handle",
        [SYNC_COLUMN_NAME] = "f.name",
        [SYNC_COLUMN_SECTION] = "s.name",
        [SYNC_COLUMN_ENTITY_TYPE] = "NULLIF(f.entity_type, '')",
        [SYNC_COLUMN_DATA_SOURCE] = "NULLIF(f.data_source, '')",
        [SYNC_COLUMN_FOLDER] = "f.folder",
        [SYNC_COLUMN_CATEGORY] = "NULLIF(f.category, '')",
        [SYNC_COLUMN_REMARK] = "NULLIF(f.remark, '')",
        [SYNC_COLUMN_ACTION] = "f.action",
        [SYNC_COLUMN_REFERENCE] = "NULLIF(f.reference, '')",
        [SYNC_COLUMN_CONTENT_TYPE] = "NULLIF(f.content_type, '')",
        [SYNC_COLUMN_FORM] = "CASE WHEN f.import_number > 0 THEN f.form END",
        [SYNC_COLUMN_WAY] = "f.way",
        [SYNC_COLUMN_STATE] = NULL,
        [SYNC_COLUMN_SIZE] = "CASE WHEN f.uploaded_at_ms > 0 THEN f.size_bytes END",
        [SYNC_COLUMN_LINK_EXPIRES] = "NULLIF(f.link_expires_at_ms, 0) * 1000",
        [SYNC_COLUMN_CREATED] = "f.created_at_ms * 1000",
        [SYNC_COLUMN_UPLOADED] = "NULLIF(f.uploaded_at_ms, 0) * 1000",
        [SYNC_COLUMN_STARTED] = "NULLIF(f.started_at_ms, 0) * 1000",
        [SYNC_COLUMN_FINISHED] = "NULLIF(f.finished_at_ms, 0) * 1000",
        [SYNC_COLUMN_MODIFIED] = "f.modified_at_ms * 1000",
    };
    const struct sync_file_query *q = s->arg;
    if (column == SYNC_COLUMN_STATE) {
        row_sql_add(s, "CASE WHEN f.state = 0 AND f.link_expires_at_ms <= ");
        row_sql_add_value(s, SQL_I(q->now_ms));
        row_sql_add(s, " THEN 7 ELSE f.state END");
        return;
    }
    row_sql_add(s, texts[column]);
}

static const struct row_sql_rows rows = { .add_column = add_column };

void sync_file_query_write(struct row_sql *s, enum sql_dialect dialect, const struct sync_file_query *q,
                           struct arena *a)
{
    row_sql_init(s, dialect, &rows, a);
    s->arg = q;
    row_sql_add(s, "SELECT f.id FROM sync_files f JOIN sections s ON s.id = f.section_id WHERE f.workspace_id = ");
    row_sql_add_value(s, SQL_I(q->workspace_id));
    if (q->section_id) {
        row_sql_add(s, " AND f.section_id = ");
        row_sql_add_value(s, SQL_I(q->section_id));
    }
    row_sql_add(s, " AND ");
    row_sql_add_condition(s, q->rows->where);
    row_sql_add(s, " ORDER BY ");
    for (size_t i = 0; i < q->rows->order_count; i++) {
        row_sql_add_order(s, &q->rows->orders[i]);
        row_sql_add(s, ", ");
    }
    row_sql_add(s, "f.id DESC");
}

err_t meta_sync_file_query(struct meta_tx *tx, const struct sync_file_query *q, struct arena *a,
                           struct sync_file_found *ret)
{
    const struct row_query *r = q->rows;
    const struct row_sql_page page = { r->offset, r->limit, q->with_total };
    bool has_limit = q->clock && q->limit_ms;
    struct row_sql_found found;
    struct row_sql s;
    if (r->limit > SYNC_FILE_PAGE_MAX)
        return err_make(a, ERR_INVALID, "a page of %llu files", (unsigned long long)r->limit);
    if (r->where && !row_sql_takes(r->where))
        return err_make(a, ERR_TOO_LARGE, "the question has too many conditions");
    SCRATCH_OF(scratch, a);
    sync_file_query_write(&s, tx->conn->driver->dialect, q, &scratch);
    if (has_limit)
        sql_set_deadline(tx->conn, q->clock, clock_monotonic_ms(q->clock) + q->limit_ms);
    err_t e = row_sql_find(&s, tx->conn, &page, a, &found);
    sql_set_deadline(tx->conn, NULL, 0);
    if (!e)
        *ret = (struct sync_file_found){ found.ids, found.count, found.total };
    return e;
}
