/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal shows a text of the table and nothing else: no part of the request, which may hold a password, and no message of
 * an error. */
#include "api/kit/browser.h"
#include "api/kit/failure_log.h"
#include "api/portal/portal_priv.h"

#define RETRY_AFTER_SECONDS S("5")

#define NUMBER(row) (PORTAL_##row - ERR_REASONS_API)
#define ERROR_LIST "api/portal/errors.def"
#include "api/kit/error_tables.def"
const struct error_table portal_errors = ERROR_TABLE;

static const enum portal_text row_texts[] = {
#define ROW(name, status, code, text) [NUMBER(name)] = PORTAL_TEXT_##name,
#include "api/portal/errors.def"
};

static void show_problem(struct http_exchange *x, int status, enum portal_text problem)
{
    struct portal_page page;
    portal_page_begin(&page, x, PORTAL_TEXT_PROBLEM_TITLE, NULL);
    portal_page_add_problem(&page, problem);
    buf_add(&page.out, S("<p><a href=\"" BROWSER_LOGIN "\">"));
    portal_page_add_text(&page, PORTAL_TEXT_TO_LOGIN);
    buf_add(&page.out, S("</a></p>\n"));
    portal_page_send(&page, status, S(""));
}

void portal_fail(struct http_exchange *x, err_t e)
{
    const struct portal *p = x->api->context;
    const struct login_attempt *login = x->work;
    struct error_row words = error_words(&portal_errors, e);
    enum portal_text text = row_texts[error_row_of(&portal_errors, e)];
    if (is_server_failure(e))
        log_failure(p->log, x, e);
    if (words.status == 503 && !http_refusal_of(e)) /* the engine adds its own */
        http_reply_header(x, "Retry-After", RETRY_AFTER_SECONDS);
    if (login && login->has_offer && words.status == 403)
        show_problem(x, words.status, PORTAL_TEXT_LINK_USED);
    else if (login && !login->has_offer)
        portal_show_login(x, words.status, login->next, text);
    else
        show_problem(x, words.status, text);
}
