/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one type, which functions return to their callers. NULL is success. An error lives in the arena that it was
 * made in. A caller branches on the code; msg is one short fact for a person, without secrets. Library code passes
 * errors to its caller, and the outermost layer logs them once. A bug is not an error: use assert. */
#ifndef CAIS_BASE_ERR_H
#define CAIS_BASE_ERR_H

#include "base/arena.h"

enum err_code {
#define ERR(code, name) ERR_##code,
#include "base/err_codes.def"
#undef ERR
    ERR_CODE_COUNT
};

struct err {
    enum err_code code;
    int reason; /* the rule that refused, if several rules share the code; 0: none. See err_refuse */
    const char *msg;
    const struct err *cause;
    const char *where; /* file:line where it was made, for the log only */
    bool is_library;   /* err_library */
};
typedef const struct err *err_t;

#define ERR_STR2(x) #x
#define ERR_STR(x) ERR_STR2(x)
#define ERR_HERE __FILE__ ":" ERR_STR(__LINE__)

err_t err_make_at(struct arena *a, const char *where, err_t cause, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
#define err_make(a, code, ...) err_make_at((a), ERR_HERE, NULL, (code), __VA_ARGS__)
#define err_because(a, cause, code, ...) err_make_at((a), ERR_HERE, (cause), (code), __VA_ARGS__)
/* An error that also names the rule that refused, so that the edge can word its answer. `reason` is a number of the
 * list that the caller's part of the program keeps; base does not read it. The lists do not overlap: from
 * ERR_REASONS_CORE on the rules of the product, from ERR_REASONS_HTTP on those of the HTTP engine, from ERR_REASONS_API
 * on those that one API adds for itself. */
enum { ERR_REASONS_CORE = 1, ERR_REASONS_HTTP = 1000, ERR_REASONS_API = 2000 };
err_t err_refuse_at(struct arena *a, const char *where, err_t cause, enum err_code code, int reason, const char *fmt,
                    ...) PRINTF_LIKE(6, 7);
#define err_refuse(a, code, reason, ...) err_refuse_at((a), ERR_HERE, NULL, (code), (reason), __VA_ARGS__)
#define err_refuse_because(a, cause, code, reason, ...)                                                                \
    err_refuse_at((a), ERR_HERE, (cause), (code), (reason), __VA_ARGS__)
/* The reason of this error, not that of its causes; 0 for success. */
static inline int err_reason(err_t e)
{
    return e ? e->reason : 0;
}
/* An error for an errno: ENOSPC and EDQUOT become NO_SPACE, ENOENT becomes NOT_FOUND, every other UNAVAILABLE. */
err_t err_errno_at(struct arena *a, const char *where, int errnum, const char *fmt, ...) PRINTF_LIKE(4, 5);
#define err_errno(a, errnum, ...) err_errno_at((a), ERR_HERE, (errnum), __VA_ARGS__)

/* A copy in `a`, with its causes: for an error that must outlive the arena that it was made in. */
err_t err_copy(struct arena *a, err_t e);
bool err_is(err_t e, enum err_code code); /* false for success */
const char *err_code_name(enum err_code code);
/* "message: message of its cause: …", for logs. */
slice err_text(struct arena *a, err_t e);
/* The same for people, who have no use for the words of a library. */
slice err_text_for_people(struct arena *a, err_t e);
/* What a library says about a failure: only as the cause of an error that says it in words of ours, and with the number by which the
 * library knows it. */
err_t err_library(struct arena *a, const char *library, const char *text);

/* An error if the arena is over its limit (TOO_LARGE) or its budget is exceeded (UNAVAILABLE). For loops whose length the
 * input decides, each time round: TRY(arena_check(a)). */
#define arena_check(a) (arena_is_over(a) ? err_over_memory_at((a), ERR_HERE) : NULL)
err_t err_over_memory_at(struct arena *a, const char *where);

#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        err_t try_e_ = (expr);                                                                                         \
        if (try_e_)                                                                                                    \
            return try_e_;                                                                                             \
    } while (0)

#endif
