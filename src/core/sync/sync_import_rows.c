/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of an import.
 *
 * The position that a batch is committed with names the sync file, by its handle, which no other ever has, and the number of the
 * import, and counts the rows so far. A run that finds its own name there goes on behind it; what it cannot know from there, which rows before it were wrong, it reads again
 * from the file. Every run writes the same records, so the rows of a batch whose commit was not known to succeed may be put again.
 *
 * Commits are atomic, and follow one another on the disk, but only a flush makes them last over a power cut: once in SYNC_FLUSH_MS,
 * and before a write says that the import has ended. */
#include "core/dataset/gate.h"
#include "core/free_space.h"
#include "core/job.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/record_set_store.h"
#include "core/store/record_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_import_priv.h"
#include "core/sync/sync_reader.h"

#define SAVE_BYTES ((uint64_t)64 << 20) /* what is written before the account is asked again */
#define SCRATCH_BYTES ((size_t)256 << 10)

/* ---- the set ---- */

static err_t apply_set(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct import *im = arg;
    struct record_set *set = &im->set;
    struct record_set found;
    err_t e = meta_record_set_find(tx, set->section_id, set->data_source, a, &found);
    if (!err_is(e, ERR_NOT_FOUND)) {
        set->id = e ? 0 : found.id;
        set->bytes = e ? 0 : found.bytes;
        return e;
    }
    struct record_set new = *set;
    new.id = new.bytes = set->bytes = 0;
    TRY(quota_change_records(im->core, tx, set->account_id, record_set_size(&new), a));
    return meta_record_set_add(tx, &new, a, &set->id);
}

/* Makes the set of the data source unless it is there. *ret_fault: its records have another key. */
static err_t open_set(struct import *im, const struct sync_header *h, struct arena *a, enum sync_fault *ret_fault)
{
    struct record_store *store = im->core->records;
    slice names[SYNC_KEYS_MAX];
    for (size_t i = 0; i < h->key_count; i++)
        names[i] = h->fields[i].name;
    im->set = (struct record_set){ .account_id = im->file.account_id,
                                   .section_id = im->file.section_id,
                                   .data_source = arena_copy(a, h->datasource),
                                   .created_at_ms = core_now_ms(im->core) };
    TRY(meta_write(im->core->meta, apply_set, im, a));
    struct record_fields fields = { names, h->key_count };
    err_t e = store->ops->define(store, im->set.id, &fields, a);
    *ret_fault = err_is(e, ERR_INVALID) ? SYNC_BAD_FIELD : SYNC_FINE;
    return err_is(e, ERR_INVALID) ? NULL : e;
}

/* ---- positions ---- */

static void note_position(struct import *im, const struct sync_position *at)
{
    const struct sync_progress *rows = &im->rows;
    buf_clear(&im->position);
    buf_printf(&im->position, SLICE_FMT " %lld %lld %lld %lld %lld %lld ", SLICE_ARG(im->file.handle),
               (long long)im->number, (long long)rows->done, (long long)rows->inserted, (long long)rows->updated,
               (long long)rows->deleted, (long long)rows->failed);
    sync_position_add_text(&im->position, at);
}

/* False: it is the position of another import, or of none. */
static bool position_is_ours(struct import *im, slice text, struct sync_position *ret_at)
{
    int64_t n[6];
    slice handle, number;
    if (!slice_cut(text, ' ', &handle, &text) || !slice_eq(handle, im->file.handle))
        return false;
    for (size_t i = 0; i < LENGTH_OF(n); i++)
        if (!slice_cut(text, ' ', &number, &text) || !slice_to_i64(number, &n[i]))
            return false;
    if (n[0] != im->number || !sync_position_from_text(text, ret_at))
        return false;
    im->rows = (struct sync_progress){ im->rows.total, n[1], n[2], n[3], n[4], n[5] };
    return true;
}

/* ---- rows ---- */

struct batch {
    struct import *im;
    struct sync_rows *rows;
    struct record_writer *writer; /* NULL: no row of this batch has needed one */
    int64_t count;                /* of its rows */
    uint64_t inserted, updated, deleted;
};

static void note_bad_row(struct import *im, const struct sync_row *row)
{
    struct sync_error error = { .fault = row->fault, .line = row->line, .row = row->row, .key = row->key };
    if (row->fault == SYNC_BAD_VALUE || row->fault == SYNC_MISSING_KEY || row->fault == SYNC_FIELD_COUNT)
        error.field = row->field;
    if (row->fault == SYNC_BAD_VALUE) {
        error.value = row->value;
        error.has_type = row->field.n > 0;
        error.type = row->type;
    }
    import_add_error(im, &error);
}

static void check_row(const struct import *im, struct sync_row *row)
{
    if (row->is_delete && !row->fault && !im->file.import.may_delete)
        row->fault = SYNC_DELETE_NOT_ALLOWED;
}

static err_t open_writer(struct batch *b, struct arena *a)
{
    struct import *im = b->im;
    struct record_store *store = im->core->records;
    slice after = buf_slice(&im->position);
    struct record_batch batch = { .file = im->file.handle, .now_ms = core_now_ms(im->core), .after = &after };
    return store->ops->open(store, im->set.id, &batch, a, &b->writer);
}

static err_t apply_row(struct batch *b, struct sync_row *row, struct arena *a)
{
    enum record_outcome outcome;
    if (!b->writer)
        TRY(open_writer(b, a));
    const struct record_ops *ops = b->writer->ops;
    TRY(row->is_delete ? ops->erase(b->writer, row->key, a, &outcome)
                       : ops->put(b->writer, row->key, row->object, a, &outcome));
    if (outcome == RECORD_TOO_LARGE)
        row->fault = SYNC_RECORD_TOO_LARGE;
    return NULL;
}

static err_t add_row(struct batch *b, struct sync_row *row, struct arena *a)
{
    struct import *im = b->im;
    check_row(im, row);
    if (!row->fault)
        TRY(apply_row(b, row, a));
    if (row->fault) {
        note_bad_row(im, row);
        im->rows.failed++;
    }
    im->rows.done++;
    b->count++;
    return NULL;
}

/* What the open batch has done is in the numbers of its writer. */
static void count_batch(struct batch *b)
{
    struct import *im = b->im;
    im->rows.inserted += (int64_t)b->writer->inserted;
    im->rows.updated += (int64_t)b->writer->updated;
    im->rows.deleted += (int64_t)b->writer->deleted;
}

static err_t commit_inside_gate(struct batch *b, struct arena *a)
{
    struct record_writer *writer = b->writer;
    struct sync_position at = sync_rows_position(b->rows);
    count_batch(b);
    note_position(b->im, &at);
    b->writer = NULL;
    b->im->unsaved_bytes += writer->written_bytes;
    return writer->ops->commit(writer, buf_slice(&b->im->position), RECORD_COMMIT_ORDERED, a);
}

/* A backup sees all batches, or none, of those that are committed while it copies. */
static err_t commit_batch(struct batch *b, struct arena *a)
{
    struct import *im = b->im;
    if (b->writer) {
        TRY(free_space_take(im->core, 2 * b->writer->written_bytes, a)); /* the log, and the set */
        im->has_stopped = !dataset_gate_enter(im->core, im->run);
        if (im->has_stopped)
            return NULL;
        im->is_unflushed = true;
        err_t e = commit_inside_gate(b, a);
        dataset_gate_leave(im->core);
        TRY(e);
    }
    b->count = 0;
    im->committed = im->rows;
    im->committed_errors = im->errors.n;
    im->tries = 1;
    im->tried_at = im->rows.done;
    return NULL;
}

static err_t flush(struct import *im, struct arena *a)
{
    struct record_store *store = im->core->records;
    slice reached;
    if (!im->is_unflushed)
        return NULL;
    TRY(store->ops->flush(store, im->set.id, a, &reached));
    if (!slice_eq(reached, buf_slice(&im->position)))
        return err_make(a, ERR_UNAVAILABLE, "batches of the import were undone by a flush that failed");
    im->is_unflushed = false;
    return NULL;
}

err_t import_settle(struct import *im, struct arena *a)
{
    struct record_store *store = im->core->records;
    struct sync_position unused;
    slice reached;
    im->errors.n = im->committed_errors;
    if (!im->is_unflushed)
        return NULL;
    TRY(store->ops->flush(store, im->set.id, a, &reached));
    im->rows = (struct sync_progress){ .total = im->committed.total };
    bool is_known = position_is_ours(im, reached, &unused);
    (void)is_known; /* otherwise a power failure, or a flush that failed, has undone all of it */
    im->committed = im->rows;
    im->is_unflushed = false;
    return NULL;
}

static bool is_full(const struct batch *b)
{
    return b->count >= SYNC_BATCH_ROWS || (b->writer && b->writer->written_bytes > RECORD_BATCH_BYTES);
}

/* Rows until the batch is full, the file ends, or much memory was used. */
static err_t add_rows(struct batch *b, struct arena *a, bool *ret_is_end)
{
    struct import *im = b->im;
    struct sync_row row;
    enum sync_step step = SYNC_PAUSE;
    while (step != SYNC_END && !is_full(b) && a->held < SCRATCH_BYTES && !im->has_stopped) {
        TRY(sync_rows_next(b->rows, a, &step, &row));
        if (step == SYNC_ROW)
            TRY(add_row(b, &row, a));
        else if (step == SYNC_PAUSE)
            im->has_stopped = job_is_stopping(im->run);
    }
    *ret_is_end = step == SYNC_END;
    return NULL;
}

static err_t save_when_due(struct import *im, struct arena *a)
{
    if (core_now_ms(im->core) - im->saved_at_ms < SYNC_FLUSH_MS && im->unsaved_bytes < SAVE_BYTES)
        return NULL;
    TRY(flush(im, a));
    return import_save(im, a);
}

static err_t apply_rows(struct batch *b, struct arena *a)
{
    struct import *im = b->im;
    bool is_end = false;
    while (!is_end && !im->has_stopped) {
        SCRATCH(scratch);
        err_t e = add_rows(b, &scratch, &is_end);
        if (!e && !im->has_stopped && (is_end || is_full(b))) {
            e = commit_batch(b, &scratch);
            if (!e && !is_end)
                e = save_when_due(im, &scratch);
            im->has_stopped |= job_is_stopping(im->run);
        }
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

/* The errors of the rows before that position; they were applied. */
static err_t read_errors_before(struct import *im, const struct content *content, const struct sync_position *start,
                                uint64_t end_row, struct arena *a)
{
    SCRATCH(account);
    SCOPED(sync_rows_closep) struct sync_rows *rows = NULL;
    enum sync_step step = SYNC_PAUSE;
    TRY(sync_rows_open(content, start, &account, a, &rows));
    while (step != SYNC_END && !im->has_stopped && sync_rows_position(rows).row < end_row) {
        SCRATCH(scratch);
        struct sync_row row;
        err_t e = sync_rows_next(rows, &scratch, &step, &row);
        if (e)
            return err_copy(a, e);
        if (step == SYNC_ROW)
            check_row(im, &row);
        if (step == SYNC_ROW && row.fault)
            note_bad_row(im, &row);
        if (step == SYNC_PAUSE)
            im->has_stopped = job_is_stopping(im->run);
    }
    return NULL;
}

/* Before the first batch is committed, import_save writes that the set takes bytes. */
static err_t refuse_set(struct import *im, struct arena *a)
{
    int64_t id = im->set.id;
    im->set.id = 0; /* nothing is written about it */
    return err_make(a, ERR_CORRUPT,
                    "set %lld of records was filled before its row was written: the database is older than it",
                    (long long)id);
}

/* *at: where the rows begin that are not in the records yet. */
static err_t find_position(struct import *im, const struct content *content, struct sync_position *at, struct arena *a)
{
    struct record_store *store = im->core->records;
    struct sync_position reached;
    slice text;
    TRY(store->ops->position(store, im->set.id, a, &text));
    if (text.n && !im->set.bytes)
        return refuse_set(im, a);
    buf_add(&im->position, text);
    bool is_ours = position_is_ours(im, text, &reached);
    im->committed = im->rows;
    if (!is_ours)
        return NULL;
    im->tries = im->rows.done > im->tried_at ? 1 : im->tries;
    im->tried_at = im->rows.done;
    im->is_unflushed = true; /* for what that run did not flush */
    import_add_note(im, SYNC_NOTE_GOES_ON, arena_printf(a, "%lld", (long long)im->rows.done));
    TRY(read_errors_before(im, content, at, reached.row, a));
    im->committed_errors = im->errors.n;
    *at = reached;
    return NULL;
}

/* ---- the file ---- */

static err_t finish_rows(struct import *im, struct arena *a)
{
    const struct sync_progress *rows = &im->committed;
    if (rows->total && rows->failed == rows->total)
        return import_fail_as(im, SYNC_ALL_ROWS_FAILED, a);
    TRY(flush(im, a));
    if (rows->failed)
        import_add_note(im, SYNC_NOTE_PARTLY, arena_printf(a, "%lld", (long long)rows->failed));
    else
        import_add_note(im, SYNC_NOTE_SUCCEEDED, S(""));
    return import_finish(im, rows->failed ? SYNC_IMPORTED_WITH_ERRORS : SYNC_IMPORTED, a);
}

err_t import_rows(struct import *im, const struct content *content, const struct sync_check_result *check,
                  struct arena *a)
{
    SCRATCH(account);
    struct sync_position at = check->start;
    enum sync_fault fault;
    TRY(open_set(im, check->header, a, &fault));
    if (fault)
        return import_fail_as(im, fault, a);
    TRY(find_position(im, content, &at, a));
    if (im->has_stopped)
        return NULL;
    TRY(import_save(im, a));
    struct batch b = { .im = im };
    TRY(sync_rows_open(content, &at, &account, a, &b.rows));
    err_t e = apply_rows(&b, a);
    record_writer_discardp(&b.writer);
    sync_rows_close(b.rows);
    TRY(e);
    return im->has_stopped ? NULL : finish_rows(im, a);
}
