/* SPDX-License-Identifier: Apache-2.0 */
/* A small PUT and a cached GET stay on the loop: the PUT hands its write to the committer and replies on the loop
 * again, the GET finds its bytes in memory. */
#include "api/kit/caller.h"
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

enum {
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 1000 /* as errors.def says */,
    CONTENT_TYPE_MAX = 255,
    RENAME_BODY_MAX = 16 * 1024,
    SMALL_BODY_MAX = 32 * 1024
};
#define LIST_AT_ONCE 100 /* files that are read for one piece of a list; one has up to 4 KiB */

slice native_query_value(const struct query *q, slice name)
{
    slice value = S("");
    query_get(q, name, 0, &value);
    return value;
}

err_t native_read_limit(const struct query *q, struct arena *a, size_t *ret)
{
    slice text = native_query_value(q, S("limit"));
    uint64_t limit = LIMIT_DEFAULT;
    if (text.n && (!slice_to_u64(text, &limit) || limit < 1 || limit > LIMIT_MAX))
        return native_refuse(a, NATIVE_BAD_LIMIT);
    *ret = (size_t)limit;
    return NULL;
}

err_t native_read_page(const struct query *q, struct arena *a, size_t max, struct id_page *ret)
{
    slice after = native_query_value(q, S("after"));
    struct id_page page = { 0 };
    TRY(native_read_limit(q, a, &page.limit));
    if (page.limit > max)
        page.limit = max;
    if (after.n && (!slice_to_i64(after, &page.after_id) || page.after_id < 1))
        return native_refuse(a, NATIVE_BAD_AFTER);
    *ret = page;
    return NULL;
}

err_t native_read_list(struct http_exchange *x, struct list_reply *ret)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    return native_read_page(&q, &x->arena, SIZE_MAX, &ret->page);
}

static const struct caller_rules caller_rules = {
    .purpose = NATIVE_PURPOSE,
    .errors = &native_errors,
    .no_token = NATIVE_NO_TOKEN,
    .no_csrf_token = NATIVE_NO_CSRF_TOKEN,
};

static err_t native_guard(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    if (x->route && x->route->handle == show_own_link)
        return caller_admit_link(x, core, &caller_rules);
    return caller_admit(x, core, &caller_rules, x->req.method);
}

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

err_t native_read_upload(struct http_exchange *x, slice name, struct intake_request *ret)
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
    TRY(file_name_clean(name, &x->arena, &ret->name));
    TRY(read_content_md5(x, &ret->md5));
    if (ret->content_type.n > CONTENT_TYPE_MAX || !slice_is_utf8(ret->content_type))
        return native_refuse(&x->arena, NATIVE_BAD_CONTENT_TYPE);
    return NULL;
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

err_t native_read_owner(struct http_exchange *x, const struct query *q, int64_t *ret)
{
    const struct principal *who = native_caller(x);
    slice login = native_query_value(q, S("owner"));
    struct user owner = { 0 };
    err_t e = login.n ? user_by_login(native_of(x)->core, login, &x->arena, &owner) : NULL;
    if (err_is(e, ERR_NOT_FOUND) ||
        (!e && login.n && (owner.account_id != who->account_id || (!who->is_admin && owner.id != who->user_id))))
        return native_refuse(&x->arena, NATIVE_NO_OWNER);
    TRY(e);
    *ret = owner.id;
    return NULL;
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

#define DATASET_BODY ((size_t)256 * 1024) /* a thousand columns, or a sample */
#define DATASET_MEMORY ((size_t)32 << 20) /* the tree of a query, or a list of errors */

static const struct http_route native_routes[] = {
    { "PUT", "/v1/native/files/{name}", upload_file, HTTP_STREAM, 0, "PUT /v1/native/files/{name}" },
    { "GET", "/v1/native/files", list_native_files, HTTP_NO_BODY, 0, "GET /v1/native/files" },
    { "GET", "/v1/native/files/{id}", download_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "GET and HEAD /v1/native/files/{id}" },
    { "GET", "/v1/native/files/{id}/info", show_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "GET /v1/native/files/{id}/info" },
    { "POST", "/v1/native/files/{id}/link", link_to_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "POST /v1/native/files/{id}/link" },
    { "PATCH", "/v1/native/files/{id}", rename_file, 0, RENAME_BODY_MAX, "PATCH /v1/native/files/{id}" },
    { "DELETE", "/v1/native/files/{id}", delete_file, HTTP_NO_BODY, 0, "DELETE /v1/native/files/{id}" },
    { "GET", "/v1/native/objects", list_native_objects, HTTP_NO_BODY, 0, "GET /v1/native/objects" },
    { "GET", "/v1/native/objects/{bucket}/{key}", download_native_object, HTTP_NO_BODY, 0,
      "GET and HEAD /v1/native/objects/{bucket}/{key}" },
    { "DELETE", "/v1/native/objects/{bucket}/{key}", delete_native_object, HTTP_NO_BODY, 0,
      "DELETE /v1/native/objects/{bucket}/{key}" },
    { "GET", "/v1/native/objects/{bucket}/{key}/info", show_native_object, HTTP_NO_BODY, 0,
      "GET /v1/native/objects/{bucket}/{key}/info" },
    { "GET", "/v1/native/me", show_caller, HTTP_NO_BODY, 0, "GET /v1/native/me" },
    { "POST", "/v1/native/links", create_link, 0, NATIVE_LINK_BODY_MAX, "POST /v1/native/links" },
    { "GET", "/v1/native/links", list_links, HTTP_NO_BODY, 0, "GET /v1/native/links" },
    { "GET", "/v1/native/links/{id}", show_link, HTTP_NO_BODY, 0, "GET /v1/native/links/{id}" },
    { "DELETE", "/v1/native/links/{id}", revoke_link, HTTP_NO_BODY, 0, "DELETE /v1/native/links/{id}" },
    { "GET", "/v1/native/links/{id}/files", list_link_files, HTTP_NO_BODY, 0, "GET /v1/native/links/{id}/files" },
    { "GET", "/v1/native/link", show_own_link, HTTP_NO_BODY, 0, "GET /v1/native/link" },
    { "GET", "/v1/native/jobs", list_jobs, HTTP_NO_BODY, 0, "GET /v1/native/jobs" },
    { "POST", "/v1/native/jobs/{id}/cancel", cancel_job, HTTP_NO_BODY, 0, "POST /v1/native/jobs/{id}/cancel" },
    { "POST", "/v1/native/jobs/{id}/retry", retry_job, HTTP_NO_BODY, 0, "POST /v1/native/jobs/{id}/retry" },
    { "GET", "/v1/native/jobs/{id}", show_job, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "GET /v1/native/jobs/{id}" },
    { "GET", "/v1/native/jobs/{id}/events", send_job_events, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "GET /v1/native/jobs/{id}/events" },
    { "GET", "/v1/native/jobs/{id}/import", show_job_import, HTTP_NO_BODY, 0, "GET /v1/native/jobs/{id}/import",
      DATASET_MEMORY },
    { "GET", "/v1/native/imports", list_native_imports, HTTP_NO_BODY, 0, "GET /v1/native/imports" },
    { "GET", "/v1/native/imports/{id}", show_native_import, HTTP_NO_BODY, 0, "GET /v1/native/imports/{id}",
      DATASET_MEMORY },
    { "GET", "/v1/native/imports/{id}/errors", show_native_import_errors, HTTP_NO_BODY, 0,
      "GET /v1/native/imports/{id}/errors", DATASET_MEMORY },
    { "POST", "/v1/native/imports/{id}/retry", repeat_native_import, HTTP_NO_BODY, 0,
      "POST /v1/native/imports/{id}/retry" },
    { "GET", "/v1/native/datasets", list_native_datasets, HTTP_NO_BODY, 0, "GET /v1/native/datasets" },
    { "POST", "/v1/native/datasets", create_native_dataset, 0, DATASET_BODY, "POST /v1/native/datasets" },
    { "GET", "/v1/native/datasets/{slug}", show_native_dataset, HTTP_NO_BODY, 0, "GET /v1/native/datasets/{slug}" },
    { "PATCH", "/v1/native/datasets/{slug}", change_native_dataset, 0, DATASET_BODY,
      "PATCH /v1/native/datasets/{slug}" },
    { "DELETE", "/v1/native/datasets/{slug}", delete_native_dataset, HTTP_NO_BODY, 0,
      "DELETE /v1/native/datasets/{slug}" },
    { "POST", "/v1/native/columns", infer_native_columns, HTTP_LONG, DATASET_BODY, "POST /v1/native/columns" },
    { "POST", "/v1/native/datasets/{slug}/query", query_native_dataset, HTTP_LONG, DATASET_BODY,
      "POST /v1/native/datasets/{slug}/query", DATASET_MEMORY },
    { "POST", "/v1/native/datasets/{slug}/process", process_dataset_files, HTTP_NO_BODY, 0,
      "POST /v1/native/datasets/{slug}/process" },
    { "GET", "/v1/native/datasets/{slug}/files", list_dataset_files, HTTP_NO_BODY | HTTP_LONG, 0,
      "GET /v1/native/datasets/{slug}/files" },
    { "PUT", "/v1/native/datasets/{slug}/files/{name}", send_dataset_file, HTTP_STREAM, 0,
      "PUT /v1/native/datasets/{slug}/files/{name}" },
    { "GET", "/v1/native/datasets/{slug}/files/{id}", show_dataset_file, HTTP_NO_BODY, 0,
      "GET /v1/native/datasets/{slug}/files/{id}" },
    { "GET", "/v1/native/datasets/{slug}/files/{id}/errors", show_dataset_file_errors, HTTP_NO_BODY, 0,
      "GET /v1/native/datasets/{slug}/files/{id}/errors" },
    { "DELETE", "/v1/native/datasets/{slug}/files/{id}", delete_dataset_file, HTTP_NO_BODY, 0,
      "DELETE /v1/native/datasets/{slug}/files/{id}" },
    { "GET", "/v1/native/spaces", list_spaces, HTTP_NO_BODY, 0, "GET /v1/native/spaces" },
    { "POST", "/v1/native/spaces", create_space, 0, SMALL_BODY_MAX, "POST /v1/native/spaces" },
    { "GET", "/v1/native/spaces/{id}", show_space, HTTP_NO_BODY, 0, "GET /v1/native/spaces/{id}" },
    { "PATCH", "/v1/native/spaces/{id}", change_space, 0, SMALL_BODY_MAX, "PATCH and DELETE /v1/native/spaces/{id}" },
    { "DELETE", "/v1/native/spaces/{id}", delete_space, HTTP_NO_BODY, 0, "PATCH and DELETE /v1/native/spaces/{id}" },
    { "GET", "/v1/native/spaces/{id}/members", list_members, HTTP_NO_BODY, 0, "GET /v1/native/spaces/{id}/members" },
    { "PUT", "/v1/native/spaces/{id}/members/{login}", set_member, 0, SMALL_BODY_MAX,
      "PUT and DELETE /v1/native/spaces/{id}/members/{login}" },
    { "DELETE", "/v1/native/spaces/{id}/members/{login}", remove_member, HTTP_NO_BODY, 0,
      "PUT and DELETE /v1/native/spaces/{id}/members/{login}" },
    { "GET", "/v1/native/spaces/{id}/search", search_space, HTTP_NO_BODY, 0, "GET /v1/native/spaces/{id}/search" },
    { "GET", "/v1/native/folders/{id}", show_folder, HTTP_NO_BODY, 0, "GET /v1/native/folders/{id}" },
    { "PATCH", "/v1/native/folders/{id}", change_folder, 0, SMALL_BODY_MAX,
      "PATCH and DELETE /v1/native/folders/{id}" },
    { "DELETE", "/v1/native/folders/{id}", delete_folder, HTTP_NO_BODY, 0, "PATCH and DELETE /v1/native/folders/{id}" },
    { "GET", "/v1/native/folders/{id}/folders", list_folders, HTTP_NO_BODY, 0, "GET /v1/native/folders/{id}/folders" },
    { "POST", "/v1/native/folders/{id}/folders", create_folder, 0, SMALL_BODY_MAX,
      "POST /v1/native/folders/{id}/folders" },
    { "GET", "/v1/native/folders/{id}/files", list_folder_files, HTTP_NO_BODY, 0, "GET /v1/native/folders/{id}/files" },
    { "POST", "/v1/native/folders/{id}/files", put_file_into_folder, 0, SMALL_BODY_MAX,
      "POST /v1/native/folders/{id}/files" },
    { "PUT", "/v1/native/folders/{id}/files/{name}", upload_into_folder, HTTP_STREAM, 0,
      "PUT /v1/native/folders/{id}/files/{name}" },
    { "GET", "/v1/native/folders/{id}/files/{file}", download_folder_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "The files of a folder" },
    { "GET", "/v1/native/folders/{id}/files/{file}/info", show_folder_file, HTTP_NO_BODY, 0, "The files of a folder" },
    { "POST", "/v1/native/folders/{id}/files/{file}/link", link_to_folder_file, HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "POST /v1/native/files/{id}/link" },
    { "PATCH", "/v1/native/folders/{id}/files/{file}", change_folder_file, 0, SMALL_BODY_MAX, "The files of a folder" },
    { "DELETE", "/v1/native/folders/{id}/files/{file}", remove_folder_file, HTTP_NO_BODY, 0, "The files of a folder" },
    { "GET", "/v1/native/accounts", native_list_accounts, HTTP_NO_BODY, 0, "GET /v1/native/accounts" },
    { "GET", "/v1/native/account", native_show_account, HTTP_NO_BODY, 0, "GET /v1/native/account" },
    { "GET", "/v1/native/account/figures", native_list_figures, HTTP_NO_BODY, 0, "GET /v1/native/account/figures" },
    { "GET", "/v1/native/account/health", native_show_health, HTTP_NO_BODY | HTTP_ADMIN, 0,
      "GET /v1/native/account/health" },
    { "GET", "/v1/native/account/events", native_search_events, HTTP_NO_BODY | HTTP_LONG, 0,
      "GET /v1/native/account/events" },
    { "GET", "/v1/native/account/users", native_list_users, HTTP_NO_BODY, 0, "GET /v1/native/account/users" },
    { "POST", "/v1/native/account/users", native_add_user, 0, SMALL_BODY_MAX, "POST /v1/native/account/users" },
    { "PATCH", "/v1/native/account/users/{id}", native_change_user, 0, SMALL_BODY_MAX,
      "PATCH /v1/native/account/users/{id}" },
    { "DELETE", "/v1/native/account/users/{id}", native_remove_user, HTTP_NO_BODY, 0,
      "DELETE /v1/native/account/users/{id}" },
    { "PUT", "/v1/native/account/users/{id}/password", native_set_user_password, HTTP_LONG, SMALL_BODY_MAX,
      "PUT /v1/native/account/users/{id}/password" },
    { "POST", "/v1/native/account/users/{id}/link", native_offer_user_link, HTTP_NO_BODY, 0,
      "POST /v1/native/account/users/{id}/link" },
    { "PUT", "/v1/native/password", native_set_own_password, HTTP_LONG, SMALL_BODY_MAX, "PUT /v1/native/password" },
    { "GET", "/v1/native/account/keys", native_list_keys, HTTP_NO_BODY, 0, "GET /v1/native/account/keys" },
    { "POST", "/v1/native/account/keys", native_add_key, 0, SMALL_BODY_MAX, "POST /v1/native/account/keys" },
    { "DELETE", "/v1/native/account/keys/{id}", native_revoke_key, HTTP_NO_BODY, 0,
      "DELETE /v1/native/account/keys/{id}" },
    { "GET", "/v1/native/account/key-purposes", native_list_key_purposes, HTTP_NO_BODY, 0,
      "GET /v1/native/account/key-purposes" },
};

static const char *const native_prefixes[] = { "/v1/native", NULL };

/* Without a master key cursors end with the server. */
static void make_token_key(struct native_api *api)
{
    if (api->core->seal)
        seal_derive(api->core->seal, S("native query cursors"), api->token_key);
    else
        random_fill(api->core->random, api->token_key, sizeof api->token_key);
}

void native_init(struct native_api *api, struct core *core, const struct native_options *options)
{
    *api = (struct native_api){ .core = core, .options = *options };
    pthread_mutex_init(&api->streams.mutex, NULL);
    pthread_mutex_init(&api->downloads.mutex, NULL);
    sigv4_key_cache_init(&api->file_links.key_cache);
    rate_limit_init(&api->queries, core->clock, options->queries_per_minute, MINUTE);
    make_token_key(api);
    api->http_api = (struct http_api){ .name = NATIVE_PURPOSE,
                                       .routes = native_routes,
                                       .route_count = LENGTH_OF(native_routes),
                                       .prefixes = native_prefixes,
                                       .guard = native_guard,
                                       .fail = native_fail,
                                       .context = api };
}

void native_reload(const struct http_api *http_api)
{
    struct native_api *api = http_api->context;
    rate_limit_set(&api->queries, LIVE(api->options.queries_per_minute), MINUTE);
}

void native_release(struct native_api *api)
{
    assert(!api->streams.first && !api->downloads.first);
    pthread_mutex_destroy(&api->streams.mutex);
    pthread_mutex_destroy(&api->downloads.mutex);
    rate_limit_release(&api->queries);
    sigv4_key_cache_release(&api->file_links.key_cache);
}
