/* SPDX-License-Identifier: Apache-2.0 */
/* Signature version 2 in the query. The vector is the example of the Amazon S3 developer guide, "Query String Request
 * Authentication Alternative". */
#include "test.h"

#include "base/text.h"
#include "sign/sigv2.h"

#define KEY S("AKIAIOSFODNN7EXAMPLE")
#define SECRET S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define END ((int64_t)1175139620)

static enum sign_fault try_link(const struct sign_request *r, slice secret, int64_t now_ms, slice *ret_to_sign,
                                struct arena *a)
{
    struct sigv2 claim;
    struct sign_detail detail = { 0 };
    enum sign_fault fault = sigv2_parse(r, a, &claim, &detail);
    if (!fault) {
        EXPECT_SLICE(claim.access_key, KEY);
        fault = sigv2_verify(&claim, r, secret, now_ms, a, &detail);
    }
    if (ret_to_sign)
        *ret_to_sign = detail.string_to_sign;
    return fault;
}

TEST(the_example_link_of_aws_is_made_and_verified)
{
    SCRATCH(a);
    struct sign_pair query[] = { { S("AWSAccessKeyId"), KEY },
                                 { S("Signature"), S("NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D") },
                                 { S("Expires"), S("1175139620") } };
    struct sign_request r = { .method = S("GET"),
                              .path = S("/photos/puppy.jpg"),
                              .query = query,
                              .query_count = 3,
                              .host_bucket = S("johnsmith") };
    slice made;
    EXPECT_EQ(sign_scheme_of(&r), SIGN_SCHEME_V2_QUERY);
    EXPECT_EQ(try_link(&r, SECRET, END * 1000 - 1, NULL, &a), SIGN_OK);
    EXPECT_EQ(try_link(&r, SECRET, END * 1000, NULL, &a), SIGN_EXPIRED);
    EXPECT_EQ(try_link(&r, S("other"), 0, NULL, &a), SIGN_MISMATCH);
    r.host_bucket = S("janesmith");
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MISMATCH);
    /* path style, and the + of the base64 not escaped */
    r.host_bucket = S("");
    r.path = S("/johnsmith/photos/puppy.jpg");
    query[1].value = S("NpgCjnDzrM+WFzoENXmpNDUsSn8=");
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_OK);
    r.method = S("HEAD");
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MISMATCH);
    r.method = S("PUT");
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_ALGORITHM);
    const struct sign_request bare = { .method = S("GET"), .path = S("/johnsmith/photos/puppy.jpg") };
    EXPECT_EQ(sigv2_sign_link(KEY, SECRET, &bare, END, &a, &made), SIGN_OK);
    EXPECT_SLICE(made, S("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620&"
                         "Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D"));
}

TEST(signature_covers_sub_resources_overrides_and_amz_headers)
{
    SCRATCH(a);
    struct sign_pair query[] = { { S("x-id"), S("GetObject") },
                                 { S("versionId"), S("a%2Fb") },
                                 { S("response-content-type"), S("text%2Fplain") },
                                 { S("acl"), S("") },
                                 { S("AWSAccessKeyId"), KEY },
                                 { S("Signature"), S("AAAA") },
                                 { S("Expires"), S("1175139620") } };
    const struct sign_pair headers[] = { { S("X-Amz-Meta-B"), S(" 2 ") },
                                         { S("Content-Type"), S("a/b") },
                                         { S("x-amz-acl"), S("private") },
                                         { S("x-amz-meta-b"), S("3") },
                                         { S("Content-MD5"), S("md5") } };
    struct sign_request r = { S("GET"), S("/b/k%20k"), query, LENGTH_OF(query), headers, LENGTH_OF(headers) };
    slice to_sign, made;
    EXPECT_EQ(try_link(&r, SECRET, 0, &to_sign, &a), SIGN_MISMATCH);
    EXPECT_SLICE(to_sign, S("GET\nmd5\na/b\n1175139620\nx-amz-acl:private\nx-amz-meta-b:2,3\n"
                            "/b/k%20k?acl&response-content-type=text/plain&versionId=a/b"));
    r.query_count = 4;
    EXPECT_EQ(sigv2_sign_link(KEY, SECRET, &r, END, &a, &made), SIGN_OK);
    slice signature = slice_from(made, slice_find(made, S("Signature=")) + 10);
    query[5].value = signature;
    r.query_count = LENGTH_OF(query);
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_OK);
    for (size_t i = 1; i < 4; i++) {
        slice was = query[i].value;
        query[i].value = S("other");
        EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MISMATCH);
        query[i].value = was;
    }
    for (size_t i = 0; i < signature.n; i++) {
        char *copy = (char *)arena_copy(&a, signature).p;
        copy[i] = copy[i] == 'x' ? 'y' : 'x';
        query[5].value = (slice){ copy, signature.n };
        EXPECT(try_link(&r, SECRET, 0, NULL, &a) != SIGN_OK);
    }
    r.header_count = 2;
    query[5].value = signature;
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MISMATCH);
}

TEST(malformed_or_repeated_parameters_are_refused)
{
    SCRATCH(a);
    const char *const times[] = { "", "0", "-5", "1e9", "011", "9223372036854775807", "99999999999999999999" };
    struct sign_pair query[] = { { S("AWSAccessKeyId"), KEY },
                                 { S("Signature"), S("x") },
                                 { S("Expires"), S("") },
                                 { S("Expires"), S("1175139620") } };
    struct sign_request r = { .method = S("GET"), .path = S("/"), .query = query, .query_count = 3 };
    for (size_t i = 0; i < LENGTH_OF(times); i++) {
        query[2].value = slice_of(times[i]);
        EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MALFORMED);
    }
    query[2].value = S("1175139620");
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MISMATCH);
    r.query_count = 4; /* two parameters named Expires */
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MALFORMED);
    r.query_count = 2;
    EXPECT_EQ(try_link(&r, SECRET, 0, NULL, &a), SIGN_MALFORMED);
}

RUN_TESTS(cmocka_unit_test(the_example_link_of_aws_is_made_and_verified),
          cmocka_unit_test(signature_covers_sub_resources_overrides_and_amz_headers),
          cmocka_unit_test(malformed_or_repeated_parameters_are_refused))
