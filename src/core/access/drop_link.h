/* SPDX-License-Identifier: Apache-2.0 */
/* Links by which people without an account upload files. A user makes one; whoever has it may begin uploads (core/transfer) within
 * its limits, and go on with those, and sees nothing else. The files become those of the user.
 *
 *   drop_link_create ──► open ──┬── drop_link_revoke, key_revoke, the user is disabled or deleted ──► dead at once
 *                               └── expires_at_ms ──────────────────────────────────────────────────► expired
 *
 * A link is a key of a purpose of its own, so what ends keys ends it, also the requests that run, and its record holds the
 * SHA-256 of its secret. Its limits are exact: an upload counts with its whole length when it begins (transfer_create), and no
 * more when it is removed unfinished. How many are removed so is limited by the hour (core/store/drop_link_store.h).
 *
 * A user sees the links of that user, an administrator those of the account; any other link is NOT_FOUND.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any. */
#ifndef CAIS_CORE_ACCESS_DROP_LINK_H
#define CAIS_CORE_ACCESS_DROP_LINK_H

#include "core/access/access.h"
#include "core/records/drop_link.h"
#include "core/records/file.h"

#define DROP_LINKS_MAX 1000 /* of one user, also those that have ended and were not removed */
#define DROP_LINK_FILES_MAX 10000
#define DROP_LINK_LABEL_MAX 200 /* bytes */
#define DROP_LINK_LIFETIME_MIN_MS ((int64_t)60 * 1000)
#define DROP_LINK_LIFETIME_MAX_MS ((int64_t)366 * 24 * 3600 * 1000)

struct drop_link_request {
    slice label; /* 1 to DROP_LINK_LABEL_MAX bytes of UTF-8 without control characters; whoever has the link reads it */
    int64_t lifetime_ms;
    int64_t max_files;      /* 1 to DROP_LINK_FILES_MAX */
    int64_t max_bytes;      /* in all, at least 1 */
    int64_t max_file_bytes; /* of one file; 0: max_bytes */
};
/* *ret_secret: 43 letters and digits, in `a`; never shown again. May block. Errors: INVALID a member; QUOTA the user has DROP_LINKS_MAX
 * links, or as many keys as a user may have; FORBIDDEN the operator, and who was let in by a link; REVOKED, BLOCKED what admitted
 * `who` has ended. */
MUST_USE err_t drop_link_create(struct core *, const struct principal *who, const struct drop_link_request *,
                                struct arena *a, struct drop_link *ret, slice *ret_secret);
struct drop_link_listing {
    int64_t before_id; /* 0: from the newest */
    size_t limit;
};
/* Newest first, also those that have ended. Only reads. */
MUST_USE err_t drop_link_list(struct core *, const struct principal *who, const struct drop_link_listing *,
                              struct arena *a, struct drop_link_list *ret);
/* Only reads. Errors: NOT_FOUND. */
MUST_USE err_t drop_link_get(struct core *, const struct principal *who, int64_t id, struct arena *a,
                             struct drop_link *ret);
/* From then on nobody uploads by it, and what runs ends (core/grant.h). One that has ended before is removed with its counts; its files
 * stay. May block. Errors: NOT_FOUND. */
MUST_USE err_t drop_link_revoke(struct core *, const struct principal *who, int64_t id, struct arena *a);
/* The files that came by it and are there, newest first. Only reads. Errors: NOT_FOUND. */
MUST_USE err_t drop_link_files(struct core *, const struct principal *who, int64_t id, const struct drop_link_listing *,
                               struct arena *a, struct file_list *ret);
/* The link by which a file came, for a user who sees the file. Only reads. Errors: NOT_FOUND by none, or its link was removed. */
MUST_USE err_t drop_link_of_file(struct core *, const struct file *, struct arena *a, struct drop_link *ret);

/* The link of that secret: a principal that stands for its user and may do nothing but what link_id of struct principal allows.
 * address: of the client; wrong secrets are counted for its network, apart from logins (core/login_limit.h), and keep no right one out. Fit for a loop.
 * Errors: as access_check; RATE too many wrong secrets, retry after login_limit_retry_s. */
MUST_USE err_t drop_link_check(struct core *, slice secret, slice address, struct arena *a, struct principal *ret);
/* The link by which `who` was admitted. Only reads. Errors: NOT_FOUND by none. */
MUST_USE err_t drop_link_own(struct core *, const struct principal *who, struct arena *a, struct drop_link *ret);

#endif
