/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_header.h"

#include <assert.h>

static const char *const type_names[SYNC_TYPE_COUNT] = {
    [SYNC_STRING] = "string", [SYNC_INT] = "int",     [SYNC_NUMBER] = "number", [SYNC_BOOL] = "bool",
    [SYNC_DATE] = "date",     [SYNC_ARRAY] = "array", [SYNC_OBJECT] = "object", [SYNC_LIST] = "list"
};

slice sync_type_name(enum sync_type type)
{
    assert(type < SYNC_TYPE_COUNT);
    return slice_of(type_names[type]);
}

bool sync_type_find(slice name, enum sync_type *ret_type)
{
    for (int i = 0; i < SYNC_TYPE_COUNT; i++)
        if (slice_eq(name, slice_of(type_names[i]))) {
            *ret_type = (enum sync_type)i;
            return true;
        }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_joint(char c)
{
    return c == '-' || c == '_';
}

bool sync_code_is_valid(slice code)
{
    if (code.n == 0 || code.n > SYNC_CODE_MAX || !is_letter(code.p[0]) || is_joint(code.p[code.n - 1]))
        return false;
    for (size_t i = 1; i < code.n; i++) {
        bool is_of_word = is_letter(code.p[i]) || (code.p[i] >= '0' && code.p[i] <= '9');
        if (!is_of_word && (!is_joint(code.p[i]) || is_joint(code.p[i - 1])))
            return false;
    }
    return true;
}
