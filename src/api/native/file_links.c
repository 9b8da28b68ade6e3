/* SPDX-License-Identifier: Apache-2.0 */
/* Links to the bytes of one file on the host of the object store, for a page that shows what is stored without being of the same origin.
 *
 * The link is a signed GET, valid for LIFETIME_S. Whoever has it reads this file and nothing else, while the user whom it was
 * made for may see the file, and until the session or key that asked for it ends (core/space/reader_entry.h, access_act_for).
 * The reply that it leads to was decided here and is signed: a download, and of no type but that of a picture or a PDF, so opened as a
 * page it is none. */
#include "api/kit/file_object.h"
#include "api/kit/link_bucket.h"
#include "api/kit/links.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/file/file.h"
#include "core/space/folder_file.h"
#include "core/space/reader_entry.h"
#include "http/content_disposition.h"

#define BUCKET S("cais_native") /* no client of S3 can make one of that name */
enum { LIFETIME_S = 300 };

/* Types that browsers show in <img>, and that have no scripts; and what the page draws itself. Everything else it reads as a text. */
static const char *const shown_types[] = { "image/png",  "image/jpeg", "image/gif",      "image/webp",
                                           "image/avif", "image/bmp",  "application/pdf" };

static slice type_of_reply(const struct file *f)
{
    for (size_t i = 0; i < LENGTH_OF(shown_types); i++)
        if (slice_eq(f->content_type, slice_of(shown_types[i])))
            return f->content_type;
    return S("application/octet-stream");
}

err_t native_make_file_links(struct native_api *api, const struct link_base *links, struct arena *a)
{
    struct native_file_links *l = &api->file_links;
    l->signer.region = api->options.region;
    l->signer.cache = &l->key_cache;
    TRY(link_bucket_open(api->core, BUCKET, &l->signer, a, &l->bucket));
    l->base = links;
    return NULL;
}

/* The origin of the page that asks: browser_may_change has compared it with this host. Programs get a link that no page may read. */
static slice origin_of_page(const struct http_exchange *x)
{
    return http_has_header(&x->req, "Authorization") ? S("") : http_header(&x->req, "Origin");
}

static slice sign_file_link(struct http_exchange *x, const struct file *f, slice origin, slice host, int64_t now_ms)
{
    const struct native_file_links *l = &native_of(x)->file_links;
    const struct principal *who = native_caller(x);
    struct arena *a = &x->arena;
    slice key = reader_entry_key(who->user_id, f->uuid, a), page = origin_of_page(x), query;
    slice path = arena_printf(a, "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(l->bucket.name), SLICE_ARG(key));
    slice disposition = content_disposition_format(S("attachment"), f->name, a);
    const struct sign_pair params[] = {
        { S(LINK_USER_PARAM), link_user_format(who, a) },
        { S("response-cache-control"), S("private%2C%20no-store") },
        { S("response-content-disposition"), percent_encode(a, disposition, "") },
        { S("response-content-type"), percent_encode(a, type_of_reply(f), "") },
        { S(LINK_ORIGIN_PARAM), percent_encode(a, page, "") },
    };
    const struct sign_pair headers[] = { { S("host"), host } };
    const struct sign_request request = { S("GET"),          path, params, LENGTH_OF(params) - !page.n, headers,
                                          LENGTH_OF(headers) };
    enum sign_fault fault = sigv4_sign_link(&l->signer, &request, LIFETIME_S, now_ms, a, &query);
    assert(!fault);
    return arena_printf(a, SLICE_FMT SLICE_FMT "?" SLICE_FMT, SLICE_ARG(origin), SLICE_ARG(path), SLICE_ARG(query));
}

static err_t reply_link(struct http_exchange *x, const struct file *f)
{
    const struct link_base *base = native_of(x)->file_links.base;
    struct json_reply reply;
    slice origin, host;
    int64_t now_ms = core_now_ms(native_of(x)->core);
    if (x->req.local)
        return native_refuse(&x->arena, NATIVE_NO_LINK_OF_OPERATOR);
    if (!f->object_id)
        return native_refuse(&x->arena, NATIVE_NO_BYTES);
    if (!base || !link_file_origin(base, &x->req, &x->arena, &origin, &host))
        return native_refuse(&x->arena, NATIVE_NO_FILE_HOST);
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "url", sign_file_link(x, f, origin, host, now_ms));
    json_put_string(&reply.out, "expires_at", time_format_utc(&x->arena, now_ms + LIFETIME_S * 1000));
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

static err_t link_to_file(struct http_exchange *x)
{
    unsigned char uuid[16];
    struct file f;
    if (!uuid_parse(x->req.params[0], uuid))
        return native_refuse(&x->arena, NATIVE_NOT_FOUND);
    TRY(file_get(native_of(x)->core, native_caller(x), uuid, &x->arena, &f));
    return reply_link(x, &f);
}

static err_t link_to_folder_file(struct http_exchange *x)
{
    struct folder_file f;
    TRY(native_path_folder_file(x, &f));
    return reply_link(x, &f.file);
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "POST", "/v1/native/files/{id}/link", link_to_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "POST /v1/native/files/{id}/link" },
    { "POST", "/v1/native/folders/{id}/files/{file}/link", link_to_folder_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "POST /v1/native/files/{id}/link" },
};
const struct native_routes native_file_link_routes = NATIVE_ROUTES(routes);
