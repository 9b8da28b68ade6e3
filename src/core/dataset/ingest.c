/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/ingest.h"

#include "base/buf.h"
#include "core/dataset/dataset.h"
#include "core/dataset/dataset_write_priv.h"
#include "core/dataset/file_errors.h"
#include "core/dataset/gate.h"
#include "core/dataset/lines.h"
#include "core/dataset/row_reader.h"
#include "core/file/file.h"
#include "core/free_space.h"
#include "core/job.h"
#include "core/quota.h"
#include "core/records/job.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/dataset_record_store.h"
#include "core/store/dataset_store.h"
#include "core/store/file_store.h"

#define POSTPONE_MS 10000 /* while there is no free space */
enum { PAGE = 100 };

struct ingestion {
    struct core *core;
    struct job_run *run;
    int64_t file_id, now_ms;
    bool has_work; /* the file and its dataset are there, and its rows are not known to be */
    struct dataset dataset;
    struct dataset_file file;
    struct file stored;
    struct buf errors; /* of the file: file_errors.h */
    size_t error_count;
    uint64_t rows;
    /* Space for the rows that the dataset store may not have written yet: the newest, and at least DATASET_UNWRITTEN_ROWS before. */
    struct space_hold newer, older;
    uint64_t newer_rows;
    bool has_no_rows; /* the dataset store said that it has none of this file, and no commit may have added any since */
    bool has_stopped; /* the run must end before the file is read */
};

/* ---- the first write ---- */

/* A file that was deleted or is finished already leaves nothing to do. */
static err_t begin(struct meta_tx *tx, struct ingestion *in, struct arena *a)
{
    TRY(meta_dataset_file_get(tx, in->file_id, a, &in->file));
    TRY(meta_dataset_get(tx, in->file.dataset_id, a, &in->dataset));
    TRY(meta_file_get(tx, in->file_id, a, &in->stored));
    enum dataset_file_state state = in->file.state;
    in->has_work = state == DATASET_FILE_QUEUED || state == DATASET_FILE_RUNNING || state == DATASET_FILE_FAILED;
    if (!in->has_work || in->dataset.takes_duplicates)
        return NULL;
    return meta_dataset_file_find_read(tx, &in->file, a, &in->file.duplicate_of);
}

static err_t apply_begin(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ingestion *in = arg;
    bool moved;
    in->has_work = false;
    err_t e = begin(tx, in, a);
    if (e || !in->has_work)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    struct dataset_file_step step = { in->file_id, in->file.state, in->file.state, DATASET_FILE_RUNNING };
    TRY(meta_dataset_file_move(tx, &step, a, &moved));
    in->has_work = moved;
    return NULL;
}

/* What the write read is not kept; the records are read again. */
static err_t read_records(struct ingestion *in, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    int64_t duplicate_of = in->file.duplicate_of;
    TRY(meta_read_begin(in->core->meta, a, &tx));
    err_t e = begin(tx, in, a);
    in->file.duplicate_of = duplicate_of;
    in->has_work = !e;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* ---- the last write ---- */

static err_t apply_finish(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ingestion *in = arg;
    struct dataset_file now;
    bool there;
    TRY(meta_dataset_file_hold(tx, in->file_id, a, &there));
    err_t e = meta_dataset_file_get(tx, in->file_id, a, &now);
    if (e || now.state == DATASET_FILE_DONE) /* another run came to an end: its rows are there */
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    int64_t more = dataset_file_record_size(&in->file) - dataset_file_record_size(&now);
    TRY(meta_dataset_file_finish(tx, &in->file, a));
    return meta_account_use(tx, now.account_id, &(struct account_use){ .records = more }, a);
}

static err_t finish(struct ingestion *in, enum dataset_file_state state, struct arena *a)
{
    in->file.state = state;
    in->file.errors = state == DATASET_FILE_FAILED ? buf_slice(&in->errors) : S("");
    in->file.rows = state == DATASET_FILE_DONE && !in->file.duplicate_of ? (int64_t)in->rows : 0;
    in->file.processed_at_ms = core_now_ms(in->core);
    return meta_write(in->core->meta, apply_finish, in, a);
}

static err_t fail_file(struct ingestion *in, enum line_fault fault, struct arena *a)
{
    file_errors_add(&in->errors, &(struct line_error){ .fault = fault });
    return finish(in, DATASET_FILE_FAILED, a);
}

/* ---- reading ---- */

static void note_errors(struct ingestion *in, const struct line_error *errors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        file_errors_add(&in->errors, &errors[i]);
    in->error_count += count;
}

/* At least what the rows of a batch take before they are written, and usually much more. */
static uint64_t batch_bytes(const struct ingestion *in, const struct row_batch *batch)
{
    const struct column_list *columns = &in->dataset.columns;
    uint64_t bytes = batch->row_count * columns->count * sizeof(int64_t);
    for (size_t c = 0; c < columns->count; c++)
        for (size_t r = 0; column_type_is_text(columns->items[c].type) && r < batch->row_count; r++) {
            const struct cell *cell = &batch->cells[r * columns->count + c];
            bytes += cell->is_null ? 0 : cell->text.n;
        }
    return bytes;
}

static err_t hold_space(struct ingestion *in, const struct row_batch *batch, struct arena *a)
{
    if (in->newer_rows >= DATASET_UNWRITTEN_ROWS) {
        free_space_let(in->core, &in->older);
        in->older = in->newer;
        in->newer = (struct space_hold){ 0 };
        in->newer_rows = 0;
    }
    in->newer_rows += batch->row_count;
    return free_space_hold(in->core, &in->newer, batch_bytes(in, batch), a);
}

static err_t add_batch(struct ingestion *in, struct dataset_writer *writer, const struct row_batch *batch,
                       struct arena *a)
{
    TRY(hold_space(in, batch, a));
    return writer->ops->add(writer, batch->cells, batch->row_count, a);
}

/* Hands the rows to the writer until the file ends, or the run must. */
static err_t copy_rows(struct ingestion *in, struct row_reader *reader, struct dataset_writer *writer, struct arena *a)
{
    bool more = true;
    size_t errors;
    while (more && !in->has_stopped) {
        SCRATCH(scratch);
        struct row_batch batch;
        err_t e = row_reader_next(reader, &scratch, &batch, &more);
        (void)row_reader_errors(reader, &errors);
        if (!e && batch.row_count && !errors)
            e = add_batch(in, writer, &batch, &scratch);
        if (e)
            return err_copy(a, e);
        in->rows += batch.row_count;
        job_progress(in->run, (int64_t)row_reader_read_bytes(reader), (int64_t)in->file.size_bytes);
        in->has_stopped = job_is_stopping(in->run);
    }
    return NULL;
}

static err_t read_content(struct ingestion *in, const struct content *content, struct dataset_writer *writer,
                          struct arena *a)
{
    SCRATCH(account);
    struct row_source source = { .content = content,
                                 .name = in->file.name,
                                 .unzipped_max = LINES_UNZIPPED_MAX,
                                 .columns = &in->dataset.columns,
                                 .is_strict = in->dataset.is_strict };
    SCOPED(row_reader_closep) struct row_reader *reader = row_reader_open(&source, &account);
    TRY(copy_rows(in, reader, writer, a));
    size_t count;
    const struct line_error *errors = row_reader_errors(reader, &count);
    note_errors(in, errors, count);
    return NULL;
}

/* The writer has the rows of the whole file, unless there are errors, or the run must end. */
static err_t fill_writer(struct ingestion *in, struct dataset_writer *writer, struct arena *a)
{
    struct content content = { 0 };
    TRY(file_open_record(in->core, &in->stored, a, &content));
    err_t e = read_content(in, &content, writer, a);
    content_close(&content);
    return e;
}

/* The rows become visible, and the record tells of them. A backup sees both, or neither. */
static err_t commit_rows(struct ingestion *in, struct dataset_writer **writer, struct arena *a)
{
    struct dataset_writer *whole = *writer;
    *writer = NULL;
    if (whole) {
        err_t e = whole->ops->commit(whole, a);
        in->has_no_rows = e && !err_is(e, ERR_UNAVAILABLE);
        TRY(e);
    }
    TRY(finish(in, DATASET_FILE_DONE, a));
    return dataset_measure_table(in->core, in->dataset.id, a);
}

/* NULL for the writer: the rows were committed by a run that was interrupted. */
static err_t end_with_rows(struct ingestion *in, struct dataset_writer **writer, struct arena *a)
{
    in->has_stopped = !dataset_gate_enter(in->core, in->run);
    if (in->has_stopped)
        return NULL;
    err_t e = commit_rows(in, writer, a);
    dataset_gate_leave(in->core);
    return e;
}

/* ---- the run ---- */

static err_t open_table(struct ingestion *in, struct arena *a)
{
    struct dataset_store *store = in->core->datasets;
    bool has;
    TRY(dataset_define_table(in->core, &in->dataset, a));
    TRY(store->ops->has_file(store, in->dataset.id, in->file_id, a, &has, &in->rows));
    in->has_no_rows = !has;
    return NULL;
}

/* While there is a writer, nobody adds columns; before it was opened somebody may have. INVALID: they did, and the rows of the
 * next attempt have them. */
static err_t open_writer(struct ingestion *in, struct arena *a, struct dataset_writer **ret)
{
    struct dataset_store *store = in->core->datasets;
    TRY(store->ops->open(store, in->dataset.id, in->file_id, a, ret));
    return store->ops->define(store, in->dataset.id, &in->dataset.columns, a);
}

static err_t account_has_room(struct ingestion *in, struct arena *a, bool *ret_has)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(in->core->meta, a, &tx));
    err_t e = quota_check(in->core, tx, in->file.account_id, &(struct account_use){ .records = 1 }, a);
    *ret_has = !e;
    return err_is(e, ERR_QUOTA) ? NULL : e;
}

/* The table may have been made for this file. */
static err_t end_without_rows(struct ingestion *in, struct arena *a)
{
    TRY(finish(in, DATASET_FILE_FAILED, a));
    return in->dataset.table_bytes ? NULL : dataset_measure_table(in->core, in->dataset.id, a);
}

static err_t read_file(struct ingestion *in, struct arena *a)
{
    SCOPED(dataset_writer_discardp) struct dataset_writer *writer = NULL;
    bool has_room;
    TRY(account_has_room(in, a, &has_room));
    if (!has_room)
        return fail_file(in, FILE_NO_ROOM, a);
    TRY(free_space_check(in->core, 1, a));
    TRY(open_writer(in, a, &writer));
    TRY(fill_writer(in, writer, a));
    if (in->has_stopped)
        return NULL;
    return in->error_count ? end_without_rows(in, a) : end_with_rows(in, &writer, a);
}

static err_t ingest(struct ingestion *in, struct arena *a)
{
    struct dataset_writer *none = NULL;
    if (in->file.duplicate_of)
        return finish(in, DATASET_FILE_DONE, a);
    TRY(dataset_need_store(in->core, a));
    in->has_stopped = !dataset_gate_enter(in->core, in->run); /* a backup copies the table as it is */
    if (in->has_stopped)
        return NULL;
    err_t e = open_table(in, a);
    dataset_gate_leave(in->core);
    if (err_is(e, ERR_QUOTA)) /* there is no table, and so no rows */
        return fail_file(in, FILE_NO_ROOM, a);
    TRY(e);
    return in->has_no_rows ? read_file(in, a) : end_with_rows(in, &none, a);
}

/* A run that is interrupted in another way begins again. */
static err_t end_cancelled(struct ingestion *in, struct arena *a)
{
    bool is_cancelled = in->has_stopped && in->run->stop_reason == JOB_STOP_CANCEL;
    return is_cancelled && in->has_no_rows ? fail_file(in, FILE_CANCELLED, a) : NULL;
}

/* Whatever kept the file from being read in the last attempt will not be tried again. A full disk is no such thing. If its rows may be
 * there, the file has not failed: dataset_end_left asks until the store knows. */
static err_t give_up(struct ingestion *in, err_t e, struct arena *a)
{
    if (err_is(e, ERR_NO_SPACE))
        in->run->postpone_ms = POSTPONE_MS;
    if (err_is(e, ERR_NO_SPACE) || in->run->job.attempts < DATASET_INGEST_ATTEMPTS)
        return e;
    if (!in->has_no_rows && !err_is(e, ERR_CORRUPT))
        return e;
    err_t unwritten = fail_file(in, FILE_UNREADABLE, a);
    (void)unwritten; /* the error of the attempt is told */
    return e;
}

err_t dataset_ingest(struct core *core, struct job_run *run, struct arena *a)
{
    struct ingestion in = { .core = core, .run = run };
    if (!slice_to_i64(run->job.payload, &in.file_id))
        return err_make(a, ERR_CORRUPT, "the job has a payload that cannot be read");
    TRY(meta_write(core->meta, apply_begin, &in, a));
    if (in.has_work)
        TRY(read_records(&in, a));
    if (!in.has_work)
        return NULL;
    buf_init(&in.errors, 0);
    err_t e = ingest(&in, a);
    free_space_let(core, &in.newer);
    free_space_let(core, &in.older);
    if (!e)
        e = end_cancelled(&in, a);
    if (e)
        e = give_up(&in, e, a);
    buf_release(&in.errors);
    return e;
}

/* ---- files whose jobs have ended ---- */

/* Its rows are there if an earlier run ended between their commit and the record. */
static err_t end_left(struct ingestion *in, enum line_fault fault, struct arena *a)
{
    struct dataset_store *store = in->core->datasets;
    struct dataset_writer *none = NULL;
    bool has = false;
    TRY(read_records(in, a));
    if (!in->has_work)
        return NULL;
    err_t e = store->ops->has_file(store, in->dataset.id, in->file_id, a, &has, &in->rows);
    if (e && !err_is(e, ERR_NOT_FOUND))
        return e;
    return has ? commit_rows(in, &none, a) : fail_file(in, fault, a);
}

static err_t end_one(struct core *core, struct job_run *run, int64_t file_id, enum line_fault fault, struct arena *a)
{
    struct ingestion in = { .core = core, .run = run, .file_id = file_id };
    if (!dataset_gate_try(core))
        return NULL;
    buf_init(&in.errors, 0);
    err_t e = end_left(&in, fault, a);
    buf_release(&in.errors);
    dataset_gate_leave(core);
    return e;
}

static err_t list_left(struct core *core, enum job_state state, int64_t after_id, struct arena *a,
                       struct dataset_file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_dataset_file_list_left(tx, S(DATASET_INGEST_JOB), state, &(struct id_page){ after_id, PAGE }, a, ret);
}

static err_t end_page(struct core *core, struct job_run *run, const struct dataset_file_list *files,
                      enum line_fault fault, struct arena *a)
{
    err_t first = NULL;
    for (size_t i = 0; i < files->count && !job_is_stopping(run); i++) {
        err_t e = end_one(core, run, files->items[i].id, fault, a);
        first = first ? first : e;
        job_advance(run, e ? 0 : 1);
    }
    return first;
}

static err_t end_all(struct core *core, struct job_run *run, enum job_state state, enum line_fault fault,
                     struct arena *a)
{
    struct dataset_file_list files;
    err_t first = NULL;
    int64_t after_id = 0;
    do {
        SCRATCH(scratch);
        err_t e = list_left(core, state, after_id, &scratch, &files);
        if (e)
            return err_copy(a, e);
        e = end_page(core, run, &files, fault, &scratch);
        first = first ? first : err_copy(a, e);
        after_id = files.count ? files.items[files.count - 1].id : 0;
    } while (files.count == PAGE && !job_is_stopping(run));
    return first;
}

err_t dataset_end_left(struct core *core, struct job_run *run, struct arena *a)
{
    if (!core->datasets)
        return NULL;
    err_t cancelled = end_all(core, run, JOB_CANCELLED, FILE_CANCELLED, a);
    err_t failed = end_all(core, run, JOB_FAILED, FILE_UNREADABLE, a);
    return cancelled ? cancelled : failed;
}
