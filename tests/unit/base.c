/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

TEST(slices_are_compared_split_and_counted)
{
    slice head, tail;
    EXPECT(slice_cut(S("a=b=c"), '=', &head, &tail));
    EXPECT_SLICE(head, S("a"));
    EXPECT_SLICE(tail, S("b=c"));
    EXPECT(!slice_cut(S("abc"), '=', &head, &tail));
    EXPECT_SLICE(head, S("abc"));
    EXPECT_EQ(tail.n, 0);
    EXPECT(slice_eq_nocase(S("Content-Length"), S("content-length")));
    EXPECT(!slice_eq(S("a"), S("ab")));
    EXPECT_SLICE(slice_trim(S(" \ta b\t ")), S("a b"));
    EXPECT(slice_eq_secret(S("same"), S("same")));
    EXPECT(!slice_eq_secret(S("same"), S("sane")));
}

TEST(numbers_consist_of_digits_only)
{
    uint64_t v;
    int64_t i;
    EXPECT(slice_to_u64(S("18446744073709551615"), &v) && v == UINT64_MAX);
    EXPECT(!slice_to_u64(S("18446744073709551616"), &v));
    EXPECT(!slice_to_u64(S("+5"), &v) && !slice_to_u64(S(""), &v) && !slice_to_u64(S(" 5"), &v));
    EXPECT(slice_to_i64(S("-9223372036854775808"), &i) && i == INT64_MIN);
    EXPECT(!slice_to_i64(S("9223372036854775808"), &i) && !slice_to_i64(S("--1"), &i));
}

TEST(only_well_formed_utf8_is_valid)
{
    EXPECT(slice_is_utf8(S("счёт № 7 😀")));
    EXPECT(!slice_is_utf8(S("\xc0\xaf")));         /* overlong */
    EXPECT(!slice_is_utf8(S("\xed\xa0\x80")));     /* surrogate */
    EXPECT(!slice_is_utf8(S("\xf4\x90\x80\x80"))); /* past U+10FFFF */
    EXPECT(!slice_is_utf8(S("\xd1")));             /* incomplete */
    for (size_t i = 0; i < 40; i++) {              /* in whatever place it stands, between bytes of ASCII */
        char text[40];
        memset(text, 'a', sizeof text);
        text[i] = (char)0xe9;
        EXPECT(!slice_is_utf8((slice){ text, sizeof text }) && !slice_is_utf8((slice){ text, i + 1 }));
        EXPECT(slice_is_utf8((slice){ text, i }));
    }
    EXPECT_SLICE(slice_characters(S("a\xc3\xa7\xf0\x9f\x98\x80z"), 3), S("a\xc3\xa7\xf0\x9f\x98\x80"));
    EXPECT_SLICE(slice_characters(S("a\xc3\xa7"), 2), S("a\xc3\xa7"));
    EXPECT_EQ(slice_characters(S("a"), 0).n, 0);
}

static void increment(void *arg)
{
    ++*(int *)arg;
}

TEST(an_arena_reports_that_it_is_above_its_limit_and_gives_its_budget_back)
{
    struct memory_budget budget = { .max = 1 << 20 };
    struct arena a;
    arena_init(&a);
    arena_set_limit(&a, 100000, &budget);
    EXPECT(arena_has_room(&a, 100000) && !arena_has_room(&a, 100001));
    arena_alloc(&a, 60000);
    EXPECT(!arena_is_over(&a) && memory_used(&budget) >= 60000);
    EXPECT(!arena_has_room(&a, 60000) && !arena_has_room(&a, SIZE_MAX));
    struct arena child;
    arena_init_child(&child, &a);
    EXPECT(arena_has_room(&child, 30000) && !arena_has_room(&child, 50000));
    arena_alloc(&child, 30000);
    EXPECT(memory_used(&budget) >= 90000);
    arena_release(&child);
    arena_charge(&a, 60000); /* into the overdraft: this works, and is reported */
    EXPECT(arena_is_over(&a));
    arena_discharge(&a, 40000);
    EXPECT(!arena_is_over(&a));
    /* What may be refused leaves a quarter of the budget to what may not. */
    EXPECT(memory_take(&budget, (768 << 10) - memory_used(&budget)) && !memory_take(&budget, 1));
    EXPECT(!arena_take(&a, 1000) && !arena_is_over(&a));
    memory_add(&budget, 256 << 10);
    EXPECT(!arena_is_over(&a));
    memory_add(&budget, 1);
    EXPECT(arena_is_over(&a) && !arena_is_over_limit(&a)); /* it holds more than a small share of an exceeded budget */
    EXPECT_ERR(arena_check(&a), ERR_UNAVAILABLE);
    struct arena small;
    arena_init(&small);
    arena_set_limit(&small, 100000, &budget);
    EXPECT(arena_take(&small, 20000) && !arena_take(&small, 20000) && !arena_is_over(&small));
    arena_release(&small);
    size_t of_others = memory_used(&budget) - a.counted;
    arena_release(&a);
    EXPECT_EQ(memory_used(&budget), of_others);
    EXPECT(!memory_take(&budget, SIZE_MAX) && memory_used(&budget) == of_others);
}

TEST(what_an_arena_has_no_room_for_is_left_out_and_reported)
{
    SCRATCH(a);
    arena_set_limit(&a, 10000, NULL);
    SCRATCH_OF(child, &a);
    char text[9000] = "x";
    EXPECT_EQ(arena_copy_if_room(&child, (slice){ text, 9000 }).n, 9000);
    EXPECT_OK(arena_check(&child));
    EXPECT_EQ(arena_copy_if_room(&child, (slice){ text, 9000 }).n, 0);
    EXPECT_ERR(arena_check(&child), ERR_TOO_LARGE);
    EXPECT_ERR(arena_check(&a), ERR_TOO_LARGE); /* its result would be incomplete */
}

TEST(a_buffer_stops_at_the_limit_of_its_account)
{
    SCRATCH(a);
    arena_set_limit(&a, 10000, NULL);
    struct buf b;
    buf_init_on(&b, 0, &a);
    for (int i = 0; i < 9000; i++)
        buf_add_byte(&b, 'x');
    EXPECT(!b.failed && a.held >= 9000 && !arena_is_over(&a));
    for (int i = 0; i < 9000; i++)
        buf_add_byte(&b, 'x');
    EXPECT(b.failed && b.n <= 10000 && arena_is_over(&a) && a.held <= 10000);
    buf_release(&b);
    EXPECT_EQ(a.held, 0);
}

TEST(a_buffer_near_its_limit_was_copied_by_each_addition)
{
    SCRATCH(a);
    arena_set_limit(&a, 10000, NULL);
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &a);
    size_t cap = 0, grown = 0;
    for (int i = 0; i < 9900; i++) {
        buf_add_byte(&b, 'x');
        grown += b.cap != cap;
        cap = b.cap;
    }
    EXPECT(!b.failed && grown < 20);
}

/* A value takes two bytes of text, and eighty of memory. */
TEST(a_body_of_zeros_took_forty_times_its_size)
{
    SCRATCH(a);
    const struct json *j;
    size_t n = JSON_MAX_BYTES - 1;
    char *text = must_malloc(n);
    for (size_t i = 0; i < n; i++)
        text[i] = i % 2 ? '0' : ',';
    text[0] = '[';
    text[n - 1] = ']';
    EXPECT_ERR(json_parse(&a, (slice){ text, n }, &j), ERR_TOO_LARGE);
    EXPECT(a.peak < 10000);
    n = 2 * JSON_MAX_VALUES + 1; /* the list is one value more than a text may have */
    text[n - 1] = ']';
    EXPECT_ERR(json_parse(&a, (slice){ text, n }, &j), ERR_TOO_LARGE);
    EXPECT(a.peak < 10000);
    n -= 2;
    text[n - 1] = ']';
    EXPECT_OK(json_parse(&a, (slice){ text, n }, &j));
    EXPECT(json_count(j) == JSON_MAX_VALUES - 1 && a.peak < (size_t)16 << 20 && a.held < (size_t)4 << 20);
    arena_release(&a);
    arena_set_limit(&a, 1 << 20, NULL); /* the tree is not begun when there is no room for it */
    EXPECT_ERR(json_parse(&a, (slice){ text, n }, &j), ERR_TOO_LARGE);
    EXPECT(a.peak < 10000);
    free(text);
}

TEST(an_arena_copies_formats_and_runs_its_defers)
{
    struct arena a;
    arena_init(&a);
    for (size_t i = 1; i < 5000; i += 7)
        memset(arena_alloc(&a, i), 0xff, i);
    EXPECT_SLICE(arena_printf(&a, "%d-%s", 5, "x"), S("5-x"));
    int ran = 0;
    arena_defer(&a, increment, &ran);
    arena_release(&a);
    EXPECT_EQ(ran, 1);
}

TEST(a_buffer_stays_failed_after_an_overflow)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 4);
    buf_add(&b, S("abcd"));
    EXPECT(!b.failed);
    buf_add(&b, S("e"));
    buf_add(&b, S(""));
    EXPECT(b.failed);
    EXPECT_SLICE(buf_slice(&b), S("abcd"));
}

TEST(encoded_bytes_decode_to_the_same_bytes)
{
    SCRATCH(a);
    slice back;
    unsigned char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)i;
    for (size_t n = 0; n <= 256; n++) {
        slice all = { (char *)bytes, n };
        EXPECT(hex_decode(&a, hex_encode(&a, all), &back));
        EXPECT_SLICE(back, all);
        EXPECT(base64_decode(&a, base64_encode(&a, all), &back));
        EXPECT_SLICE(back, all);
        EXPECT(percent_decode(&a, percent_encode(&a, all, ""), false, &back));
        EXPECT_SLICE(back, all);
    }
    EXPECT_SLICE(base64_encode(&a, S("ab")), S("YWI="));
    EXPECT(!base64_decode(&a, S("Y"), &back) && !base64_decode(&a, S("Y!=="), &back));
    EXPECT(!percent_decode(&a, S("%4"), false, &back) && !percent_decode(&a, S("%zz"), false, &back));
    EXPECT(percent_decode(&a, S("a+b%20c"), true, &back));
    EXPECT_SLICE(back, S("a b c"));
}

TEST(uuids_parse_in_any_case_and_in_braces)
{
    SCRATCH(a);
    unsigned char id[16];
    EXPECT(uuid_parse(S("{08923D83-255B-4F18-B0EB-5C4D3B9BF1D2}"), id));
    EXPECT_SLICE(uuid_format(&a, id), S("08923d83-255b-4f18-b0eb-5c4d3b9bf1d2"));
    EXPECT(!uuid_parse(S("08923d83255b4f18b0eb5c4d3b9bf1d2"), id));
    EXPECT(!uuid_parse(S("08923d83-255b-4f18-b0eb-5c4d3b9bf1dx"), id));
    random_uuid(random_system(), id);
    EXPECT_EQ(id[6] >> 4, 4);
}

TEST(dates_are_parsed_and_formatted)
{
    SCRATCH(a);
    int64_t ms;
    EXPECT_SLICE(time_format_utc(&a, 1795269849000), S("2026-11-21T14:04:09Z"));
    EXPECT_SLICE(time_format_http(&a, 784111777000), S("Sun, 06 Nov 1994 08:49:37 GMT"));
    EXPECT(time_parse_http(S("Sun, 06 Nov 1994 08:49:37 GMT"), &ms) && ms == 784111777000);
    EXPECT(time_parse_http(S("Sunday, 06-Nov-94 08:49:37 GMT"), &ms) && ms == 784111777000);
    EXPECT(time_parse_http(S("Saturday, 21-Nov-26 14:04:09 GMT"), &ms) && ms == 1795269849000);
    EXPECT(time_parse_http(S("Sun Nov  6 08:49:37 1994"), &ms) && ms == 784111777000);
    EXPECT(time_parse_http(S("Sat Nov 21 14:04:09 2026"), &ms) && ms == 1795269849000);
    static const char *const no_dates[] = {
        "Sun, 31 Feb 1994 08:49:37 GMT",  "Sun, 06 Nov 1994 08:49:37",      "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06-Nov-1994 08:49:37 GMT",  "Sun, 06 Nop 1994 08:49:37 GMT",  "Sun, 06 Nov 1994 08-49-37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",  "Sun Nov   6 08:49:37 1994",      "Sunday, 6-Nov-94 08:49:37 GMT",
        "1994-11-06T08:49:37Z",           "Sun, +6 Nov 1994 08:49:37 GMT",  "",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994\t08:49:37 GMT",
    };
    for (size_t i = 0; i < LENGTH_OF(no_dates); i++)
        if (time_parse_http(slice_of(no_dates[i]), &ms))
            fail_msg("'%s' is no date", no_dates[i]);
    EXPECT(time_parse_utc(S("2026-11-21T14:04:09.5Z"), &ms) && ms == 1795269849000);
    EXPECT(time_parse_offset(S("2026-11-21T11:04:09.5-03:00"), &ms) && ms == 1795269849000);
    EXPECT(time_parse_offset(S("2026-11-22T00:34:09+10:30"), &ms) && ms == 1795269849000);
    EXPECT(time_parse_offset(S("2026-11-21T14:04:09Z"), &ms) && ms == 1795269849000);
    static const char *const wrong[] = { "2026-11-21T14:04:09+24:00",  "2026-11-21T14:04:09+01:60",
                                         "2026-11-21T14:04:09 01:00",  "2026-11-21T14:04:09+0100",
                                         "2026-11-21T14:04:09.+01:00", "2026-11-21T14:04:09Z+01:00",
                                         "2026-02-30T14:04:09+01:00",  "+01:00" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        EXPECT(!time_parse_offset(slice_of(wrong[i]), &ms));
    EXPECT(!time_parse_utc(S("2026-11-21T14:04:09.Z"), &ms) && !time_parse_utc(S("2026-11-21T14:04:09"), &ms));
    EXPECT(date_is_valid(S("2028-02-29")) && !date_is_valid(S("2026-02-29")) && !date_is_valid(S("2026-2-1")));
}

TEST(malformed_json_is_refused)
{
    SCRATCH(a);
    const struct json *j;
    EXPECT_ERR(json_parse(&a, S(" \n"), &j), ERR_EMPTY);
    EXPECT_ERR(json_parse(&a, S("{\"a\":1,\"a\":2}"), &j), ERR_INVALID);
    EXPECT_ERR(json_parse(&a, S("{\"a\":\"\\u0000\"}"), &j), ERR_INVALID);
    EXPECT_ERR(json_parse(&a, S("[\"\xff\"]"), &j), ERR_INVALID);
    EXPECT_ERR(json_parse(&a, S("[1] x"), &j), ERR_INVALID);
    char deep[20001];
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    EXPECT_ERR(json_parse(&a, (slice){ deep, 20000 }, &j), ERR_INVALID);
    EXPECT_ERR(
        json_parse(&a, slice_part((slice){ deep, 20000 }, 10000 - JSON_MAX_DEPTH - 1, 2 * JSON_MAX_DEPTH + 2), &j),
        ERR_INVALID);
    EXPECT_OK(
        json_parse(&a, slice_part((slice){ deep, 20000 }, 10000 - JSON_MAX_DEPTH, (size_t)2 * JSON_MAX_DEPTH), &j));
    EXPECT_OK(json_parse(&a, S("{\"a\":[1,\"2\",null,true,2.5],\"b\":{\"c\":9007199254740993}}"), &j));
    int64_t v;
    EXPECT(json_to_i64(json_get(json_get(j, "b"), "c"), &v) && v == 9007199254740993);
    EXPECT(json_to_i64(json_get(j, "a")->child->next, &v) && v == 2);
    EXPECT_EQ(json_count(json_get(j, "a")), 5);
    SCOPED(buf_releasep) struct buf out;
    buf_init(&out, 0);
    struct json_out o;
    json_out_init(&o, &out);
    json_add_value(&o, j);
    EXPECT_SLICE(buf_slice(&out), S("{\"a\":[1,\"2\",null,true,2.5],\"b\":{\"c\":9007199254740993}}"));
}

TEST(exact_json_keeps_the_text_of_numbers)
{
    SCRATCH(a);
    const struct json *j;
    EXPECT_OK(json_parse_exact(&a,
                               S("{\"n\":[0,-7,18446744073709551615,123456789012.123456,1e400,-0,1E+2],"
                                 "\"s\":\"n1\",\"\":\"\",\"q\\\"1\":[true,null,\"\\\\\"]}"),
                               &j));
    const struct json *n = json_get(j, "n")->child;
    EXPECT(n->type == JS_INT && n->integer == 0);
    EXPECT(n->next->type == JS_INT && n->next->integer == -7);
    n = n->next->next;
    EXPECT(n->type == JS_REAL && n->real == 18446744073709551615.0);
    EXPECT_SLICE(n->string, S("18446744073709551615"));
    EXPECT_SLICE(n->next->string, S("123456789012.123456"));
    EXPECT_SLICE(n->next->next->string, S("1e400"));
    EXPECT_SLICE(json_str(j, "s"), S("n1"));
    EXPECT(json_is(json_get(j, ""), JS_STRING) && json_str(j, "").n == 0);
    struct buf out = { 0 };
    struct json_out o;
    json_out_init(&o, &out);
    json_add_value(&o, j);
    EXPECT_SLICE(buf_slice(&out), S("{\"n\":[0,-7,18446744073709551615,123456789012.123456,1e400,-0,1E+2],"
                                    "\"s\":\"n1\",\"\":\"\",\"q\\\"1\":[true,null,\"\\\\\"]}"));
    buf_release(&out);
}

TEST(exact_json_refuses_what_json_refuses)
{
    SCRATCH(a);
    const struct json *j;
    const char *wrong[] = { "01",
                            "-",
                            "1.",
                            ".5",
                            "1e",
                            "1e+",
                            "+1",
                            "1 2",
                            "1x",
                            "{1:2}",
                            "{\"a\"1}",
                            "\"a\"1",
                            "1\"a\"",
                            "tr1ue",
                            "[1,]",
                            "[\"\\u0000\"]",
                            "[-01]",
                            "\"a",
                            "\"\\",
                            "1.5.5",
                            "--1",
                            "1e5e5",
                            "0x10",
                            "[1}",
                            "{\"a\":1,\"a\":2}",
                            "[\"\xff\"]",
                            "NaN" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        EXPECT_ERR(json_parse(&a, slice_of(wrong[i]), &j), ERR_INVALID);
        EXPECT_ERR(json_parse_exact(&a, slice_of(wrong[i]), &j), ERR_INVALID);
    }
}

TEST(a_nul_after_a_number_was_overlooked)
{
    SCRATCH(a);
    const struct json *j;
    EXPECT_ERR(json_parse(&a, S("0\0"), &j), ERR_INVALID);
    EXPECT_ERR(json_parse(&a, S("[1\0,2]"), &j), ERR_INVALID);
}

TEST(json_reals_are_written_as_reals)
{
    SCRATCH(a);
    const struct json *j;
    SCOPED(buf_releasep) struct buf out;
    buf_init(&out, 0);
    struct json_out o;
    json_out_init(&o, &out);
    EXPECT_OK(json_parse(&a, S("[1.0,-0.0,0.1,1e300,123456789012345678901.0,0.30000000000000004]"), &j));
    json_add_value(&o, j);
    EXPECT_SLICE(buf_slice(&out), S("[1.0,-0.0,0.1,1e+300,1.2345678901234568e+20,0.30000000000000004]"));
}

TEST(json_strings_are_escaped_and_always_utf8)
{
    SCOPED(buf_releasep) struct buf out;
    buf_init(&out, 0);
    struct json_out o;
    json_out_init(&o, &out);
    json_add_string(&o, S("a\"\\\n\x01\xffж"));
    EXPECT_SLICE(buf_slice(&out), S("\"a\\\"\\\\\\n\\u0001\xef\xbf\xbdж\""));
}

TEST(digests_match_published_vectors)
{
    SCRATCH(a);
    unsigned char d[SHA256_SIZE];
    hash_md5(S("hello"), d);
    EXPECT_SLICE(hex_encode(&a, (slice){ (char *)d, MD5_SIZE }), S("5d41402abc4b2a76b9719d911017c592"));
    struct hash *h = hash_new(HASH_SHA256);
    hash_update(h, S("a"));
    hash_update(h, S("bc"));
    hash_final(h, d);
    hash_free(h);
    EXPECT_SLICE(hex_encode(&a, (slice){ (char *)d, SHA256_SIZE }),
                 S("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    hash_hmac_sha256(S("key"), S("The quick brown fox jumps over the lazy dog"), d);
    EXPECT_SLICE(hex_encode(&a, (slice){ (char *)d, SHA256_SIZE }),
                 S("f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"));
}

TEST(sha1_and_its_hmac_match_rfc_3174_and_2202)
{
    SCRATCH(a);
    unsigned char d[SHA1_SIZE];
    slice digest = { (char *)d, sizeof d };
    char key[80];
    hash_sha1(S("abc"), d);
    EXPECT_SLICE(hex_encode(&a, digest), S("a9993e364706816aba3e25717850c26c9cd0d89d"));
    hash_hmac_sha1(S("Jefe"), S("what do ya want for nothing?"), d);
    EXPECT_SLICE(hex_encode(&a, digest), S("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
    memset(key, 0xaa, sizeof key);
    hash_hmac_sha1((slice){ key, sizeof key }, S("Test Using Larger Than Block-Size Key - Hash Key First"), d);
    EXPECT_SLICE(hex_encode(&a, digest), S("aa4ae5e15272d00e95705637ce8a3b55ed402112"));
}

TEST(an_error_keeps_its_cause)
{
    SCRATCH(a);
    err_t low = err_make(&a, ERR_NOT_FOUND, "no %s", "row");
    err_t high = err_because(&a, low, ERR_CORRUPT, "file 5 has no bytes");
    EXPECT_SLICE(err_text(&a, high), S("file 5 has no bytes: no row"));
    EXPECT(err_is(high, ERR_CORRUPT) && !err_is(NULL, ERR_CORRUPT));
    err_t refused = err_refuse(&a, ERR_FORBIDDEN, 7, "rule %d says no", 7);
    EXPECT(err_is(refused, ERR_FORBIDDEN) && err_reason(refused) == 7 && err_reason(err_copy(&a, refused)) == 7);
    EXPECT(err_reason(NULL) == 0 && err_reason(err_because(&a, refused, ERR_CORRUPT, "another matter")) == 0);
}

TEST(a_manual_clock_moves_only_when_it_is_advanced)
{
    struct clock_manual c;
    clock_manual_init(&c, 1000);
    clock_manual_advance(&c, 5);
    clock_manual_advance(&c, -500);
    EXPECT_EQ(clock_now_ms(&c.clock), 505);
    EXPECT_EQ(clock_monotonic_ms(&c.clock), 5);
}

RUN_TESTS(cmocka_unit_test(slices_are_compared_split_and_counted), cmocka_unit_test(numbers_consist_of_digits_only),
          cmocka_unit_test(only_well_formed_utf8_is_valid),
          cmocka_unit_test(an_arena_reports_that_it_is_above_its_limit_and_gives_its_budget_back),
          cmocka_unit_test(what_an_arena_has_no_room_for_is_left_out_and_reported),
          cmocka_unit_test(a_buffer_stops_at_the_limit_of_its_account),
          cmocka_unit_test(a_buffer_near_its_limit_was_copied_by_each_addition),
          cmocka_unit_test(a_body_of_zeros_took_forty_times_its_size),
          cmocka_unit_test(an_arena_copies_formats_and_runs_its_defers),
          cmocka_unit_test(a_buffer_stays_failed_after_an_overflow),
          cmocka_unit_test(encoded_bytes_decode_to_the_same_bytes),
          cmocka_unit_test(uuids_parse_in_any_case_and_in_braces), cmocka_unit_test(dates_are_parsed_and_formatted),
          cmocka_unit_test(malformed_json_is_refused), cmocka_unit_test(a_nul_after_a_number_was_overlooked),
          cmocka_unit_test(exact_json_keeps_the_text_of_numbers),
          cmocka_unit_test(exact_json_refuses_what_json_refuses), cmocka_unit_test(json_reals_are_written_as_reals),
          cmocka_unit_test(json_strings_are_escaped_and_always_utf8), cmocka_unit_test(digests_match_published_vectors),
          cmocka_unit_test(sha1_and_its_hmac_match_rfc_3174_and_2202), cmocka_unit_test(an_error_keeps_its_cause),
          cmocka_unit_test(a_manual_clock_moves_only_when_it_is_advanced))
