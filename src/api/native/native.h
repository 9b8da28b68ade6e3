/* SPDX-License-Identifier: Apache-2.0 */
/* The API of cais itself, under /v1/native. `cais put`, `cais get`, `cais ls` and scripts use it. The contract:
 * docs/native.md. */
#ifndef CAIS_API_NATIVE_NATIVE_H
#define CAIS_API_NATIVE_NATIVE_H

#include "api/kit/module.h"
#include "base/config_list.h"
#include "base/log.h"
#include "base/seal.h"
#include "core/access/rate_limit.h"
#include "core/core.h"
#include "http/http.h"

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
    struct http_api http_api;
};
/* core is borrowed; options are copied. `api` must not move while http_api is served. */
void native_init(struct native_api *api, struct core *core, const struct native_options *options);
/* The options have changed. */
void native_reload(const struct http_api *);
void native_release(struct native_api *api); /* no request is served any more */

#endif
