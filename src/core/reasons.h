/* SPDX-License-Identifier: Apache-2.0 */
/* Why core refused: the rules of reasons.def, as the `reason` of an error. */
#ifndef CAIS_CORE_REASONS_H
#define CAIS_CORE_REASONS_H

#include "base/err.h"

#include <assert.h>

enum core_reason {
    REASON_NONE = ERR_REASONS_CORE - 1,
#define REASON(group, name, code, text) REASON_##group##_##name,
#include "core/reasons.def"
#undef REASON
    REASON_END /* one more than the last */
};
static_assert((int)REASON_END <= (int)ERR_REASONS_HTTP, "the reasons of core and of the HTTP engine overlap");

/* The error of a rule, with its code and its text. */
err_t core_refuse_at(struct arena *a, const char *where, enum core_reason reason);
#define core_refuse(a, reason) core_refuse_at((a), ERR_HERE, (reason))
/* The same, with a text that also names the item that broke the rule, and with the error that showed it. */
err_t core_refuse_detail_at(struct arena *a, const char *where, err_t cause, enum core_reason reason, const char *fmt,
                            ...) PRINTF_LIKE(5, 6);
#define core_refuse_detail(a, reason, ...) core_refuse_detail_at((a), ERR_HERE, NULL, (reason), __VA_ARGS__)
#define core_refuse_because(a, cause, reason, ...) core_refuse_detail_at((a), ERR_HERE, (cause), (reason), __VA_ARGS__)

enum core_reason_group {
    REASONS_TASK,
    REASONS_FILE,
    REASONS_QUOTA,
    REASONS_TICKET,
    REASONS_BUCKET,
    REASONS_ENTRY,
    REASONS_UPLOAD,
    REASONS_PLACE,
    REASONS_ENVIRONMENT,
    REASONS_COURSE,
    REASONS_ENROLMENT,
    REASONS_SPACE,
    REASONS_FOLDER,
    REASONS_DATASET,
    REASONS_TRANSFER,
    REASONS_SYNC,
    REASONS_INBOX
};
enum core_reason_group core_reason_group(enum core_reason reason);

#endif
