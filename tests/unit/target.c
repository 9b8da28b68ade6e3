/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/target.h"

#include <string.h>

TEST(a_target_has_one_of_three_forms)
{
    SCRATCH(a);
    struct target t;
    EXPECT_OK(target_parse(S("/a/b?x=1?y"), &a, &t));
    EXPECT_SLICE(t.path, S("/a/b"));
    EXPECT_SLICE(t.query, S("x=1?y"));
    EXPECT_EQ(t.host.n, 0);
    EXPECT_OK(target_parse(S("HTTP://example.org:80?x"), &a, &t));
    EXPECT_SLICE(t.scheme, S("HTTP"));
    EXPECT_SLICE(t.host, S("example.org:80"));
    EXPECT_SLICE(t.path, S("/"));
    EXPECT_SLICE(t.query, S("x"));
    EXPECT_OK(target_parse(S("*"), &a, &t));
    EXPECT_SLICE(t.path, S("*"));
    EXPECT_OK(target_parse(S("//x?"), &a, &t));
    EXPECT_SLICE(t.path, S("//x"));
}

TEST(other_targets_are_refused)
{
    SCRATCH(a);
    struct target t;
    const slice raws[] = { S(""),      S("a"),        S("example.org:443"), S("ftp://h/"),    S("http:///a"), S("/a b"),
                           S("/a\0"),  S("/a#b"),     S("http://u@h/"),     S("http://h,i/"), S("**"),        S("?x"),
                           S("/\x7f"), S("http:/h/"), S("/a\tb"),           S("/файл"),       S("/?\xe9") };
    for (size_t i = 0; i < LENGTH_OF(raws); i++)
        EXPECT_ERR(target_parse(raws[i], &a, &t), ERR_INVALID);
}

static void expect_loosely(slice raw, const char *host, const char *path)
{
    struct target t = target_loosely(raw);
    EXPECT_SLICE(t.host, slice_of(host));
    EXPECT_SLICE(t.path, slice_of(path));
}

TEST(a_wrong_target_shows_whose_it_is)
{
    expect_loosely(S("/v4/a?x=\xe9"), "", "/v4/a");
    expect_loosely(S("/v4/a#x?y"), "", "/v4/a");
    expect_loosely(S("/v4\xe9/\x01"), "", "/v4\xe9/\x01");
    expect_loosely(S("http://h:80/a b?c"), "h:80", "/a b");
    expect_loosely(S("http://h?c"), "h", "");
    expect_loosely(S("ftp://h/a"), "h", "/a");
    expect_loosely(S("http://u@h/a"), "", "/a");
    expect_loosely(S("http://h#a/b"), "", "/b");
    expect_loosely(S("x:80"), "", "");
    expect_loosely(S("a/b"), "", "");
    expect_loosely(S("*"), "", "");
    expect_loosely(S(""), "", "");
}

static slice joined_segments(slice path, struct arena *a)
{
    struct target_path p;
    slice all = S("");
    EXPECT_OK(target_split_path(path, a, &p));
    for (size_t i = 0; i < p.count; i++)
        all = arena_printf(a, SLICE_FMT SLICE_FMT "|", SLICE_ARG(all), SLICE_ARG(p.segments[i]));
    return all;
}

TEST(paths_are_split_before_they_are_decoded)
{
    SCRATCH(a);
    struct target_path p;
    slice key;
    EXPECT_SLICE(joined_segments(S("/"), &a), S(""));
    EXPECT_SLICE(joined_segments(S("/a"), &a), S("a|"));
    EXPECT_SLICE(joined_segments(S("/a/"), &a), S("a||"));
    EXPECT_SLICE(joined_segments(S("//"), &a), S("||"));
    EXPECT_SLICE(joined_segments(S("/a%2Fb/%D1%82+/../%2e%2E"), &a), S("a/b|т+|..|..|"));
    EXPECT_ERR(target_split_path(S("/a%00"), &a, &p), ERR_INVALID);
    EXPECT_ERR(target_split_path(S("/a%4"), &a, &p), ERR_INVALID);
    EXPECT_ERR(target_split_path(S("/%zz"), &a, &p), ERR_INVALID);
    EXPECT_ERR(target_split_path(S(""), &a, &p), ERR_INVALID);
    EXPECT_ERR(target_split_path(S("*"), &a, &p), ERR_INVALID);
    EXPECT_OK(target_decode(S("dir/a%20b//c"), &a, &key));
    EXPECT_SLICE(key, S("dir/a b//c"));
    char slashes[TARGET_SEGMENTS_MAX + 1];
    memset(slashes, '/', sizeof slashes);
    EXPECT_OK(target_split_path((slice){ slashes, sizeof slashes - 1 }, &a, &p));
    EXPECT_EQ(p.count, TARGET_SEGMENTS_MAX);
    EXPECT_ERR(target_split_path((slice){ slashes, sizeof slashes }, &a, &p), ERR_TOO_LARGE);
}

TEST(queries_are_parsed_into_names_and_values)
{
    SCRATCH(a);
    struct query q;
    slice value;
    EXPECT_OK(query_parse(S("&a=1+2%2B&Id=5&flag&id=6&=x&a=3&e=&u=a=b&"), &a, &q));
    EXPECT_EQ(q.count, 8);
    EXPECT(query_get(&q, S("a"), 0, &value));
    EXPECT_SLICE(value, S("1 2+"));
    EXPECT_SLICE(q.params[0].raw_value, S("1+2%2B"));
    EXPECT(query_get(&q, S("a"), QUERY_LAST_WINS, &value));
    EXPECT_SLICE(value, S("3"));
    EXPECT(query_get(&q, S("ID"), QUERY_NOCASE, &value));
    EXPECT_SLICE(value, S("5"));
    EXPECT(query_get(&q, S("ID"), QUERY_NOCASE | QUERY_LAST_WINS, &value));
    EXPECT_SLICE(value, S("6"));
    EXPECT(!query_get(&q, S("ID"), 0, &value));
    EXPECT(query_get(&q, S("flag"), 0, &value) && value.n == 0);
    EXPECT(query_get(&q, S("u"), 0, &value));
    EXPECT_SLICE(value, S("a=b"));
    EXPECT_OK(query_parse(S(""), &a, &q));
    EXPECT_EQ(q.count, 0);
    EXPECT_ERR(query_parse(S("a=%"), &a, &q), ERR_INVALID);
    EXPECT_ERR(query_parse(S("a%00=1"), &a, &q), ERR_INVALID);
    char many[QUERY_PARAMS_MAX];
    memset(many, '&', sizeof many);
    EXPECT_OK(query_parse((slice){ many, sizeof many - 1 }, &a, &q));
    EXPECT_ERR(query_parse((slice){ many, sizeof many }, &a, &q), ERR_TOO_LARGE);
}

static void expect_redacted(slice raw, slice want)
{
    SCRATCH(a);
    EXPECT_SLICE(target_redact(raw, &a), want);
}

TEST(redacted_targets_contain_no_secret)
{
    expect_redacted(S("/a/b?x=1&y"), S("/a/b?x=1&y"));
    expect_redacted(S("/o/k?X-Amz-Algorithm=A&X-Amz-Credential=c%2Fd&X-Amz-Signature=00&X-Amz-Security-Token=t&z=1"),
                    S("/o/k?X-Amz-Algorithm=A&X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Security-Token=***&z=1"));
    expect_redacted(S("/v4/auth?login=me&security_key=k&&PASSWORD=p=q"),
                    S("/v4/auth?login=me&security_key=***&&PASSWORD=***"));
    expect_redacted(S("/?code=1&encode=2&policy=3&%74oken=4&client_secret="),
                    S("/?code=***&encode=2&policy=***&%74oken=***&client_secret=***"));
    expect_redacted(S("/?sig=1&sigh=2"), S("/?sig=***&sigh=2")); /* `sig` was once logged */
    expect_redacted(S("/p/s3cret/dir/file?x"), S("/p/***/dir/file?x"));
    expect_redacted(S("/p/s3cret"), S("/p/***"));
    expect_redacted(S("/%70/s3cret/p/q"), S("/%70/***/p/q"));
    expect_redacted(S("/p//s3cret/q"), S("/p//***/q")); /* two slashes once showed it */
    expect_redacted(S("//p///s3cret//q"), S("//p///***//q"));
    expect_redacted(S("/p/"), S("/p/"));
    expect_redacted(S("/p//"), S("/p//"));
    expect_redacted(S("/pp/open"), S("/pp/open"));
    expect_redacted(S("http://u:p@q@h/p/s3cret?token=t"), S("http://***@h/p/***?token=***"));
    expect_redacted(S("?token=://x"), S("?token=***"));
    expect_redacted(S("%?key=%"), S("%?key=***"));
    expect_redacted(S(""), S(""));
}

RUN_TESTS(cmocka_unit_test(a_target_has_one_of_three_forms), cmocka_unit_test(other_targets_are_refused),
          cmocka_unit_test(a_wrong_target_shows_whose_it_is), cmocka_unit_test(paths_are_split_before_they_are_decoded),
          cmocka_unit_test(queries_are_parsed_into_names_and_values),
          cmocka_unit_test(redacted_targets_contain_no_secret))
