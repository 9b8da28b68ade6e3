/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_RECORD_IDS_H
#define CAIS_CORE_RECORDS_RECORD_IDS_H

#include <stddef.h>
#include <stdint.h>

/* Ids of tasks or comments: of what is too large to be listed itself. */
struct record_ids {
    int64_t *items;
    size_t count;
};

/* A page of a list by id. */
struct id_page {
    int64_t after_id; /* the last id of the page before; 0: from the first */
    size_t limit;
};
#define ALL_IDS (&(struct id_page){ 0, SIZE_MAX }) /* the whole list */

#endif
