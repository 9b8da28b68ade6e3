/* SPDX-License-Identifier: Apache-2.0 */
/* How the bytes of a connection are parsed must not depend on how they arrive. The bytes are parsed as conn.c and
 * body.c do it: in one piece, in pieces of chosen sizes, and, if they are few, cut in two anywhere and byte by byte.
 * Input: which limits; the sizes of two pieces, which alternate; the bytes. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/message.h"

#include <string.h>

#define EVERY_CUT_BYTES 2048

static const struct message_limits limits[] = {
    { 64 * 1024, 16 * 1024, 100, 16 * 1024 },
    { 200, 60, 4, 24 },
};

struct connection_reader {
    struct message message;
    const struct message_limits *limits;
    slice all;
    size_t at, here; /* start of the bytes that were not consumed, end of those that have arrived */
    bool in_body, ended;
    int64_t body_left;
    struct buf seen; /* a record of what was parsed, which must always be the same */
    struct buf trailers;
};

static void record_body(void *arg, slice bytes)
{
    struct connection_reader *r = arg;
    buf_add(&r->seen, bytes);
}

static void keep_trailers(void *arg, slice text)
{
    struct connection_reader *r = arg;
    buf_add(&r->trailers, text);
}

static void record_part(struct connection_reader *r, const char *name, slice part)
{
    buf_printf(&r->seen, " %s<", name);
    buf_add(&r->seen, part);
    buf_add_byte(&r->seen, '>');
}

/* The text of the trailers is what its reader may rely on. */
static void record_trailers(struct connection_reader *r)
{
    slice text = buf_slice(&r->trailers), line, name, value;
    HOLDS(text.n == 0 || text.p[text.n - 1] == '\n');
    HOLDS(memchr(text.p, '\0', text.n) == NULL && memchr(text.p, '\r', text.n) == NULL);
    record_part(r, "trailers", text);
    while (text.n) {
        slice_cut(text, '\n', &line, &text);
        HOLDS(slice_cut(line, ':', &name, &value) && name.n > 0 && memchr(name.p, ' ', name.n) == NULL);
    }
    buf_clear(&r->trailers);
}

static void record_head(struct connection_reader *r, const char *head)
{
    const struct message *m = &r->message;
    HOLDS(m->line_count <= r->limits->headers && m->head_bytes <= r->limits->head_bytes);
    HOLDS(m->method.n > 0 && m->target.n > 0 && (!m->chunked || m->minor == 1));
    HOLDS(m->host.n > 0 || m->minor == 0);
    record_part(r, "head", message_slice(head, m->method));
    record_part(r, "target", message_slice(head, m->target));
    record_part(r, "host", message_slice(head, m->host));
    for (size_t i = 0; i < m->line_count; i++) {
        slice name = message_slice(head, m->lines[i].name), value = message_slice(head, m->lines[i].value);
        HOLDS(name.n > 0 && name.n + value.n < r->limits->line_bytes);
        HOLDS(memchr(value.p, '\n', value.n) == NULL && memchr(value.p, '\0', value.n) == NULL);
        record_part(r, "name", name);
        record_part(r, "value", slice_trim(value));
    }
    buf_printf(&r->seen, " 1.%d keep %d chunked %d length %lld expect %d body<", m->minor, m->keep_alive, m->chunked,
               (long long)m->content_length, m->expect_continue);
}

static void record_refusal(struct connection_reader *r, const char *head)
{
    const struct message *m = &r->message;
    const char *why = m->why;
    if (head) { /* by what came before the fault the API is chosen that words the refusal */
        record_part(r, "method", message_slice(head, m->method));
        record_part(r, "target", message_slice(head, m->target));
        record_part(r, "begun", message_slice(head, m->begun));
        record_part(r, "host", message_slice(head, m->host));
        HOLDS(m->target.n == 0 || m->begun.n == 0);
    }
    buf_printf(&r->seen, " refused %d: %s", r->message.refusal, why ? why : "");
    r->ended = true;
}

/* The body has ended. The next head follows, unless the connection closes. */
static void record_body_end(struct connection_reader *r)
{
    buf_printf(&r->seen, "> until %zu", r->at);
    record_trailers(r);
    r->in_body = false;
    r->ended = !r->message.keep_alive;
    message_init(&r->message, r->limits);
}

/* True: go on. The bytes are copied into memory of their exact size, so that the address sanitizer detects a read past
 * the end, and so that they move, as in the server. */
static bool parse_head_step(struct connection_reader *r)
{
    size_t n = r->here - r->at;
    if (n <= r->message.fed)
        return false;
    char *copy = must_malloc(n);
    memcpy(copy, r->all.p + r->at, n);
    enum message_result result = message_head(&r->message, copy, n);
    if (result == MESSAGE_REFUSED)
        record_refusal(r, copy);
    if (result == MESSAGE_DONE) {
        record_head(r, copy);
        r->at += r->message.head_bytes;
        r->body_left = r->message.content_length;
        r->in_body = true;
        if (!r->message.chunked && r->body_left == 0)
            record_body_end(r);
    }
    free(copy);
    return result == MESSAGE_DONE;
}

static bool parse_body_step(struct connection_reader *r)
{
    slice in = slice_part(r->all, r->at, r->here - r->at);
    if (in.n == 0)
        return false;
    if (!r->message.chunked) {
        in.n = (int64_t)in.n > r->body_left ? (size_t)r->body_left : in.n;
        buf_add(&r->seen, in);
        r->at += in.n;
        r->body_left -= (int64_t)in.n;
        if (r->body_left == 0)
            record_body_end(r);
        return true;
    }
    size_t used = 0;
    const struct message_body to = { record_body, keep_trailers, r };
    char *copy = must_malloc(in.n);
    memcpy(copy, in.p, in.n);
    enum message_result result = message_chunks(&r->message, (slice){ copy, in.n }, &to, &used);
    free(copy);
    HOLDS(used <= in.n && (result != MESSAGE_MORE || used == in.n));
    r->at += used;
    if (result == MESSAGE_REFUSED)
        record_refusal(r, NULL);
    if (result == MESSAGE_DONE)
        record_body_end(r);
    return true;
}

/* Parse in pieces of alternating sizes: first, second, first, …; 0: all the rest. Returns the record, which the caller
 * releases. */
static struct buf parse_in_pieces(slice all, const struct message_limits *l, size_t first, size_t second)
{
    struct connection_reader r = { .limits = l, .all = all };
    buf_init(&r.seen, 0);
    buf_init(&r.trailers, 0);
    message_init(&r.message, l);
    for (bool turn = false; !r.ended && r.here < all.n; turn = !turn) {
        size_t piece = turn ? second : first, left = all.n - r.here;
        r.here += piece && piece < left ? piece : left;
        while (!r.ended && (r.in_body ? parse_body_step(&r) : parse_head_step(&r)))
            ;
    }
    buf_release(&r.trailers);
    return r.seen;
}

static void try_pieces(slice all, const struct message_limits *l, size_t first, size_t second, slice whole)
{
    SCOPED(buf_releasep) struct buf seen = parse_in_pieces(all, l, first, second);
    HOLDS(slice_eq(buf_slice(&seen), whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const struct message_limits *l = &limits[data[0] % LENGTH_OF(limits)];
    slice all = fuzz_slice(data + 3, size - 3);
    SCOPED(buf_releasep) struct buf seen = parse_in_pieces(all, l, 0, 0);
    slice whole = buf_slice(&seen);
    try_pieces(all, l, (size_t)data[1] + 1, (size_t)data[2] + 1, whole);
    if (all.n > EVERY_CUT_BYTES)
        return 0;
    try_pieces(all, l, 1, 1, whole);
    for (size_t at = 1; at < all.n; at++)
        try_pieces(all, l, at, 0, whole);
    return 0;
}
