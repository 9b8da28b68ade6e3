/* SPDX-License-Identifier: Apache-2.0 */
/* How this API refuses. A function that refuses returns the error of a row; the reply is made in one place, runrun_fail. */
#ifndef CAIS_API_RUNRUN_ERRORS_PRIV_H
#define CAIS_API_RUNRUN_ERRORS_PRIV_H

#include "api/kit/error_table.h"

/* The rows of errors.def, as reasons of errors. */
enum runrun_error {
    RUNRUN_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) RUNRUN_##name,
#include "api/runrun/errors.def"
};
extern const struct error_table runrun_errors;

/* The error of this row, in the arena `a`; the second also keeps what was found. */
#define runrun_refuse(a, row) error_refuse_at((a), ERR_HERE, &runrun_errors, NULL, (row))
#define runrun_refuse_because(a, cause, row) error_refuse_at((a), ERR_HERE, &runrun_errors, (cause), (row))
/* struct http_api's fail: replies to any error. */
void runrun_fail(struct http_exchange *, err_t e);

/* The errors in the fields of one request. A handler collects them and then returns runrun_refuse_fields, which replies to
 * all of them at once. A field keeps its first error. */
struct runrun_field_errors {
    struct {
        const char *field;
        slice text;
    } items[8];
    size_t count;
};
void runrun_add_field_error(struct runrun_field_errors *, const char *field, enum runrun_error row);
/* The text of the row, followed by a number. In `a`. */
void runrun_add_field_number_error(struct runrun_field_errors *, struct arena *a, const char *field,
                                   enum runrun_error row, uint64_t number);
/* NULL when there are no errors. They travel with the exchange (x->work). */
MUST_USE err_t runrun_refuse_fields(struct http_exchange *, const struct runrun_field_errors *);
err_t runrun_refuse_field(struct http_exchange *, const char *field, enum runrun_error row); /* with a single error */
/* The task already has a document with that name: 409 with its file id. Uses x->work, too. */
err_t runrun_refuse_duplicate(struct http_exchange *, int64_t file_id);

#endif
