/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_RECORD_SET_H
#define CAIS_CORE_RECORDS_RECORD_SET_H

#include "base/slice.h"

/* The records of a data source in a section. They are in the record store (core/store/record_store.h), under this id. */
struct record_set {
    int64_t id, account_id, section_id;
    slice data_source; /* unique in the section */
    int64_t bytes;     /* that the records take, as last measured */
    int64_t created_at_ms;
};
struct record_set_list {
    struct record_set *items;
    size_t count;
};

#endif
