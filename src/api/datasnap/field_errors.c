/* SPDX-License-Identifier: Apache-2.0 */
#include "api/datasnap/field_errors.h"

struct field_text {
    slice text;
    struct field_text *next;
};

struct field_error {
    slice path;
    struct field_text *texts;
    struct field_text **tail;
    struct field_error *next;
};

void field_errors_init(struct field_errors *errors, struct arena *a)
{
    *errors = (struct field_errors){ .a = a };
}

/* Errors of one field come one after the other, or nearly so; there are few in all. */
static struct field_error *error_of_path(struct field_errors *errors, slice path)
{
    for (struct field_error *e = errors->first; e; e = e->next)
        if (slice_eq(e->path, path))
            return e;
    struct field_error *e = arena_new(errors->a, struct field_error);
    e->path = path;
    e->tail = &e->texts;
    if (errors->last)
        errors->last->next = e;
    else
        errors->first = e;
    errors->last = e;
    return e;
}

void field_error_add(struct field_errors *errors, slice text, const char *path, ...)
{
    if (errors->count == FIELD_ERRORS_MAX)
        return;
    errors->count++;
    va_list args;
    va_start(args, path);
    struct field_error *e = error_of_path(errors, arena_vprintf(errors->a, path, args));
    va_end(args);
    struct field_text *t = arena_new(errors->a, struct field_text);
    t->text = text;
    *e->tail = t;
    e->tail = &t->next;
}

slice field_errors_first(const struct field_errors *errors)
{
    return errors->first ? errors->first->texts->text : S("");
}

void field_errors_write(const struct field_errors *errors, struct json_out *out)
{
    json_open_object(out);
    for (const struct field_error *e = errors->first; e; e = e->next) {
        json_name(out, arena_cstr(errors->a, e->path));
        json_open_array(out);
        for (const struct field_text *t = e->texts; t; t = t->next)
            json_add_string(out, t->text);
        json_close_array(out);
    }
    json_close_object(out);
}
