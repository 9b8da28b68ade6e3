/* SPDX-License-Identifier: Apache-2.0 */
/* The S3 API. Signed links and forms that other APIs issue are requests of this API, too. The rules that it keeps:
 * README.md beside this file, and docs/apis/s3.md. Source: Amazon S3 API reference. */
#ifndef CAIS_API_S3_S3_H
#define CAIS_API_S3_S3_H

#include "api/kit/module.h"
#include "core/access/access.h"

#include <pthread.h>

struct s3_options {
#define CONFIG_LIST "api/s3/options.def"
#include "base/config_members.def"
    const slice *hosts; /* with "s3.example.org", a request to bucket.s3.example.org names its bucket */
    size_t host_count;
    const struct form_exemption *form_exemptions;
    size_t form_exemption_count;
};

/* Names of hosts, as in the options. */
struct s3_hosts {
    const slice *names;
    size_t count;
};

struct cors_cache;

#define S3_CACHED_KEYS 64

struct s3 {
    struct core *core;
    struct s3_options options;
    const struct s3_hosts *hosts; /* since a reload; NULL: those of the options. Atomic */
    const struct link_base *links;
    struct log *log;         /* for failures of the server itself; may be NULL */
    struct cors_cache *cors; /* of cors_rules.c */
    /* The cache of signing_keys.c. Under keys_mutex. */
    pthread_mutex_t keys_mutex;
    struct s3_cached_key {
        unsigned char of[32]; /* SHA-256 of access key, secret, day and region */
        unsigned char key[32];
        bool is_set;
    } keys[S3_CACHED_KEYS];
};

#define S3_PURPOSE S("s3") /* the purpose of the credentials that sign requests of this API */

/* core, links, log, and everything that options point to are borrowed. */
void s3_init(struct s3 *, struct core *, const struct s3_options *, const struct link_base *, struct log *);
void s3_release(struct s3 *);
/* The API in the form that the HTTP engine takes. `s` is its context and must outlive the result. */
struct http_api s3_api(struct s3 *s);

#endif
