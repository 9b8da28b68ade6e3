/* SPDX-License-Identifier: Apache-2.0 */
/* The forms and links that this API signs and the S3 API checks. */
#ifndef CAIS_API_RUNRUN_SIGN_PRIV_H
#define CAIS_API_RUNRUN_SIGN_PRIV_H

#include "api/runrun/reply_priv.h"
#include "core/records/document.h"
#include "core/task/document.h"

/* Writes "fields" and "upload_url" of the reply with a ticket. */
void runrun_put_form(struct json_reply *, const struct document *);
/* A signed link to the bytes of a document that has a ticket, in the arena of the exchange. It holds for
 * link_lifetime_ms. */
slice runrun_download_link(struct http_exchange *, const struct document *);

#endif
