/* SPDX-License-Identifier: Apache-2.0 */
/* Files under upload URLs, docs/apis/datasnap.md §5: every row of the table in §5.1, and what the URL permits until when. */
#include "error_table_test.h"
#include "oci_fixture.h"
#include "test.h"

#include "base/text.h"
#include "core/dataset/dataset_file.h"
#include "core/event.h"
#include "core/records/account.h"
#include "core/store/file_store.h"

#include <string.h>

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&oci_errors);
}

/* ---- replies ---- */

/* Every refusal has this form, and says nothing of the secret. */
static void expect_refused(struct oci_fixture *f, const struct fake_reply *r, int status, const char *code)
{
    slice found = reply_text(f->a, r, "code");
    if (r->status != status || !slice_eq(found, slice_of(code)))
        fail_msg("%d " SLICE_FMT ", expected %d %s", r->status, SLICE_ARG(r->body), status, code);
    EXPECT(reply_text(f->a, r, "message").n > 0);
    EXPECT_SLICE(r->content_type, S("application/json"));
    EXPECT_SLICE(fake_reply_header(r, "opc-request-id"), S("0123456789abcdef"));
    EXPECT((status == 503) == (fake_reply_header(r, "Retry-After").n > 0));
    EXPECT((status == 405) == (fake_reply_header(r, "Allow").n > 0));
}

/* … before any byte of the body, and nothing is kept. */
static void expect_refused_early(struct oci_fixture *f, const struct fake_reply *r, int status, const char *code)
{
    expect_refused(f, r, status, code);
    EXPECT(!r->received);
    EXPECT_EQ(oci_files(f).count, 0);
    EXPECT_EQ(world_file_count(f->w), 0);
}

static slice at(struct oci_fixture *f, slice url, const char *name)
{
    return arena_printf(f->a, SLICE_FMT "%s", SLICE_ARG(url), name);
}

static struct dataset_file only_file(struct oci_fixture *f)
{
    struct dataset_file_list files = oci_files(f);
    EXPECT_EQ(files.count, 1);
    return files.items[0];
}

static struct file record_of(struct oci_fixture *f, int64_t id)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = world_tx(f->w);
    struct file file = { 0 };
    EXPECT_OK(meta_file_get(tx, id, f->a, &file));
    return file;
}

TEST(a_file_under_an_upload_url_is_stored_and_its_rows_follow)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL), rows = S("{\"id\":1}\n{\"id\":2,\"produto\":\"x\"}\n");
    struct fake_request r = { .target = at(f, url, "/2026/nov.jsonl"),
                              .headers = { { S("Content-Type"), S("application/x-ndjson") },
                                           { S("Authorization"), S("Basic ignored") },
                                           { S("X-Upload-ID"), S("8") },
                                           { S("opc-client-request-id"), S("their id") } },
                              .body = rows };
    struct fake_reply *reply = oci_send(f, r);
    EXPECT_EQ(reply->status, 200);
    EXPECT(reply->body.n == 0 && !reply->content_type.p);
    unsigned char md5[MD5_SIZE];
    hash_md5(rows, md5);
    slice hex = hex_encode(f->a, (slice){ (char *)md5, MD5_SIZE });
    EXPECT_SLICE(fake_reply_header(reply, "ETag"), arena_printf(f->a, "\"" SLICE_FMT "\"", SLICE_ARG(hex)));
    EXPECT_SLICE(fake_reply_header(reply, "opc-content-md5"), base64_encode(f->a, (slice){ (char *)md5, MD5_SIZE }));
    EXPECT_SLICE(fake_reply_header(reply, "Last-Modified"), time_format_http(f->a, WORLD_START_MS));
    EXPECT_SLICE(fake_reply_header(reply, "opc-request-id"), S("0123456789abcdef"));
    EXPECT_SLICE(fake_reply_header(reply, "opc-client-request-id"), S("their id"));
    struct dataset_file file = only_file(f);
    EXPECT_SLICE(file.name, S("2026/nov.jsonl"));
    EXPECT_EQ(file.state, DATASET_FILE_QUEUED);
    struct file record = record_of(f, file.id);
    EXPECT_SLICE(record.name, S("nov.jsonl"));
    EXPECT_SLICE(record.content_type, S("application/x-ndjson"));
    EXPECT_SLICE(record.origin, S("oci"));
    EXPECT_EQ(record.owner_id, f->d->ana.user_id);
    world_run_jobs(f->w);
    file = only_file(f);
    EXPECT_EQ(file.state, DATASET_FILE_DONE);
    EXPECT_EQ(file.rows, 2);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(a_large_file_and_an_empty_one_are_stored)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    EXPECT_EQ(oci_put(f, url, "large.jsonl", world_bytes(f->w, 100000))->status, 200);
    EXPECT_EQ(oci_put(f, url, "empty.jsonl", S(""))->status, 200);
    struct fake_request chunked = { .target = at(f, url, "/chunked.jsonl"), .chunked = true, .body = S("{\"id\":1}") };
    EXPECT_EQ(oci_send(f, chunked)->status, 200);
    EXPECT_EQ(oci_files(f).count, 3);
    EXPECT_SLICE(oci_files(f).items[2].name, S("chunked.jsonl"));
}

TEST(an_upload_url_is_for_any_number_of_files_and_a_name_may_come_twice)
{
    OCI_FIXTURE(f);
    int64_t token;
    slice url = oci_url(f, "vendas", 15, &token), other = oci_url(f, "vendas", 15, NULL);
    EXPECT_EQ(oci_put(f, url, "a.jsonl", S("{\"id\":1}"))->status, 200);
    EXPECT_EQ(oci_put(f, url, "a.jsonl", S("{\"id\":2}"))->status, 200);
    EXPECT_EQ(oci_put(f, other, "a.jsonl", S("{\"id\":3}"))->status, 200);
    struct dataset_file_list files = oci_files(f);
    EXPECT_EQ(files.count, 3);
    EXPECT(files.items[0].id != files.items[1].id && files.items[0].prefix_id == token);
    struct fake_reply *r =
        datasnap_sendf(f->d, DS_READER, NULL, "GET /v1/upload-tokens/%lld/validate", (long long)token);
    EXPECT_EQ(datasnap_int(f->d, r, "files"), 2);
    world_run_jobs(f->w);
    files = oci_files(f);
    for (size_t i = 0; i < files.count; i++)
        EXPECT_EQ(files.items[i].rows, 1);
}

/* ---- what the URL permits ---- */

TEST(an_upload_url_takes_put_alone)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    slice list = slice_part(url, 0, slice_find(url, S("/o/")) + 2);
    static const char *const hidden[] = { "GET", "HEAD", "DELETE" };
    static const char *const others[] = { "POST", "PATCH", "OPTIONS", "BREW" };
    const slice targets[] = { at(f, url, "/a.jsonl"), url, list, at(f, list, "/") };
    EXPECT_SLICE(slice_from(list, list.n - 2), S("/o"));
    for (size_t t = 0; t < LENGTH_OF(targets); t++) {
        for (size_t i = 0; i < LENGTH_OF(hidden); i++) {
            struct fake_reply *r = oci_send(f, (struct fake_request){ .method = hidden[i], .target = targets[t] });
            expect_refused_early(f, r, 404, "BucketNotFound");
            EXPECT_SLICE(reply_text(f->a, r, "message"),
                         S("Either the bucket named 'datasnap' does not exist in the namespace 'cais' or you are not "
                           "authorized to access it"));
        }
        for (size_t i = 0; i < LENGTH_OF(others); i++) {
            struct fake_reply *r = oci_send(f, (struct fake_request){ .method = others[i], .target = targets[t] });
            expect_refused_early(f, r, 405, "MethodNotAllowed");
            EXPECT_SLICE(fake_reply_header(r, "Allow"), S("PUT"));
        }
    }
}

TEST(the_words_about_a_bucket_are_those_of_the_url_and_stay_json)
{
    OCI_FIXTURE(f);
    struct fake_reply *r =
        oci_send(f, (struct fake_request){ .method = "GET", .target = S("/p/x/n/a%22%0A/b/%FF'/o/") });
    expect_refused_early(f, r, 404, "BucketNotFound");
    EXPECT_SLICE(reply_text(f->a, r, "message"),
                 S("Either the bucket named '\xef\xbf\xbd'' does not exist in the namespace 'a\"\n' or you are not "
                   "authorized to access it"));
}

/* `url` with `part` replaced by `by`. */
static slice altered(struct oci_fixture *f, slice url, const char *part, const char *by)
{
    size_t n = strlen(part), i = slice_find(url, slice_of(part));
    EXPECT(i != SLICE_NONE);
    return arena_printf(f->a, SLICE_FMT "%s" SLICE_FMT "/a.jsonl", SLICE_ARG(slice_part(url, 0, i)), by,
                        SLICE_ARG(slice_from(url, i + n)));
}

TEST(an_altered_or_unknown_url_is_refused_like_every_other_one)
{
    OCI_FIXTURE(f);
    datasnap_schema(f->d, "metas", "\"fields\":{\"id\":\"integer\"}");
    slice url = oci_url(f, "vendas", 15, NULL), other = oci_url(f, "metas", 15, NULL);
    slice secret = slice_part(url, 3, 43), in_upper = arena_copy(f->a, secret);
    for (size_t i = 0; i < in_upper.n; i++) {
        char c = in_upper.p[i];
        ((char *)in_upper.p)[i] = c == 'A' ? 'B' : 'A';
    }
    const slice targets[] = {
        altered(f, url, arena_cstr(f->a, secret), arena_cstr(f->a, in_upper)),
        altered(f, url, arena_cstr(f->a, secret), ""),
        altered(f, url, arena_cstr(f->a, secret), arena_cstr(f->a, slice_part(secret, 0, 42))),
        altered(f, url, "/n/cais", "/n/Cais"),
        altered(f, url, "/b/datasnap", "/b/datasna"),
        altered(f, url, "/o/t", "/o/t9"),
        altered(f, url, "/vendas/", "/metas/"), /* a URL for one schema does not write into another */
        altered(f, url, "/vendas/", "/VENDAS/"),
        altered(f, url, "/vendas/1", "/vendas/2"),
        altered(f, url, "/vendas/1", "/vendas"),
        altered(f, url, "/vendas/1", "/vendas/1x"),
        altered(f, url, "/vendas/1", "/vendas/../vendas/1"),
        altered(f, other, arena_cstr(f->a, slice_part(other, 3, 43)), arena_cstr(f->a, secret)),
        altered(f, url, "/n/", "/N/"),
        altered(f, url, "/b/", "//b/"),
        S("/p"),
        S("/p/"),
        S("/p/x"),
        S("/p/x/n/cais/b/datasnap"),
        S("/p/x/n/cais/b/datasnap/o"),
        S("/p/%zz/n/cais/b/datasnap/o/x"),
        S("/p/a%00b/n/cais/b/datasnap/o/x"),
    };
    slice body = { 0 };
    for (size_t i = 0; i < LENGTH_OF(targets); i++) {
        struct fake_reply *r = oci_send(f, (struct fake_request){ .target = targets[i], .body = S("{\"id\":1}") });
        expect_refused_early(f, r, 401, "NotAuthenticated");
        body = body.p ? body : r->body;
        EXPECT_SLICE(r->body, body); /* none says more than another */
    }
    EXPECT_EQ(oci_put(f, url, "a.jsonl", S("{\"id\":1}"))->status, 200);
}

TEST(an_upload_url_is_refused_from_exactly_its_end)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    world_wait(f->w, minutes(15));
    expect_refused_early(f, oci_put(f, url, "a.jsonl", S("{\"id\":1}")), 401, "NotAuthenticated");
    url = oci_url(f, "vendas", 15, NULL);
    world_wait(f->w, minutes(15) - 1);
    EXPECT_EQ(oci_put(f, url, "a.jsonl", S("{\"id\":1}"))->status, 200);
}

TEST(an_upload_url_ends_with_its_token_its_key_its_user_and_its_schema)
{
    OCI_FIXTURE(f);
    int64_t token;
    slice url = oci_url(f, "vendas", 15, &token), second = oci_url(f, "vendas", 15, NULL);
    struct fake_reply *r = datasnap_sendf(f->d, DS_WRITER, NULL, "DELETE /v1/upload-tokens/%lld", (long long)token);
    EXPECT_EQ(r->status, 204);
    expect_refused_early(f, oci_put(f, url, "a.jsonl", S("x")), 401, "NotAuthenticated");
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_DISABLED, f->a));
    expect_refused_early(f, oci_put(f, second, "a.jsonl", S("x")), 401, "NotAuthenticated");
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_ACTIVE, f->a));
    EXPECT_EQ(datasnap_send(f->d, DS_ADMIN, "DELETE /v1/schemas/vendas", NULL)->status, 204);
    expect_refused_early(f, oci_put(f, second, "a.jsonl", S("x")), 401, "NotAuthenticated");
}

/* ---- while the body comes ---- */

struct midway {
    struct oci_fixture *f;
    int64_t token, wait_ms;
    const char *disable;
    bool remove_schema;
};

static void happen(void *arg)
{
    struct midway *m = arg;
    struct oci_fixture *f = m->f;
    world_wait(f->w, m->wait_ms);
    if (m->token)
        datasnap_sendf(f->d, DS_WRITER, NULL, "DELETE /v1/upload-tokens/%lld", (long long)m->token);
    if (m->disable)
        EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, slice_of(m->disable), USER_DISABLED, f->a));
    if (m->remove_schema)
        EXPECT_EQ(datasnap_send(f->d, DS_ADMIN, "DELETE /v1/schemas/vendas", NULL)->status, 204);
}

static struct fake_reply *put_midway(struct oci_fixture *f, slice url, struct midway *m, bool watched)
{
    m->f = f;
    return oci_send(f, (struct fake_request){ .target = at(f, url, "/a.jsonl"),
                                              .body = S("{\"id\":1}"),
                                              .midway = happen,
                                              .midway_arg = m,
                                              .watched = watched });
}

TEST(a_body_that_began_in_time_may_come_for_an_hour_more)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    EXPECT_EQ(put_midway(f, url, &(struct midway){ .wait_ms = minutes(75) - 1 }, true)->status, 200);
    url = oci_url(f, "vendas", 15, NULL);
    expect_refused(f, put_midway(f, url, &(struct midway){ .wait_ms = minutes(75) }, true), 401, "NotAuthenticated");
    EXPECT_EQ(oci_files(f).count, 1);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* By the watch while bytes come, and by the last write if it comes first. */
TEST(what_ends_the_permission_ends_a_body_under_way)
{
    for (int watched = 0; watched < 2; watched++) {
        OCI_FIXTURE(f);
        int64_t token;
        slice url = oci_url(f, "vendas", 15, &token);
        struct fake_reply *r = put_midway(f, url, &(struct midway){ .token = token }, watched);
        expect_refused(f, r, 401, "NotAuthenticated");
        url = oci_url(f, "vendas", 15, NULL);
        r = put_midway(f, url, &(struct midway){ .disable = "ana" }, watched);
        expect_refused(f, r, 401, "NotAuthenticated");
        EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_ACTIVE, f->a));
        r = put_midway(f, url, &(struct midway){ .remove_schema = true }, watched);
        expect_refused(f, r, 401, "NotAuthenticated");
        EXPECT_EQ(world_file_count(f->w), 0);
        EXPECT_EQ(world_fsck(f->w, false), 0);
    }
}

TEST(a_body_that_is_cut_leaves_nothing)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    struct fake_request r = { .target = at(f, url, "/a.jsonl"), .body = world_bytes(f->w, 50000), .cut = true };
    EXPECT_EQ(oci_send(f, r)->status, 400);
    EXPECT_EQ(oci_files(f).count, 0);
    EXPECT_EQ(world_blob_count(f->w), 0);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* ---- names ---- */

static char *repeated(struct oci_fixture *f, const char *unit, size_t count)
{
    struct slice_list {
        slice *items;
    } list = { arena_array(f->a, slice, count) };
    for (size_t i = 0; i < count; i++)
        list.items[i] = slice_of(unit);
    return arena_cstr(f->a, arena_join(f->a, list.items, count));
}

TEST(a_name_is_the_rest_of_the_path)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 60, NULL);
    const struct {
        const char *sent, *name, *in_record;
    } cases[] = {
        { "/a.jsonl", "a.jsonl", "a.jsonl" },
        { "//x.jsonl", "x.jsonl", "x.jsonl" }, /* the client appends "/NAME" to a URL to which it added a slash */
        { "///d///x.jsonl", "d/x.jsonl", "x.jsonl" },
        { "/a%20b%2Bc+d.jsonl", "a b+c+d.jsonl", "a b+c+d.jsonl" },
        { "/d%2Fx.jsonl", "d/x.jsonl", "x.jsonl" },
        { "/%2F%2Fx.jsonl", "x.jsonl", "x.jsonl" },
        { "/ma%C3%A7%C3%A3.jsonl", "ma\xc3\xa7\xc3\xa3.jsonl", "ma\xc3\xa7\xc3\xa3.jsonl" },
        { "/ma\xc3\xa7\xc3\xa3.jsonl", "ma\xc3\xa7\xc3\xa3.jsonl", "ma\xc3\xa7\xc3\xa3.jsonl" },
        { "/...", "...", "..." },
        { "/.x/..y", ".x/..y", "..y" },
        { "/a.jsonl?x=/../y", "a.jsonl", "a.jsonl" },
        { "/%3F%23%25.jsonl", "?#%.jsonl", "?#%.jsonl" },
        { "/d/", "d/", "file" },
        { "/'; DROP TABLE files; --", "'; DROP TABLE files; --", "'; DROP TABLE files; --" },
        { arena_printf(f->a, "/%s", repeated(f, "n", 1024)).p, repeated(f, "n", 1024), repeated(f, "n", 255) },
        { arena_printf(f->a, "/%s", repeated(f, "%C3%A7", 512)).p, repeated(f, "\xc3\xa7", 512),
          repeated(f, "\xc3\xa7", 127) },
        { arena_printf(f->a, "/%s", repeated(f, "/n", 512)).p, repeated(f, "n/", 512), NULL },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_request r = { .target = at(f, url, cases[i].sent), .body = S("{\"id\":1}") };
        struct fake_reply *reply = oci_send(f, r);
        if (!cases[i].in_record) { /* 1023 bytes: the last slash is missing */
            EXPECT_EQ(reply->status, 200);
            continue;
        }
        if (reply->status != 200)
            fail_msg("%s: %d", cases[i].sent, reply->status);
        struct dataset_file_list files = oci_files(f);
        const struct dataset_file *file = &files.items[files.count - 1];
        EXPECT_SLICE(file->name, slice_of(cases[i].name));
        struct file record = record_of(f, file->id);
        EXPECT_SLICE(record.name, slice_of(cases[i].in_record));
    }
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(a_name_that_no_file_may_have_is_refused)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    const char *const names[] = { "",
                                  "/",
                                  "//",
                                  "/%2F",
                                  "/.",
                                  "/..",
                                  "/../x.jsonl",
                                  "/d/../x.jsonl",
                                  "/d/./x.jsonl",
                                  "/%2e%2e/x.jsonl",
                                  "/d%2F..%2Fx.jsonl",
                                  "/a%00b",
                                  "/a%0Ab",
                                  "/a%7Fb",
                                  "/a%C2%85b",
                                  "/%FF",
                                  "/%C3",
                                  "/%ED%A0%80",
                                  "/%zz",
                                  "/%",
                                  "/%4",
                                  arena_printf(f->a, "/%s", repeated(f, "n", 1025)).p,
                                  arena_printf(f->a, "/%s", repeated(f, "%C3%A7", 513)).p };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct fake_request r = { .target = at(f, url, names[i]), .body = S("{\"id\":1}") };
        struct fake_reply *reply = oci_send(f, r);
        if (reply->status != 400)
            fail_msg("%s: %d", names[i], reply->status);
        expect_refused_early(f, reply, 400, "InvalidObjectName");
    }
}

/* ---- the rest of the head ---- */

struct head_case {
    const char *headers[2][2]; /* names and values */
    int status;                /* 200, or that of the refusal */
    const char *code;
    bool late; /* it is found when the body has come */
};

/* The body is "hello": base64 XUFAKrxLKna5cZ2REBfFkg==. */
static const struct head_case head_cases[] = {
    { { { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==" } }, 200, NULL, false },
    { { { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkg" } }, 200, NULL, false },
    { { { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkA==" } }, 400, "UnmatchedContentMD5", true },
    { { { "Content-MD5", "" } }, 400, "InvalidContentMD5", false },
    { { { "Content-MD5", "5d41402abc4b2a76b9719d911017c592" } }, 400, "InvalidContentMD5", false },
    { { { "Content-MD5", "XUFAKrxLKna5cZ2REBfF" } }, 400, "InvalidContentMD5", false },
    { { { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==" }, { "content-md5", "XUFAKrxLKna5cZ2REBfFkg==" } },
      400,
      "InvalidContentMD5",
      false },
    { { { "X-Checksum", "5d41402abc4b2a76b9719d911017c592" } }, 200, NULL, false },
    { { { "X-Checksum", "5D41402ABC4B2A76B9719D911017C592" } }, 200, NULL, false },
    { { { "X-Checksum", "5d41402abc4b2a76b9719d911017c593" } }, 400, "UnmatchedContentMD5", true },
    { { { "X-Checksum", "5d41402abc4b2a76b9719d911017c59" } }, 200, NULL, false }, /* no MD5: not looked at */
    { { { "X-Checksum", "zd41402abc4b2a76b9719d911017c592" } }, 200, NULL, false },
    { { { "X-Checksum", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9825" } }, 200, NULL, false },
    { { { "X-Checksum", "5d41402abc4b2a76b9719d911017c592" }, { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==" } },
      200,
      NULL,
      false },
    { { { "X-Checksum", "5d41402abc4b2a76b9719d911017c593" }, { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==" } },
      400,
      "UnmatchedContentMD5",
      false },
    { { { "opc-multipart", "true" } }, 501, "NotImplemented", false },
    { { { "If-Match", "*" } }, 501, "NotImplemented", false },
    { { { "If-None-Match", "\"x\"" } }, 400, "InvalidParameter", false },
    { { { "If-None-Match", "*" } }, 200, NULL, false },
    { { { "opc-meta-", "x" } }, 400, "InvalidMetadata", false },
    { { { "opc-meta-a", "\xff" } }, 400, "InvalidMetadata", false },
};

TEST(what_the_head_declares_is_checked)
{
    for (size_t i = 0; i < LENGTH_OF(head_cases); i++) {
        const struct head_case *c = &head_cases[i];
        OCI_FIXTURE(f);
        struct fake_request r = { .target = at(f, oci_url(f, "vendas", 15, NULL), "/a.jsonl"), .body = S("hello") };
        for (int k = 0; k < 2 && c->headers[k][0]; k++)
            r.headers[k] = (struct http_header){ slice_of(c->headers[k][0]), slice_of(c->headers[k][1]) };
        struct fake_reply *reply = oci_send(f, r);
        if (reply->status != c->status)
            fail_msg("case %zu: %d " SLICE_FMT, i, reply->status, SLICE_ARG(reply->body));
        if (c->code)
            expect_refused(f, reply, c->status, c->code);
        EXPECT_EQ(reply->received, c->late || !c->code);
        EXPECT_EQ(oci_files(f).count, !c->code);
        EXPECT_EQ(world_fsck(f->w, false), 0);
    }
}

TEST(a_request_without_a_length_is_refused)
{
    OCI_FIXTURE(f);
    struct fake_request r = { .method = "PUT", .target = at(f, oci_url(f, "vendas", 15, NULL), "/a.jsonl") };
    expect_refused_early(f, fake_http_send(&f->http, &r), 411, "LengthRequired");
}

TEST(a_file_above_the_limit_is_refused_by_its_length_or_when_it_comes)
{
    OCI_FIXTURE(f);
    f->oci.options.max_file_bytes = 1000;
    slice url = oci_url(f, "vendas", 15, NULL), target = at(f, url, "/a.jsonl");
    struct fake_reply *r = oci_put(f, url, "a.jsonl", world_bytes(f->w, 1001));
    expect_refused_early(f, r, 413, "RequestEntityTooLarge");
    r = oci_send(f, (struct fake_request){ .target = target, .body = world_bytes(f->w, 1001), .chunked = true });
    expect_refused(f, r, 413, "RequestEntityTooLarge");
    EXPECT_EQ(world_file_count(f->w), 0);
    EXPECT_EQ(oci_put(f, url, "a.jsonl", world_bytes(f->w, 1000))->status, 200);
}

TEST(a_file_for_which_the_disk_or_the_account_has_no_room_is_refused_before_its_body)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    f->w->core.options.reserve_bytes = UINT64_MAX;
    expect_refused_early(f, oci_put(f, url, "a.jsonl", S("hello")), 503, "ServiceUnavailable");
    f->w->core.options.reserve_bytes = 0;
    world_set_room(f->w, 20000, 0);
    expect_refused_early(f, oci_put(f, url, "a.jsonl", world_bytes(f->w, 30000)), 400, "QuotaExceeded");
    EXPECT_EQ(oci_put(f, url, "a.jsonl", S("hello"))->status, 200);
}

TEST(a_failing_store_is_a_failure_that_passes)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    int64_t failures = 0;
    for (int n = 1;; n++) {
        f->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
        struct fake_reply *r = oci_put(f, url, "a.jsonl", world_bytes(f->w, 20000));
        f->w->faults = (struct fault_plan){ 0 };
        if (r->status == 200)
            break;
        expect_refused(f, r, 503, "ServiceUnavailable");
        EXPECT_EQ(oci_files(f).count, 0);
        failures++;
    }
    EXPECT(failures > 2);
}

TEST(a_name_that_was_sent_under_the_url_is_refused_when_the_client_asks_for_it)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL), other = oci_url(f, "vendas", 15, NULL);
    struct fake_request r = { .target = at(f, url, "/d/a.jsonl"),
                              .headers = { { S("If-None-Match"), S("*") } },
                              .body = S("{\"id\":1}") };
    EXPECT_EQ(oci_send(f, r)->status, 200);
    struct fake_reply *again = oci_send(f, r);
    expect_refused(f, again, 412, "IfNoneMatchFailed");
    EXPECT(!again->received);
    r.target = at(f, url, "//d%2Fa.jsonl"); /* the same name */
    expect_refused(f, oci_send(f, r), 412, "IfNoneMatchFailed");
    r.target = at(f, url, "/d/b.jsonl");
    EXPECT_EQ(oci_send(f, r)->status, 200);
    r.target = at(f, other, "/d/a.jsonl");
    EXPECT_EQ(oci_send(f, r)->status, 200);
    EXPECT_EQ(oci_files(f).count, 3);
}

static void send_same_name(void *arg)
{
    struct midway *m = arg;
    EXPECT_EQ(oci_put(m->f, oci_url(m->f, "vendas", 15, NULL), "a.jsonl", S("{}"))->status, 200);
}

static void send_same_name_first(void *arg)
{
    struct fake_request *first = arg;
    struct oci_fixture *f = first->midway_arg;
    struct fake_request r = *first;
    r.midway = NULL;
    EXPECT_EQ(oci_send(f, r)->status, 200);
}

TEST(of_two_bodies_of_a_name_that_may_come_once_one_is_stored)
{
    OCI_FIXTURE(f);
    struct fake_request first = { .target = at(f, oci_url(f, "vendas", 15, NULL), "/a.jsonl"),
                                  .headers = { { S("If-None-Match"), S("*") } },
                                  .body = S("{\"id\":1}"),
                                  .midway_arg = f };
    struct fake_request slow = first;
    slow.midway = send_same_name_first;
    slow.midway_arg = &first;
    struct fake_reply *r = oci_send(f, slow);
    expect_refused(f, r, 412, "IfNoneMatchFailed");
    EXPECT_EQ(oci_files(f).count, 1);
    struct midway m = { .f = f }; /* a file of that name under another URL does not matter */
    slow.target = at(f, oci_url(f, "vendas", 15, NULL), "/a.jsonl");
    slow.midway = send_same_name;
    slow.midway_arg = &m;
    EXPECT_EQ(oci_send(f, slow)->status, 200);
}

TEST(metadata_headers_are_kept_with_the_file)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    struct fake_request r = { .target = at(f, url, "/a.jsonl"),
                              .headers = { { S("opc-meta-Origem"), S("loja: 5") },
                                           { S("X-Other"), S("x") },
                                           { S("OPC-META-b"), S("ma\xc3\xa7\xc3\xa3") } },
                              .body = S("{\"id\":1}") };
    EXPECT_EQ(oci_send(f, r)->status, 200);
    EXPECT_SLICE(only_file(f).headers, S("opc-meta-origem: loja: 5\nopc-meta-b: ma\xc3\xa7\xc3\xa3\n"));
}

TEST(metadata_headers_have_limits_of_number_and_bytes)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    struct fake_request r = { .target = at(f, url, "/a.jsonl"), .body = S("{\"id\":1}") };
    for (int i = 0; i < 65; i++)
        r.headers[i] = (struct http_header){ arena_printf(f->a, "opc-meta-%d", i), S("x") };
    expect_refused_early(f, oci_send(f, r), 400, "InvalidMetadata");
    r.headers[64] = (struct http_header){ { 0 }, { 0 } };
    EXPECT_EQ(oci_send(f, r)->status, 200);
    memset(r.headers, 0, sizeof r.headers);
    slice value = slice_of(repeated(f, "x", 8192 - sizeof "opc-meta-a: \n" + 1));
    r.headers[0] = (struct http_header){ S("opc-meta-a"), value };
    EXPECT_EQ(oci_send(f, r)->status, 200);
    r.headers[0].value = slice_of(arena_printf(f->a, SLICE_FMT "x", SLICE_ARG(value)).p);
    expect_refused(f, oci_send(f, r), 400, "InvalidMetadata");
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(a_content_type_that_no_record_takes_is_replaced)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    const slice types[] = { S(""), S("\xff"), slice_of(repeated(f, "x", 256)) };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        struct fake_request r = { .target = at(f, url, "/a.jsonl"),
                                  .headers = { { S("Content-Type"), types[i] } },
                                  .body = S("{\"id\":1}") };
        struct file record;
        EXPECT_EQ(oci_send(f, r)->status, 200);
        record = record_of(f, oci_files(f).items[i].id);
        EXPECT_SLICE(record.content_type, S("application/octet-stream"));
    }
}

/* ---- secrets and cost ---- */

TEST(no_secret_of_an_upload_url_is_in_the_audit_log_or_in_a_reply)
{
    OCI_FIXTURE(f);
    int64_t token;
    slice url = oci_url(f, "vendas", 15, &token), secret = slice_part(url, 3, 43);
    struct event_list events;
    struct fake_reply *replies[] = {
        oci_put(f, url, "a.jsonl", S("{\"id\":1}")),
        oci_send(f, (struct fake_request){ .method = "GET", .target = url }),
        oci_send(f, (struct fake_request){ .method = "POST", .target = url }),
        oci_send(f, (struct fake_request){ .target = altered(f, url, "/o/", "/O/") }),
    };
    datasnap_sendf(f->d, DS_WRITER, NULL, "DELETE /v1/upload-tokens/%lld", (long long)token);
    for (size_t i = 0; i < LENGTH_OF(replies); i++) {
        EXPECT(slice_find(replies[i]->body, secret) == SLICE_NONE);
        for (size_t k = 0; k < replies[i]->header_count; k++)
            EXPECT(slice_find(replies[i]->headers[k].value, secret) == SLICE_NONE);
    }
    EXPECT_OK(event_list(&f->w->core, 0, 100, f->a, &events));
    EXPECT(events.count > 5);
    for (size_t i = 0; i < events.count; i++)
        EXPECT(slice_find(events.items[i].subject, secret) == SLICE_NONE &&
               slice_find(events.items[i].detail, secret) == SLICE_NONE);
    EXPECT(f->http_api.hides_targets);
}

TEST(the_worst_head_stays_far_below_the_memory_of_the_route)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    struct fake_request r = { .target = at(f, url, repeated(f, "/%C3%A7", 2300)), .body = world_bytes(f->w, 16384) };
    for (int i = 0; i < 64; i++)
        r.headers[i] = (struct http_header){ arena_printf(f->a, "opc-meta-%d", i), slice_of(repeated(f, "x", 700)) };
    struct fake_reply *reply = oci_send(f, r);
    EXPECT_EQ(reply->status, 400);
    EXPECT(reply->peak_bytes < 400000);
    r.target = at(f, url, repeated(f, "/%C3%A7", 340));
    for (int i = 0; i < 64; i++)
        r.headers[i].value = slice_part(r.headers[i].value, 0, 100);
    reply = oci_send(f, r);
    EXPECT_EQ(reply->status, 200);
    EXPECT(reply->peak_bytes < 400000);
}

static int64_t calls_of(struct oci_fixture *f, const char *method, slice target, slice body)
{
    int64_t before = f->w->faults.calls;
    oci_send(f, (struct fake_request){ .method = method, .target = target, .body = body });
    return f->w->faults.calls - before;
}

TEST(an_unknown_secret_costs_one_read_and_a_method_none)
{
    OCI_FIXTURE(f);
    slice url = oci_url(f, "vendas", 15, NULL);
    slice unknown =
        altered(f, url, arena_cstr(f->a, slice_part(url, 3, 43)), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    int64_t one_read = calls_of(f, "PUT", unknown, S("x"));
    EXPECT_EQ(calls_of(f, "GET", unknown, S("")), 0);
    EXPECT(calls_of(f, "PUT", S("/p/short/n/cais/b/datasnap/o/x"), S("x")) < one_read);
    EXPECT(one_read <= 3); /* the snapshot, the statement, its row */
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row),
          cmocka_unit_test(a_file_under_an_upload_url_is_stored_and_its_rows_follow),
          cmocka_unit_test(a_large_file_and_an_empty_one_are_stored),
          cmocka_unit_test(an_upload_url_is_for_any_number_of_files_and_a_name_may_come_twice),
          cmocka_unit_test(an_upload_url_takes_put_alone),
          cmocka_unit_test(the_words_about_a_bucket_are_those_of_the_url_and_stay_json),
          cmocka_unit_test(an_altered_or_unknown_url_is_refused_like_every_other_one),
          cmocka_unit_test(an_upload_url_is_refused_from_exactly_its_end),
          cmocka_unit_test(an_upload_url_ends_with_its_token_its_key_its_user_and_its_schema),
          cmocka_unit_test(a_body_that_began_in_time_may_come_for_an_hour_more),
          cmocka_unit_test(what_ends_the_permission_ends_a_body_under_way),
          cmocka_unit_test(a_body_that_is_cut_leaves_nothing), cmocka_unit_test(a_name_is_the_rest_of_the_path),
          cmocka_unit_test(a_name_that_no_file_may_have_is_refused),
          cmocka_unit_test(what_the_head_declares_is_checked), cmocka_unit_test(a_request_without_a_length_is_refused),
          cmocka_unit_test(a_file_above_the_limit_is_refused_by_its_length_or_when_it_comes),
          cmocka_unit_test(a_file_for_which_the_disk_or_the_account_has_no_room_is_refused_before_its_body),
          cmocka_unit_test(a_failing_store_is_a_failure_that_passes),
          cmocka_unit_test(a_name_that_was_sent_under_the_url_is_refused_when_the_client_asks_for_it),
          cmocka_unit_test(of_two_bodies_of_a_name_that_may_come_once_one_is_stored),
          cmocka_unit_test(metadata_headers_are_kept_with_the_file),
          cmocka_unit_test(metadata_headers_have_limits_of_number_and_bytes),
          cmocka_unit_test(a_content_type_that_no_record_takes_is_replaced),
          cmocka_unit_test(no_secret_of_an_upload_url_is_in_the_audit_log_or_in_a_reply),
          cmocka_unit_test(an_unknown_secret_costs_one_read_and_a_method_none),
          cmocka_unit_test(the_worst_head_stays_far_below_the_memory_of_the_route))
