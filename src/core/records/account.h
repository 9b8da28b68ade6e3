/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_ACCOUNT_H
#define CAIS_CORE_RECORDS_ACCOUNT_H

#include "base/slice.h"

/* A tenant: everything else belongs to exactly one. */
struct account {
    int64_t id;
    slice name;
    int64_t created_at_ms;
    int64_t max_bytes, max_files;   /* 0: none of its own, core_options count */
    int64_t used_bytes, used_files; /* of files that hold bytes */
};
struct account_list {
    struct account *items;
    size_t count;
};

#endif
