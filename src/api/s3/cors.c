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
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/bucket/bucket.h"

#include <ctype.h>

#define RULES_MAX 100
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
    uint64_t seconds;
    if (slice_eq(item->name, S("ID")))
        return value.n <= ID_MAX ? NULL : refuse_value(call, S3_CORS_ID, value);
    if (slice_eq(item->name, S("MaxAgeSeconds")))
        return slice_to_u64(value, &seconds) && seconds <= INT32_MAX ? NULL
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
    size_t ids = 0, ages = 0;
    for (const struct xml *item = rule->first; item; item = item->next) {
        TRY(check_value(call, item));
        ids += slice_eq(item->name, S("ID"));
        ages += slice_eq(item->name, S("MaxAgeSeconds"));
    }
    if (ids <= 1 && ages <= 1 && xml_child(rule, "AllowedOrigin") && xml_child(rule, "AllowedMethod"))
        return NULL;
    return s3_refuse(&call->x->arena, S3_MALFORMED_XML);
}

static err_t check_rules(struct s3_call *call, const struct xml *root)
{
    size_t count = 0;
    for (const struct xml *rule = root->first; rule; rule = rule->next) {
        if (!slice_eq(rule->name, S("CORSRule")) || ++count > RULES_MAX)
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
    buf_init(&b, 0);
    write_rules(&b, &call->x->arena, root);
    TRY(bucket_set_cors(call->s3->core, &call->who, call->bucket, buf_slice(&b), &call->x->arena));
    return s3_reply_status(call, 200);
}

err_t s3_cors_get(struct s3_call *call)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_MANAGE, &bucket));
    if (bucket.cors.n == 0)
        return s3_show(call, s3_refuse(&call->x->arena, S3_NO_SUCH_CORS), "BucketName", call->bucket);
    http_reply(call->x, 200, "application/xml", arena_copy(&call->x->arena, bucket.cors));
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

struct cors_request {
    slice origin, method;
    slice headers; /* the list that the browser sends; may be empty */
};
/* The rule that matches; .rule NULL: the list of the configuration. */
struct cors_rule {
    const struct xml *rule;
    bool any_origin; /* every origin is allowed: the reply need not name this one */
};

/* The first * of the pattern matches any characters. */
static bool matches_pattern(slice pattern, slice value, bool nocase)
{
    bool (*same)(slice, slice) = nocase ? slice_eq_nocase : slice_eq;
    slice head, tail;
    if (!slice_cut(pattern, '*', &head, &tail))
        return same(pattern, value);
    return value.n >= head.n + tail.n && same(slice_part(value, 0, head.n), head) &&
           same(slice_from(value, value.n - tail.n), tail);
}

static bool rule_has(const struct xml *rule, const char *element, slice value, bool nocase)
{
    XML_EACH(item, rule, element)
    if (matches_pattern(item->text, value, nocase))
        return true;
    return false;
}

static bool rule_has_headers(const struct xml *rule, slice headers)
{
    while (headers.n) {
        slice name, rest;
        if (!slice_cut(headers, ',', &name, &rest))
            rest = S("");
        headers = rest;
        name = slice_trim(name);
        if (name.n && !rule_has(rule, "AllowedHeader", name, true))
            return false;
    }
    return true;
}

static bool operator_allows(const struct s3_options *o, const struct cors_request *q, struct cors_rule *ret)
{
    for (size_t i = 0; i < o->cors_origins.count; i++)
        if (matches_pattern(o->cors_origins.items[i], q->origin, false) && is_method(q->method)) {
            *ret = (struct cors_rule){ NULL, slice_eq(o->cors_origins.items[i], S("*")) };
            return true;
        }
    return false;
}

/* False: no rule matches. *ret_enabled: whether the bucket has any rules. */
static bool find_rule(struct s3_call *call, const struct cors_request *q, struct cors_rule *ret, bool *ret_enabled)
{
    struct arena *a = &call->x->arena;
    slice cors = S("");
    const struct xml *root = NULL;
    err_t e = call->bucket.n ? bucket_cors(call->s3->core, call->bucket, a, &cors) : NULL;
    if (!e && cors.n)
        e = xml_parse(cors, a, &root);
    if (e && e->code != ERR_NOT_FOUND) {
        log_failure(call->s3->log, call->x, e); /* the browser learns only that no rule matches */
        *ret_enabled = true;
        return false;
    }
    *ret_enabled = root || call->s3->options.cors_origins.count;
    if (!root)
        return operator_allows(&call->s3->options, q, ret);
    XML_EACH(rule, root, "CORSRule")
    if (rule_has(rule, "AllowedOrigin", q->origin, false) && rule_has(rule, "AllowedMethod", q->method, false) &&
        rule_has_headers(rule, q->headers)) {
        bool any = false;
        XML_EACH(item, rule, "AllowedOrigin")
        any = any || slice_eq(item->text, S("*"));
        *ret = (struct cors_rule){ rule, any };
        return true;
    }
    return false;
}

/* ---- replies ---- */

static slice join_values(struct arena *a, const struct xml *rule, const char *element)
{
    struct buf b;
    buf_init(&b, 0);
    XML_EACH(item, rule, element)
    {
        buf_add(&b, b.n ? S(", ") : S(""));
        buf_add(&b, item->text);
    }
    slice all = arena_copy(a, buf_slice(&b));
    buf_release(&b);
    return all;
}

static void add_allow_origin(struct s3_call *call, const struct cors_request *q, const struct cors_rule *r)
{
    struct http_exchange *x = call->x;
    slice expose = r->rule ? join_values(&x->arena, r->rule, "ExposeHeader")
                           : S("ETag, x-amz-request-id, x-amz-version-id, Location");
    http_reply_header(x, "Access-Control-Allow-Origin", r->any_origin ? S("*") : q->origin);
    if (expose.n)
        http_reply_header(x, "Access-Control-Expose-Headers", expose);
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
    struct cors_rule rule;
    bool enabled;
    if (!q.origin.p || slice_eq(q.method, S("OPTIONS")))
        return;
    if (find_rule(call, &q, &rule, &enabled))
        add_allow_origin(call, &q, &rule);
    if (enabled)
        add_vary(x);
}

static slice lower_case_of(struct arena *a, slice s)
{
    char *text = arena_cstr(a, s);
    for (size_t i = 0; i < s.n; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    return (slice){ text, s.n };
}

err_t s3_preflight(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    struct arena *a = &x->arena;
    struct cors_request q = { http_header(&x->req, "Origin"), http_header(&x->req, "Access-Control-Request-Method"),
                              http_header(&x->req, "Access-Control-Request-Headers") };
    struct cors_rule rule;
    bool enabled;
    if (q.origin.n == 0)
        return s3_refuse(a, S3_CORS_BAD_REQUEST);
    if (!is_method(q.method))
        return s3_refuse(a, S3_CORS_BAD_METHOD);
    if (!find_rule(call, &q, &rule, &enabled)) {
        err_t e = s3_refuse(a, enabled ? S3_CORS_FORBIDDEN : S3_CORS_NOT_ENABLED);
        s3_show(call, e, "Method", q.method);
        return s3_show(call, e, "ResourceType", call->key.n ? S("OBJECT") : S("BUCKET"));
    }
    slice age = rule.rule ? slice_trim(xml_child_text(rule.rule, "MaxAgeSeconds")) : S("3600");
    add_allow_origin(call, &q, &rule);
    http_reply_header(x, "Access-Control-Allow-Methods",
                      rule.rule ? join_values(a, rule.rule, "AllowedMethod") : S("GET, PUT, POST, DELETE, HEAD"));
    if (q.headers.n)
        http_reply_header(x, "Access-Control-Allow-Headers", lower_case_of(a, q.headers));
    if (age.n)
        http_reply_header(x, "Access-Control-Max-Age", age);
    add_vary(x);
    return s3_reply_status(call, 200);
}
