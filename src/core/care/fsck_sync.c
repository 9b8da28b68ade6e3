/* SPDX-License-Identifier: Apache-2.0 */
/* Sync files, the files with their bytes, and their imports. Each page is one snapshot, in which all of these are there together or
 * not at all. */
#include "core/care/fsck_priv.h"

#include "core/object/garbage.h"
#include "core/records/file.h"
#include "core/records/record_ids.h"
#include "core/store/file_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_import.h"
#include "core/sync/sync_report.h"

#include <string.h>

static bool has_bytes(enum sync_state state)
{
    return state != SYNC_CREATED && state != SYNC_EXPIRED && state != SYNC_PURGED;
}

static const char *find_fault(const struct sync_file *sync, const struct file *file)
{
    if (!has_bytes(sync->state))
        return sync->file_id ? "a file in a state that has none" : NULL;
    if (!file->id)
        return "its file is gone";
    bool fits = file->size_bytes == sync->size_bytes && memcmp(file->md5, sync->md5, MD5_SIZE) == 0;
    return fits ? NULL : "length or digest is not its file's";
}

static void report_sync_file(struct fsck *f, enum fsck_severity severity, const char *what,
                             const struct sync_file *sync, bool repaired)
{
    SCRATCH(a);
    fsck_add_finding(f, severity, what, arena_printf(&a, "sync:" SLICE_FMT, SLICE_ARG(sync->handle)), sync->name,
                     repaired);
}

/* ---- how an import ended ---- */

static bool has_ended(enum sync_state state)
{
    return state == SYNC_IMPORTED || state == SYNC_IMPORTED_WITH_ERRORS || state == SYNC_FAILED;
}

static bool rows_add_up(const struct sync_file *sync)
{
    const struct sync_progress *r = &sync->import.rows;
    const int64_t numbers[] = { r->total, r->done, r->inserted, r->updated, r->deleted, r->failed };
    int64_t left = r->done;
    for (size_t i = 0; i < LENGTH_OF(numbers); i++)
        if (numbers[i] < 0)
            return false;
    for (size_t i = 2; i < LENGTH_OF(numbers); i++) /* deletes that found nothing are what is left */
        if (numbers[i] > left)
            return false;
        else
            left -= numbers[i];
    if (sync->state == SYNC_IMPORTED || sync->state == SYNC_IMPORTED_WITH_ERRORS)
        return r->done == r->total && (r->failed > 0) == (sync->state == SYNC_IMPORTED_WITH_ERRORS);
    return r->done <= r->total;
}

static int64_t count_lines(slice text)
{
    int64_t count = 0;
    while (text.n) {
        slice line;
        slice_cut(text, '\n', &line, &text);
        count++;
    }
    return count;
}

/* What is wrong with the report of an import that has ended; NULL: nothing. */
static const char *report_fault(const struct sync_report *report, enum sync_state state, struct arena *a)
{
    struct sync_error error;
    struct sync_note_line note;
    slice errors_left = report->errors, notes_left = report->notes;
    int64_t errors = 0, notes = 0;
    while (sync_errors_next(&errors_left, a, &error))
        errors++;
    while (sync_notes_next(&notes_left, a, &note))
        notes++;
    if (errors != count_lines(report->errors) || notes != count_lines(report->notes))
        return "its report cannot be read";
    return !notes || (!errors && state != SYNC_IMPORTED) ? "its report is missing" : NULL;
}

static err_t check_import(struct fsck *f, struct meta_tx *tx, const struct sync_file *sync, struct arena *a)
{
    struct sync_report report;
    if (!sync->import.number)
        return NULL;
    if (!rows_add_up(sync))
        report_sync_file(f, FSCK_WARNING, "its numbers of rows do not add up", sync, false);
    if (!has_ended(sync->state))
        return NULL;
    TRY(meta_sync_report_get(tx, sync->id, a, &report));
    const char *fault = report_fault(&report, sync->state, a);
    if (fault)
        report_sync_file(f, FSCK_WARNING, fault, sync, false);
    return NULL;
}

/* ---- sync files ---- */

static err_t check_sync_file(struct fsck *f, struct meta_tx *tx, const struct sync_file *sync, struct arena *a)
{
    struct file file = { 0 };
    err_t e = sync->file_id ? meta_file_get(tx, sync->file_id, a, &file) : NULL;
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    const char *fault = find_fault(sync, &file);
    if (fault)
        report_sync_file(f, file.id ? FSCK_WARNING : FSCK_ERROR, fault, sync, false);
    return check_import(f, tx, sync, a);
}

static err_t check_page(struct fsck *f, int64_t *after_id, struct arena *a, size_t *ret_count)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_file_list page;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    TRY(meta_sync_file_list(tx, &(struct id_page){ *after_id, FSCK_PAGE }, a, &page));
    *ret_count = page.count;
    for (size_t i = 0; i < page.count; i++) {
        SCRATCH(own);
        *after_id = page.items[i].id;
        err_t e = check_sync_file(f, tx, &page.items[i], &own);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static err_t list_left(struct fsck *f, int64_t after_id, struct arena *a, struct sync_file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    return meta_sync_file_left(tx, &(struct id_page){ after_id, FSCK_PAGE }, a, ret);
}

/* The job "purge" ends them, too; a repair does not wait for it. */
static err_t check_left(struct fsck *f)
{
    bool repairs = f->options->repair && !garbage_is_held(f->core), found = false;
    struct sync_file_list page;
    int64_t after_id = 0;
    do {
        SCRATCH(scratch);
        err_t e = list_left(f, after_id, &scratch, &page);
        if (e)
            return err_copy(f->a, e);
        for (size_t i = 0; i < page.count; i++) {
            found = true;
            after_id = page.items[i].id;
            report_sync_file(f, FSCK_WARNING, "its import has no job", &page.items[i], repairs);
        }
    } while (page.count == FSCK_PAGE);
    return found && repairs ? sync_import_end_left(f->core, NULL, f->a) : NULL;
}

err_t fsck_check_sync_files(struct fsck *f)
{
    int64_t after_id = 0;
    size_t count = FSCK_PAGE;
    TRY(check_left(f));
    while (count == FSCK_PAGE) {
        SCRATCH(scratch);
        err_t e = check_page(f, &after_id, &scratch, &count);
        if (e)
            return err_copy(f->a, e);
    }
    return NULL;
}
