/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: from the body of a request, through an intake, to the reply about the stored file. The API says what the file is
 * to be, and words the reply; the steps between are here.
 *
 *   upload_body    the body is the file
 *   upload_form    the body is multipart/form-data; the one part with a file name is the file, other parts are dropped
 *
 *   head ──► file begins ──► its bytes ──► its end ──► (other parts ──► closing boundary) ──► intake_finish ──► reply
 *             any error anywhere: intake_discard, and nothing is kept
 *
 * The file is committed only after the whole body has come. Nothing of a body that is cut short, or that is refused at its
 * last byte, is kept. Both functions are called from the handle of an HTTP_STREAM route. They refuse what the head already
 * shows by an error, before the first byte of the body; everything later ends the exchange by itself. */
#ifndef CAIS_API_KIT_UPLOAD_H
#define CAIS_API_KIT_UPLOAD_H

#include "api/kit/error_table.h"
#include "core/object/intake.h"
#include "http/multipart.h"

/* Replies about the file. Runs on the loop; the slices of the file live in the arena of the exchange. x->work of upload_body is what it
 * was before. */
typedef err_t upload_reply_fn(struct http_exchange *, const struct file *);

/* request: copied. Errors: as intake_open. */
MUST_USE err_t upload_body(struct http_exchange *, struct core *, const struct intake_request *request,
                           upload_reply_fn *reply);

struct upload_form {
    /* A file begins: fills in the request for it. The slices may live in `a`. */
    err_t (*begin)(struct http_exchange *, const struct multipart_part *, struct intake_request *ret, struct arena *a);
    upload_reply_fn *reply;
    /* How the API refuses (error_refuse_at): its table, and the reasons for a second file, an empty file (0: it is taken),
     * a body without a file, and a body that is cut short or malformed below the form (0: as the engine words it). */
    const struct error_table *errors;
    int second_file, empty_file, no_file, broken;
};
/* boundary: of multipart_boundary. form: must stay. */
void upload_form(struct http_exchange *, struct core *, slice boundary, const struct upload_form *form);

/* The file that intake_finish reports, with its texts in `a`: they end with the report. */
struct file upload_copy(struct arena *a, const struct file *);

#endif
