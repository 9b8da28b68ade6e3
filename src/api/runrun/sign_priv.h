/* SPDX-License-Identifier: Apache-2.0 */
/* What this server signs for its S3 API to check. */
#ifndef CAIS_API_RUNRUN_SIGN_PRIV_H
#define CAIS_API_RUNRUN_SIGN_PRIV_H

#include "api/runrun/reply_priv.h"
#include "core/records/document.h"
#include "core/task/document.h"

/* "fields" and "upload_url" of a ticket's answer. */
void runrun_put_form(struct runrun_answer *, const struct document *);
/* A signed link to the bytes of a document. Its name, type and key are used. */
slice runrun_download_link(struct http_exchange *, const struct document *);

#endif
