/* SPDX-License-Identifier: Apache-2.0 */
/* Boards and their custom fields. */
#ifndef CAIS_API_RUNRUN_BOARDS_PRIV_H
#define CAIS_API_RUNRUN_BOARDS_PRIV_H

#include "base/json.h"

struct runrun_boards {
    const struct json *boards, *fields; /* arrays, checked; NULL: none */
};

/* Errors: INVALID not a boards file. Everything in `a`. */
MUST_USE err_t runrun_boards_read(slice text, struct arena *a, const struct runrun_boards **ret);
bool runrun_board_is_known(const struct runrun_boards *, int64_t board_id);
/* Its name, or one made of its number. */
slice runrun_board_name(const struct runrun_boards *, int64_t board_id, struct arena *a);

#endif
