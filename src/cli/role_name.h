/* SPDX-License-Identifier: Apache-2.0 */
/* The roles of a course as options name them. */
#ifndef CAIS_CLI_ROLE_NAME_H
#define CAIS_CLI_ROLE_NAME_H

#include "base/arena.h"
#include "core/records/course.h"

#define ROLE_NAMES "member, tutor, teacher, administrator or environment_admin, which is the same"

/* False: there is no such role. text: NULL is none. */
bool role_name_parse(const char *text, enum course_role *ret);

#endif
