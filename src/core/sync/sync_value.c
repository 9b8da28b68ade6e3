/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_value.h"

#include "base/civil.h"
#include "base/number.h"

#include <string.h>

/* ---- strings */

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static size_t plain_length(slice s)
{
    size_t n = 0;
    while (n < s.n && is_plain(s.p[n]))
        n++;
    return n;
}

static void add_escape(struct buf *to, char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[] = { '\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15] };
    if (c == '\n')
        buf_add(to, S("\\n"));
    else if (c == '\r')
        buf_add(to, S("\\r"));
    else if (c == '\t')
        buf_add(to, S("\\t"));
    else if ((unsigned char)c < 0x20)
        buf_add(to, (slice){ text, sizeof text });
    else
        buf_add(to, (slice){ (char[]){ '\\', c }, 2 });
}

bool sync_quote(slice text, struct buf *to)
{
    buf_add_byte(to, '"');
    while (text.n && !to->failed) {
        size_t n = plain_length(text);
        buf_add(to, slice_part(text, 0, n));
        if (n < text.n) {
            if (text.p[n] == '\0')
                return false;
            add_escape(to, text.p[n++]);
        }
        text = slice_from(text, n);
    }
    buf_add_byte(to, '"');
    return true;
}

/* ---- other texts */

static bool add_int(slice text, struct buf *to)
{
    int64_t v;
    if (!slice_to_i64(text, &v))
        return false;
    buf_add_i64(to, v);
    return true;
}

/* JSON has no zeros before other digits. */
static bool add_number(slice text, struct buf *to)
{
    double v;
    bool is_negative = text.p[0] == '-';
    slice digits = slice_from(text, is_negative);
    while (digits.n > 1 && digits.p[0] == '0' && digits.p[1] >= '0' && digits.p[1] <= '9')
        digits = slice_from(digits, 1);
    if (text.n > SYNC_NUMBER_MAX || !digits.n || digits.p[0] == '-' || !json_is_number(digits) ||
        !number_to_double(digits, &v))
        return false;
    if (is_negative)
        buf_add_byte(to, '-');
    buf_add(to, digits);
    return true;
}

static bool add_bool(slice text, struct buf *to)
{
    bool is_true = slice_eq_nocase(text, S("true")) || slice_eq(text, S("1"));
    if (!is_true && !slice_eq_nocase(text, S("false")) && !slice_eq(text, S("0")))
        return false;
    buf_add(to, is_true ? S("true") : S("false"));
    return true;
}

static int read_digits(slice text, size_t at, size_t n)
{
    int v = 0;
    for (size_t i = at; i < at + n; i++)
        v = v * 10 + (text.p[i] - '0');
    return v;
}

static bool add_date(slice text, struct buf *to)
{
    if (text.n != 8 && text.n != 14)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    if (!civil_is_valid(
            (struct civil_date){ read_digits(text, 0, 4), read_digits(text, 4, 2), read_digits(text, 6, 2) }))
        return false;
    if (text.n == 14 &&
        (read_digits(text, 8, 2) > 23 || read_digits(text, 10, 2) > 59 || read_digits(text, 12, 2) > 59))
        return false;
    return sync_quote(text, to);
}

static bool add_array(slice text, struct buf *to)
{
    slice item;
    char mark = '[';
    for (bool has_more = true; has_more && !to->failed; mark = ',') {
        has_more = slice_cut(text, ',', &item, &text);
        buf_add_byte(to, mark);
        if (!sync_quote(slice_trim(item), to))
            return false;
    }
    buf_add_byte(to, ']');
    return true;
}

static bool add_compact(const struct json_value *v, struct arena *scratch, struct buf *to)
{
    slice text;
    if (json_value_compact(v, scratch, &text))
        return false;
    buf_add(to, text);
    return true;
}

static bool add_nested(enum json_kind kind, slice text, struct arena *scratch, struct buf *to)
{
    struct json_value v;
    return json_scan_value(text, &v) && v.kind == kind && add_compact(&v, scratch, to);
}

bool sync_value_add_text(enum sync_type type, slice text, struct arena *scratch, struct buf *to)
{
    if (type == SYNC_STRING)
        return sync_quote(text, to);
    text = slice_trim(text);
    if (!text.n)
        return true;
    switch (type) {
    case SYNC_INT:
        return add_int(text, to);
    case SYNC_NUMBER:
        return add_number(text, to);
    case SYNC_BOOL:
        return add_bool(text, to);
    case SYNC_DATE:
        return add_date(text, to);
    case SYNC_ARRAY:
        return add_array(text, to);
    case SYNC_OBJECT:
        return add_nested(JSON_KIND_OBJECT, text, scratch, to);
    default:
        return add_nested(JSON_KIND_ARRAY, text, scratch, to);
    }
}

/* ---- JSON */

static bool is_nested(enum json_kind kind)
{
    return kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT;
}

/* The elements are what they are in text: strings. */
static bool add_elements(slice raw, struct arena *scratch, struct buf *to)
{
    struct json_scan s;
    struct json_member m;
    slice text;
    char mark = '[';
    if (!json_scan_begin(&s, raw))
        return false;
    while (json_scan_next(&s, &m) == JSON_SCAN_MEMBER) {
        if (is_nested(m.value.kind) || m.value.kind == JSON_KIND_NULL || json_value_text(&m.value, scratch, &text))
            return false;
        buf_add_byte(to, mark);
        if (to->failed || !sync_quote(slice_trim(text), to))
            return false;
        mark = ',';
    }
    buf_add(to, mark == '[' ? S("[]") : S("]"));
    return true;
}

/* A number may say an integer in another way, such as 1e3. */
static bool add_json_int(slice number, struct buf *to)
{
    struct number n;
    if (!number_scale(number, 0, NUMBER_EXACT, &n) || n.magnitude > (uint64_t)INT64_MAX + n.is_negative)
        return false;
    if (n.is_negative && n.magnitude)
        buf_add_byte(to, '-');
    buf_add_u64(to, n.magnitude);
    return true;
}

bool sync_value_add_json(enum sync_type type, const struct json_value *v, struct arena *scratch, struct buf *to)
{
    slice text;
    if (v->kind == JSON_KIND_NULL)
        return true;
    if (is_nested(v->kind)) {
        if (type == SYNC_ARRAY && v->kind == JSON_KIND_ARRAY)
            return add_elements(v->raw, scratch, to);
        return type == (v->kind == JSON_KIND_ARRAY ? SYNC_LIST : SYNC_OBJECT) && add_compact(v, scratch, to);
    }
    if (type == SYNC_INT && v->kind == JSON_KIND_NUMBER)
        return add_json_int(v->raw, to);
    if (type == SYNC_STRING && v->kind == JSON_KIND_STRING && !v->has_escapes) {
        buf_add(to, v->raw.n > 2 ? v->raw : S(""));
        return true;
    }
    if (json_value_text(v, scratch, &text))
        return false;
    return !text.n || sync_value_add_text(type, text, scratch, to);
}

/* ---- keys */

#define PLACES_MAX 40

struct digits {
    char text[SYNC_NUMBER_MAX];
    size_t n;
    int64_t exponent; /* of ten, by which the digits are multiplied */
    bool is_negative;
};

/* Without zeros at the ends. */
static void split_number(slice number, struct digits *d)
{
    bool is_fraction = false;
    size_t i = number.p[0] == '-';
    *d = (struct digits){ .is_negative = i == 1 };
    for (; i < number.n && (number.p[i] | 0x20) != 'e'; i++) {
        if (number.p[i] == '.') {
            is_fraction = true;
            continue;
        }
        d->exponent -= is_fraction;
        if (d->n || number.p[i] != '0')
            d->text[d->n++] = number.p[i];
    }
    slice exponent = slice_from(number, i + 1);
    bool is_below = exponent.n && exponent.p[0] == '-';
    int64_t v = 0;
    for (i = 0; i < exponent.n; i++)
        if (exponent.p[i] >= '0' && exponent.p[i] <= '9' && v < INT32_MAX)
            v = v * 10 + (exponent.p[i] - '0');
    d->exponent += is_below ? -v : v;
    for (; d->n && d->text[d->n - 1] == '0'; d->n--)
        d->exponent++;
}

static void add_zeros(struct buf *to, int64_t n)
{
    for (; n > 0; n--)
        buf_add_byte(to, '0');
}

static void add_number_key(slice number, struct buf *to)
{
    struct digits d;
    split_number(number, &d);
    slice digits = { d.text, d.n };
    if (!d.n) {
        buf_add_byte(to, '0');
        return;
    }
    if (d.is_negative)
        buf_add_byte(to, '-');
    int64_t whole = (int64_t)d.n + d.exponent; /* digits before the point */
    if (d.exponent > PLACES_MAX || d.exponent < -PLACES_MAX) {
        buf_add(to, digits);
        buf_add_byte(to, 'e');
        buf_add_i64(to, d.exponent);
    } else if (d.exponent >= 0) {
        buf_add(to, digits);
        add_zeros(to, d.exponent);
    } else {
        size_t before = whole > 0 ? (size_t)whole : 0;
        buf_add(to, before ? slice_part(digits, 0, before) : S("0"));
        buf_add_byte(to, '.');
        add_zeros(to, -whole);
        buf_add(to, slice_from(digits, before));
    }
}

void sync_value_add_key(enum sync_type type, slice json, struct buf *to)
{
    if (type == SYNC_NUMBER) {
        add_number_key(json, to);
    } else if (type == SYNC_STRING || type == SYNC_DATE) {
        slice inside = slice_part(json, 1, json.n - 2);
        char *at = buf_reserve(to, inside.n);
        if (at)
            to->n += json_unescape(inside, at);
    } else {
        buf_add(to, json);
    }
}
