/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the members of one JSON object, or the elements of one array, without a tree: for texts of many megabytes,
 * such as a line of a file. It checks the whole text as RFC 8259 has it, and is stricter where a reader could be misled:
 * invalid UTF-8, lone surrogates, NUL in a string and nesting beyond JSON_SCAN_DEPTH_MAX are errors. Duplicate names are
 * handed out as they come. Numbers stay text, of any length.
 *
 * Memory   Nothing is copied and nothing allocated: values are parts of the text, which must outlive them. Only
 *          json_value_text and json_value_compact allocate, when a string has escapes or a value has blanks in it.
 * Thread   any; a scan belongs to one at a time. */
#ifndef CAIS_BASE_JSON_SCAN_H
#define CAIS_BASE_JSON_SCAN_H

#include "base/err.h"

#define JSON_SCAN_DEPTH_MAX 64 /* the object or array that is walked is the first level */

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

struct json_value {
    slice raw; /* as it stands in the text: a string with its quotes, an array or object with its brackets */
    enum json_kind kind;
    bool has_escapes; /* of a STRING */
    bool has_blanks;  /* of an ARRAY or OBJECT: outside of strings */
};

struct json_member {
    slice name; /* without quotes, as it stands in the text; of an element of an array empty */
    bool name_has_escapes;
    struct json_value value;
};

struct json_scan {
    const char *at, *end; /* after JSON_SCAN_BAD, `at` may stand anywhere before the error */
    char close;           /* '}' or ']' */
    bool is_first;        /* no member was handed out yet */
};

enum json_scan_step {
    JSON_SCAN_MEMBER, /* *ret_member is the next one */
    JSON_SCAN_END,    /* there are no more, and the text is valid as a whole */
    JSON_SCAN_BAD,    /* the text is not valid JSON; members that were handed out before are worth nothing */
};

/* Begin to walk `text`, which is borrowed until the end. False: it begins with neither a brace nor a bracket. */
bool json_scan_begin(struct json_scan *, slice text);
enum json_scan_step json_scan_next(struct json_scan *, struct json_member *ret_member);
/* Read a text that is one value of any kind, with blanks around it. False: it is not valid JSON. */
bool json_scan_value(slice text, struct json_value *ret_value);

/* Resolve the escapes of `raw`, what stands between the quotes of a string that was scanned. `to` has room for raw.n bytes:
 * the result is never longer. Returns its length. */
size_t json_unescape(slice raw, char *to);
/* What a STRING says, and the JSON text of every other kind: without a copy if there are neither escapes nor blanks, else in
 * `a`. Errors: those of arena_check. */
MUST_USE err_t json_value_text(const struct json_value *, struct arena *a, slice *ret_text);
/* The JSON text of a value of any kind, without blanks outside of strings; as above. */
MUST_USE err_t json_value_compact(const struct json_value *, struct arena *a, slice *ret_text);

/* The text is a number by the grammar of RFC 8259. */
bool json_is_number(slice text);
/* The length of the number at the start of the text; 0: none stands there. */
size_t json_number_length(slice text);

#endif
