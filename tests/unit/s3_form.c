/* SPDX-License-Identifier: Apache-2.0 */
/* Files sent by forms: every rule of S3's POST policy, and the forms of tickets. */
#include "test.h"

#include "base/text.h"
#include "core/ticket/ticket.h"
#include "s3_desk.h"
#include "sign/policy.h"

#include <stdio.h>
#include <string.h>

#define DESK(name)                                                                                                     \
    SCOPED(s3_desk_freep) struct s3_desk *name = s3_desk_new(NULL);                                                    \
    struct s3_person ana = s3_person(name, "ana");                                                                     \
    EXPECT_STATUS(s3_ask(name, &ana, "PUT", "/photos", ""), 200)

#define FIELDS_MAX 20

/* A form to be sent. Signature fields are added by sign_v4 and sign_v2. */
struct form {
    struct sign_pair fields[FIELDS_MAX];
    size_t count;
    const char *filename; /* NULL: hello.txt */
    slice content;        /* .p NULL: "hello" */
    struct sign_pair after[3];
    bool no_file;
    const char *target; /* NULL: /photos */
    bool cut;
};

static void add(struct form *f, const char *name, slice value)
{
    EXPECT(f->count < FIELDS_MAX);
    f->fields[f->count++] = (struct sign_pair){ slice_of(name), value };
}

static void add_part(struct buf *b, slice name, slice value)
{
    buf_printf(b, "--b1\r\nContent-Disposition: form-data; name=\"" SLICE_FMT "\"\r\n\r\n", SLICE_ARG(name));
    buf_add(b, value);
    buf_add(b, S("\r\n"));
}

static struct fake_reply *send_form(struct s3_desk *d, const struct form *f)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < f->count; i++)
        add_part(&b, f->fields[i].name, f->fields[i].value);
    if (!f->no_file) {
        buf_printf(&b, "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n",
                   f->filename ? f->filename : "hello.txt");
        buf_add(&b, S("Content-Type: text/evil\r\n\r\n"));
        buf_add(&b, f->content.p ? f->content : S("hello"));
        buf_add(&b, S("\r\n"));
    }
    for (size_t i = 0; i < LENGTH_OF(f->after) && f->after[i].name.n; i++)
        add_part(&b, f->after[i].name, f->after[i].value);
    buf_add(&b, S("--b1--\r\n"));
    struct fake_request r = { .method = "POST",
                              .target = slice_of(f->target ? f->target : "/photos"),
                              .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") } },
                              .body = buf_slice(&b),
                              .cut = f->cut,
                              .piece = 61 };
    if (f->cut)
        r.body.n -= 20;
    struct fake_reply *reply = fake_http_send(&d->http, &r);
    buf_release(&b);
    return reply;
}

/* {"expiration": one hour from now, "conditions": [ … ]} in base64. */
static slice policy(struct s3_desk *d, const char *conditions)
{
    slice until = time_format_utc(d->a, core_now_ms(&d->w->core) + hours(1));
    return base64_encode(d->a, arena_printf(d->a, "{\"expiration\":\"" SLICE_FMT "\",\"conditions\":[%s]}",
                                            SLICE_ARG(until), conditions));
}

static void sign_v4(struct s3_desk *d, const struct s3_person *p, struct form *f, const char *conditions)
{
    int64_t now = core_now_ms(&d->w->core);
    struct sigv4_signer who = { p->access_key, p->secret, S("us-east-1") };
    slice all =
        arena_printf(d->a,
                     "%s,{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"},{\"x-amz-credential\":\"" SLICE_FMT
                     "\"},{\"x-amz-date\":\"" SLICE_FMT "\"}",
                     conditions, SLICE_ARG(sigv4_credential(d->a, &who, now)), SLICE_ARG(sigv4_timestamp(d->a, now)));
    slice text = policy(d, all.p);
    add(f, "Policy", text);
    add(f, "X-Amz-Algorithm", S("AWS4-HMAC-SHA256"));
    add(f, "X-Amz-Credential", sigv4_credential(d->a, &who, now));
    add(f, "X-Amz-Date", sigv4_timestamp(d->a, now));
    add(f, "X-Amz-Signature", policy_v4_sign(d->a, &who, text, now));
}

static void sign_v2(struct s3_desk *d, const struct s3_person *p, struct form *f, const char *conditions)
{
    slice text = policy(d, conditions);
    add(f, "policy", text);
    add(f, "AWSAccessKeyId", p->access_key);
    add(f, "signature", policy_v2_sign(d->a, p->secret, text));
}

#define BASIC "{\"bucket\":\"photos\"},{\"key\":\"a.txt\"}"

/* A form for /photos/a.txt. */
static struct form basic(struct s3_desk *d, const struct s3_person *p, const char *more_conditions)
{
    struct form f = { 0 };
    add(&f, "key", S("a.txt"));
    slice all = arena_printf(d->a, BASIC "%s%s", more_conditions[0] ? "," : "", more_conditions);
    sign_v4(d, p, &f, all.p);
    return f;
}

static struct fake_reply *get(struct s3_desk *d, const struct s3_person *p, const char *path)
{
    return s3_ask(d, p, "GET", path, "");
}

static void expect_absent(struct s3_desk *d, const struct s3_person *p)
{
    EXPECT_STATUS(get(d, p, "/photos/a.txt"), 404);
    EXPECT_EQ(world_blob_count(d->w), 0);
}

/* ---- it works ---- */

TEST(a_form_of_either_version_stores_its_file)
{
    DESK(d);
    struct form v4 = basic(d, &ana, ""), v2 = { 0 };
    struct fake_reply *r = send_form(d, &v4);
    EXPECT_STATUS(r, 204);
    EXPECT_SLICE(fake_reply_header(r, "ETag"), s3_etag(d, "hello"));
    EXPECT_SLICE(fake_reply_header(r, "Location"), S("https://files.example.org/photos/a.txt"));
    EXPECT_SLICE(r->body, S(""));
    EXPECT_SLICE(get(d, &ana, "/photos/a.txt")->body, S("hello"));
    EXPECT_SLICE(get(d, &ana, "/photos/a.txt")->content_type, S("binary/octet-stream")); /* not that of the part */
    add(&v2, "key", S("a.txt"));
    sign_v2(d, &ana, &v2, BASIC);
    v2.content = S("world");
    EXPECT_STATUS(send_form(d, &v2), 204);
    EXPECT_SLICE(get(d, &ana, "/photos/a.txt")->body, S("world"));
    v2.target = "/photos/";
    EXPECT_STATUS(send_form(d, &v2), 204);
    v4.content = world_bytes(d->w, 100000);
    EXPECT_STATUS(send_form(d, &v4), 204);
    EXPECT_SLICE(get(d, &ana, "/photos/a.txt")->body, v4.content);
}

TEST(the_answer_is_the_one_that_was_asked_for)
{
    DESK(d);
    static const struct {
        const char *asked;
        int status;
    } rows[] = { { "200", 200 }, { "201", 201 }, { "204", 204 }, { "404", 204 }, { "x", 204 } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct form f = basic(d, &ana, "[\"starts-with\",\"$success_action_status\",\"\"]");
        add(&f, "success_action_status", slice_of(rows[i].asked));
        struct fake_reply *r = send_form(d, &f);
        EXPECT_STATUS(r, rows[i].status);
        EXPECT_SLICE(fake_reply_header(r, "ETag"), s3_etag(d, "hello"));
        if (r->status != 201)
            continue;
        EXPECT_SLICE(r->content_type, S("application/xml"));
        EXPECT_SLICE(s3_text(d, r, "PostResponse.Bucket"), S("photos"));
        EXPECT_SLICE(s3_text(d, r, "PostResponse.Key"), S("a.txt"));
        EXPECT_SLICE(s3_text(d, r, "PostResponse.ETag"), s3_etag(d, "hello"));
        EXPECT_SLICE(s3_text(d, r, "PostResponse.Location"), S("https://files.example.org/photos/a.txt"));
    }
}

TEST(a_browser_is_sent_on)
{
    DESK(d);
    static const char *const rows[][2] = {
        { "https://app.example.org/done",
          "https://app.example.org/done?bucket=photos&key=a.txt&etag=%225d41402abc4b2a76b9719d911017c592%22" },
        { "http://x/?a=b#c", "http://x/?a=b&bucket=photos&key=a.txt&etag=%225d41402abc4b2a76b9719d911017c592%22#c" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct form f =
            basic(d, &ana, "[\"starts-with\",\"$success_action_redirect\",\"\"],{\"success_action_status\":201}");
        add(&f, "success_action_redirect", slice_of(rows[i][0]));
        add(&f, "success_action_status", S("201"));
        struct fake_reply *r = send_form(d, &f);
        EXPECT_STATUS(r, 303);
        EXPECT_SLICE(fake_reply_header(r, "Location"), slice_of(rows[i][1]));
    }
    static const char *const bad[] = { "javascript:alert(1)", "/relative", "https://a b",
                                       "https://x/\r\nSet-Cookie: y" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct form f = basic(d, &ana, "[\"starts-with\",\"$success_action_redirect\",\"\"]");
        add(&f, "success_action_redirect", slice_of(bad[i]));
        EXPECT_STATUS(send_form(d, &f), 204);
    }
}

TEST(the_file_name_takes_the_place_of_its_variable)
{
    DESK(d);
    static const char *const names[][2] = { { "b.txt", "up/b.txt" },
                                            { "/home/ana/c.txt", "up/c.txt" },
                                            { "C:\\\\Users\\\\ana\\\\d.txt", "up/d.txt" } };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct form f = { .filename = names[i][0] };
        add(&f, "key", S("up/${filename}"));
        sign_v4(d, &ana, &f, "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"up/\"]");
        struct fake_reply *r = send_form(d, &f);
        EXPECT_STATUS(r, 204);
        EXPECT_SLICE(fake_reply_header(r, "Location"),
                     arena_printf(d->a, "https://files.example.org/photos/%s", names[i][1]));
    }
    /* what it makes of the key is what the policy is held against */
    struct form f = { .filename = "evil.txt" };
    add(&f, "key", S("${filename}"));
    sign_v4(d, &ana, &f, "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"up/\"]");
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
}

TEST(fields_become_headers_metadata_tags_and_digests)
{
    DESK(d);
    const char *conditions =
        "{\"Content-Type\":\"text/x\"},{\"cache-control\":\"no-cache\"},{\"x-amz-meta-Color\":\"blue\"},"
        "[\"starts-with\",\"$tagging\",\"\"],[\"starts-with\",\"$x-amz-checksum-sha1\",\"\"],{\"acl\":\"private\"}";
    struct form f = basic(d, &ana, conditions);
    add(&f, "content-type", S("text/x"));
    add(&f, "Cache-Control", S("no-cache"));
    add(&f, "X-Amz-Meta-Color", S("blue"));
    add(&f, "tagging", S("<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"));
    add(&f, "x-amz-checksum-sha1", S("qvTGHdzF6KLavt4PO0gs2a6pQ00="));
    add(&f, "acl", S("private"));
    add(&f, "x-ignore-me", S("anything"));
    EXPECT_STATUS(send_form(d, &f), 204);
    struct fake_reply *r = get(d, &ana, "/photos/a.txt");
    EXPECT_SLICE(r->content_type, S("text/x"));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-cache"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-meta-color"), S("blue"));
    EXPECT_SLICE(fake_reply_header(r, "x-amz-tagging-count"), S("1"));
    f.content = S("hellO");
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "BadDigest");
    EXPECT_SLICE(get(d, &ana, "/photos/a.txt")->body, S("hello"));
}

TEST(what_comes_after_the_file_does_not_count)
{
    DESK(d);
    struct form f = basic(d, &ana, "");
    f.after[0] = (struct sign_pair){ S("key"), S("evil") };
    f.after[1] = (struct sign_pair){ S("uncovered"), S("x") };
    f.after[2] = (struct sign_pair){ S("file"), S("another") };
    EXPECT_STATUS(send_form(d, &f), 204);
    EXPECT_SLICE(get(d, &ana, "/photos/a.txt")->body, S("hello"));
    EXPECT_STATUS(get(d, &ana, "/photos/evil"), 404);
}

/* ---- and what does not ---- */

TEST(minio_21656_each_field_must_be_covered_and_each_condition_must_hold)
{
    DESK(d);
    static const struct {
        const char *conditions, *field, *value;
    } broken[] = { { "", "x-amz-meta-more", "1" },
                   { "", "Content-Type", "text/html" },
                   { "", "success_action_status", "201" },
                   { "{\"Content-Type\":\"image/png\"}", "Content-Type", "text/html" },
                   { "{\"Content-Type\":\"image/png\"}", NULL, NULL }, /* named, and not there */
                   { "[\"starts-with\",\"$Content-Type\",\"image/\"]", "Content-Type", "text/html" },
                   { "[\"eq\",\"$x-amz-meta-a\",\"1\"]", "X-AMZ-META-A", "2" },
                   { "", "key", "other.txt" }, /* a second key */
                   { "", "bucket", "other" },
                   { "", "name", "x" } };
    for (size_t i = 0; i < LENGTH_OF(broken); i++) {
        struct form f = basic(d, &ana, broken[i].conditions);
        if (broken[i].field)
            add(&f, broken[i].field, slice_of(broken[i].value));
        EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
        expect_absent(d, &ana);
    }
    struct form other_key = basic(d, &ana, "");
    other_key.fields[0].value = S("b.txt");
    EXPECT_S3_ERROR(d, send_form(d, &other_key), 403, "AccessDenied");
    struct form no_bucket = { 0 };
    add(&no_bucket, "key", S("a.txt"));
    sign_v4(d, &ana, &no_bucket, "{\"key\":\"a.txt\"}");
    EXPECT_S3_ERROR(d, send_form(d, &no_bucket), 403, "AccessDenied");
}

TEST(a_length_range_is_counted_on_the_bytes)
{
    DESK(d);
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
        struct form f = basic(d, &ana, arena_printf(d->a, "[\"content-length-range\",%s]", rows[i].range).p);
        f.content = world_bytes(d->w, rows[i].bytes);
        struct fake_reply *r = send_form(d, &f);
        if (rows[i].code)
            EXPECT_S3_ERROR(d, r, 400, rows[i].code);
        else
            EXPECT_STATUS(r, 204);
        EXPECT_STATUS(get(d, &ana, "/photos/a.txt"), rows[i].code ? 404 : 200);
        s3_ask(d, &ana, "DELETE", "/photos/a.txt", "");
    }
}

TEST(a_form_has_expired_at_its_last_instant_exactly)
{
    DESK(d);
    struct form f = basic(d, &ana, "");
    world_wait(d->w, hours(1) - 1);
    EXPECT_STATUS(send_form(d, &f), 204);
    world_wait(d->w, 1);
    struct fake_reply *r = send_form(d, &f);
    EXPECT_S3_ERROR(d, r, 403, "AccessDenied");
    EXPECT(slice_find(s3_text(d, r, "Error.Message"), S("expired")) != SLICE_NONE);
}

TEST(a_form_that_somebody_else_signed_or_nobody_is_refused)
{
    DESK(d);
    struct s3_person wrong = ana, unknown = ana;
    wrong.secret = S("not-her-secret");
    unknown.access_key = S("CAISNOBODY0000000000");
    struct form f = basic(d, &wrong, "");
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "SignatureDoesNotMatch");
    f = basic(d, &unknown, "");
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "InvalidAccessKeyId");
    f = basic(d, &ana, "");
    f.fields[1].value = policy(d, BASIC ",[\"starts-with\",\"$x-amz-meta-a\",\"\"]");
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "SignatureDoesNotMatch");
    f = (struct form){ 0 };
    add(&f, "key", S("a.txt"));
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
    struct form v2 = { 0 };
    add(&v2, "key", S("a.txt"));
    sign_v2(d, &wrong, &v2, BASIC);
    EXPECT_S3_ERROR(d, send_form(d, &v2), 403, "SignatureDoesNotMatch");
    struct account account;
    EXPECT_OK(account_create(&d->w->core, &d->w->operator_, S("others"), d->a, &account));
    struct s3_person otto = s3_person_of(d, "others", "otto");
    f = basic(d, &otto, "");
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
    expect_absent(d, &ana);
}

TEST(a_form_that_lacks_something_says_what)
{
    DESK(d);
    struct form f = basic(d, &ana, "");
    f.no_file = true;
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "InvalidArgument");
    f = (struct form){ 0 };
    sign_v4(d, &ana, &f, "{\"bucket\":\"photos\"}");
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "InvalidArgument");
    f = basic(d, &ana, "");
    f.target = "/nowhere";
    EXPECT_S3_ERROR(d, send_form(d, &f), 404, "NoSuchBucket");
    f = basic(d, &ana, "");
    f.cut = true;
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "IncompleteBody");
    f = basic(d, &ana, "");
    f.fields[0].name = S("x"); /* no key, though the policy asks for one */
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "InvalidArgument");
    f = basic(d, &ana, "");
    f.fields[3].name = S("x");
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "InvalidArgument"); /* no credential */
    struct fake_request r = { .method = "POST", .target = S("/photos"), .body = S("a=b") };
    EXPECT_S3_ERROR(d, fake_http_send(&d->http, &r), 412, "PreconditionFailed");
    r.headers[0] = (struct http_header){ S("Content-Type"), S("multipart/form-data; boundary=b1") };
    r.body = S("no multipart at all");
    EXPECT_S3_ERROR(d, fake_http_send(&d->http, &r), 400, "MalformedPOSTRequest");
    r.body = S("--b1\r\nContent-Disposition: form-data; name=key\r\n\r\na.txt"); /* whole, but it never ends */
    EXPECT_S3_ERROR(d, fake_http_send(&d->http, &r), 400, "MalformedPOSTRequest");
    expect_absent(d, &ana);
}

TEST(fields_in_front_of_the_file_have_a_limit)
{
    DESK(d);
    struct form f = basic(d, &ana, "");
    add(&f, "x-ignore-a", world_bytes(d->w, 20480));
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "MaxPostPreDataLengthExceededError");
    f.fields[f.count - 1].value.n = 15000;
    EXPECT_STATUS(send_form(d, &f), 204);
}

TEST(a_policy_that_cannot_be_read_is_no_policy)
{
    DESK(d);
    static const char *const texts[] = {
        "", "x", "{}", "{\"expiration\":\"tomorrow\",\"conditions\":[]}",
        "{\"expiration\":\"2030-01-01T00:00:00Z\",\"conditions\":[[\"like\",\"$key\",\"a\"]]}"
    };
    for (size_t i = 0; i < LENGTH_OF(texts); i++) {
        struct form f = { 0 };
        slice text = base64_encode(d->a, slice_of(texts[i]));
        add(&f, "key", S("a.txt"));
        add(&f, "policy", text);
        add(&f, "AWSAccessKeyId", ana.access_key);
        add(&f, "signature", policy_v2_sign(d->a, ana.secret, text));
        EXPECT_S3_ERROR(d, send_form(d, &f), 400, "InvalidPolicyDocument");
    }
}

/* ---- tickets ---- */

struct tickets {
    struct s3_person server, ana;
    struct bucket bucket;
    slice key;
};

static const slice legacy[] = { { "policy", 6 },        { "signature", 9 },    { "AWSAccessKeyId", 14 },
                                { "content_type", 12 }, { "name", 4 },         { "filename", 8 },
                                { "acl", 3 },           { "Content-Type", 12 } };
static const struct s3_lenient_bucket lenient = { { "runrunit", 8 }, legacy, LENGTH_OF(legacy) };

struct issued {
    struct s3_desk *d;
    err_t e;
    slice key;
};

static void note_issued(void *arg, err_t e, const struct ticket_issued *t)
{
    struct issued *i = arg;
    i->e = err_copy(i->d->a, e);
    if (!e)
        i->key = arena_copy(i->d->a, t->document.ticket.key);
}

/* A ticket of ana's for five bytes, and the server's own key. */
static struct tickets issue(struct s3_desk *d)
{
    struct tickets t = { .ana = s3_person(d, "bia") };
    struct issued issued = { .d = d };
    EXPECT_OK(bucket_ensure(&d->w->core, S("runrunit"), d->a, &t.bucket));
    EXPECT_OK(access_own_signing(&d->w->core, S3_PURPOSE, d->a, &t.server.access_key, &t.server.secret));
    struct ticket_order order = { .way = S("test"),
                                  .name = S("nota.csv"),
                                  .content_type = S("text/csv"),
                                  .declared_bytes = 5,
                                  .bucket_id = t.bucket.id,
                                  .key_head = S("data/"),
                                  .key_tail = S("/nota.csv"),
                                  .lifetime_ms = hours(1),
                                  .pending_ms = hours(2) };
    ticket_issue(&d->w->core, &t.ana.who, &order, note_issued, &issued);
    EXPECT_OK(issued.e);
    t.key = issued.key;
    d->s3.options.lenient = &lenient;
    d->s3.options.lenient_count = 1;
    return t;
}

static struct form ticket_form(struct s3_desk *d, const struct tickets *t)
{
    struct form f = { .target = "/runrunit", .filename = "/home/ana/nota.csv" };
    add(&f, "key", t->key);
    add(&f, "success_action_status", S("201"));
    sign_v4(d, &t->server, &f,
            arena_printf(d->a,
                         "{\"bucket\":\"runrunit\"},{\"key\":\"" SLICE_FMT
                         "\"},[\"content-length-range\",5,5],{\"success_action_status\":\"201\"}",
                         SLICE_ARG(t->key))
                .p);
    return f;
}

TEST(the_form_of_a_ticket_brings_the_bytes_of_its_file)
{
    DESK(d);
    struct tickets t = issue(d);
    struct form f = ticket_form(d, &t);
    EXPECT_STATUS(send_form(d, &f), 201);
    f.content = S("world");
    EXPECT_STATUS(send_form(d, &f), 201); /* again before it is confirmed: the last one counts */
    f.content = S("too long");
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "EntityTooLarge");
    f.content = S("tiny");
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "EntityTooSmall");
    f.content = S("world");
    f.target = "/photos";
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied"); /* somebody else's bucket: the server's key has no say */
    f.target = "/elsewhere";
    EXPECT_S3_ERROR(d, send_form(d, &f), 404, "NoSuchBucket");
    /* nobody else gets at the bucket */
    EXPECT_STATUS(s3_ask(d, &ana, "GET", "/runrunit", ""), 403);
    EXPECT_STATUS(s3_ask(d, &ana, "PUT", "/runrunit/data/x", "x"), 403);
    EXPECT_STATUS(s3_ask(d, &t.server, "PUT", "/runrunit/data/x", "x"), 403); /* no such ticket */
}

TEST(generic_clients_post_all_fields_of_both_generations)
{
    DESK(d);
    struct tickets t = issue(d);
    struct form f = ticket_form(d, &t);
    add(&f, "policy", policy(d, "{\"bucket\":\"runrunit\"}"));
    add(&f, "signature", S("whatever"));
    add(&f, "AWSAccessKeyId", t.server.access_key);
    add(&f, "content_type", S("text/csv"));
    add(&f, "name", S("nota.csv"));
    add(&f, "filename", S("nota.csv"));
    add(&f, "acl", S("private"));
    add(&f, "Content-Type", S("text/html"));
    EXPECT_STATUS(send_form(d, &f), 201);
    f.fields[f.count - 2].value = S("public-read");
    EXPECT_S3_ERROR(d, send_form(d, &f), 400, "AccessControlListNotSupported");
    f.fields[f.count - 2].value =
        S("bucket-owner-full-control"); /* only private was never signed for and means nothing */
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
    f.fields[f.count - 2].value = S("private");
    add(&f, "more", S("x"));
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
    /* elsewhere no such thing is forgiven */
    struct form strict = basic(d, &ana, "");
    add(&strict, "name", S("x"));
    EXPECT_S3_ERROR(d, send_form(d, &strict), 403, "AccessDenied");
}

TEST(the_older_form_of_a_ticket_names_what_it_brings)
{
    DESK(d);
    struct tickets t = issue(d);
    struct form f = { .target = "/runrunit" };
    add(&f, "name", S("nota.csv"));
    add(&f, "key", t.key);
    add(&f, "acl", S("private"));
    sign_v2(
        d, &t.server, &f,
        arena_printf(d->a,
                     "{\"bucket\":\"runrunit\"},{\"key\":\"" SLICE_FMT
                     "\"},{\"acl\":\"private\"},{\"success_action_status\":\"201\"},[\"starts-with\",\"$name\",\"\"],"
                     "[\"starts-with\",\"$filename\",\"\"],[\"starts-with\",\"$content_type\",\"\"],"
                     "[\"content-length-range\",5,5]",
                     SLICE_ARG(t.key))
            .p);
    add(&f, "content_type", S("text/csv"));
    add(&f, "filename", S("nota.csv"));
    add(&f, "success_action_status", S("201"));
    EXPECT_STATUS(send_form(d, &f), 201);
    add(&f, "Content-Type", S("text/csv")); /* forgiven on forms of the fourth version only */
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
}

TEST(a_ticket_that_has_ended_takes_no_bytes)
{
    DESK(d);
    struct tickets t = issue(d);
    struct form f = ticket_form(d, &t);
    EXPECT_STATUS(send_form(d, &f), 201);
    world_wait(d->w, hours(1));
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
    world_wait(d->w, hours(1));
    world_run_jobs(d->w);
    EXPECT_S3_ERROR(d, send_form(d, &f), 403, "AccessDenied");
    EXPECT_EQ(world_file_count(d->w), 0);
}

RUN_TESTS(cmocka_unit_test(a_form_of_either_version_stores_its_file),
          cmocka_unit_test(the_answer_is_the_one_that_was_asked_for), cmocka_unit_test(a_browser_is_sent_on),
          cmocka_unit_test(the_file_name_takes_the_place_of_its_variable),
          cmocka_unit_test(fields_become_headers_metadata_tags_and_digests),
          cmocka_unit_test(what_comes_after_the_file_does_not_count),
          cmocka_unit_test(minio_21656_each_field_must_be_covered_and_each_condition_must_hold),
          cmocka_unit_test(a_length_range_is_counted_on_the_bytes),
          cmocka_unit_test(a_form_has_expired_at_its_last_instant_exactly),
          cmocka_unit_test(a_form_that_somebody_else_signed_or_nobody_is_refused),
          cmocka_unit_test(a_form_that_lacks_something_says_what),
          cmocka_unit_test(fields_in_front_of_the_file_have_a_limit),
          cmocka_unit_test(a_policy_that_cannot_be_read_is_no_policy),
          cmocka_unit_test(the_form_of_a_ticket_brings_the_bytes_of_its_file),
          cmocka_unit_test(generic_clients_post_all_fields_of_both_generations),
          cmocka_unit_test(the_older_form_of_a_ticket_names_what_it_brings),
          cmocka_unit_test(a_ticket_that_has_ended_takes_no_bytes))
