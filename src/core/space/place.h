/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what in a course. One function decides, place_may; every API asks it through the calls of this room, and
 * each change asks it again inside its write, so an enrolment that ends while a file is being uploaded ends the upload.
 *
 *   account → environment → course → space → folder → file
 *
 * A person is enrolled in a course, with one role, and has it in all spaces, folders and files of the course. An administrator
 * of the environment has the role ADMINISTRATOR in all of its courses, and an administrator of the account in all of the
 * account. In an environment itself, whoever is enrolled in one of its courses is a MEMBER. Only approved enrolments
 * count. Nobody has a role in another account.
 *
 *   verb                MEMBER  TUTOR  TEACHER  ADMINISTRATOR
 *   PLACE_SEE             x       x       x        x            read all that is there
 *   PLACE_FILE                    x       x        x            create, change, remove folders and files
 *   PLACE_ARRANGE                         x        x            create, change, remove spaces
 *   PLACE_ADMINISTER                               x            change and remove environment and course, invite, expel
 *
 * A check is two look-ups by key, however many courses and enrolments there are. */
#ifndef CAIS_CORE_SPACE_PLACE_H
#define CAIS_CORE_SPACE_PLACE_H

#include "core/core.h"
#include "core/records/course.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

/* Characters of names and paths of environments, courses, spaces and folders. */
enum { COURSE_NAME_MAX = 255, COURSE_PATH_MAX = 255 };

enum place_verb { PLACE_SEE, PLACE_FILE, PLACE_ARRANGE, PLACE_ADMINISTER };

/* Where a thing is, as its record says: a space, folder or file is where its course is. */
struct place {
    int64_t account_id, environment_id;
    int64_t course_id; /* 0: the environment itself */
};
/* Of a record that has these members. */
#define PLACE_OF(record) (&(struct place){ (record)->account_id, (record)->environment_id, (record)->course_id })

/* The role of `who` there (NULL: of nobody, which is ROLE_NONE). Errors: those of the store. */
MUST_USE err_t place_role(struct meta_tx *, const struct principal *who, const struct place *, struct arena *a,
                          enum course_role *ret);
/* Errors: PLACE_ROLE_TOO_LOW; those of the store. */
MUST_USE err_t place_may(struct meta_tx *, const struct principal *who, enum place_verb, const struct place *,
                         struct arena *a);
/* The same inside a write that a request asked for: what admitted `who` may have ended, and an administrator be none any more, since the head
 * of the request came (core/grant.h). Errors: also REVOKED, BLOCKED, FORBIDDEN. */
MUST_USE err_t place_may_write(struct core *, struct meta_tx *, const struct principal *who, enum place_verb,
                               const struct place *, struct arena *a);

#endif
