/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of this API share. */
#ifndef CAIS_API_NATIVE_ROUTES_PRIV_H
#define CAIS_API_NATIVE_ROUTES_PRIV_H

#include "api/native/native.h"
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
/* How many items a page of a list may have. Refuses with NATIVE_BAD_LIMIT. */
MUST_USE err_t native_read_limit(const struct query *, struct arena *a, size_t *ret);

/* GET /v1/native/objects, and …/{bucket}/{key} with its /info: docs/native.md. */
err_t list_native_objects(struct http_exchange *);
err_t download_native_object(struct http_exchange *);
err_t show_native_object(struct http_exchange *);

/* GET /v1/native/me: docs/native.md. */
err_t show_caller(struct http_exchange *);

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

#endif
