/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data, read as it arrives. Push bytes in, get events out; memory is the struct and nothing else,
 * however large the parts are. Bytes of a part are handed on exactly, mostly as spans of the very bytes that were fed.
 * Spec: RFC 2046 §5.1.1 (boundaries), RFC 7578 (form-data).
 *
 * A line is a boundary when it is CRLF, "--", the boundary, perhaps "--", up to MULTIPART_PADDING_MAX blanks and CRLF
 * (the closing one may end the body instead). Anything else is data: RFC 2046 would also take a line that only begins
 * like a boundary, and a file with such a line in it would then be cut without anybody noticing. */
#ifndef CAIS_HTTP_MULTIPART_H
#define CAIS_HTTP_MULTIPART_H

#include "base/buf.h"
#include "base/err.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 §5.1.1 */
#define MULTIPART_PADDING_MAX 32  /* "transport padding" behind a boundary */
#define MULTIPART_HEAD_MAX 8192
#define MULTIPART_HEADERS_MAX 32
#define MULTIPART_PARTS_MAX 1000
#define MULTIPART_FIELD_MAX 65536

struct multipart_limits {
    size_t head_bytes;  /* header block of one part, line ends included; at most MULTIPART_HEAD_MAX */
    size_t headers;     /* header lines of one part; at most MULTIPART_HEADERS_MAX */
    size_t parts;       /* parts of one body */
    size_t field_bytes; /* value of one text field, for multipart_collect; the parser itself never looks at it */
};
#define MULTIPART_DEFAULT_LIMITS                                                                                       \
    ((struct multipart_limits){ .head_bytes = MULTIPART_HEAD_MAX,                                                      \
                                .headers = MULTIPART_HEADERS_MAX,                                                      \
                                .parts = MULTIPART_PARTS_MAX,                                                          \
                                .field_bytes = MULTIPART_FIELD_MAX })

struct multipart_header {
    slice name, value; /* value without blanks at both ends */
};

struct multipart_part {
    bool has_name, has_filename; /* has_filename is what makes a part a file (RFC 7578 §4.2) */
    slice name;                  /* UTF-8, decoded; see content_disposition.h */
    slice filename;              /* UTF-8, decoded, not cleaned: give it to file_name_clean */
    slice content_type;          /* as sent; empty when absent */
    const struct multipart_header *headers;
    size_t header_count;
};

/* What the reader of a body implements. An error that a callback returns ends the parse and comes out of feed. All
 * slices are borrowed for the call: copy what must live longer. `a` is the arena given to feed. */
struct multipart_events {
    MUST_USE err_t (*part_begin)(void *ctx, const struct multipart_part *part, struct arena *a);
    /* Never without bytes: an empty part has no part_data. */
    MUST_USE err_t (*part_data)(void *ctx, slice bytes, struct arena *a);
    MUST_USE err_t (*part_end)(void *ctx, struct arena *a);
};

struct multipart {
    struct multipart_limits limits;
    const struct multipart_events *events;
    void *ctx;
    enum { MULTIPART_PREAMBLE, MULTIPART_HEAD, MULTIPART_DATA, MULTIPART_EPILOGUE, MULTIPART_FAILED } state;
    size_t parts;
    /* The line at hand, as long as it may still turn out to be a boundary. */
    enum {
        LINE_DELIMITER,
        LINE_AFTER,
        LINE_DASH,
        LINE_PADDING,
        LINE_CR,
        LINE_CLOSING,
        LINE_CLOSING_CR,
    } line;
    size_t held_count;
    size_t held_unreal; /* bytes at the start of `held` that were never part of the data */
    size_t delimiter_count;
    size_t head_count, head_line, head_lines; /* bytes; where the last line starts; finished lines */
    char delimiter[4 + MULTIPART_BOUNDARY_MAX];
    char held[4 + MULTIPART_BOUNDARY_MAX + 2 + MULTIPART_PADDING_MAX + 1]; /* all of a closing line but its LF */
    char head[MULTIPART_HEAD_MAX];
};

/* The boundary out of a Content-Type of multipart/form-data: quoted or bare, in any place among the parameters, names
 * in any case. False when the type is another one, or the boundary is absent, given twice, or not 1 to 70 characters
 * out of RFC 2046's bchars. */
MUST_USE bool multipart_boundary(slice content_type, slice *ret_boundary);

/* boundary  from multipart_boundary; copied
 * limits    NULL for the default ones; copied
 * events    must outlive the parse */
void multipart_init(struct multipart *m, slice boundary, const struct multipart_limits *limits,
                    const struct multipart_events *events, void *ctx);

/* Take the next bytes of the body, in pieces of any size; the events are the same however it is cut.
 *
 * Errors    INVALID not multipart/form-data as the RFCs have it; TOO_LARGE more parts, headers or header bytes than
 *           allowed; UNSUPPORTED a part in base64 or quoted-printable (RFC 7578 §4.7 forbids it; storing the encoded
 *           text as if it were the file would be worse); whatever a callback returned
 * After an error the parse is over: feed and finish only answer INVALID. */
MUST_USE err_t multipart_feed(struct multipart *m, slice bytes, struct arena *a);

/* The body is over. Success means that the closing boundary was seen: only then is any part to be kept.
 * Errors    INVALID no boundary was ever seen, or the last one promised another part and nothing followed;
 *           TRUNCATED the body stops inside a part or a boundary; whatever part_end returned */
MUST_USE err_t multipart_finish(struct multipart *m, struct arena *a);

/* For part_data of a text field: add the bytes to `value`. Errors: TOO_LARGE past limits.field_bytes. */
MUST_USE err_t multipart_collect(const struct multipart *m, struct buf *value, slice bytes, struct arena *a);

#endif
