/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of CSV (RFC 4180) that people open in a spreadsheet: a text that it would take for a formula, because it begins with = + - @
 * TAB CR, gets an apostrophe before it. Thread: any. */
#ifndef CAIS_API_KIT_CSV_H
#define CAIS_API_KIT_CSV_H

#include "base/buf.h"

/* A text as a field, in quotes. */
void csv_add_text(struct buf *, slice text);
/* The same in parts: what stands before the text, and then its parts, with every quotation mark twice. A quotation mark must follow. */
void csv_begin_text(struct buf *, slice text);
void csv_add_part(struct buf *, slice part);

#endif
