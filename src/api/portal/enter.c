/* SPDX-License-Identifier: Apache-2.0 */
/* The way in by an offered session (core/access/session.h). The secret stands behind the # of a link, so browsers send it to
 * nobody and no log has it. The script of the page puts it into the form and sends that; a program that only fetches what a link
 * names uses nothing up. */
#include "api/kit/browser.h"
#include "api/portal/portal_priv.h"
#include "core/access/session.h"

err_t portal_show_enter(struct http_exchange *x)
{
    struct portal_page page;
    slice csrf = portal_form_token(x);
    portal_page_begin(&page, x, PORTAL_TEXT_ENTER_TITLE, "enter.js");
    buf_add(&page.out, S("<p>"));
    portal_page_add_text(&page, PORTAL_TEXT_ENTER_TEXT);
    buf_add(&page.out, S("</p>\n<noscript><p class=\"problem\">"));
    portal_page_add_text(&page, PORTAL_TEXT_NEEDS_SCRIPT);
    buf_add(&page.out, S("</p></noscript>\n<form method=\"post\" action=\"/portal/enter\">\n"));
    portal_page_add_field(&page, "csrf", csrf);
    portal_page_add_field(&page, "secret", S(""));
    buf_add(&page.out, S("<button type=\"submit\">"));
    portal_page_add_text(&page, PORTAL_TEXT_LOG_IN);
    buf_add(&page.out, S("</button>\n</form>\n"));
    portal_page_send(&page, 200, S(""));
    return NULL;
}

err_t portal_accept_enter(struct http_exchange *x)
{
    struct query form;
    struct principal who;
    slice secret;
    TRY(portal_read_form(x, &form));
    if (!browser_is_same_origin(x))
        return portal_refuse(&x->arena, PORTAL_OTHER_SITE);
    TRY(portal_check_form_token(x, &form));
    struct login_attempt *attempt = arena_new(&x->arena, struct login_attempt);
    attempt->has_offer = true;
    x->work = attempt;
    const struct session_request request = { .purpose = BROWSER_PURPOSE, .request_id = x->req.id };
    TRY(session_accept(((const struct portal *)x->api->context)->core, &request, portal_form_field(&form, S("secret")),
                       &x->arena, &secret, &who));
    return portal_enter(x, secret, S(""));
}
