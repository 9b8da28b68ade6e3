/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_DROP_LINK_H
#define CAIS_CORE_RECORDS_DROP_LINK_H

#include "base/slice.h"

#include <stdint.h>

/* What a link may receive from people without an account (core/access/drop_link.h). It belongs to the key with the same id, which has
 * its owner, its secret and its end. */
struct drop_link {
    int64_t id, account_id, user_id; /* user_id: whose files they become */
    slice login;                     /* of that user; set only by reading, like all below the counts */
    slice label;
    int64_t max_files, max_bytes, max_file_bytes;
    int64_t files, bytes; /* of uploads that were begun and not removed, and of files that came */
    int64_t created_at_ms, expires_at_ms;
    int64_t revoked_at_ms;               /* 0: it was not */
    int64_t given_back, given_back_hour; /* core/store/drop_link_store.h */
};
struct drop_link_list {
    struct drop_link *items;
    size_t count;
};

#endif
