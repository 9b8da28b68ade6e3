/* SPDX-License-Identifier: Apache-2.0 */
/* What the writes of this room share. */
#ifndef CAIS_CORE_SPACE_COURSE_WRITE_PRIV_H
#define CAIS_CORE_SPACE_COURSE_WRITE_PRIV_H

#include "core/space/place.h"
#include "core/store/name_keys.h"

/* A change by a person. */
struct course_write {
    struct core *core;
    const struct principal *who;
    int64_t now_ms;
    int64_t account_id; /* that what is changed belongs to */
};

/* Its subject is the noun with the id of its record, as in "folder:12". */
struct course_event {
    slice action;
    const char *noun;
    int64_t id;
    slice detail;
};
MUST_USE err_t course_write_event(struct meta_tx *, const struct course_write *, const struct course_event *,
                                  struct arena *a);
/* Takes room in the account for records; a negative number gives it back. Errors: QUOTA, NO_SPACE, UNAVAILABLE. */
MUST_USE err_t course_take_room(struct meta_tx *, const struct course_write *, int64_t records, struct arena *a);

/* The keys by which names are compared, in `a`. */
struct name_keys course_name_keys(slice name, slice path, struct arena *a);

enum { COURSE_TEXT_MAX = 4096 /* bytes, of a description */ };
/* Well-formed, not blank, without control characters, at most COURSE_NAME_MAX characters. Errors: EMPTY, TOO_LARGE, INVALID. */
MUST_USE err_t course_check_name(slice name, struct arena *a);
/* 1 to COURSE_PATH_MAX of A-Z a-z 0-9 - _. Errors: EMPTY, TOO_LARGE, INVALID. */
MUST_USE err_t course_check_path(slice path, struct arena *a);
/* Well-formed, at most COURSE_TEXT_MAX bytes. Errors: TOO_LARGE, INVALID. */
MUST_USE err_t course_check_text(slice text, struct arena *a);

#endif
