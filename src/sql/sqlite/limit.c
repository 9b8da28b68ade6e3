/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/sqlite/limit.h"

#include "base/regex.h"
#include "sql/sqlite/handle.h"

#include <stdlib.h>

/* A look at the clock takes as long as some ten instructions of SQLite. A single one can read a value of megabytes. */
#define INSTRUCTIONS_BETWEEN_LOOKS 100

static bool is_late(void *arg)
{
    const struct sqlite_limit *limit = arg;
    return limit->clock && clock_monotonic_ms(limit->clock) >= limit->deadline_ms;
}

static int interrupt_if_late(void *arg)
{
    return is_late(arg);
}

/* A pattern of a statement, from its first row on. */
struct kept_pattern {
    struct arena arena;
    struct regex *regex;
};

static void free_pattern(void *arg)
{
    struct kept_pattern *kept = arg;
    arena_release(&kept->arena);
    free(kept);
}

/* NULL: it is none, and SQLite was told. */
static struct kept_pattern *keep_pattern(sqlite3_context *context, sqlite3_value *pattern)
{
    struct kept_pattern *kept = must_malloc(sizeof *kept);
    slice text = { (const char *)sqlite3_value_text(pattern), (size_t)sqlite3_value_bytes(pattern) };
    arena_init(&kept->arena);
    if (!text.p || regex_compile(text, &kept->arena, &kept->regex)) {
        free_pattern(kept);
        sqlite3_result_error(context, "no regular expression", -1);
        return NULL;
    }
    return kept;
}

static void run_matches(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) != SQLITE_TEXT)
        return;
    struct kept_pattern *kept = sqlite3_get_auxdata(context, 1), *made = NULL;
    if (!kept)
        kept = made = keep_pattern(context, values[1]);
    if (!kept)
        return;
    const char *text = (const char *)sqlite3_value_text(values[0]);
    const struct regex_watch watch = { is_late, sqlite3_user_data(context) };
    enum regex_result found =
        regex_search(kept->regex, (slice){ text, (size_t)sqlite3_value_bytes(values[0]) }, &watch);
    if (found == REGEX_STOPPED)
        sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    else
        sqlite3_result_int(context, found == REGEX_FOUND);
    if (made)
        sqlite3_set_auxdata(context, 1, made, free_pattern);
}

err_t limit_handle(sqlite3 *handle, const struct sqlite_limit *limit, struct arena *a)
{
    void *arg = (void *)(uintptr_t)limit;
    sqlite3_progress_handler(handle, INSTRUCTIONS_BETWEEN_LOOKS, interrupt_if_late, arg);
    int result =
        sqlite3_create_function_v2(handle, "cais_matches", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                   arg, run_matches, NULL, NULL, NULL);
    return result == SQLITE_OK ? NULL : sqlite_err(handle, result, a);
}
