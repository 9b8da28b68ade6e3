/* SPDX-License-Identifier: Apache-2.0 */
/* What may come with each operation: the table of words, walked, and what follows from it. */
#include "test.h"

#include "../../src/api/s3/operations_priv.h"
#include "../../src/api/s3/words_priv.h"
#include "base/text.h"
#include "s3_fixture.h"
#include "sign/form_policy.h"
#include "sign/sigv2.h"

#include <stdio.h>
#include <string.h>

#define HOST_HEADER                                                                                                    \
    {                                                                                                                  \
        S("Host"), S("cais.test")                                                                                      \
    }

/* One request for each operation that changes something. What it names need not exist: words are looked at before. */
static const struct {
    unsigned bit;
    const char *method, *target;
    bool copies;
} writes[] = {
    { S3_FOR_PUT, "PUT", "/photos/w", false },
    { S3_FOR_COPY, "PUT", "/photos/w", true },
    { S3_FOR_PART, "PUT", "/photos/w?partNumber=1&uploadId=u", false },
    { S3_FOR_PART_COPY, "PUT", "/photos/w?partNumber=1&uploadId=u", true },
    { S3_FOR_CREATE_UPLOAD, "POST", "/photos/w?uploads", false },
    { S3_FOR_COMPLETE, "POST", "/photos/w?uploadId=u", false },
    { S3_FOR_ABORT, "DELETE", "/photos/w?uploadId=u", false },
    { S3_FOR_DELETE, "DELETE", "/photos/w", false },
    { S3_FOR_DELETE_OBJECTS, "POST", "/photos?delete", false },
    { S3_FOR_TAGGING, "PUT", "/photos/w?tagging", false },
    { S3_FOR_TAGGING_DELETE, "DELETE", "/photos/w?tagging", false },
    { S3_FOR_FORM, "POST", "/photos", false },
    { S3_FOR_CREATE_BUCKET, "PUT", "/another", false },
    { S3_FOR_BUCKET_DOCUMENT, "PUT", "/photos?cors", false },
    { S3_FOR_BUCKET_DELETE, "DELETE", "/none?cors", false },
};

/* A name that the row stands for. */
static slice name_of(struct s3_fixture *f, const struct s3_word *word)
{
    slice name = slice_of(word->name);
    bool is_beginning = name.p[name.n - 1] == '*';
    name.n -= is_beginning;
    return arena_printf(f->a, SLICE_FMT "%s", SLICE_ARG(name), is_beginning ? "x" : "");
}

/* A value that those who read the header accept. */
static slice value_of(slice name)
{
    static const char *const values[][2] = { { "If-None-Match", "*" },
                                             { "x-amz-acl", "private" },
                                             { "x-amz-storage-class", "STANDARD" },
                                             { "x-amz-object-ownership", "BucketOwnerEnforced" },
                                             { "x-amz-copy-source", "/photos/a" } };
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        if (slice_eq_nocase(name, slice_of(values[i][0])))
            return slice_of(values[i][1]);
    return S("1");
}

static struct fake_reply *send_write(struct s3_fixture *f, const struct s3_user *p, size_t write, slice name)
{
    struct fake_request r = { .method = writes[write].method, .target = slice_of(writes[write].target) };
    bool is_source = slice_eq(name, S("x-amz-copy-source"));
    if (name.n)
        r.headers[0] = (struct http_header){ name, value_of(name) };
    if (writes[write].copies && !is_source)
        r.headers[name.n ? 1 : 0] = (struct http_header){ S("x-amz-copy-source"), S("/photos/a") };
    return s3_send_request(f, p, &r);
}

/* Was the request refused because of this header? */
static bool refuses_header(struct s3_fixture *f, const struct fake_reply *r, slice name)
{
    const struct xml *header = r->status >= 400 ? s3_at(f, r, "Error.Header") : NULL;
    return header && slice_eq(s3_text(f, r, "Error.Header"), name);
}

TEST(each_row_of_the_table_can_be_found)
{
    S3_FIXTURE(f);
    for (size_t i = 0; i < s3_known_word_count; i++) {
        const struct s3_word *word = &s3_known_words[i];
        EXPECT(word->why[0] && word->places);
        for (unsigned place = S3_HEADER; place <= S3_FIELD; place <<= 1)
            if (word->places & place && s3_word_of(name_of(f, word), (enum s3_place)place) != word)
                fail_msg("another row precedes that of %s", word->name);
    }
    unsigned all = S3_FOR_READ;
    for (size_t i = 0; i < LENGTH_OF(writes); i++)
        all |= writes[i].bit;
    EXPECT_EQ(all, S3_FOR_END - 1);
}

/* Each header of the table, with each operation that changes something. */
TEST(a_write_takes_the_headers_that_it_reads_and_refuses_the_others)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    for (size_t i = 0; i < s3_known_word_count; i++) {
        const struct s3_word *word = &s3_known_words[i];
        slice name = name_of(f, word);
        bool of_signature = slice_eq(name, S("x-amz-date")) || slice_eq(name, S("x-amz-content-sha256"));
        if (!(word->places & S3_HEADER) || of_signature)
            continue;
        for (size_t k = 0; k < LENGTH_OF(writes); k++) {
            unsigned bit = writes[k].bit;
            if (slice_eq(name, S("x-amz-copy-source")) && bit & (S3_FOR_PUT | S3_FOR_PART))
                continue; /* then it is the copy */
            bool refused =
                word->fate == S3_REFUSED ? word->operations & bit : word->fate == S3_TAKEN && !(word->operations & bit);
            struct fake_reply *r = send_write(f, &ana, k, name);
            bool by_words = refuses_header(f, r, name) && (word->fate == S3_REFUSED || r->status == 501);
            if (by_words != refused)
                fail_msg("%s %s with %s: status %d", writes[k].method, writes[k].target, word->name, r->status);
        }
    }
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a", "")->body, S("hello"));
}

TEST(a_write_refuses_every_header_that_is_not_known)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    static const char *const names[] = { "x-amz-anything-new", "If-Unmodified-Since", "If-Modified-Since", "If-Range",
                                         "if-anything-new" };
    for (size_t i = 0; i < LENGTH_OF(names) * LENGTH_OF(writes); i++) {
        slice name = slice_of(names[i / LENGTH_OF(writes)]);
        struct fake_reply *r = send_write(f, &ana, i % LENGTH_OF(writes), name);
        EXPECT_S3_ERROR(f, r, 501, "NotImplemented");
        EXPECT(refuses_header(f, r, name));
    }
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct fake_request read = { .target = S("/photos/a"), .headers = { { slice_of(names[i]), S("1") } } };
        EXPECT_SLICE(s3_send_request(f, &ana, &read)->body, S("hello"));
    }
}

TEST(a_parameter_of_another_operation_is_refused_by_a_write)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    for (size_t i = 0; i < s3_known_word_count; i++) {
        const struct s3_word *word = &s3_known_words[i];
        bool is_read_only = word->fate == S3_TAKEN && word->places & S3_QUERY && word->operations == S3_FOR_READ;
        if (!is_read_only)
            continue;
        const char *target = arena_printf(f->a, "/photos/a?%s=x", word->name).p;
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", target, "other"), 400, "InvalidArgument");
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", target, ""), 400, "InvalidArgument");
    }
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos/a?versionId=null", "other"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", "/photos/a?partNumber=1", ""), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", "/photos?versionId=null", ""), 400, "InvalidArgument");
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a", "")->body, S("hello"));
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos/a?versionId=null", ""), 204);
}

/* ---- headers in the query ---- */

/* A link whose query has these parameters, encoded as they are to be sent. */
static struct fake_reply *open_link(struct s3_fixture *f, const struct s3_user *p, const char *method, const char *path,
                                    const char *params)
{
    struct sign_pair host = { S("host"), S("cais.test") }, pairs[4];
    struct query parsed;
    slice query;
    EXPECT_OK(query_parse(slice_of(params), f->a, &parsed));
    EXPECT(parsed.count <= LENGTH_OF(pairs));
    for (size_t i = 0; i < parsed.count; i++)
        pairs[i] = (struct sign_pair){ parsed.params[i].raw_name, parsed.params[i].raw_value };
    struct sign_request r = { slice_of(method), slice_of(path), pairs, parsed.count, &host, 1 };
    EXPECT_EQ(sigv4_sign_link(&(struct sigv4_signer){ p->access_key, p->secret, S("us-east-1") }, &r, 60,
                              core_now_ms(&f->w->core), f->a, &query),
              SIGN_OK);
    bool has_body = strcmp(method, "PUT") == 0;
    return fake_http_send(&f->http,
                          &(struct fake_request){ .method = method,
                                                  .target = arena_printf(f->a, "%s?" SLICE_FMT, path, SLICE_ARG(query)),
                                                  .headers = { HOST_HEADER },
                                                  .body = has_body ? S("other") : S("") });
}

TEST(headers_that_sdks_put_into_the_query_of_a_link_were_passed_over)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_STATUS(open_link(f, &ana, "PUT", "/photos/b", "x-amz-meta-color=red&x-id=PutObject&x-amz-acl=private"), 200);
    EXPECT_SLICE(fake_reply_header(s3_send(f, &ana, "GET", "/photos/b", ""), "x-amz-meta-color"), S("red"));
    EXPECT_STATUS(open_link(f, &ana, "PUT", "/photos/c", "X-Amz-Copy-Source=photos%2Fa&x-amz-meta-a=b"), 200);
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/c", "")->body, S("hello"));
    static const struct {
        const char *params, *code;
        int status;
    } refused[] = {
        { "x-amz-acl=public-read", "AccessControlListNotSupported", 400 },
        { "x-amz-storage-class=GLACIER", "InvalidStorageClass", 400 },
        { "x-amz-object-lock-mode=COMPLIANCE", "InvalidRequest", 400 },
        { "x-amz-server-side-encryption=AES256", "NotImplemented", 501 },
        { "X-Amz-Server-Side-Encryption-Customer-Algorithm=AES256", "NotImplemented", 501 },
        { "x-amz-website-redirect-location=%2Fx", "NotImplemented", 501 },
        { "x-amz-write-offset-bytes=5", "NotImplemented", 501 },
        { "x-amz-anything-new=1", "NotImplemented", 501 },
        { "x-amz-expected-bucket-owner=somebody", "AccessDenied", 403 },
        { "x-amz-meta-a=%0d%0aSet-Cookie:1", "InvalidArgument", 400 },
        { "X-Amz-Security-Token=abc", "InvalidToken", 400 },
        { "x-amz-acl=private&x-amz-acl=public-read", "InvalidArgument", 400 },
    };
    for (size_t i = 0; i < LENGTH_OF(refused); i++)
        EXPECT_S3_ERROR(f, open_link(f, &ana, "PUT", "/photos/a", refused[i].params), refused[i].status,
                        refused[i].code);
    EXPECT_S3_ERROR(f, open_link(f, &ana, "DELETE", "/photos/a", "x-amz-if-match-size=77"), 501, "NotImplemented");
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a", "")->body, S("hello"));
}

TEST(tags_and_checksums_in_the_query_of_a_link_have_no_effect)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(open_link(f, &ana, "PUT", "/photos/a", "x-amz-tagging=a%3D1&x-amz-checksum-crc32=AAAAAA%3D%3D"), 200);
    EXPECT_STATUS(open_link(f, &ana, "PUT", "/photos/a", "x-amz-sdk-checksum-algorithm=CRC32"), 200);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos/a", "");
    EXPECT(!fake_reply_header(r, "x-amz-tagging-count").p);
    r = open_link(f, &ana, "POST", "/photos/a", "uploads=&x-amz-checksum-algorithm=SHA256");
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-algorithm"), S("SHA256"));
}

TEST(a_header_and_the_query_must_not_contradict_each_other)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a?x-amz-meta-a=1&x-amz-acl=private"),
                                .headers = { { S("x-amz-meta-a"), S("2") } },
                                .body = S("hello") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidArgument");
    put.headers[0].value = S("1");
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    EXPECT_SLICE(fake_reply_header(s3_send(f, &ana, "GET", "/photos/a", ""), "x-amz-meta-a"), S("1"));
}

/* A signature of version 2 does not cover such words, so nobody knows who wrote them. */
TEST(a_word_that_no_signature_covers_is_no_header)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    struct sign_pair host = { S("host"), S("cais.test") };
    struct sign_request r = { S("GET"), S("/photos/a"), NULL, 0, &host, 1 };
    slice query;
    EXPECT_EQ(sigv2_sign_link(ana.access_key, ana.secret, &r, core_now_ms(&f->w->core) / 1000 + 60, f->a, &query),
              SIGN_OK);
    struct fake_request get = { .target = arena_printf(f->a, "/photos/a?" SLICE_FMT "&x-amz-expected-bucket-owner=x",
                                                       SLICE_ARG(query)),
                                .headers = { HOST_HEADER } };
    EXPECT_SLICE(fake_http_send(&f->http, &get)->body, S("hello"));
    struct fake_request form = { .method = "POST",
                                 .target = S("/photos?x-amz-acl=private"),
                                 .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b") } } };
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &form), 501, "NotImplemented");
    struct fake_request copy = {
        .method = "PUT",
        .target = S("/photos/b?x-amz-copy-source=photos%2Fa"),
        .headers = { HOST_HEADER,
                     { S("Authorization"),
                       arena_printf(f->a,
                                    "AWS4-HMAC-SHA256 Credential=" SLICE_FMT "/20261121/us-east-1/s3/"
                                    "aws4_request, SignedHeaders=host;x-amz-date, Signature=%064d",
                                    SLICE_ARG(ana.access_key), 1) },
                     { S("x-amz-date"), sigv4_timestamp(f->a, core_now_ms(&f->w->core)) } },
        .body = S("x")
    };
    EXPECT(fake_http_send(&f->http, &copy)->status >= 400);
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos/b", ""), 404);
}

/* ---- headers that stand twice ---- */

TEST(metadata_in_several_lines_is_joined_and_other_headers_stand_once)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("x-amz-meta-k"), S("one") },
                                             { S("x-amz-meta-other"), S("x") },
                                             { S("X-Amz-Meta-K"), S("two, three") },
                                             { S("x-amz-meta-k"), S("four") } },
                                .body = S("hello") };
    EXPECT_STATUS(s3_send_request(f, &ana, &put), 200);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos/a", "");
    EXPECT_SLICE(fake_reply_header(r, "x-amz-meta-k"), S("one,two, three,four"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-meta-other"), S("x"));
    static const char *const once[][3] = { { "x-amz-acl", "private", "bucket-owner-full-control" },
                                           { "x-amz-tagging", "a=1", "a=2" },
                                           { "If-Match", "\"a\"", "\"b\"" },
                                           { "x-amz-storage-class", "STANDARD", "GLACIER" } };
    for (size_t i = 0; i < LENGTH_OF(once); i++) {
        struct fake_request twice = { .method = "PUT",
                                      .target = S("/photos/a"),
                                      .headers = { { slice_of(once[i][0]), slice_of(once[i][1]) },
                                                   { slice_of(once[i][0]), slice_of(once[i][2]) } },
                                      .body = S("other") };
        EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &twice), 400, "InvalidArgument");
    }
    struct fake_request same = { .method = "PUT",
                                 .target = S("/photos/a"),
                                 .headers = { { S("x-amz-acl"), S("private") }, { S("x-amz-acl"), S("private") } },
                                 .body = S("hello") };
    EXPECT_STATUS(s3_send_request(f, &ana, &same), 200);
}

/* ---- words that would claim what is not so ---- */

TEST(a_token_and_a_checksum_that_never_came_were_passed_over)
{
    S3_FIXTURE(f);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("x-amz-security-token"), S("abc") } },
                                .body = S("hello") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidToken");
    struct fake_request get = { .target = S("/photos/a"), .headers = { { S("x-amz-security-token"), S("abc") } } };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &get), 400, "InvalidToken");
    put.headers[0] = (struct http_header){ S("x-amz-sdk-checksum-algorithm"), S("CRC32") };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidRequest");
    put.target = S("/photos/a?partNumber=1&uploadId=u");
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidRequest");
    put.target = S("/photos?delete");
    put.method = "POST";
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &put), 400, "InvalidRequest");
    struct fake_request copy = { .method = "PUT",
                                 .target = S("/photos/b"),
                                 .headers = { { S("x-amz-copy-source"), S("/photos/a") },
                                              { S("x-amz-checksum-algorithm"), S("CRC7") } } };
    EXPECT_S3_ERROR(f, s3_send_request(f, &ana, &copy), 400, "InvalidRequest");
}

RUN_TESTS(cmocka_unit_test(each_row_of_the_table_can_be_found),
          cmocka_unit_test(a_write_takes_the_headers_that_it_reads_and_refuses_the_others),
          cmocka_unit_test(a_write_refuses_every_header_that_is_not_known),
          cmocka_unit_test(a_parameter_of_another_operation_is_refused_by_a_write),
          cmocka_unit_test(headers_that_sdks_put_into_the_query_of_a_link_were_passed_over),
          cmocka_unit_test(tags_and_checksums_in_the_query_of_a_link_have_no_effect),
          cmocka_unit_test(a_header_and_the_query_must_not_contradict_each_other),
          cmocka_unit_test(a_word_that_no_signature_covers_is_no_header),
          cmocka_unit_test(metadata_in_several_lines_is_joined_and_other_headers_stand_once),
          cmocka_unit_test(a_token_and_a_checksum_that_never_came_were_passed_over))
