/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and chunked bodies alone, without sockets. Whole connections are tested in http.c, and what a client sees in
 * tests/clients/test_framing.py. */
#include "test.h"

#include "base/buf.h"
#include "http/message.h"

#include <string.h>

static const struct message_limits limits = { 1000, 100, 5, 64 };

static enum message_result parse_head(struct message *m, slice bytes, size_t step)
{
    message_init(m, &limits);
    enum message_result r = MESSAGE_MORE;
    for (size_t n = step; r == MESSAGE_MORE && n < bytes.n; n += step)
        r = message_head(m, bytes.p, n);
    return r == MESSAGE_MORE ? message_head(m, bytes.p, bytes.n) : r;
}

/* The head is refused for the same reason whether it arrives in one piece or byte by byte. */
static void expect_refused(slice bytes, enum http_refusal why)
{
    for (size_t step = 1; step <= bytes.n; step += bytes.n - 1) {
        struct message m;
        EXPECT_EQ(parse_head(&m, bytes, step), MESSAGE_REFUSED);
        EXPECT_EQ(m.refusal, why);
    }
}

#define HEAD "PUT /x HTTP/1.1\r\nHost: x\r\n"
#define TWENTY "aaaaaaaaaaaaaaaaaaaa"

TEST(a_head_with_a_lone_cr_or_lf_is_refused)
{
    const slice heads[] = { S("GET / HTTP/1.1\rHost: x\r\n\r\n"),
                            S("GET / HTTP/1.1\nHost: x\r\n\r\n"),
                            S("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                            S(HEAD "A: b\rC: d\r\n\r\n"),
                            S(HEAD "A: b\nC: d\r\n\r\n"),
                            S(HEAD "A: b\r\n\n") };
    for (size_t i = 0; i < LENGTH_OF(heads); i++)
        expect_refused(heads[i], HTTP_REFUSE_MALFORMED);
    struct message m;
    EXPECT_EQ(parse_head(&m, S("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1), MESSAGE_DONE); /* RFC 9112 §2.2 */
}

TEST(a_complete_head_above_its_limit_is_too_large)
{
    SCRATCH(a);
    const struct message_limits small = { 200, 100, 5, 64 };
    for (int more = 0; more < 2; more++) {
        char a_value[85], b_value[78 + 1];
        memset(a_value, 'a', sizeof a_value);
        memset(b_value, 'b', sizeof b_value);
        slice head =
            arena_printf(&a, "GET / HTTP/1.1\r\nHost: x\r\nA: %.85s\r\nB: %.*s\r\n\r\n", a_value, 78 + more, b_value);
        EXPECT_EQ(head.n, 200 + (size_t)more);
        struct message m;
        message_init(&m, &small);
        EXPECT_EQ(message_head(&m, head.p, head.n), more ? MESSAGE_REFUSED : MESSAGE_DONE);
        EXPECT(!more || m.refusal == HTTP_REFUSE_HEAD_TOO_LARGE);
    }
}

/* The text says what is wrong, whether the head arrives in one piece or byte by byte. */
static void expect_refused_as(slice bytes, const char *part_of_why)
{
    for (size_t step = 1; step <= bytes.n; step += bytes.n - 1) {
        struct message m;
        EXPECT_EQ(parse_head(&m, bytes, step), MESSAGE_REFUSED);
        if (!m.why || !strstr(m.why, part_of_why))
            fail_msg("in steps of %zu: %s", step, m.why ? m.why : "no text");
    }
}

TEST(a_refused_head_says_what_is_wrong)
{
    expect_refused_as(S("N(PE / HTTP/1.1\r\nHost: x\r\n\r\n"), "with a method");
    expect_refused_as(S("\x16\x03\x01\x02"), "with a method");
    expect_refused_as(S("A123456789012345678901234567890123456789"), "with a method");
    expect_refused_as(S("GET /\r\nHost: x\r\n\r\n"), "names no version");
    expect_refused_as(S("GET\r\n\r\n"), "with a method");
    expect_refused_as(S("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP and its version");
    expect_refused_as(S("GET / http/1.1\r\nHost: x\r\n\r\n"), "HTTP and its version");
    expect_refused_as(S("GET / HTTP/x.1\r\nHost: x\r\n\r\n"), "HTTP and its version");
    expect_refused_as(S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/2 is not spoken");
    expect_refused_as(S("GET / HTTQ/1.1\r\nHost: x\r\n\r\n"), "HTTP and its version");
    expect_refused_as(S("GET / HTTP/1.1 x\r\nHost: x\r\n\r\n"), "after the version");
    expect_refused_as(S(HEAD "A b: c\r\n\r\n"), "a header line");
    expect_refused_as(S(HEAD "Content-Length: x\r\n\r\n"), "Content-Length is not one number");
    expect_refused_as(S(HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), "Content-Length twice");
    expect_refused_as(S("GET / HTTP/1.1\r\n\r\n"), "no Host");
}

/* One server reads the target "/a", another one " /a". */
TEST(two_blanks_in_a_request_line)
{
    expect_refused_as(S("GET  /a HTTP/1.1\r\nHost: x\r\n\r\n"), "more than one blank");
    expect_refused_as(S("GET /a  HTTP/1.1\r\nHost: x\r\n\r\n"), "more than one blank");
    expect_refused(S("GET /a HTTP/1.1 \r\nHost: x\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S("GET\t/a HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S(" GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    struct message m;
    EXPECT_EQ(parse_head(&m, S("\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"), 1), MESSAGE_DONE);
}

TEST(an_empty_host_is_refused)
{
    expect_refused(S("GET / HTTP/1.1\r\nHost:\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S("GET / HTTP/1.0\r\nHost: \r\n\r\n"), HTTP_REFUSE_MALFORMED);
}

TEST(the_tail_of_a_file_was_kept_as_the_whole)
{
    static const char *const methods[] = { "PUT", "POST", "PATCH" };
    struct message m;
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(methods); i++)
        expect_refused(arena_printf(&a,
                                    "%s / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                                    "content-range: bytes 5-9/10\r\n\r\n",
                                    methods[i]),
                       HTTP_REFUSE_CONTENT_RANGE);
    EXPECT_EQ(parse_head(&m, S("GET / HTTP/1.1\r\nHost: x\r\nContent-Range: bytes 5-9/10\r\n\r\n"), 1), MESSAGE_DONE);
}

TEST(an_empty_file_was_kept_for_a_body_without_a_length_in_http_1_0)
{
    struct message m;
    expect_refused(S("PUT / HTTP/1.0\r\nHost: x\r\n\r\n"), HTTP_REFUSE_LENGTH);
    expect_refused(S("POST / HTTP/1.0\r\n\r\n"), HTTP_REFUSE_LENGTH);
    EXPECT_EQ(parse_head(&m, S("PUT / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"), 1), MESSAGE_DONE);
    EXPECT_EQ(parse_head(&m, S("DELETE / HTTP/1.0\r\n\r\n"), 1), MESSAGE_DONE);
    EXPECT_EQ(parse_head(&m, S("PUT / HTTP/1.1\r\nHost: x\r\n\r\n"), 1), MESSAGE_DONE);
}

TEST(two_values_of_a_header_that_may_stand_once_are_refused)
{
    struct message m;
    expect_refused(S(HEAD "Authorization: a\r\nauthorization: b\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S(HEAD "Content-Type: text/a\r\nX: y\r\nContent-Type: text/b\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S(HEAD "Range: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    EXPECT_EQ(parse_head(&m, S(HEAD "Content-Type: a/b\r\nContent-Type:  a/b \r\n\r\n"), 1), MESSAGE_DONE);
    EXPECT_EQ(parse_head(&m, S(HEAD "Cookie: a\r\nCookie: b\r\n\r\n"), 1), MESSAGE_DONE);
}

TEST(the_first_of_two_faults_in_a_head_decides)
{
    expect_refused(S(HEAD "A: b\r\n c\r\nD: " TWENTY TWENTY TWENTY TWENTY TWENTY "\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S(HEAD "D: " TWENTY TWENTY TWENTY TWENTY TWENTY "\r\n b\r\n\r\n"), HTTP_REFUSE_HEAD_TOO_LARGE);
    expect_refused(S(HEAD "D: \r" TWENTY TWENTY TWENTY TWENTY TWENTY "\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S(HEAD "B:\r\nC:\r\nD:\r\nE:\r\nF(:\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S(HEAD "B:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG(:\r\n\r\n"), HTTP_REFUSE_HEAD_TOO_LARGE);
}

TEST(bytes_after_a_supported_version_are_malformed)
{
    expect_refused(S("GET / HTTP/1.1\rHost: x\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S("GET / HTTP/1.10\r\nHost: x\r\n\r\n"), HTTP_REFUSE_MALFORMED);
    expect_refused(S("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), HTTP_REFUSE_VERSION);
    expect_refused(S("GET / HTTP/0.1\nHost: x\r\n\r\n"), HTTP_REFUSE_VERSION);
    expect_refused(S("GET / HTTP/9.9\r\nHost: x\r\n\r\n"), HTTP_REFUSE_VERSION);
}

/* Whoever reads the message refuses them when it knows the host, and with it which API words the refusal. */
TEST(a_head_with_an_unknown_method_or_a_wrong_target_was_refused_before_its_host_had_come)
{
    static const char *const rows[][2] = { { "FETCH", "/" },           { "get", "/" },        { "CONNECT", "x:80" },
                                           { "!#$%&'*+-.^_`|~", "/" }, { "X", "/\xe9#\x01" }, { "GET", "/a\tb\x7f" },
                                           { "GET", "nothing" } };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        for (size_t step = 1; step < 100; step += 98) {
            struct message m;
            slice head = arena_printf(&a, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[i][0], rows[i][1]);
            EXPECT_EQ(parse_head(&m, head, step), MESSAGE_DONE);
            EXPECT_SLICE(message_slice(head.p, m.method), slice_of(rows[i][0]));
            EXPECT_SLICE(message_slice(head.p, m.target), slice_of(rows[i][1]));
            EXPECT_SLICE(message_slice(head.p, m.host), S("x"));
        }
}

/* What of a refused head is known, whether it arrives in one piece or byte by byte. */
static void expect_known(slice head, const char *method, const char *target, const char *begun, const char *host)
{
    for (size_t step = 1; step <= head.n; step += head.n - 1) {
        struct message m;
        if (parse_head(&m, head, step) == MESSAGE_MORE)
            message_give_up(&m, head.p, HTTP_REFUSE_TIMEOUT, NULL);
        EXPECT_SLICE(message_slice(head.p, m.method), slice_of(method));
        EXPECT_SLICE(message_slice(head.p, m.target), slice_of(target));
        EXPECT_SLICE(message_slice(head.p, m.begun), slice_of(begun));
        EXPECT_SLICE(message_slice(head.p, m.host), slice_of(host));
    }
}

TEST(a_refused_head_has_no_incomplete_name)
{
    expect_known(S("GE"), "", "", "", "");
    expect_known(S("GET "), "GET", "", "", "");
    expect_known(S("GET /v4"), "GET", "", "/", "");
    expect_known(S("GET /v4/files/upl"), "GET", "", "/v4/files/", "");
    expect_known(S("GET /v4/files HTTQ"), "GET", "/v4/files", "", "");
    expect_known(S("GET http://a/b/c"), "GET", "", "http://a/b/", "");
    /* 100 bytes of a line are allowed */
    expect_known(S("GET /" TWENTY "/" TWENTY "/" TWENTY "/" TWENTY "/" TWENTY "/"), "GET", "",
                 "/" TWENTY "/" TWENTY "/" TWENTY "/" TWENTY "/", "");
    expect_known(S(HEAD), "PUT", "/x", "", "x");
    expect_known(S("PUT /x HTTP/1.1\r\nHost: x"), "PUT", "/x", "", "");
    expect_known(S(HEAD "a\r\n"), "PUT", "/x", "", "x");
    expect_known(S(HEAD "Content-Length: x\r\n\r\n"), "PUT", "/x", "", "x");
    expect_known(S("PUT /x HTTP/1.1\r\na(: b\r\nHost: x\r\n\r\n"), "PUT", "/x", "", "");
    expect_known(S(HEAD "Host: y\r\n\r\n"), "PUT", "/x", "", "");
    expect_known(S("PUT /x HTTP/1.1\r\nHost: x y\r\n\r\n"), "PUT", "/x", "", "");
    expect_known(S("PUT /x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"), "PUT", "/x", "", "");
}

struct chunks {
    struct buf content, trailers;
};

static void append_content(void *arg, slice bytes)
{
    struct chunks *c = arg;
    buf_add(&c->content, bytes);
}

static void append_trailers(void *arg, slice text)
{
    struct chunks *c = arg;
    buf_add(&c->trailers, text);
}

static void chunks_release(struct chunks *c)
{
    buf_release(&c->content);
    buf_release(&c->trailers);
}

/* *ret_why is set when the body is refused. */
static enum message_result parse_chunks(slice body, size_t step, struct chunks *ret, size_t *ret_used,
                                        const char **ret_why)
{
    struct message m;
    const struct message_body to = { append_content, append_trailers, ret };
    *ret = (struct chunks){ 0 };
    enum message_result r = parse_head(&m, S(HEAD "Transfer-Encoding: chunked\r\n\r\n"), 1000);
    EXPECT_EQ(r, MESSAGE_DONE);
    EXPECT(m.chunked);
    size_t at = 0, used = 0;
    r = MESSAGE_MORE;
    while (r == MESSAGE_MORE && at < body.n) {
        r = message_chunks(&m, slice_part(body, at, step), &to, &used);
        at += used;
    }
    *ret_used = at;
    *ret_why = m.why;
    return r;
}

static void expect_chunks(slice body, enum message_result wanted)
{
    for (size_t step = 1; step <= body.n; step += body.n - 1) {
        SCOPED(chunks_release) struct chunks got;
        size_t used;
        const char *why;
        EXPECT_EQ(parse_chunks(body, step, &got, &used, &why), wanted);
        if (wanted != MESSAGE_DONE)
            continue;
        EXPECT_SLICE(buf_slice(&got.content), S("hello"));
        EXPECT_EQ(used, body.n - 4); /* NEXT belongs to the next request */
    }
}

/* The body is refused for the same reason whether it arrives in one piece or byte by byte. */
static void expect_chunks_refused(slice body, const char *part_of_why)
{
    for (size_t step = 1; step <= body.n; step += body.n - 1) {
        SCOPED(chunks_release) struct chunks got;
        size_t used;
        const char *why;
        EXPECT_EQ(parse_chunks(body, step, &got, &used, &why), MESSAGE_REFUSED);
        if (!strstr(why, part_of_why))
            fail_msg("in steps of %zu: %s", step, why);
    }
}

#define TOO_LONG "extensions or trailers are too long"

TEST(a_chunk_of_2_to_the_63_bytes_is_refused)
{
    expect_chunks_refused(S("8000000000000000\r\nhello"), "below 2^63");
    expect_chunks_refused(S("ffffffffffffffff\r\nhello"), "below 2^63");
    expect_chunks_refused(S("10000000000000000\r\nhello"), "below 2^63");
    expect_chunks(S("7fffffffffffffff\r\nhello"), MESSAGE_MORE);
}

TEST(chunked_framing_is_limited_however_it_arrives)
{
    expect_chunks(S("5;a=" TWENTY TWENTY "\r\nhello\r\n0;b=" TWENTY "\r\n\r\nNEXT"), MESSAGE_DONE);
    expect_chunks_refused(S("5;a=" TWENTY TWENTY TWENTY TWENTY "\r\nhello\r\n0\r\n\r\nNEXT"), TOO_LONG);
    expect_chunks_refused(S("5\r\nhello\r\n0;a=" TWENTY TWENTY TWENTY TWENTY "\r\n\r\nNEXT"), TOO_LONG);
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA: " TWENTY TWENTY "\r\nB: " TWENTY TWENTY "\r\n\r\nNEXT"), TOO_LONG);
}

TEST(extensions_below_the_limit_of_one_chunk_had_no_limit_in_all_chunks_of_a_body)
{
    expect_chunks_refused(S("1;a=" TWENTY TWENTY "\r\nh\r\n4;a=" TWENTY TWENTY "\r\nello\r\n0\r\n\r\nNEXT"), TOO_LONG);
    expect_chunks_refused(S("3;a=" TWENTY TWENTY "\r\nhel\r\n2\r\nlo\r\n0\r\nA: " TWENTY TWENTY "\r\n\r\nNEXT"),
                          TOO_LONG);
}

#define ZEROS "00000000000000000000000000000000000000000000000000"

TEST(zeros_before_a_chunk_size_are_limited_like_extensions)
{
    expect_chunks(S("00000001\r\nh\r\n00000004\r\nello\r\n0\r\n\r\nNEXT"), MESSAGE_DONE);
    expect_chunks_refused(S(ZEROS "1\r\nh\r\n" ZEROS "4\r\nello\r\n0\r\n\r\nNEXT"), TOO_LONG);
}

/* Clients that write single bytes send such bodies, so they are read, whatever their length. */
TEST(a_body_of_one_byte_chunks_is_not_limited_by_its_framing)
{
    SCOPED(buf_releasep) struct buf body;
    SCOPED(chunks_release) struct chunks got;
    buf_init(&body, 0);
    for (int i = 0; i < 10000; i++)
        buf_add(&body, S("1\r\nx\r\n"));
    buf_add(&body, S("0\r\n\r\n"));
    size_t used;
    const char *why;
    EXPECT_EQ(parse_chunks(buf_slice(&body), 777, &got, &used, &why), MESSAGE_DONE);
    EXPECT_EQ(got.content.n, 10000);
}

TEST(a_chunked_body_with_a_lone_lf_is_refused)
{
    expect_chunks(S("5\r\nhello\r\n0\r\n\r\nNEXT"), MESSAGE_DONE);
    expect_chunks_refused(S("5\r\nhello\r\n0\r\n\nNEXT"), "LF without its CR");
    expect_chunks_refused(S("5\r\nhello\r\n0\n\r\nNEXT"), "LF without its CR");
    expect_chunks_refused(S("5\nhello\r\n0\r\n\r\nNEXT"), "LF without its CR");
}

TEST(a_refused_chunked_body_says_what_is_wrong)
{
    expect_chunks_refused(S("5\r\nhello\r\n0\r\n\rNEXT"), "CR without its LF");
    expect_chunks_refused(S("x\r\nhello\r\n0\r\n\r\n"), "not a hexadecimal number");
    expect_chunks_refused(S("5 5\r\nhello\r\n0\r\n\r\n"), "not a hexadecimal number");
    expect_chunks_refused(S("5\r\nhello!\r\n0\r\n\r\n"), "the end of a chunk");
    expect_chunks_refused(S("5;\x01\r\nhello\r\n0\r\n\r\n"), "a chunk extension");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA b: c\r\n\r\n"), "a trailer");
    /* of two faults the first decides */
    expect_chunks_refused(S("5\nhello\r\nx\r\n"), "LF without its CR");
    expect_chunks_refused(S("8000000000000000\nhello"), "LF without its CR");
    expect_chunks_refused(S("fffffffffffffffff\nhello"), "not a hexadecimal number below 2^63");
    expect_chunks_refused(S("5;a=" TWENTY TWENTY TWENTY TWENTY "\nhello\r\n"), TOO_LONG);
}

TEST(the_trailers_of_a_chunked_body_are_the_same_however_it_arrives)
{
    const slice body = S("5\r\nhello\r\n0\r\nUpload-Checksum: sha1 a:b=\r\nEmpty:\r\nB: \t \r\nC:c\r\n\r\nNEXT");
    for (size_t step = 1; step <= body.n; step++) {
        SCOPED(chunks_release) struct chunks got;
        size_t used;
        const char *why;
        EXPECT_EQ(parse_chunks(body, step, &got, &used, &why), MESSAGE_DONE);
        EXPECT_SLICE(buf_slice(&got.content), S("hello"));
        EXPECT_SLICE(buf_slice(&got.trailers), S("Upload-Checksum:sha1 a:b=\nEmpty:\nB:\nC:c\n"));
        EXPECT_EQ(used, body.n - 4);
    }
}

TEST(trailers_are_checked_like_the_lines_of_a_head)
{
    static const char nul[] = "5\r\nhello\r\n0\r\nA: b\0c\r\n\r\n";
    expect_chunks_refused((slice){ nul, sizeof nul - 1 }, "a trailer");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"), "begins with a blank");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA: b\r\n\tc\r\n\r\n"), "begins with a blank");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA:\r\n c\r\n\r\n"), "begins with a blank");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\n A: b\r\n\r\n"), "begins with a blank");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\n: b\r\n\r\n"), "no name");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA: b\r\n:\nb\r\n\r\n"), "no name");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA : b\r\n\r\n"), "a trailer");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA: b\nC: d\r\n\r\n"), "LF without its CR");
    expect_chunks_refused(S("5\r\nhello\r\n0\r\nA: b\rC: d\r\n\r\n"), "CR without its LF");
}

RUN_TESTS(cmocka_unit_test(a_head_with_a_lone_cr_or_lf_is_refused), cmocka_unit_test(an_empty_host_is_refused),
          cmocka_unit_test(the_tail_of_a_file_was_kept_as_the_whole),
          cmocka_unit_test(an_empty_file_was_kept_for_a_body_without_a_length_in_http_1_0),
          cmocka_unit_test(a_refused_head_says_what_is_wrong),
          cmocka_unit_test(two_values_of_a_header_that_may_stand_once_are_refused),
          cmocka_unit_test(the_first_of_two_faults_in_a_head_decides),
          cmocka_unit_test(bytes_after_a_supported_version_are_malformed),
          cmocka_unit_test(a_head_with_an_unknown_method_or_a_wrong_target_was_refused_before_its_host_had_come),
          cmocka_unit_test(a_refused_head_has_no_incomplete_name),
          cmocka_unit_test(a_chunk_of_2_to_the_63_bytes_is_refused),
          cmocka_unit_test(chunked_framing_is_limited_however_it_arrives),
          cmocka_unit_test(extensions_below_the_limit_of_one_chunk_had_no_limit_in_all_chunks_of_a_body),
          cmocka_unit_test(zeros_before_a_chunk_size_are_limited_like_extensions),
          cmocka_unit_test(a_body_of_one_byte_chunks_is_not_limited_by_its_framing),
          cmocka_unit_test(two_blanks_in_a_request_line),
          cmocka_unit_test(a_complete_head_above_its_limit_is_too_large),
          cmocka_unit_test(a_chunked_body_with_a_lone_lf_is_refused),
          cmocka_unit_test(the_trailers_of_a_chunked_body_are_the_same_however_it_arrives),
          cmocka_unit_test(trailers_are_checked_like_the_lines_of_a_head),
          cmocka_unit_test(a_refused_chunked_body_says_what_is_wrong))
