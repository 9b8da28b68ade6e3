/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication and authorization of S3 requests: every kind of signature, and the error for each fault in one. */
#include "test.h"

#include "../../src/api/s3/operations_priv.h"
#include "../../src/api/s3/words_priv.h"
#include "base/text.h"
#include "core/bucket/entry.h"
#include "core/records/account.h"
#include "core/records/user.h"
#include "core/store/blob_store.h"
#include "core/unverified.h"
#include "error_table_test.h"
#include "s3_fixture.h"
#include "sign/sigv2.h"

#include <stdio.h>
#include <string.h>

#define AUTH_FIXTURE(name)                                                                                             \
    S3_FIXTURE(name);                                                                                                  \
    s3_put_object(name, &ana, "/photos/a.txt", "hello")

/* The target of a link that this user signed; target may have a query. */
static slice link_of(struct s3_fixture *f, const struct s3_user *p, const char *method, const char *target,
                     int64_t lifetime_s)
{
    struct sign_pair host = { S("host"), S("cais.test") }, pairs[10];
    struct query parsed;
    slice path, text = S(""), query;
    slice_cut(slice_of(target), '?', &path, &text);
    EXPECT_OK(query_parse(text, f->a, &parsed));
    EXPECT(parsed.count <= LENGTH_OF(pairs));
    for (size_t i = 0; i < parsed.count; i++)
        pairs[i] = (struct sign_pair){ parsed.params[i].raw_name, parsed.params[i].raw_value };
    struct sign_request r = { slice_of(method), path, pairs, parsed.count, &host, 1 };
    EXPECT_EQ(sigv4_sign_link(&(struct sigv4_signer){ p->access_key, p->secret, S("us-east-1") }, &r, lifetime_s,
                              core_now_ms(&f->w->core), f->a, &query),
              SIGN_OK);
    return arena_printf(f->a, SLICE_FMT "?" SLICE_FMT, SLICE_ARG(path), SLICE_ARG(query));
}

#define HOST_HEADER                                                                                                    \
    {                                                                                                                  \
        S("Host"), S("cais.test")                                                                                      \
    }

static struct fake_reply *open_link(struct s3_fixture *f, const char *method, slice target, const char *body)
{
    return fake_http_send(&f->http,
                          &(struct fake_request){
                              .method = method, .target = target, .headers = { HOST_HEADER }, .body = slice_of(body) });
}

/* A request with an Authorization header, signed with this payload tag. */
static struct fake_request signed_request(struct s3_fixture *f, const struct s3_user *p, const char *method,
                                          const char *path, slice payload, slice region)
{
    struct sign_pair host = { S("host"), S("cais.test") };
    struct sign_request r = { slice_of(method), slice_of(path), NULL, 0, &host, 1 };
    struct sigv4_signed made;
    EXPECT_EQ(sigv4_sign(&(struct sigv4_signer){ p->access_key, p->secret, region }, &r, payload,
                         core_now_ms(&f->w->core), f->a, &made),
              SIGN_OK);
    return (struct fake_request){ .method = method,
                                  .target = slice_of(path),
                                  .headers = { HOST_HEADER,
                                               { S("x-amz-date"), made.timestamp },
                                               { S("x-amz-content-sha256"), payload },
                                               { S("Authorization"), made.authorization } } };
}

static struct fake_reply *with_authorization(struct s3_fixture *f, const char *value)
{
    return fake_http_send(
        &f->http, &(struct fake_request){ .target = S("/photos/a.txt"),
                                          .headers = { HOST_HEADER, { S("Authorization"), slice_of(value) } } });
}

/* ---- tables ---- */

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&s3_errors);
}

TEST(every_fault_in_a_signature_has_a_row)
{
    for (int i = SIGN_OK + 1; i < SIGN_FAULT_COUNT; i++) {
        enum sign_fault fault = (enum sign_fault)i;
        bool in_requests = s3_row_of_fault(S3_IN_HEADER, fault) && s3_row_of_fault(S3_IN_LINK, fault);
        bool in_forms = s3_row_of_fault(S3_IN_FORM, fault);
        if (!in_requests && !in_forms)
            fail_msg("no row for the fault: %s", sign_fault_text(fault));
    }
}

/* The values come from requests, and are not read as texts with places of their own. */
TEST(the_values_of_a_text_stand_in_its_order)
{
    SCRATCH(a);
    EXPECT_SLICE(slice_of(s3_refuse_with(&a, S3_CHECKSUM_FORM, S("{}"), S("CRC32"))->msg),
                 S("The {} checksum type cannot be used with the CRC32 checksum algorithm."));
    EXPECT_SLICE(slice_of(s3_words(s3_refuse_with(&a, S3_CORS_ID, S(""))).text), S("ID too long: "));
}

TEST(a_subresource_never_runs_the_plain_operation)
{
    for (size_t i = 0; i < s3_operation_count; i++) {
        EXPECT(s3_operations[i].run && s3_operations[i].name);
        for (size_t k = 0; k < i; k++)
            EXPECT(s3_operations[i].level != s3_operations[k].level ||
                   strcmp(s3_operations[i].method, s3_operations[k].method) != 0 ||
                   !slice_eq(slice_of(s3_operations[i].subresource), slice_of(s3_operations[k].subresource)));
    }
    AUTH_FIXTURE(f);
    for (size_t i = 0; i < s3_known_word_count; i++) {
        char target[100];
        if (s3_known_words[i].fate != S3_OTHER_OPERATION)
            continue;
        snprintf(target, sizeof target, "/photos/a.txt?%s", s3_known_words[i].name);
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", target, ""), 501, "NotImplemented");
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", target, ""), 501, "NotImplemented");
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", target, ""), 501, "NotImplemented");
    }
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos/a.txt?acl", ""), 501, "NotImplemented");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "BREW", "/photos/a.txt", ""), 405, "MethodNotAllowed");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", "/", ""), 405, "MethodNotAllowed");
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a.txt?x-id=GetObject&whatever", "")->body, S("hello"));
}

/* boto3 1.44 has put_object_annotation, which sends PUT /bucket/key?annotation&annotationName=note. */
TEST(boto3_annotation_overwrote_the_object_so_a_write_with_an_unknown_subresource_is_refused)
{
    AUTH_FIXTURE(f);
    static const char *const writes[][2] = {
        { "PUT", "/photos/a.txt?annotation&annotationName=note" },
        { "PUT", "/photos/a.txt?annotationName=note&annotation=" },
        { "DELETE", "/photos/a.txt?annotation&annotationName=note" },
        { "POST", "/photos/a.txt?annotation" },
        { "PUT", "/photos/a.txt?anythingnew" },
        { "PUT", "/photos/a.txt?x-id=PutObject&Tagging" },
        { "PUT", "/photos/a.txt?tagging&acl" }, /* one of them would be passed over */
        { "PUT", "/photos/a.txt?uploadId=u&partNumber=1&annotation" },
        { "DELETE", "/photos/a.txt?tagging&anythingnew" },
        { "PUT", "/photos?anythingnew" },
        { "PUT", "/fresh?anythingnew" },
        { "POST", "/photos?anythingnew" },
        { "POST", "/photos?delete&anythingnew" },
        { "DELETE", "/photos?anythingnew" },
        { "DELETE", "/?anythingnew" },
    };
    for (size_t i = 0; i < LENGTH_OF(writes); i++) {
        struct fake_reply *r = s3_send(f, &ana, writes[i][0], writes[i][1], "other");
        EXPECT_S3_ERROR(f, r, 501, "NotImplemented");
        slice link = link_of(f, &ana, writes[i][0], writes[i][1], 60);
        EXPECT_S3_ERROR(f, open_link(f, writes[i][0], link, "other"), 501, "NotImplemented");
    }
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a.txt?anythingnew&annotationName=note", "")->body, S("hello"));
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a.txt?annotation&annotationName=note", ""), 501,
                    "NotImplemented");
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/a.txt?anythingnew", ""), 200);
    EXPECT_STATUS(s3_send(f, &ana, "GET", "/photos?anythingnew", ""), 200);
}

TEST(a_write_may_have_parameters_that_have_no_effect_on_it)
{
    AUTH_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos/a.txt?x-id=PutObject&&anything=new&response-content-type&=", "1"),
                  200);
    slice link = link_of(f, &ana, "PUT", "/photos/a.txt?x-id=PutObject&x-amz-acl=", 60);
    EXPECT_STATUS(open_link(f, "PUT", link, "2"), 200);
    EXPECT_STATUS(
        s3_send(f, &ana, "DELETE", "/photos/a.txt?x-id=DeleteObject&X-Amz-Request-Payer=requester&x-cais-other=1", ""),
        204);
}

TEST(an_error_says_which_rule_was_broken)
{
    AUTH_FIXTURE(f);
    struct fake_reply *r = with_authorization(f, "AWS4-HMAC-SHA256 nothing");
    EXPECT_SLICE(s3_text(f, r, "Error.Message"), S("The authorization header is malformed; a part of it is absent or "
                                                   "cannot be parsed: Authorization."));
    r = open_link(f, "GET", S("/photos/a.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"), "");
    EXPECT_SLICE(s3_text(f, r, "Error.Message"), S("The authorization parameters of the query are malformed; a part of "
                                                   "it is absent or cannot be parsed: X-Amz-Credential."));
}

/* "is malformed", and nothing else, was the answer of all of these. */
TEST(a_malformed_authorization_names_the_part_that_is)
{
    AUTH_FIXTURE(f);
#define CREDENTIAL "Credential=%s/20261121/us-east-1/s3/aws4_request"
    static const char *const rows[][2] = {
        { "Credential=%s, SignedHeaders=host, Signature=00", "Credential" },
        { "Credential=%s/20261121/us-east-1/s3, SignedHeaders=host, Signature=00", "Credential" },
        { "Credential=%s/20261199/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00", "date" },
        { "Credential=%s/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00", "date" },
        { "Credential=%s/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00", "service" },
        { "Credential=%s/20261121/us-east-1/s3/aws5_request, SignedHeaders=host, Signature=00", "aws4_request" },
        { "Credential=%s/20261121/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=00", "region" },
        { CREDENTIAL ", SignedHeaders=, Signature=00", "SignedHeaders" },
        { CREDENTIAL ", Signature=00", "SignedHeaders" },
        { CREDENTIAL ", SignedHeaders=host", "Signature" },
        { "SignedHeaders=host, Signature=00", "Credential" },
    };
    f->s3.options.only_region = true;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        const char *at = strstr(rows[i][0], "%s");
        slice value = arena_printf(f->a, "AWS4-HMAC-SHA256 %.*s" SLICE_FMT "%s", at ? (int)(at - rows[i][0]) : 0,
                                   rows[i][0], SLICE_ARG(at ? ana.access_key : S("")), at ? at + 2 : rows[i][0]);
        struct fake_request r = { .target = S("/photos/a.txt"),
                                  .headers = { HOST_HEADER,
                                               { S("Authorization"), value },
                                               { S("x-amz-date"), S("20261121T140409Z") },
                                               { S("x-amz-content-sha256"), S("UNSIGNED-PAYLOAD") } } };
        struct fake_reply *reply = fake_http_send(&f->http, &r);
        EXPECT_S3_ERROR(f, reply, 400, "AuthorizationHeaderMalformed");
        EXPECT_SLICE(s3_text(f, reply, "Error.Part"), slice_of(rows[i][1]));
        EXPECT(slice_ends(s3_text(f, reply, "Error.Message"), arena_printf(f->a, ": %s.", rows[i][1])));
    }
}

/* ---- users and keys ---- */

TEST(an_unsigned_request_is_refused)
{
    AUTH_FIXTURE(f);
    static const char *const asked[][2] = { { "GET", "/" },
                                            { "GET", "/photos" },
                                            { "PUT", "/other" },
                                            { "GET", "/photos/a.txt" },
                                            { "HEAD", "/photos/a.txt" },
                                            { "PUT", "/photos/b" },
                                            { "DELETE", "/photos/a.txt" },
                                            { "GET", "/nowhere/x" },
                                            { "POST", "/photos?delete" } };
    for (size_t i = 0; i < LENGTH_OF(asked); i++) {
        struct fake_reply *r = s3_send(f, NULL, asked[i][0], asked[i][1], "");
        EXPECT_STATUS(r, 403);
        if (strcmp(asked[i][0], "HEAD") != 0)
            EXPECT_SLICE(s3_text(f, r, "Error.Code"), S("AccessDenied"));
        EXPECT(!r->received);
    }
    EXPECT_S3_ERROR(f, with_authorization(f, "Bearer abc"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, with_authorization(f, "Basic YTpi"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, with_authorization(f, "AWS key:c2lnbmF0dXJl"), 400, "InvalidRequest");
    EXPECT_S3_ERROR(f, with_authorization(f, "AWS4-HMAC-SHA256 Credential=x"), 400, "AuthorizationHeaderMalformed");
    EXPECT_S3_ERROR(f, with_authorization(f, "AWS4-ECDSA-P256-SHA256 Credential=x"), 400, "InvalidRequest");
}

TEST(an_error_document_has_the_elements_of_s3)
{
    AUTH_FIXTURE(f);
    struct fake_reply *r = s3_send(f, NULL, "GET", "/photos/%3Ca%3E", "");
    EXPECT_SLICE(r->content_type, S("application/xml"));
    EXPECT_SLICE(s3_text(f, r, "Error.Resource"), S("/photos/%3Ca%3E"));
    EXPECT_SLICE(s3_text(f, r, "Error.RequestId"), S("0123456789abcdef"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-request-id"), S("0123456789abcdef"));
    EXPECT(fake_reply_header(r, "x-amz-id-2").n && s3_text(f, r, "Error.HostId").n && s3_text(f, r, "Error.Message").n);
    EXPECT(!fake_reply_header(r, "Set-Cookie").p);
    r = s3_send(f, NULL, "HEAD", "/photos/a.txt", "");
    EXPECT_STATUS(r, 403);
    EXPECT_SLICE(r->body, S(""));
}

TEST(a_wrong_secret_and_an_unknown_key_have_different_errors)
{
    AUTH_FIXTURE(f);
    struct s3_user wrong = ana, unknown = ana;
    wrong.secret = S("not-her-secret");
    unknown.access_key = S("CAISNOBODY0000000000");
    struct fake_reply *r = s3_send(f, &wrong, "GET", "/photos/a.txt", "");
    EXPECT_S3_ERROR(f, r, 403, "SignatureDoesNotMatch");
    EXPECT(slice_starts(s3_text(f, r, "Error.StringToSign"), S("AWS4-HMAC-SHA256\n")));
    EXPECT(slice_starts(s3_text(f, r, "Error.CanonicalRequest"), S("GET\n/photos/a.txt\n")));
    EXPECT_SLICE(s3_text(f, r, "Error.AWSAccessKeyId"), ana.access_key);
    EXPECT_EQ(slice_find(r->body, ana.secret), SLICE_NONE);
    r = s3_send(f, &unknown, "GET", "/photos/a.txt", "");
    EXPECT_S3_ERROR(f, r, 403, "InvalidAccessKeyId");
}

TEST(a_key_of_a_disabled_user_is_refused)
{
    AUTH_FIXTURE(f);
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_DISABLED, f->a));
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a.txt", ""), 403, "AccountProblem");
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_DELETED, f->a));
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a.txt", ""), 403, "InvalidAccessKeyId");
}

TEST(filebrowser_5216_a_revoked_key_is_refused_at_once)
{
    AUTH_FIXTURE(f);
    slice link = link_of(f, &ana, "GET", "/photos/a.txt", 3600);
    EXPECT_SLICE(open_link(f, "GET", link, "")->body,
                 S("hello")); /* now the access key and its signing key are cached */
    EXPECT_OK(key_revoke(&f->w->core, &f->w->operator_, ana.who.credential_id, f->a));
    EXPECT_STATUS(open_link(f, "GET", link, ""), 403);
    EXPECT_STATUS(s3_send(f, &ana, "GET", "/photos/a.txt", ""), 403);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos/b.txt", "x"), 403);
}

/* A body that makes a request for this subresource well-formed. */
static const char *document_for(slice subresource)
{
    static const char *const documents[][2] = {
        { "delete", "<Delete><Object><Key>a.txt</Key></Object></Delete>" },
        { "tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>" },
        { "cors", "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
                  "</CORSRule></CORSConfiguration>" },
        { "versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>" },
        { "uploadId", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>"
                      "</CompleteMultipartUpload>" }
    };
    for (size_t i = 0; i < LENGTH_OF(documents); i++)
        if (slice_eq(subresource, slice_of(documents[i][0])))
            return documents[i][1];
    return "";
}

static struct fake_request request_for(struct s3_fixture *f, const struct s3_operation *o)
{
    static const char *const paths[] = { "/", "/photos", "/photos/a.txt" };
    slice sub = slice_of(o->subresource ? o->subresource : "");
    bool has_body = strcmp(o->method, "PUT") == 0 || strcmp(o->method, "POST") == 0;
    return (struct fake_request){
        .method = o->method,
        .target = arena_printf(f->a, "%s%s" SLICE_FMT "%s", paths[o->level], sub.n ? "?" : "", SLICE_ARG(sub),
                               !slice_eq(sub, S("uploadId"))   ? ""
                               : strcmp(o->method, "PUT") == 0 ? "=x&partNumber=1"
                                                               : "=x"),
        .headers = { { slice_eq(sub, S("attributes")) ? S("x-amz-object-attributes") : S(""), S("ETag") } },
        .body = has_body ? slice_of(document_for(sub)) : S("")
    };
}

TEST(ghsa_3g29_every_operation_authenticates_and_authorizes)
{
    AUTH_FIXTURE(f);
    struct account account;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("others"), f->a, &account));
    struct s3_user otto = s3_user_of(f, "others", "otto");
    for (size_t i = 0; i < s3_operation_count; i++) {
        const struct s3_operation *o = &s3_operations[i];
        if (o->flags & S3_UNSIGNED)
            continue; /* forms and preflights: s3_form.c, s3_cors.c */
        struct fake_request r = request_for(f, o);
        struct fake_reply *reply = s3_send_request(f, NULL, &r);
        EXPECT_STATUS(reply, 403);
        EXPECT(!reply->received);
        if (o->level == S3_SERVICE)
            continue;
        r = request_for(f, o);
        reply = s3_send_request(f, &otto, &r);
        bool is_create = strcmp(o->name, "CreateBucket") == 0;
        if (reply->status != (is_create ? 409 : 403))
            fail_msg("%s answers another account %d", o->name, reply->status);
    }
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a.txt", "")->body, S("hello"));
}

TEST(a_bucket_of_another_account_is_refused)
{
    AUTH_FIXTURE(f);
    struct account account;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("others"), f->a, &account));
    struct s3_user otto = s3_user_of(f, "others", "otto");
    EXPECT_S3_ERROR(f, s3_send(f, &otto, "GET", "/photos/a.txt", ""), 403, "AccessDenied");
    EXPECT_S3_ERROR(f, s3_send(f, &otto, "PUT", "/photos/b.txt", "x"), 403, "AccessDenied");
    EXPECT_S3_ERROR(f, s3_send(f, &otto, "DELETE", "/photos/a.txt", ""), 403, "AccessDenied");
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a.txt", "")->body, S("hello"));
}

TEST(a_request_with_two_signatures_is_refused)
{
    AUTH_FIXTURE(f);
    struct fake_request r = signed_request(f, &ana, "GET", "/photos/a.txt", S("UNSIGNED-PAYLOAD"), S("us-east-1"));
    r.target = link_of(f, &ana, "GET", "/photos/a.txt", 60);
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "InvalidArgument");
    r = (struct fake_request){ .target = arena_printf(f->a, SLICE_FMT "&AWSAccessKeyId=a&Signature=b&Expires=1",
                                                      SLICE_ARG(r.target)) };
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "InvalidArgument");
}

/* ---- what a signature covers ---- */

TEST(rustfs_7425_an_unsigned_x_amz_header_is_refused)
{
    AUTH_FIXTURE(f);
    struct fake_request r = { .method = "PUT",
                              .target = link_of(f, &ana, "PUT", "/photos/b.txt", 60),
                              .headers = { HOST_HEADER, { S("X-Amz-Meta-Evil"), S("1") } },
                              .body = S("x") };
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 403, "AccessDenied");
    EXPECT_SLICE(s3_text(f, reply, "Error.HeadersNotSigned"), S("X-Amz-Meta-Evil"));
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/b.txt", ""), 404);
}

TEST(all_headers_that_are_not_signed_are_named)
{
    AUTH_FIXTURE(f);
    struct fake_request r = { .method = "PUT",
                              .target = link_of(f, &ana, "PUT", "/photos/b.txt", 60),
                              .headers = { HOST_HEADER,
                                           { S("x-amz-acl"), S("private") },
                                           { S("X-Amz-Meta-Evil"), S("1") },
                                           { S("x-amz-content-sha256"), S("UNSIGNED-PAYLOAD") } },
                              .body = S("x") };
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 403, "AccessDenied");
    EXPECT_SLICE(s3_text(f, reply, "Error.HeadersNotSigned"), S("x-amz-acl, X-Amz-Meta-Evil"));
}

/* Its value is on the last line of the canonical request, so it counts although no signed header names it. */
TEST(the_digest_of_a_body_need_not_be_a_signed_header)
{
    AUTH_FIXTURE(f);
    slice digest = S("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"); /* of hello */
    struct fake_request r = { .method = "PUT",
                              .target = link_of(f, &ana, "PUT", "/photos/b.txt", 60),
                              .headers = { HOST_HEADER, { S("x-amz-content-sha256"), digest } },
                              .body = S("hello") };
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "SignatureDoesNotMatch"); /* UNSIGNED-PAYLOAD was signed */
    r.headers[1].value = S("UNSIGNED-PAYLOAD");
    EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
}

TEST(a_date_and_an_algorithm_have_the_errors_of_s3)
{
    AUTH_FIXTURE(f);
    struct fake_request r = signed_request(f, &ana, "GET", "/photos/a.txt", S("UNSIGNED-PAYLOAD"), S("us-east-1"));
    r.headers[1].name = S("x-other");
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 403, "AccessDenied");
    EXPECT_SLICE(s3_text(f, reply, "Error.Message"),
                 S("AWS authentication requires a valid Date or x-amz-date header"));
    slice link = link_of(f, &ana, "GET", "/photos/a.txt", 60);
    size_t at = slice_find(link, S("AWS4-HMAC-SHA256"));
    slice other = arena_copy(f->a, link);
    ((char *)other.p)[at + 15] = '7';
    EXPECT_S3_ERROR(f, open_link(f, "GET", other, ""), 400, "AuthorizationQueryParametersError");
}

TEST(rustfs_7754_an_unsigned_copy_source_is_refused)
{
    AUTH_FIXTURE(f);
    struct fake_request r = { .method = "PUT",
                              .target = link_of(f, &ana, "PUT", "/photos/b.txt", 60),
                              .headers = { HOST_HEADER, { S("x-amz-copy-source"), S("/photos/a.txt") } } };
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "AccessDenied");
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/b.txt", ""), 404);
}

TEST(a_link_is_valid_for_its_method_and_path_only)
{
    AUTH_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/b.txt", "other");
    slice target = link_of(f, &ana, "GET", "/photos/a.txt", 60), query, path;
    EXPECT_SLICE(open_link(f, "GET", target, "")->body, S("hello"));
    EXPECT_STATUS(open_link(f, "HEAD", target, ""), 200);
    EXPECT_S3_ERROR(f, open_link(f, "DELETE", target, ""), 403, "SignatureDoesNotMatch");
    EXPECT_S3_ERROR(f, open_link(f, "PUT", target, "x"), 403, "SignatureDoesNotMatch");
    slice_cut(target, '?', &path, &query);
    EXPECT_S3_ERROR(f, open_link(f, "GET", arena_printf(f->a, "/photos/b.txt?" SLICE_FMT, SLICE_ARG(query)), ""), 403,
                    "SignatureDoesNotMatch");
    EXPECT_S3_ERROR(
        f, open_link(f, "GET", arena_printf(f->a, SLICE_FMT "&response-content-type=text/html", SLICE_ARG(target)), ""),
        403, "SignatureDoesNotMatch");
    /* a link for HEAD is not valid for GET */
    target = link_of(f, &ana, "HEAD", "/photos/a.txt", 60);
    EXPECT_STATUS(open_link(f, "HEAD", target, ""), 200);
    EXPECT_STATUS(open_link(f, "GET", target, ""), 403);
}

/* ---- when a signature is valid ---- */

TEST(a_link_expires_exactly_at_its_expiry_time)
{
    AUTH_FIXTURE(f);
    slice target = link_of(f, &ana, "GET", "/photos/a.txt", 60);
    world_wait(f->w, seconds(60) - 1 - WORLD_START_MS % 1000);
    EXPECT_STATUS(open_link(f, "GET", target, ""), 200);
    world_wait(f->w, 1);
    struct fake_reply *r = open_link(f, "GET", target, "");
    EXPECT_S3_ERROR(f, r, 403, "AccessDenied");
    EXPECT_SLICE(s3_text(f, r, "Error.Message"), S("Request has expired"));
    EXPECT_SLICE(s3_text(f, r, "Error.Expires"), S("2026-11-21T14:05:09Z"));
}

TEST(a_clock_that_is_20_minutes_off_is_refused)
{
    AUTH_FIXTURE(f);
    struct fake_request r = signed_request(f, &ana, "GET", "/photos/a.txt", S("UNSIGNED-PAYLOAD"), S("us-east-1"));
    EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
    world_wait(f->w, minutes(20));
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 403, "RequestTimeTooSkewed");
    EXPECT_SLICE(s3_text(f, reply, "Error.RequestTime"), S("20261121T140409Z"));
    EXPECT_SLICE(s3_text(f, reply, "Error.ServerTime"), S("2026-11-21T14:24:09Z"));
    EXPECT_SLICE(s3_text(f, reply, "Error.MaxAllowedSkewMilliseconds"), S("900000"));
}

TEST(malformed_parameters_of_a_link_are_refused)
{
    AUTH_FIXTURE(f);
    slice target = link_of(f, &ana, "GET", "/photos/a.txt", 60), head, tail;
    size_t at = slice_find(target, S("X-Amz-Expires=60"));
    head = slice_part(target, 0, at);
    tail = slice_from(target, at + 16);
    static const char *const wrong[] = { "X-Amz-Expires=0", "X-Amz-Expires=604801", "X-Amz-Expires=x", "y=1" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        slice bad = arena_printf(f->a, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(head), wrong[i], SLICE_ARG(tail));
        EXPECT_S3_ERROR(f, open_link(f, "GET", bad, ""), 400, "AuthorizationQueryParametersError");
    }
    EXPECT_S3_ERROR(f, open_link(f, "GET", S("/photos/a.txt?X-Amz-Signature=1"), ""), 400,
                    "AuthorizationQueryParametersError");
    EXPECT_S3_ERROR(f, s3_send(f, NULL, "GET", "/photos/%zz", ""), 400, "InvalidURI");
}

TEST(any_region_is_accepted_unless_only_region_is_set)
{
    AUTH_FIXTURE(f);
    struct fake_request r = signed_request(f, &ana, "GET", "/photos/a.txt", S("UNSIGNED-PAYLOAD"), S("sa-saopaulo-1"));
    EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
    f->s3.options.only_region = true;
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 400, "AuthorizationHeaderMalformed");
    EXPECT_SLICE(s3_text(f, reply, "Error.Region"), S("us-east-1"));
}

/* ---- the payload ---- */

TEST(a_body_that_differs_from_the_signed_digest_is_not_stored)
{
    AUTH_FIXTURE(f);
    unsigned char digest[SHA256_SIZE];
    hash_sha256(S("signed"), digest);
    slice tag = hex_encode(f->a, (slice){ (char *)digest, sizeof digest });
    struct fake_request r = signed_request(f, &ana, "PUT", "/photos/b.txt", tag, S("us-east-1"));
    r.body = S("Signed");
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "XAmzContentSHA256Mismatch");
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/b.txt", ""), 404);
    r.body = S("signed");
    EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
    r = signed_request(f, &ana, "PUT", "/photos/b.txt", S("whatever"), S("us-east-1"));
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "InvalidArgument");
    r = signed_request(f, &ana, "POST", "/photos?delete", tag, S("us-east-1"));
    r.body = S("<Delete/>");
    EXPECT_STATUS(fake_http_send(&f->http, &r),
                  403); /* refused before the body is read, because the query is not signed */
}

/* A request as curl --aws-sigv4 makes it: the signature covers the digest of the body, but the digest is not sent. */
static struct fake_request curl_request(struct s3_fixture *f, const struct s3_user *p, const char *path,
                                        slice signed_body)
{
    SCRATCH(scratch);
    struct sign_pair headers[] = { { S("host"), S("cais.test") },
                                   { S("x-amz-date"), sigv4_timestamp(f->a, core_now_ms(&f->w->core)) } };
    unsigned char digest[SHA256_SIZE];
    hash_sha256(signed_body, digest);
    struct sigv4_signer who = { p->access_key, p->secret, S("us-east-1") };
    struct sigv4_key key;
    slice date = slice_part(headers[1].value, 0, 8);
    sigv4_key_derive(p->secret, date, who.region, &key);
    slice canonical = arena_printf(
        f->a, "PUT\n%s\n\nhost:cais.test\nx-amz-date:" SLICE_FMT "\n\nhost;x-amz-date\n" SLICE_FMT, path,
        SLICE_ARG(headers[1].value), SLICE_ARG(hex_encode(f->a, (slice){ (char *)digest, sizeof digest })));
    hash_sha256(canonical, digest);
    slice to_sign =
        arena_printf(f->a, "AWS4-HMAC-SHA256\n" SLICE_FMT "\n" SLICE_FMT "/us-east-1/s3/aws4_request\n" SLICE_FMT,
                     SLICE_ARG(headers[1].value), SLICE_ARG(date),
                     SLICE_ARG(hex_encode(f->a, (slice){ (char *)digest, sizeof digest })));
    slice authorization = arena_printf(
        f->a, "AWS4-HMAC-SHA256 Credential=" SLICE_FMT ", SignedHeaders=host;x-amz-date, Signature=" SLICE_FMT,
        SLICE_ARG(sigv4_credential(f->a, &who, core_now_ms(&f->w->core))),
        SLICE_ARG(sigv4_mac_hex(f->a, &key, to_sign)));
    return (struct fake_request){
        .method = "PUT",
        .target = slice_of(path),
        .headers = { HOST_HEADER, { S("x-amz-date"), headers[1].value }, { S("Authorization"), authorization } }
    };
}

TEST(a_signature_of_curl_is_verified_at_the_end_of_the_body)
{
    AUTH_FIXTURE(f);
    struct fake_request r = curl_request(f, &ana, "/photos/b.txt", S("some data"));
    r.body = S("some data");
    EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/b.txt", "")->body, S("some data"));
    r.body = S("some Data");
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "SignatureDoesNotMatch");
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/b.txt", "")->body, S("some data"));
    /* a large body goes to the blob store, which is unchanged afterwards */
    r = curl_request(f, &ana, "/photos/c", S("nothing like it"));
    r.body = world_bytes(f->w, 100000);
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "SignatureDoesNotMatch");
    EXPECT_EQ(world_blob_count(f->w), 0);
    /* a body that is collected */
    const char *tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos/a.txt?tagging", tags), 200);
}

TEST(an_unauthenticated_client_learns_nothing_from_errors)
{
    AUTH_FIXTURE(f);
    static const char *const paths[] = { "/photos/a.txt", "/none/a.txt" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        struct fake_request r = curl_request(f, &ana, paths[i], S("some data"));
        r.body = S("other data");
        r.headers[3] = (struct http_header){ S("If-None-Match"), S("*") };
        struct fake_reply *reply =
            fake_http_send(&f->http, &r); /* the first key exists, the second one has no bucket */
        EXPECT_S3_ERROR(f, reply, 400, "InvalidRequest");
        EXPECT(slice_find(reply->body, S("x-amz-content-sha256")) != SLICE_NONE);
    }
}

/* Clients repeat a request that gets 503, and give up one that gets 400. */
TEST(a_busy_server_answered_an_unverified_body_as_malformed)
{
    AUTH_FIXTURE(f);
    struct fake_request streamed = curl_request(f, &ana, "/photos/b.txt", S("some data")), collected = streamed;
    collected.method = "POST";
    collected.target = S("/photos?delete");
    struct fake_request *both[] = { &streamed, &collected };
    for (size_t i = 0; i < LENGTH_OF(both); i++) {
        both[i]->body = S("some data");
        both[i]->busy = true;
        struct fake_reply *r = fake_http_send(&f->http, both[i]);
        EXPECT_S3_ERROR(f, r, 503, "SlowDown");
        EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("1"));
    }
    streamed.busy = false;
    EXPECT_STATUS(fake_http_send(&f->http, &streamed), 200);
}

TEST(an_unauthenticated_client_cannot_fill_the_memory)
{
    AUTH_FIXTURE(f);
    struct fake_request r = curl_request(f, &ana, "/photos", S("x"));
    r.method = "POST";
    r.target = S("/photos?delete");
    r.body = world_bytes(f->w, 64 * 1024);
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "SignatureDoesNotMatch");
    r.body = world_bytes(f->w, 64 * 1024 + 1);
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 400, "InvalidRequest"); /* not even that it is too large */
    EXPECT(reply->refused);
}

TEST(an_unauthenticated_client_cannot_fill_the_disk)
{
    AUTH_FIXTURE(f);
    struct fake_request r = curl_request(f, &ana, "/photos/a", S("x"));
    r.body = world_bytes(f->w, (16 << 20) + 1);
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 400, "InvalidRequest");
    EXPECT_EQ(world_blob_count(f->w), 0);
    r.body.n = 1 << 20;
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "SignatureDoesNotMatch");
}

/* ---- bodies of unknown senders ---- */

#define MIB ((size_t)1 << 20)
#define DISK_BYTES (64 * MIB)

/* Requests that overlap: each begins when the body of the one before has come, and ends after all others. */
struct overlap {
    struct s3_fixture *f;
    const struct fake_request *requests;
    size_t count, sent;
    struct fake_reply *replies[8];
    uint64_t staged_bytes; /* when all were sent */
    uint64_t counted_bytes;
};

static void send_the_rest(void *arg)
{
    struct overlap *o = arg;
    while (o->sent < o->count) {
        size_t i = o->sent++;
        struct fake_request r = o->requests[i];
        r.midway = send_the_rest;
        r.midway_arg = o;
        o->replies[i] = fake_http_send(&o->f->http, &r);
    }
    uint64_t free_bytes, counted = unverified_use(o->f->w->core.unverified).bytes;
    struct blob_store *blob = o->f->w->core.blob;
    EXPECT_OK(blob->ops->free_bytes(blob, o->f->a, &free_bytes));
    if (DISK_BYTES - free_bytes > o->staged_bytes)
        o->staged_bytes = DISK_BYTES - free_bytes;
    if (counted > o->counted_bytes)
        o->counted_bytes = counted;
}

static struct overlap send_overlapping(struct s3_fixture *f, const struct fake_request *requests, size_t count)
{
    struct overlap o = { .f = f, .requests = requests, .count = count };
    EXPECT(count <= LENGTH_OF(o.replies));
    send_the_rest(&o);
    EXPECT_EQ(unverified_use(f->w->core.unverified).bytes, 0);
    return o;
}

static void expect_slow_down(struct s3_fixture *f, const struct fake_reply *reply)
{
    EXPECT_S3_ERROR(f, reply, 503, "SlowDown");
    EXPECT(!reply->received); /* it was refused at its head */
    EXPECT_SLICE(fake_reply_header(reply, "Retry-After"), S("1"));
}

/* The body of another request than the one that was signed, as of a client that does not know the secret. */
static struct fake_request unknown_sender(struct s3_fixture *f, const struct s3_user *named, const char *path,
                                          size_t size_bytes)
{
    struct fake_request r = curl_request(f, named, path, S("what the owner of the key signed"));
    r.body = world_bytes(f->w, size_bytes);
    r.piece = size_bytes;
    return r;
}

TEST(bodies_of_unknown_senders_filled_the_disk)
{
    SCOPED(s3_fixture_freep)
    struct s3_fixture *f = s3_fixture_new_in(NULL, &(struct world_options){ .blob_capacity = DISK_BYTES });
    struct s3_user ana = s3_user(f, "ana"), bob = s3_user(f, "bob");
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos", ""), 200);
    struct fake_request requests[8], of_bob = curl_request(f, &bob, "/photos/bob", S("of bob"));
    for (size_t i = 0; i < 6; i++)
        requests[i] = unknown_sender(f, &ana, "/photos/a", MIB);
    of_bob.body = S("of bob");
    requests[6] = of_bob; /* names another key, and is its owner */
    /* whoever declares a digest needs no room */
    requests[7] = signed_request(f, &ana, "GET", "/photos/none", S("UNSIGNED-PAYLOAD"), S("us-east-1"));
    struct overlap o = send_overlapping(f, requests, 8);
    for (size_t i = 0; i < 4; i++)
        EXPECT_S3_ERROR(f, o.replies[i], 403, "SignatureDoesNotMatch");
    expect_slow_down(f, o.replies[4]);
    expect_slow_down(f, o.replies[5]);
    EXPECT_STATUS(o.replies[6], 200);
    EXPECT_S3_ERROR(f, o.replies[7], 404, "NoSuchKey");
    EXPECT_EQ(o.staged_bytes, 4 * MIB);
    EXPECT_EQ(o.counted_bytes, 4 * MIB + of_bob.body.n);
    EXPECT_EQ(unverified_use(f->w->core.unverified).refused, 2);
    EXPECT_EQ(world_blob_count(f->w), 0);
}

TEST(a_body_of_an_unknown_sender_counts_with_the_length_that_it_declares)
{
    SCOPED(s3_fixture_freep)
    struct s3_fixture *f =
        s3_fixture_new_in(NULL, &(struct world_options){ .blob_capacity = DISK_BYTES, .unverified_bytes = 2 * MIB });
    struct s3_user users[5];
    struct fake_request requests[6];
    for (size_t i = 0; i < 5; i++) {
        users[i] = s3_user(f, (char[]){ 'u', (char)('0' + i), '\0' });
        requests[i] = unknown_sender(f, &users[i], "/photos/a", 1);
        requests[i].declared = MIB / 2;
        requests[i].cut = true;
    }
    EXPECT_STATUS(s3_send(f, &users[0], "PUT", "/photos", ""), 200);
    requests[5] = requests[0]; /* a quarter of the budget is used up for this key, and then the budget for all */
    struct overlap o = send_overlapping(
        f, (struct fake_request[]){ requests[0], requests[5], requests[1], requests[2], requests[3], requests[4] }, 6);
    static const bool refused[] = { false, true, false, false, false, true };
    for (size_t i = 0; i < 6; i++)
        if (refused[i])
            expect_slow_down(f, o.replies[i]);
        else
            EXPECT_S3_ERROR(f, o.replies[i], 400, "InvalidRequest");
    EXPECT_EQ(o.counted_bytes, 2 * MIB);
    requests[0] = unknown_sender(f, &users[0], "/photos/a", MIB / 2 + 1);
    expect_slow_down(f, fake_http_send(&f->http, &requests[0]));
}

TEST(a_document_of_an_unknown_sender_counts_too)
{
    AUTH_FIXTURE(f);
    struct fake_request r = curl_request(f, &ana, "/photos", S("x")), requests[5];
    r.method = "POST";
    r.target = S("/photos?delete");
    r.body = world_bytes(f->w, 1000);
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        requests[i] = r;
        requests[i].chunked = i == 0; /* counts with the most that it may have */
    }
    struct overlap o = send_overlapping(f, requests, LENGTH_OF(requests));
    for (size_t i = 0; i < 4; i++)
        EXPECT_S3_ERROR(f, o.replies[i], 403, "SignatureDoesNotMatch");
    expect_slow_down(f, o.replies[4]);
    EXPECT_EQ(o.counted_bytes, 64 * 1024 + 3 * 1000);
}

/* Whichever way the request ends: stored, refused, cut, or with a failing store. */
TEST(the_room_for_an_unverified_body_was_not_given_back)
{
    AUTH_FIXTURE(f);
    for (int i = 0; i < 3 * UNVERIFIED_PER_CREDENTIAL; i++) {
        struct fake_request r = curl_request(f, &ana, "/photos/b", S("some data"));
        r.body = S("some data");
        EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
        r.body = S("other data");
        EXPECT_STATUS(fake_http_send(&f->http, &r), 403);
        r.cut = true;
        EXPECT_STATUS(fake_http_send(&f->http, &r), 400);
        r = unknown_sender(f, &ana, "/none/b", 100000);
        EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "InvalidRequest");
        r = unknown_sender(f, &ana, "/photos/b", 100000);
        f->w->faults = (struct fault_plan){ .fail_at = i + 1, .fail_count = 1, .code = ERR_UNAVAILABLE };
        EXPECT(fake_http_send(&f->http, &r)->status != 200);
        f->w->faults = (struct fault_plan){ 0 };
        EXPECT_EQ(unverified_use(f->w->core.unverified).bytes, 0);
    }
    EXPECT_EQ(unverified_use(f->w->core.unverified).refused, 0);
}

/* Only who names a key that exists gets as far as to send a body. */
TEST(an_unknown_access_key_is_refused_before_its_body)
{
    AUTH_FIXTURE(f);
    struct s3_user nobody = ana;
    nobody.access_key = S("CAISAAAAAAAAAAAAAAAA");
    struct fake_request r = unknown_sender(f, &nobody, "/photos/a", 100000);
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_S3_ERROR(f, reply, 403, "InvalidAccessKeyId");
    EXPECT(!reply->received);
}

TEST(a_signature_over_an_empty_body_does_not_cover_a_body)
{
    AUTH_FIXTURE(f);
    struct fake_request r = curl_request(f, &ana, "/photos/b.txt", S(""));
    r.body = S("smuggled");
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 403, "SignatureDoesNotMatch");
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/b.txt", ""), 404);
    r.body = S("");
    EXPECT_STATUS(fake_http_send(&f->http, &r), 200);
    /* a copy does not read its body, so its signature must cover an empty one */
    r = curl_request(f, &ana, "/photos/c.txt", S("x"));
    r.body = S("y");
    r.headers[3] = (struct http_header){ S("x-amz-copy-source"), S("photos/a.txt") };
    EXPECT_STATUS(fake_http_send(&f->http, &r), 403);
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/c.txt", ""), 404);
}

/* ---- version 2 ---- */

static slice link_v2(struct s3_fixture *f, const struct s3_user *p, const char *method, const char *path, slice bucket,
                     int64_t seconds_from_now)
{
    struct sign_request r = { slice_of(method), slice_of(path), NULL, 0, NULL, 0, bucket };
    slice query;
    EXPECT_EQ(
        sigv2_sign_link(p->access_key, p->secret, &r, core_now_ms(&f->w->core) / 1000 + seconds_from_now, f->a, &query),
        SIGN_OK);
    return arena_printf(f->a, "%s?" SLICE_FMT, path, SLICE_ARG(query));
}

TEST(links_of_version_2_are_valid_for_reading_only)
{
    AUTH_FIXTURE(f);
    slice target = link_v2(f, &ana, "GET", "/photos/a.txt", S(""), 60);
    EXPECT_SLICE(open_link(f, "GET", target, "")->body, S("hello"));
    EXPECT_STATUS(open_link(f, "HEAD", target, ""), 200);
    EXPECT_S3_ERROR(f, open_link(f, "PUT", target, "x"), 400, "InvalidRequest");
    EXPECT_S3_ERROR(f, open_link(f, "DELETE", target, ""), 400, "InvalidRequest");
    EXPECT_S3_ERROR(f, open_link(f, "GET", link_v2(f, &ana, "GET", "/photos/a.txt", S(""), -1), ""), 403,
                    "AccessDenied");
    struct s3_user wrong = ana;
    wrong.secret = S("x");
    EXPECT_S3_ERROR(f, open_link(f, "GET", link_v2(f, &wrong, "GET", "/photos/a.txt", S(""), 60), ""), 403,
                    "SignatureDoesNotMatch");
}

/* The same with a query that the link signs as far as version 2 signs it. */
static slice link_v2_with(struct s3_fixture *f, const struct s3_user *p, const char *path, struct sign_pair parameter)
{
    struct sign_request r = { S("GET"), slice_of(path), &parameter, 1, NULL, 0, S("") };
    slice query;
    EXPECT_EQ(sigv2_sign_link(p->access_key, p->secret, &r, core_now_ms(&f->w->core) / 1000 + 60, f->a, &query),
              SIGN_OK);
    return arena_printf(f->a, "%s?" SLICE_FMT, path, SLICE_ARG(query));
}

TEST(a_v2_listing_link_listed_another_prefix)
{
    AUTH_FIXTURE(f);
    static const struct sign_pair queries[] = { { { "prefix", 6 }, { "a", 1 } },
                                                { { "marker", 6 }, { "a", 1 } },
                                                { { "uploads", 7 }, { "", 0 } },
                                                { { "versions", 8 }, { "", 0 } },
                                                { { "location", 8 }, { "", 0 } } };
    for (size_t i = 0; i < LENGTH_OF(queries); i++) {
        slice target = link_v2_with(f, &ana, "/photos", queries[i]);
        EXPECT_S3_ERROR(f, open_link(f, "GET", target, ""), 400, "InvalidRequest");
        EXPECT_S3_ERROR(f, open_link(f, "GET", arena_printf(f->a, SLICE_FMT "&prefix=b", SLICE_ARG(target)), ""), 400,
                        "InvalidRequest");
    }
    EXPECT_S3_ERROR(f, open_link(f, "GET", link_v2(f, &ana, "GET", "/photos", S(""), 60), ""), 400, "InvalidRequest");
    EXPECT_STATUS(open_link(f, "HEAD", link_v2(f, &ana, "HEAD", "/photos/", S(""), 60), ""), 400);
    EXPECT_S3_ERROR(f, open_link(f, "GET", link_v2(f, &ana, "GET", "/", S(""), 60), ""), 400, "InvalidRequest");
}

TEST(a_v2_link_has_no_parameter_that_it_does_not_sign)
{
    AUTH_FIXTURE(f);
    slice id = s3_text(f, s3_send(f, &ana, "POST", "/photos/p?uploads", ""), "InitiateMultipartUploadResult.UploadId");
    slice parts = link_v2_with(f, &ana, "/photos/p", (struct sign_pair){ S("uploadId"), id });
    EXPECT_STATUS(open_link(f, "GET", parts, ""), 200);
    EXPECT_S3_ERROR(f, open_link(f, "GET", arena_printf(f->a, SLICE_FMT "&part-number-marker=1", SLICE_ARG(parts)), ""),
                    400, "InvalidRequest");
    slice typed =
        link_v2_with(f, &ana, "/photos/a.txt", (struct sign_pair){ S("response-content-type"), S("text/csv") });
    EXPECT_SLICE(open_link(f, "GET", typed, "")->content_type, S("text/csv"));
    EXPECT_STATUS(open_link(f, "GET", arena_printf(f->a, SLICE_FMT "&x-id=GetObject", SLICE_ARG(typed)), ""), 200);
    EXPECT_S3_ERROR(f, open_link(f, "GET", arena_printf(f->a, SLICE_FMT "&response-expires=0", SLICE_ARG(typed)), ""),
                    403, "SignatureDoesNotMatch");
}

/* ---- addresses ---- */

TEST(the_host_name_may_contain_the_bucket)
{
    AUTH_FIXTURE(f);
    static const slice hosts[] = { { "s3.example.org", 14 } };
    f->s3.options.hosts = hosts;
    f->s3.options.host_count = 1;
    struct fake_request r = { .target = S("/a.txt"), .host = S("photos.S3.example.org:8080") };
    EXPECT_SLICE(s3_send_request(f, &ana, &r)->body, S("hello"));
    r.host = S("Photos.s3.example.org");
    EXPECT_SLICE(s3_send_request(f, &ana, &r)->body, S("hello"));
    r.host = S("s3.example.org");
    r.target = S("/photos/a.txt");
    EXPECT_SLICE(s3_send_request(f, &ana, &r)->body, S("hello"));
    r.host = S("xs3.example.org");
    EXPECT_SLICE(s3_send_request(f, &ana, &r)->body, S("hello"));
    /* version 2 signs the path with the bucket in front */
    slice target = link_v2(f, &ana, "GET", "/a.txt", S("photos"), 60);
    r = (struct fake_request){ .target = target, .host = S("photos.s3.example.org") };
    EXPECT_SLICE(fake_http_send(&f->http, &r)->body, S("hello"));
}

TEST(minio_16849_reserved_names_are_no_buckets_in_any_style)
{
    AUTH_FIXTURE(f);
    static const slice hosts[] = { { "s3.example.org", 14 } };
    f->s3.options.hosts = hosts;
    f->s3.options.host_count = 1;
    static const char *const names[] = { "api",   "auth",   "files",    "status",  "health", "metrics",
                                         "oauth", "portal", "services", "appfile", "appdata" };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        slice bucket = arena_printf(f->a, "/%s", names[i]), key = arena_printf(f->a, "/%s/k", names[i]);
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", bucket.p, ""), 400, "InvalidBucketName");
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", key.p, "x"), 404, "NoSuchBucket");
        EXPECT_S3_ERROR(f, s3_send(f, NULL, "POST", bucket.p, ""), 404, "NoSuchBucket");
        struct fake_request r = { .target = S("/k"), .host = arena_printf(f->a, "%s.s3.example.org", names[i]) };
        EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &r), 404, "NoSuchBucket");
    }
}

TEST(keys_are_never_normalised)
{
    AUTH_FIXTURE(f);
    static const char *const paths[] = { "/photos//",
                                         "/photos/a//b",
                                         "/photos/./x",
                                         "/photos/../x",
                                         "/photos/a/",
                                         "/photos/a%2Fb%20c%2B+%26%23%3F",
                                         "/photos/%C3%BC/%F0%9F%93%8E" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++)
        s3_put_object(f, &ana, paths[i], paths[i]);
    for (size_t i = 0; i < LENGTH_OF(paths); i++)
        EXPECT_SLICE(s3_send(f, &ana, "GET", paths[i], "")->body, slice_of(paths[i]));
    char key[ENTRY_KEY_MAX + 20] = "/photos/";
    memset(key + 8, 'k', ENTRY_KEY_MAX);
    s3_put_object(f, &ana, key, "x");
    key[8 + ENTRY_KEY_MAX] = 'k';
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", key, "x"), 400, "KeyTooLongError");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos/%ff", "x"), 400, "InvalidURI");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "//photos", ""), 400, "InvalidURI");
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row), cmocka_unit_test(every_fault_in_a_signature_has_a_row),
          cmocka_unit_test(an_error_says_which_rule_was_broken),
          cmocka_unit_test(a_malformed_authorization_names_the_part_that_is),
          cmocka_unit_test(boto3_annotation_overwrote_the_object_so_a_write_with_an_unknown_subresource_is_refused),
          cmocka_unit_test(a_write_may_have_parameters_that_have_no_effect_on_it),
          cmocka_unit_test(the_values_of_a_text_stand_in_its_order),
          cmocka_unit_test(a_subresource_never_runs_the_plain_operation),
          cmocka_unit_test(an_unsigned_request_is_refused), cmocka_unit_test(an_error_document_has_the_elements_of_s3),
          cmocka_unit_test(a_wrong_secret_and_an_unknown_key_have_different_errors),
          cmocka_unit_test(a_key_of_a_disabled_user_is_refused),
          cmocka_unit_test(filebrowser_5216_a_revoked_key_is_refused_at_once),
          cmocka_unit_test(ghsa_3g29_every_operation_authenticates_and_authorizes),
          cmocka_unit_test(a_bucket_of_another_account_is_refused),
          cmocka_unit_test(a_request_with_two_signatures_is_refused),
          cmocka_unit_test(rustfs_7425_an_unsigned_x_amz_header_is_refused),
          cmocka_unit_test(all_headers_that_are_not_signed_are_named),
          cmocka_unit_test(the_digest_of_a_body_need_not_be_a_signed_header),
          cmocka_unit_test(a_date_and_an_algorithm_have_the_errors_of_s3),
          cmocka_unit_test(rustfs_7754_an_unsigned_copy_source_is_refused),
          cmocka_unit_test(a_link_is_valid_for_its_method_and_path_only),
          cmocka_unit_test(a_link_expires_exactly_at_its_expiry_time),
          cmocka_unit_test(a_clock_that_is_20_minutes_off_is_refused),
          cmocka_unit_test(malformed_parameters_of_a_link_are_refused),
          cmocka_unit_test(any_region_is_accepted_unless_only_region_is_set),
          cmocka_unit_test(a_body_that_differs_from_the_signed_digest_is_not_stored),
          cmocka_unit_test(a_signature_of_curl_is_verified_at_the_end_of_the_body),
          cmocka_unit_test(an_unauthenticated_client_learns_nothing_from_errors),
          cmocka_unit_test(a_busy_server_answered_an_unverified_body_as_malformed),
          cmocka_unit_test(an_unauthenticated_client_cannot_fill_the_disk),
          cmocka_unit_test(bodies_of_unknown_senders_filled_the_disk),
          cmocka_unit_test(a_body_of_an_unknown_sender_counts_with_the_length_that_it_declares),
          cmocka_unit_test(a_document_of_an_unknown_sender_counts_too),
          cmocka_unit_test(the_room_for_an_unverified_body_was_not_given_back),
          cmocka_unit_test(an_unknown_access_key_is_refused_before_its_body),
          cmocka_unit_test(a_signature_over_an_empty_body_does_not_cover_a_body),
          cmocka_unit_test(an_unauthenticated_client_cannot_fill_the_memory),
          cmocka_unit_test(links_of_version_2_are_valid_for_reading_only),
          cmocka_unit_test(a_v2_listing_link_listed_another_prefix),
          cmocka_unit_test(a_v2_link_has_no_parameter_that_it_does_not_sign),
          cmocka_unit_test(the_host_name_may_contain_the_bucket),
          cmocka_unit_test(minio_16849_reserved_names_are_no_buckets_in_any_style),
          cmocka_unit_test(keys_are_never_normalised))
