/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a dataset: the names of their types, the rules for their own names, and columns that are
 * inferred from a sample. Thread: any. */
#ifndef CAIS_CORE_DATASET_COLUMNS_H
#define CAIS_CORE_DATASET_COLUMNS_H

#include "base/arena.h"
#include "core/records/column.h"

/* The type that is declared by this name, in any case: string text, integer int, int8 to uint64, decimal, float double number
 * float64, boolean bool, date, datetime, datetime64, json. False: there is none. */
bool column_type_find(slice declared, enum column_type *ret_type);
/* The name by which a type is declared: `string`, `integer`, `Int8`. Not for DECIMAL_SUM. */
slice column_type_declared(enum column_type);

enum column_fault {
    COLUMNS_FINE,
    COLUMNS_TOO_MANY,   /* more than COLUMNS_MAX */
    COLUMNS_BAD_NAME,   /* a name is not 1 to COLUMN_NAME_MAX of [A-Za-z0-9_], or begins with a digit */
    COLUMNS_NAME_TAKEN, /* two columns have one name */
    COLUMNS_BAD_SAMPLE, /* the sample is neither an object nor an array of objects */
    COLUMNS_NO_MEMORY,  /* the arena has no room, which arena_is_over reports */
};

bool column_name_is_valid(slice name);
/* ret_name: the name that is to blame, borrowed; empty if none is. */
enum column_fault columns_check(const struct column_list *, struct arena *scratch, slice *ret_name);

/* Infer columns from JSON text: an object, or an array of objects. Their order is that in which they appear first. The type of
 * a column takes every value of it that the sample has:
 *   whole numbers        integer; UInt64 if one is beyond integer and none below zero
 *   other numbers        decimal if every number fits exactly, else float
 *   booleans             boolean
 *   dates alone          date; with datetimes datetime; if one has a fraction of a second, datetime64
 *   arrays, objects      json, whatever else there is
 *   anything else        string, also for nothing but nulls, and for kinds that have nothing in common
 * The names are copied to `a`. ret_name as above, in `a`. */
enum column_fault columns_infer(slice sample, struct arena *a, struct column_list *ret_columns, slice *ret_name);

#endif
