/* SPDX-License-Identifier: Apache-2.0 */
/* The refusals of the engine itself: the rules of refusals.def, as the `reason` of an error. An API may refuse by one
 * of them, too: a handler that finds nothing at a path returns HTTP_REFUSE_NO_ROUTE. */
#ifndef CAIS_HTTP_REFUSAL_H
#define CAIS_HTTP_REFUSAL_H

#include "base/err.h"

#include <assert.h>

enum http_refusal {
    HTTP_REFUSE_NOTHING = ERR_REASONS_HTTP - 1,
#define HTTP_REFUSAL(name, code, status, closes, text) HTTP_REFUSE_##name,
#include "http/refusals.def"
#undef HTTP_REFUSAL
    HTTP_REFUSE_END /* one more than the last */
};
static_assert((int)HTTP_REFUSE_END <= (int)ERR_REASONS_API, "the reasons of the HTTP engine and of the APIs overlap");

struct http_refusal_row {
    enum err_code code;
    int status;
    bool closes;
    const char *text;
};
/* The row of the refusal that this error is; NULL: it is another error, or success. */
const struct http_refusal_row *http_refusal_of(err_t e);

/* The error of a refusal. text: which rule was broken; NULL: the text of the row. */
err_t http_refuse_at(struct arena *a, const char *where, enum http_refusal, const char *text);
#define http_refuse(a, refusal, text) http_refuse_at((a), ERR_HERE, (refusal), (text))

#endif
