/* SPDX-License-Identifier: Apache-2.0 */
/* The Runrun.it API, version 1.0, as far as files need it. What is spoken: README.md beside this file, and
 * docs/apis/runrun.md. The form that a ticket is answered with is posted to the S3 API; they meet in core. */
#ifndef CAIS_API_RUNRUN_RUNRUN_H
#define CAIS_API_RUNRUN_RUNRUN_H

#include "api/links.h"
#include "base/log.h"
#include "core/access/access.h"
#include "core/access/rate_limit.h"
#include "core/bucket/bucket.h"
#include "core/records/bucket.h"
#include "sign/sigv4.h"

#define RUNRUN_PURPOSE S("runrun") /* of credentials; also the way of files */

struct runrun_options {
    slice bucket, region;
    slice storage_url; /* where forms and links point, without a path; empty: the origin of the request */
    uint64_t max_document_bytes;
    int64_t form_lifetime_ms, pending_ms;       /* of a form; of a ticket that nobody confirms */
    int64_t link_lifetime_ms, change_window_ms; /* of downloads; for deleting documents, editing comments */
    int64_t rate_limit;                         /* requests with one App-Key in a minute; 0: none */
    int zone_minutes;                           /* of dates in answers, east of UTC */
    bool legacy_fields;                         /* forms also carry the fields of the older signature */
    bool strict_boards;                         /* a board that is not in `boards` is an error */
    bool refuse_documents;                      /* no new tickets */
    slice boards;                               /* text of the boards file (docs/apis/runrun.md §6.10); empty: none */
};

struct runrun_boards;

struct runrun {
    struct core *core;
    struct runrun_options options;
    const struct link_base *links;
    struct log *log; /* failures of the server's own making; may be NULL */
    struct rate_limit rate;
    struct arena arena; /* what lives as long as this */
    struct bucket bucket;
    struct sigv4_signer signer; /* the server's own */
    const struct runrun_boards *boards;
    unsigned char claim_key[SHA256_SIZE]; /* of links to our own routes */
    /* The signing key of a day, kept so that a ticket costs one HMAC and not five. */
    pthread_mutex_t day_mutex;
    char day[9];
    struct sigv4_key day_key;
};

/* Makes the bucket and the key that signs when they are not there. core, links and log are borrowed, options are
 * copied, but not what they point to.
 * Errors: INVALID the boards file, the name of the bucket or region; CONFLICT the bucket is an account's; those of the
 * stores. */
MUST_USE err_t runrun_open(struct runrun *, struct core *, const struct runrun_options *, const struct link_base *,
                           struct log *, struct arena *a);
void runrun_close(struct runrun *); /* a zeroed one is fine */
/* What the engine needs; r is its context and must outlive it. */
struct http_api runrun_api(struct runrun *r);

/* "-03:00": minutes east of UTC. False unless it is an offset from -14:00 to +14:00. */
bool runrun_zone(slice text, int *ret_minutes);

/* Fields that forms for the bucket may bring although no condition covers them and that mean nothing: clients send the
 * answer's fields of both generations, and metadata of their own (docs/apis/runrun.md §7). */
#define RUNRUN_IGNORED_FIELD_COUNT 7
extern const slice runrun_ignored_fields[RUNRUN_IGNORED_FIELD_COUNT];

#endif
