/* SPDX-License-Identifier: Apache-2.0 */
/* Runs statements of a transaction, and notes in the transaction what they did: the committer has to know whether a
 * write that failed left anything behind, and whether caches may hold what it changed. */
#include "meta/statement_priv.h"

#include <assert.h>
#include <string.h>

err_t tx_query(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
               struct sql_cursor **ret_cursor)
{
    return sql_query(tx->conn, statement, args, a, ret_cursor);
}

err_t tx_one(struct meta_tx *tx, const char *what, const struct sql_statement *statement, struct sql_args args,
             struct arena *a, struct sql_cursor **ret_cursor)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(tx->conn, statement, args, a, &cursor));
    bool row;
    TRY(sql_next(cursor, a, &row));
    if (!row)
        return err_make(a, ERR_NOT_FOUND, "no such %s", what);
    *ret_cursor = cursor;
    cursor = NULL;
    return NULL;
}

err_t tx_add_counted(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                     int64_t *ret_changed)
{
    assert(tx->is_write);
    int64_t changed;
    TRY(sql_exec(tx->conn, statement, args, a, &changed));
    if (changed > 0)
        tx->has_written = true;
    if (ret_changed)
        *ret_changed = changed;
    return NULL;
}

err_t tx_add(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a)
{
    return tx_add_counted(tx, statement, args, a, NULL);
}

err_t tx_add_returning(struct meta_tx *tx, const char *what, const struct sql_statement *statement,
                       struct sql_args args, struct arena *a, struct sql_cursor **ret_cursor)
{
    assert(tx->is_write);
    TRY(tx_one(tx, what, statement, args, a, ret_cursor));
    tx->has_written = true;
    return NULL;
}

err_t tx_insert(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                int64_t *ret_id)
{
    assert(tx->is_write);
    int64_t id;
    TRY(sql_insert(tx->conn, statement, args, a, &id));
    if (id)
        tx->has_written = true;
    *ret_id = id;
    return NULL;
}

err_t tx_insert_new(struct meta_tx *tx, const char *what, const struct sql_statement *statement, struct sql_args args,
                    struct arena *a, int64_t *ret_id)
{
    int64_t id;
    TRY(tx_insert(tx, statement, args, a, &id));
    if (!id)
        return err_make(a, ERR_CONFLICT, "there is such a %s already", what);
    *ret_id = id;
    return NULL;
}

err_t tx_hold(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
              bool *ret_there)
{
    assert(tx->is_write);
    *ret_there = true;
    if (tx->conn->driver->dialect == SQL_SQLITE)
        return NULL;
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(tx->conn, statement, args, a, &cursor));
    return sql_next(cursor, a, ret_there);
}

/* How many ids are reserved at a time. At most so many stay unused when the server stops or a batch is rolled back. Few
 * for jobs, whose ids people type. */
static const struct {
    const char *kind;
    int64_t block_size;
} id_kinds[] = { [OBJECT_IDS] = { "objects", 256 }, [FILE_IDS] = { "files", 256 }, [JOB_IDS] = { "jobs", 16 } };

err_t tx_next_id(struct meta_tx *tx, enum id_kind kind, struct arena *a, int64_t *ret_id)
{
    assert(tx->is_write);
    struct id_block *block = &tx->store->ids[kind];
    if (block->next == block->end) {
        int64_t end;
        TRY(sql_get_int(tx->conn,
                        STATEMENT("UPDATE next_ids SET next_id = next_id + $1 WHERE kind = $2 RETURNING next_id"),
                        SQL(SQL_I(id_kinds[kind].block_size), SQL_T(slice_of(id_kinds[kind].kind))), a, &end));
        *block = (struct id_block){ .next = end - id_kinds[kind].block_size, .end = end };
    }
    *ret_id = block->next++;
    return NULL;
}

/* An id that no row will have. */
static err_t skip_an_id(struct meta_tx *tx, void *arg, struct arena *a)
{
    (void)arg;
    return tx_add(tx, STATEMENT("UPDATE next_ids SET next_id = next_id + 1 WHERE kind = 'objects'"), SQL_NO_VALUES, a);
}

err_t meta_probe(struct meta_store *store, struct arena *a)
{
    return meta_write(store, skip_an_id, NULL, a);
}

void forget_ids(struct meta_store *store)
{
    memset(store->ids, 0, sizeof store->ids);
}

err_t tx_change(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                int64_t *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(tx, statement, args, a, &changed));
    if (changed > 0)
        tx->changed_existing = true;
    if (ret_changed)
        *ret_changed = changed;
    return NULL;
}

err_t tx_change_one(struct meta_tx *tx, const char *what, const struct sql_statement *statement, struct sql_args args,
                    struct arena *a)
{
    int64_t changed;
    TRY(tx_change(tx, statement, args, a, &changed));
    return changed ? NULL : err_make(a, ERR_NOT_FOUND, "no such %s", what);
}

err_t tx_int(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
             int64_t *ret_value)
{
    return sql_get_int(tx->conn, statement, args, a, ret_value);
}

err_t tx_list(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
              const struct row_list *list)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(tx->conn, statement, args, a, &cursor));
    char *records = NULL;
    size_t used = 0, room = 0;
    for (;;) {
        bool row;
        TRY(sql_next(cursor, a, &row));
        if (!row)
            break;
        if (used == room) {
            room = room ? room * 2 : 8;
            if (!arena_has_room(a, room * list->record_size)) {
                arena_mark_over(a);
                return arena_check(a);
            }
            char *more = arena_alloc_array(a, list->record_size, room);
            if (used)
                memcpy(more, records, used * list->record_size);
            records = more;
        }
        list->read_row(cursor, a, records + used++ * list->record_size);
    }
    memcpy(list->ret_items, &records, sizeof records);
    *list->ret_count = used;
    return NULL;
}

void read_id_row(struct sql_cursor *c, struct arena *a, void *ret_id)
{
    (void)a;
    *(int64_t *)ret_id = sql_column_int(c, 0);
}

void column_bytes(struct sql_cursor *cursor, int index, unsigned char *ret_bytes, size_t size)
{
    struct sql_value v = sql_column(cursor, index);
    if (v.type == SQL_BLOB && v.bytes.n == size)
        memcpy(ret_bytes, v.bytes.p, size);
    else
        memset(ret_bytes, 0, size);
}

static const unsigned char digest_sizes[DIGEST_KINDS] = {
    [DIGEST_CRC32] = 4,   [DIGEST_CRC32C] = 4, [DIGEST_CRC64NVME] = 8, [DIGEST_SHA1] = 20,   [DIGEST_SHA256] = 32,
    [DIGEST_SHA512] = 64, [DIGEST_MD5] = 16,   [DIGEST_XXHASH64] = 8,  [DIGEST_XXHASH3] = 8, [DIGEST_XXHASH128] = 16
};

struct sql_value sql_digest(const struct digest *digest)
{
    return SQL_BYTES(digest->bytes, digest_sizes[digest->kind]);
}

uint64_t column_size(struct sql_cursor *cursor, int index)
{
    int64_t size = sql_column_int(cursor, index);
    return size > 0 ? (uint64_t)size : 0;
}

enum key_role column_key_role(struct sql_cursor *cursor, int index)
{
    int64_t role = sql_column_int(cursor, index);
    return role >= 0 && role < KEY_NO_ROLE ? (enum key_role)role : KEY_NO_ROLE;
}

enum digest_kind column_digest_kind(struct sql_cursor *cursor, int index)
{
    int64_t kind = sql_column_int(cursor, index);
    return kind >= 0 && kind < DIGEST_KINDS ? (enum digest_kind)kind : DIGEST_NONE;
}

enum digest_form column_digest_form(struct sql_cursor *cursor, int index)
{
    return sql_column_int(cursor, index) == DIGEST_OF_PARTS ? DIGEST_OF_PARTS : DIGEST_WHOLE;
}

void column_digest(struct sql_cursor *cursor, int kind_index, int form_index, int bytes_index, struct digest *ret)
{
    *ret = (struct digest){ .kind = column_digest_kind(cursor, kind_index) };
    struct sql_value v = sql_column(cursor, bytes_index);
    if (!digest_column_fits(ret->kind, &v)) {
        ret->kind = DIGEST_NONE;
        return;
    }
    if (form_index >= 0)
        ret->form = column_digest_form(cursor, form_index);
    if (v.bytes.n)
        memcpy(ret->bytes, v.bytes.p, v.bytes.n);
}

bool digest_column_fits(enum digest_kind kind, const struct sql_value *v)
{
    return v->bytes.n == digest_sizes[kind] && (v->type == SQL_BLOB || v->bytes.n == 0);
}
