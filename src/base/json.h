/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing JSON.
 * Reading: texts of at most JSON_MAX_BYTES and JSON_MAX_VALUES values, nested at most JSON_MAX_DEPTH levels deep; duplicate
 * members, invalid UTF-8 and NUL in strings are refused. The tree lives in the arena and never changes. It takes up to
 * 40 times as much memory as its text, so values are counted before it is built.
 * Writing: text is appended to a buffer; the writer sets the commas. */
#ifndef CAIS_BASE_JSON_H
#define CAIS_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#define JSON_MAX_BYTES ((size_t)1 << 20)
#define JSON_MAX_DEPTH 32
#define JSON_MAX_VALUES 20000

enum js_type { JS_NULL, JS_BOOL, JS_INT, JS_REAL, JS_STRING, JS_ARRAY, JS_OBJECT };

struct json {
    enum js_type type;
    bool boolean;
    int64_t integer;
    double real;
    slice string;             /* value of a STRING; of json_parse_exact also the text of a number */
    slice name;               /* of a member of an object */
    const struct json *child; /* first element or member of an ARRAY or OBJECT */
    const struct json *next;  /* next sibling */
};

/* Errors: EMPTY the text is blank; TOO_LARGE more bytes or values than above, or than the arena has room for; UNAVAILABLE
 * the budget of the arena is exceeded; INVALID everything else. */
MUST_USE err_t json_parse(struct arena *a, slice text, const struct json **ret_json);
/* The same, and `string` of each INT and REAL is its text, so that no digit is lost. Numbers may be of any size: an integer
 * that is none of 64 bits is a REAL, and `real` may be infinite. */
MUST_USE err_t json_parse_exact(struct arena *a, slice text, const struct json **ret_json);

/* The member with exactly this name; NULL when there is none, or when `object` is NULL or not an object. */
const struct json *json_get(const struct json *object, const char *name);
#define JSON_EACH(item, parent)                                                                                        \
    for (const struct json *item = (parent) ? (parent)->child : NULL; item; item = item->next)
size_t json_count(const struct json *parent);
static inline bool json_is(const struct json *j, enum js_type type)
{
    return j && j->type == type;
}
static inline bool json_absent(const struct json *j) /* absent or null */
{
    return !j || j->type == JS_NULL;
}
/* The value of a string member; empty when the member is absent or of another type. */
slice json_str(const struct json *object, const char *name);
/* The value of an integer, or of a string that is an integer in decimal digits; false for anything else. */
bool json_to_i64(const struct json *j, int64_t *ret);
bool json_flag(const struct json *object, const char *name); /* the member is true */

struct json_out {
    struct buf *to;
    bool comma;
};
void json_out_init(struct json_out *o, struct buf *to);
void json_open_object(struct json_out *o);
void json_close_object(struct json_out *o);
void json_open_array(struct json_out *o);
void json_close_array(struct json_out *o);
void json_name(struct json_out *o, const char *name);
void json_add_string(struct json_out *o, slice s); /* invalid UTF-8 becomes U+FFFD */
void json_add_int(struct json_out *o, int64_t v);
void json_add_bool(struct json_out *o, bool v);
void json_add_null(struct json_out *o);
void json_add_raw(struct json_out *o,
                  slice json); /* JSON text that is known to be well-formed, for example because we wrote it */
void json_add_value(struct json_out *o, const struct json *j); /* a parsed tree, without blanks */
/* A name and its value in one call. */
void json_put_string(struct json_out *o, const char *name, slice s);
void json_put_int(struct json_out *o, const char *name, int64_t v);
void json_put_bool(struct json_out *o, const char *name, bool v);

#endif
