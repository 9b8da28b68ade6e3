/* SPDX-License-Identifier: Apache-2.0 */
/* The Pyrus API, version 4. What is spoken: README.md beside this file, and docs/apis/pyrus.md. */
#ifndef CAIS_API_PYRUS_PYRUS_H
#define CAIS_API_PYRUS_PYRUS_H

#include "api/links.h"
#include "base/log.h"
#include "core/access/access.h"
#include "core/access/rate_limit.h"

struct pyrus_options {
    uint64_t max_file_size_bytes;
    int64_t purge_after_ms; /* uploads that no task refers to */
    struct token_policy tokens;
    int64_t rate_limit, rate_window_ms; /* limit 0: none */
    bool md5_upper_case;
    bool login_by_get; /* security keys in URLs */
};

struct pyrus {
    struct core *core;
    struct pyrus_options options;
    const struct link_base *links;
    struct log *log; /* failures of the server's own making; may be NULL */
    struct rate_limit rate;
};

/* core, links and log are borrowed. */
void pyrus_init(struct pyrus *, struct core *, const struct pyrus_options *, const struct link_base *, struct log *);
void pyrus_release(struct pyrus *);
/* What the engine needs; p is its context and must outlive it. */
struct http_api pyrus_api(struct pyrus *p);

#endif
