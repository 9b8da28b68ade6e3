/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on buckets: names, locations, versioning, and configurations that cannot be set. */
#include "test.h"

#include "core/records/account.h"
#include "s3_fixture.h"

static struct s3_user user_of_another_account(struct s3_fixture *f)
{
    struct account account;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("others"), f->a, &account));
    return s3_user_of(f, "others", "otto");
}

static void make_bucket(struct s3_fixture *f, const struct s3_user *p, const char *target)
{
    EXPECT_STATUS(s3_send(f, p, "PUT", target, ""), 200);
}

/* ---- create, list, head, delete ---- */

TEST(a_bucket_is_created_listed_headed_and_deleted)
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

TEST(buckets_are_listed_in_pages_on_request)
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

TEST(creating_an_existing_bucket_is_a_conflict)
{
    S3_EMPTY_FIXTURE(f);
    struct s3_user otto = user_of_another_account(f);
    make_bucket(f, &ana, "/photos");
    struct fake_reply *again = s3_send(f, &ana, "PUT", "/photos", ""); /* as S3 in us-east-1, and only there */
    EXPECT_STATUS(again, 200);
    EXPECT_SLICE(fake_reply_header(again, "Location"), S("/photos"));
    f->s3.options.region = S("eu-west-1");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos", ""), 409, "BucketAlreadyOwnedByYou");
    f->s3.options.region = S("us-east-1");
    EXPECT_S3_ERROR(f, s3_send(f, &otto, "PUT", "/photos", ""), 409, "BucketAlreadyExists");
}

TEST(invalid_bucket_names_are_refused)
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
                                "/sthree-abc",
                                "/amzn-s3-demo-abc",
                                "/abc-s3alias",
                                "/abc--ol-s3",
                                "/abc.mrap",
                                "/abc--x-s3",
                                "/abc--table-s3",
                                "/with%20blank",
                                "/0123456789012345678901234567890123456789012345678901234567890123" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", bad[i], ""), 400, "InvalidBucketName");
}

TEST(paths_of_other_apis_are_no_buckets)
{
    S3_EMPTY_FIXTURE(f);
    const char *const reserved[] = { "/api",   "/auth",   "/files",    "/status",  "/health", "/metrics",
                                     "/oauth", "/portal", "/services", "/appfile", "/appdata" };
    for (size_t i = 0; i < LENGTH_OF(reserved); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", reserved[i], ""), 400, "InvalidBucketName");
}

TEST(any_location_is_accepted_and_the_region_is_shown)
{
    S3_EMPTY_FIXTURE(f);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/one",
                          "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                          "<LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"),
                  200);
    struct fake_reply *r = s3_send(f, &ana, "GET", "/one?location", "");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(s3_text(f, r, "LocationConstraint"), S("")); /* S3 shows us-east-1 as an empty location */
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/two", "<CreateBucketConfiguration>"), 400, "MalformedXML");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/two", "<Other/>"), 400, "MalformedXML");
    EXPECT_S3_ERROR(f,
                    s3_send(f, &ana, "PUT", "/two",
                            "<CreateBucketConfiguration><LocationConstraint>No such\n</LocationConstraint>"
                            "</CreateBucketConfiguration>"),
                    400, "InvalidLocationConstraint");
    EXPECT_STATUS(s3_send(f, &ana, "HEAD", "/two", ""), 404);
}

TEST(only_region_refuses_other_locations)
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

TEST(a_bucket_that_is_not_private_cannot_be_created)
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

TEST(a_bucket_with_objects_or_uploads_cannot_be_deleted)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    s3_put_object(f, &ana, "/photos/a", "hello");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", "/photos", ""), 409, "BucketNotEmpty");
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos/a", ""), 204);
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", "/photos", ""), 204);
}

TEST(another_account_sees_no_bucket)
{
    S3_EMPTY_FIXTURE(f);
    struct s3_user otto = user_of_another_account(f);
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

TEST(versioning_is_never_enabled)
{
    S3_EMPTY_FIXTURE(f);
    make_bucket(f, &ana, "/photos");
    struct fake_reply *r = s3_send(f, &ana, "GET", "/photos?versioning", "");
    EXPECT_STATUS(r, 200);
    EXPECT(s3_at(f, r, "VersioningConfiguration") && !s3_at(f, r, "VersioningConfiguration.Status"));
    const char *suspend = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    const char *enable = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos?versioning", suspend), 501, "NotImplemented");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos?versioning", enable), 501, "NotImplemented");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos?versioning", "<VersioningConfiguration/>"), 400,
                    "MalformedXML");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/none?versioning", suspend), 404, "NoSuchBucket");
}

/* ---- configurations that cannot be set ---- */

TEST(reading_object_lock_replies_as_s3_without_one)
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

TEST(reading_an_empty_configuration_returns_a_document)
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
    struct fake_reply *owned = s3_send(f, &ana, "GET", "/photos?ownershipControls", ""); /* as it behaves */
    EXPECT_SLICE(s3_text(f, owned, "OwnershipControls.Rule.ObjectOwnership"), S("BucketOwnerEnforced"));
}

TEST(access_lists_contain_only_the_owner)
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

TEST(unknown_operations_are_not_implemented)
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

RUN_TESTS(cmocka_unit_test(a_bucket_is_created_listed_headed_and_deleted),
          cmocka_unit_test(buckets_are_listed_in_pages_on_request),
          cmocka_unit_test(creating_an_existing_bucket_is_a_conflict),
          cmocka_unit_test(invalid_bucket_names_are_refused), cmocka_unit_test(paths_of_other_apis_are_no_buckets),
          cmocka_unit_test(any_location_is_accepted_and_the_region_is_shown),
          cmocka_unit_test(only_region_refuses_other_locations),
          cmocka_unit_test(a_bucket_that_is_not_private_cannot_be_created),
          cmocka_unit_test(a_bucket_with_objects_or_uploads_cannot_be_deleted),
          cmocka_unit_test(another_account_sees_no_bucket), cmocka_unit_test(versioning_is_never_enabled),
          cmocka_unit_test(reading_object_lock_replies_as_s3_without_one),
          cmocka_unit_test(reading_an_empty_configuration_returns_a_document),
          cmocka_unit_test(access_lists_contain_only_the_owner),
          cmocka_unit_test(unknown_operations_are_not_implemented))
