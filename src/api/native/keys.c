/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the users of the account, for its administrators. What a key is made of is in one reply, which nobody keeps. */
#include "api/kit/key_role.h"
#include "api/kit/list_reply.h"
#include "api/kit/new_key.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/text.h"
#include "core/reasons.h"

static const struct api_module *find_purpose(const struct native_api *api, slice name)
{
    const struct api_module *purpose;
    for (size_t i = 0; api->key_purpose && (purpose = api->key_purpose(i)); i++)
        if (slice_eq(slice_of(purpose->name), name))
            return purpose;
    return NULL;
}

/* ---- list ---- */

static slice state_of_key(const struct credential *k, int64_t now_ms)
{
    return k->revoked_at_ms                                 ? S("revoked")
           : k->expires_at_ms && k->expires_at_ms <= now_ms ? S("expired")
                                                            : S("active");
}

static void put_key(struct json_out *o, const struct http_exchange *x, const struct key_info *info, struct arena *a)
{
    const struct native_api *api = native_of(x);
    const struct credential *k = &info->key;
    const struct api_module *purpose = find_purpose(api, k->purpose);
    json_open_object(o);
    json_put_int(o, "id", k->id);
    json_put_string(o, "for", k->purpose);
    json_put_string(o, "login", info->login);
    if (purpose && purpose->key_roles)
        json_put_string(o, "role", slice_of(key_role_text(purpose, k->role)));
    json_put_string(o, "state", state_of_key(k, core_now_ms(api->core)));
    json_put_known_text(o, "access_key_id", info->access_key);
    json_put_known_text(o, "client_id", info->client_id);
    json_put_known_text(o, "fingerprint", k->public_key);
    json_put_known_text(o, "workspace", info->workspace);
    json_put_known_text(o, "bucket", info->section);
    json_put_known_text(o, "created_by", info->creator);
    json_put_string(o, "created_at", time_format_utc(a, k->created_at_ms));
    if (k->used_at_ms)
        json_put_string(o, "last_used_at", time_format_utc(a, k->used_at_ms));
    if (k->expires_at_ms)
        json_put_string(o, "expires_at", time_format_utc(a, k->expires_at_ms));
    json_close_object(o);
}

static err_t native_list_keys(struct http_exchange *x)
{
    struct id_page page;
    struct key_info_list keys;
    struct json_reply reply;
    struct query q;
    TRY(native_check_admin(x));
    TRY(query_parse(x->req.query, &x->arena, &q));
    TRY(native_read_page(&q, &x->arena, NATIVE_PAGE_MAX, &page));
    slice state = native_query_value(&q, S("state"));
    bool with_revoked = slice_eq(state, S("all"));
    if (state.n && !with_revoked && !slice_eq(state, S("active")))
        return native_refuse(&x->arena, NATIVE_BAD_KEY_STATE);
    TRY(key_list_of(native_of(x)->core, &(struct account_keys){ native_caller(x)->account_id, with_revoked },
                    &(struct id_page){ page.after_id, page.limit + 1 }, &x->arena, &keys));
    http_reply_header(x, "Cache-Control", S("no-store"));
    short_list_begin(&reply, x, "keys");
    for (size_t i = 0; i < keys.count && i < page.limit; i++)
        put_key(&reply.out, x, &keys.items[i], &x->arena);
    short_list_send(&reply, keys.count > page.limit ? keys.items[page.limit - 1].key.id : 0);
    return NULL;
}

/* ---- purposes ---- */

static slice form_name(enum api_key_form form)
{
    static const char *const names[] = { [API_KEYS_SECRET] = "secret",
                                         [API_KEYS_PAIR] = "pair",
                                         [API_KEYS_SIGNING] = "signing",
                                         [API_KEYS_PUBLIC] = "public",
                                         [API_KEYS_APPLICATION] = "application" };
    return slice_of(names[form]);
}

static void put_purpose(struct json_out *o, const struct api_module *purpose)
{
    json_open_object(o);
    json_put_string(o, "for", slice_of(purpose->name));
    json_put_string(o, "form", form_name(purpose->key_form));
    json_put_bool(o, "workspace", purpose->key_has_workspace);
    json_name(o, "roles");
    json_open_array(o);
    for (const struct api_key_role *r = purpose->key_roles; r && r->name; r++)
        json_add_string(o, slice_of(r->name));
    json_close_array(o);
    json_close_object(o);
}

static err_t native_list_key_purposes(struct http_exchange *x)
{
    const struct native_api *api = native_of(x);
    const struct api_module *purpose;
    struct json_reply reply;
    TRY(native_check_admin(x));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_name(&reply.out, "purposes");
    json_open_array(&reply.out);
    for (size_t i = 0; api->key_purpose && (purpose = api->key_purpose(i)); i++)
        put_purpose(&reply.out, purpose);
    json_close_array(&reply.out);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- add, revoke ---- */

static err_t read_place(const struct json *body, const struct api_module *purpose, struct arena *a,
                        struct key_request *ret)
{
    slice expires;
    if (!native_text(body, "workspace", &ret->workspace) || !native_text(body, "bucket", &ret->section) ||
        !native_text(body, "expires_at", &expires))
        return native_refuse(a, NATIVE_BAD_KEY);
    bool has_place = ret->workspace.n && ret->section.n, has_some = ret->workspace.n || ret->section.n;
    if (purpose->key_has_workspace ? !has_place : has_some)
        return native_refuse(a, NATIVE_BAD_KEY_PLACE);
    if (expires.n && (!purpose->key_has_workspace || !time_parse_offset(expires, &ret->expires_at_ms)))
        return native_refuse(a, NATIVE_BAD_EXPIRY);
    return NULL;
}

static err_t read_callbacks(const struct json *body, const struct api_module *purpose, struct arena *a,
                            struct callback_list *ret)
{
    const struct json *list = json_get(body, "callbacks");
    if (json_absent(list))
        return NULL;
    if (list->type != JS_ARRAY || purpose->key_form != API_KEYS_APPLICATION)
        return native_refuse(a, NATIVE_BAD_CALLBACKS);
    slice *items = arena_array(a, slice, APPLICATION_CALLBACKS_MAX + 1);
    ret->items = items;
    JSON_EACH(item, list) {
        if (item->type != JS_STRING)
            return native_refuse(a, NATIVE_BAD_CALLBACKS);
        if (ret->count <= APPLICATION_CALLBACKS_MAX) /* one too many is refused with a number */
            items[ret->count++] = item->string;
    }
    return NULL;
}

static err_t read_new_key(struct http_exchange *x, struct new_key_request *ret)
{
    struct arena *a = &x->arena;
    const struct json *body;
    slice purpose, role;
    TRY(json_parse(a, x->req.body, &body));
    if (body->type != JS_OBJECT || !native_text(body, "login", &ret->key.login) ||
        !native_text(body, "for", &purpose) || !native_text(body, "role", &role) ||
        !native_text(body, "public_key", &ret->public_key) || !ret->key.login.n || !purpose.n)
        return native_refuse(a, NATIVE_BAD_KEY);
    ret->api = find_purpose(native_of(x), purpose);
    if (!ret->api)
        return native_refuse(a, NATIVE_BAD_KEY_PURPOSE);
    ret->key.purpose = slice_of(ret->api->name);
    ret->key.account_id = native_caller(x)->account_id;
    if (!key_role_parse(ret->api, role.n ? arena_cstr(a, role) : NULL, &ret->key.role))
        return native_refuse(a, NATIVE_BAD_KEY_ROLE);
    if ((ret->public_key.n > 0) != (ret->api->key_form == API_KEYS_PUBLIC))
        return native_refuse(a, NATIVE_BAD_PUBLIC_KEY);
    TRY(read_place(body, ret->api, a, &ret->key));
    return read_callbacks(body, ret->api, a, &ret->callbacks);
}

static void reply_new_key(struct http_exchange *x, const struct new_key_request *request, const struct new_key *key)
{
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_int(&reply.out, "id", key->id);
    json_put_string(&reply.out, "for", request->key.purpose);
    json_put_string(&reply.out, "login", request->key.login);
    json_name(&reply.out, "parts");
    json_open_object(&reply.out);
    for (size_t i = 0; i < API_KEY_NAMES && request->api->key_names[i]; i++)
        json_put_string(&reply.out, request->api->key_names[i], key->parts[i]);
    json_close_object(&reply.out);
    json_close_object(&reply.out);
    json_reply_send(&reply, 201, JSON_REPLY_TYPE);
}

static err_t native_add_key(struct http_exchange *x)
{
    struct new_key_request request = { 0 };
    struct new_key key = { 0 };
    TRY(native_check_admin(x));
    TRY(read_new_key(x, &request));
    err_t e = new_key_make(native_of(x)->core, native_caller(x), &request, &x->arena, &key);
    if (err_reason(e) == REASON_SYNC_NO_WORKSPACE || err_reason(e) == REASON_SYNC_NO_SECTION)
        return native_refuse(&x->arena, NATIVE_NO_WORKSPACE);
    if (err_is(e, ERR_NOT_FOUND))
        return native_refuse(&x->arena, NATIVE_NO_ACCOUNT_USER);
    if (err_is(e, ERR_QUOTA)) /* about that user, and not about who asks */
        return err_because(&x->arena, e, ERR_CONFLICT, "%s", e->msg);
    TRY(e);
    reply_new_key(x, &request, &key);
    return NULL;
}

static err_t native_revoke_key(struct http_exchange *x)
{
    TRY(native_check_admin(x));
    err_t e = key_revoke_of(native_of(x)->core, native_caller(x), native_path_id(x), &x->arena);
    if (err_is(e, ERR_NOT_FOUND))
        return native_refuse(&x->arena, NATIVE_NO_KEY);
    TRY(e);
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/account/keys", native_list_keys, HTTP_NO_BODY, 0, "GET /v1/native/account/keys" },
    { "POST", "/v1/native/account/keys", native_add_key, 0, NATIVE_SMALL_BODY_MAX, "POST /v1/native/account/keys" },
    { "DELETE", "/v1/native/account/keys/{id}", native_revoke_key, HTTP_NO_BODY, 0,
      "DELETE /v1/native/account/keys/{id}" },
    { "GET", "/v1/native/account/key-purposes", native_list_key_purposes, HTTP_NO_BODY, 0,
      "GET /v1/native/account/key-purposes" },
};
const struct native_routes native_key_routes = NATIVE_ROUTES(routes);
