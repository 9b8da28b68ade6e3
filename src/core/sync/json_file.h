/* SPDX-License-Identifier: Apache-2.0 */
/* The members of one JSON object that is a whole stored file of any size, in constant memory: about twice the longest value. A
 * member that is an array comes element by element. A BOM is skipped.
 *
 *   while (json_file_fill reads on)
 *       while (json_file_next has an item) use it;      every item of a fill stays valid until the next one
 *
 * Thread   one at a time. */
#ifndef CAIS_CORE_SYNC_JSON_FILE_H
#define CAIS_CORE_SYNC_JSON_FILE_H

#include "core/object/content.h"
#include "core/sync/sync_fault.h"

#define JSON_FILE_VALUE_MAX ((size_t)10 << 20) /* bytes of a value, or of an element */

enum json_file_step {
    JSON_FILE_MEMBER,  /* with its value, which is no array */
    JSON_FILE_ARRAY,   /* a member whose elements follow */
    JSON_FILE_ELEMENT, /* of it */
    JSON_FILE_ARRAY_END,
    JSON_FILE_END,
    JSON_FILE_BAD,  /* *ret_item says in `fault` why it cannot be read on */
    JSON_FILE_NONE, /* of what was read; fill */
};

struct json_file_item {
    slice name;      /* of a MEMBER or ARRAY: as it stands between the quotes, cut after 64 bytes */
    slice value;     /* of a MEMBER or ELEMENT: a JSON text */
    uint64_t offset; /* where the value, or what is in the array, begins */
    uint64_t line;   /* on which it does, from 1 */
    enum sync_fault
        fault; /* of BAD: INVALID_JSON, NOT_UTF8, LINE_TOO_LONG a value is, MISSING_FOOTER the object has no end, or
                            * EMPTY_FILE */
};

/* A place to begin at. */
enum json_file_place {
    JSON_FILE_AT_START,
    JSON_FILE_AT_VALUE, /* of a member: it comes as MEMBER without name, and nothing may be read after it */
    JSON_FILE_IN_ARRAY, /* before or after an element; nothing may be read after its end */
};
struct json_file_position {
    enum json_file_place place;
    uint64_t offset;
    uint64_t line; /* from 1 */
};

struct json_file;

/* content: borrowed until json_file_close. must_check: values and names are checked to be JSON and UTF-8; else only where they end
 * is known, which is right for a file that was checked before. account: counts the memory, and is not released before. */
struct json_file *json_file_open(const struct content *content, struct json_file_position from, bool must_check,
                                 struct arena *account);
void json_file_close(struct json_file *); /* NULL is fine */
/* Read on; what was read before must have been taken up to JSON_FILE_NONE. Errors: those of content_read_at and arena_check. */
MUST_USE err_t json_file_fill(struct json_file *, struct arena *a);
enum json_file_step json_file_next(struct json_file *, struct json_file_item *ret_item);
/* After the item that came last. */
uint64_t json_file_offset(const struct json_file *);
uint64_t json_file_line(const struct json_file *);
/* How many bytes have been read. */
uint64_t json_file_read_bytes(const struct json_file *);

static inline void json_file_closep(struct json_file **f)
{
    json_file_close(*f);
}

#endif
