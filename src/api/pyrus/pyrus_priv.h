/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef CAIS_API_PYRUS_PRIV_H
#define CAIS_API_PYRUS_PRIV_H

#include "api/pyrus/pyrus.h"
#include "api/vendor_error.h"
#include "base/json.h"
#include "core/task/task.h"

#define PYRUS_WAY S("pyrus")      /* purpose of credentials, way of files */
#define PYRUS_ID_MAX INT32_MAX    /* clients keep ids in signed 32 bits */
#define PYRUS_DRAIN_MAX (1 << 20) /* a refused body up to this size is read, so that the connection lives on */
#define PYRUS_HEAD_SPARE 65536    /* what multipart may add to a file of the greatest size */

/* ---- errors.c ---- */

enum pyrus_error {
    PYRUS_NONE, /* an empty row: a bug, found by a test */
#define PYRUS(name, status, code, text) PYRUS_##name,
#include "api/pyrus/errors.def"
#undef PYRUS
    PYRUS_ERROR_COUNT
};
extern const struct vendor_error pyrus_vendor_errors[PYRUS_ERROR_COUNT];
extern const enum pyrus_error pyrus_of_err[ERR_CODE_COUNT];
extern const enum pyrus_error pyrus_of_refusal[TASK_REFUSAL_COUNT];

/* End the exchange with an error. */
void pyrus_fail(struct http_exchange *, enum pyrus_error);
/* By pyrus_of_err; a failure of the server's own making goes to the log. */
void pyrus_fail_err(struct http_exchange *, err_t e);
/* By pyrus_of_refusal when a rule of tasks said no, else as above. */
void pyrus_fail_task(struct http_exchange *, err_t e, enum task_refusal why);
void pyrus_log(struct http_exchange *, err_t e);
void pyrus_refuse(struct http_exchange *, enum http_refusal, int status, const char *text);

/* ---- auth.c ---- */

static inline struct pyrus *pyrus_of(struct http_exchange *x)
{
    return x->api->context;
}
/* Who was let in; NULL on public routes. */
static inline const struct principal *pyrus_who(struct http_exchange *x)
{
    return x->principal;
}
bool pyrus_guard(struct http_exchange *);
void pyrus_login(struct http_exchange *);
void pyrus_login_by_get(struct http_exchange *);
/* Rate-limit headers for somebody unknown, where the guard wrote none. Every answer carries them. */
void pyrus_rate_headers(struct http_exchange *);

/* ---- handlers ---- */

void pyrus_upload(struct http_exchange *);
void pyrus_download(struct http_exchange *);
void pyrus_download_by_query(struct http_exchange *);
void pyrus_task_create(struct http_exchange *);
void pyrus_task_get(struct http_exchange *);
void pyrus_task_delete(struct http_exchange *);
void pyrus_comment_add(struct http_exchange *);
void pyrus_profile(struct http_exchange *);

/* ---- json.c ---- */

/* The body as a JSON object. */
enum pyrus_error pyrus_read_body(struct http_exchange *, const struct json **ret_body);
/* A 200 with what was written to `out`, whose memory it takes: a task may be large. */
void pyrus_reply(struct http_exchange *, struct buf *out);
slice pyrus_md5(const struct pyrus *, struct arena *a, const unsigned char md5[MD5_SIZE]);
void pyrus_put_person(struct json_out *, const char *name, const struct user *);
void pyrus_split_name(const struct user *, slice *ret_first, slice *ret_last);
/* The answer {"task": …}. */
void pyrus_reply_task(struct http_exchange *, const struct task_view *);

#endif
