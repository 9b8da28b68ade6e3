/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/failure_log.h"
#include "api/kit/json_reply.h"
#include "api/redu/oauth_priv.h"
#include "api/redu/redu_priv.h"

#include <string.h>

#define NUMBER(row) (REDU_##row - ERR_REASONS_API)
#define ERROR_LIST "api/redu/errors.def"
#include "api/kit/error_tables.def"
const struct error_table redu_errors = ERROR_TABLE;

/* ---- fields ---- */

void redu_add_field(struct redu_fields *fields, const char *field, const char *text)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->items[i].field, field) == 0)
            return;
    if (fields->count == LENGTH_OF(fields->items))
        return;
    fields->items[fields->count].field = field;
    fields->items[fields->count++].text = text;
}

err_t redu_refuse_fields(struct http_exchange *x, const struct redu_fields *fields)
{
    if (!fields->count)
        return NULL;
    struct redu_fields *kept = arena_new(&x->arena, struct redu_fields);
    *kept = *fields;
    x->work = kept;
    return redu_refuse(&x->arena, REDU_FIELDS);
}

static bool is_blank(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r\n", text.p[i]) || !text.p[i])
            return false;
    return true;
}

void redu_read_text(const struct json *body, const char *field, size_t max, slice *text, struct redu_fields *fields)
{
    const struct json *member = json_get(body, field);
    if (!member)
        return;
    *text = json_is(member, JS_STRING) ? member->string : S("");
    if (slice_characters(*text, max).n < text->n)
        redu_add_field(fields, field, REDU_LONG);
    else if (!json_absent(member) && member->type != JS_STRING)
        redu_add_field(fields, field, REDU_WRONG);
}

void redu_need_text(slice text, const char *field, struct redu_fields *fields)
{
    if (is_blank(text))
        redu_add_field(fields, field, REDU_BLANK);
}

void redu_check_path(slice text, struct redu_fields *fields)
{
    redu_need_text(text, "path", fields);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            redu_add_field(fields, "path", REDU_WRONG);
    }
}

/* ---- the reply ---- */

/* What the vendor's server calls it: index show create update destroy. */
static const char *action_of(const struct http_exchange *x)
{
    slice method = x->req.method, pattern = x->route ? slice_of(x->route->pattern) : S("");
    if (slice_eq(method, S("POST")))
        return "create";
    if (slice_eq(method, S("PUT")))
        return "update";
    if (slice_eq(method, S("DELETE")))
        return "destroy";
    return slice_ends(pattern, S("}")) || slice_ends(pattern, S("/me")) ? "show" : "index";
}

static void put_field(struct json_out *o, const char *field, const char *text)
{
    json_name(o, field);
    json_open_array(o);
    json_add_string(o, slice_of(text));
    json_close_array(o);
}

static void put_words(struct http_exchange *x, struct json_out *o, int row, const struct error_row *words)
{
    const struct redu_fields *fields = x->work;
    if (row == NUMBER(FIELDS)) {
        for (size_t i = 0; i < fields->count; i++)
            put_field(o, fields->items[i].field, fields->items[i].text);
    } else if (strcmp(words->code, "message") != 0) {
        put_field(o, words->code, words->text);
    } else {
        json_put_string(o, "message", slice_of(words->text));
        if (words->status == 401)
            json_put_string(o, "action", slice_of(action_of(x)));
    }
}

void redu_fail(struct http_exchange *x, err_t e)
{
    struct error_row words = error_words(&redu_errors, e);
    if (is_server_failure(e))
        log_failure(redu_of(x)->log, x, e);
    if (!x->route) /* else the guard has added it */
        http_reply_header(x, "Access-Control-Allow-Origin", S("*"));
    if (words.status == 503 && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", S("1"));
    if (redu_oauth_fail(x, error_row_of(&redu_errors, e), &words))
        return;
    if (words.status == 400 || words.status == 404) {
        http_reply(x, words.status, NULL, S(""));
        return;
    }
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    put_words(x, &reply.out, error_row_of(&redu_errors, e), &words);
    json_close_object(&reply.out);
    json_reply_send(&reply, words.status, JSON_REPLY_TYPE_UTF8);
}
