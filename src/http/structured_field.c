/* SPDX-License-Identifier: Apache-2.0 */
/* Each parse_… function is the algorithm of RFC 9651 §4.2 with that name: it consumes what it accepts from *in. Whatever
 * is not ASCII fails, because no rule accepts it. Nothing is nested deeper than an Item in an Inner List, so nothing
 * recurs, and a byte is looked at once or twice. */
#include "http/structured_field.h"

#include "base/text.h"
#include "http/field.h"

#include <string.h>

enum { INTEGER_DIGITS = 15, DECIMAL_WHOLE_DIGITS = 12, DECIMAL_FRACTION_DIGITS = 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* The next character; NUL, which no rule accepts, at the end. */
static char peek(slice in)
{
    return in.n ? in.p[0] : 0;
}

static bool take(slice *in, char c)
{
    if (in->n == 0 || in->p[0] != c)
        return false;
    *in = slice_from(*in, 1);
    return true;
}

/* Cut off the first n bytes. */
static slice take_bytes(slice *in, size_t n)
{
    slice taken = slice_part(*in, 0, n);
    *in = slice_from(*in, n);
    return taken;
}

static void skip_spaces(slice *in)
{
    while (take(in, ' '))
        ;
}

static void skip_spaces_and_tabs(slice *in)
{
    while (take(in, ' ') || take(in, '\t'))
        ;
}

/* ---- bare items; ret has no key ---- */

static size_t count_digits(slice in)
{
    size_t n = 0;
    while (n < in.n && is_digit(in.p[n]))
        n++;
    return n;
}

/* Zeros at the front are allowed, and count as digits. */
static bool parse_number(slice *in, struct sf_member *ret)
{
    bool negative = take(in, '-');
    slice whole = take_bytes(in, count_digits(*in));
    if (whole.n == 0 || whole.n > INTEGER_DIGITS)
        return false;
    if (take(in, '.')) {
        slice fraction = take_bytes(in, count_digits(*in));
        ret->kind = SF_OTHER;
        return whole.n <= DECIMAL_WHOLE_DIGITS && fraction.n >= 1 && fraction.n <= DECIMAL_FRACTION_DIGITS;
    }
    ret->kind = SF_INTEGER;
    if (!slice_to_i64(whole, &ret->integer))
        return false;
    if (negative)
        ret->integer = -ret->integer;
    return true;
}

static bool parse_date(slice *in, struct sf_member *ret)
{
    struct sf_member seconds;
    ret->kind = SF_OTHER;
    return take(in, '@') && parse_number(in, &seconds) && seconds.kind == SF_INTEGER;
}

static bool parse_boolean(slice *in, struct sf_member *ret)
{
    ret->kind = SF_BOOLEAN;
    if (!take(in, '?'))
        return false;
    ret->integer = peek(*in) == '1';
    return take(in, '0') || take(in, '1');
}

/* One character of a String or Display String may stand for itself. */
static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static bool parse_string(slice *in, struct sf_member *ret)
{
    ret->kind = SF_OTHER;
    if (!take(in, '"'))
        return false;
    while (!take(in, '"')) {
        if (take(in, '\\') && peek(*in) != '"' && peek(*in) != '\\')
            return false;
        if (!is_printable(peek(*in)))
            return false;
        take_bytes(in, 1);
    }
    return true;
}

/* A byte of a Display String: itself, or % and two digits in lower case. */
static bool parse_display_byte(slice *in, char *ret)
{
    if (!take(in, '%')) {
        *ret = peek(*in);
        take_bytes(in, 1);
        return is_printable(*ret);
    }
    unsigned byte = 0;
    for (int i = 0; i < 2; i++) {
        char c = peek(*in);
        if (!is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        byte = byte << 4 | (unsigned)(is_digit(c) ? c - '0' : c - 'a' + 10);
        take_bytes(in, 1);
    }
    *ret = (char)byte;
    return true;
}

/* The bytes must be UTF-8. They are looked at character by character, so that no memory is needed. */
static bool parse_display_string(slice *in, struct sf_member *ret)
{
    ret->kind = SF_OTHER;
    if (!take(in, '%') || !take(in, '"'))
        return false;
    while (!take(in, '"')) {
        char character[4];
        if (!parse_display_byte(in, character))
            return false;
        unsigned char first = (unsigned char)character[0];
        size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        for (size_t i = 1; i < n; i++)
            if (peek(*in) == '"' || !parse_display_byte(in, &character[i]))
                return false;
        if (slice_utf8_length((slice){ character, n }) != n)
            return false;
    }
    return true;
}

static bool parse_token(slice *in, struct sf_member *ret)
{
    ret->kind = SF_OTHER;
    size_t n = 0;
    while (n < in->n && (is_token_char(in->p[n]) || in->p[n] == ':' || in->p[n] == '/'))
        n++;
    take_bytes(in, n);
    return n > 0;
}

/* Base64 whose padding is complete or absent: RFC 9651 §4.2.7 wants both accepted, and bits of the last letter that
 * belong to no byte as well. */
static bool is_base64(slice text)
{
    size_t n = text.n;
    while (n && text.n - n < 2 && text.p[n - 1] == '=')
        n--;
    if (n % 4 == 1 || (n < text.n && text.n % 4 != 0))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_letter(text.p[i]) && !is_digit(text.p[i]) && text.p[i] != '+' && text.p[i] != '/')
            return false;
    return true;
}

/* ret->bytes is still encoded. */
static bool parse_bytes(slice *in, struct sf_member *ret)
{
    ret->kind = SF_BYTES;
    return take(in, ':') && slice_cut(*in, ':', &ret->bytes, in) && is_base64(ret->bytes);
}

static bool parse_bare_item(slice *in, struct sf_member *ret)
{
    switch (peek(*in)) {
    case '"':
        return parse_string(in, ret);
    case ':':
        return parse_bytes(in, ret);
    case '?':
        return parse_boolean(in, ret);
    case '@':
        return parse_date(in, ret);
    case '%':
        return parse_display_string(in, ret);
    default:
        if (is_letter(peek(*in)) || peek(*in) == '*')
            return parse_token(in, ret);
        return parse_number(in, ret);
    }
}

/* ---- what is made of them ---- */

static bool parse_key(slice *in, slice *ret)
{
    if (!is_lower(peek(*in)) && peek(*in) != '*')
        return false;
    size_t n = 1;
    while (n < in->n && (is_lower(in->p[n]) || is_digit(in->p[n]) || (in->p[n] && strchr("_-.*", in->p[n]))))
        n++;
    *ret = take_bytes(in, n);
    return true;
}

static bool parse_parameters(slice *in)
{
    while (take(in, ';')) {
        slice key;
        struct sf_member ignored;
        skip_spaces(in);
        if (!parse_key(in, &key) || (take(in, '=') && !parse_bare_item(in, &ignored)))
            return false;
    }
    return true;
}

static bool parse_item(slice *in, struct sf_member *ret)
{
    return parse_bare_item(in, ret) && parse_parameters(in);
}

static bool parse_inner_list(slice *in, struct sf_member *ret)
{
    struct sf_member item;
    if (!take(in, '('))
        return false;
    for (;;) {
        skip_spaces(in);
        if (take(in, ')'))
            break;
        if (!parse_item(in, &item) || (peek(*in) != ' ' && peek(*in) != ')'))
            return false;
    }
    ret->kind = SF_OTHER;
    return parse_parameters(in);
}

static bool parse_member(slice *in, struct sf_member *ret)
{
    *ret = (struct sf_member){ 0 };
    if (!parse_key(in, &ret->key))
        return false;
    if (take(in, '='))
        return peek(*in) == '(' ? parse_inner_list(in, ret) : parse_item(in, ret);
    ret->kind = SF_BOOLEAN;
    ret->integer = 1;
    return parse_parameters(in);
}

/* Put the member in its place among `count` others. False: there is no room for it. */
static bool add_member(struct sf_member members[SF_MEMBERS_MAX], size_t *count, const struct sf_member *m)
{
    size_t at = 0;
    while (at < *count && !slice_eq(members[at].key, m->key))
        at++;
    if (at == SF_MEMBERS_MAX)
        return false;
    members[at] = *m;
    if (at == *count)
        ++*count;
    return true;
}

static bool parse_dictionary(slice in, struct sf_member members[SF_MEMBERS_MAX], size_t *ret_count)
{
    size_t count = 0;
    skip_spaces(&in);
    while (in.n) {
        struct sf_member m;
        if (!parse_member(&in, &m) || !add_member(members, &count, &m))
            return false;
        skip_spaces_and_tabs(&in);
        if (in.n == 0)
            break;
        if (!take(&in, ','))
            return false;
        skip_spaces_and_tabs(&in);
        if (in.n == 0)
            return false; /* a comma at the end */
    }
    *ret_count = count;
    return true;
}

bool sf_dictionary(slice value, struct arena *a, struct sf_member **ret, size_t *ret_count)
{
    struct sf_member found[SF_MEMBERS_MAX];
    size_t count = 0;
    if (!parse_dictionary(value, found, &count))
        return false;
    struct sf_member *members = arena_array(a, struct sf_member, count + 1);
    for (size_t i = 0; i < count; i++) {
        members[i] = found[i];
        if (members[i].kind != SF_BYTES)
            members[i].bytes = S("");
        else if (!base64_decode(a, found[i].bytes, &members[i].bytes))
            return false;
    }
    *ret = members;
    *ret_count = count;
    return true;
}

const struct sf_member *sf_find(const struct sf_member *members, size_t count, slice key)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(members[i].key, key))
            return &members[i];
    return NULL;
}

static bool parse_whole_item(slice value, enum sf_kind kind, struct sf_member *ret)
{
    skip_spaces(&value);
    if (!parse_item(&value, ret))
        return false;
    skip_spaces(&value);
    return value.n == 0 && ret->kind == kind;
}

bool sf_integer(slice value, int64_t *ret)
{
    struct sf_member item;
    if (!parse_whole_item(value, SF_INTEGER, &item))
        return false;
    *ret = item.integer;
    return true;
}

bool sf_boolean(slice value, bool *ret)
{
    struct sf_member item;
    if (!parse_whole_item(value, SF_BOOLEAN, &item))
        return false;
    *ret = item.integer != 0;
    return true;
}

slice sf_field(const struct http_request *req, const char *name, struct arena *a)
{
    slice wanted = slice_of(name), first = { 0 };
    slice *parts = NULL; /* only if there is more than one line */
    size_t count = 0;
    for (size_t i = 0; i < req->header_count; i++) {
        if (!slice_eq_nocase(req->headers[i].name, wanted))
            continue;
        slice value = req->headers[i].value;
        if (count == 0) {
            first = value;
            count = 1;
            continue;
        }
        if (!parts) {
            parts = arena_array(a, slice, 2 * req->header_count);
            parts[0] = first;
        }
        parts[count++] = S(", ");
        parts[count++] = value;
    }
    return parts ? arena_join(a, parts, count) : first;
}
