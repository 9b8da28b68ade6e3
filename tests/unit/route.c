/* SPDX-License-Identifier: Apache-2.0 */
/* Which API and route a request is for. */
#include "test.h"

#include "http/route.h"

static const struct http_route plain_routes[] = {
    { "GET", "/plain/{id}", NULL, 0, 0, "" },
    { "PUT", "/plain/{id}", NULL, 0, 0, "" },
};
static const struct http_route common_routes[] = { { "GET", "/health", NULL, 0, 0, "" } };
static const struct http_route catchall_rest = { "GET", "/", NULL, HTTP_STREAM, 0, "" };
static const char *const plain_prefixes[] = { "/plain", NULL };
static const char *const plain_home_prefixes[] = { "/own", "/health/plain", NULL };
static const char *const common_prefixes[] = { "/health", NULL };
static const struct http_api plain = { .name = "plain",
                                       .routes = plain_routes,
                                       .route_count = LENGTH_OF(plain_routes),
                                       .prefixes = plain_prefixes,
                                       .home_prefixes = plain_home_prefixes };
static const struct http_api common = { .name = "common",
                                        .routes = common_routes,
                                        .route_count = LENGTH_OF(common_routes),
                                        .prefixes = common_prefixes,
                                        .on_all_hosts = true };
static const struct http_api catchall = { .name = "catchall", .catch_all = &catchall_rest, .on_all_hosts = true };
static const struct http_api named_only = { .name = "named_only",
                                            .catch_all = &catchall_rest,
                                            .only_where_named = true };
static const struct http_host hosts[] = {
    { { "plain.org", 9 }, "plain" },     { { "*.things.org", 12 }, "catchall" },   { { "things.org", 10 }, "catchall" },
    { { "x.things.org", 12 }, "plain" }, { { "*.deep.things.org", 17 }, "plain" },
};

struct router_fixture {
    struct arena arena;
    struct router *router;
};

static void router_fixture_release(struct router_fixture *m)
{
    router_free(m->router);
    arena_release(&m->arena);
}

#define ROUTER(name)                                                                                                   \
    SCOPED(router_fixture_release) struct router_fixture name = { 0 };                                                 \
    const struct http_api *const all_[] = { &named_only, &plain, &common, &catchall };                                 \
    arena_init(&name.arena);                                                                                           \
    struct routing routing_ = { all_, LENGTH_OF(all_), hosts, LENGTH_OF(hosts), "catchall" };                          \
    EXPECT_OK(router_new(&routing_, &name.arena, &name.router))

/* "NAME" of the API, "NAME route" when a route matches, "NAME 405" when the path has other methods only. */
static slice route_of(struct router_fixture *m, const char *method, const char *path, const char *host,
                      const char *only)
{
    struct route_request q = { slice_of(method), slice_of(path), slice_of(host), only, false };
    struct route_match r;
    router_find(m->router, &q, &m->arena, &r);
    return arena_printf(&m->arena, "%s%s", r.api->name, r.route ? " route" : r.allow.n ? " 405" : "");
}

TEST(a_path_without_route_and_prefix_goes_to_the_catch_all)
{
    ROUTER(m);
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "a", NULL), S("plain route"));
    EXPECT_SLICE(route_of(&m, "POST", "/plain/1", "a", NULL), S("plain 405"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1/2", "a", NULL), S("plain"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain", "a", NULL), S("plain"));
    EXPECT_SLICE(route_of(&m, "GET", "/plainer", "a", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/bucket/key", "a", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "BREW", "/", "a", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/health", "a", NULL), S("common route"));
    EXPECT_SLICE(route_of(&m, "GET", "/bucket//a/../b/", "a", NULL), S("catchall route"));
}

TEST(a_catch_all_also_answers_on_hosts_of_another_api_outside_its_prefixes)
{
    ROUTER(m);
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "Plain.org:8080", NULL), S("plain route"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1/2", "plain.org", NULL), S("plain"));
    EXPECT_SLICE(route_of(&m, "GET", "/bucket/key", "plain.org", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/health", "plain.org", NULL), S("common route"));
}

TEST(an_api_has_more_prefixes_on_its_own_host)
{
    ROUTER(m);
    EXPECT_SLICE(route_of(&m, "GET", "/own/x", "plain.org", NULL), S("plain"));
    EXPECT_SLICE(route_of(&m, "GET", "/own", "plain.org:80", NULL), S("plain"));
    EXPECT_SLICE(route_of(&m, "GET", "/owner", "plain.org", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/own/x", "a", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/own/x", "things.org", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/health/x", "plain.org", NULL), S("common"));
    EXPECT_SLICE(route_of(&m, "GET", "/health/plain", "plain.org", NULL), S("plain")); /* the longest prefix wins */
}

TEST(names_below_a_host_belong_to_its_api_with_every_path)
{
    ROUTER(m);
    EXPECT_SLICE(route_of(&m, "GET", "/health", "bucket.things.org", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "a.b.things.ORG:80", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/health", "things.org", NULL), S("common route"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "things.org", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", ".things.org", NULL), S("plain route"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "badthings.org", NULL), S("plain route"));
    /* an entry with exactly this name wins over patterns, and the longest pattern over shorter ones */
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "x.things.org", NULL), S("plain route"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "x.deep.things.org", NULL), S("plain route"));
    EXPECT_SLICE(route_of(&m, "GET", "/health", "x.deep.things.org", NULL), S("common route"));
}

TEST(a_listener_of_one_api_serves_no_other)
{
    ROUTER(m);
    EXPECT_SLICE(route_of(&m, "GET", "/health", "a", "catchall"), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/plain/1", "plain.org", "catchall"), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/bucket/key", "a", "plain"), S("plain"));
    EXPECT_SLICE(route_of(&m, "GET", "/bucket/key", "a", "named_only"), S("named_only route"));
}

/* ---- paths of two APIs, and paths with a suffix ---- */

static const struct http_route claimer_routes[] = { { "GET", "/shared/me", NULL, 0, 0, "" },
                                                    { "GET", "/claimer", NULL, 0, 0, "" } };
static const struct http_route suffix_routes[] = { { "GET", "/shared/{id}", NULL, 0, 0, "" },
                                                   { "GET", "/shared", NULL, 0, 0, "" } };
static const char *const shared_prefixes[] = { "/shared", NULL };

static bool has_key(const struct http_api *api, const struct http_request *req)
{
    (void)api;
    return req->header_count > 0;
}

static const struct http_api claimer = { .name = "claimer",
                                         .routes = claimer_routes,
                                         .route_count = LENGTH_OF(claimer_routes),
                                         .claimed_prefixes = shared_prefixes,
                                         .claims = has_key };
static const struct http_api suffix = { .name = "suffix",
                                        .routes = suffix_routes,
                                        .route_count = LENGTH_OF(suffix_routes),
                                        .prefixes = shared_prefixes,
                                        .path_suffix = ".json" };

/* "NAME" or "NAME route", and the parameter. */
static slice shared_route(struct router_fixture *m, const char *path, const char *host, bool with_key)
{
    const struct http_request request = { .header_count = with_key };
    struct route_request q = {
        .method = S("GET"), .path = slice_of(path), .host = slice_of(host), .request = &request
    };
    struct route_match r;
    router_find(m->router, &q, &m->arena, &r);
    return arena_printf(&m->arena, "%s%s " SLICE_FMT, r.api->name, r.route ? " route" : "", SLICE_ARG(r.params[0]));
}

#define SHARED_ROUTER(name)                                                                                            \
    SCOPED(router_fixture_release) struct router_fixture name = { 0 };                                                 \
    const struct http_api *const all_[] = { &claimer, &suffix, &common };                                              \
    const struct http_host of_[] = { { { "claimer.org", 11 }, "claimer" }, { { "suffix.org", 10 }, "suffix" } };       \
    arena_init(&name.arena);                                                                                           \
    struct routing routing_ = { all_, LENGTH_OF(all_), of_, LENGTH_OF(of_), "common" };                                \
    EXPECT_OK(router_new(&routing_, &name.arena, &name.router))

TEST(a_path_of_two_apis_belongs_to_the_one_that_claims_the_request)
{
    SHARED_ROUTER(m);
    EXPECT_SLICE(shared_route(&m, "/shared/me", "a", true), S("claimer route "));
    EXPECT_SLICE(shared_route(&m, "/shared/me", "a", false), S("suffix route me"));
    EXPECT_SLICE(shared_route(&m, "/shared/5", "a", true), S("claimer "));
    EXPECT_SLICE(shared_route(&m, "/shared/5", "a", false), S("suffix route 5"));
    EXPECT_SLICE(shared_route(&m, "/claimer", "a", false), S("claimer route "));
    EXPECT_SLICE(shared_route(&m, "/shared/me", "claimer.org", false), S("claimer route "));
    EXPECT_SLICE(shared_route(&m, "/shared/me", "suffix.org", true), S("suffix route me"));
}

TEST(a_suffix_of_paths_means_nothing)
{
    SHARED_ROUTER(m);
    EXPECT_SLICE(shared_route(&m, "/shared/5.json", "a", false), S("suffix route 5"));
    EXPECT_SLICE(shared_route(&m, "/shared/5.json/", "a", false), S("suffix route 5"));
    EXPECT_SLICE(shared_route(&m, "/shared.json", "suffix.org", false), S("suffix route "));
    EXPECT_SLICE(shared_route(&m, "/shared/.json", "a", false), S("suffix route .json"));
    EXPECT_SLICE(shared_route(&m, "/claimer.json", "a", false), S("common "));
}

/* ---- an API with every path below its prefix ---- */

static const struct http_route below_route = { "PUT", "/p/{rest}", NULL, HTTP_STREAM, 0, "" };
static const struct http_route below_fixed[] = { { "GET", "/p/fixed", NULL, 0, 0, "" } };
static const char *const below_prefixes[] = { "/p", NULL };
static const struct http_api below = { .name = "below",
                                       .routes = below_fixed,
                                       .route_count = LENGTH_OF(below_fixed),
                                       .prefixes = below_prefixes,
                                       .below_prefixes = &below_route,
                                       .on_all_hosts = true,
                                       .joins = "catchall" };

#define BELOW_ROUTER(name)                                                                                             \
    SCOPED(router_fixture_release) struct router_fixture name = { 0 };                                                 \
    const struct http_api *const all_[] = { &named_only, &plain, &common, &catchall, &below };                         \
    arena_init(&name.arena);                                                                                           \
    struct routing routing_ = { all_, LENGTH_OF(all_), hosts, LENGTH_OF(hosts), "catchall" };                          \
    EXPECT_OK(router_new(&routing_, &name.arena, &name.router))

TEST(an_api_may_take_every_path_below_its_prefix_with_any_method)
{
    BELOW_ROUTER(m);
    static const char *const paths[] = {
        "/p", "/p/", "/p/a", "/p/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o", "/p//a", "/p/a/../.."
    };
    static const char *const methods[] = { "GET", "HEAD", "PUT", "BREW" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++)
        for (size_t k = 0; k < LENGTH_OF(methods); k++)
            EXPECT_SLICE(route_of(&m, methods[k], paths[i], "a", NULL), S("below route"));
    EXPECT_SLICE(route_of(&m, "GET", "/pp", "a", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "/P/a", "a", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "GET", "//p/a", "a", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/fixed", "a", NULL), S("below 405")); /* its own routes come first */
}

TEST(a_path_below_a_prefix_is_taken_although_it_is_malformed)
{
    BELOW_ROUTER(m);
    struct route_match r;
    struct route_request q = { .method = S("PUT"), .path = S("/p/%zz"), .host = S("a") };
    router_find(m.router, &q, &m.arena, &r);
    EXPECT(r.route == &below_route && !r.malformed);
    q.path = S("/bucket/%zz");
    router_find(m.router, &q, &m.arena, &r);
    EXPECT(!r.route && r.malformed);
    q.path = S("/health/%zz"); /* below a prefix of an API that does not take such paths */
    router_find(m.router, &q, &m.arena, &r);
    EXPECT(!r.route && r.malformed);
}

TEST(an_api_joins_another_on_its_listeners_but_not_where_every_path_is_taken)
{
    BELOW_ROUTER(m);
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "a", "catchall"), S("below route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "things.org", "catchall"), S("below route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "bucket.things.org", "catchall"), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "bucket.things.org", NULL), S("catchall route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "things.org", NULL), S("below route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "plain.org", NULL), S("below route"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "a", "plain"), S("plain"));
    EXPECT_SLICE(route_of(&m, "PUT", "/p/a/b", "a", "named_only"), S("named_only route"));
    EXPECT_SLICE(route_of(&m, "GET", "/health", "a", "catchall"), S("catchall route")); /* others do not join */
    EXPECT_SLICE(route_of(&m, "PUT", "/bucket/key", "a", "catchall"), S("catchall route"));
}

/* ---- the root ---- */

static const struct http_route root_routes[] = { { "GET", "/", NULL, 0, 0, "" }, { "GET", "/pages", NULL, 0, 0, "" } };
static const char *const root_prefixes[] = { "/pages", NULL };

static bool wants_pages(const struct http_request *req)
{
    return req->header_count > 0;
}

TEST(the_root_belongs_to_the_api_that_claims_it_and_else_to_the_catch_all)
{
    static const struct http_api pages = { .name = "pages",
                                           .routes = root_routes,
                                           .route_count = LENGTH_OF(root_routes),
                                           .prefixes = root_prefixes,
                                           .on_all_hosts = true,
                                           .claims_root = wants_pages };
    SCOPED(router_fixture_release) struct router_fixture m = { 0 };
    arena_init(&m.arena);
    const struct http_api *const all[] = { &plain, &pages, &catchall };
    struct routing routing = { all, LENGTH_OF(all), hosts, LENGTH_OF(hosts), "catchall" };
    EXPECT_OK(router_new(&routing, &m.arena, &m.router));
    const struct http_request person = { .header_count = 1 }, program = { 0 };
    static const struct {
        const char *method, *path, *host;
        bool is_person;
        const char *api;
    } cases[] = { { "GET", "/", "a", true, "pages" },           { "HEAD", "/", "a", true, "pages" },
                  { "GET", "/", "a", false, "catchall" },       { "GET", "/pages", "a", false, "pages" },
                  { "GET", "/pages", "plain.org", 0, "pages" }, { "GET", "/", "x.things.org", true, "catchall" },
                  { "GET", "/", "plain.org", true, "catchall" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct route_request q = { .method = slice_of(cases[i].method),
                                   .path = slice_of(cases[i].path),
                                   .host = slice_of(cases[i].host),
                                   .request = cases[i].is_person ? &person : &program };
        struct route_match r;
        router_find(m.router, &q, &m.arena, &r);
        EXPECT_SLICE(slice_of(r.api->name), slice_of(cases[i].api));
        EXPECT(r.route);
    }
}

RUN_TESTS(cmocka_unit_test(a_path_without_route_and_prefix_goes_to_the_catch_all),
          cmocka_unit_test(a_catch_all_also_answers_on_hosts_of_another_api_outside_its_prefixes),
          cmocka_unit_test(an_api_has_more_prefixes_on_its_own_host),
          cmocka_unit_test(names_below_a_host_belong_to_its_api_with_every_path),
          cmocka_unit_test(a_listener_of_one_api_serves_no_other),
          cmocka_unit_test(a_path_of_two_apis_belongs_to_the_one_that_claims_the_request),
          cmocka_unit_test(a_suffix_of_paths_means_nothing),
          cmocka_unit_test(an_api_may_take_every_path_below_its_prefix_with_any_method),
          cmocka_unit_test(a_path_below_a_prefix_is_taken_although_it_is_malformed),
          cmocka_unit_test(an_api_joins_another_on_its_listeners_but_not_where_every_path_is_taken),
          cmocka_unit_test(the_root_belongs_to_the_api_that_claims_it_and_else_to_the_catch_all))
