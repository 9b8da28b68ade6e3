/* SPDX-License-Identifier: Apache-2.0 */
/* Where a reader of a sync file stands. Thread: any. */
#ifndef CAIS_CORE_SYNC_POSITION_H
#define CAIS_CORE_SYNC_POSITION_H

#include "base/buf.h"
#include "core/records/sync_file.h"

/* After a row, and before the next. It is all that is needed to read the rows from there on. */
struct sync_position {
    enum sync_form form;
    bool is_deleting;       /* of JSON: the next row is one of `delete` */
    uint64_t offset;        /* of the bytes that follow; 0: there are no rows */
    uint64_t line;          /* of lines that ended before them */
    uint64_t row;           /* of rows before them */
    uint64_t header_offset; /* of JSON, like the next two */
    uint64_t delete_offset; /* 0: there is no `delete` */
    uint64_t delete_line;
};

#define SYNC_POSITION_TEXT_MAX 160
/* As a text of digits and blanks, at most SYNC_POSITION_TEXT_MAX bytes, for a record that is kept. */
void sync_position_add_text(struct buf *, const struct sync_position *);
/* False: it is no such text. */
bool sync_position_from_text(slice text, struct sync_position *ret);

#endif
