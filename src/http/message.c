/* SPDX-License-Identifier: Apache-2.0 */
/* llhttp gets every byte behind the request line once, as it arrives, and in place of that line one of ours: its own reader of
 * request lines knows a list of methods, and refuses a target at its first wrong byte, when the Host is not known yet. The parts
 * that it reports are kept as offsets, because the buffer may move. It pauses at the end of the head: the engine counts the bytes
 * of a body with Content-Length itself, and only a chunked body goes through llhttp. */
#include "http/message.h"

#include "http/field.h"

#include <assert.h>
#include <llhttp.h>
#include <string.h>

static_assert(sizeof(llhttp_t) <= sizeof(((struct message *)0)->parser), "room for the parser");

#define MANY_BLANKS "more than one blank between the parts of the request line"
#define METHOD_MAX_BYTES 32 /* the longest of IANA's registry has 17 */

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

/* Is all of a header line known? */
static bool line_has_ended(const struct message *m, const char *start, size_t line)
{
    const struct message_part *value = &m->lines[line].value;
    size_t end = (size_t)value->at + value->n;
    if (value->n == 0) /* it has no place */
        return line + 1 < m->line_count && m->lines[line + 1].name.at < m->known;
    while (end < m->known && (start[end] == ' ' || start[end] == '\t'))
        end++;
    return end + 2 <= m->known && memcmp(start + end, "\r\n", 2) == 0;
}

/* The value of Host, if there is exactly one line of that name among those that are complete. */
static struct message_part host_so_far(const struct message *m, const char *start)
{
    struct message_part host = { 0 };
    size_t hosts = 0;
    for (size_t i = 0; i < m->line_count && line_has_ended(m, start, i); i++) {
        slice value = slice_trim(message_slice(start, m->lines[i].value));
        if (!slice_eq_nocase(message_slice(start, m->lines[i].name), S("Host")))
            continue;
        hosts++;
        host = (struct message_part){ (uint32_t)(value.p - start), (uint32_t)value.n };
    }
    bool valid = hosts == 1 && host_is_valid(message_slice(start, host));
    return valid ? host : (struct message_part){ 0 };
}

/* A part of a name must not select an API, but the names before it may. */
static struct message_part target_so_far(const struct message *m, const char *start)
{
    struct message_part begun = m->target;
    size_t most = m->known > begun.at ? m->known - begun.at : 0;
    begun.n = begun.n < most ? begun.n : (uint32_t)most;
    while (begun.n && start[begun.at + begun.n - 1] != '/')
        begun.n--;
    return begun;
}

/* Refuse because of the byte at `known`: what is said of the request comes from the bytes before it, so that it does not depend on
 * how they arrived. */
static enum message_result refuse_at(struct message *m, size_t known, enum http_refusal refusal, const char *why)
{
    const char *start = m->base;
    m->refusal = refusal;
    m->why = why;
    m->known = known;
    if (!m->method_done || (size_t)m->method.at + m->method.n >= known)
        m->method.n = 0;
    if (!m->target_done || (size_t)m->target.at + m->target.n >= known) {
        m->begun = m->method.n ? target_so_far(m, start) : (struct message_part){ 0 };
        m->target.n = 0;
    }
    m->host = host_so_far(m, start);
    return MESSAGE_REFUSED;
}

/* Refuse because of all that has come. */
static enum message_result refuse_message(struct message *m, enum http_refusal refusal, const char *why)
{
    return refuse_at(m, m->fed, refusal, why);
}

void message_give_up(struct message *m, const char *start, enum http_refusal refusal, const char *why)
{
    m->base = start;
    refuse_message(m, refusal, why);
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
        return refuse_message(m, HTTP_REFUSE_CONTENT_RANGE, "Content-Range in a request");
    if (m->minor == 0 && !has_length) /* RFC 1945 §7.2.2 */
        return refuse_message(m, HTTP_REFUSE_LENGTH, "no Content-Length in HTTP/1.0");
    return MESSAGE_DONE;
}

/* May a request have this header once only, because it is no list? Those that decide what is done: who asks, what it is, when, from
 * where on. Framing and routing: check_header_lines. */
static bool is_single(slice name)
{
    static const char *const names[] = {
        "Authorization", "Content-Disposition", "Content-MD5",         "Content-Type",
        "Date",          "If-Modified-Since",   "If-Unmodified-Since", "If-Range",
        "Range",         "Upload-Complete",     "Upload-Length",       "Upload-Offset"
    };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (slice_eq_nocase(name, slice_of(names[i])))
            return true;
    return false;
}

/* Two of them that differ: which one counts would be a guess, and another program may guess otherwise (RFC 9110 section 5.3). */
static enum message_result check_single_lines(struct message *m, const char *start)
{
    for (size_t i = 0; i < m->line_count; i++) {
        slice name = message_slice(start, m->lines[i].name),
              value = slice_trim(message_slice(start, m->lines[i].value));
        if (!is_single(name))
            continue;
        for (size_t k = 0; k < i; k++)
            if (slice_eq_nocase(name, message_slice(start, m->lines[k].name)) &&
                !slice_eq(value, slice_trim(message_slice(start, m->lines[k].value))))
                return refuse_message(m, HTTP_REFUSE_MALFORMED, "a header that may stand once has two values");
    }
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
    if (check_single_lines(m, start) == MESSAGE_REFUSED)
        return MESSAGE_REFUSED;
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
            return refuse_at(m, i, HTTP_REFUSE_MALFORMED, "a folded header line");
        if (i > 0 && start[i - 1] == '\r' && i < end) /* the last piece ended with the CR */
            return refuse_at(m, i, HTTP_REFUSE_MALFORMED, "a CR without its LF");
        const char *cr = memchr(start + i, '\r', end - i);
        size_t behind = cr ? (size_t)(cr - start) + 1 : to;
        bool lone = behind < end;
        if (end > max_end && !(lone && behind <= max_end))
            return refuse_at(m, max_end, HTTP_REFUSE_HEAD_TOO_LARGE, "a header line is too long");
        if (lone)
            return refuse_at(m, behind, HTTP_REFUSE_MALFORMED, "a CR without its LF");
        if (lf && (end == 0 || start[end - 1] != '\r'))
            return refuse_at(m, end, HTTP_REFUSE_MALFORMED, "an LF without its CR");
        if (lf)
            m->line_start = end + 1;
        i = end + 1;
    }
    return MESSAGE_MORE;
}

/* ---- the request line ---- */

/* Remember what is wrong. It is reported unless a byte before this one is wrong, too. */
static bool line_is_wrong(struct message *m, enum http_refusal refusal, const char *why)
{
    m->refusal = refusal;
    m->why = why;
    return false;
}

/* One byte of "HTTP/1.1", CR. */
static bool read_version_byte(struct message *m, char c)
{
    static const char pattern[] = "HTTP/D.D";
    size_t at = m->version_bytes++;
    bool digit = c >= '0' && c <= '9';
    if (at == 0 && c == ' ') { /* is refused in the end, when it is known who says so */
        m->many_blanks = true;
        m->version_bytes = 0;
        return true;
    }
    if (at == sizeof pattern - 1) {
        m->line = LINE_CR;
        return c == '\r' || line_is_wrong(m, HTTP_REFUSE_MALFORMED, "the request line does not end after the version");
    }
    if (pattern[at] == 'D' ? !digit : c != pattern[at])
        return line_is_wrong(m, HTTP_REFUSE_MALFORMED, "the request line does not name HTTP and its version");
    if (at == 5 && c == '2')
        return line_is_wrong(m, HTTP_REFUSE_VERSION, "HTTP/2 is not spoken here");
    if ((at == 5 && c != '1') || (at == 7 && c > '1'))
        return line_is_wrong(m, HTTP_REFUSE_VERSION, NULL);
    if (at == 7)
        m->minor = c - '0';
    return true;
}

/* One byte of the request line (RFC 9112 §3), and of empty lines before it (§2.2). False: it is wrong; m->refusal and m->why say how. */
static bool read_line_byte(struct message *m, char c, uint32_t at)
{
    switch (m->line) {
    case LINE_EMPTY:
        if (c == '\r' || c == '\n')
            return true;
        m->line = LINE_METHOD;
        m->method.at = at;
        /* fall through */
    case LINE_METHOD:
        m->method_done = c == ' ' && m->method.n > 0;
        if (m->method_done) {
            m->line = LINE_TARGET;
            m->target.at = at + 1;
            return true;
        }
        m->method.n++;
        return (is_token_char(c) && m->method.n <= METHOD_MAX_BYTES) ||
               line_is_wrong(m, HTTP_REFUSE_MALFORMED, "the request line does not begin with a method");
    case LINE_TARGET:
        if (c == ' ' && m->target.n == 0) {
            m->many_blanks = true;
            m->target.at = at + 1;
        } else if (c == ' ') {
            m->target_done = true;
            m->line = LINE_VERSION;
        } else if (c == '\r') {
            m->line = LINE_TARGET_CR;
        } else {
            m->target.n++;
        }
        return c != '\n' || line_is_wrong(m, HTTP_REFUSE_MALFORMED, "an LF without its CR");
    case LINE_TARGET_CR:
        if (c == '\n' && !m->many_blanks)
            return line_is_wrong(m, HTTP_REFUSE_VERSION, "the request line names no version of HTTP");
        if (c == '\n')
            return line_is_wrong(m, HTTP_REFUSE_MALFORMED, MANY_BLANKS);
        return line_is_wrong(m, HTTP_REFUSE_MALFORMED, "a CR without its LF");
    case LINE_VERSION:
        return read_version_byte(m, c);
    case LINE_CR:
        m->line = LINE_READ;
        return c == '\n' || line_is_wrong(m, HTTP_REFUSE_MALFORMED, "a CR without its LF");
    case LINE_READ:
        break;
    }
    return true;
}

/* Parse from `at` on until the line ends, and give llhttp another one in its place. Returns where it has stopped; *ret_wrong: at a
 * wrong byte. */
static size_t read_request_line(struct message *m, const char *start, size_t at, size_t to, bool *ret_wrong)
{
    *ret_wrong = false;
    while (at < to && m->line != LINE_READ && !*ret_wrong) {
        *ret_wrong = !read_line_byte(m, start[at], (uint32_t)at);
        at += !*ret_wrong;
    }
    if (m->line == LINE_READ && !*ret_wrong) {
        slice line = m->minor ? S("GET / HTTP/1.1\r\n") : S("GET / HTTP/1.0\r\n");
        llhttp_errno_t e = llhttp_execute(parser_of(m), line.p, line.n);
        assert(e == HPE_OK);
    }
    return at;
}

static enum message_result refuse_parse(struct message *m, size_t known)
{
    llhttp_t *p = parser_of(m);
    if (m->too_many)
        return refuse_at(m, known, HTTP_REFUSE_HEAD_TOO_LARGE, "too many header lines");
    switch (llhttp_get_errno(p)) {
    case HPE_INVALID_TRANSFER_ENCODING:
        return refuse_at(m, known, HTTP_REFUSE_NOT_IMPLEMENTED, NULL);
    case HPE_INVALID_HEADER_TOKEN:
        return refuse_at(m, known, HTTP_REFUSE_MALFORMED, "a header line is not well-formed");
    case HPE_INVALID_CONTENT_LENGTH:
        return refuse_at(m, known, HTTP_REFUSE_MALFORMED, "Content-Length is not one number");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return refuse_at(m, known, HTTP_REFUSE_MALFORMED, "Content-Length twice, or with Transfer-Encoding");
    default:
        return refuse_at(m, known, HTTP_REFUSE_MALFORMED, "the request is not well-formed");
    }
}

enum message_result message_head(struct message *m, const char *start, size_t n)
{
    llhttp_t *p = parser_of(m);
    size_t from = m->fed, to = n > m->limits->head_bytes ? m->limits->head_bytes : n, at = from;
    bool line_wrong = false;
    llhttp_errno_t e = HPE_OK;
    m->base = start;
    if (from == to && n > to)
        return refuse_message(m, HTTP_REFUSE_HEAD_TOO_LARGE, NULL);
    if (m->line != LINE_READ)
        at = read_request_line(m, start, from, to, &line_wrong);
    if (m->line == LINE_READ && !line_wrong)
        e = llhttp_execute(p, start + at, to - at);
    if (e == HPE_PAUSED)
        to = (size_t)(llhttp_get_error_pos(p) - start);
    m->fed = to;
    bool refused_here = e != HPE_OK && e != HPE_PAUSED;
    /* scan only up to the fault: a line that is too long is reported as such even if it is malformed later */
    if (line_wrong)
        to = at;
    if (refused_here) {
        const char *fault = llhttp_get_error_pos(p);
        to = fault && fault >= start && fault <= start + to ? (size_t)(fault - start) : to;
    }
    if (scan_lines(m, start, from, to) == MESSAGE_REFUSED)
        return MESSAGE_REFUSED;
    if (line_wrong)
        return refuse_at(m, to, m->refusal, m->why);
    if (refused_here)
        return refuse_parse(m, to);
    if (e == HPE_OK)
        return n > m->limits->head_bytes ? refuse_message(m, HTTP_REFUSE_HEAD_TOO_LARGE, NULL) : MESSAGE_MORE;
    m->head_bytes = to;
    if (m->many_blanks) /* other software may take the second one for a part of the target (RFC 9112 §3) */
        return refuse_message(m, HTTP_REFUSE_MALFORMED, MANY_BLANKS);
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

static enum message_result refuse_chunks(struct message *m, const char *why)
{
    m->refusal = HTTP_REFUSE_MALFORMED;
    m->why = why;
    return MESSAGE_REFUSED;
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
    bool overflow = e == HPE_INVALID_CHUNK_SIZE && strstr(llhttp_get_error_reason(p), "overflow");
    bool behind_wrong_byte = e == HPE_CB_CHUNK_HEADER || e == HPE_CB_HEADER_FIELD_COMPLETE || overflow;
    bool at_wrong_byte = e != HPE_OK && !done && !behind_wrong_byte && end < in.p + in.n;
    if (!check_framing(m, end + at_wrong_byte))
        return refuse_chunks(m, m->why);
    if (e != HPE_OK && !done)
        return refuse_chunks(m, chunk_fault(m));
    *ret_used = (size_t)(end - in.p);
    return done ? MESSAGE_DONE : MESSAGE_MORE;
}
