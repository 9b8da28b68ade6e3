/* SPDX-License-Identifier: Apache-2.0 */
/* Files: docs/native.md. A small PUT and a cached GET stay on the loop: the PUT hands its write to the committer and replies on the loop
 * again, the GET finds its bytes in memory. */
#include "api/kit/content_reply.h"
#include "api/kit/file_object.h"
#include "api/kit/list_reply.h"
#include "api/kit/upload.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/config_key.h"
#include "base/json.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/access/drop_link.h"
#include "core/file/file.h"
#include "core/file/file_name.h"
#include "core/grant.h"
#include "core/records/file.h"
#include "core/space/folder.h"
#include "core/task/task.h"
#include "http/target.h"

#include <string.h>

enum { CONTENT_TYPE_MAX = 255, RENAME_BODY_MAX = 16 * 1024 };
#define LIST_AT_ONCE 100 /* files that are read for one piece of a list; one has up to 4 KiB */

/* ---- PUT ---- */

static err_t reply_uploaded_file(struct http_exchange *x, const struct file *f)
{
    file_object_reply_created(x, f);
    return NULL;
}

static err_t read_content_md5(struct http_exchange *x, slice *ret)
{
    slice header = http_header(&x->req, "Content-MD5");
    *ret = S("");
    if (header.p && (!base64_decode(&x->arena, header, ret) || ret->n != MD5_SIZE))
        return native_refuse(&x->arena, NATIVE_BAD_CONTENT_MD5);
    return NULL;
}

err_t native_begin_upload(struct http_exchange *x, slice name, struct intake_request *ret)
{
    struct native_api *api = native_of(x);
    const struct principal *who = native_caller(x);
    *ret = (struct intake_request){ .account_id = who->account_id,
                                    .owner_id = who->user_id,
                                    .owner_login = who->login,
                                    .origin = S(NATIVE_PURPOSE),
                                    .grant = grant_of(who),
                                    .content_type = http_header(&x->req, "Content-Type"),
                                    .request_id = x->req.id,
                                    .max_bytes = LIVE(api->options.max_file_bytes),
                                    .exact_bytes = x->req.content_length };
    return file_name_clean(name, &x->arena, &ret->name);
}

err_t native_check_type(struct http_exchange *x, const struct intake_request *request)
{
    if (request->content_type.n > CONTENT_TYPE_MAX || !slice_is_utf8(request->content_type))
        return native_refuse(&x->arena, NATIVE_BAD_CONTENT_TYPE);
    return NULL;
}

err_t native_read_upload(struct http_exchange *x, slice name, struct intake_request *ret)
{
    TRY(native_begin_upload(x, name, ret));
    TRY(read_content_md5(x, &ret->md5));
    return native_check_type(x, ret);
}

static err_t upload_file(struct http_exchange *x)
{
    struct intake_request request;
    TRY(native_read_upload(x, x->req.params[0], &request));
    return upload_body(x, native_of(x)->core, &request, reply_uploaded_file);
}

/* ---- GET ---- */

/* The {id} of the path. */
static err_t get_path_uuid(struct http_exchange *x, unsigned char ret_uuid[16])
{
    return uuid_parse(x->req.params[0], ret_uuid) ? NULL : native_refuse(&x->arena, NATIVE_NOT_FOUND);
}

static err_t download_file(struct http_exchange *x)
{
    struct content_reply *g = arena_new(&x->arena, struct content_reply);
    unsigned char uuid[16];
    struct file f;
    struct arena *a = &x->arena;
    TRY(get_path_uuid(x, uuid));
    TRY(file_open(native_of(x)->core, native_caller(x), uuid, a, &f, &g->content));
    content_reply_attach(x, g, f.name, file_object_type(&f));
    g->http.etag = file_object_etag(&f, a);
    g->http.last_modified_ms = f.stored_at_ms;
    http_reply_content(x, &g->http);
    return NULL;
}

static err_t show_file(struct http_exchange *x)
{
    unsigned char uuid[16];
    struct file f;
    TRY(get_path_uuid(x, uuid));
    TRY(file_get(native_of(x)->core, native_caller(x), uuid, &x->arena, &f));
    struct drop_link link;
    err_t e = drop_link_of_file(native_of(x)->core, &f, &x->arena, &link);
    if (err_is(e, ERR_NOT_FOUND))
        file_object_reply(x, 200, &f);
    else if (!e)
        file_object_reply_with_link(x, &f, link.id, link.label);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* ---- list, delete ---- */

static bool parse_file_state(slice text, int *ret)
{
    for (int state = FILE_ISSUED; state <= FILE_EXPIRED; state++)
        if (slice_eq(text, file_object_state_name((enum file_state)state))) {
            *ret = state;
            return true;
        }
    return false;
}

static err_t read_number(struct http_exchange *x, const struct query *q, slice name, int64_t *ret)
{
    slice text = native_query_value(q, name);
    if (text.n && (!slice_to_i64(text, ret) || *ret < 1))
        return native_refuse(&x->arena, NATIVE_BAD_FILTER);
    return NULL;
}

/* A number is that of the folder, any other text its path. */
static err_t read_folder(struct http_exchange *x, slice text, int64_t *ret)
{
    struct folder folder;
    bool is_number = slice_to_i64(text, ret);
    if (is_number && *ret < 1)
        return native_refuse(&x->arena, NATIVE_BAD_FILTER);
    TRY(is_number ? folder_find(native_of(x)->core, native_caller(x), PLACE_SEE, *ret, &x->arena, &folder)
                  : folder_find_path(native_of(x)->core, native_caller(x), text, &x->arena, &folder));
    *ret = folder.id;
    return NULL;
}

/* The task or the folder whose files are wanted, which the caller must see. */
static err_t read_place(struct http_exchange *x, const struct query *q, struct file_list_request *request)
{
    struct core *core = native_of(x)->core;
    const struct principal *who = native_caller(x);
    struct task task;
    slice folder = native_query_value(q, S("folder"));
    err_t e = NULL;
    TRY(read_number(x, q, S("task"), &request->task_id));
    if (request->task_id && folder.n)
        return native_refuse(&x->arena, NATIVE_BAD_FILTER);
    if (request->task_id)
        e = task_get_visible(core, who, request->task_id, &x->arena, &task);
    if (folder.n)
        e = read_folder(x, folder, &request->folder_id);
    if (err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_FORBIDDEN))
        return native_refuse(&x->arena, request->task_id ? NATIVE_NO_TASK : NATIVE_NO_FOLDER);
    return e;
}

static err_t read_list_request(struct http_exchange *x, struct id_page *ret_page, struct file_list_request *ret)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice state = native_query_value(&q, S("state"));
    int wanted = -1;
    TRY(native_read_page(&q, &x->arena, SIZE_MAX, ret_page));
    if (state.n && !parse_file_state(state, &wanted))
        return native_refuse(&x->arena, NATIVE_BAD_STATE);
    *ret = (struct file_list_request){ .state = wanted, .name_contains = native_query_value(&q, S("name")) };
    TRY(native_read_owner(x, &q, &ret->owner_id));
    return read_place(x, &q, ret);
}

struct file_list_reply {
    struct list_reply list;
    struct file_list_request request; /* its texts live in the exchange's arena */
};

/* The newest first, so those after an id are older. */
static err_t find_files(const struct list_reply *list, const struct id_page *page, struct arena *a,
                        struct list_items *ret)
{
    const struct http_exchange *x = list_exchange(list);
    struct file_list_request request = CONTAINER_OF(list, const struct file_list_reply, list)->request;
    struct file_page found;
    request.before_id = page->after_id;
    request.limit = page->limit;
    TRY(file_list(native_of(x)->core, native_caller(x), &request, a, &found));
    *ret = LIST_ITEMS(found, struct file);
    return NULL;
}

static void put_found_file(const struct list_reply *list, struct json_out *o, const void *file, struct arena *a)
{
    (void)list;
    file_object_put(o, file, a);
}

static const struct list_kind files_kind = { LIST_AT_ONCE, find_files, put_found_file, NULL, NULL };

static err_t list_native_files(struct http_exchange *x)
{
    struct file_list_reply *reply = arena_new(&x->arena, struct file_list_reply);
    TRY(read_list_request(x, &reply->list.page, &reply->request));
    return list_reply_send(&reply->list, x, native_of(x)->log, &files_kind, S("{\"files\":["));
}

static err_t delete_file(struct http_exchange *x)
{
    unsigned char uuid[16];
    TRY(get_path_uuid(x, uuid));
    TRY(file_delete(native_of(x)->core, native_caller(x), uuid, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- PATCH ---- */

static err_t rename_file(struct http_exchange *x)
{
    unsigned char uuid[16];
    struct file f;
    const struct json *body;
    TRY(get_path_uuid(x, uuid));
    TRY(json_parse(&x->arena, x->req.body, &body));
    const struct json *name = json_get(body, "name");
    if (body->type != JS_OBJECT || !name || name->type != JS_STRING)
        return native_refuse(&x->arena, NATIVE_BAD_NAME);
    TRY(file_rename(native_of(x)->core, native_caller(x), uuid, name->string, &x->arena, &f));
    file_object_reply(x, 200, &f);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "PUT", "/v1/native/files/{name}", upload_file, HTTP_STREAM, 0, "PUT /v1/native/files/{name}" },
    { "GET", "/v1/native/files", list_native_files, HTTP_NO_BODY, 0, "GET /v1/native/files" },
    { "GET", "/v1/native/files/{id}", download_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "GET and HEAD /v1/native/files/{id}" },
    { "GET", "/v1/native/files/{id}/info", show_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "GET /v1/native/files/{id}/info" },
    { "PATCH", "/v1/native/files/{id}", rename_file, 0, RENAME_BODY_MAX, "PATCH /v1/native/files/{id}" },
    { "DELETE", "/v1/native/files/{id}", delete_file, HTTP_NO_BODY, 0, "DELETE /v1/native/files/{id}" },
};
const struct native_routes native_file_routes = NATIVE_ROUTES(routes);
