/* SPDX-License-Identifier: Apache-2.0 */
/* The contract between entries and the guards of guarded buckets (BUCKET_GUARDED). The keys of such a bucket are handed
 * out one by one; a guard decides which of them exist, who may put bytes under them, and what those bytes become. There is
 * a guard for each kind of keys, and no key is of two kinds. core_init installs them. Nothing in this folder knows what a guard
 * keeps. */
#ifndef CAIS_CORE_BUCKET_ENTRY_GUARD_H
#define CAIS_CORE_BUCKET_ENTRY_GUARD_H

#include "core/core.h"
#include "core/records/bucket.h"
#include "core/records/entry.h"

struct content;
struct entry_put;
struct intake_request;
struct intake_result;

struct entry_guard {
    /* Look a key up, in a snapshot or in a write.
     * Errors: NOT_FOUND, also while no bytes have come, and after the file has expired. Without a reason it means that another guard
     * may know the key; with one, such as ENTRY_NOT_THERE, that no other is asked. */
    MUST_USE err_t (*find)(struct core *, struct meta_tx *, const struct bucket *, slice key, struct arena *a,
                           struct entry *ret);
    /* The same with the bytes, open for reading. Errors: also CORRUPT. */
    MUST_USE err_t (*open)(struct core *, const struct bucket *, slice key, struct arena *a, struct entry *ret,
                           struct content *ret_content);
    /* The last two are NULL for a guard whose keys are only read. */

    /* Before the first byte: may bytes be put under this key? Narrows `intake` and put->request to what is permitted, and
     * sets put->file_id. Errors: as entry_put_open; NOT_FOUND another guard may know the key. */
    MUST_USE err_t (*admit)(struct entry_put *, struct intake_request *intake, struct arena *a);
    /* Inside the write that ends the put: record the object as the bytes of the file, and set put->entry.object_id.
     * Checks everything that may be refused before it changes anything. Errors: as entry_put_finish. */
    MUST_USE err_t (*place)(struct meta_tx *, struct entry_put *, const struct intake_result *, struct arena *a);
};

/* By the guard that knows the key. Errors: as those of the guard. */
MUST_USE err_t entry_guards_find(struct core *, struct meta_tx *, const struct bucket *, slice key, struct arena *a,
                                 struct entry *ret);
MUST_USE err_t entry_guards_open(struct core *, const struct bucket *, slice key, struct arena *a, struct entry *ret,
                                 struct content *ret_content);
/* Does none of the guards that were asked know the key? */
static inline bool entry_key_is_unknown(err_t e)
{
    return err_is(e, ERR_NOT_FOUND) && !err_reason(e);
}

struct file;
/* The entry that describes the file of a key to readers, in `a`. */
struct entry entry_of_file(const struct bucket *, slice key, const struct file *, struct arena *a);

#endif
