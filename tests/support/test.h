/* SPDX-License-Identifier: Apache-2.0 */
/* Included by every C test. TEST(name) { … } defines a test, RUN_TESTS(…) is main. */
#ifndef CAIS_TESTS_TEST_H
#define CAIS_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* needs the headers above */

#include "base/err.h"

#define TEST(name) static void name(__attribute__((unused)) void **state)

#define EXPECT(cond) assert_true(cond)
#define EXPECT_EQ(got, want) assert_int_equal((got), (want))
#define EXPECT_SLICE(got, want)                                                                                        \
    do {                                                                                                               \
        slice got_ = (got), want_ = (want);                                                                            \
        if (!slice_eq(got_, want_))                                                                                    \
            fail_msg("%s is '%.*s', expected '%.*s'", #got, SLICE_ARG(got_), SLICE_ARG(want_));                        \
    } while (0)
#define EXPECT_OK(expr)                                                                                                \
    do {                                                                                                               \
        err_t e_ = (expr);                                                                                             \
        if (e_)                                                                                                        \
            fail_msg("%s failed: %s: %s (%s)", #expr, err_code_name(e_->code), e_->msg, e_->where);                    \
    } while (0)
/* The call was refused by this rule: a reason of core, of the HTTP engine, or of an API. */
#define EXPECT_REFUSED(expr, want)                                                                                     \
    do {                                                                                                               \
        err_t e_ = (expr);                                                                                             \
        if (err_reason(e_) != (int)(want))                                                                             \
            fail_msg("%s gave reason %d (%s), expected %s", #expr, err_reason(e_), e_ ? e_->msg : "success", #want);   \
    } while (0)
#define EXPECT_ERR(expr, want)                                                                                         \
    do {                                                                                                               \
        err_t e_ = (expr);                                                                                             \
        if (!e_)                                                                                                       \
            fail_msg("%s succeeded, expected %s", #expr, err_code_name(want));                                         \
        else if (e_->code != (want))                                                                                   \
            fail_msg("%s gave %s (%s), expected %s", #expr, err_code_name(e_->code), e_->msg, err_code_name(want));    \
    } while (0)

#define RUN_TESTS(...)                                                                                                 \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };                                                             \
        return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;                                                      \
    }

/* The same, with a setup and a teardown for the whole group. */
#define RUN_TESTS_WITH(setup, teardown, ...)                                                                           \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };                                                             \
        return cmocka_run_group_tests(tests, setup, teardown) ? 1 : 0;                                                 \
    }

#endif
