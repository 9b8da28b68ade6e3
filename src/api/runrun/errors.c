/* SPDX-License-Identifier: Apache-2.0 */
/* Every error reply is JSON, because clients parse it without looking at its type. */
#include "api/runrun/errors_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"

const struct vendor_error runrun_vendor_errors[RUNRUN_ERROR_COUNT] = {
#define RUNRUN(name, status, text) [RUNRUN_##name] = { status, #name, text },
#include "api/runrun/errors.def"
#undef RUNRUN
};

const enum runrun_error runrun_of_err[ERR_CODE_COUNT] = {
    [ERR_NOT_FOUND] = RUNRUN_NO_RECORD,
    [ERR_EXPIRED] = RUNRUN_UNAUTHORIZED,
    [ERR_REVOKED] = RUNRUN_UNAUTHORIZED,
    [ERR_BLOCKED] = RUNRUN_UNAUTHORIZED,
    [ERR_UNAUTHENTICATED] = RUNRUN_UNAUTHORIZED,
    [ERR_FORBIDDEN] = RUNRUN_FORBIDDEN,
    [ERR_INVALID] = RUNRUN_BAD_REQUEST,
    [ERR_CONFLICT] = RUNRUN_CONFLICT,
    [ERR_TOO_LARGE] = RUNRUN_TOO_LARGE,
    [ERR_EMPTY] = RUNRUN_BAD_REQUEST,
    [ERR_DIGEST] = RUNRUN_BAD_REQUEST,
    [ERR_TRUNCATED] = RUNRUN_BAD_REQUEST,
    [ERR_QUOTA] = RUNRUN_OVER_QUOTA,
    [ERR_NO_SPACE] = RUNRUN_SERVER_BUSY,
    [ERR_RATE] = RUNRUN_TOO_MANY_REQUESTS,
    [ERR_UNAVAILABLE] = RUNRUN_SERVER_BUSY,
    [ERR_CORRUPT] = RUNRUN_SERVER_ERROR,
    [ERR_UNSUPPORTED] = RUNRUN_BAD_REQUEST,
};

#define UNATTACHED "must be documents of yours that hang nowhere yet"
const struct runrun_refusal runrun_of_reason[REASON_END] = {
    [REASON_TASK_NOT_VISIBLE] = { RUNRUN_NO_RECORD, NULL, NULL },
    [REASON_TASK_NOTHING_SAID] = { RUNRUN_NONE, "text", "can't be blank" },
    [REASON_TASK_BAD_ATTACHMENT] = { RUNRUN_NONE, "document_ids", UNATTACHED },
    [REASON_TASK_BAD_PERSON] = { RUNRUN_NONE, "assignments", "name an unknown user" },
    [REASON_TASK_BAD_DOCUMENT] = { RUNRUN_NONE, "document_ids", UNATTACHED },
    [REASON_TASK_BAD_COMMENT] = { RUNRUN_NO_RECORD, NULL, NULL },
    [REASON_TASK_TOO_MANY_REFERENCES] = { RUNRUN_NONE, "document_ids", "are too many for one task" },
    [REASON_TASK_TOO_MANY_COMMENTS] = { RUNRUN_NONE, "task_id", "has too many comments" },
    [REASON_TASK_TOO_MUCH_TEXT] = { RUNRUN_NONE, "text", "is too long for this task" },
    [REASON_TASK_MAY_NOT_CLOSE] = { RUNRUN_FORBIDDEN, NULL, NULL },
    [REASON_TASK_MAY_NOT_REOPEN] = { RUNRUN_FORBIDDEN, NULL, NULL },
    [REASON_TASK_MAY_NOT_EDIT] = { RUNRUN_FORBIDDEN, NULL, NULL },
    [REASON_TASK_MAY_NOT_REMOVE] = { RUNRUN_FORBIDDEN, NULL, NULL },
};

static void reply_runrun_error(struct http_exchange *x, int status, slice text)
{
    struct runrun_reply reply;
    runrun_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "error", text);
    json_close_object(&reply.out);
    if (status == 401)
        http_reply_header(x, "WWW-Authenticate", S("Runrunit"));
    runrun_reply_send(&reply, status);
}

void runrun_fail(struct http_exchange *x, enum runrun_error error)
{
    if (error == RUNRUN_SERVER_BUSY)
        http_reply_header(x, "Retry-After", S("1"));
    reply_runrun_error(x, runrun_vendor_errors[error].status, slice_of(runrun_vendor_errors[error].text));
}

void runrun_log(struct http_exchange *x, err_t e)
{
    if (runrun_of(x)->log)
        log_line(runrun_of(x)->log, LOG_ERROR, "request failed", LOG_S("request_id", x->req.id),
                 LOG_S("kind", slice_of(err_code_name(e->code))), LOG_S("error", err_text(&x->arena, e)),
                 LOG_S("where", slice_of(e->where)));
}

void runrun_fail_duplicate(struct http_exchange *x, int64_t file_id)
{
    const struct vendor_error *row = &runrun_vendor_errors[RUNRUN_CONFLICT];
    struct runrun_reply reply;
    runrun_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "error", slice_of(row->text));
    json_put_int(&reply.out, "duplicate_id", file_id);
    json_close_object(&reply.out);
    runrun_reply_send(&reply, row->status);
}

static void reply_refusal(struct http_exchange *x, const struct http_refusal_row *refusal, err_t e)
{
    switch (e->reason) {
    case HTTP_REFUSE_NO_ROUTE:
        runrun_fail(x, RUNRUN_NO_RECORD);
        break;
    case HTTP_REFUSE_METHOD:
        runrun_fail(x, RUNRUN_METHOD);
        break;
    case HTTP_REFUSE_BODY_TOO_LARGE:
        runrun_fail(x, RUNRUN_TOO_LARGE);
        break;
    case HTTP_REFUSE_BUSY: /* the engine has already added Retry-After */
        reply_runrun_error(x, refusal->status, slice_of(runrun_vendor_errors[RUNRUN_SERVER_BUSY].text));
        break;
    default:
        reply_runrun_error(x, refusal->status, slice_of(e->msg));
    }
}

err_t runrun_refuse(struct arena *a, enum runrun_error error)
{
    return err_refuse(a, ERR_INVALID, ERR_REASONS_API + (int)error, "%s", runrun_vendor_errors[error].text);
}

void runrun_fail_err(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    if (refusal) {
        reply_refusal(x, refusal, e);
        return;
    }
    enum runrun_error error = runrun_of_err[e->code];
    if (e->reason >= ERR_REASONS_API) {
        error = (enum runrun_error)(e->reason - ERR_REASONS_API);
    } else if (runrun_of_reason[e->reason].field) {
        runrun_fail_field(x, runrun_of_reason[e->reason].field, slice_of(runrun_of_reason[e->reason].text));
        return;
    } else if (runrun_of_reason[e->reason].error) {
        error = runrun_of_reason[e->reason].error;
    }
    if (runrun_vendor_errors[error].status >= 500)
        runrun_log(x, e);
    runrun_fail(x, error);
}

/* ---- fields ---- */

void runrun_add_field_error(struct runrun_field_errors *errors, const char *field, slice text)
{
    for (size_t i = 0; i < errors->count; i++)
        if (slice_eq(slice_of(errors->items[i].field), slice_of(field)))
            return;
    if (errors->count == LENGTH_OF(errors->items))
        return;
    errors->items[errors->count].field = field;
    errors->items[errors->count++].text = text;
}

void runrun_fail_fields(struct http_exchange *x, const struct runrun_field_errors *errors)
{
    struct runrun_reply reply;
    runrun_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_name(&reply.out, "errors");
    json_open_object(&reply.out);
    for (size_t i = 0; i < errors->count; i++) {
        json_name(&reply.out, errors->items[i].field);
        json_open_array(&reply.out);
        json_add_string(&reply.out, errors->items[i].text);
        json_close_array(&reply.out);
    }
    json_close_object(&reply.out);
    json_close_object(&reply.out);
    runrun_reply_send(&reply, 422);
}

void runrun_fail_field(struct http_exchange *x, const char *field, slice text)
{
    struct runrun_field_errors errors = { .count = 0 };
    runrun_add_field_error(&errors, field, text);
    runrun_fail_fields(x, &errors);
}
