/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of forms. The vectors are the example of the Amazon S3 API reference ("Example: Browser-Based Upload using
 * HTTP POST"), and the forms of tickets of docs/apis/runrun.md, one for each version of the signature. */
#include "test.h"

#include "base/buf.h"
#include "base/text.h"
#include "sign/form_policy.h"

#include <string.h>

/* A slice as a constant expression. */
#define LIT(text)                                                                                                      \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
#define PUBLISHED                                                                                                      \
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1"                 \
    "Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8i"                 \
    "XSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDov"                 \
    "L3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0"                 \
    "YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUx"                 \
    "MjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFy"                 \
    "dHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZP"                 \
    "RE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGht"                 \
    "IjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"

static const struct sign_pair published_fields[] = {
    { LIT("key"), LIT("user/user1/a.png") },
    { LIT("acl"), LIT("public-read") },
    { LIT("success_action_redirect"), LIT("http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html") },
    { LIT("Content-Type"), LIT("image/jpeg") },
    { LIT("x-amz-meta-uuid"), LIT("14365123651274") },
    { LIT("x-amz-server-side-encryption"), LIT("AES256") },
    { LIT("X-Amz-Credential"), LIT("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request") },
    { LIT("X-Amz-Algorithm"), LIT("AWS4-HMAC-SHA256") },
    { LIT("X-Amz-Date"), LIT("20151229T000000Z") },
    { LIT("x-amz-meta-tag"), LIT("") },
    { LIT("Policy"), LIT(PUBLISHED) },
    { LIT("X-Amz-Signature"), LIT("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e") },
};
#define FIELDS LENGTH_OF(published_fields)
#define NOW ((int64_t)1451347200000) /* 2015-12-29T00:00:00Z */
#define SECRET S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

/* Everything that a server checks about a form. */
static enum sign_fault try_form(const struct sign_pair *fields, size_t count, slice bucket, slice secret,
                                int64_t now_ms, const char *about)
{
    SCRATCH(a);
    struct sign_detail detail = { 0 };
    struct sigv4 claim;
    struct policy policy;
    slice text;
    if (!policy_field(fields, count, S("Policy"), &text))
        return SIGN_POLICY;
    enum sign_fault fault = policy_v4_parse(fields, count, S("us-east-1"), &a, &claim, &detail);
    if (!fault)
        fault = policy_v4_verify(&claim, text, secret);
    if (!fault)
        fault = policy_parse(text, &a, &policy, &detail);
    const struct policy_form form = { .bucket = bucket, .fields = fields, .field_count = count };
    if (!fault)
        fault = policy_check(&policy, &form, now_ms, &detail);
    if (about)
        EXPECT_SLICE(detail.about, slice_of(about));
    return fault;
}

TEST(aws_example_form_is_accepted)
{
    slice bucket = S("sigv4examplebucket");
    const int64_t end = (int64_t)1451476800000;
    EXPECT_EQ(try_form(published_fields, FIELDS, bucket, SECRET, NOW, NULL), SIGN_OK);
    EXPECT_EQ(try_form(published_fields, FIELDS, bucket, SECRET, end - 1, NULL), SIGN_OK);
    EXPECT_EQ(try_form(published_fields, FIELDS, bucket, SECRET, end, NULL), SIGN_EXPIRED);
    EXPECT_EQ(try_form(published_fields, FIELDS, bucket, S("other"), NOW, NULL), SIGN_MISMATCH);
    EXPECT_EQ(try_form(published_fields, FIELDS, S("another"), SECRET, NOW, "bucket"), SIGN_CONDITION);
}

/* For each field: remove it, rename it, and alter every byte of its value. */
TEST(an_altered_or_missing_field_of_a_form_is_found)
{
    SCRATCH(a);
    slice bucket = S("sigv4examplebucket");
    struct sign_pair fields[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        memcpy(fields, published_fields, sizeof fields);
        fields[i].name = S("other");
        EXPECT(try_form(fields, FIELDS, bucket, SECRET, NOW, NULL) != SIGN_OK);
        memmove(&fields[i], &published_fields[i] + 1, (FIELDS - i - 1) * sizeof fields[0]);
        EXPECT(try_form(fields, FIELDS - 1, bucket, SECRET, NOW, NULL) != SIGN_OK);
        memcpy(fields, published_fields, sizeof fields);
        slice value = fields[i].value;
        for (size_t at = 0; at < value.n; at++) {
            bool prefix_only = (slice_eq(fields[i].name, S("key")) && at >= 11) ||
                               (slice_eq(fields[i].name, S("Content-Type")) && at >= 6);
            char *copy = (char *)arena_copy(&a, value).p;
            copy[at] = copy[at] == 'x' ? 'y' : 'x';
            fields[i].value = (slice){ copy, value.n };
            EXPECT_EQ(try_form(fields, FIELDS, bucket, SECRET, NOW, NULL) == SIGN_OK, prefix_only);
        }
    }
}

/* supabase/storage#1211, GHSA-w5fh-f8xh-5x3p, minio#21656 */
TEST(a_field_without_a_condition_is_refused)
{
    slice bucket = S("sigv4examplebucket");
    struct sign_pair fields[FIELDS + 1];
    memcpy(fields, published_fields, sizeof published_fields);
    const struct {
        const char *name, *value;
        enum sign_fault fault;
    } cases[] = {
        { "x-amz-meta-more", "1", SIGN_EXTRA_FIELD },
        { "Cache-Control", "no-store", SIGN_EXTRA_FIELD },
        { "AWSAccessKeyId", "x", SIGN_EXTRA_FIELD }, /* the name of a signature field of the other version */
        { "signature", "x", SIGN_EXTRA_FIELD },
        { "X-Ignore-This", "x", SIGN_OK },
        { "policy", "x", SIGN_OK },
        { "bucket", "sigv4examplebucket", SIGN_OK },
        { "BUCKET", "another", SIGN_CONDITION },
        { "KEY", "user/user2/b", SIGN_CONDITION }, /* a field that is sent twice must meet the condition twice */
        { "KEY", "user/user1/b", SIGN_OK },
        { "content-type", "image/png, text/html", SIGN_CONDITION },
        { "content-type", "image/png, image/gif", SIGN_OK },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        fields[FIELDS] = (struct sign_pair){ slice_of(cases[i].name), slice_of(cases[i].value) };
        enum sign_fault fault = try_form(fields, FIELDS + 1, bucket, SECRET, NOW, NULL);
        if (fault != cases[i].fault)
            fail_msg("%s=%s gave: %s", cases[i].name, cases[i].value, sign_fault_text(fault));
    }
}

#define TICKET_SECRET S("not-a-real-secret/0123456789abcdefABCDEF")

static const struct policy_condition ticket_v4[] = {
    { .name = LIT("bucket"), .value = LIT("runrunit") },
    { .name = LIT("key"), .value = LIT("data/enterprise/1/9001/nota.csv") },
    { .kind = POLICY_LENGTH, .min_bytes = 22, .max_bytes = 22 },
    { .name = LIT("success_action_status"), .value = LIT("201") },
    { .name = LIT("x-amz-algorithm"), .value = LIT("AWS4-HMAC-SHA256") },
    { .name = LIT("x-amz-credential"), .value = LIT("CAISKEY0000000000001/20261121/sa-saopaulo-1/s3/aws4_request") },
    { .name = LIT("x-amz-date"), .value = LIT("20261121T140000Z") },
};
#define TICKET_END ((int64_t)1795273200000) /* 2026-11-21T15:00:00Z */

TEST(a_ticket_form_equals_the_vector_of_its_contract)
{
    SCRATCH(a);
    const struct sigv4_signer who = { S("CAISKEY0000000000001"), TICKET_SECRET, S("sa-saopaulo-1") };
    slice text = policy_build(&a, TICKET_END, ticket_v4, LENGTH_OF(ticket_v4)), json;
    EXPECT(base64_decode(&a, text, &json));
    EXPECT_SLICE(json, S("{\"expiration\":\"2026-11-21T15:00:00Z\",\"conditions\":[{\"bucket\":\"runrunit\"},"
                         "{\"key\":\"data/enterprise/1/9001/nota.csv\"},[\"content-length-range\",22,22],"
                         "{\"success_action_status\":\"201\"},{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"},"
                         "{\"x-amz-credential\":\"CAISKEY0000000000001/20261121/sa-saopaulo-1/s3/aws4_request\"},"
                         "{\"x-amz-date\":\"20261121T140000Z\"}]}"));
    EXPECT_EQ(json.n, 335);
    const int64_t now_ms = TICKET_END - 3600000;
    EXPECT_SLICE(sigv4_credential(&a, &who, now_ms), ticket_v4[5].value);
    EXPECT_SLICE(sigv4_timestamp(&a, now_ms), ticket_v4[6].value);
    EXPECT_SLICE(policy_v4_sign(&a, &who, text, now_ms),
                 S("ae4a90264e6df6df72d38a13b25a85372ea523c673efe05a75503ca7d29eb3e1"));
    struct policy p;
    EXPECT_EQ(policy_parse(text, &a, &p, NULL), SIGN_OK);
    EXPECT_EQ(p.expires_at_ms, TICKET_END);
    EXPECT(p.min_bytes == 22 && p.max_bytes == 22);
}

TEST(an_older_ticket_form_equals_the_vector_of_its_contract)
{
    SCRATCH(a);
    const struct policy_condition conditions[] = {
        { .name = S("bucket"), .value = S("runrunit") },
        { .name = S("key"), .value = S("data/enterprise/1/9001/nota.csv") },
        { .name = S("acl"), .value = S("private") },
        { .name = S("success_action_status"), .value = S("201") },
        { .kind = POLICY_STARTS_WITH, .name = S("name") },
        { .kind = POLICY_STARTS_WITH, .name = S("filename") },
        { .kind = POLICY_STARTS_WITH, .name = S("content_type") },
        { .kind = POLICY_LENGTH, .min_bytes = 22, .max_bytes = 22 },
    };
    slice text = policy_build(&a, TICKET_END, conditions, LENGTH_OF(conditions));
    slice signature = policy_v2_sign(&a, TICKET_SECRET, text);
    EXPECT_SLICE(signature, S("abEJIL0h9Qym0jHPqb1YjQVjUCE="));
    EXPECT_EQ(policy_v2_verify(text, signature, TICKET_SECRET), SIGN_OK);
    EXPECT_EQ(policy_v2_verify(text, S("abEJIL0h9Qym0jHPqb1YjQVjUCF="), TICKET_SECRET), SIGN_MISMATCH);
    EXPECT_EQ(policy_v2_verify(text, S(""), TICKET_SECRET), SIGN_MISMATCH);
    EXPECT_EQ(policy_v2_verify(slice_from(text, 1), signature, TICKET_SECRET), SIGN_MISMATCH);
    const struct sign_pair fields[] = {
        { S("name"), S("nota.csv") },
        { S("key"), S("data/enterprise/1/9001/nota.csv") },
        { S("acl"), S("private") },
        { S("policy"), text },
        { S("signature"), signature },
        { S("AWSAccessKeyId"), S("CAISKEY0000000000001") },
        { S("content_type"), S("") },
        { S("filename"), S("nota.csv") },
        { S("success_action_status"), S("201") },
    };
    struct policy p;
    EXPECT_EQ(policy_parse(text, &a, &p, NULL), SIGN_OK);
    const struct policy_form form = {
        .signature = POLICY_V2, .bucket = S("runrunit"), .fields = fields, .field_count = LENGTH_OF(fields)
    };
    EXPECT_EQ(policy_check(&p, &form, TICKET_END - 1, NULL), SIGN_OK);
    EXPECT_EQ(policy_check(&p, &form, TICKET_END, NULL), SIGN_EXPIRED);
}

/* A client that posts every field that it was given sends the fields of both versions. */
TEST(exempt_fields_need_no_condition)
{
    SCRATCH(a);
    const slice exempt[] = { S("signature"), S("AWSAccessKeyId"), S("content_type"), S("name") };
    const struct sign_pair fields[] = {
        { S("policy"), S("the old one") },
        { S("Policy"), S("the new one") },
        { S("key"), S("data/enterprise/1/9001/nota.csv") },
        { S("success_action_status"), S("201") },
        { S("X-Amz-Algorithm"), S("AWS4-HMAC-SHA256") },
        { S("X-Amz-Credential"), S("CAISKEY0000000000001/20261121/sa-saopaulo-1/s3/aws4_request") },
        { S("X-Amz-Date"), S("20261121T140000Z") },
        { S("X-Amz-Signature"), S("checked elsewhere") },
        { S("signature"), S("x") },
        { S("AWSAccessKeyId"), S("x") },
        { S("Content_Type"), S("x") },
        { S("name"), S("x") },
    };
    struct policy p;
    slice text;
    EXPECT(policy_field(fields, LENGTH_OF(fields), S("Policy"), &text));
    EXPECT_SLICE(text, S("the new one"));
    EXPECT(policy_field(fields, LENGTH_OF(fields), S("POLICY"), &text));
    EXPECT_SLICE(text, S("the old one"));
    EXPECT(!policy_field(fields, LENGTH_OF(fields), S("file"), &text));
    EXPECT_EQ(policy_parse(policy_build(&a, TICKET_END, ticket_v4, LENGTH_OF(ticket_v4)), &a, &p, NULL), SIGN_OK);
    struct policy_form form = { .bucket = S("runrunit"),
                                .fields = fields,
                                .field_count = LENGTH_OF(fields),
                                .exempt = exempt,
                                .exempt_count = LENGTH_OF(exempt) };
    EXPECT_EQ(policy_check(&p, &form, 0, NULL), SIGN_OK);
    form.exempt_count--;
    EXPECT_EQ(policy_check(&p, &form, 0, NULL), SIGN_EXTRA_FIELD);
}

static enum sign_fault parsed(const char *json, struct arena *a, struct policy *ret)
{
    return policy_parse(base64_encode(a, slice_of(json)), a, ret, NULL);
}

#define WITH(conditions) "{\"expiration\":\"2026-11-21T15:00:00Z\",\"conditions\":[" conditions "]}"

TEST(malformed_policies_are_refused)
{
    SCRATCH(a);
    struct policy p;
    const char *const broken[] = {
        "",
        "[]",
        "{}",
        "{",
        WITH("1"),
        WITH("[]"),
        WITH("{}"),
        WITH("[\"eq\",\"$key\"]"),
        WITH("[\"eq\",\"key\",\"a\"]"),
        WITH("[\"eq\",\"$\",\"a\"]"),
        WITH("[\"eq\",\"$key\",\"a\",\"b\"]"),
        WITH("[\"ends-with\",\"$key\",\"a\"]"),
        WITH("[\"content-length-range\",1]"),
        WITH("[\"content-length-range\",-1,5]"),
        WITH("[\"content-length-range\",1,\"x\"]"),
        WITH("[\"content-length-range\",1.5,2]"),
        WITH("{\"key\":null}"),
        WITH("{\"key\":{}}"),
        WITH("{\"key\":\"a\",\"key\":\"b\"}"),
        WITH("[5,\"$key\",\"a\"]"),
        "{\"conditions\":[]}",
        "{\"expiration\":\"2026-11-21T15:00:00Z\"}",
        "{\"expiration\":\"tomorrow\",\"conditions\":[]}",
        "{\"expiration\":1795273200,\"conditions\":[]}",
        "{\"expiration\":\"2026-11-21T15:00:00Z\",\"conditions\":[],\"more\":1}",
        "{\"expiration\":\"2026-11-21T15:00:00Z\",\"conditions\":{\"key\":\"a\"}}",
    };
    for (size_t i = 0; i < LENGTH_OF(broken); i++)
        if (parsed(broken[i], &a, &p) != SIGN_POLICY)
            fail_msg("taken for a policy: %s", broken[i]);
    SCOPED(buf_releasep) struct buf many = { 0 };
    buf_add(&many, S("{\"expiration\":\"2026-11-21T15:00:00Z\",\"conditions\":[{\"c\":\"\"}"));
    for (int i = 1; i < POLICY_CONDITIONS_MAX; i++)
        buf_add(&many, S(",{\"c\":\"\"}"));
    size_t full = many.n;
    buf_add(&many, S("]}"));
    EXPECT_EQ(policy_parse(base64_encode(&a, buf_slice(&many)), &a, &p, NULL), SIGN_OK);
    EXPECT_EQ(p.count, POLICY_CONDITIONS_MAX);
    many.n = full;
    buf_add(&many, S(",{\"c\":\"\"}]}"));
    EXPECT_EQ(policy_parse(base64_encode(&a, buf_slice(&many)), &a, &p, NULL), SIGN_POLICY);
    EXPECT_EQ(policy_parse(S("=not base64="), &a, &p, NULL), SIGN_POLICY);
    EXPECT_EQ(parsed(WITH("{\"a\":\"1\",\"b\":2},[\"EQ\",\"$c\",\"3\"],[\"Starts-With\",\"$d\",\"\"],"
                          "[\"content-length-range\",\"1\",100],[\"content-length-range\",10,2000]"),
                     &a, &p),
              SIGN_OK);
    EXPECT_EQ(p.count, 6);
    EXPECT(p.min_bytes == 10 && p.max_bytes == 100);
    EXPECT_SLICE(p.conditions[1].value, S("2"));
    EXPECT_EQ(parsed(WITH(""), &a, &p), SIGN_OK);
    EXPECT(p.min_bytes == 0 && p.max_bytes == UINT64_MAX);
    const struct policy_form form = { .bucket = S("any") };
    EXPECT_EQ(policy_check(&p, &form, 0, NULL), SIGN_EXTRA_FIELD); /* the policy does not name the bucket */
}

TEST(a_form_without_a_signature_field_is_malformed)
{
    SCRATCH(a);
    struct sigv4 claim;
    struct sign_pair fields[FIELDS];
    const size_t needed[] = { 6, 7, 8, 11 };
    for (size_t i = 0; i < LENGTH_OF(needed); i++) {
        memcpy(fields, published_fields, sizeof fields);
        fields[needed[i]].name = S("x");
        EXPECT_EQ(policy_v4_parse(fields, FIELDS, S(""), &a, &claim, NULL), SIGN_MALFORMED);
    }
    memcpy(fields, published_fields, sizeof fields);
    EXPECT_EQ(policy_v4_parse(fields, FIELDS, S("eu-west-1"), &a, &claim, NULL), SIGN_SCOPE);
    fields[7].value = S("AWS4-HMAC-SHA1");
    EXPECT_EQ(policy_v4_parse(fields, FIELDS, S(""), &a, &claim, NULL), SIGN_ALGORITHM);
}

RUN_TESTS(cmocka_unit_test(aws_example_form_is_accepted),
          cmocka_unit_test(an_altered_or_missing_field_of_a_form_is_found),
          cmocka_unit_test(a_field_without_a_condition_is_refused),
          cmocka_unit_test(a_ticket_form_equals_the_vector_of_its_contract),
          cmocka_unit_test(an_older_ticket_form_equals_the_vector_of_its_contract),
          cmocka_unit_test(exempt_fields_need_no_condition), cmocka_unit_test(malformed_policies_are_refused),
          cmocka_unit_test(a_form_without_a_signature_field_is_malformed))
