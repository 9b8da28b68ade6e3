/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reasons.h"

#include <assert.h>

static const struct {
    enum core_reason_group group;
    enum err_code code;
    const char *text;
} rules[REASON_END] = {
#define REASON(group, name, code, text) [REASON_##group##_##name] = { REASONS_##group, ERR_##code, text },
#include "core/reasons.def"
#undef REASON
};

enum core_reason_group core_reason_group(enum core_reason reason)
{
    assert(reason > REASON_NONE && reason < REASON_END);
    return rules[reason].group;
}

err_t core_refuse_at(struct arena *a, const char *where, enum core_reason reason)
{
    assert(reason > REASON_NONE && reason < REASON_END);
    return core_refuse_detail_at(a, where, NULL, reason, "%s", rules[reason].text);
}

err_t core_refuse_detail_at(struct arena *a, const char *where, err_t cause, enum core_reason reason, const char *fmt,
                            ...)
{
    assert(reason > REASON_NONE && reason < REASON_END);
    va_list args;
    va_start(args, fmt);
    slice text = arena_vprintf(a, fmt, args);
    va_end(args);
    return err_refuse_at(a, where, cause, rules[reason].code, reason, "%s", text.p);
}
