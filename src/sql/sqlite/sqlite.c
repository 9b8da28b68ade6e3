/* SPDX-License-Identifier: Apache-2.0 */
/* What always holds:
 * - A connection prepares each statement once and finds it again by the address of its text.
 * - A commit that returned is on stable storage (synchronous=FULL), unless the operator chose `relaxed`.
 * - An ordered commit only leaves out the sync of the log that ends a commit. The others stay: of the log's new header before its
 *   frames, of the log before a checkpoint copies any of it, of the database before the log starts again. So the file always ends
 *   in a state that was committed, because a frame counts only if the checksums of all frames before it are right.
 * - After some errors (disk full, I/O) SQLite rolls back the whole transaction by itself. Later statements of the same
 *   transaction would then commit one by one; so they are refused until rollback is called.
 * - An in-memory database has one handle for all connections. A connection holds the database's lock while it has an
 *   open cursor or transaction. So a thread that has a snapshot open and waits for another thread's write waits for
 *   ever, and a second begin of the same thread is refused. The product does neither; a database in a file allows both.
 * - After a failed flush of the log or of the database nothing more is written: no transaction, no checkpoint, also not
 *   when the last connection is closed. The files are marked, and the next open moves what is good to new blocks
 *   (distrust.h). Until then, an acknowledgement could rest on blocks that the kernel wrongly takes for written.
 * - Checkpoints never run inside a commit (wal_autocheckpoint=0): they caused the slowest commits, of 20 ms. */
#include "sql/sqlite/sqlite.h"

#include "sql/sqlite/distrust.h"
#include "sql/sqlite/handle.h"
#include "sql/sqlite/limit.h"
#include "sql/sqlite/log_check.h"
#include "sql/sqlite/schema_priv.h"
#include "sql/sqlite/sort_files.h"
#include "sql/sqlite/types_priv.h"
#include "sql/sqlite/wal_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Uploads per second, measured with the whole schema of src/meta, batches of 30 uploads, synchronous=FULL, the bytes in
 * the object's row, two busy cores (2026-11-22):
 *                4 KiB objects    16 KiB objects    file bytes per 4 KiB object
 *   page  4096    9,900–14,500     8,200–8,500       4,890
 *   page  8192    8,600–12,700     7,500             8,480
 *   page 16384   11,800–12,900     6,300–7,000       5,750
 * The smallest page is best, because each upload changes one random page of the index of file UUIDs. */
#define PAGE_BYTES 4096
#define WRITER_CACHE_KIB 16384
/* Enough for the indexes of 100,000 files. SQLite empties a reader's cache whenever another connection has
 * committed. */
#define READER_CACHE_KIB 8192
#define BUSY_MS 250 /* there is one writer; only a recovery after a crash or the end of a checkpoint is waited for */
#define RESTART_MS                                                                                                     \
    20 /* a checkpoint waits this long for readers; with longer ones the log does not restart this time */
#define WAL_FRAME_HEADER 24
#define FINDINGS_MAX 100 /* of the check of all pages */
#define WAL_HEADER 32

struct sqlite_db {
    struct sql_db db;
    char *path; /* NULL: in memory */
    bool relaxed, read_only, immutable, checks_log;
    sqlite3 *memory;             /* the one handle of an in-memory database */
    sqlite3 *first;              /* the handle that opened the file, until the first writer connection uses it */
    pthread_mutex_t memory_lock; /* recursive */
    atomic_int connections;
    atomic_llong wal_bytes;
    int64_t page_bytes;
    bool recovered;            /* the open found a mark of a failed flush, and moved what is good to new blocks */
    struct wal_writer *writer; /* the VFS of the writing connections; NULL in memory */
    struct sort_files *sorts;  /* that of the reading ones; NULL in memory, and when nothing may be changed */
    struct sqlite_limit memory_limit; /* of the connection that uses the handle in memory */
    struct flush_watch watch;
    atomic_bool flush_failed;
    pthread_mutex_t names_lock;
    int named_fds[2];       /* by enum flushed_file (O_PATH); -1: not watched */
    atomic_bool is_removed; /* one of them has no name any more */
    struct flush_reporter reporter;
};

struct statement {
    struct sql_cursor cursor;
    sqlite3_stmt *stmt;
    const char *sql;
    bool is_open; /* its cursor is open */
    bool
        is_one_time; /* not in the table: made for once, or the statement of that text was open; finalized at its close */
};

struct sqlite_conn {
    struct sql_conn conn;
    struct sqlite_db *db;
    sqlite3 *handle;
    enum sql_mode mode;
    bool in_transaction; /* from begin to commit or rollback, even when SQLite rolled back by itself */
    int64_t changed;
    struct sqlite_limit limit;
    struct statement **table; /* by address of the text, open addressing; a power of two, at most half full */
    size_t table_size, table_used;
};

static const struct sql_driver sqlite_driver;

/* ---- failed flushes ---- */

/* No commit and no checkpoint begins after this, except one that is already on its way. Nothing that it writes is
 * acknowledged: the log's connections sync it with the same error, and a log that was flushed counts as it is. */
static void note_failed_flush(struct flush_watch *watch, enum flushed_file file, int system_errno)
{
    struct sqlite_db *db = CONTAINER_OF(watch, struct sqlite_db, watch);
    bool is_first = !atomic_exchange(&db->flush_failed, true);
    SCRATCH(a);
    const char *name = arena_printf(&a, "%s%s", db->path, file == FLUSHED_LOG ? "-wal" : "").p;
    int mark_failed = distrust_mark(name);
    if (!is_first || !db->reporter.report)
        return;
    char text[128] = "", why[128] = "";
    err_t unmarked = !mark_failed ? NULL
                                  : err_make(&a, ERR_UNAVAILABLE,
                                             "and the file could not be marked (%s): unmount its file system before the"
                                             " next start",
                                             strerror_r(mark_failed, why, sizeof why));
    db->reporter.report(db->reporter.arg,
                        err_because(&a, unmarked, ERR_UNAVAILABLE,
                                    "%s could not be flushed (%s). Until a restart nothing is written any more, because"
                                    " the system may take what it lost for written. Look at the disk, then restart",
                                    name, strerror_r(system_errno, text, sizeof text)));
}

static bool sqlite_flush_failed(struct sql_db *db)
{
    struct sqlite_db *d = (struct sqlite_db *)db;
    return atomic_load_explicit(&d->flush_failed, memory_order_relaxed) ||
           atomic_load_explicit(&d->is_removed, memory_order_relaxed);
}

static err_t refuse_after_failed_flush(struct sqlite_conn *c, struct arena *a)
{
    if (c->mode != SQL_WRITE || !sqlite_flush_failed(&c->db->db))
        return NULL;
    return err_make(a, ERR_UNAVAILABLE, "%s: nothing is written until a restart",
                    atomic_load(&c->db->is_removed) ? "the database was removed while it is in use"
                                                    : "a flush of the database failed");
}

/* ---- files that are removed while they are in use ---- */

/* What is written to a file without a name is gone with this process, and the system says nothing. Descriptors of O_PATH do not end the
 * locks of the file when they are closed, as others do. */
static void watch_name(struct flush_watch *watch, enum flushed_file file)
{
    struct sqlite_db *db = CONTAINER_OF(watch, struct sqlite_db, watch);
    SCRATCH(a);
    const char *name = arena_printf(&a, "%s%s", db->path, file == FLUSHED_LOG ? "-wal" : "").p;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&db->names_lock);
    fd_closep(&db->named_fds[file]);
    db->named_fds[file] = open(name, O_PATH | O_CLOEXEC);
}

static bool has_no_name(struct sqlite_db *db, enum flushed_file file)
{
    struct stat st;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&db->names_lock);
    int fd = db->named_fds[file];
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* After each commit, before anybody learns of it. What the log holds is still copied into the database when that has its name. */
static err_t refuse_removed_files(struct sqlite_db *db, struct arena *a)
{
    bool is_database = has_no_name(db, FLUSHED_DATABASE);
    if (!is_database && !has_no_name(db, FLUSHED_LOG))
        return NULL;
    err_t e = err_make(a, ERR_UNAVAILABLE,
                       "%s%s was removed while it is in use. Nothing is written any more. Before you stop the server,"
                       " make a backup ('cais backup'): it has everything that was stored",
                       db->path, is_database ? "" : "-wal");
    if (!atomic_exchange(&db->is_removed, true) && db->reporter.report)
        db->reporter.report(db->reporter.arg, e);
    return e;
}

/* Closing the last connection must not copy the log onto blocks that are not trusted. */
static void close_handle(struct sqlite_db *db, sqlite3 *handle)
{
    if (handle && atomic_load(&db->flush_failed))
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(handle);
}

/* ---- the lock of the in-memory database ---- */

static void lock_memory(struct sqlite_conn *c)
{
    if (c->db->memory)
        pthread_mutex_lock(&c->db->memory_lock);
}

static void unlock_memory(struct sqlite_conn *c)
{
    if (c->db->memory)
        pthread_mutex_unlock(&c->db->memory_lock);
}

/* ---- statements ---- */

static size_t statement_slot(const struct sqlite_conn *c, const char *sql)
{
    size_t mask = c->table_size - 1;
    size_t i = (size_t)((uintptr_t)sql * 0x9e3779b97f4a7c15u >> 32) & mask;
    while (c->table[i] && c->table[i]->sql != sql)
        i = (i + 1) & mask;
    return i;
}

static void keep_statement(struct sqlite_conn *c, struct statement *s)
{
    if (c->table_used * 2 >= c->table_size) {
        struct statement **old = c->table;
        size_t old_size = c->table_size;
        c->table_size = old_size ? old_size * 2 : 64;
        c->table = must_malloc(c->table_size * sizeof(struct statement *));
        for (size_t i = 0; i < old_size; i++)
            if (old[i])
                c->table[statement_slot(c, old[i]->sql)] = old[i];
        free(old);
    }
    c->table[statement_slot(c, s->sql)] = s;
    c->table_used++;
}

/* $1 $2 … must be numbered in the order of their first use, so that value i belongs to $i in every database. */
static bool parameters_are_in_order(sqlite3_stmt *stmt)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++) {
        const char *name = sqlite3_bind_parameter_name(stmt, i);
        int64_t number;
        if (!name || name[0] != '$' || !slice_to_i64(slice_of(name + 1), &number) || number != i)
            return false;
    }
    return true;
}

static err_t make_statement(struct sqlite_conn *c, const char *sql, bool is_one_time, struct arena *a,
                            struct statement **ret_statement)
{
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v3(c->handle, sql, -1, is_one_time ? 0 : SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (result != SQLITE_OK)
        return sqlite_err(c->handle, result, a);
    assert(stmt && parameters_are_in_order(stmt));
    struct statement *s = must_malloc(sizeof *s);
    *s = (struct statement){ .cursor = { &c->conn }, .stmt = stmt, .sql = sql, .is_one_time = is_one_time };
    *ret_statement = s;
    return NULL;
}

static err_t prepare_statement(struct sqlite_conn *c, const char *sql, struct arena *a,
                               struct statement **ret_statement)
{
    struct statement *known = c->table_size ? c->table[statement_slot(c, sql)] : NULL;
    if (known && !known->is_open) {
        *ret_statement = known;
        return NULL;
    }
    TRY(make_statement(c, sql, known != NULL, a, ret_statement));
    if (!known)
        keep_statement(c, *ret_statement);
    return NULL;
}

static void end_statement(struct statement *s)
{
    sqlite3_reset(s->stmt);
    s->is_open = false;
    if (s->is_one_time) {
        sqlite3_finalize(s->stmt);
        free(s);
    }
}

static int bind_value(sqlite3_stmt *stmt, int index, const struct sql_value *v)
{
    /* The address of an empty slice may be NULL, which SQLite would store as NULL. */
    const char *p = v->bytes.p ? v->bytes.p : "";
    switch (v->type) {
    case SQL_INT:
        return sqlite3_bind_int64(stmt, index, v->integer);
    case SQL_TEXT:
        return sqlite3_bind_text64(stmt, index, p, v->bytes.n, SQLITE_STATIC, SQLITE_UTF8);
    case SQL_BLOB:
        return sqlite3_bind_blob64(stmt, index, p, v->bytes.n, SQLITE_STATIC);
    case SQL_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, index);
}

/* Binds the values. The caller holds the lock of an in-memory database. */
static err_t start_statement(struct sqlite_conn *c, const char *sql, bool for_once, struct sql_args args,
                             struct arena *a, struct statement **ret_statement)
{
    if (c->in_transaction && sqlite3_get_autocommit(c->handle))
        return err_make(a, ERR_UNAVAILABLE, "the transaction failed before and is over");
    struct statement *s;
    if (for_once)
        TRY(make_statement(c, sql, true, a, &s));
    else
        TRY(prepare_statement(c, sql, a, &s));
    s->is_open = true;
    assert((size_t)sqlite3_bind_parameter_count(s->stmt) == args.count);
    for (size_t i = 0; i < args.count; i++) {
        int result = bind_value(s->stmt, (int)i + 1, &args.values[i]);
        if (result != SQLITE_OK) {
            err_t e = sqlite_err(c->handle, result, a);
            end_statement(s);
            return e;
        }
    }
    *ret_statement = s;
    return NULL;
}

static err_t open_cursor(struct sqlite_conn *c, const char *sql, bool for_once, struct sql_args args, struct arena *a,
                         struct sql_cursor **ret_cursor)
{
    lock_memory(c); /* sqlite_close unlocks */
    struct statement *s = NULL;
    err_t e = start_statement(c, sql, for_once, args, a, &s);
    if (e) {
        unlock_memory(c);
        return e;
    }
    *ret_cursor = &s->cursor;
    return NULL;
}

static err_t sqlite_query(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                          struct sql_cursor **ret_cursor)
{
    return open_cursor((struct sqlite_conn *)conn, sql, false, args, a, ret_cursor);
}

static err_t sqlite_query_once(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                               struct sql_cursor **ret_cursor)
{
    return open_cursor((struct sqlite_conn *)conn, sql, true, args, a, ret_cursor);
}

static void sqlite_set_deadline(struct sql_conn *conn, struct clock *clock, int64_t deadline_ms)
{
    ((struct sqlite_conn *)conn)->limit = (struct sqlite_limit){ clock, deadline_ms };
}

static err_t sqlite_next(struct sql_cursor *cursor, struct arena *a, bool *ret_row)
{
    struct statement *s = (struct statement *)cursor;
    struct sqlite_conn *c = (struct sqlite_conn *)cursor->conn;
    if (c->db->memory)
        c->db->memory_limit = c->limit;
    int result = sqlite3_step(s->stmt);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return sqlite_err(c->handle, result, a);
    if (result == SQLITE_DONE)
        c->changed = sqlite3_changes64(c->handle);
    *ret_row = result == SQLITE_ROW;
    return NULL;
}

static struct sql_value sqlite_column(struct sql_cursor *cursor, int index)
{
    sqlite3_stmt *stmt = ((struct statement *)cursor)->stmt;
    assert(index < sqlite3_data_count(stmt));
    const void *p;
    switch (sqlite3_column_type(stmt, index)) {
    case SQLITE_NULL:
        return SQL_NIL;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        return SQL_I(sqlite3_column_int64(stmt, index));
    case SQLITE_TEXT:
        p = sqlite3_column_text(stmt, index);
        return SQL_T(((slice){ p, (size_t)sqlite3_column_bytes(stmt, index) }));
    default:
        p = sqlite3_column_blob(stmt, index);
        return SQL_B(((slice){ p ? p : "", (size_t)sqlite3_column_bytes(stmt, index) }));
    }
}

static void sqlite_close(struct sql_cursor *cursor)
{
    struct sqlite_conn *c = (struct sqlite_conn *)cursor->conn;
    end_statement((struct statement *)cursor);
    if (c->db->memory)
        c->db->memory_limit = (struct sqlite_limit){ NULL, 0 };
    unlock_memory(c);
}

static int64_t sqlite_changed(struct sql_conn *conn)
{
    return ((struct sqlite_conn *)conn)->changed;
}

static err_t sqlite_insert(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                           int64_t *ret_id)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sqlite_query(conn, sql, args, a, &cursor));
    bool row;
    TRY(sqlite_next(cursor, a, &row));
    *ret_id = c->changed ? sqlite3_last_insert_rowid(c->handle) : 0;
    return NULL;
}

/* ---- transactions ---- */

/* Runs a statement that has no values and whose rows do not matter. */
static err_t run_statement(struct sqlite_conn *c, const char *sql, struct arena *a)
{
    struct statement *s;
    TRY(prepare_statement(c, sql, a, &s));
    int result = sqlite3_step(s->stmt);
    err_t e = result == SQLITE_DONE || result == SQLITE_ROW ? NULL : sqlite_err(c->handle, result, a);
    end_statement(s);
    return e;
}

static void sqlite_rollback(struct sql_conn *conn)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    if (!c->in_transaction)
        return;
    SCRATCH(s);
    /* When the rollback fails, the transaction stays open, and begin rolls it back before it starts a new one. */
    err_t e = sqlite3_get_autocommit(c->handle) ? NULL : run_statement(c, "ROLLBACK", &s);
    (void)e;
    c->in_transaction = false;
    unlock_memory(c);
}

static err_t sqlite_begin(struct sql_conn *conn, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    sqlite_rollback(conn);
    TRY(refuse_after_failed_flush(c, a));
    lock_memory(c); /* commit or rollback unlocks */
    err_t e = NULL;
    if (!sqlite3_get_autocommit(c->handle)) {
        if (c->db->memory)
            e = err_make(a, ERR_UNAVAILABLE, "this thread has a transaction open on the in-memory database");
        else
            e = run_statement(c, "ROLLBACK", a);
    }
    if (!e)
        e = c->mode == SQL_WRITE ? run_statement(c, "BEGIN IMMEDIATE", a) : run_statement(c, "BEGIN", a);
    if (e) {
        unlock_memory(c);
        return e;
    }
    c->in_transaction = true;
    return NULL;
}

static err_t sqlite_commit(struct sql_conn *conn, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    if (!c->in_transaction)
        return err_make(a, ERR_UNAVAILABLE, "no transaction to commit");
    TRY(run_statement(c, "COMMIT", a)); /* fails, too, when SQLite has rolled back by itself */
    c->in_transaction = false;
    unlock_memory(c);
    return refuse_removed_files(c->db, a);
}

/* NULL: the connection has not opened the log yet, or there is none. */
static sqlite3_file *log_of(struct sqlite_conn *c)
{
    sqlite3_file *log = NULL;
    if (!c->db->memory)
        sqlite3_file_control(c->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    return log && log->pMethods ? log : NULL;
}

static err_t sqlite_commit_ordered(struct sql_conn *conn, struct arena *a)
{
    sqlite3_file *log = log_of((struct sqlite_conn *)conn);
    wal_writer_skip_syncs(log, true);
    err_t e = sqlite_commit(conn, a);
    wal_writer_skip_syncs(log, false);
    return e;
}

static err_t sqlite_flush(struct sql_conn *conn, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    assert(c->mode == SQL_WRITE && !c->in_transaction);
    TRY(refuse_after_failed_flush(c, a));
    sqlite3_file *log = log_of(c);
    int result = log ? log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) : SQLITE_OK;
    return result == SQLITE_OK ? NULL : sqlite_err(NULL, result, a);
}

static err_t run_script(struct sqlite_conn *c, const char *sql, struct arena *a)
{
    int result = sqlite3_exec(c->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? NULL : sqlite_err(c->handle, result, a);
}

static err_t sqlite_script(struct sql_conn *conn, const char *sql, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    if (c->in_transaction && sqlite3_get_autocommit(c->handle))
        return err_make(a, ERR_UNAVAILABLE, "the transaction failed before and is over");
    TRY(refuse_after_failed_flush(c, a));
    lock_memory(c);
    err_t e = run_script(c, sql, a);
    unlock_memory(c);
    return e;
}

/* ---- the write-ahead log, backup, verification ---- */

static int64_t wal_bytes_of_frames(int64_t frames, int64_t page_bytes)
{
    return frames > 0 ? WAL_HEADER + frames * (WAL_FRAME_HEADER + page_bytes) : 0;
}

/* SQLite calls this after each commit with the number of frames in the log. */
static int note_wal_size(void *arg, sqlite3 *handle, const char *name, int frames)
{
    (void)handle, (void)name;
    struct sqlite_db *db = arg;
    atomic_store_explicit(&db->wal_bytes, wal_bytes_of_frames(frames, db->page_bytes), memory_order_relaxed);
    return SQLITE_OK;
}

static int64_t sqlite_wal_bytes(struct sql_db *db)
{
    return atomic_load_explicit(&((struct sqlite_db *)db)->wal_bytes, memory_order_relaxed);
}

static err_t sqlite_checkpoint(struct sql_conn *conn, bool restart, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    if (c->db->memory)
        return NULL;
    TRY(refuse_after_failed_flush(c, a));
    sqlite3_busy_timeout(c->handle, RESTART_MS);
    int result = sqlite3_wal_checkpoint_v2(c->handle, NULL,
                                           restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    err_t e = result == SQLITE_OK || result == SQLITE_BUSY ? NULL : sqlite_err(c->handle, result, a);
    sqlite3_busy_timeout(c->handle, BUSY_MS);
    if (result == SQLITE_OK && restart)
        atomic_store_explicit(&c->db->wal_bytes, 0, memory_order_relaxed);
    return e;
}

static err_t sqlite_backup(struct sql_conn *conn, const char *path, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    lock_memory(c);
    err_t e = copy_database(c->handle, path, false, a);
    unlock_memory(c);
    return e;
}

static err_t sqlite_verify(struct sql_conn *conn, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    lock_memory(c);
    err_t e = check_pages(c->handle, FINDINGS_MAX, a);
    if (!e)
        e = check_types(c->handle, a);
    unlock_memory(c);
    TRY(e);
    SCOPED(sql_closep) struct sql_cursor *keys = NULL;
    bool row = false;
    TRY(sqlite_query(conn, "PRAGMA foreign_key_check", SQL_NO_VALUES, a, &keys));
    TRY(sqlite_next(keys, a, &row));
    if (!row)
        return NULL;
    slice child = sql_column_copy(keys, 0, a), parent = sql_column_copy(keys, 2, a);
    return err_make(a, ERR_CORRUPT, "row %lld of " SLICE_FMT " refers to nothing in " SLICE_FMT,
                    (long long)sql_column_int(keys, 1), SLICE_ARG(child), SLICE_ARG(parent));
}

/* A database in memory is not compared: this program made it. */
static err_t sqlite_match_schema(struct sql_conn *conn, const char *const *scripts, size_t count, struct arena *a)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    return c->db->memory ? NULL : sqlite_schema_match(c->handle, scripts, count, a);
}

/* ---- opening and closing ---- */

static err_t apply_settings(sqlite3 *handle, const char *sql, struct arena *a)
{
    int result = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? NULL : sqlite_err(handle, result, a);
}

/* The settings of every handle. Nothing in the file may run code (extensions, functions in views), and a page whose cells
 * overlap is an error when it is read. */
static err_t configure_handle(sqlite3 *handle, const struct sqlite_db *db, enum sql_mode mode, struct arena *a)
{
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, BUSY_MS);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    bool may_sort_in_files = mode == SQL_READ && db->sorts;
    /* recursive_triggers: without it, INSERT OR REPLACE removes a row without running its DELETE triggers. */
    const char *text =
        arena_printf(a,
                     "PRAGMA recursive_triggers=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
                     "PRAGMA foreign_keys=ON; PRAGMA mmap_size=0;"
                     "PRAGMA temp_store=%s; PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=FAST;"
                     "PRAGMA journal_size_limit=67108864;"
                     "PRAGMA synchronous=%s; PRAGMA cache_size=-%d; PRAGMA query_only=%s;",
                     may_sort_in_files ? "FILE" : "MEMORY", db->relaxed ? "NORMAL" : "FULL",
                     mode == SQL_WRITE ? WRITER_CACHE_KIB : READER_CACHE_KIB,
                     (mode == SQL_READ || db->read_only) && !db->memory ? "ON" : "OFF")
            .p;
    return apply_settings(handle, text, a);
}

static err_t open_handle(struct sqlite_db *db, enum sql_mode mode, struct arena *a, sqlite3 **ret_handle)
{
    int flags = db->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= db->path ? SQLITE_OPEN_NOMUTEX : SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_MEMORY | SQLITE_OPEN_CREATE;
    sqlite3 *handle = NULL;
    const char *vfs = mode == SQL_WRITE && db->writer ? wal_writer_vfs(db->writer)
                      : mode == SQL_READ && db->sorts ? sort_files_vfs(db->sorts)
                                                      : NULL;
    const char *name = db->path ? db->path : ":memory:";
    if (db->immutable)
        name = sqlite_immutable_name(db->path, a);
    int result = sqlite3_open_v2(name, &handle, flags | (db->immutable ? SQLITE_OPEN_URI : 0), vfs);
    err_t e = result == SQLITE_OK ? configure_handle(handle, db, mode, a) : sqlite_err(handle, result, a);
    if (e) {
        close_handle(db, handle);
        return e;
    }
    sqlite3_wal_hook(handle, note_wal_size, db);
    *ret_handle = handle;
    return NULL;
}

/* The copy belongs to SQLite, which frees it with the handle. */
static err_t load_image(sqlite3 *handle, slice image, struct arena *a)
{
    unsigned char *copy = sqlite3_malloc64(image.n);
    if (!copy)
        return sqlite_err(handle, SQLITE_NOMEM, a);
    memcpy(copy, image.p, image.n);
    int result = sqlite3_deserialize(handle, "main", copy, (sqlite3_int64)image.n, (sqlite3_int64)image.n,
                                     SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    return result == SQLITE_OK ? NULL : sqlite_err(handle, result, a);
}

/* Written past SQLite, into the memory that it takes for the file. Each transaction begins with a look at the change counter of
 * the first page, which drops the pages that the handle had cached. The counter of the schema stays, so no statement is prepared
 * again. */
void sqlite_rewind(struct sql_db *sql_db, slice image)
{
    struct sqlite_db *db = (struct sqlite_db *)sql_db;
    sqlite3_file *file = NULL;
    sqlite3_file_control(db->memory, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    int result = file->pMethods->xWrite(file, image.p, (int)image.n, 0);
    if (result == SQLITE_OK)
        result = file->pMethods->xTruncate(file, (sqlite3_int64)image.n);
    assert(result == SQLITE_OK && sqlite3_txn_state(db->memory, NULL) == SQLITE_TXN_NONE);
}

slice sqlite_content(struct sql_db *sql_db)
{
    struct sqlite_db *db = (struct sqlite_db *)sql_db;
    sqlite3_int64 size;
    const unsigned char *bytes = sqlite3_serialize(db->memory, "main", &size, SQLITE_SERIALIZE_NOCOPY);
    assert(bytes && sqlite3_txn_state(db->memory, NULL) == SQLITE_TXN_NONE);
    return (slice){ (const char *)bytes, (size_t)size };
}

static err_t sqlite_connect(struct sql_db *sql_db, enum sql_mode mode, struct arena *a, struct sql_conn **ret_conn)
{
    struct sqlite_db *db = (struct sqlite_db *)sql_db;
    sqlite3 *handle = db->memory;
    if (!handle && mode == SQL_WRITE)
        handle = __atomic_exchange_n(&db->first, NULL, __ATOMIC_ACQ_REL);
    if (!handle)
        TRY(open_handle(db, mode, a, &handle));
    struct sqlite_conn *c = must_malloc(sizeof *c);
    *c = (struct sqlite_conn){ .conn = { &sqlite_driver }, .db = db, .handle = handle, .mode = mode };
    err_t e = db->memory ? NULL : limit_handle(handle, &c->limit, a);
    if (e) {
        close_handle(db, handle);
        free(c);
        return e;
    }
    atomic_fetch_add(&db->connections, 1);
    *ret_conn = &c->conn;
    return NULL;
}

static void sqlite_disconnect(struct sql_conn *conn)
{
    struct sqlite_conn *c = (struct sqlite_conn *)conn;
    sqlite_rollback(conn);
    lock_memory(c);
    for (size_t i = 0; i < c->table_size; i++) {
        if (!c->table[i])
            continue;
        assert(!c->table[i]->is_open);
        sqlite3_finalize(c->table[i]->stmt);
        free(c->table[i]);
    }
    unlock_memory(c);
    free(c->table);
    if (!c->db->memory)
        close_handle(c->db, c->handle);
    atomic_fetch_sub(&c->db->connections, 1);
    free(c);
}

static void sqlite_close_db(struct sql_db *sql_db)
{
    struct sqlite_db *db = (struct sqlite_db *)sql_db;
    assert(atomic_load(&db->connections) == 0);
    sqlite3_close(db->memory);
    close_handle(db, db->first);
    wal_writer_free(db->writer);
    sort_files_free(db->sorts);
    pthread_mutex_destroy(&db->memory_lock);
    pthread_mutex_destroy(&db->names_lock);
    for (size_t i = 0; i < LENGTH_OF(db->named_fds); i++)
        fd_closep(&db->named_fds[i]);
    free(db->path);
    free(db);
}

/* The names of the database and of its log must last. SQLite ignores an error when it syncs them. */
static err_t sync_directory_of(const char *path, struct arena *a)
{
    slice p = slice_of(path);
    size_t cut = slice_rfind_byte(p, '/');
    const char *dir = cut == SLICE_NONE ? "." : cut == 0 ? "/" : arena_cstr(a, slice_part(p, 0, cut));
    SCOPED(fd_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", dir);
    return NULL;
}

/* The file is created here, not by SQLite, so that only its owner may read it. A file that exists is not opened:
 * closing any descriptor of it would drop the locks that this process may hold on it (POSIX). */
static err_t create_file(const char *path, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 || errno == EEXIST)
        return NULL;
    err_t e = err_errno(a, errno, "cannot make the database %s", path);
    return e->code == ERR_NO_SPACE ? e : err_make(a, ERR_UNAVAILABLE, "%s", e->msg);
}

/* The page size and the WAL mode are stored in the first page of the file, so they are set before anything is
 * written. */
static err_t prepare_file(struct sqlite_db *db, struct arena *a)
{
    slice text;
    if (sqlite3_db_readonly(db->first, "main") == 1)
        return err_make(a, ERR_UNAVAILABLE, "no permission to write to %s", db->path);
    TRY(apply_settings(db->first, "PRAGMA page_size=" ERR_STR(PAGE_BYTES), a));
    TRY(read_pragma(db->first, "PRAGMA journal_mode=WAL", a, &text));
    if (!slice_eq(text, S("wal")))
        return err_make(a, ERR_UNAVAILABLE, "%s cannot be used with a write-ahead log", db->path);
    return NULL;
}

/* The copy of an interrupted replacement has what the log had, so the log does not count any more (distrust.c). */
static err_t refuse_damaged_log(const struct sqlite_db *db, struct arena *a)
{
    struct log_state state;
    if (db->relaxed || distrust_is_copied(db->path))
        return NULL;
    TRY(log_check(db->path, a, &state));
    return state.is_damaged ? log_refusal(db->path, &state, a) : NULL;
}

/* SQLite would wait for a writer of a FIFO, and keep the log of a symbolic link beside the file that it leads to, where nobody checks it
 * (log_check.h) or looks for its mark (distrust.h). */
static err_t check_is_file(const char *path, struct arena *a)
{
    struct stat st;
    if (lstat(path, &st) != 0 || S_ISREG(st.st_mode))
        return NULL; /* whoever opens it sees the error */
    return err_make(a, ERR_CORRUPT, "%s is %s", path, S_ISLNK(st.st_mode) ? "a symbolic link" : "no file");
}

static err_t open_file(struct sqlite_db *db, struct arena *a)
{
    const char *log = arena_printf(a, "%s-wal", db->path).p;
    TRY(check_is_file(db->path, a));
    TRY(check_is_file(log, a));
    TRY(check_is_file(arena_printf(a, "%s-shm", db->path).p, a));
    if (db->checks_log)
        TRY(refuse_damaged_log(db, a));
    if (db->read_only && access(db->path, F_OK) != 0 && errno == ENOENT)
        return err_make(a, ERR_NOT_FOUND, "there is no database %s", db->path);
    if (!db->read_only) {
        bool database_replaced, log_replaced;
        TRY(distrust_replace_database(db->path, a, &database_replaced));
        TRY(distrust_replace_log(log, a, &log_replaced));
        db->recovered = database_replaced || log_replaced;
        TRY(create_file(db->path, a));
        /* Relaxed commits do not sync the log, so they have to be in the file at once, where readers look for them. */
        db->writer = wal_writer_new(!db->relaxed, &db->watch);
        db->sorts = sort_files_new(db->path);
    }
    TRY(open_handle(db, SQL_WRITE, a, &db->first));
    if (!db->read_only)
        TRY(prepare_file(db, a));
    slice text;
    TRY(read_pragma(db->first, "PRAGMA schema_version", a,
                    &text)); /* reads the file, and fails when it is no database */
    TRY(read_pragma(db->first, "PRAGMA page_size", a, &text));
    if (!slice_to_i64(text, &db->page_bytes))
        return err_make(a, ERR_CORRUPT, "%s has no page size", db->path);
    struct stat st;
    atomic_store(&db->wal_bytes, stat(log, &st) == 0 ? (int64_t)st.st_size : 0);
    return db->read_only || db->relaxed ? NULL : sync_directory_of(db->path, a);
}

static void configure_library(void)
{
    /* Without memory statistics SQLite needs no global lock for malloc. It is no error when SQLite is initialized
     * already (MISUSE); then the statistics stay on. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

err_t sqlite_open(const struct sqlite_options *options, struct arena *a, struct sql_db **ret_db)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_library);
    struct sqlite_db *db = must_malloc(sizeof *db);
    db->db.driver = &sqlite_driver;
    db->path = options->path ? must_strdup(options->path) : NULL;
    db->relaxed = options->relaxed;
    db->read_only = options->read_only;
    db->immutable = options->immutable;
    db->checks_log = options->checks_log;
    db->reporter = options->reporter;
    db->watch.failed = note_failed_flush;
    db->watch.opened = watch_name;
    db->named_fds[0] = db->named_fds[1] = -1;
    pthread_mutex_init(&db->names_lock, NULL);
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&db->memory_lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    err_t e = db->path ? open_file(db, a) : open_handle(db, SQL_WRITE, a, &db->memory);
    if (!e && !db->path)
        e = limit_handle(db->memory, &db->memory_limit, a);
    if (!e && !db->path && options->image.n)
        e = load_image(db->memory, options->image, a);
    if (e) {
        sqlite_close_db(&db->db);
        return e;
    }
    if (options->ret_recovered)
        *options->ret_recovered = db->recovered;
    *ret_db = &db->db;
    return NULL;
}

static const struct sql_driver sqlite_driver = {
    .name = "sqlite",
    .dialect = SQL_SQLITE,
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .query = sqlite_query,
    .query_once = sqlite_query_once,
    .set_deadline = sqlite_set_deadline,
    .next = sqlite_next,
    .column = sqlite_column,
    .close = sqlite_close,
    .changed = sqlite_changed,
    .insert = sqlite_insert,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .commit_ordered = sqlite_commit_ordered,
    .flush = sqlite_flush,
    .rollback = sqlite_rollback,
    .script = sqlite_script,
    .wal_bytes = sqlite_wal_bytes,
    .flush_failed = sqlite_flush_failed,
    .checkpoint = sqlite_checkpoint,
    .backup = sqlite_backup,
    .verify = sqlite_verify,
    .match_schema = sqlite_match_schema,
    .close_db = sqlite_close_db,
};
