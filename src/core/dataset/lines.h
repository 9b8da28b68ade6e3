/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a stored data file, read in constant memory: about LINES_BLOCK, or twice the longest line. A UTF-8 BOM is
 * skipped; lines end in LF or CRLF, the last one perhaps in neither; blank lines are counted and left out. Names that end in
 * .gz are unzipped.
 *
 *   while (lines_fill reads on)
 *       while (lines_next has a line) use it;       every line of a fill stays valid until the next one
 *
 * Thread   one at a time. */
#ifndef CAIS_CORE_DATASET_LINES_H
#define CAIS_CORE_DATASET_LINES_H

#include "core/dataset/line_error.h"
#include "core/object/content.h"

#define LINES_BLOCK ((size_t)256 << 10)
#define LINE_BYTES_MAX ((size_t)10 << 20)       /* without its end */
#define LINES_UNZIPPED_MAX ((uint64_t)16 << 30) /* the usual limit of lines_open */

/* The name says that the file has lines of JSON: it ends in .jsonl or .ndjson, which .gz may follow; in any case. */
bool lines_name_is_known(slice name);
bool lines_name_is_zipped(slice name); /* it ends in .gz */

struct lines;

struct text_line {
    slice text;      /* without its end, at least one byte that is no blank; empty when is_too_long */
    uint64_t number; /* from 1 */
    bool is_too_long;
};

/* content       borrowed until lines_close; its bytes are read from the beginning
 * name          of the file; only its end matters
 * unzipped_max  bytes that a .gz may unzip to
 * account       counts the memory, and is not released before lines_close */
struct lines *lines_open(const struct content *content, slice name, uint64_t unzipped_max, struct arena *account);
/* The same from a line in the middle of a content that is not zipped, where lines_position of another reader stood. */
struct line_position {
    uint64_t offset; /* where the line begins */
    uint64_t number; /* of lines before it */
};
struct lines *lines_open_at(const struct content *content, struct line_position, struct arena *account);
/* Of the line after the one that lines_next handed out last, in a content that is not zipped. */
struct line_position lines_position(const struct lines *);
void lines_close(struct lines *); /* NULL is fine */
/* The bytes come one after the other, each by lines_feed, which borrows them until lines_fill returned false; after the last
 * ones lines_feed_end. lines_fill also returns false when it has read all that was fed. Nothing is unzipped. */
struct lines *lines_open_fed(struct arena *account);
void lines_feed(struct lines *, slice bytes);
void lines_feed_end(struct lines *);

/* Read on; all lines that were read before must have been taken. *ret_has_more: there may be lines now, though there need not
 * be: nobody waits for a whole line of any length. False: the file has ended, or *ret_fault, else LINE_FINE, says what is
 * wrong with it. Errors: those of content_read_at and arena_check. */
MUST_USE err_t lines_fill(struct lines *, struct arena *a, bool *ret_has_more, enum line_fault *ret_fault);
bool lines_next(struct lines *, struct text_line *ret_line);

/* How many bytes of the stored object have been read, for a progress bar. Any thread. */
uint64_t lines_read_bytes(const struct lines *);

static inline void lines_closep(struct lines **l)
{
    lines_close(*l);
}

#endif
