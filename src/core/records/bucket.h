/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_BUCKET_H
#define CAIS_CORE_RECORDS_BUCKET_H

#include "base/slice.h"

/* A named space of keys. */
enum bucket_kind {
    BUCKET_OPEN,   /* of an account: its keys put, get and list as they like */
    BUCKET_GUARDED /* of the server: keys are handed out one by one (entry_guard.h); nobody lists it */
};
struct bucket {
    int64_t id;
    int64_t account_id; /* 0: of the server */
    int64_t owner_id;   /* who made it; of the server's own: whose key signs for it */
    slice name;
    enum bucket_kind kind;
    slice cors; /* which web pages may use it, in the words of the API; empty: none */
    int64_t created_at_ms;
};
struct bucket_list {
    struct bucket *items;
    size_t count;
};

#endif
