/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reasons.h"

#include <assert.h>

static const struct {
    enum err_code code;
    const char *text;
} rules[REASON_END] = {
#define REASON(name, code, text) [REASON_##name] = { ERR_##code, text },
#include "core/reasons.def"
#undef REASON
};

enum err_code core_reason_code(enum core_reason reason)
{
    assert(reason > REASON_NONE && reason < REASON_END);
    return rules[reason].code;
}

err_t core_refuse_at(struct arena *a, const char *where, enum core_reason reason)
{
    return err_refuse_at(a, where, core_reason_code(reason), reason, "%s", rules[reason].text);
}

err_t core_refuse_detail_at(struct arena *a, const char *where, enum core_reason reason, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice text = arena_vprintf(a, fmt, args);
    va_end(args);
    return err_refuse_at(a, where, core_reason_code(reason), reason, "%s", text.p);
}
