/* SPDX-License-Identifier: Apache-2.0 */
/* Folders, and the files in them. What a caller may not see is not there (404); what it sees and may not change is refused (403).
 *
 * Lists are sorted by name. A cursor is the name that the last page ended with, with its case folded, in hex: it means the same in a
 * URL and in JSON, and what is added or removed meanwhile shifts nothing. */
#include "api/native/folders_priv.h"

#include "api/kit/content_reply.h"
#include "api/kit/file_object.h"
#include "api/kit/list_reply.h"
#include "api/kit/record_id.h"
#include "api/kit/upload.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/case_fold.h"
#include "base/text.h"
#include "core/file/file.h"
#include "core/file/file_name.h"
#include "core/reasons.h"
#include "core/space/folder.h"
#include "core/space/folder_file.h"
#include "core/space/space.h"

#define NAMES_AT_ONCE 100 /* folders or files that are read for one piece of a list; one has up to 4 KiB */

/* ---- as JSON ---- */

static void put_folder_members(struct json_out *o, const struct folder *f, struct arena *a)
{
    json_put_int(o, "id", f->id);
    json_put_int(o, "space", f->space_id);
    if (f->parent_id)
        json_put_int(o, "parent", f->parent_id);
    json_put_string(o, "name", f->name);
    json_put_string(o, "created_at", time_format_utc(a, f->created_at_ms));
}

void put_folder(struct json_out *o, const struct folder *f, struct arena *a)
{
    json_open_object(o);
    put_folder_members(o, f, a);
    json_close_object(o);
}

void put_folder_file(struct json_out *o, const struct folder_file *f, struct arena *a)
{
    json_open_object(o);
    file_object_put_members(o, &f->file, a);
    json_put_int(o, "folder", f->folder_id);
    json_close_object(o);
}

static err_t reply_folder(struct http_exchange *x, int status, const struct folder *f)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    put_folder(&reply.out, f, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
    return NULL;
}

static err_t reply_folder_file(struct http_exchange *x, int status, const struct folder_file *f)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    put_folder_file(&reply.out, f, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- what the path names ---- */

static err_t find_visible_folder(struct http_exchange *x, int64_t id, struct folder *ret)
{
    err_t e = id ? folder_find(native_of(x)->core, native_caller(x), PLACE_SEE, id, &x->arena, ret) : NULL;
    return !id || err_reason(e) == REASON_PLACE_ROLE_TOO_LOW ? native_refuse(&x->arena, NATIVE_NO_FOLDER) : e;
}

static err_t find_path_folder(struct http_exchange *x, struct folder *ret)
{
    return find_visible_folder(x, record_id(x->req.params[0], INT64_MAX), ret);
}

err_t native_path_folder_file(struct http_exchange *x, struct folder_file *ret)
{
    unsigned char uuid[16];
    const struct folder_file_name name = { record_id(x->req.params[0], INT64_MAX), uuid };
    if (!name.folder_id || !uuid_parse(x->req.params[1], uuid))
        return native_refuse(&x->arena, NATIVE_NOT_FOUND);
    err_t e = folder_file_find_uuid(native_of(x)->core, native_caller(x), PLACE_SEE, &name, &x->arena, ret);
    return err_reason(e) == REASON_PLACE_ROLE_TOO_LOW ? native_refuse(&x->arena, NATIVE_NOT_FOUND) : e;
}

/* ---- one folder ---- */

static void put_path(struct json_out *o, const struct folder_list *path)
{
    json_name(o, "path");
    json_open_array(o);
    for (size_t i = 0; i < path->count; i++) {
        json_open_object(o);
        json_put_int(o, "id", path->items[i].id);
        json_put_string(o, "name", path->items[i].name);
        json_close_object(o);
    }
    json_close_array(o);
}

static err_t show_folder(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct folder f;
    struct space s;
    struct folder_list path;
    enum course_role role;
    TRY(find_path_folder(x, &f));
    TRY(space_find(core, native_caller(x), PLACE_SEE, f.space_id, &x->arena, &s));
    TRY(space_role(core, native_caller(x), &s, &x->arena, &role));
    TRY(folder_path(core, &f, &x->arena, &path));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    put_folder_members(&reply.out, &f, &x->arena);
    json_put_string(&reply.out, "role", native_role_name(role));
    put_path(&reply.out, &path);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* The folder that is made may be there already: then it is that one, so a client that makes a tree of folders needs not look first. */
static err_t create_or_find(struct http_exchange *x, const struct folder *parent, slice name, int *ret_status,
                            struct folder *ret)
{
    struct core *core = native_of(x)->core;
    int64_t id;
    err_t e = folder_create(core, native_caller(x), parent->id, name, &x->arena, &id);
    *ret_status = e ? 200 : 201;
    if (!e)
        return folder_find(core, native_caller(x), PLACE_SEE, id, &x->arena, ret);
    if (err_reason(e) != REASON_FOLDER_NAME_TAKEN)
        return e;
    err_t missing = folder_find_named(core, parent->id, name, &x->arena, ret);
    return err_is(missing, ERR_NOT_FOUND) ? e : missing; /* it has just gone */
}

static err_t create_folder(struct http_exchange *x)
{
    struct folder parent, f;
    const struct json *body;
    slice clean;
    int status;
    TRY(find_path_folder(x, &parent));
    TRY(json_parse(&x->arena, x->req.body, &body));
    const struct json *name = json_get(body, "name");
    if (!json_is(body, JS_OBJECT) || !name || !json_is(name, JS_STRING))
        return native_refuse(&x->arena, NATIVE_BAD_NAME);
    TRY(folder_name_clean(name->string, &x->arena, &clean));
    TRY(create_or_find(x, &parent, clean, &status, &f));
    return reply_folder(x, status, &f);
}

/* A text `name`, or the id of a folder under the name `place`, or both; what is not there is empty, and 0. */
static err_t read_change(struct http_exchange *x, const char *place, slice *ret_name, int64_t *ret_place)
{
    const struct json *body;
    TRY(json_parse(&x->arena, x->req.body, &body));
    const struct json *name = json_get(body, "name"), *id = json_get(body, place);
    if (!json_is(body, JS_OBJECT) || (!name && !id) || (name && !json_is(name, JS_STRING)) ||
        (id && (!json_is(id, JS_INT) || id->integer < 1)))
        return native_refuse(&x->arena, NATIVE_BAD_FOLDER_CHANGE);
    *ret_name = name ? name->string : S("");
    *ret_place = id ? id->integer : 0;
    if (name && !name->string.n)
        return native_refuse(&x->arena, NATIVE_BAD_NAME);
    return NULL;
}

static err_t change_folder(struct http_exchange *x)
{
    struct folder f;
    struct folder_change change = { 0 };
    TRY(find_path_folder(x, &f));
    change.id = f.id;
    TRY(read_change(x, "parent", &change.name, &change.parent_id));
    if (change.name.n)
        TRY(folder_name_clean(change.name, &x->arena, &change.name));
    TRY(folder_change(native_of(x)->core, native_caller(x), &change, &x->arena));
    TRY(find_path_folder(x, &f));
    return reply_folder(x, 200, &f);
}

static err_t delete_folder(struct http_exchange *x)
{
    struct folder f;
    TRY(find_path_folder(x, &f));
    TRY(folder_remove(native_of(x)->core, native_caller(x), f.id, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- the lists ---- */

struct name_list_reply {
    struct list_reply list;
    int64_t folder_id;
    struct buf after; /* the name of the last one that was sent, with its case folded */
};

static const struct name_list_reply *name_list_of(const struct list_reply *list)
{
    return CONTAINER_OF(list, const struct name_list_reply, list);
}

static err_t find_folders(const struct list_reply *list, const struct id_page *page, struct arena *a,
                          struct list_items *ret)
{
    const struct name_list_reply *names = name_list_of(list);
    struct folder_list found;
    TRY(folder_list_by_name(native_of(list_exchange(list))->core, names->folder_id, buf_slice(&names->after),
                            page->limit, a, &found));
    *ret = LIST_ITEMS(found, struct folder);
    return NULL;
}

static err_t find_folder_files(const struct list_reply *list, const struct id_page *page, struct arena *a,
                               struct list_items *ret)
{
    const struct name_list_reply *names = name_list_of(list);
    struct folder_file_list found;
    TRY(folder_file_list_by_name(native_of(list_exchange(list))->core, names->folder_id, buf_slice(&names->after),
                                 page->limit, a, &found));
    *ret = (struct list_items){ found.items, found.count, sizeof *found.items, 0 };
    return NULL;
}

static void put_found_folder(const struct list_reply *list, struct json_out *o, const void *folder, struct arena *a)
{
    (void)list;
    put_folder(o, folder, a);
}

static void put_found_folder_file(const struct list_reply *list, struct json_out *o, const void *file, struct arena *a)
{
    (void)list;
    put_folder_file(o, file, a);
}

static void pass_name(struct list_reply *list, slice name, struct arena *a)
{
    struct buf *after = &CONTAINER_OF(list, struct name_list_reply, list)->after;
    buf_clear(after);
    buf_add(after, case_fold(a, name));
}

static void pass_folder(struct list_reply *list, const void *folder, struct arena *a)
{
    pass_name(list, ((const struct folder *)folder)->name, a);
}

static void pass_folder_file(struct list_reply *list, const void *file, struct arena *a)
{
    pass_name(list, ((const struct folder_file *)file)->file.name, a);
}

static slice format_name_cursor(const struct list_reply *list, struct arena *a)
{
    return hex_encode(a, buf_slice(&name_list_of(list)->after));
}

static const struct list_kind folders_kind = { NAMES_AT_ONCE, find_folders, put_found_folder, pass_folder,
                                               format_name_cursor };
static const struct list_kind folder_files_kind = { NAMES_AT_ONCE, find_folder_files, put_found_folder_file,
                                                    pass_folder_file, format_name_cursor };

static void release_name(void *after)
{
    buf_release(after);
}

static err_t send_name_list(struct http_exchange *x, const struct list_kind *kind, const struct query *q, slice begin)
{
    struct name_list_reply *reply = arena_new(&x->arena, struct name_list_reply);
    struct folder f;
    slice key;
    TRY(find_path_folder(x, &f));
    TRY(native_read_limit(q, &x->arena, &reply->list.page.limit));
    if (!hex_decode(&x->arena, native_query_value(q, S("after")), &key) || !slice_is_utf8(key) ||
        slice_find_byte(key, '\0') != SLICE_NONE)
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    reply->folder_id = f.id;
    buf_init_on(&reply->after, 0, &x->arena);
    arena_defer(&x->arena, release_name, &reply->after);
    buf_add(&reply->after, key);
    return list_reply_send(&reply->list, x, native_of(x)->log, kind, begin);
}

static err_t list_folders(struct http_exchange *x)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    return send_name_list(x, &folders_kind, &q, S("{\"folders\":["));
}

/* ?name=: the one file of that name, if there is one. */
static err_t send_named_file(struct http_exchange *x, slice name)
{
    struct folder f;
    struct folder_file file;
    TRY(find_path_folder(x, &f));
    if (!slice_is_utf8(name))
        return native_refuse(&x->arena, NATIVE_BAD_NAME);
    err_t e = folder_file_find_named(native_of(x)->core, f.id, name, &x->arena, &file);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_name(&reply.out, "files");
    json_open_array(&reply.out);
    if (!e)
        put_folder_file(&reply.out, &file, &x->arena);
    json_close_array(&reply.out);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

static err_t list_folder_files(struct http_exchange *x)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice name = native_query_value(&q, S("name"));
    return name.n ? send_named_file(x, name) : send_name_list(x, &folder_files_kind, &q, S("{\"files\":["));
}

/* ---- uploading ---- */

static err_t reply_uploaded(struct http_exchange *x, const struct file *file)
{
    const struct folder_file f = { .file = *file, .folder_id = record_id(x->req.params[0], INT64_MAX) };
    slice uuid = uuid_format(&x->arena, file->uuid);
    http_reply_header(x, "ETag", file_object_etag(file, &x->arena));
    http_reply_header(
        x, "Location",
        arena_printf(&x->arena, "/v1/native/folders/%lld/files/" SLICE_FMT, (long long)f.folder_id, SLICE_ARG(uuid)));
    return reply_folder_file(x, 201, &f);
}

/* The file is one of the folder from the write on that stores it. */
static err_t upload_into_folder(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct folder_upload *into = arena_new(&x->arena, struct folder_upload);
    struct intake_request request;
    struct folder f;
    TRY(find_path_folder(x, &f));
    TRY(native_read_upload(x, x->req.params[1], &request));
    *into = (struct folder_upload){ core, native_caller(x), f.id, f.space_id };
    TRY(folder_upload_check(into, request.name, x->req.content_length, &x->arena));
    folder_upload_into(into, &request);
    return upload_body(x, core, &request, reply_uploaded);
}

static err_t put_file_into_folder(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct folder f;
    struct folder_file file;
    const struct json *body;
    unsigned char uuid[16];
    TRY(find_path_folder(x, &f));
    TRY(json_parse(&x->arena, x->req.body, &body));
    const struct json *id = json_get(body, "file");
    if (!json_is(body, JS_OBJECT) || !id || !json_is(id, JS_STRING) || !uuid_parse(id->string, uuid))
        return native_refuse(&x->arena, NATIVE_BAD_FILE);
    const struct folder_file_name name = { f.id, uuid };
    TRY(folder_file_put(core, native_caller(x), &name, &x->arena));
    TRY(folder_file_find_uuid(core, native_caller(x), PLACE_SEE, &name, &x->arena, &file));
    return reply_folder_file(x, 201, &file);
}

/* ---- one file ---- */

static err_t download_folder_file(struct http_exchange *x)
{
    struct content_reply *g = arena_new(&x->arena, struct content_reply);
    struct folder_file f;
    struct arena *a = &x->arena;
    TRY(native_path_folder_file(x, &f));
    TRY(file_open_record(native_of(x)->core, &f.file, a, &g->content));
    content_reply_attach(x, g, f.file.name, file_object_type(&f.file));
    g->http.etag = file_object_etag(&f.file, a);
    g->http.last_modified_ms = f.file.stored_at_ms;
    http_reply_content(x, &g->http);
    return NULL;
}

static err_t show_folder_file(struct http_exchange *x)
{
    struct folder_file f;
    TRY(native_path_folder_file(x, &f));
    return reply_folder_file(x, 200, &f);
}

static err_t change_folder_file(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct folder_file f;
    struct folder_file_change change = { 0 };
    TRY(native_path_folder_file(x, &f));
    change.file_id = f.file.id;
    TRY(read_change(x, "folder", &change.name, &change.folder_id));
    if (change.name.n)
        TRY(file_name_clean(change.name, &x->arena, &change.name));
    TRY(folder_file_change(core, native_caller(x), &change, &x->arena));
    TRY(folder_file_find(core, native_caller(x), PLACE_SEE, f.file.id, &x->arena, &f));
    return reply_folder_file(x, 200, &f);
}

static err_t remove_folder_file(struct http_exchange *x)
{
    struct folder_file f;
    TRY(native_path_folder_file(x, &f));
    TRY(folder_file_remove(native_of(x)->core, native_caller(x), f.file.id, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/folders/{id}", show_folder, HTTP_NO_BODY, 0, "GET /v1/native/folders/{id}" },
    { "PATCH", "/v1/native/folders/{id}", change_folder, 0, NATIVE_SMALL_BODY_MAX,
      "PATCH and DELETE /v1/native/folders/{id}" },
    { "DELETE", "/v1/native/folders/{id}", delete_folder, HTTP_NO_BODY, 0, "PATCH and DELETE /v1/native/folders/{id}" },
    { "GET", "/v1/native/folders/{id}/folders", list_folders, HTTP_NO_BODY, 0, "GET /v1/native/folders/{id}/folders" },
    { "POST", "/v1/native/folders/{id}/folders", create_folder, 0, NATIVE_SMALL_BODY_MAX,
      "POST /v1/native/folders/{id}/folders" },
    { "GET", "/v1/native/folders/{id}/files", list_folder_files, HTTP_NO_BODY, 0, "GET /v1/native/folders/{id}/files" },
    { "POST", "/v1/native/folders/{id}/files", put_file_into_folder, 0, NATIVE_SMALL_BODY_MAX,
      "POST /v1/native/folders/{id}/files" },
    { "PUT", "/v1/native/folders/{id}/files/{name}", upload_into_folder, HTTP_STREAM, 0,
      "PUT /v1/native/folders/{id}/files/{name}" },
    { "GET", "/v1/native/folders/{id}/files/{file}", download_folder_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "The files of a folder" },
    { "GET", "/v1/native/folders/{id}/files/{file}/info", show_folder_file, HTTP_NO_BODY, 0, "The files of a folder" },
    { "PATCH", "/v1/native/folders/{id}/files/{file}", change_folder_file, 0, NATIVE_SMALL_BODY_MAX,
      "The files of a folder" },
    { "DELETE", "/v1/native/folders/{id}/files/{file}", remove_folder_file, HTTP_NO_BODY, 0, "The files of a folder" },
};
const struct native_routes native_folder_routes = NATIVE_ROUTES(routes);
