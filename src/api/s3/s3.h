/* SPDX-License-Identifier: Apache-2.0 */
/* The S3 protocol: what every signed link and form of the other ways in points at. Which rules are kept: README.md
 * beside this file, and docs/apis/s3.md. Spec: Amazon S3 API reference. */
#ifndef CAIS_API_S3_S3_H
#define CAIS_API_S3_S3_H

#include "api/links.h"
#include "base/log.h"
#include "core/access/access.h"

#include <pthread.h>

struct s3_options {
    slice region;               /* told by GetBucketLocation; links of our own name it */
    bool only_region;           /* a signature must name it; else any region is taken */
    uint64_t max_object_bytes;  /* of one PUT, form or part */
    uint64_t max_upload_bytes;  /* of an upload in parts, complete */
    uint64_t min_part_bytes;    /* of all parts but the last */
    int64_t upload_lifetime_ms; /* uploads in parts that nobody completes */
    const slice *hosts;         /* names below which a name is a bucket ("s3.example.org": bucket.s3.example.org) */
    size_t host_count;
    const slice *origins; /* web pages that may use buckets without a CORS configuration of their own */
    size_t origin_count;
    /* Forms for these buckets may bring fields that no condition covers and that mean nothing: names without case. */
    const struct s3_lenient_bucket {
        slice bucket;
        const slice *fields;
        size_t field_count;
    } * lenient;
    size_t lenient_count;
};

#define S3_CACHED_KEYS 64

struct s3 {
    struct core *core;
    struct s3_options options;
    const struct link_base *links;
    struct log *log; /* failures of the server's own making; may be NULL */
    /* Signing keys of this day: deriving one costs four HMACs. Under keys_mutex. */
    pthread_mutex_t keys_mutex;
    struct s3_cached_key {
        unsigned char of[32]; /* SHA-256 of secret, day and region */
        unsigned char key[32];
        bool is_set;
    } keys[S3_CACHED_KEYS];
};

#define S3_PURPOSE S("s3") /* of credentials */

/* core, links, log, and what options point to are borrowed. */
void s3_init(struct s3 *, struct core *, const struct s3_options *, const struct link_base *, struct log *);
void s3_release(struct s3 *);
/* What the engine needs; s is its context and must outlive it. */
struct http_api s3_api(struct s3 *s);

#endif
