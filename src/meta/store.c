/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, migrating, reading. Snapshots come from a list of idle connections: a thread takes one, nobody else has it
 * until it is given back, and there are never more than were needed at once. Writing is committer.c. */
#include "meta/meta_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- statements ---- */

err_t tx_query(struct meta_tx *tx, const char *sql, struct sql_args args, struct arena *a,
               struct sql_cursor **ret_cursor)
{
    return sql_query(tx->conn, sql, args, a, ret_cursor);
}

err_t tx_one(struct meta_tx *tx, const char *what, const char *sql, struct sql_args args, struct arena *a,
             struct sql_cursor **ret_cursor)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(tx->conn, sql, args, a, &cursor));
    bool row;
    TRY(sql_next(cursor, a, &row));
    if (!row)
        return err_make(a, ERR_NOT_FOUND, "no such %s", what);
    *ret_cursor = cursor;
    cursor = NULL;
    return NULL;
}

err_t tx_add_counted(struct meta_tx *tx, const char *sql, struct sql_args args, struct arena *a, int64_t *ret_changed)
{
    assert(tx->writes);
    int64_t changed;
    TRY(sql_exec(tx->conn, sql, args, a, &changed));
    if (changed > 0)
        tx->changed = true;
    if (ret_changed)
        *ret_changed = changed;
    return NULL;
}

err_t tx_add(struct meta_tx *tx, const char *sql, struct sql_args args, struct arena *a)
{
    return tx_add_counted(tx, sql, args, a, NULL);
}

err_t tx_insert(struct meta_tx *tx, const char *sql, struct sql_args args, struct arena *a, int64_t *ret_id)
{
    assert(tx->writes);
    TRY(sql_insert(tx->conn, sql, args, a, ret_id));
    tx->changed = true;
    return NULL;
}

#define IDS_AT_ONCE 256 /* so many are lost when the server stops, or a batch is rolled back */

err_t tx_next_id(struct meta_tx *tx, enum id_kind kind, struct arena *a, int64_t *ret_id)
{
    static const char *const names[] = { [OBJECT_IDS] = "objects", [FILE_IDS] = "files" };
    assert(tx->writes);
    struct id_block *block = &tx->store->ids[kind];
    if (block->next == block->end) {
        int64_t end;
        TRY(sql_get_int(tx->conn, "UPDATE next_ids SET next_id = next_id + $1 WHERE kind = $2 RETURNING next_id",
                        SQL(SQL_I(IDS_AT_ONCE), SQL_T(slice_of(names[kind]))), a, &end));
        *block = (struct id_block){ .next = end - IDS_AT_ONCE, .end = end };
    }
    *ret_id = block->next++;
    return NULL;
}

void forget_ids(struct meta_store *store)
{
    memset(store->ids, 0, sizeof store->ids);
}

err_t tx_change(struct meta_tx *tx, const char *sql, struct sql_args args, struct arena *a, int64_t *ret_changed)
{
    int64_t changed;
    TRY(tx_add_counted(tx, sql, args, a, &changed));
    if (changed > 0)
        tx->touched = true;
    if (ret_changed)
        *ret_changed = changed;
    return NULL;
}

err_t tx_change_one(struct meta_tx *tx, const char *what, const char *sql, struct sql_args args, struct arena *a)
{
    int64_t changed;
    TRY(tx_change(tx, sql, args, a, &changed));
    return changed ? NULL : err_make(a, ERR_NOT_FOUND, "no such %s", what);
}

err_t tx_int(struct meta_tx *tx, const char *sql, struct sql_args args, struct arena *a, int64_t *ret_value)
{
    return sql_get_int(tx->conn, sql, args, a, ret_value);
}

err_t tx_list(struct meta_tx *tx, const char *sql, struct sql_args args, struct arena *a, const struct row_list *list)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(tx->conn, sql, args, a, &cursor));
    char *records = NULL;
    size_t used = 0, room = 0;
    for (;;) {
        bool row;
        TRY(sql_next(cursor, a, &row));
        if (!row)
            break;
        if (used == room) {
            room = room ? room * 2 : 8;
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

void column_bytes(struct sql_cursor *cursor, int index, unsigned char *ret_bytes, size_t size)
{
    struct sql_value v = sql_column(cursor, index);
    if (v.type == SQL_BLOB && v.bytes.n == size)
        memcpy(ret_bytes, v.bytes.p, size);
    else
        memset(ret_bytes, 0, size);
}

struct sql_value sql_digest(const struct digest *digest)
{
    static const unsigned char sizes[DIGEST_KINDS] = {
        [DIGEST_CRC32] = 4, [DIGEST_CRC32C] = 4, [DIGEST_CRC64NVME] = 8, [DIGEST_SHA1] = 20, [DIGEST_SHA256] = 32
    };
    return SQL_BYTES(digest->bytes, sizes[digest->kind]);
}

void column_digest(struct sql_cursor *cursor, int kind_index, int form_index, int bytes_index, struct digest *ret)
{
    *ret = (struct digest){ .kind = (enum digest_kind)sql_column_int(cursor, kind_index) };
    if (form_index >= 0)
        ret->form = (enum digest_form)sql_column_int(cursor, form_index);
    struct sql_value v = sql_column(cursor, bytes_index);
    if (v.type == SQL_BLOB && v.bytes.n)
        memcpy(ret->bytes, v.bytes.p, v.bytes.n < DIGEST_SIZE_MAX ? v.bytes.n : DIGEST_SIZE_MAX);
}

/* ---- snapshots ---- */

err_t reader_take(struct meta_store *store, struct arena *a, struct reader **ret_reader)
{
    pthread_mutex_lock(&store->readers_lock);
    struct reader *r = store->readers;
    if (r)
        store->readers = r->next;
    pthread_mutex_unlock(&store->readers_lock);
    if (!r) {
        struct sql_conn *conn;
        TRY(sql_connect(store->db, SQL_READ, a, &conn));
        r = must_malloc(sizeof *r);
        r->tx = (struct meta_tx){ .store = store, .conn = conn };
    }
    *ret_reader = r;
    return NULL;
}

void reader_give(struct meta_store *store, struct reader *r)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&store->readers_lock);
    r->next = store->readers;
    store->readers = r;
}

err_t meta_read_begin(struct meta_store *store, struct arena *a, struct meta_tx **ret_tx)
{
    struct reader *r;
    TRY(reader_take(store, a, &r));
    err_t e = sql_begin(r->tx.conn, a);
    if (e) {
        reader_give(store, r);
        return e;
    }
    *ret_tx = &r->tx;
    return NULL;
}

void meta_read_end(struct meta_tx *tx)
{
    if (!tx)
        return;
    sql_rollback(tx->conn);
    reader_give(tx->store, (struct reader *)tx);
}

uint64_t meta_generation(struct meta_store *store)
{
    return atomic_load(&store->generation);
}

err_t meta_backup(struct meta_store *store, const char *path, struct arena *a)
{
    struct reader *r;
    TRY(reader_take(store, a, &r));
    err_t e = sql_backup(r->tx.conn, path, a);
    reader_give(store, r);
    return e;
}

err_t meta_verify(struct meta_store *store, struct arena *a)
{
    struct reader *r;
    TRY(reader_take(store, a, &r));
    err_t e = sql_verify(r->tx.conn, a);
    reader_give(store, r);
    return e;
}

/* ---- opening ---- */

#define NEWEST (migrations[migration_count - 1].version)

static err_t step(struct sql_conn *conn, const struct migration *m, struct arena *a)
{
    TRY(sql_begin(conn, a));
    err_t e = sql_script(conn, m->sql, a);
    if (!e)
        e = sql_exec(conn, "INSERT INTO schema_version (version, name) VALUES ($1, $2)",
                     SQL(SQL_I(m->version), SQL_T(slice_of(m->name))), a, NULL);
    if (!e)
        e = sql_commit(conn, a);
    if (e) {
        sql_rollback(conn);
        return err_because(a, e, e->code, "cannot migrate the database to %s", m->name);
    }
    return NULL;
}

static err_t version_of(struct sql_conn *conn, struct arena *a, int64_t *ret_version)
{
    TRY(sql_get_int(conn, "SELECT COALESCE(MAX(version), 0) FROM schema_version", SQL_NO_VALUES, a, ret_version));
    if (*ret_version > NEWEST)
        return err_make(a, ERR_UNSUPPORTED,
                        "the database has schema version %lld, this program knows versions up to %lld: use a newer one",
                        (long long)*ret_version, (long long)NEWEST);
    return NULL;
}

static err_t migrate(struct sql_conn *conn, struct arena *a)
{
    TRY(sql_script(conn, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL)",
                   a));
    int64_t version;
    TRY(version_of(conn, a, &version));
    for (size_t i = 0; i < migration_count; i++)
        if (migrations[i].version > version)
            TRY(step(conn, &migrations[i], a));
    return NULL;
}

static err_t check_version(struct meta_store *store, struct arena *a)
{
    struct reader *r;
    TRY(reader_take(store, a, &r));
    int64_t version;
    err_t e = version_of(r->tx.conn, a, &version);
    reader_give(store, r);
    TRY(e);
    if (version < NEWEST)
        return err_make(a, ERR_UNSUPPORTED, "the database has the old schema version %lld: open it for writing once",
                        (long long)version);
    return NULL;
}

static err_t start(struct meta_store *store, struct arena *a)
{
    if (store->options.read_only)
        return check_version(store, a);
    TRY(sql_connect(store->db, SQL_WRITE, a, &store->writer));
    TRY(migrate(store->writer, a));
    return committer_start(store, a);
}

err_t meta_open(struct sql_db *db, const struct meta_options *options, struct arena *a, struct meta_store **ret_store)
{
    struct meta_store *store = must_malloc(sizeof *store);
    store->db = db;
    if (options)
        store->options = *options;
    pthread_mutex_init(&store->readers_lock, NULL);
    err_t e = start(store, a);
    if (e) {
        meta_close(store);
        return e;
    }
    *ret_store = store;
    return NULL;
}

void meta_close(struct meta_store *store)
{
    if (!store)
        return;
    committer_stop(store);
    while (store->readers) {
        struct reader *r = store->readers;
        store->readers = r->next;
        sql_disconnect(r->tx.conn);
        free(r);
    }
    sql_disconnect(store->writer);
    sql_close_db(store->db);
    pthread_mutex_destroy(&store->readers_lock);
    free(store);
}
