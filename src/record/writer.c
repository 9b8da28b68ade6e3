/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "record/merge.h"
#include "record/record_priv.h"

#include <stdlib.h>

#define LOG_BYTES (16 << 20)           /* a longer log is copied into the file */
#define KEPT_BYTES ((size_t)256 << 10) /* of memory, from one put to the next */

struct set_writer {
    struct record_writer writer;
    struct record_set *set;
    struct record_batch batch;
    int64_t next_number, record_count;
    struct buf object; /* of a put */
    bool has_failed;   /* it can only be discarded */
};

static err_t read_about(struct set_writer *w, struct arena *a)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    bool has_row;
    TRY(sql_query(w->set->writer, STATEMENT("SELECT next_number, record_count FROM about"), SQL_NO_VALUES, a, &cursor));
    TRY(sql_next(cursor, a, &has_row));
    if (!has_row)
        return err_make(a, ERR_CORRUPT, "the set has no numbers");
    w->next_number = sql_column_int(cursor, 0);
    w->record_count = sql_column_int(cursor, 1);
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
    return merge_into(&w->object, has_row ? sql_column(cursor, 1).bytes : S(""), row, a, ret_fits);
}

static err_t insert(struct set_writer *w, slice key, struct arena *a)
{
    if (w->next_number > NUMBER_MAX)
        return err_make(a, ERR_NO_SPACE, "the set has no more ids");
    TRY(sql_exec(w->set->writer,
                 STATEMENT("INSERT INTO records (number, key, object, file, created_at_ms, modified_at_ms)"
                           " VALUES ($1, $2, $3, $4, $5, $5)"),
                 SQL(SQL_I(w->next_number), SQL_B(key), SQL_T(buf_slice(&w->object)), SQL_T(w->batch.file),
                     SQL_I(w->batch.now_ms)),
                 a, NULL));
    w->next_number++;
    w->record_count++;
    w->writer.inserted++;
    return NULL;
}

static err_t update(struct set_writer *w, int64_t number, struct arena *a)
{
    TRY(sql_exec(
        w->set->writer, STATEMENT("UPDATE records SET object = $1, file = $2, modified_at_ms = $3 WHERE number = $4"),
        SQL(SQL_T(buf_slice(&w->object)), SQL_T(w->batch.file), SQL_I(w->batch.now_ms), SQL_I(number)), a, NULL));
    w->writer.updated++;
    return NULL;
}

static err_t put_row(struct set_writer *w, slice key, struct merge_row *row, struct arena *a, enum record_outcome *ret)
{
    int64_t number;
    bool fits;
    TRY(merge_stored(w, key, row, a, &number, &fits));
    *ret = !fits ? RECORD_TOO_LARGE : number ? RECORD_UPDATED : RECORD_INSERTED;
    if (!fits)
        return NULL;
    w->writer.written_bytes += key.n + w->object.n;
    return number ? update(w, number, a) : insert(w, key, a);
}

err_t writer_put(struct record_writer *writer, slice key, slice object, struct arena *a, enum record_outcome *ret)
{
    struct set_writer *w = writer_of(writer);
    struct merge_row row;
    SCRATCH_OF(scratch, a);
    TRY(check_writer(w, key, a));
    bool fits = key.n <= RECORD_KEY_MAX && object.n <= RECORD_OBJECT_MAX;
    err_t e = fits ? merge_read(object, &scratch, &row) : NULL;
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

static err_t commit(struct set_writer *w, slice position, struct arena *a)
{
    if (w->has_failed)
        return err_make(a, ERR_UNAVAILABLE, "the batch has failed before");
    if (position.n > RECORD_POSITION_MAX)
        return err_make(a, ERR_INVALID, "the position is too long");
    TRY(sql_exec(w->set->writer, STATEMENT("UPDATE about SET next_number = $1, record_count = $2, position = $3"),
                 SQL(SQL_I(w->next_number), SQL_I(w->record_count), SQL_T(position)), a, NULL));
    return sql_commit(w->set->writer, a);
}

/* The batch is committed already. What fails here is tried again after the next one; after a failed flush, that one is refused. */
static void shorten_log(struct set_writer *w)
{
    SCRATCH(a);
    err_t e = sql_wal_bytes(w->set->db) > LOG_BYTES ? sql_checkpoint(w->set->writer, true, &a) : NULL;
    (void)e;
}

err_t writer_commit(struct record_writer *writer, slice position, struct arena *a)
{
    struct set_writer *w = writer_of(writer);
    err_t e = set_named(w->set, a, commit(w, position, a));
    if (!e)
        shorten_log(w);
    writer_discard(writer);
    return e;
}
