/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 8: what the official tool reports about its runs. The tool must never wait for it, and what it sends differs
 * with its version, so all but two members may be absent or of any type, and long texts are cut. */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/handlers_priv.h"
#include "core/access/access.h"
#include "core/file/file_name.h"
#include "core/report/report.h"

enum {
    NAME_MAX_CHARACTERS = 255,
    MESSAGE_MAX = 1000,
    TRACE_MAX = 4000 /* characters of a stack or a context */
};

/* What is kept of a run: texts, each cut to so many characters, and numbers. */
static const struct detail {
    const char *name;
    size_t max; /* 0: a number */
} details[] = {
    { "status", NAME_MAX_CHARACTERS },
    { "run_id", NAME_MAX_CHARACTERS },
    { "sent_at", NAME_MAX_CHARACTERS },
    { "source", NAME_MAX_CHARACTERS },
    { "destination", NAME_MAX_CHARACTERS },
    { "error_message", MESSAGE_MAX },
    { "error_code", NAME_MAX_CHARACTERS },
    { "error_stack", TRACE_MAX },
    { "error_context", TRACE_MAX },
    { "duration_ms", 0 },
    { "items_processed", 0 },
    { "bytes_uploaded", 0 },
    { "retry_count", 0 },
};

/* A text, or the JSON text of something else; empty when it is absent. */
static slice text_of(const struct json *member, size_t max, struct arena *a)
{
    slice text = S("");
    if (json_absent(member))
        return text;
    if (member->type == JS_STRING) {
        text = member->string;
    } else {
        struct buf written;
        struct json_out out;
        buf_init(&written, REPORT_DETAILS_MAX);
        json_out_init(&out, &written);
        json_add_value(&out, member);
        text = arena_copy(a, buf_slice(&written));
        buf_release(&written);
    }
    return slice_characters(text, max);
}

static slice details_of(const struct json *body, struct arena *a)
{
    struct buf written;
    struct json_out out;
    int64_t number;
    buf_init(&written, 0);
    json_out_init(&out, &written);
    json_open_object(&out);
    for (size_t i = 0; i < LENGTH_OF(details); i++) {
        const struct json *member = json_get(body, details[i].name);
        if (details[i].max && !json_absent(member))
            json_put_string(&out, details[i].name, text_of(member, details[i].max, a));
        else if (!details[i].max && json_to_i64(member, &number))
            json_put_int(&out, details[i].name, number);
    }
    json_close_object(&out);
    slice text = arena_copy_if_room(a, buf_slice(&written));
    buf_release(&written);
    return text.n <= REPORT_DETAILS_MAX ? text : S("{}");
}

static bool read_kind(slice text, enum report_kind *ret)
{
    static const char *const names[] = {
        [REPORT_ALIVE] = "heartbeat", [REPORT_BEGIN] = "run_start", [REPORT_END] = "run_end", [REPORT_ERROR] = "error"
    };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (slice_eq(text, slice_of(names[i]))) {
            *ret = (enum report_kind)i;
            return true;
        }
    return false;
}

static err_t read_report(struct http_exchange *x, struct report *ret)
{
    const struct json *body;
    struct field_errors errors;
    struct arena *a = &x->arena;
    TRY(datasnap_read_body(x, &body));
    field_errors_init(&errors, a);
    slice name = json_str(body, "bridge_name");
    if (!name.n || slice_characters(name, NAME_MAX_CHARACTERS).n < name.n || file_name_has_control(name))
        field_error_add(&errors, S("Deve ter de 1 a 255 caracteres, sem caracteres de controle."), "bridge_name");
    if (!read_kind(json_str(body, "event_type"), &ret->kind))
        field_error_add(&errors, S("Deve ser heartbeat, run_start, run_end ou error."), "event_type");
    TRY(datasnap_refuse_fields(x, &errors));
    ret->reporter = name;
    ret->version = text_of(json_get(body, "bridge_version"), NAME_MAX_CHARACTERS, a);
    ret->host = text_of(json_get(body, "host_hostname"), NAME_MAX_CHARACTERS, a);
    ret->system = text_of(json_get(body, "host_os"), NAME_MAX_CHARACTERS, a);
    ret->key = text_of(json_get(body, "idempotency_key"), NAME_MAX_CHARACTERS, a);
    if (!json_to_i64(json_get(body, "id"), &ret->run_id) || ret->run_id < 0)
        ret->run_id = 0;
    ret->details = details_of(body, a);
    return arena_check(a);
}

err_t datasnap_bridge(struct http_exchange *x)
{
    struct report report = { .reporter = S("") };
    int64_t id;
    TRY(datasnap_need(x, KEY_READER));
    TRY(read_report(x, &report));
    TRY(report_take(datasnap_of(x)->core, datasnap_caller(x), &report, &x->arena, &id));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_int(&reply.out, "id", id);
    json_put_string(&reply.out, "status", S("ok"));
    json_close_object(&reply.out);
    datasnap_reply(&reply, 201);
    return NULL;
}
