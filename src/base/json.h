/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in and out.
 * In: bodies of at most JSON_MAX_BYTES, nesting of at most JSON_MAX_DEPTH, duplicate members, invalid UTF-8 and NUL in
 * strings refused. The tree lives in the arena and never changes.
 * Out: an append-only writer that keeps track of commas. */
#ifndef CAIS_BASE_JSON_H
#define CAIS_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#define JSON_MAX_BYTES ((size_t)1 << 20)
#define JSON_MAX_DEPTH 32

enum js_type { JS_NULL, JS_BOOL, JS_INT, JS_REAL, JS_STRING, JS_ARRAY, JS_OBJECT };

struct json {
    enum js_type type;
    bool boolean;
    int64_t integer;
    double real;
    slice string;             /* value of a STRING */
    slice name;               /* name, when a member of an object */
    const struct json *child; /* first element or member of an ARRAY or OBJECT */
    const struct json *next;  /* next sibling */
};

/* Errors: EMPTY (nothing but blanks), TOO_LARGE, INVALID (anything else). */
MUST_USE err_t json_parse(struct arena *a, slice text, const struct json **ret_json);

/* Member by exact name; NULL when absent or when `object` is NULL or no object. */
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
/* A string member, or the empty slice. */
slice json_str(const struct json *object, const char *name);
/* An integer, or a string of digits that is one. */
bool json_to_i64(const struct json *j, int64_t *ret);
bool json_flag(const struct json *object, const char *name); /* member is literally true */

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
void json_add_raw(struct json_out *o, slice json);             /* trusted JSON text, e.g. stored by us */
void json_add_value(struct json_out *o, const struct json *j); /* a parsed tree, written compactly */
/* name and value in one */
void json_put_string(struct json_out *o, const char *name, slice s);
void json_put_int(struct json_out *o, const char *name, int64_t v);
void json_put_bool(struct json_out *o, const char *name, bool v);

#endif
