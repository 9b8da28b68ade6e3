/* SPDX-License-Identifier: Apache-2.0 */
/* Every error reply is JSON, because clients parse it without looking at its type. */
#include "api/runrun/errors_priv.h"

#include "api/kit/failure_log.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"

#define NUMBER(row) (RUNRUN_##row - ERR_REASONS_API)

#define ERROR_LIST "api/runrun/errors.def"
#include "api/kit/error_tables.def"
const struct error_table runrun_errors = ERROR_TABLE;

/* ---- errors in fields ---- */

static void add_field_text(struct runrun_field_errors *errors, const char *field, slice text)
{
    for (size_t i = 0; i < errors->count; i++)
        if (slice_eq(slice_of(errors->items[i].field), slice_of(field)))
            return;
    if (errors->count == LENGTH_OF(errors->items))
        return;
    errors->items[errors->count].field = field;
    errors->items[errors->count++].text = text;
}

void runrun_add_field_error(struct runrun_field_errors *errors, const char *field, enum runrun_error row)
{
    add_field_text(errors, field, slice_of(rows[row - ERR_REASONS_API].text));
}

void runrun_add_field_number_error(struct runrun_field_errors *errors, struct arena *a, const char *field,
                                   enum runrun_error row, uint64_t number)
{
    const char *text = rows[row - ERR_REASONS_API].text;
    add_field_text(errors, field, arena_printf(a, "%s %llu", text, (unsigned long long)number));
}

err_t runrun_refuse_fields(struct http_exchange *x, const struct runrun_field_errors *errors)
{
    if (!errors->count)
        return NULL;
    struct runrun_field_errors *kept = arena_new(&x->arena, struct runrun_field_errors);
    *kept = *errors;
    x->work = kept;
    return runrun_refuse(&x->arena, RUNRUN_FIELDS);
}

err_t runrun_refuse_field(struct http_exchange *x, const char *field, enum runrun_error row)
{
    struct runrun_field_errors errors = { .count = 0 };
    runrun_add_field_error(&errors, field, row);
    return runrun_refuse_fields(x, &errors);
}

err_t runrun_refuse_duplicate(struct http_exchange *x, int64_t file_id)
{
    int64_t *kept = arena_new(&x->arena, int64_t);
    *kept = file_id;
    x->work = kept;
    return runrun_refuse(&x->arena, RUNRUN_DUPLICATE);
}

/* ---- the reply ---- */

static void put_field_errors(struct json_out *o, const struct runrun_field_errors *errors)
{
    json_name(o, "errors");
    json_open_object(o);
    for (size_t i = 0; i < errors->count; i++) {
        json_name(o, errors->items[i].field);
        json_open_array(o);
        json_add_string(o, errors->items[i].text);
        json_close_array(o);
    }
    json_close_object(o);
}

static void put_words(struct http_exchange *x, struct json_out *o, int row, const struct error_row *words)
{
    struct runrun_field_errors one = { .count = 0 };
    if (row == NUMBER(FIELDS)) {
        put_field_errors(o, x->work);
    } else if (words->status == 422) {
        add_field_text(&one, words->code, slice_of(words->text));
        put_field_errors(o, &one);
    } else {
        json_put_string(o, "error", slice_of(words->text));
        if (row == NUMBER(DUPLICATE))
            json_put_int(o, "duplicate_id", *(const int64_t *)x->work);
    }
}

void runrun_fail(struct http_exchange *x, err_t e)
{
    struct error_row words = error_words(&runrun_errors, e);
    if (is_server_failure(e))
        log_failure(runrun_of(x)->log, x, e);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    put_words(x, &reply.out, error_row_of(&runrun_errors, e), &words);
    json_close_object(&reply.out);
    if (words.status == 401)
        http_reply_header(x, "WWW-Authenticate", S("Runrunit"));
    if (words.status == 503 && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", S("1"));
    runrun_reply_send(&reply, words.status);
}
