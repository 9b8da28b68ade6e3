/* SPDX-License-Identifier: Apache-2.0 */
/* aws-chunked bodies: chunks inside the body, with or without signatures, with or without trailers.
 * Source: Amazon S3 API reference, "Transferring Payload in Multiple Chunks (Chunked Upload)" and "…Including Trailing
 * Headers".
 *
 *     SIGNED           size;chunk-signature=… CRLF bytes CRLF … 0;chunk-signature=… CRLF CRLF
 *     SIGNED_TRAILER   size;chunk-signature=… CRLF bytes CRLF … 0;chunk-signature=… CRLF
 *                      name:value CRLF … x-amz-trailer-signature:… CRLF CRLF
 *     UNSIGNED_TRAILER size CRLF bytes CRLF … 0 CRLF name:value CRLF … CRLF
 *
 * A chunk may have any length and is not buffered: the reader returns its bytes as they arrive, and can verify the
 * signature only at the end of the chunk. The caller must discard everything that it received unless chunks_end returns
 * SIGN_OK. */
#ifndef CAIS_SIGN_CHUNKS_H
#define CAIS_SIGN_CHUNKS_H

#include "base/buf.h"
#include "sign/sigv4.h"

#define CHUNKS_TRAILERS_MAX 16
#define CHUNKS_TRAILER_BYTES_MAX 8192

enum chunks_mode { CHUNKS_SIGNED, CHUNKS_SIGNED_TRAILER, CHUNKS_UNSIGNED_TRAILER };
/* The mode of a claim's payload. False: the body is not sent in chunks. */
bool chunks_mode_of(enum sigv4_payload payload, enum chunks_mode *ret_mode);

/* Where the chain of signatures begins. All slices must outlive the reader or writer that is made from it. */
struct chunks_seed {
    enum chunks_mode mode;
    struct sigv4_key key; /* CHUNKS_UNSIGNED_TRAILER ignores this and all that follows */
    slice timestamp, scope;
    slice signature; /* of the request */
};

/* ---- read ---- */

struct chunks_reader;
/* decoded_bytes  x-amz-decoded-content-length: the content must have exactly this many bytes
 * announced      x-amz-trailer, comma-separated: the body must have exactly these trailers */
struct chunks_reader *chunks_reader_new(const struct chunks_seed *seed, uint64_t decoded_bytes, slice announced);
void chunks_reader_free(struct chunks_reader *r); /* NULL is fine */
/* Remove some bytes from the front of *in; *ret_data is the part of them that is content, which may be empty. Call until
 * *in is empty. After a fault, every call returns the same fault. Faults: MISMATCH; CHUNK_…, TOO_LONG, TOO_SHORT and
 * TRAILER_… of faults.def, which say what breaks the grammar. */
MUST_USE enum sign_fault chunks_read(struct chunks_reader *r, slice *in, slice *ret_data);
/* Check the whole body, after its last byte. Faults: TRUNCATED, and the fault that chunks_read returned. */
MUST_USE enum sign_fault chunks_end(const struct chunks_reader *r);
/* The trailers, after the end of the body; names in lower case. They live in the reader. */
const struct sign_pair *chunks_trailers(const struct chunks_reader *r, size_t *ret_count);

/* ---- write ---- */

struct chunks_writer {
    struct chunks_seed seed;
    char previous[SIGV4_SIGNATURE_SIZE]; /* signature */
};
void chunks_writer_init(struct chunks_writer *w, const struct chunks_seed *seed);
void chunks_write(struct chunks_writer *w, slice data, struct buf *to); /* one chunk; data is not empty */
/* The last chunk and the trailers, whose names are in lower case. */
void chunks_write_end(struct chunks_writer *w, const struct sign_pair *trailers, size_t count, struct buf *to);
/* The Content-Length of decoded_bytes that are sent in chunks of chunk_bytes. */
uint64_t chunks_encoded_size(enum chunks_mode mode, uint64_t decoded_bytes, uint64_t chunk_bytes,
                             const struct sign_pair *trailers, size_t count);

#endif
