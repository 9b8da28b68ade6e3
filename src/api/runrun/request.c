/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/body.h"
#include "api/kit/record_id.h"
#include "api/runrun/request_priv.h"

#include <string.h>

err_t runrun_read_body(struct http_exchange *x, const struct json **ret_body)
{
    err_t e = body_read(x, ret_body);
    return e ? runrun_refuse_because(&x->arena, e, err_is(e, ERR_TOO_LARGE) ? RUNRUN_TOO_LARGE : RUNRUN_BAD_BODY)
             : NULL;
}

const struct json *runrun_unwrap(const struct json *body, const char *wrapper)
{
    const struct json *inner = json_get(body, wrapper);
    return json_is(inner, JS_OBJECT) ? inner : body;
}

err_t runrun_path_id(struct http_exchange *x, int64_t *ret_id)
{
    slice text = x->req.params[0];
    if (!record_id_is_number(text))
        return runrun_refuse(&x->arena, RUNRUN_BAD_ID);
    *ret_id = record_id(text, INT64_MAX);
    return NULL;
}

bool runrun_is_true(const struct json *j)
{
    return j && ((j->type == JS_BOOL && j->boolean) || (j->type == JS_INT && j->integer == 1) ||
                 (j->type == JS_STRING && (slice_eq(j->string, S("true")) || slice_eq(j->string, S("1")))));
}

bool runrun_is_blank(slice text)
{
    while (text.n) {
        if (slice_starts(text, S("\xc2\xa0")))
            text = slice_from(text, 2);
        else if (strchr(" \t\n\v\f\r", text.p[0]) && text.p[0])
            text = slice_from(text, 1);
        else
            return false;
    }
    return true;
}

void runrun_read_ids(struct http_exchange *x, const struct json *body, const char *name,
                     struct runrun_field_errors *errors, const int64_t **ret_ids, size_t *ret_count)
{
    const struct json *array = json_get(body, name);
    int64_t *ids = arena_array(&x->arena, int64_t, json_count(array) + 1);
    size_t n = 0;
    *ret_ids = ids;
    *ret_count = 0;
    if (json_absent(array))
        return;
    bool good = array->type == JS_ARRAY;
    JSON_EACH(item, array)
        good = good && json_to_i64(item, &ids[n++]);
    if (!good)
        runrun_add_field_error(errors, name, RUNRUN_NOT_NUMBERS);
    else
        *ret_count = n;
}
