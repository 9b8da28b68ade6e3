/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts: create, parts from the body and from other objects, listings, complete, abort. */
#include "test.h"

#include "base/text.h"
#include "core/object/digest.h"
#include "core/records/account.h"
#include "s3_fixture.h"

#include <stdio.h>

static char *text(struct s3_fixture *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
static char *text(struct s3_fixture *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(f->a, fmt, args);
    va_end(args);
    return arena_cstr(f->a, s);
}

/* ---- helpers ---- */

struct request_headers {
    const struct http_header *items;
    size_t count;
};

static const struct request_headers NO_HEADERS = { NULL, 0 };

static struct fake_reply *ask(struct s3_fixture *f, const struct s3_user *p, const char *method, const char *target,
                              slice body, struct request_headers headers)
{
    struct fake_request r = { .method = method, .target = slice_of(target), .body = body };
    for (size_t i = 0; i < headers.count; i++)
        r.headers[i] = headers.items[i];
    return s3_send_request(f, p, &r);
}

static const char *begin_with(struct s3_fixture *f, const struct s3_user *p, const char *target,
                              const struct http_header *headers, size_t count)
{
    struct fake_reply *r =
        ask(f, p, "POST", text(f, "%s?uploads", target), S(""), (struct request_headers){ headers, count });
    EXPECT_STATUS(r, 200);
    return arena_cstr(f->a, s3_text(f, r, "InitiateMultipartUploadResult.UploadId"));
}

static const char *begin(struct s3_fixture *f, const struct s3_user *p, const char *target)
{
    return begin_with(f, p, target, NULL, 0);
}

static struct fake_reply *part_reply(struct s3_fixture *f, const struct s3_user *p, const char *target, const char *id,
                                     int number, const char *bytes)
{
    return s3_send(f, p, "PUT", text(f, "%s?partNumber=%d&uploadId=%s", target, number, id), bytes);
}

/* Puts a part and returns its etag. */
static slice part(struct s3_fixture *f, const struct s3_user *p, const char *target, const char *id, int number,
                  const char *bytes)
{
    struct fake_reply *r = part_reply(f, p, target, id, number, bytes);
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "ETag"), s3_etag_of(f, bytes));
    return fake_reply_header(r, "ETag");
}

#define PART(number, etag)                                                                                             \
    text(f, "<Part><PartNumber>%d</PartNumber><ETag>" SLICE_FMT "</ETag></Part>", number, SLICE_ARG(etag))

static struct fake_reply *complete_with(struct s3_fixture *f, const struct s3_user *p, const char *target,
                                        const char *id, const char *parts, struct request_headers headers)
{
    slice body = arena_printf(f->a, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>", parts);
    return ask(f, p, "POST", text(f, "%s?uploadId=%s", target, id), body, headers);
}

static struct fake_reply *complete(struct s3_fixture *f, const struct s3_user *p, const char *target, const char *id,
                                   const char *parts)
{
    return complete_with(f, p, target, id, parts, NO_HEADERS);
}

static slice get(struct s3_fixture *f, const struct s3_user *p, const char *target)
{
    struct fake_reply *r = s3_send(f, p, "GET", target, "");
    EXPECT_STATUS(r, 200);
    return r->body;
}

/* The etag of a composite object: the MD5 of the MD5s of its parts, and their number. */
static slice composite(struct s3_fixture *f, const char *const *parts, size_t count)
{
    unsigned char all[10 * MD5_SIZE], md5[MD5_SIZE];
    for (size_t i = 0; i < count; i++)
        hash_md5(slice_of(parts[i]), all + i * MD5_SIZE);
    hash_md5((slice){ (char *)all, count * MD5_SIZE }, md5);
    return arena_printf(f->a, "\"" SLICE_FMT "-%zu\"", SLICE_ARG(hex_encode(f->a, (slice){ (char *)md5, MD5_SIZE })),
                        count);
}

/* ---- uploads that succeed ---- */

TEST(a_completed_object_has_the_headers_of_its_upload)
{
    S3_FIXTURE(f);
    struct http_header headers[] = { { S("Content-Type"), S("text/plain") },
                                     { S("x-amz-meta-who"), S("ana") },
                                     { S("x-amz-tagging"), S("a=b") } };
    const char *id = begin_with(f, &ana, "/photos/a%20b", headers, LENGTH_OF(headers));
    slice one = part(f, &ana, "/photos/a%20b", id, 1, "hello, good "),
          two = part(f, &ana, "/photos/a%20b", id, 2, "day");
    struct fake_reply *r = complete(f, &ana, "/photos/a%20b", id, text(f, "%s%s", PART(1, one), PART(2, two)));
    EXPECT_STATUS(r, 200);
    static const char *const bytes[] = { "hello, good ", "day" };
    EXPECT_SLICE(s3_text(f, r, "CompleteMultipartUploadResult.ETag"), composite(f, bytes, 2));
    EXPECT_SLICE(s3_text(f, r, "CompleteMultipartUploadResult.Bucket"), S("photos"));
    EXPECT_SLICE(s3_text(f, r, "CompleteMultipartUploadResult.Key"), S("a b"));
    EXPECT_SLICE(s3_text(f, r, "CompleteMultipartUploadResult.Location"), S("https://files.example.org/photos/a%20b"));
    r = s3_send(f, &ana, "GET", "/photos/a%20b", "");
    EXPECT_SLICE(r->body, S("hello, good day"));
    EXPECT_SLICE(r->content_type, S("text/plain"));
    EXPECT_SLICE(r->etag, composite(f, bytes, 2));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-meta-who"), S("ana"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-tagging-count"), S("1"));
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", text(f, "/photos/a%%20b?uploadId=%s", id), ""), 404, "NoSuchUpload");
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

TEST(parts_may_be_unordered_repeated_and_omitted)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    slice ten = part(f, &ana, "/photos/a", id, 10000, "end");
    part(f, &ana, "/photos/a", id, 3, "never named");
    part(f, &ana, "/photos/a", id, 2, "first try of it");
    slice two = part(f, &ana, "/photos/a", id, 2, "the second try, ");
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, text(f, "%s%s", PART(2, two), PART(10000, ten))), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a"), S("the second try, end"));
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

TEST(a_repeated_part_invalidates_the_first_etag)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    slice old = part(f, &ana, "/photos/a", id, 1, "first try");
    part(f, &ana, "/photos/a", id, 1, "second try");
    EXPECT_S3_ERROR(f, complete(f, &ana, "/photos/a", id, PART(1, old)), 400, "InvalidPart");
}

TEST(completing_an_upload_twice_gets_the_same_reply)
{
    /* supabase/storage#822 */
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    slice one = part(f, &ana, "/photos/a", id, 1, "hello");
    struct fake_reply *r = complete(f, &ana, "/photos/a", id, PART(1, one));
    struct fake_reply *again = complete(f, &ana, "/photos/a", id, PART(1, one));
    EXPECT_STATUS(again, 200);
    EXPECT_SLICE(again->body, r->body);
    s3_put_object(f, &ana, "/photos/a", "newer");
    EXPECT_S3_ERROR(f, complete(f, &ana, "/photos/a", id, PART(1, one)), 404, "NoSuchUpload");
}

TEST(the_previous_object_stays_until_the_upload_is_complete)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/a", "old");
    const char *id = begin(f, &ana, "/photos/a");
    slice one = part(f, &ana, "/photos/a", id, 1, "new");
    EXPECT_SLICE(get(f, &ana, "/photos/a"), S("old"));
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, PART(1, one)), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a"), S("new"));
}

TEST(an_aborted_or_expired_upload_does_not_exist)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a"), *old = begin(f, &ana, "/photos/b");
    slice one = part(f, &ana, "/photos/a", id, 1, "hello");
    EXPECT_STATUS(s3_send(f, &ana, "DELETE", text(f, "/photos/a?uploadId=%s", id), ""), 204);
    world_wait(f->w, hours(24));
    const char *const gone[][2] = {
        { "/photos/a", id }, { "/photos/b", old }, { "/photos/a", "none" }, { "/photos/a", "" }, { "/photos/other", id }
    };
    for (size_t i = 0; i < LENGTH_OF(gone); i++) {
        const char *target = text(f, "%s?uploadId=%s", gone[i][0], gone[i][1]);
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", target, ""), 404, "NoSuchUpload");
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "DELETE", target, ""), 404, "NoSuchUpload");
        EXPECT_S3_ERROR(f, part_reply(f, &ana, gone[i][0], gone[i][1], 1, "x"), 404, "NoSuchUpload");
        EXPECT_S3_ERROR(f, complete(f, &ana, gone[i][0], gone[i][1], PART(1, one)), 404, "NoSuchUpload");
    }
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a", ""), 404, "NoSuchKey");
}

/* ---- refusals ---- */

TEST(part_numbers_are_1_to_10000)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    static const char *const bad[] = { "0", "10001", "-1", "x", "1.5", "" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", text(f, "/photos/a?partNumber=%s&uploadId=%s", bad[i], id), "x"),
                        400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", text(f, "/photos/a?uploadId=%s", id), "x"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "PUT", "/photos/a?partNumber=1", "x"), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a", ""), 404, "NoSuchKey");
}

TEST(an_invalid_list_of_parts_completes_nothing)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    slice one = part(f, &ana, "/photos/a", id, 1, "hello, good "), two = part(f, &ana, "/photos/a", id, 2, "day");
    slice small = part(f, &ana, "/photos/a", id, 3, "tiny");
    const struct {
        const char *parts, *code;
    } rows[] = {
        { "", "MalformedXML" },
        { "<Part/>", "MalformedXML" },
        { "<Part><PartNumber>1</PartNumber></Part>", "MalformedXML" },
        { "<Part><ETag>x</ETag></Part>", "MalformedXML" },
        { PART(0, one), "MalformedXML" },
        { text(f, "<Part><PartNumber>1</PartNumber><ETag>" SLICE_FMT "</ETag><ChecksumCRC32>?</ChecksumCRC32></Part>",
               SLICE_ARG(one)),
          "MalformedXML" },
        { PART(1, two), "InvalidPart" },
        { PART(4, one), "InvalidPart" },
        { PART(10001, one), "InvalidPart" },
        { text(f, "%s%s", PART(2, two), PART(1, one)), "InvalidPartOrder" },
        { text(f, "%s%s", PART(1, one), PART(1, one)), "InvalidPartOrder" },
        { text(f, "%s%s", PART(2, two), PART(3, small)), "EntityTooSmall" },
        { text(f,
               "<Part><PartNumber>1</PartNumber><ETag>" SLICE_FMT
               "</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>",
               SLICE_ARG(one)),
          "InvalidPart" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f, complete(f, &ana, "/photos/a", id, rows[i].parts), 400, rows[i].code);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "POST", text(f, "/photos/a?uploadId=%s", id), ""), 400,
                    "MissingRequestBodyError");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "POST", text(f, "/photos/a?uploadId=%s", id), "<Other/>"), 400, "MalformedXML");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a", ""), 404, "NoSuchKey");
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, text(f, "%s%s", PART(1, one), PART(3, small))), 200);
}

TEST(an_object_has_at_most_10000_parts)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    struct buf b;
    buf_init(&b, 0);
    for (int i = 1; i <= 10001; i++)
        buf_printf(&b, "<Part><PartNumber>%d</PartNumber><ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag></Part>", i);
    EXPECT_S3_ERROR(f, complete(f, &ana, "/photos/a", id, arena_cstr(f->a, buf_slice(&b))), 400, "MalformedXML");
    buf_release(&b);
}

TEST(a_thousand_parts_of_different_sizes_make_an_object)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    struct buf parts, want;
    buf_init(&parts, 0);
    buf_init(&want, 0);
    for (int i = 1; i <= 1100; i++) {
        const char *bytes = text(f, "part %0*d.", 8 + i % 17, i);
        part(f, &ana, "/photos/a", id, i, bytes);
        buf_add(&want, slice_of(bytes));
        buf_add(&parts, slice_of(PART(i, s3_etag_of(f, bytes))));
    }
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, arena_cstr(f->a, buf_slice(&parts))), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a"), buf_slice(&want));
    buf_release(&parts);
    buf_release(&want);
}

TEST(parts_and_objects_have_minimum_and_maximum_sizes)
{
    struct s3_options options = s3_fixture_options();
    options.max_object_bytes = 10;
    options.max_upload_bytes = 15;
    SCOPED(s3_fixture_freep) struct s3_fixture *f = s3_fixture_new(&options);
    struct s3_user ana = s3_user(f, "ana");
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/photos", ""), 200);
    const char *id = begin(f, &ana, "/photos/a");
    EXPECT_S3_ERROR(f, part_reply(f, &ana, "/photos/a", id, 1, "0123456789a"), 400, "EntityTooLarge");
    slice one = part(f, &ana, "/photos/a", id, 1, "0123456789"), two = part(f, &ana, "/photos/a", id, 2, "012345");
    EXPECT_S3_ERROR(f, complete(f, &ana, "/photos/a", id, text(f, "%s%s", PART(1, one), PART(2, two))), 400,
                    "EntityTooLarge");
}

/* ---- conditions and declared size ---- */

TEST(conditions_decide_whether_an_upload_completes)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    slice one = part(f, &ana, "/photos/a", id, 1, "hello");
    s3_put_object(f, &ana, "/photos/a", "there before");
    struct http_header none = { S("If-None-Match"), S("*") }, other = { S("If-Match"), s3_etag_of(f, "x") };
    struct http_header right = { S("If-Match"), s3_etag_of(f, "there before") };
    EXPECT_S3_ERROR(f, complete_with(f, &ana, "/photos/a", id, PART(1, one), (struct request_headers){ &none, 1 }), 412,
                    "PreconditionFailed");
    EXPECT_S3_ERROR(f, complete_with(f, &ana, "/photos/a", id, PART(1, one), (struct request_headers){ &other, 1 }),
                    412, "PreconditionFailed");
    EXPECT_SLICE(get(f, &ana, "/photos/a"), S("there before"));
    EXPECT_STATUS(complete_with(f, &ana, "/photos/a", id, PART(1, one), (struct request_headers){ &right, 1 }), 200);
}

TEST(if_match_on_a_missing_object_is_no_such_key)
{
    S3_FIXTURE(f);
    struct http_header match = { S("If-Match"), s3_etag_of(f, "x") };
    const char *id = begin(f, &ana, "/photos/a");
    slice one = part(f, &ana, "/photos/a", id, 1, "hello");
    EXPECT_S3_ERROR(f, complete_with(f, &ana, "/photos/a", id, PART(1, one), (struct request_headers){ &match, 1 }),
                    404, "NoSuchKey");
    EXPECT_S3_ERROR(f, ask(f, &ana, "PUT", "/photos/a", S("hello"), (struct request_headers){ &match, 1 }), 404,
                    "NoSuchKey");
    s3_put_object(f, &ana, "/photos/a", "there");
    EXPECT_S3_ERROR(f, ask(f, &ana, "PUT", "/photos/a", S("hello"), (struct request_headers){ &match, 1 }), 412,
                    "PreconditionFailed");
}

TEST(the_declared_size_of_the_object_is_checked)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    slice one = part(f, &ana, "/photos/a", id, 1, "hello");
    static const char *const bad[] = { "4", "6", "x", "-1" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_S3_ERROR(f,
                        complete_with(f, &ana, "/photos/a", id, PART(1, one),
                                      (struct request_headers){
                                          &(struct http_header){ S("x-amz-mp-object-size"), slice_of(bad[i]) }, 1 }),
                        400, "InvalidRequest");
    EXPECT_STATUS(
        complete_with(f, &ana, "/photos/a", id, PART(1, one),
                      (struct request_headers){ &(struct http_header){ S("x-amz-mp-object-size"), S("5") }, 1 }),
        200);
}

/* ---- digests ---- */

static slice encoded(struct s3_fixture *f, const struct digest *digest)
{
    return base64_encode(f->a, (slice){ (const char *)digest->bytes, digest_size(digest->kind) });
}

static slice checksum(struct s3_fixture *f, enum digest_kind kind, const char *bytes)
{
    struct digest digest;
    digest_of(kind, slice_of(bytes), &digest);
    return encoded(f, &digest);
}

static slice composite_checksum(struct s3_fixture *f, enum digest_kind kind, const char *const *parts, size_t count)
{
    struct buf all;
    buf_init(&all, 0);
    struct digest digest;
    for (size_t i = 0; i < count; i++) {
        digest_of(kind, slice_of(parts[i]), &digest);
        buf_add(&all, (slice){ (const char *)digest.bytes, digest_size(kind) });
    }
    digest_of(kind, buf_slice(&all), &digest);
    buf_release(&all);
    return arena_printf(f->a, SLICE_FMT "-%zu", SLICE_ARG(encoded(f, &digest)), count);
}

static const char *const pieces[] = { "hello, good ", "day" };

/* Puts a part with its checksum of this kind, and returns the element that names it. */
static const char *summed_part(struct s3_fixture *f, const struct s3_user *p, const char *id, int number,
                               const char *bytes, enum digest_kind kind)
{
    slice name = digest_name(kind), sum = checksum(f, kind, bytes);
    struct http_header header = { slice_of(text(f, "x-amz-checksum-" SLICE_FMT, SLICE_ARG(name))), sum };
    struct fake_reply *r = ask(f, p, "PUT", text(f, "/photos/a?partNumber=%d&uploadId=%s", number, id), slice_of(bytes),
                               (struct request_headers){ &header, 1 });
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, header.name.p), sum);
    return text(f,
                "<Part><PartNumber>%d</PartNumber><ETag>" SLICE_FMT "</ETag><Checksum" SLICE_FMT ">" SLICE_FMT
                "</Checksum" SLICE_FMT "></Part>",
                number, SLICE_ARG(fake_reply_header(r, "ETag")), SLICE_ARG(name), SLICE_ARG(sum), SLICE_ARG(name));
}

TEST(checksums_of_parts_and_objects_are_stored)
{
    S3_FIXTURE(f);
    static const struct {
        enum digest_kind kind;
        const char *type; /* NULL: the header is absent */
        enum digest_form form;
    } rows[] = {
        { DIGEST_CRC32, NULL, DIGEST_OF_PARTS },        { DIGEST_CRC32, "COMPOSITE", DIGEST_OF_PARTS },
        { DIGEST_CRC32, "FULL_OBJECT", DIGEST_WHOLE },  { DIGEST_CRC32C, "COMPOSITE", DIGEST_OF_PARTS },
        { DIGEST_CRC32C, "FULL_OBJECT", DIGEST_WHOLE }, { DIGEST_CRC64NVME, NULL, DIGEST_WHOLE },
        { DIGEST_SHA1, NULL, DIGEST_OF_PARTS },         { DIGEST_SHA256, "COMPOSITE", DIGEST_OF_PARTS },
        { DIGEST_SHA512, NULL, DIGEST_OF_PARTS },       { DIGEST_MD5, NULL, DIGEST_OF_PARTS },
        { DIGEST_XXHASH64, NULL, DIGEST_OF_PARTS },     { DIGEST_XXHASH3, "COMPOSITE", DIGEST_OF_PARTS },
        { DIGEST_XXHASH128, NULL, DIGEST_OF_PARTS },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        slice name = digest_name(rows[i].kind);
        const char *header = text(f, "x-amz-checksum-" SLICE_FMT, SLICE_ARG(name));
        const char *element = text(f, "CompleteMultipartUploadResult.Checksum" SLICE_FMT, SLICE_ARG(name));
        struct http_header headers[2] = { { S("x-amz-checksum-algorithm"), name },
                                          { S("x-amz-checksum-type"), slice_of(rows[i].type) } };
        const char *id = begin_with(f, &ana, "/photos/a", headers, rows[i].type ? 2 : 1);
        const char *named[2];
        for (int k = 0; k < 2; k++)
            named[k] = summed_part(f, &ana, id, k + 1, pieces[k], rows[i].kind);
        bool whole = rows[i].form == DIGEST_WHOLE;
        if (whole) { /* a part that declares no digest gets one all the same */
            struct fake_reply *r = part_reply(f, &ana, "/photos/a", id, 1, pieces[0]);
            EXPECT_SLICE(fake_reply_header(r, header), checksum(f, rows[i].kind, pieces[0]));
        }
        slice want =
            whole ? checksum(f, rows[i].kind, "hello, good day") : composite_checksum(f, rows[i].kind, pieces, 2);
        struct http_header wrong = { slice_of(header), checksum(f, rows[i].kind, "x") }, right = { wrong.name, want };
        const char *parts = text(f, "%s%s", named[0], named[1]);
        EXPECT_S3_ERROR(f, complete_with(f, &ana, "/photos/a", id, parts, (struct request_headers){ &wrong, 1 }), 400,
                        "BadDigest");
        struct fake_reply *r = complete_with(f, &ana, "/photos/a", id, parts, (struct request_headers){ &right, 1 });
        EXPECT_STATUS(r, 200);
        EXPECT_SLICE(s3_text(f, r, element), want);
        EXPECT_SLICE(s3_text(f, r, "CompleteMultipartUploadResult.ChecksumType"),
                     whole ? S("FULL_OBJECT") : S("COMPOSITE"));
        struct http_header mode = { S("x-amz-checksum-mode"), S("ENABLED") };
        r = ask(f, &ana, "HEAD", "/photos/a", S(""), (struct request_headers){ &mode, 1 });
        EXPECT_SLICE(fake_reply_header(r, header), want);
    }
}

TEST(attributes_show_an_object_without_its_bytes)
{
    S3_FIXTURE(f);
    struct http_header algorithm = { S("x-amz-checksum-algorithm"), S("CRC32") };
    const char *id = begin_with(f, &ana, "/photos/a", &algorithm, 1);
    const char *one = summed_part(f, &ana, id, 1, pieces[0], DIGEST_CRC32);
    const char *two = summed_part(f, &ana, id, 2, pieces[1], DIGEST_CRC32);
    struct fake_reply *r = complete(f, &ana, "/photos/a", id, text(f, "%s%s", one, two));
    EXPECT_STATUS(r, 200);
    struct http_header all = { S("x-amz-object-attributes"), S("ETag, Checksum,ObjectParts,StorageClass,ObjectSize") };
    r = ask(f, &ana, "GET", "/photos/a?attributes", S(""), (struct request_headers){ &all, 1 });
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "Last-Modified"), S("Sat, 21 Nov 2026 14:04:09 GMT"));
    EXPECT_SLICE(arena_printf(f->a, "\"" SLICE_FMT "\"", SLICE_ARG(s3_text(f, r, "GetObjectAttributesResponse.ETag"))),
                 composite(f, pieces, 2));
    EXPECT_SLICE(s3_text(f, r, "GetObjectAttributesResponse.Checksum.ChecksumCRC32"),
                 composite_checksum(f, DIGEST_CRC32, pieces, 2));
    EXPECT_SLICE(s3_text(f, r, "GetObjectAttributesResponse.Checksum.ChecksumType"), S("COMPOSITE"));
    EXPECT_SLICE(s3_text(f, r, "GetObjectAttributesResponse.ObjectParts.PartsCount"), S("2"));
    EXPECT_SLICE(s3_text(f, r, "GetObjectAttributesResponse.StorageClass"), S("STANDARD"));
    EXPECT_SLICE(s3_text(f, r, "GetObjectAttributesResponse.ObjectSize"), S("15"));
    struct http_header size = { all.name, S("ObjectSize") }, wrong = { all.name, S("ETag,Colour") };
    s3_put_object(f, &ana, "/photos/b", "hello");
    r = ask(f, &ana, "GET", "/photos/b?attributes", S(""), (struct request_headers){ &size, 1 });
    EXPECT_SLICE(s3_text(f, r, "GetObjectAttributesResponse.ObjectSize"), S("5"));
    EXPECT(!s3_at(f, r, "GetObjectAttributesResponse.ETag"));
    EXPECT_S3_ERROR(f, ask(f, &ana, "GET", "/photos/a?attributes", S(""), (struct request_headers){ &wrong, 1 }), 400,
                    "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos/a?attributes", ""), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, ask(f, &ana, "GET", "/photos/none?attributes", S(""), (struct request_headers){ &all, 1 }), 404,
                    "NoSuchKey");
    EXPECT_S3_ERROR(f,
                    ask(f, &ana, "GET", "/photos/a?attributes&versionId=7", S(""), (struct request_headers){ &all, 1 }),
                    404, "NoSuchVersion");
}

#define OF_PARTS "GetObjectAttributesResponse.ObjectParts"

TEST(parts_with_checksums_are_listed_in_pages_and_sent_with_them)
{
    S3_FIXTURE(f);
    struct http_header algorithm = { S("x-amz-checksum-algorithm"), S("SHA256") };
    const char *id = begin_with(f, &ana, "/photos/a", &algorithm, 1);
    const char *one = summed_part(f, &ana, id, 1, pieces[0], DIGEST_SHA256);
    const char *two = summed_part(f, &ana, id, 2, pieces[1], DIGEST_SHA256);
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, text(f, "%s%s", one, two)), 200);
    struct http_header page[] = { { S("x-amz-object-attributes"), S("ObjectParts") },
                                  { S("x-amz-max-parts"), S("1") },
                                  { S("x-amz-part-number-marker"), S("1") } };
    struct fake_reply *r = ask(f, &ana, "GET", "/photos/a?attributes", S(""), (struct request_headers){ page, 2 });
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".PartsCount"), S("2"));
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".PartNumberMarker"), S("0"));
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".NextPartNumberMarker"), S("1"));
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".MaxParts"), S("1"));
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".IsTruncated"), S("true"));
    EXPECT_EQ(s3_count(f, r, OF_PARTS, "Part"), 1);
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".Part.PartNumber"), S("1"));
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".Part.Size"), S("12"));
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".Part.ChecksumSHA256"), checksum(f, DIGEST_SHA256, pieces[0]));
    r = ask(f, &ana, "GET", "/photos/a?attributes", S(""), (struct request_headers){ page, 3 });
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".IsTruncated"), S("false"));
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".Part.PartNumber"), S("2"));
    page[1].value = S("x");
    EXPECT_S3_ERROR(f, ask(f, &ana, "GET", "/photos/a?attributes", S(""), (struct request_headers){ page, 2 }), 400,
                    "InvalidArgument");
    struct http_header mode = { S("x-amz-checksum-mode"), S("ENABLED") };
    r = ask(f, &ana, "GET", "/photos/a?partNumber=2", S(""), (struct request_headers){ &mode, 1 });
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-sha256"), checksum(f, DIGEST_SHA256, pieces[1]));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-type"), S("COMPOSITE"));
    /* parts without checksums are counted, and not listed */
    id = begin(f, &ana, "/photos/b");
    slice plain = part(f, &ana, "/photos/b", id, 1, "hello");
    EXPECT_STATUS(complete(f, &ana, "/photos/b", id, PART(1, plain)), 200);
    r = ask(f, &ana, "GET", "/photos/b?attributes", S(""), (struct request_headers){ page, 1 });
    EXPECT_SLICE(s3_text(f, r, OF_PARTS ".PartsCount"), S("1"));
    EXPECT(!s3_at(f, r, OF_PARTS ".IsTruncated") && !s3_at(f, r, OF_PARTS ".Part"));
}

/* As S3 does since December 2024; ListParts does not show what nobody asked for. */
TEST(an_upload_without_an_algorithm_made_an_object_without_a_checksum)
{
    S3_FIXTURE(f);
    struct http_header mode = { S("x-amz-checksum-mode"), S("ENABLED") };
    slice whole = checksum(f, DIGEST_CRC64NVME, "hello, good day"), wrong = checksum(f, DIGEST_CRC64NVME, "x");
    const struct http_header declared = { S("x-amz-checksum-crc64nvme"), whole },
                             other = { S("x-amz-checksum-crc64nvme"), wrong },
                             type = { S("x-amz-checksum-type"), S("FULL_OBJECT") };
    for (int variant = 0; variant < 4; variant++) {
        const char *id = begin(f, &ana, "/photos/a");
        struct fake_reply *r = part_reply(f, &ana, "/photos/a", id, 1, pieces[0]);
        EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-crc64nvme"), checksum(f, DIGEST_CRC64NVME, pieces[0]));
        const char *one = PART(1, fake_reply_header(r, "ETag"));
        if (variant == 1) /* what the reply said */
            one = text(f,
                       "<Part><PartNumber>1</PartNumber><ETag>" SLICE_FMT "</ETag><ChecksumCRC64NVME>" SLICE_FMT
                       "</ChecksumCRC64NVME></Part>",
                       SLICE_ARG(fake_reply_header(r, "ETag")), SLICE_ARG(checksum(f, DIGEST_CRC64NVME, pieces[0])));
        /* a part with another checksum, as the SDKs of 2025 send it, takes part all the same */
        const char *two = variant == 2 ? summed_part(f, &ana, id, 2, pieces[1], DIGEST_CRC32)
                                       : PART(2, part(f, &ana, "/photos/a", id, 2, pieces[1]));
        r = s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s", id), "");
        EXPECT(!s3_at(f, r, "ListPartsResult.Part.ChecksumCRC64NVME"));
        const char *parts = text(f, "%s%s", one, two);
        EXPECT_S3_ERROR(f, complete_with(f, &ana, "/photos/a", id, parts, (struct request_headers){ &other, 1 }), 400,
                        "BadDigest");
        const struct http_header both[] = { declared, type };
        r = complete_with(f, &ana, "/photos/a", id, parts, (struct request_headers){ both, variant == 3 ? 2 : 0 });
        EXPECT_STATUS(r, 200);
        EXPECT_SLICE(s3_text(f, r, "CompleteMultipartUploadResult.ChecksumCRC64NVME"), whole);
        EXPECT_SLICE(s3_text(f, r, "CompleteMultipartUploadResult.ChecksumType"), S("FULL_OBJECT"));
        r = ask(f, &ana, "HEAD", "/photos/a", S(""), (struct request_headers){ &mode, 1 });
        EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-crc64nvme"), whole);
        EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-type"), S("FULL_OBJECT"));
    }
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

/* Programs that download by parts read 1 to x-amz-mp-parts-count. */
TEST(parts_of_an_object_count_from_1_whatever_numbers_they_had)
{
    S3_FIXTURE(f);
    struct http_header algorithm = { S("x-amz-checksum-algorithm"), S("CRC32C") };
    const char *id = begin_with(f, &ana, "/photos/a", &algorithm, 1);
    const char *two = summed_part(f, &ana, id, 2, "one, one, one", DIGEST_CRC32C);
    const char *three = summed_part(f, &ana, id, 3, "two, two, two", DIGEST_CRC32C);
    summed_part(f, &ana, id, 7, "never named", DIGEST_CRC32C);
    const char *last = summed_part(f, &ana, id, 10000, "three", DIGEST_CRC32C);
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, text(f, "%s%s%s", two, three, last)), 200);
    struct http_header page[] = { { S("x-amz-object-attributes"), S("ObjectParts") },
                                  { S("x-amz-max-parts"), S("1") },
                                  { S("x-amz-part-number-marker"), S("0") },
                                  { S("x-amz-checksum-mode"), S("ENABLED") } };
    static const char *const rows[][5] = { { "0", "1", "one, one, one", "1", "true" },
                                           { "1", "2", "two, two, two", "2", "true" },
                                           { "2", "3", "three", "3", "false" },
                                           { "3", NULL, NULL, "3", "false" } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        page[2].value = slice_of(rows[i][0]);
        struct fake_reply *r = ask(f, &ana, "GET", "/photos/a?attributes", S(""), (struct request_headers){ page, 3 });
        EXPECT_SLICE(s3_text(f, r, OF_PARTS ".PartsCount"), S("3"));
        EXPECT_SLICE(s3_text(f, r, OF_PARTS ".NextPartNumberMarker"), slice_of(rows[i][3]));
        EXPECT_SLICE(s3_text(f, r, OF_PARTS ".IsTruncated"), slice_of(rows[i][4]));
        EXPECT_EQ(s3_count(f, r, OF_PARTS, "Part"), rows[i][1] ? 1 : 0);
        if (!rows[i][1])
            continue;
        EXPECT_SLICE(s3_text(f, r, OF_PARTS ".Part.PartNumber"), slice_of(rows[i][1]));
        EXPECT_SLICE(s3_text(f, r, OF_PARTS ".Part.ChecksumCRC32C"), checksum(f, DIGEST_CRC32C, rows[i][2]));
        r = ask(f, &ana, "GET", text(f, "/photos/a?partNumber=%s", rows[i][1]), S(""),
                (struct request_headers){ page + 3, 1 });
        EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-crc32c"), checksum(f, DIGEST_CRC32C, rows[i][2]));
        EXPECT_SLICE(fake_reply_header(r, "x-amz-mp-parts-count"), S("3"));
    }
    EXPECT_EQ(s3_send(f, &ana, "GET", "/photos/a?partNumber=10000", "")->status, 416);
}

TEST(an_upload_of_composite_checksums_needs_that_of_each_part)
{
    S3_FIXTURE(f);
    struct http_header algorithm = { S("x-amz-checksum-algorithm"), S("SHA1") };
    const char *id = begin_with(f, &ana, "/photos/a", &algorithm, 1);
    EXPECT_S3_ERROR(f, part_reply(f, &ana, "/photos/a", id, 1, "hello"), 400, "InvalidRequest");
    const char *named = summed_part(f, &ana, id, 1, "hello", DIGEST_SHA1);
    struct fake_reply *r = complete(f, &ana, "/photos/a", id, PART(1, s3_etag_of(f, "hello")));
    EXPECT_S3_ERROR(f, r, 400, "InvalidRequest");
    EXPECT_SLICE(
        s3_text(f, r, "Error.Message"),
        S("The upload was created using a SHA1 checksum. The complete request must include the checksum for each "
          "part. It was missing for part 1 in the request."));
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, named), 200);
}

TEST(impossible_checksum_types_are_refused_at_creation)
{
    S3_FIXTURE(f);
    static const struct {
        struct http_header headers[2];
        size_t count;
    } rows[] = {
        { { { { "x-amz-checksum-algorithm", 24 }, { "MD4", 3 } } }, 1 },
        { { { { "x-amz-checksum-type", 19 }, { "COMPOSITE", 9 } } }, 1 },
        { { { { "x-amz-checksum-algorithm", 24 }, { "SHA1", 4 } },
            { { "x-amz-checksum-type", 19 }, { "FULL_OBJECT", 11 } } },
          2 },
        { { { { "x-amz-checksum-algorithm", 24 }, { "CRC64NVME", 9 } },
            { { "x-amz-checksum-type", 19 }, { "COMPOSITE", 9 } } },
          2 },
        { { { { "x-amz-checksum-algorithm", 24 }, { "CRC32", 5 } }, { { "x-amz-checksum-type", 19 }, { "HALF", 4 } } },
          2 },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f,
                        ask(f, &ana, "POST", "/photos/a?uploads", S(""),
                            (struct request_headers){ rows[i].headers, rows[i].count }),
                        400, "InvalidRequest");
}

TEST(a_part_with_a_wrong_digest_is_not_stored)
{
    S3_FIXTURE(f);
    struct http_header algorithm[] = { { S("x-amz-checksum-algorithm"), S("CRC32") },
                                       { S("x-amz-checksum-type"), S("FULL_OBJECT") } };
    const char *id = begin_with(f, &ana, "/photos/a", algorithm, 2);
    const char *target = text(f, "/photos/a?partNumber=1&uploadId=%s", id);
    struct http_header bad[] = { { S("Content-MD5"), S("1B2M2Y8AsgTpgAmY7PhCfg==") },
                                 { S("x-amz-checksum-crc32"), S("AAAAAA==") } };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_S3_ERROR(f, ask(f, &ana, "PUT", target, S("hello"), (struct request_headers){ &bad[i], 1 }), 400,
                        "BadDigest");
    struct http_header other = { S("x-amz-checksum-sha1"), checksum(f, DIGEST_SHA1, "hello") };
    EXPECT_S3_ERROR(f, ask(f, &ana, "PUT", target, S("hello"), (struct request_headers){ &other, 1 }), 400,
                    "InvalidRequest");
    EXPECT_EQ(s3_count(f, s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s", id), ""), "ListPartsResult", "Part"),
              0);
}

TEST(a_part_may_be_chunked_with_a_checksum_trailer)
{
    S3_FIXTURE(f);
    struct http_header algorithm = { S("x-amz-checksum-algorithm"), S("CRC32") };
    const char *id = begin_with(f, &ana, "/photos/a", &algorithm, 1);
    struct http_header headers[] = { { S("x-amz-content-sha256"), S("STREAMING-UNSIGNED-PAYLOAD-TRAILER") },
                                     { S("x-amz-decoded-content-length"), S("5") },
                                     { S("x-amz-trailer"), S("x-amz-checksum-crc32") },
                                     { S("Content-Encoding"), S("aws-chunked") } };
    const char *target = text(f, "/photos/a?partNumber=1&uploadId=%s", id);
    slice wrong = S("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    slice right = S("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    EXPECT_S3_ERROR(f, ask(f, &ana, "PUT", target, wrong, (struct request_headers){ headers, LENGTH_OF(headers) }), 400,
                    "BadDigest");
    struct fake_reply *r = ask(f, &ana, "PUT", target, right, (struct request_headers){ headers, LENGTH_OF(headers) });
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(fake_reply_header(r, "x-amz-checksum-crc32"), S("NhCmhg=="));
    EXPECT_STATUS(complete(f, &ana, "/photos/a", id, summed_part(f, &ana, id, 1, "hello", DIGEST_CRC32)), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/a"), S("hello"));
}

TEST(a_truncated_part_is_not_stored)
{
    S3_FIXTURE(f);
    const char *id = begin(f, &ana, "/photos/a");
    slice target = arena_printf(f->a, "/photos/a?partNumber=1&uploadId=%s", id);
    static const size_t sizes[] = { 5, 100000 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        EXPECT_S3_ERROR(
            f,
            s3_send_request(f, &ana,
                            &(struct fake_request){
                                .method = "PUT", .target = target, .body = world_bytes(f->w, sizes[i]), .cut = true }),
            400, "IncompleteBody");
    EXPECT_EQ(s3_count(f, s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s", id), ""), "ListPartsResult", "Part"),
              0);
    EXPECT_EQ(world_blob_count(f->w), 0);
}

/* ---- parts from other objects ---- */

static struct fake_reply *copy_part(struct s3_fixture *f, const struct s3_user *p, const char *id, const char *source,
                                    const struct http_header *more, size_t count)
{
    struct http_header headers[4] = { { S("x-amz-copy-source"), slice_of(source) } };
    for (size_t i = 0; i < count; i++)
        headers[1 + i] = more[i];
    return ask(f, p, "PUT", text(f, "/photos/copy?partNumber=1&uploadId=%s", id), S(""),
               (struct request_headers){ headers, 1 + count });
}

TEST(a_part_may_be_a_range_of_another_object)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/source", "0123456789");
    slice large = world_bytes(f->w, 300000);
    EXPECT_STATUS(ask(f, &ana, "PUT", "/photos/large", large, NO_HEADERS), 200);
    const char *id = begin(f, &ana, "/photos/copy");
    struct http_header range = { S("x-amz-copy-source-range"), S("bytes=2-9") };
    struct fake_reply *r = copy_part(f, &ana, id, "/photos/source", &range, 1);
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(s3_text(f, r, "CopyPartResult.ETag"), s3_etag_of(f, "23456789"));
    EXPECT(s3_at(f, r, "CopyPartResult.LastModified"));
    EXPECT_STATUS(complete(f, &ana, "/photos/copy", id, PART(1, s3_etag_of(f, "23456789"))), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/copy"), S("23456789"));
    id = begin(f, &ana, "/photos/copy");
    range.value = S("bytes=1-250000");
    r = copy_part(f, &ana, id, "photos/large?versionId=null", &range, 1);
    EXPECT_STATUS(r, 200);
    EXPECT_STATUS(complete(f, &ana, "/photos/copy", id, PART(1, s3_text(f, r, "CopyPartResult.ETag"))), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/copy"), slice_part(large, 1, 250000));
    id = begin(f, &ana, "/photos/again");
    r = ask(f, &ana, "PUT", text(f, "/photos/again?partNumber=1&uploadId=%s", id), S(""),
            (struct request_headers){ &(struct http_header){ S("x-amz-copy-source"), S("/photos/copy") }, 1 });
    EXPECT_STATUS(r, 200); /* the source is a composite object itself */
    EXPECT_STATUS(complete(f, &ana, "/photos/again", id, PART(1, s3_text(f, r, "CopyPartResult.ETag"))), 200);
    EXPECT_SLICE(get(f, &ana, "/photos/again"), slice_part(large, 1, 250000));
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

TEST(ghsa_mx42_a_part_copy_needs_the_right_to_read_its_source)
{
    /* GHSA-mx42-j6wv-px98 */
    S3_FIXTURE(f);
    struct account account;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("others"), f->a, &account));
    struct s3_user otto = s3_user_of(f, "others", "otto");
    EXPECT_STATUS(s3_send(f, &otto, "PUT", "/secret", ""), 200);
    s3_put_object(f, &otto, "/secret/a", "hush");
    const char *id = begin(f, &ana, "/photos/copy");
    EXPECT_S3_ERROR(f, copy_part(f, &ana, id, "/secret/a", NULL, 0), 403, "AccessDenied");
    EXPECT_S3_ERROR(f, copy_part(f, &ana, id, "/none/a", NULL, 0), 404, "NoSuchBucket");
    EXPECT_S3_ERROR(f, copy_part(f, &ana, id, "/photos/none", NULL, 0), 404, "NoSuchKey");
    EXPECT_S3_ERROR(f, copy_part(f, &ana, id, "nothing", NULL, 0), 400, "InvalidArgument");
    EXPECT_EQ(
        s3_count(f, s3_send(f, &ana, "GET", text(f, "/photos/copy?uploadId=%s", id), ""), "ListPartsResult", "Part"),
        0);
}

TEST(a_part_copy_obeys_its_range_and_conditions)
{
    S3_FIXTURE(f);
    s3_put_object(f, &ana, "/photos/source", "0123456789");
    const char *id = begin(f, &ana, "/photos/copy");
    static const struct {
        const char *range;
        int status;
        const char *code;
    } rows[] = {
        { "0-2", 400, "InvalidArgument" },       { "bytes=0", 400, "InvalidArgument" },
        { "bytes=-2", 400, "InvalidArgument" },  { "bytes=2-", 400, "InvalidArgument" },
        { "bytes=3-2", 400, "InvalidArgument" }, { "bytes=0-1,3-4", 400, "InvalidArgument" },
        { "bytes=0-10", 416, "InvalidRange" },   { "bytes=10-11", 416, "InvalidRange" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_S3_ERROR(f,
                        copy_part(f, &ana, id, "/photos/source",
                                  &(struct http_header){ S("x-amz-copy-source-range"), slice_of(rows[i].range) }, 1),
                        rows[i].status, rows[i].code);
    const struct {
        const char *name;
        slice value;
        int status;
    } conditions[] = {
        { "x-amz-copy-source-if-match", s3_etag_of(f, "0123456789"), 200 },
        { "x-amz-copy-source-if-match", s3_etag_of(f, "x"), 412 },
        { "x-amz-copy-source-if-none-match", s3_etag_of(f, "x"), 200 },
        { "x-amz-copy-source-if-none-match", s3_etag_of(f, "0123456789"), 412 },
        { "x-amz-copy-source-if-modified-since", S("Sat, 21 Nov 2026 14:04:08 GMT"), 200 },
        { "x-amz-copy-source-if-modified-since", S("Sat, 21 Nov 2026 14:04:09 GMT"), 412 },
        { "x-amz-copy-source-if-unmodified-since", S("Sat, 21 Nov 2026 14:04:09 GMT"), 200 },
        { "x-amz-copy-source-if-unmodified-since", S("Sat, 21 Nov 2026 14:04:08 GMT"), 412 },
        { "x-amz-copy-source-if-unmodified-since", S("Saturday, 21-Nov-26 14:04:08 GMT"), 412 },
        { "x-amz-copy-source-if-unmodified-since", S("Sat Nov 21 14:04:08 2026"), 412 },
        { "x-amz-copy-source-if-unmodified-since", S("Thu, 01 Jan 1970 00:00:00 GMT"), 412 },
        { "x-amz-copy-source-if-unmodified-since", S("yesterday"), 400 },
        { "x-amz-copy-source-if-modified-since", S("2026-11-21"), 400 },
        { "x-amz-copy-source-if-modified-since", S(""), 400 },
    };
    for (size_t i = 0; i < LENGTH_OF(conditions); i++)
        EXPECT_STATUS(copy_part(f, &ana, id, "/photos/source",
                                &(struct http_header){ slice_of(conditions[i].name), conditions[i].value }, 1),
                      conditions[i].status);
    EXPECT_S3_ERROR(f, copy_part(f, &ana, "none", "/photos/source", NULL, 0), 404, "NoSuchUpload");
}

/* ---- listings ---- */

TEST(parts_are_listed_in_pages)
{
    S3_FIXTURE(f);
    struct http_header algorithm = { S("x-amz-checksum-algorithm"), S("CRC32") };
    const char *id = begin_with(f, &ana, "/photos/a", &algorithm, 1);
    static const int numbers[] = { 7, 1, 3 };
    for (size_t i = 0; i < LENGTH_OF(numbers); i++)
        summed_part(f, &ana, id, numbers[i], text(f, "part %d", numbers[i]), DIGEST_CRC32);
    struct fake_reply *r = s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s&max-parts=2", id), "");
    EXPECT_STATUS(r, 200);
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.Bucket"), S("photos"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.Key"), S("a"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.UploadId"), slice_of(id));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.MaxParts"), S("2"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.IsTruncated"), S("true"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.NextPartNumberMarker"), S("3"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.ChecksumType"), S("COMPOSITE"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.Part.PartNumber"), S("1"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.Part.ETag"), s3_etag_of(f, "part 1"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.Part.Size"), S("6"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.Part.ChecksumCRC32"), checksum(f, DIGEST_CRC32, "part 1"));
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.Part#1.PartNumber"), S("3"));
    r = s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s&part-number-marker=3", id), "");
    EXPECT_EQ(s3_count(f, r, "ListPartsResult", "Part"), 1);
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.IsTruncated"), S("false"));
    r = s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s&max-parts=0", id), "");
    EXPECT_SLICE(s3_text(f, r, "ListPartsResult.IsTruncated"), S("false"));
    EXPECT_EQ(s3_count(f, r, "ListPartsResult", "Part"), 0);
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s&part-number-marker=x", id), ""), 400,
                    "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", text(f, "/photos/a?uploadId=%s&max-parts=x", id), ""), 400,
                    "InvalidArgument");
}

/* What a listing shows, as "a b | c/": keys, then common prefixes. */
static slice shown(struct s3_fixture *f, const struct fake_reply *r)
{
    struct buf b;
    buf_init(&b, 0);
    const struct xml *root;
    EXPECT_STATUS(r, 200);
    EXPECT_OK(xml_parse(r->body, f->a, &root));
    for (int prefixes = 0; prefixes < 2; prefixes++) {
        buf_add(&b, prefixes ? S("|") : S(""));
        XML_EACH(x, root, prefixes ? "CommonPrefixes" : "Upload")
        {
            buf_add(&b, xml_child_text(x, prefixes ? "Prefix" : "Key"));
            buf_add_byte(&b, ' ');
        }
    }
    slice all = arena_copy(f->a, buf_slice(&b));
    buf_release(&b);
    return all;
}

static slice walk_uploads(struct s3_fixture *f, const struct s3_user *p, const char *target, int max)
{
    slice all = S(""), key = S(""), id = S("");
    for (int page = 0; page < 20; page++) {
        struct fake_reply *r = s3_send(f, p, "GET",
                                       text(f, "%s&max-uploads=%d&key-marker=" SLICE_FMT "&upload-id-marker=" SLICE_FMT,
                                            target, max, SLICE_ARG(percent_encode(f->a, key, "/")), SLICE_ARG(id)),
                                       "");
        slice parts[] = { all, shown(f, r) };
        all = arena_join(f->a, parts, 2);
        if (slice_eq(s3_text(f, r, "ListMultipartUploadsResult.IsTruncated"), S("false")))
            return all;
        key = s3_text(f, r, "ListMultipartUploadsResult.NextKeyMarker");
        id = s3_text(f, r, "ListMultipartUploadsResult.NextUploadIdMarker");
    }
    fail_msg("no end");
    return all;
}

TEST(uploads_are_listed_by_key_and_age_in_pages)
{
    S3_FIXTURE(f);
    static const char *const keys[] = { "e", "b/2", "a", "b/1", "c/%F4%8F%BF%BFx", "b/1", "c/d" };
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        begin(f, &ana, text(f, "/photos/%s", keys[i]));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads", 1000), S("a b/1 b/1 b/2 c/d c/\xf4\x8f\xbf\xbfx e |"));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads", 1), S("a |b/1 |b/1 |b/2 |c/d |c/\xf4\x8f\xbf\xbfx |e |"));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads&prefix=b/", 2), S("b/1 b/1 |b/2 |"));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads&delimiter=/", 1000), S("a e |b/ c/ "));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads&delimiter=/", 1), S("a ||b/ |c/ e |"));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads&delimiter=/&prefix=c", 1), S("|c/ "));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads&delimiter=/&prefix=b/", 2), S("b/1 b/1 |b/2 |"));
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads", 0), S("|"));
    struct fake_reply *r =
        s3_send(f, &ana, "GET", "/photos?uploads&encoding-type=url&delimiter=/&prefix=b&max-uploads=9", "");
    EXPECT_SLICE(s3_text(f, r, "ListMultipartUploadsResult.MaxUploads"), S("9"));
    EXPECT_SLICE(s3_text(f, r, "ListMultipartUploadsResult.EncodingType"), S("url"));
    EXPECT_SLICE(s3_text(f, r, "ListMultipartUploadsResult.Prefix"), S("b"));
    r = s3_send(f, &ana, "GET", "/photos?uploads&prefix=a", "");
    EXPECT_SLICE(s3_text(f, r, "ListMultipartUploadsResult.Upload.Initiator.DisplayName"), S("ana"));
    EXPECT_SLICE(s3_text(f, r, "ListMultipartUploadsResult.Upload.Initiated"), S("2026-11-21T14:04:09.000Z"));
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/photos?uploads&max-uploads=x", ""), 400, "InvalidArgument");
    EXPECT_S3_ERROR(f, s3_send(f, &ana, "GET", "/none?uploads", ""), 404, "NoSuchBucket");
}

TEST(many_uploads_with_one_prefix_are_one_common_prefix)
{
    S3_FIXTURE(f);
    for (int i = 0; i < 250; i++)
        begin(f, &ana, text(f, "/photos/b/%03d", i));
    begin(f, &ana, "/photos/c");
    EXPECT_SLICE(walk_uploads(f, &ana, "/photos?uploads&delimiter=/", 1), S("|b/ c |"));
    EXPECT_EQ(s3_count(f, s3_send(f, &ana, "GET", "/photos?uploads", ""), "ListMultipartUploadsResult", "Upload"), 251);
}

/* ---- failing stores ---- */

static struct fake_reply *send_with_retry(struct s3_fixture *f, const struct s3_user *p, const char *method,
                                          const char *target, slice body, const struct http_header *header)
{
    struct fake_reply *r = ask(f, p, method, target, body, (struct request_headers){ header, header != NULL });
    if (r->status == 200)
        return r;
    EXPECT_S3_ERROR(f, r, 503, "ServiceUnavailable"); /* only one store call fails, so one retry is enough */
    r = ask(f, p, method, target, body, (struct request_headers){ header, header != NULL });
    EXPECT_STATUS(r, 200);
    return r;
}

/* One upload, from its creation to its object, in which the nth store call fails and the client retries the request.
 * Returns whether there were that many calls. */
static bool upload_under_fault(int n, bool answer_lost)
{
    S3_FIXTURE(f);
    slice large = world_bytes(f->w, 20000);
    s3_put_object(f, &ana, "/photos/source", "0123456789");
    struct http_header source = { S("x-amz-copy-source"), S("photos/source") };
    f->w->faults =
        (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    struct fake_reply *r = send_with_retry(f, &ana, "POST", "/photos/a?uploads", S(""), NULL);
    slice id = s3_text(f, r, "InitiateMultipartUploadResult.UploadId");
    const char *target = text(f, "/photos/a?uploadId=" SLICE_FMT, SLICE_ARG(id));
    r = send_with_retry(f, &ana, "PUT", text(f, "%s&partNumber=1", target), large, NULL);
    slice one = fake_reply_header(r, "ETag");
    r = send_with_retry(f, &ana, "PUT", text(f, "%s&partNumber=2", target), S(""), &source);
    slice two = s3_text(f, r, "CopyPartResult.ETag");
    r = send_with_retry(f, &ana, "GET", target, S(""), NULL);
    EXPECT_EQ(s3_count(f, r, "ListPartsResult", "Part"), 2);
    send_with_retry(
        f, &ana, "POST", target,
        arena_printf(f->a, "<CompleteMultipartUpload>%s%s</CompleteMultipartUpload>", PART(1, one), PART(2, two)),
        NULL);
    bool over = f->w->faults.calls < n;
    f->w->faults = (struct fault_plan){ 0 };
    slice parts[] = { large, S("0123456789") };
    EXPECT_SLICE(get(f, &ana, "/photos/a"), arena_join(f->a, parts, 2));
    world_wait(
        f->w,
        hours(
            200)); /* a lost reply leaves an upload whose ID the client does not know, or a part that was sent twice */
    world_run_jobs(f->w);
    world_wait(f->w, hours(2));
    world_run_jobs(f->w);
    EXPECT_EQ(world_fsck(f->w, true), 0);
    EXPECT_EQ(world_blob_count(f->w), 1);
    return !over;
}

TEST(an_upload_can_be_retried_when_any_store_call_fails)
{
    for (int lost = 0; lost < 2; lost++)
        for (int n = 1; upload_under_fault(n, lost); n++)
            EXPECT(n < 200);
}

TEST(every_operation_is_unavailable_when_its_store_fails)
{
    static const struct {
        const char *method, *target, *body;
        int status;
    } rows[] = {
        { "GET", "/", "", 200 },
        { "PUT", "/new", "", 200 },
        { "HEAD", "/photos", "", 200 },
        { "GET", "/photos?location", "", 200 },
        { "GET", "/photos?versioning", "", 200 },
        { "GET", "/photos", "", 200 },
        { "GET", "/photos?list-type=2&delimiter=/", "", 200 },
        { "GET", "/photos?versions", "", 200 },
        { "GET", "/photos?uploads", "", 200 },
        { "GET", "/photos?acl", "", 200 },
        { "GET", "/photos/a?acl", "", 200 },
        { "GET", "/photos/a?tagging", "", 200 },
        { "PUT", "/photos/a?tagging", "<Tagging><TagSet/></Tagging>", 200 },
        { "DELETE", "/photos/a?tagging", "", 204 },
        { "PUT", "/photos?cors",
          "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
          "</CORSConfiguration>",
          200 },
        { "DELETE", "/photos?cors", "", 204 },
        { "POST", "/photos?delete", "<Delete><Object><Key>a</Key></Object></Delete>", 200 },
        { "DELETE", "/empty", "", 204 },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        for (int n = 1;; n++) {
            S3_FIXTURE(f);
            EXPECT_STATUS(s3_send(f, &ana, "PUT", "/empty", ""), 200);
            s3_put_object(f, &ana, "/photos/a", "hello");
            begin(f, &ana, "/photos/b");
            f->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
            struct fake_reply *r = s3_send(f, &ana, rows[i].method, rows[i].target, rows[i].body);
            bool over = f->w->faults.calls < n;
            f->w->faults = (struct fault_plan){ 0 };
            if (over)
                EXPECT_STATUS(r, rows[i].status);
            else if (r->status != rows[i].status) /* a request may succeed although a store call failed */
                EXPECT_STATUS(r, 503);
            EXPECT_EQ(world_fsck(f->w, true), 0);
            if (over)
                break;
            EXPECT(n < 50);
        }
}

RUN_TESTS(cmocka_unit_test(a_completed_object_has_the_headers_of_its_upload),
          cmocka_unit_test(parts_may_be_unordered_repeated_and_omitted),
          cmocka_unit_test(a_repeated_part_invalidates_the_first_etag),
          cmocka_unit_test(completing_an_upload_twice_gets_the_same_reply),
          cmocka_unit_test(the_previous_object_stays_until_the_upload_is_complete),
          cmocka_unit_test(an_aborted_or_expired_upload_does_not_exist), cmocka_unit_test(part_numbers_are_1_to_10000),
          cmocka_unit_test(an_invalid_list_of_parts_completes_nothing),
          cmocka_unit_test(an_object_has_at_most_10000_parts),
          cmocka_unit_test(a_thousand_parts_of_different_sizes_make_an_object),
          cmocka_unit_test(parts_and_objects_have_minimum_and_maximum_sizes),
          cmocka_unit_test(conditions_decide_whether_an_upload_completes),
          cmocka_unit_test(if_match_on_a_missing_object_is_no_such_key),
          cmocka_unit_test(the_declared_size_of_the_object_is_checked),
          cmocka_unit_test(checksums_of_parts_and_objects_are_stored),
          cmocka_unit_test(attributes_show_an_object_without_its_bytes),
          cmocka_unit_test(parts_with_checksums_are_listed_in_pages_and_sent_with_them),
          cmocka_unit_test(an_upload_without_an_algorithm_made_an_object_without_a_checksum),
          cmocka_unit_test(parts_of_an_object_count_from_1_whatever_numbers_they_had),
          cmocka_unit_test(an_upload_of_composite_checksums_needs_that_of_each_part),
          cmocka_unit_test(impossible_checksum_types_are_refused_at_creation),
          cmocka_unit_test(a_part_with_a_wrong_digest_is_not_stored),
          cmocka_unit_test(a_part_may_be_chunked_with_a_checksum_trailer),
          cmocka_unit_test(a_truncated_part_is_not_stored), cmocka_unit_test(a_part_may_be_a_range_of_another_object),
          cmocka_unit_test(ghsa_mx42_a_part_copy_needs_the_right_to_read_its_source),
          cmocka_unit_test(a_part_copy_obeys_its_range_and_conditions), cmocka_unit_test(parts_are_listed_in_pages),
          cmocka_unit_test(uploads_are_listed_by_key_and_age_in_pages),
          cmocka_unit_test(many_uploads_with_one_prefix_are_one_common_prefix),
          cmocka_unit_test(an_upload_can_be_retried_when_any_store_call_fails),
          cmocka_unit_test(every_operation_is_unavailable_when_its_store_fails))
