/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef CAIS_CORE_SYNC_SYNC_PRIV_H
#define CAIS_CORE_SYNC_SYNC_PRIV_H

#include "core/core.h"
#include "core/records/holder.h"
#include "core/records/sync_file.h"

static inline struct holder sync_holder_of(int64_t id)
{
    return (struct holder){ HOLDER_SYNC_FILE, id };
}

struct file;
struct sync_request;

/* The record of what is asked for at that time, CREATED; it borrows all texts. action: for a request that names none. Not set: account
 * and owner, workspace and section, way, key, and the times of its link and its end. */
struct sync_file sync_file_of_request(const struct sync_request *, slice handle, slice action, int64_t at_ms);
/* One that begins with its bytes, which are those of the file: also sets account and owner, and that it has no link. */
void sync_file_set_bytes(struct sync_file *, const struct file *);
/* Random hex digits. */
void sync_handle_fill(struct core *, char handle[SYNC_HANDLE_LENGTH]);
/* workspace/import/year/month/folder/handle, underscore, name: of a record with its names and created_at_ms. Errors: SYNC_LONG_KEY. */
MUST_USE err_t sync_key_make(const struct sync_file *, struct arena *a, slice *ret);
/* Inside a write: adds one whose bytes are there: those of the file file_id, which is STORED, and which it holds from then on. Makes its
 * key, and writes the event. All but id and key is set, as of one that is CREATED. Errors: SYNC_LONG_KEY; QUOTA. */
MUST_USE err_t sync_file_add_taken(struct core *, struct meta_tx *, const struct principal *who, struct sync_file *,
                                   struct arena *a);
/* Inside a write: one that was UPLOADED and is PURGED in it already releases its file, which is removed. Writes the event. who: NULL:
 * the server itself. */
MUST_USE err_t sync_bytes_remove(struct meta_tx *, const struct sync_file *before, const struct principal *who,
                                 slice action, int64_t now_ms, struct arena *a);
/* "sync:HANDLE" */
slice sync_subject(const struct sync_file *, struct arena *a);

#endif
