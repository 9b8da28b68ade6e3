/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in several requests, under /v1/native/uploads, by two protocols that lead to the same uploads: tus 1.0 and the IETF's
 * resumable uploads. The contract: docs/apis/resumable.md. */
#ifndef CAIS_API_RESUMABLE_RESUMABLE_H
#define CAIS_API_RESUMABLE_RESUMABLE_H

#include "base/config_list.h"
#include "base/log.h"
#include "core/core.h"
#include "http/http.h"

struct resumable_options {
#define CONFIG_LIST "api/resumable/options.def"
#include "base/config_members.def"
};

struct resumable {
    struct core *core;
    struct resumable_options options;
    struct log *log; /* for errors of the server itself; may be NULL */
};
/* The API of it; *r is borrowed and must not move. */
struct http_api resumable_api(struct resumable *r);

#endif
