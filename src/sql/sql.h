/* SPDX-License-Identifier: Apache-2.0 */
/* A small driver interface over a relational database: connect, prepare, bind, step, transaction. All metadata SQL is
 * written once against it, in src/meta, with $1 $2 … for values, numbered in order of first use. Where databases
 * differ, the difference lives in the driver or in a named pair of statements.
 *
 * Kept by sqlite; tests/conformance/sql.c holds every driver to it; fault wraps any of them.
 *
 * Errors of every call: NO_SPACE disk or quota full; CONFLICT a unique, foreign key or check constraint said no;
 * CORRUPT the database is damaged; UNAVAILABLE anything else (busy, I/O, connection lost).
 * Thread   a connection belongs to one thread at a time; a database may be used by all. */
#ifndef CAIS_SQL_SQL_H
#define CAIS_SQL_SQL_H

#include "base/err.h"

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
/* The values of one statement, in the order of its $1 $2 …: SQL(SQL_I(id), SQL_T(name)). Borrowed. */
struct sql_args {
    const struct sql_value *values;
    size_t count;
};
#define SQL(...)                                                                                                       \
    ((struct sql_args){ (const struct sql_value[]){ __VA_ARGS__ },                                                     \
                        sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value) })
#define SQL_NO_VALUES ((struct sql_args){ NULL, 0 })

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
    MUST_USE err_t (*connect)(struct sql_db *, enum sql_mode, struct arena *a, struct sql_conn **ret_conn);
    void (*disconnect)(struct sql_conn *);
    /* Start a statement. `sql` must be a string literal (or live as long as the connection): it is prepared once per
     * connection and kept under its address. Values are borrowed until the cursor is closed. */
    MUST_USE err_t (*query)(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                            struct sql_cursor **ret_cursor);
    MUST_USE err_t (*next)(struct sql_cursor *, struct arena *a, bool *ret_row);
    /* Column of the current row, from 0; bytes are borrowed until next or close. */
    struct sql_value (*column)(struct sql_cursor *, int index);
    void (*close)(struct sql_cursor *);
    /* Rows changed by the last statement that changed any. */
    int64_t (*changed)(struct sql_conn *);
    /* Run an INSERT of one row into a table whose key is `id`, and tell the id. A driver whose database does not
     * remember it adds RETURNING id to the text. */
    MUST_USE err_t (*insert)(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                             int64_t *ret_id);
    /* A transaction: of a WRITE connection one that may write from the start, of a READ connection a snapshot, which is
     * taken by the first statement at the latest. A transaction left over from before is rolled back first. */
    MUST_USE err_t (*begin)(struct sql_conn *, struct arena *a);
    /* After an error nothing is known about the outcome; call rollback. */
    MUST_USE err_t (*commit)(struct sql_conn *, struct arena *a);
    void (*rollback)(struct sql_conn *); /* nothing to roll back is fine */
    /* Several statements separated by semicolons, without values: migrations. */
    MUST_USE err_t (*script)(struct sql_conn *, const char *sql, struct arena *a);
    /* Bytes waiting in the write-ahead log; 0 where there is none. Cheap. */
    int64_t (*log_bytes)(struct sql_db *);
    /* Move the write-ahead log into the database: without waiting for anybody (restart false), or to its end, waiting a
     * little for readers, so that it starts again from its front (its file keeps its blocks, up to 64 MiB: overwriting
     * them is cheaper than asking for new ones). What others keep from being done is no error: log_bytes tells. */
    MUST_USE err_t (*checkpoint)(struct sql_conn *, bool restart, struct arena *a);
    /* A consistent copy of the whole database at `path` (which must not exist), while it is in use. Not synced. */
    MUST_USE err_t (*backup)(struct sql_conn *, const char *path, struct arena *a);
    /* The database's own check of its pages and indexes; CORRUPT with its first complaint. */
    MUST_USE err_t (*verify)(struct sql_conn *, struct arena *a);
    void (*close_db)(struct sql_db *);
};

MUST_USE err_t sql_connect(struct sql_db *, enum sql_mode, struct arena *a, struct sql_conn **ret_conn);
void sql_disconnect(struct sql_conn *); /* NULL is fine */
MUST_USE err_t sql_query(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                         struct sql_cursor **ret_cursor);
MUST_USE err_t sql_next(struct sql_cursor *, struct arena *a, bool *ret_row);
struct sql_value sql_column(struct sql_cursor *, int index);
int64_t sql_column_int(struct sql_cursor *, int index);                 /* 0 for NULL */
slice sql_column_copy(struct sql_cursor *, int index, struct arena *a); /* text or blob, copied; empty for NULL */
void sql_close(struct sql_cursor *);                                    /* NULL is fine */
static inline void sql_closep(struct sql_cursor **c)
{
    sql_close(*c);
}
/* Run a statement to its end; ret_changed (rows changed by this statement) may be NULL. */
MUST_USE err_t sql_exec(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                        int64_t *ret_changed);
/* The first column of the first row as an integer; NOT_FOUND when there is no row. */
MUST_USE err_t sql_get_int(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                           int64_t *ret_value);
/* Run an INSERT of one row into a table whose key is `id`. */
MUST_USE err_t sql_insert(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a, int64_t *ret_id);
MUST_USE err_t sql_begin(struct sql_conn *, struct arena *a);
MUST_USE err_t sql_commit(struct sql_conn *, struct arena *a);
void sql_rollback(struct sql_conn *);
MUST_USE err_t sql_script(struct sql_conn *, const char *sql, struct arena *a);
int64_t sql_log_bytes(struct sql_db *);
MUST_USE err_t sql_checkpoint(struct sql_conn *, bool restart, struct arena *a);
MUST_USE err_t sql_backup(struct sql_conn *, const char *path, struct arena *a);
MUST_USE err_t sql_verify(struct sql_conn *, struct arena *a);
void sql_close_db(struct sql_db *); /* NULL is fine */

#endif
