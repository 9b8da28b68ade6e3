/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in that a server speaks, set up as the configuration says. */
#ifndef CAIS_CLI_DIALECTS_H
#define CAIS_CLI_DIALECTS_H

#include "api/native/native.h"
#include "api/pyrus/pyrus.h"
#include "api/runrun/runrun.h"
#include "api/s3/s3.h"
#include "api/service/service.h"
#include "cli/config.h"
#include "cli/store.h"

enum { DIALECTS_MAX = 16 };

struct dialects {
    struct arena arena;
    struct native_api native;
    struct pyrus pyrus;
    struct http_dialect pyrus_dialect;
    struct runrun runrun;
    struct http_dialect runrun_dialect;
    struct s3 s3;
    struct http_dialect s3_dialect;
    struct service service, metrics;
    struct http_dialect later; /* listeners whose part is not built yet: 501 */
    const struct http_dialect *all[DIALECTS_MAX];
    size_t count;
};

/* Stores are open; makes the buckets and keys that dialects need of their own. Everything is borrowed until
 * dialects_close, which must follow, also after an error. Errors: those of the stores; INVALID a setting that cannot
 * be. */
MUST_USE err_t dialects_open(struct dialects *, struct store *, const struct config *, const struct link_base *,
                             const struct http_dialect *admin, struct log *, struct arena *a);
/* Health and metrics tell of this engine. */
void dialects_tell_of(struct dialects *, struct http_server *);
void dialects_close(struct dialects *); /* no request is under way any more; a zeroed one is fine */

#endif
