/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets as S3 speaks of them: names, places, and what nobody configured. */
#include "test.h"

#include "core/records/account.h"
#include "s3_fixture.h"

static struct s3_user stranger(struct s3_fixture *f)
{
    struct account account;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("others"), f->a, &account));
    return s3_user_of(f, "others", "otto");
}

static void make_bucket(struct s3_fixture *f, const struct s3_user *p, const char *target)
{
    EXPECT_STATUS(s3_send(f, p, "PUT", target, ""), 200);
}

/* ---- create, list, look, remove ---- */

TEST(a_bucket_is_made_listed_found_and_removed)
{
    S3_EMPTY_FIXTURE(f);
    struct fake_reply *r = s3_send(f, &ana, "PUT", "/photos", "");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "Location"), S("/photos"));
    make_bucket(f, &ana, "/archive/");
    r = s3_send(f, &ana, "GET", "/", "");
    EXPECT_STATUS(r, 200);
    EXPECT_EQ(s3_count(f, r, "ListAllMyBucketsResult.Buckets", "Bucket"), 2);
    EXPECT_SLICE(s3_text(f, r, "ListAllMyBucketsResult.Buckets.Bucket.Name"), S("archive"));
    EXPECT_SLICE(s3_text(f, r, "ListAllMyBucketsResult.Buckets.Bucket#1.Name"), S("photos"));
    EXPECT_SLICE(s3_text(f, r, "ListAllMyBucketsResult.Buckets.Bucket#1.CreationDate"), S("2026-11-21T14:04:09.000Z"));
    EXPECT_SLICE(s3_text(f, r, "ListAllMyBucketsResult.Owner.DisplayName"), S("ana"));
    EXPECT_EQ(s3_text(f, r, "ListAllMyBucketsResult.Owner.ID").n, 64);
    r = s3_send(f, &ana, "HEAD", "/photos", "");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "x-amz-bucket-region"), S("us-east-1"));
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos", ""), 204);
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/photos", ""), 404);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", "/photos", ""), 404, "NoSuchBucket");
}

TEST(lists_of_buckets_come_in_pages_when_asked)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/aaa");
    make_bucket(f, &ana, "/abb");
    make_bucket(f, &ana, "/bbb");
    struct fake_reply *r = s3_send(f, &ana, "GET", "/?max-buckets=2", "");
    EXPECT_EQ(s3_count(f, r, "ListAllMyBucketsResult.Buckets", "Bucket"), 2);
    EXPECT_SLICE(s3_text(f, r, "ListAllMyBucketsResult.Buckets.Bucket.BucketRegion"), S("us-east-1"));
    slice token = s3_text(f, r, "ListAllMyBucketsResult.ContinuationToken");
    r = s3_send(f, &ana, "GET", arena_printf(f->a, "/?max-buckets=2&continuation-token=" SLICE_FMT, SLICE_ARG(token)).p,
                "");
    EXPECT_EQ(s3_count(f, r, "ListAllMyBucketsResult.Buckets", "Bucket"), 1);
    EXPECT_SLICE(s3_text(f, r, "ListAllMyBucketsResult.Buckets.Bucket.Name"), S("bbb"));
    EXPECT(!s3_at(f, r, "ListAllMyBucketsResult.ContinuationToken"));
    r = s3_send(f, &ana, "GET", "/?prefix=a", "");
    EXPECT_EQ(s3_count(f, r, "ListAllMyBucketsResult.Buckets", "Bucket"), 2);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/?max-buckets=0", ""), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/?max-buckets=x", ""), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/?continuation-token=!", ""), 400, "InvalidArgument");
}

TEST(a_bucket_that_is_there_is_not_made_again)
{
    S3_EMPTY_FIXTURE(f);
    struct s3_user otto = stranger(f);
    make_bucket(f, &ana, "/photos");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos", ""), 409, "BucketAlreadyOwnedByYou");
    EXPECT_S3_ERROR(f, s3_send(f, &otto, "PUT", "/photos", ""), 409, "BucketAlreadyExists");
}

TEST(names_that_s3_would_refuse_are_refused)
{
    S3_EMPTY_FIXTURE(f);
    const char *const bad[] = { "/ab",
                                "/UPPER",
                                "/under_score",
                                "/192.168.1.1",
                                "/-dash",
                                "/dash-",
                                "/a..b",
                                "/xn--abc",
                                "/abc-s3alias",
                                "/with%20blank",
                                "/0123456789012345678901234567890123456789012345678901234567890123" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", bad[i], ""), 400, "InvalidBucketName");
}

TEST(paths_of_other_ways_in_are_no_buckets)
{
    S3_EMPTY_FIXTURE(f);
    const char *const reserved[] = { "/api",   "/auth",   "/files",    "/status",  "/health", "/metrics",
                                     "/oauth", "/portal", "/services", "/appfile", "/appdata" };
    for (size_t i = 0; i < LENGTH_OF(reserved); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", reserved[i], ""), 400, "InvalidBucketName");
}

TEST(a_location_is_taken_and_told)
{
    S3_EMPTY_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/one",
                          "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                          "<LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"),
                  200);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/one?location", "");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(s3_text(f, r, "LocationConstraint"), S("")); /* us-east-1 has no name here */
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/two", "<CreateBucketConfiguration>"), 400, "MalformedXML");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/two", "<Other/>"), 400, "MalformedXML");
    EXPECT_S3_ERROR(f,
                    s3_send(f, &ana, "PUT", "/two",
                            "<CreateBucketConfiguration><LocationConstraint>No such\n</LocationConstraint>"
                            "</CreateBucketConfiguration>"),
                    400, "InvalidLocationConstraint");
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/two", ""), 404);
}

TEST(where_only_one_region_counts_another_is_refused)
{
    struct s3_options options = s3_fixture_options();
    options.region = S("us-east-1");
    options.only_region = true;
    SCOPED(s3_fixture_freep) struct s3_fixture *f = s3_fixture_new(&options);
    struct s3_user ana = s3_user(f, "ana");
    EXPECT_S3_ERROR(f,
                    s3_send(f, &ana, "PUT", "/two",
                            "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
                            "</CreateBucketConfiguration>"),
                    400, "InvalidLocationConstraint");
}

TEST(a_bucket_that_would_not_be_private_is_not_made)
{
    S3_EMPTY_FIXTURE(f);
    static const struct {
        struct http_header header;
        int status;
        const char *code;
    } rows[] = {
        { { { "x-amz-acl", 9 }, { "public-read", 11 } }, 400, "AccessControlListNotSupported" },
        { { { "x-amz-grant-read", 16 }, { "id=1", 4 } }, 400, "AccessControlListNotSupported" },
        { { { "x-amz-bucket-object-lock-enabled", 32 }, { "true", 4 } }, 501, "NotImplemented" },
        { { { "x-amz-object-ownership", 22 }, { "ObjectWriter", 12 } }, 501, "NotImplemented" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f,
                        s3_send_request(f, &ana,
                                        &(struct fake_request){
                                            .method = "PUT", .target = S("/photos"), .headers = { rows[i].header } }),
                        rows[i].status, rows[i].code);
    EXPECT_STATUS(s3_send_request(f, &ana,
                                  &(struct fake_request){ .method = "PUT",
                                                          .target = S("/photos"),
                                                          .headers = { { S("x-amz-acl"), S("private") } } }),
                  200);
}

TEST(a_bucket_with_objects_or_uploads_stays)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", "/photos", ""), 409, "BucketNotEmpty");
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos/a", ""), 204);
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos", ""), 204);
}

TEST(another_account_sees_nothing)
{
    S3_EMPTY_FIXTURE(f);
    struct s3_user otto = stranger(f);
    make_bucket(f, &ana, "/photos");
    s3_put_object(f, &ana, "/photos/a", "hello");
    static const struct {
        const char *method, *target;
    } rows[] = {
        { "GET", "/photos" },
        { "GET", "/photos?list-type=2" },
        { "GET", "/photos?versions" },
        { "GET", "/photos?uploads" },
        { "GET", "/photos?location" },
        { "GET", "/photos?versioning" },
        { "GET", "/photos?acl" },
        { "GET", "/photos?cors" },
        { "GET", "/photos?policy" },
        { "DELETE", "/photos" },
        { "DELETE", "/photos?cors" },
        { "GET", "/photos/a?tagging" },
        { "DELETE", "/photos/a?tagging" },
        { "GET", "/photos/a?acl" },
        { "POST", "/photos/a?uploads" },
        { "GET", "/photos/a?uploadId=x" },
        { "DELETE", "/photos/a?uploadId=x" },
        { "PUT", "/photos/a?uploadId=x&partNumber=1" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &otto, rows[i].method, rows[i].target, ""), 403, "AccessDenied");
    EXPECT_S3_ERROR(f, s3_send(f, &otto, "POST", "/photos?delete", "<Delete><Object><Key>a</Key></Object></Delete>"),
                    403, "AccessDenied");
    EXPECT_STATUS(s3_send(f, &otto, "HEAD", "/photos", ""), 403);
    EXPECT_EQ(s3_count(f, s3_send(f, &otto, "GET", "/", ""), "ListAllMyBucketsResult.Buckets", "Bucket"), 0);
    EXPECT_S3_ERROR(f, s3_send(f, NULL, "GET", "/photos", ""), 403, "AccessDenied");
}

/* ---- versioning ---- */

TEST(versioning_was_never_switched_on)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?versioning", "");
    EXPECT_STATUS(r, 200);
    EXPECT(s3_at(f, r, "VersioningConfiguration") && !s3_at(f, r, "VersioningConfiguration.Status"));
    const char *suspend = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    const char *enable = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos?versioning", suspend), 200);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos?versioning", enable), 501, "NotImplemented");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos?versioning", "<VersioningConfiguration/>"), 400,
                    "MalformedXML");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/none?versioning", suspend), 404, "NoSuchBucket");
}

/* ---- what nobody configured ---- */

TEST(retention_and_object_lock_answer_as_s3_does_when_none_is_configured)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    s3_put_object(f, &ana, "/photos/a", "hello");
    static const struct {
        const char *target;
        int status;
        const char *code;
    } rows[] = {
        { "/photos?object-lock", 404, "ObjectLockConfigurationNotFoundError" },
        { "/photos?policy", 404, "NoSuchBucketPolicy" },
        { "/photos?policyStatus", 404, "NoSuchBucketPolicy" },
        { "/photos?lifecycle", 404, "NoSuchLifecycleConfiguration" },
        { "/photos?tagging", 404, "NoSuchTagSet" },
        { "/photos?website", 404, "NoSuchWebsiteConfiguration" },
        { "/photos?replication", 404, "ReplicationConfigurationNotFoundError" },
        { "/photos?encryption", 404, "ServerSideEncryptionConfigurationNotFoundError" },
        { "/photos?ownershipControls", 404, "OwnershipControlsNotFoundError" },
        { "/photos?publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration" },
        { "/photos?cors", 404, "NoSuchCORSConfiguration" },
        { "/photos/a?retention", 400, "InvalidRequest" },
        { "/photos/a?legal-hold", 400, "InvalidRequest" },
        { "/photos/b?retention", 404, "NoSuchKey" },
        { "/photos/b?acl", 404, "NoSuchKey" },
        { "/none?policy", 404, "NoSuchBucket" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", rows[i].target, ""), rows[i].status, rows[i].code);
}

TEST(empty_configurations_are_documents)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    static const char *const rows[][2] = {
        { "/photos?accelerate", "AccelerateConfiguration" },
        { "/photos?logging", "BucketLoggingStatus" },
        { "/photos?notification", "NotificationConfiguration" },
        { "/photos?requestPayment", "RequestPaymentConfiguration.Payer" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fake_reply *r = s3_send(f, &ana, "GET", rows[i][0], "");
        EXPECT_STATUS(r, 200);
        EXPECT(s3_at(f, r, rows[i][1]));
    }
}

TEST(access_lists_name_the_owner_alone)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    s3_put_object(f, &ana, "/photos/a", "hello");
    static const char *const targets[] = { "/photos?acl", "/photos/a?acl" };
    for (size_t i = 0; i < LENGTH_OF(targets); i++) {
        struct fake_reply *r = s3_send(f, &ana, "GET", targets[i], "");
        EXPECT_STATUS(r, 200);
        EXPECT_EQ(s3_count(f, r, "AccessControlPolicy.AccessControlList", "Grant"), 1);
        EXPECT_SLICE(s3_text(f, r, "AccessControlPolicy.AccessControlList.Grant.Grantee.ID"),
                     s3_text(f, r, "AccessControlPolicy.Owner.ID"));
        EXPECT_SLICE(s3_text(f, r, "AccessControlPolicy.AccessControlList.Grant.Permission"), S("FULL_CONTROL"));
    }
}

TEST(what_is_not_offered_says_not_implemented)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    s3_put_object(f, &ana, "/photos/a", "hello");
    static const char *const rows[][2] = {
        { "PUT", "/photos?policy" },     { "PUT", "/photos?acl" },          { "PUT", "/photos?lifecycle" },
        { "PUT", "/photos?encryption" }, { "PUT", "/photos?object-lock" },  { "PUT", "/photos?notification" },
        { "DELETE", "/photos?policy" },  { "DELETE", "/photos?lifecycle" }, { "GET", "/photos?inventory" },
        { "GET", "/photos?analytics" },  { "PUT", "/photos/a?retention" },  { "PUT", "/photos/a?legal-hold" },
        { "POST", "/photos/a?select" },  { "POST", "/photos/a?restore" },   { "GET", "/photos/a?torrent" },
        { "PUT", "/photos/a?acl" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, rows[i][0], rows[i][1], ""), 501, "NotImplemented");
    EXPECT_SLICE(s3_send(f, &ana, "GET", "/photos/a", "")->body, S("hello"));
}

RUN_TESTS(cmocka_unit_test(a_bucket_is_made_listed_found_and_removed),
          cmocka_unit_test(lists_of_buckets_come_in_pages_when_asked),
          cmocka_unit_test(a_bucket_that_is_there_is_not_made_again),
          cmocka_unit_test(names_that_s3_would_refuse_are_refused),
          cmocka_unit_test(paths_of_other_ways_in_are_no_buckets), cmocka_unit_test(a_location_is_taken_and_told),
          cmocka_unit_test(where_only_one_region_counts_another_is_refused),
          cmocka_unit_test(a_bucket_that_would_not_be_private_is_not_made),
          cmocka_unit_test(a_bucket_with_objects_or_uploads_stays), cmocka_unit_test(another_account_sees_nothing),
          cmocka_unit_test(versioning_was_never_switched_on),
          cmocka_unit_test(retention_and_object_lock_answer_as_s3_does_when_none_is_configured),
          cmocka_unit_test(empty_configurations_are_documents), cmocka_unit_test(access_lists_name_the_owner_alone),
          cmocka_unit_test(what_is_not_offered_says_not_implemented))
