/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the store, its transactions, and short ways to say a statement. */
#ifndef CAIS_META_META_PRIV_H
#define CAIS_META_META_PRIV_H

#include "core/records/digest.h"
#include "core/records/file.h"
#include "core/records/ticket.h"
#include "meta/meta.h"

#include <stdatomic.h>

/* ---- the schema's history, generated from migrations/ ---- */

struct migration {
    int64_t version;
    const char *name, *sql;
};
extern const struct migration migrations[];
extern const size_t migration_count;

/* ---- the store ---- */

struct meta_tx {
    struct meta_store *store;
    struct sql_conn *conn;
    bool writes;
    bool changed; /* anything was added, changed or removed */
    bool touched; /* a record that existed before was changed or removed */
};

/* A connection for snapshots. Between snapshots it waits in the store's list. */
struct reader {
    struct meta_tx tx; /* first, so that a snapshot is its reader */
    struct reader *next;
};

/* Ids that are taken from the database but not yet given to a row. */
enum id_kind { OBJECT_IDS, FILE_IDS, ID_KINDS };
struct id_block {
    int64_t next, end;
};

struct committer;

struct meta_store {
    struct sql_db *db;
    struct meta_options options;
    struct sql_conn *writer; /* NULL when read_only */
    atomic_ullong generation;
    struct id_block ids[ID_KINDS]; /* the writer's */
    struct committer *committer;   /* NULL when read_only */
    pthread_mutex_t readers_lock;
    struct reader *readers;
};

/* To be called after every rollback: it may have undone the taking of a block. */
void forget_ids(struct meta_store *);
MUST_USE err_t committer_start(struct meta_store *, struct arena *a);
void committer_stop(struct meta_store *); /* finishes what was submitted; not started is fine */
MUST_USE err_t reader_take(struct meta_store *, struct arena *a, struct reader **ret_reader);
void reader_give(struct meta_store *, struct reader *);

/* ---- statements ---- */

/* Start a statement that reads. */
MUST_USE err_t tx_query(struct meta_tx *, const char *sql, struct sql_args args, struct arena *a,
                        struct sql_cursor **ret_cursor);
/* The same, and its first row; NOT_FOUND "no such WHAT" when there is none. */
MUST_USE err_t tx_one(struct meta_tx *, const char *what, const char *sql, struct sql_args args, struct arena *a,
                      struct sql_cursor **ret_cursor);
/* Run a statement that adds rows, or changes what nobody caches. */
MUST_USE err_t tx_add(struct meta_tx *, const char *sql, struct sql_args args, struct arena *a);
MUST_USE err_t tx_add_counted(struct meta_tx *, const char *sql, struct sql_args args, struct arena *a,
                              int64_t *ret_changed);
MUST_USE err_t tx_insert(struct meta_tx *, const char *sql, struct sql_args args, struct arena *a, int64_t *ret_id);
/* An id that no row ever had. */
MUST_USE err_t tx_next_id(struct meta_tx *, enum id_kind, struct arena *a, int64_t *ret_id);
/* Run a statement that changes or removes rows, and remember that it did. ret_changed may be NULL. */
MUST_USE err_t tx_change(struct meta_tx *, const char *sql, struct sql_args args, struct arena *a,
                         int64_t *ret_changed);
/* The same for one record; NOT_FOUND "no such WHAT" when nothing changed. */
MUST_USE err_t tx_change_one(struct meta_tx *, const char *what, const char *sql, struct sql_args args,
                             struct arena *a);
MUST_USE err_t tx_int(struct meta_tx *, const char *sql, struct sql_args args, struct arena *a, int64_t *ret_value);

/* Reads one record from the current row of a cursor; its slices are copied into `a`. */
typedef void row_fn(struct sql_cursor *, struct arena *a, void *ret_record);
/* Where the records of a query go: LIST_OF(read_user, ret) for a `struct user_list *ret`. */
struct row_list {
    size_t record_size;
    row_fn *read_row;
    void *ret_items; /* a pointer to the list's `items` */
    size_t *ret_count;
};
#define LIST_OF(read_row, ret) (&(struct row_list){ sizeof *(ret)->items, (read_row), &(ret)->items, &(ret)->count })
/* Runs a query and reads every row; the list is written only on success. */
MUST_USE err_t tx_list(struct meta_tx *, const char *sql, struct sql_args args, struct arena *a,
                       const struct row_list *list);

/* An id that may be missing: 0 is NULL. */
static inline struct sql_value sql_id(int64_t id)
{
    return id ? SQL_I(id) : SQL_NIL;
}
/* A number of rows, for LIMIT and OFFSET. */
static inline struct sql_value sql_limit(size_t rows)
{
    return SQL_I(rows > INT64_MAX ? INT64_MAX : (int64_t)rows);
}
/* Fixed-size bytes of a column; zeros when it holds another size. */
void column_bytes(struct sql_cursor *, int index, unsigned char *ret_bytes, size_t size);
/* The digest's own bytes, as many as its kind has; none of DIGEST_NONE. Borrowed. */
struct sql_value sql_digest(const struct digest *);
/* The other way round: kind, form and bytes from three columns; form_index -1: DIGEST_WHOLE. */
void column_digest(struct sql_cursor *, int kind_index, int form_index, int bytes_index, struct digest *ret);
#define SQL_BYTES(p, n) SQL_B(((slice){ (const char *)(p), (n) }))

/* ---- rows that are read together with others ---- */

/* Of files f. What is READY (2) was confirmed: most files are, and of them no ticket is looked up. */
#define FILE_IS_PENDING                                                                                                \
    "CASE WHEN f.state < 2 AND EXISTS (SELECT 1 FROM tickets p WHERE p.file_id = f.id AND p.confirmed_at_ms = 0)"      \
    " THEN 1 ELSE 0 END"
/* Of files f and users u. */
#define FILE_COLUMNS                                                                                                   \
    "f.id, f.uuid, f.account_id, f.owner_id, COALESCE(u.login, ''), f.way, f.name, f.content_type, f.state,"           \
    " f.object_id, f.size_bytes, f.md5, f.created_at_ms, f.stored_at_ms, f.purge_at_ms, " FILE_IS_PENDING
/* Of tickets k. */
#define TICKET_COLUMNS                                                                                                 \
    "k.file_id, k.bucket_id, k.key, k.declared_bytes, k.expires_at_ms, k.confirmed_at_ms, k.task_id, k.comment_id"
enum { FILE_COLUMN_COUNT = 16, TICKET_COLUMN_COUNT = 8 };
/* From these columns, the first of which is number `first`. */
void read_file_columns(struct sql_cursor *, int first, struct arena *a, struct file *ret);
void read_ticket_columns(struct sql_cursor *, int first, struct arena *a, struct ticket *ret);

#endif
