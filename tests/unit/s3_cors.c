/* SPDX-License-Identifier: Apache-2.0 */
/* CORS: the configuration of a bucket, preflights, and the headers of other replies. */
#include "test.h"

#include "s3_fixture.h"

#define RULES(text) "<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" text "</CORSConfiguration>"
#define RULE(text) RULES("<CORSRule>" text "</CORSRule>")
#define ORIGIN(text) "<AllowedOrigin>" text "</AllowedOrigin>"
#define METHOD(text) "<AllowedMethod>" text "</AllowedMethod>"
#define HEADER(text) "<AllowedHeader>" text "</AllowedHeader>"
#define EXPOSE(text) "<ExposeHeader>" text "</ExposeHeader>"

static struct fake_reply *preflight(struct s3_fixture *f, const char *target, const char *origin, const char *method,
                                    const char *headers)
{
    struct fake_request r = { .method = "OPTIONS", .target = slice_of(target) };
    size_t n = 0;
    if (origin)
        r.headers[n++] = (struct http_header){ S("Origin"), slice_of(origin) };
    if (method)
        r.headers[n++] = (struct http_header){ S("Access-Control-Request-Method"), slice_of(method) };
    if (headers)
        r.headers[n++] = (struct http_header){ S("Access-Control-Request-Headers"), slice_of(headers) };
    return s3_send_request(f, NULL, &r);
}

static struct fake_reply *get_from(struct s3_fixture *f, const struct s3_user *p, const char *target,
                                   const char *origin)
{
    return s3_send_request(f, p,
                           &(struct fake_request){ .method = "GET",
                                                   .target = slice_of(target),
                                                   .headers = { { S("Origin"), slice_of(origin) } } });
}

static slice allowed(const struct fake_reply *r)
{
    return fake_reply_header(r, "Access-Control-Allow-Origin");
}

#define EXPECT_NO_CORS(reply)                                                                                          \
    EXPECT(!allowed(reply).p && !fake_reply_header((reply), "Access-Control-Expose-Headers").p)

/* ---- configuration ---- */

TEST(a_cors_configuration_is_stored_shown_and_deleted)
{
    S3_FIXTURE(f);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?cors", ""), 404, "NoSuchCORSConfiguration");
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos?cors",
                          RULES("<CORSRule><ID>one</ID>" ORIGIN("https://a.example") METHOD("GET") METHOD("PUT")
                                    HEADER("*") EXPOSE("ETag") "<MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>"
                                                               "<CORSRule>" ORIGIN("*") METHOD("HEAD") "</CORSRule>")),
                  200);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?cors", "");
    EXPECT_STATUS(r, 200);
    EXPECT_EQ(s3_count(f, r, "CORSConfiguration", "CORSRule"), 2);
    EXPECT_SLICE(s3_text(f, r, "CORSConfiguration.CORSRule.ID"), S("one"));
    EXPECT_SLICE(s3_text(f, r, "CORSConfiguration.CORSRule.AllowedMethod#1"), S("PUT"));
    EXPECT_SLICE(s3_text(f, r, "CORSConfiguration.CORSRule#1.AllowedOrigin"), S("*"));
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos?cors", ""), 204);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?cors", ""), 404, "NoSuchCORSConfiguration");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/none?cors", RULE(ORIGIN("*") METHOD("GET"))), 404, "NoSuchBucket");
}

TEST(invalid_cors_rules_are_refused)
{
    S3_FIXTURE(f);
    static const struct {
        const char *document, *code;
    } rows[] = {
        { "", "MissingRequestBodyError" },
        { "<CORSConfiguration", "MalformedXML" },
        { "<Other/>", "MalformedXML" },
        { RULES(""), "MalformedXML" },
        { RULES("<Rule/>"), "MalformedXML" },
        { RULE(""), "MalformedXML" },
        { RULE(ORIGIN("*")), "MalformedXML" },
        { RULE(METHOD("GET")), "MalformedXML" },
        { RULE(ORIGIN("") METHOD("GET")), "MalformedXML" },
        { RULE(ORIGIN("https://a b") METHOD("GET")), "MalformedXML" },
        { RULE(ORIGIN("https://\xc3\xa9") METHOD("GET")), "MalformedXML" },
        { RULE(ORIGIN("*") METHOD("GET") "<Other/>"), "MalformedXML" },
        { RULE(ORIGIN("*") METHOD("GET") "<ID>1</ID><ID>2</ID>"), "MalformedXML" },
        { RULE(ORIGIN("*") METHOD("GET") "<MaxAgeSeconds>x</MaxAgeSeconds>"), "MalformedXML" },
        { RULE(ORIGIN("*") METHOD("GET") "<MaxAgeSeconds>-1</MaxAgeSeconds>"), "MalformedXML" },
        { RULE(ORIGIN("https://*.*") METHOD("GET")), "InvalidRequest" },
        { RULE(ORIGIN("*") METHOD("PATCH")), "InvalidRequest" },
        { RULE(ORIGIN("*") METHOD("get")), "InvalidRequest" },
        { RULE(ORIGIN("*") METHOD("GET") HEADER("x-*-*")), "InvalidRequest" },
        { RULE(ORIGIN("*") METHOD("GET") EXPOSE("x-*")), "InvalidRequest" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos?cors", rows[i].document), 400, rows[i].code);
    struct buf b;
    buf_init(&b, 0);
    for (int count = 100; count <= 101; count++) {
        buf_clear(&b);
        buf_add(&b, S("<CORSConfiguration>"));
        for (int i = 0; i < count; i++)
            buf_add(&b, S("<CORSRule>" ORIGIN("*") METHOD("GET") "</CORSRule>"));
        buf_add(&b, S("</CORSConfiguration>"));
        struct fake_reply *r = s3_send(f, &ana, "PUT", "/photos?cors", arena_cstr(f->a, buf_slice(&b)));
        EXPECT_STATUS(r, count == 100 ? 200 : 400);
    }
    buf_release(&b);
}

/* ---- preflights ---- */

TEST(the_first_matching_rule_answers_a_preflight)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos?cors",
                          RULES("<CORSRule>" ORIGIN("https://a.example") METHOD("PUT") HEADER("x-amz-*") HEADER(
                              "Content-Type") "<MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>"
                                              "<CORSRule>" ORIGIN("https://*.b.example") METHOD("PUT") METHOD("GET")
                                                  EXPOSE("ETag") EXPOSE("x-amz-id") "</CORSRule><CORSRule>" ORIGIN("*")
                                                      METHOD("GET") "</CORSRule>")),
                  200);
    struct fake_reply *r = preflight(f, "/photos/key", "https://a.example", "PUT", "Content-type, X-AMZ-date");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(allowed(r), S("https://a.example"));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Allow-Methods"), S("PUT"));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Allow-Headers"), S("content-type, x-amz-date"));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Max-Age"), S("60"));
    EXPECT(fake_reply_header(r, "Vary").n > 0);
    r = preflight(f, "/photos", "https://x.b.example", "PUT", NULL);
    EXPECT_SLICE(allowed(r), S("https://x.b.example"));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Allow-Methods"), S("PUT, GET"));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Expose-Headers"), S("ETag, x-amz-id"));
    EXPECT_SLICE(allowed(preflight(f, "/photos", "https://else.example", "GET", NULL)), S("*"));
    EXPECT_S3_ERROR(f, preflight(f, "/photos", "https://else.example", "PUT", NULL), 403, "AccessForbidden");
    EXPECT_S3_ERROR(f, preflight(f, "/photos", "https://a.example", "PUT", "authorization"), 403, "AccessForbidden");
    EXPECT_S3_ERROR(f, preflight(f, "/photos", "https://A.example", "PUT", NULL), 403, "AccessForbidden");
    EXPECT_S3_ERROR(f, preflight(f, "/photos", "http://a.example", "PUT", NULL), 403, "AccessForbidden");
    EXPECT_S3_ERROR(f, preflight(f, "/photos", "https://a.example.evil.example", "PUT", NULL), 403, "AccessForbidden");
}

TEST(a_preflight_without_origin_or_method_is_a_bad_request)
{
    S3_FIXTURE(f);
    EXPECT_S3_ERROR(f, preflight(f, "/photos/key", NULL, "PUT", NULL), 400, "BadRequest");
    EXPECT_S3_ERROR(f, preflight(f, "/photos/key", "https://a.example", NULL, NULL), 400, "BadRequest");
    EXPECT_S3_ERROR(f, preflight(f, "/photos/key", "https://a.example", "PATCH", NULL), 400, "BadRequest");
    EXPECT_S3_ERROR(f, preflight(f, "/photos/key", "https://a.example", "PUT", NULL), 403, "AccessForbidden");
    EXPECT_S3_ERROR(f, preflight(f, "/none/key", "https://a.example", "PUT", NULL), 403, "AccessForbidden");
}

/* ---- other replies ---- */

TEST(replies_and_errors_have_the_headers_that_the_rule_allows)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_NO_CORS(get_from(f, &ana, "/photos/a", "https://a.example"));
    EXPECT_STATUS(
        s3_send(f, &ana, "PUT", "/photos?cors", RULE(ORIGIN("https://a.example") METHOD("GET") EXPOSE("ETag"))), 200);
    struct fake_reply *r = get_from(f, &ana, "/photos/a", "https://a.example");
    EXPECT_SLICE(r->body, S("hello"));
    EXPECT_SLICE(allowed(r), S("https://a.example"));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Expose-Headers"), S("ETag"));
    EXPECT(fake_reply_header(r, "Vary").n > 0);
    r = get_from(f, &ana, "/photos/none", "https://a.example");
    EXPECT_STATUS(r, 404);
    EXPECT_SLICE(allowed(r), S("https://a.example"));
    EXPECT_NO_CORS(get_from(f, &ana, "/photos/a", "https://b.example"));
    EXPECT_NO_CORS(s3_send(f, &ana, "GET", "/photos/a", ""));
}

TEST(ghsa_x5xv_origins_are_never_reflected_with_credentials)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos?cors", RULE(ORIGIN("*") METHOD("GET") HEADER("*"))), 200);
    struct fake_reply *replies[] = { get_from(f, &ana, "/photos", "https://evil.example"),
                                     preflight(f, "/photos", "https://evil.example", "GET", "cookie") };
    for (size_t i = 0; i < LENGTH_OF(replies); i++) {
        EXPECT_SLICE(allowed(replies[i]), S("*"));
        EXPECT(!fake_reply_header(replies[i], "Access-Control-Allow-Credentials").p);
    }
}

TEST(configured_origins_apply_to_buckets_without_rules)
{
    struct s3_options options = s3_fixture_options();
    slice origins[] = { S("https://app.example"), S("https://*.wide.example") };
    options.cors_origins.items = origins;
    options.cors_origins.count = LENGTH_OF(origins);
    SCOPED(s3_fixture_freep) struct s3_fixture *f = s3_fixture_new(&options);
    struct s3_user ana = s3_user(f, "ana");
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos", ""), 200);
    struct fake_reply *r = preflight(f, "/photos/key", "https://app.example", "POST", "Content-Type,x-anything");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(allowed(r), S("https://app.example"));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Allow-Headers"), S("content-type,x-anything"));
    EXPECT(!fake_reply_header(r, "Access-Control-Allow-Credentials").p);
    EXPECT_SLICE(allowed(get_from(f, &ana, "/photos", "https://x.wide.example")), S("https://x.wide.example"));
    EXPECT_SLICE(allowed(get_from(f, &ana, "/", "https://app.example")), S("https://app.example"));
    EXPECT_SLICE(allowed(get_from(f, &ana, "/none", "https://app.example")), S("https://app.example"));
    EXPECT_S3_ERROR(f, preflight(f, "/photos/key", "https://evil.example", "POST", NULL), 403, "AccessForbidden");
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos?cors", RULE(ORIGIN("https://own.example") METHOD("GET"))), 200);
    EXPECT_NO_CORS(get_from(f, &ana, "/photos", "https://app.example"));
    EXPECT_SLICE(allowed(get_from(f, &ana, "/photos", "https://own.example")), S("https://own.example"));
}

RUN_TESTS(cmocka_unit_test(a_cors_configuration_is_stored_shown_and_deleted),
          cmocka_unit_test(invalid_cors_rules_are_refused),
          cmocka_unit_test(the_first_matching_rule_answers_a_preflight),
          cmocka_unit_test(a_preflight_without_origin_or_method_is_a_bad_request),
          cmocka_unit_test(replies_and_errors_have_the_headers_that_the_rule_allows),
          cmocka_unit_test(ghsa_x5xv_origins_are_never_reflected_with_credentials),
          cmocka_unit_test(configured_origins_apply_to_buckets_without_rules))
