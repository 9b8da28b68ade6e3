/* SPDX-License-Identifier: Apache-2.0 */
/* Sync files. Each change of a state is one statement that names the state before it. */
#ifndef CAIS_CORE_STORE_SYNC_FILE_STORE_H
#define CAIS_CORE_STORE_SYNC_FILE_STORE_H

#include "core/records/record_ids.h"
#include "core/records/sync_file.h"
#include "core/records/sync_file_query.h"
#include "core/store/transaction.h"

/* Names no file yet, whatever the record says. CONFLICT when the handle is taken. */
MUST_USE err_t meta_sync_file_add(struct meta_tx *, const struct sync_file *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_sync_file_get(struct meta_tx *, int64_t id, struct arena *a, struct sync_file *ret);
MUST_USE err_t meta_sync_file_by_handle(struct meta_tx *, slice handle, struct arena *a, struct sync_file *ret);
/* Answers a question about them; ids that it returns are of this moment. What it sorts may be in a file.
 * Errors: EXPIRED it took longer than limit_ms; TOO_LARGE the condition has more tests or joins than the store can take; INVALID the
 * limit is out of range. */
MUST_USE err_t meta_sync_file_query(struct meta_tx *, const struct sync_file_query *, struct arena *a,
                                    struct sync_file_found *ret);
/* All of them, by id. */
MUST_USE err_t meta_sync_file_list(struct meta_tx *, const struct id_page *, struct arena *a,
                                   struct sync_file_list *ret);

/* The first ones of a workspace, by id. */
MUST_USE err_t meta_sync_file_list_of_workspace(struct meta_tx *, int64_t workspace_id, size_t limit, struct arena *a,
                                                struct sync_file_list *ret);
/* Whatever its state is, with its report. */
MUST_USE err_t meta_sync_file_remove(struct meta_tx *, int64_t id, struct arena *a);

/* Those of an account, newest first. page: after_id is that of the last one of the page before; 0: from the newest. */
MUST_USE err_t meta_sync_file_page(struct meta_tx *, int64_t account_id, const struct id_page *page, struct arena *a,
                                   struct sync_file_list *ret);

/* One that is CREATED or UPLOADED, and whose bytes are those of the file old_file_id (0: none), is UPLOADED with those of `now`: its
 * file_id, size_bytes, md5, content_type, uploaded_at_ms and due_at_ms. *ret_changed: there is such a one. */
MUST_USE err_t meta_sync_file_store(struct meta_tx *, const struct sync_file *now, int64_t old_file_id, struct arena *a,
                                    bool *ret_changed);
/* Moves it from one state to another. *ret_changed: it was in the state `from`. */
struct sync_file_move {
    int64_t id;
    enum sync_state from, to;
    int64_t at_ms;
    int64_t due_at_ms; /* 0: the purge leaves it alone from now on */
};
MUST_USE err_t meta_sync_file_move(struct meta_tx *, const struct sync_file_move *, struct arena *a, bool *ret_changed);

/* ---- imports ---- */

/* One that is in the state `from`, and whose last import is number - 1, is QUEUED: import.number, job_id, form, may_delete and
 * queued_at_ms, and action and remark, are those of `now`; the rest of the import is empty again, and the purge leaves the file alone.
 * *ret_changed: there is such a one. */
MUST_USE err_t meta_sync_file_queue(struct meta_tx *, const struct sync_file *now, enum sync_state from,
                                    struct arena *a, bool *ret_changed);
/* Moves one whose last import has the number now->import.number from one state to another, which may be the same: data source,
 * reference, started_at_ms, finished_at_ms, rows and report_bytes are those of `now`. *ret_changed: there is such a one. */
MUST_USE err_t meta_sync_import_move(struct meta_tx *, const struct sync_file *now, const struct sync_file_move *,
                                     struct arena *a, bool *ret_changed);
/* Those that are QUEUED or PROCESSING although their job has ended or is forgotten, by id. */
MUST_USE err_t meta_sync_file_left(struct meta_tx *, const struct id_page *, struct arena *a,
                                   struct sync_file_list *ret);
/* *ret_has: one of the section is QUEUED or PROCESSING. */
MUST_USE err_t meta_sync_file_has_open(struct meta_tx *, int64_t section_id, struct arena *a, bool *ret_has);

/* Empty when there is none. */
MUST_USE err_t meta_sync_report_get(struct meta_tx *, int64_t sync_file_id, struct arena *a, struct sync_report *ret);
MUST_USE err_t meta_sync_report_put(struct meta_tx *, int64_t sync_file_id, const struct sync_report *,
                                    struct arena *a);

/* ---- the end ---- */

/* Those whose due_at_ms is set and not later than now_ms, oldest first. */
MUST_USE err_t meta_sync_file_due(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a,
                                  struct sync_file_list *ret);
/* As meta_sync_file_move, for one that is due at at_ms; it names no file any more. */
MUST_USE err_t meta_sync_file_end(struct meta_tx *, const struct sync_file_move *, struct arena *a, bool *ret_changed);
/* Removes one that is EXPIRED or PURGED and due. *ret_changed: there was such a one. */
MUST_USE err_t meta_sync_file_forget(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a, bool *ret_changed);

/* ---- the folders of the inbox of a section ---- */

/* Which states are shown in a folder, of what came by a folder or by a page. */
enum sync_folder {
    SYNC_IN_IMPORT, /* UPLOADED, QUEUED, PROCESSING */
    SYNC_IN_DONE,   /* IMPORTED, IMPORTED_WITH_ERRORS */
    SYNC_IN_FAILED, /* FAILED */
    SYNC_FOLDERS
};
struct sync_folder_page {
    int64_t section_id;
    enum sync_folder folder;
    slice after_name; /* these two of the last one of the page before */
    int64_t after_id; /* 0: from the first */
    size_t limit;
};
/* By name; of those with one name, the newest first. */
MUST_USE err_t meta_sync_file_list_in(struct meta_tx *, const struct sync_folder_page *, struct arena *a,
                                      struct sync_file_list *ret);
/* The newest of that name. */
MUST_USE err_t meta_sync_file_newest_in(struct meta_tx *, int64_t section_id, enum sync_folder, slice name,
                                        struct arena *a, struct sync_file *ret);
/* Gives one that is UPLOADED another name and key. *ret_changed: there was such a one. */
MUST_USE err_t meta_sync_file_rename(struct meta_tx *, const struct sync_file *now, struct arena *a, bool *ret_changed);
/* As meta_sync_file_end, whether it is due or not. */
MUST_USE err_t meta_sync_file_discard(struct meta_tx *, const struct sync_file_move *, struct arena *a,
                                      bool *ret_changed);

#endif
