/* SPDX-License-Identifier: Apache-2.0 */
/* A row of a sync file, in the form in which a store of records keeps it. */
#ifndef CAIS_CORE_SYNC_ROW_H
#define CAIS_CORE_SYNC_ROW_H

#include "core/sync/sync_header.h"

#define SYNC_KEY_MAX ((size_t)16 << 10)    /* bytes of a key; a longer one is a BAD_VALUE */
#define SYNC_OBJECT_MAX ((size_t)21 << 20) /* bytes of an object; what makes it longer is a BAD_VALUE */
#define SYNC_SHOWN_MAX 100                 /* characters of a value, or of the parts of a key, that an error shows */

struct sync_row {
    bool is_delete;
    enum sync_fault fault; /* SYNC_FINE, or why the row is not imported */

    /* The values of the key, in the order of the header, with a NUL between them: no value has one. So keys are equal exactly
     * if all of their values are, and sort by the bytes of their values. Numbers that are equal are equal here.
     * Of a row with a fault: what it has of a key, as it stands there, SYNC_SHOWN_MAX characters of each value at most, and a NUL in one
     * is a blank. */
    slice key;
    /* The fields with their values, as one JSON object without blanks, by the names that they are stored as. A field that the
     * row empties is null, one that it does not mention is left out, which only the JSON form can do. Empty if is_delete, and
     * if there is a fault. Objects and lists are nested at most 63 levels deep, and no string has a NUL. */
    slice object;

    slice
        field; /* of BAD_VALUE and MISSING_KEY: its code; of a FIELD_COUNT the member that is no field; may be empty */
    enum sync_type type; /* of BAD_VALUE: what was expected, if field is not empty */
    slice value;         /* of BAD_VALUE: what stands there, SYNC_SHOWN_MAX characters at most */

    uint64_t line; /* from 1; of the JSON form the line on which it begins */
    uint64_t row;  /* from 1, deletes included */
};

/* What a reader of rows did. */
enum sync_step {
    SYNC_ROW,   /* *ret_row is the next row */
    SYNC_PAUSE, /* a block was read, and no row is there yet: call again */
    SYNC_END,
};

#endif
