/* SPDX-License-Identifier: Apache-2.0 */
/* The dataset store keeps typed rows, a table for each dataset, and answers questions about them. Rows are only ever added,
 * a whole file at a time. duckdb and mem implement it, and one conformance suite holds both to this contract.
 *
 * Ids      Core chooses the id of a dataset, and that of each file whose rows are added.
 * Rows     have numbers, from 1 on, in the order in which they were added. Those of a file become visible together.
 * Tables   of different datasets have nothing in common: when one is damaged, the others work. Any number may exist; the
 *          store opens them when they are needed, and closes some when many are open.
 * Memory   Errors, and the rows of a cursor, live in the arena of the call. Each writer must end by commit or discard, each
 *          cursor by close.
 * Errors of every call: NO_SPACE; UNAVAILABLE it may be retried; CORRUPT the table is damaged, and the text names its file.
 *          Calls that use a table: NOT_FOUND when there is none.
 * Thread   Any. A writer or cursor belongs to one thread at a time. One writer for a dataset at a time: open returns
 *          CONFLICT while there is another. Queries run beside it and see the rows that were there when they began. */
#ifndef CAIS_CORE_STORE_DATASET_STORE_H
#define CAIS_CORE_STORE_DATASET_STORE_H

#include "base/err.h"
#include "core/records/row_query.h"

/* So many rows of a writer, at most, have been added and not been written to the disk before its commit. DuckDB 1.4 writes whole
 * row groups of 122,880 rows, and its appender passes on 204,800 at a time; 290,000 were seen. */
#define DATASET_UNWRITTEN_ROWS 368640

struct dataset_store {
    const struct dataset_ops *ops;
};
struct dataset_writer {
    const struct dataset_ops *ops;
};
struct dataset_cursor {
    const struct dataset_ops *ops;
    int64_t newest_row;             /* the rows of the result are among those up to this one */
    uint64_t rows_read, bytes_read; /* rows that were looked at, and about how many bytes their columns take */
};

struct dataset_ops {
    const char *name; /* as in the configuration */
    /* Makes the table, or adds the columns that it lacks, at the end; rows that are there have nulls in them. The first
     * columns must be those that the table has, with their types (else INVALID). CONFLICT when columns would be added while
     * there is a writer. Durable when it returns. */
    MUST_USE err_t (*define)(struct dataset_store *, int64_t dataset_id, const struct column_list *, struct arena *a);
    /* Removes the table, durably. It is no error when there is none. CONFLICT while it has a writer or a cursor. */
    MUST_USE err_t (*remove)(struct dataset_store *, int64_t dataset_id, struct arena *a);

    /* Begins to add the rows of a file. Nobody sees them before the commit; a crash, or discard, leaves nothing of them.
     * Errors: CONFLICT there is a writer, or the table has rows of that file (has_file). */
    MUST_USE err_t (*open)(struct dataset_store *, int64_t dataset_id, int64_t file_id, struct arena *a,
                           struct dataset_writer **ret_writer);
    /* Adds rows: for each, a cell for every column of the table, in their order. The cells are borrowed for the call. Errors,
     * also of commit: TOO_LARGE the texts of neighbouring rows take more memory together than the store may use. */
    MUST_USE err_t (*add)(struct dataset_writer *, const struct cell *cells, size_t row_count, struct arena *a);
    /* Records the file and makes its rows visible, in one transaction on stable storage. Ends the writer, whatever the
     * result. After an error nothing was added; only after UNAVAILABLE it may have been: ask has_file. */
    MUST_USE err_t (*commit)(struct dataset_writer *, struct arena *a);
    void (*discard)(struct dataset_writer *); /* NULL is fine */
    /* *ret_has: the rows of the file were added; *ret_rows: how many. */
    MUST_USE err_t (*has_file)(struct dataset_store *, int64_t dataset_id, int64_t file_id, struct arena *a,
                               bool *ret_has, uint64_t *ret_rows);
    /* Calls `visit` for each file whose rows were added, by id. Stops at its first error and returns it. */
    MUST_USE err_t (*each_file)(struct dataset_store *, int64_t dataset_id, struct arena *a,
                                err_t (*visit)(void *arg, int64_t file_id, uint64_t rows), void *arg);

    /* Runs a query. The query is borrowed until the cursor is closed. Its columns begin with those of the table; others, which
     * define has not added yet, are null in every row. It has items, and neither members nor ROW_MATCHES.
     * limit_ms  how long the query may run in all, until the last row was read; 0: no limit
     * Errors: EXPIRED it ran too long, also from next; INVALID a value does not fit the type of its result, also from
     * next; TOO_LARGE it needs more memory than a query may have. */
    MUST_USE err_t (*query)(struct dataset_store *, int64_t dataset_id, const struct row_query *, int64_t limit_ms,
                            struct arena *a, struct dataset_cursor **ret_cursor);
    /* The next rows, at most as many as the store hands out at once. *ret_cells has a cell for each item of each row, and
     * is valid until the next call. *ret_count is 0 at the end. */
    MUST_USE err_t (*next)(struct dataset_cursor *, struct arena *a, const struct cell **ret_cells, size_t *ret_count);
    void (*close)(struct dataset_cursor *); /* NULL is fine */

    /* Calls `visit` for each dataset that has a table, in no particular order. */
    MUST_USE err_t (*each)(struct dataset_store *, struct arena *a, err_t (*visit)(void *arg, int64_t dataset_id),
                           void *arg);
    /* How many bytes the table takes on the disk, or would take: more than 0, also without rows. */
    MUST_USE err_t (*size)(struct dataset_store *, int64_t dataset_id, struct arena *a, uint64_t *ret_bytes);
    /* Reads the whole table. CORRUPT: it is damaged. */
    MUST_USE err_t (*verify)(struct dataset_store *, int64_t dataset_id, struct arena *a);
    /* Writes a consistent copy of the table to a new file at `path`, flushed; the store may be in use. UNSUPPORTED: the
     * store has no files. restore makes the table from such a file; CONFLICT when there is a table. */
    MUST_USE err_t (*backup)(struct dataset_store *, int64_t dataset_id, const char *path, struct arena *a);
    MUST_USE err_t (*restore)(struct dataset_store *, int64_t dataset_id, const char *path, struct arena *a);
    void (*close_store)(struct dataset_store *); /* every writer and cursor must have ended */
};

static inline void dataset_writer_discardp(struct dataset_writer **w)
{
    if (*w)
        (*w)->ops->discard(*w);
}

static inline void dataset_cursor_closep(struct dataset_cursor **c)
{
    if (*c)
        (*c)->ops->close(*c);
}

#endif
