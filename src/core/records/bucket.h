/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_BUCKET_H
#define CAIS_CORE_RECORDS_BUCKET_H

#include "base/slice.h"

enum bucket_kind {
    BUCKET_OPEN,   /* of an account, whose users may put, get and list entries */
    BUCKET_GUARDED /* of the server; a guard permits single keys (entry_guard.h), and no user may list the bucket */
};
/* A name space of keys. */
struct bucket {
    int64_t id;
    int64_t account_id; /* 0: the server's own */
    int64_t owner_id;   /* the user who created it; for a bucket of the server: the user whose key signs for it */
    slice name;
    enum bucket_kind kind;
    slice cors; /* which web pages may use it, in the format of the API; empty: none */
    int64_t created_at_ms;
};
/* Which buckets of a list, by name. */
struct bucket_range {
    slice from;   /* names from this one on; empty: from the first */
    slice after;  /* and after this one; empty: any */
    size_t limit; /* at most so many */
};
struct bucket_list {
    struct bucket *items;
    size_t count;
};

#endif
