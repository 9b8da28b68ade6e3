/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/welcome.h"

#include "api/kit/browser.h"
#include "core/access/access.h"
#include "core/access/session.h"

#define FIRST_ADMINISTRATOR S("admin")

static err_t find_administrator(struct core *core, struct arena *a, slice *ret_login)
{
    struct user_list users;
    TRY(user_list(core, S("default"), ALL_IDS, a, &users));
    for (size_t i = 0; i < users.count; i++) {
        const struct user *user = &users.items[i];
        if (user->is_admin && user->kind == USER_PERSON && user->state == USER_ACTIVE) {
            *ret_login = user->login;
            return NULL;
        }
    }
    return err_make(a, ERR_NOT_FOUND, "the account has no administrator");
}

static err_t make_administrator(struct core *core, const struct principal *operator_, struct arena *a, slice *ret_login)
{
    struct user made;
    const struct user_request request = {
        .login = FIRST_ADMINISTRATOR, .name = S("Administrator"), .kind = USER_PERSON, .is_admin = true
    };
    TRY(user_create(core, operator_, &request, a, &made));
    *ret_login = made.login;
    return NULL;
}

static err_t offer_link(struct core *core, struct arena *a, slice *ret_login, slice *ret_secret)
{
    struct principal operator_;
    TRY(access_operator(core, S(""), a, &operator_));
    err_t e = find_administrator(core, a, ret_login);
    if (err_is(e, ERR_NOT_FOUND))
        e = make_administrator(core, &operator_, a, ret_login);
    TRY(e);
    const struct session_offer offer = { .purpose = BROWSER_PURPOSE,
                                         .login = *ret_login,
                                         .lifetime_ms = WELCOME_LINK_MS };
    return session_offer(core, &operator_, &offer, a, ret_secret);
}

err_t welcome_print(struct core *core, slice address, FILE *out, struct arena *a)
{
    slice login, secret;
    fprintf(out, "\n  The portal       " SLICE_FMT "/\n", SLICE_ARG(address));
    err_t e = offer_link(core, a, &login, &secret);
    if (!e)
        fprintf(out,
                "  Sign in as %s  " SLICE_FMT "/portal/enter#" SLICE_FMT
                "\n  The link works once, and for 15 minutes. `cais user password` sets a password.\n\n",
                arena_cstr(a, login), SLICE_ARG(address), SLICE_ARG(secret));
    fflush(out);
    return err_is(e, ERR_CONFLICT) ? NULL : e; /* `admin` is the login of somebody else */
}
