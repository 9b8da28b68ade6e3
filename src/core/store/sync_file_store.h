/* SPDX-License-Identifier: Apache-2.0 */
/* Sync files. Each change of a state is one statement that names the state before it. */
#ifndef CAIS_CORE_STORE_SYNC_FILE_STORE_H
#define CAIS_CORE_STORE_SYNC_FILE_STORE_H

#include "core/records/record_ids.h"
#include "core/records/sync_file.h"
#include "core/store/transaction.h"

/* Names no file yet, whatever the record says. CONFLICT when the handle is taken. */
MUST_USE err_t meta_sync_file_add(struct meta_tx *, const struct sync_file *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_sync_file_get(struct meta_tx *, int64_t id, struct arena *a, struct sync_file *ret);
MUST_USE err_t meta_sync_file_by_handle(struct meta_tx *, slice handle, struct arena *a, struct sync_file *ret);
/* All of them, by id. */
MUST_USE err_t meta_sync_file_list(struct meta_tx *, const struct id_page *, struct arena *a,
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

/* Those whose due_at_ms is set and not later than now_ms, oldest first. */
MUST_USE err_t meta_sync_file_due(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a,
                                  struct sync_file_list *ret);
/* As meta_sync_file_move, for one that is due at at_ms; it names no file any more. */
MUST_USE err_t meta_sync_file_end(struct meta_tx *, const struct sync_file_move *, struct arena *a, bool *ret_changed);
/* Removes one that is EXPIRED or PURGED and due. *ret_changed: there was such a one. */
MUST_USE err_t meta_sync_file_forget(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a, bool *ret_changed);

#endif
