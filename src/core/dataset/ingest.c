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
#include "core/job.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/dataset_record_store.h"
#include "core/store/dataset_store.h"
#include "core/store/file_store.h"

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
    err_t e = meta_dataset_file_get(tx, in->file_id, a, &now);
    if (e)
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

/* ---- the room of the account ---- */

struct measuring {
    struct ingestion *in;
    int64_t bytes;
};

static err_t apply_table_bytes(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct measuring *m = arg;
    struct dataset now;
    err_t e = meta_dataset_get(tx, m->in->dataset.id, a, &now);
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(meta_dataset_set_table_bytes(tx, now.id, m->bytes, a));
    return meta_account_use(tx, now.account_id, &(struct account_use){ .records = m->bytes - now.table_bytes }, a);
}

/* The rows are there, so an account may end above its limit by those of one file; the next file is refused. */
static err_t measure_table(struct ingestion *in, struct arena *a)
{
    struct dataset_store *store = in->core->datasets;
    struct measuring m = { .in = in };
    uint64_t bytes;
    TRY(store->ops->size(store, in->dataset.id, a, &bytes));
    m.bytes = bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX;
    return meta_write(in->core->meta, apply_table_bytes, &m, a);
}

/* ---- reading ---- */

static void note_errors(struct ingestion *in, const struct line_error *errors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        file_errors_add(&in->errors, &errors[i]);
    in->error_count += count;
}

/* Hands the rows to the writer until the file ends. *ret_stopped: the run must end before that. */
static err_t copy_rows(struct ingestion *in, struct row_reader *reader, struct dataset_writer *writer, struct arena *a,
                       bool *ret_stopped)
{
    bool more = true;
    size_t errors;
    *ret_stopped = false;
    while (more && !*ret_stopped) {
        SCRATCH(scratch);
        struct row_batch batch;
        err_t e = row_reader_next(reader, &scratch, &batch, &more);
        (void)row_reader_errors(reader, &errors);
        if (!e && batch.row_count && !errors)
            e = writer->ops->add(writer, batch.cells, batch.row_count, &scratch);
        if (e)
            return err_copy(a, e);
        in->rows += batch.row_count;
        job_progress(in->run, (int64_t)row_reader_read_bytes(reader), (int64_t)in->file.size_bytes);
        *ret_stopped = job_is_stopping(in->run);
    }
    return NULL;
}

static err_t read_content(struct ingestion *in, const struct content *content, struct dataset_writer *writer,
                          struct arena *a, bool *ret_stopped)
{
    SCRATCH(account);
    struct row_source source = { .content = content,
                                 .name = in->file.name,
                                 .unzipped_max = LINES_UNZIPPED_MAX,
                                 .columns = &in->dataset.columns,
                                 .is_strict = in->dataset.is_strict };
    SCOPED(row_reader_closep) struct row_reader *reader = row_reader_open(&source, &account);
    TRY(copy_rows(in, reader, writer, a, ret_stopped));
    size_t count;
    const struct line_error *errors = row_reader_errors(reader, &count);
    note_errors(in, errors, count);
    return NULL;
}

/* The writer has the rows of the whole file, unless there are errors. */
static err_t fill_writer(struct ingestion *in, struct dataset_writer *writer, struct arena *a, bool *ret_stopped)
{
    struct content content = { 0 };
    TRY(file_open_record(in->core, &in->stored, a, &content));
    err_t e = read_content(in, &content, writer, a, ret_stopped);
    content_close(&content);
    return e;
}

/* The rows become visible, and the record tells of them. A backup sees both, or neither. */
static err_t commit_rows(struct ingestion *in, struct dataset_writer **writer, struct arena *a)
{
    struct dataset_writer *whole = *writer;
    *writer = NULL;
    if (whole)
        TRY(whole->ops->commit(whole, a));
    TRY(finish(in, DATASET_FILE_DONE, a));
    return measure_table(in, a);
}

/* NULL for the writer: the rows were committed by a run that was interrupted. */
static err_t end_with_rows(struct ingestion *in, struct dataset_writer **writer, struct arena *a)
{
    if (!dataset_gate_enter(in->core, in->run))
        return NULL; /* the next run begins again */
    err_t e = commit_rows(in, writer, a);
    dataset_gate_leave(in->core);
    return e;
}

static err_t ingest(struct ingestion *in, struct arena *a)
{
    struct dataset_store *store = in->core->datasets;
    SCOPED(dataset_writer_discardp) struct dataset_writer *writer = NULL;
    bool has = false, stopped = false;
    if (in->file.duplicate_of)
        return finish(in, DATASET_FILE_DONE, a);
    TRY(dataset_open_table(in->core, &in->dataset, a));
    TRY(store->ops->has_file(store, in->dataset.id, in->file_id, a, &has, &in->rows));
    if (has)
        return end_with_rows(in, &writer, a);
    TRY(store->ops->open(store, in->dataset.id, in->file_id, a, &writer));
    TRY(fill_writer(in, writer, a, &stopped));
    if (stopped)
        return NULL;
    return in->error_count ? finish(in, DATASET_FILE_FAILED, a) : end_with_rows(in, &writer, a);
}

/* Whatever kept the file from being read in the last attempt will not be tried again. */
static err_t give_up(struct ingestion *in, err_t e, struct arena *a)
{
    if (in->run->job.attempts < DATASET_INGEST_ATTEMPTS)
        return e;
    err_t unwritten = finish(in, DATASET_FILE_FAILED, a);
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
    SCOPED(buf_releasep) struct buf errors;
    buf_init(&errors, 0);
    in.errors = errors;
    err_t e = ingest(&in, a);
    if (e)
        e = give_up(&in, e, a);
    errors = in.errors;
    return e;
}
