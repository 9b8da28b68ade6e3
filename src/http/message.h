/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.x request on the wire: its head, then its chunked body. llhttp in strict mode reads; what it leaves open
 * is checked here (RFC 9112 §2–§7): folded lines, empty names, versions, Host, transfer codings, sizes. Refuse, never
 * repair. Pure: no sockets, no memory of its own. */
#ifndef CAIS_HTTP_MESSAGE_H
#define CAIS_HTTP_MESSAGE_H

#include "http/http.h"

struct message_limits {
    size_t head_bytes;  /* whole head */
    size_t line_bytes;  /* one line of it */
    size_t headers;     /* at most MESSAGE_MAX_HEADERS */
    size_t chunk_extra; /* bytes of chunked framing between two body bytes, extensions and trailers included */
};
#define MESSAGE_MAX_HEADERS 128

enum message_result { MESSAGE_MORE, MESSAGE_DONE, MESSAGE_REFUSED };

/* Parts of the head as offsets from its first byte: the bytes may move while more of them arrive. */
struct message_part {
    uint32_t at, n;
};
struct message_line {
    struct message_part name, value;
};

struct message {
    const struct message_limits *limits;
    struct message_part method, target;
    struct message_line lines[MESSAGE_MAX_HEADERS + 1]; /* the last only to be refused */
    size_t line_count;
    size_t head_bytes; /* once done */
    int minor;         /* HTTP/1.minor */
    bool keep_alive;
    bool chunked;
    int64_t content_length; /* 0 when there is none */
    bool expect_continue;
    struct message_part host; /* of the Host line; n 0: none */
    /* when refused */
    enum http_refusal refusal;
    const char *why;
    /* private */
    const char *base;
    size_t fed, line_start, extra;
    const char *framing; /* chunked framing of this piece that was not looked at yet */
    bool in_value, too_many, in_body, body_done, after_cr, method_done, target_done;
    void *body_arg;
    void (*body_bytes)(void *arg, slice bytes);
    uint64_t parser[16]; /* llhttp_t lives here, so that llhttp.h stays in one file */
};

void message_init(struct message *, const struct message_limits *);
/* Feed the head. start points to its first byte, n counts all bytes that are there by now (those fed before too). On
 * MESSAGE_DONE the head is start[0..head_bytes); what follows it belongs to the body or to the next request. */
enum message_result message_head(struct message *, const char *start, size_t n);
/* Feed a chunked body: `bytes` gets every piece of content, borrowed. *ret_used tells how many bytes were consumed:
 * all, unless the body ended (MESSAGE_DONE). */
enum message_result message_chunks(struct message *, slice in, void (*bytes)(void *arg, slice), void *arg,
                                   size_t *ret_used);
static inline slice message_slice(const char *start, struct message_part part)
{
    return (slice){ start + part.at, part.n };
}

#endif
