/* SPDX-License-Identifier: Apache-2.0 */
/* CORS: which web pages may use a bucket. A bucket keeps its rules as XML, which is written anew from the document that a
 * client sent. Without rules of the bucket, the list of origins in the configuration applies.
 *
 * A browser sends a preflight before some requests, and reads the Access-Control headers of every reply. The first rule
 * that matches determines both.
 * Access-Control-Allow-Credentials is never sent: signed requests need no cookies. Together with an origin that is only
 * echoed, it would let any web page use the credentials that the browser has for this host (GHSA-x5xv-223c-8vm7). */
#include "api/s3/cors_priv.h"

#include "api/kit/failure_log.h"
#include "api/kit/links.h"
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/cors_rules_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/bucket/bucket.h"

#include <ctype.h>

#define ID_MAX 255 /* bytes of a rule's ID */
static const char *const methods[] = { "GET", "PUT", "POST", "DELETE", "HEAD" };

/* ---- configuration ---- */

static size_t count_stars(slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '*';
    return n;
}

/* Values that are sent in headers must be a line of visible ASCII. */
static bool is_visible_ascii(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0;
}

static bool is_method(slice s)
{
    for (size_t i = 0; i < LENGTH_OF(methods); i++)
        if (slice_eq(s, slice_of(methods[i])))
            return true;
    return false;
}

static err_t refuse_value(struct s3_call *call, enum s3_error row, slice value)
{
    return s3_refuse_with(&call->x->arena, row, value);
}

static err_t check_value(struct s3_call *call, const struct xml *item)
{
    slice value = slice_trim(item->text);
    int64_t seconds; /* also below 0: then a browser keeps nothing */
    if (slice_eq(item->name, S("ID")))
        return value.n <= ID_MAX ? NULL : refuse_value(call, S3_CORS_ID, value);
    if (slice_eq(item->name, S("MaxAgeSeconds")))
        return slice_to_i64(value, &seconds) && seconds >= INT32_MIN && seconds <= INT32_MAX
                   ? NULL
                   : refuse_value(call, S3_CORS_MAX_AGE, value);
    if (slice_eq(item->name, S("AllowedMethod")))
        return is_method(value) ? NULL : refuse_value(call, S3_CORS_METHOD, value);
    bool is_origin = slice_eq(item->name, S("AllowedOrigin")), is_header = slice_eq(item->name, S("AllowedHeader"));
    if (!is_origin && !is_header && !slice_eq(item->name, S("ExposeHeader")))
        return refuse_value(call, S3_CORS_ELEMENT, item->name);
    if (!is_visible_ascii(value))
        return refuse_value(call, S3_CORS_VALUE, value);
    if (count_stars(value) > 1)
        return refuse_value(call, S3_CORS_WILDCARDS, value);
    if (!is_origin && !is_header && count_stars(value))
        return refuse_value(call, S3_CORS_EXPOSE_WILDCARD, value);
    return NULL;
}

static err_t check_rule(struct s3_call *call, const struct xml *rule)
{
    struct cors_kind {
        const char *name;
        size_t min, max;
    };
    static const struct cors_kind kinds[] = {
        { "ID", 0, 1 },
        { "MaxAgeSeconds", 0, 1 },
        { "AllowedOrigin", 1, CORS_VALUES_MAX },
        { "AllowedMethod", 1, CORS_VALUES_MAX },
        { "AllowedHeader", 0, CORS_VALUES_MAX },
        { "ExposeHeader", 0, CORS_VALUES_MAX },
    };
    for (const struct xml *item = rule->first; item; item = item->next)
        TRY(check_value(call, item));
    for (size_t i = 0; i < LENGTH_OF(kinds); i++) {
        size_t count = 0;
        XML_EACH(item, rule, kinds[i].name)
        count++;
        if (count < kinds[i].min || count > kinds[i].max)
            return s3_refuse(&call->x->arena, S3_MALFORMED_XML);
    }
    return NULL;
}

static err_t check_rules(struct s3_call *call, const struct xml *root)
{
    size_t count = 0;
    for (const struct xml *rule = root->first; rule; rule = rule->next) {
        if (!slice_eq(rule->name, S("CORSRule")) || ++count > CORS_RULES_MAX)
            return s3_refuse(&call->x->arena, S3_MALFORMED_XML);
        TRY(check_rule(call, rule));
    }
    return count ? NULL : s3_refuse(&call->x->arena, S3_MALFORMED_XML);
}

static void write_rules(struct buf *b, struct arena *a, const struct xml *root)
{
    xml_begin(b);
    xml_open_ns(b, "CORSConfiguration", S3_NAMESPACE);
    XML_EACH(rule, root, "CORSRule")
    {
        xml_open(b, "CORSRule");
        for (const struct xml *item = rule->first; item; item = item->next)
            xml_text(b, arena_cstr(a, item->name), slice_trim(item->text));
        xml_close(b, "CORSRule");
    }
    xml_close(b, "CORSConfiguration");
}

err_t s3_cors_put(struct s3_call *call)
{
    struct bucket bucket;
    const struct xml *root;
    TRY(s3_authorize_bucket(call, BUCKET_MANAGE, &bucket));
    TRY(s3_read_document(call, "CORSConfiguration", &root));
    TRY(check_rules(call, root));
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    write_rules(&b, &call->x->arena, root);
    slice text = buf_give(&b, &call->x->arena);
    TRY(bucket_set_cors(call->s3->core, &call->who, call->bucket, text, &call->x->arena));
    return s3_reply_status(call, 200);
}

err_t s3_cors_get(struct s3_call *call)
{
    struct bucket bucket;
    slice cors;
    TRY(s3_authorize_bucket(call, BUCKET_MANAGE, &bucket));
    TRY(bucket_cors(call->s3->core, call->bucket, &call->x->arena, &cors));
    if (cors.n == 0)
        return s3_show(call, s3_refuse(&call->x->arena, S3_NO_SUCH_CORS), "BucketName", call->bucket);
    http_reply(call->x, 200, "application/xml", cors);
    return NULL;
}

err_t s3_cors_delete(struct s3_call *call)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_MANAGE, &bucket));
    TRY(bucket_set_cors(call->s3->core, &call->who, call->bucket, S(""), &call->x->arena));
    return s3_reply_status(call, 204);
}

/* ---- which rule matches ---- */

/* What permits a request. */
struct cors_match {
    bool has_bucket;              /* the bucket is there */
    bool is_enabled;              /* the bucket has rules, or the configuration does */
    struct cors_rules *rules;     /* of the bucket, to be released; NULL: it has none */
    const struct cors_rule *rule; /* that permits the request; NULL: none does */
};

static void release_match(struct cors_match *m)
{
    cors_rules_release(m->rules);
}

/* The list of origins in the configuration is a rule for all methods, headers and buckets without rules. */
static const struct cors_rule *find_operator_rule(const struct s3_options *o, const struct cors_request *q)
{
#define EVERY_METHOD "GET, PUT, POST, DELETE, HEAD"
#define OPERATOR_RULE(any)                                                                                             \
    {                                                                                                                  \
        .any_origin = (any), .expose = { "ETag, x-amz-request-id, x-amz-version-id, Location", 50 },                   \
        .allow_methods = { EVERY_METHOD, sizeof EVERY_METHOD - 1 }, .max_age = {                                       \
            "3600",                                                                                                    \
            4                                                                                                          \
        }                                                                                                              \
    }
    static const struct cors_rule named = OPERATOR_RULE(false), any = OPERATOR_RULE(true);
    for (size_t i = 0; i < o->cors_origins.count; i++) {
        struct cors_pattern pattern = cors_pattern_of(o->cors_origins.items[i]);
        if (cors_pattern_matches(&pattern, q->origin) && is_method(q->method))
            return slice_eq(o->cors_origins.items[i], S("*")) ? &any : &named;
    }
    return NULL;
}

/* To be released by release_match. A failure is logged; the browser learns only that no rule matches. */
static void find_rule(struct s3_call *call, const struct cors_request *q, struct cors_match *ret)
{
    SCRATCH_OF(scratch, &call->x->arena); /* the text of the rules may be 64 KiB */
    slice cors = S("");
    *ret = (struct cors_match){ 0 };
    err_t e = call->bucket.n ? bucket_cors(call->s3->core, call->bucket, &scratch, &cors) : NULL;
    if (!e && cors.n)
        ret->rules = cors_rules_acquire(call->s3->cors, call->bucket, cors);
    if (!e && cors.n && !ret->rules)
        e = err_make(&scratch, ERR_CORRUPT, "the CORS rules of a bucket are not readable");
    if (e && e->code != ERR_NOT_FOUND) {
        log_failure(call->s3->log, call->x, e);
        ret->is_enabled = true;
        return;
    }
    ret->has_bucket = call->bucket.n && !e;
    ret->is_enabled = ret->rules || call->s3->options.cors_origins.count;
    ret->rule = ret->rules ? cors_rules_find(ret->rules, q) : find_operator_rule(&call->s3->options, q);
}

/* ---- replies ---- */

static void add_allow_origin(struct s3_call *call, const struct cors_request *q, const struct cors_rule *r)
{
    struct http_exchange *x = call->x;
    http_reply_header(x, "Access-Control-Allow-Origin", r->any_origin ? S("*") : q->origin);
    if (r->expose.n)
        http_reply_header(x, "Access-Control-Expose-Headers", r->expose);
}

/* A cache must not use the reply to one web page for another. */
static void add_vary(struct http_exchange *x)
{
    http_reply_header(x, "Vary", S("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
}

void s3_cors_headers(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    struct cors_request q = { .origin = http_header(&x->req, "Origin"), .method = x->req.method };
    struct cors_match match;
    slice unused;
    if (!q.origin.p || slice_eq(q.method, S("OPTIONS")) || s3_param(call, LINK_ORIGIN_PARAM, &unused))
        return;
    find_rule(call, &q, &match);
    if (match.rule)
        add_allow_origin(call, &q, match.rule);
    if (match.is_enabled)
        add_vary(x);
    release_match(&match);
}

void s3_cors_link_headers(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    slice origin;
    if (!call->who.is_system || !s3_param(call, LINK_ORIGIN_PARAM, &origin))
        return;
    if (slice_eq(origin, http_header(&x->req, "Origin")))
        http_reply_header(x, "Access-Control-Allow-Origin", origin);
    http_reply_header(x, "Vary", S("Origin"));
}

static err_t refuse_preflight(struct s3_call *call, const struct cors_match *match)
{
    err_t e = s3_refuse(&call->x->arena, match->is_enabled   ? S3_CORS_FORBIDDEN
                                         : match->has_bucket ? S3_CORS_NOT_ENABLED
                                                             : S3_CORS_NO_BUCKET);
    s3_show(call, e, "Method", http_header(&call->x->req, "Access-Control-Request-Method"));
    return s3_show(call, e, "ResourceType", call->key.n ? S("OBJECT") : S("BUCKET"));
}

/* The headers are sent back as the browser wrote them, in lower case. */
static slice allow_headers(struct s3_call *call, slice asked)
{
    char *text = arena_cstr(&call->x->arena, asked);
    for (size_t i = 0; i < asked.n; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    return (slice){ text, asked.n };
}

static err_t reply_preflight(struct s3_call *call, const struct cors_request *q, const struct cors_rule *r)
{
    struct http_exchange *x = call->x;
    slice asked = http_header(&x->req, "Access-Control-Request-Headers");
    add_allow_origin(call, q, r);
    http_reply_header(x, "Access-Control-Allow-Methods", r->allow_methods);
    if (asked.n)
        http_reply_header(x, "Access-Control-Allow-Headers", allow_headers(call, asked));
    if (r->max_age.n)
        http_reply_header(x, "Access-Control-Max-Age", r->max_age);
    add_vary(x);
    return s3_reply_status(call, 200);
}

err_t s3_preflight(struct s3_call *call)
{
    struct http_request *req = &call->x->req;
    struct arena *a = &call->x->arena;
    struct cors_request q = { http_header(req, "Origin"), http_header(req, "Access-Control-Request-Method"), { 0 } };
    struct cors_match match;
    if (q.origin.n == 0)
        return s3_refuse(a, S3_CORS_BAD_REQUEST);
    if (!is_method(q.method))
        return s3_refuse(a, S3_CORS_BAD_METHOD);
    if (!cors_read_headers(http_header(req, "Access-Control-Request-Headers"), a, &q.headers))
        return s3_refuse(a, S3_CORS_MANY_HEADERS);
    find_rule(call, &q, &match);
    err_t e = match.rule ? reply_preflight(call, &q, match.rule) : refuse_preflight(call, &match);
    release_match(&match);
    return e;
}
