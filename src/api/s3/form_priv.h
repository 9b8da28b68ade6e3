/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between form.c and form_answer.c. */
#ifndef CAIS_API_S3_FORM_PRIV_H
#define CAIS_API_S3_FORM_PRIV_H

#include "api/s3/s3_priv.h"

#include "http/multipart.h"
#include "sign/policy.h"

#define FORM_FIELDS_MAX 200
#define FORM_FIELD_BYTES_MAX 20480 /* of all fields in front of the file: S3's limit */

struct form {
    struct s3_call *call;
    struct http_sink sink;
    struct multipart multipart;
    /* the fields, as far as they stand in front of the file; in the exchange's arena */
    struct sign_pair fields[FORM_FIELDS_MAX];
    size_t field_count, field_bytes;
    struct buf value; /* of the field at hand */
    enum { FORM_FIELDS, FORM_FIELD, FORM_FILE, FORM_REST } state;
    /* the file */
    const struct s3_lenient_bucket *lenient; /* NULL: no such bucket */
    enum policy_signature signature;
    uint64_t max_bytes; /* of the file */
    struct bucket bucket;
    struct entry_order order;
    struct entry_put put;
    slice etag; /* once it is stored */
};

/* The value of a field, without regard to case; empty when there is none. */
slice form_value(const struct form *, slice name);
/* May this field stay without a condition, because it means nothing here? */
bool form_ignores(const struct form *, slice name);
/* It is stored: answers as success_action_redirect and success_action_status ask. On the loop. */
void form_answer(struct http_exchange *);

#endif
