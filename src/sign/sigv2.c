/* SPDX-License-Identifier: Apache-2.0 */
/* string to sign = method, Content-MD5, Content-Type, Expires, x-amz- headers, resource with its sub-resources
 *
 * The path is signed as it was sent. The signature covers every x-amz- header, so none can be added later. */
#include "sign/sigv2.h"

#include "base/hash.h"
#include "base/text.h"
#include "sign/sign_priv.h"

/* The signature covers these parameters, which change the reply. It covers no others, so no other may change it. */
static const char *const sub_resources[] = {
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
};

bool sigv2_covers(slice name)
{
    for (size_t i = 0; i < LENGTH_OF(sub_resources); i++)
        if (slice_eq(name, slice_of(sub_resources[i])))
            return true;
    return false;
}

static void add_amz_headers(struct buf *to, const struct sign_request *r, struct arena *a)
{
    struct sign_pair *names = arena_array(a, struct sign_pair, r->header_count + 1);
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_starts_nocase(r->headers[i].name, SIGN_PREFIX))
            names[n++].name = sign_lower(a, r->headers[i].name);
    sign_sort_pairs(names, n);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !slice_eq(names[i].name, names[i - 1].name))
            sign_add_header(to, r, names[i].name);
}

static bool add_resource(struct buf *to, const struct sign_request *r, struct arena *a)
{
    struct sign_pair *subs = arena_array(a, struct sign_pair, r->query_count + 1);
    size_t n = 0;
    for (size_t i = 0; i < r->query_count; i++) {
        slice name, value;
        if (!sign_decode(a, r->query[i].name, &name) || !sign_decode(a, r->query[i].value, &value))
            return false;
        if (sigv2_covers(name))
            subs[n++] = (struct sign_pair){ name, value };
    }
    sign_sort_pairs(subs, n);
    if (r->host_bucket.n) {
        buf_add_byte(to, '/');
        buf_add(to, r->host_bucket);
    }
    buf_add(to, r->path.n ? r->path : S("/"));
    for (size_t i = 0; i < n; i++) {
        buf_add_byte(to, i ? '&' : '?');
        buf_add(to, subs[i].name);
        if (subs[i].value.n == 0)
            continue;
        buf_add_byte(to, '=');
        buf_add(to, subs[i].value);
    }
    return true;
}

/* The signature that the request must have, and the text that it signs. */
static enum sign_fault compute_v2(const struct sign_request *r, int64_t expires_at_s, slice secret, struct arena *a,
                                  slice *ret_signature, slice *ret_to_sign)
{
    SCOPED(buf_releasep) struct buf text = { 0 };
    slice md5 = S(""), type = S("");
    unsigned char mac[SHA1_SIZE];
    sign_header(r, S("content-md5"), &md5);
    sign_header(r, S("content-type"), &type);
    const slice lines[] = { r->method, md5, type };
    for (size_t i = 0; i < LENGTH_OF(lines); i++) {
        buf_add(&text, lines[i]);
        buf_add_byte(&text, '\n');
    }
    buf_add_i64(&text, expires_at_s);
    buf_add_byte(&text, '\n');
    add_amz_headers(&text, r, a);
    if (!add_resource(&text, r, a))
        return SIGN_MALFORMED;
    hash_hmac_sha1(secret, buf_slice(&text), mac);
    *ret_signature = base64_encode(a, (slice){ (const char *)mac, sizeof mac });
    *ret_to_sign = arena_copy(a, buf_slice(&text));
    return SIGN_OK;
}

enum sign_fault sigv2_parse(const struct sign_request *r, struct arena *a, struct sigv2 *ret,
                            struct sign_detail *detail)
{
    static const char *const names[] = { "AWSAccessKeyId", "Expires", "Signature" };
    slice values[LENGTH_OF(names)], raw;
    uint64_t expires_at_s;
    if (!slice_eq(r->method, S("GET")) && !slice_eq(r->method, S("HEAD")))
        return sign_because(detail, SIGN_ALGORITHM, S("AWSAccessKeyId"));
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (sign_param(r, slice_of(names[i]), &raw) != 1 || raw.n == 0 || !sign_decode(a, raw, &values[i]))
            return sign_because(detail, SIGN_MALFORMED, slice_of(names[i]));
    if (!slice_to_u64(values[1], &expires_at_s) || values[1].p[0] == '0' || expires_at_s > INT64_MAX / 1000)
        return sign_because(detail, SIGN_MALFORMED, S("Expires"));
    /* A + of the base64 that the client did not escape was decoded to a blank. No signature contains a blank. */
    char *signature = arena_cstr(a, values[2]);
    for (size_t i = 0; i < values[2].n; i++)
        signature[i] = signature[i] == ' ' ? '+' : signature[i];
    *ret = (struct sigv2){ values[0], (int64_t)expires_at_s * 1000, { signature, values[2].n } };
    return SIGN_OK;
}

enum sign_fault sigv2_verify(const struct sigv2 *claim, const struct sign_request *r, slice secret, int64_t now_ms,
                             struct arena *a, struct sign_detail *detail)
{
    slice expected, to_sign;
    if (now_ms >= claim->expires_at_ms)
        return SIGN_EXPIRED;
    enum sign_fault fault = compute_v2(r, claim->expires_at_ms / 1000, secret, a, &expected, &to_sign);
    if (fault)
        return sign_because(detail, fault, S("query"));
    if (slice_eq_secret(expected, claim->signature))
        return SIGN_OK;
    if (detail)
        *detail = (struct sign_detail){ .about = S("Signature"), .string_to_sign = to_sign };
    return SIGN_MISMATCH;
}

enum sign_fault sigv2_sign_link(slice access_key, slice secret, const struct sign_request *r, int64_t expires_at_s,
                                struct arena *a, slice *ret_query)
{
    SCOPED(buf_releasep) struct buf query = { 0 };
    slice signature, to_sign;
    enum sign_fault fault = compute_v2(r, expires_at_s, secret, a, &signature, &to_sign);
    if (fault)
        return fault;
    for (size_t i = 0; i < r->query_count; i++) {
        buf_add(&query, r->query[i].name);
        buf_add_byte(&query, '=');
        buf_add(&query, r->query[i].value);
        buf_add_byte(&query, '&');
    }
    *ret_query = arena_printf(a, SLICE_FMT "AWSAccessKeyId=" SLICE_FMT "&Expires=%lld&Signature=" SLICE_FMT,
                              SLICE_ARG(buf_slice(&query)), SLICE_ARG(percent_encode(a, access_key, "")),
                              (long long)expires_at_s, SLICE_ARG(percent_encode(a, signature, "")));
    return SIGN_OK;
}
