/* SPDX-License-Identifier: Apache-2.0 */
/* A flat table, searched by number of segments. With some hundred routes a search costs less than a microsecond; a tree
 * would only be harder to read. Literals beat parameters, from left to right. */
#include "http/route.h"

#include "http/target.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SEGMENTS 12

struct entry {
    const struct http_api *api;
    const struct http_route *route;
    size_t count;
    slice segments[MAX_SEGMENTS]; /* .p NULL: a parameter */
};

struct router {
    struct entry *entries;
    size_t count;
    const struct http_api **apis; /* a copy of the list */
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

static err_t compile(struct entry *e, const struct http_api *api, const struct http_route *route, struct arena *a)
{
    *e = (struct entry){ .api = api, .route = route };
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
            return err_make(a, ERR_INVALID, "route %s cannot be", route->pattern);
        e->segments[e->count++] = param ? (slice){ 0 } : segment;
    }
    return NULL;
}

err_t router_new(const struct http_api *const *apis, size_t count, const struct http_host *hosts, size_t host_count,
                 const char *fallback, struct arena *a, struct router **ret)
{
    struct router *r = must_malloc(sizeof *r);
    *r = (struct router){ .api_count = count, .hosts = hosts, .host_count = host_count };
    r->apis = must_malloc(count * sizeof(*r->apis));
    for (size_t i = 0; i < count; i++)
        r->apis[i] = apis[i];
    err_t e = NULL;
    for (size_t i = 0; i < count; i++)
        r->count += apis[i]->route_count;
    r->entries = must_malloc(r->count * sizeof *r->entries);
    struct entry *next = r->entries;
    for (size_t i = 0; i < count && !e; i++)
        for (size_t k = 0; k < apis[i]->route_count && !e; k++)
            e = compile(next++, apis[i], &apis[i]->routes[k], a);
    for (size_t i = 0; i < host_count && !e; i++)
        if (!api_named(r, hosts[i].api))
            e = err_make(a, ERR_INVALID, "host " SLICE_FMT " names the unknown API %s", SLICE_ARG(hosts[i].host),
                         hosts[i].api);
    r->fallback = api_named(r, fallback);
    if (!e && !r->fallback)
        e = err_make(a, ERR_INVALID, "no API is named %s", fallback ? fallback : "");
    if (e) {
        router_free(r);
        return e;
    }
    *ret = r;
    return NULL;
}

void router_free(struct router *r)
{
    if (!r)
        return;
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
static bool is_below(slice host, slice pattern)
{
    slice end = slice_from(pattern, 1);
    return slice_starts(pattern, S("*.")) && host.n > end.n && slice_eq_nocase(slice_from(host, host.n - end.n), end);
}

/* The host itself first, then the longest pattern. *ret_below: it was a pattern. */
static const struct http_api *api_of_host(const struct router *r, slice host, bool *ret_below)
{
    const struct http_host *best = NULL;
    host = without_port(host);
    *ret_below = false;
    for (size_t i = 0; i < r->host_count; i++) {
        const struct http_host *h = &r->hosts[i];
        if (slice_eq_nocase(h->host, host)) {
            *ret_below = false;
            return api_named(r, h->api);
        }
        if (is_below(host, h->host) && (!best || h->host.n > best->host.n)) {
            best = h;
            *ret_below = true;
        }
    }
    return best ? api_named(r, best->api) : NULL;
}

/* 0: no match; else the larger, the more literal, counted from the left. */
static unsigned match(const struct entry *e, const struct target_path *path)
{
    unsigned score = 1;
    for (size_t i = 0; i < e->count; i++) {
        bool literal = e->segments[i].p != NULL;
        if (literal ? !slice_eq(e->segments[i], path->segments[i]) : path->segments[i].n == 0)
            return 0;
        score = score << 1 | literal;
    }
    return score;
}

static bool serves(const struct http_route *route, slice method)
{
    slice own = slice_of(route->method);
    return slice_eq(own, method) || (slice_eq(method, S("HEAD")) && slice_eq(own, S("GET")));
}

static bool path_is_below(slice path, slice prefix)
{
    return slice_starts(path, prefix) &&
           (path.n == prefix.n || path.p[prefix.n] == '/' || (prefix.n && prefix.p[prefix.n - 1] == '/'));
}

/* How much of the path is covered; 0: nothing. */
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

/* Who answers for a path that no route has. *ret_by_prefix: it is below a prefix of that API. */
static const struct http_api *owner(const struct router *r, slice path, const struct http_api *of_host, bool alone,
                                    bool *ret_by_prefix)
{
    const struct http_api *best = of_host ? of_host : r->fallback;
    size_t longest = 0;
    *ret_by_prefix = false;
    if (alone)
        return best;
    for (size_t i = 0; i < r->api_count; i++) {
        const struct http_api *d = r->apis[i];
        if ((of_host && d != of_host && !d->everywhere) || (d->apart && d != of_host))
            continue;
        size_t covered = longest_prefix(d->prefixes, path);
        size_t at_home = d == of_host ? longest_prefix(d->home_prefixes, path) : 0;
        covered = covered > at_home ? covered : at_home;
        if (covered > longest) {
            longest = covered;
            best = d;
            *ret_by_prefix = true;
        }
    }
    return best;
}

/* Whose rest takes what nobody else wants; NULL: nobody's. */
static const struct http_api *taker(const struct router *r, const struct http_api *of_host, bool alone)
{
    if (of_host && of_host->rest)
        return of_host;
    for (size_t i = 0; i < r->api_count && !alone; i++) {
        const struct http_api *d = r->apis[i];
        if (d->rest && !d->apart && (!of_host || d->everywhere))
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

struct search {
    const struct http_api *of_host;
    slice method;
    bool alone; /* no API but that */
    bool only, local;
};

static bool may_answer(const struct search *s, const struct entry *e)
{
    return (!s->of_host || e->api == s->of_host || (e->api->everywhere && !s->alone)) &&
           (!(e->route->flags & HTTP_LOCAL_ONLY) || s->local) && (!e->api->apart || s->only);
}

static const struct entry *find_entry(const struct router *r, const struct search *s, const struct target_path *parts,
                                      struct arena *a, struct route_match *ret)
{
    const struct entry *best = NULL;
    unsigned best_score = 0, path_score = 0;
    for (const struct entry *e = r->entries; e < r->entries + r->count; e++) {
        if (e->count != parts->count || !may_answer(s, e))
            continue;
        unsigned score = match(e, parts);
        if (score == 0)
            continue;
        if (serves(e->route, s->method) && score > best_score) {
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

void router_find(const struct router *r, slice method, slice path, slice host, const char *only, bool local,
                 struct arena *a, struct route_match *ret)
{
    bool below = false, by_prefix;
    struct search s = { .method = method, .only = only != NULL, .local = local };
    s.of_host = only ? api_named(r, only) : api_of_host(r, host, &below);
    /* Names below a host are its API's, and with them every path, if it takes every path. */
    s.alone = only || (below && s.of_host->rest);
    *ret = (struct route_match){ .api = owner(r, path, s.of_host, s.alone, &by_prefix) };
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    struct target_path parts;
    err_t split = target_split_path(path, a, &parts);
    ret->malformed = err_is(split, ERR_INVALID);
    if (split)
        return;
    const struct entry *best = find_entry(r, &s, &parts, a, ret);
    if (best) {
        ret->api = best->api;
        ret->route = best->route;
        ret->allow = (slice){ 0 };
        for (size_t i = 0, k = 0; i < best->count; i++)
            if (!best->segments[i].p)
                ret->params[k++] = parts.segments[i];
        return;
    }
    const struct http_api *rest = ret->allow.n || by_prefix ? NULL : taker(r, s.of_host, s.alone);
    if (rest) {
        ret->api = rest;
        ret->route = rest->rest;
    }
}
