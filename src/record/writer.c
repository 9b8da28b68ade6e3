/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "record/merge.h"
#include "record/record_priv.h"

#include <stdlib.h>

#define KEPT_BYTES ((size_t)256 << 10) /* of memory, from one put to the next */

struct set_writer {
    struct record_writer writer;
    struct record_set *set;
    struct record_batch batch;
    int64_t next_number, reserved_number, record_count;
    struct buf object;        /* of a put */
    struct merge_order order; /* of the last row */
    bool has_updated;         /* the last row found a record of its key */
    bool has_failed;          /* it can only be discarded */
};

static err_t read_about(struct set_writer *w, struct arena *a)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    bool has_row;
    TRY(sql_query(w->set->writer, STATEMENT("SELECT next_number, reserved_number, record_count, position FROM about"),
                  SQL_NO_VALUES, a, &cursor));
    TRY(sql_next(cursor, a, &has_row));
    if (!has_row)
        return err_make(a, ERR_CORRUPT, "the set has no numbers");
    w->next_number = sql_column_int(cursor, 0);
    w->reserved_number = sql_column_int(cursor, 1);
    w->record_count = sql_column_int(cursor, 2);
    if (w->batch.after && !slice_eq(*w->batch.after, sql_column(cursor, 3).bytes))
        return err_make(a, ERR_CONFLICT, "the set is at another position");
    if (!w->set->has_committed && w->next_number < w->reserved_number)
        w->next_number = w->reserved_number;
    return NULL;
}

err_t writer_open(struct record_store *store, int64_t id, const struct record_batch *batch, struct arena *a,
                  struct record_writer **ret_writer)
{
    if (batch->file.n > RECORD_FILE_MAX)
        return err_make(a, ERR_INVALID, "the name of a file is too long");
    struct record_set *set;
    TRY(set_acquire_to_write(pool_of(store), id, a, &set));
    struct set_writer *w = must_malloc(sizeof *w);
    *w = (struct set_writer){ .writer.ops = store->ops, .set = set, .batch = *batch };
    buf_init(&w->object, RECORD_OBJECT_MAX);
    err_t e = sql_begin(set->writer, a);
    if (!e)
        e = read_about(w, a);
    if (e) {
        e = set_named(set, a, e);
        writer_discard(&w->writer);
        return e;
    }
    *ret_writer = &w->writer;
    return NULL;
}

static struct set_writer *writer_of(struct record_writer *w)
{
    return CONTAINER_OF(w, struct set_writer, writer);
}

void writer_discard(struct record_writer *writer)
{
    if (!writer)
        return;
    struct set_writer *w = writer_of(writer);
    sql_rollback(w->set->writer);
    set_release_writer(w->set);
    buf_release(&w->object);
    free(w);
}

/* After an error in the middle of work, that of `a`. */
static err_t failed(struct set_writer *w, struct arena *a, err_t e)
{
    w->has_failed |= e != NULL;
    return set_named(w->set, a, e);
}

static err_t check_writer(struct set_writer *w, slice key, struct arena *a)
{
    if (w->has_failed)
        return err_make(a, ERR_UNAVAILABLE, "the batch has failed before");
    return key.n ? NULL : err_make(a, ERR_INVALID, "the key is empty");
}

/* ---- rows */

static void clear_object(struct set_writer *w)
{
    if (w->object.cap > KEPT_BYTES) {
        buf_release(&w->object);
        buf_init(&w->object, RECORD_OBJECT_MAX);
    }
    buf_clear(&w->object);
}

/* *ret_inserted: there was no record of the key. */
static err_t insert(struct set_writer *w, slice key, slice object, struct arena *a, bool *ret_inserted)
{
    int64_t changed;
    if (w->next_number > NUMBER_MAX)
        return err_make(a, ERR_NO_SPACE, "the set has no more ids");
    TRY(sql_exec(w->set->writer,
                 STATEMENT("INSERT INTO records (number, key, object, file, created_at_ms, modified_at_ms)"
                           " VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (key) DO NOTHING"),
                 SQL(SQL_I(w->next_number), SQL_B(key), SQL_T(object), SQL_T(w->batch.file), SQL_I(w->batch.now_ms)), a,
                 &changed));
    *ret_inserted = changed > 0;
    if (!*ret_inserted)
        return NULL;
    w->next_number++;
    w->record_count++;
    w->writer.inserted++;
    w->writer.written_bytes += key.n + object.n;
    return NULL;
}

static err_t insert_row(struct set_writer *w, slice key, struct merge_row *row, struct arena *a, bool *ret_inserted)
{
    bool fits;
    if (row->is_object)
        return insert(w, key, row->text, a, ret_inserted);
    clear_object(w);
    TRY(merge_into(&w->object, S(""), row, a, &fits));
    return insert(w, key, buf_slice(&w->object), a, ret_inserted);
}

/* Makes w->object what the record will be. *ret_number: 0: there is no record. */
static err_t merge_stored(struct set_writer *w, slice key, struct merge_row *row, struct arena *a, int64_t *ret_number,
                          bool *ret_fits)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    bool has_row;
    TRY(sql_query(w->set->writer, STATEMENT("SELECT number, object FROM records WHERE key = $1"), SQL(SQL_B(key)), a,
                  &cursor));
    TRY(sql_next(cursor, a, &has_row));
    *ret_number = has_row ? sql_column_int(cursor, 0) : 0;
    clear_object(w);
    return has_row ? merge_into(&w->object, sql_column(cursor, 1).bytes, row, a, ret_fits) : NULL;
}

static err_t update(struct set_writer *w, int64_t number, struct arena *a)
{
    TRY(sql_exec(
        w->set->writer, STATEMENT("UPDATE records SET object = $1, file = $2, modified_at_ms = $3 WHERE number = $4"),
        SQL(SQL_T(buf_slice(&w->object)), SQL_T(w->batch.file), SQL_I(w->batch.now_ms), SQL_I(number)), a, NULL));
    w->writer.updated++;
    return NULL;
}

/* *ret_updated: there is a record of the key, also if it became too large and was left as it is. */
static err_t update_row(struct set_writer *w, slice key, struct merge_row *row, struct arena *a, bool *ret_updated,
                        bool *ret_fits)
{
    int64_t number;
    *ret_fits = true;
    TRY(merge_stored(w, key, row, a, &number, ret_fits));
    *ret_updated = number != 0;
    if (!number || !*ret_fits)
        return NULL;
    w->writer.written_bytes += key.n + w->object.n;
    return update(w, number, a);
}

/* Most rows of a file have the same outcome as the row before, so that one is tried first: each saves a search for the key. */
static err_t put_row(struct set_writer *w, slice key, struct merge_row *row, struct arena *a, enum record_outcome *ret)
{
    bool is_done = false, fits = true, updates = !w->has_updated;
    for (int i = 0; i < 2 && !is_done; i++) {
        updates = !updates;
        TRY(updates ? update_row(w, key, row, a, &is_done, &fits) : insert_row(w, key, row, a, &is_done));
    }
    if (!is_done)
        return err_make(a, ERR_CORRUPT, "the index of keys and the records do not fit together");
    w->has_updated = updates;
    *ret = !fits ? RECORD_TOO_LARGE : updates ? RECORD_UPDATED : RECORD_INSERTED;
    return NULL;
}

err_t writer_put(struct record_writer *writer, slice key, slice object, struct arena *a, enum record_outcome *ret)
{
    struct set_writer *w = writer_of(writer);
    struct merge_row row;
    SCRATCH_OF(scratch, a);
    TRY(check_writer(w, key, a));
    bool fits = key.n <= RECORD_KEY_MAX && object.n <= RECORD_OBJECT_MAX;
    err_t e = fits ? merge_read(object, &w->order, &scratch, &row) : NULL;
    if (e)
        return err_copy(a, e);
    if (fits && !row.is_too_large)
        return failed(w, a, put_row(w, key, &row, &scratch, ret));
    *ret = RECORD_TOO_LARGE;
    return NULL;
}

static err_t erase_row(struct set_writer *w, slice key, struct arena *a, enum record_outcome *ret)
{
    int64_t changed;
    TRY(sql_exec(w->set->writer, STATEMENT("DELETE FROM records WHERE key = $1"), SQL(SQL_B(key)), a, &changed));
    w->record_count -= changed;
    w->writer.deleted += (uint64_t)changed;
    w->writer.written_bytes += key.n;
    *ret = changed ? RECORD_DELETED : RECORD_ABSENT;
    return NULL;
}

err_t writer_erase(struct record_writer *writer, slice key, struct arena *a, enum record_outcome *ret)
{
    struct set_writer *w = writer_of(writer);
    TRY(check_writer(w, key, a));
    return failed(w, a, erase_row(w, key, a, ret));
}

/* ---- the end */

/* No number may be given twice, also when a power failure undoes this batch. *ret_is_ordered: none of its numbers can be. */
static void reserve_numbers(struct set_writer *w, bool *ret_is_ordered)
{
    *ret_is_ordered = w->next_number <= w->reserved_number;
    if (!*ret_is_ordered)
        w->reserved_number =
            w->next_number < NUMBER_MAX - RESERVED_NUMBERS ? w->next_number + RESERVED_NUMBERS : NUMBER_MAX;
}

static err_t commit(struct set_writer *w, slice position, bool is_ordered, struct arena *a)
{
    if (w->has_failed)
        return err_make(a, ERR_UNAVAILABLE, "the batch has failed before");
    if (position.n > RECORD_POSITION_MAX)
        return err_make(a, ERR_INVALID, "the position is too long");
    TRY(sql_exec(w->set->writer,
                 STATEMENT("UPDATE about SET next_number = $1, reserved_number = $2, record_count = $3, position = $4"),
                 SQL(SQL_I(w->next_number), SQL_I(w->reserved_number), SQL_I(w->record_count), SQL_T(position)), a,
                 NULL));
    TRY(is_ordered ? sql_commit_ordered(w->set->writer, a) : sql_commit(w->set->writer, a));
    w->set->has_committed = true;
    return NULL;
}

/* The batch is committed already. What fails here is tried again when as much has been added to the log: each attempt waits 20 ms for
 * readers. After a failed flush the next batch is refused, and an ordered one may be lost. */
static err_t shorten_log(struct set_writer *w, bool is_ordered, struct arena *a)
{
    struct record_set *set = w->set;
    if (sql_wal_bytes(set->db) <= set->log_limit)
        return NULL;
    SCRATCH_OF(scratch, a);
    err_t e = sql_checkpoint(set->writer, true, &scratch);
    set->log_limit = sql_wal_bytes(set->db) + set->pool->log_bytes;
    return e && is_ordered && sql_flush_failed(set->db) ? err_copy(a, e) : NULL;
}

err_t writer_commit(struct record_writer *writer, slice position, enum record_commit how, struct arena *a)
{
    struct set_writer *w = writer_of(writer);
    bool is_ordered = how == RECORD_COMMIT_ORDERED;
    if (is_ordered)
        reserve_numbers(w, &is_ordered);
    err_t e = commit(w, position, is_ordered, a);
    if (!e)
        e = shorten_log(w, is_ordered, a);
    e = set_named(w->set, a, e);
    writer_discard(writer);
    return e;
}

err_t writer_flush(struct record_store *store, int64_t id, struct arena *a, slice *ret_position)
{
    struct record_set *set;
    TRY(set_acquire_to_write(pool_of(store), id, a, &set));
    err_t e = sql_flush(set->writer, a);
    if (!e)
        e = schema_read_position(set->writer, a, ret_position);
    e = set_named(set, a, e);
    set_release_writer(set);
    return e;
}
