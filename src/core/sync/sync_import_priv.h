/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of an import share: sync_import_run.c runs it, sync_import_rows.c puts its rows, sync_import_save.c writes how it
 * stands. */
#ifndef CAIS_CORE_SYNC_IMPORT_PRIV_H
#define CAIS_CORE_SYNC_IMPORT_PRIV_H

#include "core/object/content.h"
#include "core/records/file.h"
#include "core/records/record_set.h"
#include "core/sync/sync_import.h"
#include "core/sync/sync_report.h"
#include "core/sync/sync_result.h"

struct import {
    struct core *core;
    struct job_run *run;
    int64_t file_id, number;
    bool has_work;
    bool has_begun; /* its row says that it is PROCESSING */
    bool has_stopped;
    struct sync_file saved; /* as its row is */
    struct sync_file file;  /* as it will be written, but for its rows */
    struct file stored;     /* with the bytes */
    struct buf errors, notes;
    size_t error_count;
    struct record_set set;
    struct sync_progress rows; /* with those of the batch that is open */
    struct sync_progress committed;
    int64_t scanned;         /* rows that the check has seen */
    int64_t tries;           /* runs without a commit between them, this one included */
    int64_t tried_at;        /* rows that were done when the first of them began */
    size_t committed_errors; /* bytes of `errors` that belong to what was committed */
    int64_t saved_at_ms;
    uint64_t unsaved_bytes;
    struct buf position; /* of the set, after the last commit */
    bool is_unflushed;   /* batches were committed since the last flush, or may have been */
};

/* ---- how it stands: sync_import_save.c ---- */

void import_add_note(struct import *, enum sync_note, slice text);
void import_add_error(struct import *, const struct sync_error *);
/* Writes the rows that were committed, the errors and the notes, and what the records take. Errors: QUOTA; CONFLICT another run has
 * the import. */
MUST_USE err_t import_save(struct import *, struct arena *a);
MUST_USE err_t import_finish(struct import *, enum sync_state, struct arena *a);
/* FAILED; the fault comes before those of rows, because it is the reason. */
MUST_USE err_t import_fail(struct import *, const struct sync_error *fault, struct arena *a);
MUST_USE err_t import_fail_as(struct import *, enum sync_fault, struct arena *a);
/* The account has no room, not even for saying so: what is written is not counted. */
MUST_USE err_t import_fail_without_room(struct import *, struct arena *a);
/* Writes how many runs there were, and nothing else: the run has not begun. */
MUST_USE err_t import_save_tries(struct import *, struct arena *a);

/* ---- rows: sync_import_rows.c ---- */

/* Puts the rows of a file that was checked, and finishes the import, unless the run has stopped. */
MUST_USE err_t import_rows(struct import *, const struct content *, const struct sync_check_result *, struct arena *a);
/* Before the run ends early: brings what was committed to stable storage, and asks how much it is, because the answer to a commit may
 * have been lost. What was noted of other rows is forgotten. */
MUST_USE err_t import_settle(struct import *, struct arena *a);

#endif
