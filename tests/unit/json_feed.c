/* SPDX-License-Identifier: Apache-2.0 */
#include "json_feed_check.h"
#include "rounds.h"
#include "test.h"

#include "base/arena.h"

#include <string.h>

#define WANTED S("Data")

/* The value of the wanted member, or "bad". */
static slice value_of(struct arena *a, const char *text)
{
    struct fed fed = { .cuts = 1 };
    feed_text(slice_of(text), WANTED, &fed);
    slice found = fed.is_valid ? arena_copy(a, buf_slice(&fed.values)) : S("bad");
    buf_release(&fed.rest);
    buf_release(&fed.values);
    return found;
}

TEST(the_value_of_a_member_is_found_wherever_it_stands)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        { "{}", "" },
        { "{\"Data\":{}}", "{}" },
        { "{\"data\" : { \"a\" : [ 1 , 2 ] } , \"x\":1}", "{ \"a\" : [ 1 , 2 ] }" },
        { "{\"x\":{\"Data\":1},\"DATA\":2}", "2" },
        { "{\"x\":\"Data\",\"Dat\":1,\"Data2\":2,\"Data\":-1.5e+3 }", "-1.5e+3" },
        { "{\"Data\":\"}\\\"]\",\"x\":null}", "\"}\\\"]\"" },
        { "{\"Data\":true,\"Data\":null}", "true\nnull" },
        { "{\"Da\\u0074a\":1}", "" },
        { " \r\n{\"Data\":[]}\t ", "[]" },
        { "{\"Data\":[{\"Data\":7}]}", "[{\"Data\":7}]" },
        { "", "bad" },
        { "[]", "bad" },
        { "{\"Data\":{}", "bad" },
        { "{\"Data\":{]}", "bad" },
        { "{\"Data\":{\"a\":tru}}", "bad" },
        { "{\"Data\":{\"a\":}}", "bad" },
        { "{\"Data\":1}}", "bad" },
        { "{\"Data\":1,}", "bad" },
        { "{\"Data\":01}", "bad" },
        { "{\"Data\":\"\\ud800\"}", "bad" },
        { "{\"Data\":\"\\u0000\"}", "bad" },
        { "{\"Data\":\"\xc0\x80\"}", "bad" },
        { "{\"Data\":\"\x01\"}", "bad" },
        { "{\"Data\":\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xf0\x90\x80\x80\xe0\xa0\x80\"}",
          "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xf0\x90\x80\x80\xe0\xa0\x80\"" },
        { "{\"Data\":\"\xed\xa0\x80\"}", "bad" },
        { "{\"Data\":\"\xf4\x90\x80\x80\"}", "bad" },
        { "{\"Data\":\"\xf5\x80\x80\x80\"}", "bad" },
        { "{\"Data\":\"\xf0\x8f\xbf\xbf\"}", "bad" },
        { "{\"Data\":\"\xe0\x9f\xbf\"}", "bad" },
        { "{\"Data\":\"\x80\"}", "bad" },
        { "\xef\xbb\xbf{}", "bad" },
    };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        EXPECT_SLICE(value_of(&a, cases[i].text), slice_of(cases[i].value));
}

TEST(levels_have_the_limit_of_a_scan)
{
    for (int depth = 1; depth < 70; depth++) {
        struct buf text = { 0 };
        buf_add(&text, S("{\"Data\":"));
        for (int i = 0; i < depth; i++)
            buf_add_byte(&text, '[');
        for (int i = 0; i < depth; i++)
            buf_add_byte(&text, ']');
        buf_add_byte(&text, '}');
        EXPECT(feed_agrees(buf_slice(&text), WANTED, (uint64_t)depth));
        buf_release(&text);
    }
}

static const char *const seeds[] = {
    "{\"Data\":{\"a\":{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"},\"b\":[{\"x\":-0.5e10},[true,null]]},\"b\":7}",
    "{ \"a\" : \"\\ud83d\\ude00\\u00e9\\n\\\\\" , \"data\" : \"\\\"Data\\\":1\" , \"DATA\":0 }",
    "{\"Data\":1E5,\"x\":{\"Data\":{}},\"Data\":[[],{},\"\",0]}",
};

TEST(random_changes_are_judged_as_by_a_scan_of_the_whole)
{
    uint64_t random = rounds_seed();
    static const char bytes[] = "{}[]\",:\\u0019eE+-.tfnDatarue\xc3\xa9\xed\xa0\xf4\x8f\xe0 \n\x1f";
    int accepted = 0;
    for (int round = rounds(ROUNDS_json_feeds); round > 0; round--) {
        const char *seed = seeds[round % 3];
        char text[200];
        size_t n = strlen(seed), changes = next_cut(&random, 4);
        memcpy(text, seed, n);
        for (size_t i = 0; i < changes; i++) {
            size_t at = (size_t)(next_cut(&random, SIZE_MAX) * 31 + next_cut(&random, SIZE_MAX)) % n;
            size_t kind = next_cut(&random, 4) % 3;
            if (kind == 0) {
                text[at] = bytes[(size_t)(random >> 40) % (sizeof bytes - 1)];
            } else if (kind == 1 && n > 2) {
                memmove(text + at, text + at + 1, n - at - 1);
                n--;
            } else if (n < sizeof text - 1) {
                memmove(text + at + 1, text + at, n - at);
                text[at] = bytes[(size_t)(random >> 40) % (sizeof bytes - 1)];
                n++;
            }
        }
        struct buf unused = { 0 };
        accepted += scan_text((slice){ text, n }, WANTED, &unused);
        buf_release(&unused);
        if (!feed_agrees((slice){ text, n }, WANTED, random))
            fail_msg("%.*s", (int)n, text);
    }
    EXPECT(accepted > 10);
}

RUN_TESTS(cmocka_unit_test(the_value_of_a_member_is_found_wherever_it_stands),
          cmocka_unit_test(levels_have_the_limit_of_a_scan),
          cmocka_unit_test(random_changes_are_judged_as_by_a_scan_of_the_whole))
