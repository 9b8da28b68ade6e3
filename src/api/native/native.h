/* SPDX-License-Identifier: Apache-2.0 */
/* Our own small API under /v1/native: what `cais put get ls` and scripts speak. The contract: docs/native.md. */
#ifndef CAIS_API_NATIVE_NATIVE_H
#define CAIS_API_NATIVE_NATIVE_H

#include "api/vendor_error.h"
#include "base/log.h"
#include "core/core.h"
#include "http/http.h"

#define NATIVE_PURPOSE "native" /* of the keys that open this way in; also the `way` of its files */

struct native_options {
    uint64_t max_file_bytes; /* 0: no limit */
};

struct native_api {
    struct core *core;
    struct native_options options;
    struct log *log; /* for failures that are ours; may be NULL; set after native_init */
    struct http_api http_api;
};
/* core is borrowed; api must stay where it is while http_api is served. */
void native_init(struct native_api *api, struct core *core, const struct native_options *options);

extern const struct vendor_error native_errors[ERR_CODE_COUNT]; /* a test fails while any row is empty */

#endif
