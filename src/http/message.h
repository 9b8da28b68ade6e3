/* SPDX-License-Identifier: Apache-2.0 */
/* Parses one HTTP/1.x request: its head, then its chunked body. The request line is parsed here, the rest by llhttp in strict mode.
 * This file checks what llhttp leaves open (RFC 9112 §2–§7): folded lines, empty names, versions, Host, transfer codings, sizes.
 * A malformed request is refused, never repaired. No sockets, and no memory but the struct.
 *
 * Any method that is a token passes, and any target without a blank, CR or LF: whoever reads the message refuses those that it does
 * not know (target.h), when it knows the path and the host, and with them which API words the refusal. */
#ifndef CAIS_HTTP_MESSAGE_H
#define CAIS_HTTP_MESSAGE_H

#include "http/http.h"

struct message_limits {
    size_t head_bytes;  /* the whole head */
    size_t line_bytes;  /* one line of the head */
    size_t headers;     /* header lines; at most MESSAGE_MAX_HEADERS */
    size_t chunk_extra; /* bytes of chunked framing of one body beyond 12 for each chunk: extensions, zeros, trailers */
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

/* Where message_chunks puts what it finds. The slices are valid during the call only. */
struct message_body {
    void (*bytes)(void *arg, slice); /* a piece of the content */
    /* A piece of the trailer fields. All pieces together are a text with one line "NAME:VALUE\n" for each field; a name has
     * at least one byte and no ':', a value may have blanks around it but no CR, LF or NUL. */
    void (*trailers)(void *arg, slice);
    void *arg;
};

struct message {
    const struct message_limits *limits;
    struct message_part method, target;                 /* complete; of a refused head n is 0 when they are not */
    struct message_line lines[MESSAGE_MAX_HEADERS + 1]; /* one more than allowed, so that it can be refused */
    size_t line_count;
    size_t head_bytes; /* set on MESSAGE_DONE */
    int minor;         /* HTTP/1.minor */
    bool keep_alive;
    bool chunked;
    int64_t content_length; /* 0 when there is none */
    bool expect_continue;
    /* The value of Host; n is 0 when there is none. Of a refused head: if it came before the fault, and there was one. */
    struct message_part host;
    /* set on MESSAGE_REFUSED */
    enum http_refusal refusal;
    const char *why;
    struct message_part
        begun; /* what has come of a target that is not complete, up to its last slash; n is 0: nothing */
    /* private */
    const char *base;
    size_t fed, line_start;
    enum { LINE_EMPTY, LINE_METHOD, LINE_TARGET, LINE_TARGET_CR, LINE_VERSION, LINE_CR, LINE_READ } line;
    size_t version_bytes;        /* of "HTTP/1.1" */
    size_t known;                /* of a refused head: how many bytes of it count */
    size_t chunk_framing, extra; /* bytes of framing since the last byte of content; sum of what is limited */
    const char *framing;         /* the start of the chunked framing that was not checked yet */
    bool in_value, too_many, in_body, body_done, after_cr, after_lf, method_done, target_done, many_blanks,
        has_trailer_name;
    const struct message_body *body;
    uint64_t parser[16]; /* llhttp_t lives here, so that llhttp.h stays in one file */
};

void message_init(struct message *, const struct message_limits *);
/* Parse the head as far as it has arrived. start: its first byte. n: all bytes available by now, including those of
 * earlier calls. On MESSAGE_DONE the head is start[0..head_bytes); the bytes after it belong to the body or to the next
 * request. */
enum message_result message_head(struct message *, const char *start, size_t n);
/* The head will not be completed: refuse it. `start` as in message_head, with the bytes that have come. */
void message_give_up(struct message *, const char *start, enum http_refusal, const char *why);
/* Parse the next bytes of a chunked body. *ret_used: how many bytes were consumed; all, unless the body ended
 * (MESSAGE_DONE). */
enum message_result message_chunks(struct message *, slice in, const struct message_body *to, size_t *ret_used);
static inline slice message_slice(const char *start, struct message_part part)
{
    return (slice){ start + part.at, part.n };
}

#endif
