/* SPDX-License-Identifier: Apache-2.0 */
/* A document as clients see it. */
#ifndef CAIS_API_RUNRUN_DOCUMENT_JSON_PRIV_H
#define CAIS_API_RUNRUN_DOCUMENT_JSON_PRIV_H

#include "api/runrun/reply_priv.h"
#include "core/records/document.h"
#include "core/task/document.h"

/* Opens the object of a document and writes its members; the caller may add some, and closes it. */
void runrun_open_document(struct runrun_answer *, const struct document *);

#endif
