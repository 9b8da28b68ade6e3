/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_ENTITY_H
#define CAIS_CORE_RECORDS_ENTITY_H

#include "base/slice.h"

/* What records are about. A set of records is named by workspace, section and data source; several entities may be of one type. */
struct entity {
    int64_t id; /* 0: it is built in (core/sync/entities.def) */
    int64_t account_id;
    slice name;        /* by which clients read records */
    slice type;        /* that files name, together with the data source */
    slice data_source; /* unique, as the name is */
    int64_t created_at_ms;
};
struct entity_list {
    struct entity *items;
    size_t count;
};

#endif
