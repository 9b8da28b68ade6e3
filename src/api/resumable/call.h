/* SPDX-License-Identifier: Apache-2.0 */
/* A request to this API: which protocol it speaks, and the words that both protocols share. */
#ifndef CAIS_API_RESUMABLE_CALL_H
#define CAIS_API_RESUMABLE_CALL_H

#include "api/kit/error_table.h"
#include "api/resumable/resumable.h"
#include "core/records/transfer.h"

#define UPLOADS_PATH "/v1/native/uploads"
#define ORIGIN "native" /* of the files, and the purpose of the keys: this is a part of the native API */
#define TUS_VERSION "1.0.0"
#define TUS_CONTENT_TYPE "application/offset+octet-stream"
#define IETF_CONTENT_TYPE "application/partial-upload"
#define IETF_INTEROP_VERSION 8

/* The rows of errors.def, as reasons of errors. */
enum resumable_error {
    RESUMABLE_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) RESUMABLE_##name,
#include "api/resumable/errors.def"
};
extern const struct error_table resumable_errors;

/* The error of this row, in the arena `a`. */
#define resumable_refuse(a, row) error_refuse_at((a), ERR_HERE, &resumable_errors, NULL, (row))

/* struct http_api's fail: replies to any error in the form of the request's protocol. */
void resumable_fail(struct http_exchange *, err_t e);

enum protocol { PROTOCOL_TUS, PROTOCOL_IETF };

struct call {
    struct resumable *api;
    enum protocol protocol;
    slice method; /* the one that the request counts as: X-HTTP-Method-Override */
    void *work;   /* of its handler */
    /* For the reply to a wrong offset. */
    bool has_offsets;
    int64_t expected_offset, provided_offset;
};
/* Begins the request. Its state lives in the exchange. */
void call_begin(struct http_exchange *);
static inline struct call *call_of(const struct http_exchange *x)
{
    return x->work;
}
enum protocol call_protocol(const struct http_request *);
slice call_method(const struct http_request *);
/* A tus request has the right version, and no header of ours is there twice. Errors: VERSION, REPEATED. */
MUST_USE err_t call_check_head(struct http_exchange *);

/* ---- headers that both protocols have ---- */

/* A header whose value is a number of bytes. *ret -1: the request has none, or, in the draft, one with another value. Errors: `row`
 * for any other value in tus. */
MUST_USE err_t call_read_bytes(struct http_exchange *, const char *header, int row, int64_t *ret);
/* Adds the right offset to the reply that refuses the one of the sender. Returns the refusal. */
MUST_USE err_t call_refuse_offset(struct http_exchange *, int64_t expected, int64_t provided);
/* Adds what every reply has (tus: its version), and what pages of other hosts need (CORS). */
void call_add_headers(struct http_exchange *);
void call_add_location(struct http_exchange *, slice name);
/* When an unfinished upload, or a part, is removed. */
void call_add_expiry(struct http_exchange *, const struct transfer *);
/* Where the file is that it has become; nothing for whoever has only a link. */
void call_add_file(struct http_exchange *, const struct transfer *);
void call_put_number(struct http_exchange *, const char *header, int64_t n);
/* The value of Upload-Limit, for an upload or, NULL, in general. */
slice call_limits(struct http_exchange *, const struct transfer *);

/* ---- handlers; each has the exchange begun by call_begin, and admitted unless it is public ---- */

err_t create_upload(struct http_exchange *); /* create.c */
err_t append_upload(struct http_exchange *); /* append.c */
err_t show_options(struct http_exchange *);  /* show.c */
err_t list_uploads(struct http_exchange *);
err_t show_upload(struct http_exchange *);
err_t remove_upload(struct http_exchange *);

#endif
