/* SPDX-License-Identifier: Apache-2.0 */
/* The store is asked for one row more than the page has: if it comes, it is not handed out, and there are more rows. */
#include "core/dataset/result_page.h"

/* No table has so many rows; stores can add to it. */
#define OFFSET_MAX ((uint64_t)1 << 62)

struct result_page {
    struct dataset_store *store;
    int64_t dataset_id, limit_ms;
    const struct row_query *asked;
    struct row_query query; /* with the one row more */
    struct dataset_cursor *cursor;
    uint64_t left; /* rows that may still be handed out */
    bool is_at_end, has_more;
};

static struct row_query query_from(const struct row_query *q, uint64_t offset, uint64_t limit)
{
    struct row_query other = *q;
    other.offset = offset < OFFSET_MAX ? offset : OFFSET_MAX;
    other.limit = limit;
    return other;
}

err_t result_page_open(struct dataset_store *store, int64_t dataset_id, const struct row_query *query, int64_t limit_ms,
                       struct arena *a, struct result_page **ret_page)
{
    struct result_page *p = arena_new(a, struct result_page);
    *p = (struct result_page){
        .store = store, .dataset_id = dataset_id, .limit_ms = limit_ms, .asked = query, .left = query->limit
    };
    p->query = query_from(query, query->offset, query->limit + 1);
    TRY(store->ops->query(store, dataset_id, &p->query, limit_ms, a, &p->cursor));
    *ret_page = p;
    return NULL;
}

err_t result_page_next(struct result_page *p, struct arena *a, const struct cell **ret_cells, size_t *ret_count)
{
    *ret_count = 0;
    if (p->is_at_end)
        return NULL;
    size_t count;
    TRY(p->cursor->ops->next(p->cursor, a, ret_cells, &count));
    p->has_more = count > p->left;
    p->is_at_end = !count || p->has_more;
    if (p->has_more)
        count = (size_t)p->left;
    p->left -= count;
    *ret_count = count;
    return NULL;
}

/* Asks for the row behind the page alone. */
static err_t look_behind(struct result_page *p, struct arena *a, bool *ret_has_more)
{
    struct row_query query = query_from(p->asked, result_page_end(p), 1);
    const struct cell *cells;
    size_t count;
    query.up_to_row = p->cursor->newest_row;
    SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
    TRY(p->store->ops->query(p->store, p->dataset_id, &query, p->limit_ms, a, &cursor));
    TRY(cursor->ops->next(cursor, a, &cells, &count));
    *ret_has_more = count > 0;
    return NULL;
}

err_t result_page_has_more(struct result_page *p, struct arena *a, bool *ret_has_more)
{
    *ret_has_more = p->has_more;
    if (p->is_at_end || !p->cursor->newest_row) /* an empty table; 0 would mean every row */
        return NULL;
    return look_behind(p, a, ret_has_more);
}

uint64_t result_page_end(const struct result_page *p)
{
    return p->asked->offset + p->asked->limit;
}

struct result_reading result_page_reading(const struct result_page *p)
{
    return (struct result_reading){ .newest_row = p->cursor->newest_row,
                                    .rows_read = p->cursor->rows_read,
                                    .bytes_read = p->cursor->bytes_read };
}

void result_page_close(struct result_page *p)
{
    if (p && p->cursor)
        p->cursor->ops->close(p->cursor);
    if (p)
        p->cursor = NULL;
}
