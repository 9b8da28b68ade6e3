/* SPDX-License-Identifier: Apache-2.0 */
/* A document as JSON. */
#ifndef CAIS_API_RUNRUN_DOCUMENT_JSON_PRIV_H
#define CAIS_API_RUNRUN_DOCUMENT_JSON_PRIV_H

#include "api/runrun/reply_priv.h"
#include "core/records/document.h"
#include "core/task/document.h"

/* Opens the object of a document and writes its members. The caller may add more, and closes the object. */
void runrun_open_document(struct json_reply *, const struct document *);

#endif
