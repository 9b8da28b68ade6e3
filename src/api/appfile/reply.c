/* SPDX-License-Identifier: Apache-2.0 */
#include "api/appfile/appfile_priv.h"
#include "base/text.h"

slice appfile_time(struct arena *a, int64_t ms)
{
    slice seconds = time_format_utc(a, ms);
    return arena_printf(a, SLICE_FMT ".%03d0000Z", SLICE_ARG(slice_part(seconds, 0, seconds.n - 1)), (int)(ms % 1000));
}

void appfile_put_null(struct json_out *o, const char *name)
{
    json_name(o, name);
    json_add_null(o);
}

void appfile_put_text(struct json_out *o, const char *name, slice text)
{
    if (text.n)
        json_put_string(o, name, text);
    else
        appfile_put_null(o, name);
}

void appfile_open_envelope(struct json_out *o, bool is_success, const struct appfile_status *status)
{
    static const struct appfile_status none = { 0 };
    status = status ? status : &none;
    json_open_object(o);
    json_put_bool(o, "IsSuccess", is_success);
    json_name(o, "ResponseStatus");
    json_open_object(o);
    appfile_put_text(o, "ErrorCode", status->code ? slice_of(status->code) : S(""));
    appfile_put_text(o, "Message", status->message);
    appfile_put_null(o, "StackTrace");
    json_name(o, "Errors");
    json_add_raw(o, status->errors.n ? status->errors : S("[]"));
    json_close_object(o);
}

void appfile_reply(struct json_reply *reply, int status)
{
    json_reply_send(reply, status, JSON_REPLY_TYPE_UTF8);
}
