/* SPDX-License-Identifier: Apache-2.0 */
/* Sync files: files of rows that are to be imported into a workspace. A sync file is issued before its bytes come; they are put
 * under its key of a guarded bucket (core/bucket/entry_guard.h), and make a file that the sync file holds (core/file/hold.h).
 *
 *          sync_file_issue           bytes came        an import is asked for
 *   (none) ───────────────► created ───────────► uploaded ───────────► queued ──► processing ──► imported
 *                              │                  │  ▲ │                  ▲                   ├─► imported with errors
 *        sync_file_purge_due:  │                  │  └─┘                  │                   └─► failed
 *        no bytes came         ▼                  │  other bytes came     └── imported again ─────┘
 *                           expired               ▼
 *                                               purged   never imported: the file with its bytes goes in the same write
 *
 * A file that was dropped into an inbox (inbox.h) begins as uploaded, and may be queued in the same write; from there on it can also be
 * renamed, removed and replaced, which ends it as purged; then it is forgotten INBOX_KEPT_MS later.
 *
 * What is expired or purged is forgotten SYNC_ENDED_KEPT_MS later. The states from queued to failed are those of imports.
 *
 * Each arrow is one statement that names the state before it, so of a purge, another upload and an import exactly one wins. An
 * upload that began before link_expires_at_ms may end later, until pending_ms has passed; while none has, people see it expired
 * (sync_file_state).
 *
 * A sync file is visible to the keys of its workspace; for others it does not exist.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. */
#ifndef CAIS_CORE_SYNC_SYNC_FILE_H
#define CAIS_CORE_SYNC_SYNC_FILE_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/sync_file.h"

struct job_run;

#define SYNC_ENDED_KEPT_MS ((int64_t)90 * 24 * 3600 * 1000)

struct sync_request {
    slice workspace, section; /* as their sender names them; empty: those of the key */
    slice origin;             /* name of the API */
    int64_t bucket_id;        /* in which the bytes are put */
    slice name;               /* of the file: 1 to 255 bytes without slash and control characters */
    slice folder;             /* of the key: one or more such names, with slashes between them */
    slice entity_type, category, remark, tags, metadata; /* kept with the file */
    slice action;                                        /* empty: a new one */
    uint64_t max_bytes;                                  /* 0: no limit */
    int64_t lifetime_ms;                                 /* how long an upload may begin */
    int64_t pending_ms;                                  /* how long it may end: not less than lifetime_ms */
    int64_t idle_ms;                                     /* how long bytes that are never imported stay */
};
/* The slices of *f live until done returns. Runs on the committer's thread, or on the caller's before sync_file_issue returns; it
 * must not block. */
typedef void sync_issued_fn(void *arg, err_t e, const struct sync_file *f);
/* Write the record, with the key workspace/import/year/month/folder/handle, underscore, name. The request, `who`, and everything they point to must live
 * until done has run. Fit for a loop.
 * Errors (through done): SYNC_NO_ACCESS; SYNC_LONG_KEY; QUOTA, TICKET_TOO_MANY_PENDING; NO_SPACE. */
void sync_file_issue(struct core *, const struct principal *who, const struct sync_request *, sync_issued_fn *done,
                     void *arg);

/* Errors: SYNC_NO_FILE, also for one of another workspace. Thread: any; fit for a loop. */
MUST_USE err_t sync_file_find(struct core *, const struct principal *who, slice handle, struct arena *a,
                              struct sync_file *ret);
/* The same, with what its last import found (sync_report.h), both of one moment. */
MUST_USE err_t sync_file_find_report(struct core *, const struct principal *who, slice handle, struct arena *a,
                                     struct sync_file *ret, struct sync_report *ret_report);
/* The same by its key in that bucket, without a report. */
MUST_USE err_t sync_file_find_key(struct core *, const struct principal *who, int64_t bucket_id, slice key,
                                  struct arena *a, struct sync_file *ret);
/* What the last import of a file that somebody may see has found. Empty when there is nothing. Fit for a loop if report_bytes is
 * small. */
MUST_USE err_t sync_file_report(struct core *, const struct sync_file *, struct arena *a, struct sync_report *ret);
/* As people see it: SYNC_EXPIRED for one without bytes whose link has expired. */
enum sync_state sync_file_state(const struct sync_file *, int64_t now_ms);
/* The sync file of a key of that bucket, in a snapshot or a write. Errors: NOT_FOUND. */
MUST_USE err_t sync_file_by_key(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a, struct sync_file *ret);

/* Ends what is due (the diagram), a bounded number in each write, until the run is stopping (core/job.h; may be NULL). While a
 * backup runs (core/object/garbage.h), none. Errors: those of the store. Thread: any that may block. */
MUST_USE err_t sync_file_purge_due(struct core *, struct job_run *, struct arena *a);

#endif
