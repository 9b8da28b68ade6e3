/* SPDX-License-Identifier: Apache-2.0 */
/* The one reply to every error: {"code","message"}. No error quotes the secret of the URL. */
#include "api/kit/failure_log.h"
#include "api/kit/json_reply.h"
#include "api/kit/upload_url.h"
#include "api/oci/oci_priv.h"

#define NUMBER(row) (OCI_##row - ERR_REASONS_API)
#define ERROR_LIST "api/oci/errors.def"
#include "api/kit/error_tables.def"
const struct error_table oci_errors = ERROR_TABLE;

enum { CLIENT_REQUEST_ID_MAX = 255 };

void oci_add_headers(struct http_exchange *x)
{
    slice theirs = http_header(&x->req, "opc-client-request-id");
    http_reply_header(x, "opc-request-id", x->req.id);
    if (theirs.n && theirs.n <= CLIENT_REQUEST_ID_MAX)
        http_reply_header(x, "opc-client-request-id", theirs);
}

/* The words of the vendor, which its clients look for: docs/apis/datasnap.md 5.1. */
static slice bucket_words(struct http_exchange *x)
{
    struct upload_path path = { .name_space = S(""), .bucket = S("") };
    (void)upload_path_split(x->req.path, &x->arena, &path);
    return arena_printf(&x->arena,
                        "Either the bucket named '" SLICE_FMT "' does not exist in the namespace '" SLICE_FMT
                        "' or you are not authorized to access it",
                        SLICE_ARG(path.bucket), SLICE_ARG(path.name_space));
}

void oci_fail(struct http_exchange *x, err_t e)
{
    struct error_row words = error_words(&oci_errors, e);
    int row = error_row_of(&oci_errors, e);
    slice text = row == NUMBER(BUCKET_NOT_FOUND) ? bucket_words(x) : slice_of(words.text);
    if (is_server_failure(e))
        log_failure(oci_of(x)->log, x, e);
    oci_add_headers(x);
    if (words.status == 405)
        http_reply_header(x, "Allow", S("PUT"));
    if (words.status == 503 && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", S("5"));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "code", slice_of(words.code));
    json_put_string(&reply.out, "message", text);
    json_close_object(&reply.out);
    json_reply_send(&reply, words.status, JSON_REPLY_TYPE);
}
