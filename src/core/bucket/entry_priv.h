/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of entries and uploads. */
#ifndef CAIS_CORE_BUCKET_ENTRY_PRIV_H
#define CAIS_CORE_BUCKET_ENTRY_PRIV_H

#include "core/bucket/entry.h"
#include "core/records/account.h"
#include "core/records/object.h"

/* Errors: INVALID. */
MUST_USE err_t entry_check_key(slice key, struct arena *a);
/* Errors: TOO_LARGE. */
MUST_USE err_t entry_check_texts(slice headers, slice tags, struct arena *a);

bool entry_is_conditional(const struct entry_condition *);
/* Refuse a put early, before the first byte, for reasons that would refuse it at its end: the condition does not hold,
 * or the account or the owner has no room. Reads core, bucket, key, condition and owner_id of the change. bytes: of the new
 * object; -1: not known. Errors: CONFLICT; QUOTA. */
struct entry_change;
MUST_USE err_t entry_precheck(const struct entry_change *, int64_t bytes, struct arena *a);

/* A key gets another object, inside a write, in three steps. entry_claim checks everything that may refuse the change
 * and takes the room in the account. Then the caller adds the object. Then entry_settle puts the entry. */
struct entry_change {
    struct core *core;
    const struct principal *who;
    const struct bucket *bucket;
    slice key;
    const struct entry_condition *condition;
    int64_t owner_id;         /* of the new entry, and of what is freed */
    uint64_t bytes;           /* of the new object */
    int64_t records;          /* size of the new entry's record */
    struct account_use freed; /* that the same write gives back to the account in another way, as negative numbers */
    int64_t at_ms;
    slice action; /* of the event */
    /* entry_claim's: it read the entry that is replaced, checked the condition, and counted only the difference to it.
     * entry_settle expects to replace just that one. */
    bool replaces_counted;
    int64_t expected_object_id; /* of that entry; 0: there was none */
};
/* Errors: CONFLICT the condition does not hold; QUOTA. Nothing was changed then. */
MUST_USE err_t entry_claim(struct meta_tx *, struct entry_change *, struct arena *a);
/* Puts the entry, releases the object of the one that it replaces, and writes the event. Errors: BUCKET_NOT_THERE the bucket
 * was removed. */
MUST_USE err_t entry_settle(struct meta_tx *, const struct entry_change *, const struct entry *, struct arena *a);
/* Report the outcome of a put to `done`: the entry, or the error e if it is not NULL. */
void entry_report(err_t e, const struct entry *, entry_done_fn *done, void *arg);
/* Does `who`, of the account of the bucket, see the entry beside its files? See entry_view.h. */
bool entry_is_visible(const struct principal *who, const struct entry *);
/* The error of a look-up of an entry: if there was none, ENTRY_NOT_THERE. */
err_t entry_check_found(err_t e, struct arena *a);
/* "entry:BUCKET/KEY" */
slice entry_subject(struct arena *a, const struct bucket *, slice key);

#endif
