/* SPDX-License-Identifier: Apache-2.0 */
/* A list of tables under one lock, each a list of the files whose rows were added. A file keeps its cells in an arena of its
 * own, which its writer fills, so that discarding it is one call. A row has as many cells as the table had columns when it
 * was added. A query computes its whole result under the lock. */
#include "dataset/mem/mem.h"

#include "dataset/mem/query_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_AT_ONCE 100        /* that next hands out */
#define NO_LIMIT (SIZE_MAX / 2) /* of an arena */

struct mem_file {
    struct mem_file *next; /* that was added later */
    int64_t id;
    struct arena arena;
    struct mem_row *rows;
    size_t row_count, room;
};

struct mem_table {
    struct mem_table *next;
    int64_t id;
    struct arena arena; /* of the columns */
    struct column_list columns;
    struct mem_file *files, **files_end;
    bool has_writer;
    int cursors;
};

struct mem_store {
    struct dataset_store store;
    struct clock *clock;
    pthread_mutex_t mutex; /* guards all that follows */
    struct mem_table *tables;
};

struct mem_writer {
    struct dataset_writer writer;
    struct mem_store *store;
    struct mem_table *table;
    struct mem_file *file;
};

struct mem_cursor {
    struct dataset_cursor cursor;
    struct mem_store *store;
    struct mem_table *table;
    struct arena arena;
    int64_t deadline_ms;
    const struct cell *cells;
    size_t item_count, row_count, at; /* `at` rows were handed out */
};

static const struct dataset_ops mem_ops;

static struct mem_store *mem_of(struct dataset_store *store)
{
    return CONTAINER_OF(store, struct mem_store, store);
}

/* ---- tables ---- */

/* The pointer to the table; NULL at the end of the list if there is none. The lock is held. */
static struct mem_table **find_table(struct mem_store *m, int64_t id)
{
    struct mem_table **at = &m->tables;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

/* The lock is held. */
static err_t get_table(struct mem_store *m, int64_t id, struct arena *a, struct mem_table **ret)
{
    *ret = *find_table(m, id);
    return *ret ? NULL : err_make(a, ERR_NOT_FOUND, "dataset %lld has no table", (long long)id);
}

static void free_file(struct mem_file *f)
{
    arena_release(&f->arena);
    free(f->rows);
    free(f);
}

static void free_table(struct mem_table *t)
{
    while (t->files) {
        struct mem_file *f = t->files;
        t->files = f->next;
        free_file(f);
    }
    arena_release(&t->arena);
    free(t);
}

static struct mem_table *add_table(struct mem_store *m, int64_t id)
{
    struct mem_table *t = must_malloc(sizeof *t);
    *t = (struct mem_table){ .id = id, .next = m->tables };
    t->files_end = &t->files;
    t->columns.items = arena_array(&t->arena, struct column, COLUMNS_MAX);
    m->tables = t;
    return t;
}

static err_t mem_define(struct dataset_store *store, int64_t id, const struct column_list *columns, struct arena *a)
{
    struct mem_store *m = mem_of(store);
    assert(columns->count <= COLUMNS_MAX);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_table *t = *find_table(m, id);
    size_t known = t ? t->columns.count : 0;
    if (columns->count < known)
        return err_make(a, ERR_INVALID, "dataset %lld has more columns", (long long)id);
    for (size_t i = 0; i < known; i++)
        if (!slice_eq(t->columns.items[i].name, columns->items[i].name) ||
            t->columns.items[i].type != columns->items[i].type)
            return err_make(a, ERR_INVALID, "dataset %lld has another column %zu", (long long)id, i + 1);
    if (t && t->has_writer && columns->count > known)
        return err_make(a, ERR_CONFLICT, "rows are being added to dataset %lld", (long long)id);
    if (!t)
        t = add_table(m, id);
    for (size_t i = known; i < columns->count; i++) {
        t->columns.items[i] = columns->items[i];
        t->columns.items[i].name = arena_copy(&t->arena, columns->items[i].name);
    }
    t->columns.count = columns->count;
    return NULL;
}

static err_t mem_remove(struct dataset_store *store, int64_t id, struct arena *a)
{
    struct mem_store *m = mem_of(store);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_table **at = find_table(m, id), *t = *at;
    if (!t)
        return NULL;
    if (t->has_writer || t->cursors)
        return err_make(a, ERR_CONFLICT, "dataset %lld is in use", (long long)id);
    *at = t->next;
    free_table(t);
    return NULL;
}

/* ---- adding rows ---- */

static struct mem_file *find_file(struct mem_table *t, int64_t file_id)
{
    struct mem_file *f = t->files;
    while (f && f->id != file_id)
        f = f->next;
    return f;
}

static err_t mem_open(struct dataset_store *store, int64_t id, int64_t file_id, struct arena *a,
                      struct dataset_writer **ret_writer)
{
    struct mem_store *m = mem_of(store);
    struct mem_table *t;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    TRY(get_table(m, id, a, &t));
    if (t->has_writer)
        return err_make(a, ERR_CONFLICT, "rows are being added to dataset %lld", (long long)id);
    if (find_file(t, file_id))
        return err_make(a, ERR_CONFLICT, "dataset %lld has the rows of file %lld", (long long)id, (long long)file_id);
    struct mem_writer *w = must_malloc(sizeof *w);
    *w = (struct mem_writer){ { &mem_ops }, m, t, must_malloc(sizeof *w->file) };
    w->file->id = file_id;
    arena_set_limit(&w->file->arena, NO_LIMIT, NULL);
    t->has_writer = true;
    *ret_writer = &w->writer;
    return NULL;
}

static struct cell *copy_cells(struct mem_file *f, const struct column_list *columns, const struct cell *from)
{
    struct cell *cells = arena_array(&f->arena, struct cell, columns->count + 1);
    for (size_t i = 0; i < columns->count; i++) {
        cells[i] = from[i];
        if (column_type_is_text(columns->items[i].type) && !from[i].is_null)
            cells[i].text = arena_copy(&f->arena, from[i].text);
    }
    return cells;
}

static err_t mem_add(struct dataset_writer *writer, const struct cell *cells, size_t row_count, struct arena *a)
{
    (void)a;
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    struct mem_file *f = w->file;
    /* While there is a writer, nothing else changes the columns. */
    const struct column_list *columns = &w->table->columns;
    if (row_count > f->room - f->row_count) {
        f->room = 2 * f->room + row_count;
        f->rows = must_realloc(f->rows, f->room * sizeof *f->rows);
    }
    for (size_t i = 0; i < row_count; i++) {
        f->rows[f->row_count++] = (struct mem_row){ copy_cells(f, columns, cells), columns->count };
        if (columns->count)
            cells += columns->count;
    }
    return NULL;
}

static void end_writer(struct mem_writer *w)
{
    w->table->has_writer = false;
    free(w);
}

static err_t mem_commit(struct dataset_writer *writer, struct arena *a)
{
    (void)a;
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->store->mutex);
    *w->table->files_end = w->file;
    w->table->files_end = &w->file->next;
    end_writer(w);
    return NULL;
}

static void mem_discard(struct dataset_writer *writer)
{
    if (!writer)
        return;
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->store->mutex);
    free_file(w->file);
    end_writer(w);
}

static err_t mem_has_file(struct dataset_store *store, int64_t id, int64_t file_id, struct arena *a, bool *ret_has,
                          uint64_t *ret_rows)
{
    struct mem_store *m = mem_of(store);
    struct mem_table *t;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    TRY(get_table(m, id, a, &t));
    struct mem_file *f = find_file(t, file_id);
    *ret_has = f != NULL;
    *ret_rows = f ? f->row_count : 0;
    return NULL;
}

struct seen_file {
    int64_t id;
    uint64_t rows;
};

static int compare_seen_files(const void *x, const void *y)
{
    const struct seen_file *one = x, *two = y;
    return one->id < two->id ? -1 : one->id > two->id;
}

/* A copy, because the visitor may call the store. */
static err_t copy_files(struct mem_store *m, int64_t id, struct arena *a, struct seen_file **ret, size_t *ret_count)
{
    struct mem_table *t;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    TRY(get_table(m, id, a, &t));
    size_t count = 0;
    for (struct mem_file *f = t->files; f; f = f->next)
        count++;
    *ret = arena_array(a, struct seen_file, count + 1);
    *ret_count = 0;
    for (struct mem_file *f = t->files; f; f = f->next)
        (*ret)[(*ret_count)++] = (struct seen_file){ f->id, f->row_count };
    return NULL;
}

static err_t mem_each_file(struct dataset_store *store, int64_t id, struct arena *a,
                           err_t (*visit)(void *arg, int64_t file_id, uint64_t rows), void *arg)
{
    struct seen_file *seen;
    size_t count;
    TRY(copy_files(mem_of(store), id, a, &seen, &count));
    qsort(seen, count, sizeof *seen, compare_seen_files);
    for (size_t i = 0; i < count; i++)
        TRY(visit(arg, seen[i].id, seen[i].rows));
    return NULL;
}

/* ---- queries ---- */

/* The rows of the table that the query may see. */
static void collect_rows(struct mem_table *t, int64_t up_to_row, struct arena *a, struct mem_source *source)
{
    size_t count = 0;
    for (struct mem_file *f = t->files; f; f = f->next)
        count += f->row_count;
    if (up_to_row && (uint64_t)up_to_row < count)
        count = (size_t)up_to_row;
    struct mem_row *rows = arena_array(a, struct mem_row, count + 1);
    for (struct mem_file *f = t->files; f; f = f->next)
        for (size_t i = 0; i < f->row_count && source->row_count < count; i++)
            rows[source->row_count++] = f->rows[i];
    source->rows = rows;
}

/* How many bytes the columns take that the query names. */
static uint64_t count_bytes(const struct row_query *q, const struct mem_source *source, struct arena *a)
{
    bool *used = row_query_used_columns(q, a);
    uint64_t bytes = 0;
    for (size_t r = 0; r < source->row_count; r++)
        for (size_t i = 0; i < source->rows[r].cell_count && i < q->columns->count; i++)
            if (used[i])
                bytes += column_type_is_text(q->columns->items[i].type) && !source->rows[r].cells[i].is_null
                             ? source->rows[r].cells[i].text.n
                             : sizeof(int64_t);
    return bytes;
}

static err_t run_query(struct mem_cursor *c, const struct row_query *q, int64_t limit_ms, struct arena *a)
{
    struct mem_source source = { .clock = c->store->clock, .deadline_ms = INT64_MAX };
    if (limit_ms)
        source.deadline_ms = c->deadline_ms = clock_monotonic_ms(c->store->clock) + limit_ms;
    collect_rows(c->table, q->up_to_row, &c->arena, &source);
    err_t e = mem_run_query(q, &source, &c->arena, &c->cells, &c->row_count);
    if (e)
        return err_copy(a, e);
    c->item_count = q->item_count;
    c->cursor.newest_row = (int64_t)source.row_count;
    c->cursor.rows_read = source.row_count;
    c->cursor.bytes_read = count_bytes(q, &source, &c->arena);
    return NULL;
}

static void free_cursor(struct mem_cursor *c)
{
    arena_release(&c->arena);
    free(c);
}

static err_t mem_query(struct dataset_store *store, int64_t id, const struct row_query *q, int64_t limit_ms,
                       struct arena *a, struct dataset_cursor **ret_cursor)
{
    struct mem_store *m = mem_of(store);
    struct mem_table *t;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    TRY(get_table(m, id, a, &t));
    struct mem_cursor *c = must_malloc(sizeof *c);
    *c = (struct mem_cursor){ .cursor.ops = &mem_ops, .store = m, .table = t, .deadline_ms = INT64_MAX };
    arena_set_limit(&c->arena, NO_LIMIT, NULL);
    err_t e = run_query(c, q, limit_ms, a);
    if (e) {
        free_cursor(c);
        return e;
    }
    t->cursors++;
    *ret_cursor = &c->cursor;
    return NULL;
}

static err_t mem_next(struct dataset_cursor *cursor, struct arena *a, const struct cell **ret_cells, size_t *ret_count)
{
    struct mem_cursor *c = CONTAINER_OF(cursor, struct mem_cursor, cursor);
    if (clock_monotonic_ms(c->store->clock) >= c->deadline_ms)
        return err_make(a, ERR_EXPIRED, "the query ran too long");
    size_t left = c->row_count - c->at;
    *ret_cells = &c->cells[c->at * c->item_count];
    *ret_count = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    c->at += *ret_count;
    return NULL;
}

static void mem_close(struct dataset_cursor *cursor)
{
    if (!cursor)
        return;
    struct mem_cursor *c = CONTAINER_OF(cursor, struct mem_cursor, cursor);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->store->mutex);
    c->table->cursors--;
    free_cursor(c);
}

/* ---- the whole store ---- */

static err_t mem_each(struct dataset_store *store, struct arena *a, err_t (*visit)(void *arg, int64_t dataset_id),
                      void *arg)
{
    struct mem_store *m = mem_of(store);
    size_t count = 0, n = 0;
    pthread_mutex_lock(&m->mutex);
    for (struct mem_table *t = m->tables; t; t = t->next)
        count++;
    int64_t *ids = arena_array(a, int64_t, count + 1);
    for (struct mem_table *t = m->tables; t; t = t->next)
        ids[n++] = t->id;
    pthread_mutex_unlock(&m->mutex);
    for (size_t i = 0; i < n; i++)
        TRY(visit(arg, ids[i]));
    return NULL;
}

static err_t mem_size(struct dataset_store *store, int64_t id, struct arena *a, uint64_t *ret_bytes)
{
    struct mem_store *m = mem_of(store);
    struct mem_table *t;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    TRY(get_table(m, id, a, &t));
    *ret_bytes = sizeof *t;
    for (const struct mem_file *f = t->files; f; f = f->next)
        *ret_bytes += f->row_count * t->columns.count * sizeof(struct cell);
    return NULL;
}

static err_t mem_verify(struct dataset_store *store, int64_t id, struct arena *a)
{
    struct mem_store *m = mem_of(store);
    struct mem_table *t;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    return get_table(m, id, a, &t);
}

static err_t mem_copy(struct dataset_store *store, int64_t id, const char *path, struct arena *a)
{
    (void)store;
    (void)id;
    (void)path;
    return err_make(a, ERR_UNSUPPORTED, "tables in memory have no files");
}

static void mem_close_store(struct dataset_store *store)
{
    struct mem_store *m = mem_of(store);
    while (m->tables) {
        struct mem_table *t = m->tables;
        m->tables = t->next;
        assert(!t->has_writer && !t->cursors); /* otherwise one was leaked */
        free_table(t);
    }
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

static const struct dataset_ops mem_ops = {
    .name = "mem",
    .define = mem_define,
    .remove = mem_remove,
    .open = mem_open,
    .add = mem_add,
    .commit = mem_commit,
    .discard = mem_discard,
    .has_file = mem_has_file,
    .each_file = mem_each_file,
    .query = mem_query,
    .next = mem_next,
    .close = mem_close,
    .each = mem_each,
    .size = mem_size,
    .verify = mem_verify,
    .backup = mem_copy,
    .restore = mem_copy,
    .close_store = mem_close_store,
};

struct dataset_store *dataset_mem_new(struct clock *clock)
{
    struct mem_store *m = must_malloc(sizeof *m);
    *m = (struct mem_store){ .store.ops = &mem_ops, .clock = clock };
    pthread_mutex_init(&m->mutex, NULL);
    return &m->store;
}
