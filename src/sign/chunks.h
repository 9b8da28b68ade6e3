/* SPDX-License-Identifier: Apache-2.0 */
/* aws-chunked bodies: chunks inside the body, signed or not, with trailers or not.
 * Spec: Amazon S3 API reference, "Transferring Payload in Multiple Chunks (Chunked Upload)" and "…Including Trailing
 * Headers".
 *
 *     SIGNED           size;chunk-signature=… CRLF bytes CRLF … 0;chunk-signature=… CRLF CRLF
 *     SIGNED_TRAILER   size;chunk-signature=… CRLF bytes CRLF … 0;chunk-signature=… CRLF
 *                      name:value CRLF … x-amz-trailer-signature:… CRLF CRLF
 *     UNSIGNED_TRAILER size CRLF bytes CRLF … 0 CRLF name:value CRLF … CRLF
 *
 * A chunk is as long as its sender likes and is not kept: its bytes are handed on as they come, and its signature is
 * known to hold only at its end. What was handed on is therefore to be thrown away unless chunks_end says SIGN_OK. */
#ifndef CAIS_SIGN_CHUNKS_H
#define CAIS_SIGN_CHUNKS_H

#include "base/buf.h"
#include "sign/sigv4.h"

#define CHUNKS_TRAILERS_MAX 16
#define CHUNKS_TRAILER_BYTES_MAX 8192

enum chunks_mode { CHUNKS_SIGNED, CHUNKS_SIGNED_TRAILER, CHUNKS_UNSIGNED_TRAILER };
/* That of a claim's payload; false when it is not sent in chunks. */
bool chunks_mode_of(enum sigv4_payload payload, enum chunks_mode *ret_mode);

/* Where the chain of signatures starts. All slices must outlive what is made from it. */
struct chunks_seed {
    enum chunks_mode mode;
    struct sigv4_key key; /* the rest is not looked at when UNSIGNED_TRAILER */
    slice timestamp, scope;
    slice signature; /* of the request */
};

/* ---- reading ---- */

struct chunks_reader;
/* decoded_bytes  x-amz-decoded-content-length: exactly so many must come
 * announced      x-amz-trailer, comma-separated: exactly these trailers must come */
struct chunks_reader *chunks_reader_new(const struct chunks_seed *seed, uint64_t decoded_bytes, slice announced);
void chunks_reader_free(struct chunks_reader *r); /* NULL is fine */
/* Take some bytes off the front of *in; *ret_data is the part of them that is content, perhaps empty. Call until *in
 * is empty. A fault stays. Faults: CHUNK, LENGTH, TRAILER, MISMATCH. */
MUST_USE enum sign_fault chunks_read(struct chunks_reader *r, slice *in, slice *ret_data);
/* The body has ended. Faults: TRUNCATED, and the one that chunks_read gave. */
MUST_USE enum sign_fault chunks_end(const struct chunks_reader *r);
/* After the end: the trailers, names in lower case. They live in the reader. */
const struct sign_pair *chunks_trailers(const struct chunks_reader *r, size_t *ret_count);

/* ---- writing ---- */

struct chunks_writer {
    struct chunks_seed seed;
    char previous[SIGV4_SIGNATURE_SIZE]; /* signature */
};
void chunks_writer_init(struct chunks_writer *w, const struct chunks_seed *seed);
void chunks_write(struct chunks_writer *w, slice data, struct buf *to); /* one chunk; data is not empty */
/* The last chunk and the trailers, whose names are in lower case. */
void chunks_write_end(struct chunks_writer *w, const struct sign_pair *trailers, size_t count, struct buf *to);
/* Content-Length of decoded_bytes in chunks of chunk_bytes. */
uint64_t chunks_encoded_size(enum chunks_mode mode, uint64_t decoded_bytes, uint64_t chunk_bytes,
                             const struct sign_pair *trailers, size_t count);

#endif
