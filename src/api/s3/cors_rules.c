/* SPDX-License-Identifier: Apache-2.0 */
/* The rules are read into arrays, with header names in lower case, so that a comparison of a name with a pattern is one of
 * bytes. The work of one preflight is at most the names of the preflight times the patterns of the rules, which together
 * have at most as many bytes as the stored text.
 *
 * The cache has one slot for each hash of a bucket's name. Rules that leave it live until the last request that uses them
 * has released them. */
#include "api/s3/cors_rules_priv.h"

#include "base/buf.h"
#include "base/xml.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- parse ---- */

static slice lower_case(struct arena *a, slice s)
{
    char *text = arena_cstr(a, s);
    for (size_t i = 0; i < s.n; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    return (slice){ text, s.n };
}

/* Values beyond CORS_VALUES_MAX do not count: a rule that was stored before there was a limit permits less. */
static struct cors_values read_values(struct arena *a, const struct xml *rule, const char *element)
{
    struct cors_values v = { 0 };
    size_t count = 0;
    XML_EACH(item, rule, element)
    count++;
    v.items = arena_array(a, slice, (count < CORS_VALUES_MAX ? count : CORS_VALUES_MAX) + 1);
    XML_EACH(item, rule, element)
    {
        if (v.count < CORS_VALUES_MAX)
            v.items[v.count++] = item->text;
    }
    return v;
}

struct cors_pattern cors_pattern_of(slice text)
{
    struct cors_pattern p;
    p.is_open = slice_cut(text, '*', &p.head, &p.tail);
    return p;
}

static struct cors_patterns read_patterns(struct arena *a, const struct cors_values *values)
{
    struct cors_patterns p = { arena_array(a, struct cors_pattern, values->count + 1), values->count };
    for (size_t i = 0; i < values->count; i++)
        p.items[i] = cors_pattern_of(values->items[i]);
    return p;
}

static slice join_values(struct arena *a, const struct cors_values *v)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < v->count; i++) {
        buf_add(&b, b.n ? S(", ") : S(""));
        buf_add(&b, v->items[i]);
    }
    return arena_copy(a, buf_slice(&b));
}

static struct cors_rule read_rule(struct arena *a, const struct xml *rule)
{
    struct cors_values origins = read_values(a, rule, "AllowedOrigin"), methods = read_values(a, rule, "AllowedMethod"),
                       headers = read_values(a, rule, "AllowedHeader"), exposed = read_values(a, rule, "ExposeHeader");
    struct cors_rule r = { .methods = methods,
                           .expose = join_values(a, &exposed),
                           .allow_methods = join_values(a, &methods),
                           .max_age = S("") };
    for (size_t i = 0; i < origins.count; i++)
        r.any_origin = r.any_origin || slice_eq(origins.items[i], S("*"));
    for (size_t i = 0; i < headers.count; i++)
        headers.items[i] = lower_case(a, headers.items[i]);
    r.origins = read_patterns(a, &origins);
    r.headers = read_patterns(a, &headers);
    if (xml_child(rule, "MaxAgeSeconds"))
        r.max_age = slice_trim(xml_child_text(rule, "MaxAgeSeconds"));
    return r;
}

static struct cors_rules *parse_rules(slice text)
{
    struct cors_rules *rules = must_malloc(sizeof *rules);
    struct arena *a = &rules->arena;
    const struct xml *root;
    arena_init(a);
    rules->text = arena_copy(a, text);
    if (xml_parse(rules->text, a, &root)) {
        arena_release(a);
        free(rules);
        return NULL;
    }
    rules->items = arena_array(a, struct cors_rule, CORS_RULES_MAX);
    XML_EACH(rule, root, "CORSRule")
    {
        if (rules->count < CORS_RULES_MAX)
            rules->items[rules->count++] = read_rule(a, rule);
    }
    return rules;
}

/* ---- compare ---- */

bool cors_read_headers(slice list, struct arena *a, struct cors_values *ret)
{
    struct cors_values v = { .items = arena_array(a, slice, CORS_HEADERS_MAX) };
    list = lower_case(a, list);
    while (list.n) {
        slice name, rest;
        if (!slice_cut(list, ',', &name, &rest))
            rest = S("");
        list = rest;
        name = slice_trim(name);
        if (name.n && v.count == CORS_HEADERS_MAX)
            return false;
        if (name.n)
            v.items[v.count++] = name;
    }
    *ret = v;
    return true;
}

bool cors_pattern_matches(const struct cors_pattern *p, slice value)
{
    if (!p->is_open)
        return slice_eq(p->head, value);
    return value.n >= p->head.n + p->tail.n && memcmp(value.p, p->head.p, p->head.n) == 0 &&
           memcmp(value.p + value.n - p->tail.n, p->tail.p, p->tail.n) == 0;
}

static bool one_matches(const struct cors_patterns *patterns, slice value)
{
    for (size_t i = 0; i < patterns->count; i++) {
        const struct cors_pattern *p = &patterns->items[i];
        bool differs = p->head.n && value.n && p->head.p[0] != value.p[0]; /* most do, and this is quick */
        if (!differs && cors_pattern_matches(p, value))
            return true;
    }
    return false;
}

static bool is_value(const struct cors_values *values, slice value)
{
    for (size_t i = 0; i < values->count; i++)
        if (slice_eq(values->items[i], value))
            return true;
    return false;
}

const struct cors_rule *cors_rules_find(const struct cors_rules *rules, const struct cors_request *q)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct cors_rule *r = &rules->items[i];
        bool found = is_value(&r->methods, q->method) && one_matches(&r->origins, q->origin);
        for (size_t k = 0; k < q->headers.count && found; k++)
            found = one_matches(&r->headers, q->headers.items[k]);
        if (found)
            return r;
    }
    return NULL;
}

/* ---- the cache ---- */

enum { SLOTS = 64 };

struct cors_cache {
    pthread_mutex_t mutex;
    struct cors_rules *slots[SLOTS]; /* the cache is a user of them */
};

struct cors_cache *cors_cache_new(void)
{
    struct cors_cache *cache = must_malloc(sizeof *cache);
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static void destroy_rules(struct cors_rules *rules)
{
    if (!rules)
        return;
    arena_release(&rules->arena);
    free(rules);
}

void cors_cache_free(struct cors_cache *cache)
{
    for (size_t i = 0; i < SLOTS; i++)
        destroy_rules(cache->slots[i]);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

void cors_rules_release(struct cors_rules *rules)
{
    if (!rules)
        return;
    int left;
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&rules->cache->mutex);
        left = --rules->users;
    }
    if (left == 0)
        destroy_rules(rules);
}

struct cors_rules *cors_rules_acquire(struct cors_cache *cache, slice name, slice text)
{
    struct cors_rules **slot = &cache->slots[slice_hash(name) % SLOTS], *old;
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
        if (*slot && slice_eq((*slot)->text, text)) {
            (*slot)->users++;
            return *slot;
        }
    }
    struct cors_rules *rules = parse_rules(text);
    if (!rules)
        return NULL;
    rules->cache = cache;
    rules->users = 2; /* the caller and the cache */
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&cache->mutex);
        old = *slot;
        *slot = rules;
    }
    cors_rules_release(old);
    return rules;
}
