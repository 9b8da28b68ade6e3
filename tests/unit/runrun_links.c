/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that the Runrun.it API signs (docs/apis/runrun.md §7), its downloads (§6.5, §8) and its zips (§6.6). */
#include "test.h"

#include "../../src/api/runrun/sign_priv.h"
#include "base/text.h"
#include "core/records/account.h"
#include "core/records/document.h"
#include "core/records/file.h"
#include "http/target.h"
#include "runrun_fixture.h"
#include "sign/form_policy.h"

#include <stdio.h>
#include <string.h>

#define SECRET S("not-a-real-secret/0123456789abcdefABCDEF")

/* ---- §7 forms ---- */

/* The part of the reply for which the vendor's contract has test vectors, made with their key, secret, time and
 * document. */
static struct fake_reply form_of_the_vectors(struct runrun_fixture *f)
{
    struct http_exchange x = { .api = &f->http_api, .req = { .host = S("runrun.it"), .tls = true } };
    struct json_reply reply;
    struct document document = { .file = { .id = 9001, .content_type = S("text/csv") },
                                 .ticket = { .key = S("data/enterprise/1/9001/nota.csv"), .declared_bytes = 22 } };
    EXPECT(time_parse_utc(S("2026-11-21T14:00:00Z"), &document.file.created_at_ms));
    arena_init(&x.arena);
    slice access_key = f->runrun.signer.access_key, secret = f->runrun.signer.secret;
    f->runrun.signer.access_key = S("CAISKEY0000000000001");
    f->runrun.signer.secret = SECRET;
    json_reply_begin(&reply, &x);
    json_open_object(&reply.out);
    runrun_put_form(&reply, &document);
    json_close_object(&reply.out);
    struct fake_reply made = { .status = 201, .body = arena_copy(f->a, buf_slice(&reply.body)) };
    buf_release(&reply.body);
    arena_release(&x.arena);
    f->runrun.signer.access_key = access_key;
    f->runrun.signer.secret = secret;
    return made;
}

static slice decoded(struct runrun_fixture *f, const struct fake_reply *r, const char *field)
{
    slice text;
    EXPECT(base64_decode(f->a, runrun_str(f, r, field), &text));
    return text;
}

TEST(the_v4_form_matches_the_test_vectors)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply r = form_of_the_vectors(f);
    slice policy = decoded(f, &r, "fields.Policy");
    EXPECT_SLICE(policy, S("{\"expiration\":\"2026-11-21T15:00:00Z\",\"conditions\":[{\"bucket\":\"runrunit\"},"
                           "{\"key\":\"data/enterprise/1/9001/nota.csv\"},[\"content-length-range\",22,22],"
                           "{\"success_action_status\":\"201\"},{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"},"
                           "{\"x-amz-credential\":\"CAISKEY0000000000001/20261121/sa-saopaulo-1/s3/aws4_request\"},"
                           "{\"x-amz-date\":\"20261121T140000Z\"}]}"));
    EXPECT_EQ(policy.n, 335);
    EXPECT_SLICE(runrun_str(f, &r, "fields.X-Amz-Signature"),
                 S("ae4a90264e6df6df72d38a13b25a85372ea523c673efe05a75503ca7d29eb3e1"));
    EXPECT_SLICE(runrun_str(f, &r, "fields.X-Amz-Algorithm"), S("AWS4-HMAC-SHA256"));
    EXPECT_SLICE(runrun_str(f, &r, "fields.X-Amz-Date"), S("20261121T140000Z"));
    EXPECT_SLICE(runrun_str(f, &r, "fields.X-Amz-Credential"),
                 S("CAISKEY0000000000001/20261121/sa-saopaulo-1/s3/aws4_request"));
    EXPECT_SLICE(runrun_str(f, &r, "fields.success_action_status"), S("201"));
    EXPECT_SLICE(runrun_str(f, &r, "upload_url"), S("https://runrun.it/runrunit"));
}

TEST(the_v2_form_matches_the_test_vectors)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply r = form_of_the_vectors(f);
    EXPECT_SLICE(decoded(f, &r, "fields.policy"),
                 S("{\"expiration\":\"2026-11-21T15:00:00Z\",\"conditions\":[{\"bucket\":\"runrunit\"},"
                   "{\"key\":\"data/enterprise/1/9001/nota.csv\"},{\"acl\":\"private\"},"
                   "{\"success_action_status\":\"201\"},[\"starts-with\",\"$name\",\"\"],"
                   "[\"starts-with\",\"$filename\",\"\"],[\"starts-with\",\"$content_type\",\"\"],"
                   "[\"content-length-range\",22,22]]}"));
    EXPECT_SLICE(runrun_str(f, &r, "fields.signature"), S("abEJIL0h9Qym0jHPqb1YjQVjUCE="));
    EXPECT_SLICE(runrun_str(f, &r, "fields.AWSAccessKeyId"), S("CAISKEY0000000000001"));
    EXPECT_SLICE(runrun_str(f, &r, "fields.content_type"), S("text/csv"));
    EXPECT_EQ(json_count(runrun_at(f, &r, "fields")), 11);
}

TEST(legacy_fields_can_be_switched_off)
{
    struct runrun_options o = runrun_fixture_options();
    o.legacy_fields = false;
    SCOPED(runrun_fixture_freep) struct runrun_fixture *f = runrun_fixture_new(&o);
    struct fake_reply r = form_of_the_vectors(f);
    EXPECT_EQ(json_count(runrun_at(f, &r, "fields")), 7);
    EXPECT(!runrun_at(f, &r, "fields.policy"));
}

TEST(ignored_form_fields_are_listed_for_the_s3_api)
{
    const char *names[] = { "name", "filename", "acl", "content_type", "Content-Type", "signature", "AWSAccessKeyId" };
    EXPECT_EQ(LENGTH_OF(names), RUNRUN_IGNORED_FIELD_COUNT);
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        EXPECT_SLICE(runrun_ignored_fields[i], slice_of(names[i]));
}

static bool verifies(struct runrun_fixture *f, const struct fake_reply *ticket)
{
    const char *names[] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature" };
    struct sign_pair fields[4];
    struct sigv4 claim;
    for (size_t i = 0; i < 4; i++)
        fields[i] =
            (struct sign_pair){ slice_of(names[i]), runrun_str(f, ticket, runrun_format(f, "fields.%s", names[i])) };
    EXPECT_EQ(policy_v4_parse(fields, 4, S("sa-saopaulo-1"), f->a, &claim, NULL), SIGN_OK);
    return policy_v4_verify(&claim, runrun_str(f, ticket, "fields.Policy"), f->runrun.signer.secret) == SIGN_OK;
}

TEST(the_cached_signing_key_changes_with_the_day)
{
    RUNRUN_FIXTURE(f);
    EXPECT(verifies(f, runrun_request_ticket(f, &ana, 0, S("a"), 1)));
    EXPECT(verifies(f, runrun_request_ticket(f, &ana, 0, S("b"), 1)));
    world_wait(f->w, hours(24));
    EXPECT(verifies(f, runrun_request_ticket(f, &ana, 0, S("c"), 1)));
    EXPECT(slice_ends(S("20261122"), slice_of(f->runrun.key_cache.date)));
}

/* ---- hosts of links ---- */

static slice upload_url(struct runrun_fixture *f, const struct runrun_user *u, slice host)
{
    struct fake_request r = { .method = "POST",
                              .target = S("/api/documents"),
                              .host = host,
                              .headers = { { S("App-Key"), u->key }, { S("User-Token"), u->token } },
                              .body = S("{\"data_file_name\":\"a\",\"data_file_size\":1}") };
    return runrun_str(f, fake_http_send(&f->http, &r), "upload_url");
}

TEST(links_never_contain_an_unchecked_host)
{
    RUNRUN_FIXTURE(f);
    EXPECT_SLICE(upload_url(f, &ana, S("secure.runrun.it")), S("http://secure.runrun.it/runrunit"));
    EXPECT_SLICE(upload_url(f, &ana, S("evil.example")), S("https://files.example.org/runrunit"));
}

TEST(links_use_storage_url_without_its_default_port)
{
    static const char *const given[][2] = { { "https://storage.example.org", "https://storage.example.org/runrunit" },
                                            { "https://storage.example.org:443/",
                                              "https://storage.example.org/runrunit" },
                                            { "http://storage.example.org:80", "http://storage.example.org/runrunit" },
                                            { "http://10.0.0.1:9000", "http://10.0.0.1:9000/runrunit" } };
    for (size_t i = 0; i < LENGTH_OF(given); i++) {
        struct runrun_options o = runrun_fixture_options();
        o.storage_url = slice_of(given[i][0]);
        SCOPED(runrun_fixture_freep) struct runrun_fixture *f = runrun_fixture_new(&o);
        struct runrun_user ana = runrun_user(f, "ana", "Ana");
        EXPECT_SLICE(upload_url(f, &ana, S("runrun.it")), slice_of(given[i][1]));
    }
}

TEST(forms_and_links_named_the_host_of_the_api_although_objects_have_one)
{
    RUNRUN_FIXTURE(f);
    f->links.storage_host = S("objects.example.org");
    EXPECT_SLICE(upload_url(f, &ana, S("runrun.it")), S("http://objects.example.org/runrunit"));
    EXPECT_SLICE(upload_url(f, &ana, S("runrun.it:8443")), S("http://objects.example.org:8443/runrunit"));
    EXPECT_SLICE(upload_url(f, &ana, S("evil.example:81")), S("https://objects.example.org/runrunit"));
    f->links.public_url = S("http://[::1]:9000/");
    EXPECT_SLICE(upload_url(f, &ana, S("evil.example:81")), S("http://objects.example.org:9000/runrunit"));
    int64_t id = runrun_new_document(f, &ana, 0, S("a.txt"), S("x"));
    struct fake_reply *r = runrun_sendf(f, &ana, "", "GET /documents/%lld/download", (long long)id);
    EXPECT(slice_starts(fake_reply_header(r, "Location"), S("http://objects.example.org/runrunit/data/")));
    f->runrun.options.storage_url = S("https://storage.example.org");
    EXPECT_SLICE(upload_url(f, &ana, S("runrun.it:8443")), S("https://storage.example.org/runrunit"));
}

/* ---- §6.5 downloads ---- */

static struct fake_reply *download(struct runrun_fixture *f, const struct runrun_user *u, int64_t id)
{
    return runrun_sendf(f, u, "", "GET /documents/%lld/download", (long long)id);
}

static slice parameter(struct runrun_fixture *f, slice url, const char *name)
{
    struct query q;
    slice value = S(""), path, query;
    slice_cut(url, '?', &path, &query);
    EXPECT_OK(query_parse(query, f->a, &q));
    EXPECT(query_get(&q, slice_of(name), 0, &value));
    return value;
}

TEST(a_download_redirects_to_a_signed_link)
{
    RUNRUN_FIXTURE(f);
    int64_t id = runrun_new_document(f, &ana, 0, S("nota fiscal.pdf"), S("x"));
    struct fake_reply *r = download(f, &ana, id);
    slice location = fake_reply_header(r, "Location"), path, query;
    EXPECT_EQ(r->status, 302);
    EXPECT_EQ(r->body.n, 0);
    EXPECT_SLICE(parameter(f, location, "response-content-disposition"), S("attachment; filename=\"nota fiscal.pdf\""));
    EXPECT_SLICE(parameter(f, location, "response-content-type"), S("application/pdf"));
    EXPECT_SLICE(parameter(f, location, "X-Amz-Expires"), S("900"));
    EXPECT_SLICE(parameter(f, location, "X-Amz-SignedHeaders"), S("host"));
    slice_cut(location, '?', &path, &query);
    EXPECT_SLICE(path, S("http://runrun.it/runrunit/data/enterprise/1/1/nota%20fiscal.pdf"));

    struct query q;
    struct sign_pair pairs[20];
    struct sigv4 claim;
    EXPECT_OK(query_parse(query, f->a, &q));
    for (size_t i = 0; i < q.count; i++)
        pairs[i] = (struct sign_pair){ q.params[i].raw_name, q.params[i].raw_value };
    const struct sign_pair host = { S("Host"), S("runrun.it") };
    struct sign_request request = { S("GET"), slice_from(path, 16), pairs, q.count, &host, 1 };
    EXPECT_EQ(sigv4_parse(&request, S("sa-saopaulo-1"), f->a, &claim, NULL), SIGN_OK);
    slice secret = f->runrun.signer.secret;
    /* The user whom the link was made for, and the key, are part of what is signed: the link ends with them. */
    EXPECT(slice_starts(parameter(f, location, "X-Cais-User"), slice_of(runrun_format(f, "%lld-", (long long)ana.id))));
    int64_t now_ms = clock_now_ms(&f->w->clock.clock);
    EXPECT_EQ(sigv4_verify(&claim, &request, secret, now_ms + minutes(15) - 1, f->a, NULL), SIGN_OK);
    EXPECT_EQ(sigv4_verify(&claim, &request, secret, now_ms + minutes(15), f->a, NULL), SIGN_EXPIRED);
}

TEST(pending_documents_thumbnails_and_previews_are_404)
{
    RUNRUN_FIXTURE(f);
    int64_t pending = runrun_int(f, runrun_request_ticket(f, &ana, 0, S("a.png"), 1), "id");
    int64_t ready = runrun_new_document(f, &ana, 0, S("b.png"), S("x"));
    EXPECT_ERROR(f, download(f, &ana, pending), 404);
    EXPECT_ERROR(f, download(f, &ana, 999), 404);
    EXPECT_ERROR(f, runrun_sendf(f, &ana, "", "GET /documents/%lld/thumbnail", (long long)ready), 404);
    EXPECT_ERROR(f, runrun_sendf(f, &ana, "", "GET /documents/%lld/preview", (long long)ready), 404);
    EXPECT_EQ(runrun_sendf(f, &ana, "", "HEAD /documents/%lld/download", (long long)ready)->status, 302);
    EXPECT_EQ(runrun_sendf(f, &ana, "", "DELETE /documents/%lld", (long long)ready)->status, 204);
    EXPECT_ERROR(f, download(f, &ana, ready), 404);
}

TEST(download_links_carry_names_of_all_kinds)
{
    RUNRUN_FIXTURE(f);
    static const char *const names[][2] = {
        { "plain.txt", "attachment; filename=plain.txt" },
        { "a b.txt", "attachment; filename=\"a b.txt\"" },
        { "\"q\".txt", "attachment; filename=\"\\\"q\\\".txt\"" },
        { "100% + a&b #1.txt", "attachment; filename=\"100% + a&b #1.txt\"" },
        { "A\xc3\xa7\xc3\xa3o \xc3\x87.pdf", "attachment; filename*=UTF-8''A%C3%A7%C3%A3o%20%C3%87.pdf" },
        { "\xf0\x9f\x98\x80.png", "attachment; filename*=UTF-8''%F0%9F%98%80.png" },
    };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct fake_reply *r = download(f, &ana, runrun_new_document(f, &ana, 0, slice_of(names[i][0]), S("x")));
        EXPECT_SLICE(parameter(f, fake_reply_header(r, "Location"), "response-content-disposition"),
                     slice_of(names[i][1]));
    }
}

TEST(a_file_of_another_api_is_downloaded_with_a_key_link)
{
    RUNRUN_FIXTURE(f);
    struct file file = world_store(f->w, &ana.who, S("a\xc3\xa7.txt"), S("hello"), 0);
    struct fake_reply *r = runrun_sendf(f, &ana, "", "GET /documents/%lld", (long long)file.id);
    EXPECT(runrun_is_set(f, r, "transfered"));
    r = download(f, &ana, file.id);
    EXPECT_EQ(r->status, 302);
    slice location = fake_reply_header(r, "Location");
    EXPECT(slice_starts(location, S("http://runrun.it/api/v1.0/documents/file?ids=")));
    char *get = runrun_format(f, "GET " SLICE_FMT, SLICE_ARG(slice_from(location, 16)));
    r = runrun_send(f, NULL, get, "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->body, S("hello"));
    EXPECT_SLICE(r->content_type, S("application/octet-stream"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename*=UTF-8''a%C3%A7.txt"));
    EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
    world_wait(f->w, minutes(15));
    EXPECT_ERROR(f, runrun_send(f, NULL, get, ""), 404);
}

/* ---- §6.6 zips ---- */

static struct fake_reply *ask_zip(struct runrun_fixture *f, const struct runrun_user *u, const char *query)
{
    return runrun_sendf(f, u, "", "GET /documents/download_zip?%s", query);
}

static char *zip_target(struct runrun_fixture *f, const struct fake_reply *asked)
{
    slice location = fake_reply_header(asked, "Location");
    EXPECT_EQ(asked->status, 302);
    EXPECT(slice_starts(location, S("http://runrun.it/api/v1.0/documents/zip?ids=")));
    return runrun_format(f, "GET " SLICE_FMT, SLICE_ARG(slice_from(location, 16)));
}

/* Checks the names in the local headers of the zip, in the order of the archive. */
static void expect_entries(const struct fake_reply *r, const char *const *names, size_t count)
{
    slice rest = r->body;
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->content_type, S("application/zip"));
    EXPECT(!r->cut);
    for (size_t i = 0; i < count; i++) {
        size_t at = slice_find(rest, S("PK\3\4"));
        EXPECT(at != SLICE_NONE);
        rest = slice_from(rest, at);
        EXPECT_SLICE(slice_part(rest, 30, (unsigned char)rest.p[26]), slice_of(names[i]));
        rest = slice_from(rest, 30);
    }
    EXPECT_EQ(slice_find(rest, S("PK\3\4")), SLICE_NONE);
}

TEST(a_zip_is_downloaded_with_a_temporary_key)
{
    RUNRUN_FIXTURE(f);
    int64_t a = runrun_new_document(f, &ana, 0, S("a.txt"), S("hello")),
            b = runrun_new_document(f, &ana, 0, S("b.bin"), world_bytes(f->w, 300000));
    const char *queries[] = { "ids=%d,%d", "ids[]=%d&ids[]=%d", "ids%%5B%%5D=%d&ids%%5B%%5D=%d", "ids=%d,%d,1,999" };
    static const char *const names[] = { "a.txt", "b.bin" };
    for (size_t i = 0; i < LENGTH_OF(queries); i++) {
        char query[100];
        snprintf(query, sizeof query, queries[i], (int)a, (int)b);
        struct fake_reply *r = runrun_send(f, NULL, zip_target(f, ask_zip(f, &ana, query)), "");
        expect_entries(r, names, 2);
        EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=documents.zip"));
    }
}

TEST(a_zip_key_is_bound_to_user_ids_and_time)
{
    RUNRUN_FIXTURE(f);
    runrun_new_document(f, &ana, 0, S("a"), S("1"));
    runrun_new_document(f, &ana, 0, S("b"), S("2"));
    char *target = zip_target(f, ask_zip(f, &ana, "ids=1"));
    EXPECT_EQ(runrun_send(f, NULL, target, "")->status, 200);
    const char *changes[][2] = { { "ids=1", "ids=2" },        { "user=", "user=9" }, { "account=1", "account=2" },
                                 { "expires=", "expires=9" }, { "key=", "key=0" },   { "ids=1&", "" },
                                 { "&key=", "&k=" },          { "zip?", "file?" },   { "user=", "user=x" } };
    for (size_t i = 0; i < LENGTH_OF(changes); i++) {
        slice s = slice_of(target);
        size_t at = slice_find(s, slice_of(changes[i][0]));
        EXPECT(at != SLICE_NONE);
        char *changed = runrun_format(f, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(slice_part(s, 0, at)), changes[i][1],
                                      SLICE_ARG(slice_from(s, at + strlen(changes[i][0]))));
        EXPECT_ERROR(f, runrun_send(f, NULL, changed, ""), 404);
    }
    EXPECT_ERROR(f, runrun_send(f, NULL, "GET /documents/zip", ""), 404);
    world_wait(f->w, minutes(15) - 1);
    EXPECT_EQ(runrun_send(f, NULL, target, "")->status, 200);
    world_wait(f->w, 1);
    EXPECT_ERROR(f, runrun_send(f, NULL, target, ""), 404);
}

TEST(a_zip_key_of_a_disabled_user_is_refused)
{
    RUNRUN_FIXTURE(f);
    runrun_new_document(f, &ana, 0, S("a"), S("1"));
    char *target = zip_target(f, ask_zip(f, &ana, "ids=1"));
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana-prado"), USER_DISABLED, f->a));
    EXPECT_ERROR(f, runrun_send(f, NULL, target, ""), 404);
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana-prado"), USER_DELETED, f->a));
    EXPECT_ERROR(f, runrun_send(f, NULL, target, ""), 404);
}

static void disable_ana(void *arg)
{
    struct runrun_fixture *f = arg;
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana-prado"), USER_DISABLED, f->a));
}

TEST(a_zip_key_worked_after_the_app_key_with_which_it_was_asked_for_was_revoked)
{
    RUNRUN_FIXTURE(f);
    runrun_new_document(f, &ana, 0, S("a"), S("1"));
    slice location = fake_reply_header(ask_zip(f, &ana, "ids=1"), "Location");
    char *target = runrun_format(f, "GET " SLICE_FMT, SLICE_ARG(slice_from(location, 16)));
    EXPECT_EQ(runrun_send(f, NULL, target, "")->status, 200);
    struct principal of_key;
    EXPECT_OK(access_check(&f->w->core, S("runrun"), CREDENTIAL_KEY, ana.key, f->a, &of_key));
    EXPECT_OK(key_revoke(&f->w->core, &f->w->operator_, of_key.credential_id, f->a));
    EXPECT_ERROR(f, runrun_send(f, NULL, target, ""), 404);
}

static void expect_cut(bool is_zip)
{
    RUNRUN_FIXTURE(f);
    runrun_new_document(f, &ana, 0, S("a"), world_bytes(f->w, 300000));
    struct file file = world_store(f->w, &ana.who, S("b"), world_bytes(f->w, 300000), 0);
    struct fake_reply *asked = is_zip ? ask_zip(f, &ana, "ids=1") : download(f, &ana, file.id);
    slice location = fake_reply_header(asked, "Location");
    char *link = runrun_format(f, "GET " SLICE_FMT, SLICE_ARG(slice_from(location, 16)));
    EXPECT(!runrun_send(f, NULL, link, "")->cut);
    f->http.while_sending = disable_ana;
    f->http.while_sending_arg = f;
    struct fake_reply *r = runrun_send(f, NULL, link, "");
    EXPECT(r->status == 200 && r->cut && r->body.n < 300000);
}

TEST(a_download_by_a_key_link_went_on_after_its_user_was_disabled)
{
    expect_cut(true);
    expect_cut(false);
}

TEST(a_zip_leaves_out_documents_that_the_caller_may_not_see)
{
    RUNRUN_FIXTURE(f);
    struct account other;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    struct runrun_user eve = runrun_user_of(f, "other", "eve", "Eve", true);
    runrun_new_document(f, &ana, 0, S("mine"), S("1"));
    runrun_new_document(f, &eve, 0, S("theirs"), S("2"));
    runrun_request_ticket(f, &ana, 0, S("pending"), 1);
    static const char *const mine[] = { "mine" };
    expect_entries(runrun_send(f, NULL, zip_target(f, ask_zip(f, &ana, "ids=3,2,1")), ""), mine, 1);
    EXPECT_ERROR(f, ask_zip(f, &ana, "ids=2,3"), 404);
    EXPECT_ERROR(f, ask_zip(f, &ana, "ids="), 404);
    EXPECT_ERROR(f, ask_zip(f, &ana, ""), 404);
    EXPECT_ERROR(f, ask_zip(f, &ana, "ids=1,x"), 400);
    EXPECT_ERROR(f, runrun_send(f, NULL, "GET /documents/download_zip?ids=1", ""), 401);
    runrun_new_document(f, &ana, 0, S("goes"), S("3"));
    char *target = zip_target(f, ask_zip(f, &ana, "ids=4,1"));
    EXPECT_EQ(runrun_send(f, &ana, "DELETE /documents/4", "")->status, 204);
    expect_entries(runrun_send(f, NULL, target, ""), mine, 1);
    EXPECT_EQ(runrun_send(f, &ana, "DELETE /documents/1", "")->status, 204);
    EXPECT_ERROR(f, runrun_send(f, NULL, target, ""), 404); /* nothing is left */
}

TEST(a_zip_has_at_most_100_documents)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 0;
    SCOPED(runrun_fixture_freep) struct runrun_fixture *f = runrun_fixture_new(&o);
    struct runrun_user ana = runrun_user(f, "ana", "Ana");
    struct buf ids;
    buf_init(&ids, 0);
    buf_add(&ids, S("ids="));
    for (int i = 1; i <= 100; i++) {
        runrun_new_document(f, &ana, 0, S("a"), S("x"));
        buf_printf(&ids, "%d,", i);
    }
    buf_add_byte(&ids, '1');
    struct fake_reply *r = runrun_send(f, NULL, zip_target(f, ask_zip(f, &ana, arena_cstr(f->a, buf_slice(&ids)))), "");
    EXPECT_EQ((unsigned char)r->body.p[r->body.n - 12], 100);
    buf_add(&ids, S(",101"));
    EXPECT_FIELD(f, ask_zip(f, &ana, arena_cstr(f->a, buf_slice(&ids))), "ids", "are more than 100");
    buf_release(&ids);
}

TEST(the_names_in_an_unread_zip_were_on_no_account)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 0;
    RUNRUN_FIXTURE_WITH(f, &o);
    char name[200], query[500] = "ids=1";
    memset(name, 'n', sizeof name);
    for (int i = 1; i <= 100; i++) {
        runrun_new_document(f, &ana, 0, (slice){ name, sizeof name }, S("x"));
        if (i > 1)
            snprintf(query + strlen(query), sizeof query - strlen(query), ",%d", i);
    }
    struct fake_reply *r = runrun_send(f, NULL, zip_target(f, ask_zip(f, &ana, query)), "");
    EXPECT_EQ((unsigned char)r->body.p[r->body.n - 12], 100);
    EXPECT(r->held_bytes > 100 * sizeof name); /* they are on that of the request … */
    EXPECT(r->held_bytes < 400 * sizeof name); /* … without the 5,000 names that were taken */
    /* The directory is there twice in the end: as it was collected, and in the last piece. */
    EXPECT(r->most_unread - r->held_bytes > 2 * 100 * (46 + sizeof name));
}

TEST(names_in_a_zip_are_unique)
{
    RUNRUN_FIXTURE(f);
    static const char *const given[] = {
        "a.txt", "a.txt", "A.TXT", "a (2).txt", "README", "README", ".x", ".x", "a.txt"
    };
    static const char *const made[] = { "a.txt",      "a (2).txt", "A (3).TXT", "a (2) (2).txt", "README",
                                        "README (2)", ".x",        ".x (2)",    "a (4).txt" };
    for (size_t i = 0; i < LENGTH_OF(given); i++)
        runrun_new_document(f, &ana, 0, slice_of(given[i]), S("x"));
    expect_entries(runrun_send(f, NULL, zip_target(f, ask_zip(f, &ana, "ids=1,2,3,4,5,6,7,8,9")), ""), made,
                   LENGTH_OF(made));
}

TEST(a_zip_of_unreadable_bytes_is_cut_and_never_padded)
{
    RUNRUN_FIXTURE(f);
    runrun_new_document(f, &ana, 0, S("a"), world_bytes(f->w, 300000));
    char *target = zip_target(f, ask_zip(f, &ana, "ids=1"));
    bool cut = false, whole = false;
    for (int64_t nth = 1; !whole; nth++) {
        f->w->faults.fail_at = f->w->faults.calls + nth;
        struct fake_reply *r = runrun_send(f, NULL, target, "");
        whole = f->w->faults.calls < f->w->faults.fail_at;
        f->w->faults.fail_at = 0;
        EXPECT(r->status == 200 || r->status == 503);
        EXPECT(whole ? r->status == 200 && !r->cut : r->status == 503 || r->cut);
        cut = cut || r->cut;
    }
    EXPECT(cut);
}

RUN_TESTS(cmocka_unit_test(the_v4_form_matches_the_test_vectors),
          cmocka_unit_test(the_v2_form_matches_the_test_vectors), cmocka_unit_test(legacy_fields_can_be_switched_off),
          cmocka_unit_test(ignored_form_fields_are_listed_for_the_s3_api),
          cmocka_unit_test(the_cached_signing_key_changes_with_the_day),
          cmocka_unit_test(links_never_contain_an_unchecked_host),
          cmocka_unit_test(links_use_storage_url_without_its_default_port),
          cmocka_unit_test(forms_and_links_named_the_host_of_the_api_although_objects_have_one),
          cmocka_unit_test(a_download_redirects_to_a_signed_link),
          cmocka_unit_test(pending_documents_thumbnails_and_previews_are_404),
          cmocka_unit_test(download_links_carry_names_of_all_kinds),
          cmocka_unit_test(a_file_of_another_api_is_downloaded_with_a_key_link),
          cmocka_unit_test(a_zip_is_downloaded_with_a_temporary_key),
          cmocka_unit_test(a_zip_key_is_bound_to_user_ids_and_time),
          cmocka_unit_test(a_zip_key_of_a_disabled_user_is_refused),
          cmocka_unit_test(a_zip_key_worked_after_the_app_key_with_which_it_was_asked_for_was_revoked),
          cmocka_unit_test(a_download_by_a_key_link_went_on_after_its_user_was_disabled),
          cmocka_unit_test(a_zip_leaves_out_documents_that_the_caller_may_not_see),
          cmocka_unit_test(a_zip_has_at_most_100_documents),
          cmocka_unit_test(the_names_in_an_unread_zip_were_on_no_account), cmocka_unit_test(names_in_a_zip_are_unique),
          cmocka_unit_test(a_zip_of_unreadable_bytes_is_cut_and_never_padded))
