/* SPDX-License-Identifier: Apache-2.0 */
/* Routes are kept in a flat table. A search compares the routes with the right number of segments; with some hundred
 * routes it takes less than a microsecond, and a tree would be harder to read. Of two routes that match, the one with
 * the first literal segment where the other has a parameter wins, from left to right. */
#include "http/route.h"

#include "http/target.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SEGMENTS 12

struct route_entry {
    const struct http_api *api;
    size_t api_index; /* in the list of the router */
    const struct http_route *route;
    size_t count;
    slice segments[MAX_SEGMENTS]; /* .p NULL: a parameter */
};

struct router {
    int references;              /* atomic */
    struct arena arena;          /* of the hosts */
    struct route_entry *entries; /* by their number of segments, then in the order of the tables */
    size_t count;
    size_t begin[MAX_SEGMENTS + 2]; /* the first entry with so many segments */
    const struct http_api **apis;   /* a copy of the list */
    size_t api_count;
    const struct http_host *hosts;
    size_t host_count;
    const struct http_api *fallback;
};

static const struct http_api *api_named(const struct router *r, const char *name)
{
    for (size_t i = 0; name && i < r->api_count; i++)
        if (strcmp(r->apis[i]->name, name) == 0)
            return r->apis[i];
    return NULL;
}

static err_t compile_route(const struct router *r, struct route_entry *e, size_t api_index,
                           const struct http_route *route, struct arena *a)
{
    *e = (struct route_entry){ .api = r->apis[api_index], .api_index = api_index, .route = route };
    slice rest = slice_of(route->pattern);
    size_t params = 0;
    if (!slice_starts(rest, S("/")))
        return err_make(a, ERR_INVALID, "route %s does not begin with /", route->pattern);
    rest = slice_from(rest, 1);
    while (rest.n) {
        slice segment;
        slice_cut(rest, '/', &segment, &rest);
        bool param = slice_starts(segment, S("{")) && slice_ends(segment, S("}"));
        params += param;
        if (e->count == MAX_SEGMENTS || params > HTTP_MAX_PARAMS || segment.n == 0)
            return err_make(a, ERR_INVALID, "the pattern of route %s is malformed", route->pattern);
        e->segments[e->count++] = param ? (slice){ 0 } : segment;
    }
    return NULL;
}

/* A search looks only at the entries with as many segments as its path. */
static void sort_entries(struct router *r)
{
    struct route_entry *sorted = must_malloc(r->count * sizeof *sorted);
    size_t n = 0;
    for (size_t segments = 0; segments <= MAX_SEGMENTS; segments++) {
        r->begin[segments] = n;
        for (size_t i = 0; i < r->count; i++)
            if (r->entries[i].count == segments)
                sorted[n++] = r->entries[i];
    }
    r->begin[MAX_SEGMENTS + 1] = n;
    free(r->entries);
    r->entries = sorted;
}

err_t router_new(const struct routing *from, struct arena *a, struct router **ret)
{
    struct router *r = must_malloc(sizeof *r);
    *r = (struct router){ .references = 1, .api_count = from->api_count, .host_count = from->host_count };
    arena_init(&r->arena);
    struct http_host *hosts = arena_array(&r->arena, struct http_host, r->host_count + 1);
    for (size_t i = 0; i < r->host_count; i++)
        hosts[i] = (struct http_host){ arena_copy(&r->arena, from->hosts[i].host),
                                       arena_cstr(&r->arena, slice_of(from->hosts[i].api)) };
    r->hosts = hosts;
    r->apis = must_malloc(r->api_count * sizeof(*r->apis));
    for (size_t i = 0; i < r->api_count; i++) {
        r->apis[i] = from->apis[i];
        r->count += r->apis[i]->route_count;
    }
    err_t e = NULL;
    r->entries = must_malloc(r->count * sizeof *r->entries);
    struct route_entry *next = r->entries;
    for (size_t i = 0; i < r->api_count && !e; i++)
        for (size_t k = 0; k < r->apis[i]->route_count && !e; k++)
            e = compile_route(r, next++, i, &r->apis[i]->routes[k], a);
    for (size_t i = 0; i < r->host_count && !e; i++)
        if (!api_named(r, r->hosts[i].api))
            e = err_make(a, ERR_INVALID, "host " SLICE_FMT " names the unknown API %s", SLICE_ARG(r->hosts[i].host),
                         r->hosts[i].api);
    if (!e)
        sort_entries(r);
    r->fallback = api_named(r, from->fallback);
    if (!e && !r->fallback)
        e = err_make(a, ERR_INVALID, "no API is named %s", from->fallback ? from->fallback : "");
    if (e) {
        router_free(r);
        return e;
    }
    *ret = r;
    return NULL;
}

struct router *router_keep(struct router *r)
{
    __atomic_add_fetch(&r->references, 1, __ATOMIC_RELAXED);
    return r;
}

void router_free(struct router *r)
{
    if (!r || __atomic_sub_fetch(&r->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    arena_release(&r->arena);
    free(r->entries);
    free(r->apis);
    free(r);
}

static slice without_port(slice host)
{
    if (slice_starts(host, S("["))) {
        size_t end = slice_find_byte(host, ']');
        return end == SLICE_NONE ? host : slice_part(host, 0, end + 1);
    }
    slice name, port;
    slice_cut(host, ':', &name, &port);
    return name;
}

/* "*.example.org" covers every name below example.org, but not that name itself. */
static bool host_is_below(slice host, slice pattern)
{
    slice end = slice_from(pattern, 1);
    return slice_starts(pattern, S("*.")) && host.n > end.n && slice_eq_nocase(slice_from(host, host.n - end.n), end);
}

/* The API of a configured host: an entry with exactly this name, else the longest pattern that covers it; NULL: none.
 * *ret_by_pattern: it was a pattern. */
static const struct http_api *api_of_host(const struct router *r, slice host, bool *ret_by_pattern)
{
    const struct http_host *best = NULL;
    host = without_port(host);
    *ret_by_pattern = false;
    for (size_t i = 0; i < r->host_count; i++) {
        const struct http_host *h = &r->hosts[i];
        if (slice_eq_nocase(h->host, host)) {
            *ret_by_pattern = false;
            return api_named(r, h->api);
        }
        if (host_is_below(host, h->host) && (!best || h->host.n > best->host.n)) {
            best = h;
            *ret_by_pattern = true;
        }
    }
    return best ? api_named(r, best->api) : NULL;
}

/* The last segment as the API reads it: without the suffix of its paths. */
static slice last_segment(const struct http_api *api, const struct target_path *path)
{
    slice last = path->count ? path->segments[path->count - 1] : S("");
    slice suffix = api->path_suffix ? slice_of(api->path_suffix) : S("");
    return last.n > suffix.n && slice_ends(last, suffix) ? slice_part(last, 0, last.n - suffix.n) : last;
}

/* 0: the route does not match; else one bit per segment, set for a literal, the first segment highest. The route with
 * the largest score wins. */
static unsigned match_score(const struct route_entry *e, const struct target_path *path, slice last)
{
    unsigned score = 1;
    for (size_t i = 0; i < e->count; i++) {
        bool literal = e->segments[i].p != NULL;
        slice segment = i + 1 == path->count ? last : path->segments[i];
        if (literal ? !slice_eq(e->segments[i], segment) : segment.n == 0)
            return 0;
        score = score << 1 | literal;
    }
    return score;
}

static bool serves_method(const struct http_route *route, slice method)
{
    slice own = slice_of(route->method);
    return slice_eq(own, method) || (slice_eq(method, S("HEAD")) && slice_eq(own, S("GET")));
}

static bool path_is_below(slice path, slice prefix)
{
    return slice_starts(path, prefix) &&
           (path.n == prefix.n || path.p[prefix.n] == '/' || (prefix.n && prefix.p[prefix.n - 1] == '/'));
}

/* The length of the longest prefix that the path is below; 0: none. */
static size_t longest_prefix(const char *const *prefixes, slice path)
{
    size_t longest = 0;
    for (const char *const *p = prefixes; p && *p; p++) {
        slice prefix = slice_of(*p);
        if (prefix.n > longest && path_is_below(path, prefix))
            longest = prefix.n;
    }
    return longest;
}

/* A search for a route: the conditions that the API of a route must meet (may_answer). */
struct route_search {
    const struct http_api *of_host; /* the API of the host, or of the listener; NULL: neither names one */
    slice method;
    bool alone;          /* only the API of_host may reply, and those that join it */
    bool has_every_path; /* on this host of_host has every path, so that nobody joins it */
    bool by_listener;    /* the listener names of_host */
    bool local;
    slice path;
    const struct http_request *request; /* NULL: nobody claims it */
};

/* May the API answer on the host and the listener of the request? */
static bool may_answer(const struct route_search *s, const struct http_api *api)
{
    if (api == s->of_host)
        return !api->only_where_named || s->by_listener;
    if (api->only_where_named)
        return false;
    if (s->of_host && api->joins && strcmp(api->joins, s->of_host->name) == 0)
        return !s->has_every_path;
    return !s->of_host || (api->on_all_hosts && !s->alone);
}

/* The API that replies to a path without a route. *ret_by_prefix: the path is below a prefix of that API. */
static const struct http_api *api_owning_path(const struct router *r, const struct route_search *s, bool *ret_by_prefix)
{
    const struct http_api *best = s->of_host ? s->of_host : r->fallback;
    size_t longest = 0;
    *ret_by_prefix = false;
    for (size_t i = 0; i < r->api_count; i++) {
        const struct http_api *d = r->apis[i];
        if (!may_answer(s, d) || (s->alone && d == s->of_host))
            continue;
        size_t covered = longest_prefix(d->prefixes, s->path);
        size_t on_host = d == s->of_host ? longest_prefix(d->home_prefixes, s->path) : 0;
        size_t claimed = d == s->of_host ? longest_prefix(d->claimed_prefixes, s->path) : 0;
        on_host = on_host > claimed ? on_host : claimed;
        covered = covered > on_host ? covered : on_host;
        if (covered > longest) {
            longest = covered;
            best = d;
            *ret_by_prefix = true;
        }
    }
    return best;
}

/* The API whose catch_all takes a path without a route and without an owner; NULL: none. */
static const struct http_api *api_with_catch_all(const struct router *r, const struct http_api *of_host, bool alone)
{
    if (of_host && of_host->catch_all)
        return of_host;
    for (size_t i = 0; i < r->api_count && !alone; i++) {
        const struct http_api *d = r->apis[i];
        if (d->catch_all && !d->only_where_named && (!of_host || d->on_all_hosts))
            return d;
    }
    return NULL;
}

static slice add_method(slice allow, const char *method, struct arena *a)
{
    bool get = strcmp(method, "GET") == 0;
    if (allow.n == 0)
        return get ? S("GET, HEAD") : arena_copy(a, slice_of(method));
    return arena_printf(a, SLICE_FMT ", %s", SLICE_ARG(allow), get ? "GET, HEAD" : method);
}

/* The API that may claim the path, and does; NULL: none. */
static const struct http_api *api_claiming(const struct router *r, const struct route_search *s)
{
    for (size_t i = 0; i < r->api_count && !s->of_host && s->request; i++) {
        const struct http_api *d = r->apis[i];
        if (longest_prefix(d->claimed_prefixes, s->path) && d->claims(d, s->request))
            return d;
    }
    return NULL;
}

/* A path that the API may claim, and has not claimed. */
static bool is_unclaimed(const struct route_search *s, const struct http_api *api, const struct target_path *parts)
{
    if (api->claims_root && parts->count == 0)
        return s->of_host || !s->request || !api->claims_root(s->request);
    return !s->of_host && longest_prefix(api->claimed_prefixes, s->path);
}

/* What a search knows of an API before it looks at its routes. */
struct api_view {
    bool may_answer;
    slice last; /* the last segment of the path, as the API reads it */
};

static void view_apis(const struct router *r, const struct route_search *s, const struct target_path *parts,
                      struct api_view *ret_views)
{
    for (size_t i = 0; i < r->api_count; i++) {
        const struct http_api *api = r->apis[i];
        ret_views[i].may_answer = may_answer(s, api) && !is_unclaimed(s, api, parts);
        ret_views[i].last = last_segment(api, parts);
    }
}

static const struct route_entry *find_route_entry(const struct router *r, const struct route_search *s,
                                                  const struct target_path *parts, struct arena *a,
                                                  struct route_match *ret)
{
    const struct route_entry *best = NULL;
    unsigned best_score = 0, path_score = 0;
    struct api_view *views = arena_array(a, struct api_view, r->api_count);
    view_apis(r, s, parts, views);
    if (parts->count > MAX_SEGMENTS)
        return NULL;
    const struct route_entry *end = r->entries + r->begin[parts->count + 1];
    for (const struct route_entry *e = r->entries + r->begin[parts->count]; e < end; e++) {
        const struct api_view *view = &views[e->api_index];
        if (!view->may_answer || (e->route->flags & HTTP_LOCAL_ONLY && !s->local))
            continue;
        unsigned score = match_score(e, parts, view->last);
        if (score == 0)
            continue;
        if (serves_method(e->route, s->method) && score > best_score) {
            best = e;
            best_score = score;
        }
        if (score > path_score) {
            ret->api = e->api;
            path_score = score;
        }
        if (!best)
            ret->allow = add_method(ret->allow, e->route->method, a);
    }
    return best;
}

/* The conditions that the request sets. */
static struct route_search search_for(const struct router *r, const struct route_request *q)
{
    bool by_pattern;
    struct route_search s = { .method = q->method, .by_listener = q->only_api != NULL, .local = q->local };
    s.path = q->path;
    s.request = q->request;
    const struct http_api *of_name = api_of_host(r, q->host, &by_pattern);
    s.of_host = q->only_api ? api_named(r, q->only_api) : of_name;
    const struct http_api *claiming = api_claiming(r, &s);
    s.of_host = claiming ? claiming : s.of_host;
    /* Every name that a pattern covers belongs to one API, and every path with it if that API has a catch-all. */
    s.has_every_path = by_pattern && of_name->catch_all;
    s.alone = q->only_api || s.has_every_path;
    return s;
}

/* The route of a path that has none in the tables; NULL: there is none. */
static const struct http_route *route_of_rest(const struct router *r, const struct route_search *s, bool by_prefix,
                                              struct route_match *ret)
{
    if (ret->allow.n)
        return NULL;
    if (by_prefix)
        return ret->api->below_prefixes;
    const struct http_api *taker = api_with_catch_all(r, s->of_host, s->alone);
    ret->api = taker ? taker : ret->api;
    return taker ? taker->catch_all : NULL;
}

void router_find(const struct router *r, const struct route_request *q, struct arena *a, struct route_match *ret)
{
    bool by_prefix;
    struct route_search s = search_for(r, q);
    *ret = (struct route_match){ .api = api_owning_path(r, &s, &by_prefix) };
    slice path = q->path;
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    struct target_path parts;
    err_t split = target_split_path(path, a, &parts);
    if (split && by_prefix)
        ret->route = ret->api->below_prefixes;
    ret->malformed = err_is(split, ERR_INVALID) && !ret->route;
    if (split)
        return;
    const struct route_entry *best = find_route_entry(r, &s, &parts, a, ret);
    if (!best) {
        ret->route = route_of_rest(r, &s, by_prefix, ret);
        return;
    }
    ret->api = best->api;
    ret->route = best->route;
    ret->allow = (slice){ 0 };
    for (size_t i = 0, k = 0; i < best->count; i++)
        if (!best->segments[i].p)
            ret->params[k++] = i + 1 == best->count ? last_segment(best->api, &parts) : parts.segments[i];
}
