/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include "base/buf.h"
#include "base/text.h"
#include "http/field.h"

#include <string.h>

/* ---- the forms of a target ---- */

static bool has_allowed_bytes(slice raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
    }
    return raw.n > 0;
}

/* Cut scheme://host off the start of *rest; the host ends at / or ?. False: *rest does not start like that. */
static bool cut_scheme_and_host(slice *rest, slice *ret_scheme, slice *ret_host)
{
    size_t at = slice_find(*rest, S("://"));
    if (at == SLICE_NONE || !is_token(slice_part(*rest, 0, at)))
        return false;
    slice after = slice_from(*rest, at + 3);
    size_t n = 0;
    while (n < after.n && after.p[n] != '/' && after.p[n] != '?')
        n++;
    *ret_scheme = slice_part(*rest, 0, at);
    *ret_host = slice_part(after, 0, n);
    *rest = slice_from(after, n);
    return true;
}

err_t target_parse(slice raw, struct arena *a, struct target *ret)
{
    struct target t = { .scheme = S(""), .host = S(""), .query = S("") };
    if (!has_allowed_bytes(raw))
        return err_make(a, ERR_INVALID, "the request target holds bytes that must be percent-encoded, or a fragment");
    if (slice_eq(raw, S("*"))) {
        t.path = raw;
        *ret = t;
        return NULL;
    }
    if (raw.p[0] != '/') {
        if (!cut_scheme_and_host(&raw, &t.scheme, &t.host) || !host_is_valid(t.host) ||
            (!slice_eq_nocase(t.scheme, S("http")) && !slice_eq_nocase(t.scheme, S("https"))))
            return err_make(a, ERR_INVALID, "the request target is neither a path nor an http URL");
    }
    slice_cut(raw, '?', &t.path, &t.query);
    if (t.path.n == 0)
        t.path = S("/"); /* RFC 9112 §3.2.2 by way of RFC 9110 §4.2.3 */
    *ret = t;
    return NULL;
}

struct target target_loosely(slice raw)
{
    struct target t = { .scheme = S(""), .host = S(""), .path = S(""), .query = S("") };
    if (!slice_starts(raw, S("/")) && !cut_scheme_and_host(&raw, &t.scheme, &t.host))
        return t;
    if (!host_is_valid(t.host))
        t.host = S("");
    size_t n = 0;
    while (n < raw.n && raw.p[n] != '?' && raw.p[n] != '#')
        n++;
    t.path = slice_part(raw, 0, n);
    return t;
}

/* ---- the path ---- */

static bool decode_text(slice encoded, bool plus, struct arena *a, slice *ret)
{
    slice text = encoded;
    bool plain = slice_find_byte(encoded, '%') == SLICE_NONE && (!plus || slice_find_byte(encoded, '+') == SLICE_NONE);
    if ((!plain && !percent_decode(a, encoded, plus, &text)) || slice_find_byte(text, 0) != SLICE_NONE)
        return false;
    *ret = text;
    return true;
}

err_t target_decode(slice encoded, struct arena *a, slice *ret)
{
    if (!decode_text(encoded, false, a, ret))
        return err_make(a, ERR_INVALID, "the path is not percent-encoded properly");
    return NULL;
}

static size_t count_byte(slice s, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < s.n; i++)
        count += s.p[i] == c;
    return count;
}

err_t target_split_path(slice path, struct arena *a, struct target_path *ret)
{
    if (path.n == 0 || path.p[0] != '/')
        return err_make(a, ERR_INVALID, "the path does not begin with a slash");
    size_t slashes = count_byte(path, '/'), count = 0;
    if (slashes > TARGET_SEGMENTS_MAX)
        return err_make(a, ERR_TOO_LARGE, "the path has more than %d segments", TARGET_SEGMENTS_MAX);
    slice *segments = arena_array(a, slice, slashes), rest = slice_from(path, 1), segment;
    bool more = rest.n > 0;
    while (more) {
        more = slice_cut(rest, '/', &segment, &rest);
        TRY(target_decode(segment, a, &segments[count++]));
    }
    *ret = (struct target_path){ segments, count };
    return NULL;
}

/* ---- the query ---- */

err_t query_parse(slice raw, struct arena *a, struct query *ret)
{
    size_t max_count = count_byte(raw, '&') + 1, count = 0;
    if (max_count > QUERY_PARAMS_MAX)
        return err_make(a, ERR_TOO_LARGE, "the query has more than %d parameters", QUERY_PARAMS_MAX);
    struct query_param *params = arena_array(a, struct query_param, max_count);
    while (raw.n) {
        slice piece;
        slice_cut(raw, '&', &piece, &raw);
        if (piece.n == 0)
            continue;
        struct query_param *p = &params[count++];
        slice_cut(piece, '=', &p->raw_name, &p->raw_value);
        if (!decode_text(p->raw_name, true, a, &p->name) || !decode_text(p->raw_value, true, a, &p->value))
            return err_make(a, ERR_INVALID, "the query is not percent-encoded properly");
    }
    *ret = (struct query){ params, count };
    return NULL;
}

bool query_get(const struct query *q, slice name, unsigned flags, slice *ret_value)
{
    const struct query_param *found = NULL;
    for (size_t i = 0; i < q->count && (!found || flags & QUERY_LAST_WINS); i++) {
        const struct query_param *p = &q->params[i];
        if (flags & QUERY_NOCASE ? slice_eq_nocase(p->name, name) : slice_eq(p->name, name))
            found = p;
    }
    if (found)
        *ret_value = found->value;
    return found != NULL;
}

/* ---- redaction for logs ---- */

/* Decode the well-formed escapes, leave malformed ones, and convert to lower case. For comparisons only. */
static slice decode_loosely(slice encoded, struct arena *a)
{
    char *out = arena_alloc(a, encoded.n + 1), *o = out;
    for (size_t i = 0; i < encoded.n; i++) {
        slice byte = slice_part(encoded, i + 1, 2);
        char c = encoded.p[i];
        if (c == '%' && byte.n == 2 && hex_decode(a, byte, &byte)) {
            c = byte.p[0];
            i += 2;
        }
        *o++ = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return (slice){ out, (size_t)(o - out) };
}

static bool names_a_secret(slice raw_name, struct arena *a)
{
    static const char *const parts[] = { "token",      "signature", "secret", "key",    "password",
                                         "credential", "csrf",      "cookie", "session" };
    slice name = decode_loosely(raw_name, a);
    for (size_t i = 0; i < LENGTH_OF(parts); i++)
        if (slice_find(name, slice_of(parts[i])) != SLICE_NONE)
            return true;
    return slice_eq(name, S("code")) || slice_eq(name, S("policy")) || slice_eq(name, S("sig"));
}

/* The next segment that is not empty: a client that writes too many slashes sends its secret all the same. */
static slice next_segment(slice *rest)
{
    slice segment;
    while (slice_cut(*rest, '/', &segment, rest) && segment.n == 0)
        ;
    return segment;
}

static void redact_path(slice path, struct arena *scratch, struct buf *to)
{
    slice rest = path;
    bool has_secret = slice_eq(decode_loosely(next_segment(&rest), scratch), S("p"));
    slice secret = has_secret ? next_segment(&rest) : S("");
    if (secret.n) {
        size_t at = (size_t)(secret.p - path.p);
        buf_add(to, slice_part(path, 0, at));
        buf_add(to, S("***"));
        path = slice_from(path, at + secret.n);
    }
    buf_add(to, path);
}

static void redact_query(slice query, struct arena *scratch, struct buf *to)
{
    bool more = true;
    while (more) {
        slice piece, name, value;
        more = slice_cut(query, '&', &piece, &query);
        if (slice_cut(piece, '=', &name, &value) && names_a_secret(name, scratch)) {
            buf_add(to, name);
            buf_add(to, S("=***"));
        } else {
            buf_add(to, piece);
        }
        if (more)
            buf_add_byte(to, '&');
    }
}

slice target_redact(slice raw, struct arena *a)
{
    SCRATCH(scratch);
    SCOPED(buf_releasep) struct buf to;
    buf_init(&to, 0);
    slice scheme, host, path, query;
    if (!slice_starts(raw, S("/")) && cut_scheme_and_host(&raw, &scheme, &host)) {
        buf_add(&to, scheme);
        buf_add(&to, S("://"));
        size_t at = slice_rfind_byte(host, '@');
        if (at != SLICE_NONE)
            buf_add(&to, S("***"));
        buf_add(&to, slice_from(host, at == SLICE_NONE ? 0 : at));
    }
    bool has_query = slice_cut(raw, '?', &path, &query);
    redact_path(path, &scratch, &to);
    if (has_query) {
        buf_add_byte(&to, '?');
        redact_query(query, &scratch, &to);
    }
    return arena_copy(a, buf_slice(&to));
}
