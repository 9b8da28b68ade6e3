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

/* ---- pieces ---- */

enum { LONG_KEYS = 120, LONG_KEY_BYTES = 1000, PIECE_LIMIT = 64 << 10, HELD_LIMIT = 64 << 10 };

/* A key of LONG_KEY_BYTES quotation marks around a number; as XML it has six times as many bytes. In a path. */
static char *long_key(struct s3_fixture *f, const char *before, int number)
{
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "/photos/%s%03d", before, number);
    for (int i = 0; i < LONG_KEY_BYTES; i++)
        buf_add(&b, S("%22"));
    char *text = arena_cstr(f->a, buf_slice(&b));
    buf_release(&b);
    return text;
}

static void put_long_keys(struct s3_fixture *f, const struct s3_user *p)
{
    for (int i = 0; i < LONG_KEYS; i++)
        s3_put_object(f, p, long_key(f, i % 10 ? "" : "folder/", i), "hello");
}

TEST(unread_listings_were_kept_whole)
{
    S3_FIXTURE(f);
    put_long_keys(f, &ana);
    static const struct {
        const char *target, *root, *item;
        size_t items;
    } rows[] = { { "/photos", "ListBucketResult", "Contents", LONG_KEYS },
                 { "/photos?list-type=2&fetch-owner=true", "ListBucketResult", "Contents", LONG_KEYS },
                 { "/photos?list-type=2&encoding-type=url", "ListBucketResult", "Contents", LONG_KEYS },
                 { "/photos?list-type=2&delimiter=/", "ListBucketResult", "Contents", LONG_KEYS - LONG_KEYS / 10 },
                 { "/photos?list-type=2&delimiter=%22", "ListBucketResult", "CommonPrefixes", LONG_KEYS },
                 { "/photos?versions", "ListVersionsResult", "Version", LONG_KEYS } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fake_reply *r = s3_send(f, &ana, "GET", rows[i].target, "");
        EXPECT_STATUS(r, 200);
        EXPECT_EQ(s3_count(f, r, rows[i].root, rows[i].item), rows[i].items);
        EXPECT_SLICE(s3_text(f, r, arena_printf(f->a, "%s.IsTruncated", rows[i].root).p), S("false"));
        EXPECT(r->held_bytes < HELD_LIMIT && r->largest_piece < PIECE_LIMIT);
        EXPECT(r->pieces > 4 || slice_eq(slice_of(rows[i].item), S("CommonPrefixes")));
    }
}

TEST(a_listing_in_pieces_ends_where_its_page_ends)
{
    S3_FIXTURE(f);
    put_long_keys(f, &ana);
    for (int max = 1; max <= LONG_KEYS; max += 17) {
        struct fake_reply *r =
            s3_send(f, &ana, "GET", arena_printf(f->a, "/photos?list-type=2&max-keys=%d", max).p, "");
        bool all = max == LONG_KEYS;
        EXPECT_EQ(s3_count(f, r, RESULT, "Contents"), max);
        EXPECT_SLICE(s3_text(f, r, RESULT ".KeyCount"), arena_printf(f->a, "%d", max));
        EXPECT_SLICE(s3_text(f, r, RESULT ".IsTruncated"), all ? S("false") : S("true"));
        EXPECT_EQ(s3_at(f, r, RESULT ".NextContinuationToken") != NULL, !all);
        EXPECT_EQ(r->pieces > 0, max > 10);
    }
    slice keys = S(""), pages = walk_pages(f, &ana, "/photos?x=1", 50);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?list-type=2", "");
    keys = shown(f, r);
    EXPECT_EQ(pages.n, keys.n + 2); /* two more ends of pages */
}

TEST(a_small_listing_is_an_ordinary_reply)
{
    S3_FIXTURE(f);
    put_all(f, &ana, usual, LENGTH_OF(usual));
    static const char *const targets[] = { "/photos", "/photos?list-type=2", "/photos?versions", "/photos?uploads",
                                           "/" };
    for (size_t i = 0; i < LENGTH_OF(targets); i++) {
        struct fake_reply *r = s3_send(f, &ana, "GET", targets[i], "");
        EXPECT_STATUS(r, 200);
        EXPECT_EQ(r->pieces, 0);
    }
}

TEST(a_listing_that_fails_in_the_middle_is_cut)
{
    S3_FIXTURE(f);
    put_long_keys(f, &ana);
    s3_send(f, &ana, "GET", "/photos?list-type=2", ""); /* fills the caches of keys and buckets */
    bool refused = false, cut = false, whole = false;
    for (int n = 1; !whole; n++) {
        f->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
        struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?list-type=2", "");
        whole = f->w->faults.calls < n;
        f->w->faults = (struct fault_plan){ 0 };
        refused = refused || r->status == 503;
        cut = cut || (r->status == 200 && r->cut);
        EXPECT(r->status == 503 || (r->status == 200 && r->cut == !whole));
        EXPECT(!r->cut || slice_find(r->body, S("</ListBucketResult>")) == SLICE_NONE);
    }
    EXPECT(refused && cut);
}

TEST(unread_lists_of_parts_uploads_and_buckets_were_kept_whole)
{
    S3_FIXTURE(f);
    const char *id = NULL;
    for (int i = 0; i < LONG_KEYS; i++) {
        struct fake_reply *r = s3_send(f, &ana, "POST", arena_printf(f->a, "%s?uploads", long_key(f, "", i)).p, "");
        id = arena_cstr(f->a, s3_text(f, r, "InitiateMultipartUploadResult.UploadId"));
    }
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?uploads", "");
    EXPECT_EQ(s3_count(f, r, "ListMultipartUploadsResult", "Upload"), LONG_KEYS);
    EXPECT(r->pieces > 4 && r->held_bytes < HELD_LIMIT && r->largest_piece < PIECE_LIMIT);
    enum { PARTS = 500, BUCKETS = 600 };
    const char *target = arena_printf(f->a, "%s?uploadId=%s", long_key(f, "", LONG_KEYS - 1), id).p;
    for (int i = 1; i <= PARTS; i++)
        EXPECT_STATUS(s3_send(f, &ana, "PUT", arena_printf(f->a, "%s&partNumber=%d", target, i).p, "x"), 200);
    r = s3_send(f, &ana, "GET", target, "");
    EXPECT_EQ(s3_count(f, r, "ListPartsResult", "Part"), PARTS);
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.NextPartNumberMarker"), S("500"));
    EXPECT(r->pieces > 1 && r->held_bytes < HELD_LIMIT && r->largest_piece < PIECE_LIMIT);
    r = s3_send(f, &ana, "GET", arena_printf(f->a, "%s&max-parts=300", target).p, "");
    EXPECT_EQ(s3_count(f, r, "ListPartsResult", "Part"), 300);
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.IsTruncated"), S("true"));
    for (int i = 0; i < BUCKETS; i++)
        EXPECT_STATUS(s3_send(f, &ana, "PUT", arena_printf(f->a, "/many-%03d", i).p, ""), 200);
    r = s3_send(f, &ana, "GET", "/?prefix=many-", "");
    EXPECT_EQ(s3_count(f, r, "ListAllMyBucketsResult.Buckets", "Bucket"), BUCKETS);
    EXPECT(r->pieces > 1 && r->held_bytes < HELD_LIMIT && r->largest_piece < PIECE_LIMIT);
    r = s3_send(f, &ana, "GET", "/?prefix=many-1&max-buckets=100", "");
    EXPECT_EQ(s3_count(f, r, "ListAllMyBucketsResult.Buckets", "Bucket"), 100);
    EXPECT(!s3_at(f, r, "ListAllMyBucketsResult.ContinuationToken"));
}

RUN_TESTS(
    cmocka_unit_test(unread_listings_were_kept_whole), cmocka_unit_test(a_listing_in_pieces_ends_where_its_page_ends),
    cmocka_unit_test(a_small_listing_is_an_ordinary_reply), cmocka_unit_test(a_listing_that_fails_in_the_middle_is_cut),
    cmocka_unit_test(unread_lists_of_parts_uploads_and_buckets_were_kept_whole),
    cmocka_unit_test(a_listing_shows_the_elements_that_s3_shows),
    cmocka_unit_test(version_1_shows_owners_and_version_2_on_request),
    cmocka_unit_test(a_listing_names_the_checksum_of_each_key), cmocka_unit_test(prefix_and_delimiter_group_keys),
    cmocka_unit_test(pages_show_each_key_and_common_prefix_once), cmocka_unit_test(version_1_continues_after_a_marker),
    cmocka_unit_test(a_continuation_token_overrides_start_after), cmocka_unit_test(max_keys_is_a_number_up_to_1000),
    cmocka_unit_test(names_are_encoded_on_request), cmocka_unit_test(parameters_that_are_not_utf8_are_refused),
    cmocka_unit_test(every_key_has_one_version_named_null))
