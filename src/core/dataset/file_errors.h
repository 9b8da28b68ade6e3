/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a file of a dataset, as its record keeps it: a line for each fault, "FAULT LINE TYPE FIELD\n" with numbers
 * and the field's name. Thread: any. */
#ifndef CAIS_CORE_DATASET_FILE_ERRORS_H
#define CAIS_CORE_DATASET_FILE_ERRORS_H

#include "base/buf.h"
#include "core/dataset/line_error.h"

/* Appends one. Line breaks in the field's name become blanks. */
void file_errors_add(struct buf *, const struct line_error *);
/* Reads the first of *errors and moves *errors behind it. False at the end, and at what this program has not written. The field
 * is borrowed. */
bool file_errors_next(slice *errors, struct line_error *ret);

#endif
