/* SPDX-License-Identifier: Apache-2.0 */
/* Why core refused: the rules of reasons.def, as the `reason` of an error. */
#ifndef CAIS_CORE_REASONS_H
#define CAIS_CORE_REASONS_H

#include "base/err.h"

#include <assert.h>

enum core_reason {
    REASON_NONE = ERR_REASONS_CORE - 1,
#define REASON(name, code, text) REASON_##name,
#include "core/reasons.def"
#undef REASON
    REASON_END /* one more than the last */
};
static_assert((int)REASON_END <= (int)ERR_REASONS_HTTP, "the reasons of core and of the HTTP engine overlap");

/* The error of a rule, with its code and its text. */
err_t core_refuse_at(struct arena *a, const char *where, enum core_reason reason);
#define core_refuse(a, reason) core_refuse_at((a), ERR_HERE, (reason))
/* The same, with a text that also names the item that broke the rule. */
err_t core_refuse_detail_at(struct arena *a, const char *where, enum core_reason reason, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
#define core_refuse_detail(a, reason, ...) core_refuse_detail_at((a), ERR_HERE, (reason), __VA_ARGS__)

/* The code of a rule. */
enum err_code core_reason_code(enum core_reason reason);

#endif
