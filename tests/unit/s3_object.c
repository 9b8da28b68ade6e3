/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on objects: bodies in every encoding, headers and digests, reads, copies. */
#include "test.h"

#include "base/crc.h"
#include "base/text.h"
#include "core/records/account.h"
#include "records_fixture.h"
#include "s3_fixture.h"
#include "sign/chunks.h"

#include <stdio.h>
#include <string.h>

static slice crc32_text(struct s3_fixture *f, slice bytes)
{
    uint32_t crc = crc32_update(0, bytes);
    char four[4] = { (char)(crc >> 24), (char)(crc >> 16), (char)(crc >> 8), (char)crc };
    return base64_encode(f->a, (slice){ four, 4 });
}

static slice md5_text(struct s3_fixture *f, slice bytes)
{
    unsigned char md5[MD5_SIZE];
    hash_md5(bytes, md5);
    return base64_encode(f->a, (slice){ (char *)md5, MD5_SIZE });
}

/* A link for PUT that contains these parameters. */
static slice put_link(struct s3_fixture *f, const struct s3_user *p, const char *path, slice more)
{
    struct sign_pair host = { S("host"), S("cais.test") }, param = { 0 };
    slice_cut(more, '=', &param.name, &param.value);
    struct sign_request r = { S("PUT"), slice_of(path), &param, more.n > 0, &host, 1 };
    slice query;
    EXPECT_EQ(sigv4_sign_link(&(struct sigv4_signer){ p->access_key, p->secret, S("us-east-1") }, &r, 60,
                              core_now_ms(&f->w->core), f->a, &query),
              SIGN_OK);
    return arena_printf(f->a, "%s?" SLICE_FMT, path, SLICE_ARG(query));
}

#define HOST_HEADER                                                                                                    \
    {                                                                                                                  \
        S("Host"), S("cais.test")                                                                                      \
    }

static struct fake_reply *get(struct s3_fixture *f, const struct s3_user *p, const char *path)
{
    return s3_send(f, p, "GET", path, "");
}

static void expect_absent(struct s3_fixture *f, const struct s3_user *p, const char *path)
{
    EXPECT_STATUS(s3_send(f, p, "HEAD", path, ""), 404);
    EXPECT_EQ(world_blob_count(f->w), 0);
}

/* ---- headers ---- */

TEST(headers_are_returned_as_they_were_sent)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("Content-Type"), S("text/x") },
                                             { S("cache-control"), S("no-cache, max-age=1") },
                                             { S("Content-Disposition"), S("attachment; filename=\"\xc3\xbc.txt\"") },
                                             { S("Content-Language"), S("pt") },
                                             { S("Expires"), S("Thu, 01 Dec 2026 16:00:00 GMT") },
                                             { S("Content-Encoding"), S("gzip") },
                                             { S("X-Amz-Meta-Color"), S("blue: \xc3\xbc") },
                                             { S("x-amz-tagging"), S("a=1&b%20c=2") } },
                                .body = S("hello") };
    struct fake_reply *r = s3_send_request(f, &ana, &put);
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "ETag"), s3_etag_of(f, "hello"));
    EXPECT_SLICE(r->body, S(""));
    r = get(f, &ana, "/photos/a");
    EXPECT_SLICE(r->body, S("hello"));
    EXPECT_SLICE(r->etag, s3_etag_of(f, "hello"));
    EXPECT_SLICE(r->content_type, S("text/x"));
    EXPECT_EQ(r->last_modified_ms, WORLD_START_MS);
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-cache, max-age=1"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=\"\xc3\xbc.txt\""));
    EXPECT_SLICE(fake_reply_header(r, "Content-Language"), S("pt"));
    EXPECT_SLICE(fake_reply_header(r, "Expires"), S("Thu, 01 Dec 2026 16:00:00 GMT"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Encoding"), S("gzip"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-meta-color"), S("=?UTF-8?B?Ymx1ZTogw7w=?="));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-tagging-count"), S("2"));
    s3_put_object(f, &ana, "/photos/b", "");
    r = get(f, &ana, "/photos/b");
    EXPECT_SLICE(r->content_type, S("binary/octet-stream"));
    EXPECT_SLICE(r->body, S(""));
}

TEST(headers_that_ask_for_more_than_is_offered_are_refused)
{
    S3_FIXTURE(f);
    const struct {
        slice name, value;
        int status;
        const char *code;
    } refused[] = { { S("x-amz-acl"), S("public-read"), 400, "AccessControlListNotSupported" },
                    { S("x-amz-grant-read"), S("id=x"), 400, "AccessControlListNotSupported" },
                    { S("x-amz-server-side-encryption"), S("aws:kms"), 501, "NotImplemented" },
                    { S("x-amz-storage-class"), S("GLACIER"), 400, "InvalidStorageClass" },
                    { S("x-amz-object-lock-mode"), S("GOVERNANCE"), 400, "InvalidRequest" },
                    { S("x-amz-website-redirect-location"), S("/x"), 501, "NotImplemented" },
                    { S("x-amz-write-offset-bytes"), S("5"), 501, "NotImplemented" },
                    { S("If-None-Match"), S("\"abc\""), 501, "NotImplemented" },
                    { S("x-amz-tagging"), S("a=1&a=2"), 400, "InvalidTag" },
                    { S("Content-MD5"), S("xyz"), 400, "InvalidDigest" },
                    { S("x-amz-checksum-crc32"), S("AAA="), 400, "InvalidRequest" },
                    { S("x-amz-sdk-checksum-algorithm"), S("CRC7"), 400, "InvalidRequest" } };
    for (size_t i = 0; i < LENGTH_OF(refused); i++) {
        struct fake_request put = { .method = "PUT",
                                    .target = S("/photos/a"),
                                    .headers = { { refused[i].name, refused[i].value } },
                                    .body = S("hello") };
        struct fake_reply *r = s3_send_request(f, &ana, &put);
        EXPECT_S3_ERROR(f, r, refused[i].status, refused[i].code);
        EXPECT(!r->received);
        expect_absent(f, &ana, "/photos/a");
    }
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos/a?partNumber=1", "x"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a?versionId=other", ""), 404, "NoSuchVersion");
    struct fake_request fine = { .method = "PUT",
                                 .target = S("/photos/a"),
                                 .headers = { { S("x-amz-acl"), S("private") },
                                              { S("x-amz-storage-class"), S("STANDARD") } },
                                 .body = S("hello") };
    EXPECT_STATUS(s3_send_request(f, &ana, &fine), 200);
}

TEST(encryption_and_conditions_that_are_not_offered_were_passed_over)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos/a", "hello"), 200);
    static const char *const requests[][2] = {
        { "DELETE", "/photos/a" },
        { "GET", "/photos/a" },
        { "HEAD", "/photos/a" },
        { "PUT", "/photos/a" },
        { "PUT", "/photos/a?partNumber=1&uploadId=1" },
        { "POST", "/photos/a?uploadId=1" },
        { "POST", "/photos/a?uploads" },
    };
    static const char *const headers[][2] = {
        { "x-amz-if-match-size", "77" },
        { "x-amz-if-match-last-modified-time", "Sat, 21 Nov 2026 14:04:09 GMT" },
        { "x-amz-server-side-encryption-customer-algorithm", "AES256" },
        { "X-Amz-Server-Side-Encryption", "AES256" },
        { "x-amz-copy-source-server-side-encryption-customer-key", "x" },
    };
    for (size_t i = 0; i < LENGTH_OF(requests) * LENGTH_OF(headers); i++) {
        const char *const *request = requests[i / LENGTH_OF(headers)], *const *header = headers[i % LENGTH_OF(headers)];
        struct fake_request r = { .method = request[0],
                                  .target = slice_of(request[1]),
                                  .headers = { { slice_of(header[0]), slice_of(header[1]) } } };
        struct fake_reply *reply = s3_send_request(f, &ana, &r);
        EXPECT_STATUS(reply, 501);
        if (strcmp(request[0], "HEAD") != 0)
            EXPECT_S3_ERROR(f, reply, 501, "NotImplemented");
    }
    struct fake_reply *kept = s3_send(f, &ana, "GET", "/photos/a", "");
    EXPECT_SLICE(kept->body, S("hello"));
}

/* Readers took raw UTF-8 in a header for ISO-8859-1. */
TEST(metadata_outside_ascii_is_sent_as_encoded_words_and_kept_decoded)
{
    S3_FIXTURE(f);
    static const char *const values[][2] = {
        { "caf\xc3\xa9", "=?UTF-8?B?Y2Fmw6k=?=" },
        { "=?UTF-8?B?Y2Fmw6k=?=", "=?UTF-8?B?Y2Fmw6k=?=" },
        { "=?utf-8?q?caf=C3=A9?=", "=?UTF-8?B?Y2Fmw6k=?=" },
        { "=?UTF-8?Q?plain_text?=", "plain text" },
        { "=?x?=", "=?x?=" },
    };
    for (size_t i = 0; i < LENGTH_OF(values); i++) {
        struct fake_request put = { .method = "PUT",
                                    .target = S("/photos/a"),
                                    .headers = { { S("x-amz-meta-n"), slice_of(values[i][0]) } },
                                    .body = S("hello") };
        EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
        EXPECT_SLICE(fake_reply_header(get(f, &ana, "/photos/a"), "x-amz-meta-n"), slice_of(values[i][1]));
    }
    struct fake_request hostile = { .method = "PUT",
                                    .target = S("/photos/a"),
                                    .headers = { { S("x-amz-meta-n"), S("=?UTF-8?Q?a=0D=0ASet-Cookie:_b?=") } },
                                    .body = S("other") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &hostile), 400, "InvalidArgument");
    EXPECT_SLICE(get(f, &ana, "/photos/a")->body, S("hello"));
}

TEST(metadata_is_limited_to_2_KiB)
{
    S3_FIXTURE(f);
    char value[2049];
    memset(value, 'v', sizeof value);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("x-amz-meta-k"), { value, 2047 } } },
                                .body = S("hello") };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    put.headers[0].value.n = 2048;
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "MetadataTooLarge");
}

/* ---- digests ---- */

TEST(a_declared_digest_is_compared_with_the_bytes)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT", .target = S("/photos/a"), .body = S("hello") };
    put.headers[0] = (struct http_header){ S("Content-MD5"), md5_text(f, S("hellO")) };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "BadDigest");
    put.headers[0] = (struct http_header){ S("x-amz-checksum-crc32"), crc32_text(f, S("hellO")) };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "BadDigest");
    put.headers[0] = (struct http_header){ S("Content-MD5"), md5_text(f, S("hello")) };
    put.headers[1] = (struct http_header){ S("Content-MD5"), md5_text(f, S("hellO")) };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidDigest");
    expect_absent(f, &ana, "/photos/a");
    put.headers[0] = (struct http_header){ S("x-amz-checksum-crc32"), crc32_text(f, S("hello")) };
    put.headers[1] = (struct http_header){ S("Content-MD5"), md5_text(f, S("hello")) };
    struct fake_reply *r = s3_send_request(f, &ana, &put);
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-crc32"), crc32_text(f, S("hello")));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-type"), S("FULL_OBJECT"));
    /* shown on request, and only with the whole object */
    struct fake_request ask = { .target = S("/photos/a"), .headers = { { S("x-amz-checksum-mode"), S("ENABLED") } } };
    EXPECT_SLICE(fake_reply_header(s3_send_request(f, &ana, &ask), "x-amz-checksum-crc32"), crc32_text(f, S("hello")));
    ask.headers[1] = (struct http_header){ S("Range"), S("bytes=0-1") };
    EXPECT(!fake_reply_header(s3_send_request(f, &ana, &ask), "x-amz-checksum-crc32").p);
    EXPECT(!fake_reply_header(get(f, &ana, "/photos/a"), "x-amz-checksum-crc32").p);
    put.headers[1] = (struct http_header){ S("x-amz-checksum-sha1"), S("qvTGHdzF6KLavt4PO0gs2a6pQ00=") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidRequest");
}

TEST(an_unsupported_checksum_is_refused)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT", .target = S("/photos/a"), .body = S("hello") };
    put.headers[0] = (struct http_header){ S("x-amz-checksum-blake3"), S("AAAAAAAAAAA=") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidRequest");
    put.headers[0] = (struct http_header){ S("x-amz-trailer"), S("x-amz-checksum-md4") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidRequest");
    expect_absent(f, &ana, "/photos/a");
    put.headers[0] = (struct http_header){ S("x-amz-checksum-algorithm"), S("SHA1") };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
}

TEST(every_checksum_algorithm_is_supported)
{
    S3_FIXTURE(f);
    static const char *const values[][2] = {
        { "x-amz-checksum-crc32", "NhCmhg==" },
        { "x-amz-checksum-crc32c", "mnG7TA==" },
        { "x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=" },
        { "x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=" },
        { "x-amz-checksum-md5", "XUFAKrxLKna5cZ2REBfFkg==" },
    };
    for (size_t i = 0; i < LENGTH_OF(values); i++) {
        struct fake_request put = { .method = "PUT",
                                    .target = S("/photos/a"),
                                    .headers = { { slice_of(values[i][0]), slice_of(values[i][1]) } },
                                    .body = S("hello") };
        EXPECT_SLICE(fake_reply_header(s3_send_request(f, &ana, &put), values[i][0]), slice_of(values[i][1]));
    }
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("x-amz-checksum-algorithm"), S("crc64nvme") } },
                                .body = S("hello") };
    EXPECT(fake_reply_header(s3_send_request(f, &ana, &put), "x-amz-checksum-crc64nvme").n == 12);
    static const char *const others[][2] = { { "SHA512", "x-amz-checksum-sha512" },
                                             { "XXHASH64", "x-amz-checksum-xxhash64" },
                                             { "XXHASH3", "x-amz-checksum-xxhash3" },
                                             { "XXHASH128", "x-amz-checksum-xxhash128" } };
    for (size_t i = 0; i < LENGTH_OF(others); i++) {
        put.headers[0] = (struct http_header){ S("x-amz-checksum-algorithm"), slice_of(others[i][0]) };
        slice value = fake_reply_header(s3_send_request(f, &ana, &put), others[i][1]);
        put.headers[0] = (struct http_header){ slice_of(others[i][1]), value };
        EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
        put.body = S("other");
        EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "BadDigest");
        put.body = S("hello");
    }
}

/* As S3 does since December 2024. */
TEST(an_object_without_a_checksum_gets_a_crc64nvme)
{
    S3_FIXTURE(f);
    slice crc = fake_reply_header(s3_send(f, &ana, "PUT", "/photos/a", "123456789"), "x-amz-checksum-crc64nvme");
    EXPECT_SLICE(crc, S("rosUhgp5mIg="));
    struct fake_request get_it = { .target = S("/photos/a"),
                                   .headers = { { S("x-amz-checksum-mode"), S("ENABLED") } } };
    struct fake_reply *r = s3_send_request(f, &ana, &get_it);
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-crc64nvme"), crc);
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-type"), S("FULL_OBJECT"));
}

TEST(a_copy_may_have_another_checksum_than_its_source)
{
    S3_FIXTURE(f);
    slice large = world_bytes(f->w, 300000);
    struct fake_request put = { .method = "PUT", .target = S("/photos/a"), .body = large };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    struct fake_request copy_it = { .method = "PUT",
                                    .target = S("/photos/b"),
                                    .headers = { { S("x-amz-copy-source"), S("photos/a") },
                                                 { S("x-amz-checksum-algorithm"), S("SHA256") } } };
    struct fake_reply *r = s3_send_request(f, &ana, &copy_it);
    EXPECT_STATUS(r, 200);
    unsigned char sha256[SHA256_SIZE];
    hash_sha256(large, sha256);
    slice want = base64_encode(f->a, (slice){ (const char *)sha256, sizeof sha256 });
    EXPECT_SLICE(s3_text(f, r, "CopyObjectResult.ChecksumSHA256"), want);
    struct fake_request get_it = { .target = S("/photos/b"),
                                   .headers = { { S("x-amz-checksum-mode"), S("ENABLED") } } };
    r = s3_send_request(f, &ana, &get_it);
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-sha256"), want);
    EXPECT_SLICE(r->body, large);
}

TEST(a_checksum_in_the_query_of_a_link_is_ignored)
{
    S3_FIXTURE(f);
    slice link = put_link(f, &ana, "/photos/a", S("x-amz-checksum-crc32=AAAAAA%3D%3D"));
    struct fake_request put = { .method = "PUT", .target = link, .headers = { HOST_HEADER }, .body = S("hello") };
    EXPECT_STATUS(fake_http_send(&f->http, &put), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a")->body, S("hello"));
}

/* ---- encodings of bodies ---- */

TEST(axios_and_dotnet_can_use_the_same_link)
{
    S3_FIXTURE(f);
    slice link = put_link(f, &ana, "/photos/a", S(""));
    struct fake_request axios = { .method = "PUT",
                                  .target = link,
                                  .headers = { HOST_HEADER, { S("Content-Type"), S("text/csv") } },
                                  .body = S("hello"),
                                  .chunked = true };
    EXPECT_STATUS(fake_http_send(&f->http, &axios), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a")->content_type, S("text/csv"));
    struct fake_request dotnet = { .method = "PUT", .target = link, .headers = { HOST_HEADER }, .body = S("world") };
    EXPECT_STATUS(fake_http_send(&f->http, &dotnet), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a")->body, S("world"));
}

struct wrapped {
    enum chunks_mode mode;
    slice content;
    size_t chunk;
    const char *tag;
    slice trailer; /* the value of the CRC32 trailer; empty: the right value */
    bool no_length;
};

/* A PUT with an aws-chunked body, as an SDK makes it. */
static struct fake_request wrap(struct s3_fixture *f, const struct s3_user *p, const char *path,
                                const struct wrapped *w)
{
    bool trailers = w->mode != CHUNKS_SIGNED;
    struct sign_pair headers[] = { { S("host"), S("cais.test") },
                                   { S("content-encoding"), S("aws-chunked") },
                                   { S("x-amz-decoded-content-length"), arena_printf(f->a, "%zu", w->content.n) },
                                   { S("x-amz-trailer"), S("x-amz-checksum-crc32") } };
    struct sign_request r = { S("PUT"), slice_of(path), NULL, 0, headers, trailers ? 4 : 3 };
    struct sigv4_signed made;
    EXPECT_EQ(sigv4_sign(&(struct sigv4_signer){ p->access_key, p->secret, S("us-east-1") }, &r, slice_of(w->tag),
                         core_now_ms(&f->w->core), f->a, &made),
              SIGN_OK);
    struct chunks_seed seed = { w->mode, made.key, made.timestamp, made.scope, made.signature };
    struct chunks_writer writer;
    struct buf body;
    buf_init(&body, 0);
    chunks_writer_init(&writer, &seed);
    for (slice left = w->content; left.n; left = slice_from(left, w->chunk))
        chunks_write(&writer, slice_part(left, 0, w->chunk), &body);
    struct sign_pair trailer = { S("x-amz-checksum-crc32"), w->trailer.n ? w->trailer : crc32_text(f, w->content) };
    chunks_write_end(&writer, &trailer, trailers, &body);
    struct fake_request request = { .method = "PUT",
                                    .target = slice_of(path),
                                    .headers = { { S("Host"), headers[0].value },
                                                 { S("Content-Encoding"), headers[1].value },
                                                 { headers[2].name, headers[2].value },
                                                 { S("x-amz-date"), made.timestamp },
                                                 { S("x-amz-content-sha256"), slice_of(w->tag) },
                                                 { S("Authorization"), made.authorization } },
                                    .body = arena_copy(f->a, buf_slice(&body)),
                                    .chunked = w->no_length };
    if (trailers)
        request.headers[6] = (struct http_header){ headers[3].name, headers[3].value };
    buf_release(&body);
    return request;
}

#define SIGNED_TAG "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#define TRAILER_TAG "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
#define UNSIGNED_TAG "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

TEST(chunked_bodies_of_any_size_are_unwrapped)
{
    S3_FIXTURE(f);
    static const struct {
        enum chunks_mode mode;
        const char *tag;
    } modes[] = { { CHUNKS_SIGNED, SIGNED_TAG },
                  { CHUNKS_SIGNED_TRAILER, TRAILER_TAG },
                  { CHUNKS_UNSIGNED_TRAILER, UNSIGNED_TAG } };
    static const size_t sizes[] = { 0, 1, 1000, 8192, 65536, 200000 };
    for (size_t m = 0; m < LENGTH_OF(modes); m++)
        for (size_t s = 0; s < LENGTH_OF(sizes); s++) {
            struct wrapped w = { modes[m].mode, world_bytes(f->w, sizes[s]), 8192, modes[m].tag, S(""), s % 2 == 0 };
            struct fake_request r = wrap(f, &ana, "/photos/a", &w);
            struct fake_reply *reply = fake_http_send(&f->http, &r);
            EXPECT_STATUS(reply, 200);
            if (w.mode != CHUNKS_SIGNED)
                EXPECT_SLICE(fake_reply_header(reply, "x-amz-checksum-crc32"), crc32_text(f, w.content));
            reply = get(f, &ana, "/photos/a");
            EXPECT_SLICE(reply->body, w.content);
            EXPECT(!fake_reply_header(reply, "Content-Encoding").p); /* aws-chunked is not an encoding of the object */
        }
}

TEST(an_invalid_chunked_body_stores_nothing)
{
    S3_FIXTURE(f);
    slice content = world_bytes(f->w, 30000);
    struct wrapped w = { CHUNKS_UNSIGNED_TRAILER, content, 8192, UNSIGNED_TAG, crc32_text(f, S("x")), true };
    struct fake_request r = wrap(f, &ana, "/photos/a", &w);
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "BadDigest");
    w.trailer = S("AAA=");
    r = wrap(f, &ana, "/photos/a", &w);
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 400, "MalformedTrailerError");
    EXPECT(slice_ends(s3_text(f, reply, "Error.Message"), S(": the value of the checksum is not valid.")));
    w = (struct wrapped){ CHUNKS_SIGNED, content, 8192, SIGNED_TAG, S(""), false };
    r = wrap(f, &ana, "/photos/a", &w);
    char *bytes = (char *)r.body.p;
    bytes[20000] = (char)(bytes[20000] + 1);
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "SignatureDoesNotMatch");
    bytes[20000] = (char)(bytes[20000] - 1);
    r.body.n -= 10; /* no last chunk */
    reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 400, "IncompleteBody");
    EXPECT_SLICE(s3_text(f, reply, "Error.Message"),
                 S("The aws-chunked body is incomplete: the body ended before its last chunk was complete."));
    r.body.n += 10;
    bytes[0] = 'x';
    reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 400, "InvalidRequest");
    EXPECT_SLICE(
        s3_text(f, reply, "Error.Message"),
        S("The aws-chunked body is not well-formed: the size of a chunk is not a hexadecimal number of 1 to 16 "
          "digits."));
    expect_absent(f, &ana, "/photos/a");
}

TEST(versitygw_753_the_size_of_an_object_is_its_decoded_length)
{
    S3_FIXTURE(f);
    struct wrapped w = { CHUNKS_UNSIGNED_TRAILER, world_bytes(f->w, 20000), 100, UNSIGNED_TAG, S(""), false };
    struct fake_request r = wrap(f, &ana, "/photos/a", &w);
    EXPECT(r.body.n > 21000);
    EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
    EXPECT_EQ(get(f, &ana, "/photos/a")->body.n, 20000);
    /* the decoded length is larger than the body */
    r.headers[2].value = S("20001");
    EXPECT_STATUS(fake_http_send(&f->http, &r), 403); /* the trailer is signed */
    struct fake_request unsized = wrap(f, &ana, "/photos/b", &w);
    for (size_t i = 2; i < 8; i++)
        unsized.headers[i] = unsized.headers[i + 1];
    EXPECT_STATUS(fake_http_send(&f->http, &unsized), 403);
    unsized = (struct fake_request){ .method = "PUT",
                                     .target = S("/photos/b"),
                                     .headers = { { S("x-amz-decoded-content-length"), S("x") } } };
    EXPECT_STATUS(s3_send_request(f, &ana, &unsized),
                  200); /* the body is not aws-chunked, so the decoded length is ignored */
}

TEST(files_primary_s3_620_a_short_body_stores_no_object)
{
    S3_FIXTURE(f);
    slice link = put_link(f, &ana, "/photos/a", S(""));
    static const size_t sizes[] = { 0, 5, 20000, 200000 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        for (int chunked = 0; chunked < 2; chunked++) {
            struct fake_request put = { .method = "PUT",
                                        .target = link,
                                        .headers = { HOST_HEADER },
                                        .body = world_bytes(f->w, sizes[i]),
                                        .chunked = chunked,
                                        .cut = true };
            EXPECT_S3_ERROR(f, fake_http_send(&f->http, &put), 400, "IncompleteBody");
            expect_absent(f, &ana, "/photos/a");
        }
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

TEST(a_declared_length_that_is_too_large_is_refused_before_the_body)
{
    S3_FIXTURE(f);
    slice link = put_link(f, &ana, "/photos/a", S(""));
    struct fake_request put = { .method = "PUT",
                                .target = link,
                                .headers = { HOST_HEADER, { S("Expect"), S("100-continue") } },
                                .body = world_bytes(f->w, (1 << 20) + 1) };
    struct fake_reply *r = fake_http_send(&f->http, &put);
    EXPECT_S3_ERROR(f, r, 400, "EntityTooLarge");
    EXPECT(!r->received);
    EXPECT_SLICE(s3_text(f, r, "Error.MaxSizeAllowed"), S("1048576"));
    put.chunked = true;
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &put), 400, "EntityTooLarge");
    expect_absent(f, &ana, "/photos/a");
    put.body.n--;
    EXPECT_STATUS(fake_http_send(&f->http, &put), 200);
}

TEST(a_wrong_head_is_refused_before_the_body_is_read)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT", .target = S("/nowhere/a"), .body = S("hello") };
    struct fake_reply *r = s3_send_request(f, &ana, &put);
    EXPECT_S3_ERROR(f, r, 404, "NoSuchBucket");
    EXPECT(!r->received);
    r = fake_http_send(&f->http, &put);
    EXPECT_S3_ERROR(f, r, 403, "AccessDenied");
    EXPECT(!r->received);
}

TEST(a_get_or_delete_may_have_a_body)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a", "{}\n")->body, S("hello"));
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos/a", "{}\n"), 204);
    EXPECT_STATUS(get(f, &ana, "/photos/a"), 404);
}

/* ---- conditional writes ---- */

TEST(a_condition_decides_whether_an_object_is_replaced)
{
    S3_FIXTURE(f);
    struct fake_request put = {
        .method = "PUT", .target = S("/photos/a"), .headers = { { S("If-None-Match"), S("*") } }, .body = S("hello")
    };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 412, "PreconditionFailed");
    put.body = S("world");
    put.headers[0] = (struct http_header){ S("If-Match"), s3_etag_of(f, "other") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 412, "PreconditionFailed");
    EXPECT_SLICE(get(f, &ana, "/photos/a")->body, S("hello"));
    put.headers[0].value = s3_etag_of(f, "hello");
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a")->body, S("world"));
    struct fake_request remove = { .method = "DELETE",
                                   .target = S("/photos/a"),
                                   .headers = { { S("If-Match"), s3_etag_of(f, "hello") } } };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &remove), 412, "PreconditionFailed");
    remove.headers[0].value = s3_etag_of(f, "world");
    EXPECT_STATUS(s3_send_request(f, &ana, &remove), 204);
}

TEST(a_condition_with_an_empty_etag_matches_no_object)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    const slice empty[] = { S("\"\""), S("") };
    for (size_t i = 0; i < LENGTH_OF(empty); i++) {
        struct fake_request r = {
            .method = "PUT", .target = S("/photos/a"), .headers = { { S("If-Match"), empty[i] } }, .body = S("world")
        };
        EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &r), 412, "PreconditionFailed");
        r = (struct fake_request){ .method = "DELETE",
                                   .target = S("/photos/a"),
                                   .headers = { { S("If-Match"), empty[i] } } };
        EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &r), 412, "PreconditionFailed");
    }
    struct fake_reply *r =
        s3_send(f, &ana, "POST", "/photos?delete", "<Delete><Object><Key>a</Key><ETag>\"\"</ETag></Object></Delete>");
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error.Code"), S("PreconditionFailed"));
    EXPECT_SLICE(get(f, &ana, "/photos/a")->body, S("hello"));
}

/* ---- reads ---- */

TEST(an_error_names_the_missing_bucket_or_key)
{
    S3_FIXTURE(f);
    struct fake_reply *r = get(f, &ana, "/photos/no%20thing");
    EXPECT_S3_ERROR(f, r, 404, "NoSuchKey");
    EXPECT_SLICE(s3_text(f, r, "Error.Key"), S("no thing"));
    r = s3_send(f, &ana, "HEAD", "/photos/nothing", "");
    EXPECT_STATUS(r, 404);
    EXPECT_SLICE(r->body, S(""));
    EXPECT_S3_ERROR(f, get(f, &ana, "/nowhere/a"), 404, "NoSuchBucket");
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos/nothing", ""), 204);
}

TEST(response_parameters_override_headers_of_a_get)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("Content-Type"), S("text/x") }, { S("Cache-Control"), S("private") } },
                                .body = S("hello") };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    struct fake_reply *r = get(f, &ana,
                               "/photos/a?response-content-type=text%2Fplain&response-cache-control=no-store"
                               "&response-content-disposition=attachment%3B%20filename%3D%22b%22"
                               "&response-content-language=de&response-expires=0&response-content-encoding=gzip");
    EXPECT_SLICE(r->content_type, S("text/plain"));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=\"b\""));
    EXPECT_SLICE(fake_reply_header(r, "Content-Language"), S("de"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Encoding"), S("gzip"));
    EXPECT_SLICE(fake_reply_header(r, "Expires"), S("0"));
    EXPECT_S3_ERROR(f, get(f, &ana, "/photos/a?response-content-type=a%0D%0ASet-Cookie:x"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, NULL, "GET", "/photos/a?response-content-type=text/html", ""), 403, "AccessDenied");
}

/* Once some types were let through as harmless; then a list of types passed as an image. */
TEST(ghsa_v9fg_content_of_every_type_is_sandboxed)
{
    S3_FIXTURE(f);
    static const char *const types[] = { "text/html",
                                         "TEXT/HTML; charset=utf-8",
                                         "image/svg+xml",
                                         "application/xhtml+xml",
                                         "multipart/x-mixed-replace",
                                         "image/png; x=x, text/html",
                                         "image/png, text/html",
                                         "text/plain; charset=utf-7",
                                         "image/png\ttext/html",
                                         "*/*",
                                         "",
                                         "text/plain",
                                         "image/png",
                                         "image/jpeg",
                                         "video/mp4",
                                         "application/octet-stream",
                                         "application/pdf" };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        struct fake_request put = { .method = "PUT",
                                    .target = S("/photos/a"),
                                    .headers = { { S("Content-Type"), slice_of(types[i]) } },
                                    .body = S("<script>alert(1)</script>") };
        EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
        struct fake_reply *r = get(f, &ana, "/photos/a");
        EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
        EXPECT_SLICE(fake_reply_header(r, "Content-Security-Policy"), S("sandbox"));
        EXPECT(!fake_reply_header(r, "Set-Cookie").p);
    }
    static const char *const overrides[] = { "text/html", "image/png%3B%20x%3Dx%2C%20text/html", "image/x%2Bxml",
                                             "image/png" };
    for (size_t i = 0; i < LENGTH_OF(overrides); i++) {
        struct fake_reply *r = get(f, &ana, arena_printf(f->a, "/photos/a?response-content-type=%s", overrides[i]).p);
        EXPECT_STATUS(r, 200);
        EXPECT_SLICE(fake_reply_header(r, "Content-Security-Policy"), S("sandbox"));
    }
}

TEST(an_object_that_was_put_whole_is_its_part_1)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    struct fake_reply *r = get(f, &ana, "/photos/a?partNumber=1");
    EXPECT_SLICE(r->body, S("hello"));
    EXPECT(!fake_reply_header(r, "x-amz-mp-parts-count").p);
    EXPECT_S3_ERROR(f, get(f, &ana, "/photos/a?partNumber=2"), 416, "InvalidPartNumber");
    EXPECT_S3_ERROR(f, get(f, &ana, "/photos/a?partNumber=0"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, get(f, &ana, "/photos/a?partNumber=10001"), 400, "InvalidArgument");
    struct fake_request both = { .target = S("/photos/a?partNumber=1"), .headers = { { S("Range"), S("bytes=0-0") } } };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &both), 400, "InvalidRequest");
}

TEST(seaweedfs_11151_a_failing_store_is_not_a_missing_object)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    for (int n = 1; n < 20; n++) {
        f->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
        struct fake_reply *r = get(f, &ana, "/photos/a");
        f->w->faults.fail_at = 0;
        if (r->status == 200)
            return;
        EXPECT_S3_ERROR(f, r, 503, "ServiceUnavailable");
    }
    fail_msg("it never worked");
}

/* ---- copies ---- */

static struct fake_reply *copy(struct s3_fixture *f, const struct s3_user *p, const char *from, const char *to,
                               struct http_header more, struct http_header still_more)
{
    struct fake_request r = { .method = "PUT",
                              .target = slice_of(to),
                              .headers = { { S("x-amz-copy-source"), slice_of(from) }, more, still_more } };
    return s3_send_request(f, p, &r);
}
#define NOTHING ((struct http_header){ 0 })
#define HEADER(name, value) ((struct http_header){ S(name), S(value) })

TEST(a_copy_has_the_bytes_and_headers_of_its_source)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a%20%C3%BC"),
                                .headers = { HEADER("Content-Type", "text/x"), HEADER("x-amz-meta-k", "v"),
                                             HEADER("x-amz-tagging", "t=1") },
                                .body = S("hello") };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    static const char *const spellings[] = { "/photos/a%20%C3%BC", "photos/a%20%c3%bc", "photos%2Fa%20%C3%BC",
                                             "/photos/a \xc3\xbc", "/photos/a%20%C3%BC?versionId=null" };
    for (size_t i = 0; i < LENGTH_OF(spellings); i++) {
        char to[30];
        snprintf(to, sizeof to, "/photos/copy%zu", i);
        struct fake_reply *r = copy(f, &ana, spellings[i], to, NOTHING, NOTHING);
        EXPECT_STATUS(r, 200);
        EXPECT_SLICE(s3_text(f, r, "CopyObjectResult.ETag"), s3_etag_of(f, "hello"));
        EXPECT_SLICE(s3_text(f, r, "CopyObjectResult.LastModified"), S("2026-11-21T14:04:09.000Z"));
        r = get(f, &ana, to);
        EXPECT_SLICE(r->body, S("hello"));
        EXPECT_SLICE(r->content_type, S("text/x"));
        EXPECT_SLICE(fake_reply_header(r, "x-amz-meta-k"), S("v"));
        EXPECT_SLICE(fake_reply_header(r, "x-amz-tagging-count"), S("1"));
    }
    EXPECT_STATUS(copy(f, &ana, "photos/a%20%C3%BC", "/photos/c", HEADER("x-amz-metadata-directive", "REPLACE"),
                       HEADER("Content-Type", "text/y")),
                  200);
    struct fake_reply *r = get(f, &ana, "/photos/c");
    EXPECT_SLICE(r->content_type, S("text/y"));
    EXPECT(!fake_reply_header(r, "x-amz-meta-k").p);
    EXPECT_SLICE(r->body, S("hello"));
}

TEST(a_copy_onto_itself_must_change_something)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/a", NOTHING, NOTHING), 400, "InvalidRequest");
    EXPECT_STATUS(copy(f, &ana, "photos/a", "/photos/a", HEADER("x-amz-metadata-directive", "REPLACE"),
                       HEADER("x-amz-meta-k", "v")),
                  200);
    EXPECT_SLICE(fake_reply_header(get(f, &ana, "/photos/a"), "x-amz-meta-k"), S("v"));
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/a", HEADER("x-amz-metadata-directive", "MERGE"), NOTHING),
                    400, "InvalidArgument");
}

TEST(ghsa_mx42_a_copy_needs_the_right_to_read_its_source)
{
    S3_FIXTURE(f);
    struct account account;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("others"), f->a, &account));
    struct s3_user otto = s3_user_of(f, "others", "otto");
    EXPECT_STATUS(s3_send(f, &otto, "PUT", "/ottos", ""), 200);
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_S3_ERROR(f, copy(f, &otto, "photos/a", "/ottos/a", NOTHING, NOTHING), 403, "AccessDenied");
    EXPECT_S3_ERROR(f, copy(f, &otto, "ottos/a", "/photos/b", NOTHING, NOTHING), 403, "AccessDenied");
    EXPECT_STATUS(get(f, &otto, "/ottos/a"), 404);
}

TEST(an_unexpected_bucket_owner_prevents_a_deletion)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(
        s3_send(f, &ana, "PUT", "/photos?cors",
                "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
                "</CORSRule></CORSConfiguration>"),
        200);
    const slice targets[] = { S("/photos"), S("/photos?cors"), S("/photos/a") };
    s3_put_object(f, &ana, "/photos/a", "hello");
    for (size_t i = 0; i < LENGTH_OF(targets); i++) {
        struct fake_request r = { .method = "DELETE",
                                  .target = targets[i],
                                  .headers = { { S("x-amz-expected-bucket-owner"), S("123456789012") } } };
        EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &r), 403, "AccessDenied");
    }
    EXPECT_STATUS(s3_send(f, &ana, "GET", "/photos?cors", ""), 200);
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/a", ""), 200);
}

/* As URLEncoder of Java and encode_www_form_component of Ruby write it. */
TEST(a_plus_in_the_source_of_a_copy_is_a_blank)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a%20b.txt", "blank");
    s3_put_object(f, &ana, "/photos/a%2Bb.txt", "plus");
    static const char *const sources[][2] = { { "photos%2Fa+b.txt", "blank" },
                                              { "/photos/a%20b.txt", "blank" },
                                              { "photos/a%2Bb.txt", "plus" } };
    for (size_t i = 0; i < LENGTH_OF(sources); i++) {
        struct fake_request copy = { .method = "PUT",
                                     .target = S("/photos/copy"),
                                     .headers = { { S("x-amz-copy-source"), slice_of(sources[i][0]) } } };
        EXPECT_STATUS(s3_send_request(f, &ana, &copy), 200);
        EXPECT_SLICE(get(f, &ana, "/photos/copy")->body, slice_of(sources[i][1]));
    }
}

TEST(two_copy_source_headers_are_refused)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    s3_put_object(f, &ana, "/photos/a,photos/b",
                  "both"); /* the right to read this source gives no right to read photos/a */
    EXPECT_STATUS(copy(f, &ana, "photos/a,photos/b", "/photos/c", NOTHING, NOTHING), 200);
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/d", HEADER("X-Amz-Copy-Source", "photos/b"), NOTHING), 400,
                    "InvalidArgument");
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/d", ""), 404);
}

TEST(an_expected_bucket_owner_must_be_the_owner)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    slice id = s3_text(f, s3_send(f, &ana, "GET", "/", ""), "ListAllMyBucketsResult.Owner.ID");
    struct fake_request r = { .target = S("/photos/a"), .headers = { { S("x-amz-expected-bucket-owner"), id } } };
    EXPECT_STATUS(s3_send_request(f, &ana, &r), 200);
    r.headers[0].value = S("123456789012");
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &r), 403, "AccessDenied");
    EXPECT_STATUS(copy(f, &ana, "photos/a", "/photos/b",
                       (struct http_header){ S("x-amz-source-expected-bucket-owner"), id }, NOTHING),
                  200);
    EXPECT_S3_ERROR(f,
                    copy(f, &ana, "photos/a", "/photos/c", HEADER("x-amz-source-expected-bucket-owner", "x"), NOTHING),
                    403, "AccessDenied");
}

TEST(malformed_copy_sources_are_refused)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    static const char *const wrong[] = { "photos", "/photos/", "/", "photos/%zz", "/photos/a?x=y", "//a" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        EXPECT_S3_ERROR(f, copy(f, &ana, wrong[i], "/photos/b", NOTHING, NOTHING), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a?versionId=7", "/photos/b", NOTHING, NOTHING), 404, "NoSuchVersion");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/none", "/photos/b", NOTHING, NOTHING), 404, "NoSuchKey");
    EXPECT_S3_ERROR(f, copy(f, &ana, "nowhere/a", "/photos/b", NOTHING, NOTHING), 404, "NoSuchBucket");
    EXPECT_S3_ERROR(f, copy(f, &ana, "api/a", "/photos/b", NOTHING, NOTHING), 404, "NoSuchBucket");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", HEADER("x-amz-checksum-algorithm", "SHA7"), NOTHING), 400,
                    "InvalidRequest");
}

TEST(conditions_on_the_source_decide_about_a_copy)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    struct http_header match = { S("x-amz-copy-source-if-match"), s3_etag_of(f, "hello") };
    struct http_header none = { S("x-amz-copy-source-if-none-match"), s3_etag_of(f, "hello") };
    struct http_header before = HEADER("x-amz-copy-source-if-unmodified-since", "Sat, 21 Nov 2026 14:00:00 GMT");
    struct http_header after = HEADER("x-amz-copy-source-if-modified-since", "Sat, 21 Nov 2026 15:00:00 GMT");
    EXPECT_STATUS(copy(f, &ana, "photos/a", "/photos/b", match, NOTHING), 200);
    EXPECT_STATUS(copy(f, &ana, "photos/a", "/photos/b", match, before),
                  200); /* the condition on the etag takes precedence over the one on the date */
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", none, NOTHING), 412, "PreconditionFailed");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", before, NOTHING), 412, "PreconditionFailed");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", after, NOTHING), 412, "PreconditionFailed");
    static const char *const no_dates[] = { "yesterday", "2026-11-21T14:00:00Z", "" };
    for (size_t i = 0; i < LENGTH_OF(no_dates); i++) { /* the copy was made, whatever they were meant to say */
        before.value = after.value = slice_of(no_dates[i]);
        EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", before, NOTHING), 400, "InvalidArgument");
        EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", after, match), 400, "InvalidArgument");
    }
    match.value = s3_etag_of(f, "x");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", match, NOTHING), 412, "PreconditionFailed");
    EXPECT_S3_ERROR(f, copy(f, &ana, "photos/a", "/photos/b", HEADER("If-None-Match", "*"), NOTHING), 412,
                    "PreconditionFailed");
}

/* ---- failing stores ---- */

/* Fails the first, second, third … store call of a PUT until the PUT succeeds. An object that was acknowledged is
 * stored; one that was not is either absent or whole. */
static void put_under_faults(size_t size, bool answer_lost)
{
    for (int n = 1;; n++) {
        S3_FIXTURE(f);
        s3_put_object(f, &ana, "/photos/a", "before");
        struct fake_request put = { .method = "PUT", .target = S("/photos/a"), .body = world_bytes(f->w, size) };
        f->w->faults =
            (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
        struct fake_reply *r = s3_send_request(f, &ana, &put);
        bool over = f->w->faults.calls < n;
        f->w->faults = (struct fault_plan){ 0 };
        struct fake_reply *now = get(f, &ana, "/photos/a");
        EXPECT_STATUS(now, 200);
        bool is_new = slice_eq(now->body, put.body);
        EXPECT(is_new || slice_eq(now->body, S("before")));
        if (r->status == 200)
            EXPECT(is_new);
        else
            EXPECT_S3_ERROR(f, r, 503, "ServiceUnavailable");
        EXPECT(!is_new || r->status == 200 || answer_lost);
        world_wait(f->w, hours(30));
        world_run_jobs(f->w);
        EXPECT_EQ(world_fsck(f->w, true), 0);
        EXPECT_EQ(world_blob_count(f->w), is_new && size > WORLD_INLINE_MAX);
        if (over)
            break;
        EXPECT(n < 100);
    }
}

TEST(a_put_is_whole_or_absent_when_any_store_call_fails)
{
    put_under_faults(100, false);
    put_under_faults(100, true);
    put_under_faults(40000, false);
    put_under_faults(40000, true);
}

/* Rows of a database that somebody else made, or that was damaged. */
TEST(an_unknown_kind_of_checksum_in_a_row_ended_the_server)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("x-amz-checksum-crc32"), S("NhCmhg==") } },
                                .body = S("hello") };
    struct fake_request get = { .target = S("/photos/a"), .headers = { { S("x-amz-checksum-mode"), S("ENABLED") } } };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    EXPECT_SLICE(fake_reply_header(s3_send_request(f, &ana, &get), "x-amz-checksum-crc32"), S("NhCmhg=="));
    static const char *const scripts[] = { "UPDATE entries SET checksum_kind = 77",
                                           "UPDATE entries SET checksum_kind = -1",
                                           "UPDATE entries SET checksum_kind = 5",
                                           "UPDATE entries SET checksum_kind = 1, checksum = 'text'" };
    for (size_t i = 0; i < LENGTH_OF(scripts); i++) {
        corrupt_records(f->w, scripts[i]);
        struct fake_reply *r = s3_send_request(f, &ana, &get);
        EXPECT_STATUS(r, 200);
        EXPECT_SLICE(r->body, S("hello"));
        EXPECT(!fake_reply_header(r, "x-amz-checksum-crc32").p);
        EXPECT_STATUS(s3_send(f, &ana, "GET", "/photos", ""), 200);
    }
}

TEST(a_line_break_in_a_kept_header_ended_the_server)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    corrupt_records(f->w,
                    "UPDATE entries SET headers = 'Expires: 1' || char(13) || 'X: 2' || char(10) || 'Bad: name' ||"
                    " char(13) || ': 3' || char(10) || 'No' || char(13) || 'name: 4'");
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos/a", "");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "Expires"), S("1 X: 2"));
    for (size_t i = 0; i < r->header_count; i++)
        EXPECT(slice_find_byte(r->headers[i].name, '\r') == SLICE_NONE);
}

TEST(a_blob_key_with_dots_in_a_row_ended_the_server)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    corrupt_records(f->w, "UPDATE objects SET blob_key = '../../stolen', inline_bytes = NULL");
    EXPECT_STATUS(s3_send(f, &ana, "GET", "/photos/a", ""), 500);
    EXPECT(world_fsck(f->w, false) > 0);
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos/a", ""), 204);
    world_wait(f->w, WORLD_GRACE_MS);
    world_run_jobs(f->w);
    EXPECT_EQ(world_fsck(f->w, true), 0); /* its key is off the garbage list */
}

RUN_TESTS(cmocka_unit_test(an_unknown_kind_of_checksum_in_a_row_ended_the_server),
          cmocka_unit_test(a_line_break_in_a_kept_header_ended_the_server),
          cmocka_unit_test(a_blob_key_with_dots_in_a_row_ended_the_server),
          cmocka_unit_test(headers_are_returned_as_they_were_sent),
          cmocka_unit_test(headers_that_ask_for_more_than_is_offered_are_refused),
          cmocka_unit_test(encryption_and_conditions_that_are_not_offered_were_passed_over),
          cmocka_unit_test(metadata_outside_ascii_is_sent_as_encoded_words_and_kept_decoded),
          cmocka_unit_test(metadata_is_limited_to_2_KiB),
          cmocka_unit_test(a_declared_digest_is_compared_with_the_bytes),
          cmocka_unit_test(an_object_without_a_checksum_gets_a_crc64nvme),
          cmocka_unit_test(a_copy_may_have_another_checksum_than_its_source),
          cmocka_unit_test(every_checksum_algorithm_is_supported), cmocka_unit_test(an_unsupported_checksum_is_refused),
          cmocka_unit_test(a_checksum_in_the_query_of_a_link_is_ignored),
          cmocka_unit_test(axios_and_dotnet_can_use_the_same_link),
          cmocka_unit_test(chunked_bodies_of_any_size_are_unwrapped),
          cmocka_unit_test(an_invalid_chunked_body_stores_nothing),
          cmocka_unit_test(versitygw_753_the_size_of_an_object_is_its_decoded_length),
          cmocka_unit_test(files_primary_s3_620_a_short_body_stores_no_object),
          cmocka_unit_test(a_declared_length_that_is_too_large_is_refused_before_the_body),
          cmocka_unit_test(a_wrong_head_is_refused_before_the_body_is_read),
          cmocka_unit_test(a_get_or_delete_may_have_a_body),
          cmocka_unit_test(a_condition_decides_whether_an_object_is_replaced),
          cmocka_unit_test(a_condition_with_an_empty_etag_matches_no_object),
          cmocka_unit_test(an_error_names_the_missing_bucket_or_key),
          cmocka_unit_test(response_parameters_override_headers_of_a_get),
          cmocka_unit_test(ghsa_v9fg_content_of_every_type_is_sandboxed),
          cmocka_unit_test(an_object_that_was_put_whole_is_its_part_1),
          cmocka_unit_test(seaweedfs_11151_a_failing_store_is_not_a_missing_object),
          cmocka_unit_test(a_copy_has_the_bytes_and_headers_of_its_source),
          cmocka_unit_test(a_copy_onto_itself_must_change_something),
          cmocka_unit_test(ghsa_mx42_a_copy_needs_the_right_to_read_its_source),
          cmocka_unit_test(a_put_is_whole_or_absent_when_any_store_call_fails),
          cmocka_unit_test(an_expected_bucket_owner_must_be_the_owner),
          cmocka_unit_test(an_unexpected_bucket_owner_prevents_a_deletion),
          cmocka_unit_test(a_plus_in_the_source_of_a_copy_is_a_blank),
          cmocka_unit_test(two_copy_source_headers_are_refused), cmocka_unit_test(malformed_copy_sources_are_refused),
          cmocka_unit_test(conditions_on_the_source_decide_about_a_copy))
