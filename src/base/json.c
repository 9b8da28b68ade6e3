/* SPDX-License-Identifier: Apache-2.0 */
/* jansson parses, after our own scan for depth. Its tree is copied into the arena, so that no caller has to count
 * references. No other file names jansson. */
#include "base/json.h"

#include "base/json_scan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What jansson allocates for a value, at most: an object with its table of members. And what copy_tree does. */
#define BYTES_OF_VALUE ((size_t)320)
#define BYTES_OF_COPY (sizeof(struct json) + 64)

struct scan {
    size_t max_depth;
    size_t values; /* no fewer than there are: one, and one for each comma and each bracket that opens */
};

static struct scan scan_text(slice text)
{
    struct scan s = { .values = 1 };
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == ',') {
            s.values++;
        } else if (c == '[' || c == '{') {
            s.values++;
            if (++depth > s.max_depth)
                s.max_depth = depth;
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        }
    }
    return s;
}

/* jansson keeps no text of a number. So for json_parse_exact each number becomes a string, and the first character of a
 * string says what it was: jansson checks the whole text all the same. */
#define MARK_STRING 's'
#define MARK_NUMBER 'n'

/* The length of the string at the start of `text`, with its quotes; all of the text when it does not end. */
static size_t string_length(slice text)
{
    for (size_t i = 1; i < text.n; i++)
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == '"')
            return i + 1;
    return text.n;
}

static bool add_marked(struct buf *to, slice text)
{
    for (size_t i = 0, n; i < text.n; i += n) {
        slice rest = slice_from(text, i);
        char c = *rest.p;
        n = 1;
        if (c == '"') {
            n = string_length(rest);
            buf_add(to, (slice){ (const char[]){ '"', MARK_STRING }, 2 });
            buf_add(to, slice_part(rest, 1, n - 1));
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            n = json_number_length(rest);
            if (!n)
                return false;
            buf_add(to, (slice){ (const char[]){ '"', MARK_NUMBER }, 2 });
            buf_add(to, slice_part(rest, 0, n));
            buf_add_byte(to, '"');
        } else {
            buf_add_byte(to, c);
        }
    }
    return true;
}

struct tree_copy {
    struct arena *a;
    bool is_marked;
    bool is_wrong; /* a number stands where a name must be */
};

static void copy_number(struct json *to, slice text)
{
    to->string = text;
    to->type = slice_to_i64(text, &to->integer) ? JS_INT : JS_REAL;
    if (to->type == JS_REAL)
        to->real = strtod(text.p, NULL); /* ends in NUL, as every string of jansson does */
}

static void copy_string(struct tree_copy *t, struct json *to, const json_t *from)
{
    char *text = arena_cstr(t->a, (slice){ json_string_value(from), json_string_length(from) });
    slice s = { text, json_string_length(from) };
    to->type = JS_STRING;
    to->string = t->is_marked ? slice_from(s, 1) : s;
    if (t->is_marked && text[0] == MARK_NUMBER)
        copy_number(to, to->string);
}

static slice copy_name(struct tree_copy *t, const char *name)
{
    t->is_wrong |= t->is_marked && name[0] == MARK_NUMBER;
    return arena_copy(t->a, slice_of(name + t->is_marked));
}

static struct json *copy_tree(struct tree_copy *t, json_t *from)
{
    struct json *to = arena_new(t->a, struct json);
    const struct json **tail = &to->child;
    if (json_is_object(from)) {
        to->type = JS_OBJECT;
        const char *name;
        json_t *value;
        json_object_foreach(from, name, value) {
            struct json *item = copy_tree(t, value);
            item->name = copy_name(t, name);
            *tail = item;
            tail = &item->next;
        }
    } else if (json_is_array(from)) {
        to->type = JS_ARRAY;
        for (size_t i = 0; i < json_array_size(from); i++) {
            struct json *item = copy_tree(t, json_array_get(from, i));
            *tail = item;
            tail = &item->next;
        }
    } else if (json_is_string(from)) {
        copy_string(t, to, from);
    } else if (json_is_integer(from)) {
        to->type = JS_INT;
        to->integer = json_integer_value(from);
    } else if (json_is_real(from)) {
        to->type = JS_REAL;
        to->real = json_real_value(from);
    } else if (json_is_boolean(from)) {
        to->type = JS_BOOL;
        to->boolean = json_boolean_value(from);
    }
    return to;
}

static bool is_all_blank(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!memchr(" \t\r\n", text.p[i], 4))
            return false;
    return true;
}

/* is_marked: `text` is one of add_marked, so its columns are others than those of the sender. */
static err_t parse_text(struct arena *a, slice text, bool is_marked, const struct json **ret_json)
{
    json_error_t why;
    json_t *tree = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    struct tree_copy copy = { .a = a, .is_marked = is_marked };
    const struct json *made = tree ? copy_tree(&copy, tree) : NULL;
    json_decref(tree);
    if (made && !copy.is_wrong) {
        *ret_json = made;
        return NULL;
    }
    if (is_marked)
        return err_make(a, ERR_INVALID, "line %d: not valid JSON", why.line);
    return err_make(a, ERR_INVALID, "line %d, column %d: not valid JSON", why.line, why.column);
}

static err_t parse_marked(struct arena *a, slice text, const struct json **ret_json)
{
    SCOPED(buf_releasep) struct buf marked;
    buf_init(&marked, 0);
    if (!add_marked(&marked, text))
        return err_make(a, ERR_INVALID, "not valid JSON: a malformed number");
    return parse_text(a, buf_slice(&marked), true, ret_json);
}

static err_t parse_within_limits(struct arena *a, slice text, bool is_exact, const struct json **ret_json)
{
    if (is_all_blank(text))
        return err_make(a, ERR_EMPTY, "no JSON where some is expected");
    if (text.n > JSON_MAX_BYTES)
        return err_make(a, ERR_TOO_LARGE, "JSON of more than %zu bytes", JSON_MAX_BYTES);
    if (memchr(text.p, 0, text.n)) /* jansson overlooks one after a number */
        return err_make(a, ERR_INVALID, "a NUL in JSON");
    struct scan s = scan_text(text);
    if (s.max_depth > JSON_MAX_DEPTH)
        return err_make(a, ERR_INVALID, "JSON nested deeper than %d levels", JSON_MAX_DEPTH);
    if (s.values > JSON_MAX_VALUES)
        return err_make(a, ERR_TOO_LARGE, "JSON of more than %d values", JSON_MAX_VALUES);
    /* Marks take at most three bytes for each value, and a buffer is at most twice as large as what is in it. */
    size_t of_marks = is_exact ? 2 * (text.n + 6 * s.values) : 0;
    size_t of_tree = s.values * BYTES_OF_VALUE + 2 * text.n + of_marks, of_copy = s.values * BYTES_OF_COPY + text.n;
    if (!arena_has_room(a, of_tree + of_copy))
        return err_make(a, ERR_TOO_LARGE, "JSON that takes more memory than one request may use");
    TRY(arena_check(a));
    arena_charge(a, of_tree);
    err_t e = is_exact ? parse_marked(a, text, ret_json) : parse_text(a, text, false, ret_json);
    arena_discharge(a, of_tree);
    return e;
}

err_t json_parse(struct arena *a, slice text, const struct json **ret_json)
{
    return parse_within_limits(a, text, false, ret_json);
}

err_t json_parse_exact(struct arena *a, slice text, const struct json **ret_json)
{
    return parse_within_limits(a, text, true, ret_json);
}

const struct json *json_get(const struct json *object, const char *name)
{
    if (!json_is(object, JS_OBJECT))
        return NULL;
    JSON_EACH(item, object)
        if (slice_eq(item->name, slice_of(name)))
            return item;
    return NULL;
}

size_t json_count(const struct json *parent)
{
    size_t n = 0;
    JSON_EACH(item, parent)
        n++;
    return n;
}

slice json_str(const struct json *object, const char *name)
{
    const struct json *j = json_get(object, name);
    return json_is(j, JS_STRING) ? j->string : S("");
}

bool json_to_i64(const struct json *j, int64_t *ret)
{
    if (json_is(j, JS_INT)) {
        *ret = j->integer;
        return true;
    }
    return json_is(j, JS_STRING) && slice_to_i64(j->string, ret);
}

bool json_flag(const struct json *object, const char *name)
{
    const struct json *j = json_get(object, name);
    return json_is(j, JS_BOOL) && j->boolean;
}

void json_out_init(struct json_out *o, struct buf *to)
{
    *o = (struct json_out){ .to = to };
}

static void before_value(struct json_out *o)
{
    if (o->comma)
        buf_add_byte(o->to, ',');
    o->comma = true;
}

void json_open_object(struct json_out *o)
{
    before_value(o);
    buf_add_byte(o->to, '{');
    o->comma = false;
}

void json_close_object(struct json_out *o)
{
    buf_add_byte(o->to, '}');
    o->comma = true;
}

void json_open_array(struct json_out *o)
{
    before_value(o);
    buf_add_byte(o->to, '[');
    o->comma = false;
}

void json_close_array(struct json_out *o)
{
    buf_add_byte(o->to, ']');
    o->comma = true;
}

static void add_quoted(struct buf *to, slice s)
{
    buf_add_byte(to, '"');
    for (size_t i = 0; i < s.n;) {
        size_t plain = i;
        while (plain < s.n && (unsigned char)s.p[plain] >= 0x20 && (unsigned char)s.p[plain] < 0x80 &&
               s.p[plain] != '"' && s.p[plain] != '\\')
            plain++;
        buf_add(to, slice_part(s, i, plain - i));
        i = plain;
        if (i == s.n)
            break;
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x80) {
            size_t n = slice_utf8_length(slice_from(s, i));
            buf_add(to, n ? slice_part(s, i, n) : S("\xef\xbf\xbd"));
            i += n ? n : 1;
            continue;
        }
        if (c == '"' || c == '\\') {
            char escaped[2] = { '\\', (char)c };
            buf_add(to, (slice){ escaped, 2 });
        } else if (c == '\n') {
            buf_add(to, S("\\n"));
        } else {
            static const char digits[] = "0123456789abcdef";
            char escaped[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
            buf_add(to, (slice){ escaped, 6 });
        }
        i++;
    }
    buf_add_byte(to, '"');
}

void json_name(struct json_out *o, const char *name)
{
    before_value(o);
    add_quoted(o->to, slice_of(name));
    buf_add_byte(o->to, ':');
    o->comma = false;
}

void json_add_string(struct json_out *o, slice s)
{
    before_value(o);
    add_quoted(o->to, s);
}

void json_add_int(struct json_out *o, int64_t v)
{
    before_value(o);
    buf_add_i64(o->to, v);
}

void json_add_bool(struct json_out *o, bool v)
{
    before_value(o);
    buf_add(o->to, v ? S("true") : S("false"));
}

void json_add_null(struct json_out *o)
{
    before_value(o);
    buf_add(o->to, S("null"));
}

void json_add_raw(struct json_out *o, slice json)
{
    before_value(o);
    buf_add(o->to, json);
}

/* Write the shortest of three precisions that reads back as the same number (17 digits always do). It remains a real:
 * 1.0 is not written as 1. */
static void add_real(struct buf *to, double v)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_add(to, slice_of(text));
    if (!strpbrk(text, ".e"))
        buf_add(to, S(".0"));
}

void json_add_value(struct json_out *o, const struct json *j)
{
    if (json_absent(j)) {
        json_add_null(o);
        return;
    }
    if ((j->type == JS_INT || j->type == JS_REAL) && j->string.n) {
        json_add_raw(o, j->string);
        return;
    }
    switch (j->type) {
    case JS_NULL:
        break;
    case JS_BOOL:
        json_add_bool(o, j->boolean);
        break;
    case JS_INT:
        json_add_int(o, j->integer);
        break;
    case JS_REAL:
        before_value(o);
        add_real(o->to, j->real);
        break;
    case JS_STRING:
        json_add_string(o, j->string);
        break;
    case JS_ARRAY:
        json_open_array(o);
        JSON_EACH(item, j)
            json_add_value(o, item);
        json_close_array(o);
        break;
    case JS_OBJECT:
        json_open_object(o);
        JSON_EACH(item, j) {
            before_value(o);
            add_quoted(o->to, item->name);
            buf_add_byte(o->to, ':');
            o->comma = false;
            json_add_value(o, item);
        }
        json_close_object(o);
        break;
    }
}

void json_put_string(struct json_out *o, const char *name, slice s)
{
    json_name(o, name);
    json_add_string(o, s);
}

void json_put_int(struct json_out *o, const char *name, int64_t v)
{
    json_name(o, name);
    json_add_int(o, v);
}

void json_put_bool(struct json_out *o, const char *name, bool v)
{
    json_name(o, name);
    json_add_bool(o, v);
}
