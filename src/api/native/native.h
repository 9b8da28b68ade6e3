/* SPDX-License-Identifier: Apache-2.0 */
/* The API of cais itself, under /v1/native. `cais put`, `cais get`, `cais ls` and scripts use it. The contract:
 * docs/native.md. */
#ifndef CAIS_API_NATIVE_NATIVE_H
#define CAIS_API_NATIVE_NATIVE_H

#include "api/kit/links.h"
#include "api/kit/module.h"
#include "base/config_list.h"
#include "base/log.h"
#include "base/seal.h"
#include "core/access/rate_limit.h"
#include "core/core.h"
#include "core/records/bucket.h"
#include "http/http.h"
#include "sign/sigv4.h"

#include <pthread.h>

#define NATIVE_PURPOSE "native" /* the purpose of its keys; also the origin of its files */

struct native_options {
#define CONFIG_LIST "api/native/options.def"
#include "base/config_members.def"
};

/* Event streams that are open, of all accounts. */
struct job_events;
struct job_event_streams {
    pthread_mutex_t mutex;
    struct job_events *first; /* under mutex */
};

/* Downloads of queries that are being sent, of all accounts. */
struct download;
struct query_downloads {
    pthread_mutex_t mutex;
    struct download *first; /* under mutex */
};

/* What links to single files of the object store are made with (file_links.c). */
struct native_file_links {
    const struct link_base *base; /* NULL: none are made */
    struct bucket bucket;
    struct sigv4_signer signer; /* with the key pair of the server */
    struct sigv4_key_cache key_cache;
};

enum { NATIVE_ROUTES_MAX = 100 };

struct native_api {
    struct core *core;
    struct native_options options;
    struct log *log; /* for errors of the server itself; may be NULL; set after native_init */
    const struct api_module *(*key_purpose)(size_t n); /* as in struct api_params; set after native_init */
    struct health_watch *health;                       /* NULL: health is checked by the thread of the request */
    struct job_event_streams streams;
    struct query_downloads downloads;
    struct rate_limit queries;
    unsigned char token_key[SEAL_KEY_SIZE]; /* signs the cursors of queries */
    struct native_file_links file_links;
    struct http_route routes[NATIVE_ROUTES_MAX]; /* of all modules */
    size_t route_count;
    struct http_api http_api;
};
/* core is borrowed; options are copied. `api` must not move while http_api is served. */
void native_init(struct native_api *api, struct core *core, const struct native_options *options);
/* From now on links to files are made, where there is a host for them. Creates the bucket and the signing key when they do not exist; the texts
 * are in `a`, which outlives `api`. links is borrowed. Errors: as link_bucket_open. */
MUST_USE err_t native_make_file_links(struct native_api *api, const struct link_base *links, struct arena *a);
/* The options have changed. */
void native_reload(const struct http_api *);
void native_release(struct native_api *api); /* no request is served any more */

#endif
