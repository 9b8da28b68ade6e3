/* SPDX-License-Identifier: Apache-2.0 */
/* Listings: every parameter of ListObjects in both versions, and of ListObjectVersions. */
#include "test.h"

#include "s3_fixture.h"

#include <stdio.h>

#define RESULT "ListBucketResult"

static void put_all(struct s3_fixture *f, const struct s3_user *p, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        s3_put_object(f, p, arena_printf(f->a, "/photos/%s", keys[i]).p, "hello");
}
static const char *const usual[] = { "a", "b/1", "b/2", "c/d/1", "e" };

/* What a listing shows, as "a b/1 | c/": keys, then common prefixes. */
static slice shown(struct s3_fixture *f, const struct fake_reply *r)
{
    struct buf b;
    buf_init(&b, 0);
    const struct xml *root;
    EXPECT_STATUS(r, 200);
    EXPECT_OK(xml_parse(r->body, f->a, &root));
    for (int prefixes = 0; prefixes < 2; prefixes++) {
        buf_add(&b, prefixes ? S("|") : S(""));
        for (const struct xml *x = root->first; x; x = x->next) {
            bool is_prefix = slice_eq(x->name, S("CommonPrefixes"));
            bool is_key = slice_eq(x->name, S("Contents")) || slice_eq(x->name, S("Version"));
            if (prefixes ? !is_prefix : !is_key)
                continue;
            buf_add(&b, xml_child_text(x, prefixes ? "Prefix" : "Key"));
            buf_add_byte(&b, ' ');
        }
    }
    slice text = arena_copy(f->a, buf_slice(&b));
    buf_release(&b);
    return text;
}

#define EXPECT_LIST(target, want) EXPECT_SLICE(shown(f, s3_send(f, &ana, "GET", (target), "")), slice_of(want))

TEST(a_listing_shows_the_elements_that_s3_shows)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a%26b", "hello");
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?list-type=2", "");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(r->content_type, S("application/xml"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Name"), S("photos"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Prefix"), S(""));
    EXPECT_SLICE(s3_text(f, r, RESULT ".MaxKeys"), S("1000"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".KeyCount"), S("1"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".IsTruncated"), S("false"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Contents.Key"), S("a&b"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Contents.Size"), S("5"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Contents.ETag"), s3_etag_of(f, "hello"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Contents.LastModified"), S("2026-11-21T14:04:09.000Z"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Contents.StorageClass"), S("STANDARD"));
    EXPECT(!s3_at(f, r, RESULT ".Contents.Owner") && !s3_at(f, r, RESULT ".NextContinuationToken"));
    EXPECT(slice_find(r->body, S("xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"")) != SLICE_NONE);
}

TEST(version_1_shows_owners_and_version_2_on_request)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_SLICE(s3_text(f, s3_send(f, &ana, "GET", "/photos", ""), RESULT ".Contents.Owner.DisplayName"), S("ana"));
    EXPECT(s3_at(f, s3_send(f, &ana, "GET", "/photos?list-type=2&fetch-owner=true", ""), RESULT ".Contents.Owner"));
    EXPECT(!s3_at(f, s3_send(f, &ana, "GET", "/photos?list-type=2&fetch-owner=false", ""), RESULT ".Contents.Owner"));
}

TEST(a_listing_names_the_checksum_of_each_key)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(s3_send_request(f, &ana,
                                  &(struct fake_request){ .method = "PUT",
                                                          .target = S("/photos/a"),
                                                          .headers = { { S("x-amz-checksum-crc32"), S("NhCmhg==") } },
                                                          .body = S("hello") }),
                  200);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?list-type=2", "");
    EXPECT_SLICE(s3_text(f, r, RESULT ".Contents.ChecksumAlgorithm"), S("CRC32"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Contents.ChecksumType"), S("FULL_OBJECT"));
}

TEST(prefix_and_delimiter_group_keys)
{
    S3_FIXTURE(f);
    put_all(f, &ana, usual, LENGTH_OF(usual));
    EXPECT_LIST("/photos", "a b/1 b/2 c/d/1 e |");
    EXPECT_LIST("/photos?delimiter=/", "a e |b/ c/ ");
    EXPECT_LIST("/photos?list-type=2&delimiter=/", "a e |b/ c/ ");
    EXPECT_LIST("/photos?list-type=2&prefix=b", "b/1 b/2 |");
    EXPECT_LIST("/photos?list-type=2&prefix=b&delimiter=/", "|b/ ");
    EXPECT_LIST("/photos?list-type=2&prefix=b/&delimiter=/", "b/1 b/2 |");
    EXPECT_LIST("/photos?list-type=2&prefix=c/&delimiter=/", "|c/d/ ");
    EXPECT_LIST("/photos?list-type=2&delimiter=d/", "a b/1 b/2 e |c/d/ ");
    EXPECT_LIST("/photos?list-type=2&prefix=none&delimiter=/", "|");
    EXPECT_LIST("/photos?delimiter=&prefix=", "a b/1 b/2 c/d/1 e |");
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?list-type=2&delimiter=/&prefix=b", "");
    EXPECT_SLICE(s3_text(f, r, RESULT ".Delimiter"), S("/"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Prefix"), S("b"));
}

/* Reads all pages of `max` items and returns what they showed. */
static slice walk_pages(struct s3_fixture *f, const struct s3_user *p, const char *target, int max)
{
    slice all = S(""), token = S("");
    for (int page = 0; page < 20; page++) {
        struct fake_reply *r = s3_send(f, p, "GET",
                                       arena_printf(f->a, "%s&list-type=2&max-keys=%d%s" SLICE_FMT, target, max,
                                                    token.n ? "&continuation-token=" : "", SLICE_ARG(token))
                                           .p,
                                       "");
        slice parts[] = { all, shown(f, r) };
        all = arena_join(f->a, parts, 2);
        size_t keys = s3_count(f, r, RESULT, "Contents") + s3_count(f, r, RESULT, "CommonPrefixes");
        uint64_t reported;
        EXPECT(keys <= (size_t)max && slice_to_u64(s3_text(f, r, RESULT ".KeyCount"), &reported) && reported == keys);
        if (slice_eq(s3_text(f, r, RESULT ".IsTruncated"), S("false")))
            return all;
        token = s3_text(f, r, RESULT ".NextContinuationToken");
        if (page)
            EXPECT(s3_at(f, r, RESULT ".ContinuationToken"));
    }
    fail_msg("no end");
    return all;
}

TEST(pages_show_each_key_and_common_prefix_once)
{
    S3_FIXTURE(f);
    put_all(f, &ana, usual, LENGTH_OF(usual));
    EXPECT_SLICE(walk_pages(f, &ana, "/photos?x=1", 1), S("a |b/1 |b/2 |c/d/1 |e |"));
    EXPECT_SLICE(walk_pages(f, &ana, "/photos?x=1", 2), S("a b/1 |b/2 c/d/1 |e |"));
    EXPECT_SLICE(walk_pages(f, &ana, "/photos?x=1", 5), S("a b/1 b/2 c/d/1 e |"));
    EXPECT_SLICE(walk_pages(f, &ana, "/photos?delimiter=/", 1), S("a ||b/ |c/ e |"));
    EXPECT_SLICE(walk_pages(f, &ana, "/photos?delimiter=/", 2), S("a |b/ e |c/ "));
    EXPECT_SLICE(walk_pages(f, &ana, "/photos?delimiter=/&prefix=b/", 1), S("b/1 |b/2 |"));
}

TEST(version_1_continues_after_a_marker)
{
    S3_FIXTURE(f);
    put_all(f, &ana, usual, LENGTH_OF(usual));
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?max-keys=2", "");
    EXPECT_SLICE(shown(f, r), S("a b/1 |"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".IsTruncated"), S("true"));
    EXPECT(!s3_at(f, r, RESULT ".NextMarker")); /* NextMarker is sent only with a delimiter */
    EXPECT_LIST("/photos?max-keys=2&marker=b/1", "b/2 c/d/1 |");
    EXPECT_LIST("/photos?marker=b/1x", "b/2 c/d/1 e |");
    EXPECT_LIST("/photos?marker=z", "|");
    r = s3_send(f, &ana, "GET", "/photos?max-keys=2&delimiter=/", "");
    EXPECT_SLICE(shown(f, r), S("a |b/ "));
    EXPECT_SLICE(s3_text(f, r, RESULT ".NextMarker"), S("b/"));
    r = s3_send(f, &ana, "GET", "/photos?delimiter=/&marker=b/", "");
    EXPECT_SLICE(shown(f, r), S("e |c/ "));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Marker"), S("b/"));
    EXPECT(!s3_at(f, r, RESULT ".NextMarker") && !s3_at(f, r, RESULT ".KeyCount"));
}

TEST(a_continuation_token_overrides_start_after)
{
    S3_FIXTURE(f);
    put_all(f, &ana, usual, LENGTH_OF(usual));
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?list-type=2&start-after=b/1&max-keys=1", "");
    EXPECT_SLICE(shown(f, r), S("b/2 |"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".StartAfter"), S("b/1"));
    slice token = s3_text(f, r, RESULT ".NextContinuationToken");
    EXPECT_LIST(
        arena_printf(f->a, "/photos?list-type=2&start-after=a&continuation-token=" SLICE_FMT, SLICE_ARG(token)).p,
        "c/d/1 e |");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?list-type=2&continuation-token=", ""), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?list-type=2&continuation-token=%21", ""), 400,
                    "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?list-type=2&continuation-token=%2F%2F%2F%2F", ""), 400,
                    "InvalidArgument"); /* a token that decodes to bytes that are not UTF-8 */
}

TEST(max_keys_is_a_number_up_to_1000)
{
    S3_FIXTURE(f);
    put_all(f, &ana, usual, LENGTH_OF(usual));
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?list-type=2&max-keys=0", "");
    EXPECT_SLICE(shown(f, r), S("|"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".IsTruncated"), S("false"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".KeyCount"), S("0"));
    r = s3_send(f, &ana, "GET", "/photos?list-type=2&max-keys=5000", "");
    EXPECT_SLICE(s3_text(f, r, RESULT ".MaxKeys"), S("1000"));
    EXPECT_LIST("/photos?max-keys=", "a b/1 b/2 c/d/1 e |");
    static const char *const bad[] = { "-1", "x", "1.5", "2147483648", "99999999999999999999" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", arena_printf(f->a, "/photos?max-keys=%s", bad[i]).p, ""), 400,
                        "InvalidArgument");
}

TEST(names_are_encoded_on_request)
{
    S3_FIXTURE(f);
    static const char *const keys[] = { "a%20b%2Bc", "d/%C3%A9%0A" };
    put_all(f, &ana, keys, LENGTH_OF(keys));
    EXPECT_LIST("/photos?list-type=2&encoding-type=url", "a%20b%2Bc d/%C3%A9%0A |");
    EXPECT_LIST("/photos?list-type=2", "a b+c d/é\n |");
    EXPECT_LIST("/photos?encoding-type=url&delimiter=%2Bc", "d/%C3%A9%0A |a%20b%2Bc ");
    struct fake_reply *r =
        s3_send(f, &ana, "GET", "/photos?encoding-type=url&prefix=a%20&delimiter=%2B&marker=a%20&max-keys=1", "");
    EXPECT_SLICE(s3_text(f, r, RESULT ".EncodingType"), S("url"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Prefix"), S("a%20"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Delimiter"), S("%2B"));
    EXPECT_SLICE(s3_text(f, r, RESULT ".Marker"), S("a%20"));
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?encoding-type=x", ""), 400, "InvalidArgument");
}

TEST(parameters_that_are_not_utf8_are_refused)
{
    S3_FIXTURE(f);
    static const char *const names[] = { "prefix", "delimiter", "marker" };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", arena_printf(f->a, "/photos?%s=%%FF", names[i]).p, ""), 400,
                        "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?list-type=3", ""), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/none", ""), 404, "NoSuchBucket");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/none?list-type=2", ""), 404, "NoSuchBucket");
}

TEST(every_key_has_one_version_named_null)
{
    S3_FIXTURE(f);
    put_all(f, &ana, usual, LENGTH_OF(usual));
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?versions&max-keys=2", "");
    EXPECT_SLICE(shown(f, r), S("a b/1 |"));
    EXPECT_SLICE(s3_text(f, r, "ListVersionsResult.Version.VersionId"), S("null"));
    EXPECT_SLICE(s3_text(f, r, "ListVersionsResult.Version.IsLatest"), S("true"));
    EXPECT_SLICE(s3_text(f, r, "ListVersionsResult.Version.Owner.DisplayName"), S("ana"));
    EXPECT_SLICE(s3_text(f, r, "ListVersionsResult.NextKeyMarker"), S("b/1"));
    EXPECT_SLICE(s3_text(f, r, "ListVersionsResult.NextVersionIdMarker"), S("null"));
    EXPECT_LIST("/photos?versions&key-marker=b/1&version-id-marker=null", "b/2 c/d/1 e |");
    EXPECT_LIST("/photos?versions&key-marker=b/1", "b/2 c/d/1 e |");
    EXPECT_LIST("/photos?versions&delimiter=/", "a e |b/ c/ ");
    EXPECT_LIST("/photos?versions&prefix=b/", "b/1 b/2 |");
    EXPECT(!s3_at(f, s3_send(f, &ana, "GET", "/photos?versions", ""), "ListVersionsResult.NextKeyMarker"));
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?versions&version-id-marker=null", ""), 400, "InvalidArgument");
}

RUN_TESTS(cmocka_unit_test(a_listing_shows_the_elements_that_s3_shows),
          cmocka_unit_test(version_1_shows_owners_and_version_2_on_request),
          cmocka_unit_test(a_listing_names_the_checksum_of_each_key), cmocka_unit_test(prefix_and_delimiter_group_keys),
          cmocka_unit_test(pages_show_each_key_and_common_prefix_once),
          cmocka_unit_test(version_1_continues_after_a_marker),
          cmocka_unit_test(a_continuation_token_overrides_start_after),
          cmocka_unit_test(max_keys_is_a_number_up_to_1000), cmocka_unit_test(names_are_encoded_on_request),
          cmocka_unit_test(parameters_that_are_not_utf8_are_refused),
          cmocka_unit_test(every_key_has_one_version_named_null))
