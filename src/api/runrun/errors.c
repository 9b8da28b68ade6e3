/* SPDX-License-Identifier: Apache-2.0 */
/* Every error reply is JSON, because clients parse it without looking at its type. */
#include "api/runrun/errors_priv.h"

#include "api/failure_log.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"

#define NUMBER(row) (RUNRUN_##row - ERR_REASONS_API)

static const struct error_row rows[] = {
#define ROW(name, status, code, text) [NUMBER(name)] = { status, code, text },
#include "api/runrun/errors.def"
};

static const unsigned char codes[ERR_CODE_COUNT] = {
#define CODE(code, row) [ERR_##code] = NUMBER(row),
#include "api/runrun/errors.def"
};

static const unsigned char rules[REASON_END] = {
#define RULE(rule, row) [REASON_##rule] = NUMBER(row),
#include "api/runrun/errors.def"
};

static const unsigned char refusals[HTTP_REFUSE_END - ERR_REASONS_HTTP] = {
#define REFUSAL(refusal, row) [HTTP_REFUSE_##refusal - ERR_REASONS_HTTP] = NUMBER(row),
#include "api/runrun/errors.def"
};

enum {
    NEVER_MET = 0
#define NEVER(group) | 1 << REASONS_##group
#include "api/runrun/errors.def"
};

const struct error_table runrun_errors = { rows, LENGTH_OF(rows), codes, rules, refusals, NEVER_MET };

/* ---- faults in fields ---- */

static void add_fault_text(struct runrun_faults *faults, const char *field, slice text)
{
    for (size_t i = 0; i < faults->count; i++)
        if (slice_eq(slice_of(faults->items[i].field), slice_of(field)))
            return;
    if (faults->count == LENGTH_OF(faults->items))
        return;
    faults->items[faults->count].field = field;
    faults->items[faults->count++].text = text;
}

void runrun_add_fault(struct runrun_faults *faults, const char *field, enum runrun_error row)
{
    add_fault_text(faults, field, slice_of(rows[row - ERR_REASONS_API].text));
}

void runrun_add_number_fault(struct runrun_faults *faults, struct arena *a, const char *field, enum runrun_error row,
                             uint64_t number)
{
    const char *text = rows[row - ERR_REASONS_API].text;
    add_fault_text(faults, field, arena_printf(a, "%s %llu", text, (unsigned long long)number));
}

err_t runrun_refuse_fields(struct http_exchange *x, const struct runrun_faults *faults)
{
    if (!faults->count)
        return NULL;
    struct runrun_faults *kept = arena_new(&x->arena, struct runrun_faults);
    *kept = *faults;
    x->work = kept;
    return runrun_refuse(&x->arena, RUNRUN_FIELDS);
}

err_t runrun_refuse_field(struct http_exchange *x, const char *field, enum runrun_error row)
{
    struct runrun_faults faults = { .count = 0 };
    runrun_add_fault(&faults, field, row);
    return runrun_refuse_fields(x, &faults);
}

err_t runrun_refuse_duplicate(struct http_exchange *x, int64_t file_id)
{
    int64_t *kept = arena_new(&x->arena, int64_t);
    *kept = file_id;
    x->work = kept;
    return runrun_refuse(&x->arena, RUNRUN_DUPLICATE);
}

/* ---- the reply ---- */

static void put_faults(struct json_out *o, const struct runrun_faults *faults)
{
    json_name(o, "errors");
    json_open_object(o);
    for (size_t i = 0; i < faults->count; i++) {
        json_name(o, faults->items[i].field);
        json_open_array(o);
        json_add_string(o, faults->items[i].text);
        json_close_array(o);
    }
    json_close_object(o);
}

static void put_words(struct http_exchange *x, struct json_out *o, int row, const struct error_row *words)
{
    struct runrun_faults one = { .count = 0 };
    if (row == NUMBER(FIELDS)) {
        put_faults(o, x->work);
    } else if (words->status == 422) {
        add_fault_text(&one, words->code, slice_of(words->text));
        put_faults(o, &one);
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
    struct runrun_reply reply;
    runrun_reply_begin(&reply, x);
    json_open_object(&reply.out);
    put_words(x, &reply.out, error_row_of(&runrun_errors, e), &words);
    json_close_object(&reply.out);
    if (words.status == 401)
        http_reply_header(x, "WWW-Authenticate", S("Runrunit"));
    if (words.status == 503 && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", S("1"));
    runrun_reply_send(&reply, words.status);
}
