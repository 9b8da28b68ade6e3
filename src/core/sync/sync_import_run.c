/* SPDX-License-Identifier: Apache-2.0 */
/* The run of an import: the check of the file, and how the run ends. */
#include "core/file/file.h"
#include "core/free_space.h"
#include "core/job.h"
#include "core/store/file_store.h"
#include "core/store/record_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/store/workspace_store.h"
#include "core/sync/entity.h"
#include "core/sync/sync_import_priv.h"
#include "core/sync/sync_reader.h"

#define POSTPONE_MS 10000 /* while there is no free space */

/* ---- the header ---- */

static bool type_is_built_in(slice type)
{
    for (size_t i = 0; i < entities_built_in_count; i++)
        if (slice_eq(entities_built_in[i].type, type))
            return true;
    return false;
}

/* Entity type and data source must be those of one entity. */
static err_t check_entity(struct import *im, const struct sync_header *h, struct arena *a, enum sync_fault *ret)
{
    struct entity entity;
    err_t e = entity_of_data_source(im->core, im->file.account_id, h->datasource, a, &entity);
    *ret = SYNC_FINE;
    if (!e && slice_eq(entity.type, h->entity_type))
        return NULL;
    if (e && !err_is(e, ERR_NOT_FOUND))
        return e;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    bool has = type_is_built_in(h->entity_type);
    TRY(meta_read_begin(im->core->meta, a, &tx));
    if (!has)
        TRY(meta_entity_has_type(tx, im->file.account_id, h->entity_type, a, &has));
    *ret = has ? SYNC_DATASOURCE_MISMATCH : SYNC_UNKNOWN_ENTITY;
    return NULL;
}

static bool differs(slice said, slice is)
{
    return said.n && !slice_eq(said, is);
}

static err_t check_header(struct import *im, const struct sync_header *h, struct arena *a, struct sync_error *ret)
{
    *ret = (struct sync_error){ .fault = SYNC_FINE };
    if (differs(h->workspace, im->file.workspace) || differs(h->bucket, im->file.section)) {
        ret->fault = SYNC_WORKSPACE_MISMATCH;
        ret->value = differs(h->workspace, im->file.workspace) ? h->workspace : h->bucket;
        return NULL;
    }
    if (differs(im->file.entity_type, h->entity_type)) {
        ret->fault = SYNC_ENTITY_MISMATCH;
        ret->value = h->entity_type;
        return NULL;
    }
    TRY(check_entity(im, h, a, &ret->fault));
    ret->value = ret->fault == SYNC_UNKNOWN_ENTITY ? h->entity_type : h->datasource;
    return NULL;
}

/* ---- the check ---- */

static err_t check_file(struct import *im, struct sync_check *check, struct arena *a)
{
    const struct sync_check_result *so_far = sync_check_result(check);
    bool more = true;
    while (more && !im->has_stopped) {
        SCRATCH(scratch);
        err_t e = sync_check_next(check, &scratch, &more);
        if (e)
            return err_copy(a, e);
        im->scanned = (int64_t)(so_far->upserts + so_far->deletes);
        im->has_stopped = job_is_stopping(im->run);
        if (core_now_ms(im->core) - im->saved_at_ms < SYNC_FLUSH_MS)
            continue;
        e = import_save(im, &scratch);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static err_t import_checked(struct import *im, const struct content *content, const struct sync_check_result *check,
                            struct arena *a)
{
    struct sync_error fault = { .fault = check->fault, .line = check->fault_line, .value = check->fault_text };
    const struct sync_header *h = check->header;
    if (h) {
        im->file.import.data_source = arena_copy(a, h->datasource); /* the header goes with the check */
        im->file.import.reference = arena_copy(a, h->reference_id);
        if (h->reference_id.n)
            import_add_note(im, SYNC_NOTE_REFERENCE, h->reference_id);
    }
    if (!fault.fault)
        TRY(check_header(im, h, a, &fault));
    if (fault.fault)
        return import_fail(im, &fault, a);
    im->rows.total = im->committed.total = (int64_t)(check->upserts + check->deletes);
    return import_rows(im, content, check, a);
}

static err_t import_content(struct import *im, const struct content *content, struct arena *a)
{
    SCRATCH(account);
    SCOPED(sync_check_closep) struct sync_check *check = sync_check_open(content, im->file.import.form, &account);
    TRY(check_file(im, check, a));
    return im->has_stopped ? NULL : import_checked(im, content, sync_check_result(check), a);
}

static err_t import_file(struct import *im, struct arena *a)
{
    struct content content = { 0 };
    err_t e = file_open_record(im->core, &im->stored, a, &content);
    if (err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_CORRUPT))
        return import_fail_as(im, SYNC_UNREADABLE, a);
    TRY(e);
    e = import_content(im, &content, a);
    content_close(&content);
    return e;
}

/* ---- the run ---- */

static void read_tries(struct import *im)
{
    slice first, rest;
    bool known = im->run && slice_cut(im->run->notes.checkpoint, ' ', &first, &rest) &&
                 slice_to_i64(first, &im->tries) && slice_to_i64(rest, &im->tried_at);
    if (!known)
        im->tries = im->tried_at = 0;
    im->tries++;
}

/* In a snapshot. An import that has ended, or is not the last one of its file, leaves nothing to do. */
static err_t read_import(struct import *im, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(im->core->meta, a, &tx));
    err_t e = meta_sync_file_get(tx, im->file_id, a, &im->saved);
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    bool is_open = im->saved.state == SYNC_QUEUED || im->saved.state == SYNC_PROCESSING;
    if (!is_open || im->saved.import.number != im->number)
        return NULL;
    im->has_work = true;
    e = meta_file_get(tx, im->saved.file_id, a, &im->stored);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t begin(struct import *im, struct arena *a)
{
    im->file = im->saved;
    im->file.state = SYNC_PROCESSING;
    if (!im->file.import.started_at_ms)
        im->file.import.started_at_ms = core_now_ms(im->core);
    im->committed = im->saved.import.rows; /* of the runs before this one, until it has found their position */
    import_add_note(im, SYNC_NOTE_BEGAN, im->file.handle);
    import_add_note(im, SYNC_NOTE_READS, im->file.key);
    TRY(import_save(im, a));
    im->has_begun = true;
    return NULL;
}

/* Before an attempt ends that another one follows, or a cancellation: until then, nobody else says what was applied. A run that had
 * to end, and one that found no space, was no try. */
static void leave(struct import *im, bool was_try, struct arena *a)
{
    im->tries -= !was_try;
    err_t unsaved = import_settle(im, a);
    if (!unsaved)
        unsaved = im->has_begun ? import_save(im, a) : import_save_tries(im, a);
    (void)unsaved; /* then the row says less than was applied, and the try counts */
}

static err_t end_cancelled(struct import *im, struct arena *a)
{
    err_t e = import_settle(im, a);
    return e ? e : import_fail_as(im, SYNC_CANCELLED, a);
}

static err_t end_stopped(struct import *im, struct arena *a)
{
    if (im->run->stop_reason == JOB_STOP_CANCEL)
        return end_cancelled(im, a);
    if (im->run->stop_reason == JOB_STOP_SERVER)
        leave(im, false, a);
    return NULL;
}

/* Errors of the store make another attempt, unless this was the last. */
static err_t end_failed(struct import *im, err_t e, struct arena *a)
{
    if (err_is(e, ERR_QUOTA))
        return import_fail_without_room(im, a);
    if (err_is(e, ERR_NO_SPACE)) {
        im->run->postpone_ms = POSTPONE_MS;
        leave(im, false, a);
        return e;
    }
    if (im->tries < SYNC_IMPORT_ATTEMPTS) {
        leave(im, true, a);
        return e;
    }
    err_t unsettled = import_settle(im, a), unwritten = import_fail_as(im, SYNC_UNREADABLE, a);
    (void)unsettled;
    return unwritten ? e : NULL;
}

static err_t run_import(struct import *im, struct arena *a)
{
    TRY(free_space_check(im->core, 2 * RECORD_BATCH_BYTES, a));
    TRY(begin(im, a));
    if (im->tries > SYNC_IMPORT_ATTEMPTS)
        return import_fail_as(im, SYNC_UNREADABLE, a);
    return import_file(im, a);
}

err_t sync_import_run(struct core *core, struct job_run *run, struct arena *a)
{
    struct import im = { .core = core, .run = run };
    slice file_id, number;
    if (!slice_cut(run->job.payload, ' ', &file_id, &number) || !slice_to_i64(file_id, &im.file_id) ||
        !slice_to_i64(number, &im.number))
        return err_make(a, ERR_CORRUPT, "the job has a payload that cannot be read");
    TRY(read_import(&im, a));
    if (!im.has_work)
        return NULL;
    read_tries(&im);
    buf_init(&im.errors, 0);
    buf_init(&im.notes, 0);
    buf_init(&im.position, 0);
    err_t e = run_import(&im, a);
    if (e)
        e = end_failed(&im, e, a);
    else if (im.has_stopped)
        e = end_stopped(&im, a);
    buf_release(&im.errors);
    buf_release(&im.notes);
    buf_release(&im.position);
    return e;
}
