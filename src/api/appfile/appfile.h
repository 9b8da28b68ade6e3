/* SPDX-License-Identifier: Apache-2.0 */
/* The Appfile API: signed URLs for sync files, and what became of them. The contract: docs/apis/appfile.md. The bytes come through
 * the S3 API; both use the sync files of core. */
#ifndef CAIS_API_APPFILE_APPFILE_H
#define CAIS_API_APPFILE_APPFILE_H

#include "api/kit/error_table.h"
#include "api/kit/links.h"
#include "base/config_list.h"
#include "base/log.h"
#include "core/access/access.h"
#include "core/access/rate_limit.h"
#include "core/bucket/bucket.h"
#include "core/job.h"
#include "core/records/sync_file.h"
#include "sign/sigv4.h"

#include <pthread.h>

#define APPFILE_PURPOSE S("appfile") /* of credentials; also the origin of files */

struct appfile_options {
#define CONFIG_LIST "api/appfile/options.def"
#include "base/config_members.def"
};

/* Requests that wait for the end of an import: wait.c. */
struct import_wait;
struct import_waits {
    pthread_mutex_t mutex;
    struct import_wait *first; /* under mutex */
    struct job_listener listener;
};

struct appfile {
    struct core *core;
    struct appfile_options options;
    const struct link_base *links;
    struct log *log; /* for errors of the server itself; may be NULL */
    struct rate_limit rate, month;
    struct arena arena; /* for what lives as long as this struct */
    struct bucket bucket;
    struct sigv4_signer signer;       /* with the key pair of the server */
    struct sigv4_key_cache key_cache; /* of signer */
    struct http_route *routes;
    size_t route_count;
    struct import_waits waits;
};

/* The struct must not move from then on. Creates the bucket and the signing key when they do not exist. core, links, log and what the options point to are borrowed; the
 * options themselves are copied. Errors: INVALID an option; CONFLICT the bucket belongs to an account; those of the stores. */
MUST_USE err_t appfile_open(struct appfile *, struct core *, const struct appfile_options *, const struct link_base *,
                            struct log *, struct arena *a);
/* The options of the API that has this context have changed. */
void appfile_reload(const struct http_api *);
void appfile_close(struct appfile *); /* a zeroed struct is fine */
/* The object File (docs/apis/appfile.md 7) as JSON, in `a`: the text is the same for the same revision of a file whose import has
 * ended. `appfile` is a struct appfile. Errors: those of the store and of arena_check. Thread: any that may block. */
MUST_USE err_t appfile_file_text(void *appfile, const struct sync_file *, struct arena *a, slice *ret);
/* The API in the form that the HTTP engine takes. Its context is the struct, which must outlive the result. */
struct http_api appfile_api(struct appfile *);

/* The rows of errors.def, as reasons of errors. */
enum appfile_error {
    APPFILE_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) APPFILE_##name,
#include "api/appfile/errors.def"
};
extern const struct error_table appfile_errors;

#endif
