/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_FIGURES_H
#define CAIS_CORE_RECORDS_FIGURES_H

#include "base/slice.h"

/* What an account used on one day. The members are those of struct account, at the time at_ms. */
struct figures {
    int64_t day; /* days since 1970, in UTC */
    int64_t at_ms;
    int64_t used_bytes, used_files, record_bytes, garbage_bytes;
    int64_t max_bytes; /* the account's own limit; 0: it had none */
};
struct figures_list {
    struct figures *items;
    size_t count;
};

#endif
