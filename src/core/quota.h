/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of an account: bytes and files. An account that has no limit of its own has that of core_options.
 * A user may have a limit, too: it is for the bytes and files that the user owns, whatever API they came by. Both limits must
 * have room.
 *
 *   bytes   of files, entries of buckets, and parts of uploads; and of records. Everything that an account makes the server
 *           keep is a record with a size (records/record_size.h), so nobody can fill the disk with tasks, open uploads
 *           or tags instead of files. Users, keys and tokens do not count: an account whose room is used up can still
 *           log in and delete. Neither does the audit log, which is the operator's (event.h)
 *   files   files that hold bytes, and entries
 *
 *   disk    what was replaced or removed is off these counts at once, but its bytes stay on the disk for the grace
 *           (object/garbage.h). They may take as much as the limit of bytes once more, so whoever replaces the same large
 *           object again and again does not fill the disk. Only what adds bytes to the blob store is refused then. Users have
 *           no such limit: that of their account is there for all of them.
 *
 * Work that was begun and not ended is limited as well, by core_options alone: files that were issued and have no bytes
 * yet, and uploads in parts.
 *
 * The counters are exact: each write that adds or removes a record counts it in the same transaction, and fsck counts
 * again. */
#ifndef CAIS_CORE_QUOTA_H
#define CAIS_CORE_QUOTA_H

#include "core/core.h"
#include "core/records/account.h"

/* Does the account have room for that much more, and the owner? What gives room back always fits. Errors:
 * QUOTA, TICKET_TOO_MANY_PENDING, UPLOAD_TOO_MANY, NOT_FOUND. */
MUST_USE err_t quota_check(struct core *, struct meta_tx *, int64_t account_id, const struct account_use *more,
                           struct arena *a);
/* Does the owner alone? Errors: QUOTA, NOT_FOUND. */
MUST_USE err_t quota_check_owner(struct meta_tx *, const struct account_use *more, struct arena *a);
/* Is there room for `bytes` more in the blob store, beside what the account uses and what it removed? 0: for what has been
 * counted already. Errors: QUOTA. */
MUST_USE err_t quota_check_disk(struct core *, struct meta_tx *, int64_t account_id, int64_t bytes, struct arena *a);
/* The limit of bytes of the account or of the user, whichever leaves less room; how many of them a file of the user could still
 * take, and how many are used. limit_bytes and free_bytes are -1 when neither has a limit. */
struct quota_room {
    int64_t limit_bytes, free_bytes, used_bytes;
};
MUST_USE err_t quota_room(struct core *, struct meta_tx *, const struct principal *, struct arena *a,
                          struct quota_room *ret);
/* The same as quota_check, and counts the room as used. Runs inside a write, so no other write can use the room in between. The caller
 * has asked for free space when the bytes began to arrive (free_space.h). */
MUST_USE err_t quota_take(struct core *, struct meta_tx *, int64_t account_id, const struct account_use *more,
                          struct arena *a);
/* Takes room for records, which needs free space above the reserve, or gives it back when the number is negative. Errors: as
 * quota_take_records. */
MUST_USE err_t quota_change_records(struct core *, struct meta_tx *, int64_t account_id, int64_t records,
                                    struct arena *a);
/* The same for a write that adds records, or makes them longer, without bytes of a file: it needs free space above the
 * reserve. Errors: also NO_SPACE, UNAVAILABLE as free_space_check. */
MUST_USE err_t quota_take_records(struct core *, struct meta_tx *, int64_t account_id, const struct account_use *more,
                                  struct arena *a);

#endif
