/* SPDX-License-Identifier: Apache-2.0 */
/* Finds columns by name: sorted, so that no names, however they are chosen, make it slow. Thread: any. */
#ifndef CAIS_CORE_RECORDS_COLUMN_INDEX_H
#define CAIS_CORE_RECORDS_COLUMN_INDEX_H

#include "base/arena.h"
#include "core/records/column.h"

struct column_index {
    const struct column *columns;
    struct column_index_slot {
        uint64_t head; /* the first eight bytes of the name, as a number that sorts as they do */
        uint32_t column;
    } * slots;
    size_t count;
};

#define COLUMN_NONE ((size_t)-1)

/* columns: borrowed as long as the index; their names differ. */
void column_index_init(struct column_index *, const struct column_list *columns, struct arena *a);
/* The position of the column; COLUMN_NONE: there is none. The name may be any bytes. */
size_t column_index_find(const struct column_index *, slice name);

/* The same one by one: an index without columns, and a column that is added to it, each once at most. False: there is one of its
 * name. */
void column_index_begin(struct column_index *, const struct column_list *columns, struct arena *a);
bool column_index_add(struct column_index *, size_t column);

#endif
