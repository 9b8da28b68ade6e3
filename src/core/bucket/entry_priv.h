/* SPDX-License-Identifier: Apache-2.0 */
/* What entries and uploads share. */
#ifndef CAIS_CORE_BUCKET_ENTRY_PRIV_H
#define CAIS_CORE_BUCKET_ENTRY_PRIV_H

#include "core/bucket/entry.h"
#include "core/records/object.h"

/* Errors: INVALID. */
MUST_USE err_t entry_check_key(slice key, struct arena *a);
/* Errors: TOO_LARGE. */
MUST_USE err_t entry_check_texts(slice headers, slice tags, struct arena *a);

bool entry_is_conditional(const struct entry_condition *);
/* What is known about the outcome before a byte has come: the condition, and whether the account has room for so many
 * more bytes (-1: not known). Errors: CONFLICT; QUOTA. */
MUST_USE err_t entry_precheck(struct core *, const struct bucket *, slice key, const struct entry_condition *,
                              int64_t bytes, struct arena *a);

/* One key gets another object, inside a write: entry_claim asks and takes what may be refused, then the caller makes
 * the object, then entry_settle puts the entry where its key is. */
struct entry_change {
    struct core *core;
    const struct principal *who;
    const struct bucket *bucket;
    slice key;
    const struct entry_condition *condition;
    uint64_t bytes; /* of the new object */
    uint64_t freed; /* of the account's, that come free by the same write */
    int64_t at_ms;
    slice action; /* of the event */
    bool by_difference;
};
/* Errors: CONFLICT the condition does not hold; QUOTA. Nothing was changed then. */
MUST_USE err_t entry_claim(struct meta_tx *, struct entry_change *, struct arena *a);
/* Lets go of the object that was there. Errors: NOT_FOUND the bucket has gone. */
MUST_USE err_t entry_settle(struct meta_tx *, const struct entry_change *, const struct entry *, struct arena *a);
/* How a put ends, on the committer's thread as a rule: tells `done` of the entry, or of e (not NULL). */
void entry_tell(err_t e, const struct entry *, entry_done_fn *done, void *arg);
/* "entry:BUCKET/KEY" */
slice entry_subject(struct arena *a, const struct bucket *, slice key);

#endif
