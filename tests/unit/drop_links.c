/* SPDX-License-Identifier: Apache-2.0 */
/* Links by which people without an account upload (core/access/drop_link.h), as docs/native.md describes them: who sees them, what they
 * take, and what ends them. */
#include "fake_http.h"
#include "test.h"
#include "world.h"

#include "api/native/native.h"
#include "api/resumable/call.h"
#include "base/config_key.h"
#include "base/json.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/access/drop_link.h"
#include "core/file/file.h"
#include "core/login_limit.h"
#include "core/transfer/transfer.h"

#include <stdlib.h>
#include <string.h>

struct links_fixture {
    struct world *w;
    struct native_api native;
    struct resumable resumable;
    struct http_api resumable_api;
    struct fake_http http, uploads;
    struct principal ana;
    slice key; /* of ana */
};

static struct links_fixture *links_fixture_new(void)
{
    struct links_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    native_init(&f->native, &f->w->core, &(struct native_options){ .max_file_bytes = 1 << 20 });
    f->http = fake_http_new(&f->native.http_api);
    f->resumable =
        (struct resumable){ .core = &f->w->core, .options = { .max_file_bytes = 1 << 20, .expiry_ms = 7 * DAY } };
    f->resumable_api = resumable_api(&f->resumable);
    f->uploads = fake_http_new(&f->resumable_api);
    f->ana = world_user(f->w, S("ana"));
    f->key = world_key(f->w, S("ana"), S("native"));
    return f;
}

static void links_fixture_freep(struct links_fixture **f)
{
    fake_http_release(&(*f)->uploads);
    fake_http_release(&(*f)->http);
    native_release(&(*f)->native);
    world_free((*f)->w);
    free(*f);
}
#define LINKS_FIXTURE(name) SCOPED(links_fixture_freep) struct links_fixture *name = links_fixture_new()

/* ---- requests ---- */

static struct fake_reply *send(struct links_fixture *f, const char *method, slice target, slice key, slice body)
{
    struct fake_request r = { .method = method, .target = target, .token = key, .body = body };
    return fake_http_send(&f->http, &r);
}

static const struct json *json_of(struct links_fixture *f, const struct fake_reply *r)
{
    const struct json *ret;
    EXPECT_OK(json_parse(f->w->a, r->body, &ret));
    return ret;
}

static int64_t number_in(const struct json *object, const char *name)
{
    int64_t n = -1;
    EXPECT(json_to_i64(json_get(object, name), &n));
    return n;
}

struct link {
    int64_t id;
    slice secret, path;
};

static struct link make_link(struct links_fixture *f, slice body)
{
    struct fake_reply *r = send(f, "POST", S("/v1/native/links"), f->key, body);
    EXPECT_EQ(r->status, 201);
    const struct json *j = json_of(f, r);
    struct link link = { number_in(j, "id"), json_str(j, "secret"), S("") };
    EXPECT_EQ(link.secret.n, 43);
    link.path = arena_printf(f->w->a, "/v1/native/links/%lld", (long long)link.id);
    return link;
}
#define SMALL_LINK                                                                                                     \
    S("{\"label\":\"offers\",\"lifetime_seconds\":3600,\"max_files\":3,\"max_bytes\":100,\"max_file_bytes\":60}")

static void set_link(struct links_fixture *f, struct fake_request *r, slice secret)
{
    size_t i = 0;
    while (r->headers[i].name.n)
        i++;
    r->headers[i] =
        (struct http_header){ S("Authorization"), arena_printf(f->w->a, "Link " SLICE_FMT, SLICE_ARG(secret)) };
}

/* A request of tus by a link. id: of an upload; empty: to all. */
static struct fake_request tus(struct links_fixture *f, const char *method, slice secret, slice id)
{
    struct fake_request r = { .method = method, .headers = { { S("Tus-Resumable"), S(TUS_VERSION) } } };
    r.target = id.n ? arena_printf(f->w->a, UPLOADS_PATH "/" SLICE_FMT, SLICE_ARG(id)) : S(UPLOADS_PATH);
    set_link(f, &r, secret);
    return r;
}

static void set(struct fake_request *r, const char *name, slice value)
{
    size_t i = 0;
    while (r->headers[i].name.n)
        i++;
    r->headers[i] = (struct http_header){ slice_of(name), value };
}

/* Begins an upload of that many bytes, of which it sends those of `body`. */
static struct fake_reply *begin(struct links_fixture *f, slice secret, int64_t length, slice body)
{
    struct fake_request r = tus(f, "POST", secret, S(""));
    set(&r, "Upload-Length", arena_printf(f->w->a, "%lld", (long long)length));
    set(&r, "Upload-Metadata", S("filename YS5iaW4="));
    if (body.n)
        set(&r, "Content-Type", S(TUS_CONTENT_TYPE));
    r.body = body;
    return fake_http_send(&f->uploads, &r);
}

static slice id_of(const struct fake_reply *r)
{
    slice location = fake_reply_header(r, "Location");
    EXPECT(slice_starts(location, S(UPLOADS_PATH "/")));
    return slice_from(location, sizeof UPLOADS_PATH);
}

static struct fake_request append(struct links_fixture *f, slice secret, slice id, slice body)
{
    struct fake_request r = tus(f, "PATCH", secret, id);
    set(&r, "Content-Type", S(TUS_CONTENT_TYPE));
    set(&r, "Upload-Offset", S("0"));
    r.body = body;
    return r;
}

static int remove_upload_of(struct links_fixture *f, slice secret, slice id)
{
    struct fake_request r = tus(f, "DELETE", secret, id);
    return fake_http_send(&f->uploads, &r)->status;
}

static struct fake_reply *ask_link(struct links_fixture *f, slice secret)
{
    struct fake_request r = { .target = S("/v1/native/link") };
    set_link(f, &r, secret);
    return fake_http_send(&f->http, &r);
}

static void expect_code(struct links_fixture *f, const struct fake_reply *r, int status, slice code)
{
    EXPECT_EQ(r->status, status);
    EXPECT_SLICE(json_str(json_get(json_of(f, r), "error"), "code"), code);
}

static void expect_counts(struct links_fixture *f, const struct link *link, int64_t files, int64_t bytes)
{
    const struct json *j = json_of(f, send(f, "GET", link->path, f->key, S("")));
    EXPECT_EQ(number_in(j, "files"), files);
    EXPECT_EQ(number_in(j, "bytes"), bytes);
}

/* ---- files ---- */

TEST(files_by_a_link_belong_to_its_maker_who_sees_by_which_link_they_came)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK), other = make_link(f, SMALL_LINK);
    struct fake_reply *r = begin(f, link.secret, 5, S("hello"));
    EXPECT_EQ(r->status, 201);
    EXPECT(!fake_reply_header(r, "Content-Location").p);
    EXPECT_EQ(begin(f, other.secret, 0, S(""))->status, 201);
    const struct json *files =
        json_of(f, send(f, "GET", arena_printf(f->w->a, SLICE_FMT "/files", SLICE_ARG(link.path)), f->key, S("")));
    EXPECT_EQ(json_count(json_get(files, "files")), 1);
    const struct json *file = json_get(files, "files")->child;
    EXPECT_SLICE(json_str(file, "name"), S("a.bin"));
    EXPECT_SLICE(json_str(file, "owner"), S("ana"));
    EXPECT_SLICE(json_str(file, "state"), S("ready"));
    slice id = json_str(file, "id");
    const struct json *info = json_of(
        f, send(f, "GET", arena_printf(f->w->a, "/v1/native/files/" SLICE_FMT "/info", SLICE_ARG(id)), f->key, S("")));
    EXPECT_EQ(number_in(json_get(info, "link"), "id"), link.id);
    EXPECT_SLICE(json_str(json_get(info, "link"), "label"), S("offers"));
    EXPECT_EQ(world_fsck(f->w, false), 0);
    /* a file that is removed leaves the list, and stays counted */
    slice path = arena_printf(f->w->a, "/v1/native/files/" SLICE_FMT, SLICE_ARG(id));
    EXPECT_EQ(send(f, "DELETE", path, f->key, S(""))->status, 204);
    files = json_of(f, send(f, "GET", arena_printf(f->w->a, SLICE_FMT "/files", SLICE_ARG(link.path)), f->key, S("")));
    EXPECT_EQ(json_count(json_get(files, "files")), 0);
    expect_counts(f, &link, 1, 5);
}

TEST(an_upload_by_a_link_goes_on_in_another_request)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    slice id = id_of(begin(f, link.secret, 5, S("")));
    struct fake_request r = append(f, link.secret, id, S("hel")), rest = append(f, link.secret, id, S("lo"));
    EXPECT_EQ(fake_http_send(&f->uploads, &r)->status, 204);
    rest.headers[3].value = S("3");
    EXPECT_EQ(fake_http_send(&f->uploads, &rest)->status, 204);
    expect_counts(f, &link, 1, 5);
    EXPECT_EQ(world_file_count(f->w), 1);
}

TEST(whoever_has_a_link_sees_nothing)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK), other = make_link(f, SMALL_LINK);
    slice of_other = id_of(begin(f, other.secret, 5, S(""))), own = id_of(begin(f, link.secret, 5, S("hello")));
    struct transfer_request request = { .origin = S("native"), .file_name = S("a"), .length = 5, .lifetime_ms = DAY };
    struct transfer of_ana;
    EXPECT_OK(transfer_create(&f->w->core, &f->ana, &request, f->w->a, &of_ana));
    slice hidden[] = { of_other, of_ana.name };
    static const char *const methods[] = { "HEAD", "GET", "DELETE" };
    for (size_t i = 0; i < LENGTH_OF(hidden); i++) {
        for (size_t m = 0; m < LENGTH_OF(methods); m++) {
            struct fake_request r = tus(f, methods[m], link.secret, hidden[i]);
            EXPECT_EQ(fake_http_send(&f->uploads, &r)->status, 404);
        }
        struct fake_request r = append(f, link.secret, hidden[i], S("hello"));
        EXPECT_EQ(fake_http_send(&f->uploads, &r)->status, 404);
    }
    struct fake_request list = tus(f, "GET", link.secret, S("")), show = tus(f, "GET", link.secret, own);
    EXPECT_EQ(fake_http_send(&f->uploads, &list)->status, 403);
    struct fake_reply *shown = fake_http_send(&f->uploads, &show);
    EXPECT_EQ(shown->status, 200);
    EXPECT(json_absent(json_get(json_of(f, shown), "file")));
    slice targets[] = { S("/v1/native/files"), S("/v1/native/links"), S("/v1/native/jobs"), link.path };
    for (size_t i = 0; i < LENGTH_OF(targets); i++) {
        struct fake_request r = { .target = targets[i] };
        set_link(f, &r, link.secret);
        EXPECT_EQ(fake_http_send(&f->http, &r)->status, 401);
        EXPECT_EQ(send(f, "GET", targets[i], link.secret, S(""))->status, 401);
    }
    EXPECT_EQ(send(f, "GET", S("/v1/native/link"), f->key, S(""))->status, 401);
    /* and the maker does not find them among the uploads to go on with */
    struct transfer_list own_transfers;
    EXPECT_OK(transfer_list(&f->w->core, &f->ana, ALL_IDS, f->w->a, &own_transfers));
    EXPECT_EQ(own_transfers.count, 1);
}

/* ---- limits ---- */

TEST(the_limits_of_a_link_are_exact)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    expect_code(f, begin(f, link.secret, 61, S("")), 413, S("too_large"));
    slice first = id_of(begin(f, link.secret, 60, S("")));
    expect_code(f, begin(f, link.secret, 41, S("")), 403,
                S("link_full")); /* what the first one has not brought yet counts */
    EXPECT_EQ(begin(f, link.secret, 40, S(""))->status, 201);
    EXPECT_EQ(begin(f, link.secret, 0, S(""))->status, 201);
    expect_code(f, begin(f, link.secret, 0, S("")), 403, S("link_full"));
    expect_counts(f, &link, 3, 100);
    /* one that is removed unfinished, or expires, makes room; one that has come does not */
    EXPECT_EQ(remove_upload_of(f, link.secret, first), 204);
    expect_counts(f, &link, 2, 40);
    slice second = id_of(begin(f, link.secret, 5, S("hello")));
    EXPECT_EQ(remove_upload_of(f, link.secret, second), 204);
    expect_counts(f, &link, 3, 45);
    world_wait(f->w, 8 * DAY);
    EXPECT_OK(transfer_purge_due(&f->w->core, NULL, f->w->a));
    expect_counts(f, &link, 2, 5);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(what_a_refused_upload_would_have_taken_is_not_counted)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    world_set_room(f->w, 10, 0);
    expect_code(f, begin(f, link.secret, 50, S("")), 507, S("quota"));
    expect_counts(f, &link, 0, 0);
}

TEST(an_upload_by_a_link_says_its_length_first)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    struct fake_request later = tus(f, "POST", link.secret, S("")), part = later,
                        draft = { .method = "POST", .target = S(UPLOADS_PATH) };
    set(&later, "Upload-Defer-Length", S("1"));
    expect_code(f, fake_http_send(&f->uploads, &later), 400, S("invalid"));
    set(&part, "Upload-Concat", S("partial"));
    set(&part, "Upload-Length", S("5"));
    expect_code(f, fake_http_send(&f->uploads, &part), 400, S("invalid"));
    static const char *const folders[] = { "?folder=1", "?folder=999" }; /* nobody learns which there are */
    for (size_t k = 0; k < LENGTH_OF(folders); k++) {
        struct fake_request in_folder = tus(f, "POST", link.secret, S(""));
        in_folder.target = arena_printf(f->w->a, UPLOADS_PATH "%s", folders[k]);
        set(&in_folder, "Upload-Length", S("5"));
        expect_code(f, fake_http_send(&f->uploads, &in_folder), 400, S("invalid"));
    }
    set_link(f, &draft, link.secret);
    set(&draft, "Upload-Complete", S("?0"));
    EXPECT_EQ(fake_http_send(&f->uploads, &draft)->status, 400);
    expect_counts(f, &link, 0, 0);
}

/* ---- the end ---- */

static void revoke_midway(void *arg)
{
    struct links_fixture *f = arg;
    EXPECT_OK(drop_link_revoke(&f->w->core, &f->ana, 2, f->w->a));
}

TEST(an_upload_ends_in_its_middle_when_its_link_is_revoked)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    EXPECT_EQ(link.id, 2);
    slice id = id_of(begin(f, link.secret, 5, S("")));
    struct fake_request r = append(f, link.secret, id, S("hello"));
    r.midway = revoke_midway;
    r.midway_arg = f;
    r.watched = true;
    EXPECT(fake_http_send(&f->uploads, &r)->status != 204);
    EXPECT_EQ(world_file_count(f->w), 0);
    expect_code(f, ask_link(f, link.secret), 401, S("unauthenticated"));
    expect_code(f, begin(f, link.secret, 5, S("hello")), 401, S("unauthenticated"));
    EXPECT_SLICE(json_str(json_of(f, send(f, "GET", link.path, f->key, S(""))), "state"), S("revoked"));
}

TEST(a_link_ends_with_its_time_and_with_its_maker)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    EXPECT_EQ(ask_link(f, link.secret)->status, 200);
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_DISABLED, f->w->a));
    EXPECT_EQ(ask_link(f, link.secret)->status, 403);
    EXPECT_EQ(begin(f, link.secret, 5, S("hello"))->status, 403);
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_ACTIVE, f->w->a));
    EXPECT_EQ(ask_link(f, link.secret)->status, 200);
    world_wait(f->w, 3600 * SECOND - 1);
    EXPECT_EQ(ask_link(f, link.secret)->status, 200);
    world_wait(f->w, 1);
    EXPECT_EQ(ask_link(f, link.secret)->status, 401);
    struct link another = make_link(f, SMALL_LINK);
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_DELETED, f->w->a));
    EXPECT_EQ(ask_link(f, another.secret)->status, 401);
}

TEST(a_link_that_has_ended_is_removed_by_a_second_delete_and_its_files_stay)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    EXPECT_EQ(begin(f, link.secret, 5, S("hello"))->status, 201);
    EXPECT_EQ(begin(f, link.secret, 5, S(""))->status, 201);
    EXPECT_EQ(send(f, "DELETE", link.path, f->key, S(""))->status, 204);
    EXPECT_EQ(send(f, "GET", link.path, f->key, S(""))->status, 200);
    EXPECT_EQ(send(f, "DELETE", link.path, f->key, S(""))->status, 204);
    EXPECT_EQ(send(f, "GET", link.path, f->key, S(""))->status, 404);
    EXPECT_EQ(send(f, "DELETE", link.path, f->key, S(""))->status, 404);
    EXPECT_EQ(ask_link(f, link.secret)->status, 401);
    EXPECT_EQ(world_file_count(f->w), 1);
    world_wait(f->w, 8 * DAY);
    EXPECT_OK(transfer_purge_due(&f->w->core, NULL, f->w->a)); /* what was unfinished goes, though nobody counts it */
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* ---- who sees a link ---- */

TEST(only_its_maker_and_administrators_of_the_account_see_a_link)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    world_user(f->w, S("bob"));
    world_admin(f->w, S("root"));
    struct account account;
    struct user user;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->w->a, &account));
    struct user_request stranger = { .account = S("other"), .login = S("stranger"), .is_admin = true };
    EXPECT_OK(user_create(&f->w->core, &f->w->operator_, &stranger, f->w->a, &user));
    slice logins[] = { S("bob"), S("stranger"), S("root") };
    slice files = arena_printf(f->w->a, SLICE_FMT "/files", SLICE_ARG(link.path));
    for (size_t i = 0; i < LENGTH_OF(logins); i++) {
        slice key = world_key(f->w, logins[i], S("native"));
        bool sees = i == 2;
        EXPECT_EQ(send(f, "GET", link.path, key, S(""))->status, sees ? 200 : 404);
        EXPECT_EQ(send(f, "GET", files, key, S(""))->status, sees ? 200 : 404);
        const struct json *list = json_of(f, send(f, "GET", S("/v1/native/links"), key, S("")));
        EXPECT_EQ(json_count(json_get(list, "links")), sees ? 1 : 0);
        EXPECT_EQ(send(f, "DELETE", link.path, key, S(""))->status, sees ? 204 : 404);
    }
    /* and nobody sees its secret again */
    struct fake_reply *again = send(f, "GET", link.path, f->key, S(""));
    EXPECT(json_absent(json_get(json_of(f, again), "secret")));
}

TEST(links_are_listed_in_pages)
{
    LINKS_FIXTURE(f);
    for (int i = 0; i < 5; i++)
        make_link(f, SMALL_LINK);
    slice next = S("");
    int64_t last = INT64_MAX;
    int count = 0;
    do {
        slice target = next.n ? arena_printf(f->w->a, "/v1/native/links?limit=2&after=" SLICE_FMT, SLICE_ARG(next))
                              : S("/v1/native/links?limit=2");
        const struct json *page = json_of(f, send(f, "GET", target, f->key, S("")));
        JSON_EACH(link, json_get(page, "links")) {
            EXPECT(number_in(link, "id") < last);
            last = number_in(link, "id");
            count++;
        }
        next = json_str(page, "next");
    } while (next.n);
    EXPECT_EQ(count, 5);
    EXPECT_EQ(send(f, "GET", S("/v1/native/links?after=x"), f->key, S(""))->status, 400);
}

TEST(a_link_with_limits_that_make_no_sense_is_refused)
{
    LINKS_FIXTURE(f);
    static const char *const bodies[] = {
        "[]",
        "{\"label\":\"a\",\"lifetime_seconds\":3600,\"max_files\":3}",
        "{\"label\":\"a\",\"lifetime_seconds\":\"x\",\"max_files\":3,\"max_bytes\":9}",
        "{\"label\":\"\",\"lifetime_seconds\":3600,\"max_files\":3,\"max_bytes\":9}",
        "{\"label\":\"a\\nb\",\"lifetime_seconds\":3600,\"max_files\":3,\"max_bytes\":9}",
        "{\"label\":\"a\",\"lifetime_seconds\":59,\"max_files\":3,\"max_bytes\":9}",
        "{\"label\":\"a\",\"lifetime_seconds\":9223372036854775807,\"max_files\":3,\"max_bytes\":9}",
        "{\"label\":\"a\",\"lifetime_seconds\":3600,\"max_files\":0,\"max_bytes\":9}",
        "{\"label\":\"a\",\"lifetime_seconds\":3600,\"max_files\":10001,\"max_bytes\":9}",
        "{\"label\":\"a\",\"lifetime_seconds\":3600,\"max_files\":3,\"max_bytes\":0}",
        "{\"label\":\"a\",\"lifetime_seconds\":3600,\"max_files\":3,\"max_bytes\":9,\"max_file_bytes\":10}",
        "{\"label\":\"a\",\"lifetime_seconds\":3600,\"max_files\":3,\"max_bytes\":9,\"max_file_bytes\":-1}",
    };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++)
        expect_code(f, send(f, "POST", S("/v1/native/links"), f->key, slice_of(bodies[i])), 400, S("invalid"));
    struct fake_request local = {
        .method = "POST", .target = S("/v1/native/links"), .body = SMALL_LINK, .local = true
    };
    EXPECT_EQ(fake_http_send(&f->http, &local)->status, 403); /* the operator is nobody's account */
    EXPECT_EQ(json_count(json_get(json_of(f, send(f, "GET", S("/v1/native/links"), f->key, S(""))), "links")), 0);
}

TEST(wrong_links_are_refused_for_a_while_when_there_are_too_many)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    login_limit_set(f->w->core.logins, &(struct login_limits){ .window_ms = 60000, .failures_per_address = 3 });
    for (int i = 0; i < 3; i++)
        expect_code(f, ask_link(f, S("wrong")), 401, S("unauthenticated"));
    struct fake_reply *r = ask_link(f, S("wrong"));
    expect_code(f, r, 429, S("rate_limited"));
    EXPECT(fake_reply_header(r, "Retry-After").n > 0);
    EXPECT_EQ(ask_link(f, link.secret)->status, 200);
    world_wait(f->w, 60000);
    expect_code(f, ask_link(f, S("wrong")), 401, S("unauthenticated"));
}

TEST(wrong_links_of_others_behind_one_address_stopped_the_uploads_by_a_right_one)
{
    LINKS_FIXTURE(f);
    struct link link = make_link(f, SMALL_LINK);
    login_limit_set(f->w->core.logins, &(struct login_limits){ .window_ms = 60000, .failures_per_address = 3 });
    for (int i = 0; i < 10; i++) {
        EXPECT(ask_link(f, S("wrong"))->status >= 400);
        EXPECT_EQ(ask_link(f, link.secret)->status, 200);
    }
}

/* How many uploads can be begun and removed until the link takes no more. */
static int give_back_all(struct links_fixture *f, slice secret)
{
    for (int n = 0;; n++) {
        EXPECT(n < 1000);
        struct fake_reply *r = begin(f, secret, 1, S(""));
        if (r->status != 201) {
            expect_code(f, r, 403, S("link_full"));
            return n;
        }
        EXPECT_EQ(remove_upload_of(f, secret, id_of(r)), 204);
    }
}

TEST(uploads_by_a_link_were_begun_and_removed_without_end)
{
    LINKS_FIXTURE(f);
    const slice body = S("{\"label\":\"offers\",\"lifetime_seconds\":864000,\"max_files\":150,\"max_bytes\":1000}");
    struct link link = make_link(f, body), full = make_link(f, SMALL_LINK);
    world_wait(f->w, minutes(60) - core_now_ms(&f->w->core) % minutes(60)); /* the beginning of an hour */
    EXPECT_EQ(give_back_all(f, link.secret), 100);
    expect_counts(f, &link, 0, 0);
    EXPECT_EQ(begin(f, full.secret, 1, S("x"))->status, 201); /* another link has a count of its own */
    world_wait(f->w, minutes(60) - 1);
    EXPECT_EQ(give_back_all(f, link.secret), 0);
    world_wait(f->w, 1);
    EXPECT_EQ(give_back_all(f, link.secret), 100);
    world_wait(f->w, minutes(600));
    EXPECT_EQ(give_back_all(f, link.secret), 100); /* what was not used is not saved up */
    world_wait(f->w, minutes(600));
    slice ids[150];
    for (size_t i = 0; i < LENGTH_OF(ids); i++)
        ids[i] = id_of(begin(f, link.secret, 1, S("")));
    for (size_t i = 0; i < LENGTH_OF(ids); i++) /* what has begun may always be removed */
        EXPECT_EQ(remove_upload_of(f, link.secret, ids[i]), 204);
    world_wait(f->w, minutes(60));
    EXPECT_EQ(give_back_all(f, link.secret), 50); /* 150, less 100 for the hour */
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

TEST(wrong_links_kept_the_people_behind_their_address_from_signing_in)
{
    LINKS_FIXTURE(f);
    struct user user;
    const struct login_limits limits = {
        .window_ms = 60000, .failures = 3, .failures_per_user = 3, .failures_per_address = 3
    };
    login_limit_set(f->w->core.logins, &limits);
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, S("ana"), S("correct horse"), f->w->a));
    struct principal who;
    for (int i = 0; i < 10; i++)
        EXPECT(drop_link_check(&f->w->core, S("wrong"), S("192.0.2.1"), f->w->a, &who) != NULL);
    const struct password_login right = { S("ana"), S("correct horse"), S("192.0.2.1") };
    EXPECT_OK(user_check_password(&f->w->core, &right, f->w->a, &user));
    /* And wrong passwords do not keep a link from being wrong in its own words. */
    const struct password_login wrong = { S("ana"), S("guess"), S("192.0.2.2") };
    for (int i = 0; i < 5; i++)
        EXPECT(user_check_password(&f->w->core, &wrong, f->w->a, &user) != NULL);
    EXPECT_ERR(drop_link_check(&f->w->core, S("wrong"), S("192.0.2.2"), f->w->a, &who), ERR_UNAUTHENTICATED);
}

RUN_TESTS(cmocka_unit_test(files_by_a_link_belong_to_its_maker_who_sees_by_which_link_they_came),
          cmocka_unit_test(an_upload_by_a_link_goes_on_in_another_request),
          cmocka_unit_test(whoever_has_a_link_sees_nothing), cmocka_unit_test(the_limits_of_a_link_are_exact),
          cmocka_unit_test(what_a_refused_upload_would_have_taken_is_not_counted),
          cmocka_unit_test(an_upload_by_a_link_says_its_length_first),
          cmocka_unit_test(an_upload_ends_in_its_middle_when_its_link_is_revoked),
          cmocka_unit_test(a_link_ends_with_its_time_and_with_its_maker),
          cmocka_unit_test(a_link_that_has_ended_is_removed_by_a_second_delete_and_its_files_stay),
          cmocka_unit_test(only_its_maker_and_administrators_of_the_account_see_a_link),
          cmocka_unit_test(links_are_listed_in_pages),
          cmocka_unit_test(a_link_with_limits_that_make_no_sense_is_refused),
          cmocka_unit_test(wrong_links_are_refused_for_a_while_when_there_are_too_many),
          cmocka_unit_test(uploads_by_a_link_were_begun_and_removed_without_end),
          cmocka_unit_test(wrong_links_kept_the_people_behind_their_address_from_signing_in),
          cmocka_unit_test(wrong_links_of_others_behind_one_address_stopped_the_uploads_by_a_right_one))
