/* SPDX-License-Identifier: Apache-2.0 */
/* aws-chunked bodies. The vectors are the examples of the Amazon S3 API reference: 65 KiB of "a" in chunks of 64 KiB,
 * without and with a CRC32C trailer. */
#include "test.h"

#include "base/text.h"
#include "sign/chunks.h"

#include <string.h>

#define SECRET S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define SIZE 66560

static struct chunks_seed seed_of(enum chunks_mode mode, slice signature)
{
    struct chunks_seed seed = { .mode = mode,
                                .timestamp = S("20130524T000000Z"),
                                .scope = S("20130524/us-east-1/s3/aws4_request"),
                                .signature = signature };
    sigv4_key_derive(SECRET, S("20130524"), S("us-east-1"), &seed.key);
    return seed;
}

static struct chunks_seed published_seed(void)
{
    return seed_of(CHUNKS_SIGNED, S("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"));
}

static slice letters(struct arena *a)
{
    char *p = arena_alloc(a, SIZE);
    memset(p, 'a', SIZE);
    return (slice){ p, SIZE };
}

static slice chained(const struct chunks_writer *w)
{
    return (slice){ w->previous, sizeof w->previous };
}

/* Reads a body in pieces of `step` bytes. */
static enum sign_fault read_all(const struct chunks_seed *seed, slice body, uint64_t decoded, slice announced,
                                size_t step, struct buf *ret)
{
    struct chunks_reader *r = chunks_reader_new(seed, decoded, announced);
    enum sign_fault fault = SIGN_OK;
    buf_clear(ret);
    while (body.n && !fault) {
        slice piece = slice_part(body, 0, step), data;
        body = slice_from(body, step);
        while (piece.n && !fault) {
            fault = chunks_read(r, &piece, &data);
            buf_add(ret, data);
        }
    }
    EXPECT(!fault || chunks_end(r) == fault);
    fault = chunks_end(r);
    chunks_reader_free(r);
    return fault;
}

TEST(aws_example_seed_signature_is_computed)
{
    SCRATCH(a);
    const struct sigv4_signer who = { S("AKIAIOSFODNN7EXAMPLE"), SECRET, S("us-east-1") };
    const struct sign_pair headers[] = { { S("host"), S("s3.amazonaws.com") },
                                         { S("content-encoding"), S("aws-chunked") },
                                         { S("content-length"), S("66824") },
                                         { S("x-amz-decoded-content-length"), S("66560") },
                                         { S("x-amz-storage-class"), S("REDUCED_REDUNDANCY") } };
    const struct sign_request r = { .method = S("PUT"),
                                    .path = S("/examplebucket/chunkObject.txt"),
                                    .headers = headers,
                                    .header_count = LENGTH_OF(headers) };
    struct sigv4_signed s;
    EXPECT_EQ(sigv4_sign(&who, &r, S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), 1369353600000, &a, &s), SIGN_OK);
    EXPECT_SLICE(s.signature, S("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"));
}

TEST(aws_example_of_three_chunks_is_read_and_written)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf body = { 0 }, back = { 0 };
    struct chunks_seed seed = published_seed();
    struct chunks_writer w;
    slice data = letters(&a);
    chunks_writer_init(&w, &seed);
    chunks_write(&w, slice_part(data, 0, 65536), &body);
    EXPECT(slice_starts(buf_slice(&body), S("10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a"
                                            "65485a288648\r\na")));
    chunks_write(&w, slice_from(data, 65536), &body);
    EXPECT_SLICE(chained(&w), S("0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"));
    chunks_write_end(&w, NULL, 0, &body);
    EXPECT(
        slice_ends(buf_slice(&body), S("\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e27"
                                       "9d449df9\r\n\r\n")));
    EXPECT_EQ(body.n, 66824);
    EXPECT_EQ(chunks_encoded_size(CHUNKS_SIGNED, SIZE, 65536, NULL, 0), 66824);
    const size_t steps[] = { 1, 7, 1000, 65536, 100000 };
    for (size_t i = 0; i < LENGTH_OF(steps); i++) {
        EXPECT_EQ(read_all(&seed, buf_slice(&body), SIZE, S(""), steps[i], &back), SIGN_OK);
        EXPECT_SLICE(buf_slice(&back), data);
    }
}

TEST(aws_example_of_a_trailer_is_read_and_written)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf body = { 0 }, back = { 0 };
    const struct sign_pair trailer = { S("x-amz-checksum-crc32c"), S("sOO8/Q==") };
    struct chunks_seed seed =
        seed_of(CHUNKS_SIGNED_TRAILER, S("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"));
    struct chunks_writer w;
    slice data = letters(&a);
    chunks_writer_init(&w, &seed);
    chunks_write(&w, slice_part(data, 0, 65536), &body);
    EXPECT_SLICE(chained(&w), S("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"));
    chunks_write(&w, slice_from(data, 65536), &body);
    EXPECT_SLICE(chained(&w), S("1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"));
    size_t before_end = body.n;
    chunks_write_end(&w, &trailer, 1, &body);
    EXPECT_SLICE(slice_from(buf_slice(&body), before_end),
                 S("0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
                   "x-amz-checksum-crc32c:sOO8/Q==\r\n"
                   "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"));
    EXPECT_EQ(chunks_encoded_size(CHUNKS_SIGNED_TRAILER, SIZE, 65536, &trailer, 1), body.n);
    EXPECT_EQ(read_all(&seed, buf_slice(&body), SIZE, trailer.name, 999, &back), SIGN_OK);
    EXPECT_SLICE(buf_slice(&back), data);
    /* as minio-go writes it */
    body.n = before_end;
    buf_add(&body,
            S("0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
              "x-amz-checksum-crc32c:sOO8/Q==\n\r\n"
              "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"));
    EXPECT_EQ(read_all(&seed, buf_slice(&body), SIZE, trailer.name, 999, &back), SIGN_OK);
    body.n -= 4;
    EXPECT_EQ(read_all(&seed, buf_slice(&body), SIZE, trailer.name, 999, &back), SIGN_TRUNCATED);
}

TEST(an_altered_or_missing_byte_of_a_signed_body_is_found)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf body = { 0 }, back = { 0 };
    const struct sign_pair trailer = { S("x-amz-checksum-crc32"), S("AAAAAA==") };
    for (int mode = CHUNKS_SIGNED; mode <= CHUNKS_SIGNED_TRAILER; mode++) {
        struct chunks_seed seed = published_seed();
        struct chunks_writer w;
        slice announced = mode == CHUNKS_SIGNED ? S("") : trailer.name;
        seed.mode = (enum chunks_mode)mode;
        chunks_writer_init(&w, &seed);
        buf_clear(&body);
        chunks_write(&w, S("hello, "), &body);
        chunks_write(&w, S("world"), &body);
        chunks_write_end(&w, &trailer, 1, &body);
        EXPECT_EQ(read_all(&seed, buf_slice(&body), 12, announced, 5, &back), SIGN_OK);
        for (size_t i = 0; i < body.n; i++) {
            char was = body.p[i];
            body.p[i] = was == '1' ? '2' : '1';
            if (read_all(&seed, buf_slice(&body), 12, announced, 5, &back) == SIGN_OK)
                fail_msg("mode %d: byte %zu may be altered", mode, i);
            body.p[i] = was;
            EXPECT_EQ(read_all(&seed, slice_part(buf_slice(&body), 0, i), 12, announced, 5, &back), SIGN_TRUNCATED);
        }
    }
}

static enum sign_fault read_unsigned(const char *body, uint64_t decoded, const char *announced)
{
    SCOPED(buf_releasep) struct buf back = { 0 };
    struct chunks_seed seed = { .mode = CHUNKS_UNSIGNED_TRAILER };
    return read_all(&seed, slice_of(body), decoded, slice_of(announced), 3, &back);
}

#define CRC "x-amz-checksum-crc32"

TEST(unsigned_chunks_of_the_newest_sdk_are_read)
{
    EXPECT_EQ(read_unsigned("5\r\nhello\r\n0\r\n" CRC ":NhCmhg==\r\n\r\n", 5, CRC), SIGN_OK);
    EXPECT_EQ(read_unsigned("0\r\n" CRC ": AAAAAA==\r\n\r\n", 0, " X-Amz-Checksum-CRC32 ,"), SIGN_OK);
    EXPECT_EQ(read_unsigned("5\r\nhello\r\n0\r\n\r\n", 5, ""), SIGN_OK);
    EXPECT_EQ(read_unsigned("3\r\nhel\r\n00002\r\nlo\r\n0\r\n\r\n", 5, ""), SIGN_OK);
    struct chunks_seed seed = { .mode = CHUNKS_UNSIGNED_TRAILER };
    struct chunks_reader *r = chunks_reader_new(&seed, 1, S(CRC));
    slice in = S("1\r\na\r\n0\r\nX-AMZ-Checksum-CRC32:\t6LdHQw== \r\n\r\n"), data;
    size_t count;
    while (in.n)
        EXPECT_EQ(chunks_read(r, &in, &data), SIGN_OK);
    EXPECT_EQ(chunks_end(r), SIGN_OK);
    const struct sign_pair *trailers = chunks_trailers(r, &count);
    EXPECT_EQ(count, 1);
    EXPECT_SLICE(trailers[0].name, S(CRC));
    EXPECT_SLICE(trailers[0].value, S("6LdHQw=="));
    chunks_reader_free(r);
}

TEST(malformed_framing_is_refused)
{
    const struct {
        const char *body, *announced;
        enum sign_fault fault;
    } cases[] = {
        { "5\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_CRLF },
        { "5 \r\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_SIZE },
        { "0x5\r\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_SIZE },
        { "+5\r\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_SIZE },
        { "5;a=b\r\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_SIZE },
        { "\r\n5\r\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_SIZE },
        { "5\r\nhello0\r\n\r\n", "", SIGN_CHUNK_END },
        { "5\r\nhello!\r\n0\r\n\r\n", "", SIGN_CHUNK_END },
        { "5\r\nhello\r\n0\r\n\r\nmore", "", SIGN_CHUNK_AFTER_LAST },
        { "5\r\nhello\r\n0\r\n\n", "", SIGN_CHUNK_CRLF },
        { "00000000000000005\r\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_SIZE },
        { "10000000000000005\r\nhello\r\n0\r\n\r\n", "", SIGN_CHUNK_SIZE },
        { "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "", SIGN_TOO_LONG },
        { "6\r\nhello!\r\n0\r\n\r\n", "", SIGN_TOO_LONG },
        { "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "", SIGN_TOO_LONG },
        { "4\r\nhell\r\n0\r\n\r\n", "", SIGN_TOO_SHORT },
        { "5\r\nhello\r\n0\r\n", "", SIGN_TRUNCATED },
        { "5\r\nhello\r\n", "", SIGN_TRUNCATED },
        { "5\r\nhell", "", SIGN_TRUNCATED },
        { "", "", SIGN_TRUNCATED },
        { "5\r\nhello\r\n0\r\n\r\n", CRC, SIGN_TRAILER_ABSENT },
        { "5\r\nhello\r\n0\r\n" CRC ":a\r\n\r\n", "", SIGN_TRAILER_UNKNOWN },
        { "5\r\nhello\r\n0\r\n" CRC ":a\r\n" CRC ":b\r\n\r\n", CRC, SIGN_TRAILER_TWICE },
        { "5\r\nhello\r\n0\r\nx-amz-acl:public\r\n\r\n", CRC, SIGN_TRAILER_UNKNOWN },
        { "5\r\nhello\r\n0\r\nwhat\r\n\r\n", CRC, SIGN_TRAILER_LINE },
        { "5\r\nhello\r\n0\r\n" CRC " :a\r\n\r\n", CRC, SIGN_TRAILER_UNKNOWN },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        enum sign_fault fault = read_unsigned(cases[i].body, 5, cases[i].announced);
        if (fault != cases[i].fault)
            fail_msg("case %zu gave: %s", i, sign_fault_text(fault));
    }
    char line[3000];
    memset(line, '0', sizeof line - 1);
    line[sizeof line - 1] = 0;
    EXPECT_EQ(read_unsigned(line, 5, ""), SIGN_CHUNK_LINE);
}

/* What the reader finds in the last chunk of an empty signed body with one trailer, whose end is `end`; the text up to the
 * trailers is right. */
static enum sign_fault read_signed_end(const char *end)
{
    SCOPED(buf_releasep) struct buf body = { 0 }, back = { 0 };
    struct chunks_seed seed = published_seed();
    struct chunks_writer w;
    seed.mode = CHUNKS_SIGNED_TRAILER;
    chunks_writer_init(&w, &seed);
    chunks_write_end(&w, NULL, 0, &body);
    body.n = slice_find_byte(buf_slice(&body), '\n') + 1;
    buf_add(&body, slice_of(end));
    return read_all(&seed, buf_slice(&body), 0, S(CRC), 3, &back);
}

TEST(malformed_signed_framing_and_trailers_are_refused)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf body = { 0 }, back = { 0 };
    struct chunks_seed seed = published_seed();
    seed.mode = CHUNKS_SIGNED;
    EXPECT_EQ(read_all(&seed, S("5\r\nhello\r\n"), 5, S(""), 3, &back), SIGN_CHUNK_SIGNATURE);
    EXPECT_EQ(read_all(&seed, S("5;chunk-signature=0\r\nhello\r\n"), 5, S(""), 3, &back), SIGN_CHUNK_SIGNATURE);
    EXPECT_EQ(read_all(&seed, S("0"), 0, S(CRC), 3, &back), SIGN_TRAILER_MODE);
    EXPECT_EQ(read_signed_end(CRC ":AAAAAA==\r\n\r\n\r\n"), SIGN_TRAILER_UNSIGNED);
    EXPECT_EQ(read_signed_end(CRC ":AAAAAA==\r\n\r\n" CRC "c:AAAAAA==\r\n"), SIGN_TRAILER_AFTER_LAST);
    EXPECT_EQ(read_signed_end(CRC ":AAAAAA==\r\nx-amz-trailer-signature:0\r\n"), SIGN_MISMATCH);
    EXPECT_EQ(read_unsigned("0\r\n", 0, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"), SIGN_TRAILER_COUNT);
    buf_add(&body, S("0\r\n"));
    for (char name = 'a'; name <= 'p'; name++)
        buf_printf(&body, "%c:%0600d\r\n", name, 0);
    EXPECT_EQ(read_unsigned(arena_cstr(&a, buf_slice(&body)), 0, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p"),
              SIGN_TRAILER_BYTES);
}

TEST(the_payload_tag_determines_the_mode_of_chunks)
{
    enum chunks_mode mode;
    EXPECT(chunks_mode_of(SIGV4_PAYLOAD_CHUNKS, &mode) && mode == CHUNKS_SIGNED);
    EXPECT(chunks_mode_of(SIGV4_PAYLOAD_CHUNKS_TRAILER, &mode) && mode == CHUNKS_SIGNED_TRAILER);
    EXPECT(chunks_mode_of(SIGV4_PAYLOAD_UNSIGNED_CHUNKS_TRAILER, &mode) && mode == CHUNKS_UNSIGNED_TRAILER);
    EXPECT(!chunks_mode_of(SIGV4_PAYLOAD_UNSIGNED, &mode) && !chunks_mode_of(SIGV4_PAYLOAD_SHA256, &mode));
}

RUN_TESTS(cmocka_unit_test(aws_example_seed_signature_is_computed),
          cmocka_unit_test(aws_example_of_three_chunks_is_read_and_written),
          cmocka_unit_test(aws_example_of_a_trailer_is_read_and_written),
          cmocka_unit_test(an_altered_or_missing_byte_of_a_signed_body_is_found),
          cmocka_unit_test(unsigned_chunks_of_the_newest_sdk_are_read), cmocka_unit_test(malformed_framing_is_refused),
          cmocka_unit_test(malformed_signed_framing_and_trailers_are_refused),
          cmocka_unit_test(the_payload_tag_determines_the_mode_of_chunks))
