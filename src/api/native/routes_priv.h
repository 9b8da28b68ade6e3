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
/* The file that the body of a PUT is to be, under that name. Refuses a name that cannot be used. */
MUST_USE err_t native_begin_upload(struct http_exchange *, slice name, struct intake_request *ret);
/* Refuses a Content-Type that cannot be used. */
MUST_USE err_t native_check_type(struct http_exchange *, const struct intake_request *);
/* Both, and the Content-MD5, which is refused when it cannot be used. */
MUST_USE err_t native_read_upload(struct http_exchange *, slice name, struct intake_request *ret);

/* What whoever has a link may know: the one route for callers without an account, as native_guard knows. */
err_t show_own_link(struct http_exchange *);

/* The file that the path of a folder names, if the caller may see it. Refuses with NATIVE_NOT_FOUND. */
struct folder_file;
MUST_USE err_t native_path_folder_file(struct http_exchange *, struct folder_file *ret);

/* The job in the path, if the caller may see it. Refuses with NATIVE_NO_JOB. */
struct job;
MUST_USE err_t native_path_job(struct http_exchange *, struct job *ret);

/* ---- administration: docs/native.md, "Administration" ---- */

enum { NATIVE_PAGE_MAX = 200 }; /* a page of these lists is one piece */

/* For administrators of the account, and the operator. Errors: NATIVE_NOT_ADMIN. */
MUST_USE err_t native_check_admin(struct http_exchange *);
/* The {id} of the path; 0 when it is none. */
int64_t native_path_id(const struct http_exchange *);
/* A text member of an object, which may be absent; false: it is there and no text. */
bool native_text(const struct json *body, const char *name, slice *ret);

/* ---- routes: each file with handlers has a table, and routes.c a list of them ---- */

struct native_routes {
    const struct http_route *items;
    size_t count;
};
#define NATIVE_ROUTES(table)                                                                                           \
    {                                                                                                                  \
        (table), LENGTH_OF(table)                                                                                      \
    }

extern const struct native_routes native_file_routes, native_file_link_routes, native_object_routes, native_me_routes,
    native_link_routes, native_job_routes, native_import_routes, native_dataset_routes, native_dataset_query_routes,
    native_dataset_file_routes, native_space_routes, native_folder_routes, native_account_routes, native_member_routes,
    native_key_routes;

#define NATIVE_SMALL_BODY_MAX ((size_t)32 * 1024)
#define NATIVE_DATA_BODY_MAX ((size_t)256 * 1024) /* a thousand columns, or a sample */
#define NATIVE_DATA_MEMORY ((size_t)32 << 20)     /* the tree of a query, or a list of errors */

#endif
