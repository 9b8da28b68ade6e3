/* SPDX-License-Identifier: Apache-2.0 */
/* A document as JSON. */
#ifndef CAIS_API_RUNRUN_DOCUMENT_JSON_PRIV_H
#define CAIS_API_RUNRUN_DOCUMENT_JSON_PRIV_H

#include "api/kit/json_pieces.h"
#include "api/runrun/reply_priv.h"
#include "core/records/document.h"
#include "core/task/document.h"

/* Opens the object of a document and writes its members. The caller may add more, and closes the object. */
void runrun_open_document(struct json_reply *, const struct document *);

/* Documents that are written in pieces. */
struct document_walk {
    struct document_list_request request; /* its limit is not used; offset: for the first document */
    size_t left;                          /* how many more, at most */
};
/* Write the next documents as items, and move the walk behind those that are written. *ret_end: there are no more. */
MUST_USE err_t runrun_write_documents(struct json_pieces *, struct document_walk *, struct buf *out, struct arena *a,
                                      bool *ret_end);

#endif
