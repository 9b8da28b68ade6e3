/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <string.h>

err_t err_make_at(struct arena *a, const char *where, err_t cause, enum err_code code, const char *fmt, ...)
{
    struct err *e = arena_new(a, struct err);
    va_list args;
    va_start(args, fmt);
    *e = (struct err){ .code = code, .msg = arena_vprintf(a, fmt, args).p, .cause = cause, .where = where };
    va_end(args);
    return e;
}

err_t err_refuse_at(struct arena *a, const char *where, err_t cause, enum err_code code, int reason, const char *fmt,
                    ...)
{
    struct err *e = arena_new(a, struct err);
    va_list args;
    va_start(args, fmt);
    *e = (struct err){
        .code = code, .reason = reason, .msg = arena_vprintf(a, fmt, args).p, .cause = cause, .where = where
    };
    va_end(args);
    return e;
}

err_t err_errno_at(struct arena *a, const char *where, int errnum, const char *fmt, ...)
{
    enum err_code code = errnum == ENOSPC || errnum == EDQUOT ? ERR_NO_SPACE
                         : errnum == ENOENT                   ? ERR_NOT_FOUND
                                                              : ERR_UNAVAILABLE;
    va_list args;
    va_start(args, fmt);
    slice what = arena_vprintf(a, fmt, args);
    va_end(args);
    char text[128];
    return err_make_at(a, where, NULL, code, SLICE_FMT ": %s", SLICE_ARG(what), strerror_r(errnum, text, sizeof text));
}

err_t err_over_memory_at(struct arena *a, const char *where)
{
    if (arena_is_over_limit(a))
        return err_make_at(a, where, NULL, ERR_TOO_LARGE, "this takes more memory than one request may use");
    return err_make_at(a, where, NULL, ERR_UNAVAILABLE, "the memory for requests is in use");
}

err_t err_copy(struct arena *a, err_t e)
{
    if (!e)
        return NULL;
    struct err *copy = arena_new(a, struct err);
    *copy = *e;
    copy->msg = arena_cstr(a, slice_of(e->msg));
    copy->cause = err_copy(a, e->cause);
    return copy;
}

bool err_is(err_t e, enum err_code code)
{
    return e && e->code == code;
}

const char *err_code_name(enum err_code code)
{
    static const char *const names[] = {
#define ERR(code, name) [ERR_##code] = name,
#include "base/err_codes.def"
#undef ERR
    };
    return (unsigned)code < ERR_CODE_COUNT ? names[code] : "unknown";
}

static slice text_of_chain(struct arena *a, err_t e, bool with_library)
{
    slice text = e ? slice_of(e->msg) : S("no error");
    for (e = e ? e->cause : NULL; e; e = e->cause)
        if (with_library || !e->is_library)
            text = arena_printf(a, SLICE_FMT ": %s", SLICE_ARG(text), e->msg);
    return text;
}

slice err_text(struct arena *a, err_t e)
{
    return text_of_chain(a, e, true);
}

slice err_text_for_people(struct arena *a, err_t e)
{
    return text_of_chain(a, e, false);
}

err_t err_library(struct arena *a, const char *library, const char *text)
{
    struct err *e = arena_new(a, struct err);
    *e = (struct err){ .code = ERR_UNAVAILABLE,
                       .msg = arena_printf(a, "%s: %s", library, text ? text : "no text").p,
                       .is_library = true };
    return e;
}
