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

/* Without quotes, but with its escapes. */
static slice unquote(slice value)
{
    return value.n >= 2 && value.p[0] == '"' ? slice_part(value, 1, value.n - 2) : value;
}

/* Decode charset'language'percent-encoded (RFC 8187 §3.2.1). Some clients put quotes around it. */
static bool decode_extended(slice value, struct arena *a, slice *ret)
{
    slice charset, language, text, bytes;
    return slice_cut(unquote(value), '\'', &charset, &text) && slice_cut(text, '\'', &language, &text) &&
           !field_has_control(text) && percent_decode(a, text, false, &bytes) && from_charset(charset, bytes, a, ret);
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
    value = unquote(value);
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

static slice decode_text(slice text, struct arena *a)
{
    slice decoded;
    if (decode_encoded_words(text, a, &decoded))
        return decoded;
    return slice_is_utf8(text) ? text : from_windows_1252(text, a);
}

static slice decode_plain(slice value, struct arena *a)
{
    return decode_text(decode_form_escapes(decode_quoted(value, a), a), a);
}

/* ---- parameters ---- */

/* Does a quote behind a backslash end the value, if this follows? Yes at the end, and before another parameter. */
static bool ends_form_value(slice behind)
{
    behind = slice_trim(behind);
    if (behind.n == 0)
        return true;
    slice name = slice_trim(slice_from(behind, 1));
    size_t n = 0;
    while (n < name.n && is_token_char(name.p[n]))
        n++;
    return behind.p[0] == ';' && (name.n == 0 || (n && slice_starts(slice_trim(slice_from(name, n)), S("="))));
}

/* Length of the quoted string at the start of s, as a form writes it; 0: it is not closed. */
static size_t form_quoted_length(slice s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '"')
            return i + 1;
        slice next = slice_part(s, i + 1, 1);
        bool quote = slice_eq(next, S("\""));
        if (s.p[i] != '\\' || (!quote && !slice_eq(next, S("\\"))))
            continue;
        if (quote && ends_form_value(slice_from(s, i + 2)))
            return i + 2;
        i++;
    }
    return 0;
}

static bool mark_broken(struct field_params *params)
{
    params->broken = true;
    return false;
}

/* As field_params_next, as HTML forms write: a backslash stands for itself, so a name may end in one. Only for a header that the
 * grammar of HTTP does not allow, so no header has two meanings. Neither has one that this reading accepts: every other quote
 * ends the value, and a value without quotes has none in it. */
static bool form_params_next(struct field_params *params, slice *ret_name, slice *ret_value)
{
    slice rest = slice_trim(params->rest), name, value;
    while (slice_starts(rest, S(";")))
        rest = slice_trim(slice_from(rest, 1));
    if (params->broken || rest.n == 0)
        return false;
    if (!slice_cut(rest, '=', &name, &rest) || !is_token(slice_trim(name)))
        return mark_broken(params);
    rest = slice_trim(rest);
    if (slice_starts(rest, S("\""))) {
        size_t n = form_quoted_length(rest);
        value = slice_part(rest, 0, n);
        rest = slice_trim(slice_from(rest, n));
        if (n == 0 || (rest.n && rest.p[0] != ';'))
            return mark_broken(params);
    } else {
        slice_cut(rest, ';', &value, &rest);
        value = slice_trim(value);
        if (slice_find_byte(value, '"') != SLICE_NONE)
            return mark_broken(params);
    }
    params->rest = rest;
    *ret_name = slice_trim(name);
    *ret_value = value;
    return true;
}

/* One of the two parameters with a meaning, in the forms in which it may come: x=, x*= (RFC 8187), and in pieces, x*0=, x*1*=, …
 * (RFC 2231 §3 and §4.1), in which JavaMail writes a text of more than 60 characters. */
struct disposition_param {
    const char *name;
    bool has_plain, has_extended;
    slice plain, extended;
    size_t piece_count;
    slice charset; /* of the pieces; empty: none */
    char *joined;  /* the bytes of the pieces, decoded; NULL: there are none */
    size_t joined_count;
};

/* Read the number at the start of *rest, without zeros before it, and cut it off. */
static bool cut_piece_number(slice *rest, size_t *ret)
{
    size_t n = 0;
    uint64_t number;
    while (n < rest->n && n < 4 && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    if (n == 0 || n == 4 || (n > 1 && rest->p[0] == '0') || !slice_to_u64(slice_part(*rest, 0, n), &number))
        return false;
    *rest = slice_from(*rest, n);
    *ret = (size_t)number;
    return true;
}

/* Append a piece. `behind`: what follows the first * of the parameter's name; bytes: how many the whole header has. */
static bool add_piece(struct disposition_param *p, slice behind, slice value, size_t bytes, struct arena *a)
{
    size_t number;
    slice language, text = value;
    if (!cut_piece_number(&behind, &number) || number != p->piece_count)
        return false;
    bool extended = slice_eq(behind, S("*"));
    if (!extended && behind.n)
        return false;
    if (extended) {
        text = unquote(value);
        if (number == 0 && (!slice_cut(text, '\'', &p->charset, &text) || !slice_cut(text, '\'', &language, &text)))
            return false;
        if (!p->charset.n || field_has_control(text) || !percent_decode(a, text, false, &text))
            return false;
    } else {
        text = decode_quoted(value, a);
    }
    if (!p->joined)
        p->joined = arena_alloc(a, bytes + 1); /* decoded bytes are never more than encoded ones */
    memcpy(p->joined + p->joined_count, text.p, text.n);
    p->joined_count += text.n;
    p->piece_count++;
    return true;
}

struct disposition_params {
    struct disposition_param name, filename;
};

/* Keep one parameter, if it has a meaning. */
static err_t take_param(struct disposition_param *p, slice name, slice value, size_t bytes, struct arena *a)
{
    slice base, behind;
    bool star = slice_cut(name, '*', &base, &behind);
    bool *has = star ? &p->has_extended : &p->has_plain;
    if (star && behind.n)
        return add_piece(p, behind, value, bytes, a)
                   ? NULL
                   : err_make(a, ERR_INVALID, "Content-Disposition gives %s in pieces that do not fit", p->name);
    if (*has)
        return err_make(a, ERR_INVALID, "Content-Disposition gives %s%s twice", p->name, star ? "*" : "");
    *has = true;
    *(star ? &p->extended : &p->plain) = value;
    return NULL;
}

typedef bool next_param(struct field_params *, slice *ret_name, slice *ret_value);

/* Read all parameters in one of the two readings. */
static err_t take_params(slice rest, next_param *next, struct arena *a, struct disposition_params *ret)
{
    *ret = (struct disposition_params){ .name = { .name = "name" }, .filename = { .name = "filename" } };
    struct field_params params = { .rest = rest };
    slice name, value, base, behind;
    while (next(&params, &name, &value)) {
        slice_cut(name, '*', &base, &behind);
        bool is_name = slice_eq_nocase(base, S("name")), is_filename = slice_eq_nocase(base, S("filename"));
        if (is_name || is_filename)
            TRY(take_param(is_name ? &ret->name : &ret->filename, name, value, rest.n, a));
        else if (field_has_control(value))
            return err_make(a, ERR_INVALID, "Content-Disposition holds control characters outside of its names");
    }
    return params.broken ? err_make(a, ERR_INVALID, "Content-Disposition has a broken parameter") : NULL;
}

/* In the grammar of HTTP. */
static bool is_well_formed(slice rest)
{
    struct field_params params = { .rest = rest };
    slice name, value;
    while (field_params_next(&params, &name, &value))
        ;
    return !params.broken;
}

/* What the pieces say together. */
static bool decode_pieces(const struct disposition_param *p, struct arena *a, slice *ret)
{
    slice bytes = { p->joined, p->joined_count };
    if (p->charset.n)
        return from_charset(p->charset, bytes, a, ret);
    *ret = decode_text(bytes, a);
    return true;
}

/* The text of a parameter. is_extended_first: x* counts more than x. *ret_has: it is there. */
static err_t decode_param(const struct disposition_param *p, bool is_extended_first, struct arena *a, bool *ret_has,
                          slice *ret)
{
    *ret = S("");
    *ret_has = p->has_plain || p->has_extended || p->piece_count;
    bool wants_extended = p->has_extended && (is_extended_first || !p->has_plain);
    if (wants_extended && decode_extended(p->extended, a, ret))
        return NULL;
    if (p->has_plain)
        *ret = decode_plain(p->plain, a);
    else if (p->has_extended)
        return err_make(a, ERR_INVALID, "%s* is not percent-encoded UTF-8 or ISO-8859-1", p->name);
    else if (p->piece_count && !decode_pieces(p, a, ret))
        return err_make(a, ERR_INVALID, "the pieces of %s are not percent-encoded UTF-8 or ISO-8859-1", p->name);
    return NULL;
}

err_t content_disposition_parse(slice value, struct arena *a, struct content_disposition *ret)
{
    struct disposition_params params;
    struct content_disposition d = { 0 };
    slice rest;
    slice_cut(value, ';', &d.type, &rest);
    d.type = slice_trim(d.type);
    if (!is_token(d.type) || slice_find_byte(value, 0) != SLICE_NONE)
        return err_make(a, ERR_INVALID, "Content-Disposition has no type, or holds a NUL");
    TRY(take_params(rest, is_well_formed(rest) ? field_params_next : form_params_next, a, &params));
    TRY(decode_param(&params.name, false, a, &d.has_name, &d.name));
    TRY(decode_param(&params.filename, true, a, &d.has_filename, &d.filename));
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
