/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of this API share. */
#ifndef CAIS_API_NATIVE_ROUTES_PRIV_H
#define CAIS_API_NATIVE_ROUTES_PRIV_H

#include "api/native/native.h"
#include "base/json.h"
#include "core/records/record_ids.h"
#include "http/target.h"

#include <assert.h>

static inline struct native_api *native_of(const struct http_exchange *x)
{
    return x->api->context;
}

static inline const struct principal *native_caller(const struct http_exchange *x)
{
    assert(x->principal);
    return x->principal;
}

/* The value of a parameter; empty: there is none. */
slice native_query_value(const struct query *, slice name);
/* The user that the parameter `owner` names by login; 0: it names none. Refuses with NATIVE_NO_OWNER when there is none whose files the
 * caller may see. */
MUST_USE err_t native_read_owner(struct http_exchange *, const struct query *, int64_t *ret);
/* How many items a page of a list may have. Refuses with NATIVE_BAD_LIMIT. */
MUST_USE err_t native_read_limit(const struct query *, struct arena *a, size_t *ret);
/* The `limit`, lowered to max, and `after` of a list by id. Refuses with NATIVE_BAD_LIMIT, NATIVE_BAD_AFTER. */
MUST_USE err_t native_read_page(const struct query *, struct arena *a, size_t max, struct id_page *ret);
/* The same, of a request that has nothing else in its query. Errors: also those of query_parse. */
struct list_reply;
MUST_USE err_t native_read_list(struct http_exchange *, struct list_reply *ret);

struct intake_request;
/* The file that the body of a PUT is to be, under that name. Refuses a name, a Content-MD5 and a Content-Type that cannot be used. */
MUST_USE err_t native_read_upload(struct http_exchange *, slice name, struct intake_request *ret);

/* /v1/native/spaces, with members and searching: docs/native.md. */
err_t list_spaces(struct http_exchange *);
err_t create_space(struct http_exchange *);
err_t show_space(struct http_exchange *);
err_t change_space(struct http_exchange *);
err_t delete_space(struct http_exchange *);
err_t list_members(struct http_exchange *);
err_t set_member(struct http_exchange *);
err_t remove_member(struct http_exchange *);
err_t search_space(struct http_exchange *);
/* /v1/native/folders, with the files in them: docs/native.md. */
err_t show_folder(struct http_exchange *);
err_t change_folder(struct http_exchange *);
err_t delete_folder(struct http_exchange *);
err_t list_folders(struct http_exchange *);
err_t create_folder(struct http_exchange *);
err_t list_folder_files(struct http_exchange *);
err_t put_file_into_folder(struct http_exchange *);
err_t upload_into_folder(struct http_exchange *);
err_t download_folder_file(struct http_exchange *);
err_t show_folder_file(struct http_exchange *);
err_t change_folder_file(struct http_exchange *);
err_t remove_folder_file(struct http_exchange *);
/* The file that the path names, if the caller may see it. Refuses with NATIVE_NOT_FOUND. */
struct folder_file;
MUST_USE err_t native_path_folder_file(struct http_exchange *, struct folder_file *ret);

/* POST /v1/native/files/{id}/link, and the same of a file in a folder: docs/native.md. */
err_t link_to_file(struct http_exchange *);
err_t link_to_folder_file(struct http_exchange *);

/* GET /v1/native/objects, and …/{bucket}/{key} with its /info: docs/native.md. */
err_t list_native_objects(struct http_exchange *);
err_t delete_native_object(struct http_exchange *);
err_t download_native_object(struct http_exchange *);
err_t show_native_object(struct http_exchange *);

/* GET /v1/native/me: docs/native.md. */
err_t show_caller(struct http_exchange *);
/* /v1/native/links and /v1/native/link: docs/native.md. */
#define NATIVE_LINK_BODY_MAX (16 * 1024)
err_t create_link(struct http_exchange *);
err_t list_links(struct http_exchange *);
err_t show_link(struct http_exchange *);
err_t revoke_link(struct http_exchange *);
err_t list_link_files(struct http_exchange *);
err_t show_own_link(struct http_exchange *);

/* The job in the path, if the caller may see it. Refuses with NATIVE_NO_JOB. */
struct job;
MUST_USE err_t native_path_job(struct http_exchange *, struct job *ret);

/* GET /v1/native/jobs; POST /v1/native/jobs/{id}/cancel and …/retry: docs/native.md. */
err_t list_jobs(struct http_exchange *);
err_t cancel_job(struct http_exchange *);
err_t retry_job(struct http_exchange *);
/* GET /v1/native/jobs/{id} and GET /v1/native/jobs/{id}/events: docs/native.md. */
err_t show_job(struct http_exchange *);
err_t send_job_events(struct http_exchange *);

/* Datasets, their files, and queries of them: docs/native.md. */
err_t list_native_datasets(struct http_exchange *);
err_t create_native_dataset(struct http_exchange *);
err_t show_native_dataset(struct http_exchange *);
err_t change_native_dataset(struct http_exchange *);
err_t delete_native_dataset(struct http_exchange *);
err_t infer_native_columns(struct http_exchange *);
err_t send_dataset_file(struct http_exchange *);
err_t list_dataset_files(struct http_exchange *);
err_t show_dataset_file(struct http_exchange *);
err_t show_dataset_file_errors(struct http_exchange *);
err_t delete_dataset_file(struct http_exchange *);
err_t process_dataset_files(struct http_exchange *);
err_t query_native_dataset(struct http_exchange *);
/* ---- administration: docs/native.md, "Administration" ---- */

enum { NATIVE_PAGE_MAX = 200 }; /* a page of these lists is one piece */

/* For administrators of the account, and the operator. Errors: NATIVE_NOT_ADMIN. */
MUST_USE err_t native_check_admin(struct http_exchange *);
/* The {id} of the path; 0 when it is none. */
int64_t native_path_id(const struct http_exchange *);
/* A text member of an object, which may be absent; false: it is there and no text. */
bool native_text(const struct json *body, const char *name, slice *ret);

/* GET /v1/native/accounts, and …/account with its /figures, /health, /events. */
err_t native_list_accounts(struct http_exchange *);
err_t native_show_account(struct http_exchange *);
err_t native_list_figures(struct http_exchange *);
err_t native_show_health(struct http_exchange *);
err_t native_search_events(struct http_exchange *);
/* …/account/users */
err_t native_list_users(struct http_exchange *);
err_t native_add_user(struct http_exchange *);
err_t native_change_user(struct http_exchange *);
err_t native_remove_user(struct http_exchange *);
err_t native_set_user_password(struct http_exchange *);
err_t native_offer_user_link(struct http_exchange *);
/* PUT /v1/native/password */
err_t native_set_own_password(struct http_exchange *);
/* …/account/keys, …/account/key-purposes */
err_t native_list_keys(struct http_exchange *);
err_t native_add_key(struct http_exchange *);
err_t native_revoke_key(struct http_exchange *);
err_t native_list_key_purposes(struct http_exchange *);

/* Imports of sync files, and what a job imports: docs/native.md. */
err_t list_native_imports(struct http_exchange *);
err_t show_native_import(struct http_exchange *);
err_t show_native_import_errors(struct http_exchange *);
err_t repeat_native_import(struct http_exchange *);
err_t show_job_import(struct http_exchange *);

#endif
