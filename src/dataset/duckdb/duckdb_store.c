/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that are short; writer.c adds rows, cursor.c runs queries, files.c makes, removes and copies files. */
#include "dataset/duckdb/duckdb_store_priv.h"

#include "base/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_MEMORY ((size_t)128 << 20)
#define DEFAULT_TEMP ((size_t)1 << 30)
#define DEFAULT_OPEN_MAX 2
#define FILES_AT_ONCE 1000 /* that each_file reads */

err_t duckdb_store_connect(struct database *d, struct arena *a, duckdb_connection *ret)
{
    if (duckdb_connect(d->handle, ret) == DuckDBError)
        return pool_named(d, a, err_make(a, ERR_UNAVAILABLE, "DuckDB gives no connection"));
    return NULL;
}

err_t duckdb_store_sync(struct database *d, struct arena *a)
{
    char log[64];
    snprintf(log, sizeof log, "%lld.duckdb.wal", (long long)d->id);
    if (fchmodat(d->pool->dir_fd, log, 0600, 0) != 0 && errno != ENOENT)
        return err_errno(a, errno, "%s cannot be closed to others", log);
    if (fsync(d->pool->dir_fd) != 0)
        return err_errno(a, errno, "%s cannot be flushed", d->pool->dir);
    return NULL;
}

static err_t read_file_record(struct database *d, int64_t file_id, struct arena *a, bool *ret_has, uint64_t *ret_rows)
{
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    struct database_row row;
    TRY(duckdb_store_connect(d, a, &connection));
    TRY(database_get(connection, "SELECT row_count FROM files WHERE file_id = $1", NUMBERS(file_id), a, &row));
    *ret_has = row.found;
    *ret_rows = (uint64_t)row.values[0];
    return NULL;
}

static err_t store_has_file(struct dataset_store *store, int64_t id, int64_t file_id, struct arena *a, bool *ret_has,
                            uint64_t *ret_rows)
{
    struct database *d;
    TRY(pool_acquire(&duckdb_store_of(store)->pool, id, a, &d));
    err_t e = pool_named(d, a, read_file_record(d, file_id, a, ret_has, ret_rows));
    pool_release_database(d, e);
    return e;
}

/* ---- visiting files ---- */

struct files_page {
    int64_t ids[FILES_AT_ONCE], rows[FILES_AT_ONCE];
    size_t count;
};

static err_t read_files_page(struct database *d, int64_t after, struct arena *a, struct files_page *page)
{
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    SCOPED(database_result_destroyp) duckdb_result result = { 0 };
    page->count = 0;
    TRY(duckdb_store_connect(d, a, &connection));
    TRY(database_run(connection, "SELECT file_id, row_count FROM files WHERE file_id > $1 ORDER BY file_id LIMIT $2",
                     NUMBERS(after, FILES_AT_ONCE), a, &result));
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result));) {
        SCOPED(database_chunk_destroyp) duckdb_data_chunk held = chunk;
        const int64_t *ids, *rows;
        TRY(database_values(&result, chunk, 0, DUCKDB_TYPE_BIGINT, a, &ids));
        TRY(database_values(&result, chunk, 1, DUCKDB_TYPE_BIGINT, a, &rows));
        for (size_t i = 0; i < duckdb_data_chunk_get_size(chunk) && page->count < FILES_AT_ONCE; i++) {
            page->ids[page->count] = ids[i];
            page->rows[page->count++] = rows[i];
        }
    }
    return NULL;
}

static err_t visit_files(struct database *d, struct arena *a, err_t (*visit)(void *arg, int64_t file_id, uint64_t rows),
                         void *arg)
{
    struct files_page *page = arena_new(a, struct files_page);
    int64_t after = INT64_MIN;
    do {
        err_t e = pool_named(d, a, read_files_page(d, after, a, page));
        TRY(e);
        for (size_t i = 0; i < page->count; i++)
            TRY(visit(arg, page->ids[i], (uint64_t)page->rows[i]));
        if (page->count)
            after = page->ids[page->count - 1];
    } while (page->count == FILES_AT_ONCE);
    return NULL;
}

static err_t store_each_file(struct dataset_store *store, int64_t id, struct arena *a,
                             err_t (*visit)(void *arg, int64_t file_id, uint64_t rows), void *arg)
{
    struct database *d;
    TRY(pool_acquire(&duckdb_store_of(store)->pool, id, a, &d));
    err_t e = visit_files(d, a, visit, arg);
    pool_release_database(d, NULL);
    return e;
}

/* ---- the whole store ---- */

/* Is this the name of a database: "{id}.duckdb"? */
static bool parse_name(const char *name, int64_t *ret_id)
{
    slice text = slice_of(name), suffix = S(".duckdb");
    return slice_ends(text, suffix) && slice_to_i64(slice_part(text, 0, text.n - suffix.n), ret_id);
}

struct id_list {
    int64_t *ids;
    size_t count, room;
};

static void add_id(struct id_list *list, int64_t id)
{
    if (list->count == list->room) {
        list->room = 2 * list->room + 64;
        list->ids = must_realloc(list->ids, list->room * sizeof *list->ids);
    }
    list->ids[list->count++] = id;
}

static void id_list_releasep(struct id_list *list)
{
    free(list->ids);
}

static err_t store_each(struct dataset_store *store, struct arena *a, err_t (*visit)(void *arg, int64_t dataset_id),
                        void *arg)
{
    struct pool *p = &duckdb_store_of(store)->pool;
    SCOPED(id_list_releasep) struct id_list list = { 0 }; /* the visitor may call the store */
    {
        SCOPED(dir_closep) DIR *dir = opendir(p->dir);
        if (!dir)
            return err_errno(a, errno, "%s", p->dir);
        int64_t id;
        for (struct dirent *entry; (entry = readdir(dir));)
            if (parse_name(entry->d_name, &id))
                add_id(&list, id);
    }
    for (size_t i = 0; i < list.count; i++)
        TRY(visit(arg, list.ids[i]));
    return NULL;
}

/* 0 when there is none. */
static err_t file_bytes(const struct pool *p, const char *name, struct arena *a, uint64_t *ret_bytes)
{
    struct stat st = { .st_size = 0 };
    if (fstatat(p->dir_fd, name, &st, 0) != 0 && errno != ENOENT)
        return err_errno(a, errno, "%s", name);
    *ret_bytes = (uint64_t)st.st_size;
    return NULL;
}

/* With what DuckDB has not moved from its log yet. */
static err_t store_size(struct dataset_store *store, int64_t id, struct arena *a, uint64_t *ret_bytes)
{
    const struct pool *p = &duckdb_store_of(store)->pool;
    uint64_t log = 0;
    TRY(file_bytes(p, arena_printf(a, "%lld.duckdb", (long long)id).p, a, ret_bytes));
    if (!*ret_bytes)
        return err_make(a, ERR_NOT_FOUND, "dataset %lld has no table: " SLICE_FMT " is missing, or empty",
                        (long long)id, SLICE_ARG(pool_path(p, id, "", a)));
    TRY(file_bytes(p, arena_printf(a, "%lld.duckdb.wal", (long long)id).p, a, &log));
    *ret_bytes += log;
    return NULL;
}

static err_t verify_database(struct database *d, struct arena *a)
{
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    struct database_contents contents;
    TRY(duckdb_store_connect(d, a, &connection));
    TRY(database_exec(connection, "BEGIN TRANSACTION", NO_NUMBERS, a)); /* both see the same rows */
    TRY(database_read_contents(connection, a, &contents));
    TRY(database_verify(connection, &contents, a));
    return database_exec(connection, "COMMIT", NO_NUMBERS, a);
}

static err_t store_verify(struct dataset_store *store, int64_t id, struct arena *a)
{
    struct database *d;
    TRY(pool_acquire(&duckdb_store_of(store)->pool, id, a, &d));
    err_t e = pool_named(d, a, verify_database(d, a));
    pool_release_database(d, e);
    return e;
}

static void store_close(struct dataset_store *store)
{
    struct duckdb_store *s = duckdb_store_of(store);
    watchdog_release(&s->watchdog);
    pool_release(&s->pool);
    free(s);
}

const struct dataset_ops duckdb_store_ops = {
    .name = "duckdb",
    .define = duckdb_define_table,
    .remove = duckdb_remove_table,
    .open = duckdb_open_writer,
    .add = duckdb_add_rows,
    .commit = duckdb_commit_writer,
    .discard = duckdb_discard_writer,
    .has_file = store_has_file,
    .each_file = store_each_file,
    .query = duckdb_run_query,
    .next = duckdb_next_rows,
    .close = duckdb_close_cursor,
    .each = store_each,
    .size = store_size,
    .verify = store_verify,
    .backup = duckdb_backup_table,
    .restore = duckdb_restore_table,
    .close_store = store_close,
};

static err_t open_dir(const char *dir, struct arena *a, int *ret_fd)
{
    bool is_new = mkdir(dir, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return errno == EACCES || errno == EROFS ? err_make(a, ERR_FORBIDDEN, "%s cannot be made", dir)
                                                 : err_errno(a, errno, "%s cannot be made", dir);
    if (access(dir, W_OK | X_OK) != 0)
        return err_make(a, ERR_FORBIDDEN, "%s is not writable", dir);
    SCOPED(fd_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(a, errno, "%s", dir);
    SCOPED(fd_closep) int parent = is_new ? openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (is_new && (parent < 0 || fsync(parent) != 0))
        return err_errno(a, errno, "the folder of %s cannot be flushed", dir);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

err_t dataset_duckdb_open(const char *dir, const struct dataset_duckdb_options *options, struct clock *clock,
                          struct arena *a, struct dataset_store **ret_store)
{
    struct dataset_duckdb_options o = options ? *options : (struct dataset_duckdb_options){ 0 };
    struct database_limits limits = { o.memory_bytes ? o.memory_bytes : DEFAULT_MEMORY,
                                      o.temp_bytes ? o.temp_bytes : DEFAULT_TEMP, clock };
    int dir_fd = -1;
    TRY(open_dir(dir, a, &dir_fd));
    struct duckdb_store *s = must_malloc(sizeof *s);
    *s = (struct duckdb_store){ .store.ops = &duckdb_store_ops, .clock = clock };
    watchdog_init(&s->watchdog, clock);
    pool_init(&s->pool, dir, dir_fd, &limits, o.open_max ? o.open_max : DEFAULT_OPEN_MAX);
    err_t e = duckdb_remove_leftovers(&s->pool, a);
    if (e) {
        store_close(&s->store);
        return e;
    }
    *ret_store = &s->store;
    return NULL;
}
