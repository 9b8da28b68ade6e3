/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming parser of multipart/form-data. The caller feeds bytes as they arrive, and the parser calls back for each
 * part. It uses no memory but the struct, however large the parts are. It passes on the bytes of a part unchanged,
 * mostly as slices of the bytes that were fed.
 * Spec: RFC 2046 §5.1.1 (boundaries), RFC 7578 (form-data).
 *
 * Headers of a part may be folded, and its names may hold control characters but NUL, CR and LF, as browsers and JavaMail write
 * them. Everything in a head that another program may read as its end, or as the end of a header, is refused: a CR or LF without the
 * other, a NUL, a line of blanks.
 *
 * A line is a boundary when it is CRLF, "--", the boundary, "--" in the closing one, up to MULTIPART_PADDING_MAX
 * blanks, and CRLF (the closing one may end the body instead). Everything else is data. RFC 2046 also accepts a line
 * that only begins like a boundary, but then a file with such a line in it would be truncated unnoticed. */
#ifndef CAIS_HTTP_MULTIPART_H
#define CAIS_HTTP_MULTIPART_H

#include "base/buf.h"
#include "base/err.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 §5.1.1 */
#define MULTIPART_PADDING_MAX 32  /* "transport padding" after a boundary */
#define MULTIPART_HEAD_MAX 8192
#define MULTIPART_HEADERS_MAX 32
#define MULTIPART_PARTS_MAX 1000
#define MULTIPART_FIELD_MAX 65536

struct multipart_limits {
    size_t head_bytes;  /* header block of one part, line ends included; at most MULTIPART_HEAD_MAX */
    size_t headers;     /* header lines of one part; at most MULTIPART_HEADERS_MAX */
    size_t parts;       /* parts of one body */
    size_t field_bytes; /* value of one text field, for multipart_collect; the parser itself does not use it */
};
#define MULTIPART_DEFAULT_LIMITS                                                                                       \
    ((struct multipart_limits){ .head_bytes = MULTIPART_HEAD_MAX,                                                      \
                                .headers = MULTIPART_HEADERS_MAX,                                                      \
                                .parts = MULTIPART_PARTS_MAX,                                                          \
                                .field_bytes = MULTIPART_FIELD_MAX })

struct multipart_header {
    slice name, value; /* value unfolded, without leading and trailing blanks */
};

struct multipart_part {
    bool has_name, has_filename; /* a part with a filename is a file (RFC 7578 §4.2) */
    slice name;                  /* UTF-8, decoded, may hold control characters; see content_disposition.h */
    slice filename;              /* UTF-8, decoded, not cleaned: pass it to file_name_clean */
    slice content_type;          /* as sent; empty when absent */
    const struct multipart_header *headers;
    size_t header_count;
};

/* The callbacks of the caller. An error that a callback returns ends the parse, and multipart_feed returns it. All
 * slices are valid during the call only. `a` is the arena that was passed to multipart_feed. */
struct multipart_events {
    MUST_USE err_t (*part_begin)(void *ctx, const struct multipart_part *part, struct arena *a);
    /* Never called with an empty slice: an empty part has no part_data. */
    MUST_USE err_t (*part_data)(void *ctx, slice bytes, struct arena *a);
    MUST_USE err_t (*part_end)(void *ctx, struct arena *a);
};

struct multipart {
    struct multipart_limits limits;
    const struct multipart_events *events;
    void *ctx;
    enum { MULTIPART_PREAMBLE, MULTIPART_HEAD, MULTIPART_DATA, MULTIPART_EPILOGUE, MULTIPART_FAILED } state;
    size_t parts;
    /* The state of the current line, as long as it may still be a boundary. */
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
    size_t held_virtual; /* bytes at the start of `held` that the body did not contain */
    size_t delimiter_count;
    size_t head_count, head_line, head_lines; /* bytes; offset of the last line; number of complete lines */
    char delimiter[4 + MULTIPART_BOUNDARY_MAX];
    char held[4 + MULTIPART_BOUNDARY_MAX + 2 + MULTIPART_PADDING_MAX + 1]; /* a closing line without its LF */
    char head[MULTIPART_HEAD_MAX];
};

/* The boundary of a Content-Type of multipart/form-data: quoted or bare, at any position among the parameters, the name
 * in any case. False when the type is another one, or when the boundary is absent, given twice, or not 1 to 70 of the
 * bchars of RFC 2046. */
MUST_USE bool multipart_boundary(slice content_type, slice *ret_boundary);

/* boundary  of multipart_boundary; copied
 * limits    NULL: the default limits; copied
 * events    must outlive the parse */
void multipart_init(struct multipart *m, slice boundary, const struct multipart_limits *limits,
                    const struct multipart_events *events, void *ctx);

/* Parse the next bytes of the body. Pieces may have any size; the content of the parts does not depend on it.
 *
 * Errors    with the reason HTTP_REFUSE_MULTIPART: INVALID not multipart/form-data as the RFCs define it; TOO_LARGE more
 *           parts, headers or header bytes than allowed; UNSUPPORTED a part in base64 or quoted-printable (RFC 7578
 *           §4.7 forbids these; to store the encoded text as the file would be worse).
 *           The error that a callback returned
 * After an error the parse has ended: multipart_feed and multipart_finish return INVALID from then on. */
MUST_USE err_t multipart_feed(struct multipart *m, slice bytes, struct arena *a);

/* Call at the end of the body. Success means that the closing boundary was seen; keep parts only then.
 * Errors    as multipart_feed: INVALID there was no boundary, or the last boundary was not the closing one and nothing followed it;
 *           TRUNCATED the body ends inside a part or a boundary; the error that part_end returned */
MUST_USE err_t multipart_finish(struct multipart *m, struct arena *a);

/* For the part_data of a text field: append the bytes to `value`. Errors: as multipart_feed, TOO_LARGE more than limits.field_bytes. */
MUST_USE err_t multipart_collect(const struct multipart *m, struct buf *value, slice bytes, struct arena *a);

#endif
