/* SPDX-License-Identifier: Apache-2.0 */
/* CORS: the configuration of a bucket, preflights, and the headers of other replies. */
#include "test.h"

#include "api/s3/cors_rules_priv.h"
#include "s3_fixture.h"

#include <time.h>

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
        { RULE(ORIGIN("*") METHOD("GET") "<MaxAgeSeconds>-2147483649</MaxAgeSeconds>"), "MalformedXML" },
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
    struct fake_reply *r = preflight(f, "/none/key", "https://a.example", "PUT", NULL);
    EXPECT_S3_ERROR(f, r, 403, "AccessForbidden");
    EXPECT_SLICE(s3_text(f, r, "Error.Message"), S("CORSResponse: Bucket not found"));
}

/* As S3, which shows it and sends it. */
TEST(a_rule_may_have_a_negative_age)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(
        s3_send(f, &ana, "PUT", "/photos?cors", RULE(ORIGIN("*") METHOD("GET") "<MaxAgeSeconds>-100</MaxAgeSeconds>")),
        200);
    EXPECT_SLICE(s3_text(f, s3_send(f, &ana, "GET", "/photos?cors", ""), "CORSConfiguration.CORSRule.MaxAgeSeconds"),
                 S("-100"));
    EXPECT_SLICE(
        fake_reply_header(preflight(f, "/photos/key", "https://a.example", "GET", NULL), "Access-Control-Max-Age"),
        S("-100"));
}

static slice cors_document(struct s3_fixture *f, int rules, int headers)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, S("<CORSConfiguration>"));
    for (int i = 0; i < rules; i++) {
        buf_add(&b, S("<CORSRule>" ORIGIN("https://a.example") METHOD("PUT")));
        for (int k = 1; k < headers; k++)
            buf_printf(&b, "<AllowedHeader>x-%d*</AllowedHeader>", k);
        buf_add(&b, S(HEADER("z*") "</CORSRule>"));
    }
    buf_add(&b, S("</CORSConfiguration>"));
    slice text = arena_copy(f->a, buf_slice(&b));
    buf_release(&b);
    return text;
}

/* "h,h,h,…,last" with `count` names. */
static const char *header_names(struct s3_fixture *f, size_t count, const char *name, const char *last)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i + 1 < count; i++)
        buf_printf(&b, "%s,", name);
    buf_add(&b, slice_of(last));
    slice text = arena_copy(f->a, buf_slice(&b));
    buf_release(&b);
    return arena_cstr(f->a, text);
}

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* allowed: measures the work of a call */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

TEST(a_preflight_of_eight_thousand_names_took_a_quarter_second)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos?cors", cors_document(f, 15, 100).p), 200);
    const char *names = header_names(f, 8000, "x", "x");
    EXPECT_S3_ERROR(f, preflight(f, "/photos/key", "https://a.example", "PUT", names), 400, "BadRequest");
    EXPECT_S3_ERROR(f, preflight(f, "/none/key", "https://a.example", "PUT", names), 400, "BadRequest");
    /* the most work that one preflight can make: each name is compared with each pattern of every rule */
    enum { ROUNDS = 20, LIMIT_US = 5000 };
    names = header_names(f, CORS_HEADERS_MAX, "z", "none");
    int64_t began_us = cpu_us();
    for (int i = 0; i < ROUNDS; i++)
        EXPECT_STATUS(preflight(f, "/photos/key", "https://a.example", "PUT", names), 403);
    EXPECT((cpu_us() - began_us) / ROUNDS < LIMIT_US);
    names = header_names(f, CORS_HEADERS_MAX, "z-1", "X-99");
    EXPECT_STATUS(preflight(f, "/photos/key", "https://a.example", "PUT", names), 200);
    EXPECT_S3_ERROR(f, preflight(f, "/photos/key", "https://a.example", "PUT", header_names(f, 101, "z", "z")), 400,
                    "BadRequest");
}

TEST(a_rule_has_at_most_100_values_of_a_kind)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos?cors", cors_document(f, 1, 100).p), 200);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos?cors", cors_document(f, 1, 101).p), 400, "MalformedXML");
}

TEST(rules_are_parsed_once_and_live_while_they_are_used)
{
    slice one = S(RULE(ORIGIN("https://a.example") METHOD("GET"))), two = S(RULE(ORIGIN("*") METHOD("PUT")));
    struct cors_cache *cache = cors_cache_new();
    struct cors_rules *first = cors_rules_acquire(cache, S("photos"), one);
    EXPECT(first && first->count == 1);
    struct cors_rules *again = cors_rules_acquire(cache, S("photos"), one);
    EXPECT(again == first);
    struct cors_rules *changed = cors_rules_acquire(cache, S("photos"), two);
    EXPECT(changed && changed != first);
    EXPECT_SLICE(first->items[0].origins.items[0].head, S("https://a.example"));
    EXPECT(!cors_rules_acquire(cache, S("photos"), S("<x")));
    cors_rules_release(first);
    cors_rules_release(again);
    cors_rules_release(changed);
    cors_cache_free(cache);
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

/* Only links that this server signs say which page reads their reply; a user signs what it likes. */
TEST(a_user_lets_no_page_read_by_what_it_signs)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    struct fake_reply *r =
        get_from(f, &ana, "/photos/a?X-Cais-Origin=https%3A%2F%2Fevil.example", "https://evil.example");
    EXPECT_STATUS(r, 200);
    EXPECT_NO_CORS(r);
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
          cmocka_unit_test(a_rule_may_have_a_negative_age),
          cmocka_unit_test(a_preflight_without_origin_or_method_is_a_bad_request),
          cmocka_unit_test(a_preflight_of_eight_thousand_names_took_a_quarter_second),
          cmocka_unit_test(a_rule_has_at_most_100_values_of_a_kind),
          cmocka_unit_test(rules_are_parsed_once_and_live_while_they_are_used),
          cmocka_unit_test(replies_and_errors_have_the_headers_that_the_rule_allows),
          cmocka_unit_test(ghsa_x5xv_origins_are_never_reflected_with_credentials),
          cmocka_unit_test(a_user_lets_no_page_read_by_what_it_signs),
          cmocka_unit_test(configured_origins_apply_to_buckets_without_rules))
