/* SPDX-License-Identifier: Apache-2.0 */
/* Folders, and the files in them. What a caller may not see is not there (404); what it sees and may not change is refused (403).
 *
 * Lists are sorted by name. A cursor is the name that the last page ended with, with its case folded, in hex: it means the same in a
 * URL and in JSON, and what is added or removed meanwhile shifts nothing. */
#include "api/native/folders_priv.h"

#include "api/kit/content_reply.h"
#include "api/kit/file_object.h"
#include "api/kit/json_pieces.h"
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

static err_t find_path_file(struct http_exchange *x, struct folder_file *ret)
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

err_t show_folder(struct http_exchange *x)
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

err_t create_folder(struct http_exchange *x)
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

err_t change_folder(struct http_exchange *x)
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

err_t delete_folder(struct http_exchange *x)
{
    struct folder f;
    TRY(find_path_folder(x, &f));
    TRY(folder_remove(native_of(x)->core, native_caller(x), f.id, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- the lists ---- */

/* A page that is sent in pieces, as that of files (routes.c). */
struct name_list_reply {
    struct json_pieces pieces;
    bool files;
    int64_t folder_id;
    slice after_key; /* in the arena of the exchange */
    size_t left;
};

/* The next folders, or files, of a list: one of the two. */
struct name_page {
    struct folder_list folders;
    struct folder_file_list files;
    size_t count;
};

static err_t read_name_page(const struct name_list_reply *reply, size_t limit, struct arena *a, struct name_page *ret)
{
    struct core *core = native_of(reply->pieces.pieces.x)->core;
    TRY(reply->files ? folder_file_list_by_name(core, reply->folder_id, reply->after_key, limit, a, &ret->files)
                     : folder_list_by_name(core, reply->folder_id, reply->after_key, limit, a, &ret->folders));
    ret->count = reply->files ? ret->files.count : ret->folders.count;
    return NULL;
}

static err_t write_name_list(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct name_list_reply *reply = CONTAINER_OF(pieces, struct name_list_reply, pieces);
    struct arena *kept = &pieces->pieces.x->arena;
    struct name_page page = { .count = 0 };
    bool whole = true;
    size_t at_once = reply->left < NAMES_AT_ONCE ? reply->left : NAMES_AT_ONCE, i = 0;
    slice last = reply->after_key;
    TRY(read_name_page(reply, at_once + 1, a, &page));
    for (; i < page.count && i < at_once && !piece_is_full(out); i++) {
        struct json_out *o = &json_item_begin(pieces, a)->out;
        if (reply->files)
            put_folder_file(o, &page.files.items[i], a);
        else
            put_folder(o, &page.folders.items[i], a);
        TRY(json_item_end(pieces, out, &whole));
        if (!whole)
            break;
        last = case_fold(a, reply->files ? page.files.items[i].file.name : page.folders.items[i].name);
        reply->left--;
    }
    reply->after_key = arena_copy(kept, last);
    bool more = i < page.count;
    *ret_end = whole && (!more || !reply->left);
    if (*ret_end) {
        buf_add(out, S("]"));
        if (more)
            buf_add(out, arena_printf(a, ",\"next\":\"" SLICE_FMT "\"", SLICE_ARG(hex_encode(a, last))));
        buf_add(out, S("}"));
    }
    return NULL;
}

static err_t send_name_list(struct http_exchange *x, bool files, const struct query *q)
{
    struct name_list_reply *reply = arena_new(&x->arena, struct name_list_reply);
    struct folder f;
    slice after = native_query_value(q, S("after"));
    TRY(find_path_folder(x, &f));
    TRY(native_read_limit(q, &x->arena, &reply->left));
    if (!hex_decode(&x->arena, after, &reply->after_key) || !slice_is_utf8(reply->after_key) ||
        slice_find_byte(reply->after_key, '\0') != SLICE_NONE)
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    reply->files = files;
    reply->folder_id = f.id;
    json_pieces_init(&reply->pieces, x, native_of(x)->log, write_name_list);
    buf_add(&reply->pieces.pieces.first, files ? S("{\"files\":[") : S("{\"folders\":["));
    return piece_reply_send(&reply->pieces.pieces, 200, JSON_REPLY_TYPE);
}

err_t list_folders(struct http_exchange *x)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    return send_name_list(x, false, &q);
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

err_t list_folder_files(struct http_exchange *x)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice name = native_query_value(&q, S("name"));
    return name.n ? send_named_file(x, name) : send_name_list(x, true, &q);
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
err_t upload_into_folder(struct http_exchange *x)
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

err_t put_file_into_folder(struct http_exchange *x)
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

err_t download_folder_file(struct http_exchange *x)
{
    struct content_reply *g = arena_new(&x->arena, struct content_reply);
    struct folder_file f;
    struct arena *a = &x->arena;
    TRY(find_path_file(x, &f));
    TRY(file_open_record(native_of(x)->core, &f.file, a, &g->content));
    content_reply_attach(x, g, f.file.name, file_object_type(&f.file));
    g->http.etag = file_object_etag(&f.file, a);
    g->http.last_modified_ms = f.file.stored_at_ms;
    http_reply_content(x, &g->http);
    return NULL;
}

err_t show_folder_file(struct http_exchange *x)
{
    struct folder_file f;
    TRY(find_path_file(x, &f));
    return reply_folder_file(x, 200, &f);
}

err_t change_folder_file(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct folder_file f;
    struct folder_file_change change = { 0 };
    TRY(find_path_file(x, &f));
    change.file_id = f.file.id;
    TRY(read_change(x, "folder", &change.name, &change.folder_id));
    if (change.name.n)
        TRY(file_name_clean(change.name, &x->arena, &change.name));
    TRY(folder_file_change(core, native_caller(x), &change, &x->arena));
    TRY(folder_file_find(core, native_caller(x), PLACE_SEE, f.file.id, &x->arena, &f));
    return reply_folder_file(x, 200, &f);
}

err_t remove_folder_file(struct http_exchange *x)
{
    struct folder_file f;
    TRY(find_path_file(x, &f));
    TRY(folder_file_remove(native_of(x)->core, native_caller(x), f.file.id, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}
