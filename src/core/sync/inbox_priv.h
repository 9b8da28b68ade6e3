/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the inbox share. */
#ifndef CAIS_CORE_SYNC_INBOX_PRIV_H
#define CAIS_CORE_SYNC_INBOX_PRIV_H

#include "core/grant.h"
#include "core/records/transfer.h"
#include "core/records/workspace.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/inbox.h"

struct inbox {
    struct core *core;
    struct arena arena;
    struct principal who;
    struct grant grant; /* its generation is atomic */
    struct workspace workspace;
    struct section section;
    struct inbox_options options;
};

/* Does the key still hold? */
MUST_USE err_t inbox_check(struct inbox *, struct arena *a);
/* The same inside a write. */
MUST_USE err_t inbox_check_in(struct inbox *, struct meta_tx *, struct arena *a);
/* The same, and may it change something? Errors: also INBOX_READ_ONLY. */
MUST_USE err_t inbox_check_writer(struct inbox *, struct arena *a);

/* ---- names ---- */

/* Is it one that a new file could have, or could once have had? Others come from a database that somebody made, and are not shown. */
bool inbox_name_is_sound(slice name);
/* May a new file have it? Errors: INBOX_BAD_NAME. */
MUST_USE err_t inbox_name_check(slice name, struct arena *a);
bool inbox_name_is_in_progress(slice name);
/* Is a file of that name imported at once, and in which form? */
bool inbox_name_is_imported(slice name, enum sync_form *ret);
/* NAME~HANDLE. False: it has another form. */
bool inbox_name_split(slice shown, slice *ret_name, slice *ret_handle);
/* NAME.result.json. False: it has another form. */
bool inbox_name_of_result(slice shown, slice *ret_name);

/* ---- files ---- */

/* What stands behind a shown name: a transfer, if its id is not 0; else a sync file, if its id is not 0, or its result. */
struct inbox_found {
    struct transfer transfer;
    struct sync_file sync;
    bool is_result;
};
/* Those of the path, both if both have the name. Errors: INBOX_NO_FILE. */
MUST_USE err_t inbox_find(struct inbox *, struct meta_tx *, const struct inbox_path *, struct arena *a,
                          struct inbox_found *ret);
/* The text of a result. */
MUST_USE err_t inbox_result_text(struct inbox *, const struct sync_file *, struct arena *a, slice *ret);
/* shown: its name, which is borrowed. */
struct inbox_entry inbox_transfer_entry(const struct inbox *, const struct transfer *, slice shown);
struct inbox_entry inbox_sync_entry(const struct inbox *, const struct sync_file *, slice shown);
struct inbox_entry inbox_result_entry(const struct sync_file *, slice shown, uint64_t size_bytes);
/* What a transfer refused, in the words of the inbox. */
err_t inbox_transfer_error(err_t e, struct arena *a);

/* ---- taking ---- */

/* Takes the transfer of that name as a file called file_name. replaces: instead of one that was taken and is not imported; else
 * INBOX_EXISTS. Errors: as inbox_writer_close. */
struct inbox_taking {
    slice transfer, file_name;
    bool replaces;
};
MUST_USE err_t inbox_take(struct inbox *, const struct inbox_taking *, struct arena *a);
/* Inside a write: the sync file of that name that a new one replaces goes. Errors: INBOX_READ_ONLY its import is queued or runs;
 * INBOX_EXISTS there is one, and replaces is false. */
MUST_USE err_t inbox_make_way(struct inbox *, struct meta_tx *, slice file_name, bool replaces, struct arena *a);
/* Inside a write: queues the import of a file that is called so, if its name says so. */
MUST_USE err_t inbox_queue_import(struct inbox *, struct meta_tx *, const struct sync_file *, struct arena *a);

#endif
