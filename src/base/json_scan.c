/* SPDX-License-Identifier: Apache-2.0 */
/* Every function here takes the position `p` of what it reads, which is before `end`, and returns the position after it, or
 * NULL if it is not valid. Nothing recurses: the levels that are open are bits of a number. */
#include "base/json_scan.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p <= ' ' && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

/* ---- strings */

static inline bool is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20 || (unsigned char)c >= 0x80;
}

/* The first byte that is not simply a part of a string; `end`: there is none. */
static inline const char *find_special(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        int mask = _mm_movemask_epi8(_mm_or_si128(found, bytes)); /* `bytes` brings its high bits: beyond ASCII */
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && !is_special(*p))
        p++;
    return p;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at p; -1: they are none. */
static int hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static bool is_high_surrogate(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}
static bool is_low_surrogate(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* p is at a backslash. */
static const char *escape_end(const char *p, const char *end)
{
    if (end - p < 2)
        return NULL;
    if (p[1] != 'u')
        return p[1] && strchr("\"\\/bfnrt", p[1]) ? p + 2 : NULL;
    int unit = hex4(p + 2, end);
    if (unit <= 0 || is_low_surrogate(unit))
        return NULL;
    if (!is_high_surrogate(unit))
        return p + 6;
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u' || !is_low_surrogate(hex4(p + 8, end)))
        return NULL;
    return p + 12;
}

static inline bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* A character beyond ASCII (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF). */
static const char *character_end(const char *p, const char *end)
{
    unsigned char first = (unsigned char)*p;
    ptrdiff_t left = end - p;
    if (first >= 0xc2 && first <= 0xdf)
        return left >= 2 && is_continuation(p[1]) ? p + 2 : NULL;
    unsigned char second = left >= 2 ? (unsigned char)p[1] : 0;
    if (first >= 0xe0 && first <= 0xef) {
        unsigned char min = first == 0xe0 ? 0xa0 : 0x80, max = first == 0xed ? 0x9f : 0xbf;
        return left >= 3 && second >= min && second <= max && is_continuation(p[2]) ? p + 3 : NULL;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        unsigned char min = first == 0xf0 ? 0x90 : 0x80, max = first == 0xf4 ? 0x8f : 0xbf;
        bool is_valid = left >= 4 && second >= min && second <= max && is_continuation(p[2]) && is_continuation(p[3]);
        return is_valid ? p + 4 : NULL;
    }
    return NULL;
}

/* p is after the opening quote; the result is after the closing one. */
static inline const char *string_end(const char *p, const char *end, bool *ret_has_escapes)
{
    *ret_has_escapes = false;
    while (p) {
        p = find_special(p, end);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p + 1;
        if (*p == '\\') {
            *ret_has_escapes = true;
            p = escape_end(p, end);
        } else if ((unsigned char)*p >= 0x80) {
            while (p && p < end && (unsigned char)*p >= 0x80)
                p = character_end(p, end);
        } else {
            return NULL;
        }
    }
    return NULL;
}

/* ---- other values */

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* At least one digit. */
static inline const char *digits_end(const char *p, const char *end)
{
    if (p == end || !is_digit(*p))
        return NULL;
    while (p < end && is_digit(*p))
        p++;
    return p;
}

static const char *number_end(const char *p, const char *end)
{
    if (*p == '-')
        p++;
    if (p < end && *p == '0')
        p++;
    else
        p = digits_end(p, end);
    if (p && p < end && *p == '.')
        p = digits_end(p + 1, end);
    if (p && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        p = digits_end(p, end);
    }
    return p;
}

static const char *word_end(const char *p, const char *end, slice word)
{
    return (size_t)(end - p) >= word.n && memcmp(p, word.p, word.n) == 0 ? p + word.n : NULL;
}

static inline const char *scalar_end(const char *p, const char *end, struct json_value *v)
{
    switch (*p) {
    case '"':
        v->kind = JSON_KIND_STRING;
        return string_end(p + 1, end, &v->has_escapes);
    case 't':
        v->kind = JSON_KIND_BOOL;
        return word_end(p, end, S("true"));
    case 'f':
        v->kind = JSON_KIND_BOOL;
        return word_end(p, end, S("false"));
    case 'n':
        v->kind = JSON_KIND_NULL;
        return word_end(p, end, S("null"));
    default:
        v->kind = JSON_KIND_NUMBER;
        return number_end(p, end);
    }
}

/* ---- arrays and objects */

/* What is open while the end of an array or object is looked for. */
struct nest {
    uint64_t objects; /* a bit for each level, the innermost the lowest: it is an object */
    int depth;
    bool has_blanks;
};

static inline const char *skip_nest_blanks(struct nest *n, const char *p, const char *end)
{
    const char *after = skip_blanks(p, end);
    n->has_blanks |= after != p;
    return after;
}

/* The name of a member, and its colon. */
static const char *nest_name_end(struct nest *n, const char *p, const char *end)
{
    bool has_escapes;
    if (p == end || *p != '"' || !(p = string_end(p + 1, end, &has_escapes)))
        return NULL;
    p = skip_nest_blanks(n, p, end);
    return p < end && *p == ':' ? p + 1 : NULL;
}

static const char *nest_close(struct nest *n, const char *p)
{
    n->objects >>= 1;
    n->depth--;
    return p + 1;
}

/* p is at a bracket or brace that opens. After it comes a value, unless *ret_is_closed: it was empty. */
static const char *nest_open(struct nest *n, const char *p, const char *end, bool *ret_is_closed)
{
    bool is_object = *p == '{';
    *ret_is_closed = false;
    if (n->depth == JSON_SCAN_DEPTH_MAX - 1)
        return NULL;
    n->objects = n->objects << 1 | is_object;
    n->depth++;
    p = skip_nest_blanks(n, p + 1, end);
    if (p < end && *p == (is_object ? '}' : ']')) {
        *ret_is_closed = true;
        return nest_close(n, p);
    }
    return is_object ? nest_name_end(n, p, end) : p;
}

/* p is after a value: at a comma or at what closes. *ret_is_closed as above. */
static const char *nest_after_value(struct nest *n, const char *p, const char *end, bool *ret_is_closed)
{
    bool is_object = n->objects & 1;
    *ret_is_closed = *p == (is_object ? '}' : ']');
    if (*ret_is_closed)
        return nest_close(n, p);
    if (*p != ',')
        return NULL;
    p = skip_nest_blanks(n, p + 1, end);
    return is_object ? nest_name_end(n, p, end) : p;
}

static const char *nested_end(const char *p, const char *end, struct json_value *v)
{
    struct nest n = { 0 };
    struct json_value scalar;
    bool is_after_value = false;
    v->kind = *p == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
    do {
        p = skip_nest_blanks(&n, p, end);
        if (p == end)
            return NULL;
        if (is_after_value) {
            p = nest_after_value(&n, p, end, &is_after_value);
        } else if (*p == '{' || *p == '[') {
            p = nest_open(&n, p, end, &is_after_value);
        } else {
            p = scalar_end(p, end, &scalar);
            is_after_value = true;
        }
    } while (p && n.depth);
    v->has_blanks = n.has_blanks;
    return p;
}

static inline const char *value_end(const char *p, const char *end, struct json_value *v)
{
    const char *begin = p;
    if (p == end)
        return NULL;
    p = *p == '{' || *p == '[' ? nested_end(p, end, v) : scalar_end(p, end, v);
    if (p)
        v->raw = (slice){ begin, (size_t)(p - begin) };
    return p;
}

/* ---- the walk */

bool json_scan_begin(struct json_scan *s, slice text)
{
    const char *p = text.n ? text.p : "", *end = p + text.n;
    p = skip_blanks(p, end);
    if (p == end || (*p != '{' && *p != '['))
        return false;
    *s = (struct json_scan){ .at = p + 1, .end = end, .close = *p == '{' ? '}' : ']', .is_first = true };
    return true;
}

/* The name of the next member, and its colon. */
static inline const char *member_name_end(const char *p, const char *end, struct json_member *ret_member)
{
    const char *begin = p + 1;
    if (p == end || *p != '"' || !(p = string_end(begin, end, &ret_member->name_has_escapes)))
        return NULL;
    ret_member->name = (slice){ begin, (size_t)(p - 1 - begin) };
    p = skip_blanks(p, end);
    return p < end && *p == ':' ? skip_blanks(p + 1, end) : NULL;
}

enum json_scan_step json_scan_next(struct json_scan *s, struct json_member *ret_member)
{
    const char *end = s->end, *p = skip_blanks(s->at, end);
    *ret_member = (struct json_member){ 0 };
    if (p == end)
        return JSON_SCAN_BAD;
    if (*p == s->close)
        return skip_blanks(p + 1, end) == end ? JSON_SCAN_END : JSON_SCAN_BAD;
    if (!s->is_first) {
        if (*p != ',')
            return JSON_SCAN_BAD;
        p = skip_blanks(p + 1, end);
    }
    s->is_first = false;
    if (s->close == '}')
        p = member_name_end(p, end, ret_member);
    p = p ? value_end(p, end, &ret_member->value) : NULL;
    if (!p)
        return JSON_SCAN_BAD;
    s->at = p;
    return JSON_SCAN_MEMBER;
}

bool json_scan_value(slice text, struct json_value *ret_value)
{
    const char *p = text.n ? text.p : "", *end = p + text.n;
    struct json_value v = { 0 };
    p = value_end(skip_blanks(p, end), end, &v);
    if (!p || skip_blanks(p, end) != end)
        return false;
    *ret_value = v;
    return true;
}

bool json_is_number(slice text)
{
    return text.n && json_number_length(text) == text.n;
}

size_t json_number_length(slice text)
{
    const char *end = text.n ? number_end(text.p, text.p + text.n) : NULL;
    return end ? (size_t)(end - text.p) : 0;
}

/* ---- texts */

static char *add_character(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

static char escaped_byte(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter; /* " \ / */
    }
}

size_t json_unescape(slice raw, char *to)
{
    const char *p = raw.p, *end = raw.n ? raw.p + raw.n : raw.p;
    char *begin = to;
    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((escape ? escape : end) - p);
        to = (char *)memcpy(to, p, plain) + plain;
        p += plain;
        if (!escape)
            break;
        if (p[1] != 'u') {
            *to++ = escaped_byte(p[1]);
            p += 2;
            continue;
        }
        int unit = hex4(p + 2, end);
        p += 6;
        if (is_high_surrogate(unit)) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4(p + 2, end) - 0xdc00);
            p += 6;
        }
        to = add_character(to, (unsigned)unit);
    }
    return (size_t)(to - begin);
}

static size_t remove_blanks(slice raw, char *to)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    char *begin = to;
    while ((p = skip_blanks(p, end)) < end) {
        const char *from = p++;
        bool has_escapes;
        if (*from == '"')
            p = string_end(p, end, &has_escapes);
        to = (char *)memcpy(to, from, (size_t)(p - from)) + (p - from);
    }
    return (size_t)(to - begin);
}

/* Room for a text of at most n bytes; NULL: the arena has none. */
static char *room_for_text(struct arena *a, size_t n)
{
    if (arena_has_room(a, n))
        return arena_alloc(a, n);
    arena_mark_over(a);
    return NULL;
}

err_t json_value_text(const struct json_value *v, struct arena *a, slice *ret_text)
{
    if (v->kind != JSON_KIND_STRING)
        return json_value_compact(v, a, ret_text);
    slice inside = { v->raw.p + 1, v->raw.n - 2 };
    if (v->has_escapes) {
        char *to = room_for_text(a, inside.n);
        TRY(arena_check(a));
        inside = (slice){ to, json_unescape(inside, to) };
    }
    *ret_text = inside;
    return NULL;
}

err_t json_value_compact(const struct json_value *v, struct arena *a, slice *ret_text)
{
    slice text = v->raw;
    if (v->has_blanks) {
        char *to = room_for_text(a, text.n);
        TRY(arena_check(a));
        text = (slice){ to, remove_blanks(text, to) };
    }
    *ret_text = text;
    return NULL;
}
