/* SPDX-License-Identifier: Apache-2.0 */
/* Do the rows of datasets belong to the files that the records name? Files whose job has not ended may be on either side. */
#include "core/care/fsck_priv.h"

#include "core/dataset/dataset.h"
#include "core/records/dataset.h"
#include "core/records/record_ids.h"
#include "core/store/dataset_record_store.h"
#include "core/store/dataset_store.h"
#include "core/store/transaction.h"

enum { DATASETS_AT_ONCE = 100 };

static slice subject_of(const struct dataset *d, struct arena *a)
{
    return arena_printf(a, "dataset:" SLICE_FMT, SLICE_ARG(d->slug));
}

/* ---- from the rows to the records ---- */

struct table_check {
    struct fsck *f;
    const struct dataset *dataset;
};

static err_t find_file(struct fsck *f, int64_t id, struct arena *a, bool *ret_there, struct dataset_file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    err_t e = meta_dataset_file_any(tx, id, a, ret);
    *ret_there = !e;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static const char *rows_fault(const struct dataset *d, bool is_there, const struct dataset_file *file, uint64_t rows)
{
    if (!is_there || file->dataset_id != d->id)
        return "rows of a file that has no record";
    if (file->state == DATASET_FILE_FAILED || file->duplicate_of)
        return "rows of a file that has none";
    if (file->state == DATASET_FILE_DONE && file->rows != (int64_t)rows)
        return "not as many rows as were read";
    return NULL;
}

static err_t check_rows_of_file(void *arg, int64_t file_id, uint64_t rows)
{
    struct table_check *t = arg;
    SCRATCH(a);
    struct dataset_file file;
    bool there;
    err_t e = find_file(t->f, file_id, &a, &there, &file);
    if (e)
        return err_copy(t->f->a, e);
    const char *fault = rows_fault(t->dataset, there, &file, rows);
    if (fault)
        fsck_add_finding(t->f, FSCK_ERROR, fault, subject_of(t->dataset, &a),
                         arena_printf(&a, "file %lld, %llu rows", (long long)file_id, (unsigned long long)rows), false);
    return NULL;
}

/* ---- from the records to the rows ---- */

static err_t read_files(struct fsck *f, const struct dataset *d, int64_t after_id, struct arena *a,
                        struct dataset_file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    return meta_dataset_file_each(tx, d->id, &(struct id_page){ after_id, FSCK_PAGE }, a, ret);
}

static err_t check_file_of_dataset(struct fsck *f, const struct dataset *d, const struct dataset_file *file,
                                   bool has_table, struct arena *a)
{
    struct dataset_store *tables = f->core->datasets;
    uint64_t rows;
    bool has = false;
    if (file->state != DATASET_FILE_DONE || file->duplicate_of)
        return NULL;
    if (has_table)
        TRY(tables->ops->has_file(tables, d->id, file->id, a, &has, &rows));
    if (!has)
        fsck_add_finding(f, FSCK_ERROR, "rows missing", subject_of(d, a),
                         arena_printf(a, "file %lld, %lld rows", (long long)file->id, (long long)file->rows), false);
    return NULL;
}

static err_t check_files_of_dataset(struct fsck *f, const struct dataset *d, bool has_table)
{
    int64_t after_id = 0;
    struct dataset_file_list page;
    do {
        SCRATCH(scratch);
        err_t e = read_files(f, d, after_id, &scratch, &page);
        for (size_t i = 0; !e && i < page.count; i++) {
            after_id = page.items[i].id;
            e = check_file_of_dataset(f, d, &page.items[i], has_table, &scratch);
        }
        if (e)
            return err_copy(f->a, e);
    } while (page.count == FSCK_PAGE);
    return NULL;
}

/* ---- tables ---- */

static err_t check_table(struct fsck *f, const struct dataset *d, struct arena *a)
{
    struct dataset_store *tables = f->core->datasets;
    struct table_check check = { f, d };
    err_t e = f->options->quick ? NULL : tables->ops->verify(tables, d->id, a);
    if (!e)
        e = tables->ops->each_file(tables, d->id, a, check_rows_of_file, &check);
    bool has_table = !err_is(e, ERR_NOT_FOUND);
    if (err_is(e, ERR_CORRUPT) || err_is(e, ERR_UNAVAILABLE)) {
        const char *what = err_is(e, ERR_CORRUPT) ? "the rows are damaged" : "the rows cannot be read";
        fsck_add_finding(f, FSCK_ERROR, what, subject_of(d, a), err_text_for_people(a, e), false);
        return NULL;
    }
    if (e && has_table)
        return e;
    return check_files_of_dataset(f, d, has_table);
}

static err_t check_table_has_record(void *arg, int64_t dataset_id)
{
    struct fsck *f = arg;
    SCRATCH(a);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    bool there;
    err_t e = meta_read_begin(f->core->meta, &a, &tx);
    if (!e)
        e = meta_dataset_is_known(tx, dataset_id, &a, &there);
    if (e)
        return err_copy(f->a, e);
    if (!there)
        fsck_add_finding(f, FSCK_WARNING, "rows of a dataset that has no record",
                         arena_printf(&a, "dataset:%lld", (long long)dataset_id), S(""), false);
    return NULL;
}

err_t fsck_check_datasets(struct fsck *f)
{
    struct dataset_store *tables = f->core->datasets;
    struct dataset_list page;
    int64_t after_id = 0;
    if (!tables)
        return NULL;
    do {
        SCRATCH(scratch);
        err_t e = dataset_list(f->core, 0, &(struct id_page){ after_id, DATASETS_AT_ONCE }, &scratch, &page);
        for (size_t i = 0; !e && i < page.count; i++) {
            after_id = page.items[i].id;
            e = check_table(f, &page.items[i], &scratch);
        }
        if (e)
            return err_copy(f->a, e);
    } while (page.count == DATASETS_AT_ONCE);
    return tables->ops->each(tables, f->a, check_table_has_record, f);
}
