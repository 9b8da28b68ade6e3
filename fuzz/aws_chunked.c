/* SPDX-License-Identifier: Apache-2.0 */
/* aws-chunked bodies. The first byte is the mode, the second the size of the pieces in which the body arrives, the third
 * the declared length. The result does not depend on the pieces, and a body that chunks_write makes can be read. */
#include "fuzz.h"

#include "sign/chunks.h"

static struct chunks_seed seed_of(uint8_t mode)
{
    return (struct chunks_seed){ .mode = (enum chunks_mode)(mode % 3),
                                 .timestamp = S("20130524T000000Z"),
                                 .scope = S("20130524/us-east-1/s3/aws4_request"),
                                 .signature = S("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9") };
}

static enum sign_fault read_all(const struct chunks_seed *seed, slice body, uint64_t decoded, size_t step,
                                struct buf *ret)
{
    struct chunks_reader *r =
        chunks_reader_new(seed, decoded, seed->mode == CHUNKS_SIGNED ? S("") : S("x-amz-checksum-crc32"));
    enum sign_fault fault = SIGN_OK;
    while (body.n && !fault) {
        slice piece = slice_part(body, 0, step), data;
        body = slice_from(body, step);
        while (piece.n && !fault) {
            size_t before = piece.n;
            fault = chunks_read(r, &piece, &data);
            HOLDS(fault || piece.n < before);
            HOLDS(data.n <= before);
            buf_add(ret, data);
        }
    }
    HOLDS(!fault || chunks_end(r) == fault);
    fault = chunks_end(r);
    size_t trailers;
    chunks_trailers(r, &trailers);
    HOLDS(trailers <= CHUNKS_TRAILERS_MAX);
    HOLDS(ret->n <= decoded && (fault || ret->n == decoded));
    chunks_reader_free(r);
    return fault;
}

static void try_own(const struct chunks_seed *seed, slice data, size_t step)
{
    SCOPED(buf_releasep) struct buf body = { 0 };
    SCOPED(buf_releasep) struct buf back = { 0 };
    const struct sign_pair trailer = { S("x-amz-checksum-crc32"), S("AAAAAA==") };
    struct chunks_writer w;
    chunks_writer_init(&w, seed);
    for (slice rest = data; rest.n; rest = slice_from(rest, step))
        chunks_write(&w, slice_part(rest, 0, step), &body);
    chunks_write_end(&w, &trailer, 1, &body);
    HOLDS(body.n == chunks_encoded_size(seed->mode, data.n, step, &trailer, 1));
    HOLDS(read_all(seed, buf_slice(&body), data.n, 7, &back) == SIGN_OK);
    HOLDS(slice_eq(buf_slice(&back), data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    SCOPED(buf_releasep) struct buf pieces = { 0 };
    SCOPED(buf_releasep) struct buf whole = { 0 };
    struct chunks_seed seed = seed_of(data[0]);
    slice body = fuzz_slice(data + 3, size - 3);
    size_t step = (size_t)data[1] + 1;
    enum sign_fault fault = read_all(&seed, body, data[2], step, &pieces);
    enum sign_fault at_once = read_all(&seed, body, data[2], SIZE_MAX, &whole);
    /* Smaller pieces may find a fault after fewer bytes of content, but they find the same fault. */
    HOLDS(fault == at_once && (fault || slice_eq(buf_slice(&pieces), buf_slice(&whole))));
    if (body.n < 4096)
        try_own(&seed, body, step);
    return 0;
}
