/* SPDX-License-Identifier: Apache-2.0 */
/* Source: docs/apis/runrun.md §7 for forms, §6.5 for links. */
#include "api/runrun/runrun_priv.h"
#include "api/runrun/sign_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "http/content_disposition.h"
#include "http/target.h"
#include "sign/form_policy.h"

#include <assert.h>
#include <string.h>

const slice runrun_ignored_fields[RUNRUN_IGNORED_FIELD_COUNT] = {
    { "name", 4 },      { "filename", 8 },        { "acl", 3 }, { "content_type", 12 }, { "Content-Type", 12 },
    { "signature", 9 }, { "AWSAccessKeyId", 14 },
};

#define FORM_STATUS S("201")

/* ---- forms ---- */

static slice sign_with_day_key(struct runrun *r, slice timestamp, slice text, struct arena *a)
{
    struct sigv4_key key;
    sigv4_signer_key(&r->signer, slice_part(timestamp, 0, 8), &key);
    slice mac = sigv4_mac_hex(a, &key, text);
    explicit_bzero(&key, sizeof key);
    return mac;
}

static struct policy_condition field_equals(slice name, slice value)
{
    return (struct policy_condition){ .kind = POLICY_EQ, .name = name, .value = value };
}

static struct policy_condition field_is_any(slice name)
{
    return (struct policy_condition){ .kind = POLICY_STARTS_WITH, .name = name, .value = S("") };
}

static struct policy_condition length_equals(uint64_t bytes)
{
    return (struct policy_condition){ .kind = POLICY_LENGTH, .name = S(""), .min_bytes = bytes, .max_bytes = bytes };
}

static void put_v4_fields(struct json_reply *reply, const struct document *d, int64_t now_ms, int64_t expires_at_ms)
{
    struct runrun *r = runrun_of(reply->x);
    struct arena *a = &reply->x->arena;
    struct json_out *o = &reply->out;
    slice timestamp = sigv4_timestamp(a, now_ms), credential = sigv4_credential(a, &r->signer, now_ms);
    const struct policy_condition conditions[] = {
        field_equals(S("bucket"), r->bucket.name),
        field_equals(S("key"), d->ticket.key),
        length_equals(d->ticket.declared_bytes),
        field_equals(S("success_action_status"), FORM_STATUS),
        field_equals(S("x-amz-algorithm"), SIGV4_ALGORITHM),
        field_equals(S("x-amz-credential"), credential),
        field_equals(S("x-amz-date"), timestamp),
    };
    slice policy = policy_build(a, expires_at_ms, conditions, LENGTH_OF(conditions));
    json_put_string(o, "Policy", policy);
    json_put_string(o, "X-Amz-Algorithm", SIGV4_ALGORITHM);
    json_put_string(o, "X-Amz-Credential", credential);
    json_put_string(o, "X-Amz-Date", timestamp);
    json_put_string(o, "X-Amz-Signature", sign_with_day_key(r, timestamp, policy, a));
}

static void put_v2_fields(struct json_reply *reply, const struct document *d, int64_t expires_at_ms)
{
    struct runrun *r = runrun_of(reply->x);
    struct arena *a = &reply->x->arena;
    struct json_out *o = &reply->out;
    const struct policy_condition conditions[] = {
        field_equals(S("bucket"), r->bucket.name),
        field_equals(S("key"), d->ticket.key),
        field_equals(S("acl"), S("private")),
        field_equals(S("success_action_status"), FORM_STATUS),
        field_is_any(S("name")),
        field_is_any(S("filename")),
        field_is_any(S("content_type")),
        length_equals(d->ticket.declared_bytes),
    };
    slice policy = policy_build(a, expires_at_ms, conditions, LENGTH_OF(conditions));
    json_put_string(o, "policy", policy);
    json_put_string(o, "signature", policy_v2_sign(a, r->signer.secret, policy));
    json_put_string(o, "AWSAccessKeyId", r->signer.access_key);
    json_put_string(o, "content_type", d->file.content_type);
}

static slice storage_origin(struct http_exchange *x, slice *ret_host)
{
    struct runrun *r = runrun_of(x);
    return link_own_storage_origin(r->links, r->options.storage_url, &x->req, &x->arena, ret_host);
}

void runrun_put_form(struct json_reply *reply, const struct document *d)
{
    struct runrun *r = runrun_of(reply->x);
    struct json_out *o = &reply->out;
    slice host, origin = storage_origin(reply->x, &host);
    int64_t now_ms = d->file.created_at_ms, expires_at_ms = now_ms + LIVE(r->options.form_lifetime_ms);
    json_name(o, "fields");
    json_open_object(o);
    json_put_string(o, "key", d->ticket.key);
    put_v4_fields(reply, d, now_ms, expires_at_ms);
    json_put_string(o, "success_action_status", FORM_STATUS);
    if (LIVE(r->options.legacy_fields))
        put_v2_fields(reply, d, expires_at_ms);
    json_close_object(o);
    json_put_string(
        o, "upload_url",
        arena_printf(&reply->x->arena, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(origin), SLICE_ARG(r->bucket.name)));
}

/* ---- downloads ---- */

slice runrun_download_link(struct http_exchange *x, const struct document *d)
{
    struct runrun *r = runrun_of(x);
    struct arena *a = &x->arena;
    slice host, origin = storage_origin(x, &host), query;
    slice path = arena_printf(a, "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(r->bucket.name),
                              SLICE_ARG(percent_encode(a, d->ticket.key, "/")));
    slice disposition = content_disposition_format(S("attachment"), d->file.name, a);
    const struct sign_pair params[] = {
        { S(LINK_USER_PARAM), link_user_format(runrun_caller(x), a) },
        { S("response-content-disposition"), percent_encode(a, disposition, "") },
        { S("response-content-type"), percent_encode(a, d->file.content_type, "") },
    };
    const struct sign_pair headers[] = { { S("host"), host } };
    const struct sign_request request = { S("GET"), path, params, LENGTH_OF(params), headers, LENGTH_OF(headers) };
    enum sign_fault fault = sigv4_sign_link(&r->signer, &request, LIVE(r->options.link_lifetime_ms) / 1000,
                                            core_now_ms(r->core), a, &query);
    assert(!fault);
    return arena_printf(a, SLICE_FMT SLICE_FMT "?" SLICE_FMT, SLICE_ARG(origin), SLICE_ARG(path), SLICE_ARG(query));
}
