/* SPDX-License-Identifier: Apache-2.0 */
/* Values of rows as text: what a column accepts from JSON, and how a value is written. Readers of lines and parsers of
 * queries use the same functions, so that a value in a question means what it means in a file.
 *
 *   type         accepts
 *   STRING       a string; numbers and booleans as their JSON text, arrays and objects as their compact JSON
 *   JSON         any value, as compact JSON
 *   BOOL         true, false, the numbers 0 and 1; "true", "false", "0", "1"
 *   INT, UINT    a number that is whole and in range, however it is written (3, 3.0, 300e-2), or a string with such a number
 *   FLOAT        a number whose double is finite, or a string with one
 *   DECIMAL      a number below 10^12, or a string with one; beyond DECIMAL_PLACES it is rounded, halves to even
 *   times        YYYY-MM-DD, or YYYY-MM-DD hh:mm:ss[.f…][Z|±hh:mm] with a blank or a T, without a zone in UTC; or a number of
 *                seconds since 1970. What is finer than the type is cut: a DATE is the day in UTC.
 *
 * Null is null, and an empty string is null for every type but STRING and JSON. Numbers in strings follow the grammar of JSON.
 * Thread: any. */
#ifndef CAIS_CORE_DATASET_CELL_TEXT_H
#define CAIS_CORE_DATASET_CELL_TEXT_H

#include "base/buf.h"
#include "base/json_scan.h"
#include "core/records/column.h"

/* A value that was scanned (base/json_scan.h), of any kind. The cell borrows its text, or has a copy in `a`.
 * False: the type does not accept it, or the arena has no room, which arena_is_over then reports. */
bool cell_from_json(enum column_type, const struct json_value *, struct arena *a, struct cell *ret_cell);
/* What stands in a string; UTF-8 without NUL. The cell borrows it. For JSON it must be compact JSON, which is not checked. */
bool cell_from_text(enum column_type, slice text, struct cell *ret_cell);
/* A number by the grammar of JSON (else false), of any length. The cell borrows it. */
bool cell_from_number(enum column_type, slice number, struct cell *ret_cell);
bool cell_from_bool(enum column_type, bool value, struct cell *ret_cell);

#define CELL_TEXT_MAX 64 /* bytes that a value takes as text, unless its type is STRING or JSON */

/* Append the text of a value, without quotes: a string as it is; a decimal without zeros at its end; the shortest text that
 * gives a double again; YYYY-MM-DD, YYYY-MM-DD hh:mm:ss, YYYY-MM-DD hh:mm:ss.ffffff in UTC; null for a null. It is a JSON
 * value for numbers, booleans and nulls. */
void cell_add_text(struct buf *, enum column_type, const struct cell *);

#endif
