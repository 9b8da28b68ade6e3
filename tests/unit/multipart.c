/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/multipart.h"

#include <string.h>
#include <time.h>

/* ---- recording the events ---- */

struct recorded_events {
    struct buf text; /* <name|filename|type>data</>, "-" for what is absent */
    size_t parts, bytes, spans;
    bool quiet; /* count the parts and bytes only */
};

static err_t record_begin(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct recorded_events *seen = ctx;
    (void)a;
    seen->parts++;
    if (seen->quiet)
        return NULL;
    const slice fields[] = { part->has_name ? part->name : S("-"), part->has_filename ? part->filename : S("-"),
                             part->content_type.n ? part->content_type : S("-") };
    for (size_t i = 0; i < LENGTH_OF(fields); i++) {
        buf_add(&seen->text, i ? S("|") : S("<"));
        buf_add(&seen->text, fields[i]);
    }
    buf_add(&seen->text, S(">"));
    return NULL;
}

static err_t record_data(void *ctx, slice bytes, struct arena *a)
{
    struct recorded_events *seen = ctx;
    (void)a;
    EXPECT(bytes.n > 0);
    seen->bytes += bytes.n;
    seen->spans++;
    if (!seen->quiet)
        buf_add(&seen->text, bytes);
    return NULL;
}

static err_t record_end(void *ctx, struct arena *a)
{
    struct recorded_events *seen = ctx;
    (void)a;
    if (!seen->quiet)
        buf_add(&seen->text, S("</>"));
    return NULL;
}

static const struct multipart_events recorder = { record_begin, record_data, record_end };

static void seen_release(struct recorded_events *seen)
{
    buf_release(&seen->text);
}

/* Feed `body` in pieces of `step` bytes, of which the first has `first`; then finish, unless a feed failed. */
static err_t feed_in_pieces(struct recorded_events *seen, slice body, slice boundary, size_t first, size_t step,
                            struct arena *a)
{
    struct multipart m;
    multipart_init(&m, boundary, NULL, &recorder, seen);
    for (size_t n = first; body.n || n == 0; n = step) {
        TRY(multipart_feed(&m, slice_part(body, 0, n), a));
        body = slice_from(body, n);
    }
    return multipart_finish(&m, a);
}

/* Expect the same events for the whole body, byte by byte, and cut in two anywhere. code -1: success. */
static void expect_events_or_error(slice body, slice boundary, slice want, int code)
{
    for (size_t cut = 0; cut <= body.n + 1; cut++) {
        SCRATCH(a);
        SCOPED(seen_release) struct recorded_events seen = { 0 };
        bool bytewise = cut > body.n;
        err_t e = feed_in_pieces(&seen, body, boundary, bytewise ? 1 : cut, bytewise ? 1 : body.n + 1, &a);
        if (code < 0)
            EXPECT_OK(e);
        else
            EXPECT_ERR(e, (enum err_code)code);
        EXPECT_SLICE(buf_slice(&seen.text), want);
    }
}

static void expect_events(slice body, slice want)
{
    expect_events_or_error(body, S("boundary"), want, -1);
}

static void expect_error(slice body, enum err_code code)
{
    SCRATCH(a);
    SCOPED(seen_release) struct recorded_events seen = { 0 };
    if (!feed_in_pieces(&seen, body, S("boundary"), body.n + 1, 1, &a))
        fail_msg("accepted: " SLICE_FMT, SLICE_ARG(body));
    slice want = arena_copy(&a, buf_slice(&seen.text));
    expect_events_or_error(body, S("boundary"), want, (int)code);
}

/* Parse a file part with this Content-Disposition and expect this file name. */
static void expect_file_name(slice disposition, slice want)
{
    SCRATCH(a);
    slice body = arena_printf(&a, "--boundary\r\nContent-Disposition: " SLICE_FMT "\r\n\r\nx\r\n--boundary--\r\n",
                              SLICE_ARG(disposition));
    expect_events(body, arena_printf(&a, "<file|" SLICE_FMT "|->x</>", SLICE_ARG(want)));
}

/* ---- boundaries ---- */

TEST(the_boundary_is_found_in_any_spelling_of_the_type)
{
    const struct {
        slice type, boundary;
    } good[] = {
        { S("multipart/form-data; boundary=8d2f"), S("8d2f") },
        { S("Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b'()+_,-./:=?\""), S("a b'()+_,-./:=?") },
        { S("multipart/form-data; boundary=X; charset=utf-8"), S("X") },
        { S("multipart/form-data ; boundary = ----=_Part_1"), S("----=_Part_1") },
    };
    slice got;
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        EXPECT(multipart_boundary(good[i].type, &got));
        EXPECT_SLICE(got, good[i].boundary);
    }
    const slice bad[] = { S(""),
                          S("multipart/form-data"),
                          S("application/json; boundary=x"),
                          S("multipart/mixed; boundary=x"),
                          S("multipart/form-data; boundary="),
                          S("multipart/form-data; boundary=\"\""),
                          S("multipart/form-data; boundary=\"x \""),
                          S("multipart/form-data; boundary=\"x"),
                          S("multipart/form-data; boundary=a; boundary=a"),
                          S("multipart/form-data; boundary=a@b"),
                          S("multipart/form-data; boundary=a\0b"),
                          S("multipart/form-data; boundary=\"a\\b\"") };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT(!multipart_boundary(bad[i], &got));
    SCRATCH(a);
    slice longest = arena_printf(&a, "multipart/form-data; boundary=%070d", 7);
    EXPECT(multipart_boundary(longest, &got) && got.n == 70);
    EXPECT(!multipart_boundary(arena_printf(&a, "multipart/form-data; boundary=%071d", 7), &got));
}

/* ---- accepted bodies ---- */

TEST(fields_and_files_arrive_in_order)
{
    expect_events(S("--boundary\r\n"
                    "Content-Disposition: form-data; name=\"key\"\r\n\r\nvalue\r\n"
                    "--boundary\r\n"
                    "content-type:  application/octet-stream \r\n"
                    "CONTENT-DISPOSITION: form-data; filename=\"счёт № 7.pdf\"; name=\"file\"\r\n"
                    "X-Other: 1\r\n\r\nbytes\0\xff\r\n"
                    "--boundary--\r\n"),
                  S("<key|-|->value</><file|счёт № 7.pdf|application/octet-stream>bytes\0\xff</>"));
}

TEST(a_part_needs_neither_a_name_nor_a_header)
{
    expect_events(S("--boundary\r\n\r\nx\r\n--boundary\r\nContent-Type: a/b\r\n\r\ny\r\n--boundary--"),
                  S("<-|-|->x</><-|-|a/b>y</>"));
    expect_events(S("--boundary--"), S(""));
}

TEST(preamble_epilogue_and_padding_are_not_data)
{
    expect_events(S("This is a preamble\r\n--boundaryX\r\n--boundary \t \r\n\r\nx\r\n--boundary-- \r\n "
                    "epilogue\r\n--boundary\r\n"),
                  S("<-|-|->x</>"));
    expect_events(S("\r\n--boundary\r\n\r\nx\r\n--boundary-- "), S("<-|-|->x</>"));
    expect_events(S("\r\r\n\r\n--boundary\r\n\r\nx\r\n--boundary--\r"), S("<-|-|->x</>"));
}

TEST(a_part_may_be_empty)
{
    expect_events(S("--boundary\r\n\r\n\r\n--boundary\r\n\r\n\r\n--boundary--\r\n"), S("<-|-|-></><-|-|-></>"));
    /* RFC 2046: the CRLF of the blank line may be the boundary's own */
    expect_events(S("--boundary\r\n\r\n--boundary\r\nA: b\r\n\r\n--boundary--\r\n"), S("<-|-|-></><-|-|-></>"));
}

TEST(line_ends_in_a_part_are_data)
{
    expect_events(S("--boundary\r\n\r\n\r\n\r\n--boundary--\r\n"), S("<-|-|->\r\n</>"));
    expect_events(S("--boundary\r\n\r\nx\r\n\r\n--boundary--\r\n"), S("<-|-|->x\r\n</>"));
    expect_events(S("--boundary\r\n\r\n\r\n\r\n\r\n\r\r\n\n\r\r\n--boundary--\r\n"),
                  S("<-|-|->\r\n\r\n\r\n\r\r\n\n\r</>"));
}

TEST(a_line_that_only_resembles_a_boundary_is_data)
{
    static const char *const looks[] = {
        "--boundary is not at the start",
        "x--boundary\r\n",
        "\n--boundary\n",
        "\r\n--boundar",
        "\r\n--boundarY",
        "\r\n--boundary1",
        "\r\n--boundary-x",
        "\r\n--boundary-",
        "\r\n--boundary--x",
        "\r\n--boundary---",
        "\r\n--boundary--\n",
        "\r\n--boundary\n",
        "\r\n--boundary\rx",
        "\r\n--boundary \rx",
        "\r\n--boundary x",
        "\r\n-",
        "\r\n--boundary\r",
        "\r\n--boundary--\r",
        "\r\r\n--boundary\r\r",
        "\r\n--\r\n--boundar",
        "\r\n--boundary                                     \r\n", /* more blanks than the parser accepts as padding */
        "\r\n--boundary--                                   \r\n",
        "\r\n --boundary\r\n",
    };
    for (size_t i = 0; i < LENGTH_OF(looks); i++) {
        SCRATCH(a);
        expect_events(arena_printf(&a, "--boundary\r\n\r\n%s\r\n--boundary--\r\n", looks[i]),
                      arena_printf(&a, "<-|-|->%s</>", looks[i]));
    }
}

TEST(padding_is_limited)
{
    for (int blanks = MULTIPART_PADDING_MAX; blanks <= MULTIPART_PADDING_MAX + 1; blanks++) {
        SCRATCH(a);
        slice body =
            arena_printf(&a, "--boundary\r\n\r\nx\r\n--boundary%*s\r\n\r\ny\r\n--boundary--%*s\r\n--boundary--", blanks,
                         "", blanks, "");
        if (blanks == MULTIPART_PADDING_MAX)
            expect_events(body, S("<-|-|->x</><-|-|->y</>"));
        else {
            slice data = slice_part(body, S("--boundary\r\n\r\n").n, body.n - 2 * S("--boundary\r\n\r\n").n);
            expect_events(body, arena_printf(&a, "<-|-|->" SLICE_FMT "</>", SLICE_ARG(data)));
        }
    }
}

TEST(unusual_boundaries_are_accepted)
{
    expect_events_or_error(S("---\r\n\r\n-\r\n--\r\n-----\r\n"), S("-"), S("<-|-|->-\r\n--</>"), -1);
    expect_events_or_error(S("--- -\r\n\r\nx\r\n--- \r\n--- ---"), S("- -"), S("<-|-|->x\r\n--- </>"), -1);
    expect_events_or_error(S("----\r\n\r\nx\r\n---\r\n------"), S("--"), S("<-|-|->x\r\n---</>"), -1);
}

TEST(file_names_of_every_known_client_are_decoded)
{
    expect_file_name(S("form-data; name=\"file\"; filename=\"тест отчёт.txt\""), S("тест отчёт.txt"));
    expect_file_name(S("form-data; name=\"file\"; filename=\"q%22uo;te.txt\""), S("q\"uo;te.txt"));
    expect_file_name(S("form-data; name=\"file\"; filename=\"q\\\"uo;te.txt\""), S("q\"uo;te.txt"));
    expect_file_name(S("form-data; name=file; filename=\"=?utf-8?B?0YLQtdGB0YIg0L7RgtGH0ZHRgi50eHQ=?=\"; "
                       "filename*=utf-8''%D1%82%D0%B5%D1%81%D1%82%20%D0%BE%D1%82%D1%87%D1%91%D1%82.txt"),
                     S("тест отчёт.txt"));
    expect_file_name(S("form-data; name=file; filename=plain.txt; filename*=utf-8''plain.txt"), S("plain.txt"));
    expect_file_name(S("form-data; name=\"file\"; filename*=utf-8''%D1%82%D0%B5%D1%81%D1%82.txt"), S("тест.txt"));
    expect_file_name(S("form-data; name=\"file\"; filename=\"/home/me/тест отчёт.txt\""), S("/home/me/тест отчёт.txt"));
    /* The field name is the file's own name, as the TypeScript client does. */
    expect_events(
        S("--boundary\r\nContent-Disposition: form-data; name=\"тест\"; filename=\"тест\"\r\n\r\n\r\n--boundary--\r\n"),
        S("<тест|тест|-></>"));
}

/* ---- heads as browsers, JavaMail and .NET write them ---- */

/* A part with this head, of which the events are expected. */
static void expect_part(slice head, slice want)
{
    SCRATCH(a);
    expect_events(arena_printf(&a, "--boundary\r\n" SLICE_FMT "\r\n\r\nx\r\n--boundary--\r\n", SLICE_ARG(head)),
                  arena_printf(&a, SLICE_FMT "x</>", SLICE_ARG(want)));
}

/* A file may have such a name, and curl, fetch and axios send it as it is. core/file/file_name.h removes them. */
TEST(a_file_with_control_characters_in_its_name_was_refused)
{
    for (char c = 1; c < 0x20; c++) {
        char head[] = "Content-Disposition: form-data; name=\"file\"; filename=\"a?b.txt\"",
             want[] = "<file|a?b.txt|->";
        if (c == '\r' || c == '\n')
            continue;
        *strchr(head, '?') = *strchr(want, '?') = c;
        expect_part(slice_of(head), slice_of(want));
    }
    expect_file_name(S("form-data; name=\"file\"; filename=\"a\x7f.txt\""), S("a\x7f.txt"));
    expect_file_name(S("form-data; name=file; filename=a\x1b.txt"), S("a\x1b.txt"));
    /* the TypeScript client of Pyrus names the field after the file */
    expect_part(S("Content-Disposition: form-data; name=\"a\x01\"; filename=\"a\x01\""), S("<a\x01|a\x01|->"));
}

TEST(a_file_whose_name_ends_in_a_backslash_was_refused)
{
    expect_file_name(S("form-data; name=\"file\"; filename=\"report\\\""), S("report\\"));
    expect_file_name(S("form-data; filename=\"report\\\"; name=\"file\""), S("report\\"));
    expect_part(S("Content-Disposition: form-data; name=\"report\\\"; filename=\"report\\\""),
                S("<report\\|report\\|->"));
    /* Firefox until 89 wrote a backslash as it is, and a quote behind one */
    expect_file_name(S("form-data; name=\"file\"; filename=\"a\\\"b\\\""), S("a\"b\\"));
    expect_file_name(S("form-data; name=\"file\"; filename=\"a\\\"; b\\\" ;"), S("a\"; b\\"));
    /* with two at its end, the grammar of HTTP reads one */
    expect_file_name(S("form-data; name=\"file\"; filename=\"report\\\\\""), S("report\\"));
}

TEST(a_part_with_folded_headers_was_refused)
{
    expect_part(S("Content-Disposition: form-data; name=\"file\"; \r\n\tfilename=\"a.txt\""), S("<file|a.txt|->"));
    expect_part(S("Content-Type: text/plain; \r\n charset=us-ascii\r\nContent-Disposition:\r\n form-data;\r\n\t "
                  "name=\"file\";\r\n "
                  " filename=\"a.txt\""),
                S("<file|a.txt|text/plain;  charset=us-ascii>"));
    /* JavaMail folds at the blanks of a long name, and the blank stays */
    expect_part(S("Content-Disposition: form-data; name=\"file\"; \r\n\tfilename=\"a long\r\n name.txt\""),
                S("<file|a long name.txt|->"));
    /* … and what it has to encode is not folded, however long */
    expect_part(
        S("Content-Disposition: form-data; name=\"file\"; \r\n\tfilename*=UTF-8\'\'%D1%82%D0%B5%D1%81%D1%82.txt"),
        S("<file|тест.txt|->"));
}

/* JavaMail writes more than 60 characters in pieces (RFC 2231). Such a file was taken for a text field, and lost. */
TEST(a_file_whose_name_came_in_pieces_was_lost)
{
    expect_part(S("Content-Disposition: form-data; name=\"file\"; \r\n\tfilename*0=\"the first part, \"; "
                  "\r\n\tfilename*1=second.txt"),
                S("<file|the first part, second.txt|->"));
    expect_part(S("Content-Disposition: form-data; NAME*0=fi; name*1=le; FileName*0*=utf-8\'ru\'%D1; filename*1*=%82; "
                  "filename*2=\".txt\""),
                S("<file|т.txt|->"));
    expect_file_name(S("form-data; name=\"file\"; filename*0=\"a\\\"\"; filename*1=\"b\xff\""), S("a\"bÿ"));
    /* a whole value counts more, as before */
    expect_file_name(S("form-data; name=file; name*=utf-8\'\'key; filename*0=b; filename=a"), S("a"));
    expect_file_name(S("form-data; name*=utf-8\'\'file; filename*0*=utf-8\'\'b; filename*=utf-8\'\'a"), S("a"));
    static const char *const bad[] = { "filename*1=b",
                                       "filename*0=a; filename*2=b",
                                       "filename*1=b; filename*0=a",
                                       "filename*0=a; filename*0=b",
                                       "filename*0=a; filename*01=b",
                                       "filename*0=a; filename*1x=b",
                                       "filename*0=a; filename*1**=b",
                                       "filename*00001=a",
                                       "filename*0*=abc",
                                       "filename*0*=koi8-r\'\'a",
                                       "filename*0*=utf-8\'\'%ff",
                                       "filename*0*=utf-8\'\'%z",
                                       "filename*0*=utf-8\'\'a\x01",
                                       "filename*0=a; filename*1*=%41",
                                       "name*0=a; name*0=b" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        SCRATCH(a);
        expect_error(
            arena_printf(&a, "--boundary\r\nContent-Disposition: form-data; %s\r\n\r\nx\r\n--boundary--\r\n", bad[i]),
            ERR_INVALID);
    }
}

/* Other programs read some heads in another way: a proxy that looks for forbidden names, or the program that the file is for. Where the
 * other reading could hide a part or a name from one of the two, the head is refused. Otherwise ours is the one of the grammar. */
TEST(a_head_that_would_hide_something_in_another_reading_is_refused)
{
    static const char *const heads[] = {
        /* without unfolding, or with lines trimmed first, the head ends at the blank line, and a content follows */
        "Content-Disposition: form-data; name=a\r\n \r\n; filename=b",
        "Content-Disposition: form-data; name=a\r\n\t \r\nContent-Type: text/html",
        "Content-Disposition: form-data; name=a;\r\n \x0b\x0c\r\n\tfilename=b",
        /* belongs to the boundary, to nothing, or is a header with a blank before its name */
        " Content-Disposition: form-data; name=a",
        "\tfilename=a\r\nContent-Disposition: form-data; name=a",
        /* a name that is folded itself, or ends in blanks, is another header to some, and none to others */
        "Content-Disposition\r\n : form-data; name=a",
        /* a CR or LF alone ends a line for some */
        "Content-Disposition: form-data; name=\"a\rb\"",
        "Content-Disposition: form-data; name=\"a\n\tb\"",
        "Content-Disposition: form-data; name=a\r\r\n\tb",
        /* one quoted string in the grammar, two parameters for a browser, and a field or a file depending on that */
        "Content-Disposition: form-data; name=\"a\\\"; filename=b\\\"",
        "Content-Disposition: form-data; name=\"a\\\"; filename=\"b\"c\"",
        "Content-Disposition: form-data; name=\"a\"b\"; filename=\"c\"",
        "Content-Disposition: form-data; name=\"a\\\"b; filename=\"c\"",
        "Content-Disposition: form-data; name=\"a\\\"; filename=\"b\"; filename=\"c\"",
        /* only names of files hold control characters; a header that does is no header of a client */
        "Content-Disposition: form-data; name=a; x=\"\x01\"",
        "Content-Disposition: form\x01-data; name=a",
        "Content-Disposition: form-data; na\x01me=a",
        "Content-Type: a/b\x0b",
        "Content-Disposition: form-data; name=a\r\nX: a\x1b",
        "Content-Disposition: form-data; name=a\r\nX\x01: a",
    };
    for (size_t i = 0; i < LENGTH_OF(heads); i++) {
        SCRATCH(a);
        expect_error(arena_printf(&a, "--boundary\r\n%s\r\n\r\nx\r\n--boundary--\r\n", heads[i]), ERR_INVALID);
    }
    /* a C string ends at the NUL, and what follows it is hidden */
    expect_error(
        S("--boundary\r\nContent-Disposition: form-data; name=\"a\0\"; filename=\"b\"\r\n\r\nx\r\n--boundary--"),
        ERR_INVALID);
    /* Well-formed in both readings: the grammar counts, as it always did. A browser writes no value without quotes. */
    expect_part(S("Content-Disposition: form-data; name=\"a\\\"; filename=\\\"b\""), S("<a\"; filename=\"b|-|->"));
    /* A boundary is one wherever it stands, and what only looks like a head of a part is data. */
    expect_error(S("--boundary\r\nA: b\r\n --boundary\r\n--boundary--\r\n"), ERR_INVALID);
    expect_events(S("--boundary\r\nA: b\r\n --boundary--\r\n\r\nx\r\n --boundary\r\n\r\n--boundary--\r\n"),
                  S("<-|-|->x\r\n --boundary\r\n</>"));
}

/* ---- refused bodies ---- */

TEST(malformed_heads_of_parts_are_refused)
{
    static const char *const heads[] = {
        "Content-Type: text/plain\r\nbytes without a blank line",
        "Content-Type: text/plain\nContent-Length: 1",
        "No colon",
        ": no name",
        "Name : blank before the colon",
        "Name: a\rb",
        "Name: a\x01",
        "Name: \x7f",
        "Content-Disposition: form-data; name=\"a",
        "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b",
        "Content-Type: a/b\r\nContent-type: a/b",
        "Content-Disposition: form-data; name=a; filename*=utf-8''%ff",
    };
    for (size_t i = 0; i < LENGTH_OF(heads); i++) {
        SCRATCH(a);
        expect_error(arena_printf(&a, "--boundary\r\n%s\r\n\r\nx\r\n--boundary--\r\n", heads[i]), ERR_INVALID);
    }
    expect_error(S("--boundary\r\nName: a\0b\r\n\r\nx\r\n--boundary--"), ERR_INVALID);
    expect_error(S("--boundary\r\n--boundary--\r\n"), ERR_INVALID);
    /* the example on the vendor's page */
    expect_error(S("--boundary\r\nContent-Disposition: form-data; name=f; filename=a\r\nhello\r\n--boundary--\r\n"),
                 ERR_INVALID);
}

TEST(parts_with_a_transfer_encoding_are_refused)
{
    expect_error(S("--boundary\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--boundary--"), ERR_UNSUPPORTED);
    expect_events(S("--boundary\r\nContent-Transfer-Encoding: BINARY\r\n\r\nx\r\n--boundary--"), S("<-|-|->x</>"));
}

TEST(a_body_must_end_with_its_closing_boundary)
{
    slice body = S("preamble\r\n--boundary\r\nA: b\r\n\r\nx\r\n--boundary\r\n\r\ny\r\n--boundary--");
    size_t second = slice_find(body, S("\r\n\r\ny")) + 0;
    for (size_t n = 0; n < body.n; n++) {
        bool no_boundary_yet = n < S("preamble\r\n--boundary").n;
        bool between = n == S("preamble\r\n--boundary\r\n").n || n == second + 2;
        expect_error(slice_part(body, 0, n), no_boundary_yet || between ? ERR_INVALID : ERR_TRUNCATED);
    }
    expect_error(S("{\"json\": true}"), ERR_INVALID);
}

TEST(a_parser_accepts_nothing_after_an_error)
{
    SCRATCH(a);
    SCOPED(seen_release) struct recorded_events seen = { 0 };
    struct multipart m;
    multipart_init(&m, S("b"), NULL, &recorder, &seen);
    EXPECT_ERR(multipart_feed(&m, S("--b\r\nbroken\r\n"), &a), ERR_INVALID);
    EXPECT_ERR(multipart_feed(&m, S("\r\n--b--"), &a), ERR_INVALID);
    EXPECT_ERR(multipart_finish(&m, &a), ERR_INVALID);
}

static err_t refuse_data(void *ctx, slice bytes, struct arena *a)
{
    (void)ctx, (void)bytes;
    return err_make(a, ERR_QUOTA, "full");
}

TEST(feed_returns_the_error_of_a_callback)
{
    SCRATCH(a);
    SCOPED(seen_release) struct recorded_events seen = { 0 };
    const struct multipart_events events = { record_begin, refuse_data, record_end };
    struct multipart m;
    multipart_init(&m, S("b"), NULL, &events, &seen);
    EXPECT_ERR(multipart_feed(&m, S("--b\r\n\r\nx\r\n--b--"), &a), ERR_QUOTA);
    EXPECT_ERR(multipart_finish(&m, &a), ERR_INVALID);
}

/* ---- limits ---- */

static err_t read_built(const struct buf *body, size_t *ret_parts)
{
    static char memory[4096];
    struct arena a;
    arena_init_with(&a, memory, sizeof memory);
    struct recorded_events seen = { .quiet = true };
    err_t e = feed_in_pieces(&seen, buf_slice(body), S("boundary"), body->n + 1, 1, &a);
    *ret_parts = seen.parts;
    static struct err copy; /* so that the code outlives the arena */
    if (e)
        copy = (struct err){ .code = e->code, .msg = "", .where = e->where };
    arena_release(&a);
    return e ? &copy : NULL;
}

TEST(the_number_of_parts_is_limited)
{
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    size_t parts;
    for (int i = 0; i < 1000; i++)
        buf_add(&body, S("--boundary\r\n\r\nx\r\n"));
    size_t thousand = body.n;
    buf_add(&body, S("--boundary--"));
    EXPECT_OK(read_built(&body, &parts));
    EXPECT_EQ(parts, 1000);
    body.n = thousand;
    buf_add(&body, S("--boundary\r\n\r\nx\r\n--boundary--"));
    EXPECT_ERR(read_built(&body, &parts), ERR_TOO_LARGE);
    EXPECT_EQ(parts, 1000);
}

/* A part with a head of exactly this length. */
static err_t read_head_of(size_t bytes)
{
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    buf_add(&body, S("--boundary\r\nX: "));
    for (size_t i = S("X: \r\n\r\n").n; i < bytes; i++)
        buf_add_byte(&body, 'a');
    buf_add(&body, S("\r\n\r\nx\r\n--boundary--"));
    size_t parts;
    return read_built(&body, &parts);
}

TEST(the_head_of_a_part_is_limited)
{
    EXPECT_OK(read_head_of(8192));
    EXPECT_ERR(read_head_of(8193), ERR_TOO_LARGE);
    EXPECT_ERR(read_head_of(9 * 1024), ERR_TOO_LARGE);
    SCOPED(buf_releasep) struct buf body;
    size_t parts;
    buf_init(&body, 0);
    buf_add(&body,
            S("--boundary\r\nA: b\r\n")); /* without the blank line, a long text is not a header that is too long */
    for (int i = 0; i < 10000; i++)
        buf_add_byte(&body, 'a');
    EXPECT_ERR(read_built(&body, &parts), ERR_INVALID);
}

/* Folds count as sent, so that removing them does not make room for more. */
TEST(the_head_of_a_part_is_limited_with_its_folds)
{
    for (int folds = 2047; folds <= 2048; folds++) {
        SCOPED(buf_releasep) struct buf body;
        buf_init(&body, 0);
        size_t parts;
        buf_add(&body, S("--boundary\r\nX:"));
        for (int i = 0; i < folds - 1; i++)
            buf_add(&body, S("\r\n a"));
        buf_add(&body, S("\r\n\r\nx\r\n--boundary--")); /* 2 + 4 * folds bytes of head */
        if (folds == 2047)
            EXPECT_OK(read_built(&body, &parts));
        else
            EXPECT_ERR(read_built(&body, &parts), ERR_TOO_LARGE);
    }
}

TEST(the_number_of_headers_is_limited)
{
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    size_t parts;
    for (int headers = 32; headers <= 33; headers++) {
        buf_clear(&body);
        buf_add(&body, S("--boundary\r\n"));
        for (int i = 0; i < headers; i++)
            buf_add(&body, S("A: b\r\n"));
        buf_add(&body, S("\r\nx\r\n--boundary--"));
        if (headers == 32)
            EXPECT_OK(read_built(&body, &parts));
        else
            EXPECT_ERR(read_built(&body, &parts), ERR_TOO_LARGE);
    }
}

TEST(text_fields_are_collected_up_to_a_limit)
{
    SCRATCH(a);
    struct multipart m;
    struct multipart_limits limits = MULTIPART_DEFAULT_LIMITS;
    limits.field_bytes = 4;
    multipart_init(&m, S("b"), &limits, &recorder, NULL);
    SCOPED(buf_releasep) struct buf value;
    buf_init(&value, 0);
    EXPECT_OK(multipart_collect(&m, &value, S("abc"), &a));
    EXPECT_OK(multipart_collect(&m, &value, S("d"), &a));
    EXPECT_ERR(multipart_collect(&m, &value, S("e"), &a), ERR_TOO_LARGE);
    EXPECT_SLICE(buf_slice(&value), S("abcd"));
}

/* ---- speed ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

TEST(large_parts_are_passed_on_without_a_copy)
{
    enum { SIZE = 1 << 20, PIECES = 32 };
    SCRATCH(a);
    slice piece = { arena_alloc(&a, SIZE), SIZE };
    struct recorded_events seen = { .quiet = true };
    struct multipart m;
    multipart_init(&m, S("boundary"), NULL, &recorder, &seen);
    EXPECT_OK(multipart_feed(&m, S("--boundary\r\n\r\n"), &a));
    for (int i = 0; i < PIECES; i++)
        EXPECT_OK(multipart_feed(&m, piece, &a));
    EXPECT_OK(multipart_feed(&m, S("\r\n--boundary--"), &a));
    EXPECT_OK(multipart_finish(&m, &a));
    EXPECT_EQ(seen.bytes, (size_t)SIZE * PIECES);
    EXPECT_EQ(seen.spans, PIECES);
}

TEST(parsing_time_is_linear_for_any_data)
{
    static const char *const units[] = { "\r\n--boundar", "\r\n", "\r", "\r\n--boundary x", "\r\n--boundaryX", "a" };
    for (size_t u = 0; u < LENGTH_OF(units); u++) {
        SCRATCH(a);
        SCOPED(buf_releasep) struct buf data;
        buf_init(&data, 0);
        while (data.n < (size_t)8 << 20)
            buf_add(&data, slice_of(units[u]));
        struct recorded_events seen = { .quiet = true };
        struct multipart m;
        double before = seconds();
        multipart_init(&m, S("boundary"), NULL, &recorder, &seen);
        EXPECT_OK(multipart_feed(&m, S("--boundary\r\n\r\n"), &a));
        for (slice rest = buf_slice(&data); rest.n; rest = slice_from(rest, 65536))
            EXPECT_OK(multipart_feed(&m, slice_part(rest, 0, 65536), &a));
        EXPECT_OK(multipart_feed(&m, S("\r\n--boundary--"), &a));
        EXPECT_OK(multipart_finish(&m, &a));
        double took = seconds() - before;
        EXPECT_EQ(seen.bytes, data.n);
        print_message("%.2s… %.0f MiB/s\n", units[u] + (units[u][0] == '\r'), (double)data.n / 1048576 / took);
        /* Linear time is milliseconds, under sanitizers less than seconds; quadratic time would be minutes. */
        EXPECT(took < 5);
    }
}

RUN_TESTS(
    cmocka_unit_test(the_boundary_is_found_in_any_spelling_of_the_type),
    cmocka_unit_test(fields_and_files_arrive_in_order), cmocka_unit_test(a_part_needs_neither_a_name_nor_a_header),
    cmocka_unit_test(preamble_epilogue_and_padding_are_not_data), cmocka_unit_test(a_part_may_be_empty),
    cmocka_unit_test(line_ends_in_a_part_are_data), cmocka_unit_test(a_line_that_only_resembles_a_boundary_is_data),
    cmocka_unit_test(padding_is_limited), cmocka_unit_test(unusual_boundaries_are_accepted),
    cmocka_unit_test(file_names_of_every_known_client_are_decoded),
    cmocka_unit_test(a_file_with_control_characters_in_its_name_was_refused),
    cmocka_unit_test(a_file_whose_name_ends_in_a_backslash_was_refused),
    cmocka_unit_test(a_part_with_folded_headers_was_refused),
    cmocka_unit_test(a_file_whose_name_came_in_pieces_was_lost),
    cmocka_unit_test(a_head_that_would_hide_something_in_another_reading_is_refused),
    cmocka_unit_test(malformed_heads_of_parts_are_refused),
    cmocka_unit_test(parts_with_a_transfer_encoding_are_refused),
    cmocka_unit_test(a_body_must_end_with_its_closing_boundary),
    cmocka_unit_test(a_parser_accepts_nothing_after_an_error), cmocka_unit_test(feed_returns_the_error_of_a_callback),
    cmocka_unit_test(the_number_of_parts_is_limited), cmocka_unit_test(the_head_of_a_part_is_limited),
    cmocka_unit_test(the_head_of_a_part_is_limited_with_its_folds), cmocka_unit_test(the_number_of_headers_is_limited),
    cmocka_unit_test(text_fields_are_collected_up_to_a_limit),
    cmocka_unit_test(large_parts_are_passed_on_without_a_copy), cmocka_unit_test(parsing_time_is_linear_for_any_data))
