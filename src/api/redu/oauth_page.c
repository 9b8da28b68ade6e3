/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of OAuth, and the replies to its errors. A refusal shows a text of a table and nothing else: no part of the request, which
 * may hold a secret. */
#include "api/kit/json_reply.h"
#include "api/redu/oauth_priv.h"

static const char *const texts[OAUTH_TEXTS][PAGE_LANGUAGES] = {
#define TEXT(NAME, ...) [OAUTH_TEXT_##NAME] = { __VA_ARGS__ },
#include "api/redu/oauth_texts.def"
#undef TEXT
};

slice oauth_text(enum page_language language, enum oauth_text text)
{
    return slice_of(texts[text][language]);
}

/* ---- pages ---- */

static void add_paragraph(struct buf *b, slice text)
{
    buf_add(b, S("<p>"));
    html_add_text(b, text);
    buf_add(b, S("</p>\n"));
}

static void add_fact(struct buf *b, slice label, slice value)
{
    buf_add(b, S("<p>"));
    html_add_text(b, label);
    buf_add(b, S(": <strong>"));
    html_add_text(b, value);
    buf_add(b, S("</strong></p>\n"));
}

static void add_hidden(struct buf *b, const char *name, slice value)
{
    buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    html_add_text(b, value);
    buf_add(b, S("\">\n"));
}

static void add_form(struct buf *b, const struct oauth_question *q, const char *answer, slice button)
{
    buf_add(b, S("<form method=\"post\" action=\"/oauth/authorize\">\n"));
    add_hidden(b, "csrf", q->csrf);
    for (size_t i = 0; i < q->field_count; i++)
        add_hidden(b, q->fields[i].name, q->fields[i].value);
    add_hidden(b, "authorize", slice_of(answer));
    buf_add(b, S("<button type=\"submit\">"));
    html_add_text(b, button);
    buf_add(b, S("</button>\n</form>\n"));
}

void oauth_show_question(struct http_exchange *x, const struct oauth_question *q)
{
    struct html_page page;
    enum page_language language = page_language_of(x);
    html_page_begin(&page, x, language, oauth_text(language, OAUTH_TEXT_ASK_TITLE));
    add_fact(&page.out, oauth_text(language, OAUTH_TEXT_APPLICATION), q->application->client_id);
    add_fact(&page.out, oauth_text(language, OAUTH_TEXT_OWNER), q->application->owner_login);
    add_fact(&page.out, oauth_text(language, OAUTH_TEXT_ACTS_FOR), q->login);
    if (q->redirect.n) {
        page.form_target = callback_origin(q->redirect);
        add_fact(&page.out, oauth_text(language, OAUTH_TEXT_LEADS_TO), page.form_target);
    }
    add_paragraph(&page.out, oauth_text(language, OAUTH_TEXT_EXPLANATION));
    add_form(&page.out, q, "1", oauth_text(language, OAUTH_TEXT_ALLOW));
    add_form(&page.out, q, "0", oauth_text(language, OAUTH_TEXT_DENY));
    html_page_send(&page, 200);
}

void oauth_show_pin(struct http_exchange *x, slice pin)
{
    struct html_page page;
    enum page_language language = page_language_of(x);
    html_page_begin(&page, x, language, oauth_text(language, OAUTH_TEXT_PIN_TITLE));
    buf_add(&page.out, S("<code>"));
    html_add_text(&page.out, pin);
    buf_add(&page.out, S("</code>\n"));
    add_paragraph(&page.out, oauth_text(language, OAUTH_TEXT_PIN_EXPLANATION));
    html_page_send(&page, 200);
}

static void show_message(struct http_exchange *x, int status, enum oauth_text title, enum oauth_text text)
{
    struct html_page page;
    enum page_language language = page_language_of(x);
    html_page_begin(&page, x, language, oauth_text(language, title));
    buf_add(&page.out, S("<p class=\"problem\" role=\"alert\">"));
    html_add_text(&page.out, oauth_text(language, text));
    buf_add(&page.out, S("</p>\n"));
    html_page_send(&page, status);
}

void oauth_show_denial(struct http_exchange *x)
{
    show_message(x, 200, OAUTH_TEXT_DENIED_TITLE, OAUTH_TEXT_DENIED);
}

/* ---- errors ---- */

static enum oauth_text text_of(int row, int status)
{
    switch (row + ERR_REASONS_API) {
    case REDU_OAUTH_NO_APPLICATION:
        return OAUTH_TEXT_NO_APPLICATION;
    case REDU_OAUTH_BAD_REDIRECT:
        return OAUTH_TEXT_BAD_REDIRECT;
    case REDU_OAUTH_FORM_EXPIRED:
        return OAUTH_TEXT_FORM_EXPIRED;
    default:
        return status == 429 ? OAUTH_TEXT_TOO_MANY : status >= 500 ? OAUTH_TEXT_UNAVAILABLE : OAUTH_TEXT_INVALID;
    }
}

/* RFC 6749 §5.2; what it has no word for is called as in §4.1.2.1. */
static const char *error_name(int row, const struct error_row *words)
{
    switch (row + ERR_REASONS_API) {
    case REDU_OAUTH_INVALID_CLIENT:
    case REDU_OAUTH_INVALID_GRANT:
    case REDU_OAUTH_UNSUPPORTED_GRANT:
        return words->code;
    default:
        return words->status == 500                           ? "server_error"
               : words->status == 429 || words->status == 503 ? "temporarily_unavailable"
                                                              : "invalid_request";
    }
}

static void send_token_error(struct http_exchange *x, int row, const struct error_row *words)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "error", slice_of(error_name(row, words)));
    json_close_object(&reply.out);
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_send(&reply, words->status, JSON_REPLY_TYPE_UTF8);
}

bool redu_oauth_fail(struct http_exchange *x, int row, const struct error_row *words)
{
    if (!x->route)
        return false;
    if (slice_eq(slice_of(x->route->pattern), S("/oauth/token")))
        send_token_error(x, row, words);
    else if (slice_eq(slice_of(x->route->pattern), S("/oauth/authorize")))
        show_message(x, words->status, OAUTH_TEXT_PROBLEM_TITLE, text_of(row, words->status));
    else
        return false;
    return true;
}
