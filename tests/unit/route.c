/* SPDX-License-Identifier: Apache-2.0 */
/* Which API a request is for. */
#include "test.h"

#include "http/route.h"

static const struct http_route plain_routes[] = {
    { "GET", "/plain/{id}", NULL, 0, 0, "" },
    { "PUT", "/plain/{id}", NULL, 0, 0, "" },
};
static const struct http_route common_routes[] = { { "GET", "/health", NULL, 0, 0, "" } };
static const struct http_route hungry_rest = { "GET", "/", NULL, HTTP_STREAM, 0, "" };
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
static const struct http_api hungry = { .name = "hungry", .catch_all = &hungry_rest, .on_all_hosts = true };
static const struct http_api apart = { .name = "apart", .catch_all = &hungry_rest, .only_where_named = true };
static const struct http_host hosts[] = {
    { { "plain.org", 9 }, "plain" },     { { "*.things.org", 12 }, "hungry" },     { { "things.org", 10 }, "hungry" },
    { { "x.things.org", 12 }, "plain" }, { { "*.deep.things.org", 17 }, "plain" },
};

struct map {
    struct arena arena;
    struct router *router;
};

static void map_release(struct map *m)
{
    router_free(m->router);
    arena_release(&m->arena);
}

#define MAP(name)                                                                                                      \
    SCOPED(map_release) struct map name = { 0 };                                                                       \
    const struct http_api *const all_[] = { &apart, &plain, &common, &hungry };                                        \
    arena_init(&name.arena);                                                                                           \
    struct routing routing_ = { all_, LENGTH_OF(all_), hosts, LENGTH_OF(hosts), "hungry" };                            \
    EXPECT_OK(router_new(&routing_, &name.arena, &name.router))

/* "API", "API route" when there is one, "API 405" when the path has other methods. */
static slice who(struct map *m, const char *method, const char *path, const char *host, const char *only)
{
    struct route_request q = { slice_of(method), slice_of(path), slice_of(host), only, false };
    struct route_match r;
    router_find(m->router, &q, &m->arena, &r);
    return arena_printf(&m->arena, "%s%s", r.api->name, r.route ? " route" : r.allow.n ? " 405" : "");
}

TEST(what_no_route_and_no_prefix_has_goes_to_the_api_that_takes_the_rest)
{
    MAP(m);
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "a", NULL), S("plain route"));
    EXPECT_SLICE(who(&m, "POST", "/plain/1", "a", NULL), S("plain 405"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1/2", "a", NULL), S("plain"));
    EXPECT_SLICE(who(&m, "GET", "/plain", "a", NULL), S("plain"));
    EXPECT_SLICE(who(&m, "GET", "/plainer", "a", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "PUT", "/bucket/key", "a", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "BREW", "/", "a", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/health", "a", NULL), S("common route"));
    EXPECT_SLICE(who(&m, "GET", "/bucket//a/../b/", "a", NULL), S("hungry route"));
}

TEST(on_the_host_of_another_api_the_rest_is_what_is_below_none_of_its_prefixes)
{
    MAP(m);
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "Plain.org:8080", NULL), S("plain route"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1/2", "plain.org", NULL), S("plain"));
    EXPECT_SLICE(who(&m, "GET", "/bucket/key", "plain.org", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/health", "plain.org", NULL), S("common route"));
}

TEST(on_its_own_host_an_api_refuses_below_more_prefixes)
{
    MAP(m);
    EXPECT_SLICE(who(&m, "GET", "/own/x", "plain.org", NULL), S("plain"));
    EXPECT_SLICE(who(&m, "GET", "/own", "plain.org:80", NULL), S("plain"));
    EXPECT_SLICE(who(&m, "GET", "/owner", "plain.org", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/own/x", "a", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/own/x", "things.org", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/health/x", "plain.org", NULL), S("common"));
    EXPECT_SLICE(who(&m, "GET", "/health/plain", "plain.org", NULL), S("plain")); /* the longest */
}

TEST(names_below_a_host_belong_to_its_api_with_every_path)
{
    MAP(m);
    EXPECT_SLICE(who(&m, "GET", "/health", "bucket.things.org", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "a.b.things.ORG:80", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/health", "things.org", NULL), S("common route"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "things.org", NULL), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1", ".things.org", NULL), S("plain route"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "badthings.org", NULL), S("plain route"));
    /* a name that stands there itself, and the longest pattern */
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "x.things.org", NULL), S("plain route"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "x.deep.things.org", NULL), S("plain route"));
    EXPECT_SLICE(who(&m, "GET", "/health", "x.deep.things.org", NULL), S("common route"));
}

TEST(a_listener_of_one_api_has_no_other)
{
    MAP(m);
    EXPECT_SLICE(who(&m, "GET", "/health", "a", "hungry"), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/plain/1", "plain.org", "hungry"), S("hungry route"));
    EXPECT_SLICE(who(&m, "GET", "/bucket/key", "a", "plain"), S("plain"));
    EXPECT_SLICE(who(&m, "GET", "/bucket/key", "a", "apart"), S("apart route"));
}

RUN_TESTS(cmocka_unit_test(what_no_route_and_no_prefix_has_goes_to_the_api_that_takes_the_rest),
          cmocka_unit_test(on_the_host_of_another_api_the_rest_is_what_is_below_none_of_its_prefixes),
          cmocka_unit_test(on_its_own_host_an_api_refuses_below_more_prefixes),
          cmocka_unit_test(names_below_a_host_belong_to_its_api_with_every_path),
          cmocka_unit_test(a_listener_of_one_api_has_no_other))
