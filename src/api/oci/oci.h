/* SPDX-License-Identifier: Apache-2.0 */
/* The object endpoint of Oracle's cloud, as far as pre-authenticated writes need it: a client that has an upload URL sends
 * files to it, without a token. Another API issues the URLs (api/kit/upload_url.h). The contract: docs/apis/datasnap.md 5. */
#ifndef CAIS_API_OCI_OCI_H
#define CAIS_API_OCI_OCI_H

#include "api/kit/error_table.h"
#include "base/config_list.h"
#include "base/log.h"
#include "core/core.h"

#define OCI_ORIGIN S("oci") /* of files */

struct oci_options {
#define CONFIG_LIST "api/oci/options.def"
#include "base/config_members.def"
};

struct oci {
    struct core *core;
    struct oci_options options;
    struct log *log; /* for errors of the server itself; may be NULL */
};

/* The API in the form that the HTTP engine takes. The struct is its context and must outlive the result. */
struct http_api oci_api(struct oci *);

/* The rows of errors.def, as reasons of errors. */
enum oci_error {
    OCI_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) OCI_##name,
#include "api/oci/errors.def"
};
extern const struct error_table oci_errors;

#endif
