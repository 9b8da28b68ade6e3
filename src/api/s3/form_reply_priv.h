/* SPDX-License-Identifier: Apache-2.0 */
/* The reply to a form whose file has been stored. */
#ifndef CAIS_API_S3_FORM_REPLY_PRIV_H
#define CAIS_API_S3_FORM_REPLY_PRIV_H

#include "api/s3/call_priv.h"
#include "api/s3/form_fields_priv.h"

/* Reply as the fields success_action_redirect and success_action_status ask. Thread: the loop. */
void form_reply(struct s3_call *, const struct form_fields *, slice etag);

#endif
