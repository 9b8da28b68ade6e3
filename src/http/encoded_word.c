/* SPDX-License-Identifier: Apache-2.0 */
#include "http/encoded_word.h"

#include "base/buf.h"
#include "base/text.h"

#define WORD_TEXT_BYTES 45 /* 60 characters of base64: with =?ISO-8859-1?B? and ?= a word has at most 75 */

/* ---- decode ---- */

static bool decode_q(slice text, struct arena *a, slice *ret)
{
    char *spread = arena_alloc(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == '?' || text.p[i] == '%')
            return false;
        spread[i] = text.p[i] == '=' ? '%' : text.p[i] == '_' ? ' ' : text.p[i];
    }
    return percent_decode(a, (slice){ spread, text.n }, false, ret);
}

static bool latin1_to_utf8(slice bytes, struct arena *a, slice *ret)
{
    unsigned char *to = arena_alloc(a, 2 * bytes.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c >= 0x80)
            to[n++] = (unsigned char)(0xc0 | c >> 6);
        to[n++] = c < 0x80 ? c : (unsigned char)(0x80 | (c & 0x3f));
    }
    *ret = (slice){ (const char *)to, n };
    return true;
}

/* A whole word, from =? to ?=. */
static bool decode_word(slice word, struct arena *a, slice *ret)
{
    slice charset, coding, text, bytes, rest, language;
    if (word.n < 4 || !slice_starts(word, S("=?")) || !slice_ends(word, S("?=")))
        return false;
    word = slice_part(word, 2, word.n - 4);
    if (!slice_cut(word, '?', &charset, &rest) || !slice_cut(rest, '?', &coding, &text))
        return false;
    slice_cut(charset, '*', &charset, &language); /* RFC 2231 section 5 */
    bool decoded = slice_eq_nocase(coding, S("B"))   ? base64_decode(a, text, &bytes)
                   : slice_eq_nocase(coding, S("Q")) ? decode_q(text, a, &bytes)
                                                     : false;
    if (!decoded)
        return false;
    if (slice_eq_nocase(charset, S("ISO-8859-1")))
        return latin1_to_utf8(bytes, a, ret);
    *ret = bytes;
    return (slice_eq_nocase(charset, S("UTF-8")) || slice_eq_nocase(charset, S("US-ASCII"))) && slice_is_utf8(bytes);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

slice encoded_words_decode(slice value, struct arena *a)
{
    if (slice_find(value, S("=?")) == SLICE_NONE)
        return value;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    bool behind_word = false;
    while (value.n) {
        slice decoded;
        size_t blanks = 0, n;
        while (blanks < value.n && is_blank(value.p[blanks]))
            blanks++;
        for (n = blanks; n < value.n && !is_blank(value.p[n]);)
            n++;
        slice piece = slice_part(value, blanks, n - blanks);
        bool is_word = decode_word(piece, a, &decoded);
        if (!(is_word && behind_word))
            buf_add(&b, slice_part(value, 0, blanks));
        buf_add(&b, is_word ? decoded : piece);
        behind_word = is_word;
        value = slice_from(value, n);
    }
    return arena_copy(a, buf_slice(&b));
}

/* ---- encode ---- */

static bool is_ascii(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80)
            return false;
    return true;
}

/* How many bytes of the text the next word has: no character is split. */
static size_t word_bytes(slice text, bool is_utf8)
{
    size_t n = text.n < WORD_TEXT_BYTES ? text.n : WORD_TEXT_BYTES;
    while (is_utf8 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

slice encoded_words_encode(slice text, struct arena *a)
{
    if (is_ascii(text))
        return text;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    for (bool is_utf8 = slice_is_utf8(text); text.n;) {
        size_t n = word_bytes(text, is_utf8);
        if (b.n)
            buf_add_byte(&b, ' ');
        buf_add(&b, is_utf8 ? S("=?UTF-8?B?") : S("=?ISO-8859-1?B?"));
        buf_add(&b, base64_encode(a, slice_part(text, 0, n)));
        buf_add(&b, S("?="));
        text = slice_from(text, n);
    }
    return arena_copy(a, buf_slice(&b));
}
