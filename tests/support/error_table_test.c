/* SPDX-License-Identifier: Apache-2.0 */
#include "error_table_test.h"

#include "test.h"

static void expect_row(const struct error_table *t, err_t e, const char *what)
{
    int row = error_row_of(t, e);
    if (row <= 0 || row >= t->row_count)
        fail_msg("no row for %s %s", what, e->msg);
    struct error_row words = error_words(t, e);
    EXPECT(words.status >= 400 && words.status < 600 && words.text && words.text[0]);
}

void expect_complete_error_table(const struct error_table *t)
{
    SCRATCH(a);
    for (int code = 0; code < ERR_CODE_COUNT; code++)
        expect_row(t, err_make(&a, (enum err_code)code, "%s", err_code_name((enum err_code)code)), "code");
    for (int refusal = ERR_REASONS_HTTP; refusal < HTTP_REFUSE_END; refusal++) {
        if (!t->refusals[refusal - ERR_REASONS_HTTP])
            fail_msg("no row for the refusal %s", http_refuse(&a, (enum http_refusal)refusal, NULL)->msg);
        expect_row(t, http_refuse(&a, (enum http_refusal)refusal, NULL), "refusal");
    }
    for (int rule = REASON_NONE + 1; rule < REASON_END; rule++) {
        err_t e = core_refuse(&a, (enum core_reason)rule);
        bool is_never_met = t->never & 1u << core_reason_group((enum core_reason)rule);
        if (is_never_met ? t->rules[rule] != 0 : t->rules[rule] == 0)
            fail_msg("%s row for the rule: %s", is_never_met ? "a needless" : "no", e->msg);
        expect_row(t, e, "rule");
    }
    for (int row = 1; row < t->row_count; row++) {
        const struct error_row *words = &t->rows[row];
        EXPECT(words->code && words->code[0]);
        EXPECT(words->status ? words->status >= 400 && words->status < 600 : !words->text);
    }
}
