/* SPDX-License-Identifier: Apache-2.0 */
#include "api/datasnap/datasnap_priv.h"
#include "api/kit/failure_log.h"
#include "base/config_key.h"

#include <string.h>

#define NUMBER(row) (DATASNAP_##row - ERR_REASONS_API)
#define ERROR_LIST "api/datasnap/errors.def"
#include "api/kit/error_tables.def"
const struct error_table datasnap_errors = ERROR_TABLE;

err_t datasnap_refuse_fields(struct http_exchange *x, const struct field_errors *errors)
{
    if (!errors->count)
        return NULL;
    struct field_errors *kept = arena_new(&x->arena, struct field_errors);
    *kept = *errors;
    x->work = kept;
    return datasnap_refuse(&x->arena, DATASNAP_FIELDS);
}

/* ---- files that are too large ---- */

struct too_large {
    uint64_t bytes, max;
};

err_t datasnap_refuse_size(struct http_exchange *x, uint64_t bytes, uint64_t max)
{
    struct too_large *large = arena_new(&x->arena, struct too_large);
    *large = (struct too_large){ bytes, max };
    x->work = large;
    return datasnap_refuse(&x->arena, DATASNAP_FILE_TOO_LARGE);
}

static int64_t megabytes(uint64_t bytes)
{
    return (int64_t)((bytes + MiB - 1) / MiB);
}

/* ---- the reply ---- */

/* Both names have the same text: some clients read the one, some the other (docs/apis/datasnap.md 2). */
static void put_words(struct json_out *o, slice text)
{
    json_put_string(o, "message", text);
    json_put_string(o, "error", text);
}

static void put_one_field(struct json_out *o, const struct error_row *words)
{
    json_name(o, "errors");
    json_open_object(o);
    if (strcmp(words->code, "message") != 0) {
        json_name(o, words->code);
        json_open_array(o);
        json_add_string(o, slice_of(words->text));
        json_close_array(o);
    }
    json_close_object(o);
}

void datasnap_fail(struct http_exchange *x, err_t e)
{
    struct error_row words = error_words(&datasnap_errors, e);
    int row = error_row_of(&datasnap_errors, e);
    if (is_server_failure(e))
        log_failure(datasnap_of(x)->log, x, e);
    if (words.status == 503 && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", S("1"));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    const struct field_errors *errors = row == NUMBER(FIELDS) ? x->work : NULL;
    const struct too_large *large = row == NUMBER(FILE_TOO_LARGE) ? x->work : NULL;
    slice text = errors ? field_errors_first(errors) : slice_of(words.text);
    if (large)
        text = arena_printf(&x->arena, "Arquivo muito grande. Limite máximo: %lldMB", (long long)megabytes(large->max));
    put_words(&reply.out, text);
    if (row == NUMBER(TOO_MANY))
        datasnap_put_limit(x, &reply.out);
    if (large) {
        json_put_int(&reply.out, "file_size_mb", megabytes(large->bytes));
        json_put_int(&reply.out, "max_size_mb", megabytes(large->max));
    }
    if (errors) {
        json_name(&reply.out, "errors");
        field_errors_write(errors, &reply.out);
    } else if (words.status == 422) {
        put_one_field(&reply.out, &words);
    }
    json_close_object(&reply.out);
    datasnap_reply(&reply, words.status);
}
