/* SPDX-License-Identifier: Apache-2.0 */
/* Clients encode file names in this header in six ways. decode_extended and decode_plain try them in a fixed order,
 * which follows from what the clients' own libraries send. */
#include "http/content_disposition.h"

#include "base/text.h"
#include "http/field.h"

#include <string.h>

/* Windows-1252 from 0x80 to 0x9f, as in the WHATWG encoding standard: the five undefined bytes map to the control
 * character of the same number. */
static const uint16_t windows_1252_upper[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

/* Convert Windows-1252 to UTF-8. ISO-8859-1 is read as Windows-1252 too, as every browser does. */
static slice from_windows_1252(slice bytes, struct arena *a)
{
    char *out = arena_alloc(a, bytes.n * 3 + 1), *o = out;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned c = (unsigned char)bytes.p[i];
        if (c >= 0x80 && c < 0xa0)
            c = windows_1252_upper[c - 0x80];
        if (c < 0x80) {
            *o++ = (char)c;
        } else if (c < 0x800) {
            *o++ = (char)(0xc0 | c >> 6);
            *o++ = (char)(0x80 | (c & 0x3f));
        } else {
            *o++ = (char)(0xe0 | c >> 12);
            *o++ = (char)(0x80 | (c >> 6 & 0x3f));
            *o++ = (char)(0x80 | (c & 0x3f));
        }
    }
    return (slice){ out, (size_t)(o - out) };
}

/* Convert bytes of a named charset to UTF-8. False: the charset is unknown, or the bytes are not valid UTF-8. */
static bool from_charset(slice charset, slice bytes, struct arena *a, slice *ret)
{
    static const char *const one_byte[] = { "iso-8859-1", "us-ascii", "windows-1252" };
    if (slice_eq_nocase(charset, S("utf-8"))) {
        *ret = bytes;
        return slice_is_utf8(bytes);
    }
    for (size_t i = 0; i < LENGTH_OF(one_byte); i++)
        if (slice_eq_nocase(charset, slice_of(one_byte[i]))) {
            *ret = from_windows_1252(bytes, a);
            return true;
        }
    return false;
}

/* Decode charset'language'percent-encoded (RFC 8187 §3.2.1). Some clients put quotes around it. */
static bool decode_extended(slice value, struct arena *a, slice *ret)
{
    slice charset, language, text, bytes;
    if (value.n >= 2 && value.p[0] == '"')
        value = slice_part(value, 1, value.n - 2);
    return slice_cut(value, '\'', &charset, &text) && slice_cut(text, '\'', &language, &text) &&
           percent_decode(a, text, false, &bytes) && from_charset(charset, bytes, a, ret);
}

/* Decode the Q encoding: _ is a blank, =XX a byte (RFC 2047 §4.2). */
static bool decode_q(slice text, struct arena *a, slice *ret)
{
    char *out = arena_alloc(a, text.n + 1), *o = out;
    for (size_t i = 0; i < text.n; i++) {
        slice byte;
        if (text.p[i] == '=') {
            if (text.n - i < 3 || !hex_decode(a, slice_part(text, i + 1, 2), &byte))
                return false;
            *o++ = byte.p[0];
            i += 2;
        } else {
            *o++ = text.p[i] == '_' ? ' ' : text.p[i];
        }
    }
    *ret = (slice){ out, (size_t)(o - out) };
    return true;
}

/* Cut one encoded word, =?charset?B|Q?text?=, off *rest. */
static bool next_encoded_word(slice *rest, struct arena *a, slice *ret_charset, slice *ret_bytes)
{
    slice charset, encoding, text, language;
    if (!slice_starts(*rest, S("=?")) || !slice_cut(slice_from(*rest, 2), '?', &charset, rest) ||
        !slice_cut(*rest, '?', &encoding, rest) || !slice_cut(*rest, '?', &text, rest) || !slice_starts(*rest, S("=")))
        return false;
    *rest = slice_from(*rest, 1);
    slice_cut(charset, '*', ret_charset, &language); /* RFC 2231 §5 */
    if (slice_eq_nocase(encoding, S("B")))
        return base64_decode(a, text, ret_bytes);
    return slice_eq_nocase(encoding, S("Q")) && decode_q(text, a, ret_bytes);
}

/* Decode a value that consists of encoded words of one charset, with blanks between them. The bytes are joined before
 * they are converted, because some clients split words inside a character. */
static bool decode_encoded_words(slice value, struct arena *a, slice *ret)
{
    char *joined = arena_alloc(a, value.n + 1);
    size_t n = 0;
    slice first_charset = S("");
    for (slice rest = slice_trim(value); rest.n; rest = slice_trim(rest)) {
        slice charset, bytes;
        if (!next_encoded_word(&rest, a, &charset, &bytes) || (rest.n && rest.p[0] != ' ' && rest.p[0] != '\t'))
            return false;
        if (first_charset.n && !slice_eq_nocase(charset, first_charset))
            return false;
        first_charset = charset;
        memcpy(joined + n, bytes.p, bytes.n); /* decoded bytes are never more than encoded ones */
        n += bytes.n;
    }
    return first_charset.n && from_charset(first_charset, (slice){ joined, n }, a, ret);
}

/* In a quoted string \" and \\ are escapes; any other backslash stands for itself, since old browsers send
 * C:\path\name. */
static slice decode_quoted(slice value, struct arena *a)
{
    if (value.n < 2 || value.p[0] != '"')
        return value;
    value = slice_part(value, 1, value.n - 2);
    char *out = arena_alloc(a, value.n + 1), *o = out;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\\' && i + 1 < value.n && (value.p[i + 1] == '"' || value.p[i + 1] == '\\'))
            i++;
        *o++ = value.p[i];
    }
    return (slice){ out, (size_t)(o - out) };
}

/* Decode the three escapes of HTML forms (WHATWG, "multipart/form-data encoding algorithm"), and no others:
 * "100%41.txt" is a file name. */
static slice decode_form_escapes(slice value, struct arena *a)
{
    if (slice_find_byte(value, '%') == SLICE_NONE)
        return value;
    char *out = arena_alloc(a, value.n + 1), *o = out;
    for (size_t i = 0; i < value.n; i++) {
        slice escape = slice_part(value, i, 3);
        bool quote = slice_eq(escape, S("%22"));
        bool line_end = slice_eq_nocase(escape, S("%0d")) || slice_eq_nocase(escape, S("%0a"));
        if (quote)
            *o++ = '"';
        if (quote || line_end)
            i += 2;
        else
            *o++ = value.p[i];
    }
    return (slice){ out, (size_t)(o - out) };
}

static slice decode_plain(slice value, struct arena *a)
{
    value = decode_form_escapes(decode_quoted(value, a), a);
    slice decoded;
    if (decode_encoded_words(value, a, &decoded))
        return decoded;
    return slice_is_utf8(value) ? value : from_windows_1252(value, a);
}

err_t content_disposition_parse(slice value, struct arena *a, struct content_disposition *ret)
{
    enum { NAME, FILENAME, FILENAME_EXTENDED, KNOWN };
    static const char *const known[KNOWN] = { "name", "filename", "filename*" };
    slice raw[KNOWN], type, name, text;
    bool has[KNOWN] = { false };

    struct field_params params = { 0 };
    slice_cut(value, ';', &type, &params.rest);
    type = slice_trim(type);
    if (!is_token(type) || field_has_control(value))
        return err_make(a, ERR_INVALID, "Content-Disposition has no type or holds control characters");
    while (field_params_next(&params, &name, &text))
        for (size_t i = 0; i < KNOWN; i++)
            if (slice_eq_nocase(name, slice_of(known[i]))) {
                if (has[i])
                    return err_make(a, ERR_INVALID, "Content-Disposition gives %s twice", known[i]);
                has[i] = true;
                raw[i] = text;
            }
    if (params.broken)
        return err_make(a, ERR_INVALID, "Content-Disposition has a broken parameter");

    struct content_disposition d = { .type = type, .has_name = has[NAME], .name = S(""), .filename = S("") };
    if (has[NAME])
        d.name = decode_plain(raw[NAME], a);
    d.has_filename = has[FILENAME] || has[FILENAME_EXTENDED];
    if (!has[FILENAME_EXTENDED] || !decode_extended(raw[FILENAME_EXTENDED], a, &d.filename)) {
        if (has[FILENAME])
            d.filename = decode_plain(raw[FILENAME], a);
        else if (has[FILENAME_EXTENDED])
            return err_make(a, ERR_INVALID, "filename* is not percent-encoded UTF-8 or ISO-8859-1");
    }
    *ret = d;
    return NULL;
}

slice content_disposition_format(slice type, slice filename, struct arena *a)
{
    if (is_token(filename))
        return arena_printf(a, SLICE_FMT "; filename=" SLICE_FMT, SLICE_ARG(type), SLICE_ARG(filename));

    bool ascii = !field_has_control(filename) && slice_find_byte(filename, '\t') == SLICE_NONE;
    for (size_t i = 0; i < filename.n; i++)
        ascii = ascii && (unsigned char)filename.p[i] < 0x80;
    if (!ascii) {
        slice text = slice_is_utf8(filename) ? filename : from_windows_1252(filename, a);
        slice encoded = percent_encode(a, text, "");
        return arena_printf(a, SLICE_FMT "; filename*=UTF-8''" SLICE_FMT, SLICE_ARG(type), SLICE_ARG(encoded));
    }
    char *out = arena_alloc(a, filename.n * 2 + 1), *o = out;
    for (size_t i = 0; i < filename.n; i++) {
        if (filename.p[i] == '"' || filename.p[i] == '\\')
            *o++ = '\\';
        *o++ = filename.p[i];
    }
    return arena_printf(a, SLICE_FMT "; filename=\"%s\"", SLICE_ARG(type), out);
}
