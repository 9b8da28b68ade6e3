/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on byte strings, without allocation and locale. */
#include "base/slice.h"

#include <string.h>

slice slice_of(const char *cstr)
{
    return (slice){ cstr ? cstr : "", cstr ? strlen(cstr) : 0 };
}

bool slice_eq(slice a, slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static unsigned char ascii_lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool slice_eq_nocase(slice a, slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i] && ascii_lower(a.p[i]) != ascii_lower(b.p[i])) /* mostly they are equal as they are */
            return false;
    return true;
}

bool slice_eq_secret(slice a, slice b)
{
    if (a.n != b.n)
        return false;
    volatile unsigned char diff = 0;
    for (size_t i = 0; i < a.n; i++)
        diff = (unsigned char)(diff | (a.p[i] ^ b.p[i]));
    return diff == 0;
}

int slice_cmp(slice a, slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool slice_starts(slice s, slice prefix)
{
    return s.n >= prefix.n && slice_eq((slice){ s.p, prefix.n }, prefix);
}

bool slice_starts_nocase(slice s, slice prefix)
{
    return s.n >= prefix.n && slice_eq_nocase((slice){ s.p, prefix.n }, prefix);
}

bool slice_ends(slice s, slice suffix)
{
    return s.n >= suffix.n && slice_eq(slice_from(s, s.n - suffix.n), suffix);
}

slice slice_from(slice s, size_t at)
{
    if (at > s.n)
        at = s.n;
    return (slice){ at ? s.p + at : s.p, s.n - at }; /* p of an empty slice may be NULL: add nothing to it */
}

slice slice_part(slice s, size_t at, size_t len)
{
    s = slice_from(s, at);
    if (s.n > len)
        s.n = len;
    return s;
}

slice slice_trim(slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

size_t slice_find_byte(slice s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : SLICE_NONE;
}

size_t slice_rfind_byte(slice s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : SLICE_NONE;
}

size_t slice_find(slice s, slice needle)
{
    const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : SLICE_NONE;
}

bool slice_cut(slice s, char c, slice *head, slice *tail)
{
    size_t at = slice_find_byte(s, c);
    if (at == SLICE_NONE) {
        *head = s;
        *tail = slice_from(s, s.n);
        return false;
    }
    *head = (slice){ s.p, at };
    *tail = slice_from(s, at + 1);
    return true;
}

bool slice_to_u64(slice s, uint64_t *ret)
{
    if (s.n == 0 || s.n > 20)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *ret = v;
    return true;
}

bool slice_to_i64(slice s, int64_t *ret)
{
    bool minus = s.n && s.p[0] == '-';
    uint64_t v;
    if (!slice_to_u64(minus ? slice_from(s, 1) : s, &v) || v > (uint64_t)INT64_MAX + minus)
        return false;
    *ret = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

size_t slice_utf8_length(slice s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++)
        if (slice_is_utf8(slice_part(s, 0, n)))
            return n;
    return 0;
}

slice slice_characters(slice s, size_t max)
{
    size_t n = 0;
    for (size_t seen = 0; n < s.n; n++)
        if (((unsigned char)s.p[n] & 0xc0) != 0x80 && seen++ == max)
            break;
    return slice_part(s, 0, n);
}

/* Most texts are ASCII: eight bytes at a time. */
static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end)
{
    uint64_t bytes;
    for (; (size_t)(end - p) >= sizeof bytes; p += sizeof bytes) {
        memcpy(&bytes, p, sizeof bytes);
        if (bytes & UINT64_C(0x8080808080808080))
            break;
    }
    return p;
}

bool slice_is_utf8(slice s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = s.n ? p + s.n : p;
    while (p < end) {
        if (*p < 0x80) {
            p = skip_ascii(p + 1, end);
            continue;
        }
        unsigned need, min, v;
        if ((*p & 0xe0) == 0xc0)
            need = 1, min = 0x80, v = *p & 0x1f;
        else if ((*p & 0xf0) == 0xe0)
            need = 2, min = 0x800, v = *p & 0x0f;
        else if ((*p & 0xf8) == 0xf0)
            need = 3, min = 0x10000, v = *p & 0x07;
        else
            return false;
        if ((size_t)(end - p) <= need)
            return false;
        for (unsigned i = 1; i <= need; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            v = v << 6 | (p[i] & 0x3f);
        }
        if (v < min || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
            return false;
        p += need + 1;
    }
    return true;
}

uint64_t slice_hash(slice s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return h;
}
