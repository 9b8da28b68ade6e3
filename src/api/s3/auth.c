/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies every signature but those of forms (form_check.c).
 *
 *   claim parsed ──► access key found ──► signature verified ──► operation
 *                                     └─► the digest of the body is not declared: verified at the end of the body */
#include "api/s3/auth_priv.h"

#include "api/kit/guard.h"
#include "api/kit/links.h"
#include "api/s3/call_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/signing_keys_priv.h"
#include "api/s3/words_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"
#include "sign/sigv2.h"

#include <string.h>

/* ---- faults ---- */

static err_t show_mismatch(struct s3_call *call, err_t e, const struct sign_detail *detail)
{
    s3_show(call, e, "AWSAccessKeyId", call->claim.access_key);
    s3_show(call, e, "SignatureProvided", call->claim.signature);
    if (detail->string_to_sign.p)
        s3_show(call, e, "StringToSign", detail->string_to_sign);
    return detail->canonical_request.p ? s3_show(call, e, "CanonicalRequest", detail->canonical_request) : e;
}

static err_t show_times(struct s3_call *call, err_t e, enum sign_fault fault)
{
    struct arena *a = &call->x->arena;
    if (fault == SIGN_EXPIRED)
        s3_show(call, e, "Expires", time_format_utc(a, call->claim.expires_at_ms));
    if (fault == SIGN_SKEW) {
        s3_show(call, e, "RequestTime", call->claim.timestamp);
        s3_show(call, e, "MaxAllowedSkewMilliseconds", arena_printf(a, "%d", SIGV4_SKEW_MS));
    }
    return s3_show(call, e, "ServerTime", time_format_utc(a, core_now_ms(call->s3->core)));
}

static err_t show_malformed(struct s3_call *call, err_t e, const struct sign_detail *detail)
{
    if (slice_eq(detail->about, S("region")) && LIVE(call->s3->options.only_region))
        s3_show(call, e, "Region", call->s3->options.region);
    return s3_show(call, e, "Part", detail->about);
}

err_t s3_refuse_signature(struct s3_call *call, enum sign_fault fault, const struct sign_detail *detail)
{
    err_t e = s3_refuse_fault(&call->x->arena, call->claim.is_link ? S3_IN_LINK : S3_IN_HEADER, fault, detail->about);
    switch (fault) {
    case SIGN_MALFORMED:
    case SIGN_SCOPE:
    case SIGN_DATE:
    case SIGN_LIFETIME:
        return show_malformed(call, e, detail);
    case SIGN_UNSIGNED_HEADER:
        return s3_show(call, e, "HeadersNotSigned", detail->about);
    case SIGN_ABSENT_HEADER:
        return s3_show(call, e, "HeaderNotThere", detail->about);
    case SIGN_MISMATCH:
        return show_mismatch(call, e, detail);
    case SIGN_EXPIRED:
    case SIGN_NOT_YET:
    case SIGN_SKEW:
        return show_times(call, e, fault);
    default:
        return e;
    }
}

/* ---- the request in the form that src/sign takes ---- */

static void make_sign_request(struct s3_call *call, struct sign_request *ret)
{
    const struct http_request *req = &call->x->req;
    struct arena *a = &call->x->arena;
    struct sign_pair *headers = arena_array(a, struct sign_pair, req->header_count + 1);
    struct sign_pair *query = arena_array(a, struct sign_pair, call->query.count + 1);
    for (size_t i = 0; i < req->header_count; i++)
        headers[i] = (struct sign_pair){ req->headers[i].name, req->headers[i].value };
    for (size_t i = 0; i < call->query.count; i++)
        query[i] = (struct sign_pair){ call->query.params[i].raw_name, call->query.params[i].raw_value };
    *ret = (struct sign_request){ .method = req->method,
                                  .path = req->path,
                                  .query = query,
                                  .query_count = call->query.count,
                                  .headers = headers,
                                  .header_count = req->header_count,
                                  .host_bucket = call->virtual_host ? call->bucket : S("") };
}

err_t s3_find_secret(struct s3_call *call, slice access_key, slice *ret_secret)
{
    struct http_exchange *x = call->x;
    err_t e = access_signing(call->s3->core, S3_PURPOSE, access_key, &x->arena, &call->who, ret_secret);
    call->who.request_id = x->req.id;
    return s3_show(call, e, "AWSAccessKeyId", access_key);
}

/* ---- version 4 ---- */

/* Does the request have a body that the operation reads, but not the digest of it? A copy does not read its body. */
static bool lacks_digest(const struct s3_call *call)
{
    const struct s3_operation *o = call->operation;
    return call->claim.payload == SIGV4_PAYLOAD_ABSENT && !call->claim.is_link && call->x->req.content_length != 0 &&
           (o->flags & S3_STREAM || o->max_body) && !http_has_header(&call->x->req, "x-amz-copy-source");
}

/* A link for GET is also valid for HEAD. */
static enum sign_fault verify_v4(struct s3_call *call, struct sign_request *r, struct sign_detail *detail)
{
    struct arena *a = &call->x->arena;
    int64_t now_ms = call->received_at_ms; /* also when the body took long */
    enum sign_fault fault = sigv4_verify_with_key(&call->claim, r, &call->key4, now_ms, a, detail);
    if (fault == SIGN_MISMATCH && call->claim.is_link && slice_eq(r->method, S("HEAD"))) {
        struct sign_request as_get = *r;
        as_get.method = S("GET");
        if (!sigv4_verify_with_key(&call->claim, &as_get, &call->key4, now_ms, a, NULL))
            fault = SIGN_OK;
    }
    return fault;
}

static err_t authenticate_v4(struct s3_call *call, bool is_link)
{
    struct sign_request *r = &call->signed_request;
    struct sign_detail detail = { 0 };
    slice region = LIVE(call->s3->options.only_region) ? call->s3->options.region : S(""), secret;
    enum sign_fault fault = sigv4_parse(r, region, &call->x->arena, &call->claim, &detail);
    call->claim.is_link = is_link;
    if (fault)
        return s3_refuse_signature(call, fault, &detail);
    TRY(s3_add_query_headers(call)); /* r has its own list of the headers */
    TRY(s3_find_secret(call, call->claim.access_key, &secret));
    s3_signing_key(call->s3, call->claim.access_key, secret, &call->claim, &call->key4);
    call->verify_late = lacks_digest(call);
    call->received_at_ms = core_now_ms(call->s3->core);
    fault = verify_v4(call, r, &detail);
    if (fault == SIGN_MISMATCH && call->verify_late)
        return NULL;
    call->verify_late = call->verify_late && !fault;
    return fault ? s3_refuse_signature(call, fault, &detail) : NULL;
}

err_t s3_verify_body(struct s3_call *call, const unsigned char sha256[SHA256_SIZE])
{
    struct sign_detail detail = { 0 };
    call->claim.payload_tag = hex_encode(&call->x->arena, (slice){ (const char *)sha256, SHA256_SIZE });
    enum sign_fault fault = verify_v4(call, &call->signed_request, &detail);
    call->verify_late = false;
    if (fault)
        return s3_refuse_signature(call, fault, &detail);
    call->x->share = (uint64_t)call->who.account_id;
    return NULL;
}

/* ---- version 2 ---- */

/* The signature covers the path and the subresources, but not the parameters that choose what a listing shows. Whoever has
 * a link to one page could change them and read all of it. So a link is valid for an object only, and a parameter that
 * has an effect must be covered. */
static err_t check_v2_scope(struct s3_call *call)
{
    if (call->key.n == 0)
        return s3_refuse(&call->x->arena, S3_AUTH_LINK_OBJECT);
    for (size_t i = 0; i < call->query.count; i++) {
        slice name = call->query.params[i].name;
        const struct s3_word *word = s3_word_of(name, S3_QUERY);
        if (word && word->fate == S3_TAKEN && !sigv2_covers(name))
            return s3_refuse_with(&call->x->arena, S3_AUTH_LINK_PARAMETER, name);
    }
    return NULL;
}

static err_t authenticate_v2(struct s3_call *call)
{
    struct sign_request *r = &call->signed_request;
    struct arena *a = &call->x->arena;
    struct sign_detail detail = { 0 };
    struct sigv2 claim;
    slice secret;
    call->claim.is_link = true;
    enum sign_fault fault = sigv2_parse(r, a, &claim, &detail);
    if (fault == SIGN_ALGORITHM) /* S3 accepts it for writes, too */
        return s3_refuse(a, S3_AUTH_NOT_OFFERED);
    if (fault)
        return s3_refuse_signature(call, fault, &detail);
    TRY(check_v2_scope(call));
    TRY(s3_find_secret(call, claim.access_key, &secret));
    int64_t now_ms = core_now_ms(call->s3->core);
    fault = sigv2_verify(&claim, r, secret, now_ms, a, &detail);
    if (fault == SIGN_MISMATCH && slice_eq(r->method, S("HEAD"))) {
        struct sign_request as_get = *r;
        as_get.method = S("GET");
        if (!sigv2_verify(&claim, &as_get, secret, now_ms, a, NULL))
            return NULL;
    }
    if (!fault)
        return NULL;
    call->claim = (struct sigv4){ .is_link = true,
                                  .access_key = claim.access_key,
                                  .signature = claim.signature,
                                  .expires_at_ms = claim.expires_at_ms };
    return s3_refuse_signature(call, fault, &detail);
}

/* ---- all versions ---- */

err_t s3_admit(struct s3_call *call)
{
    slice user;
    int64_t user_id, credential_id;
    if (s3_param(call, LINK_USER_PARAM, &user) && link_user_parse(user, &user_id, &credential_id))
        TRY(access_act_for(call->s3->core, user_id, credential_id, &call->x->arena, &call->who));
    guard_watch(call->x, call->s3->core, &call->who);
    return NULL;
}

static err_t authenticate_by_scheme(struct s3_call *call)
{
    switch (sign_scheme_of(&call->signed_request)) {
    case SIGN_SCHEME_V4_HEADER:
        return authenticate_v4(call, false);
    case SIGN_SCHEME_V4_QUERY:
        return authenticate_v4(call, true);
    case SIGN_SCHEME_V2_QUERY:
        return authenticate_v2(call);
    case SIGN_SCHEME_V2_HEADER:
        return s3_refuse(&call->x->arena, S3_AUTH_NOT_OFFERED);
    case SIGN_SCHEME_SEVERAL:
        return s3_refuse(&call->x->arena, S3_AUTH_SEVERAL);
    case SIGN_SCHEME_NONE:
        break;
    }
    return s3_refuse(&call->x->arena,
                     http_has_header(&call->x->req, "Authorization") ? S3_AUTH_TYPE : S3_ACCESS_DENIED);
}

/* Until its signature is verified, a request uses no share of the account that it names: an access key is no secret. */
err_t s3_authenticate(struct s3_call *call)
{
    make_sign_request(call, &call->signed_request);
    TRY(authenticate_by_scheme(call));
    if (!call->verify_late)
        call->x->share = (uint64_t)call->who.account_id;
    return s3_admit(call);
}
