/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/role_name.h"

#include <string.h>

bool role_name_parse(const char *text, enum course_role *ret)
{
    static const struct {
        const char *name;
        enum course_role role;
    } names[] = { { "member", ROLE_MEMBER },
                  { "tutor", ROLE_TUTOR },
                  { "teacher", ROLE_TEACHER },
                  { "administrator", ROLE_ADMINISTRATOR },
                  { "environment_admin", ROLE_ADMINISTRATOR } };
    for (size_t i = 0; text && i < LENGTH_OF(names); i++)
        if (strcmp(text, names[i].name) == 0) {
            *ret = names[i].role;
            return true;
        }
    return false;
}
