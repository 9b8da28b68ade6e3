/* SPDX-License-Identifier: Apache-2.0 */
/* Links by which people without an account upload: those who have an account make, list and revoke them; whoever has one asks what it
 * takes. The uploads themselves are resumable ones. */
#include "core/access/drop_link.h"

#include "api/kit/file_object.h"
#include "api/kit/list_reply.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/config_key.h"
#include "base/text.h"

#define LINK_BODY_MAX (16 * 1024)
#define LINKS_AT_ONCE 100 /* links or files of a page, whatever the client asks for: a page is one piece */

static int64_t now_of(const struct http_exchange *x)
{
    return core_now_ms(native_of(x)->core);
}

static slice state_of(const struct drop_link *l, int64_t now_ms)
{
    if (l->revoked_at_ms)
        return S("revoked");
    if (l->expires_at_ms <= now_ms)
        return S("expired");
    return l->files >= l->max_files || l->bytes >= l->max_bytes ? S("full") : S("open");
}

/* secret: of a link that was just made; else empty. */
static void put_link(struct json_out *o, const struct drop_link *l, slice secret, int64_t now_ms, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", l->id);
    json_put_string(o, "label", l->label);
    json_put_string(o, "owner", l->login);
    json_put_string(o, "state", state_of(l, now_ms));
    json_put_int(o, "max_files", l->max_files);
    json_put_int(o, "max_bytes", l->max_bytes);
    json_put_int(o, "max_file_bytes", l->max_file_bytes);
    json_put_int(o, "files", l->files);
    json_put_int(o, "bytes", l->bytes);
    json_put_string(o, "created_at", time_format_utc(a, l->created_at_ms));
    json_put_string(o, "expires_at", time_format_utc(a, l->expires_at_ms));
    if (l->revoked_at_ms)
        json_put_string(o, "revoked_at", time_format_utc(a, l->revoked_at_ms));
    if (secret.n)
        json_put_string(o, "secret", secret);
    json_close_object(o);
}

static err_t reply_link(struct http_exchange *x, int status, const struct drop_link *l, slice secret)
{
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    put_link(&reply.out, l, secret, now_of(x), &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
    return NULL;
}

static err_t no_link(struct http_exchange *x, err_t e)
{
    return err_is(e, ERR_NOT_FOUND) ? native_refuse(&x->arena, NATIVE_NO_LINK) : e;
}

static err_t read_link_id(struct http_exchange *x, int64_t *ret)
{
    return slice_to_i64(x->req.params[0], ret) && *ret > 0 ? NULL : native_refuse(&x->arena, NATIVE_NO_LINK);
}

/* ---- making ---- */

static bool read_number(const struct json *body, const char *name, int64_t *ret)
{
    const struct json *j = json_get(body, name);
    if (!json_is(j, JS_INT))
        return false;
    *ret = j->integer;
    return true;
}

static err_t read_link_request(struct http_exchange *x, struct drop_link_request *ret)
{
    const struct json *body;
    int64_t seconds;
    TRY(json_parse(&x->arena, x->req.body, &body));
    const struct json *label = json_get(body, "label");
    *ret = (struct drop_link_request){ .label = json_str(body, "label") };
    if (!json_is(label, JS_STRING) || !read_number(body, "lifetime_seconds", &seconds) ||
        !read_number(body, "max_files", &ret->max_files) || !read_number(body, "max_bytes", &ret->max_bytes))
        return native_refuse(&x->arena, NATIVE_BAD_LINK);
    if (!json_absent(json_get(body, "max_file_bytes")) && !read_number(body, "max_file_bytes", &ret->max_file_bytes))
        return native_refuse(&x->arena, NATIVE_BAD_LINK);
    if (__builtin_mul_overflow(seconds, (int64_t)SECOND, &ret->lifetime_ms))
        ret->lifetime_ms = -1; /* which core refuses, like any that is too long */
    return NULL;
}

static err_t create_link(struct http_exchange *x)
{
    struct drop_link_request request;
    struct drop_link link;
    slice secret;
    TRY(read_link_request(x, &request));
    TRY(drop_link_create(native_of(x)->core, native_caller(x), &request, &x->arena, &link, &secret));
    return reply_link(x, 201, &link, secret);
}

/* ---- lists ---- */

static err_t read_listing(struct http_exchange *x, struct drop_link_listing *ret)
{
    struct query q;
    struct id_page page;
    TRY(query_parse(x->req.query, &x->arena, &q));
    TRY(native_read_page(&q, &x->arena, LINKS_AT_ONCE, &page));
    *ret = (struct drop_link_listing){ .before_id = page.after_id, .limit = page.limit };
    return NULL;
}

static err_t list_links(struct http_exchange *x)
{
    struct drop_link_listing listing;
    struct drop_link_list links;
    struct json_reply reply;
    TRY(read_listing(x, &listing));
    size_t limit = listing.limit++;
    TRY(drop_link_list(native_of(x)->core, native_caller(x), &listing, &x->arena, &links));
    http_reply_header(x, "Cache-Control", S("no-store"));
    short_list_begin(&reply, x, "links");
    for (size_t i = 0; i < links.count && i < limit; i++)
        put_link(&reply.out, &links.items[i], S(""), now_of(x), &x->arena);
    short_list_send(&reply, links.count > limit ? links.items[limit - 1].id : 0);
    return NULL;
}

static err_t list_link_files(struct http_exchange *x)
{
    struct drop_link_listing listing;
    struct file_list files;
    struct json_reply reply;
    int64_t id;
    TRY(read_link_id(x, &id));
    TRY(read_listing(x, &listing));
    size_t limit = listing.limit++;
    TRY(no_link(x, drop_link_files(native_of(x)->core, native_caller(x), id, &listing, &x->arena, &files)));
    short_list_begin(&reply, x, "files");
    for (size_t i = 0; i < files.count && i < limit; i++)
        file_object_put(&reply.out, &files.items[i], &x->arena);
    short_list_send(&reply, files.count > limit ? files.items[limit - 1].id : 0);
    return NULL;
}

/* ---- one ---- */

static err_t show_link(struct http_exchange *x)
{
    struct drop_link link;
    int64_t id;
    TRY(read_link_id(x, &id));
    TRY(no_link(x, drop_link_get(native_of(x)->core, native_caller(x), id, &x->arena, &link)));
    return reply_link(x, 200, &link, S(""));
}

static err_t revoke_link(struct http_exchange *x)
{
    int64_t id;
    TRY(read_link_id(x, &id));
    TRY(no_link(x, drop_link_revoke(native_of(x)->core, native_caller(x), id, &x->arena)));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* What whoever has the link may know. */
err_t show_own_link(struct http_exchange *x)
{
    struct drop_link l;
    struct json_reply reply;
    TRY(no_link(x, drop_link_own(native_of(x)->core, native_caller(x), &x->arena, &l)));
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "label", l.label);
    json_put_int(&reply.out, "max_file_bytes", l.max_file_bytes);
    json_put_int(&reply.out, "files_left", l.max_files - l.files);
    json_put_int(&reply.out, "bytes_left", l.max_bytes - l.bytes);
    json_put_string(&reply.out, "expires_at", time_format_utc(&x->arena, l.expires_at_ms));
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "POST", "/v1/native/links", create_link, 0, LINK_BODY_MAX, "POST /v1/native/links" },
    { "GET", "/v1/native/links", list_links, HTTP_NO_BODY, 0, "GET /v1/native/links" },
    { "GET", "/v1/native/links/{id}", show_link, HTTP_NO_BODY, 0, "GET /v1/native/links/{id}" },
    { "DELETE", "/v1/native/links/{id}", revoke_link, HTTP_NO_BODY, 0, "DELETE /v1/native/links/{id}" },
    { "GET", "/v1/native/links/{id}/files", list_link_files, HTTP_NO_BODY, 0, "GET /v1/native/links/{id}/files" },
    { "GET", "/v1/native/link", show_own_link, HTTP_NO_BODY, 0, "GET /v1/native/link" },
};
const struct native_routes native_link_routes = NATIVE_ROUTES(routes);
