/* SPDX-License-Identifier: Apache-2.0 */
/* The CORS rules of a bucket in the form in which requests are compared with them, and a cache of these. Anybody may send
 * a preflight, without credentials and to a loop, so what one costs is limited: the rules are parsed once and not for
 * each request, and their number, the number of values in a rule and the number of headers in a preflight have limits.
 * What a bucket stores is the XML of cors.c; the limits hold when it is put. */
#ifndef CAIS_API_S3_CORS_RULES_PRIV_H
#define CAIS_API_S3_CORS_RULES_PRIV_H

#include "base/arena.h"

#define CORS_RULES_MAX 100   /* S3's limit */
#define CORS_VALUES_MAX 100  /* of one kind in one rule: origins, allowed headers, exposed headers */
#define CORS_HEADERS_MAX 100 /* that one preflight asks for */

struct cors_values {
    slice *items;
    size_t count;
};
/* An origin or header, of which one * matches any characters. */
struct cors_pattern {
    slice head, tail; /* in front of the * and behind it */
    bool is_open;     /* it has a *; otherwise head is all of it */
};
struct cors_patterns {
    struct cors_pattern *items;
    size_t count;
};
struct cors_rule {
    struct cors_patterns origins, headers; /* headers in lower case */
    struct cors_values methods;
    bool any_origin;             /* every origin is allowed: the reply need not name this one */
    slice expose, allow_methods; /* joined with commas, as they are sent; may be empty */
    slice max_age;               /* empty: the rule has none */
};
/* Immutable, shared by requests. */
struct cors_rules {
    struct cors_rule *items;
    size_t count;
    /* Only for cors_rules.c: */
    struct arena arena;
    slice text;
    int users; /* under the mutex of the cache */
    struct cors_cache *cache;
};

struct cors_request {
    slice origin, method;
    struct cors_values headers; /* that the browser wants to send, in lower case */
};
/* The headers of Access-Control-Request-Headers: a list, whose items live in `a`. False: more than CORS_HEADERS_MAX. */
MUST_USE bool cors_read_headers(slice list, struct arena *a, struct cors_values *ret);
struct cors_pattern cors_pattern_of(slice text);
bool cors_pattern_matches(const struct cors_pattern *, slice value);
/* The first rule that permits the request; NULL: none does. */
const struct cors_rule *cors_rules_find(const struct cors_rules *, const struct cors_request *);

/* ---- the cache ---- */

struct cors_cache *cors_cache_new(void);
void cors_cache_free(struct cors_cache *); /* no rules are in use */
/* The rules of this text, parsed unless the cache has them. `name`, that of the bucket, says where in the cache they
 * are. What the cache has is never out of date, because it is found by the text. The caller returns the rules by
 * cors_rules_release. NULL: the text is not the XML of rules. Thread: any. */
MUST_USE struct cors_rules *cors_rules_acquire(struct cors_cache *, slice name, slice text);
void cors_rules_release(struct cors_rules *); /* NULL is fine */
static inline void cors_rules_releasep(struct cors_rules **rules)
{
    cors_rules_release(*rules);
}

#endif
