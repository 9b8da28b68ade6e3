/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection's bytes say must not depend on how they came. The bytes go through heads and bodies as conn.c and
 * body.c take them: in one piece, in pieces of chosen sizes, and (when they are few) cut in two at every place and one
 * by one. Input: which limits, sizes of two pieces that take turns, the bytes. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/message.h"

#include <string.h>

#define EVERY_CUT_BYTES 2048

static const struct message_limits limits[] = {
    { 64 * 1024, 16 * 1024, 100, 16 * 1024 },
    { 200, 60, 4, 24 },
};

struct reader {
    struct message message;
    const struct message_limits *limits;
    slice all;
    size_t at, here; /* begin of what was not used yet, end of what has come */
    bool in_body, ended;
    int64_t body_left;
    struct buf seen; /* what must be the same */
};

static void on_bytes(void *arg, slice bytes)
{
    buf_add(arg, bytes);
}

static void note_part(struct reader *r, const char *name, slice part)
{
    buf_printf(&r->seen, " %s<", name);
    buf_add(&r->seen, part);
    buf_add_byte(&r->seen, '>');
}

static void note_head(struct reader *r, const char *head)
{
    const struct message *m = &r->message;
    HOLDS(m->line_count <= r->limits->headers && m->head_bytes <= r->limits->head_bytes);
    HOLDS(m->method.n > 0 && m->target.n > 0 && (!m->chunked || m->minor == 1));
    HOLDS(m->host.n > 0 || m->minor == 0);
    note_part(r, "head", message_slice(head, m->method));
    note_part(r, "target", message_slice(head, m->target));
    note_part(r, "host", message_slice(head, m->host));
    for (size_t i = 0; i < m->line_count; i++) {
        slice name = message_slice(head, m->lines[i].name), value = message_slice(head, m->lines[i].value);
        HOLDS(name.n > 0 && name.n + value.n < r->limits->line_bytes);
        HOLDS(memchr(value.p, '\n', value.n) == NULL && memchr(value.p, '\0', value.n) == NULL);
        note_part(r, "name", name);
        note_part(r, "value", slice_trim(value));
    }
    buf_printf(&r->seen, " 1.%d keep %d chunked %d length %lld expect %d body<", m->minor, m->keep_alive, m->chunked,
               (long long)m->content_length, m->expect_continue);
}

static void refuse(struct reader *r)
{
    buf_printf(&r->seen, " refused %d", r->message.refusal);
    r->ended = true;
}

/* The body is over: the next head, unless the connection closes. */
static void body_done(struct reader *r)
{
    buf_printf(&r->seen, "> until %zu", r->at);
    r->in_body = false;
    r->ended = !r->message.keep_alive;
    message_init(&r->message, r->limits);
}

/* True when something happened. A copy of the exact size lets the address sanitizer see a read past the end, and moves
 * the bytes, as they do in a server. */
static bool head_step(struct reader *r)
{
    size_t n = r->here - r->at;
    if (n <= r->message.fed)
        return false;
    char *copy = must_malloc(n);
    memcpy(copy, r->all.p + r->at, n);
    enum message_result result = message_head(&r->message, copy, n);
    if (result == MESSAGE_REFUSED)
        refuse(r);
    if (result == MESSAGE_DONE) {
        note_head(r, copy);
        r->at += r->message.head_bytes;
        r->body_left = r->message.content_length;
        r->in_body = true;
        if (!r->message.chunked && r->body_left == 0)
            body_done(r);
    }
    free(copy);
    return result == MESSAGE_DONE;
}

static bool body_step(struct reader *r)
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
            body_done(r);
        return true;
    }
    size_t used = 0;
    char *copy = must_malloc(in.n);
    memcpy(copy, in.p, in.n);
    enum message_result result = message_chunks(&r->message, (slice){ copy, in.n }, on_bytes, &r->seen, &used);
    free(copy);
    HOLDS(used <= in.n && (result != MESSAGE_MORE || used == in.n));
    r->at += used;
    if (result == MESSAGE_REFUSED)
        refuse(r);
    if (result == MESSAGE_DONE)
        body_done(r);
    return true;
}

/* Sizes of the pieces: first, second, first, …; 0 stands for all the rest. What was seen, to be released. */
static struct buf read_in_pieces(slice all, const struct message_limits *l, size_t first, size_t second)
{
    struct reader r = { .limits = l, .all = all };
    buf_init(&r.seen, 0);
    message_init(&r.message, l);
    for (bool turn = false; !r.ended && r.here < all.n; turn = !turn) {
        size_t piece = turn ? second : first, left = all.n - r.here;
        r.here += piece && piece < left ? piece : left;
        while (!r.ended && (r.in_body ? body_step(&r) : head_step(&r)))
            ;
    }
    return r.seen;
}

static void try_pieces(slice all, const struct message_limits *l, size_t first, size_t second, slice whole)
{
    SCOPED(buf_releasep) struct buf seen = read_in_pieces(all, l, first, second);
    HOLDS(slice_eq(buf_slice(&seen), whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const struct message_limits *l = &limits[data[0] % LENGTH_OF(limits)];
    slice all = fuzz_slice(data + 3, size - 3);
    SCOPED(buf_releasep) struct buf seen = read_in_pieces(all, l, 0, 0);
    slice whole = buf_slice(&seen);
    try_pieces(all, l, (size_t)data[1] + 1, (size_t)data[2] + 1, whole);
    if (all.n > EVERY_CUT_BYTES)
        return 0;
    try_pieces(all, l, 1, 1, whole);
    for (size_t at = 1; at < all.n; at++)
        try_pieces(all, l, at, 0, whole);
    return 0;
}
