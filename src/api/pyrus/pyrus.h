/* SPDX-License-Identifier: Apache-2.0 */
/* The Pyrus API, version 4. The contract: docs/apis/pyrus.md. */
#ifndef CAIS_API_PYRUS_PYRUS_H
#define CAIS_API_PYRUS_PYRUS_H

#include "api/kit/links.h"
#include "base/config_list.h"
#include "base/log.h"
#include "core/access/access.h"
#include "core/access/rate_limit.h"

struct pyrus_options {
#define CONFIG_LIST "api/pyrus/options.def"
#include "base/config_members.def"
};

struct pyrus {
    struct core *core;
    struct pyrus_options options;
    struct token_policy tokens; /* as the options say */
    const struct link_base *links;
    struct log *log; /* for errors of the server itself; may be NULL */
    struct rate_limit rate;
};

/* core, links and log are borrowed; options are copied. */
void pyrus_init(struct pyrus *, struct core *, const struct pyrus_options *, const struct link_base *, struct log *);
/* The options of the API that has this context have changed. */
void pyrus_reload(const struct http_api *);
void pyrus_release(struct pyrus *);
/* The API in the form that the HTTP engine takes. `p` is its context and must outlive the result. */
struct http_api pyrus_api(struct pyrus *p);

#endif
