/* SPDX-License-Identifier: Apache-2.0 */
#include "reply_json.h"

#include "test.h"

const struct json *reply_at(struct arena *a, const struct fake_reply *r, const char *path)
{
    const struct json *j;
    EXPECT_OK(json_parse(a, r->body, &j));
    slice rest = slice_of(path), step;
    while (rest.n && j) {
        uint64_t index;
        slice tail = S("");
        slice_cut(rest, '.', &step, &tail);
        rest = tail;
        if (j->type == JS_ARRAY && slice_to_u64(step, &index)) {
            j = j->child;
            while (index-- > 0 && j)
                j = j->next;
        } else {
            j = json_get(j, arena_cstr(a, step));
        }
    }
    return j;
}

static const struct json *reply_value_of_type(struct arena *a, const struct fake_reply *r, const char *path,
                                              enum js_type type, const char *what)
{
    const struct json *j = reply_at(a, r, path);
    if (!json_is(j, type))
        fail_msg("no %s at %s in %d %.*s", what, path, r->status, SLICE_ARG(r->body));
    return j;
}

int64_t reply_int(struct arena *a, const struct fake_reply *r, const char *path)
{
    return reply_value_of_type(a, r, path, JS_INT, "number")->integer;
}

slice reply_text(struct arena *a, const struct fake_reply *r, const char *path)
{
    return reply_value_of_type(a, r, path, JS_STRING, "text")->string;
}

bool reply_bool(struct arena *a, const struct fake_reply *r, const char *path)
{
    return reply_value_of_type(a, r, path, JS_BOOL, "boolean")->boolean;
}

size_t reply_count(struct arena *a, const struct fake_reply *r, const char *path)
{
    return json_count(reply_at(a, r, path));
}
