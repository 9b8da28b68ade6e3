/* SPDX-License-Identifier: Apache-2.0 */
/* A small driver interface over a relational database: connections, prepared statements, cursors, transactions.
 *
 * All SQL for records is written once against it, in src/meta. Values are written $1 $2 …, numbered in the order of
 * their first use. Where databases differ, the difference lives in the driver or in a named pair of texts.
 *
 * sqlite implements it, and fault wraps any driver to make it fail; tests/conformance/sql.c holds every driver to this
 * contract.
 *
 * Errors of every call: NO_SPACE when the disk or a quota is full; CONFLICT when a unique, foreign key or check
 * constraint refuses; CORRUPT when the database is damaged; EXPIRED when a statement ran beyond the deadline of its connection;
 * UNAVAILABLE for everything else (busy, I/O, connection lost).
 * Memory   what a statement of a READ connection sorts or collects may be larger than memory: then it is in a file.
 * Thread   a connection belongs to one thread at a time; every thread may use the database. */
#ifndef CAIS_SQL_SQL_H
#define CAIS_SQL_SQL_H

#include "base/clock.h"
#include "base/err.h"

/* ---- values ---- */

enum sql_type { SQL_NULL, SQL_INT, SQL_TEXT, SQL_BLOB };

struct sql_value {
    enum sql_type type;
    int64_t integer;
    slice bytes; /* of TEXT and BLOB */
};
#define SQL_I(v) ((struct sql_value){ SQL_INT, (v), { 0, 0 } })
#define SQL_T(s) ((struct sql_value){ SQL_TEXT, 0, (s) })
#define SQL_B(s) ((struct sql_value){ SQL_BLOB, 0, (s) })
#define SQL_NIL ((struct sql_value){ SQL_NULL, 0, { 0, 0 } })

/* The values of one statement, in the order of $1 $2 …: SQL(SQL_I(id), SQL_T(name)). Borrowed. */
struct sql_args {
    const struct sql_value *values;
    size_t count;
};
#define SQL(...)                                                                                                       \
    ((struct sql_args){ (const struct sql_value[]){ __VA_ARGS__ },                                                     \
                        sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value) })
#define SQL_NO_VALUES ((struct sql_args){ NULL, 0 })

/* ---- statements ---- */

enum sql_dialect { SQL_SQLITE, SQL_POSTGRES, SQL_DIALECTS };

/* A statement in the words of each database. The texts live as long as the program, because each connection prepares
 * a statement once and finds it again by the address of its text. */
struct sql_statement {
    const char *where, *function; /* file:line and function that declare it, for tests; may be NULL */
    const char *text[SQL_DIALECTS];
};

/* A statement that every database understands: sql_exec(conn, STATEMENT("DELETE FROM things"), …). The text must be a
 * string literal. The macro also puts the statement into the section sql_statements, so that a test finds every
 * statement of the program and prepares it on each database. */
#define STATEMENT(text) SQL_STATEMENT_OF(text, text)
/* A statement whose words differ. `make` is a macro that expands to the text. Its first parameter is IN, and
 * IN(sqlite, postgres) is one of the two texts; more parameters may follow. What differs has a name in
 * meta/dialect_priv.h. An example is COMMENT_BYTES in meta/comment_store.c. */
#define STATEMENT_PAIR(make, ...)                                                                                      \
    SQL_STATEMENT_OF(make(SQL_IN_SQLITE, ##__VA_ARGS__), make(SQL_IN_POSTGRES, ##__VA_ARGS__))
#define SQL_IN_SQLITE(sqlite, postgres) sqlite
#define SQL_IN_POSTGRES(sqlite, postgres) postgres

/* The section holds pointers: a compiler may leave gaps between structs, but not between pointers. */
#define SQL_STATEMENT_OF(sqlite, postgres)                                                                             \
    __extension__({                                                                                                    \
        static const struct sql_statement statement_ = { ERR_HERE, __func__, { "" sqlite, "" postgres } };             \
        static const struct sql_statement *const registered_ __attribute__((used, section("sql_statements"))) =        \
            &statement_;                                                                                               \
        &statement_;                                                                                                   \
    })

/* ---- what a driver implements ---- */

struct sql_db {
    const struct sql_driver *driver;
};
struct sql_conn {
    const struct sql_driver *driver;
};
struct sql_cursor {
    struct sql_conn *conn;
};

enum sql_mode { SQL_READ, SQL_WRITE };

struct sql_driver {
    const char *name;
    enum sql_dialect dialect;
    MUST_USE err_t (*connect)(struct sql_db *, enum sql_mode, struct arena *a, struct sql_conn **ret_conn);
    void (*disconnect)(struct sql_conn *);
    /* Starts a statement. `sql`, its text in the driver's dialect, lives as long as the connection, which prepares it
     * once and finds it again by its address. The values are borrowed until the cursor is closed. A driver that declares
     * types declares BIGINT for INT, TEXT for TEXT and bytes for BLOB, whatever the column is. */
    MUST_USE err_t (*query)(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                            struct sql_cursor **ret_cursor);
    /* The same for a text that was made for this call: it is prepared for it alone, and borrowed until the cursor is closed. */
    MUST_USE err_t (*query_once)(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                                 struct sql_cursor **ret_cursor);
    /* From now on, no statement of the connection runs on when the monotonic time is deadline_ms or later, and its
     * cursor gives EXPIRED. It may be late by the time that one value takes. clock: borrowed; NULL: there is no limit. */
    void (*set_deadline)(struct sql_conn *, struct clock *, int64_t deadline_ms);
    /* Moves to the next row; *ret_row is false after the last one. */
    MUST_USE err_t (*next)(struct sql_cursor *, struct arena *a, bool *ret_row);
    /* A column of the current row, counted from 0. Its bytes are borrowed until next or close. */
    struct sql_value (*column)(struct sql_cursor *, int index);
    void (*close)(struct sql_cursor *);
    /* The number of rows that the last changing statement changed. */
    int64_t (*changed)(struct sql_conn *);
    /* Runs an INSERT of one row into a table whose key is `id`, and returns that id; 0 when ON CONFLICT DO NOTHING left
     * the row out. A driver whose database does not remember the id of the last row appends RETURNING id to the text. */
    MUST_USE err_t (*insert)(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                             int64_t *ret_id);
    /* Begins a transaction. On a WRITE connection it may write from its first statement on. On a READ connection it is
     * a snapshot, taken by its first statement at the latest. A transaction that is still open is rolled back first. */
    MUST_USE err_t (*begin)(struct sql_conn *, struct arena *a);
    /* After an error it is unknown whether the transaction was committed; call rollback. */
    MUST_USE err_t (*commit)(struct sql_conn *, struct arena *a);
    /* The same, but it need not be on stable storage when it returns. It survives the end of the process. A power failure, or a
     * flush that fails, may undo it together with all that were committed after it, and never without them: what is left is what
     * some earlier commit left. From the next flush, commit or checkpoint that succeeds it is on stable storage. */
    MUST_USE err_t (*commit_ordered)(struct sql_conn *, struct arena *a);
    /* Brings all that was committed before to stable storage. On a WRITE connection, outside of a transaction. */
    MUST_USE err_t (*flush)(struct sql_conn *, struct arena *a);
    void (*rollback)(struct sql_conn *); /* without a transaction it does nothing */
    /* Runs several statements that are separated by semicolons and have no values: migrations. */
    MUST_USE err_t (*script)(struct sql_conn *, const char *sql, struct arena *a);
    /* The size of the write-ahead log in bytes; 0 where there is none. Cheap: no system call. */
    int64_t (*wal_bytes)(struct sql_db *);
    /* Has a flush failed since the database was opened? Then every transaction and checkpoint of a WRITE connection is
     * refused with UNAVAILABLE until it is opened again; reads go on. Cheap: no system call. Thread: any. */
    bool (*flush_failed)(struct sql_db *);
    /* Copies the write-ahead log into the database file.
     *   restart false   copies what can be copied without waiting for any reader or writer
     *   restart true    copies up to the log's end and waits shortly (20 ms) for readers, so that the next write starts
     *                   the log again from its front. The log's file keeps its blocks, up to 64 MiB, because
     *                   overwriting them is cheaper than allocating new ones.
     * It is no error when readers or writers keep part of the log from being copied; wal_bytes shows what is left. */
    MUST_USE err_t (*checkpoint)(struct sql_conn *, bool restart, struct arena *a);
    /* Makes a consistent copy of the database at `path` while the database is in use. The copy is not synced.
     * Errors: also CONFLICT when `path` exists. */
    MUST_USE err_t (*backup)(struct sql_conn *, const char *path, struct arena *a);
    /* Runs the database's own check of its pages, indexes and foreign keys, and looks for values of another type than
     * that of their column, if the database allows them. CORRUPT, with the findings as lines of its text, when something is wrong;
     * they may be cut at a hundred. */
    MUST_USE err_t (*verify)(struct sql_conn *, struct arena *a);
    /* Compares the schema of the database with the one that the scripts make in an empty one: a trigger, view, table,
     * index or column more or less is CORRUPT, and the error names it. Comments, white space and the statistics of the
     * query planner do not count. A database that nobody can hand over as a file may accept every schema. */
    MUST_USE err_t (*match_schema)(struct sql_conn *, const char *const *scripts, size_t count, struct arena *a);
    void (*close_db)(struct sql_db *);
};

/* ---- what callers use: each function calls the driver's function of that name ---- */

MUST_USE err_t sql_connect(struct sql_db *, enum sql_mode, struct arena *a, struct sql_conn **ret_conn);
void sql_disconnect(struct sql_conn *); /* NULL is fine */
MUST_USE err_t sql_query(struct sql_conn *, const struct sql_statement *, struct sql_args args, struct arena *a,
                         struct sql_cursor **ret_cursor);
/* For statements that are compiled from the question of somebody. Everything of the question is a value, and nothing of it stands in
 * the text. */
MUST_USE err_t sql_query_once(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                              struct sql_cursor **ret_cursor);
void sql_set_deadline(struct sql_conn *, struct clock *, int64_t deadline_ms);
/* Errors: also those of arena_check, so that a loop over rows whose number the input decides ends. */
MUST_USE err_t sql_next(struct sql_cursor *, struct arena *a, bool *ret_row);
struct sql_value sql_column(struct sql_cursor *, int index);
int64_t sql_column_int(struct sql_cursor *, int index); /* 0 for NULL */
/* Text or blob, copied; empty for NULL. Without room in the arena it is empty, too, and the next arena_check reports it. */
slice sql_column_copy(struct sql_cursor *, int index, struct arena *a);
void sql_close(struct sql_cursor *); /* NULL is fine */
static inline void sql_closep(struct sql_cursor **c)
{
    sql_close(*c);
}
/* Runs a statement to its end. ret_changed, the number of rows that it changed, may be NULL. */
MUST_USE err_t sql_exec(struct sql_conn *, const struct sql_statement *, struct sql_args args, struct arena *a,
                        int64_t *ret_changed);
/* The first column of the first row as an integer. Errors: also NOT_FOUND when there is no row. */
MUST_USE err_t sql_get_int(struct sql_conn *, const struct sql_statement *, struct sql_args args, struct arena *a,
                           int64_t *ret_value);
MUST_USE err_t sql_insert(struct sql_conn *, const struct sql_statement *, struct sql_args args, struct arena *a,
                          int64_t *ret_id);
MUST_USE err_t sql_begin(struct sql_conn *, struct arena *a);
MUST_USE err_t sql_commit(struct sql_conn *, struct arena *a);
MUST_USE err_t sql_commit_ordered(struct sql_conn *, struct arena *a);
MUST_USE err_t sql_flush(struct sql_conn *, struct arena *a);
void sql_rollback(struct sql_conn *);
MUST_USE err_t sql_script(struct sql_conn *, const char *sql, struct arena *a);
int64_t sql_wal_bytes(struct sql_db *);
bool sql_flush_failed(struct sql_db *);
MUST_USE err_t sql_checkpoint(struct sql_conn *, bool restart, struct arena *a);
MUST_USE err_t sql_backup(struct sql_conn *, const char *path, struct arena *a);
MUST_USE err_t sql_verify(struct sql_conn *, struct arena *a);
MUST_USE err_t sql_match_schema(struct sql_conn *, const char *const *scripts, size_t count, struct arena *a);
void sql_close_db(struct sql_db *); /* NULL is fine */

#endif
