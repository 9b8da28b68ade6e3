/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a data file while its bytes come, before it is stored: the same errors that reading it (ingest.h) would find, in
 * the memory of its longest line. A zipped file is not looked into, because a few bytes of it may be very many.
 * Thread: one at a time. */
#ifndef CAIS_CORE_DATASET_FILE_CHECK_H
#define CAIS_CORE_DATASET_FILE_CHECK_H

#include "base/arena.h"
#include "base/err.h"
#include "core/dataset/line_error.h"

struct file_check;

/* name      of the file; lines_name_is_known, else that is its only error
 * columns   borrowed until file_check_close
 * account   counts the memory, holds the errors, and is not released before */
struct file_check *file_check_open(slice name, const struct column_list *columns, bool is_strict,
                                   struct arena *account);
void file_check_close(struct file_check *); /* NULL is fine */
/* The next bytes, which are borrowed for the call. Errors: those of arena_check. */
MUST_USE err_t file_check_feed(struct file_check *, slice bytes);
/* There are no more. Errors: those of arena_check. */
MUST_USE err_t file_check_end(struct file_check *);
/* What is wrong with the file, by line: at most ROW_ERRORS_MAX of row_reader.h. They live in the account. */
const struct line_error *file_check_errors(const struct file_check *, size_t *ret_count);

#endif
