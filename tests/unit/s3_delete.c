/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteObjects, and tags of objects. */
#include "test.h"

#include "base/text.h"
#include "core/store/transaction.h"
#include "s3_fixture.h"

/* ---- DeleteObjects ---- */

static bool is_there(struct s3_fixture *f, const struct s3_user *p, const char *target)
{
    return s3_send(f, p, "HEAD", target, "")->status == 200;
}

TEST(missing_keys_count_as_deleted)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "1");
    s3_put_object(f, &ana, "/photos/b%26c", "2");
    s3_put_object(f, &ana, "/photos/kept", "3");
    struct fake_reply *r = s3_send(f, &ana, "POST", "/photos/?delete=",
                                   "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key>"
                                   "</Object><Object><Key>b&amp;c</Key><VersionId>null</VersionId></Object><Object>"
                                   "<Key>never there</Key></Object></Delete>");
    EXPECT_STATUS(r, 200);
    EXPECT_EQ(s3_count(f, r, "DeleteResult", "Deleted"), 3);
    EXPECT_EQ(s3_count(f, r, "DeleteResult", "Error"), 0);
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Deleted#1.Key"), S("b&c"));
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Deleted#1.VersionId"), S("null"));
    EXPECT(!is_there(f, &ana, "/photos/a") && !is_there(f, &ana, "/photos/b%26c") && is_there(f, &ana, "/photos/kept"));
}

TEST(a_quiet_deletion_reports_errors_only)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "1");
    s3_put_object(f, &ana, "/photos/b", "2");
    s3_put_object(f, &ana, "/photos/c", "3");
    struct fake_reply *r = s3_send(
        f, &ana, "POST", "/photos?delete",
        "<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>7</VersionId></Object>"
        "<Object><Key>c</Key><Size>3</Size></Object></Delete>");
    EXPECT_STATUS(r, 200);
    EXPECT_EQ(s3_count(f, r, "DeleteResult", "Deleted"), 0);
    EXPECT_EQ(s3_count(f, r, "DeleteResult", "Error"), 2);
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error.Key"), S("b"));
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error.Code"), S("NoSuchVersion"));
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error#1.Code"), S("NotImplemented"));
    EXPECT(!is_there(f, &ana, "/photos/a") && is_there(f, &ana, "/photos/b") && is_there(f, &ana, "/photos/c"));
}

TEST(a_deletion_may_require_an_etag)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "1");
    s3_put_object(f, &ana, "/photos/b", "2");
    slice etag = s3_etag_of(f, "1");
    const char *body = arena_printf(f->a,
                                    "<Delete><Object><Key>a</Key><ETag>" SLICE_FMT "</ETag></Object><Object><Key>b"
                                    "</Key><ETag>" SLICE_FMT "</ETag></Object></Delete>",
                                    SLICE_ARG(etag), SLICE_ARG(etag))
                           .p;
    struct fake_reply *r = s3_send(f, &ana, "POST", "/photos?delete", body);
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Deleted.Key"), S("a"));
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error.Key"), S("b"));
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error.Code"), S("PreconditionFailed"));
    EXPECT(!is_there(f, &ana, "/photos/a") && is_there(f, &ana, "/photos/b"));
}

TEST(each_deletion_that_required_an_etag_was_a_write_of_its_own)
{
    S3_FIXTURE(f);
    enum { COUNT = 50 };
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, S("<Delete>"));
    for (int i = 0; i < COUNT; i++) {
        s3_put_object(f, &ana, arena_printf(f->a, "/photos/k%d", i).p, "1");
        buf_printf(&b, "<Object><Key>k%d</Key><ETag>" SLICE_FMT "</ETag></Object>", i,
                   SLICE_ARG(i % 2 ? S("other") : s3_etag_of(f, "1")));
    }
    buf_add(&b, S("</Delete>"));
    uint64_t before = meta_generation(f->w->core.meta);
    struct fake_reply *r = s3_send(f, &ana, "POST", "/photos?delete", arena_cstr(f->a, buf_slice(&b)));
    EXPECT_EQ(meta_generation(f->w->core.meta) - before, 1);
    EXPECT_EQ(s3_count(f, r, "DeleteResult", "Deleted"), COUNT / 2);
    EXPECT_EQ(s3_count(f, r, "DeleteResult", "Error"), COUNT / 2);
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error.Key"), S("k1"));
    EXPECT(!is_there(f, &ana, "/photos/k0") && is_there(f, &ana, "/photos/k1"));
    buf_release(&b);
}

static slice deletion_of(struct s3_fixture *f, size_t count)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, S("<Delete>"));
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "<Object><Key>k%zu</Key></Object>", i);
    buf_add(&b, S("</Delete>"));
    slice text = arena_copy(f->a, buf_slice(&b));
    buf_release(&b);
    return text;
}

TEST(malformed_deletions_are_refused)
{
    S3_FIXTURE(f);
    static const char *const bad[] = {
        "<Delete/>",
        "<Other/>",
        "<Delete><Object/></Delete>",
        "<Delete><Object><Key></Key></Object></Delete>",
        "<Delete>",
        "<!DOCTYPE l [<!ENTITY a 'a'>]><Delete><Object><Key>&a;</Key></Object></Delete>"
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "POST", "/photos?delete", bad[i]), 400, "MalformedXML");
    EXPECT_STATUS(s3_send(f, &ana, "POST", "/photos?delete", arena_cstr(f->a, deletion_of(f, 1000))), 200);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "POST", "/photos?delete", arena_cstr(f->a, deletion_of(f, 1001))), 400,
                    "MalformedXML");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "POST", "/none?delete", arena_cstr(f->a, deletion_of(f, 1))), 404,
                    "NoSuchBucket");
    struct fake_reply *r = s3_send(f, &ana, "POST", "/photos?delete",
                                   arena_printf(f->a, "<Delete><Object><Key>%01025d</Key></Object></Delete>", 0).p);
    EXPECT_SLICE(s3_text(f, r, "DeleteResult.Error.Code"), S("KeyTooLongError"));
}

TEST(the_digest_of_a_deletion_is_checked_if_it_is_sent)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "1");
    slice body = S("<Delete><Object><Key>a</Key></Object></Delete>");
    unsigned char md5[MD5_SIZE];
    hash_md5(body, md5);
    struct http_header wrong[] = { { S("Content-MD5"), S("1B2M2Y8AsgTpgAmY7PhCfg==") },
                                   { S("x-amz-checksum-crc32"), S("AAAAAA==") } };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        EXPECT_S3_ERROR(f,
                        s3_send_request(f, &ana,
                                        &(struct fake_request){ .method = "POST",
                                                                .target = S("/photos?delete"),
                                                                .headers = { wrong[i] },
                                                                .body = body }),
                        400, "BadDigest");
    EXPECT(is_there(f, &ana, "/photos/a"));
    struct http_header right = { S("Content-MD5"), base64_encode(f->a, (slice){ (const char *)md5, MD5_SIZE }) };
    EXPECT_STATUS(
        s3_send_request(f, &ana,
                        &(struct fake_request){
                            .method = "POST", .target = S("/photos?delete"), .headers = { right }, .body = body }),
        200);
    EXPECT(!is_there(f, &ana, "/photos/a"));
}

/* ---- tags ---- */

#define TAG(key, value) "<Tag><Key>" key "</Key><Value>" value "</Value></Tag>"
#define TAGS(text) "<Tagging><TagSet>" text "</TagSet></Tagging>"

TEST(tags_are_stored_shown_counted_and_deleted)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "1");
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos/a?tagging", "");
    EXPECT_STATUS(r, 200);
    EXPECT_EQ(s3_count(f, r, "Tagging.TagSet", "Tag"), 0);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos/a?tagging", TAGS(TAG("k +1", "é/v") TAG("empty", ""))), 200);
    r = s3_send(f, &ana, "GET", "/photos/a?tagging", "");
    EXPECT_EQ(s3_count(f, r, "Tagging.TagSet", "Tag"), 2);
    EXPECT_SLICE(s3_text(f, r, "Tagging.TagSet.Tag.Key"), S("k +1"));
    EXPECT_SLICE(s3_text(f, r, "Tagging.TagSet.Tag.Value"), S("é/v"));
    EXPECT_SLICE(s3_text(f, r, "Tagging.TagSet.Tag#1.Value"), S(""));
    EXPECT_SLICE(fake_reply_header(s3_send(f, &ana, "GET", "/photos/a", ""), "x-amz-tagging-count"), S("2"));
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos/a?tagging", ""), 204);
    r = s3_send(f, &ana, "GET", "/photos/a?tagging", "");
    EXPECT_EQ(s3_count(f, r, "Tagging.TagSet", "Tag"), 0);
}

TEST(tags_from_a_header_equal_tags_from_a_document)
{
    S3_FIXTURE(f);
    EXPECT_STATUS(s3_send_request(f, &ana,
                                  &(struct fake_request){ .method = "PUT",
                                                          .target = S("/photos/a"),
                                                          .headers = { { S("x-amz-tagging"), S("a=b%20c&d=+") } },
                                                          .body = S("1") }),
                  200);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos/a?tagging&versionId=null", "");
    EXPECT_SLICE(s3_text(f, r, "Tagging.TagSet.Tag.Value"), S("b c"));
    EXPECT_SLICE(s3_text(f, r, "Tagging.TagSet.Tag#1.Value"), S(" "));
}

TEST(invalid_tags_are_refused)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "1");
    const char *eleven = TAGS(TAG("1", "") TAG("2", "") TAG("3", "") TAG("4", "") TAG("5", "") TAG("6", "") TAG("7", "")
                                  TAG("8", "") TAG("9", "") TAG("10", "") TAG("11", ""));
    const struct {
        const char *document, *code;
    } rows[] = {
        { TAGS(TAG("a", "1") TAG("a", "2")), "InvalidTag" },
        { TAGS(TAG("", "1")), "InvalidTag" },
        { TAGS(TAG("aws:x", "1")), "InvalidTag" },
        { TAGS(TAG("a", "{}")), "InvalidTag" },
        { arena_printf(f->a, TAGS(TAG("%0129d", "1")), 0).p, "InvalidTag" },
        { arena_printf(f->a, TAGS(TAG("a", "%0257d")), 0).p, "InvalidTag" },
        { eleven, "BadRequest" },
        { TAGS("<Tag><Key>a</Key></Tag>"), "MalformedXML" },
        { TAGS("<Tag><Value>a</Value></Tag>"), "MalformedXML" },
        { "<Tagging/>", "MalformedXML" },
        { "<Tagging", "MalformedXML" },
        { "", "MissingRequestBodyError" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos/a?tagging", rows[i].document), 400, rows[i].code);
    EXPECT_STATUS(
        s3_send(f, &ana, "PUT", "/photos/a?tagging", arena_printf(f->a, TAGS(TAG("%0128d", "%0256d")), 0, 0).p), 200);
    static const char *const methods[] = { "GET", "DELETE" };
    for (size_t i = 0; i < LENGTH_OF(methods); i++) {
        EXPECT_S3_ERROR(f, s3_send(f, &ana, methods[i], "/photos/none?tagging", ""), 404, "NoSuchKey");
        EXPECT_S3_ERROR(f, s3_send(f, &ana, methods[i], "/photos/a?tagging&versionId=7", ""), 404, "NoSuchVersion");
    }
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos/none?tagging", TAGS("")), 404, "NoSuchKey");
}

RUN_TESTS(cmocka_unit_test(missing_keys_count_as_deleted), cmocka_unit_test(a_quiet_deletion_reports_errors_only),
          cmocka_unit_test(a_deletion_may_require_an_etag),
          cmocka_unit_test(each_deletion_that_required_an_etag_was_a_write_of_its_own),
          cmocka_unit_test(malformed_deletions_are_refused),
          cmocka_unit_test(the_digest_of_a_deletion_is_checked_if_it_is_sent),
          cmocka_unit_test(tags_are_stored_shown_counted_and_deleted),
          cmocka_unit_test(tags_from_a_header_equal_tags_from_a_document), cmocka_unit_test(invalid_tags_are_refused))
