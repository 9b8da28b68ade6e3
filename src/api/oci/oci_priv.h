/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder. */
#ifndef CAIS_API_OCI_OCI_PRIV_H
#define CAIS_API_OCI_OCI_PRIV_H

#include "api/oci/oci.h"
#include "http/http.h"

enum { OCI_META_MAX = 64 /* headers of a request that are kept with its file */ };

static inline struct oci *oci_of(const struct http_exchange *x)
{
    return x->api->context;
}

/* ---- what the head of a request says: head.c ---- */

/* The 16 bytes that the body must have; empty: none were declared. Errors: OCI_INVALID_MD5, OCI_UNMATCHED_MD5. */
MUST_USE err_t oci_read_md5(struct http_exchange *, slice *ret);
/* The headers opc-meta-*, as lines "name: value\n". Errors: OCI_INVALID_METADATA. */
MUST_USE err_t oci_read_metadata(struct http_exchange *, slice *ret);
/* *ret: the name may not have been sent before. Errors: OCI_INVALID_CONDITION, OCI_NOT_IMPLEMENTED. */
MUST_USE err_t oci_read_condition(struct http_exchange *, bool *ret);
/* Errors: OCI_INVALID_OBJECT_NAME. */
MUST_USE err_t oci_check_name(slice name, struct arena *a);

/* ---- replies: errors.c ---- */

#define oci_refuse(a, row) error_refuse_at((a), ERR_HERE, &oci_errors, NULL, (row))
/* What every reply has. */
void oci_add_headers(struct http_exchange *);
void oci_fail(struct http_exchange *, err_t e);

#endif
