/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a sync file: what the file is about, its fields, and which of them are the key. Thread: any; it never changes. */
#ifndef CAIS_CORE_SYNC_HEADER_H
#define CAIS_CORE_SYNC_HEADER_H

#include "base/arena.h"
#include "core/sync/sync_fault.h"

#define SYNC_FIELDS_MAX 500
#define SYNC_KEYS_MAX 8
#define SYNC_CODE_MAX 64             /* bytes of the code or name of a field */
#define SYNC_TEXT_MAX ((size_t)1024) /* bytes of each text of the header */

enum sync_type {
    SYNC_STRING, /* any text; blanks at its ends are kept, which those of the others are not */
    SYNC_INT,    /* a whole number of 64 bits */
    SYNC_NUMBER, /* a decimal number of at most SYNC_NUMBER_MAX bytes, within the range of a double */
    SYNC_BOOL,   /* true or false in any case, 1 or 0 */
    SYNC_DATE,   /* yyyyMMdd or yyyyMMddHHmmss, a real date; stays a string */
    SYNC_ARRAY,  /* texts between commas, without the blanks around them; becomes an array of strings */
    SYNC_OBJECT, /* the text of a JSON object */
    SYNC_LIST,   /* the text of a JSON array */
    SYNC_TYPE_COUNT
};
#define SYNC_NUMBER_MAX 400

struct sync_replacement {
    slice from, to;
};

struct sync_field {
    slice code;  /* what the file calls it */
    slice name;  /* what it is stored as: the same in the form of lines */
    slice label; /* "name": */
    enum sync_type type;
    const struct sync_replacement *dictionary; /* texts that stand for others; ascending by `from` */
    size_t dictionary_count;
};

struct sync_header {
    slice customer, file_type, created, reference_id;         /* free texts */
    slice entity_type, workspace, bucket, datasource, action; /* only the first and the datasource are never empty */
    const struct sync_field *fields; /* those of the key first, in the order that the file says */
    size_t field_count, key_count;
};

slice sync_type_name(enum sync_type);
bool sync_type_find(slice name, enum sync_type *ret_type);
/* Words of letters and digits, joined by - or _, the first of which begins with a letter; at most SYNC_CODE_MAX bytes. */
bool sync_code_is_valid(slice code);

#endif
