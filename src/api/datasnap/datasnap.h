/* SPDX-License-Identifier: Apache-2.0 */
/* The DataSnap API: schemas, upload tokens, files, and queries of their rows. The files themselves are sent to the object
 * endpoint of api/oci. The contract: docs/apis/datasnap.md. */
#ifndef CAIS_API_DATASNAP_DATASNAP_H
#define CAIS_API_DATASNAP_DATASNAP_H

#include "api/kit/error_table.h"
#include "api/kit/links.h"
#include "base/config_list.h"
#include "base/log.h"
#include "base/seal.h"
#include "core/access/access.h"
#include "core/access/rate_limit.h"

#include <stdatomic.h>

#define DATASNAP_PURPOSE S("datasnap") /* of credentials; also the origin of files */

struct datasnap_options {
#define CONFIG_LIST "api/datasnap/options.def"
#include "base/config_members.def"
};

enum datasnap_limit { DATASNAP_QUERIES, DATASNAP_LISTINGS, DATASNAP_PROCESSINGS, DATASNAP_LIMITS };

struct datasnap {
    struct core *core;
    struct datasnap_options options;
    const struct link_base *links;
    struct log *log;    /* for errors of the server itself; may be NULL */
    struct arena arena; /* for what lives as long as this struct */
    struct rate_limit limits[DATASNAP_LIMITS];
    _Atomic int form_files;                 /* that wait for the end of their form: upload.c */
    unsigned char token_key[SEAL_KEY_SIZE]; /* of page tokens */
    struct http_route *routes;              /* those of routes.c, under each of their prefixes */
    size_t route_count;
};

/* core, links, log and what the options point to are borrowed; the options themselves are copied. */
void datasnap_open(struct datasnap *, struct core *, const struct datasnap_options *, const struct link_base *,
                   struct log *);
/* The options of the API that has this context have changed. */
void datasnap_reload(const struct http_api *);
void datasnap_close(struct datasnap *); /* a zeroed struct is fine */
/* The API in the form that the HTTP engine takes. `d` is its context and must outlive the result. */
struct http_api datasnap_api(struct datasnap *d);

/* The rows of errors.def, as reasons of errors. */
enum datasnap_error {
    DATASNAP_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) DATASNAP_##name,
#include "api/datasnap/errors.def"
};
extern const struct error_table datasnap_errors;

#endif
