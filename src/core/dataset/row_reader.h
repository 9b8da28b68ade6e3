/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a stored data file, in batches, in constant memory: that of its longest line (lines.h), and of a batch.
 *
 * Errors  A file with an error has no rows: from the first error on, lines are only checked, until ROW_ERRORS_MAX errors were
 *         found. Batches that were read before must then be thrown away.
 * Thread  One at a time. */
#ifndef CAIS_CORE_DATASET_ROW_READER_H
#define CAIS_CORE_DATASET_ROW_READER_H

#include "core/dataset/line_error.h"
#include "core/object/content.h"

#define ROW_ERRORS_MAX 100
#define ROW_BATCH_ROWS 2048
#define ROW_BATCH_CELLS 65536 /* at least one row, however many columns there are */

struct row_source {
    const struct content *content;
    slice name;            /* of the file: lines_name_is_known, else that is its only error */
    uint64_t unzipped_max; /* bytes; see lines.h */
    const struct column_list *columns;
    bool is_strict; /* members that are no column are errors */
};

struct row_batch {
    const struct cell *cells; /* of each row, a cell for each column; with their texts valid until the next call */
    size_t row_count;         /* may be 0 before the end, too */
};

struct row_reader;

/* source: what it points to is borrowed until row_reader_close. account: counts the memory, holds the errors, and is not
 * released before. Its limit should be ARENA_LIMIT_DEFAULT or more: less may be too little for lines of LINE_BYTES_MAX. */
struct row_reader *row_reader_open(const struct row_source *, struct arena *account);
void row_reader_close(struct row_reader *); /* NULL is fine */
/* Read on: at most a block of lines, or a batch, so that the caller can stop in between. *ret_has_more: call again. Errors:
 * those of content_read_at and arena_check; the reader cannot be used after one. */
MUST_USE err_t row_reader_next(struct row_reader *, struct arena *a, struct row_batch *ret_batch, bool *ret_has_more);
/* What is wrong with the file, by line. They live in the account. */
const struct line_error *row_reader_errors(const struct row_reader *, size_t *ret_count);
/* How many bytes of the stored object have been read. Any thread. */
uint64_t row_reader_read_bytes(const struct row_reader *);

static inline void row_reader_closep(struct row_reader **r)
{
    row_reader_close(*r);
}

#endif
