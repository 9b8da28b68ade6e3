/* SPDX-License-Identifier: Apache-2.0 */
/* Holds every driver to sql/sql.h. */
#include "sql_kinds.h"

#include "base/buf.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    struct test_database database;
    struct arena arena, *a;
    struct sql_db *db;
    struct sql_conn *conn;
};

static void sql_world_init(struct world *w, enum database_kind kind)
{
    test_database_init(&w->database, kind);
    arena_init(&w->arena);
    w->a = &w->arena;
    w->db = test_database_open(&w->database, w->a);
    EXPECT_OK(sql_connect(w->db, SQL_WRITE, w->a, &w->conn));
    EXPECT_OK(sql_script(w->conn,
                         "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, bytes BLOB, size BIGINT"
                         " CHECK (size >= 0)); CREATE TABLE parts (id INTEGER PRIMARY KEY, thing_id BIGINT NOT NULL"
                         " REFERENCES things (id));",
                         w->a));
}

static void sql_world_release(struct world *w)
{
    sql_disconnect(w->conn);
    sql_close_db(w->db);
    arena_release(w->a);
    test_database_release(&w->database);
}

#define ADD STATEMENT("INSERT INTO things (name, bytes, size) VALUES ($1, $2, $3)")
#define COUNT STATEMENT("SELECT COUNT(*) FROM things")

static int64_t count_things(struct world *w)
{
    int64_t n = -1;
    EXPECT_OK(sql_get_int(w->conn, COUNT, SQL_NO_VALUES, w->a, &n));
    return n;
}

FOR_EACH_DATABASE(values_are_read_as_they_were_written)
{
    struct world w;
    sql_world_init(&w, kind);
    int64_t id, n;
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(S("naïve")), SQL_B(S("a\0b")), SQL_I(INT64_MAX)), w.a, &id));
    EXPECT_EQ(id, 1);
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(((slice){ NULL, 0 })), SQL_NIL, SQL_I(0)), w.a, &id));
    EXPECT_EQ(id, 2);
    struct sql_cursor *c;
    bool row;
    EXPECT_OK(sql_query(w.conn, STATEMENT("SELECT name, bytes, size FROM things ORDER BY id"), SQL_NO_VALUES, w.a, &c));
    EXPECT_OK(sql_next(c, w.a, &row));
    EXPECT(row);
    EXPECT_SLICE(sql_column(c, 0).bytes, S("naïve"));
    EXPECT_EQ(sql_column(c, 0).type, SQL_TEXT);
    EXPECT_SLICE(sql_column_copy(c, 1, w.a), S("a\0b"));
    EXPECT_EQ(sql_column(c, 1).type, SQL_BLOB);
    EXPECT(sql_column_int(c, 2) == INT64_MAX);
    EXPECT_OK(sql_next(c, w.a, &row));
    EXPECT(row && sql_column(c, 0).type == SQL_TEXT && sql_column(c, 0).bytes.n == 0);
    EXPECT(sql_column(c, 1).type == SQL_NULL);
    EXPECT_OK(sql_next(c, w.a, &row));
    EXPECT(!row);
    sql_close(c);
    EXPECT_OK(sql_exec(w.conn, STATEMENT("UPDATE things SET size = size - 1 WHERE size > $1"), SQL(SQL_I(5)), w.a, &n));
    EXPECT_EQ(n, 1);
    EXPECT_ERR(sql_get_int(w.conn, STATEMENT("SELECT id FROM things WHERE name = $1"), SQL(SQL_T(S("x"))), w.a, &n),
               ERR_NOT_FOUND);
    sql_world_release(&w);
}

FOR_EACH_DATABASE(a_loop_over_rows_ends_when_its_arena_is_over_its_limit)
{
    struct world w;
    sql_world_init(&w, kind);
    static const char bytes[1000] = "x";
    int64_t id;
    for (int i = 0; i < 20; i++)
        EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_B(((slice){ bytes, sizeof bytes })), SQL_I(i)), w.a, &id));
    SCRATCH(small);
    arena_set_limit(&small, 5000, NULL);
    struct sql_cursor *c;
    bool row = true;
    size_t rows = 0;
    err_t e = NULL;
    EXPECT_OK(sql_query(w.conn, STATEMENT("SELECT bytes FROM things"), SQL_NO_VALUES, w.a, &c));
    while (!(e = sql_next(c, &small, &row)) && row) {
        sql_column_copy(c, 0, &small);
        rows++;
    }
    EXPECT_ERR(e, ERR_TOO_LARGE);
    EXPECT(rows >= 4 && rows <= 6);
    sql_close(c);
    sql_world_release(&w);
}

FOR_EACH_DATABASE(a_statement_can_run_while_its_own_cursor_is_open)
{
    struct world w;
    sql_world_init(&w, kind);
    const struct sql_statement *each = STATEMENT("SELECT id FROM things ORDER BY id");
    int64_t id;
    for (int i = 0; i < 3; i++)
        EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(i)), w.a, &id));
    struct sql_cursor *outer, *inner;
    bool row;
    int pairs = 0;
    EXPECT_OK(sql_query(w.conn, each, SQL_NO_VALUES, w.a, &outer));
    for (;;) {
        EXPECT_OK(sql_next(outer, w.a, &row));
        if (!row)
            break;
        EXPECT_OK(sql_query(w.conn, each, SQL_NO_VALUES, w.a, &inner));
        for (;;) {
            EXPECT_OK(sql_next(inner, w.a, &row));
            if (!row)
                break;
            pairs++;
        }
        sql_close(inner);
    }
    sql_close(outer);
    EXPECT_EQ(pairs, 9);
    sql_world_release(&w);
}

FOR_EACH_DATABASE(a_broken_constraint_is_a_conflict_and_undoes_only_its_statement)
{
    struct world w;
    sql_world_init(&w, kind);
    int64_t id;
    EXPECT_OK(sql_begin(w.conn, w.a));
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(S("a")), SQL_NIL, SQL_I(1)), w.a, &id));
    EXPECT_ERR(sql_insert(w.conn, ADD, SQL(SQL_T(S("a")), SQL_NIL, SQL_I(1)), w.a, &id), ERR_CONFLICT);
    EXPECT_ERR(sql_insert(w.conn, ADD, SQL(SQL_T(S("b")), SQL_NIL, SQL_I(-1)), w.a, &id), ERR_CONFLICT);
    EXPECT_ERR(sql_exec(w.conn, STATEMENT("INSERT INTO parts (thing_id) VALUES ($1)"), SQL(SQL_I(99)), w.a, NULL),
               ERR_CONFLICT);
    EXPECT_OK(sql_commit(w.conn, w.a));
    EXPECT_EQ(count_things(&w), 1);
    EXPECT_ERR(sql_exec(w.conn, STATEMENT("SELECT no such thing"), SQL_NO_VALUES, w.a, NULL), ERR_UNAVAILABLE);
    sql_world_release(&w);
}

FOR_EACH_DATABASE(a_transaction_commits_completely_or_not_at_all)
{
    struct world w;
    sql_world_init(&w, kind);
    int64_t id;
    EXPECT_OK(sql_begin(w.conn, w.a));
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(S("a")), SQL_NIL, SQL_I(1)), w.a, &id));
    sql_rollback(w.conn);
    sql_rollback(w.conn); /* without a transaction it does nothing */
    EXPECT_EQ(count_things(&w), 0);
    EXPECT_ERR(sql_commit(w.conn, w.a), ERR_UNAVAILABLE);
    EXPECT_OK(sql_begin(w.conn, w.a));
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(S("a")), SQL_NIL, SQL_I(1)), w.a, &id));
    EXPECT_OK(sql_begin(w.conn, w.a)); /* rolls back the open transaction */
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(S("b")), SQL_NIL, SQL_I(1)), w.a, &id));
    EXPECT_OK(sql_commit(w.conn, w.a));
    EXPECT_EQ(count_things(&w), 1);
    sql_world_release(&w);
}

TEST(statements_after_a_rollback_by_the_database_do_not_commit_alone)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    int64_t id;
    EXPECT_OK(sql_begin(w.conn, w.a));
    EXPECT_OK(sql_script(w.conn, "ROLLBACK", w.a)); /* as SQLite does by itself when the disk is full */
    EXPECT_ERR(sql_insert(w.conn, ADD, SQL(SQL_T(S("a")), SQL_NIL, SQL_I(1)), w.a, &id), ERR_UNAVAILABLE);
    EXPECT_ERR(sql_commit(w.conn, w.a), ERR_UNAVAILABLE);
    sql_rollback(w.conn);
    EXPECT_EQ(count_things(&w), 0);
    sql_world_release(&w);
}

TEST(a_full_database_returns_no_space)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    int64_t id;
    EXPECT_OK(sql_script(w.conn, "PRAGMA max_page_count=20", w.a));
    char big[8192] = { 0 };
    err_t e = NULL;
    for (int i = 0; i < 40 && !e; i++)
        e = sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_B(((slice){ big, sizeof big })), SQL_I(1)), w.a, &id);
    EXPECT(err_is(e, ERR_NO_SPACE));
    sql_world_release(&w);
}

TEST(a_snapshot_does_not_see_later_commits)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    struct sql_conn *reader;
    int64_t id, n;
    EXPECT_OK(sql_connect(w.db, SQL_READ, w.a, &reader));
    EXPECT_OK(sql_begin(reader, w.a));
    EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &n));
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(1)), w.a, &id));
    EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &n));
    EXPECT_EQ(n, 0);
    sql_rollback(reader);
    EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &n));
    EXPECT_EQ(n, 1);
    EXPECT_ERR(sql_insert(reader, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(1)), w.a, &id), ERR_UNAVAILABLE);
    sql_disconnect(reader);
    sql_world_release(&w);
}

TEST(a_checkpoint_copies_the_log_and_a_reader_only_delays_it)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    struct sql_conn *reader;
    int64_t id, n;
    EXPECT_OK(sql_connect(w.db, SQL_READ, w.a, &reader));
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(1)), w.a, &id));
    EXPECT(sql_wal_bytes(w.db) > 4096);
    EXPECT_OK(sql_checkpoint(w.conn, false, w.a));
    EXPECT_OK(sql_begin(reader, w.a));
    EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &n));
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(1)), w.a, &id));
    EXPECT_OK(sql_checkpoint(w.conn, true, w.a));
    EXPECT(sql_wal_bytes(w.db) > 0);
    sql_rollback(reader);
    EXPECT_OK(sql_checkpoint(w.conn, true, w.a));
    EXPECT_EQ(sql_wal_bytes(w.db), 0);
    sql_disconnect(reader);
    sql_world_release(&w);
}

FOR_EACH_DATABASE(a_backup_is_complete_and_never_overwrites_a_file)
{
    struct world w;
    sql_world_init(&w, kind);
    int64_t id, n;
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(S("kept")), SQL_NIL, SQL_I(1)), w.a, &id));
    char path[128];
    snprintf(path, sizeof path, "%s/copy.db", w.database.dir);
    EXPECT_OK(sql_backup(w.conn, path, w.a));
    EXPECT_ERR(sql_backup(w.conn, path, w.a), ERR_CONFLICT);
    EXPECT_OK(sql_verify(w.conn, w.a));
    struct sql_db *copy;
    struct sql_conn *conn;
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = path }, w.a, &copy));
    EXPECT_OK(sql_connect(copy, SQL_READ, w.a, &conn));
    EXPECT_OK(sql_verify(conn, w.a));
    EXPECT_OK(
        sql_get_int(conn, STATEMENT("SELECT COUNT(*) FROM things WHERE name = $1"), SQL(SQL_T(S("kept"))), w.a, &n));
    EXPECT_EQ(n, 1);
    sql_disconnect(conn);
    sql_close_db(copy);
    sql_world_release(&w);
}

TEST(verify_finds_damage_and_broken_foreign_keys)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    EXPECT_OK(sql_script(w.conn, "PRAGMA foreign_keys=OFF; INSERT INTO parts (thing_id) VALUES (7)", w.a));
    EXPECT_ERR(sql_verify(w.conn, w.a), ERR_CORRUPT);
    for (int i = 0; i < 200; i++) {
        int64_t id;
        EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_T(arena_printf(w.a, "thing %d", i)), SQL_NIL, SQL_I(1)), w.a, &id));
    }
    EXPECT_OK(sql_checkpoint(w.conn, true, w.a));
    sql_disconnect(w.conn);
    sql_close_db(w.db);
    int fd = open(w.database.path, O_RDWR);
    char rubbish[4096];
    memset(rubbish, 0x5a, sizeof rubbish);
    struct stat st;
    EXPECT(fd >= 0 && fstat(fd, &st) == 0);
    for (off_t at = 8192; at < st.st_size; at += 4096)
        EXPECT_EQ(pwrite(fd, rubbish, sizeof rubbish, at), sizeof rubbish);
    close(fd);
    w.db = test_database_open(&w.database, w.a);
    EXPECT_OK(sql_connect(w.db, SQL_WRITE, w.a, &w.conn));
    EXPECT_ERR(sql_verify(w.conn, w.a), ERR_CORRUPT);
    sql_world_release(&w);
}

TEST(opening_a_file_that_is_no_database_fails)
{
    struct test_database p;
    test_database_init(&p, DATABASE_FILE);
    SCRATCH(a);
    struct sql_db *db;
    EXPECT_ERR(sqlite_open(&(struct sqlite_options){ .path = p.path, .read_only = true }, &a, &db), ERR_NOT_FOUND);
    char nowhere[128];
    snprintf(nowhere, sizeof nowhere, "%s/no/where.db", p.dir);
    EXPECT_ERR(sqlite_open(&(struct sqlite_options){ .path = nowhere }, &a, &db), ERR_UNAVAILABLE);
    EXPECT_ERR(sqlite_open(&(struct sqlite_options){ .path = p.dir }, &a, &db), ERR_CORRUPT);
    FILE *f = fopen(p.path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", f);
    fclose(f);
    EXPECT_ERR(sqlite_open(&(struct sqlite_options){ .path = p.path }, &a, &db), ERR_CORRUPT);
    test_database_release(&p);
}

/* Opens the database as a user without permissions. Root may write everywhere, so a child process gives up root
 * first. */
static int open_without_permissions(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(99);
        SCRATCH(a);
        struct sql_db *db;
        err_t e = sqlite_open(&(struct sqlite_options){ .path = path }, &a, &db);
        _exit(!e ? 0 : e->code == ERR_UNAVAILABLE && e->msg[0] ? 1 : 2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_read_only_directory_or_file_is_refused_at_once)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    sql_disconnect(w.conn);
    sql_close_db(w.db);
    EXPECT_EQ(chmod(w.database.path, 0444), 0);
    EXPECT_EQ(chmod(w.database.dir, 0777), 0);
    EXPECT_EQ(open_without_permissions(w.database.path), 1);
    EXPECT_EQ(chmod(w.database.dir, 0555), 0);
    char other[128];
    snprintf(other, sizeof other, "%s/other.db", w.database.dir);
    EXPECT_EQ(open_without_permissions(other), 1);
    EXPECT_EQ(chmod(w.database.dir, 0755), 0);
    w.db = test_database_open(&w.database, w.a);
    EXPECT_OK(sql_connect(w.db, SQL_WRITE, w.a, &w.conn));
    sql_world_release(&w);
}

TEST(a_database_file_is_readable_by_its_owner_only)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    struct stat st;
    EXPECT_EQ(stat(w.database.path, &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600);
    sql_world_release(&w);
}

/* ---- what is on the disk when a commit returns ---- */

/* The default VFS with two functions replaced, which count writes and syncs of the write-ahead log. */

static struct {
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods log;
    const sqlite3_io_methods *real_log;
    int writes, syncs;
    bool unsynced; /* the log was written after its last sync */
    bool full;     /* writes fail as on a full disk */
} watched;

static int watched_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    watched.writes++;
    watched.unsynced = true;
    if (watched.full)
        return SQLITE_FULL;
    return watched.real_log->xWrite(f, p, n, at);
}

static int watched_sync(sqlite3_file *f, int flags)
{
    int result = watched.real_log->xSync(f, flags);
    watched.syncs++;
    watched.unsynced = watched.unsynced && result != SQLITE_OK;
    return result;
}

/* Replaces the write and sync methods of the log's file; other files are left as they are. */
static int watched_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    int result = watched.real->xOpen(vfs, name, f, flags, ret_flags);
    if (result == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
        watched.real_log = f->pMethods;
        watched.log = *f->pMethods;
        watched.log.xWrite = watched_write;
        watched.log.xSync = watched_sync;
        f->pMethods = &watched.log;
    }
    return result;
}

static void watch_wal(void)
{
    if (!watched.real) /* after a test that failed, its VFS is still the default */
        watched.real = sqlite3_vfs_find(NULL);
    sqlite3_vfs_unregister(&watched.vfs);
    watched.vfs = *watched.real;
    watched.writes = watched.syncs = 0;
    watched.unsynced = false;
    watched.vfs.zName = "watched";
    watched.vfs.pNext = NULL;
    watched.vfs.xOpen = watched_open;
    EXPECT_EQ(sqlite3_vfs_register(&watched.vfs, 1), SQLITE_OK);
}

static void unwatch_wal(void)
{
    sqlite3_vfs_unregister(&watched.vfs);
    EXPECT_EQ(sqlite3_vfs_register(watched.real, 1), SQLITE_OK);
}

enum { COMMITS = 8 };

static void commit_one(struct world *w, bool alone)
{
    int64_t id;
    if (!alone)
        EXPECT_OK(sql_begin(w->conn, w->a));
    EXPECT_OK(sql_insert(w->conn, ADD, SQL(SQL_NIL, SQL_B(S("bytes")), SQL_I(1)), w->a, &id));
    if (!alone)
        EXPECT_OK(sql_commit(w->conn, w->a));
}

/* Commits of single statements and of transactions are synced, and so are the first ones after a restart of the log. */
static void expect_each_commit_flushed(struct world *w)
{
    for (int i = 0; i < COMMITS; i++) {
        if (i == COMMITS / 2)
            EXPECT_OK(sql_checkpoint(w->conn, true, w->a));
        int writes = watched.writes, syncs = watched.syncs;
        commit_one(w, i % 2 == 0);
        EXPECT(watched.writes > writes);
        EXPECT(watched.syncs > syncs);
        EXPECT(!watched.unsynced);
    }
}

static err_t insert_pages(struct world *w, struct sql_conn *conn)
{
    static char bytes[200000]; /* 49 pages of 4 KiB */
    int64_t id;
    TRY(sql_begin(conn, w->a));
    TRY(sql_insert(conn, ADD, SQL(SQL_NIL, SQL_B(((slice){ bytes, sizeof bytes })), SQL_I(1)), w->a, &id));
    return sql_commit(conn, w->a);
}

TEST(log_writes_are_joined_and_a_full_disk_fails_the_commit)
{
    watch_wal();
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    struct sql_conn *reader;
    int64_t before, after;
    EXPECT_OK(sql_connect(w.db, SQL_READ, w.a, &reader));
    commit_one(&w, true);
    int writes = watched.writes;
    EXPECT_OK(insert_pages(&w, w.conn));
    EXPECT(watched.writes - writes <= 3); /* of up to 120 KiB each */
    EXPECT(!watched.unsynced);
    EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &before));
    EXPECT_EQ(before, 2);

    watched.full = true;
    EXPECT_ERR(insert_pages(&w, w.conn), ERR_NO_SPACE);
    sql_rollback(w.conn);
    watched.full = false;
    EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &after));
    EXPECT_EQ(after, 2);
    EXPECT_OK(insert_pages(&w, w.conn)); /* overwrites the part of the failed commit */
    EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &after));
    EXPECT_EQ(after, 3);
    EXPECT_OK(sql_verify(w.conn, w.a));
    sql_disconnect(reader);
    sql_world_release(&w);
    unwatch_wal();
}

TEST(sqlite_full_a_commit_returns_after_the_log_was_synced)
{
    watch_wal();
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    expect_each_commit_flushed(&w);
    sql_disconnect(w.conn); /* the first connection is the one that opened the file; now test a later one, too */
    EXPECT_OK(sql_connect(w.db, SQL_WRITE, w.a, &w.conn));
    expect_each_commit_flushed(&w);
    sql_world_release(&w);
    unwatch_wal();
}

TEST(relaxed_commits_do_not_sync)
{
    watch_wal();
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    sql_disconnect(w.conn);
    sql_close_db(w.db);
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = w.database.path, .relaxed = true }, w.a, &w.db));
    EXPECT_OK(sql_connect(w.db, SQL_WRITE, w.a, &w.conn));
    commit_one(&w, true); /* the header of a new log is synced */
    int writes = watched.writes, syncs = watched.syncs;
    for (int i = 0; i < COMMITS; i++)
        commit_one(&w, i % 2 == 0);
    EXPECT(watched.writes > writes);
    EXPECT_EQ(watched.syncs, syncs);
    EXPECT(watched.unsynced);
    sql_world_release(&w);
    unwatch_wal();
}

static void commit_ordered(struct world *w)
{
    int64_t id;
    EXPECT_OK(sql_begin(w->conn, w->a));
    EXPECT_OK(sql_insert(w->conn, ADD, SQL(SQL_NIL, SQL_B(S("bytes")), SQL_I(1)), w->a, &id));
    EXPECT_OK(sql_commit_ordered(w->conn, w->a));
}

FOR_EACH_DATABASE(an_ordered_commit_is_seen_at_once)
{
    struct world w;
    struct sql_conn *reader;
    int64_t n;
    sql_world_init(&w, kind);
    EXPECT_OK(sql_connect(w.db, SQL_READ, w.a, &reader));
    for (int i = 1; i <= 3; i++) {
        commit_ordered(&w);
        EXPECT_OK(sql_get_int(reader, COUNT, SQL_NO_VALUES, w.a, &n));
        EXPECT_EQ(n, i);
    }
    EXPECT_ERR(sql_commit_ordered(w.conn, w.a), ERR_UNAVAILABLE);
    EXPECT_OK(sql_flush(w.conn, w.a));
    sql_disconnect(reader);
    sql_world_release(&w);
}

TEST(ordered_commits_sync_nothing_but_the_header_of_a_new_log_until_a_flush)
{
    watch_wal();
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    for (int round = 0; round < 3; round++) {
        EXPECT_OK(sql_checkpoint(w.conn, true, w.a)); /* the next commit starts the log again */
        int syncs = watched.syncs;
        commit_ordered(&w);
        EXPECT_EQ(watched.syncs, syncs + 1);
        for (int i = 0; i < COMMITS; i++)
            commit_ordered(&w);
        EXPECT_EQ(watched.syncs, syncs + 1);
        EXPECT(watched.unsynced);
        if (round == 0)
            EXPECT_OK(sql_flush(w.conn, w.a));
        else if (round == 1)
            commit_one(&w, false);
        else
            EXPECT_OK(sql_checkpoint(w.conn, false, w.a));
        EXPECT(watched.syncs > syncs + 1);
        EXPECT(!watched.unsynced);
    }
    sql_world_release(&w);
    unwatch_wal();
}

/* What was committed has to be in the file, not in a buffer of this process, which may be killed. */
TEST(an_ordered_commit_is_in_the_file_when_it_returns)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    for (int i = 0; i < COMMITS; i++) {
        commit_ordered(&w);
        const char *path = w.database.path, *copy = arena_printf(w.a, "%s.copy", path).p;
        EXPECT_EQ(system(arena_printf(w.a, "cp %s %s && cp %s-wal %s-wal", path, copy, path, copy).p), 0);
        struct sql_db *db;
        struct sql_conn *conn;
        int64_t n;
        EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = copy }, w.a, &db));
        EXPECT_OK(sql_connect(db, SQL_READ, w.a, &conn));
        EXPECT_OK(sql_get_int(conn, COUNT, SQL_NO_VALUES, w.a, &n));
        EXPECT_EQ(n, i + 1);
        sql_disconnect(conn);
        sql_close_db(db);
    }
    sql_world_release(&w);
}

TEST(the_fault_driver_fails_the_planned_call)
{
    struct world w;
    sql_world_init(&w, DATABASE_FAULT);
    int64_t id;
    w.database.plan.code = ERR_NO_SPACE;
    w.database.plan.fail_at = w.database.plan.calls + 2;
    EXPECT_OK(sql_begin(w.conn, w.a));
    EXPECT_ERR(sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(1)), w.a, &id), ERR_NO_SPACE);
    EXPECT_OK(sql_insert(w.conn, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(1)), w.a, &id));
    w.database.plan.fail_at = w.database.plan.calls + 1;
    EXPECT_ERR(sql_commit(w.conn, w.a), ERR_NO_SPACE);
    w.database.plan.fail_at = w.database.plan.calls + 1;
    EXPECT_ERR(sql_commit_ordered(w.conn, w.a), ERR_NO_SPACE);
    sql_rollback(w.conn);
    w.database.plan.fail_at = w.database.plan.calls + 1;
    EXPECT_ERR(sql_flush(w.conn, w.a), ERR_NO_SPACE);
    EXPECT_EQ(count_things(&w), 0);
    sql_world_release(&w);
}

/* ---- statements that are made for once ---- */

static void expect_texts(struct world *w, const char *sql, struct sql_args args, const char *want)
{
    struct sql_cursor *c;
    struct buf texts;
    bool row;
    buf_init(&texts, 0);
    EXPECT_OK(sql_query_once(w->conn, sql, args, w->a, &c));
    for (;;) {
        EXPECT_OK(sql_next(c, w->a, &row));
        if (!row)
            break;
        buf_add(&texts, sql_column(c, 0).bytes);
        buf_add_byte(&texts, ' ');
    }
    sql_close(c);
    EXPECT_SLICE(buf_slice(&texts), slice_of(want));
    buf_release(&texts);
}

FOR_EACH_DATABASE(a_text_that_is_made_for_once_is_not_known_again_by_its_address)
{
    struct world w;
    char text[64];
    int64_t id;
    sql_world_init(&w, kind);
    for (int i = 0; i < 3; i++)
        EXPECT_OK(
            sql_insert(w.conn, ADD, SQL(SQL_T(slice_of((char[]){ (char)('a' + i), 0 })), SQL_NIL, SQL_I(i)), w.a, &id));
    snprintf(text, sizeof text, "SELECT name FROM things WHERE size > $1 ORDER BY id");
    expect_texts(&w, text, SQL(SQL_I(0)), "b c ");
    snprintf(text, sizeof text, "SELECT name FROM things ORDER BY id DESC");
    expect_texts(&w, text, SQL_NO_VALUES, "c b a ");
    sql_world_release(&w);
}

/* A clock that moves on whenever somebody looks at it. */
struct hasty_clock {
    struct clock clock;
    int64_t now_ms;
};

static int64_t hasty_now(struct clock *clock)
{
    return ++((struct hasty_clock *)clock)->now_ms;
}

static err_t read_all(struct world *w, const char *sql, struct sql_args args)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    bool row = true;
    TRY(sql_query_once(w->conn, sql, args, w->a, &c));
    while (row)
        TRY(sql_next(c, w->a, &row));
    return NULL;
}

#define ENDLESS "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"

FOR_EACH_DATABASE(a_statement_ends_at_the_deadline_of_its_connection)
{
    struct world w;
    struct hasty_clock clock = { .clock = { hasty_now, hasty_now } };
    struct sql_conn *other;
    int64_t n;
    sql_world_init(&w, kind);
    EXPECT_OK(sql_connect(w.db, SQL_READ, w.a, &other));
    sql_set_deadline(w.conn, &clock.clock, 1000);
    EXPECT_ERR(read_all(&w, ENDLESS, SQL_NO_VALUES), ERR_EXPIRED);
    EXPECT(clock.now_ms >= 1000 && clock.now_ms <= 1001);
    EXPECT_OK(sql_get_int(other,
                          STATEMENT("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)"
                                    " SELECT COUNT(*) FROM n"),
                          SQL_NO_VALUES, w.a, &n));
    EXPECT_EQ(n, 1000);
    sql_set_deadline(w.conn, NULL, 0);
    EXPECT_OK(sql_exec(w.conn, ADD, SQL(SQL_NIL, SQL_NIL, SQL_I(1)), w.a, NULL));
    EXPECT_EQ(count_things(&w), 1);
    sql_disconnect(other);
    sql_world_release(&w);
}

/* ---- what a reading connection has beside SQL ---- */

static int64_t matches(struct world *w, const char *text, const char *pattern)
{
    int64_t n;
    EXPECT_OK(sql_get_int(w->conn, STATEMENT("SELECT COALESCE(cais_matches($1, $2), 2)"),
                          SQL(text ? SQL_T(slice_of(text)) : SQL_NIL, SQL_T(slice_of(pattern))), w->a, &n));
    return n;
}

FOR_EACH_DATABASE(sqlite_finds_patterns_in_texts)
{
    struct world w;
    int64_t n;
    sql_world_init(&w, kind);
    EXPECT_EQ(matches(&w, "Silva", "^S.*a$"), 1);
    EXPECT_EQ(matches(&w, "Silva", "^s"), 0);
    EXPECT_EQ(matches(&w, "", ""), 1);
    EXPECT_EQ(matches(&w, NULL, "a"), 2);
    EXPECT_OK(sql_get_int(w.conn, STATEMENT("SELECT cais_matches(12, '1') IS NULL"), SQL_NO_VALUES, w.a, &n));
    EXPECT_EQ(n, 1);
    EXPECT_ERR(sql_get_int(w.conn, STATEMENT("SELECT cais_matches('a', $1)"), SQL(SQL_T(S("(a"))), w.a, &n),
               ERR_UNAVAILABLE);
    EXPECT_OK(sql_get_int(w.conn,
                          STATEMENT("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)"
                                    " SELECT SUM(cais_matches(CAST(i AS TEXT), $1)) FROM n"),
                          SQL(SQL_T(S("^1+$"))), w.a, &n));
    EXPECT_EQ(n, 3);
    sql_world_release(&w);
}

FOR_EACH_DATABASE(a_search_for_a_pattern_ends_at_the_deadline)
{
    struct world w;
    struct hasty_clock clock = { .clock = { hasty_now, hasty_now } };
    sql_world_init(&w, kind);
    char *text = arena_alloc(w.a, 1 << 20);
    memset(text, 'a', 1 << 20);
    sql_set_deadline(w.conn, &clock.clock, 5);
    EXPECT_ERR(read_all(&w, "SELECT cais_matches($1, $2)",
                        SQL(SQL_T(((slice){ text, 1 << 20 })), SQL_T(S("(a|b)*a(a|b){100}c")))),
               ERR_EXPIRED);
    EXPECT_EQ(clock.now_ms, 5);
    sql_world_release(&w);
}

/* The open files of this process whose path begins so. */
static size_t count_open_files(const char *path)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++) {
        char link_path[64], target[256] = "";
        snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
        count += readlink(link_path, target, sizeof target - 1) > 0 && strncmp(target, path, strlen(path)) == 0;
    }
    return count;
}

TEST(what_a_reader_sorts_is_in_a_file_without_a_name_beside_the_database)
{
    struct world w;
    sql_world_init(&w, DATABASE_FILE);
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    struct sql_conn *reader;
    bool row;
    const char *prefix = arena_printf(w.a, "%s-sort-", w.database.path).p;
    EXPECT_OK(sql_connect(w.db, SQL_READ, w.a, &reader));
    EXPECT_OK(sql_query_once(reader,
                             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40000)"
                             " SELECT i FROM n ORDER BY printf('%01000d', i * 7919 % 40000)",
                             SQL_NO_VALUES, w.a, &c));
    EXPECT_EQ(count_open_files(prefix), 0);
    EXPECT_OK(sql_next(c, w.a, &row));
    EXPECT_EQ(sql_column_int(c, 0), 40000);
    EXPECT(count_open_files(prefix) > 0);
    sql_close(c);
    c = NULL;
    EXPECT_EQ(count_open_files(prefix), 0);
    EXPECT(access(arena_printf(w.a, "%s0", prefix).p, F_OK) != 0);
    sql_disconnect(reader);
    sql_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(values_are_read_as_they_were_written),
          cmocka_unit_test(a_loop_over_rows_ends_when_its_arena_is_over_its_limit),
          cmocka_unit_test(a_statement_can_run_while_its_own_cursor_is_open),
          cmocka_unit_test(a_broken_constraint_is_a_conflict_and_undoes_only_its_statement),
          cmocka_unit_test(a_transaction_commits_completely_or_not_at_all),
          cmocka_unit_test(statements_after_a_rollback_by_the_database_do_not_commit_alone),
          cmocka_unit_test(a_full_database_returns_no_space), cmocka_unit_test(a_snapshot_does_not_see_later_commits),
          cmocka_unit_test(a_checkpoint_copies_the_log_and_a_reader_only_delays_it),
          cmocka_unit_test(a_backup_is_complete_and_never_overwrites_a_file),
          cmocka_unit_test(verify_finds_damage_and_broken_foreign_keys),
          cmocka_unit_test(opening_a_file_that_is_no_database_fails),
          cmocka_unit_test(a_read_only_directory_or_file_is_refused_at_once),
          cmocka_unit_test(a_database_file_is_readable_by_its_owner_only),
          cmocka_unit_test(sqlite_full_a_commit_returns_after_the_log_was_synced),
          cmocka_unit_test(log_writes_are_joined_and_a_full_disk_fails_the_commit),
          cmocka_unit_test(relaxed_commits_do_not_sync), cmocka_unit_test(an_ordered_commit_is_seen_at_once),
          cmocka_unit_test(ordered_commits_sync_nothing_but_the_header_of_a_new_log_until_a_flush),
          cmocka_unit_test(an_ordered_commit_is_in_the_file_when_it_returns),
          cmocka_unit_test(the_fault_driver_fails_the_planned_call),
          cmocka_unit_test(a_text_that_is_made_for_once_is_not_known_again_by_its_address),
          cmocka_unit_test(a_statement_ends_at_the_deadline_of_its_connection),
          cmocka_unit_test(sqlite_finds_patterns_in_texts),
          cmocka_unit_test(a_search_for_a_pattern_ends_at_the_deadline),
          cmocka_unit_test(what_a_reader_sorts_is_in_a_file_without_a_name_beside_the_database))
