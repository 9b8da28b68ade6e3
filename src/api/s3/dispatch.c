/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its operation. The dispatcher authenticates for every operation, so none can forget it. */
#include "api/reserved_path.h"
#include "api/s3/auth_priv.h"
#include "api/s3/body_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/cors_priv.h"
#include "api/s3/cors_rules_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/words_priv.h"
#include "base/text.h"
#include "core/bucket/entry.h"

#include <string.h>

/* Limits for a body whose signature can be verified only at its end (verify_late): bytes in memory, and bytes on disk.
 * Until then the client is unauthenticated, and its access key is no secret, because every link contains it. curl
 * sends such requests only for bodies that it has in memory. All such bodies share a budget: core/unverified.h. */
#define UNAUTHENTICATED_BODY_MAX ((size_t)64 * 1024)
#define UNAUTHENTICATED_STREAM_MAX ((int64_t)16 << 20)

static struct s3 *s3_of(struct http_exchange *x)
{
    return x->api->context;
}

/* ---- address ---- */

/* bucket.s3.example.org → "bucket". Empty: the path names the bucket. */
static slice bucket_of_host(struct s3_call *call)
{
    const struct s3_options *o = &call->s3->options;
    const struct s3_hosts first = { o->hosts, o->host_count },
                          *newer = __atomic_load_n(&call->s3->hosts, __ATOMIC_ACQUIRE);
    const struct s3_hosts *hosts = newer ? newer : &first;
    slice host, port;
    slice_cut(call->x->req.host, ':', &host, &port);
    for (size_t i = 0; i < hosts->count; i++) {
        slice name = hosts->names[i];
        if (host.n <= name.n + 1)
            continue;
        size_t n = host.n - name.n - 1;
        if (host.p[n] != '.' || !slice_eq_nocase(slice_from(host, n + 1), name))
            continue;
        char *bucket = arena_cstr(&call->x->arena, slice_part(host, 0, n));
        for (size_t k = 0; k < n; k++)
            bucket[k] = (char)(bucket[k] >= 'A' && bucket[k] <= 'Z' ? bucket[k] + 32 : bucket[k]);
        return (slice){ bucket, n };
    }
    return S("");
}

static err_t read_address(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    slice raw_key = slice_from(x->req.path, 1), raw_bucket;
    call->bucket = bucket_of_host(call);
    call->virtual_host = call->bucket.n > 0;
    if (!call->virtual_host) {
        slice rest = S("");
        slice_cut(raw_key, '/', &raw_bucket, &rest);
        bool nameless = raw_bucket.n == 0 && raw_key.n > 0;
        raw_key = rest;
        if (nameless || target_decode(raw_bucket, &x->arena, &call->bucket))
            return s3_refuse(&x->arena, S3_INVALID_URI);
    }
    if (target_decode(raw_key, &x->arena, &call->key) || query_parse(x->req.query, &x->arena, &call->query))
        return s3_refuse(&x->arena, S3_INVALID_URI);
    return NULL;
}

static err_t check_address(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    if (path_is_reserved(call->bucket)) {
        bool create = slice_eq(call->x->req.method, S("PUT")) && call->key.n == 0;
        err_t e = s3_refuse(a, create ? S3_INVALID_BUCKET_NAME : S3_NO_SUCH_BUCKET);
        return s3_show(call, e, "BucketName", call->bucket);
    }
    if (call->key.n > ENTRY_KEY_MAX) {
        err_t e = s3_refuse(a, S3_KEY_TOO_LONG);
        s3_show(call, e, "Size", arena_printf(a, "%zu", call->key.n));
        return s3_show(call, e, "MaxSizeAllowed", arena_printf(a, "%d", ENTRY_KEY_MAX));
    }
    bool readable = slice_is_utf8(call->key) && slice_is_utf8(call->bucket);
    return readable ? NULL : s3_refuse(a, S3_INVALID_URI);
}

/* ---- operation ---- */

static bool has_param(const struct s3_call *call, const char *name)
{
    slice unused;
    return query_get(&call->query, slice_of(name), 0, &unused);
}

static const char *known_subresource(slice name)
{
    for (size_t i = 0; i < s3_operation_count; i++)
        if (s3_operations[i].subresource && slice_eq(name, slice_of(s3_operations[i].subresource)))
            return s3_operations[i].subresource;
    const struct s3_word *word = s3_word_of(name, S3_QUERY);
    return word && word->fate == S3_OTHER_OPERATION ? word->name : NULL;
}

/* The subresource that the request names, if the table or S3 has it; otherwise NULL. */
static const char *subresource_of(const struct s3_call *call)
{
    for (size_t i = 0; i < call->query.count; i++) {
        slice name = call->query.params[i].name;
        const char *known = slice_starts_nocase(name, S("x-amz-")) ? NULL : known_subresource(name);
        if (known)
            return known;
    }
    return NULL;
}

static const struct s3_operation *find_with_method(const struct s3_call *call, enum s3_level level, const char *method,
                                                   const char *subresource)
{
    for (size_t i = 0; i < s3_operation_count; i++) {
        const struct s3_operation *o = &s3_operations[i];
        if (o->level == level && strcmp(o->method, method) == 0 &&
            (o->subresource ? subresource && has_param(call, o->subresource) : !subresource))
            return o;
    }
    return NULL;
}

static const struct s3_operation *find_operation(struct s3_call *call)
{
    slice method = call->x->req.method;
    enum s3_level level = call->key.n ? S3_OBJECT : call->bucket.n ? S3_BUCKET : S3_SERVICE;
    const char *name = arena_cstr(&call->x->arena, method);
    const char *subresource = slice_eq(method, S("OPTIONS")) ? NULL : subresource_of(call);
    const struct s3_operation *o = find_with_method(call, level, name, subresource);
    if (!o && strcmp(name, "HEAD") == 0)
        o = find_with_method(call, level, "GET", subresource);
    return o;
}

/* An operation that S3 has and that is not offered here is not implemented; otherwise the method is not allowed. */
static err_t refuse_unknown_operation(struct s3_call *call)
{
    static const char *const methods[] = { "GET", "HEAD", "PUT", "POST", "DELETE" };
    slice method = call->x->req.method;
    bool known = false;
    for (size_t i = 0; i < LENGTH_OF(methods); i++)
        known = known || slice_eq(method, slice_of(methods[i]));
    err_t e = s3_refuse(&call->x->arena,
                        known && subresource_of(call) ? S3_OPERATION_NOT_IMPLEMENTED : S3_METHOD_NOT_ALLOWED);
    return s3_show(call, e, "Method", method);
}

/* ---- run ---- */

static size_t collected_max(const struct s3_call *call)
{
    size_t max = call->operation->max_body;
    return call->verify_late && max > UNAUTHENTICATED_BODY_MAX ? UNAUTHENTICATED_BODY_MAX : max;
}

static err_t run_collected(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    if (call->operation->max_body)
        TRY(s3_body_check(call));
    return call->operation->run(call);
}

/* Have all bodies of unauthenticated clients together room for this one, too? Before that is known, no byte of it is
 * received. */
static err_t admit_unverified(struct s3_call *call)
{
    const struct s3_operation *o = call->operation;
    struct http_exchange *x = call->x;
    int64_t length = x->req.content_length;
    int64_t max = o->flags & S3_STREAM ? UNAUTHENTICATED_STREAM_MAX : (int64_t)collected_max(call);
    if (o->flags & S3_STREAM && (length < 0 || length > max))
        return s3_refuse(&x->arena, S3_NO_PAYLOAD_DIGEST);
    uint64_t size_bytes = (uint64_t)(length < 0 || length > max ? max : length);
    if (unverified_take(call->s3->core->unverified, call->who.credential_id, size_bytes, &x->arena))
        return NULL;
    http_reply_header(x, "Retry-After", S("1"));
    return err_make(&x->arena, ERR_RATE, "too many bodies whose signature is not verified yet");
}

/* From the address to the signature. */
static err_t begin_call(struct s3_call *call)
{
    TRY(read_address(call));
    TRY(check_address(call));
    call->operation = find_operation(call);
    if (!call->operation) {
        TRY(s3_check_query(call));
        return refuse_unknown_operation(call);
    }
    s3_cors_headers(call);
    if (call->operation->flags & S3_UNSIGNED)
        return NULL;
    TRY(s3_authenticate(call));
    s3_cors_link_headers(call);
    return NULL;
}

/* The server itself makes the links to its own buckets. One that is malformed was altered, and then it is not the link that was
 * given: it is denied like every other one with a wrong signature. */
static bool is_altered_link(const struct s3_call *call, err_t e)
{
    const struct http_request *req = &call->x->req;
    int status = error_words(&s3_errors, e).status;
    bool is_form = call->operation && call->operation->flags & S3_UNSIGNED;
    return (status == 400 || status == 501) && !is_form && !http_has_header(req, "Authorization") &&
           bucket_is_guarded(call->s3->core, call->bucket);
}

static err_t dispatch_request(struct http_exchange *x)
{
    struct s3_call *call = arena_new(&x->arena, struct s3_call);
    call->x = x;
    call->s3 = s3_of(x);
    x->work = call;
    s3_common_headers(x);
    err_t e = begin_call(call);
    if (e && is_altered_link(call, e))
        return s3_refuse(&x->arena, S3_ACCESS_DENIED);
    TRY(e);
    const struct s3_operation *o = call->operation;
    TRY(s3_check_query(call));
    TRY(s3_check_headers(call));
    if (call->verify_late)
        TRY(admit_unverified(call));
    if (o->flags & (S3_STREAM | S3_ON_LOOP))
        return o->run(call);
    http_collect(x, o->flags & S3_LONG ? HTTP_LANE_LONG : HTTP_LANE_ORDINARY, collected_max(call), run_collected);
    return NULL;
}

/* ---- the API ---- */

static const struct http_route rest = { "GET", "/", dispatch_request, HTTP_STREAM | HTTP_PUBLIC, 0, "every path" };

void s3_init(struct s3 *s3, struct core *core, const struct s3_options *options, const struct link_base *links,
             struct log *log)
{
    *s3 = (struct s3){ .core = core, .options = *options, .links = links, .log = log, .cors = cors_cache_new() };
    pthread_mutex_init(&s3->keys_mutex, NULL);
}

void s3_release(struct s3 *s3)
{
    cors_cache_free(s3->cors);
    explicit_bzero(s3->keys, sizeof s3->keys);
    pthread_mutex_destroy(&s3->keys_mutex);
}

struct http_api s3_api(struct s3 *s3)
{
    return (struct http_api){
        .name = "s3", .catch_all = &rest, .on_all_hosts = true, .keeps_codings = true, .fail = s3_fail, .context = s3
    };
}
