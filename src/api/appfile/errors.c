/* SPDX-License-Identifier: Apache-2.0 */
#include "api/appfile/appfile_priv.h"
#include "api/kit/failure_log.h"

#include <string.h>

#define NUMBER(row) (APPFILE_##row - ERR_REASONS_API)
#define ERROR_LIST "api/appfile/errors.def"
#include "api/kit/error_tables.def"
const struct error_table appfile_errors = ERROR_TABLE;

/* ---- members of a request ---- */

void appfile_add_field_error(struct appfile_field_errors *errors, const char *field, enum appfile_field_code code,
                             const char *message)
{
    bool is_known = errors->count == APPFILE_FIELDS_MAX;
    for (size_t i = 0; i < errors->count; i++)
        is_known = is_known || strcmp(errors->items[i].field, field) == 0;
    if (is_known)
        return;
    errors->items[errors->count].field = field;
    errors->items[errors->count].code = code;
    errors->items[errors->count++].message = slice_of(message);
}

err_t appfile_refuse_fields(struct http_exchange *x, const struct appfile_field_errors *errors)
{
    if (!errors->count)
        return NULL;
    struct appfile_field_errors *kept = arena_new(&x->arena, struct appfile_field_errors);
    *kept = *errors;
    x->work = kept;
    return appfile_refuse(&x->arena, APPFILE_VALIDATION);
}

static void put_field_errors(struct json_out *o, const struct appfile_field_errors *errors)
{
    static const char *const words[] = {
        [APPFILE_NOT_EMPTY] = "NotEmpty", [APPFILE_TOO_LONG] = "TooLong", [APPFILE_INVALID] = "Invalid"
    };
    for (size_t i = 0; errors && i < errors->count; i++) {
        json_open_object(o);
        json_put_string(o, "ErrorCode", slice_of(words[errors->items[i].code]));
        json_put_string(o, "FieldName", slice_of(errors->items[i].field));
        json_put_string(o, "Message", errors->items[i].message);
        appfile_put_null(o, "Meta");
        json_close_object(o);
    }
}

/* ---- the reply ---- */

static const struct appfile_field_errors *field_errors_of(const struct http_exchange *x, err_t e)
{
    return err_reason(e) == (int)APPFILE_VALIDATION ? x->work : NULL;
}

static void put_status(struct json_out *o, const struct error_row *words, const struct appfile_field_errors *fields)
{
    json_name(o, "ResponseStatus");
    json_open_object(o);
    json_put_string(o, "ErrorCode", slice_of(words->code));
    json_put_string(o, "Message", fields ? fields->items[0].message : slice_of(words->text));
    appfile_put_null(o, "StackTrace");
    json_name(o, "Errors");
    json_open_array(o);
    put_field_errors(o, fields);
    json_close_array(o);
    json_close_object(o);
}

/* A key that does not count and a limit that is used up are answered in the form of the gateway that clients expect in front of the
 * server, and in that of the API: docs/apis/appfile.md 1.2. */
static bool has_message(int row)
{
    return row == NUMBER(FORBIDDEN) || row == NUMBER(TOO_MANY);
}

void appfile_fail(struct http_exchange *x, err_t e)
{
    struct error_row words = error_words(&appfile_errors, e);
    if (is_server_failure(e))
        log_failure(appfile_of(x)->log, x, e);
    if (words.status == 503 && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", S("1"));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    if (has_message(error_row_of(&appfile_errors, e)))
        json_put_string(&reply.out, "message", slice_of(words.text));
    json_put_bool(&reply.out, "IsSuccess", false);
    put_status(&reply.out, &words, field_errors_of(x, e));
    appfile_put_null(&reply.out, "Data");
    json_close_object(&reply.out);
    appfile_reply(&reply, words.status);
}
