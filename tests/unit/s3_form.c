/* SPDX-License-Identifier: Apache-2.0 */
/* PostObject: every rule for forms and their policies, and the forms of tickets. */
#include "test.h"

#include "base/text.h"
#include "core/records/account.h"
#include "core/records/bucket.h"
#include "core/ticket/ticket.h"
#include "s3_fixture.h"
#include "sign/form_policy.h"

#include <stdio.h>
#include <string.h>

#define FIELDS_MAX 20

/* A form to be sent. sign_v4 and sign_v2 add the fields of its signature. */
struct test_form {
    struct sign_pair fields[FIELDS_MAX];
    size_t count;
    const char *filename; /* NULL: hello.txt */
    slice content;        /* .p NULL: "hello" */
    struct sign_pair after[3];
    bool no_file;
    const char *target; /* NULL: /photos */
    bool cut;
};

static void add(struct test_form *form, const char *name, slice value)
{
    EXPECT(form->count < FIELDS_MAX);
    form->fields[form->count++] = (struct sign_pair){ slice_of(name), value };
}

static void add_part(struct buf *b, slice name, slice value)
{
    buf_printf(b, "--b1\r\nContent-Disposition: form-data; name=\"" SLICE_FMT "\"\r\n\r\n", SLICE_ARG(name));
    buf_add(b, value);
    buf_add(b, S("\r\n"));
}

static struct fake_reply *send_form(struct s3_fixture *f, const struct test_form *form)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < form->count; i++)
        add_part(&b, form->fields[i].name, form->fields[i].value);
    if (!form->no_file) {
        buf_printf(&b, "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n",
                   form->filename ? form->filename : "hello.txt");
        buf_add(&b, S("Content-Type: text/evil\r\n\r\n"));
        buf_add(&b, form->content.p ? form->content : S("hello"));
        buf_add(&b, S("\r\n"));
    }
    for (size_t i = 0; i < LENGTH_OF(form->after) && form->after[i].name.n; i++)
        add_part(&b, form->after[i].name, form->after[i].value);
    buf_add(&b, S("--b1--\r\n"));
    struct fake_request r = { .method = "POST",
                              .target = slice_of(form->target ? form->target : "/photos"),
                              .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") } },
                              .body = buf_slice(&b),
                              .cut = form->cut,
                              .piece = 61 };
    if (form->cut)
        r.body.n -= 20;
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    buf_release(&b);
    return reply;
}

/* {"expiration": one hour from now, "conditions": [ … ]} in base64. */
static slice policy(struct s3_fixture *f, const char *conditions)
{
    slice until = time_format_utc(f->a, core_now_ms(&f->w->core) + hours(1));
    return base64_encode(f->a, arena_printf(f->a, "{\"expiration\":\"" SLICE_FMT "\",\"conditions\":[%s]}",
                                            SLICE_ARG(until), conditions));
}

static void sign_v4(struct s3_fixture *f, const struct s3_user *p, struct test_form *form, const char *conditions)
{
    int64_t now = core_now_ms(&f->w->core);
    struct sigv4_signer who = { p->access_key, p->secret, S("us-east-1") };
    slice all =
        arena_printf(f->a,
                     "%s,{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"},{\"x-amz-credential\":\"" SLICE_FMT
                     "\"},{\"x-amz-date\":\"" SLICE_FMT "\"}",
                     conditions, SLICE_ARG(sigv4_credential(f->a, &who, now)), SLICE_ARG(sigv4_timestamp(f->a, now)));
    slice text = policy(f, all.p);
    add(form, "Policy", text);
    add(form, "X-Amz-Algorithm", S("AWS4-HMAC-SHA256"));
    add(form, "X-Amz-Credential", sigv4_credential(f->a, &who, now));
    add(form, "X-Amz-Date", sigv4_timestamp(f->a, now));
    add(form, "X-Amz-Signature", policy_v4_sign(f->a, &who, text, now));
}

static void sign_v2(struct s3_fixture *f, const struct s3_user *p, struct test_form *form, const char *conditions)
{
    slice text = policy(f, conditions);
    add(form, "policy", text);
    add(form, "AWSAccessKeyId", p->access_key);
    add(form, "signature", policy_v2_sign(f->a, p->secret, text));
}

#define BASIC "{\"bucket\":\"photos\"},{\"key\":\"a.txt\"}"

/* A form for /photos/a.txt. */
static struct test_form basic(struct s3_fixture *f, const struct s3_user *p, const char *more_conditions)
{
    struct test_form form = { 0 };
    add(&form, "key", S("a.txt"));
    slice all = arena_printf(f->a, BASIC "%s%s", more_conditions[0] ? "," : "", more_conditions);
    sign_v4(f, p, &form, all.p);
    return form;
}

static struct fake_reply *get(struct s3_fixture *f, const struct s3_user *p, const char *path)
{
    return s3_send(f, p, "GET", path, "");
}

static void expect_absent(struct s3_fixture *f, const struct s3_user *p)
{
    EXPECT_STATUS(get(f, p, "/photos/a.txt"), 404);
    EXPECT_EQ(world_blob_count(f->w), 0);
}

/* ---- forms that are accepted ---- */

TEST(forms_of_both_versions_store_their_file)
{
    S3_FIXTURE(f);
    struct test_form v4 = basic(f, &ana, ""), v2 = { 0 };
    struct fake_reply *r = send_form(f, &v4);
    EXPECT_STATUS(r, 204);
    EXPECT_SLICE(fake_reply_header(r, "ETag"), s3_etag_of(f, "hello"));
    EXPECT_SLICE(fake_reply_header(r, "Location"), S("https://files.example.org/photos/a.txt"));
    EXPECT_SLICE(r->body, S(""));
    EXPECT_SLICE(get(f, &ana, "/photos/a.txt")->body, S("hello"));
    EXPECT_SLICE(get(f, &ana, "/photos/a.txt")->content_type,
                 S("binary/octet-stream")); /* the type of the file's own part is ignored */
    add(&v2, "key", S("a.txt"));
    sign_v2(f, &ana, &v2, BASIC);
    v2.content = S("world");
    EXPECT_STATUS(send_form(f, &v2), 204);
    EXPECT_SLICE(get(f, &ana, "/photos/a.txt")->body, S("world"));
    v2.target = "/photos/";
    EXPECT_STATUS(send_form(f, &v2), 204);
    v4.content = world_bytes(f->w, 100000);
    EXPECT_STATUS(send_form(f, &v4), 204);
    EXPECT_SLICE(get(f, &ana, "/photos/a.txt")->body, v4.content);
}

TEST(a_form_is_answered_with_the_status_that_it_asks_for)
{
    S3_FIXTURE(f);
    static const struct {
        const char *asked;
        int status;
    } rows[] = { { "200", 200 }, { "201", 201 }, { "204", 204 }, { "404", 204 }, { "x", 204 } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct test_form form = basic(f, &ana, "[\"starts-with\",\"$success_action_status\",\"\"]");
        add(&form, "success_action_status", slice_of(rows[i].asked));
        struct fake_reply *r = send_form(f, &form);
        EXPECT_STATUS(r, rows[i].status);
        EXPECT_SLICE(fake_reply_header(r, "ETag"), s3_etag_of(f, "hello"));
        if (r->status != 201)
            continue;
        EXPECT_SLICE(r->content_type, S("application/xml"));
        EXPECT_SLICE(s3_text(f, r, "PostResponse.Bucket"), S("photos"));
        EXPECT_SLICE(s3_text(f, r, "PostResponse.Key"), S("a.txt"));
        EXPECT_SLICE(s3_text(f, r, "PostResponse.ETag"), s3_etag_of(f, "hello"));
        EXPECT_SLICE(s3_text(f, r, "PostResponse.Location"), S("https://files.example.org/photos/a.txt"));
    }
}

TEST(a_form_redirects_a_browser)
{
    S3_FIXTURE(f);
    static const char *const rows[][2] = {
        { "https://app.example.org/done",
          "https://app.example.org/done?bucket=photos&key=a.txt&etag=%225d41402abc4b2a76b9719d911017c592%22" },
        { "http://x/?a=b#c", "http://x/?a=b&bucket=photos&key=a.txt&etag=%225d41402abc4b2a76b9719d911017c592%22#c" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct test_form form =
            basic(f, &ana, "[\"starts-with\",\"$success_action_redirect\",\"\"],{\"success_action_status\":201}");
        add(&form, "success_action_redirect", slice_of(rows[i][0]));
        add(&form, "success_action_status", S("201"));
        struct fake_reply *r = send_form(f, &form);
        EXPECT_STATUS(r, 303);
        EXPECT_SLICE(fake_reply_header(r, "Location"), slice_of(rows[i][1]));
    }
    static const char *const bad[] = { "javascript:alert(1)", "/relative", "https://a b",
                                       "https://x/\r\nSet-Cookie: y" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct test_form form = basic(f, &ana, "[\"starts-with\",\"$success_action_redirect\",\"\"]");
        add(&form, "success_action_redirect", slice_of(bad[i]));
        EXPECT_STATUS(send_form(f, &form), 204);
    }
}

TEST(the_filename_variable_is_replaced_in_fields)
{
    S3_FIXTURE(f);
    static const char *const names[][2] = { { "b.txt", "up/b.txt" },
                                            { "/home/ana/c.txt", "up/c.txt" },
                                            { "C:\\\\Users\\\\ana\\\\d.txt", "up/d.txt" },
                                            { "e\x01\x1b\x7f.txt", "up/e.txt" } };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct test_form form = { .filename = names[i][0] };
        add(&form, "key", S("up/${filename}"));
        sign_v4(f, &ana, &form, "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"up/\"]");
        struct fake_reply *r = send_form(f, &form);
        EXPECT_STATUS(r, 204);
        EXPECT_SLICE(fake_reply_header(r, "Location"),
                     arena_printf(f->a, "https://files.example.org/photos/%s", names[i][1]));
    }
    /* the policy is compared with the key after the replacement */
    struct test_form form = { .filename = "evil.txt" };
    add(&form, "key", S("${filename}"));
    sign_v4(f, &ana, &form, "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"up/\"]");
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
}

TEST(the_filename_variable_is_replaced_in_the_redirection_and_in_no_other_field)
{
    S3_FIXTURE(f);
    static const char *const redirections[] = { "success_action_redirect", "redirect" };
    for (size_t i = 0; i < LENGTH_OF(redirections); i++) {
        struct test_form form = basic(f, &ana, arena_printf(f->a, "[\"starts-with\",\"$%s\",\"\"]", redirections[i]).p);
        add(&form, redirections[i], S("https://app.example.org/${filename}"));
        struct fake_reply *r = send_form(f, &form);
        EXPECT_STATUS(r, 303);
        EXPECT(slice_starts(fake_reply_header(r, "Location"), S("https://app.example.org/hello.txt?")));
    }
    struct test_form form = basic(f, &ana, "[\"eq\",\"$x-amz-meta-name\",\"${filename}\"]");
    add(&form, "x-amz-meta-name", S("${filename}"));
    EXPECT_STATUS(send_form(f, &form), 204);
    EXPECT_SLICE(fake_reply_header(get(f, &ana, "/photos/a.txt"), "x-amz-meta-name"), S("${filename}"));
}

/* `times` copies of the variable. */
static slice variables(struct s3_fixture *f, size_t times)
{
    char *text = arena_alloc(f->a, times * 11 + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * 11, "${filename}", 11);
    return (slice){ text, times * 11 };
}

static const char *long_name(struct s3_fixture *f, size_t bytes, char c)
{
    return memset(arena_alloc(f->a, bytes + 1), c, bytes);
}

TEST(a_file_name_was_inserted_before_the_signature_was_checked)
{
    S3_FIXTURE(f);
    struct s3_user wrong = ana, unknown = ana;
    wrong.secret = S("not-her-secret");
    unknown.access_key = S("CAISNOBODY0000000000");
    const struct s3_user *const users[] = { &wrong, &unknown, NULL };
    for (size_t i = 0; i < LENGTH_OF(users); i++) {
        struct test_form form = { .filename = long_name(f, 8000, '\xff') };
        add(&form, "key", variables(f, 1700));
        if (users[i])
            sign_v4(f, users[i], &form, "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"\"]");
        struct fake_reply *r = send_form(f, &form);
        EXPECT_STATUS(r, 403);
        EXPECT(r->held_bytes < (size_t)256 << 10);
    }
    expect_absent(f, &ana);
}

TEST(a_file_name_made_the_fields_of_a_signed_form_larger_than_their_limit)
{
    S3_FIXTURE(f);
    static const struct {
        size_t times, bytes;
        const char *field, *code; /* NULL: the form is accepted */
    } rows[] = {
        { 1700, 8000, "key", "MaxPostPreDataLengthExceededError" },
        { 3, 7000, "key", "MaxPostPreDataLengthExceededError" },
        { 1, 7000, "key", "KeyTooLongError" },
        { 1, 1024, "key", NULL },
        { 1700, 8000, "success_action_redirect", "MaxPostPreDataLengthExceededError" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct test_form form = { .filename = long_name(f, rows[i].bytes, 'n') };
        bool is_key = strcmp(rows[i].field, "key") == 0;
        if (!is_key)
            add(&form, "key", S("a.txt"));
        add(&form, rows[i].field, variables(f, rows[i].times));
        sign_v4(f, &ana, &form,
                arena_printf(f->a,
                             "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"\"],"
                             "[\"starts-with\",\"$%s\",\"\"]",
                             rows[i].field)
                    .p);
        struct fake_reply *r = send_form(f, &form);
        if (rows[i].code)
            EXPECT_S3_ERROR(f, r, 400, rows[i].code);
        else
            EXPECT_STATUS(r, 204);
        EXPECT(r->held_bytes < (size_t)256 << 10);
    }
}

TEST(a_file_name_that_is_no_utf8_counts_with_the_bytes_that_it_is_converted_to)
{
    S3_FIXTURE(f);
    static const struct {
        size_t bytes; /* each of them becomes three */
        const char *code;
    } rows[] = { { 300, NULL }, { 400, "KeyTooLongError" }, { 7000, "MaxPostPreDataLengthExceededError" } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct test_form form = { .filename = long_name(f, rows[i].bytes, '\x80') };
        add(&form, "key", S("${filename}"));
        sign_v4(f, &ana, &form, "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"\"]");
        struct fake_reply *r = send_form(f, &form);
        if (rows[i].code)
            EXPECT_S3_ERROR(f, r, 400, rows[i].code);
        else
            EXPECT_STATUS(r, 204);
    }
}

TEST(fields_become_headers_metadata_tags_and_digests)
{
    S3_FIXTURE(f);
    const char *conditions =
        "{\"Content-Type\":\"text/x\"},{\"cache-control\":\"no-cache\"},{\"x-amz-meta-Color\":\"blue\"},"
        "[\"starts-with\",\"$tagging\",\"\"],[\"starts-with\",\"$x-amz-checksum-sha1\",\"\"],{\"acl\":\"private\"}";
    struct test_form form = basic(f, &ana, conditions);
    add(&form, "content-type", S("text/x"));
    add(&form, "Cache-Control", S("no-cache"));
    add(&form, "X-Amz-Meta-Color", S("blue"));
    add(&form, "tagging", S("<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"));
    add(&form, "x-amz-checksum-sha1", S("qvTGHdzF6KLavt4PO0gs2a6pQ00="));
    add(&form, "acl", S("private"));
    add(&form, "x-ignore-me", S("anything"));
    EXPECT_STATUS(send_form(f, &form), 204);
    struct fake_reply *r = get(f, &ana, "/photos/a.txt");
    EXPECT_SLICE(r->content_type, S("text/x"));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-cache"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-meta-color"), S("blue"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-tagging-count"), S("1"));
    form.content = S("hellO");
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "BadDigest");
    EXPECT_SLICE(get(f, &ana, "/photos/a.txt")->body, S("hello"));
}

TEST(parts_behind_the_file_are_ignored)
{
    S3_FIXTURE(f);
    struct test_form form = basic(f, &ana, "");
    form.after[0] = (struct sign_pair){ S("key"), S("evil") };
    form.after[1] = (struct sign_pair){ S("uncovered"), S("x") };
    form.after[2] = (struct sign_pair){ S("file"), S("another") };
    EXPECT_STATUS(send_form(f, &form), 204);
    EXPECT_SLICE(get(f, &ana, "/photos/a.txt")->body, S("hello"));
    EXPECT_STATUS(get(f, &ana, "/photos/evil"), 404);
}

/* ---- forms that are refused ---- */

TEST(minio_21656_conditions_must_hold_and_cover_every_field)
{
    S3_FIXTURE(f);
    static const struct {
        const char *conditions, *field, *value;
    } broken[] = { { "", "x-amz-meta-more", "1" },
                   { "", "Content-Type", "text/html" },
                   { "", "success_action_status", "201" },
                   { "{\"Content-Type\":\"image/png\"}", "Content-Type", "text/html" },
                   { "{\"Content-Type\":\"image/png\"}", NULL, NULL }, /* a condition names a field that is absent */
                   { "[\"starts-with\",\"$Content-Type\",\"image/\"]", "Content-Type", "text/html" },
                   { "[\"eq\",\"$x-amz-meta-a\",\"1\"]", "X-AMZ-META-A", "2" },
                   { "", "key", "other.txt" }, /* two fields named key */
                   { "", "bucket", "other" },
                   { "", "name", "x" } };
    for (size_t i = 0; i < LENGTH_OF(broken); i++) {
        struct test_form form = basic(f, &ana, broken[i].conditions);
        if (broken[i].field)
            add(&form, broken[i].field, slice_of(broken[i].value));
        EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
        expect_absent(f, &ana);
    }
    struct test_form other_key = basic(f, &ana, "");
    other_key.fields[0].value = S("b.txt");
    EXPECT_S3_ERROR(f, send_form(f, &other_key), 403, "AccessDenied");
    struct test_form no_bucket = { 0 };
    add(&no_bucket, "key", S("a.txt"));
    sign_v4(f, &ana, &no_bucket, "{\"key\":\"a.txt\"}");
    EXPECT_S3_ERROR(f, send_form(f, &no_bucket), 403, "AccessDenied");
}

TEST(a_length_range_limits_the_bytes_of_the_file)
{
    S3_FIXTURE(f);
    static const struct {
        const char *range;
        size_t bytes;
        const char *code;
    } rows[] = { { "5,5", 5, NULL },
                 { "0,5", 6, "EntityTooLarge" },
                 { "6,9", 5, "EntityTooSmall" },
                 { "1,9", 0, "EntityTooSmall" },
                 { "0,0", 0, NULL },
                 { "0,0", 1, "EntityTooLarge" },
                 { "0,100000", 100001, "EntityTooLarge" },
                 { "100000,200000", 100000, NULL },
                 { "100001,200000", 100000, "EntityTooSmall" } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct test_form form = basic(f, &ana, arena_printf(f->a, "[\"content-length-range\",%s]", rows[i].range).p);
        form.content = world_bytes(f->w, rows[i].bytes);
        struct fake_reply *r = send_form(f, &form);
        if (rows[i].code)
            EXPECT_S3_ERROR(f, r, 400, rows[i].code);
        else
            EXPECT_STATUS(r, 204);
        EXPECT_STATUS(get(f, &ana, "/photos/a.txt"), rows[i].code ? 404 : 200);
        s3_send(f, &ana, "DELETE", "/photos/a.txt", "");
    }
}

TEST(a_form_expires_exactly_at_its_expiry_time)
{
    S3_FIXTURE(f);
    struct test_form form = basic(f, &ana, "");
    world_wait(f->w, hours(1) - 1);
    EXPECT_STATUS(send_form(f, &form), 204);
    world_wait(f->w, 1);
    struct fake_reply *r = send_form(f, &form);
    EXPECT_S3_ERROR(f, r, 403, "AccessDenied");
    EXPECT(slice_find(s3_text(f, r, "Error.Message"), S("expired")) != SLICE_NONE);
    EXPECT_SLICE(s3_text(f, r, "Error.Expires"), s3_text(f, r, "Error.ServerTime"));
    world_wait(f->w, hours(5));
    EXPECT_SLICE(s3_text(f, send_form(f, &form), "Error.Expires"), S("2026-11-21T15:04:09Z"));
}

TEST(a_form_with_a_wrong_or_no_signature_is_refused)
{
    S3_FIXTURE(f);
    struct s3_user wrong = ana, unknown = ana;
    wrong.secret = S("not-her-secret");
    unknown.access_key = S("CAISNOBODY0000000000");
    struct test_form form = basic(f, &wrong, "");
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "SignatureDoesNotMatch");
    form = basic(f, &unknown, "");
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "InvalidAccessKeyId");
    form = basic(f, &ana, "");
    form.fields[1].value = policy(f, BASIC ",[\"starts-with\",\"$x-amz-meta-a\",\"\"]");
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "SignatureDoesNotMatch");
    form = (struct test_form){ 0 };
    add(&form, "key", S("a.txt"));
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
    struct test_form v2 = { 0 };
    add(&v2, "key", S("a.txt"));
    sign_v2(f, &wrong, &v2, BASIC);
    EXPECT_S3_ERROR(f, send_form(f, &v2), 403, "SignatureDoesNotMatch");
    struct account account;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("others"), f->a, &account));
    struct s3_user otto = s3_user_of(f, "others", "otto");
    form = basic(f, &otto, "");
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
    expect_absent(f, &ana);
}

TEST(an_incomplete_form_gets_an_error_that_names_the_missing_part)
{
    S3_FIXTURE(f);
    struct test_form form = basic(f, &ana, "");
    form.no_file = true;
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "InvalidArgument");
    form = (struct test_form){ 0 };
    sign_v4(f, &ana, &form, "{\"bucket\":\"photos\"}");
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "InvalidArgument");
    form = basic(f, &ana, "");
    form.target = "/nowhere";
    EXPECT_S3_ERROR(f, send_form(f, &form), 404, "NoSuchBucket");
    form = basic(f, &ana, "");
    form.cut = true;
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "IncompleteBody");
    form = basic(f, &ana, "");
    form.fields[0].name = S("x"); /* no key, although the policy requires one */
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "InvalidArgument");
    form = basic(f, &ana, "");
    form.fields[3].name = S("x");
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "InvalidArgument"); /* no credential */
    struct fake_request r = { .method = "POST", .target = S("/photos"), .body = S("a=b") };
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 412, "PreconditionFailed");
    r.headers[0] = (struct http_header){ S("Content-Type"), S("multipart/form-data; boundary=b1") };
    r.body = S("no multipart at all");
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "MalformedPOSTRequest");
    r.body = S("--b1\r\nContent-Disposition: form-data; name=key\r\n\r\na.txt"); /* no closing boundary */
    EXPECT_S3_ERROR(f, fake_http_send(&f->http, &r), 400, "MalformedPOSTRequest");
    expect_absent(f, &ana);
}

TEST(a_form_without_a_field_of_its_signature_is_told_which_one)
{
    S3_FIXTURE(f);
    static const char *const names[] = { "AWSAccessKeyId", "signature", "policy" };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct test_form form = { 0 };
        add(&form, "key", S("a.txt"));
        sign_v2(f, &ana, &form, BASIC);
        for (size_t k = 0; k < form.count; k++)
            if (slice_eq(form.fields[k].name, slice_of(names[i])))
                form.fields[k].name = S("x-ignore-this");
        struct fake_reply *r = send_form(f, &form);
        EXPECT_S3_ERROR(f, r, 400, "InvalidArgument");
        EXPECT_SLICE(s3_text(f, r, "Error.ArgumentName"), slice_of(names[i]));
    }
    expect_absent(f, &ana);
}

/* A policy that covers them does not make the server understand them. */
TEST(fields_that_ask_for_more_than_is_offered_were_passed_over)
{
    S3_FIXTURE(f);
    static const struct {
        const char *name, *code;
        int status;
    } rows[] = { { "x-amz-expected-bucket-owner", "NotImplemented", 501 },
                 { "If-None-Match", "NotImplemented", 501 },
                 { "x-amz-copy-source", "NotImplemented", 501 },
                 { "x-amz-anything-new", "NotImplemented", 501 },
                 { "x-amz-server-side-encryption", "NotImplemented", 501 },
                 { "x-amz-grant-read", "AccessControlListNotSupported", 400 },
                 { "X-Amz-Security-Token", "InvalidToken", 400 } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct test_form form = basic(f, &ana, arena_printf(f->a, "[\"starts-with\",\"$%s\",\"\"]", rows[i].name).p);
        add(&form, rows[i].name, S("*"));
        EXPECT_S3_ERROR(f, send_form(f, &form), rows[i].status, rows[i].code);
    }
    expect_absent(f, &ana);
}

TEST(the_size_of_the_fields_is_limited)
{
    S3_FIXTURE(f);
    struct test_form form = basic(f, &ana, "");
    add(&form, "x-ignore-a", world_bytes(f->w, 20480));
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "MaxPostPreDataLengthExceededError");
    form.fields[form.count - 1].value.n = 15000;
    EXPECT_STATUS(send_form(f, &form), 204);
}

TEST(a_malformed_policy_is_refused)
{
    S3_FIXTURE(f);
    static const char *const texts[] = {
        "", "x", "{}", "{\"expiration\":\"tomorrow\",\"conditions\":[]}",
        "{\"expiration\":\"2030-01-01T00:00:00Z\",\"conditions\":[[\"like\",\"$key\",\"a\"]]}"
    };
    for (size_t i = 0; i < LENGTH_OF(texts); i++) {
        struct test_form form = { 0 };
        slice text = base64_encode(f->a, slice_of(texts[i]));
        add(&form, "key", S("a.txt"));
        add(&form, "policy", text);
        add(&form, "AWSAccessKeyId", ana.access_key);
        add(&form, "signature", policy_v2_sign(f->a, ana.secret, text));
        EXPECT_S3_ERROR(f, send_form(f, &form), 400, "InvalidPolicyDocument");
    }
}

/* ---- tickets ---- */

struct tickets {
    struct s3_user server, ana;
    struct bucket bucket;
    slice key;
};

static const slice legacy[] = { { "policy", 6 },        { "signature", 9 },    { "AWSAccessKeyId", 14 },
                                { "content_type", 12 }, { "name", 4 },         { "filename", 8 },
                                { "acl", 3 },           { "Content-Type", 12 } };
static const struct form_exemption exemption = { { "runrunit", 8 }, legacy, LENGTH_OF(legacy) };

struct issued {
    struct s3_fixture *f;
    err_t e;
    slice key;
};

static void note_issued(void *arg, err_t e, const struct ticket_issued *t)
{
    struct issued *i = arg;
    i->e = err_copy(i->f->a, e);
    if (!e)
        i->key = arena_copy(i->f->a, t->ticket.key);
}

/* A ticket of ana for five bytes, and the key with which the server signs its form. */
static struct tickets issue(struct s3_fixture *f)
{
    struct tickets t = { .ana = s3_user(f, "bia") };
    struct issued issued = { .f = f };
    EXPECT_OK(bucket_ensure(&f->w->core, S("runrunit"), f->a, &t.bucket));
    EXPECT_OK(access_own_signing(&f->w->core, S3_PURPOSE, f->a, &t.server.access_key, &t.server.secret));
    struct ticket_request request = { .origin = S("test"),
                                      .name = S("nota.csv"),
                                      .content_type = S("text/csv"),
                                      .declared_bytes = 5,
                                      .bucket_id = t.bucket.id,
                                      .key_head = S("data/"),
                                      .key_tail = S("/nota.csv"),
                                      .lifetime_ms = hours(1),
                                      .pending_ms = hours(2) };
    ticket_issue(&f->w->core, &t.ana.who, &request, note_issued, &issued);
    EXPECT_OK(issued.e);
    t.key = issued.key;
    f->s3.options.form_exemptions = &exemption;
    f->s3.options.form_exemption_count = 1;
    return t;
}

static struct test_form ticket_form(struct s3_fixture *f, const struct tickets *t)
{
    struct test_form form = { .target = "/runrunit", .filename = "/home/ana/nota.csv" };
    add(&form, "key", t->key);
    add(&form, "success_action_status", S("201"));
    sign_v4(f, &t->server, &form,
            arena_printf(f->a,
                         "{\"bucket\":\"runrunit\"},{\"key\":\"" SLICE_FMT
                         "\"},[\"content-length-range\",5,5],{\"success_action_status\":\"201\"}",
                         SLICE_ARG(t->key))
                .p);
    return form;
}

TEST(the_form_of_a_ticket_stores_the_bytes_of_its_file)
{
    S3_FIXTURE(f);
    struct tickets t = issue(f);
    struct test_form form = ticket_form(f, &t);
    EXPECT_STATUS(send_form(f, &form), 201);
    form.content = S("world");
    EXPECT_STATUS(send_form(f, &form), 201); /* a second upload before the ticket is confirmed replaces the first */
    form.content = S("too long");
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "EntityTooLarge");
    form.content = S("tiny");
    EXPECT_S3_ERROR(f, send_form(f, &form), 400, "EntityTooSmall");
    form.content = S("world");
    form.target = "/photos";
    EXPECT_S3_ERROR(f, send_form(f, &form), 403,
                    "AccessDenied"); /* the server's key has no rights in a bucket of a user */
    form.target = "/elsewhere";
    EXPECT_S3_ERROR(f, send_form(f, &form), 404, "NoSuchBucket");
    /* no other key has rights in the bucket of tickets */
    EXPECT_STATUS(s3_send(f, &ana, "GET", "/runrunit", ""), 403);
    EXPECT_STATUS(s3_send(f, &ana, "PUT", "/runrunit/data/x", "x"), 403);
    EXPECT_STATUS(s3_send(f, &t.server, "PUT", "/runrunit/data/x", "x"), 403); /* no ticket has this key */
}

TEST(a_form_may_have_the_fields_of_both_versions)
{
    S3_FIXTURE(f);
    struct tickets t = issue(f);
    struct test_form form = ticket_form(f, &t);
    add(&form, "policy", policy(f, "{\"bucket\":\"runrunit\"}"));
    add(&form, "signature", S("whatever"));
    add(&form, "AWSAccessKeyId", t.server.access_key);
    add(&form, "content_type", S("text/csv"));
    add(&form, "name", S("nota.csv"));
    add(&form, "filename", S("nota.csv"));
    add(&form, "acl", S("private"));
    add(&form, "Content-Type", S("text/html"));
    EXPECT_STATUS(send_form(f, &form), 201);
    add(&form, "more", S("x"));
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
    /* other buckets have no such exemption */
    struct test_form strict = basic(f, &ana, "");
    add(&strict, "name", S("x"));
    EXPECT_S3_ERROR(f, send_form(f, &strict), 403, "AccessDenied");
}

/* The access list of a file is signed or it is private, whatever fields a bucket ignores. */
TEST(an_access_list_that_no_condition_covers_was_an_invalid_one)
{
    S3_FIXTURE(f);
    static const char *const lists[] = { "public-read", "bucket-owner-full-control", "nonsense", "" };
    struct tickets t = issue(f);
    for (size_t i = 0; i < LENGTH_OF(lists); i++) {
        struct test_form of_ticket = ticket_form(f, &t), strict = basic(f, &ana, ""),
                         covered = basic(f, &ana, "[\"starts-with\",\"$acl\",\"\"]");
        add(&of_ticket, "acl", slice_of(lists[i]));
        EXPECT_S3_ERROR(f, send_form(f, &of_ticket), 403, "AccessDenied");
        add(&strict, "acl", slice_of(lists[i]));
        EXPECT_S3_ERROR(f, send_form(f, &strict), 403, "AccessDenied");
        add(&covered, "acl", slice_of(lists[i]));
        if (i % 2 == 0)
            EXPECT_S3_ERROR(f, send_form(f, &covered), 400, "AccessControlListNotSupported");
        else
            EXPECT_STATUS(send_form(f, &covered), 204);
    }
}

TEST(the_older_form_of_a_ticket_covers_its_fields)
{
    S3_FIXTURE(f);
    struct tickets t = issue(f);
    struct test_form form = { .target = "/runrunit" };
    add(&form, "name", S("nota.csv"));
    add(&form, "key", t.key);
    add(&form, "acl", S("private"));
    sign_v2(
        f, &t.server, &form,
        arena_printf(f->a,
                     "{\"bucket\":\"runrunit\"},{\"key\":\"" SLICE_FMT
                     "\"},{\"acl\":\"private\"},{\"success_action_status\":\"201\"},[\"starts-with\",\"$name\",\"\"],"
                     "[\"starts-with\",\"$filename\",\"\"],[\"starts-with\",\"$content_type\",\"\"],"
                     "[\"content-length-range\",5,5]",
                     SLICE_ARG(t.key))
            .p);
    add(&form, "content_type", S("text/csv"));
    add(&form, "filename", S("nota.csv"));
    add(&form, "success_action_status", S("201"));
    EXPECT_STATUS(send_form(f, &form), 201);
    add(&form, "Content-Type", S("text/csv")); /* only forms of version 4 have the exemption */
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
}

TEST(the_form_of_an_expired_ticket_stores_nothing)
{
    S3_FIXTURE(f);
    struct tickets t = issue(f);
    struct test_form form = ticket_form(f, &t);
    EXPECT_STATUS(send_form(f, &form), 201);
    world_wait(f->w, hours(1));
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
    world_wait(f->w, hours(1));
    world_run_jobs(f->w);
    EXPECT_S3_ERROR(f, send_form(f, &form), 403, "AccessDenied");
    EXPECT_EQ(world_file_count(f->w), 0);
}

RUN_TESTS(cmocka_unit_test(forms_of_both_versions_store_their_file),
          cmocka_unit_test(a_form_is_answered_with_the_status_that_it_asks_for),
          cmocka_unit_test(a_form_redirects_a_browser), cmocka_unit_test(the_filename_variable_is_replaced_in_fields),
          cmocka_unit_test(the_filename_variable_is_replaced_in_the_redirection_and_in_no_other_field),
          cmocka_unit_test(a_file_name_was_inserted_before_the_signature_was_checked),
          cmocka_unit_test(a_file_name_made_the_fields_of_a_signed_form_larger_than_their_limit),
          cmocka_unit_test(a_file_name_that_is_no_utf8_counts_with_the_bytes_that_it_is_converted_to),
          cmocka_unit_test(fields_become_headers_metadata_tags_and_digests),
          cmocka_unit_test(parts_behind_the_file_are_ignored),
          cmocka_unit_test(minio_21656_conditions_must_hold_and_cover_every_field),
          cmocka_unit_test(a_length_range_limits_the_bytes_of_the_file),
          cmocka_unit_test(a_form_expires_exactly_at_its_expiry_time),
          cmocka_unit_test(an_access_list_that_no_condition_covers_was_an_invalid_one),
          cmocka_unit_test(a_form_with_a_wrong_or_no_signature_is_refused),
          cmocka_unit_test(an_incomplete_form_gets_an_error_that_names_the_missing_part),
          cmocka_unit_test(a_form_without_a_field_of_its_signature_is_told_which_one),
          cmocka_unit_test(fields_that_ask_for_more_than_is_offered_were_passed_over),
          cmocka_unit_test(the_size_of_the_fields_is_limited), cmocka_unit_test(a_malformed_policy_is_refused),
          cmocka_unit_test(the_form_of_a_ticket_stores_the_bytes_of_its_file),
          cmocka_unit_test(a_form_may_have_the_fields_of_both_versions),
          cmocka_unit_test(the_older_form_of_a_ticket_covers_its_fields),
          cmocka_unit_test(the_form_of_an_expired_ticket_stores_nothing))
