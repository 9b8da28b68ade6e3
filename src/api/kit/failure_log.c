/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/failure_log.h"

bool is_server_failure(err_t e)
{
    return (e->code == ERR_UNAVAILABLE || e->code == ERR_NO_SPACE || e->code == ERR_CORRUPT) && !http_refusal_of(e);
}

void log_failure(struct log *log, const struct http_exchange *x, err_t e)
{
    SCRATCH(scratch);
    if (log)
        log_line(log, LOG_ERROR, "request failed", LOG_S("request_id", x->req.id),
                 LOG_S("kind", slice_of(err_code_name(e->code))), LOG_S("error", err_text(&scratch, e)),
                 LOG_S("where", slice_of(e->where)));
}
