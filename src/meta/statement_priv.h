/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of a transaction in one call each, and columns of the types that several records share. */
#ifndef CAIS_META_STATEMENT_PRIV_H
#define CAIS_META_STATEMENT_PRIV_H

#include "core/records/credential.h"
#include "core/records/digest.h"
#include "meta/store_priv.h"
#include "sql/sql.h"

/* ---- reading ---- */

MUST_USE err_t tx_query(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a,
                        struct sql_cursor **ret_cursor);
/* Runs a query and moves to its first row. NOT_FOUND "no such WHAT" when there is no row. */
MUST_USE err_t tx_one(struct meta_tx *, const char *what, const struct sql_statement *, struct sql_args args,
                      struct arena *a, struct sql_cursor **ret_cursor);
/* The first column of the first row. NOT_FOUND when there is no row. */
MUST_USE err_t tx_int(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a,
                      int64_t *ret_value);

/* Reads one record from the current row of a cursor; its slices are copied into `a`. */
typedef void row_fn(struct sql_cursor *, struct arena *a, void *ret_record);
/* A row_fn for a query whose only column is an id: an int64_t. */
void read_id_row(struct sql_cursor *, struct arena *a, void *ret_id);
/* Where the records of a query go: LIST_OF(read_user_row, ret) for a `struct user_list *ret`. */
struct row_list {
    size_t record_size;
    row_fn *read_row;
    void *ret_items; /* a pointer to the list's `items` */
    size_t *ret_count;
};
#define LIST_OF(read_row, ret) (&(struct row_list){ sizeof *(ret)->items, (read_row), &(ret)->items, &(ret)->count })
/* Runs a query and reads every row. The list is written only on success. */
MUST_USE err_t tx_list(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a,
                       const struct row_list *list);

/* ---- writing ---- */

/* Runs a statement that adds rows, or that changes rows which no cache holds. */
MUST_USE err_t tx_add(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a);
MUST_USE err_t tx_add_counted(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a,
                              int64_t *ret_changed);
/* As tx_add, for a statement that ends in RETURNING and changes one row at most. NOT_FOUND when it changed none. */
MUST_USE err_t tx_add_returning(struct meta_tx *, const char *what, const struct sql_statement *, struct sql_args args,
                                struct arena *a, struct sql_cursor **ret_cursor);
/* Adds one row to a table whose key is `id`. *ret_id is 0 when the statement added none. */
MUST_USE err_t tx_insert(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a,
                         int64_t *ret_id);
/* Adds a row as tx_insert does, unless there is one with its name: CONFLICT "there is such a WHAT already". The statement
 * looks for that row (WHERE NOT EXISTS), so that no id is used up for nothing, and ends with ON CONFLICT DO NOTHING,
 * because another machine may add the row at the same time: an error of the database would end the whole transaction. */
MUST_USE err_t tx_insert_new(struct meta_tx *, const char *what, const struct sql_statement *, struct sql_args args,
                             struct arena *a, int64_t *ret_id);
/* Holds the row that a SELECT names until the transaction ends, so that no other machine changes it, or what is counted
 * under it, meanwhile; waits for one that holds it. *ret_there: whether there is the row. The statement ends with HELD
 * or HELD_FOR_REMOVAL (dialect_priv.h). Over SQLite, where the committer is the only writer, nothing is read and
 * *ret_there is true. Rows are held in the order of their ids. */
MUST_USE err_t tx_hold(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a,
                       bool *ret_there);
/* An id that no row ever had. */
MUST_USE err_t tx_next_id(struct meta_tx *, enum id_kind, struct arena *a, int64_t *ret_id);
/* Runs a statement that changes or removes rows. When it did, the commit raises the generation (meta_generation).
 * ret_changed may be NULL. */
MUST_USE err_t tx_change(struct meta_tx *, const struct sql_statement *, struct sql_args args, struct arena *a,
                         int64_t *ret_changed);
/* As tx_change, for one record. NOT_FOUND "no such WHAT" when no row was changed. */
MUST_USE err_t tx_change_one(struct meta_tx *, const char *what, const struct sql_statement *, struct sql_args args,
                             struct arena *a);

/* ---- values and columns ---- */

/* The id of another record, or NULL for 0. */
static inline struct sql_value sql_id(int64_t id)
{
    return id ? SQL_I(id) : SQL_NIL;
}
/* A number of rows, for LIMIT and OFFSET. */
static inline struct sql_value sql_limit(size_t rows)
{
    return SQL_I(rows > INT64_MAX ? INT64_MAX : (int64_t)rows);
}
#define SQL_BYTES(p, n) SQL_B(((slice){ (const char *)(p), (n) }))
/* A number of bytes. One below 0, which this program never writes, is 0: it could not be counted back. */
uint64_t column_size(struct sql_cursor *, int index);
/* Bytes of a fixed size. They are zeros when the column holds another size. */
void column_bytes(struct sql_cursor *, int index, unsigned char *ret_bytes, size_t size);

/* KEY_NO_ROLE for a number that this program does not write. */
enum key_role column_key_role(struct sql_cursor *, int index);

/* As many bytes as a digest of that kind has; none for DIGEST_NONE. Borrowed. */
struct sql_value sql_digest(const struct digest *);
/* Kind, form and bytes of a digest from three columns. form_index -1: there is no such column, the form is
 * DIGEST_WHOLE. A digest that this program cannot have written (meta_check_rows) is none. */
void column_digest(struct sql_cursor *, int kind_index, int form_index, int bytes_index, struct digest *ret);
enum digest_kind column_digest_kind(struct sql_cursor *, int index);
enum digest_form column_digest_form(struct sql_cursor *, int index);
/* Are these the bytes of a digest of that kind? */
bool digest_column_fits(enum digest_kind, const struct sql_value *);

#endif
