/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the Redu API that folders and files need. The contract: docs/apis/redu.md. */
#ifndef CAIS_API_REDU_REDU_H
#define CAIS_API_REDU_REDU_H

#include "api/kit/error_table.h"
#include "api/kit/links.h"
#include "base/config_list.h"
#include "base/log.h"
#include "core/access/access.h"
#include "core/bucket/bucket.h"
#include "sign/sigv4.h"

#define REDU_PURPOSE S("redu") /* of credentials; also the origin of files */
#define REDU_FILE_MAX ((int64_t)104857600)

struct redu_options {
#define CONFIG_LIST "api/redu/options.def"
#include "base/config_members.def"
    int zone_minutes; /* what module.c makes of time_zone */
};

struct redu {
    struct core *core;
    struct redu_options options;
    const struct link_base *links;
    struct log *log;    /* for errors of the server itself; may be NULL */
    struct arena arena; /* for what lives as long as this struct */
    struct bucket bucket;
    struct sigv4_signer signer;       /* with the key pair of the server */
    struct sigv4_key_cache key_cache; /* of signer */
    struct http_route *routes;        /* those of routes.c, and OPTIONS for each path */
    size_t route_count;
};

/* Creates the bucket and the signing key when they do not exist. core, links, log and what the options point to are
 * borrowed; the options themselves are copied. Errors: INVALID the name of the bucket or region; CONFLICT the bucket belongs to an
 * account; those of the stores. */
MUST_USE err_t redu_open(struct redu *, struct core *, const struct redu_options *, const struct link_base *,
                         struct log *, struct arena *a);
void redu_close(struct redu *); /* a zeroed struct is fine */
/* The API in the form that the HTTP engine takes. `r` is its context and must outlive the result. */
struct http_api redu_api(struct redu *r);

/* The rows of errors.def, as reasons of errors. */
enum redu_error {
    REDU_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) REDU_##name,
#include "api/redu/errors.def"
};
extern const struct error_table redu_errors;

#endif
