/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"
#include "test.h"

#include "base/buf.h"
#include "base/random.h"
#include "base/regex.h"

#include <locale.h>
#include <regex.h>
#include <string.h>

static enum regex_fault fault_of(slice pattern)
{
    SCRATCH(a);
    struct regex *r;
    return regex_compile(pattern, &a, &r);
}

static bool finds(const char *pattern, const char *text)
{
    SCRATCH(a);
    struct regex *r;
    EXPECT_EQ(regex_compile(slice_of(pattern), &a, &r), REGEX_FINE);
    return regex_search(r, slice_of(text), NULL) == REGEX_FOUND;
}

TEST(patterns_mean_what_posix_says)
{
    static const struct {
        const char *pattern, *found, *absent;
    } cases[] = {
        { "b", "abc", "acd" },
        { "^b", "bc", "abc" },
        { "b$", "ab", "abc" },
        { "^$", "", "a" },
        { "^b|c$", "xc", "cx" },
        { "a.c", "xa\ncx", "ac" },
        { "^a.c$",
          "a\xc3\xa9"
          "c",
          "a\xc3\xa9\xc3\xa9"
          "c" },
        { "ab*c", "ac", "adc" },
        { "^ab+c$", "abbc", "ac" },
        { "^ab?c$", "abc", "abbc" },
        { "^a{3}$", "aaa", "aaaa" },
        { "^a{2,}$", "aaaa", "a" },
        { "^a{2,3}$", "aa", "aaaa" },
        { "^(ab){0}c$", "c", "abc" },
        { "^(a|bc)+d$", "abcad", "abd" },
        { "^[a-c]+$", "abc", "abd" },
        { "^[^a-c]$", "d", "b" },
        { "^[]x]$", "]", "y" },
        { "^[^]x]$", "y", "]" },
        { "^[a-]$", "-", "b" },
        { "^[\\]$", "\\", "]" },
        { "^[[:digit:]x]+$", "1x2", "1y2" },
        { "^[[.-.]a]$", "-", "b" },
        { "^[[=a=]]$", "a", "b" },
        { "^[\xc3\xa0-\xc3\xbc]$", "\xc3\xa9", "e" },
        { "^[^\xc3\xa9]$", "e", "\xc3\xa9" },
        { "^[\xc3\xa9\xc3\xa8]$", "\xc3\xa8", "\xc3\xaa" },
        { "a\\.b", "a.b", "axb" },
        { "^\\(\\)\\[\\]\\{\\}\\\\\\|\\^\\$\\*\\+\\?$", "()[]{}\\|^$*+?", "" },
        { "(^a|b)c", "xbc", "xac" },
        { "a(b$|c)", "acx", "abx" },
        { "(a|)b$", "b", "c" },
        { "()", "", NULL },
        { "", "anything", NULL },
        { "a,b", "a,b", "a;b" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        if (!finds(cases[i].pattern, cases[i].found))
            fail_msg("'%s' is not found in '%s'", cases[i].pattern, cases[i].found);
        if (cases[i].absent && finds(cases[i].pattern, cases[i].absent))
            fail_msg("'%s' is found in '%s'", cases[i].pattern, cases[i].absent);
    }
}

TEST(classes_are_those_of_ascii)
{
    static const struct {
        const char *name, *some, *others;
    } cases[] = { { "alpha", "azAZ", "09_\x7f" }, { "digit", "09", "a/:" },         { "alnum", "azAZ09", "_-" },
                  { "upper", "AZ", "az" },        { "lower", "az", "AZ" },          { "space", " \t\n\v\f\r", "a\b" },
                  { "blank", " \t", "\n" },       { "punct", "!/:@[`{~", "a0 " },   { "print", " ~a", "\x1f\x7f" },
                  { "graph", "!~", " \x7f" },     { "cntrl", "\x01\x1f\x7f", " " }, { "xdigit", "09afAF", "gG" } };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        const char *pattern = arena_printf(&a, "^[[:%s:]]$", cases[i].name).p;
        for (const char *c = cases[i].some; *c; c++)
            EXPECT(finds(pattern, (char[]){ *c, 0 }));
        for (const char *c = cases[i].others; *c; c++)
            EXPECT(!finds(pattern, (char[]){ *c, 0 }));
        EXPECT(!finds(pattern, "\xc3\xa9"));
    }
}

TEST(what_posix_leaves_open_is_refused)
{
    static const struct {
        const char *pattern;
        enum regex_fault fault;
    } cases[] = {
        { "*a", REGEX_BAD_REPEAT },
        { "a|+", REGEX_BAD_REPEAT },
        { "(?a)", REGEX_BAD_REPEAT },
        { "^*", REGEX_BAD_REPEAT },
        { "a{2,1}", REGEX_BAD_REPEAT },
        { "a{256}", REGEX_BAD_REPEAT },
        { "a{1,999999999999}", REGEX_BAD_REPEAT },
        { "a{,3}", REGEX_BAD_REPEAT },
        { "a{x}", REGEX_BAD_REPEAT },
        { "a{1", REGEX_BAD_BRACKETS },
        { "{1}", REGEX_BAD_BRACKETS },
        { "(a", REGEX_BAD_BRACKETS },
        { "a)", REGEX_BAD_BRACKETS },
        { "a]", REGEX_BAD_BRACKETS },
        { "a}", REGEX_BAD_BRACKETS },
        { "[a", REGEX_BAD_BRACKETS },
        { "[", REGEX_BAD_BRACKETS },
        { "[^", REGEX_BAD_BRACKETS },
        { "[]", REGEX_BAD_BRACKETS },
        { "[b-a]", REGEX_BAD_BRACKETS },
        { "[a-[:alpha:]]", REGEX_BAD_BRACKETS },
        { "[[:alpha]]", REGEX_BAD_BRACKETS },
        { "[[:letters:]]", REGEX_BAD_BRACKETS },
        { "[[.ab.]]", REGEX_BAD_BRACKETS },
        { "[[..]]", REGEX_BAD_BRACKETS },
        { "\\", REGEX_BAD_ESCAPE },
        { "\\d", REGEX_BAD_ESCAPE },
        { "(a)\\1", REGEX_BAD_ESCAPE },
        { "\xff", REGEX_NOT_UTF8 },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        if (fault_of(slice_of(cases[i].pattern)) != cases[i].fault)
            fail_msg("'%s' is refused as %d", cases[i].pattern, (int)fault_of(slice_of(cases[i].pattern)));
}

static slice repeated(struct arena *a, const char *text, size_t count)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < count; i++)
        buf_add(&b, slice_of(text));
    return buf_give(&b, a);
}

TEST(what_would_take_much_memory_is_refused)
{
    SCRATCH(a);
    EXPECT_EQ(fault_of(repeated(&a, "a", REGEX_PATTERN_MAX)), REGEX_FINE);
    EXPECT_EQ(fault_of(repeated(&a, "a", REGEX_PATTERN_MAX + 1)), REGEX_TOO_LONG);
    EXPECT_EQ(fault_of(S("x{1,255}{1,255}")), REGEX_TOO_LARGE);
    EXPECT_EQ(fault_of(S("(((x{1,9}){1,9}){1,9}){1,9}")), REGEX_TOO_LARGE);
    EXPECT_EQ(fault_of(S("(){255}{255}{255}{255}{255}{255}{255}{255}")), REGEX_TOO_LARGE);
    EXPECT_EQ(fault_of(S("((){255}|){255}")), REGEX_TOO_LARGE);
    EXPECT_EQ(fault_of(repeated(&a, "(", REGEX_DEPTH_MAX + 1)), REGEX_TOO_LARGE);
    EXPECT_EQ(fault_of(arena_join(&a, (slice[]){ S("a"), repeated(&a, "*", REGEX_DEPTH_MAX + 1) }, 2)),
              REGEX_TOO_LARGE);
    EXPECT_EQ(fault_of(arena_join(&a, (slice[]){ S("a"), repeated(&a, "*", REGEX_DEPTH_MAX) }, 2)), REGEX_FINE);
    EXPECT_EQ(fault_of(arena_join(&a, (slice[]){ repeated(&a, "(", 50), S("a"), repeated(&a, ")", 50) }, 3)),
              REGEX_FINE);
    EXPECT_EQ(fault_of(S("x{255}")), REGEX_FINE);
}

static const char *const hostile[] = { "(a*)*b",
                                       "(a+a+)+b",
                                       "(a|aa)+$b",
                                       "((a*)*)*b",
                                       "(.*)(.*)(.*)(.*)b",
                                       "(a|b)*a(a|b){100}c",
                                       "a{0,200}a{0,200}b",
                                       "(a?){200}a{200}b" };

/* The number of steps is that of the contract, measured by how often the search looks whether it must stop. */
struct looks {
    uint64_t count, max;
};

static bool look(void *arg)
{
    struct looks *l = arg;
    return ++l->count > l->max;
}

TEST(no_pattern_takes_more_than_its_steps_for_each_character)
{
    SCRATCH(a);
    struct regex *r;
    slice text = repeated(&a, "a", 20000);
    for (size_t i = 0; i < LENGTH_OF(hostile); i++) {
        struct looks looks = { .max = text.n * REGEX_STEPS_MAX / REGEX_LOOK };
        EXPECT_EQ(regex_compile(slice_of(hostile[i]), &a, &r), REGEX_FINE);
        EXPECT_EQ(regex_search(r, text, &(struct regex_watch){ look, &looks }), REGEX_ABSENT);
    }
}

TEST(a_search_stops_when_it_is_told_to)
{
    SCRATCH(a);
    struct regex *r;
    struct looks looks = { .max = 0 };
    slice text = repeated(&a, "a", 1 << 20);
    EXPECT_EQ(regex_compile(S("(a|b)*a(a|b){100}c"), &a, &r), REGEX_FINE);
    EXPECT_EQ(regex_search(r, text, &(struct regex_watch){ look, &looks }), REGEX_STOPPED);
    EXPECT_EQ(looks.count, 1);
    looks.count = 0;
    EXPECT_EQ(regex_compile(S("xyz"), &a, &r), REGEX_FINE);
    EXPECT_EQ(regex_search(r, text, &(struct regex_watch){ look, &looks }), REGEX_STOPPED);
}

TEST(a_regex_is_used_again_and_again)
{
    SCRATCH(a);
    struct regex *r;
    EXPECT_EQ(regex_compile(S("^a|b$|c"), &a, &r), REGEX_FINE);
    for (int i = 0; i < 1000; i++) {
        EXPECT_EQ(regex_search(r, S("ax"), NULL), REGEX_FOUND);
        EXPECT_EQ(regex_search(r, S("xa"), NULL), REGEX_ABSENT);
        EXPECT_EQ(regex_search(r, S("xb"), NULL), REGEX_FOUND);
        EXPECT_EQ(regex_search(r, S(""), NULL), REGEX_ABSENT);
        EXPECT_EQ(regex_search(r, S("xcx"), NULL), REGEX_FOUND);
    }
}

TEST(bytes_that_are_no_utf8_are_characters_that_nothing_names)
{
    EXPECT(finds("^a.b$", "a\xff"
                          "b"));
    EXPECT(finds("^a[^x]b$", "a\xc3"
                             "b"));
    EXPECT(!finds("^a[\xc3\x80-\xc3\xbf]b$", "a\xc3"
                                             "b"));
    EXPECT(finds("b", "\xe2\x82"
                      "b"));
}

/* ---- random patterns, against regexec of the C library */

static uint32_t below(struct random *random, uint32_t n)
{
    uint32_t drawn;
    random_fill(random, &drawn, sizeof drawn);
    return drawn % n;
}

enum { OUTER_DEPTH = 3 };
static void add_pattern(struct random *random, struct buf *to, int depth);

static void add_atom(struct random *random, struct buf *to, int depth)
{
    static const char *const atoms[] = {
        "a", "b", "\xc3\xa9", ".", "[ab]", "[^a]", "[b-c]", "[^\xc3\xa9]", "\\.", "[[:xdigit:]]", "[a\xc3\xa8\xc3\xa9]",
        "c"
    };
    if (depth && below(random, 4) == 0) {
        buf_add_byte(to, '(');
        add_pattern(random, to, depth - 1);
        buf_add_byte(to, ')');
        return;
    }
    buf_add(to, slice_of(atoms[below(random, LENGTH_OF(atoms))]));
}

static void add_repeat(struct random *random, struct buf *to)
{
    static const char *const repeats[] = { "*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}" };
    if (below(random, 3) == 0)
        buf_add(to, slice_of(repeats[below(random, LENGTH_OF(repeats))]));
}

/* Anchors are at the ends alone: inside of brackets, glibc 2.36 finds some where they cannot be. */
static void add_pattern(struct random *random, struct buf *to, int depth)
{
    bool is_outer = depth == OUTER_DEPTH;
    uint32_t rows = 1 + (below(random, 3) == 0) + (below(random, 6) == 0);
    for (uint32_t row = 0; row < rows; row++) {
        buf_add(to, row ? S("|") : S(""));
        if (is_outer && below(random, 4) == 0)
            buf_add_byte(to, '^');
        for (uint32_t i = 1 + below(random, 4); i; i--) {
            add_atom(random, to, depth);
            add_repeat(random, to);
        }
        if (is_outer && below(random, 4) == 0)
            buf_add_byte(to, '$');
    }
}

static slice drawn_text(struct random *random, struct arena *a)
{
    static const char *const characters[] = { "a", "b", "c", "\xc3\xa9", ".", "\n", "d" };
    struct buf text;
    buf_init(&text, 0);
    for (uint32_t i = below(random, 12); i; i--)
        buf_add(&text, slice_of(characters[below(random, LENGTH_OF(characters))]));
    buf_add_byte(&text, 0);
    slice s = buf_give(&text, a);
    return slice_part(s, 0, s.n - 1);
}

static void compare_with_library(struct random *random)
{
    SCRATCH(a);
    struct buf text;
    struct regex *ours;
    regex_t theirs;
    buf_init(&text, 0);
    add_pattern(random, &text, OUTER_DEPTH);
    slice pattern = buf_give(&text, &a);
    EXPECT_EQ(regex_compile(pattern, &a, &ours), REGEX_FINE);
    EXPECT_EQ(regcomp(&theirs, arena_cstr(&a, pattern), REG_EXTENDED | REG_NOSUB), 0);
    for (int i = 0; i < 10; i++) {
        slice in = drawn_text(random, &a);
        bool found = regexec(&theirs, in.p, 0, NULL, 0) == 0;
        if (found != (regex_search(ours, in, NULL) == REGEX_FOUND))
            fail_msg("'%.*s' in '%.*s': the library says %d", SLICE_ARG(pattern), SLICE_ARG(in), found);
    }
    regfree(&theirs);
}

TEST(random_patterns_are_found_where_the_c_library_finds_them)
{
    struct random_seeded seeded;
    random_seeded_init(&seeded, rounds_seed());
    if (!setlocale(LC_ALL, "C.UTF-8"))
        fail_msg("the C library has no C.UTF-8");
    for (int i = rounds(ROUNDS_regex_patterns); i; i--)
        compare_with_library(&seeded.random);
}

RUN_TESTS(cmocka_unit_test(patterns_mean_what_posix_says), cmocka_unit_test(classes_are_those_of_ascii),
          cmocka_unit_test(what_posix_leaves_open_is_refused), cmocka_unit_test(what_would_take_much_memory_is_refused),
          cmocka_unit_test(no_pattern_takes_more_than_its_steps_for_each_character),
          cmocka_unit_test(a_search_stops_when_it_is_told_to), cmocka_unit_test(a_regex_is_used_again_and_again),
          cmocka_unit_test(bytes_that_are_no_utf8_are_characters_that_nothing_names),
          cmocka_unit_test(random_patterns_are_found_where_the_c_library_finds_them))
