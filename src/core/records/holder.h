/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_HOLDER_H
#define CAIS_CORE_RECORDS_HOLDER_H

#include "base/slice.h"

enum holder_kind {
    HOLDER_NONE = 0,
#define HOLDER(number, NAME, name, what) HOLDER_##NAME = (number),
#include "core/records/holders.def"
#undef HOLDER
};

/* A record that holds files. While a holder holds a file, the file is not purged. */
struct holder {
    int kind; /* an enum holder_kind; HOLDER_NONE: no holder */
    int64_t id;
};

struct hold {
    int64_t file_id;
    struct holder holder;
};
struct hold_list {
    struct hold *items;
    size_t count;
};

/* A holder that was removed and still holds files, until all of them are released. */
struct ended_holder {
    struct holder holder;
    int64_t purge_at_ms;          /* of its files that nothing else holds and that are not kept */
    int64_t account_id, ended_by; /* the user who removed it */
    slice request_id;             /* of the request that did */
};

#endif
