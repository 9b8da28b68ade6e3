/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the parser in the body:
 *
 *   PREAMBLE ──boundary──> HEAD ──blank line──> DATA ──boundary──> HEAD …
 *      └──────closing boundary──> EPILOGUE <──closing boundary──┘       (any error: FAILED)
 *
 * and, in PREAMBLE and DATA, its state in a line that may be a boundary (read_boundary_line makes every transition):
 *
 *   DELIMITER ──all of CRLF--boundary──> AFTER ──blank──> PADDING ──CR──> CR ──LF──> a boundary
 *                                          ├──CR──> CR
 *                                          └──"-"──> DASH ──"-"──> CLOSING ──CR──> CLOSING_CR ──LF──> the closing one
 *
 * Invariants:
 * - `held` contains exactly the bytes since the CR with which that line began; it is empty when there is no such line.
 * - At a byte that does not fit, all of `held` is data, and no other boundary can begin inside it: the delimiter has
 *   only one CR, its first byte, and a CR at the end of `held` is not followed by an LF. So no byte is scanned twice.
 * - The first boundary of a body has no CRLF before it, and a boundary after an empty part may share the CRLF of the
 *   blank line (RFC 2046: body-part without octets). So both states begin with a virtual CRLF in `held`, which is never
 *   data. */
#include "http/multipart.h"

#include "http/content_disposition.h"
#include "http/field.h"
#include "http/refusal.h"

#include <assert.h>
#include <string.h>

#define HEADER_NAME_MAX 256

static bool is_space_or_tab(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_boundary_char(char c)
{
    return c && strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=? ", c);
}

bool multipart_boundary(slice content_type, slice *ret_boundary)
{
    slice type, name, value, boundary = S("");
    struct field_params params = { 0 };
    slice_cut(content_type, ';', &type, &params.rest);
    if (!slice_eq_nocase(slice_trim(type), S("multipart/form-data")))
        return false;
    bool seen = false;
    while (field_params_next(&params, &name, &value)) {
        if (!slice_eq_nocase(name, S("boundary")))
            continue;
        if (seen)
            return false;
        seen = true;
        boundary = value.n && value.p[0] == '"' ? slice_part(value, 1, value.n - 2) : value;
    }
    if (params.broken || boundary.n == 0 || boundary.n > MULTIPART_BOUNDARY_MAX || boundary.p[boundary.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < boundary.n; i++)
        if (!is_boundary_char(boundary.p[i]))
            return false;
    *ret_boundary = boundary;
    return true;
}

static void hold_virtual_crlf(struct multipart *m)
{
    memcpy(m->held, "\r\n", 2);
    m->held_count = m->held_virtual = 2;
    m->line = LINE_DELIMITER;
}

void multipart_init(struct multipart *m, slice boundary, const struct multipart_limits *limits,
                    const struct multipart_events *events, void *ctx)
{
    assert(boundary.n >= 1 && boundary.n <= MULTIPART_BOUNDARY_MAX);
    m->limits = limits ? *limits : MULTIPART_DEFAULT_LIMITS;
    assert(m->limits.head_bytes <= MULTIPART_HEAD_MAX && m->limits.headers <= MULTIPART_HEADERS_MAX);
    m->events = events;
    m->ctx = ctx;
    m->state = MULTIPART_PREAMBLE;
    m->parts = 0;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.p, boundary.n);
    m->delimiter_count = 4 + boundary.n;
    hold_virtual_crlf(m);
}

static err_t emit_part_data(struct multipart *m, slice bytes, struct arena *a)
{
    return m->state == MULTIPART_DATA && bytes.n ? m->events->part_data(m->ctx, bytes, a) : NULL;
}

/* The held bytes are not a boundary, so they are data. */
static err_t release_held(struct multipart *m, struct arena *a)
{
    slice data = { m->held + m->held_virtual, m->held_count - m->held_virtual };
    m->held_count = m->held_virtual = 0;
    m->line = LINE_DELIMITER;
    return emit_part_data(m, data, a);
}

/* ---- boundary lines ---- */

static err_t end_part(struct multipart *m, struct arena *a)
{
    return m->state == MULTIPART_DATA ? m->events->part_end(m->ctx, a) : NULL;
}

static err_t begin_next_part(struct multipart *m, struct arena *a)
{
    TRY(end_part(m, a));
    if (++m->parts > m->limits.parts)
        return err_refuse(a, ERR_TOO_LARGE, HTTP_REFUSE_MULTIPART, "more than %zu parts", m->limits.parts);
    m->state = MULTIPART_HEAD;
    m->head_count = m->head_line = m->head_lines = 0;
    return NULL;
}

static err_t end_body(struct multipart *m, struct arena *a)
{
    TRY(end_part(m, a));
    m->state = MULTIPART_EPILOGUE;
    return NULL;
}

static bool allows_padding(const struct multipart *m, char c)
{
    size_t behind = m->held_count - m->delimiter_count - (m->line == LINE_CLOSING ? 2 : 0);
    return is_space_or_tab(c) && behind < MULTIPART_PADDING_MAX;
}

/* Consume bytes of the current line until it is a boundary, or cannot become one. */
static err_t read_boundary_line(struct multipart *m, slice *bytes, struct arena *a)
{
    while (bytes->n) {
        char c = bytes->p[0];
        bool fits = false;
        switch (m->line) {
        case LINE_DELIMITER:
            fits = c == m->delimiter[m->held_count];
            if (fits && m->held_count + 1 == m->delimiter_count)
                m->line = LINE_AFTER;
            break;
        case LINE_AFTER:
        case LINE_PADDING:
            fits = c == '\r' || allows_padding(m, c) || (c == '-' && m->line == LINE_AFTER);
            if (fits)
                m->line = c == '\r' ? LINE_CR : c == '-' ? LINE_DASH : LINE_PADDING;
            break;
        case LINE_DASH:
            fits = c == '-';
            if (fits)
                m->line = LINE_CLOSING;
            break;
        case LINE_CLOSING:
            fits = c == '\r' || allows_padding(m, c);
            if (c == '\r')
                m->line = LINE_CLOSING_CR;
            break;
        case LINE_CR:
        case LINE_CLOSING_CR:
            if (c == '\n') {
                *bytes = slice_from(*bytes, 1);
                return m->line == LINE_CR ? begin_next_part(m, a) : end_body(m, a);
            }
            break;
        }
        if (!fits)
            return release_held(m, a);
        m->held[m->held_count++] = c;
        *bytes = slice_from(*bytes, 1);
    }
    return NULL;
}

/* How many bytes at the end of s may be the beginning of a delimiter. */
static size_t delimiter_begun(slice s, slice delimiter)
{
    slice window = s.n < delimiter.n ? s : slice_from(s, s.n - (delimiter.n - 1));
    size_t at = slice_rfind_byte(window, '\r');
    slice begun = at == SLICE_NONE ? S("") : slice_from(window, at);
    return slice_starts(delimiter, begun) ? begun.n : 0;
}

/* Consume data up to the next delimiter. It is searched with memmem, not memchr for the CR, which is 20 times slower on
 * bytes with many CRs. */
static err_t read_part_data(struct multipart *m, slice *bytes, struct arena *a)
{
    slice delimiter = { m->delimiter, m->delimiter_count }, all = *bytes;
    size_t at = slice_find(all, delimiter);
    bool found = at != SLICE_NONE;
    m->held_count = found ? delimiter.n : delimiter_begun(all, delimiter);
    m->line = found ? LINE_AFTER : LINE_DELIMITER;
    memcpy(m->held, m->delimiter, m->held_count);
    if (!found)
        at = all.n - m->held_count;
    *bytes = slice_from(all, at + m->held_count);
    return emit_part_data(m, slice_part(all, 0, at), a);
}

/* ---- headers of a part ---- */

/* Parse `name: value`, of which `value` may be folded; a blank before the colon is an error. */
static bool parse_header(slice line, struct multipart_header *ret)
{
    slice value;
    if (!slice_cut(line, ':', &ret->name, &value) || !is_token(ret->name))
        return false;
    ret->value = slice_trim(value);
    return true;
}

static const struct multipart_header *find_header(const struct multipart_part *part, slice name, size_t *ret_count)
{
    const struct multipart_header *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < part->header_count; i++)
        if (slice_eq_nocase(part->headers[i].name, name)) {
            found = &part->headers[i];
            ++*ret_count;
        }
    return found;
}

static bool is_identity_encoding(slice encoding)
{
    return slice_eq_nocase(encoding, S("binary")) || slice_eq_nocase(encoding, S("8bit")) ||
           slice_eq_nocase(encoding, S("7bit"));
}

/* Set the members of *part that depend on its three headers with a meaning. */
static err_t describe_part(struct multipart_part *part, struct arena *scratch, struct arena *a)
{
    size_t types, dispositions, encodings;
    const struct multipart_header *type = find_header(part, S("Content-Type"), &types);
    const struct multipart_header *disposition = find_header(part, S("Content-Disposition"), &dispositions);
    const struct multipart_header *encoding = find_header(part, S("Content-Transfer-Encoding"), &encodings);
    if (types > 1 || dispositions > 1 || encodings > 1)
        return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "a part has a header twice");
    for (size_t i = 0; i < part->header_count; i++) /* names of files may have them: content_disposition_parse */
        if (&part->headers[i] != disposition && field_has_control(part->headers[i].value))
            return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "a control character in the head of a part");
    if (encoding && !is_identity_encoding(encoding->value))
        return err_refuse(a, ERR_UNSUPPORTED, HTTP_REFUSE_MULTIPART, "a part has a Content-Transfer-Encoding");
    if (type)
        part->content_type = type->value;
    if (disposition) {
        struct content_disposition d;
        err_t e = content_disposition_parse(disposition->value, scratch, &d);
        if (e)
            return err_refuse(a, e->code, HTTP_REFUSE_MULTIPART, "%s", e->msg);
        part->has_name = d.has_name;
        part->name = d.name;
        part->has_filename = d.has_filename;
        part->filename = d.filename;
    }
    return NULL;
}

/* Remove the CRLF in front of lines that continue the line before (RFC 2046 §5.1 by way of RFC 5322 §2.2.3). Returns the length of
 * what is left of the header lines. */
static size_t unfold_head(struct multipart *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->head_line; i++) {
        bool folded = m->head[i] == '\r' && i + 2 < m->head_line && is_space_or_tab(m->head[i + 2]);
        if (folded)
            i += 2;
        m->head[n++] = m->head[i];
    }
    return n;
}

static err_t end_part_head(struct multipart *m, struct arena *a)
{
    SCRATCH(scratch);
    struct multipart_header headers[MULTIPART_HEADERS_MAX];
    struct multipart_part part = { .name = S(""), .filename = S(""), .content_type = S(""), .headers = headers };
    slice rest = { m->head, unfold_head(m) }, line;
    while (rest.n) {
        slice_cut(rest, '\n', &line, &rest);
        line.n--; /* the CR; end_header_line has checked that it is there */
        bool ok = parse_header(line, &headers[part.header_count++]);
        assert(ok);
    }
    TRY(describe_part(&part, &scratch, a));
    m->state = MULTIPART_DATA;
    hold_virtual_crlf(m);
    return m->events->part_begin(m->ctx, &part, a);
}

/* Is there more than what some programs take for blanks? */
static bool has_visible_bytes(slice line)
{
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.p[i] > ' ' && line.p[i] != 0x7f)
            return true;
    return false;
}

/* A line that continues the one before. Blanks alone are refused, because some programs take such a line for the end of the head
 * and would see other headers and another content; so is a first line that continues nothing. */
static err_t end_folded_line(struct multipart *m, slice line, struct arena *a)
{
    if (m->head_line == 0 || !has_visible_bytes(line))
        return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "a line in the head of a part continues no header");
    m->head_line = m->head_count;
    return NULL;
}

static err_t end_header_line(struct multipart *m, struct arena *a)
{
    slice line = { m->head + m->head_line, m->head_count - m->head_line - 2 };
    struct multipart_header header;
    if (line.n == 0)
        return end_part_head(m, a);
    if (is_space_or_tab(line.p[0]))
        return end_folded_line(m, line, a);
    if (!parse_header(line, &header))
        return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "a line in the head of a part is not NAME: VALUE");
    if (++m->head_lines > m->limits.headers)
        return err_refuse(a, ERR_TOO_LARGE, HTTP_REFUSE_MULTIPART, "more than %zu headers in a part",
                          m->limits.headers);
    m->head_line = m->head_count;
    return NULL;
}

static err_t head_overflow(const struct multipart *m, struct arena *a)
{
    /* no header has so long a name, so this is data */
    slice line = { m->head + m->head_line, m->head_count - m->head_line };
    if (line.n > HEADER_NAME_MAX && slice_find_byte(line, ':') == SLICE_NONE)
        return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "the blank line after the head of a part is missing");
    return err_refuse(a, ERR_TOO_LARGE, HTTP_REFUSE_MULTIPART, "more than %zu bytes of headers in a part",
                      m->limits.head_bytes);
}

/* Byte by byte, so that the first fault is reported, however the bytes arrive. */
static err_t read_part_head(struct multipart *m, slice *bytes, struct arena *a)
{
    while (bytes->n && m->state == MULTIPART_HEAD) {
        char c = bytes->p[0];
        bool after_cr = m->head_count > m->head_line && m->head[m->head_count - 1] == '\r';
        if (after_cr != (c == '\n'))
            return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART,
                              "a line in the head of a part does not end in CRLF");
        if (c == 0) /* the text of other programs may end here */
            return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "a NUL in the head of a part");
        if (m->head_count == m->limits.head_bytes)
            return head_overflow(m, a);
        m->head[m->head_count++] = c;
        *bytes = slice_from(*bytes, 1);
        if (c == '\n')
            TRY(end_header_line(m, a));
    }
    return NULL;
}

/* ---- the whole body ---- */

static err_t feed_bytes(struct multipart *m, slice bytes, struct arena *a)
{
    while (bytes.n) {
        switch (m->state) {
        case MULTIPART_PREAMBLE:
        case MULTIPART_DATA:
            TRY(m->held_count ? read_boundary_line(m, &bytes, a) : read_part_data(m, &bytes, a));
            break;
        case MULTIPART_HEAD:
            TRY(read_part_head(m, &bytes, a));
            break;
        case MULTIPART_EPILOGUE:
            return NULL;
        case MULTIPART_FAILED:
            return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "the body was refused before");
        }
    }
    return NULL;
}

static err_t finish_body(struct multipart *m, struct arena *a)
{
    switch (m->state) {
    case MULTIPART_PREAMBLE:
    case MULTIPART_DATA:
        if (m->line == LINE_CLOSING || m->line == LINE_CLOSING_CR)
            return end_body(m, a);
        if (m->state == MULTIPART_PREAMBLE && m->line == LINE_DELIMITER)
            return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "the body never shows its boundary");
        break;
    case MULTIPART_HEAD:
        if (m->head_count == 0)
            return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "the final boundary is missing");
        break;
    case MULTIPART_EPILOGUE:
        return NULL;
    case MULTIPART_FAILED:
        return err_refuse(a, ERR_INVALID, HTTP_REFUSE_MULTIPART, "the body was refused before");
    }
    return err_refuse(a, ERR_TRUNCATED, HTTP_REFUSE_MULTIPART, "the body ends inside a part");
}

err_t multipart_feed(struct multipart *m, slice bytes, struct arena *a)
{
    err_t e = feed_bytes(m, bytes, a);
    if (e)
        m->state = MULTIPART_FAILED;
    return e;
}

err_t multipart_finish(struct multipart *m, struct arena *a)
{
    err_t e = finish_body(m, a);
    if (e)
        m->state = MULTIPART_FAILED;
    return e;
}

err_t multipart_collect(const struct multipart *m, struct buf *value, slice bytes, struct arena *a)
{
    if (value->n > m->limits.field_bytes || bytes.n > m->limits.field_bytes - value->n)
        return err_refuse(a, ERR_TOO_LARGE, HTTP_REFUSE_MULTIPART, "a text field has more than %zu bytes",
                          m->limits.field_bytes);
    buf_add(value, bytes);
    return value->failed ? err_refuse(a, ERR_TOO_LARGE, HTTP_REFUSE_MULTIPART, "a text field is too long") : NULL;
}
