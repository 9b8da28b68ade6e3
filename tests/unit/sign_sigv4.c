/* SPDX-License-Identifier: Apache-2.0 */
/* Signature version 4. The vectors are the examples of the Amazon S3 API reference, "Signature Calculations for the
 * Authorization Header" and "Authenticating Requests: Using Query Parameters". */
#include "test.h"

#include "base/text.h"
#include "sign/sigv4.h"

#include <string.h>

#define KEY S("AKIAIOSFODNN7EXAMPLE")
#define SECRET S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define EMPTY S("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
#define NOW ((int64_t)1369353600000) /* 2013-05-24T00:00:00Z */
#define HOST                                                                                                           \
    {                                                                                                                  \
        LIT("Host"), LIT("examplebucket.s3.amazonaws.com")                                                             \
    }
/* A slice as a constant expression. */
#define LIT(text)                                                                                                      \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
#define PAIRS(array) (array), LENGTH_OF(array)

static const struct sigv4_signer aws = { LIT("AKIAIOSFODNN7EXAMPLE"), LIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                         LIT("us-east-1") };

/* A request as it is sent, once it is signed. */
struct sent {
    struct sign_request r;
    struct sign_pair headers[20], query[20];
};

static void send(struct sent *out, const struct sign_request *r)
{
    memset(out, 0, sizeof *out);
    out->r = *r;
    if (r->header_count)
        memcpy(out->headers, r->headers, r->header_count * sizeof *r->headers);
    if (r->query_count)
        memcpy(out->query, r->query, r->query_count * sizeof *r->query);
    out->r.headers = out->headers;
    out->r.query = out->query;
}

static void add_header(struct sent *s, slice name, slice value)
{
    s->headers[s->r.header_count++] = (struct sign_pair){ name, value };
}

static void use_query(struct sent *s, slice query)
{
    slice piece;
    s->r.query_count = 0;
    for (bool more = true; more;) {
        more = slice_cut(query, '&', &piece, &query);
        struct sign_pair *p = &s->query[s->r.query_count++];
        slice_cut(piece, '=', &p->name, &p->value);
    }
}

static void sign_and_send(struct sent *out, const struct sign_request *r, slice tag, struct arena *a)
{
    struct sigv4_signed s;
    EXPECT_EQ(sigv4_sign(&aws, r, tag, NOW, a, &s), SIGN_OK);
    send(out, r);
    add_header(out, S("x-amz-content-sha256"), tag);
    add_header(out, S("X-Amz-Date"), s.timestamp);
    add_header(out, S("Authorization"), s.authorization);
}

static enum sign_fault try_at(const struct sign_request *r, slice secret, int64_t now_ms, struct sign_detail *detail)
{
    SCRATCH(a);
    struct sigv4 claim;
    enum sign_fault fault = sigv4_parse(r, S("us-east-1"), &a, &claim, detail);
    if (fault)
        return fault;
    EXPECT_SLICE(claim.access_key, KEY);
    fault = sigv4_verify(&claim, r, secret, now_ms, &a, detail);
    if (detail)
        detail->canonical_request = detail->string_to_sign = S(""); /* they live in the arena that ends here */
    return fault;
}

static enum sign_fault try(const struct sign_request *r)
{
    return try_at(r, SECRET, NOW, NULL);
}

/* Signs a published example, compares the signature, and verifies it. */
static void published(const struct sign_request *r, slice tag, slice names, slice signature)
{
    SCRATCH(a);
    struct sigv4_signed s;
    struct sent sent;
    EXPECT_EQ(sigv4_sign(&aws, r, tag, NOW, &a, &s), SIGN_OK);
    EXPECT_SLICE(s.signature, signature);
    EXPECT_SLICE(s.authorization,
                 arena_printf(&a,
                              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                              "SignedHeaders=" SLICE_FMT ", Signature=" SLICE_FMT,
                              SLICE_ARG(names), SLICE_ARG(signature)));
    sign_and_send(&sent, r, tag, &a);
    EXPECT_EQ(sign_scheme_of(&sent.r), SIGN_SCHEME_V4_HEADER);
    EXPECT_EQ(try(&sent.r), SIGN_OK);
}

static const struct sign_pair get_headers[] = { HOST, { LIT("Range"), LIT("bytes=0-9") } };
static const struct sign_request get_object = {
    .method = LIT("GET"), .path = LIT("/test.txt"), .headers = get_headers, .header_count = 2
};

TEST(aws_example_get_object_is_signed_and_verified)
{
    published(&get_object, EMPTY, S("host;range;x-amz-content-sha256;x-amz-date"),
              S("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST(aws_example_put_object_is_signed_and_verified)
{
    const struct sign_pair headers[] = { { S("Date"), S("Fri, 24 May 2013 00:00:00 GMT") },
                                         HOST,
                                         { S("x-amz-storage-class"), S("REDUCED_REDUNDANCY") } };
    const struct sign_request put = {
        .method = S("PUT"), .path = S("/test$file.text"), .headers = headers, .header_count = 3
    };
    published(&put, S("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
              S("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class"),
              S("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(aws_example_get_lifecycle_is_signed_and_verified)
{
    const struct sign_pair headers[] = { HOST }, query[] = { { S("lifecycle"), S("") } };
    const struct sign_request get = { S("GET"), S("/"), PAIRS(query), PAIRS(headers) };
    published(&get, EMPTY, S("host;x-amz-content-sha256;x-amz-date"),
              S("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(aws_example_list_objects_is_signed_and_verified)
{
    const struct sign_pair headers[] = { HOST }, query[] = { { S("prefix"), S("J") }, { S("max-keys"), S("2") } };
    const struct sign_request get = { S("GET"), S("/"), PAIRS(query), PAIRS(headers) };
    published(&get, EMPTY, S("host;x-amz-content-sha256;x-amz-date"),
              S("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

static const struct sign_pair link_headers[] = { HOST };
static const struct sign_request link_request = {
    .method = LIT("GET"), .path = LIT("/test.txt"), .headers = link_headers, .header_count = 1
};

static void make_link(struct sent *out, struct arena *a)
{
    slice query;
    EXPECT_EQ(sigv4_sign_link(&aws, &link_request, 86400, NOW, a, &query), SIGN_OK);
    send(out, &link_request);
    use_query(out, query);
}

TEST(aws_example_of_a_link_is_signed_and_verified)
{
    SCRATCH(a);
    struct sent sent;
    slice query;
    EXPECT_EQ(sigv4_sign_link(&aws, &link_request, 86400, NOW, &a, &query), SIGN_OK);
    EXPECT_SLICE(query, S("X-Amz-Algorithm=AWS4-HMAC-SHA256"
                          "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                          "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                          "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
    make_link(&sent, &a);
    EXPECT_EQ(sign_scheme_of(&sent.r), SIGN_SCHEME_V4_QUERY);
    EXPECT_EQ(try(&sent.r), SIGN_OK);
}

TEST(a_link_is_valid_from_its_date_until_it_expires)
{
    SCRATCH(a);
    struct sent sent;
    make_link(&sent, &a);
    const int64_t end = NOW + 86400 * (int64_t)1000;
    EXPECT_EQ(try_at(&sent.r, SECRET, end - 1, NULL), SIGN_OK);
    EXPECT_EQ(try_at(&sent.r, SECRET, end, NULL), SIGN_EXPIRED);
    EXPECT_EQ(try_at(&sent.r, SECRET, NOW - SIGV4_SKEW_MS, NULL), SIGN_OK);
    EXPECT_EQ(try_at(&sent.r, SECRET, NOW - SIGV4_SKEW_MS - 1, NULL), SIGN_NOT_YET);
}

TEST(clocks_may_differ_by_15_minutes)
{
    SCRATCH(a);
    struct sent sent;
    sign_and_send(&sent, &get_object, EMPTY, &a);
    EXPECT_EQ(try_at(&sent.r, SECRET, NOW + SIGV4_SKEW_MS, NULL), SIGN_OK);
    EXPECT_EQ(try_at(&sent.r, SECRET, NOW - SIGV4_SKEW_MS, NULL), SIGN_OK);
    EXPECT_EQ(try_at(&sent.r, SECRET, NOW + SIGV4_SKEW_MS + 1, NULL), SIGN_SKEW);
    EXPECT_EQ(try_at(&sent.r, SECRET, NOW - SIGV4_SKEW_MS - 1, NULL), SIGN_SKEW);
}

/* Alters every byte of s in turn: the signature must not match. */
static void each_byte_counts(struct sent *sent, slice *s, const char *what)
{
    SCRATCH(a);
    const slice whole = *s;
    for (size_t i = 0; i < whole.n; i++) {
        char *copy = (char *)arena_copy(&a, whole).p;
        copy[i] = (copy[i] | 32) == 'x' ? 'y' : 'x'; /* names are compared without regard to case */
        *s = (slice){ copy, whole.n };
        struct sigv4 claim;
        if (sigv4_parse(&sent->r, S("us-east-1"), &a, &claim, NULL) == SIGN_OK && slice_eq(claim.access_key, KEY) &&
            sigv4_verify(&claim, &sent->r, SECRET, NOW, &a, NULL) == SIGN_OK)
            fail_msg("%s: byte %zu may be altered", what, i);
    }
    *s = whole;
}

TEST(an_altered_byte_of_a_signed_request_is_found)
{
    SCRATCH(a);
    struct sent sent;
    sign_and_send(&sent, &get_object, EMPTY, &a);
    each_byte_counts(&sent, &sent.r.method, "method");
    each_byte_counts(&sent, &sent.r.path, "path");
    for (size_t i = 0; i < sent.r.header_count; i++) {
        each_byte_counts(&sent, &sent.headers[i].value, "value of a header");
        each_byte_counts(&sent, &sent.headers[i].name, "name of a header");
    }
    sent.query[sent.r.query_count++] = (struct sign_pair){ S("acl"), S("") };
    EXPECT_EQ(try(&sent.r), SIGN_MISMATCH);
}

TEST(an_altered_byte_of_a_link_is_found)
{
    SCRATCH(a);
    struct sent sent;
    make_link(&sent, &a);
    each_byte_counts(&sent, &sent.r.method, "method");
    each_byte_counts(&sent, &sent.r.path, "path");
    each_byte_counts(&sent, &sent.headers[0].value, "host");
    for (size_t i = 0; i < sent.r.query_count; i++) {
        each_byte_counts(&sent, &sent.query[i].name, "name of a parameter");
        each_byte_counts(&sent, &sent.query[i].value, "value of a parameter");
    }
}

TEST(a_mismatch_returns_the_text_that_was_signed)
{
    SCRATCH(a);
    struct sent sent;
    struct sigv4 claim;
    struct sign_detail detail = { 0 };
    sign_and_send(&sent, &get_object, EMPTY, &a);
    EXPECT_EQ(sigv4_parse(&sent.r, S(""), &a, &claim, NULL), SIGN_OK);
    EXPECT_EQ(sigv4_verify(&claim, &sent.r, S("wrong"), NOW, &a, &detail), SIGN_MISMATCH);
    EXPECT_SLICE(detail.canonical_request,
                 S("GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
                   "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                   "x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n"
                   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    EXPECT_SLICE(detail.string_to_sign, S("AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
                                          "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"));
    struct sigv4_key key;
    sigv4_key_derive(SECRET, claim.date, claim.region, &key);
    EXPECT_EQ(sigv4_verify_with_key(&claim, &sent.r, &key, NOW, &a, NULL), SIGN_OK);
}

/* rustfs#7425, rustfs#7754 */
TEST(an_unsigned_amz_header_is_refused)
{
    SCRATCH(a);
    struct sent sent;
    struct sign_detail detail = { 0 };
    make_link(&sent, &a);
    add_header(&sent, S("X-Amz-Copy-Source"), S("/other/secret.txt"));
    EXPECT_EQ(try_at(&sent.r, SECRET, NOW, &detail), SIGN_UNSIGNED_HEADER);
    EXPECT_SLICE(detail.about, S("X-Amz-Copy-Source"));
    sign_and_send(&sent, &get_object, EMPTY, &a);
    add_header(&sent, S("x-amz-acl"), S("public-read"));
    EXPECT_EQ(try(&sent.r), SIGN_UNSIGNED_HEADER);
    /* a second value of a signed header is part of what is signed, so it does not match */
    sign_and_send(&sent, &get_object, EMPTY, &a);
    add_header(&sent, S("host"), S("elsewhere"));
    EXPECT_EQ(try(&sent.r), SIGN_MISMATCH);
    /* other headers need no signature */
    make_link(&sent, &a);
    add_header(&sent, S("Content-Type"), S("text/plain"));
    EXPECT_EQ(try(&sent.r), SIGN_OK);
}

TEST(host_must_be_signed_and_signed_headers_present)
{
    SCRATCH(a);
    struct sent sent;
    const struct sign_pair no_host[] = { { S("Range"), S("bytes=0-9") } };
    struct sign_request r = get_object;
    r.headers = no_host;
    r.header_count = 1;
    sign_and_send(&sent, &r, EMPTY, &a);
    EXPECT_EQ(try(&sent.r), SIGN_UNSIGNED_HEADER);
    sign_and_send(&sent, &get_object, EMPTY, &a);
    sent.headers[1].name = S("X-Range");
    EXPECT_EQ(try(&sent.r), SIGN_ABSENT_HEADER);
}

static enum sign_fault with_authorization(const char *value)
{
    SCRATCH(a);
    struct sent sent;
    sign_and_send(&sent, &get_object, EMPTY, &a);
    sent.headers[4].value = slice_of(value);
    return try(&sent.r);
}

#define SIG "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
#define NAMES "host;range;x-amz-content-sha256;x-amz-date"
#define CRED(scope) "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/" scope

TEST(malformed_authorization_headers_are_refused)
{
    const struct {
        const char *value;
        enum sign_fault fault;
    } cases[] = {
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG), SIGN_OK },
        { CRED("20130524/us-east-1/s3/aws4_request,SignedHeaders=" NAMES ",Signature=" SIG), SIGN_OK },
        { CRED("20130525/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG), SIGN_SCOPE },
        { CRED("20130524/us-east-2/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG), SIGN_SCOPE },
        { CRED("20130524/us-east-1/sts/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG), SIGN_SCOPE },
        { CRED("20130524/us-east-1/s3/aws5_request, SignedHeaders=" NAMES ", Signature=" SIG), SIGN_SCOPE },
        { CRED("20130524//s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG), SIGN_SCOPE },
        { "AWS4-HMAC-SHA256 Credential=20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG,
          SIGN_MALFORMED },
        { "AWS4-ECDSA-P256-SHA256 Credential=a/20130524/s3/aws4_request, SignedHeaders=host, Signature=" SIG,
          SIGN_ALGORITHM },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES), SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG "00"), SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=F" SIG), SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG ", Signature=" SIG),
          SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG ", More=1"),
          SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=Host;range, Signature=" SIG), SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=range;host, Signature=" SIG), SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=host;host, Signature=" SIG), SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=host;, Signature=" SIG), SIGN_MALFORMED },
        { CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=" NAMES ", Signature=" SIG ","), SIGN_MALFORMED },
        { "AWS4-HMAC-SHA256", SIGN_MALFORMED },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        enum sign_fault fault = with_authorization(cases[i].value);
        if (fault != cases[i].fault)
            fail_msg("'%s' gave: %s", cases[i].value, sign_fault_text(fault));
    }
}

static enum sign_fault with_param(const char *name, const char *value)
{
    SCRATCH(a);
    struct sent sent;
    make_link(&sent, &a);
    for (size_t i = 0; i < sent.r.query_count; i++)
        if (slice_eq(sent.query[i].name, slice_of(name)))
            sent.query[i].value = slice_of(value);
    return try(&sent.r);
}

TEST(malformed_link_parameters_are_refused)
{
    EXPECT_EQ(with_param("X-Amz-Expires", "0"), SIGN_LIFETIME);
    EXPECT_EQ(with_param("X-Amz-Expires", "604801"), SIGN_LIFETIME);
    EXPECT_EQ(with_param("X-Amz-Expires", "-1"), SIGN_LIFETIME);
    EXPECT_EQ(with_param("X-Amz-Expires", ""), SIGN_LIFETIME);
    EXPECT_EQ(with_param("X-Amz-Expires", "604800"), SIGN_MISMATCH);
    EXPECT_EQ(with_param("X-Amz-Date", "20130524T000000"), SIGN_DATE);
    EXPECT_EQ(with_param("X-Amz-Date", "20130230T000000Z"), SIGN_DATE);
    EXPECT_EQ(with_param("X-Amz-Date", "2013-05-24T00:00:00Z"), SIGN_DATE);
    EXPECT_EQ(with_param("X-Amz-Date", "20130525T000000Z"), SIGN_SCOPE);
    EXPECT_EQ(with_param("X-Amz-Algorithm", "AWS4-HMAC-SHA512"), SIGN_ALGORITHM);
    EXPECT_EQ(with_param("X-Amz-Credential", "%zz"), SIGN_MALFORMED);
    EXPECT_EQ(with_param("X-Amz-SignedHeaders", ""), SIGN_MALFORMED);
    EXPECT_EQ(with_param("X-Amz-SignedHeaders", "date"), SIGN_UNSIGNED_HEADER);
    SCRATCH(a);
    struct sent sent;
    make_link(&sent, &a);
    sent.query[sent.r.query_count++] = (struct sign_pair){ S("X-Amz-Expires"), S("86400") };
    EXPECT_EQ(try(&sent.r), SIGN_MALFORMED); /* two parameters of one name */
    slice query;
    EXPECT_EQ(sigv4_sign_link(&aws, &link_request, 0, NOW, &a, &query), SIGN_LIFETIME);
    EXPECT_EQ(sigv4_sign_link(&aws, &link_request, SIGV4_LIFETIME_MAX_S + 1, NOW, &a, &query), SIGN_LIFETIME);
}

TEST(the_payload_tag_is_a_digest_or_a_defined_word)
{
    SCRATCH(a);
    const struct {
        slice tag;
        enum sigv4_payload payload;
    } tags[] = { { S("UNSIGNED-PAYLOAD"), SIGV4_PAYLOAD_UNSIGNED },
                 { S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), SIGV4_PAYLOAD_CHUNKS },
                 { S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), SIGV4_PAYLOAD_CHUNKS_TRAILER },
                 { S("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), SIGV4_PAYLOAD_UNSIGNED_CHUNKS_TRAILER },
                 { EMPTY, SIGV4_PAYLOAD_SHA256 } };
    struct sent sent;
    struct sigv4 claim;
    for (size_t i = 0; i < LENGTH_OF(tags); i++) {
        sign_and_send(&sent, &get_object, tags[i].tag, &a);
        EXPECT_EQ(try(&sent.r), SIGN_OK);
        EXPECT_EQ(sigv4_parse(&sent.r, S(""), &a, &claim, NULL), SIGN_OK);
        EXPECT_EQ(claim.payload, tags[i].payload);
    }
    EXPECT_EQ(claim.payload_sha256[0], 0xe3);
    sign_and_send(&sent, &get_object, S("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), &a);
    EXPECT_EQ(try(&sent.r), SIGN_PAYLOAD_TAG);
    sign_and_send(&sent, &get_object, S("e3b0"), &a);
    EXPECT_EQ(try(&sent.r), SIGN_PAYLOAD_TAG);
    sign_and_send(&sent, &get_object, EMPTY, &a);
    add_header(&sent, S("x-amz-content-sha256"), EMPTY);
    EXPECT_EQ(try(&sent.r), SIGN_PAYLOAD_TAG);
}

/* A request as curl makes it, which does not send x-amz-content-sha256 unless its user asks for that. Here it has Date
 * instead of x-amz-date. */
TEST(date_replaces_x_amz_date_and_the_body_counts_as_empty)
{
    SCRATCH(a);
    const struct sign_pair headers[] = {
        HOST,
        { S("Date"), S("Fri, 24 May 2013 00:00:00 GMT") },
        { S("Authorization"),
          S(CRED("20130524/us-east-1/s3/aws4_request, SignedHeaders=date;host, Signature=" SIG)) }
    };
    struct sent sent;
    struct sigv4 claim;
    struct sign_detail detail = { 0 };
    const struct sign_request r = { .method = S("GET"), .path = S("/a"), .headers = headers, .header_count = 3 };
    send(&sent, &r);
    EXPECT_EQ(sigv4_parse(&sent.r, S(""), &a, &claim, NULL), SIGN_OK);
    EXPECT_EQ(claim.payload, SIGV4_PAYLOAD_ABSENT);
    EXPECT_SLICE(claim.timestamp, S("20130524T000000Z"));
    EXPECT_EQ(sigv4_verify(&claim, &sent.r, SECRET, NOW, &a, &detail), SIGN_MISMATCH);
    EXPECT_SLICE(detail.canonical_request,
                 S("GET\n/a\n\ndate:Fri, 24 May 2013 00:00:00 GMT\nhost:examplebucket.s3.amazonaws.com\n\ndate;host\n"
                   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    struct sigv4_key key;
    sigv4_key_derive(SECRET, S("20130524"), S("us-east-1"), &key);
    claim.signature = sigv4_mac_hex(&a, &key, detail.string_to_sign);
    EXPECT_EQ(sigv4_verify(&claim, &sent.r, SECRET, NOW, &a, NULL), SIGN_OK);
    sent.headers[1].name = S("X-Other");
    EXPECT_EQ(sigv4_parse(&sent.r, S(""), &a, &claim, NULL), SIGN_NO_DATE);
}

static slice canonical_of(const struct sign_request *r, struct arena *a)
{
    struct sent sent;
    struct sigv4 claim;
    struct sign_detail detail = { 0 };
    sign_and_send(&sent, r, S("UNSIGNED-PAYLOAD"), a);
    EXPECT_EQ(sigv4_parse(&sent.r, S(""), a, &claim, NULL), SIGN_OK);
    EXPECT_EQ(sigv4_verify(&claim, &sent.r, S("other"), NOW, a, &detail), SIGN_MISMATCH);
    return detail.canonical_request;
}

TEST(paths_and_parameters_are_reencoded_but_not_normalised)
{
    SCRATCH(a);
    const struct sign_pair headers[] = { { S("HOST"), S("h") } };
    const struct sign_pair query[] = { { S("b"), S("2") },    { S("a~"), S("%7e%2F+*") }, { S("b"), S("1") },
                                       { S("a"), S("") },     { S("a-b"), S("x") },       { S("\xc3\xa7"), S("=") },
                                       { S("delete"), S("") } };
    const struct sign_request r = { S("PUT"), S("/b//.././a%20b%2fc+d%7E\xc3\xa7(1)"), PAIRS(query), PAIRS(headers) };
    slice canonical = canonical_of(&r, &a), tail = S("\nx-amz-content-sha256");
    EXPECT_SLICE(
        slice_part(canonical, 0, slice_find(canonical, tail)),
        S("PUT\n/b//.././a%20b/c%2Bd~%C3%A7%281%29\n%C3%A7=%3D&a=&a-b=x&a~=~%2F%20%2A&b=1&b=2&delete=\nhost:h"));
    struct sigv4_signed out;
    struct sign_request bad = r;
    bad.path = S("/%4");
    EXPECT_EQ(sigv4_sign(&aws, &bad, EMPTY, NOW, &a, &out), SIGN_MALFORMED);
}

TEST(header_values_are_trimmed_and_joined_by_commas)
{
    SCRATCH(a);
    const struct sign_pair headers[] = { { S("Host"), S(" h\t") },
                                         { S("X-Amz-Meta-B"), S("  a   b \t c  ") },
                                         { S("x-amz-meta-a"), S("\tone\ttwo three") },
                                         { S("x-amz-meta-b"), S("") },
                                         { S("x-amz-META-b"), S("\"d  e\"") } };
    const struct sign_request r = {
        .method = S("GET"), .path = S(""), .headers = headers, .header_count = LENGTH_OF(headers)
    };
    slice canonical = canonical_of(&r, &a);
    EXPECT(slice_starts(canonical, S("GET\n/\n\nhost:h\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"
                                     "x-amz-date:20130524T000000Z\nx-amz-meta-a:one two three\n"
                                     "x-amz-meta-b:a b c,,\"d e\"\n\n"
                                     "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-b\n")));
}

TEST(the_scheme_of_a_signature_is_recognised)
{
    const struct {
        const char *header, *param;
        enum sign_scheme form;
    } cases[] = {
        { NULL, NULL, SIGN_SCHEME_NONE },
        { "Bearer x", NULL, SIGN_SCHEME_NONE },
        { "AWS4-HMAC-SHA256 x", NULL, SIGN_SCHEME_V4_HEADER },
        { "AWS key:signature", NULL, SIGN_SCHEME_V2_HEADER },
        { NULL, "X-Amz-Algorithm", SIGN_SCHEME_V4_QUERY },
        { NULL, "X-Amz-Signature", SIGN_SCHEME_V4_QUERY },
        { NULL, "AWSAccessKeyId", SIGN_SCHEME_V2_QUERY },
        { "AWS4-HMAC-SHA256 x", "X-Amz-Signature", SIGN_SCHEME_SEVERAL },
        { "AWS4-HMAC-SHA256 x", "AWSAccessKeyId", SIGN_SCHEME_SEVERAL },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        const struct sign_pair header = { S("AUTHORIZATION"), slice_of(cases[i].header) },
                               param = { slice_of(cases[i].param), S("1") };
        const struct sign_request r = { S("GET"), S("/"),
                                        &param,   cases[i].param ? 1 : 0,
                                        &header,  cases[i].header ? 1 : 0 };
        EXPECT_EQ(sign_scheme_of(&r), cases[i].form);
    }
    const struct sign_pair twice[] = { { S("Authorization"), S("AWS4-HMAC-SHA256 x") },
                                       { S("Authorization"), S("AWS4-HMAC-SHA256 y") } };
    const struct sign_request r = { .method = S("GET"), .path = S("/"), .headers = twice, .header_count = 2 };
    EXPECT_EQ(sign_scheme_of(&r), SIGN_SCHEME_SEVERAL);
}

TEST(every_fault_has_a_text)
{
    for (int i = 0; i < SIGN_FAULT_COUNT; i++)
        EXPECT(sign_fault_text((enum sign_fault)i) != NULL);
}

RUN_TESTS(cmocka_unit_test(aws_example_get_object_is_signed_and_verified),
          cmocka_unit_test(aws_example_put_object_is_signed_and_verified),
          cmocka_unit_test(aws_example_get_lifecycle_is_signed_and_verified),
          cmocka_unit_test(aws_example_list_objects_is_signed_and_verified),
          cmocka_unit_test(aws_example_of_a_link_is_signed_and_verified),
          cmocka_unit_test(a_link_is_valid_from_its_date_until_it_expires),
          cmocka_unit_test(clocks_may_differ_by_15_minutes),
          cmocka_unit_test(an_altered_byte_of_a_signed_request_is_found),
          cmocka_unit_test(an_altered_byte_of_a_link_is_found),
          cmocka_unit_test(a_mismatch_returns_the_text_that_was_signed),
          cmocka_unit_test(an_unsigned_amz_header_is_refused),
          cmocka_unit_test(host_must_be_signed_and_signed_headers_present),
          cmocka_unit_test(malformed_authorization_headers_are_refused),
          cmocka_unit_test(malformed_link_parameters_are_refused),
          cmocka_unit_test(the_payload_tag_is_a_digest_or_a_defined_word),
          cmocka_unit_test(date_replaces_x_amz_date_and_the_body_counts_as_empty),
          cmocka_unit_test(paths_and_parameters_are_reencoded_but_not_normalised),
          cmocka_unit_test(header_values_are_trimmed_and_joined_by_commas),
          cmocka_unit_test(the_scheme_of_a_signature_is_recognised), cmocka_unit_test(every_fault_has_a_text))
