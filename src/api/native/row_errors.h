/* SPDX-License-Identifier: Apache-2.0 */
/* A list of what is wrong with the rows of a file, as JSON, or as JSON lines or CSV that a browser saves: docs/native.md. */
#ifndef CAIS_API_NATIVE_ROW_ERRORS_H
#define CAIS_API_NATIVE_ROW_ERRORS_H

#include "base/json.h"
#include "http/http.h"

struct row_error {
    uint64_t line; /* from 1; 0: the file as a whole is to blame */
    slice key;     /* of the row; may be empty, like the next two */
    slice column;
    slice value;    /* that stands there */
    slice code;     /* stable */
    slice expected; /* the type; may be empty */
    slice message;  /* for people */
};
void row_error_put(struct json_out *, const struct row_error *);

/* The next error, in `a`. False: there are no more. */
typedef bool row_error_next_fn(void *list, struct arena *a, struct row_error *ret);
/* The reply to GET …/errors?format=json|jsonl|csv. list: must live as long as the exchange. name: of the file that is downloaded, without
 * its end. */
struct row_error_list {
    row_error_next_fn *next;
    void *list;
    slice name;
};
MUST_USE err_t row_errors_reply(struct http_exchange *, const struct row_error_list *);

#endif
