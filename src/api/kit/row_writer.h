/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the rows of a result page in pieces, while they are pulled from the store.
 *
 * Memory   A piece, and what the store hands out at once. A text of any length is written over several pieces.
 * Thread   One at a time. */
#ifndef CAIS_API_KIT_ROW_WRITER_H
#define CAIS_API_KIT_ROW_WRITER_H

#include "base/buf.h"
#include "base/err.h"
#include "core/records/row_query.h"

#define ROW_PIECE_BYTES ((size_t)48 * 1024) /* no value begins behind these in a piece … */
#define ROW_PIECE_MORE ((size_t)14 * 1024)  /* … and it has at most so many more */

enum row_style {
    ROWS_AS_OBJECTS,     /* {"a":1},{"a":2} */
    ROWS_AS_ARRAYS,      /* [1],[2] */
    ROWS_AS_TEXT_ARRAYS, /* ["1"],["2"]; a null stays null */
    ROWS_AS_LINES,       /* {"a":1}, each on a line of its own */
    ROWS_AS_CSV, /* csv.h, after a line of the names, which must be those of columns. A null is empty, without quotes */
};

struct result_page;

/* Everything is for the functions below, but `rows`. */
struct row_writer {
    struct result_page *page;
    enum row_style style;
    const struct row_item *items;
    size_t item_count;
    slice *before;            /* each value of a row */
    bool has_begun;           /* the head was written */
    const struct cell *cells; /* rows that the page handed out; NULL: none yet */
    size_t row, row_count;    /* of these */
    size_t item;              /* of the row */
    size_t text_at;           /* of a text: what was written before */
    uint64_t rows;            /* that were begun */
};

/* page: of that query, whose items are borrowed; nobody else pulls its rows. What is made once lives in `a`. */
void row_writer_init(struct row_writer *, enum row_style, const struct row_query *, struct result_page *page,
                     struct arena *a);
/* Append rows until `out` has ROW_PIECE_BYTES. *ret_end: there are no more. Errors: as result_page_next. */
MUST_USE err_t row_writer_write(struct row_writer *, struct buf *out, struct arena *scratch, bool *ret_end);

/* The text as a JSON string has it, without quotes; it is UTF-8. */
void row_add_escaped(struct buf *out, slice text);

#endif
