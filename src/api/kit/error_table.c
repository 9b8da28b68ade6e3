/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/error_table.h"

#include <assert.h>

int error_row_of(const struct error_table *t, err_t e)
{
    int reason = e->reason, row = 0;
    if (reason > ERR_REASONS_API)
        row = reason - ERR_REASONS_API;
    else if (http_refusal_of(e))
        row = t->refusals[reason - ERR_REASONS_HTTP];
    else if (reason)
        row = t->rules[reason];
    assert(row < t->row_count);
    return row ? row : t->codes[e->code];
}

struct error_row error_words(const struct error_table *t, err_t e)
{
    struct error_row row = t->rows[error_row_of(t, e)];
    const struct http_refusal_row *refusal = http_refusal_of(e);
    if (!row.status)
        row.status = refusal ? refusal->status : 500;
    if (!row.text)
        row.text = e->msg;
    return row;
}

/* The code of errors that corresponds to a status: the program distinguishes errors by their codes. */
static enum err_code code_of_status(int status)
{
    switch (status) {
    case 401:
        return ERR_UNAUTHENTICATED;
    case 403:
        return ERR_FORBIDDEN;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
    case 412:
        return ERR_CONFLICT;
    case 413:
        return ERR_TOO_LARGE;
    case 429:
        return ERR_RATE;
    case 501:
        return ERR_UNSUPPORTED;
    case 503:
        return ERR_UNAVAILABLE;
    default:
        return ERR_INVALID;
    }
}

err_t error_refuse_at(struct arena *a, const char *where, const struct error_table *t, err_t cause, int reason)
{
    int number = reason - ERR_REASONS_API;
    assert(number > 0 && number < t->row_count);
    const struct error_row *row = &t->rows[number];
    return err_refuse_at(a, where, cause, code_of_status(row->status), reason, "%s", row->text ? row->text : row->code);
}
