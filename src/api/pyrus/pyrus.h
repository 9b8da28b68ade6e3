/* SPDX-License-Identifier: Apache-2.0 */
/* The Pyrus API, version 4. The contract: docs/apis/pyrus.md. */
#ifndef CAIS_API_PYRUS_PYRUS_H
#define CAIS_API_PYRUS_PYRUS_H

#include "api/links.h"
#include "base/log.h"
#include "core/access/access.h"
#include "core/access/rate_limit.h"

struct pyrus_options {
    uint64_t max_file_size_bytes;
    int64_t purge_after_ms; /* when an upload that no task refers to is purged */
    struct token_policy tokens;
    int64_t rate_limit, rate_window_ms; /* requests of a user in a window; limit 0: no limit */
    bool md5_upper_case;
    bool login_by_get; /* whether GET /v4/auth is served, with security keys in URLs */
};

struct pyrus {
    struct core *core;
    struct pyrus_options options;
    const struct link_base *links;
    struct log *log; /* for errors of the server itself; may be NULL */
    struct rate_limit rate;
};

/* core, links and log are borrowed; options are copied. */
void pyrus_init(struct pyrus *, struct core *, const struct pyrus_options *, const struct link_base *, struct log *);
void pyrus_release(struct pyrus *);
/* The API in the form that the HTTP engine takes. `p` is its context and must outlive the result. */
struct http_api pyrus_api(struct pyrus *p);

#endif
