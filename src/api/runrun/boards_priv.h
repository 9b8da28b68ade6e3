/* SPDX-License-Identifier: Apache-2.0 */
/* Boards and their custom fields, as the boards file of the operator lists them. Source: docs/apis/runrun.md §6.10. */
#ifndef CAIS_API_RUNRUN_BOARDS_PRIV_H
#define CAIS_API_RUNRUN_BOARDS_PRIV_H

#include "base/json.h"

struct runrun_boards {
    const struct json *boards, *fields; /* checked arrays; NULL when the file has none */
};

/* Parses and checks the text of a boards file; an empty text has no boards. The result is in `a`. Errors: INVALID. */
MUST_USE err_t runrun_boards_read(slice text, struct arena *a, const struct runrun_boards **ret);
bool runrun_board_is_known(const struct runrun_boards *, int64_t board_id);
/* Its name, or "Board N" when the file does not list it. In `a`, or borrowed from the boards. */
slice runrun_board_name(const struct runrun_boards *, int64_t board_id, struct arena *a);

#endif
