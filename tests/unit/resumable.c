/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in several requests by tus and by the IETF's draft: docs/apis/resumable.md. What the texts of the protocols demand, rule
 * by rule, is tested over the wire (tests/clients/test_tus_conformance.py, test_ietf_uploads.py); here is what needs the store's
 * side, or a moment in the middle of a request. */
#include "error_table_test.h"
#include "fake_http.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "api/resumable/call.h"
#include "base/config_key.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/file/file.h"
#include "core/transfer/transfer.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 10 << 20 };

struct fixture {
    struct world *w;
    struct resumable resumable;
    struct http_api api;
    struct fake_http http;
    struct principal ana;
    slice token;
};

static struct fixture *fixture_new(void)
{
    struct fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    f->resumable =
        (struct resumable){ .core = &f->w->core, .options = { .max_file_bytes = MAX_FILE, .expiry_ms = 7 * DAY } };
    f->api = resumable_api(&f->resumable);
    f->http = fake_http_new(&f->api);
    f->ana = world_user(f->w, S("ana"));
    f->token = world_key(f->w, S("ana"), S("native"));
    return f;
}

static void fixture_freep(struct fixture **f)
{
    fake_http_release(&(*f)->http);
    world_free((*f)->w);
    free(*f);
}
#define FIXTURE(name) SCOPED(fixture_freep) struct fixture *name = fixture_new()

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&resumable_errors);
}

/* ---- requests ---- */

static void set_header(struct fake_request *r, const char *name, slice value)
{
    size_t i = 0;
    while (r->headers[i].name.n)
        i++;
    r->headers[i] = (struct http_header){ slice_of(name), value };
}

static slice number(struct fixture *f, int64_t n)
{
    return arena_printf(f->w->a, "%lld", (long long)n);
}

static slice path_of(struct fixture *f, slice id)
{
    slice parts[] = { S(UPLOADS_PATH "/"), id };
    return arena_join(f->w->a, parts, LENGTH_OF(parts));
}

static struct fake_request request_of(struct fixture *f, enum protocol protocol, const char *method, slice id)
{
    struct fake_request r = { .method = method, .target = id.n ? path_of(f, id) : S(UPLOADS_PATH), .token = f->token };
    if (protocol == PROTOCOL_TUS)
        set_header(&r, "Tus-Resumable", S(TUS_VERSION));
    return r;
}

static struct fake_request patch_of(struct fixture *f, enum protocol protocol, slice id, int64_t offset, slice body)
{
    struct fake_request r = request_of(f, protocol, "PATCH", id);
    set_header(&r, "Content-Type", protocol == PROTOCOL_TUS ? S(TUS_CONTENT_TYPE) : S(IETF_CONTENT_TYPE));
    set_header(&r, "Upload-Offset", number(f, offset));
    r.body = body;
    return r;
}

static slice id_in(const struct fake_reply *r)
{
    slice location = fake_reply_header(r, "Location");
    EXPECT(slice_starts(location, S(UPLOADS_PATH "/")));
    return slice_from(location, sizeof UPLOADS_PATH);
}

static slice create_tus(struct fixture *f, int64_t length)
{
    struct fake_request r = request_of(f, PROTOCOL_TUS, "POST", S(""));
    set_header(&r, "Upload-Length", number(f, length));
    set_header(&r, "Upload-Metadata", S("filename YS5iaW4=,filetype dGV4dC9wbGFpbg=="));
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_EQ(reply->status, 201);
    return id_in(reply);
}

static slice create_ietf(struct fixture *f, int64_t length)
{
    struct fake_request r = request_of(f, PROTOCOL_IETF, "POST", S(""));
    set_header(&r, "Upload-Complete", S("?0"));
    set_header(&r, "Content-Disposition", S("inline; filename=\"a.bin\""));
    set_header(&r, "Content-Type", S("text/plain"));
    if (length >= 0)
        set_header(&r, "Upload-Length", number(f, length));
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_EQ(reply->status, 201);
    return id_in(reply);
}

static int64_t offset_in(const struct fake_reply *r)
{
    int64_t offset = -1;
    EXPECT(slice_to_i64(fake_reply_header(r, "Upload-Offset"), &offset));
    return offset;
}

static struct fake_reply *head(struct fixture *f, enum protocol protocol, slice id)
{
    struct fake_request r = request_of(f, protocol, "HEAD", id);
    return fake_http_send(&f->http, &r);
}

static int send_patch(struct fixture *f, enum protocol protocol, slice id, int64_t offset, slice body)
{
    struct fake_request r = patch_of(f, protocol, id, offset, body);
    if (protocol == PROTOCOL_IETF)
        set_header(&r, "Upload-Complete", S("?0"));
    return fake_http_send(&f->http, &r)->status;
}

static void expect_file(struct fixture *f, slice id, slice bytes)
{
    struct transfer t;
    struct file file;
    slice read;
    EXPECT_OK(transfer_find(&f->w->core, &f->ana, id, f->w->a, &t));
    EXPECT(t.finished_at_ms > 0);
    EXPECT_OK(file_get(&f->w->core, &f->ana, t.file_uuid, f->w->a, &file));
    EXPECT_SLICE(file.name, S("a.bin"));
    EXPECT_SLICE(file.content_type, S("text/plain"));
    EXPECT_SLICE(file.origin, S("native"));
    EXPECT_OK(world_read(f->w, &f->ana, &file, &read));
    EXPECT_SLICE(read, bytes);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* ---- the way to a file ---- */

TEST(an_upload_that_one_protocol_began_is_continued_by_the_other)
{
    FIXTURE(f);
    slice bytes = world_bytes(f->w, 100000), id = create_tus(f, (int64_t)bytes.n);
    EXPECT_EQ(send_patch(f, PROTOCOL_TUS, id, 0, slice_part(bytes, 0, 40000)), 204);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_IETF, id)), 40000);
    EXPECT_EQ(send_patch(f, PROTOCOL_IETF, id, 40000, slice_part(bytes, 40000, 30000)), 204);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), 70000);
    EXPECT_EQ(send_patch(f, PROTOCOL_TUS, id, 70000, slice_from(bytes, 70000)), 204);
    expect_file(f, id, bytes);
    EXPECT(fake_reply_header(head(f, PROTOCOL_TUS, id), "Content-Location").n > 0);
    EXPECT_SLICE(fake_reply_header(head(f, PROTOCOL_IETF, id), "Upload-Complete"), S("?1"));
}

TEST(an_upload_of_the_draft_whose_name_ends_in_a_backslash_was_refused)
{
    FIXTURE(f);
    struct transfer t;
    struct fake_request r = request_of(f, PROTOCOL_IETF, "POST", S(""));
    set_header(&r, "Upload-Complete", S("?0"));
    set_header(&r, "Content-Disposition", S("attachment; filename=\"report\\\""));
    struct fake_reply *reply = fake_http_send(&f->http, &r);
    EXPECT_EQ(reply->status, 201);
    EXPECT_OK(transfer_find(&f->w->core, &f->ana, id_in(reply), f->w->a, &t));
    EXPECT_SLICE(t.file_name, S("file"));
}

TEST(only_the_sender_completes_an_upload_of_the_draft)
{
    FIXTURE(f);
    slice id = create_ietf(f, 6);
    EXPECT_EQ(send_patch(f, PROTOCOL_IETF, id, 0, S("abcdef")), 204);
    EXPECT_SLICE(fake_reply_header(head(f, PROTOCOL_IETF, id), "Upload-Complete"), S("?0"));
    struct fake_request last = patch_of(f, PROTOCOL_IETF, id, 6, S(""));
    set_header(&last, "Upload-Complete", S("?1"));
    for (int again = 0; again < 2; again++) {
        struct fake_reply *r = fake_http_send(&f->http, &last);
        EXPECT_EQ(r->status, 201);
        EXPECT_SLICE(fake_reply_header(r, "Upload-Complete"), S("?1"));
        EXPECT(slice_starts(fake_reply_header(r, "Location"), S("/v1/native/files/")));
    }
    expect_file(f, id, S("abcdef"));
}

TEST(interim_replies_say_where_the_upload_is_before_its_body_comes)
{
    FIXTURE(f);
    static const char *const versions[] = { "8", "6", "?1", "" };
    for (size_t i = 0; i < LENGTH_OF(versions); i++) {
        struct fake_request r = request_of(f, PROTOCOL_IETF, "POST", S(""));
        set_header(&r, "Upload-Complete", S("?0"));
        if (*versions[i])
            set_header(&r, "Upload-Draft-Interop-Version", slice_of(versions[i]));
        r.body = S("abc");
        struct fake_reply *reply = fake_http_send(&f->http, &r);
        EXPECT_EQ(reply->status, 201);
        EXPECT_EQ(reply->interims_before_body, i == 0);
        if (i == 0) {
            EXPECT_EQ(reply->interims[0].status, 104);
            EXPECT_SLICE(fake_interim_header(&reply->interims[0], "Location"), fake_reply_header(reply, "Location"));
            EXPECT_SLICE(fake_interim_header(&reply->interims[0], "Upload-Draft-Interop-Version"), S("8"));
        }
    }
}

TEST(pages_of_other_hosts_use_uploads_only_if_the_operator_allows_it)
{
    FIXTURE(f);
    slice origins[] = { S("https://app.example") };
    f->resumable.options.cors_origins = (struct config_list){ origins, 1 };
    static const char *const methods[] = { "OPTIONS", "POST", "GET" };
    for (size_t i = 0; i < LENGTH_OF(methods); i++)
        for (int is_allowed = 0; is_allowed < 2; is_allowed++) {
            struct fake_request r = request_of(f, PROTOCOL_TUS, methods[i], S(""));
            set_header(&r, "Origin", is_allowed ? S("https://app.example") : S("https://evil.example"));
            struct fake_reply *reply = fake_http_send(&f->http, &r);
            slice allowed = fake_reply_header(reply, "Access-Control-Allow-Origin");
            EXPECT_SLICE(fake_reply_header(reply, "Vary"), S("Origin"));
            EXPECT_SLICE(allowed, is_allowed ? S("https://app.example") : S(""));
            EXPECT(!fake_reply_header(reply, "Access-Control-Allow-Credentials").p);
        }
    f->resumable.options.cors_origins.count = 0;
    struct fake_request r = request_of(f, PROTOCOL_TUS, "OPTIONS", S(""));
    set_header(&r, "Origin", S("https://app.example"));
    EXPECT(!fake_reply_header(fake_http_send(&f->http, &r), "Access-Control-Allow-Origin").p);
}

TEST(a_refused_creation_left_an_upload_that_nobody_knew)
{
    FIXTURE(f);
    struct fake_request r = request_of(f, PROTOCOL_TUS, "POST", S(""));
    set_header(&r, "Upload-Length", S("6"));
    set_header(&r, "Content-Type", S(TUS_CONTENT_TYPE));
    set_header(&r, "Upload-Checksum", S("crc32 AAAAAA=="));
    r.body = S("abcdef");
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 460);
    EXPECT_EQ(world_account(f->w).open_uploads, 0);
}

TEST(for_tus_an_upload_of_the_draft_is_complete_when_all_bytes_are_there)
{
    FIXTURE(f);
    slice id = create_ietf(f, 3);
    EXPECT_EQ(send_patch(f, PROTOCOL_IETF, id, 0, S("abc")), 204);
    EXPECT(!fake_reply_header(head(f, PROTOCOL_IETF, id), "Content-Location").p);
    EXPECT(fake_reply_header(head(f, PROTOCOL_TUS, id), "Content-Location").n > 0);
    expect_file(f, id, S("abc"));
}

TEST(uploads_of_parts_are_made_by_a_job)
{
    FIXTURE(f);
    slice ids[2], texts[] = { S("abc"), S("defg") };
    for (int i = 0; i < 2; i++) {
        struct fake_request r = request_of(f, PROTOCOL_TUS, "POST", S(""));
        set_header(&r, "Upload-Length", number(f, (int64_t)texts[i].n));
        set_header(&r, "Upload-Concat", S("partial"));
        set_header(&r, "Content-Type", S(TUS_CONTENT_TYPE));
        r.body = texts[i];
        struct fake_reply *reply = fake_http_send(&f->http, &r);
        EXPECT_EQ(reply->status, 201);
        EXPECT(!fake_reply_header(reply, "Content-Location").p); /* a part is no file */
        ids[i] = id_in(reply);
    }
    struct fake_request whole = request_of(f, PROTOCOL_TUS, "POST", S(""));
    slice concat =
        arena_printf(f->w->a, "final;" UPLOADS_PATH "/" SLICE_FMT " https://other.test" UPLOADS_PATH "/" SLICE_FMT,
                     SLICE_ARG(ids[0]), SLICE_ARG(ids[1]));
    set_header(&whole, "Upload-Concat", concat);
    set_header(&whole, "Upload-Metadata", S("filename YS5iaW4=,filetype dGV4dC9wbGFpbg=="));
    struct fake_reply *reply = fake_http_send(&f->http, &whole);
    EXPECT_EQ(reply->status, 201);
    slice id = id_in(reply);
    reply = head(f, PROTOCOL_TUS, id);
    EXPECT(!fake_reply_header(reply, "Upload-Offset").p);
    EXPECT_SLICE(fake_reply_header(reply, "Upload-Length"), S("7"));
    EXPECT_SLICE(fake_reply_header(reply, "Upload-Concat"), concat);
    EXPECT_EQ(send_patch(f, PROTOCOL_TUS, id, 0, S("x")), 403);
    world_run_jobs(f->w);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), 7);
    expect_file(f, id, S("abcdefg"));
}

TEST(the_draft_can_complete_a_part)
{
    FIXTURE(f);
    struct fake_request r = request_of(f, PROTOCOL_TUS, "POST", S(""));
    set_header(&r, "Upload-Defer-Length", S("1"));
    set_header(&r, "Upload-Concat", S("partial"));
    slice id = id_in(fake_http_send(&f->http, &r));
    for (int again = 0; again < 2; again++) {
        r = patch_of(f, PROTOCOL_IETF, id, again ? 3 : 0, again ? S("") : S("abc"));
        set_header(&r, "Upload-Complete", S("?1"));
        struct fake_reply *reply = fake_http_send(&f->http, &r);
        EXPECT_EQ(reply->status, 204);
        EXPECT_SLICE(fake_reply_header(reply, "Upload-Complete"), S("?1"));
    }
    EXPECT(fake_reply_header(head(f, PROTOCOL_TUS, id), "Upload-Expires").n > 0);
}

/* ---- what a body is checked for ---- */

static slice checksum_of(struct fixture *f, const char *name, slice bytes)
{
    unsigned char digest[HASH_MAX_SIZE] = { 0xe3, 0x06, 0x9e,
                                            0x74 }; /* crc32 of "123456789" is cbf43926, of "abc" 352441c2 */
    size_t size = 4;
    if (strcmp(name, "crc32") == 0) {
        memcpy(digest, "\x35\x24\x41\xc2", 4);
    } else {
        enum hash_kind kind = strcmp(name, "md5") == 0 ? HASH_MD5 : strcmp(name, "sha1") == 0 ? HASH_SHA1 : HASH_SHA256;
        SCOPED(hash_freep) struct hash *h = hash_new(kind);
        hash_update(h, bytes);
        hash_final(h, digest);
        size = hash_size(kind);
    }
    return arena_printf(f->w->a, "%s " SLICE_FMT, name,
                        SLICE_ARG(base64_encode(f->w->a, (slice){ (const char *)digest, size })));
}

TEST(bytes_with_another_checksum_do_not_count)
{
    FIXTURE(f);
    static const char *const names[] = { "sha1", "sha256", "md5", "crc32" };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        for (int in_trailer = 0; in_trailer < 2; in_trailer++) {
            slice id = create_tus(f, 6), right = checksum_of(f, names[i], S("abc"));
            for (int is_right = 0; is_right < 2; is_right++) {
                struct fake_request r = patch_of(f, PROTOCOL_TUS, id, 0, is_right ? S("abc") : S("abd"));
                r.chunked = in_trailer;
                if (in_trailer) {
                    set_header(&r, "Trailer", S("X, upload-checksum"));
                    r.trailers[0] = (struct http_header){ S("Upload-Checksum"), right };
                } else {
                    set_header(&r, "Upload-Checksum", right);
                }
                EXPECT_EQ(fake_http_send(&f->http, &r)->status, is_right ? 204 : 460);
                EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), is_right ? 3 : 0);
            }
        }
}

TEST(a_checksum_that_cannot_be_verified_is_refused)
{
    FIXTURE(f);
    slice id = create_tus(f, 6);
    static const char *const wrong[] = { "sha1",
                                         "sha1 ",
                                         "crc64 AAAAAAAAAAA=",
                                         "sha1 AAAA",
                                         "sha1 %%%%",
                                         "SHA1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
                                         "sha1  qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
                                         "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        struct fake_request r = patch_of(f, PROTOCOL_TUS, id, 0, S("abc"));
        set_header(&r, "Upload-Checksum", slice_of(wrong[i]));
        EXPECT_EQ(fake_http_send(&f->http, &r)->status, 400);
    }
    struct fake_request silent = patch_of(f, PROTOCOL_TUS, id, 0, S("abc")); /* the trailer was not announced */
    silent.chunked = true;
    silent.trailers[0] = (struct http_header){ S("Upload-Checksum"), checksum_of(f, "sha1", S("abc")) };
    EXPECT_EQ(fake_http_send(&f->http, &silent)->status, 400);
    struct fake_request missing = patch_of(f, PROTOCOL_TUS, id, 0, S("abc"));
    missing.chunked = true;
    set_header(&missing, "Trailer", S("Upload-Checksum"));
    EXPECT_EQ(fake_http_send(&f->http, &missing)->status, 400);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), 0);
}

TEST(a_body_that_is_cut_keeps_what_it_brought_unless_it_has_a_checksum)
{
    FIXTURE(f);
    slice bytes = world_bytes(f->w, 50000), id = create_tus(f, (int64_t)bytes.n);
    struct fake_request r = patch_of(f, PROTOCOL_TUS, id, 0, slice_part(bytes, 0, 20000));
    r.cut = true;
    fake_http_send(&f->http, &r);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), 20000);
    r = patch_of(f, PROTOCOL_TUS, id, 20000, slice_part(bytes, 20000, 20000));
    r.cut = true;
    set_header(&r, "Upload-Checksum", checksum_of(f, "sha1", slice_part(bytes, 20000, 20000)));
    fake_http_send(&f->http, &r);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), 20000);
    EXPECT_EQ(send_patch(f, PROTOCOL_TUS, id, 20000, slice_from(bytes, 20000)), 204);
    expect_file(f, id, bytes);
}

/* Of tus, and of the draft without interim replies, only the reply of a POST says where the upload is. */
TEST(a_creation_that_is_refused_leaves_no_upload_that_nobody_can_find)
{
    FIXTURE(f);
    struct fake_request list = request_of(f, PROTOCOL_TUS, "GET", S(""));
    slice none = fake_http_send(&f->http, &list)->body;
    struct fake_request r = request_of(f, PROTOCOL_TUS, "POST", S(""));
    set_header(&r, "Upload-Length", S("6"));
    set_header(&r, "Content-Type", S(TUS_CONTENT_TYPE));
    r.body = S("abcdefg");
    r.chunked = true;
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 413);
    EXPECT_SLICE(fake_http_send(&f->http, &list)->body, none);
    r.body = S("abcde");
    r.cut = true; /* a client that goes away is not refused: it may look for what came in the list of its uploads */
    fake_http_send(&f->http, &r);
    EXPECT(!slice_eq(fake_http_send(&f->http, &list)->body, none));
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(an_upload_with_more_bytes_than_its_length_is_gone)
{
    FIXTURE(f);
    slice id = create_ietf(f, 6);
    struct fake_request r = patch_of(f, PROTOCOL_IETF, id, 0, S("abcdefg"));
    set_header(&r, "Upload-Complete", S("?0"));
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 400); /* its head shows it */
    EXPECT_EQ(offset_in(head(f, PROTOCOL_IETF, id)), 0);
    r.chunked = true;
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 413);
    EXPECT_EQ(head(f, PROTOCOL_IETF, id)->status, 404);
    id = create_tus(f, 6);
    r = patch_of(f, PROTOCOL_TUS, id, 0, S("abcdefg"));
    r.chunked = true;
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 413);
    EXPECT_EQ(head(f, PROTOCOL_TUS, id)->status, 200);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(an_upload_without_a_length_was_not_limited)
{
    FIXTURE(f);
    f->resumable.options.max_file_bytes = 10;
    struct fake_request r = request_of(f, PROTOCOL_TUS, "POST", S(""));
    set_header(&r, "Upload-Defer-Length", S("1"));
    slice id = id_in(fake_http_send(&f->http, &r));
    EXPECT_EQ(send_patch(f, PROTOCOL_TUS, id, 0, S("0123456789")), 204);
    EXPECT_EQ(send_patch(f, PROTOCOL_TUS, id, 10, S("x")), 413);
    r = patch_of(f, PROTOCOL_TUS, id, 10, S(""));
    set_header(&r, "Upload-Length", S("11"));
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 413);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), 10);
}

TEST(the_end_of_an_unfinished_upload_did_not_move_with_its_last_bytes)
{
    FIXTURE(f);
    slice id = create_tus(f, 6);
    world_wait(f->w, hours(24));
    struct fake_request r = patch_of(f, PROTOCOL_TUS, id, 0, S("abc"));
    slice expected = time_format_http(f->w->a, WORLD_START_MS + hours(24) + 7 * DAY);
    EXPECT_SLICE(fake_reply_header(fake_http_send(&f->http, &r), "Upload-Expires"), expected);
    EXPECT_SLICE(fake_reply_header(head(f, PROTOCOL_TUS, id), "Upload-Expires"), expected);
}

/* ---- two requests at once ---- */

struct rival {
    struct fixture *f;
    enum protocol protocol;
    const char *method;
    slice id;
    int64_t wait_ms;
    int status;
};

static void send_rival(void *arg)
{
    struct rival *r = arg;
    world_wait(r->f->w, r->wait_ms);
    if (strcmp(r->method, "PATCH") == 0) {
        r->status = send_patch(r->f, r->protocol, r->id, 0, S("123456"));
        return;
    }
    struct fake_request request = request_of(r->f, r->protocol, r->method, r->id);
    r->status = fake_http_send(&r->f->http, &request)->status;
}

static int send_with_rival(struct fixture *f, enum protocol protocol, slice id, struct rival *rival)
{
    struct fake_request r = patch_of(f, protocol, id, 0, S("abc"));
    if (protocol == PROTOCOL_IETF)
        set_header(&r, "Upload-Complete", S("?0"));
    r.midway = send_rival;
    r.midway_arg = rival;
    r.watched = true;
    return fake_http_send(&f->http, &r)->status;
}

TEST(a_second_writer_waits_or_takes_over_as_its_protocol_says)
{
    FIXTURE(f);
    struct rival rival = { f, PROTOCOL_TUS, "PATCH", create_tus(f, 6), 0, 0 };
    EXPECT_EQ(send_with_rival(f, PROTOCOL_TUS, rival.id, &rival), 204);
    EXPECT_EQ(rival.status, 423);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, rival.id)), 3);

    rival = (struct rival){ f, PROTOCOL_TUS, "PATCH", create_tus(f, 6), TRANSFER_SILENCE_MS, 0 };
    EXPECT_EQ(send_with_rival(f, PROTOCOL_TUS, rival.id, &rival), 423);
    EXPECT_EQ(rival.status, 204);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, rival.id)), 6);

    rival = (struct rival){ f, PROTOCOL_IETF, "PATCH", create_ietf(f, 6), 0, 0 };
    EXPECT_EQ(send_with_rival(f, PROTOCOL_IETF, rival.id, &rival), 423);
    EXPECT_EQ(rival.status, 204);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_IETF, rival.id)), 6);
}

TEST(an_offset_that_was_told_was_raised_by_the_request_before)
{
    FIXTURE(f);
    struct rival rival = { f, PROTOCOL_IETF, "HEAD", create_ietf(f, 6), 0, 0 };
    EXPECT_EQ(send_with_rival(f, PROTOCOL_IETF, rival.id, &rival), 423);
    EXPECT_EQ(rival.status, 204);
    EXPECT_EQ(offset_in(head(f, PROTOCOL_IETF, rival.id)), 0);
    EXPECT_EQ(send_patch(f, PROTOCOL_IETF, rival.id, 0, S("123")), 204);
}

TEST(a_request_whose_upload_was_removed_went_on)
{
    FIXTURE(f);
    struct rival rival = { f, PROTOCOL_TUS, "DELETE", create_tus(f, 6), 0, 0 };
    EXPECT_EQ(send_with_rival(f, PROTOCOL_TUS, rival.id, &rival), 423);
    EXPECT_EQ(rival.status, 204);
    EXPECT_EQ(head(f, PROTOCOL_TUS, rival.id)->status, 404);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* ---- bad input ---- */

TEST(the_first_of_two_equal_headers_counted)
{
    FIXTURE(f);
    static const char *const names[] = { "Tus-Resumable", "Upload-Checksum",     "Upload-Metadata",
                                         "Upload-Concat", "Upload-Defer-Length", "X-HTTP-Method-Override",
                                         "Upload-Offset", "Upload-Length" };
    slice id = create_tus(f, 6);
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct fake_request r = patch_of(f, PROTOCOL_TUS, id, 0, S("abc"));
        set_header(&r, names[i], S("0"));
        set_header(&r, names[i], S("0"));
        EXPECT_EQ(fake_http_send(&f->http, &r)->status, 400);
    }
    EXPECT_EQ(offset_in(head(f, PROTOCOL_TUS, id)), 0);
}

TEST(the_draft_ignores_numbers_that_are_none)
{
    FIXTURE(f);
    static const char *const wrong[] = { "x", "-1", "1.5", "\"11\"", "", "1000000000000000", "1, 1" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        struct fake_request r = request_of(f, PROTOCOL_IETF, "POST", S(""));
        set_header(&r, "Upload-Complete", S("?0;x=1"));
        set_header(&r, "Upload-Length", slice_of(wrong[i]));
        struct fake_reply *reply = fake_http_send(&f->http, &r);
        EXPECT_EQ(reply->status, 201);
        slice id = id_in(reply);
        EXPECT(!fake_reply_header(head(f, PROTOCOL_IETF, id), "Upload-Length").p);
        r = request_of(f, PROTOCOL_IETF, "PATCH", id);
        set_header(&r, "Content-Type", S(IETF_CONTENT_TYPE));
        set_header(&r, "Upload-Complete", S("?0"));
        set_header(&r, "Upload-Offset", slice_of(wrong[i]));
        EXPECT_EQ(fake_http_send(&f->http, &r)->status, 400);
    }
}

/* ---- bad days ---- */

static void disable_user(void *arg)
{
    struct fixture *f = arg;
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_DISABLED, f->w->a));
}

TEST(bytes_of_a_user_who_was_disabled_meanwhile_do_not_count)
{
    FIXTURE(f);
    slice id = create_tus(f, 6);
    struct fake_request r = patch_of(f, PROTOCOL_TUS, id, 0, S("abc"));
    r.midway = disable_user;
    r.midway_arg = f;
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 403);
    struct transfer t;
    EXPECT_OK(transfer_find(&f->w->core, &f->ana, id, f->w->a, &t));
    EXPECT_EQ(t.offset, 0);
}

static void send_with_fault(enum protocol protocol, int64_t nth, bool *ret_reached)
{
    FIXTURE(f);
    slice bytes = world_bytes(f->w, 60000);
    slice id = protocol == PROTOCOL_TUS ? create_tus(f, (int64_t)bytes.n) : create_ietf(f, (int64_t)bytes.n);
    int64_t acknowledged = 0;
    bool is_finished = false;
    f->w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
    for (int tries = 0; tries < 20 && !is_finished; tries++) {
        struct fake_reply *state = head(f, protocol, id);
        if (state->status >= 300) {
            world_wait(f->w, minutes(3));
            continue;
        }
        int64_t offset = offset_in(state);
        EXPECT(offset >= acknowledged);
        struct fake_request r = patch_of(f, protocol, id, offset, slice_part(bytes, (size_t)offset, 25000));
        bool is_last = offset + 25000 >= (int64_t)bytes.n;
        if (protocol == PROTOCOL_IETF)
            set_header(&r, "Upload-Complete", is_last ? S("?1") : S("?0"));
        struct fake_reply *reply = fake_http_send(&f->http, &r);
        if (reply->status < 300)
            acknowledged = offset_in(reply);
        else
            world_wait(f->w, minutes(3)); /* a claim that could not be released ends */
        is_finished = fake_reply_header(head(f, protocol, id), "Content-Location").n > 0;
    }
    *ret_reached = f->w->faults.calls >= nth;
    f->w->faults.fail_at = 0;
    expect_file(f, id, bytes);
}

TEST(an_acknowledged_offset_is_true_whatever_call_of_a_store_fails)
{
    for (int protocol = PROTOCOL_TUS; protocol <= PROTOCOL_IETF; protocol++) {
        bool reached = true;
        for (int64_t nth = fault_first(); reached; nth += fault_step()) {
            send_with_fault((enum protocol)protocol, nth, &reached);
            assert_true(nth < 2000);
        }
    }
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row),
          cmocka_unit_test(an_upload_that_one_protocol_began_is_continued_by_the_other),
          cmocka_unit_test(an_upload_of_the_draft_whose_name_ends_in_a_backslash_was_refused),
          cmocka_unit_test(only_the_sender_completes_an_upload_of_the_draft),
          cmocka_unit_test(interim_replies_say_where_the_upload_is_before_its_body_comes),
          cmocka_unit_test(pages_of_other_hosts_use_uploads_only_if_the_operator_allows_it),
          cmocka_unit_test(a_refused_creation_left_an_upload_that_nobody_knew),
          cmocka_unit_test(for_tus_an_upload_of_the_draft_is_complete_when_all_bytes_are_there),
          cmocka_unit_test(uploads_of_parts_are_made_by_a_job), cmocka_unit_test(the_draft_can_complete_a_part),
          cmocka_unit_test(bytes_with_another_checksum_do_not_count),
          cmocka_unit_test(a_checksum_that_cannot_be_verified_is_refused),
          cmocka_unit_test(a_body_that_is_cut_keeps_what_it_brought_unless_it_has_a_checksum),
          cmocka_unit_test(a_creation_that_is_refused_leaves_no_upload_that_nobody_can_find),
          cmocka_unit_test(an_upload_with_more_bytes_than_its_length_is_gone),
          cmocka_unit_test(an_upload_without_a_length_was_not_limited),
          cmocka_unit_test(the_end_of_an_unfinished_upload_did_not_move_with_its_last_bytes),
          cmocka_unit_test(a_second_writer_waits_or_takes_over_as_its_protocol_says),
          cmocka_unit_test(an_offset_that_was_told_was_raised_by_the_request_before),
          cmocka_unit_test(a_request_whose_upload_was_removed_went_on),
          cmocka_unit_test(the_first_of_two_equal_headers_counted),
          cmocka_unit_test(the_draft_ignores_numbers_that_are_none),
          cmocka_unit_test(bytes_of_a_user_who_was_disabled_meanwhile_do_not_count),
          cmocka_unit_test(an_acknowledged_offset_is_true_whatever_call_of_a_store_fails))
