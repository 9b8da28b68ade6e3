/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the Runrun.it API, version 1.0, that files need. The contract: docs/apis/runrun.md. A ticket is answered
 * with a form that the client posts to the S3 API; both APIs use the tickets of core. */
#ifndef CAIS_API_RUNRUN_RUNRUN_H
#define CAIS_API_RUNRUN_RUNRUN_H

#include "api/kit/links.h"
#include "base/config_list.h"
#include "base/log.h"
#include "core/access/access.h"
#include "core/access/rate_limit.h"
#include "core/bucket/bucket.h"
#include "core/records/bucket.h"
#include "sign/sigv4.h"

#define RUNRUN_PURPOSE S("runrun") /* of credentials; also the origin of files */

struct runrun_options {
#define CONFIG_LIST "api/runrun/options.def"
#include "base/config_members.def"
    /* What module.c makes of time_zone and boards_file: */
    int zone_minutes; /* offset of the dates in replies, in minutes east of UTC */
    slice boards;     /* text of the boards file (docs/apis/runrun.md §6.10); empty: none */
};

struct runrun_boards;

struct runrun {
    struct core *core;
    struct runrun_options options;
    const struct link_base *links;
    struct log *log; /* for errors of the server itself; may be NULL */
    struct rate_limit rate;
    struct arena arena; /* for what lives as long as this struct */
    struct bucket bucket;
    struct sigv4_signer signer; /* with the key pair of the server */
    const struct runrun_boards *boards;
    unsigned char link_key[SHA256_SIZE]; /* of the temporary keys in links to public routes */
    struct sigv4_key_cache key_cache;    /* of signer */
};

/* Creates the bucket and the signing key when they do not exist. core, links, log and what the options point to are
 * borrowed; the options themselves are copied. Errors: INVALID the boards file, or the name of the bucket or region;
 * CONFLICT the bucket belongs to an account; those of the stores. */
MUST_USE err_t runrun_open(struct runrun *, struct core *, const struct runrun_options *, const struct link_base *,
                           struct log *, struct arena *a);
/* The options of the API that has this context have changed. */
void runrun_reload(const struct http_api *);
void runrun_close(struct runrun *); /* a zeroed struct is fine */
/* The API in the form that the HTTP engine takes. `r` is its context and must outlive the result. */
struct http_api runrun_api(struct runrun *r);

/* Fields that a form for the bucket may have although no condition of its policy covers them. They are ignored. Clients
 * send the fields of both generations that the reply with a ticket had, and metadata of their own
 * (docs/apis/runrun.md §7). */
#define RUNRUN_IGNORED_FIELD_COUNT 7
extern const slice runrun_ignored_fields[RUNRUN_IGNORED_FIELD_COUNT];

#endif
