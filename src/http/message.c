/* SPDX-License-Identifier: Apache-2.0 */
/* llhttp gets every byte once, as it arrives. The parts that it reports are kept as offsets, because the buffer may
 * move. It pauses at the end of the head: the engine counts the bytes of a body with Content-Length itself, and only a
 * chunked body goes through llhttp. */
#include "http/message.h"

#include "http/field.h"

#include <assert.h>
#include <llhttp.h>
#include <string.h>

static_assert(sizeof(llhttp_t) <= sizeof(((struct message *)0)->parser), "room for the parser");

/* What each chunk may use without being counted: the end of the one before, a size below 4 GiB, the end of its line. */
#define CHUNK_FRAMING_BYTES 12

static llhttp_t *parser_of(struct message *m)
{
    return (llhttp_t *)(void *)m->parser;
}

static struct message *message_of(llhttp_t *p)
{
    return p->data;
}

/* Record a piece of a part; llhttp reports a part in as many pieces as it arrived in. */
static void extend_part(struct message *m, struct message_part *part, const char *at, size_t n)
{
    if (part->n == 0)
        part->at = (uint32_t)(at - m->base);
    part->n += (uint32_t)n;
}

static int on_method(llhttp_t *p, const char *at, size_t n)
{
    extend_part(message_of(p), &message_of(p)->method, at, n);
    return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    extend_part(message_of(p), &message_of(p)->target, at, n);
    return 0;
}

static int on_method_complete(llhttp_t *p)
{
    message_of(p)->method_done = true;
    return 0;
}

static int on_url_complete(llhttp_t *p)
{
    message_of(p)->target_done = true;
    return 0;
}

static int on_name(llhttp_t *p, const char *at, size_t n)
{
    struct message *m = message_of(p);
    if (m->in_body) {
        m->has_trailer_name = m->has_trailer_name || n > 0;
        m->body->trailers(m->body->arg, (slice){ at, n });
        return 0;
    }
    if (m->in_value || m->line_count == 0) {
        m->lines[m->line_count++] = (struct message_line){ 0 };
        m->in_value = false;
    }
    extend_part(m, &m->lines[m->line_count - 1].name, at, n);
    return 0;
}

/* Checked when a name is complete, because which requests are refused must not depend on how their bytes arrive. */
static int on_name_complete(llhttp_t *p)
{
    struct message *m = message_of(p);
    if (m->in_body) {
        m->body->trailers(m->body->arg, S(":"));
        return m->has_trailer_name ? 0 : -1;
    }
    m->too_many = m->line_count > m->limits->headers;
    return m->too_many ? -1 : 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct message *m = message_of(p);
    if (m->in_body) {
        m->body->trailers(m->body->arg, (slice){ at, n });
        return 0;
    }
    if (m->line_count == 0)
        return -1;
    m->in_value = true;
    extend_part(m, &m->lines[m->line_count - 1].value, at, n);
    return 0;
}

static int on_value_complete(llhttp_t *p)
{
    struct message *m = message_of(p);
    if (m->in_body) {
        m->has_trailer_name = false;
        m->body->trailers(m->body->arg, S("\n"));
        return 0;
    }
    m->in_value = true; /* an empty value has no span */
    return 0;
}

static int on_headers_complete(llhttp_t *p)
{
    p->upgrade = 0; /* we never switch protocols: Upgrade is ignored (RFC 9110 §7.8) */
    return HPE_PAUSED;
}

/* Check the framing up to `to` (chunk sizes, extensions, trailers): CR and LF come in pairs, no line continues the one
 * before (as in scan_lines), and what it has beyond the bytes that a chunk needs is limited for the whole body, because a limit for each chunk would let a body of small chunks
 * consist of extensions. The first wrong byte decides, as in scan_lines. False: m->why says what is wrong. */
static bool check_framing(struct message *m, const char *to)
{
    for (; m->framing < to && !m->why; m->framing++) {
        if (++m->chunk_framing > CHUNK_FRAMING_BYTES && ++m->extra > m->limits->chunk_extra)
            m->why = "the chunk extensions or trailers are too long";
        else if ((*m->framing == '\n') != m->after_cr)
            m->why =
                m->after_cr ? "a CR without its LF in the chunked body" : "an LF without its CR in the chunked body";
        else if (m->after_lf && (*m->framing == ' ' || *m->framing == '\t'))
            m->why = "a line of the chunked framing begins with a blank";
        m->after_cr = *m->framing == '\r';
        m->after_lf = *m->framing == '\n';
    }
    return !m->why;
}

/* llhttp accepts sizes up to 2^64 - 1. We refuse those from 2^63 on, which other software may read as negative. */
static int on_chunk_header(llhttp_t *p)
{
    return p->content_length > INT64_MAX ? -1 : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct message *m = message_of(p);
    if (!check_framing(m, at))
        return -1;
    m->chunk_framing = 0;
    m->after_lf = false;
    m->framing = at + n;
    m->body->bytes(m->body->arg, (slice){ at, n });
    return 0;
}

static int on_message_complete(llhttp_t *p)
{
    message_of(p)->body_done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_method_complete = on_method_complete,
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void message_init(struct message *m, const struct message_limits *limits)
{
    assert(limits->headers <= MESSAGE_MAX_HEADERS && limits->head_bytes <= UINT32_MAX);
    /* The table of lines is not cleared: it is large, and line_count says how much of it is valid. */
    memset(m, 0, offsetof(struct message, lines));
    memset((char *)m + offsetof(struct message, line_count), 0, sizeof *m - offsetof(struct message, line_count));
    m->limits = limits;
    llhttp_init(parser_of(m), HTTP_REQUEST, &settings);
    parser_of(m)->data = m;
}

static enum message_result refuse_message(struct message *m, enum http_refusal refusal, const char *why)
{
    m->refusal = refusal;
    m->why = why;
    if (!m->method_done)
        m->method.n = 0;
    if (!m->target_done) /* a part of a path must not select an API */
        m->target.n = 0;
    return MESSAGE_REFUSED;
}

static bool list_has_word(slice list, slice word)
{
    slice item;
    while (field_list_next(&list, &item))
        if (slice_eq_nocase(item, word))
            return true;
    return false;
}

/* Of a request whose body is kept, the body must be all that was meant, and have an end. */
static enum message_result check_body_is_whole(struct message *m, const char *start, bool has_length, bool has_range)
{
    slice method = message_slice(start, m->method);
    if (!slice_eq(method, S("PUT")) && !slice_eq(method, S("POST")) && !slice_eq(method, S("PATCH")))
        return MESSAGE_DONE;
    if (has_range) /* RFC 9110 §14.5: a part is not the whole */
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "Content-Range in a request");
    if (m->minor == 0 && !has_length) /* RFC 1945 §7.2.2 */
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "no Content-Length in HTTP/1.0");
    return MESSAGE_DONE;
}

/* Check the header lines that determine framing and routing, and store their values. */
static enum message_result check_header_lines(struct message *m, const char *start)
{
    size_t hosts = 0, lengths = 0, codings = 0, ranges = 0;
    bool close = false, keep = false;
    slice coding = S(""), length = S("");
    for (size_t i = 0; i < m->line_count; i++) {
        slice name = message_slice(start, m->lines[i].name);
        slice value = slice_trim(message_slice(start, m->lines[i].value));
        if (name.n == 0)
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "a header line without a name");
        switch (name.n) {
        case 4:
            if (slice_eq_nocase(name, S("Host"))) {
                hosts++;
                m->host = (struct message_part){ (uint32_t)(value.p - start), (uint32_t)value.n };
            }
            break;
        case 6:
            if (slice_eq_nocase(name, S("Expect"))) {
                if (!slice_eq_nocase(value, S("100-continue")))
                    return refuse_message(m, HTTP_REFUSE_EXPECTATION, NULL);
                m->expect_continue = true;
            }
            break;
        case 10:
            if (slice_eq_nocase(name, S("Connection"))) {
                close = close || list_has_word(value, S("close"));
                keep = keep || list_has_word(value, S("keep-alive"));
            }
            break;
        case 13:
            ranges += slice_eq_nocase(name, S("Content-Range"));
            break;
        case 14:
            if (slice_eq_nocase(name, S("Content-Length"))) {
                lengths++;
                length = value;
            }
            break;
        case 17:
            if (slice_eq_nocase(name, S("Transfer-Encoding"))) {
                codings++;
                coding = value;
            }
            break;
        default:
            break;
        }
    }
    if (hosts > 1)
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "more than one Host");
    if (hosts == 0 && m->minor == 1)
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "no Host");
    if (hosts == 1 && m->host.n == 0)
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "Host is empty");
    if (m->host.n && !host_is_valid(message_slice(start, m->host)))
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "Host is not a host");
    if (codings) {
        if (m->minor == 0)
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "Transfer-Encoding in HTTP/1.0");
        if (lengths)
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "Content-Length and Transfer-Encoding together");
        if (codings > 1 || !slice_eq_nocase(coding, S("chunked")))
            return refuse_message(m, HTTP_REFUSE_NOT_IMPLEMENTED, NULL);
        m->chunked = true;
        m->content_length = -1;
    }
    uint64_t v = 0;
    if (lengths > 1 || (lengths && (!slice_to_u64(length, &v) || v > INT64_MAX)))
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "Content-Length is not one number");
    if (lengths)
        m->content_length = (int64_t)v;
    m->keep_alive = m->minor == 1 ? !close : keep && !close;
    m->expect_continue = m->expect_continue && m->minor == 1;
    return check_body_is_whole(m, start, lengths > 0, ranges > 0);
}

/* Check what llhttp accepts or reports too late: lines over the limit, lines that continue the line before (obs-fold,
 * for which llhttp's callbacks look like those for a normal line), and a CR or LF without the other. If there are
 * several faults, the first wrong byte decides, so that the result does not depend on how the bytes arrived. */
static enum message_result scan_lines(struct message *m, const char *start, size_t from, size_t to)
{
    for (size_t i = from; i < to;) {
        const char *lf = memchr(start + i, '\n', to - i);
        size_t end = lf ? (size_t)(lf - start) : to, max_end = m->line_start + m->limits->line_bytes;
        if (i == m->line_start && i > 0 && (start[i] == ' ' || start[i] == '\t'))
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "a folded header line");
        if (i > 0 && start[i - 1] == '\r' && i < end) /* the last piece ended with the CR */
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "a CR without its LF");
        const char *cr = memchr(start + i, '\r', end - i);
        size_t behind = cr ? (size_t)(cr - start) + 1 : to;
        bool lone = behind < end;
        if (end > max_end && !(lone && behind <= max_end))
            return refuse_message(m, HTTP_REFUSE_HEAD_TOO_LARGE, "a header line is too long");
        if (lone)
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "a CR without its LF");
        if (lf && (end == 0 || start[end - 1] != '\r'))
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "an LF without its CR");
        if (lf)
            m->line_start = end + 1;
        i = end + 1;
    }
    return MESSAGE_MORE;
}

/* llhttp skips further blanks between the parts of the request line. Other software may take them for a part of the target
 * (RFC 9112 §3). */
static bool parts_are_one_blank_apart(const struct message *m, const char *start)
{
    size_t target_end = m->target.at + m->target.n;
    return m->target.at == m->method.at + m->method.n + 1 && start[target_end + 1] == 'H';
}

static enum message_result refuse_parse(struct message *m)
{
    llhttp_t *p = parser_of(m);
    if (m->too_many)
        return refuse_message(m, HTTP_REFUSE_HEAD_TOO_LARGE, "too many header lines");
    switch (llhttp_get_errno(p)) {
    case HPE_INVALID_TRANSFER_ENCODING:
        return refuse_message(m, HTTP_REFUSE_NOT_IMPLEMENTED, NULL);
    case HPE_INVALID_VERSION:
        if (p->http_major == 1 && p->http_minor <= 1) /* the version is fine, but what follows it is not */
            return refuse_message(m, HTTP_REFUSE_MALFORMED, "the request line does not end after the version");
        return refuse_message(m, HTTP_REFUSE_VERSION, NULL);
    case HPE_PAUSED_H2_UPGRADE:
        return refuse_message(m, HTTP_REFUSE_VERSION, "HTTP/2 is not spoken here");
    case HPE_INVALID_METHOD:
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "the request line does not begin with a known method");
    case HPE_INVALID_URL:
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "the request target holds forbidden characters");
    case HPE_INVALID_CONSTANT:
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "the request line does not name HTTP and its version");
    case HPE_INVALID_HEADER_TOKEN:
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "a header line is not well-formed");
    case HPE_INVALID_CONTENT_LENGTH:
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "Content-Length is not one number");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "Content-Length twice, or with Transfer-Encoding");
    default:
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "the request is not well-formed");
    }
}

enum message_result message_head(struct message *m, const char *start, size_t n)
{
    llhttp_t *p = parser_of(m);
    size_t from = m->fed, to = n > m->limits->head_bytes ? m->limits->head_bytes : n;
    m->base = start;
    if (from == to && n > to)
        return refuse_message(m, HTTP_REFUSE_HEAD_TOO_LARGE, NULL);
    llhttp_errno_t e = llhttp_execute(p, start + from, to - from);
    if (e == HPE_PAUSED)
        to = (size_t)(llhttp_get_error_pos(p) - start);
    m->fed = to;
    bool refused_here = e != HPE_OK && e != HPE_PAUSED;
    if (refused_here) {
        /* scan only up to the fault: a line that is too long is reported as such even if it is malformed later */
        const char *at = llhttp_get_error_pos(p);
        to = at && at >= start && at <= start + to ? (size_t)(at - start) : to;
    }
    if (scan_lines(m, start, from, to) == MESSAGE_REFUSED)
        return MESSAGE_REFUSED;
    if (refused_here)
        return refuse_parse(m);
    if (e == HPE_OK)
        return n > m->limits->head_bytes ? refuse_message(m, HTTP_REFUSE_HEAD_TOO_LARGE, NULL) : MESSAGE_MORE;
    if (p->http_major != 1 || p->http_minor > 1)
        return refuse_message(m, HTTP_REFUSE_VERSION, NULL);
    m->minor = p->http_minor;
    m->head_bytes = to;
    if (!parts_are_one_blank_apart(m, start))
        return refuse_message(m, HTTP_REFUSE_MALFORMED, "more than one blank between the parts of the request line");
    return check_header_lines(m, start);
}

/* The fault that llhttp found in a chunked body. */
static const char *chunk_fault(struct message *m)
{
    switch (llhttp_get_errno(parser_of(m))) {
    case HPE_INVALID_CHUNK_SIZE:
    case HPE_CB_CHUNK_HEADER:
        return "a chunk size is not a hexadecimal number below 2^63";
    case HPE_STRICT:
        return "a chunk extension, or the end of a chunk, is not well-formed";
    case HPE_INVALID_HEADER_TOKEN:
        return "a trailer of the chunked body is not well-formed";
    case HPE_CB_HEADER_FIELD_COMPLETE:
        return "a trailer of the chunked body has no name";
    default:
        return "the chunked body is not well-formed";
    }
}

enum message_result message_chunks(struct message *m, slice in, const struct message_body *to, size_t *ret_used)
{
    llhttp_t *p = parser_of(m);
    if (!m->in_body) {
        m->in_body = true;
        llhttp_resume(p);
    }
    m->body = to;
    m->base = in.p;
    m->framing = in.p;
    llhttp_errno_t e = llhttp_execute(p, in.p, in.n);
    bool done = e == HPE_PAUSED && m->body_done;
    const char *end = e == HPE_OK ? in.p + in.n : llhttp_get_error_pos(p);
    bool behind_wrong_byte = e == HPE_CB_CHUNK_HEADER || e == HPE_CB_HEADER_FIELD_COMPLETE;
    bool at_wrong_byte = e != HPE_OK && !done && !behind_wrong_byte && end < in.p + in.n;
    if (!check_framing(m, end + at_wrong_byte))
        return refuse_message(m, HTTP_REFUSE_MALFORMED, m->why);
    if (e != HPE_OK && !done)
        return refuse_message(m, HTTP_REFUSE_MALFORMED, chunk_fault(m));
    *ret_used = (size_t)(end - in.p);
    return done ? MESSAGE_DONE : MESSAGE_MORE;
}
